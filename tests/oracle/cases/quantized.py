"""Ops on quantized numbers."""

import numpy as np

from oracle.api import bad, case, const, ints, quantized, rand

INVALID = "INVALID_ARGUMENT"
TYPES = ("qint8", "quint8", "qint16", "quint16", "qint32")
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def number(value):
    return np.array(value, "float32")


def levels(dtype, *shape, spread=1.0):
    """Random integers over a part of what DTYPE can hold."""
    info = np.iinfo(dtype.removeprefix("q"))
    low, high = int(info.min * spread), int(info.max * spread) + 1
    return quantized(dtype, ints("int64", low, high, *shape))


x = rand("float32", 5, 7) * np.float32(2)
RANGES = ((-3.0, 3.5), (0.0, 2.0), (-1.0, -0.25), (0.5, 4.0), (0.0, 0.0), (-1e-3, 1e-3))
for dtype in TYPES:
    for low, high in RANGES:
        low, high = number(low), number(high)
        modes = ("MIN_COMBINED", "MIN_FIRST", "SCALED") if dtype != "qint32" else ("MIN_FIRST",)
        for mode in modes:
            case("QuantizeV2", x, low, high, T=dtype, mode=mode)
        # Where all lies below 0 unsigned numbers' scale is the largest float, whose inverse TensorFlow flushes to 0.
        if dtype != "qint32" and high.item() > 0:
            case("QuantizeV2", x, low, high, T=dtype, mode="SCALED", round_mode="HALF_TO_EVEN", narrow_range=True)
    for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
        for low, high in ((-3.0, 3.5), (0.0, 2.0), (-1.0, 0.5)):
            case("Dequantize", levels(dtype, 4, 9), number(low), number(high), mode=mode, **CLOSE)
    case("Dequantize", levels(dtype, 3), number(-3), number(2), dtype="bfloat16")
    case("Dequantize", levels(dtype, 3), number(-3), number(2), mode="SCALED", narrow_range=True, **CLOSE)
for mode in ("MIN_COMBINED", "SCALED"):
    for axis, size in ((0, 5), (1, 7)):
        low, high = -np.abs(rand("float32", size)) - np.float32(0.1), np.abs(rand("float32", size)) + np.float32(0.1)
        case("QuantizeV2", x, low, high, T="qint8", mode=mode, axis=axis, ensure_minimum_range=0.5)
        case(
            "Dequantize",
            levels("qint8", 5, 7),
            low,
            high,
            mode=mode,
            axis=axis,
            shapes=False,
            why="TensorFlow's shape function wants a known rank",
            **CLOSE,
        )
case("QuantizeV2", np.zeros((0, 3), "float32"), number(0), number(1), T="quint8")
case("Dequantize", quantized("quint8", np.zeros((0, 3))), number(0), number(1))
bad("QuantizeV2", x, number(1), number(-1), T="quint8", code=INVALID)
bad("QuantizeV2", x, number(-1), number(1), T="quint8", round_mode="HALF_TO_EVEN", code=INVALID)
bad("QuantizeV2", x, rand("float32", 3), rand("float32", 3), T="quint8", axis=1, code=INVALID)
bad("Dequantize", levels("quint8", 3), number(0), number(1), mode="SCALED", dtype="bfloat16", code=INVALID)
bad("Dequantize", levels("quint8", 3), number([0, 1]), number(1), code=INVALID)

A, B = (number(-1.5), number(2.0)), (number(-0.25), number(3.0))
for m, k, n in ((3, 5, 7), (1, 1, 1), (17, 40, 9), (2, 300, 65)):
    for ta in (False, True):
        for tb in (False, True):
            a, b = levels("quint8", *((k, m) if ta else (m, k))), levels("quint8", *((n, k) if tb else (k, n)))
            case("QuantizedMatMul", a, b, *A, *B, transpose_a=ta, transpose_b=tb)
bad("QuantizedMatMul", levels("quint8", 3, 4), levels("quint8", 3, 4), *A, *B, code=INVALID)
bad("QuantizedMatMul", levels("quint8", 3, 4), levels("quint8", 4, 4), *A, B[1], B[0], code=INVALID)

