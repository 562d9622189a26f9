"""Diagonals and bands."""

import numpy as np

from oracle.api import bad, case, const, rand

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
BASIC = [*FLOATS, *INTS, "complex64", "complex128", "bool"]
# What TensorFlow's shape functions of versions 2 and 3 make of unknown dimensions is wrong.
UNKNOWN = "TensorFlow takes an unknown dimension for a size of -1"
ALIGN = ["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"]


def vec(*values, dtype="int32"):
    return const(np.array(values, dtype))


def scalar(value, dtype="int32"):
    return const(np.array(value, dtype))


for dtype in ["float16", "float32", "float64", "int32", "int64", "complex64", "complex128"]:
    case("Diag", rand(dtype, 3))
    case("DiagPart", rand(dtype, 3, 3))
case("Diag", rand("float64", 2, 3))
case("DiagPart", rand("float64", 2, 3, 2, 3))
case("Diag", rand("float32", 0), grad=False, why="empty")
bad("Diag", rand("float32"), code="INVALID_ARGUMENT")
bad("DiagPart", rand("float32", 3), code="INVALID_ARGUMENT")
bad("DiagPart", rand("float32", 3, 2), code="INVALID_ARGUMENT")
bad("DiagPart", rand("float32"), code="INVALID_ARGUMENT")

for dtype in BASIC:
    case("MatrixDiag", rand(dtype, 2, 3))
    case("MatrixDiagPart", rand(dtype, 2, 3, 4))
    case("MatrixSetDiag", rand(dtype, 2, 3, 4), rand(dtype, 2, 3))
    case("MatrixBandPart", rand(dtype, 2, 3, 4), scalar(1, "int64"), scalar(0, "int64"))
    case("MatrixDiagV2", rand(dtype, 2, 3), scalar(0), scalar(-1), scalar(-1), rand(dtype))
    case("MatrixDiagPartV2", rand(dtype, 2, 3, 4), vec(-1, 1), rand(dtype))
    case(
        "MatrixSetDiagV2", rand(dtype, 2, 3, 4), rand(dtype, 2, 2, 3), vec(0, 1), shapes=False, grad=False, why=UNKNOWN
    )
case("MatrixDiag", rand("float64", 3))
case("MatrixDiag", rand("float64", 2, 0), grad=False, why="empty")
for shape in [(3, 3), (2, 4, 3), (2, 3, 5)]:
    case("MatrixDiagPart", rand("float64", *shape))
    case("MatrixSetDiag", rand("float64", *shape), rand("float64", *shape[:-2], min(shape[-2:])))
bad("MatrixDiag", rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagPart", rand("float32", 3), code="INVALID_ARGUMENT")
bad("MatrixSetDiag", rand("float32", 3), rand("float32", 3), code="INVALID_ARGUMENT")
bad("MatrixSetDiag", rand("float32", 3, 3), rand("float32", 2), code="INVALID_ARGUMENT")

for lower, upper in [(0, 0), (-1, -1), (1, 2), (9, -1), (-1, 9), (-1, 1), (2, 0)]:
    if lower <= 3 and upper <= 4:
        case("MatrixBandPart", rand("float64", 2, 3, 4), scalar(lower, "int64"), scalar(upper, "int64"))
case("MatrixBandPart", rand("float32", 5, 3), np.array(2, "int32"), np.array(1, "int32"))
case("MatrixBandPart", rand("float32", 0, 3), scalar(0, "int64"), scalar(0, "int64"), grad=False, why="empty")
case("MatrixBandPart", rand("float32", 257, 257), scalar(-1, "int64"), scalar(0, "int64"), grad=False, why="size")
bad("MatrixBandPart", rand("float32", 3), scalar(0), scalar(0), code="INVALID_ARGUMENT")
bad("MatrixBandPart", rand("float32", 3, 3), scalar(4), scalar(0), code="INVALID_ARGUMENT")
bad("MatrixBandPart", rand("float32", 3, 3), scalar(0), scalar(4), code="INVALID_ARGUMENT")
bad("MatrixBandPart", rand("float32", 3, 3), vec(0), scalar(0), code="INVALID_ARGUMENT")

# Ranges of diagonals, packed in every way.
for align in ALIGN:
    for rows, columns, k in [(3, 4, (-1, 1)), (4, 3, (-2, 0)), (3, 3, (0, 2)), (2, 5, (1, 3)), (5, 2, (-4, -2))]:
        k_low, k_high = k
        longest = min(rows + min(k_high, 0), columns - max(k_low, 0))
        case("MatrixDiagPartV3", rand("float64", 2, rows, columns), vec(*k), rand("float64"), align=align)
        packed = rand("float64", 2, k_high - k_low + 1, longest)
        case(
            "MatrixSetDiagV3",
            rand("float64", 2, rows, columns),
            packed,
            vec(*k),
            align=align,
            shapes=False,
            why=UNKNOWN,
        )
        sizes = [scalar(rows), scalar(columns)]
        case("MatrixDiagV3", packed, vec(*k), *sizes, rand("float64"), align=align, shapes=False, why=UNKNOWN)
for k in [0, 1, -2]:
    case(
        "MatrixDiagV3",
        rand("float64", 2, 3),
        scalar(k),
        scalar(-1),
        scalar(-1),
        rand("float64"),
        shapes=False,
        why=UNKNOWN,
    )
    case("MatrixDiagPartV3", rand("float64", 2, 4, 4), scalar(k), rand("float64"))
    case("MatrixDiagPartV3", rand("float64", 2, 4, 4), np.array([k], "int32"), rand("float64"))
    case("MatrixSetDiagV3", rand("float64", 4, 4), rand("float64", 4 - abs(k)), vec(k))
case("MatrixDiagV3", rand("float32", 3), scalar(1), scalar(3), scalar(-1), rand("float32"), shapes=False, why=UNKNOWN)
case("MatrixDiagV3", rand("float32", 3), scalar(1), scalar(-1), scalar(7), rand("float32"))
case("MatrixDiagV3", rand("float32", 3), np.array(1, "int32"), np.array(5, "int32"), scalar(4), rand("float32"))
bad("MatrixDiagV3", rand("float32", 3), scalar(1), scalar(2), scalar(-1), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagV3", rand("float32", 3), scalar(0), scalar(7), scalar(7), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagV3", rand("float32", 3), vec(1, 0), scalar(-1), scalar(-1), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagV3", rand("float32", 3, 3), vec(0, 1), scalar(-1), scalar(-1), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagV3", rand("float32", 3), vec(0, 1), scalar(-1), scalar(-1), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagPartV3", rand("float32", 3, 4), scalar(4), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagPartV3", rand("float32", 3, 4), vec(-3, 0), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixDiagPartV3", rand("float32", 3, 4), vec(0, 1, 2), rand("float32"), code="INVALID_ARGUMENT")
bad("MatrixSetDiagV3", rand("float32", 3, 4), rand("float32", 3), scalar(2), code="INVALID_ARGUMENT")
bad("MatrixSetDiagV3", rand("float32", 3, 4), rand("float32", 3), scalar(5), code="INVALID_ARGUMENT")
