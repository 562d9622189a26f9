"""Ragged tensors joined and stacked."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops
from tenon.python.ops.ragged import ragged_array_ops, ragged_conversion_ops, ragged_gather_ops, ragged_tensor
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.util.tf_export import tf_export


def concat(values, axis, name=None):
    """VALUES, ragged or dense, joined along AXIS."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    with ops.name_scope(name, "RaggedConcat", values):
        return _join(values, axis, stacks=False)


@tf_export("ragged.stack")
def stack(values, axis=0, name=None):
    """VALUES, ragged or dense, of one rank, stacked along a new dimension: their sizes may differ."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    with ops.name_scope(name, "RaggedStack", values):
        return _join(values, axis, stacks=True)


def _join(values, axis, stacks):
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    values = [ragged_tensor.convert_to_tensor_or_ragged_tensor(v, name="rt_input") for v in values]
    values = list(ragged_tensor.match_row_splits_dtypes(*values))
    if len(values) == 1:
        return ragged_array_ops.expand_dims(values[0], axis) if stacks else values[0]
    rank = next((v.shape.rank for v in values if v.shape.rank is not None), None)
    if rank is None:
        raise ValueError("The rank of one of the inputs must be known.")
    for v in values:
        v.shape.assert_has_rank(rank)
    total = rank + stacks
    if not -total <= axis < total:
        raise ValueError(f"axis={axis} out of bounds: expected {-total}<=axis<{total}")
    axis = axis + total if axis < 0 else axis
    if stacks and rank == 1 and axis == 0:
        lengths = array_ops.concat([array_ops.shape(v) for v in values], axis=0)
        return RaggedTensor.from_row_lengths(array_ops.concat(values, axis=0), lengths, validate=False)
    if not any(isinstance(v, RaggedTensor) for v in values) and axis in (total - 1, rank - 1):
        return array_ops.stack(values, axis) if stacks else array_ops.concat(values, axis)
    dtype = next((v.row_splits.dtype.base for v in values if isinstance(v, RaggedTensor)), dtypes.int64)
    deepest = max([v.ragged_rank for v in values if isinstance(v, RaggedTensor)] + [1])
    return _along([_of_rank(v, deepest, dtype) for v in values], axis, stacks)


def _of_rank(v, ragged_rank, dtype):
    """V with RAGGED_RANK ragged dimensions."""
    if not isinstance(v, RaggedTensor):
        return RaggedTensor.from_tensor(v, ragged_rank=ragged_rank, row_splits_dtype=dtype)
    missing = ragged_rank - v.ragged_rank
    if not missing:
        return v
    return v.with_flat_values(RaggedTensor.from_tensor(v.flat_values, ragged_rank=missing, row_splits_dtype=dtype))


def _along(values, axis, stacks):
    if axis == 0:
        return _rows(values, stacks)
    if axis == 1:
        return _columns(values, stacks)
    if not all(isinstance(v, RaggedTensor) for v in values):
        return array_ops.stack(values, axis) if stacks else array_ops.concat(values, axis)
    checks = [check_ops.assert_equal(values[0].row_splits, v.row_splits, message="Input tensors have other rows")
              for v in values[1:] if v.row_splits is not values[0].row_splits]  # fmt: skip
    with ops.control_dependencies([c for c in checks if c is not None]):
        inner = [v.values for v in values]
        if all(isinstance(v, RaggedTensor) for v in inner):
            return values[0].with_values(_along(inner, axis - 1, stacks))
        return values[0].with_values(array_ops.stack(inner, axis - 1) if stacks else array_ops.concat(inner, axis - 1))


def _rows(values, stacks):
    """Rows after rows; STACKS: the rows of each are a row of the result."""
    inner = [v.values for v in values]
    if all(isinstance(v, RaggedTensor) for v in inner):
        joined = _rows(inner, False)
    else:
        joined = array_ops.concat(inner, axis=0)
    splits, end = [values[0].row_splits], values[0].row_splits[-1]
    for v in values[1:]:
        splits.append(v.row_splits[1:] + end)
        end = end + v.row_splits[-1]
    result = RaggedTensor.from_row_splits(joined, array_ops.concat(splits, axis=0), validate=False)
    if not stacks:
        return result
    return RaggedTensor.from_row_lengths(result, array_ops.stack([v.nrows() for v in values]), validate=False)


def _columns(values, stacks):
    """Row i of the result holds row i of each, after each other or as rows of its own."""
    count, rows = len(values), values[0].nrows()
    checks = [check_ops.assert_equal(rows, v.nrows(), message="Input tensors have incompatible shapes")
              for v in values[1:]]  # fmt: skip
    with ops.control_dependencies([c for c in checks if c is not None]):
        every = math_ops.range(rows * count, dtype=rows.dtype.base)
    # Of n rows of each, row i of value j is number j * n + i.
    order = gen_ops.floor_mod(every, count) * rows + gen_ops.floor_div(every, count)
    mixed = ragged_gather_ops.gather_rows(_rows(values, False), order)
    stacked = RaggedTensor.from_uniform_row_length(mixed, count, nrows=rows, validate=False)
    return stacked if stacks else ragged_conversion_ops.merge_dims(stacked, 1, 2)
