"""Symbolic gradients. The core makes them; users' own come in through RegisterGradient."""

from tenon.python.framework import dtypes, errors, ops
from tenon.python.framework.tensor import IndexedSlices, Tensor
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("AggregationMethod")
class AggregationMethod:
    """How gradients that meet are summed; all do the same here."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


@tf_export("UnconnectedGradients")
class UnconnectedGradients:
    """What the gradient of something that does not matter is."""

    NONE = "none"
    ZERO = "zero"

    def __new__(cls, value):
        if value not in (cls.NONE, cls.ZERO):
            raise ValueError(f"Unknown value for unconnected_gradients: '{value}'")
        return value


def _as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _handle(x):
    """The tensor by which a variable's gradient is asked for: its reference, or its handle."""
    if isinstance(x, Tensor):
        return x
    handle = getattr(x, "handle", None)
    if handle is not None and getattr(handle, "dtype", None) == dtypes.resource:
        return handle
    return ops.internal_convert_to_tensor(x, as_ref=True)


def _check_ys(ys, grad_ys):
    if len(grad_ys) != len(ys):
        raise ValueError(f"Passed {len(grad_ys)} grad_ys for {len(ys)} ys")
    for y, grad in zip(ys, grad_ys):
        dtype = y.dtype.base
        if grad is None:
            if dtype.is_complex:
                raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {dtype!r})")
            continue
        if (dtype.is_floating or dtype.is_integer or dtype.is_complex) and grad.dtype.base is not dtype:
            raise TypeError(f"Gradient type {grad.dtype.base.name} generated for {dtype.name} tensor {y}")


@tf_export("gradients")
def gradients(ys, xs, grad_ys=None, name="gradients", colocate_gradients_with_ops=False, gate_gradients=False,
              aggregation_method=None, stop_gradients=None,
              unconnected_gradients=UnconnectedGradients.NONE):  # fmt: skip
    """The derivatives of the sum of YS by each of XS: a list of Tensors, IndexedSlices, or None where an x does not
    matter. GRAD_YS are the gradients of the YS (ones if None); nothing flows beyond STOP_GRADIENTS."""
    unconnected_gradients = UnconnectedGradients(unconnected_gradients)
    ys, xs, stop = _as_list(ys), _as_list(xs), [] if stop_gradients is None else _as_list(stop_gradients)
    grads = [None] * len(ys) if grad_ys is None else _as_list(grad_ys)
    ys = ops.internal_convert_n_to_tensor_or_indexed_slices(ys, name="y")
    ys = [y.values if isinstance(y, IndexedSlices) else y for y in ys]
    grads = [None if g is None else ops.internal_convert_to_tensor_or_indexed_slices(g, name=f"grad_ys_{i}")
             for i, g in enumerate(grads)]  # fmt: skip
    _check_ys(ys, grads)
    grads = [g.values if isinstance(g, IndexedSlices) else g for g in grads]
    handles = [_handle(x.values if isinstance(x, IndexedSlices) else x) for x in xs]
    graph = ops._get_graph_from_inputs([*ys, *handles])
    for tensor in (*ys, *handles):
        if tensor.graph is not graph:
            raise ValueError(f"{tensor!r} must be from the same graph as the other tensors of tf.gradients.")
    usable = [i for i, y in enumerate(ys) if y.dtype.base.is_floating or y.dtype.base.is_complex]
    with graph.as_default():
        try:
            found = graph._differentiate([ys[i] for i in usable], handles, [grads[i] for i in usable],
                                         [_handle(s) for s in stop])  # fmt: skip
        except errors.NotFoundError as error:
            raise LookupError(f"No gradient defined for operation: {error.message}") from None
        except errors.InvalidArgumentError as error:
            raise ValueError(error.message) from None
        if unconnected_gradients == UnconnectedGradients.ZERO:
            found = [gen_ops.zeros_like(ops.convert_to_tensor(x)) if g is None else g for g, x in zip(found, xs)]
    if gate_gradients and len(xs) > 1:
        found = _gated(found)
    return found


def _gated(found):
    """The gradients as they are once all of them are there."""
    live = [g for g in found if g is not None]
    flat = [part for g in live for part in ((g.values, g.indices) if isinstance(g, IndexedSlices) else (g,))]
    if not flat:
        return found
    with ops.control_dependencies([part.op for part in flat]):
        return [None if g is None else
                IndexedSlices(gen_ops.identity(g.values), gen_ops.identity(g.indices), g.dense_shape)
                if isinstance(g, IndexedSlices) else gen_ops.identity(g) for g in found]  # fmt: skip


def _hessian_vector_product(ys, xs, v):
    """The product of the Hessians of YS by XS with the vectors V."""
    if len(v) != len(xs):
        raise ValueError("xs and v must have the same length.")
    grads = gradients(ys, xs)
    products = [gen_ops.mul(g, gen_ops.stop_gradient(e)) for g, e in zip(grads, v) if g is not None]
    return gradients(products, xs)


@tf_export("hessians")
def hessians(ys, xs, name="hessians", colocate_gradients_with_ops=False, gate_gradients=False,
             aggregation_method=None):  # fmt: skip
    """The matrices of second derivatives of the sum of YS by each x of XS: shape [x's shape, x's shape] each."""
    from tenon.python.ops import array_ops, control_flow_ops, tensor_array_ops

    result = []
    for gradient, x in zip(gradients(ys, xs), _as_list(xs)):
        x = ops.convert_to_tensor(x)
        gradient = array_ops.reshape(gradient, [-1])
        n = array_ops.size(x)
        array = tensor_array_ops.TensorArray(x.dtype, n)
        _, rows = control_flow_ops.while_loop(
            lambda j, _, n=n: j < n,
            lambda j, rows, gradient=gradient, x=x: (j + 1, rows.write(j, gradients(gradient[j], x)[0])),
            [ops.convert_to_tensor(0), array],
        )
        shape = array_ops.shape(x)
        result.append(array_ops.reshape(rows.stack(), array_ops.concat((shape, shape), 0)))
    return result
