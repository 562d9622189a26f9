"""Joining, cutting and stacking: Concat, Split, Pack, Unpack, Slice, StridedSlice, Pad, Tile."""

import numpy as np

from oracle.api import bad, case, const, rand

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
NUMBERS = [*FLOATS, *INTS, "complex64", "complex128"]
MOVED = [*NUMBERS, "bool", "string"]


def vec(*values, dtype="int32"):
    return const(np.array(values, dtype))


def scalar(value, dtype="int32"):
    return const(np.array(value, dtype))


# --- Concat ---
for dtype in MOVED:
    case("ConcatV2", [rand(dtype, 2, 3), rand(dtype, 2, 1), rand(dtype, 2, 4)], scalar(1))
    case("Concat", scalar(0), [rand(dtype, 2, 3), rand(dtype, 1, 3)])
for axis in [0, 1, 2, -1, -3]:
    case("ConcatV2", [rand("float64", 2, 3, 4), rand("float64", 2, 3, 4)], scalar(axis))
case(
    "ConcatV2",
    [rand("float32", 2, 3), rand("float32", 2, 3)],
    scalar(-1, "int64"),
    grad=False,
    why="TensorFlow's gradient takes an int32 axis only",
)
case("ConcatV2", [rand("float32", 2, 3), rand("float32", 2, 5)], np.array(1, "int32"))
case("ConcatV2", [rand("float32", 0, 3), rand("float32", 2, 3), rand("float32", 0, 3)], scalar(0))
case("ConcatV2", [rand("float32", 2, 0), rand("float32", 2, 0)], scalar(0), grad=False, why="empty")
case("ConcatV2", [rand("float32", 3, 2) for _ in range(18)], scalar(1))
case("ConcatV2", [rand("float32", 301, 257), rand("float32", 301, 131)], scalar(1), grad=False, why="size")
case("Concat", np.array(1, "int32"), [rand("float64", 2, 3), rand("float64", 2, 1)])
case("Concat", scalar(-1), [rand("float32", 5), rand("float32", 15), rand("float32", 17)])
for op in ["Concat", "ConcatV2"]:
    for axis, a, b in [(2, (2, 3), (2, 3)), (-3, (2, 3), (2, 3)), (0, (2, 3), (2, 2)), (0, (2, 3), (2,)), (0, (), ())]:
        inputs = [[rand("float32", *a), rand("float32", *b)], scalar(axis)]
        bad(op, *(inputs if op == "ConcatV2" else inputs[::-1]), code="INVALID_ARGUMENT")
case("ConcatOffset", scalar(1), [vec(2, 3), vec(2, 4), vec(2, 1)])
case("ConcatOffset", np.array(-1, "int32"), [np.array([2, 3], "int32"), np.array([2, 4], "int32")])
case("ConcatOffset", scalar(0), [vec(2, 3, dtype="int64"), vec(5, 3, dtype="int64")])
bad("ConcatOffset", scalar(0), [vec(2, 3), vec(2, 4)], code="INVALID_ARGUMENT")
bad("ConcatOffset", scalar(2), [vec(2, 3), vec(2, 3)], code="INVALID_ARGUMENT")
bad("ConcatOffset", scalar(0), [vec(2, 3), vec(2)], code="INVALID_ARGUMENT")

# --- Split ---
for dtype in MOVED:
    case("Split", scalar(1), rand(dtype, 2, 6), num_split=3)
    case("SplitV", rand(dtype, 2, 6), vec(1, 3, 2), scalar(1), num_split=3)
for axis in [0, 1, -1]:
    case("Split", scalar(axis), rand("float64", 4, 2, 6), num_split=2)
    case("SplitV", rand("float64", 6, 6, 6), vec(1, -1), scalar(axis), num_split=2)
