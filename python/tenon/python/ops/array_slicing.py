"""tensor[...]: Python's slices as StridedSlice."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.framework.constant_op import constant
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import Dimension
from tenon.python.ops import gen_ops

newaxis = None
_INDICES = (dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.int8, dtypes.uint16)


def _is_tensor(x):
    return isinstance(x, Tensor) or ops.is_dense_tensor_like(x)


def _check(index):
    if isinstance(index, Dimension) or isinstance(index, (int, np.integer)) and not isinstance(index, bool):
        return
    dtype = getattr(index, "dtype", None)
    if dtype is not None and not isinstance(index, bool):
        shape = getattr(index, "shape", None)
        rank = getattr(shape, "rank", None) if _is_tensor(index) else np.ndim(index)
        if dtypes.as_dtype(dtype).base in _INDICES and rank in (None, 0):
            return
    raise TypeError("Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 "
                    f"tensors are valid indices, got {index!r}")  # fmt: skip


def slice_helper(tensor, slice_spec, var=None):
    """tensor[slice_spec]; VAR is the variable that it was asked of."""
    if not isinstance(slice_spec, tuple) and _boolean_mask(slice_spec):
        from tenon.python.ops import array_ops

        return array_ops.boolean_mask(tensor=tensor, mask=slice_spec)
    if not isinstance(slice_spec, tuple):
        slice_spec = (slice_spec,)
    begin, end, strides = [], [], []
    masks = {"begin_mask": 0, "end_mask": 0, "shrink_axis_mask": 0, "new_axis_mask": 0, "ellipsis_mask": 0}
    for i, s in enumerate(slice_spec):
        bit = 1 << i
        if isinstance(s, slice):
            _slice(s, bit, begin, end, strides, masks)
        elif s is Ellipsis or s is newaxis:
            begin.append(0)
            end.append(0 if s is Ellipsis else 1)
            strides.append(1)
            masks["ellipsis_mask" if s is Ellipsis else "new_axis_mask"] |= bit
        else:
            _check(s)
            s = s.value if isinstance(s, Dimension) else s
            begin.append(s)
            end.append(s + 1)
            strides.append(1)
            masks["shrink_axis_mask"] |= bit
    with ops.name_scope(None, "strided_slice", [tensor, *begin, *end, *strides]) as name:
        parts = _stacks(begin, end, strides)
        return strided_slice_of(tensor, *parts, masks, var, name)


def _boolean_mask(spec):
    if isinstance(spec, np.ndarray):
        return spec.dtype == np.bool_
    return _is_tensor(spec) and dtypes.as_dtype(spec.dtype).is_bool


def _slice(s, bit, begin, end, strides, masks):
    for value, into, mask, default in ((s.start, begin, "begin_mask", 0), (s.stop, end, "end_mask", 0)):
        if value is None or isinstance(value, Dimension) and value.value is None:
            into.append(default)
            masks[mask] |= bit
        else:
            _check(value)
            into.append(value.value if isinstance(value, Dimension) else value)
    if s.step is not None:
        _check(s.step)
    strides.append(1 if s.step is None else s.step)


def _stacks(begin, end, strides):
    """The three index vectors, all of int64 where one must be."""
    if not any(_is_tensor(v) for v in (*begin, *end, *strides)):
        dtype = dtypes.int32
        if any(abs(int(v)) >= 2**31 for v in (*begin, *end, *strides)):
            dtype = dtypes.int64
        names = ("stack", "stack_1", "stack_2")
        return [constant(np.array(v, dtype.as_numpy_dtype), name=n) for v, n in zip((begin, end, strides), names)]
    dtype = dtypes.int64 if any(_is_tensor(v) and v.dtype.base is dtypes.int64 for v in (*begin, *end, *strides)) else (
        dtypes.int32)  # fmt: skip
    return [_stack(values, dtype) for values in (begin, end, strides)]


def _stack(values, dtype):
    if not any(_is_tensor(v) for v in values):
        return constant(np.array(values, dtype.as_numpy_dtype), name="stack")
    with ops.name_scope("stack") as scope:
        parts = []
        for i, value in enumerate(values):
            if not _is_tensor(value):
                parts.append(constant(value, dtype, name=str(i)))
            elif value.dtype.base is not dtype:
                parts.append(gen_ops.cast(value, dtype, name="Cast"))
            else:
                parts.append(ops.convert_to_tensor(value))
        return gen_ops.pack(parts, name=scope)


def strided_slice_of(tensor, begin, end, strides, masks, var=None, name=None):
    """A StridedSlice; what it returns can be assigned to if VAR is given."""
    result = gen_ops.strided_slice(tensor, begin, end, strides, name=name, **masks)

    def assign(value, name=None):
        if var is None:
            raise ValueError("Sliced assignment is only supported for variables")
        target = getattr(var, "_strided_slice_assign", None)
        if target is not None:
            return target(begin=begin, end=end, strides=strides, value=value, name=name, **masks)
        return gen_ops.strided_slice_assign(var._ref(), begin, end, strides, value, name=name, **masks)

    if var is not None:
        result.assign = assign
    return result


def slice_variable(var, slice_spec):
    """variable[slice_spec]: also something that can be assigned to."""
    return slice_helper(var.value(), slice_spec, var)
