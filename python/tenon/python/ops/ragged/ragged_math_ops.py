"""Ranges, reductions and sums of segments of ragged tensors."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, math_reductions
from tenon.python.ops.ragged import ragged_tensor
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.ops.ragged.row_partition import lengths_to_splits, repeat_ranges
from tenon.python.util.tf_export import tf_export


@tf_export("ragged.range")
def range(starts, limits=None, deltas=1, dtype=None, name=None, row_splits_dtype=dtypes.int64):
    """For each row the numbers from its start up to (not with) its limit; only STARTS given, from 0 up to these."""
    splits = dtypes.as_dtype(row_splits_dtype)
    if limits is None:
        starts, limits = 0, starts
    with ops.name_scope(name, "RaggedRange", [starts, limits, deltas]):
        parts = [ops.convert_to_tensor(x, dtype=None if hasattr(x, "dtype") else dtype, name=n)
                 for x, n in ((starts, "starts"), (limits, "limits"), (deltas, "deltas"))]  # fmt: skip
        if dtype is None:
            order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
            dtype = max((x.dtype.base for x in parts), key=order.index)
        parts = [math_ops.cast(x, dtype) for x in parts]
        row_splits, values = gen_ops.ragged_range(*parts, Tsplits=splits)
        return RaggedTensor.from_row_splits(values, row_splits, validate=False)


# --- segments ---


def segment_mean(data, segment_ids, num_segments, name=None):
    """The means of the rows of each segment: NaN where there are none."""
    return _by_count(data, segment_ids, num_segments, lambda count: count)


def segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sums of the rows of each segment by the square roots of their numbers."""
    return _by_count(data, segment_ids, num_segments, math_ops.sqrt)


def _by_count(data, segment_ids, num_segments, divisor):
    from tenon.python.ops.ragged import ragged_functional_ops

    flat = data.flat_values if isinstance(data, RaggedTensor) else data
    ones = array_ops.ones_like(flat)
    ones = data.with_flat_values(ones) if isinstance(data, RaggedTensor) else ones
    total, count = (segment_aggregate(gen_ops.unsorted_segment_sum, x, segment_ids, num_segments) for x in (data, ones))
    return ragged_functional_ops.map_flat_values(lambda t, c: math_ops.divide(t, divisor(c)), total, count)


def segment_aggregate(op, data, segment_ids, num_segments, **kwargs):
    """OP, an unsorted segment op, of the rows of DATA, which may be ragged."""
    if isinstance(segment_ids, RaggedTensor):
        if not isinstance(data, RaggedTensor):
            data = RaggedTensor.from_tensor(data, row_splits_dtype=segment_ids.row_splits.dtype.base)
        data, segment_ids = ragged_tensor.match_row_splits_dtypes(data, segment_ids)
        if (
            segment_ids.shape.rank is not None
            and data.shape.rank is not None
            and segment_ids.shape.rank > data.shape.rank
        ):
            raise ValueError("segment_ids.shape should be a prefix of data.shape")
        checks = [check_ops.assert_equal(data.row_splits, segment_ids.row_splits,
                                         message="segment_ids.shape should be a prefix of data.shape")]  # fmt: skip
        with ops.control_dependencies([c for c in checks if c is not None]):
            return segment_aggregate(op, data.values, segment_ids.values, num_segments, **kwargs)
    if not isinstance(data, RaggedTensor):
        return op(data, segment_ids, num_segments, **kwargs)
    dtype = data.row_splits.dtype.base
    segment_ids = math_ops.cast(ops.convert_to_tensor(segment_ids), dtype)
    segment_ids.shape.assert_has_rank(1)
    num_segments = math_ops.cast(num_segments, dtype)
    lengths = gen_ops.unsorted_segment_max(data.row_lengths(), segment_ids, num_segments)
    lengths = math_ops.maximum(lengths, array_ops.zeros([], dtype))
    splits = lengths_to_splits(lengths)
    starts = array_ops.gather(splits, segment_ids)
    places = repeat_ranges(starts, starts + data.row_lengths())
    values = segment_aggregate(op, data.values, places, splits[-1], **kwargs)
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def reduce_aggregate(reduce_op, segment_op, rt, axis, keepdims, name=None, **kwargs):
    """The reduction of ragged RT along AXIS (one or several; None: all)."""
    from tenon.python.ops.ragged import ragged_array_ops

    with ops.name_scope(name, "RaggedReduce", [rt, axis]):
        rank = rt.shape.rank
        if axis is None:
            result = reduce_op(rt.flat_values, None, **kwargs)
            for _ in [0] * (rank if keepdims else 0):
                result = array_ops.expand_dims(result, 0)
            return result
        if isinstance(axis, ops.Tensor):
            from tenon.python.framework import tensor_util

            axis = tensor_util.constant_value(axis)
            if axis is None:
                raise ValueError("axis must be known at graph construction time.")
        several = hasattr(axis, "__len__") and getattr(axis, "shape", None) != ()
        axes = [int(a) for a in (axis if several else [axis])]
        if any(a < 0 for a in axes) and rank is None:
            raise ValueError("axis must not be negative where the rank is unknown")
        axes = sorted({a + rank if a < 0 else a for a in axes}, reverse=True)
        if any(a < 0 or rank is not None and a >= rank for a in axes):
            raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
        result = rt
        for a in axes:
            if isinstance(result, RaggedTensor):
                result = _reduce_one(reduce_op, segment_op, result, a, **kwargs)
            else:
                result = reduce_op(result, a, **kwargs)
        for a in reversed(axes) if keepdims else ():
            result = ragged_array_ops.expand_dims(result, a)
        return result