case("Split", np.array(1, "int32"), rand("float32", 2, 6), num_split=6)
case("Split", scalar(0), rand("float32", 2, 3), num_split=1)
case("Split", scalar(0), rand("float32", 0, 3), num_split=2, grad=False, why="empty")
case("Split", scalar(1), rand("float32", 300, 300), num_split=2, grad=False, why="size")
case("SplitV", rand("float32", 5), vec(0, 5, 0, dtype="int64"), scalar(0), num_split=3)
# A constant int8 aborts TensorFlow in its shape function.
case("SplitV", rand("float32", 5), np.array([5], "int8"), scalar(0), num_split=1)
case("SplitV", rand("float32", 5), np.array([2, 3], "int32"), np.array(0, "int32"), num_split=2)
bad("Split", scalar(1), rand("float32", 2, 6), num_split=4, code="INVALID_ARGUMENT")
bad("Split", scalar(2), rand("float32", 2, 6), num_split=2, code="INVALID_ARGUMENT")
bad("Split", scalar(-3), rand("float32", 2, 6), num_split=2, code="INVALID_ARGUMENT")
bad("SplitV", rand("float32", 5), vec(2, 2), scalar(0), num_split=2, code="INVALID_ARGUMENT")
bad("SplitV", rand("float32", 5), vec(2, 3), scalar(1), num_split=2, code="INVALID_ARGUMENT")
bad("SplitV", rand("float32", 5), vec(-1, -1), scalar(0), num_split=2, code="INVALID_ARGUMENT")
bad("SplitV", rand("float32", 5), vec(6, -1), scalar(0), num_split=2, code="INVALID_ARGUMENT")
bad("SplitV", rand("float32", 5), vec(2, 3), scalar(0), num_split=3, code="INVALID_ARGUMENT")
bad("SplitV", rand("float32"), vec(1), scalar(0), num_split=1, code="INVALID_ARGUMENT")

# --- Pack and Unpack ---
for dtype in MOVED:
    case("Pack", [rand(dtype, 3, 2), rand(dtype, 3, 2)])
    case("Unpack", rand(dtype, 3, 2), num=3)
for axis in [0, 1, 2, -1, -3]:
    case("Pack", [rand("float64", 2, 3), rand("float64", 2, 3), rand("float64", 2, 3)], axis=axis)
for axis in [0, 1, -1]:
    case("Unpack", rand("float64", 2, 2), num=2, axis=axis)
case("Pack", [rand("float32")])
case("Pack", [rand("float32", 2)], axis=1)
case("Pack", [rand("float32") for _ in range(20)])
case("Pack", [rand("float32", 0, 2), rand("float32", 0, 2)], axis=1, grad=False, why="empty")
case("Unpack", rand("float32", 20), num=20)
case("Unpack", rand("float32", 0, 2), num=0, grad=False, why="empty")
bad("Pack", [rand("float32", 2), rand("float32", 3)], code="INVALID_ARGUMENT")
bad("Pack", [rand("float32", 2), rand("float32", 2)], axis=2, code="INVALID_ARGUMENT")
bad("Pack", [rand("float32", 2), rand("float32", 2)], axis=-3, code="INVALID_ARGUMENT")
bad("Unpack", rand("float32", 3, 2), num=2, code="INVALID_ARGUMENT")
bad("Unpack", rand("float32", 3, 2), num=2, axis=2, code="INVALID_ARGUMENT")
bad("Unpack", rand("float32"), num=1, code="INVALID_ARGUMENT")

# --- Slice ---
for dtype in MOVED:
    case("Slice", rand(dtype, 4, 5), vec(1, 2), vec(2, 3))
for begin, size in [((0, 0, 0), (2, 3, 4)), ((1, 0, 2), (1, 3, 2)), ((0, 1, 0), (-1, -1, -1)), ((2, 3, 4), (0, 0, 0))]:
    case("Slice", rand("float64", 2, 3, 4), vec(*begin), vec(*size))
case("Slice", rand("float32", 7), np.array([2], "int32"), np.array([-1], "int32"))
case("Slice", rand("float32", 7), np.array([2], "int64"), vec(3, dtype="int64"))
case("Slice", rand("float32", 7), vec(2), np.array([3], "int32"))
case("Slice", rand("float32"), const(np.zeros(0, "int32")), const(np.zeros(0, "int32")))
case("Slice", rand("float32", 301, 303), vec(1, 1), vec(300, 300), grad=False, why="size")
for begin, size in [((0, 0), (5, 1)), ((0, 6), (1, 0)), ((-1, 0), (1, 1)), ((0, 0), (-2, 1)), ((0, 4), (1, 2))]:
    bad("Slice", rand("float32", 4, 5), vec(*begin), vec(*size), code="INVALID_ARGUMENT")
