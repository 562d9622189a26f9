"""Constants, and the conversion of Python's and NumPy's values to them."""

import numpy as np

from tenon import _core
from tenon.python.framework import dtypes, ops
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import Dimension, TensorShape, as_shape
from tenon.python.util.tf_export import tf_export

_SINGLE = (float, int, bool, str, bytes, complex)
_STRING = dtypes.string.number


def _wrong(value, dtype):
    return TypeError(f"Expected {dtype.name}, got {value!r} of type '{type(value).__name__}' instead.")


def _first(values):
    """The first thing in nested lists that is no list."""
    while isinstance(values, (list, tuple)):
        if not values:
            return None
        values = values[0]
    return values


def _offender(values, kinds):
    """The first value in nested lists whose NumPy kind is among KINDS."""
    if isinstance(values, (list, tuple)):
        for value in values:
            found = _offender(value, kinds)
            if found is not None:
                return found
        return None
    return values if np.asarray(values).dtype.kind in kinds else None


def _check(values, kind, dtype):
    """TypeError if VALUES, of NumPy kind KIND, would lose what they are as DTYPE."""
    if dtype is dtypes.string:
        wrong = kind not in "SUO"
    elif dtype.is_integer or dtype.is_quantized:
        wrong = kind in "fcSU"
    elif dtype.is_floating:
        wrong = kind in "cSU"
    elif dtype.is_bool:
        wrong = kind != "b"
    else:
        wrong = kind in "SU"
    if wrong:
        offender = _offender(values, kind)
        raise _wrong(values if offender is None else offender, dtype)


def _plain(values):
    """VALUES as something NumPy takes: shapes and sizes as ints."""
    if isinstance(values, TensorShape):
        return list(_shape_values(values))
    if isinstance(values, Dimension):
        return values.value
    if isinstance(values, (list, tuple)):
        return [_plain(value) for value in values]
    return values


def _shape_values(shape):
    if not shape.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {shape}")
    return shape._dims


def to_array(values, dtype=None):
    """(array or nested strings, DType) of constant VALUES. TypeError where they don't go with DTYPE."""
    if isinstance(values, (np.ndarray, np.generic)):
        kind = values.dtype
        own = dtypes.string if kind.kind in "SUO" else dtypes.as_dtype(kind)
        if dtype is None or own.base is dtype.base:
            return values, own
        if dtype is dtypes.string or own is dtypes.string:
            raise _wrong(values, dtype)
        return values.astype(dtype.numpy), dtype
    values = _plain(values)
    if values is None:
        raise ValueError("None values not supported.")
    first = _first(values)
    if isinstance(first, Tensor):
        raise TypeError(f"Expected {dtype.name if dtype else 'any non-tensor type'}, got a tensor instead.")
    try:
        array = np.array(values, dtype=object) if isinstance(first, (str, bytes)) else np.array(values)
    except ValueError:
        raise ValueError(f"Argument must be a dense tensor: {values!r} - got lists of different lengths.") from None
    kind = array.dtype.kind
    if kind == "O":
        found = _offender_type(values)
        if found is not None:
            raise TypeError(f"Failed to convert object of type {type(found)} to Tensor. Contents: {values}. Consider "
                            "casting elements to a supported type.")  # fmt: skip
        kind = "S" if isinstance(first, (str, bytes)) else "O"
    if dtype is not None:
        if array.size or not isinstance(values, list):
            _check(values, kind, dtype)
        return (array, dtype) if dtype is dtypes.string else (array.astype(dtype.numpy), dtype)
    if kind in "SU":
        return array, dtypes.string
    return _default_type(array, kind)


def _offender_type(values):
    if isinstance(values, list):
        return next((found for found in map(_offender_type, values) if found is not None), None)
    return None if isinstance(values, (*_SINGLE, np.generic, np.ndarray)) else values


def _default_type(array, kind):
    """What Python's numbers become: float32 and int32."""
    if kind == "f" and array.dtype == np.float64:
        return array.astype(np.float32), dtypes.float32
    if kind == "i" and array.dtype == np.int64 and (not array.size or np.abs(array).max() < 2**31):
        return array.astype(np.int32), dtypes.int32
    return array, dtypes.as_dtype(array.dtype)


def to_value(values, dtype=None):
    """Constant VALUES as the core's Value."""
    array, dtype = to_array(values, dtype)
    return _core.Value(array, dtype.base.number)


