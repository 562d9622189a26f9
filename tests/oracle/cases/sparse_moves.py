"""Sparse tensors: products, sums, places that change."""

import numpy as np

from oracle.api import bad, case, const, rand

INVALID = "INVALID_ARGUMENT"


def sparse(dtype, shape, n, order=True):
    """Indices, values and shape of N random elements, made from the number of elements alone."""
    flat = np.random.RandomState(n).permutation(int(np.prod(shape)))[:n]
    flat = np.sort(flat) if order else flat
    indices = np.stack(np.unravel_index(flat, shape), 1).astype("int64").reshape(n, len(shape))
    return indices, rand(dtype, n), np.array(shape, "int64")


def longs(*values):
    return np.array(values, "int64")


for dtype in ("float32", "float64", "int32", "complex64", "complex128", "bfloat16"):
    loose = {"rtol": 5e-2, "atol": 5e-2} if dtype == "bfloat16" else {}
    for adjoint_a in (False, True):
        for adjoint_b in (False, True):
            a = sparse(dtype, (4, 5), 9, order=False)
            b = rand(dtype, *((5, 3) if not adjoint_a else (4, 3)))
            case(
                "SparseTensorDenseMatMul", *a[:2], const(a[2]), b.T if adjoint_b else b, adjoint_a=adjoint_a,
                adjoint_b=adjoint_b, static=True, **loose,
            )  # fmt: skip
A = sparse("float32", (4, 5), 6)
case("SparseTensorDenseMatMul", A[0].astype("int32"), A[1], A[2], rand("float32", 5, 17))
case(
    "SparseTensorDenseMatMul", np.zeros((0, 2), "int64"), A[1][:0], A[2], rand("float32", 5, 2), grad=False, why="empty"
)
bad("SparseTensorDenseMatMul", *A, rand("float32", 4, 2), code=INVALID)
bad("SparseTensorDenseMatMul", A[0] + 3, A[1], A[2], rand("float32", 5, 2), code=INVALID)
bad("SparseTensorDenseMatMul", A[0], A[1][:2], A[2], rand("float32", 5, 2), code=INVALID)

for dtype in ("float32", "float64", "int8", "int16", "int32", "int64", "complex64", "complex128"):
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    a, b = sparse(dtype, (3, 4, 2), 9), sparse(dtype, (3, 4, 2), 12)
    for threshold in (0, 1):
        case("SparseAdd", *a, *b, np.array(threshold, real), static=True)
    case("SparseAdd", *a, *(x[:0] for x in b[:2]), b[2], np.array(0, real), grad=False, why="empty")
for dtype in ("float32", "float64", "int32", "int64", "uint8", "float16"):
    a, b = sparse(dtype, (3, 4, 2), 9), sparse(dtype, (3, 4, 2), 12)
    for op in ("SparseSparseMaximum", "SparseSparseMinimum"):
        case(op, *a, *b, grad=False, why="TensorFlow's raises")
bad("SparseAdd", *sparse("float32", (3, 4), 3), *sparse("float32", (4, 3), 3), np.array(0, "float32"), code=INVALID)
bad("SparseAdd", *sparse("float32", (3, 4), 3), *sparse("float32", (4,), 3), np.array(0, "float32"), code=INVALID)
bad("SparseAdd", *sparse("float32", (3, 4), 3), *sparse("float32", (3, 4), 3), np.zeros(1, "float32"), code=INVALID)
SUM = np.array([[0, 0], [0, 2], [1, 1], [2, 0]], "int64")
case("SparseAddGrad", rand("float32", 4), SUM[[0, 2]], SUM[[1, 2, 3]], SUM)
bad("SparseAddGrad", rand("float32", 3), SUM[[0, 2]], SUM[[1, 2, 3]], SUM, code=INVALID)

for dtype in ("float32", "int64", "string", "bool", "complex64"):
    case("SparseReorder", *sparse(dtype, (5, 3, 4), 20, order=False))
case("SparseReorder", *sparse("float32", (5, 3, 4), 20))
case("SparseReorder", *sparse("float64", (7,), 5, order=False))
bad("SparseReorder", A[0], A[1][:3], A[2], code=INVALID)

for wanted in (longs(20), longs(2, -1), longs(-1, 1, 10), longs(5, 4), longs(1, 2, 2, 5)):
    case("SparseReshape", A[0], A[2], wanted)
    case("SparseReshape", A[0], A[2], const(wanted))
case("SparseReshape", np.zeros((0, 2), "int64"), longs(0, 4), longs(4, 0))
for wanted in (longs(21), longs(3, -1), longs(-1, -1), longs(-2, 10)):
    bad("SparseReshape", A[0], A[2], wanted, code=INVALID)

for dtype in ("float32", "int32", "string", "float64"):
    for start, size in (((0, 0, 0), (5, 3, 4)), ((1, 1, 0), (2, 2, 3)), ((4, 0, 2), (9, 9, 9)), ((6, 0, 0), (1, 1, 1))):
        case("SparseSlice", *sparse(dtype, (5, 3, 4), 25), longs(*start), longs(*size), static=True)
bad("SparseSlice", *A, longs(0), longs(1, 1), code=INVALID)
case("SparseSliceGrad", rand("float32", 2), SUM, longs(1, 0), np.array([[0, 1], [1, 0]], "int64"))
bad("SparseSliceGrad", rand("float32", 2), SUM, longs(0, 0), np.array([[0, 1], [1, 0]], "int64"), code="INTERNAL")

for dtype in ("float32", "string", "int64"):
    parts = [sparse(dtype, (2, 4, 3), 5), sparse(dtype, (2, 4, 3), 11), sparse(dtype, (2, 4, 3), 7)]
    for axis in (0, 1, 2, -1):
        case("SparseConcat", *map(list, zip(*parts)), concat_dim=axis)
TWO = [sparse("float32", (2, 4), 5), sparse("float32", (3, 4), 7)]
case("SparseConcat", *map(list, zip(*TWO)), concat_dim=0)
bad("SparseConcat", *map(list, zip(*TWO)), concat_dim=1, code=INVALID)
bad("SparseConcat", *map(list, zip(*TWO)), concat_dim=2, code=INVALID)

for dtype in ("float32", "string", "int64"):
    for axis, n in ((0, 2), (0, 5), (1, 2), (1, 3), (2, 1), (2, 3)):
        case("SparseSplit", np.array(axis, "int64"), *sparse(dtype, (5, 3, 7), 40), num_split=n)
bad("SparseSplit", np.array(3, "int64"), *sparse("float32", (5, 3, 7), 40), num_split=2, code=INVALID)
bad("SparseSplit", np.array(1, "int64"), *sparse("float32", (5, 3, 7), 40), num_split=4, code=INVALID)