bad("Slice", rand("float32", 4, 5), vec(0), vec(1), code="INVALID_ARGUMENT")
bad("Slice", rand("float32", 4, 5), vec(0, 0), vec(1), code="INVALID_ARGUMENT")


# --- StridedSlice ---
def strided(x, begin, end, strides, dtype="int32", **masks):
    case("StridedSlice", x, vec(*begin, dtype=dtype), vec(*end, dtype=dtype), vec(*strides, dtype=dtype), **masks)


for dtype in MOVED:
    strided(rand(dtype, 4, 5), (1, 0), (4, 5), (2, 3))
for dtype in ["int32", "int64"]:
    strided(rand("float32", 9), (1,), (-1,), (2,), dtype)
strided(rand("float32", 9), (1,), (-1,), (2,), "int16", grad=False, why="TensorFlow's gradient takes no int16")
for begin, end, stride in [
    (0, 7, 1),
    (1, 6, 2),
    (-1, -8, -1),
    (6, 0, -2),
    (3, 3, 1),
    (5, 2, 1),
    (-100, 100, 3),
    (100, -100, -1),
]:
    strided(rand("float64", 7), (begin,), (end,), (stride,))
strided(rand("float64", 4, 5), (0, 0), (0, 0), (1, -1), begin_mask=3, end_mask=3)
strided(rand("float64", 4, 5), (2,), (3,), (1,), shrink_axis_mask=1)
strided(rand("float64", 4, 5), (-1, 1), (0, 4), (1, 1), shrink_axis_mask=1)
strided(rand("float64", 4, 5), (0, 1, 1), (0, 2, 3), (1, 1, 1), new_axis_mask=1)
strided(rand("float64", 2, 3, 4), (0, 1), (0, 3), (1, 2), ellipsis_mask=1)
strided(rand("float64", 2, 3, 4), (1, 0, 1), (2, 0, 3), (1, 1, 1), ellipsis_mask=2, shrink_axis_mask=1)
strided(rand("float64", 2, 3), (0, 0, 0), (0, 0, 0), (1, 1, 1), ellipsis_mask=2, new_axis_mask=5)
strided(rand("float64", 2, 3), (0,), (0,), (1,), new_axis_mask=1, shrink_axis_mask=1)
strided(rand("float32", 3, 2), (), (), ())
strided(rand("float32"), (), (), ())
strided(rand("float32"), (0,), (0,), (1,), new_axis_mask=1)
strided(rand("float32", 0, 3), (0,), (0,), (1,))
strided(rand("float32", 600, 300), (0, 1), (600, 299), (2, 1), grad=False, why="size")
case("StridedSlice", rand("float32", 7), np.array([1], "int32"), np.array([5], "int32"), vec(2))
case("StridedSlice", rand("float32", 7, 3), np.array([1], "int32"), np.array([2], "int32"), vec(1), shrink_axis_mask=1)
case("StridedSlice", rand("float32", 7), np.array([1], "int32"), np.array([5], "int32"), np.array([2], "int32"))
case("StridedSlice", rand("float32", 7), vec(1), np.array([5], "int32"), vec(1), begin_mask=1, end_mask=1)


def bad_strided(x, begin, end, strides, **masks):
    bad("StridedSlice", x, vec(*begin), vec(*end), vec(*strides), code="INVALID_ARGUMENT", **masks)


