"""Element types, with TensorFlow's names and numbers. NumPy is loaded when something of it is asked for."""

import builtins

from tenon import _core
from tenon.python.util.tf_export import tf_export

_NAMES = (
    "float32 float64 int32 uint8 int16 int8 string complex64 int64 bool qint8 quint8 qint32 bfloat16 qint16 quint16 "
    "uint16 complex128 float16 resource variant uint32 uint64 float8_e5m2 float8_e4m3fn float8_e4m3fnuz "
    "float8_e4m3b11fnuz float8_e5m2fnuz int4 uint4 int2 uint2"
).split()
_REF = 100
# What NumPy calls the types whose names differ, or which it has only as bits.
_NUMPY = {"qint8": "int8", "quint8": "uint8", "qint16": "int16", "quint16": "uint16", "qint32": "int32",
          "string": "object", "resource": "object", "variant": "object"}  # fmt: skip
_FLOATING = frozenset(n for n in _NAMES if "float" in n)
_INTEGER = frozenset("int2 uint2 int4 uint4 int8 uint8 int16 uint16 int32 uint32 int64 uint64".split())
_QUANTIZED = frozenset(n for n in _NAMES if n[0] == "q")
_COMPLEX = frozenset({"complex64", "complex128"})
TF_EXPORTS = {
    "float32": "float32", "float64": "float64", "int32": "int32", "uint8": "uint8", "int16": "int16", "int8": "int8",
    "string": "string", "complex64": "complex64", "int64": "int64", "bool": "bool", "qint8": "qint8",
    "quint8": "quint8", "qint32": "qint32", "bfloat16": "bfloat16", "qint16": "qint16", "quint16": "quint16",
    "uint16": "uint16", "complex128": "complex128", "float16": "float16", "resource": "resource",
    "variant": "variant", "uint32": "uint32", "uint64": "uint64", "half": "half", "double": "double",
    "dtypes.float32": "float32", "dtypes.float64": "float64", "dtypes.int32": "int32", "dtypes.uint8": "uint8",
    "dtypes.int16": "int16", "dtypes.int8": "int8", "dtypes.string": "string", "dtypes.complex64": "complex64",
    "dtypes.int64": "int64", "dtypes.bool": "bool", "dtypes.qint8": "qint8", "dtypes.quint8": "quint8",
    "dtypes.qint32": "qint32", "dtypes.bfloat16": "bfloat16", "dtypes.qint16": "qint16",
    "dtypes.quint16": "quint16", "dtypes.uint16": "uint16", "dtypes.complex128": "complex128",
    "dtypes.float16": "float16", "dtypes.resource": "resource", "dtypes.variant": "variant",
    "dtypes.uint32": "uint32", "dtypes.uint64": "uint64", "dtypes.half": "half", "dtypes.double": "double",
    "dtypes.experimental.float8_e5m2": "float8_e5m2", "dtypes.experimental.float8_e4m3fn": "float8_e4m3fn",
    "dtypes.experimental.float8_e4m3fnuz": "float8_e4m3fnuz",
    "dtypes.experimental.float8_e4m3b11fnuz": "float8_e4m3b11fnuz",
    "dtypes.experimental.float8_e5m2fnuz": "float8_e5m2fnuz",
    "dtypes.experimental.int4": "int4", "dtypes.experimental.uint4": "uint4",
    "dtypes.experimental.int2": "int2", "dtypes.experimental.uint2": "uint2",
    "QUANTIZED_DTYPES": "QUANTIZED_DTYPES", "dtypes.QUANTIZED_DTYPES": "QUANTIZED_DTYPES",
}  # fmt: skip


