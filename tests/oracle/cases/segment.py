"""Segment ops: sorted, unsorted, sparse."""

import numpy as np

from oracle.api import bad, case, const, ints, rand

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
IDS = np.array([0, 0, 1, 3, 3], "int32")
COUNT = const(np.array(4, "int32"))


def data(dtype, *shape):
    return ints(dtype, 1, 5, *shape) if dtype in INTS else rand(dtype, *shape)


for op in ["SegmentSum", "SegmentMean", "SegmentProd", "SegmentMax", "SegmentMin"]:
    for dtype in FLOATS + INTS:
        case(op, data(dtype, 5, 3), np.array([0, 0, 1, 2, 2], "int32"), rtol=2e-2 if dtype in FLOATS[2:] else 1e-5)
    case(op, rand("float64", 5), IDS.astype("int64"))
    case(op, rand("float32", 5, 2, 3), IDS)
    case(op, rand("float32", 0, 2), np.zeros(0, "int32"), grad=False, why="empty")
    case(op, rand("float32", 1, 17), np.array([0], "int32"))
    bad(op, rand("float32", 3, 2), np.array([0, 2, 1], "int32"), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3, 2), np.array([0, 1], "int32"), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 2), np.array([-1, 0], "int32"), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 2), np.array([[0, 1]], "int32"), code="INVALID_ARGUMENT")
case("SegmentSum", rand("complex64", 5, 3), IDS)
case("SegmentProd", np.array([[1, 0, 2], [0, 0, 3], [4, 5, 6]], "float64"), np.array([0, 0, 1], "int32"))
case("SegmentMax", np.array([[1, 2], [1, 3], [1, 3]], "float64"), np.array([0, 0, 0], "int32"), fd=False)

for op in ["UnsortedSegmentSum", "UnsortedSegmentProd", "UnsortedSegmentMax", "UnsortedSegmentMin"]:
    mixed = np.array([2, 0, -1, 2, 0], "int32")
    for dtype in FLOATS + INTS:
        case(
            op,
            data(dtype, 5, 3),
            mixed,
            COUNT,
            rtol=2e-2 if dtype in FLOATS[2:] else 1e-5,
            grad=dtype in FLOATS[:2],
            why="half",
        )
    case(op, rand("float64", 5), mixed.astype("int64"), COUNT)
    case(op, rand("float32", 2, 3, 4), np.array([[0, 1, 0], [3, -1, 2]], "int32"), COUNT)
    case(op, rand("float32", 3, 2), np.array([0, 1, 1], "int32"), np.array(3, "int64"))
    case(op, rand("float32", 0, 2), np.zeros(0, "int32"), COUNT, grad=False, why="empty")
    case(op, rand("float32", 3000, 31), ints("int32", 0, 4, 3000), COUNT, rtol=1e-4, atol=1e-4, grad=False, why="size")
    bad(op, rand("float32", 2, 2), np.array([0, 4], "int32"), COUNT, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3, 2), np.array([0, 1], "int32"), COUNT, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 2), np.array([0, 1], "int32"), const(np.array(-1, "int32")), code="INVALID_ARGUMENT")
case("UnsortedSegmentSum", rand("float32", 5, 3), np.array([1, 1, 0, 3, 2], "int16"), COUNT)
case("UnsortedSegmentProd", np.array([[1, 0, 2], [0, 0, 3], [4, 5, 6]], "float64"), np.array([0, 0, 1], "int32"), COUNT)

for op in ["SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN"]:
    rows, ids = np.array([3, 0, 0, 2], "int32"), np.array([0, 0, 2, 2], "int32")
    for dtype in FLOATS:
        case(
            op,
            rand(dtype, 4, 3),
            rows,
            ids,
            rtol=2e-2 if dtype in FLOATS[2:] else 1e-5,
            atol=1e-2 if dtype in FLOATS[2:] else 1e-6,
        )
    case(op, rand("float32", 4, 3), rows.astype("int64"), ids.astype("int64"))
    case(op, rand("float32", 4, 3), np.zeros(0, "int32"), np.zeros(0, "int32"), grad=False, why="empty")
    bad(op, rand("float32", 4, 3), np.array([4], "int32"), np.array([0], "int32"), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 4, 3), rows, np.array([0, 2, 1, 2], "int32"), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 4, 3), rows, np.array([0, 1], "int32"), code="INVALID_ARGUMENT")
for dtype in INTS:
    case("SparseSegmentSum", ints(dtype, 0, 5, 4, 3), np.array([3, 0, 0], "int32"), np.array([0, 1, 1], "int32"))
for op in ["SparseSegmentSumGrad", "SparseSegmentMeanGrad", "SparseSegmentSqrtNGrad"]:
    for dtype in FLOATS:
        case(
            op,
            rand(dtype, 3, 2),
            np.array([1, 4, 1], "int32"),
            np.array([0, 2, 2], "int32"),
            const(np.array(5, "int32")),
        )
    bad(
        op,
        rand("float32", 3, 2),
        np.array([5], "int32"),
        np.array([0], "int32"),
        const(np.array(5, "int32")),
        code="INVALID_ARGUMENT",
    )
    bad(
        op,
        rand("float32", 3, 2),
        np.array([0], "int32"),
        np.array([3], "int32"),
        const(np.array(5, "int32")),
        code="INVALID_ARGUMENT",
    )
