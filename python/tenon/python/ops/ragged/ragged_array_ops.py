"""Masks, dimensions and repetitions of ragged tensors."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, sort_ops
from tenon.python.ops.ragged import ragged_conversion_ops, ragged_functional_ops, ragged_tensor
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.ops.ragged.row_partition import lengths_to_splits
from tenon.python.util.tf_export import tf_export


def _either(value, dtype=None, name=None):
    return ragged_tensor.convert_to_tensor_or_ragged_tensor(value, dtype=dtype, name=name)


@tf_export("ragged.boolean_mask")
def boolean_mask(data, mask, name=None):
    """The elements of DATA where MASK, of the shape of DATA's first dimensions, is true; rows stay rows."""
    from tenon.python.ops.ragged import ragged_gather_ops

    with ops.name_scope(name, "RaggedMask", [data, mask]):
        data, mask = _either(data, name="data"), _either(mask, dtypes.bool, "mask")
        dtype, (data, mask) = ragged_tensor.match_row_splits_dtypes(data, mask, return_dtype=True)
        rank = mask.shape.rank
        if rank is None:
            raise ValueError("mask.shape.ndims must be known statically.")
        if rank == 0:
            raise ValueError("mask cannot be scalar.")
        if not isinstance(mask, RaggedTensor) and rank == 1:
            if not isinstance(data, RaggedTensor):
                return array_ops.boolean_mask(data, mask)
            check = check_ops.assert_equal(data.nrows(), array_ops.shape(mask, out_type=dtype)[0],
                                           message="Data and mask have different numbers of rows")  # fmt: skip
            with ops.control_dependencies([check] if check is not None else []):
                rows = array_ops.squeeze(gen_ops.where(mask), 1)
            return ragged_gather_ops.gather_rows(data, rows)
        if not isinstance(mask, RaggedTensor):
            mask = RaggedTensor.from_tensor(mask, ragged_rank=rank - 1, row_splits_dtype=dtype)
        if mask.flat_values.shape.rank > 1:
            mask = mask.with_flat_values(RaggedTensor.from_tensor(
                mask.flat_values, ragged_rank=mask.flat_values.shape.rank - 1, row_splits_dtype=dtype))  # fmt: skip
        if not isinstance(data, RaggedTensor):
            data = RaggedTensor.from_tensor(data, ragged_rank=mask.ragged_rank, row_splits_dtype=dtype)
        elif data.ragged_rank < mask.ragged_rank:
            data = data.with_flat_values(RaggedTensor.from_tensor(
                data.flat_values, ragged_rank=mask.ragged_rank - data.ragged_rank, row_splits_dtype=dtype))  # fmt: skip
        return _masked(data, mask)


def _masked(data, mask):
    """The values of DATA in the innermost rows of ragged MASK where that is true."""
    check = check_ops.assert_equal(data.row_splits, mask.row_splits, message="data and mask have different rows")
    with ops.control_dependencies([check] if check is not None else []):
        if isinstance(mask.values, RaggedTensor):
            return mask.with_values(_masked(data.values, mask.values))
        kept = math_ops.cast(mask.values, mask.row_splits.dtype.base)
        lengths = gen_ops.unsorted_segment_sum(kept, mask.value_rowids(), mask.nrows())
        values = boolean_mask(data.values, mask.values)
        return RaggedTensor.from_row_splits(values, lengths_to_splits(lengths), validate=False)


def expand_dims(input, axis=None, name=None, dim=None):
    """INPUT with a dimension of size 1 at AXIS."""
    axis = dim if axis is None else axis
    with ops.name_scope(name, "RaggedExpandDims", [input]):
        rt = _either(input, name="input")
        if not isinstance(rt, RaggedTensor):
            return array_ops.expand_dims(rt, axis)
        rank = rt.shape.rank
        if rank is None and axis < 0 or rank is not None and not -rank - 1 <= axis <= rank:
            raise ValueError(f"axis={axis} out of bounds: expected {-(rank or 0) - 1}<=axis<={rank}")
        axis = axis + rank + 1 if axis < 0 else axis
        if axis == 0:
            return RaggedTensor.from_uniform_row_length(rt, rt.nrows(), nrows=1, validate=False)
        if axis == 1:
            return RaggedTensor.from_uniform_row_length(rt, 1, nrows=rt.nrows(), validate=False)
        return rt.with_values(expand_dims(rt.values, axis - 1))


