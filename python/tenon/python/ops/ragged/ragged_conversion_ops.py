"""Ragged tensors from dense and sparse ones, and the other way round."""

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework import sparse_tensor as sparse
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, math_ops, math_reductions
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor

reduce_max, reduce_all = math_reductions.reduce_max, math_reductions.reduce_all


def _nested_lengths(tensor, lengths, dtype):
    """The values of TENSOR that lie inside of nested row lengths."""
    lengths = [ops.convert_to_tensor(x, dtype=None if hasattr(x, "dtype") else dtype) for x in lengths]
    count = math_ops.reduce_sum(lengths[-1])
    mask = RaggedTensor.from_nested_row_lengths(array_ops.ones([count], dtypes.bool), lengths, validate=False)
    inside = mask.to_tensor(default_value=False, shape=array_ops.shape(tensor)[: len(lengths) + 1])
    return RaggedTensor.from_nested_row_lengths(array_ops.boolean_mask(tensor, inside), lengths, validate=False)


def _lengths_without(tensor, padding, dtype):
    """The lengths of TENSOR's rows without the elements at their ends that equal PADDING."""
    padding = ops.convert_to_tensor(padding, dtype=tensor.dtype, name="padding")
    padding.shape.assert_is_compatible_with(tensor.shape[2:])
    is_padding = math_ops.equal(tensor, padding)
    if tensor.shape.rank > 2:
        is_padding = reduce_all(is_padding, axis=list(range(2, tensor.shape.rank)))
    places = math_ops.range(array_ops.shape(tensor, out_type=dtype)[1], dtype=dtype) + 1
    used = math_ops.cast(math_ops.logical_not(is_padding), dtype) * places
    return math_ops.maximum(reduce_max(used, axis=1), array_ops.zeros([], dtype))


def from_tensor(tensor, lengths=None, padding=None, ragged_rank=1, name=None, row_splits_dtype=dtypes.int64):
    """See RaggedTensor.from_tensor."""
    dtype = dtypes.as_dtype(row_splits_dtype)
    if lengths is not None and padding is not None:
        raise ValueError("Specify argument `lengths` or `padding`, but not both.")
    if not isinstance(ragged_rank, int):
        raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
    if ragged_rank <= 0:
        raise ValueError(f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}.")
    with ops.name_scope(name, "RaggedFromTensor", [tensor, lengths, padding]):
        tensor = ops.convert_to_tensor(tensor, name="tensor")
        if tensor.shape.rank is not None:
            tensor.shape.with_rank_at_least(ragged_rank + 1)
        if isinstance(lengths, (list, tuple)) and any(not isinstance(x, (int, float)) for x in lengths):
            if ragged_rank not in (1, len(lengths)):
                raise ValueError("If Argument `lengths` is a tuple of row_lengths, argument `ragged_rank` must be "
                                 f"len(lengths): {len(lengths)}. Received ragged_rank: {ragged_rank}.")  # fmt: skip
            return _nested_lengths(tensor, lengths, dtype)
        shape = array_ops.shape(tensor, out_type=dtype)
        known = tensor.shape.as_list() if tensor.shape.rank is not None else [None, None]
        nrows, ncols = (shape[i] if known[i] is None else array_ops.constant(known[i], dtype) for i in (0, 1))
        if lengths is None and padding is None or ragged_rank > 1:
            inner = [-1 if d is None else d for d in known[2:]]
            if None in known[:2] or inner.count(-1):
                flat = array_ops.reshape(tensor, array_ops.concat([[shape[0] * shape[1]], shape[2:]], axis=0))
                flat.set_shape([None, *known[2:]] if tensor.shape.rank is not None else None)
            else:
                flat = array_ops.reshape(tensor, [known[0] * known[1], *inner])
            if ragged_rank > 1:
                flat = from_tensor(flat, lengths, padding, ragged_rank - 1, None, dtype)
            return RaggedTensor.from_uniform_row_length(flat, ncols, nrows=nrows, validate=False)
        if padding is not None:
            lengths = _lengths_without(tensor, padding, dtype)
        else:
            lengths = ops.convert_to_tensor(lengths, dtype=None if hasattr(lengths, "dtype") else dtype)
            lengths = math_ops.cast(lengths, dtype)
            lengths.shape.assert_has_rank(1)
            lengths = math_ops.maximum(math_ops.minimum(lengths, ncols), array_ops.zeros([], dtype))
        mask = array_ops.sequence_mask(lengths, ncols)
        mask.set_shape([None, None])
        return RaggedTensor.from_row_lengths(array_ops.boolean_mask(tensor, mask), lengths, validate=False)