@tf_export("dtypes.DType", "DType")
class DType:
    """An element type; there is one object for each. Equal to its name, its number and NumPy's type."""

    __slots__ = ("__weakref__", "_base", "_numpy", "is_ref", "name", "number")

    def __new__(cls, type_enum, _name=None):
        if _name is None:
            return as_dtype(type_enum)
        return super().__new__(cls)

    def __init__(self, type_enum, _name=None):
        if _name is None:
            return
        self.name = _name
        self.number = type_enum
        self.is_ref = type_enum > _REF
        self._numpy = None
        self._base = None

    def __repr__(self):
        return f"tf.{self.name}"

    def __str__(self):
        return f"<dtype: {self.name!r}>"

    def __int__(self):
        return self.number

    def __hash__(self):
        return self.number

    def __eq__(self, other):
        if self is other:
            return True
        if other is None or type(other) is DType:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other):
        return not self == other

    def __reduce__(self):
        return as_dtype, (self.number,)

    @property
    def base(self):
        """The type without its reference."""
        return self._base or self

    base_dtype = base

    @property
    def real_dtype(self):
        """The type of a complex number's parts; itself for others."""
        return {"complex64": float32, "complex128": float64}.get(self.base.name, self)  # noqa: F821

    @property
    def is_floating(self):
        """True for floating-point types."""
        return self.base.name in _FLOATING

    @property
    def is_integer(self):
        """True for integers that are not quantized."""
        return self.base.name in _INTEGER

    @property
    def is_complex(self):
        """True for complex types."""
        return self.base.name in _COMPLEX

    @property
    def is_bool(self):
        """True for bool."""
        return self.base.name == "bool"

    @property
    def is_quantized(self):
        """True for the quantized integers."""
        return self.base.name in _QUANTIZED

    @property
    def is_unsigned(self):
        """True for unsigned integers."""
        return self.base.name.startswith("uint")

    @property
    def is_numeric(self):
        """True for numbers of any kind."""
        name = self.base.name
        return name in _FLOATING or name in _INTEGER or name in _COMPLEX or name in _QUANTIZED

    @property
    def is_numpy_compatible(self):
        """True where NumPy holds elements of this type."""
        return self.base.name not in ("resource", "variant")

    @property
    def as_datatype_enum(self):
        """The number in messages."""
        return self.number

    @property
    def numpy(self):
        """The NumPy dtype of arrays of this type; ml_dtypes' where NumPy has none, bits without ml_dtypes."""
        if self._numpy is None:
            from tenon import _convert

            self._numpy = _convert.numpy_type(self.base)
        return self._numpy

    @property
    def as_numpy_dtype(self):
        """The NumPy scalar type."""
        return self.numpy.type

    @property
    def size(self):
        """The bytes of an element."""
        if self.base.name in ("string", "resource", "variant"):
            return 1
        return self.numpy.itemsize

    def _limit(self, which):
        import numpy as np

        if self.is_quantized or not (self.is_floating or self.is_integer or self.is_bool):
            raise TypeError(f"Cannot find {which}imum value of {self}.")
        if self.is_bool:
            return which == "max"
        if self.base.name in ("bfloat16", *_FLOATING - {"float16", "float32", "float64"}):
            import ml_dtypes

            return getattr(ml_dtypes.finfo(self.numpy), which)
        return getattr(np.finfo(self.numpy) if self.is_floating else np.iinfo(self.numpy), which)

    @property
    def min(self):
        """The smallest finite value."""
        return self._limit("min")

    @property
    def max(self):
        """The largest finite value."""
        return self._limit("max")

    @property
    def limits(self):
        """(smallest, largest) intensity of images of this type."""
        if self.is_floating:
            return 0, 1
        if self.is_bool:
            return 0, 1
        return (int(self.min), int(self.max)) if self.is_unsigned else (0, int(self.max))

    def is_compatible_with(self, other):
        """True if a value of type OTHER can be used where this one is declared."""
        other = as_dtype(other)
        return self.number in (other.number, other.base.number)

    @property
    def _is_ref_dtype(self):
        return self.is_ref

    @property
    def _as_ref(self):
        return self if self.is_ref else _BY_NUMBER[self.number + _REF]


_BY_NUMBER = {number: DType(number, name) for number, name in enumerate(_NAMES, 1)}
for _number, _dtype in list(_BY_NUMBER.items()):
    _ref = _BY_NUMBER[_number + _REF] = DType(_number + _REF, _dtype.name + "_ref")
    _ref._base = _dtype
_BY_NAME = {d.name: d for d in _BY_NUMBER.values()}
_BY_NAME.update(half=_BY_NAME["float16"], double=_BY_NAME["float64"], float=_BY_NAME["float32"])
_BY_PYTHON = {float: "float32", int: "int32", bool: "bool", str: "string", bytes: "string", complex: "complex128",
              object: "string"}  # fmt: skip
globals().update({d.name: d for d in _BY_NUMBER.values()})
bool_ = _BY_NAME["bool"]
half = _BY_NAME["float16"]
double = _BY_NAME["float64"]
QUANTIZED_DTYPES = frozenset(d for d in _BY_NUMBER.values() if d.is_quantized)
_FOUND = {}  # what NumPy types, and other things that can be keys, stand for

__all__ = [name for name in _NAMES if name != "bool"] + ["bool_", "double", "half"]


@tf_export("dtypes.as_dtype", "as_dtype")
def as_dtype(type_value):
    """The DType that TYPE_VALUE stands for: a DType, a number, a name, a Python or NumPy type."""
    if type(type_value) is DType:
        return type_value
    try:
        found = _FOUND.get(type_value)
    except TypeError:
        found = None
    if found is None:
        found = _look_up(type_value)
        if found is None:
            raise TypeError(f"Cannot convert value {type_value!r} to a TensorFlow DType.")
        try:
            _FOUND[type_value] = found
        except TypeError:
            pass
    return found


def _look_up(value):
    if isinstance(value, int) and not isinstance(value, builtins.bool):
        return _BY_NUMBER.get(int(value))
    if isinstance(value, str):
        return _BY_NAME.get(value) or _BY_NUMBER.get(_core.dtype_from_name(value))
    if isinstance(value, type) and value in _BY_PYTHON:
        return _BY_NAME[_BY_PYTHON[value]]
    from tenon import _convert

    try:
        return _BY_NAME.get(_convert.numpy_name(value)) if value is not None else None
    except TypeError:
        return None


def numpy_name(dtype):
    """What NumPy calls DTYPE."""
    return _NUMPY.get(dtype.name, dtype.name)
