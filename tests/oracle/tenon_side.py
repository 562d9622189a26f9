"""The same questions asked of Tenon."""

import contextlib

import numpy as np

from oracle import tensorflow_side as reference
from tenon import _core, _thin
from tenon._thin import errors


def code_of(error):
    """The name of the error code of an exception."""
    if isinstance(error, errors.OpError):
        return errors.CODES.get(error.code, str(error.code))
    if isinstance(error, (TypeError, ValueError)):
        return "INVALID_ARGUMENT"
    raise error


class Graph:
    """The builder that programs see, on Tenon."""

    def __init__(self):
        self.graph = _thin.Graph()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def op(self, op, /, *inputs, name=None, control_inputs=(), **attrs):
        """Adds a node."""
        controls = [getattr(c, "op", c) for c in control_inputs]
        made = self.graph.op(op, *inputs, name=name, control_inputs=controls, **attrs)
        return list(made) if type(made) is tuple else made

    def constant(self, value, name=None):
        return self.graph.constant(value, "string" if value.dtype.kind in "SUO" else value.dtype.name, name=name)

    def placeholder(self, dtype, shape=None, name=None):
        return self.graph.placeholder(dtype, shape, name)

    def gradients(self, ys, xs, grad_ys=None):
        """Dense gradients, None where nothing flows."""
        return self.graph.gradients(ys, xs, grad_ys)

    def set_back_edge(self, merge, value):
        """Closes a loop: the second input of the Merge whose outputs are MERGE."""
        self.graph.set_back_edge(merge[0].ref[0], 1, value.ref)


@contextlib.contextmanager
def forced(op, kernel):
    """Nodes of type OP take KERNEL."""
    _core.kernel_force(op, kernel)
    try:
        yield
    finally:
        _core.kernel_force(op, None)


def _fetchable(tensor):
    return isinstance(tensor, _thin.Tensor) and tensor.dtype.base.name not in ("resource", "variant")


def ask_shapes(case, degree):
    """The static shapes of the outputs."""
    node = reference.Node(Graph(), case, degree)
    return [t.shape if isinstance(t, _thin.Tensor) else () for t in node.outputs]


def run(node, graph, **options):
    """(outputs, what the variables hold afterwards) of one run; None for what can't be fetched."""
    with _thin.Session(graph.graph, **options) as s:
        if node.initial:
            s.run(node.initial)
        wanted = [t if _fetchable(t) else getattr(t, "op", t) for t in node.outputs]
        outputs = s.run(wanted, dict(node.fed))
        return outputs, [s.run(read) for _, read, _ in node.state]


def ask_values(case, degree=0, **options):
    """As run(), of the case built anew."""
    with Graph() as graph:
        return run(reference.Node(graph, case, degree), graph, **options)


def ask_gradient(case, grad_ys, xs, degree):
    """ "unregistered", or gradients by fed floating input, for the inputs XS."""
    with Graph() as graph:
        node = reference.Node(graph, case, degree)
        fed = {i: graph.placeholder(g.dtype.name, reference.blur(g.shape, degree)) for i, g in grad_ys.items()}
        tensors = [node.fed[i][0] for i in xs]
        try:
            found = graph.gradients([node.outputs[i] for i in fed], tensors, list(fed.values()))
        except errors.NotFoundError:
            return "unregistered"
        feeds = {**dict(node.fed), **{fed[i]: g for i, g in grad_ys.items()}}
        with _thin.Session(graph.graph) as s:
            values = iter(s.run([g for g in found if g is not None], feeds))
        return {i: None if g is None else next(values) for i, g in zip(xs, found)}


def ask_second(case, outputs):
    """Gradients of the gradients, as reference.ask_second()."""
    graph = Graph()
    asked = reference.second_order(graph, reference.Node(graph, case), outputs, _float_name, errors.NotFoundError)
    if not isinstance(asked, tuple):
        return asked
    found, feeds = asked
    with _thin.Session(graph.graph) as s:
        values = iter(s.run([g for g in found if g is not None], feeds))
    return [None if g is None else next(values) for g in found]


def _float_name(tensor):
    return tensor.dtype.base.name if isinstance(tensor, _thin.Tensor) else ""


def ask_error(case):
    """For known and for unknown shapes the name of the error code, or "OK"."""
    return [_error(case, degree) for degree in (0, 2)]


def _error(case, degree):
    try:
        ask_values(case, degree)
    except Exception as error:
        return code_of(error)
    return "OK"


def ask_program(case, **options):
    """For each step the fetched values, or the code of its error; and the op types of the graph."""
    graph = Graph()
    steps = case.build(graph)
    with _thin.Session(graph.graph, **options) as s:
        results = [reference.run_step(lambda f, feeds: s.run(f, feeds), step, code_of, _fetchable) for step in steps]
    return results, {operation.type for operation in graph.graph.operations}


def slope(case, grad_ys, x, direction, epsilon):
    """d(sum of outputs * grad_ys) along DIRECTION of fed input X, by central differences."""
    with Graph() as graph:
        node = reference.Node(graph, case)
        with _thin.Session(graph.graph) as s:
            if node.initial:
                s.run(node.initial)
            step = s.make_callable([node.outputs[i] for i in grad_ys], [t for t, _ in node.fed])

            def outputs(shift):
                return step(*[v + shift * direction if i == x else v for i, (_, v) in enumerate(node.fed)])

            pairs = zip(outputs(epsilon), outputs(-epsilon), grad_ys.values())
            return sum(float(np.sum((np.float64(a) - np.float64(b)) * g)) for a, b, g in pairs) / (2 * epsilon)
