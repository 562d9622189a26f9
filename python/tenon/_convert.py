"""Python and NumPy values to tensors and back. NumPy is loaded when the first value needs it."""

import numpy as np

from tenon.python.framework import dtypes

try:
    import ml_dtypes
except ImportError:  # small floats are bits then
    ml_dtypes = None

_BITS = {"bfloat16": np.uint16, "float8_e5m2": np.uint8, "float8_e4m3fn": np.uint8, "float8_e4m3fnuz": np.uint8,
         "float8_e4m3b11fnuz": np.uint8, "float8_e5m2fnuz": np.uint8, "int4": np.int8, "uint4": np.uint8,
         "int2": np.int8, "uint2": np.uint8}  # fmt: skip
_BY_NUMBER = {number: d for number, d in dtypes._BY_NUMBER.items() if not d.is_ref}
# Results whose buffer NumPy reads as it should be; the others need a second look.
_OBJECTS = ("string", "resource", "variant")
_PLAIN = frozenset(n for n, d in _BY_NUMBER.items() if d.name not in _BITS and d.name not in _OBJECTS)
_STRING = dtypes.as_dtype("string").number


def numpy_type(dtype):
    """The NumPy type for DTYPE."""
    if dtype.name in _BITS:
        small = getattr(ml_dtypes, dtype.name, None)
        return np.dtype(small) if small else np.dtype(_BITS[dtype.name])
    return np.dtype(dtypes.numpy_name(dtype))


def numpy_name(value):
    """Tenon's name for a NumPy type."""
    kind = np.dtype(value)
    return "string" if kind.kind in "SUO" else kind.name


def to_numpy(value):
    """The array (a NumPy scalar for rank 0) of a Value, without a copy; strings become an object array of bytes."""
    number = value.dtype
    if number in _PLAIN:
        array = np.asarray(value)
    elif number == _STRING:
        array = np.empty(value.shape, object)
        array.reshape(-1)[:] = value.strings()
        return array if array.shape else array[()]
    elif number in _BY_NUMBER and _BY_NUMBER[number].name in _BITS:
        array = np.asarray(value).view(_BY_NUMBER[number].numpy)
    else:
        return value  # resources and variants stay what they are
    return array if array.shape else array[()]


def to_bfloat16_bits(array):
    """Rounds to nearest even; NaN stays NaN."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(array), np.uint16(0x7FC0), rounded)


def convert(value, number):
    """An array with a C-contiguous buffer for dtype NUMBER, cast as TensorFlow casts what is fed."""
    dtype = _BY_NUMBER[number]
    if dtype.name not in _BITS:
        array = np.asarray(value, dtype.numpy)
    else:
        array = np.asarray(value)
        bits = _BITS[dtype.name]
        if ml_dtypes is not None and array.dtype != dtype.numpy and array.dtype != bits:
            array = array.astype(dtype.numpy)
        if array.dtype == dtype.numpy:
            array = np.ascontiguousarray(array).view(bits).reshape(array.shape)
        elif array.dtype != bits:
            if dtype.name != "bfloat16":
                raise TypeError(f"{dtype.name} values need ml_dtypes")
            array = to_bfloat16_bits(array)
    return np.require(array, requirements="C").reshape(array.shape)


def strings(value):
    """(flat list of bytes, shape) of a string, or of nested strings."""
    array = value if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    items = [v if type(v) is bytes else _bytes(v) for v in array.reshape(-1).tolist()]
    return items, array.shape


def _bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"a string tensor needs str or bytes, got {value!r}")


def infer(value):
    """(array, dtype) of a constant without a dtype: Python ints are int32, floats float32, arrays what they are."""
    array = np.asarray(value)
    if array.dtype.kind in "SUO":
        return value, dtypes.as_dtype("string")
    if not isinstance(value, (np.ndarray, np.generic)):
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        elif array.dtype == np.int64 and (not array.size or np.abs(array).max() < 2**31):
            array = array.astype(np.int32)
    return array, dtypes.as_dtype(array.dtype)
