"""Element types, with TensorFlow's names and numbers."""

from tenon import _core

_NAMES = (
    "float32 float64 int32 uint8 int16 int8 string complex64 int64 bool qint8 quint8 qint32 bfloat16 qint16 quint16 "
    "uint16 complex128 float16 resource variant uint32 uint64 float8_e5m2 float8_e4m3fn float8_e4m3fnuz "
    "float8_e4m3b11fnuz float8_e5m2fnuz int4 uint4 int2 uint2"
).split()
_REF = 100
# What NumPy calls the types whose names differ, or which it has only as bits.
_NUMPY = {"qint8": "int8", "quint8": "uint8", "qint16": "int16", "quint16": "uint16", "qint32": "int32",
          "string": "object", "resource": "object", "variant": "object"}  # fmt: skip
_FLOATING = {"float16", "bfloat16", "float32", "float64"}


class DType:
    """An element type; there is one object for each."""

    __slots__ = ("_numpy", "name", "number")

    def __init__(self, name, number):
        self.name = name
        self.number = number
        self._numpy = None

    def __repr__(self):
        return f"tenon.{self.name}"

    def __int__(self):
        return self.number

    def __reduce__(self):
        return as_dtype, (self.number,)

    @property
    def is_ref(self):
        """True for what variables of the old kind put out."""
        return self.number > _REF

    @property
    def base(self):
        """The type without its reference."""
        return _BY_NUMBER[self.number - _REF] if self.is_ref else self

    @property
    def is_floating(self):
        return self.base.name in _FLOATING

    @property
    def numpy(self):
        """The NumPy type of arrays of this type; ml_dtypes' where NumPy has none, bits without ml_dtypes."""
        if self._numpy is None:
            from tenon import _convert

            self._numpy = _convert.numpy_type(self.base)
        return self._numpy


_BY_NUMBER = {number: DType(name, number) for number, name in enumerate(_NAMES, 1)}
_BY_NUMBER.update({n + _REF: DType(d.name + "_ref", n + _REF) for n, d in list(_BY_NUMBER.items())})
_BY_NAME = {d.name: d for d in _BY_NUMBER.values()}
_BY_PYTHON = {float: "float32", int: "int32", bool: "bool", str: "string", bytes: "string", complex: "complex128",
              object: "string"}  # fmt: skip
globals().update({name: _BY_NAME[name] for name in _NAMES if name != "bool"})
bool_ = _BY_NAME["bool"]
half = _BY_NAME["float16"]
double = _BY_NAME["float64"]

__all__ = [name for name in _NAMES if name != "bool"] + ["bool_", "double", "half"]


def as_dtype(value):
    """The DType that VALUE stands for: a DType, a number, a name, a Python or NumPy type."""
    if isinstance(value, DType):
        return value
    if isinstance(value, int):
        found = _BY_NUMBER.get(value)
    elif isinstance(value, str):
        found = _BY_NAME.get(value) or _BY_NUMBER.get(_core.dtype_from_name(value))
    elif value in _BY_PYTHON:
        found = _BY_NAME[_BY_PYTHON[value]]
    else:
        from tenon import _convert

        found = _BY_NAME.get(_convert.numpy_name(value))
    if found is None:
        raise TypeError(f"{value!r} is not an element type")
    return found


def numpy_name(dtype):
    """What NumPy calls DTYPE."""
    return _NUMPY.get(dtype.name, dtype.name)