def from_sparse(st_input, name=None, row_splits_dtype=dtypes.int64):
    """See RaggedTensor.from_sparse."""
    if not sparse.is_sparse(st_input):
        raise TypeError(f"Argument `st_input` must be of type SparseTensor, but is of type {type(st_input).__name__}.")
    with ops.name_scope(name, "RaggedFromSparse", [st_input.indices, st_input.values]):
        st_input = sparse.SparseTensor.from_value(st_input)
        rank = st_input.dense_shape.shape.dims[0].value or st_input.indices.shape.dims[1].value
        if rank is None:
            raise ValueError("Static rank of SparseTensor must be known.")
        if rank != 2:
            raise ValueError(f"RaggedTensor.from_sparse requires a SparseTensor of rank 2. Received rank {rank}.")
        with ops.control_dependencies(_ragged_right(st_input.indices)):
            dtype = dtypes.as_dtype(row_splits_dtype)
            rows = math_ops.cast(array_ops.identity(st_input.indices[:, 0]), dtype)
            nrows = math_ops.cast(st_input.dense_shape[0], dtype)
            return RaggedTensor.from_value_rowids(st_input.values, rows, nrows=nrows, validate=False)


def _ragged_right(indices):
    """Checks that each row's values are in order, without a gap."""
    message = "SparseTensor is not right-ragged"
    before, after = indices[:-1], indices[1:]
    step, first = math_ops.cast(math_ops.equal(before[:, 0], after[:, 0]), dtypes.int64), indices[:1, 1]
    wanted = (before[:, 1] + 1) * step
    return [
        check_ops.assert_equal(first, array_ops.zeros_like(first), message=message),
        check_ops.assert_equal(after[:, 1], wanted, message=message),
        check_ops.assert_less_equal(before[:, 0], after[:, 0], message=message),
    ]


def to_tensor(rt, default_value=None, name=None, shape=None):
    """See RaggedTensor.to_tensor."""
    with ops.name_scope(name, "RaggedToTensor", [rt, default_value, shape]):
        if default_value is None:
            default_value = "" if rt.dtype.base is dtypes.string else False if rt.dtype.is_bool else 0
        default_value = ops.convert_to_tensor(default_value, dtype=rt.dtype.base, name="default_value")
        known = None
        if shape is None:
            shape = array_ops.constant(-1, rt.row_splits.dtype.base)
        elif not isinstance(shape, ops.Tensor):
            from tenon.python.framework.tensor_shape import TensorShape

            known = TensorShape(shape)
            if known.rank is None:
                shape = array_ops.constant(-1, rt.row_splits.dtype.base)
            elif any(isinstance(d, ops.Tensor) for d in (shape if isinstance(shape, (list, tuple)) else ())):
                shape = array_ops.stack(shape)
            else:
                shape = array_ops.constant([-1 if d is None else d for d in known.as_list()], dtypes.int64)
        types = ["ROW_SPLITS"] * rt.ragged_rank
        result = gen_ops.ragged_tensor_to_tensor(
            shape, rt.flat_values, default_value, list(rt.nested_row_splits), row_partition_types=types
        )
        if known is None and shape.shape.rank == 0 or known is not None and known.rank is None:
            result.set_shape([rt.shape.as_list()[0]] + [None] * (rt.shape.rank - 1) if rt.shape.rank else None)
        elif known is not None and rt.shape.rank is not None:
            result.set_shape([k if k is not None else n for k, n in zip(known.as_list(), rt.shape.as_list())])
        return result


