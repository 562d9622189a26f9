"""Elements in another order: Transpose, Reverse, Roll, blocks between space, depth and batch."""

import numpy as np

from oracle.api import bad, case, const, rand

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
REALS = [*FLOATS, *INTS]
MOVED = [*REALS, "complex64", "complex128", "bool", "string"]


def vec(*values, dtype="int32"):
    return const(np.array(values, dtype))


# --- Transpose ---
for dtype in MOVED:
    case("Transpose", rand(dtype, 3, 5), vec(1, 0))
    case("ConjugateTranspose", rand(dtype, 3, 2), vec(1, 0))
for perm in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0), (1, 2, 0)]:
    case("Transpose", rand("float64", 2, 3, 4), vec(*perm))
for shape, perm in [
    ((17, 33), (1, 0)),
    ((4, 16), (1, 0)),
    ((31, 15), (1, 0)),
    ((2, 7, 9, 3), (0, 3, 1, 2)),
    ((2, 3, 7, 9), (0, 2, 3, 1)),
    ((2, 3, 4, 5, 6), (4, 1, 3, 0, 2)),
    ((1, 5, 1, 4), (2, 1, 3, 0)),
    ((1, 5, 1, 4), (3, 2, 1, 0)),
    ((301, 299), (1, 0)),
    ((3, 101, 203), (0, 2, 1)),
]:
    small = np.prod(shape) < 1000
    for dtype in ["float32", "float64", "int16", "uint8", "complex128"]:
        case("Transpose", rand(dtype, *shape), vec(*perm), **({} if small else {"grad": False, "why": "size"}))
case("Transpose", rand("float32", 3, 2), np.array([1, 0], "int32"))
case("Transpose", rand("float32", 3, 2), vec(1, 0, dtype="int64"))
case("Transpose", rand("float32"), const(np.zeros(0, "int32")))
case("Transpose", rand("float32", 5), vec(0))
case("Transpose", rand("float32", 0, 3), vec(1, 0), grad=False, why="empty")
case("ConjugateTranspose", rand("complex64", 2, 3, 4), vec(2, 0, 1))
case("ConjugateTranspose", rand("complex64", 2, 3), vec(0, 1))
case("ConjugateTranspose", rand("float64", 2, 3, 4), vec(2, 0, 1))
for perm in [(0,), (0, 0), (0, 2), (1, 2), (0, 1, 2)]:
    bad("Transpose", rand("float32", 3, 2), vec(*perm), code="INVALID_ARGUMENT")
bad("Transpose", rand("float32", 3, 2), vec([0, 1]), code="INVALID_ARGUMENT")
case("InvertPermutation", vec(2, 0, 1))
case("InvertPermutation", np.array([3, 0, 2, 1], "int64"))
case("InvertPermutation", np.zeros(0, "int32"))
for perm in [(0, 2), (0, 0), (-1, 0)]:
    bad("InvertPermutation", vec(*perm), code="INVALID_ARGUMENT")
bad("InvertPermutation", vec([0, 1]), code="INVALID_ARGUMENT")

# --- Reverse ---
for dtype in MOVED:
    case("ReverseV2", rand(dtype, 3, 2), vec(0))
    case("Reverse", rand(dtype, 3, 2), const(np.array([False, True])))
for axes in [(), (1,), (-1,), (0, 2), (2, 1, 0)]:
    case("ReverseV2", rand("float64", 2, 3, 4), const(np.array(axes, "int32")))
case("ReverseV2", rand("float32", 3), vec(0, dtype="int64"))
case("ReverseV2", rand("float32", 3, 33), np.array([1], "int32"))
case("ReverseV2", rand("float32"), const(np.zeros(0, "int32")))
case("ReverseV2", rand("float32", 0, 3), vec(0, 1), grad=False, why="empty")
case("ReverseV2", rand("float32", 500, 301), vec(1), grad=False, why="size")
case("Reverse", rand("float64", 2, 3, 4), np.array([True, False, True]))
case("Reverse", rand("float32"), const(np.zeros(0, bool)))
bad("ReverseV2", rand("float32", 3, 2), vec(2), code="INVALID_ARGUMENT")
bad("ReverseV2", rand("float32", 3, 2), vec(0, 0), code="INVALID_ARGUMENT")
bad("ReverseV2", rand("float32", 3, 2), vec(0, -2), code="INVALID_ARGUMENT")
bad("Reverse", rand("float32", 3, 2), const(np.array([True])), code="INVALID_ARGUMENT")
for dtype in MOVED:
    case("ReverseSequence", rand(dtype, 3, 4), np.array([2, 0, 4], "int64"), seq_dim=1)
case("ReverseSequence", rand("float64", 2, 5, 3), np.array([5, 2, 1], "int32"), seq_dim=1, batch_dim=2)
case("ReverseSequence", rand("float64", 4, 2, 3), vec(3, 1), seq_dim=0, batch_dim=1)
bad("ReverseSequence", rand("float32", 3, 4), np.array([2, 0, 5], "int64"), seq_dim=1, code="INVALID_ARGUMENT")
bad("ReverseSequence", rand("float32", 3, 4), np.array([2, 0, -1], "int64"), seq_dim=1, code="INVALID_ARGUMENT")
bad("ReverseSequence", rand("float32", 3, 4), np.array([2, 0], "int64"), seq_dim=1, code="INVALID_ARGUMENT")
bad("ReverseSequence", rand("float32", 3, 4), np.array([2, 0, 1], "int64"), seq_dim=2, code="INVALID_ARGUMENT")
bad("ReverseSequence", rand("float32", 3, 4), np.array([2, 0, 1], "int64"), seq_dim=0, code="INVALID_ARGUMENT")

