"""Ragged tensors of nested lists, and placeholders for them."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.ops.ragged.ragged_tensor_value import RaggedTensorValue
from tenon.python.util.tf_export import tf_export


def _is_list(x):
    return isinstance(x, (list, tuple)) or isinstance(x, np.ndarray) and x.ndim > 0


def _depths(item):
    """(the depth of the scalars, None without any; the greatest depth of lists). ValueError where scalars differ."""
    if not _is_list(item):
        return 0, 0
    scalars, deepest = None, 1
    for x in item:
        inner, depth = _depths(x)
        deepest = max(deepest, depth + 1)
        if inner is None:
            continue
        if scalars is not None and scalars != inner + 1:
            raise ValueError("all scalar values must have the same nesting depth")
        scalars = inner + 1
    return scalars, deepest


def _inner_shape(item):
    """The shape that ITEM has if it is no ragged list; ValueError if it is."""
    if not _is_list(item):
        return ()
    shapes = {_inner_shape(x) for x in item}
    if len(shapes) > 1:
        raise ValueError("inner values have inconsistent shape")
    return (len(item), *(shapes.pop() if shapes else ()))


def _array(values, dtype, shape):
    """VALUES, lists of one shape, as an array of DTYPE, SHAPE being the shape of one of them."""
    count = len(values)
    numpy = None if dtype is None else dtype
    array = np.array(values, numpy) if count else np.zeros((0,), numpy or np.float32)
    if array.dtype.kind in "SU":
        flat = [x if isinstance(x, bytes) else str(x).encode() for x in array.reshape(-1).tolist()]
        array = np.array([*flat, None], object)[:-1].reshape(array.shape)
    if dtype is None and array.dtype == np.float64:
        array = array.astype(np.float32)
    if dtype is None and array.dtype == np.int64:
        info = np.iinfo(np.int32)
        if not array.size or info.min <= array.min() and array.max() <= info.max:
            array = array.astype(np.int32)
    return array.reshape((count, *shape))


def _value(pylist, dtype, ragged_rank, inner_shape, splits_dtype):
    """PYLIST as an array or a RaggedTensorValue."""
    if isinstance(pylist, (np.ndarray, np.generic)):
        pylist = pylist.tolist()
    if not _is_list(pylist):
        if ragged_rank:
            raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
        if inner_shape:
            raise ValueError(f"Invalid pylist={pylist!r}: incompatible with dim(inner_shape)={len(inner_shape)}")
        return _array([pylist], dtype, ()).reshape(())
    scalars, deepest = _depths(pylist)
    if ragged_rank is not None and deepest < ragged_rank:
        raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
    if scalars is not None and deepest > scalars:
        raise ValueError(f"Invalid pylist={pylist!r}: empty list nesting is greater than scalar value nesting")
    if ragged_rank is None:
        ragged_rank = max(deepest - 1 - len(inner_shape or ()), 0)
    if inner_shape is not None and scalars is not None and ragged_rank + len(inner_shape) + 1 != scalars:
        raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank} and "
                         f"dim(inner_shape)={len(inner_shape)}")  # fmt: skip
    values, splits = list(pylist), []
    for dim in range(ragged_rank):
        splits.append(np.cumsum([0] + [len(row) for row in values]).astype(splits_dtype))
        values = [x for row in values for x in row]
        if dim < ragged_rank - 1 and any(not _is_list(x) for x in values):
            raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
    if inner_shape is None:
        shapes = {_inner_shape(x) for x in values}
        if len(shapes) > 1:
            raise ValueError(f"Invalid pylist={pylist!r}: inner values have inconsistent shape")
        inner_shape = shapes.pop() if shapes else (0,) * max((scalars or deepest) - ragged_rank - 1, 0)
    elif any(_inner_shape(x) != tuple(inner_shape) for x in values):
        raise ValueError(f"Invalid pylist={pylist!r}: inner values do not have shape {tuple(inner_shape)}")
    result = _array(values, dtype, tuple(inner_shape))
    for split in reversed(splits):
        result = RaggedTensorValue(result, split)
    return result


@tf_export("ragged.constant")
def constant(pylist, dtype=None, ragged_rank=None, inner_shape=None, name=None, row_splits_dtype=dtypes.int64):
    """The RaggedTensor (or Tensor) of nested lists; RAGGED_RANK of its dimensions past the first are ragged."""
    with ops.name_scope(name, "RaggedConstant"):
        kind = None if dtype is None else dtypes.as_dtype(dtype)
        splits = dtypes.as_dtype(row_splits_dtype)
        value = _value(pylist, None if kind is None else kind.as_numpy_dtype, ragged_rank, inner_shape,
                       splits.as_numpy_dtype)  # fmt: skip
        if not isinstance(value, RaggedTensorValue):
            return array_ops.constant(value, kind, name="Const")
        rt = array_ops.constant(value.flat_values, kind, name="values")
        for split in reversed(value.nested_row_splits):
            rt = RaggedTensor.from_row_splits(rt, array_ops.constant(split, splits, name="splits"), validate=False)
        return rt


@tf_export("ragged.constant_value")
def constant_value(pylist, dtype=None, ragged_rank=None, inner_shape=None, row_splits_dtype="int64"):
    """The RaggedTensorValue (or array) of nested lists."""
    if dtype is not None and hasattr(dtype, "as_numpy_dtype"):
        dtype = dtype.as_numpy_dtype
    splits = dtypes.as_dtype(row_splits_dtype).as_numpy_dtype
    return _value(pylist, dtype, ragged_rank, inner_shape, splits)


@tf_export("ragged.placeholder")
def placeholder(dtype, ragged_rank, value_shape=None, name=None):
    """A RaggedTensor whose value, a RaggedTensorValue, each step is given."""
    if ragged_rank == 0:
        return array_ops.placeholder(dtype, value_shape, name)
    with ops.name_scope(name, "RaggedPlaceholder", []):
        from tenon.python.framework.tensor_shape import TensorShape

        result = array_ops.placeholder(dtype, TensorShape([None]).concatenate(value_shape), "flat_values")
        for i in reversed(range(ragged_rank)):
            splits = array_ops.placeholder(dtypes.int64, [None], f"row_splits_{i}")
            result = RaggedTensor.from_row_splits(result, splits, validate=False)
        return result