def _const(graph, value, name):
    attrs = [("value", "tensor", value), ("dtype", "type", value.dtype)]
    return graph._make("Const", [], attrs, name)._outputs[0]


def _filled(value, dtype, shape, verify):
    """The values in SHAPE: the last one repeated where there are too few."""
    array, dtype = to_array(value, dtype)
    array = np.asarray(array)
    dims = [int(d) for d in as_shape(shape).as_list()]
    if verify and array.shape != tuple(dims):
        raise TypeError(f"Expected Tensor's shape: {tuple(dims)}, got {array.shape}.")
    count = int(np.prod(dims, dtype=np.int64))
    flat = array.reshape(-1)
    if flat.size > count:
        raise ValueError(f"Too many elements provided. Needed at most {count}, but received {flat.size}")
    if flat.size < count:
        if not flat.size:
            raise ValueError(f"no value to fill shape {dims} with")
        flat = np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)])
    return flat.reshape(dims), dtype


@tf_export("constant")
def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
    """A tensor that always holds VALUE: numbers, strings, nested lists or an array. With SHAPE the last value is
    repeated as often as needed, unless VERIFY_SHAPE."""
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype).base
    graph = ops.get_default_graph()
    if shape is not None:
        value, dtype = _filled(value, dtype, shape, verify_shape)
    return _const(graph, to_value(value, dtype), name)


def _constant_conversion(value, dtype=None, name=None, as_ref=False):
    return constant(value, dtype, name=name or "Const")


def _sequence_conversion(value, dtype=None, name=None, as_ref=False):
    """Lists that hold tensors are packed."""
    if has_tensors(value):
        return _pack(value, dtype or _tensor_dtype(value), name or "packed")
    return constant(value, dtype, name=name or "Const")


def has_tensors(values):
    """True if a tensor or a variable is somewhere in nested lists."""
    for value in values:
        if type(value) in _SINGLE:
            continue
        if isinstance(value, (list, tuple)):
            if has_tensors(value):
                return True
        elif ops.is_dense_tensor_like(value):
            return True
    return False


def _tensor_dtype(values):
    for value in values:
        if ops.is_dense_tensor_like(value):
            return value.dtype.base
        if isinstance(value, (list, tuple)):
            found = _tensor_dtype(value)
            if found is not None:
                return found
    return None


def _pack(values, dtype, name):
    """Nested lists with tensors in them as one tensor; lists without any stay lists."""
    from tenon.python.ops import gen_ops

    with ops.name_scope(name) as scope:
        parts = [_part(value, dtype, str(i)) for i, value in enumerate(values)]
        if not any(isinstance(part, Tensor) for part in parts):
            return parts
        parts = [part if isinstance(part, Tensor) else constant(part, dtype, name=str(i))
                 for i, part in enumerate(parts)]  # fmt: skip
        return gen_ops.pack(parts, name=scope)


def _part(value, dtype, name):
    if isinstance(value, (list, tuple)):
        return _pack(value, dtype, name)
    if not ops.is_dense_tensor_like(value):
        return value
    part = ops.convert_to_tensor(value)
    if part.dtype.base is not dtype.base:
        raise TypeError(f"Cannot convert a list containing a tensor of dtype {part.dtype!s} to {dtype!s} (Tensor is: "
                        f"{part!r})")  # fmt: skip
    return part


def _tensor_shape_conversion(value, dtype=None, name=None, as_ref=False):
    if not value.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {value}")
    dims = value.as_list()
    if dtype not in (None, dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype.name}")
    if dtype is None:
        dtype = dtypes.int64 if any(d > 2**31 - 1 for d in dims) else dtypes.int32
    return constant(dims, dtype, name=name or "shape_as_tensor")


def _dimension_conversion(value, dtype=None, name=None, as_ref=False):
    if value.value is None:
        raise ValueError(f"Cannot convert an unknown Dimension to a Tensor: {value}")
    if dtype not in (None, dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype.name}")
    return constant(value.value, dtype or dtypes.int32, name=name or "shape_as_tensor")


ops.register_tensor_conversion_function((list, tuple), _sequence_conversion, 100)
ops.register_tensor_conversion_function(object, _constant_conversion, 200)
ops.register_tensor_conversion_function(TensorShape, _tensor_shape_conversion, 100)
ops.register_tensor_conversion_function(Dimension, _dimension_conversion, 100)


def is_constant(tensor_or_op):
    """True for what comes from a Const operation."""
    op = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
    return op.type == "Const"
