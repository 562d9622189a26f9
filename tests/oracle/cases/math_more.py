"""Casts, choices, clipping, sums of many, broadcasting, complex numbers."""

import ml_dtypes
import numpy as np

from oracle.api import bad, case, const, ints, rand, special

REALS = [
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]
COMPLEX = ["complex64", "complex128"]
ALL = [*REALS, *COMPLEX, "bool"]


def dtype_of(name):
    """The NumPy dtype."""
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


for source in ALL:
    for target in ALL:
        # Negative floats to unsigned integers depend on the place in a vector there.
        x = np.abs(rand(source, 3, 7)).astype(dtype_of(source)) if target.startswith("uint") else rand(source, 3, 7)
        case("Cast", x, DstT=target, fd=False)
for source in ["float32", "float64"]:
    for target in ["int8", "int16", "int32", "int64", "uint8"]:
        case("Cast", np.array([1.5, 1.99, 0.9, 100.7, 3.0] * 4, source), DstT=target)
    case("Cast", np.array([-1.5, -0.9, 300.5, -300, 70000, 1e9] * 4, source), DstT="int32")
    case("Cast", special(source), DstT="bool")
    case("Cast", special(source), DstT="float16", grad=False, why="NaN")
case("Cast", ints("int64", -300, 300, 33), DstT="int8")
case("Cast", ints("int64", 0, 70000, 33), DstT="uint16")
case("Cast", rand("float32", 70001), DstT="float64", grad=False, why="size")
case("Cast", rand("float32", 0), DstT="int32")
for target in ["float16", "bfloat16"]:
    for source in ["float32", "float64"]:
        case("Cast", rand(source, 33), DstT=target, Truncate=True, grad=False, why="covered")
case("Cast", rand("float64", 33), DstT="float32", Truncate=True, grad=False, why="covered")
bad("Cast", rand("int32", 3), DstT="string", code="UNIMPLEMENTED")

for op in ["Select", "SelectV2"]:
    for dtype in [*ALL, "string"]:
        case(op, rand("bool", 3, 5), rand(dtype, 3, 5), rand(dtype, 3, 5))
    for size in [0, 1, 15, 17, 33, 1025]:
        case(op, rand("bool", size), rand("float32", size), rand("float32", size))
    case(op, np.array(True), rand("float32", 2, 3), rand("float32", 2, 3))
    case(op, np.array(False), rand("float32", 2, 3), rand("float32", 2, 3))
    case(op, rand("bool", 70001), rand("float32", 70001), rand("float32", 70001), grad=False, why="size")
case("Select", rand("bool", 4), rand("float32", 4, 3), rand("float32", 4, 3))
case("Select", rand("bool", 4), rand("float64", 4, 3, 2), rand("float64", 4, 3, 2))
bad("Select", rand("bool", 3), rand("float32", 4, 3), rand("float32", 4, 3), code="INVALID_ARGUMENT")
bad("Select", rand("bool", 4, 3), rand("float32", 4, 3), rand("float32", 4, 2), code="INVALID_ARGUMENT")
case("SelectV2", rand("bool", 4, 1), rand("float32", 3), rand("float32", 4, 3))
case("SelectV2", rand("bool", 3), rand("float64", 4, 1), rand("float64"))
case("SelectV2", rand("bool", 2, 1, 3), rand("string", 4, 1), rand("string", 3))
case("SelectV2", rand("bool", 129), rand("float32", 7, 129), rand("float32"))
bad("SelectV2", rand("bool", 3), rand("float32", 2), rand("float32", 2, 3), code="INVALID_ARGUMENT")

for dtype in ["float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16"]:
    low, high = np.asarray(1).astype(dtype_of(dtype)), np.asarray(3).astype(dtype_of(dtype))
    case("ClipByValue", rand(dtype, 3, 7), low, high, fd=False)
    bounds = rand(dtype, 3, 7)
    case("ClipByValue", rand(dtype, 3, 7), bounds, (bounds + high).astype(bounds.dtype), fd=False)
for size in [0, 1, 15, 17, 33, 1025]:
    case("ClipByValue", rand("float32", size), np.float32(-1), np.float32(1), fd=False)
