"""Units with control flow, state and randomness."""

import numpy as np

from oracle.random_graphs.recipe import IN0, IN1, IN2, Unit
from tenon import _core
from tenon._thin import as_dtype


def _float(m, small=True):
    return m.pick(lambda v: v.dtype in ("float32", "float64") and (not small or v.bound < 64))


def cond(m):
    """Switch and Merge: one of two branches runs."""
    x = _float(m)
    p = m.pick(lambda v: v.dtype == "bool" and v.shape == ()) or m.source("bool", ())
    if x is None:
        return
    unit = Unit("cond", [x, p])
    switch = unit.node("Switch", IN0, IN1)
    yes = unit.node("Tanh", unit.node("Mul", (switch, 1), unit.const(0.5, x.dtype)))
    anchor = unit.node("Identity", (switch, 0))
    minus = unit.node("Const", controls=[(anchor, 0)], **_const(-1.0, x.dtype))
    no = unit.node("Relu", unit.node("AddV2", (switch, 0), minus))
    merge = unit.node("Merge", [no, yes])
    unit.gives(merge, x.dtype, x.shape, bound=x.bound + 1)
    unit.gives(merge, "int32", (), 1, exact=True, bound=1)
    m.add(unit)


def _const(value, dtype):
    kind = as_dtype(dtype)
    return {"value": _core.Value(np.asarray(value, kind.numpy), kind.number), "dtype": kind.number}


def loop(m):
    """A while loop: a counter and a value, a few times round."""
    x = _float(m)
    if x is None:
        return
    times = int(m.random.randint(0, 6))
    unit = Unit("loop", [x])
    frame = {"frame_name": f"frame{len(m.recipe.units)}", "parallel_iterations": int(m.choose((1, 10)))}
    count = unit.node("Enter", unit.const(0, "int32"), **frame)
    value = unit.node("Enter", IN0, **frame)
    limit = unit.node("Enter", unit.const(times, "int32"), is_constant=True, **frame)
    factor = unit.node("Enter", unit.const(0.75, x.dtype), is_constant=True, **frame)
    merge_count, merge_value = unit.node("Merge", [count, count]), unit.node("Merge", [value, value])
    go = unit.node("LoopCond", unit.node("Less", merge_count, limit))
    switch_count, switch_value = unit.node("Switch", merge_count, go), unit.node("Switch", merge_value, go)
    one = unit.node("Const", controls=[(unit.node("Identity", (switch_count, 1)), 0)], **_const(1, "int32"))
    next_count = unit.node("NextIteration", unit.node("AddV2", (switch_count, 1), one))
    body = unit.node("Mul", (switch_value, 1), factor)
    if m.chance(0.5):
        body = unit.node("Tanh", unit.node("AddV2", body, factor))
    if m.chance(0.3):
        early = unit.node("Less", (switch_count, 1), one)
        choice = unit.node("Switch", body, early)
        body = unit.node("Merge", [unit.node("Mul", (choice, 0), factor), unit.node("Neg", (choice, 1))])
    next_value = unit.node("NextIteration", body)
    unit.back_edges = [(merge_count, (next_count, 0)), (merge_value, (next_value, 0))]
    unit.gives(unit.node("Exit", (switch_value, 0)), x.dtype, x.shape, bound=x.bound + 1)
    unit.gives(unit.node("Exit", (switch_count, 0)), "int32", (), exact=True, bound=8)
    m.add(unit)


class Variable:
    """A variable of a recipe, and the last value that tells that it was read or changed."""

    def __init__(self, handle, kind, dtype, shape):
        self.handle, self.kind, self.dtype, self.shape = handle, kind, dtype, shape
        self.last = None  # the last change
        self.reads = []  # reads since then


def variable(m):
    """Makes one, of either kind, and reads it."""
    dtype = m.choose(("float32", "float32", "float64"))
    made = new_variable(m, m.choose(("var", "resource")), dtype, m.shape(int(m.random.randint(0, 3))))
    read(m, made)


def new_variable(m, kind, dtype, shape, slot=False):
    """A variable whose initial values are small; an optimizer's SLOT starts above zero, for roots are taken of it."""
    unit = Unit("variable", [], fixed=True)
    values = m.numbers(dtype, shape)
    start = unit.const(np.abs(values) + 0.5 if slot else values, dtype)
    if kind == "var":
        handle = unit.node("VariableV2", shape=list(shape), dtype=dtype)
        unit.initial = unit.node("Assign", handle, start)
    else:
        handle = unit.node("VarHandleOp", shape=list(shape), dtype=dtype, shared_name=f"v{len(m.recipe.units)}")
        unit.initial = unit.node("AssignVariableOp", handle, start, dtype=dtype)
    unit.gives(handle, dtype, shape)
    made = Variable(m.add(unit)[0], kind, dtype, shape)
    (m.slots if slot else m.variables).append(made)
    return made


def read(m, v):
    """Reads V after the last change to it."""
    unit = Unit("read", [v.handle], after=[v.last] if v.last else [], fixed=True)
    if v.kind == "var":
        node = unit.node("Identity", IN0)
    else:
        node = unit.node("ReadVariableOp", IN0, dtype=v.dtype)
    # Identity of an old-style variable may share its bytes: a copy keeps what was read.
    unit.gives(unit.node("Mul", node, unit.const(1.0, v.dtype)), v.dtype, v.shape, bound=64)
    got = m.add(unit)[0]
    m.pool.append(got)
    v.reads.append(got)
    return got


