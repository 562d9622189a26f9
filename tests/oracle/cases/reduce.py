"""Reductions, arg, cumulative, top-k, bincount."""

import numpy as np

from oracle.api import bad, case, const, ints, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
LOOSE = {"rtol": 2e-5, "atol": 1e-5}


def axes(*values, dtype="int32"):
    return const(np.array(values, dtype))


def tolerance(dtype):
    return LOOSE if dtype == "float32" else {}


for op in ["Sum", "Mean", "Prod", "Max", "Min", "EuclideanNorm"]:
    for dtype in FLOATS:
        case(op, rand(dtype, 3, 5), axes(1), **tolerance(dtype))
        case(op, rand(dtype, 3, 5), axes(0), keep_dims=True, **tolerance(dtype))
    for dtype in INTS:
        case(op, ints(dtype, 0, 4, 4, 3), axes(-1))
    # The patterns that dimensions collapse to, and sizes around the lanes of a row and the block of a column.
    for shape, over in [
        ((17,), (0,)),
        ((1,), (0,)),
        ((2, 3, 5, 7), (1, 3)),
        ((2, 3, 5, 7), (0, 2)),
        ((2, 3, 5, 7), (0, 1, 2, 3)),
        ((2, 1, 5), (1,)),
        ((2, 1, 5), (-1, 0)),
        ((3, 63), (1,)),
        ((3, 64), (1,)),
        ((3, 65), (1,)),
        ((3, 131), (1,)),
        ((7, 511), (0,)),
        ((7, 513), (0,)),
        ((4, 3), ()),
    ]:
        case(op, rand("float32", *shape), axes(*over), **LOOSE)
    case(op, rand("float64", 2, 3, 4), axes(0, 2))
    case(op, rand("float64", 2, 3, 4), axes(1), keep_dims=True)
    case(op, rand("float32", 2, 3), axes(1, dtype="int64"), **LOOSE)
    case(op, rand("float32", 2, 3), np.array([1], "int32"), **LOOSE)
    case(op, rand("float32", 4), const(np.array(0, "int32")), **LOOSE)
    case(op, rand("float32", 3, 0), axes(0), grad=False, why="empty")
    if op != "Mean":
        case(op, rand("float32", 3, 0), axes(1), grad=False, why="empty")
    case(op, special("float32"), axes(0), grad=False, why="NaN and infinity")
    bad(op, rand("float32", 3, 5), axes(2), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3, 5), axes(-3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3, 5), axes(1, 1), code="INVALID_ARGUMENT")

# Long enough for chunks and threads: partial results are joined in order.
for op in ["Sum", "Mean", "Max", "Min"]:
    case(op, rand("float32", 50021), axes(0), rtol=1e-4, atol=1e-3, grad=False, why="size")
    case(op, rand("float32", 3, 30011), axes(1), rtol=1e-4, atol=1e-3, grad=False, why="size")
    case(op, rand("float32", 9001, 10), axes(0), rtol=1e-4, atol=1e-3, grad=False, why="size")
    case(op, rand("float32", 20, 1031, 3), axes(0, 1), rtol=1e-4, atol=1e-3, grad=False, why="size")

for op in ["Sum", "Mean", "Prod"]:
    for dtype in ["complex64", "complex128"]:
        case(op, rand(dtype, 3, 4), axes(1), rtol=1e-5, atol=1e-5)

for op in ["Max", "Min"]:
    case(op, np.array([[1, 2, 2], [3, 3, 3]], "float32"), axes(1))
    case(op, np.array([[1, np.nan], [np.nan, 2]], "float32"), axes(1), grad=False, why="NaN")
    case(op, rand("float16", 5, 4), axes(0))

case("Prod", np.array([[1, 0, 2], [0, 0, 3], [4, 5, 6]], "float64"), axes(1))
case("Prod", np.array([[1, 0, 2], [0, 0, 3], [4, 5, 6]], "float32"), axes(0), **LOOSE)

for op in ["All", "Any"]:
    truth = np.array([[True, False, True], [True, True, True]])
    case(op, truth, axes(1))
    case(op, truth, axes(0), keep_dims=True)
    case(op, truth, axes(0, 1))
    case(op, np.zeros((0, 3), bool), axes(0))
    bad(op, truth, axes(2), code="INVALID_ARGUMENT")