# --- Roll ---
for dtype in MOVED:
    case("Roll", rand(dtype, 3, 4), vec(1, -1), vec(0, 1))
for shift, axis in [((0,), (0,)), ((2,), (1,)), ((-5,), (2,)), ((1, 1, 1), (0, 1, 2)), ((1, 7, -3), (1, 1, 0))]:
    case("Roll", rand("float64", 2, 3, 4), vec(*shift), vec(*axis))
case("Roll", rand("float32", 5), const(np.array(2, "int32")), const(np.array(0, "int64")))
case("Roll", rand("float32", 5), np.array([2], "int64"), np.array([-1], "int32"))
case("Roll", rand("float32", 0, 2), vec(1), vec(0), grad=False, why="empty")
bad("Roll", rand("float32", 5), vec(1), vec(1), code="INVALID_ARGUMENT")
bad("Roll", rand("float32", 5), vec(1, 2), vec(0), code="INVALID_ARGUMENT")
bad("Roll", rand("float32"), vec(1), vec(0), code="INVALID_ARGUMENT")

# --- depth ---
for dtype in MOVED:
    case("SpaceToDepth", rand(dtype, 1, 4, 2, 3), block_size=2)
    case("DepthToSpace", rand(dtype, 1, 2, 1, 12), block_size=2)
case("SpaceToDepth", rand("float64", 2, 6, 3, 2), block_size=3)
case("DepthToSpace", rand("float64", 2, 2, 3, 18), block_size=3)
case("DepthToSpace", rand("float32", 2, 31, 33, 16), block_size=4, grad=False, why="size")
for op, good in [("SpaceToDepth", (1, 4, 4, 4)), ("DepthToSpace", (1, 2, 2, 4))]:
    bad(op, rand("float32", 1, 3, 3, 3), block_size=2, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 4, 4, 4), block_size=2, code="INVALID_ARGUMENT")
    bad(op, rand("float32", *good), block_size=1, code="INVALID_ARGUMENT")

# --- batch ---
SIZE = "TensorFlow wants the number of blocked dimensions known"
CROPS = [[0, 0], [0, 0]]
for dtype in REALS:
    case("SpaceToBatchND", rand(dtype, 1, 4, 2, 3), vec(2, 2), vec([0, 0], [1, 1]))
    case("BatchToSpaceND", rand(dtype, 4, 2, 3, 1), vec(2, 2), vec([0, 1], [2, 0]))
case("SpaceToBatchND", rand("float64", 2, 5, 7), vec(3, 2), vec([2, 2], [1, 0]))
case("SpaceToBatchND", rand("float64", 2, 6, 3), vec(3), vec([0, 0]))
case(
    "SpaceToBatchND",
    rand("float64", 2, 3, 2, 4),
    vec(1, 3, 2, dtype="int64"),
    vec([0, 0], [4, 0], [1, 1], dtype="int64"),
)
case("SpaceToBatchND", rand("float32", 2, 3), const(np.zeros(0, "int32")), const(np.zeros((0, 2), "int32")))
case(
    "SpaceToBatchND",
    rand("float32", 2, 4, 3),
    np.array([2], "int32"),
    np.array([[1, 1]], "int32"),
    shapes=False,
    why=SIZE,
)
case("BatchToSpaceND", rand("float64", 6, 3, 2), vec(3), vec([2, 1]))
case("BatchToSpaceND", rand("float64", 6, 2, 3, 2), vec(3, 2), vec([1, 1], [0, 5]))
case(
    "BatchToSpaceND",
    rand("float32", 4, 2, 3),
    np.array([2], "int32"),
    np.array([[1, 1]], "int32"),
    shapes=False,
    why=SIZE,
)
case("SpaceToBatch", rand("float64", 1, 4, 3, 2), vec([0, 0], [1, 0]), block_size=2)
case("SpaceToBatch", rand("float32", 1, 4, 4, 2), np.array(CROPS, "int32"), block_size=2)
case("BatchToSpace", rand("float64", 4, 2, 3, 1), vec([0, 1], [1, 1]), block_size=2)
case("BatchToSpace", rand("float32", 4, 2, 3, 1), vec(*CROPS, dtype="int64"), block_size=2)
bad("SpaceToBatchND", rand("float32", 1, 3, 2), vec(2), vec([0, 0]), code="INVALID_ARGUMENT")
bad("SpaceToBatchND", rand("float32", 1, 4, 2), vec(0), vec([0, 0]), code="INVALID_ARGUMENT")
bad("SpaceToBatchND", rand("float32", 1, 4, 2), vec(2), vec([-1, 1]), code="INVALID_ARGUMENT")
bad("SpaceToBatchND", rand("float32", 1, 4), vec(2, 2), vec(*CROPS), code="INVALID_ARGUMENT")
bad("SpaceToBatchND", rand("float32", 1, 4, 2), vec(2), vec(*CROPS), code="INVALID_ARGUMENT")
bad("BatchToSpaceND", rand("float32", 3, 4, 2), vec(2), vec([0, 0]), code="INVALID_ARGUMENT")
bad("BatchToSpaceND", rand("float32", 2, 4, 2), vec(2), vec([5, 4]), code="INVALID_ARGUMENT")
bad("BatchToSpaceND", rand("float32", 2, 4, 2), vec(2), vec([-1, 0]), code="INVALID_ARGUMENT")
bad("SpaceToBatch", rand("float32", 1, 3, 4, 1), vec(*CROPS), block_size=2, code="INVALID_ARGUMENT")
bad("BatchToSpace", rand("float32", 3, 4, 4, 1), vec(*CROPS), block_size=2, code="INVALID_ARGUMENT")
bad("SpaceToBatch", rand("float32", 4, 4, 1), vec(*CROPS), block_size=2, code="INVALID_ARGUMENT")