def update(m):
    """Changes a variable after all reads of it so far."""
    if not m.variables:
        return variable(m)
    v = m.choose(m.variables)
    delta = m.pick(lambda x: x.dtype == v.dtype and x.shape == v.shape and x.bound <= 8) or m.source(v.dtype, v.shape)
    unit = Unit("update", [v.handle, delta], after=[*v.reads, *([v.last] if v.last else [])], fixed=True)
    kind = m.random.randint(4)
    rate = unit.const(0.125, v.dtype)
    small = unit.node("Mul", IN1, rate)
    if kind == 3:
        op = "ApplyGradientDescent" if v.kind == "var" else "ResourceApplyGradientDescent"
        node = unit.node(op, IN0, unit.const(0.25, v.dtype), IN1)
    elif v.kind == "var":
        node = unit.node(("AssignAdd", "AssignSub", "Assign")[kind], IN0, small)
    else:
        ops = ("AssignAddVariableOp", "AssignSubVariableOp", "AssignVariableOp")
        node = unit.node(ops[kind], IN0, small, dtype=v.dtype)
    # What others wait for: a value, since a resource update has no output.
    unit.gives(unit.node("Const", controls=[(node, 0)], **_const(0.0, v.dtype)), v.dtype, ())
    v.last = m.add(unit)[0]
    v.reads = []
    if m.chance(0.7):
        read(m, v)
    return None


def descend(m):
    """Gradient descent whose gradient is a product, now and then of the variable itself."""
    kind, own = m.choose(("var", "resource")), m.chance(0.2)
    rows, columns, inner = (int(m.choose((1, 3, 8, 17))) for _ in range(3))
    v = new_variable(m, kind, "float32", (rows, columns))
    x = m.source("float32", (columns, columns) if own else (inner, rows))
    left = read(m, v) if own else x
    y = x if own else m.source("float32", (inner, columns))
    unit = Unit("descend", [v.handle, left, y], after=[*v.reads], fixed=True)
    product = unit.node("MatMul", IN1, IN2, transpose_a=not own)
    node = unit.node(op_name("GradientDescent", kind), IN0, unit.const(0.0625, "float32"), product)
    unit.gives(unit.node("Const", controls=[(node, 0)], **_const(0.0, "float32")), "float32", ())
    v.last = m.add(unit)[0]
    v.reads = []
    read(m, v)


# Optimizer -> (slots, scalars between the slots and the gradient, scalars after the gradient)
OPTIMIZERS = {
    "GradientDescent": (0, [0.125], []),
    "Momentum": (1, [0.125], [0.5]),
    "Adam": (2, [0.5, 0.25, 0.125, 0.5, 0.25, 0.125], []),
    "Adagrad": (1, [0.125], []),
    "RMSProp": (2, [0.125, 0.5, 0.5, 0.125], []),
}


def train(m):
    """One optimizer's step for several variables, as a training program makes it."""
    kind, op = m.choose(("var", "resource")), m.choose(list(OPTIMIZERS))
    slots, before, behind = OPTIMIZERS[op]
    unit = Unit("train", [], fixed=True)
    scalars = [unit.const(s, "float32") for s in before], [unit.const(s, "float32") for s in behind]
    nodes, changed = [], []
    for _ in range(int(m.random.randint(2, 5))):
        shape = m.shape(int(m.random.randint(0, 3)))
        group = [new_variable(m, kind, "float32", shape, slot=i > 0) for i in range(1 + slots)]
        delta = m.pick(lambda x, s=shape: x.dtype == "float32" and x.shape == s and x.bound <= 8)
        first = len(unit.inputs)
        unit.inputs += [*(v.handle for v in group), delta or m.source("float32", shape)]
        inputs = [("in", first + i) for i in range(len(group) + 1)]
        arguments = [*inputs[:-1], *scalars[0], inputs[-1], *scalars[1]]
        nodes.append(unit.node(op_name(op, kind), *arguments))
        changed += group
    unit.gives(unit.node("Const", controls=[(n, 0) for n in nodes], **_const(0.0, "float32")), "float32", ())
    last = m.add(unit)[0]
    for v in changed:
        v.last = last


def op_name(optimizer, kind):
    return f"{'Resource' if kind == 'resource' else ''}Apply{optimizer}"


def random(m):
    """Random ops, seeded: their counters go on from step to step."""
    shape = m.shape(int(m.random.randint(0, 3)))
    seeds = {"seed": int(m.random.randint(1, 1000)), "seed2": int(m.random.randint(1, 1000))}
    op = m.choose(("RandomUniform", "RandomStandardNormal", "TruncatedNormal"))
    unit = Unit(op, [])
    dtype = m.choose(("float32", "float32", "float64"))
    node = unit.node(op, unit.const(list(shape), "int32"), dtype=dtype, **seeds)
    if m.chance(0.3):
        # Dropout, as the layers make it. The threshold makes it a step: rounding can't come between, for it is exact.
        keep = unit.node("GreaterEqual", node, unit.const(0.5, dtype))
        node = unit.node("Cast", keep, DstT=dtype)
    unit.gives(node, dtype, shape, bound=6)
    m.add(unit)