def bounding_shape(rt, axis=None, name=None, out_type=None):
    """See RaggedTensor.bounding_shape."""
    out_type = rt.row_splits.dtype.base if out_type is None else dtypes.as_dtype(out_type)
    with ops.name_scope(name, "RaggedBoundingBox", [rt, axis]):
        lengths = rt.nested_row_lengths()
        sizes = [rt.nrows(out_type)]
        zero = array_ops.zeros([1], rt.row_splits.dtype.base)
        sizes += [math_ops.cast(reduce_max(array_ops.concat([zero, x], axis=0)), out_type) for x in lengths]
        inner = array_ops.shape(rt.flat_values, out_type=out_type)[1:]
        if isinstance(axis, int) and axis < len(sizes) and axis >= 0:
            return sizes[axis]
        box = array_ops.concat([array_ops.stack(sizes), inner], axis=0)
        return box if axis is None else array_ops.gather(box, axis)


def _axis(axis, rank, what):
    if rank is None and axis < 0:
        raise ValueError(f"{what} must not be negative where the rank is unknown")
    if rank is not None and not -rank <= axis < rank:
        raise ValueError(f"{what}={axis} out of bounds: expected {-rank}<={what}<{rank}")
    return axis + rank if axis < 0 else axis


def merge_dims(value, outer_axis, inner_axis):
    """See RaggedTensor.merge_dims; VALUE may be dense."""
    if not isinstance(value, RaggedTensor):
        shape = array_ops.shape(value)
        size = math_ops.reduce_prod(shape[outer_axis : inner_axis + 1])
        return array_ops.reshape(value, array_ops.concat([shape[:outer_axis], [size], shape[inner_axis + 1 :]], axis=0))
    rank = value.shape.rank
    outer_axis, inner_axis = _axis(outer_axis, rank, "outer_axis"), _axis(inner_axis, rank, "inner_axis")
    if outer_axis > inner_axis:
        raise ValueError(f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis ({inner_axis}).")
    if outer_axis == inner_axis:
        return value
    if outer_axis > 1:
        return value.with_values(merge_dims(value.values, outer_axis - 1, inner_axis - 1))
    if outer_axis == 0:
        inner = value.values
        return inner if inner_axis == 1 else merge_dims(inner, 0, inner_axis - 1)
    # Rows of rows become longer rows.
    inner = value.values
    if isinstance(inner, RaggedTensor):
        splits = array_ops.gather(inner.row_splits, value.row_splits)
        merged = RaggedTensor.from_row_splits(inner.values, splits, validate=False)
    else:
        size = array_ops.shape(inner, out_type=value.row_splits.dtype.base)[1]
        merged = RaggedTensor.from_row_splits(merge_dims(inner, 0, 1), value.row_splits * size, validate=False)
    return merged if inner_axis == 2 else merge_dims(merged, 1, inner_axis - 1)


def checked_same_splits(*tensors):
    """Assertions that ragged TENSORS have the same rows; none where they have the same splits."""
    checks = []
    first = tensors[0].nested_row_splits
    for other in tensors[1:]:
        for a, b in zip(first, other.nested_row_splits):
            if a is b:
                continue
            x, y = tensor_util.constant_value(a), tensor_util.constant_value(b)
            if x is not None and y is not None and x.shape == y.shape and (x == y).all():
                continue
            checks.append(check_ops.assert_equal(
                a, b, message="Inputs must have identical ragged splits"))  # fmt: skip
    return [c for c in checks if c is not None]


def with_checks(checks, rt):
    """RT, whose values wait for CHECKS."""
    return rt.with_flat_values(control_flow_ops.with_dependencies(checks, rt.flat_values)) if checks else rt