def squeeze(input, axis=None, name=None, squeeze_dims=None):
    """INPUT without the dimensions AXIS, whose size must be 1."""
    axis = squeeze_dims if axis is None else axis
    with ops.name_scope(name, "RaggedSqueeze", [input]):
        if axis is None:
            raise ValueError("Ragged.squeeze must have an axis argument.")
        rank = input.shape.rank
        axes = [axis] if isinstance(axis, int) else list(axis)
        axes = sorted({a + rank if a < 0 else a for a in axes}, reverse=True)
        if any(not 0 <= a < rank for a in axes):
            raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
        for a in axes:
            input = _squeezed(input, a)
        return input


def _squeezed(rt, axis):
    if not isinstance(rt, RaggedTensor):
        return array_ops.squeeze(rt, axis)
    if axis > 1:
        return rt.with_values(_squeezed(rt.values, axis - 1))
    sizes = rt.nrows() if axis == 0 else rt.row_lengths()
    check = check_ops.assert_equal(sizes, array_ops.ones([], sizes.dtype.base),
                                   message=f"the given axis (axis = {axis}) is not squeezable!")  # fmt: skip
    with ops.control_dependencies([check] if check is not None else []):
        if axis == 0:
            return rt[0]
        values = rt.values
        if isinstance(values, RaggedTensor):
            return values.with_flat_values(array_ops.identity(values.flat_values))
        return array_ops.identity(values)


def tile(input, multiples, name=None):
    """INPUT repeated MULTIPLES[i] times along dimension i."""
    from tenon.python.ops.ragged import ragged_gather_ops

    with ops.name_scope(name, "RaggedTile", [input, multiples]):
        rt = _either(input, name="input")
        dtype = rt.row_splits.dtype.base if isinstance(rt, RaggedTensor) else dtypes.int64
        multiples = math_ops.cast(ops.convert_to_tensor(multiples, name="multiples"), dtype)
        multiples.shape.assert_has_rank(1)
        if not isinstance(rt, RaggedTensor):
            return gen_ops.tile(rt, multiples)
        rest = array_ops.concat([array_ops.ones([1], dtype), multiples[2:]], axis=0)
        if rt.shape.rank == 2 and not isinstance(rt.values, RaggedTensor):
            values = rt.values
        else:
            values = tile(rt.values, rest)
        # Each row comes MULTIPLES[1] times, then all rows MULTIPLES[0] times.
        each = array_ops.repeat_with_axis(math_ops.range(rt.nrows(), dtype=dtype), multiples[1], 0)
        rows = gen_ops.tile(each, multiples[:1])
        longer = gen_ops.tile(rt.row_lengths() * multiples[1], multiples[:1])
        if isinstance(values, RaggedTensor):
            widened = RaggedTensor.from_row_splits(values, rt.row_splits, validate=False)
        else:
            widened = rt.with_values(values)
        gathered = ragged_gather_ops.gather_rows(widened, math_ops.cast(rows, dtype))
        return RaggedTensor.from_row_lengths(gathered.values, longer, validate=False)


def size(input, name=None, out_type=dtypes.int32):
    """The number of elements."""
    return array_ops.size(input.flat_values, name=name, out_type=out_type or dtypes.int32)


def rank(input, name=None):
    """The number of dimensions."""
    with ops.name_scope(name, "RaggedRank", [input]):
        if input.shape.rank is not None:
            return array_ops.constant(input.shape.rank, dtypes.int32)
        return input.ragged_rank + array_ops.rank(input.flat_values)


def where(condition, x=None, y=None, name=None):
    """X where CONDITION is true, else Y, all of the same rows (or CONDITION a vector that picks rows); alone: the
    coordinates where it is true."""
    if (x is None) != (y is None):
        raise ValueError("x and y must both be None or both be non-None.")
    with ops.name_scope(name, "RaggedWhere", [condition, x, y]):
        condition = _either(condition, name="condition")
        if x is None:
            sparse = condition.to_sparse()
            return array_ops.boolean_mask(sparse.indices, sparse.values)
        x, y = _either(x, name="x"), _either(y, name="y")
        if isinstance(condition, RaggedTensor):
            return ragged_functional_ops.map_flat_values(array_ops.where, condition, x, y)
        return _picked_rows(condition, x, y)