bad_strided(rand("float32", 7), (0,), (7,), (0,))
bad_strided(rand("float32", 7), (7,), (8,), (1,), shrink_axis_mask=1)
bad_strided(rand("float32", 7), (-8,), (0,), (1,), shrink_axis_mask=1)
bad_strided(rand("float32", 7), (1,), (2,), (-1,), shrink_axis_mask=1)
bad_strided(rand("float32", 7), (0, 0), (1, 1), (1, 1))
bad_strided(rand("float32", 7), (0, 0), (1, 1), (1, 1), ellipsis_mask=3)
bad_strided(rand("float32", 7), (0,), (1, 1), (1, 1))
for dtype in MOVED:
    case("StridedSliceGrad", vec(4, 5), vec(1, 0), vec(4, 5), vec(2, 3), rand(dtype, 2, 2))
case("StridedSliceGrad", vec(7), vec(-1), vec(-8), vec(-2), rand("float64", 4))
case("StridedSliceGrad", vec(3, 4), vec(1), vec(2), vec(1), rand("float64", 4), shrink_axis_mask=1)
case("StridedSliceGrad", vec(3, 4), vec(0), vec(3), vec(1), rand("float64", 3, 4))
case("StridedSliceGrad", vec(3), vec(2), vec(1), vec(1), rand("float32", 0), grad=False, why="empty")
case(
    "StridedSliceGrad",
    np.array([5], "int64"),
    np.array([1], "int64"),
    vec(4, dtype="int64"),
    vec(1, dtype="int64"),
    rand("float32", 3),
)
bad("StridedSliceGrad", vec(7), vec(1), vec(4), vec(1), rand("float32", 4), code="INVALID_ARGUMENT")

# --- Pad ---
PADS = [[1, 2], [0, 3]]
for dtype in MOVED:
    case("Pad", rand(dtype, 2, 3), vec(*PADS))
    case("PadV2", rand(dtype, 2, 3), vec(*PADS), rand(dtype))
for pads in [[[0, 0], [0, 0], [0, 0]], [[0, 1], [2, 0], [0, 0]], [[1, 1], [1, 1], [3, 3]]]:
    case("Pad", rand("float64", 2, 3, 4), vec(*pads))
    case("PadV2", rand("float64", 2, 3, 4), vec(*pads), rand("float64"))
case("Pad", rand("float32", 2), vec([1, 1], dtype="int64"))
case("Pad", rand("float32", 2, 0), vec(*PADS), grad=False, why="empty")
case("Pad", rand("float32"), const(np.zeros((0, 2), "int32")))
case("Pad", rand("float32", 2, 3), np.array(PADS, "int32"))
case("Pad", rand("float32", 3, 60, 60, 7), vec([0, 0], [1, 1], [2, 2], [0, 0]), grad=False, why="size")
for op, last in [("Pad", []), ("PadV2", [rand("float32")])]:
    bad(op, rand("float32", 2, 3), vec([1, -1], [0, 0]), *last, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3), vec([1, 1]), *last, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3), vec([1, 1, 1], [1, 1, 1]), *last, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3), vec(1, 1), *last, code="INVALID_ARGUMENT")
bad("PadV2", rand("float32", 2, 3), vec(*PADS), rand("float32", 1), code="INVALID_ARGUMENT")

for mode in ["REFLECT", "SYMMETRIC"]:
    for dtype in MOVED:
        case("MirrorPad", rand(dtype, 3, 4), vec([1, 2], [0, 3]), mode=mode)
    for dtype in [*NUMBERS]:
        case("MirrorPadGrad", rand(dtype, 6, 7), vec([1, 2], [0, 3]), mode=mode, rtol=1e-2, atol=1e-2)
    case("MirrorPad", rand("float64", 3, 4, 2), vec([2, 2], [1, 0], [1, 1]), mode=mode)
    case("MirrorPadGrad", rand("float64", 7, 5, 4), vec([2, 2], [1, 0], [1, 1]), mode=mode)
    case("MirrorPad", rand("float32", 3), vec([0, 0], dtype="int64"), mode=mode)
    case("MirrorPad", rand("float32", 3), np.array([[1, 2]], "int32"), mode=mode)
    bad("MirrorPad", rand("float32", 3), vec([4, 0]), mode=mode, code="INVALID_ARGUMENT")
    bad("MirrorPad", rand("float32", 3), vec([-1, 0]), mode=mode, code="INVALID_ARGUMENT")
    bad("MirrorPad", rand("float32", 3), vec([1, 1], [1, 1]), mode=mode, code="INVALID_ARGUMENT")
    bad("MirrorPadGrad", rand("float32", 3), vec([2, 2]), mode=mode, code="INVALID_ARGUMENT")
