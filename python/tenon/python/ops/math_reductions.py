"""Reductions along dimensions, and what is made of them."""

import numpy as np

from tenon.python.framework import constant_op, dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

__all__ = [
    "_ReductionDims", "argmax", "argmin", "bincount", "count_nonzero", "cumprod", "cumsum",
    "cumulative_logsumexp", "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance",
    "unsorted_segment_mean", "unsorted_segment_sqrt_n",
]  # fmt: skip

TF_EXPORTS = {
    "math.reduce_sum": "reduce_sum", "reduce_sum": "reduce_sum", "math.reduce_mean": "reduce_mean",
    "reduce_mean": "reduce_mean", "math.reduce_prod": "reduce_prod", "reduce_prod": "reduce_prod",
    "math.reduce_min": "reduce_min", "reduce_min": "reduce_min", "math.reduce_max": "reduce_max",
    "reduce_max": "reduce_max", "math.reduce_all": "reduce_all", "reduce_all": "reduce_all",
    "math.reduce_any": "reduce_any", "reduce_any": "reduce_any",
}  # fmt: skip


def _ReductionDims(x, axis):
    """The dimensions to reduce: all when AXIS is None."""
    if axis is not None:
        return axis
    x_rank = None
    if isinstance(x, sparse_tensor.SparseTensor):
        if x.dense_shape.get_shape().is_fully_defined():
            x_rank = x.dense_shape.get_shape().as_list()[0]
    else:
        x_rank = x.get_shape().ndims
    if x_rank is not None:
        return constant_op.constant(np.arange(x_rank, dtype=np.int32), dtype=dtypes.int32)
    return gen_ops.range(0, array_ops.rank(x), 1)


def _reduction(public, op, what):
    def reduce(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
        axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
        keepdims = deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims)
        return _reduce(op, input_tensor, axis, keepdims, name)

    reduce.__name__ = public
    reduce.__doc__ = f"{what} along AXIS (None: all), which goes away unless KEEPDIMS."
    return reduce


def _reduce(op, tensor, axis, keepdims, name):
    if hasattr(tensor, "_AsTensor") or not isinstance(tensor, ops.Tensor):
        # the name of what is made of a number is that of an argument of the op, so it is made in its scope
        tensor = ops.convert_to_tensor(tensor, name=f"{name or _LABELS.get(op, op.capitalize())}/input")
    result = getattr(gen_ops, op)(tensor, _ReductionDims(tensor, axis), keep_dims=bool(keepdims), name=name)
    if axis is None and not keepdims and result.get_shape().ndims is None:
        result.set_shape(())
    return result


_LABELS = {"euclidean_norm": "EuclideanNorm"}
reduce_sum = _reduction("reduce_sum", "sum", "The sum")
reduce_mean = _reduction("reduce_mean", "mean", "The mean")
reduce_prod = _reduction("reduce_prod", "prod", "The product")
reduce_min = _reduction("reduce_min", "min", "The least")
reduce_max = _reduction("reduce_max", "max", "The greatest")
reduce_all = _reduction("reduce_all", "all", "Whether all are true,")
reduce_any = _reduction("reduce_any", "any", "Whether one is true,")


@tf_export("math.reduce_euclidean_norm")
def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """The square root of the sum of squares along AXIS."""
    return _reduce("euclidean_norm", input_tensor, axis, keepdims, name)