for op in ["ArgMax", "ArgMin"]:
    for dtype in FLOATS + INTS:
        case(op, ints(dtype, 0, 9, 5, 7) if dtype in INTS else rand(dtype, 5, 7), const(np.array(1, "int32")))
    case(op, np.array([True, False, True]), const(np.array(0, "int32")))
    case(op, rand("float32", 2, 3, 4), const(np.array(-2, "int64")), output_type="int32")
    case(op, rand("float32", 2, 3, 4), np.array(0, "int32"))
    case(op, np.array([3, 1, 3, 1], "float32"), const(np.array(0, "int32")))
    case(op, rand("float32", 300, 61), const(np.array(0, "int32")))
    bad(op, rand("float32", 2, 3), const(np.array(2, "int32")), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 0), const(np.array(1, "int32")), code="INVALID_ARGUMENT")
case("ArgMax", rand("float32", 5, 7), const(np.array(1, "int32")), output_type="int16")
case("ArgMax", rand("float32", 5, 7), const(np.array(1, "int32")), output_type="uint16")

for op in ["Cumsum", "Cumprod"]:
    for exclusive in [False, True]:
        for reverse in [False, True]:
            case(op, rand("float64", 3, 5), const(np.array(1, "int32")), exclusive=exclusive, reverse=reverse)
            case(
                op,
                rand("float32", 2, 3, 4),
                const(np.array(-2, "int32")),
                exclusive=exclusive,
                reverse=reverse,
                **LOOSE,
            )
    for dtype in ["float16", "bfloat16"]:
        case(
            op,
            rand(dtype, 4, 3),
            const(np.array(0, "int32")),
            rtol=5e-2,
            atol=5e-2,
            grad=False,
            why="TensorFlow rounds every step",
        )
    for dtype in INTS:
        case(op, ints(dtype, 0, 3, 5), const(np.array(0, "int32")))
    for dtype in ["complex64", "complex128"]:
        case(
            op,
            rand(dtype, 3, 4),
            const(np.array(1, "int64")),
            rtol=1e-5,
            atol=1e-5,
            grad=False,
            why="Conj rules differ",
        )
    case(op, rand("float32", 0, 4), const(np.array(0, "int32")), grad=False, why="empty")
    case(op, rand("float32", 4, 3), np.array(0, "int32"), **LOOSE)
    bad(op, rand("float32", 4), const(np.array(1, "int32")), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 4), const(np.array([0], "int32")), code="INVALID_ARGUMENT")

for dtype in FLOATS + INTS:
    x = ints(dtype, 0, 100, 3, 11) if dtype in INTS else rand(dtype, 3, 11)
    case("TopKV2", x, const(np.array(4, "int32")))
    case("TopK", x, k=2)
case("TopKV2", rand("float32", 17), const(np.array(17, "int32")))
case("TopKV2", rand("float32", 17), const(np.array(1, "int32")))
case("TopKV2", rand("float32", 2, 3, 4), np.array(2, "int32"))
case("TopKV2", rand("float64", 2, 3, 4), const(np.array(2, "int32")))
case("TopKV2", np.array([1, 1, 1, 2, 2], "float32"), const(np.array(4, "int32")))
case("TopKV2", rand("float32", 5, 301), const(np.array(37, "int32")))
case("TopKV2", rand("float32", 2, 3), const(np.array(0, "int32")), grad=False, why="nothing comes out")
case("TopK", rand("float64", 2, 5), k=3)
bad("TopKV2", rand("float32", 3), const(np.array(4, "int32")), code="INVALID_ARGUMENT")
bad("TopKV2", rand("float32", 3), const(np.array(-1, "int32")), code="INVALID_ARGUMENT")
bad("TopK", np.array(1.0, "float32"), k=1, code="INVALID_ARGUMENT")

for dtype in ["int32", "int64", "float32", "float64"]:
    numbers = np.array([1, 1, 3, 9, 0], "int32")
    case("Bincount", numbers, const(np.array(5, "int32")), np.zeros(0, dtype))
    case("Bincount", numbers, const(np.array(5, "int32")), np.arange(5).astype(dtype))
bad("Bincount", np.array([-1], "int32"), const(np.array(5, "int32")), np.zeros(0, "float32"), code="INVALID_ARGUMENT")
bad("Bincount", np.array([1], "int32"), const(np.array(-5, "int32")), np.zeros(0, "float32"), code="INVALID_ARGUMENT")
