"""Bucketize, HistogramFixedWidth, LowerBound, UpperBound and UnravelIndex."""

import numpy as np

from oracle.api import bad, case, const, ints, rand

INVALID = "INVALID_ARGUMENT"
for dtype in ("int32", "int64", "float32", "float64"):
    x = (rand(dtype, 5, 7) * 3).astype(dtype)
    case("Bucketize", x, boundaries=[-2.5, 0.0, 1.0, 4.0])
    case("Bucketize", x, boundaries=[])
    for bins in (1, 5, 100):
        case("HistogramFixedWidth", x, np.array([-2, 3], dtype), const(np.array(bins, "int32")))
        case("HistogramFixedWidth", x, np.array([-2, 3], dtype), np.array(bins, "int32"), dtype="int64")
    bad("HistogramFixedWidth", x, np.array([3, -2], dtype), np.array(5, "int32"), code=INVALID)
case("Bucketize", np.array([np.inf, -np.inf, 0.0, -0.0], "float32"), boundaries=[0.0, 1.0])
bad("Bucketize", rand("float32", 3), boundaries=[1.0, 0.0], code=INVALID)
bad("HistogramFixedWidth", rand("float32", 3), np.array([0, 1], "float32"), np.array(0, "int32"), code=INVALID)
bad("HistogramFixedWidth", rand("float32", 3), np.array([0, 1, 2], "float32"), np.array(4, "int32"), code=INVALID)

for dtype in ("int32", "int64", "float32", "float64", "int8", "uint8", "int16", "uint16", "float16", "bfloat16"):
    for op in ("LowerBound", "UpperBound"):
        case(op, np.sort(ints(dtype, 0, 9, 3, 8), axis=1), ints(dtype, 0, 10, 3, 5))
case("LowerBound", np.sort(rand("float32", 1, 9)), rand("float32", 1, 4), out_type="int64")
bad("UpperBound", rand("float32", 2, 9), rand("float32", 1, 4), code=INVALID)

for dtype in ("int32", "int64"):
    case("UnravelIndex", np.array([22, 0, 59], dtype), np.array([3, 4, 5], dtype))
    case("UnravelIndex", np.array(13, dtype), np.array([3, 5], dtype))
    bad("UnravelIndex", np.array(15, dtype), np.array([3, 5], dtype), code=INVALID)
    bad("UnravelIndex", np.array(1, dtype), np.array([3, 0], dtype), code=INVALID)