def _picked_rows(condition, x, y):
    """Rows of X or Y by a vector CONDITION."""
    from tenon.python.ops.ragged import ragged_concat_ops, ragged_gather_ops

    if condition.shape.rank != 1:
        raise ValueError("condition must be a vector where only x and y are ragged")
    rows = array_ops.shape(condition, out_type=dtypes.int64)[0]
    both = ragged_concat_ops.concat([x, y], axis=0)
    dtype = both.row_splits.dtype.base
    count = x.nrows() if isinstance(x, RaggedTensor) else array_ops.shape(x, out_type=dtype)[0]
    numbers = math_ops.range(math_ops.cast(rows, dtype), dtype=dtype)
    return ragged_gather_ops.gather_rows(
        both, array_ops.where(condition, numbers, numbers + math_ops.cast(count, dtype))
    )


def where_v2(condition, x=None, y=None, name=None):
    """As where, with broadcasting."""
    if x is None:
        return where(condition, name=name)
    with ops.name_scope(name, "RaggedWhere", [condition, x, y]):
        condition, x, y = (_either(t) for t in (condition, x, y))
        dense = lambda t: not isinstance(t, RaggedTensor)  # noqa: E731
        if all(dense(t) and t.shape.rank == 0 or not dense(t) for t in (condition, x, y)):
            return ragged_functional_ops.map_flat_values(array_ops.where_v2, condition, x, y)
        # A pair whose shapes agree carries the third.
        rows = next(t for t in (condition, x, y) if not dense(t))
        zeros = rows.with_flat_values(array_ops.zeros_like(rows.flat_values, dtype=dtypes.int32))
        keep = ragged_functional_ops.binary(lambda _, b: b, zeros, condition) if condition is not rows else condition
        a = ragged_functional_ops.binary(lambda z, b: b + math_ops.cast(z, b.dtype.base), zeros, x)
        b = ragged_functional_ops.binary(lambda z, b: b + math_ops.cast(z, b.dtype.base), zeros, y)
        return ragged_functional_ops.map_flat_values(array_ops.where_v2, keep, a, b)


@tf_export("ragged.stack_dynamic_partitions")
def stack_dynamic_partitions(data, partitions, num_partitions, name=None):
    """A RaggedTensor whose row i holds the rows of DATA whose PARTITIONS are i."""
    from tenon.python.ops.ragged import ragged_gather_ops

    with ops.name_scope(name, "SegmentStack", [data, partitions, num_partitions]):
        data, partitions = _either(data, name="data"), _either(partitions, name="partitions")
        if partitions.shape.rank is None:
            raise ValueError("partitions must have known rank.")
        if isinstance(partitions, RaggedTensor) or partitions.shape.rank > 1:
            data = data.values if isinstance(data, RaggedTensor) else ragged_conversion_ops.merge_dims(data, 0, 1)
            inner = (partitions.values if isinstance(partitions, RaggedTensor)
                     else ragged_conversion_ops.merge_dims(partitions, 0, 1))  # fmt: skip
            return stack_dynamic_partitions(data, inner, num_partitions)
        if partitions.shape.rank == 0:
            return stack_dynamic_partitions(expand_dims(data, 0), array_ops.expand_dims(partitions, 0), num_partitions)
        order = sort_ops.argsort(partitions, stable=True)
        return RaggedTensor.from_value_rowids(
            ragged_gather_ops.gather_rows(data, order),
            array_ops.gather(partitions, order),
            nrows=num_partitions,
        )


# --- ids of segments ---


@tf_export("ragged.row_splits_to_segment_ids")
def row_splits_to_segment_ids(splits, name=None, out_type=None):
    """The row that each value is in, for rows cut by SPLITS."""
    with ops.name_scope(name, "RaggedSplitsToSegmentIds", [splits]):
        splits = ops.convert_to_tensor(splits, name="splits", dtype=None if hasattr(splits, "dtype") else dtypes.int64)
        if splits.dtype.base not in (dtypes.int32, dtypes.int64):
            raise ValueError("splits must have dtype int32 or int64")
        splits.shape.assert_has_rank(1)
        if splits.shape.dims[0].value == 0:
            raise ValueError("Invalid row_splits: []")
        values = math_ops.range(splits[-1], dtype=splits.dtype.base)
        ids = array_ops.searchsorted(splits[1:], values, "right", splits.dtype.base)
        return ids if out_type is None else math_ops.cast(ids, out_type)


