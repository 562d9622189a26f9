"""Numbers rounded to what few bits can tell; the batch norm of the first release."""

import numpy as np

from oracle.api import bad, case, rand

INVALID = "INVALID_ARGUMENT"
for dtype in ("float32", "float64"):
    x = rand(dtype, 3, 4)
    for given in (False, True):
        for is_signed in (True, False):
            for narrow in (False, True):
                low, high = np.asarray(-1.5 if is_signed else 0.0).astype(x.dtype), np.asarray(1.25).astype(x.dtype)
                options = {"signed_input": is_signed, "range_given": given, "narrow_range": narrow, "fd": False,
                           "rtol": 1e-6, "atol": 1e-6}  # fmt: skip
                value = x if is_signed else np.abs(x)
                case("QuantizeAndDequantizeV2", value, low, high, num_bits=5, **options)
                case("QuantizeAndDequantizeV3", value, low, high, np.array(8, "int32"), **options)
x = rand("float32", 3, 4)
zero, one = np.array(0, "float32"), np.array(1, "float32")
case("QuantizeAndDequantizeV2", x, -one, one, round_mode="HALF_UP", range_given=True, num_bits=3, fd=False)
# TensorFlow's kernel takes nothing but scalars here, which its own shape function refuses.
for axis, size in ((0, 3), (1, 4)):
    case("QuantizeAndDequantizeV2", x, np.full(size, -1, "float32"), np.linspace(0.5, 2, size, dtype="float32"),
         axis=axis, range_given=True, tf=False, why="bounds for each channel")  # fmt: skip
case("QuantizeAndDequantizeV2", np.zeros((0, 2), "float32"), zero, one, range_given=True, fd=False)
for axis, size in ((-1, 0), (0, 3), (1, 4)):
    for dtype in ("float32", "float64"):
        high = np.linspace(0.5, 2, size).astype(dtype) if size else np.asarray(1.25).astype(dtype)
        bounds = (-np.ones_like(high), high)
        g, value = rand(dtype, 3, 4), rand(dtype, 3, 4)
        value[0, :3] = (np.nan, np.inf, -1)
        case("QuantizeAndDequantizeV4Grad", g, value, *bounds, axis=axis, grad=False, why="none")
        case("QuantizeAndDequantizeV4Grad", g[:0], value[:0], *(b[:0] if axis == 0 else b for b in bounds), axis=axis,
             grad=False, why="none")  # fmt: skip
for given in (False, True):
    case("QuantizeAndDequantizeV4", x, -one, one, range_given=given, num_bits=5, fd=False, rtol=1e-6, atol=1e-6)
bad("QuantizeAndDequantizeV4", x, one, -one, range_given=True, code=INVALID)
bad("QuantizeAndDequantizeV4Grad", x, x[:2], -one, one, code=INVALID)
bad("QuantizeAndDequantizeV4Grad", x, x, -one, one, axis=2, code=INVALID)
bad("QuantizeAndDequantizeV4Grad", x, x, np.zeros(4, "float32"), np.ones(3, "float32"), axis=1, code=INVALID)
bad("QuantizeAndDequantizeV2", x, one, -one, range_given=True, code=INVALID)
bad("QuantizeAndDequantizeV2", x, zero, one, num_bits=0, code=INVALID)

t, m, v = rand("float32", 2, 3, 2, 5), rand("float32", 5), np.abs(rand("float32", 5)) + np.float32(0.1)
beta, gamma, g = rand("float32", 5), rand("float32", 5), rand("float32", 2, 3, 2, 5)
for scaled in (False, True):
    options = {"variance_epsilon": 0.01, "scale_after_normalization": scaled, "rtol": 1e-4, "atol": 1e-4}
    case("BatchNormWithGlobalNormalization", t, m, v, beta, gamma, **options)
    case("BatchNormWithGlobalNormalizationGrad", t, m, v, gamma, g, grad=False, why="none", **options)
    halves = [a.astype("float16") for a in (t, m, v, beta, gamma)]
    options |= {"rtol": 3e-2, "atol": 3e-2, "grad": False, "why": "rounding"}
    case("BatchNormWithGlobalNormalization", *halves, **options)
bad("BatchNormWithGlobalNormalization", t, m[:4], v, beta, gamma, variance_epsilon=0.1,
    scale_after_normalization=True, code=INVALID)  # fmt: skip
bad("BatchNormWithGlobalNormalization", t[0], m, v, beta, gamma, variance_epsilon=0.1,
    scale_after_normalization=True, code=INVALID)  # fmt: skip