case("MirrorPad", rand("float32", 3), vec([3, 3]), mode="SYMMETRIC")
bad("MirrorPad", rand("float32", 3), vec([3, 3]), mode="REFLECT", code="INVALID_ARGUMENT")

# --- Tile ---
TILED = ["float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "uint32", "uint64"]
for dtype in [*TILED, "complex64", "complex128", "bool", "string"]:
    case("Tile", rand(dtype, 2, 3), vec(2, 3))
for multiples in [(1, 1, 1), (3, 1, 1), (1, 1, 5), (1, 4, 1), (2, 3, 2)]:
    case("Tile", rand("float64", 2, 3, 4), vec(*multiples))
case("Tile", rand("float32", 2, 1, 2, 1, 2), vec(1, 2, 1, 2, 1))
case("Tile", rand("float32", 5), vec(2, dtype="int64"))
case("Tile", rand("float32", 5), np.array([3], "int32"))
case("Tile", rand("float32", 5), vec(0), grad=False, why="empty")
case("Tile", rand("float32"), const(np.zeros(0, "int32")))
case("Tile", rand("float32", 1, 257), vec(401, 1), grad=False, why="size")
case("Tile", rand("float32", 401, 1), vec(1, 257), grad=False, why="size")
bad("Tile", rand("float32", 2, 3), vec(2), code="INVALID_ARGUMENT")
bad("Tile", rand("float32", 2, 3), vec(2, -1), code="INVALID_ARGUMENT")
bad("Tile", rand("float32", 2, 3), vec([2, 2]), code="INVALID_ARGUMENT")
# Its values are compared where Tile has a gradient for inputs of unknown rank.
RUNS_NOT = "TensorFlow has the op, but no kernel that its nodes could have"
for dtype in ["float32", "float64", "int32", "int64", "float16"]:
    case("TileGrad", rand(dtype, 4, 6), vec(2, 3), values=False, why=RUNS_NOT)
case("TileGrad", rand("float32", 4, 6, 2), np.array([1, 2, 1], "int32"), values=False, why=RUNS_NOT)


# --- TensorStridedSliceUpdate ---
def update(x, begin, end, strides, value, **masks):
    case("TensorStridedSliceUpdate", x, vec(*begin), vec(*end), vec(*strides), value, **masks)


for dtype in MOVED:
    update(rand(dtype, 4, 5), (1, 0), (4, 5), (2, 3), rand(dtype, 2, 2))
for shape in [(2, 3), (1, 3), (3,), ()]:
    update(rand("float64", 4, 5), (3, 1), (0, 4), (-2, 1), rand("float64", *shape))
update(rand("float64", 4, 5), (2,), (3,), (1,), rand("float64", 5), shrink_axis_mask=1)
update(rand("float64", 4, 5), (0, 1), (0, 3), (1, 1), rand("float64", 1, 2, 5), new_axis_mask=1)
update(rand("float64", 2, 3, 4), (0, 1), (0, 3), (1, 2), rand("float64", 2, 3, 1), ellipsis_mask=1)
update(rand("float32", 4), (2,), (2,), (1,), rand("float32"), grad=False, why="empty")
bad("TensorStridedSliceUpdate", rand("float32", 4), vec(0), vec(3), vec(1), rand("float32", 2), code="INVALID_ARGUMENT")

# More inputs than a machine word has bits.
case("ConcatV2", [rand("float32", 2, 1) for _ in range(100)], scalar(1))
case("ConcatV2", [rand("float32", 2, 1) for _ in range(100)], np.array(1, "int32"))
case("Pack", [rand("float32", 2) for _ in range(100)], axis=1)
case("Unpack", rand("float32", 2, 100), num=100, axis=1)
case("Split", scalar(1), rand("float32", 2, 100), num_split=100)
