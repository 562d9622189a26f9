"""Arithmetic: the operators of tensors, and elementwise functions that need more than one op."""

import numpy as np

from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

# Other names of ops as they are; what else an op is called stands in the op's own record.
_ALIASES = {"logical_xor_": "logical_xor", "mod": "floor_mod", "floormod": "floor_mod", "floor_mod": "floor_mod",
            "range_": "range", "floor_div": "floor_div", "negative": "neg", "floor": "floor", "square": "square",
            "reciprocal": "reciprocal", "is_finite": "is_finite", "is_nan": "is_nan", "is_inf": "is_inf"}  # fmt: skip


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(gen_ops, _ALIASES.get(name, name))


def _tensors(x, y):
    x = ops.convert_to_tensor(x, name="x")
    return x, ops.convert_to_tensor(y, dtype=x.dtype.base_dtype, name="y")


# --- the four operations ---


@tf_export("math.add", "add")
def add(x, y, name=None):
    """x + y, elementwise with broadcasting."""
    with ops.name_scope(name, "Add", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        y = ops.convert_to_tensor(y, preferred_dtype=x.dtype.base_dtype, name="y")
        return (gen_ops.add if x.dtype == dtypes.string else gen_ops.add_v2)(x, y, name=scope)


@tf_export("math.subtract", "subtract")
def subtract(x, y, name=None):
    """x - y."""
    return gen_ops.sub(x, y, name=name)


@tf_export("math.multiply", "multiply")
def multiply(x, y, name=None):
    """x * y."""
    return gen_ops.mul(x, y, name=name)


def _real_types(x, y):
    """Checks that dtypes are equal, and casts integers to the float that holds them."""
    x_type, y_type = x.dtype.base_dtype, y.dtype.base_dtype
    if x_type != y_type:
        raise TypeError(f"`x` and `y` must have the same dtype, got {x_type!r} != {y_type!r}.")
    small = (dtypes.uint8, dtypes.int8, dtypes.uint16, dtypes.int16)
    if x_type.is_integer or x_type.is_bool:
        if x_type not in (*small, dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64):
            raise TypeError(f"Invalid dtype {x_type!r} in __truediv__.")
        wide = dtypes.float32 if x_type in small else dtypes.float64
        x, y = cast(x, wide), cast(y, wide)
    return x, y


def _truediv_python3(x, y, name=None):
    with ops.name_scope(name, "truediv", [x, y]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        y = ops.convert_to_tensor(y, preferred_dtype=x.dtype.base_dtype, name="y")
        x, y = _real_types(x, y)
        return gen_ops.real_div(x, y, name=scope)


@tf_export("math.truediv", "truediv")
def truediv(x, y, name=None):
    """x / y as Python 3 divides: integers give floats."""
    return _truediv_python3(x, y, name)


@tf_export("math.divide", "divide")
def divide(x, y, name=None):
    """x / y as Python divides."""
    if name is not None:
        return _truediv_python3(x, y, name)
    if not (isinstance(x, ops.Tensor) or isinstance(y, ops.Tensor)):
        x = ops.convert_to_tensor(x)
    return x / y


@tf_export("div")
def div(x, y, name=None):
    """x / y as Python 2 divides: integers give the floor."""
    return _div_python2(x, y, name)


def _div_python2(x, y, name=None):
    with ops.name_scope(name, "div", [x, y]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        y = ops.convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        if x.dtype.base_dtype != y.dtype.base_dtype:
            raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
        real = x.dtype.is_floating or x.dtype.is_complex
        return (gen_ops.real_div if real else gen_ops.floor_div)(x, y, name=scope)


@tf_export("math.divide_no_nan", "div_no_nan")
def div_no_nan(x, y, name=None):
    """x / y, 0 where y is 0."""
    with ops.name_scope(name, "div_no_nan", [x, y]) as scope:
        return gen_ops.div_no_nan(*_tensors(x, y), name=scope)


@tf_export("math.multiply_no_nan")
def multiply_no_nan(x, y, name=None):
    """x * y, 0 where y is 0 even if x is infinite or no number."""
    with ops.name_scope(name, "multiply_no_nan", [x, y]) as scope:
        return gen_ops.mul_no_nan(*_tensors(x, y), name=scope)


@tf_export("math.floordiv", "floordiv")
def floordiv(x, y, name=None):
    """floor(x / y)."""
    with ops.name_scope(name, "floordiv", [x, y]) as scope:
        return gen_ops.floor_div(x, y, name=scope)


@tf_export("math.pow", "pow")
def pow(x, y, name=None):
    """x to the power y."""
    with ops.name_scope(name, "Pow", [x]) as scope:
        return gen_ops.pow(x, y, name=scope)


@tf_export("math.scalar_mul", "scalar_mul")
def scalar_mul(scalar, x, name=None):
    """A scalar times a tensor or IndexedSlices."""
    scalar = ops.convert_to_tensor(scalar, dtype=x.dtype.base_dtype, name="scalar")
    if scalar.get_shape().ndims not in (None, 0):
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {scalar.get_shape()}.")
    if isinstance(x, ops.IndexedSlices):
        return ops.IndexedSlices(gen_ops.mul(scalar, x.values, name=name), x.indices, x.dense_shape)
    return gen_ops.mul(scalar, x, name=name)


@tf_export("math.logical_xor", "logical_xor")
def logical_xor(x, y, name="LogicalXor"):
    """Whether one of two booleans is true, not both."""
    return gen_ops.logical_and(gen_ops.logical_or(x, y), gen_ops.logical_not(gen_ops.logical_and(x, y)), name=name)


@tf_export("math.equal", "equal")
def equal(x, y, name=None):
    """x == y, elementwise."""
    return gen_ops.equal(x, y, name=name)


@tf_export("math.not_equal", "not_equal")
def not_equal(x, y, name=None):
    """x != y, elementwise."""
    return gen_ops.not_equal(x, y, name=name)


# --- one argument ---


@tf_export("math.abs", "abs")
def abs(x, name=None):
    """The absolute value; of complex numbers the magnitude."""
    with ops.name_scope(name, "Abs", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            return gen_ops.complex_abs(x, Tout=x.dtype.real_dtype, name=scope)
        return gen_ops.abs(x, name=scope)


def _unary(name, op=None):
    """A function of IndexedSlices, SparseTensors and tensors that is an op of the values."""

    def function(x, name=None):
        if isinstance(x, sparse_tensor.SparseTensor):
            return sparse_tensor.SparseTensor(x.indices, getattr(gen_ops, op)(x.values, name=name), x.dense_shape)
        return getattr(gen_ops, op)(x, name=name)

    op = op or name
    function.__name__ = name
    function.__doc__ = f"The op {op} of each element."
    return function


negative = _unary("negative", "neg")
sign = _unary("sign")
square = _unary("square")
sqrt = _unary("sqrt")
erf = _unary("erf")
tanh = _unary("tanh")
exp = _unary("exp")
ceil = _unary("ceil")
rsqrt = _unary("rsqrt")
acos = _unary("acos")
floor = _unary("floor")
TF_EXPORTS = {
    "math.negative": "negative", "negative": "negative", "math.sign": "sign", "sign": "sign",
    "math.square": "square", "square": "square", "math.sqrt": "sqrt", "sqrt": "sqrt", "math.erf": "erf", "erf": "erf",
    "math.tanh": "tanh", "tanh": "tanh", "nn.tanh": "tanh", "math.exp": "exp", "exp": "exp", "math.ceil": "ceil",
    "ceil": "ceil", "math.rsqrt": "rsqrt", "rsqrt": "rsqrt", "math.acos": "acos", "acos": "acos",
    "math.floor": "floor", "floor": "floor", "to_float": "to_float", "to_double": "to_double",
    "to_int32": "to_int32", "to_int64": "to_int64", "to_bfloat16": "to_bfloat16", "to_complex64": "to_complex64",
    "to_complex128": "to_complex128",
}  # fmt: skip


@tf_export("math.round", "round")
def round(x, name=None):
    """The nearest integer, halves to the even one."""
    x = ops.convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else gen_ops.round(x, name=name)


@tf_export("math.sigmoid", "nn.sigmoid", "sigmoid")
def sigmoid(x, name=None):
    """1 / (1 + exp(-x))."""
    with ops.name_scope(name, "Sigmoid", [x]) as scope:
        return gen_ops.sigmoid(ops.convert_to_tensor(x, name="x"), name=scope)


@tf_export("math.log_sigmoid", "log_sigmoid")
def log_sigmoid(x, name=None):
    """log(sigmoid(x))."""
    with ops.name_scope(name, "LogSigmoid", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        return gen_ops.neg(gen_ops.softplus(-x), name=scope)


@tf_export("complex")
def complex(real, imag, name=None):
    """Complex numbers from two tensors of float32 or float64."""
    real = ops.convert_to_tensor(real, name="real")
    imag = ops.convert_to_tensor(imag, name="imag")
    with ops.name_scope(name, "Complex", [real, imag]) as scope:
        if real.dtype.base_dtype != imag.dtype.base_dtype or real.dtype not in (dtypes.float32, dtypes.float64):
            raise TypeError(f"The `real` and `imag` components have incorrect types: {real.dtype.name} "
                            f"{imag.dtype.name}. They must be consistent, and one of [tf.float32, "
                            f"tf.float64]")  # fmt: skip
        tout = dtypes.complex128 if real.dtype == dtypes.float64 else dtypes.complex64
        return gen_ops.complex(real, imag, Tout=tout, name=scope)


@tf_export("math.real", "real")
def real(input, name=None):
    """The real part."""
    with ops.name_scope(name, "Real", [input]) as scope:
        input = ops.convert_to_tensor(input, name="input")
        return gen_ops.real(input, Tout=input.dtype.real_dtype, name=scope) if input.dtype.is_complex else input


@tf_export("math.imag", "imag")
def imag(input, name=None):
    """The imaginary part; zero for real numbers."""
    with ops.name_scope(name, "Imag", [input]) as scope:
        input = ops.convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            return gen_ops.imag(input, Tout=input.dtype.real_dtype, name=scope)
        return array_ops.zeros_like(input)


@tf_export("math.angle", "angle")
def angle(input, name=None):
    """The argument of complex numbers; 0 or pi for real ones."""
    with ops.name_scope(name, "Angle", [input]) as scope:
        input = ops.convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            return gen_ops.angle(input, Tout=input.dtype.real_dtype, name=scope)
        return array_ops.where(input < 0, np.pi * array_ops.ones_like(input), array_ops.zeros_like(input))


@tf_export("math.conj", "conj")
def conj(x, name=None):
    """The complex conjugate."""
    x = ops.convert_to_tensor(x, name="x")
    if not (x.dtype.is_complex or x.dtype == dtypes.variant):
        if x.dtype.is_floating or x.dtype.is_integer:
            return x
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}")
    with ops.name_scope(name, "Conj", [x]) as scope:
        return gen_ops.conj(x, name=scope)


# --- casts ---


@tf_export("cast", "dtypes.cast")
def cast(x, dtype, name=None):
    """The same numbers in another dtype."""
    base = dtypes.as_dtype(dtype).base_dtype
    if isinstance(x, ops.Tensor) and x.dtype == base:
        return x
    with ops.name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, sparse_tensor.SparseTensor):
            return sparse_tensor.SparseTensor(x.indices, cast(x.values, base, name=scope), x.dense_shape)
        if isinstance(x, ops.IndexedSlices):
            return ops.IndexedSlices(cast(x.values, base, name=scope), x.indices, x.dense_shape)
        x = ops.convert_to_tensor(x, name="x")
        return x if x.dtype.base_dtype == base else gen_ops.cast(x, DstT=base, name=scope)


@tf_export("dtypes.saturate_cast", "saturate_cast")
def saturate_cast(value, dtype, name=None):
    """cast that gives the nearest number where a value does not fit."""
    with ops.name_scope(name, "saturate_cast", [value]) as scope:
        value = ops.convert_to_tensor(value, name="value")
        dtype = dtypes.as_dtype(dtype).base_dtype
        if value.dtype.min < dtype.min:
            value = gen_ops.maximum(value, ops.convert_to_tensor(dtype.min, dtype=value.dtype, name="min"))
        if value.dtype.max > dtype.max:
            value = gen_ops.minimum(value, ops.convert_to_tensor(dtype.max, dtype=value.dtype, name="max"))
        return cast(value, dtype, name=scope)


def _to(dtype, label, name):
    def function(x, name=label):
        return cast(x, dtype, name=name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"cast to {dtype.name}."
    return deprecated(None, "Use `tf.cast` instead.")(function)


to_float = _to(dtypes.float32, "ToFloat", "to_float")
to_double = _to(dtypes.float64, "ToDouble", "to_double")
to_int32 = _to(dtypes.int32, "ToInt32", "to_int32")
to_int64 = _to(dtypes.int64, "ToInt64", "to_int64")
to_bfloat16 = _to(dtypes.bfloat16, "ToBFloat16", "to_bfloat16")
to_complex64 = _to(dtypes.complex64, "ToComplex64", "to_complex64")
to_complex128 = _to(dtypes.complex128, "ToComplex128", "to_complex128")

# --- numbers in a row ---


@tf_export("range")
def range(start, limit=None, delta=1, dtype=None, name="range"):
    """start, start + delta, ... below limit; with one argument from 0."""
    if limit is None:
        start, limit = 0, start
    with ops.name_scope(name, "Range", [start, limit, delta]) as scope:
        values = [
            v if isinstance(v, ops.Tensor) else ops.convert_to_tensor(v, dtype=dtype, name=label)
            for v, label in ((start, "start"), (limit, "limit"), (delta, "delta"))
        ]
        if dtype is None:
            order = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)
            inferred = max((v.dtype.base_dtype for v in values), key=order.index)
        else:
            inferred = dtypes.as_dtype(dtype)
        return gen_ops.range(*[cast(v, inferred) for v in values], name=scope)


@tf_export("linspace", "lin_space")
def linspace_nd(start, stop, num, name=None, axis=0):
    """NUM evenly spaced numbers from START to STOP."""
    with ops.name_scope(name, "linspace", [start, stop]) as scope:
        start = ops.convert_to_tensor(start, name="start")
        stop = ops.convert_to_tensor(stop, name="stop", dtype=start.dtype)
        if start.get_shape().ndims == 0 and stop.get_shape().ndims == 0:
            return gen_ops.lin_space(start, stop, num, name=scope)
        shape = gen_ops.broadcast_args(array_ops.shape(start), array_ops.shape(stop))
        start, stop = gen_ops.broadcast_to(start, shape), gen_ops.broadcast_to(stop, shape)
        count = cast(num, start.dtype)
        steps = gen_ops.range(cast(0, start.dtype), count, cast(1, start.dtype))
        axis = axis + start.get_shape().ndims + 1 if axis < 0 else axis
        for _ in np.arange(start.get_shape().ndims - axis):
            steps = array_ops.expand_dims(steps, -1)
        delta = array_ops.expand_dims((stop - start) / gen_ops.maximum(count - 1, cast(1, start.dtype)), axis)
        return array_ops.expand_dims(start, axis) + delta * steps


lin_space = linspace_nd
linspace = linspace_nd
from tenon.python.ops.math_ops_more import *  # noqa: E402, F403
from tenon.python.ops.math_reductions import *  # noqa: E402, F403
