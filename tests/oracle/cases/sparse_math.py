"""Sparse tensors: rows filled, reductions, softmax, sums and products with dense tensors."""

import numpy as np

from oracle.api import bad, case, const, rand
from oracle.cases.sparse_moves import longs, sparse

INVALID = "INVALID_ARGUMENT"
WHY = {"grad": False, "why": "TensorFlow has none"}

ROWS = np.array([[1, 0], [1, 3], [4, 2]], "int64")
for dtype in ("float32", "float64", "int32", "int64", "string", "bool"):
    case("SparseFillEmptyRows", ROWS, rand(dtype, 3), longs(6, 4), rand(dtype), static=True)
case("SparseFillEmptyRows", ROWS[[2, 0, 1]], rand("float32", 3), longs(5, 4), rand("float32"), static=True)
case("SparseFillEmptyRows", ROWS[:0], rand("float32", 0), longs(3, 4), rand("float32"), grad=False, why="empty")
case("SparseFillEmptyRows", ROWS[:0], rand("float32", 0), longs(0, 4), rand("float32"), grad=False, why="empty")
bad("SparseFillEmptyRows", ROWS, rand("float32", 3), longs(4, 4), rand("float32"), code=INVALID)
bad("SparseFillEmptyRows", ROWS, rand("float32", 3), longs(6, 4), rand("float32", 1), code=INVALID)
bad("SparseFillEmptyRows", ROWS, rand("float32", 2), longs(6, 4), rand("float32"), code=INVALID)
for dtype in ("float32", "int64", "complex64"):
    case("SparseFillEmptyRowsGrad", longs(2, 0, 3), rand(dtype, 5))
bad("SparseFillEmptyRowsGrad", longs(2, 0, 9), rand("float32", 5), code=INVALID)


def axes(*values):
    return np.array(values, "int32")


for op, dtypes in (
    ("SparseReduceSum", ("float32", "float64", "int32", "complex64", "float16", "bfloat16")),
    ("SparseReduceMax", ("float32", "float64", "int32", "uint8")),
):
    for dtype in dtypes:
        x = sparse(dtype, (3, 4, 5), 23)
        for where in ((0,), (1,), (2,), (-1,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
            for keep in (False, True):
                options = {
                    "keep_dims": keep,
                    "rtol": 1e-2 if "16" in dtype else 1e-5,
                    "atol": 1e-2 if "16" in dtype else 1e-5,
                }
                case(op, *x[:2], const(x[2]), const(axes(*where)), static=True, **options)
                case(op + "Sparse", *x, axes(*where), **options, **WHY)
    bad(op, *sparse("float32", (3, 4), 5), axes(2), code=INVALID)
    bad(op + "Sparse", *sparse("float32", (3, 4), 5), axes(-3), code=INVALID)

for dtype in ("float32", "float64", "float16"):
    loose = {"rtol": 1e-2, "atol": 1e-2} if dtype == "float16" else {}
    if dtype == "float64":
        loose = {"grad": False, "why": "TensorFlow has no second gradient"}
    case("SparseSoftmax", *sparse(dtype, (4, 5), 11), **loose)
    case("SparseSoftmax", *sparse(dtype, (2, 3, 4), 15), **loose)
bad("SparseSoftmax", *sparse("float32", (4,), 2), code=INVALID)

for op in ("SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv"):
    none = WHY if op.endswith("Add") else {}
    for dtype in ("float32", "float64"):
        x = sparse(dtype, (3, 4, 5), 20)
        for shape in ((3, 4, 5), (1, 4, 1), (5,), (4, 1)):
            case(op, *x, rand(dtype, *shape) + np.ones((), dtype) * 3, static=True, **none)
    for dtype in ("int32", "int64", "uint8", "int16"):
        case(op, *sparse(dtype, (3, 4), 7), np.full((3, 4), 3, dtype))
    bad(op, *sparse("float32", (3, 4), 7), rand("float32", 3, 3), code=INVALID)
    bad(op, *sparse("float32", (3, 4), 7), rand("float32", 1, 3, 4), code=INVALID)

for dtype in ("float32", "float64", "int32", "int64", "complex64"):
    for kind in ("int32", "int64"):
        i, v, s = sparse(dtype, (3, 4, 2), 9)
        case("SparseTensorDenseAdd", i.astype(kind), v, s.astype(kind), rand(dtype, 3, 4, 2))
bad("SparseTensorDenseAdd", *sparse("float32", (3, 4), 7), rand("float32", 4, 3), code=INVALID)
i, v, s = sparse("float32", (3, 4), 7)
bad("SparseTensorDenseAdd", i + 2, v, s, rand("float32", 3, 4), code=INVALID)