case("ClipByValue", special("float32"), np.float32(-1), np.float32(1), grad=False, why="NaN")
case("ClipByValue", special("float32"), np.float32(1), np.float32(-1), grad=False, why="NaN")
case("ClipByValue", special("float32"), np.float32(np.nan), np.float32(1), grad=False, why="NaN")
bad("ClipByValue", rand("float32", 2, 3), rand("float32", 3), np.float32(1), code="INVALID_ARGUMENT")

for dtype in [*REALS, *COMPLEX]:
    case("AddN", [rand(dtype, 3, 5), rand(dtype, 3, 5), rand(dtype, 3, 5)])
    case("AddN", [rand(dtype, 3, 5)])
for size in [0, 1, 15, 17, 33, 1025]:
    case("AddN", [rand("float32", size) for _ in range(9)])
case("AddN", [rand("float32", 5) for _ in range(40)], rtol=3e-5, atol=3e-5)
case("AddN", [rand("float32", 70001) for _ in range(3)], grad=False, why="size")
bad("AddN", [rand("float32", 2, 3), rand("float32", 3, 2)], code="INVALID_ARGUMENT")
for dtype in ["float32", "float64", "int32"]:
    case("AccumulateNV2", [rand(dtype, 3, 5), rand(dtype, 3, 5)], shape=[3, 5])

for dtype in [*ALL, "string"]:
    case("ZerosLike", rand(dtype, 3, 5), grad=False, why="none")
    case("BroadcastTo", rand(dtype, 3, 1), const(np.array([2, 3, 4], "int32")))
    if dtype != "string":
        case("OnesLike", rand(dtype, 3, 5), grad=False, why="none")
case("ZerosLike", rand("float32", 0), grad=False, why="none")
case("OnesLike", rand("float32"), grad=False, why="none")
case("BroadcastTo", rand("float32"), const(np.array([17], "int64")))
case("BroadcastTo", rand("float32", 1, 3), const(np.array([0, 3], "int32")), grad=False, why="empty")
case("BroadcastTo", rand("float64", 2, 1, 3), np.array([4, 2, 5, 3], "int32"))
case("BroadcastTo", rand("float32", 3), const(np.array([3], "int32")))
bad("BroadcastTo", rand("float32", 2, 3), const(np.array([4, 3], "int32")), code="INVALID_ARGUMENT")
bad("BroadcastTo", rand("float32", 2, 3), const(np.array([3], "int32")), code="INVALID_ARGUMENT")
bad("BroadcastTo", rand("float32", 2, 3), np.array([-1, 3], "int32"), code="INVALID_ARGUMENT")

PAIRS = [
    ([2, 1, 3], [3]),
    ([1], [1]),
    ([], [2]),
    ([1, 1], [1]),
    ([2, 3], [2, 3]),
    ([1], []),
    ([2, 1], [1, 2]),
    ([1, 2, 1], [2, 1]),
    ([0, 1], [1]),
    ([1, 1], [1, 1]),
    ([], []),
    ([5, 1, 1, 4], [1, 7, 1, 1]),
]
for first, second in PAIRS:
    for dtype in ["int32", "int64"]:
        s0, s1 = np.array(first, dtype), np.array(second, dtype)
        case("BroadcastGradientArgs", s0, s1, grad=False, why="none")
        case("BroadcastArgs", s0, s1, grad=False, why="none")
for op in ["BroadcastGradientArgs", "BroadcastArgs"]:
    bad(op, np.array([2, 3], "int32"), np.array([4], "int32"), code="INVALID_ARGUMENT")
    bad(op, np.array([[2, 3]], "int32"), np.array([4], "int32"), code="INVALID_ARGUMENT")

for dtype, real in [("complex64", "float32"), ("complex128", "float64")]:
    loose = {"rtol": 2e-5, "atol": 2e-5} if dtype == "complex64" else {}
    case("Complex", rand(real, 3, 5), rand(real, 5), Tout=dtype)
    for op in ["Real", "Imag", "ComplexAbs", "Angle"]:
        case(op, rand(dtype, 3, 5), Tout=real, **loose)
        case(op, rand(dtype, 17), Tout=real, **loose)
    case("Conj", rand(dtype, 3, 5))
case("ComplexAbs", np.array([0, 3 + 4j], "complex64"), Tout="float32")
case("Angle", np.array([1 + 1j, -1, 1j], "complex64"), Tout="float32")