@tf_export("math.reduce_logsumexp", "reduce_logsumexp")
def reduce_logsumexp(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
    """log(sum(exp(x))) along AXIS, without overflow."""
    axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    with ops.name_scope(name, "ReduceLogSumExp", [input_tensor]) as scope:
        tensor = ops.convert_to_tensor(input_tensor)
        raw = reduce_max(tensor, axis=axis, keepdims=True)
        top = gen_ops.stop_gradient(gen_ops.select(gen_ops.is_finite(raw), raw, array_ops.zeros_like(raw)))
        result = gen_ops.log(reduce_sum(gen_ops.exp(tensor - top), axis=axis, keepdims=keepdims))
        if not keepdims:
            top = array_ops.reshape(top, gen_ops.shape(result))
        result = gen_ops.add_v2(result, top, name=scope)
        if axis is None and not keepdims:
            result.set_shape(())
        return result


@tf_export("math.reduce_variance")
def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    """The variance along AXIS."""
    with ops.name_scope(name or "reduce_variance"):
        tensor = ops.convert_to_tensor(input_tensor)
        means = reduce_mean(tensor, axis=axis, keepdims=True)
        if means.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex. Received integer type {means.dtype}.")
        diff = tensor - means
        squared = gen_ops.square(diff)
        return reduce_mean(squared, axis=axis, keepdims=keepdims)


@tf_export("math.reduce_std")
def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    """The standard deviation along AXIS."""
    with ops.name_scope(name or "reduce_std"):
        return gen_ops.sqrt(reduce_variance(ops.convert_to_tensor(input_tensor), axis=axis, keepdims=keepdims))


@tf_export("math.count_nonzero", "count_nonzero")
def count_nonzero(input_tensor=None, axis=None, keepdims=None, dtype=dtypes.int64, name=None, reduction_indices=None,
                  keep_dims=None, input=None):  # fmt: skip
    """How many elements are not zero along AXIS."""
    from tenon.python.ops import math_ops

    keepdims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    value = deprecated_argument_lookup("input", input, "input_tensor", input_tensor)
    axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
    with ops.name_scope(name, "count_nonzero", [value]):
        value = ops.convert_to_tensor(value, name="input")
        zero = array_ops.zeros([], dtype=value.dtype)
        hits = math_ops.cast(gen_ops.not_equal(value, zero), dtypes.int64)
        return math_ops.cast(reduce_sum(hits, axis=axis, keepdims=keepdims), dtype=dtype)


def _arg(op, input, axis, name, dimension, output_type):
    axis = deprecated_argument_lookup("axis", axis, "dimension", dimension)
    return op(input, 0 if axis is None else axis, output_type=output_type, name=name)


@tf_export("math.argmax", "argmax")
def argmax(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):
    """Where the greatest element along AXIS (0) is."""
    return _arg(gen_ops.arg_max, input, axis, name, dimension, output_type)


@tf_export("math.argmin", "argmin")
def argmin(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):
    """Where the least element along AXIS (0) is."""
    return _arg(gen_ops.arg_min, input, axis, name, dimension, output_type)


@tf_export("math.cumsum", "cumsum")
def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    """Sums up to each element along AXIS."""
    with ops.name_scope(name, "Cumsum", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        return gen_ops.cumsum(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


@tf_export("math.cumprod", "cumprod")
def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
    """Products up to each element along AXIS."""
    with ops.name_scope(name, "Cumprod", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        return gen_ops.cumprod(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


@tf_export("math.cumulative_logsumexp")
def cumulative_logsumexp(x, axis=0, exclusive=False, reverse=False, name=None):
    """log(sum(exp)) up to each element along AXIS."""
    with ops.name_scope(name, "CumulativeLogsumexp", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        top = gen_ops.stop_gradient(reduce_max(x, axis=axis, keepdims=True))
        sums = gen_ops.cumsum(gen_ops.exp(x - top), axis, exclusive=exclusive, reverse=reverse)
        return gen_ops.add_v2(gen_ops.log(sums), top, name=scope)


@tf_export("math.bincount", "bincount")
def bincount(arr, weights=None, minlength=None, maxlength=None, dtype=dtypes.int32):
    """How often each number 0, 1, ... is there, or the sum of its weights."""
    from tenon.python.ops import math_ops

    with ops.name_scope("bincount"):
        arr = ops.convert_to_tensor(arr, name="arr", dtype=dtypes.int32)
        nonempty = reduce_prod(array_ops.shape(arr)) > 0
        size = math_ops.cast(nonempty, dtypes.int32) * (reduce_max(arr) + 1)
        if minlength is not None:
            size = gen_ops.maximum(ops.convert_to_tensor(minlength, name="minlength", dtype=dtypes.int32), size)
        if maxlength is not None:
            size = gen_ops.minimum(ops.convert_to_tensor(maxlength, name="maxlength", dtype=dtypes.int32), size)
        if weights is not None:
            weights = ops.convert_to_tensor(weights, name="weights")
            return gen_ops.bincount(arr, size, weights)
        return gen_ops.bincount(arr, size, constant_op.constant([], dtype))


def _segment_count(segment_ids, num_segments, data):
    """How many rows each segment has (at least 1), with the rank of DATA."""
    flat_ids = array_ops.reshape(segment_ids, [-1])
    count = gen_ops.unsorted_segment_sum(array_ops.ones_like(flat_ids, dtype=data.dtype), flat_ids, num_segments)
    count = gen_ops.maximum(count, 1)
    inner = data.get_shape().ndims - segment_ids.get_shape().ndims
    return array_ops.reshape(count, array_ops.concat([array_ops.reshape(num_segments, [-1]), [1] * inner], 0))


@tf_export("math.unsorted_segment_mean", "unsorted_segment_mean")
def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The mean of the rows of each segment."""
    with ops.name_scope(name, "UnsortedSegmentMean"):
        data, segment_ids = ops.convert_to_tensor(data), ops.convert_to_tensor(segment_ids)
        sums = gen_ops.unsorted_segment_sum(data, segment_ids, num_segments)
        return sums / _segment_count(segment_ids, num_segments, data)


@tf_export("math.unsorted_segment_sqrt_n", "unsorted_segment_sqrt_n")
def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sum of the rows of each segment, divided by the square root of their number."""
    with ops.name_scope(name, "UnsortedSegmentSqrtN"):
        data, segment_ids = ops.convert_to_tensor(data), ops.convert_to_tensor(segment_ids)
        sums = gen_ops.unsorted_segment_sum(data, segment_ids, num_segments)
        return sums / gen_ops.sqrt(_segment_count(segment_ids, num_segments, data))
