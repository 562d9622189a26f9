"""Rows and elements of ragged tensors."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops
from tenon.python.ops.ragged import ragged_tensor
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor


def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """The slices of PARAMS at INDICES along AXIS (by default the one after the batch); either may be ragged."""
    with ops.name_scope(name, "RaggedGather", [params, indices]):
        params = ragged_tensor.convert_to_tensor_or_ragged_tensor(params, name="params")
        indices = ragged_tensor.convert_to_tensor_or_ragged_tensor(indices, name="indices")
        params, indices = ragged_tensor.match_row_splits_dtypes(params, indices)
        if batch_dims < 0:
            batch_dims += indices.shape.rank
        axis = batch_dims if axis is None else axis
        if axis < 0:
            axis += params.shape.rank
        if axis < batch_dims:
            raise ValueError(f"axis={axis} must be at least batch_dims={batch_dims}")
        if batch_dims > 0:
            return _batch_gather(params, indices, batch_dims, axis)
        if axis > 0:
            if not isinstance(params, RaggedTensor):
                raise ValueError(f"ragged indices into a Tensor need axis=0, or batch_dims={axis}")
            return params.with_values(gather(params.values, indices, axis=axis - 1)) if axis > 1 else _columns(
                params, indices)  # fmt: skip
        return gather_rows(params, indices)


def gather_rows(params, indices):
    """The rows of PARAMS at INDICES; either may be ragged."""
    if isinstance(indices, RaggedTensor):
        return indices.with_values(gather_rows(params, indices.values))
    if not isinstance(params, RaggedTensor):
        return array_ops.gather(params, indices)
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("rank(indices) must be known statically")
    if rank == 0:
        return params[indices]
    splits, values = gen_ops.ragged_gather(
        list(params.nested_row_splits), params.flat_values, indices, params.ragged_rank + rank - 1
    )
    return RaggedTensor.from_nested_row_splits(values, splits, validate=False)


def _columns(params, indices):
    """The elements at INDICES, a vector, in each row of ragged PARAMS."""
    rows = params.nrows()
    count = array_ops.shape(indices, out_type=rows.dtype.base)
    every = gen_ops.tile(array_ops.expand_dims(indices, 0), array_ops.concat([[rows], array_ops.ones_like(count)], 0))
    return _batch_gather(params, every, 1, 1)


def _batch_gather(params, indices, batch_dims, axis):
    """For each of the rows of the batch the slices at its own INDICES."""
    if not isinstance(params, RaggedTensor):
        params = RaggedTensor.from_tensor(params, ragged_rank=1, row_splits_dtype=indices.row_splits.dtype.base)
    if not isinstance(indices, RaggedTensor):
        if indices.shape.rank == 1 and batch_dims == 1:  # one element of each row
            return _batch_gather(params, array_ops.expand_dims(indices, 1), 1, axis).values
        indices = RaggedTensor.from_tensor(indices, ragged_rank=1, row_splits_dtype=params.row_splits.dtype.base)
    dtype = params.row_splits.dtype.base
    check = check_ops.assert_equal(params.nrows(), indices.nrows(), message="Dimensions 0 of params and indices differ")
    with ops.control_dependencies([check] if check is not None else []):
        if batch_dims > 1:
            inner = gather(params.values, indices.values, batch_dims=batch_dims - 1, axis=axis - 1)
            return indices.with_values(inner)
        if axis > 1:
            raise ValueError("axis must be batch_dims where params are ragged")
        places = math_ops.cast(indices.flat_values, dtype)
        rows = indices.value_rowids()
        shifted, inner = indices.values, indices
        while isinstance(shifted, RaggedTensor):  # every index of a row moves to where that row begins
            rows, inner = array_ops.gather(rows, shifted.value_rowids()), shifted
            shifted = inner.values
        if places.shape.rank is not None and places.shape.rank > 1:
            raise ValueError("indices must have one dimension past the batch, or ragged ones")
        message = "indices out of range of the rows"
        lengths = array_ops.gather(params.row_lengths(), rows)
        checks = [check_ops.assert_less(places, lengths, message=message),
                  check_ops.assert_non_negative(places, message=message)]  # fmt: skip
        with ops.control_dependencies([c for c in checks if c is not None]):
            places = places + array_ops.gather(params.row_starts(), rows)
        placed = indices.with_flat_values(places)
        return placed.with_values(gather_rows(params.values, placed.values))


def batch_gather(params, indices, name=None):
    """For each row of PARAMS the elements at its own INDICES."""
    with ops.name_scope(name, "RaggedBatchGather", [params, indices]):
        indices = ragged_tensor.convert_to_tensor_or_ragged_tensor(indices, name="indices")
        return gather(params, indices, batch_dims=indices.shape.rank - 1)


def gather_nd(params, indices, name=None, batch_dims=0, bad_indices_policy=""):
    """The elements or slices of PARAMS at the places of the last dimension of INDICES; either may be ragged."""
    if batch_dims:
        raise ValueError("batch_dims != 0 is not supported for ragged gather_nd")
    with ops.name_scope(name, "RaggedGatherNd", [params, indices]):
        params = ragged_tensor.convert_to_tensor_or_ragged_tensor(params, name="params")
        indices = ragged_tensor.convert_to_tensor_or_ragged_tensor(indices, name="indices")
        rank = indices.shape.rank
        size = indices.shape.dims[-1].value if rank else None
        if size is None:
            raise ValueError("indices.shape[-1] must be statically known.")
        if isinstance(indices, RaggedTensor):
            if rank - 1 <= indices.ragged_rank:
                raise ValueError("The innermost dimension of indices may not be ragged")
            return indices.with_values(gather_nd(params, indices.values))
        if not isinstance(params, RaggedTensor):
            return array_ops.gather_nd(params, indices)
        if rank > 2:
            flat = gather_nd(params, array_ops.reshape(indices, [-1, size]))
            shape = array_ops.shape(indices, out_type=params.row_splits.dtype.base)
            for d in reversed(range(1, rank - 1)):
                flat = RaggedTensor.from_uniform_row_length(flat, shape[d], nrows=math_ops.reduce_prod(shape[:d]),
                                                            validate=False)  # fmt: skip
            return flat
        if rank == 1:
            return gather_nd(params, array_ops.expand_dims(indices, 0))[0]
        return _at_places(params, math_ops.cast(indices, params.row_splits.dtype.base), size)


def _at_places(params, indices, size):
    """The slices of ragged PARAMS at the rows of INDICES, [n, SIZE]."""
    if size == 0:
        return gather_rows(params[None], array_ops.zeros(array_ops.shape(indices)[:1], indices.dtype.base))
    rows, used = indices[:, 0], 1
    while used < size and isinstance(params, RaggedTensor):
        column = indices[:, used]
        message = "indices out of range of the rows"
        checks = [check_ops.assert_less(column, array_ops.gather(params.row_lengths(), rows), message=message),
                  check_ops.assert_non_negative(column, message=message)]  # fmt: skip
        with ops.control_dependencies([c for c in checks if c is not None]):
            rows = array_ops.gather(params.row_starts(), rows) + column
        params, used = params.values, used + 1
    if used == size:
        return gather_rows(params, rows)
    places = array_ops.concat([array_ops.expand_dims(rows, 1), indices[:, used:]], axis=1)
    return array_ops.gather_nd(params, places)
