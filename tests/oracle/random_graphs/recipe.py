"""A recipe: a graph as data, made of units that can be built, printed and cut out one by one."""

from dataclasses import dataclass, field

import numpy as np

from tenon import _core, _thin
from tenon._graph import _attribute
from tenon._proto import op_info


@dataclass
class Value:
    """An output of a unit. EXACT: small multiples of 1/8, so that steps like comparisons see no rounding."""

    dtype: str
    shape: tuple
    exact: bool = False
    bound: float = 4.0  # about the largest magnitude
    unit: int = -1
    index: int = -1


@dataclass
class Node:
    """A node. Inputs are ("in", k), an input of the unit, or (i, output) of the unit's node i."""

    op: str
    inputs: list
    attrs: list
    controls: list = field(default_factory=list)


@dataclass
class Unit:
    """Some nodes that belong together, a loop say."""

    kind: str
    inputs: list  # of Value
    nodes: list = field(default_factory=list)
    outputs: list = field(default_factory=list)  # (node, output)
    values: list = field(default_factory=list)  # of Value, one for each output
    back_edges: list = field(default_factory=list)  # (merge node, (node, output))
    after: list = field(default_factory=list)  # Values that must be computed before this unit's first node
    feed: np.ndarray = None  # of a placeholder
    initial: int = -1  # the node that gives a variable its value
    fixed: bool = False  # can't be replaced by a feed

    def node(self, op, *inputs, controls=(), **attrs):
        """Adds a node; its index. Inputs: an int is output 0 of that node, lists are flattened."""
        kinds = op_info(op).attrs
        triples = [(name, kinds[name], _attribute(kinds[name], value)) for name, value in attrs.items()]
        flat = [x for i in inputs for x in (i if isinstance(i, list) else [i])]
        self.nodes.append(Node(op, [(x, 0) if isinstance(x, int) else x for x in flat], triples, list(controls)))
        return len(self.nodes) - 1

    def const(self, value, dtype):
        """A Const node; its index."""
        number = _thin.as_dtype(dtype).number
        return self.node(
            "Const", value=_core.Value(np.asarray(value, _thin.as_dtype(dtype).numpy), number), dtype=number
        )

    def gives(self, node, dtype, shape, index=0, **more):
        """Declares an output."""
        self.outputs.append((node, index))
        self.values.append(Value(dtype, tuple(shape), **more))


IN0, IN1, IN2 = ("in", 0), ("in", 1), ("in", 2)


class Recipe:
    """Units in order, and what to fetch."""

    def __init__(self, seed):
        self.seed = seed
        self.units = []
        self.fetches = []
        self.gradients = []  # (y, [x...]) to differentiate

    def add(self, unit):
        """Takes UNIT up; returns its values."""
        for i, value in enumerate(unit.values):
            value.unit, value.index = len(self.units), i
        self.units.append(unit)
        return unit.values


@dataclass
class Built:
    """A recipe as a graph."""

    graph: _thin.Graph
    feeds: dict
    initial: list
    fetches: list
    refs: dict  # (unit, output) -> output reference


def _emit(graph, unit, refs):
    """Adds the nodes of UNIT; refs of its outputs."""
    inputs = [refs[v.unit, v.index] for v in unit.inputs]
    after = [refs[v.unit, v.index][0] for v in unit.after]
    ids = []

    def find(place):
        return inputs[place[1]] if place[0] == "in" else (ids[place[0]], place[1])

    for node in unit.nodes:
        controls = [find(c)[0] for c in node.controls] + after
        ids.append(graph.add(node.op, None, [find(p) for p in node.inputs], node.attrs, controls, None))
    for merge, value in unit.back_edges:
        graph.set_back_edge(ids[merge], 1, find(value))
    return ids, [(ids[node], index) for node, index in unit.outputs]


def build(recipe, wanted=None):
    """Builds what the fetches need (WANTED: other fetches than the recipe's)."""
    graph = _thin.Graph()
    built = Built(graph, {}, [], [], {})
    fetches = recipe.fetches if wanted is None else wanted
    gradients = recipe.gradients if wanted is None else []
    needed = reachable(recipe, [*fetches, *(v for y, xs in gradients for v in (y, *xs))])
    for i, unit in enumerate(recipe.units):
        if i not in needed:
            continue
        ids, outputs = _emit(graph, unit, built.refs)
        built.refs.update({(i, k): ref for k, ref in enumerate(outputs)})
        if unit.feed is not None:
            built.feeds[graph.tensor_at(outputs[0])] = unit.feed
        if unit.initial >= 0:
            built.initial.append(_thin.Operation(graph, ids[unit.initial]))
    built.fetches = [graph.tensor_at(built.refs[v.unit, v.index]) for v in fetches]
    for y, xs in gradients:
        ys = [graph.tensor_at(built.refs[y.unit, y.index])]
        found = graph.gradients(ys, [graph.tensor_at(built.refs[x.unit, x.index]) for x in xs])
        built.fetches += [g for g in found if g is not None]
    return built


def reachable(recipe, values):
    """The units that VALUES depend on."""
    found, work = set(), [v.unit for v in values]
    while work:
        i = work.pop()
        if i not in found:
            found.add(i)
            work += [v.unit for v in (*recipe.units[i].inputs, *recipe.units[i].after)]
    return found


def text(recipe):
    """The recipe's graph as lines to read."""
    needed = reachable(recipe, [*recipe.fetches, *(v for y, xs in recipe.gradients for v in (y, *xs))])
    lines = [f"seed {recipe.seed}"]
    for i in sorted(needed):
        unit = recipe.units[i]
        inputs = ", ".join(f"u{v.unit}:{v.index}" for v in unit.inputs)
        outs = ", ".join(f"{v.dtype}{list(v.shape)}" for v in unit.values)
        after = " after " + ", ".join(f"u{v.unit}" for v in unit.after) if unit.after else ""
        lines.append(f"u{i} = {unit.kind}({inputs}){after} -> {outs}")
        for k, node in enumerate(unit.nodes):
            attrs = ", ".join(f"{name}={_show(value)}" for name, _, value in node.attrs)
            lines.append(f"    {k} = {node.op}({', '.join(map(str, node.inputs))}; {attrs})")
    lines.append("fetch " + ", ".join(f"u{v.unit}:{v.index}" for v in recipe.fetches))
    for y, xs in recipe.gradients:
        lines.append(f"gradients of u{y.unit}:{y.index} by " + ", ".join(f"u{x.unit}:{x.index}" for x in xs))
    return "\n".join(lines)


def _show(value):
    if isinstance(value, _core.Value):
        return str(np.asarray(value).tolist())[:200]
    return str(value)