image = levels("quint8", 2, 7, 6, 3)
for padding in ("SAME", "VALID"):
    for stride in (1, 2, 3):
        for high, wide in ((1, 1), (3, 2), (2, 5)):
            case("QuantizedConv2D", image, levels("quint8", high, wide, 3, 4), *A, *B, strides=[1, stride, stride, 1],
                 padding=padding)  # fmt: skip
bad("QuantizedConv2D", image, levels("quint8", 1, 1, 2, 4), *A, *B, strides=[1, 1, 1, 1], padding="SAME", code=INVALID)
bad("QuantizedConv2D", image, levels("quint8", 1, 1, 3, 4), *A, *B, strides=[1, 1, 2, 1], padding="SAME", code=INVALID)

for dtype in ("quint8", "qint8"):
    for shape in ((3, 5), (2, 3, 4, 7), (1, 1)):
        case("QuantizedBiasAdd", levels(dtype, *shape), levels(dtype, shape[-1]), *A, *B, out_type="qint32")
bad("QuantizedBiasAdd", levels("quint8", 3, 5), levels("quint8", 4), *A, *B, out_type="qint32", code=INVALID)
bad("QuantizedBiasAdd", levels("quint8", 5), levels("quint8", 5), *A, *B, out_type="qint32", code=INVALID)

for dtype in ("quint8", "qint32"):
    for low, high in ((-3.0, 5.0), (0.0, 9.0), (-8.0, -1.0), (2.0, 12.0)):
        bounds = number(low), number(high)
        case("QuantizedRelu", levels(dtype, 3, 7), *bounds, out_type=dtype)
        case("QuantizedRelu6", levels(dtype, 3, 7), *bounds, out_type=dtype)
        case(
            "QuantizedReluX",
            levels(dtype, 3, 7),
            number(1.5),
            *bounds,
            out_type=dtype,
            tf=False,
            why="TensorFlow has lost its kernel; tests/api/test_quantization.py compares it with QuantizedRelu6",
        )
bad("QuantizedRelu", levels("quint8", 3), number([1, 2]), number(2), code=INVALID)

for padding in ("SAME", "VALID"):
    for window, stride in ((2, 2), (3, 1), (1, 3)):
        options = {"ksize": [1, window, window, 1], "strides": [1, stride, stride, 1], "padding": padding}
        case("QuantizedMaxPool", image, *A, **options)
        case("QuantizedAvgPool", image, *A, **options)

for dtype in ("quint8", "qint32"):
    for axis in (0, 1):
        values = [levels(dtype, *((n, 4) if axis == 0 else (3, n))) for n in (2, 1, 5)]
        lows, highs = [number(v) for v in (-1, -2, 0.5)], [number(v) for v in (1, 0.5, 3)]
        case("QuantizedConcat", const(np.array(axis, "int32")), values, lows, highs)
        case("QuantizedConcat", const(np.array(axis, "int32")), values, [lows[0]] * 3, [highs[0]] * 3)
bad("QuantizedConcat", const(np.array(2, "int32")), [levels("quint8", 2, 3)] * 2, lows[:2], highs[:2], code=INVALID)

sums = levels("qint32", 4, 33, spread=0.01)
for low, high in ((-300.0, 300.0), (-2e4, 2e4), (0.0, 50.0)):
    case("RequantizationRange", sums, number(low), number(high), **CLOSE)
    case("QuantizeDownAndShrinkRange", sums, number(low), number(high), out_type="quint8", **CLOSE)
    for wanted in ((-1.0, 2.0), (0.0, 0.0), (-50.0, 0.0)):
        case("Requantize", sums, number(low), number(high), *map(number, wanted), out_type="quint8")
bad("Requantize", sums, number(-1), number(1), number(0.5), number(1), out_type="quint8", code=INVALID)
bad("Requantize", sums, number(-1), number(1), number(-0.5), number(-1), out_type="quint8", code=INVALID)
bad("RequantizationRange", sums, number([1, 2]), number(1), code=INVALID)