@tf_export("ragged.segment_ids_to_row_splits")
def segment_ids_to_row_splits(segment_ids, num_segments=None, out_type=None, name=None):
    """Where rows begin, and where the last one ends, for values in rows SEGMENT_IDS."""
    with ops.name_scope(name, "SegmentIdsToRaggedSplits", [segment_ids]):
        if not hasattr(segment_ids, "dtype"):
            segment_ids = ops.convert_to_tensor(segment_ids, dtype=out_type or dtypes.int64, name="segment_ids")
        segment_ids = ops.convert_to_tensor(segment_ids, name="segment_ids")
        segment_ids.shape.assert_has_rank(1)
        if num_segments is None:
            minus = array_ops.constant([-1], dtype=segment_ids.dtype.base)
            num_segments = array_ops.concat([minus, segment_ids], axis=0)
            num_segments = math_ops.reduce_max(num_segments) + 1
        dtype = dtypes.as_dtype(out_type) if out_type is not None else segment_ids.dtype.base
        ones = array_ops.ones_like(segment_ids, dtype=dtype)
        return lengths_to_splits(gen_ops.unsorted_segment_sum(ones, segment_ids, num_segments))


@tf_export("ragged.cross")
def cross(inputs, name=None):
    """Of each row every combination of one value of each of INPUTS (ragged, sparse or dense, of rank 2), joined by
    '_X_'."""
    return _cross(inputs, name=name)


@tf_export("ragged.cross_hashed")
def cross_hashed(inputs, num_buckets=0, hash_key=None, name=None):
    """The same combinations as numbers: hashes, below NUM_BUCKETS if that is not 0."""
    return _cross(inputs, True, num_buckets, hash_key, name)


def _cross(inputs, hashed_output=False, num_buckets=0, hash_key=None, name=None):
    from tenon.python.framework.sparse_tensor import SparseTensor, SparseTensorValue

    if not isinstance(inputs, (tuple, list)):
        raise TypeError("Inputs must be a list")
    hash_key = 0xDECAFCAFFE if hash_key is None else hash_key
    kinds, order = {"R": [], "S": [], "D": []}, ""
    with ops.name_scope(name, "RaggedCross", inputs):
        for i, item in enumerate(inputs):
            sparse = isinstance(item, (SparseTensor, SparseTensorValue))
            item = SparseTensor.from_value(item) if sparse else _either(item)
            ragged = isinstance(item, RaggedTensor)
            if item.dtype.is_integer:
                cast = ragged_functional_ops.map_flat_values if ragged else lambda f, x: f(x)
                item = cast(lambda x: math_ops.cast(x, dtypes.int64), item)
            elif item.dtype != dtypes.string:
                raise ValueError(f"Unexpected dtype for inputs[{i}]: {item.dtype}")
            if ragged and item.ragged_rank != 1:
                raise ValueError("tf.ragged.cross only supports inputs with rank=2")
            kind = "S" if sparse else "R" if ragged else "D"
            kinds[kind].append(item)
            order += kind
        narrow = kinds["R"] and all(x.row_splits.dtype == dtypes.int32 for x in kinds["R"])
        values, splits = gen_ops.ragged_cross(
            [x.values for x in kinds["R"]], [x.row_splits for x in kinds["R"]],
            [x.indices for x in kinds["S"]], [x.values for x in kinds["S"]], [x.dense_shape for x in kinds["S"]],
            kinds["D"], input_order=order, hashed_output=hashed_output, num_buckets=num_buckets,
            hash_key=hash_key - 2**64 if hash_key > 2**63 else hash_key,
            out_values_type=dtypes.int64 if hashed_output else dtypes.string,
            out_row_splits_type=dtypes.int32 if narrow else dtypes.int64, name=name,
        )  # fmt: skip
        return RaggedTensor.from_row_splits(values, splits, validate=False)
