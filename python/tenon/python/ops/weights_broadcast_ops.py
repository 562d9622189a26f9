"""Weights that must have the shape of values, with sizes of 1 where they are shared."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops

_ERROR = "weights can not be broadcast to values."


def assert_broadcastable(weights, values):
    """An operation that fails where weights are neither scalar nor of the rank of values with equal sizes or 1."""
    with ops.name_scope(None, "assert_broadcastable", (weights, values)) as scope:
        with ops.name_scope(None, "weights", (weights,)) as weights_scope:
            weights = ops.convert_to_tensor(weights, name=weights_scope)
            weights_shape = array_ops.shape(weights, name="shape")
            weights_rank = array_ops.rank(weights, name="rank")
        with ops.name_scope(None, "values", (values,)) as values_scope:
            values = ops.convert_to_tensor(values, name=values_scope)
            values_shape = array_ops.shape(values, name="shape")
            values_rank = array_ops.rank(values, name="rank")
        rank, wanted = weights.get_shape().ndims, values.get_shape().ndims
        if rank is not None and wanted is not None:
            if rank == 0:
                return control_flow_ops.no_op(name="static_scalar_check_success")
            if rank != wanted:
                raise ValueError(f"{_ERROR} values.rank={wanted}. weights.rank={rank}. "
                                 f"values.shape={values.get_shape()}. weights.shape={weights.get_shape()}. "
                                 f"Received weights={weights}, values={values}")  # fmt: skip
            sizes, wanted_sizes = weights.get_shape().as_list(), values.get_shape().as_list()
            for i, (a, b) in enumerate(zip(sizes, wanted_sizes)):
                if a is not None and b is not None and a not in (1, b):
                    raise ValueError(f"{_ERROR} Mismatch at dim {i}. values.shape={values.get_shape()}, "
                                     f"weights.shape={weights.get_shape()}.")  # fmt: skip
            if None not in sizes and None not in wanted_sizes:
                return control_flow_ops.no_op(name="static_dims_check_success")
        is_scalar = math_ops.equal(0, weights_rank, name="is_scalar")
        data = (_ERROR, "weights.shape=", weights.name, weights_shape, "values.shape=", values.name, values_shape,
                "is_scalar=", is_scalar)  # fmt: skip
        valid = control_flow_ops.cond(
            is_scalar, lambda: is_scalar,
            lambda: control_flow_ops.cond(
                math_ops.equal(weights_rank, values_rank, name="is_same_rank"),
                lambda: _valid_sizes(weights_shape, values_shape), lambda: ops.convert_to_tensor(False),
            ),
            name="is_valid_shape",
        )  # fmt: skip
        return control_flow_ops.Assert(valid, data, name=scope)


def _valid_sizes(weights_shape, values_shape):
    return math_ops.reduce_all(
        gen_ops.logical_or(math_ops.equal(weights_shape, values_shape), math_ops.equal(weights_shape, 1))
    )


def broadcast_weights(weights, values):
    """Weights in the shape of values."""
    with ops.name_scope(None, "broadcast_weights", (weights, values)) as scope:
        values = ops.convert_to_tensor(values, name="values")
        weights = ops.convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
        known, wanted = weights.get_shape(), values.get_shape()
        if known.is_fully_defined() and wanted.is_fully_defined() and known.is_compatible_with(wanted):
            return weights
        with ops.control_dependencies((assert_broadcastable(weights, values),)):
            return gen_ops.mul(weights, array_ops.ones_like(values), name=scope)
