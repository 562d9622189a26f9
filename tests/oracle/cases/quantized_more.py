"""Ops on quantized numbers: arithmetic, norms, resizing, ranges for each channel."""

import numpy as np

from oracle.api import bad, case, const, ints, quantized, rand

INVALID = "INVALID_ARGUMENT"


def number(value):
    return np.array(value, "float32")


def levels(dtype, *shape, spread=1.0):
    """Random integers over a part of what DTYPE can hold."""
    info = np.iinfo(dtype.removeprefix("q"))
    return quantized(dtype, ints("int64", int(info.min * spread), int(info.max * spread) + 1, *shape))


A, B = (number(-1.5), number(2.0)), (number(-0.25), number(3.0))
for op in ("QuantizedAdd", "QuantizedMul"):
    for x, y in (((5,), (5,)), ((1,), (7,)), ((3, 5), ()), ((), ()), ((2, 3, 5), (5,)), ((5,), (2, 3, 5)),
                 ((17, 13), (17, 13))):  # fmt: skip
        case(op, levels("quint8", *x), levels("quint8", *y), *A, *B)
    case(op, levels("quint8", 7), levels("quint8", 7), number(0), number(255), number(-3), number(-1))
    case(op, levels("quint8", 0, 3), levels("quint8", 3), *A, *B, tf=False, why="TensorFlow refuses empty ones")
    bad(op, levels("quint8", 3), levels("quint8", 4), *A, *B, code=INVALID)
    bad(op, levels("quint8", 3), levels("quint8", 3), *A, B[1], B[0], code=INVALID)
    bad(op, levels("quint8", 3), levels("quint8", 3), number(1), number(1), *B, code=INVALID)
    # Not one vector for each row: TensorFlow reads the shorter one round and round, or refuses.
    for x, y in (((3, 1), (1, 4)), ((2, 1, 3), (1, 4, 3))):
        case(op, levels("quint8", *x), levels("quint8", *y), *A, *B, tf=False, why="TensorFlow's kernel is wrong")

for shape in ((1, 3, 2, 5), (2, 4, 4, 3), (3, 1, 1, 2)):
    image = levels("quint8", *shape)
    case("QuantizedInstanceNorm", image, *A, rtol=1e-5, atol=1e-5)
    case("QuantizedInstanceNorm", image, *B, output_range_given=True, given_y_min=-2.0, given_y_max=1.5,
         variance_epsilon=0.01, rtol=1e-5, atol=1e-5)  # fmt: skip
    case("QuantizedInstanceNorm", image, *A, min_separation=50.0, rtol=1e-5, atol=1e-5)
bad("QuantizedInstanceNorm", levels("quint8", 1, 2, 2, 1), A[1], A[0], code=INVALID)
bad("QuantizedInstanceNorm", levels("quint8", 1, 2, 2, 1), number([0]), A[1], code=INVALID)
bad("QuantizedInstanceNorm", levels("quint8", 1, 2, 2, 1), *A, output_range_given=True, code=INVALID)

for shape in ((2, 3, 2, 5), (1, 1, 1, 2), (3, 2, 2, 3)):
    vectors = []
    for bounds in ((-0.5, 1.0), (0.1, 4.0), (-1.0, 1.0), (-2.0, 2.0)):
        vectors += [levels("quint8", shape[-1]), *map(number, bounds)]
    for scaled in (False, True):
        options = {"out_type": "qint32", "variance_epsilon": 0.01, "scale_after_normalization": scaled}
        case("QuantizedBatchNormWithGlobalNormalization", levels("quint8", *shape), *A, *vectors, **options)
options = {"out_type": "qint32", "variance_epsilon": 0.01, "scale_after_normalization": True}
two = [levels("quint8", 2), *A]
bad("QuantizedBatchNormWithGlobalNormalization", levels("quint8", 1, 2, 2, 3), *A, *two * 4, **options, code=INVALID)
bad("QuantizedBatchNormWithGlobalNormalization", levels("quint8", 2, 2), *A, *two * 4, **options, code=INVALID)

for dtype in ("quint8", "qint32", "float32"):
    for channels in (1, 2, 3):
        image = levels(dtype, 2, 5, 7, channels) if dtype != "float32" else rand(dtype, 2, 5, 7, channels)
        for size in ((5, 7), (11, 13), (3, 2), (1, 1)):
            for corners, half in ((False, False), (True, False), (False, True)):
                case("QuantizedResizeBilinear", image, const(np.array(size, "int32")), *A, align_corners=corners,
                     half_pixel_centers=half, rtol=1e-5, atol=1e-5)  # fmt: skip
bad("QuantizedResizeBilinear", levels("quint8", 1, 2, 2, 1), const(np.array([0, 1], "int32")), *A, code=INVALID)
bad("QuantizedResizeBilinear", levels("quint8", 2, 2, 1), const(np.array([1, 1], "int32")), *A, code=INVALID)

sums = levels("qint32", 2, 3, 2, 5, spread=0.01)
positive = quantized("qint32", ints("int64", 0, 1 << 24, 1, 3, 2, 5))
low, high = -np.linspace(20, 300, 5, dtype="float32"), np.linspace(200, 30, 5, dtype="float32")
for numbers in (sums, positive):
    for clip in (0.5, 1e9):
        case("RequantizationRangePerChannel", numbers, low, high, clip_value_max=clip, rtol=1e-5, atol=1e-5)
    for out, wanted in (("qint8", (-2.0, 1.0)), ("quint8", (0.0, 1.5)), ("quint8", (0.0, 100.0))):
        case("RequantizePerChannel", numbers, low, high, *map(number, wanted), out_type=out)
bad("RequantizationRangePerChannel", sums, low[:3], high, clip_value_max=1.0, code=INVALID)
bad("RequantizePerChannel", sums, low, high[:3], *A, out_type="qint8", code=INVALID)