def _reduce_one(reduce_op, segment_op, rt, axis, **kwargs):
    dtype = rt.row_splits.dtype.base
    if axis == 0:
        lengths = rt.row_lengths()
        zero = array_ops.zeros([1], dtype)
        longest = math_reductions.reduce_max(array_ops.concat([zero, lengths], axis=0))
        places = repeat_ranges(array_ops.zeros_like(lengths), lengths)
        return segment_aggregate(segment_op, rt.values, places, longest, **kwargs)
    if axis == 1:
        return segment_aggregate(segment_op, rt.values, rt.value_rowids(), rt.nrows(), **kwargs)
    if isinstance(rt.values, RaggedTensor):
        return rt.with_values(_reduce_one(reduce_op, segment_op, rt.values, axis - 1, **kwargs))
    return rt.with_values(reduce_op(rt.values, axis - 1, **kwargs))


def _reduction(name, segment):
    def reduce(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None, _op=name):
        axis = reduction_indices if axis is None else axis
        return reduce_aggregate(getattr(math_reductions, _op), segment, input_tensor, axis,
                                bool(keepdims or keep_dims), name)  # fmt: skip

    reduce.__name__ = name
    reduce.__doc__ = f"{name} of ragged tensors."
    return reduce


reduce_sum = _reduction("reduce_sum", gen_ops.unsorted_segment_sum)
reduce_prod = _reduction("reduce_prod", gen_ops.unsorted_segment_prod)
reduce_min = _reduction("reduce_min", gen_ops.unsorted_segment_min)
reduce_max = _reduction("reduce_max", gen_ops.unsorted_segment_max)


def reduce_mean(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
    """reduce_mean of ragged tensors: the sum by the count."""
    axis = reduction_indices if axis is None else axis
    keepdims = bool(keepdims or keep_dims)
    with ops.name_scope(name, "RaggedReduceMean", [input_tensor, axis]):
        total = reduce_sum(input_tensor, axis, keepdims)
        ones = input_tensor.with_flat_values(array_ops.ones_like(input_tensor.flat_values))
        count = reduce_sum(ones, axis, keepdims)
        if isinstance(total, RaggedTensor):
            return total.with_flat_values(math_ops.divide(total.flat_values, count.flat_values))
        return math_ops.divide(total, count)


def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    """reduce_variance of ragged tensors: the mean of the squares minus the square of the mean."""
    from tenon.python.ops.ragged import ragged_functional_ops

    with ops.name_scope(name, "RaggedReduceVariance", [input_tensor, axis]):
        flat = input_tensor.flat_values
        mean_of_squares = reduce_mean(input_tensor.with_flat_values(math_ops.square(flat)), axis, keepdims)
        mean = reduce_mean(input_tensor, axis, keepdims)
        return ragged_functional_ops.map_flat_values(lambda a, b: a - math_ops.square(b), mean_of_squares, mean)


def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    """reduce_std of ragged tensors."""
    from tenon.python.ops.ragged import ragged_functional_ops

    with ops.name_scope(name, "RaggedReduceStd", [input_tensor, axis]):
        variance = reduce_variance(input_tensor, axis, keepdims)
        return ragged_functional_ops.map_flat_values(math_ops.sqrt, variance)


def _of_bools(sum_or_product, name):
    def reduce(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None, _op=name):
        numbers = input_tensor.with_flat_values(math_ops.cast(input_tensor.flat_values, dtypes.int32))
        result = sum_or_product(numbers, axis, keepdims, name, reduction_indices, keep_dims)
        if isinstance(result, RaggedTensor):
            return result.with_flat_values(math_ops.cast(result.flat_values, dtypes.bool))
        return math_ops.cast(result, dtypes.bool)

    reduce.__name__ = name
    reduce.__doc__ = f"{name} of ragged tensors."
    return reduce


reduce_any = _of_bools(reduce_sum, "reduce_any")
reduce_all = _of_bools(reduce_prod, "reduce_all")
