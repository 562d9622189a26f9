"""Functions with gradients of their own."""

import functools
import inspect
import itertools

from tenon.python.framework import ops
from tenon.python.framework.tensor import Tensor
from tenon.python.ops import gen_ops, gradients_impl
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

_numbers = itertools.count()


def _variables_used(graph, first):
    """The trainable variables that operations from number FIRST on read."""
    by_tensor = {}
    for variable in graph.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES):
        for tensor in (getattr(variable, name, None) for name in ("handle", "_variable", "_snapshot")):
            if isinstance(tensor, Tensor):
                by_tensor[tensor] = variable
    found = {}
    for number in range(first, graph.n_nodes()):
        for tensor in graph._operation(number).inputs:
            if tensor in by_tensor:
                found[id(by_tensor[tensor])] = by_tensor[tensor]
    return list(found.values())


@tf_export("custom_gradient")
def custom_gradient(f=None):
    """A decorator: F returns (result, function from the result's gradients to the arguments'). Where F uses variables,
    that function takes `variables=` too and returns (gradients of the arguments, gradients of the variables)."""
    if f is None:
        return custom_gradient

    @functools.wraps(f)
    def decorated(*args, **kwargs):
        return _call(f, args, kwargs)

    return decorated


def _call(f, args, kwargs):
    structure = args
    flat = [ops.convert_to_tensor(a) for a in nest.flatten(args)]
    args = nest.pack_sequence_as(structure, [gen_ops.identity(a) for a in flat])
    graph = ops.get_default_graph()
    first = graph.n_nodes()
    result, grad_fn = f(*args, **kwargs)
    variables = _variables_used(graph, first)
    parameters = inspect.signature(grad_fn).parameters
    takes = "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if variables and not takes:
        raise TypeError("If using @custom_gradient with a function that uses variables, then grad_fn must accept a "
                        "'variables' keyword argument.")  # fmt: skip
    results = [ops.convert_to_tensor(r) for r in nest.flatten(result)]
    handles = [gradients_impl._handle(v) for v in variables]
    values = [v.value() if h.dtype.name == "resource" else h for v, h in zip(variables, handles)]

    def gradient(_, *grads):
        arguments = {"variables": variables} if takes and variables else {}
        given = grad_fn(*grads[: len(results)], **arguments)
        of_variables = []
        if variables:
            given, of_variables = given
        given = nest.flatten(given)
        if len(given) != len(flat):
            raise ValueError(f"custom_gradient function expected to return {len(flat)} gradients, but returned "
                             f"{len(given)} instead.")  # fmt: skip
        return [None] * len(results) + given + list(of_variables)

    name = f"CustomGradient-{next(_numbers)}"
    graph._own_gradients[name] = gradient
    with graph.gradient_override_map({"IdentityN": name}):
        out = gen_ops.identity_n(results + flat + values)
    return nest.pack_sequence_as(result, out[: len(results)])


@tf_export("grad_pass_through")
def grad_pass_through(f):
    """A function with F's value through which gradients pass unchanged."""

    @custom_gradient
    def passing(*args, **kwargs):
        def grad(*grads, variables=None):
            own = grads[0] if len(grads) == 1 else list(grads)
            return (own, [None] * len(variables)) if variables else own

        return f(*args, **kwargs), grad

    return passing


@tf_export("recompute_grad")
def recompute_grad(f):
    """A function with F's value that computes F again for its gradients, so that less is kept."""

    @custom_gradient
    def inner(*args, **kwargs):
        def grad(*grads, variables=None):
            with ops.control_dependencies([g for g in grads if g is not None]):
                again = [gen_ops.identity(a) for a in nest.flatten(args)]
            value = nest.flatten(f(*nest.pack_sequence_as(args, again), **kwargs))
            found = gradients_impl.gradients(value, again + list(variables or ()), list(grads))
            own = found[: len(again)]
            return (own, found[len(again) :]) if variables else own

        return f(*args, **kwargs), grad

    return inner


@tf_export("is_symbolic_tensor")
def is_symbolic_tensor(tensor):
    """True for what has no value before a step runs it."""
    return ops.is_tensor(tensor) and not ops.executing_eagerly_with(tensor)
