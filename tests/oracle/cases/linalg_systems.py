"""Least squares, systems with three diagonals, logarithms of matrices."""

import numpy as np

from oracle.api import bad, case, rand

INVALID = "INVALID_ARGUMENT"
REAL = ("float32", "float64")
ALL = (*REAL, "complex64", "complex128")
CLOSE = {"float32": 2e-3, "complex64": 2e-3, "float64": 1e-6, "complex128": 1e-6}


def number(value):
    return np.array(value, "float64")


def squares(a, b, l2=0.0, **options):
    tolerance = CLOSE[a.dtype.name]
    case("MatrixSolveLs", a, b, number(l2), static=True, rtol=tolerance, atol=tolerance, **options)


def full(dtype, *shape):
    """Random matrices whose singular values are far from 0."""
    least = min(shape[-2:])
    x = rand(dtype, *shape)
    x[..., :least, :least] += (5 * np.eye(least)).astype(dtype)
    return x


for dtype in ALL:
    for m, n, w in ((5, 3, 2), (3, 5, 2), (4, 4, 1), (1, 1, 1), (7, 1, 3), (1, 7, 1), (5, 3, 0)):
        for l2 in (0.0, 0.7):
            squares(full(dtype, m, n), rand(dtype, m, w), l2)
    squares(full(dtype, 2, 3, 5, 4), rand(dtype, 2, 3, 5, 3), 0.3)
    squares(full(dtype, 0, 5, 3), rand(dtype, 0, 5, 1))
    squares(np.ones((4, 3), dtype), rand(dtype, 4, 2), 1.5)
    slow = {"fast": False, "grad": False, "why": "TensorFlow has none"}
    for m, n, w in ((5, 3, 2), (3, 5, 2), (4, 4, 1), (1, 1, 1), (7, 1, 3), (1, 7, 1), (13, 11, 5)):
        squares(full(dtype, m, n), rand(dtype, m, w), 0.7, **slow)
    squares(full(dtype, 2, 3, 5, 4), rand(dtype, 2, 3, 5, 3), **slow)
    low = rand(dtype, 6, 2) @ rand(dtype, 2, 5)
    squares(low, rand(dtype, 6, 3), **slow)
    squares(low.T.copy(), rand(dtype, 5, 3), **slow)
    squares(np.zeros((3, 4), dtype), rand(dtype, 3, 2), **slow)
squares(np.full((3, 2), np.nan, "float32"), rand("float32", 3, 1), 1.0, grad=False, why="not a number")
bad("MatrixSolveLs", np.zeros((3, 3), "float32"), rand("float32", 3, 2), number(0), code=INVALID)
bad("MatrixSolveLs", np.zeros((2, 3), "float64"), rand("float64", 2, 2), number(0), code=INVALID)
bad("MatrixSolveLs", full("float32", 3, 3), rand("float32", 3, 2), number(-1), code=INVALID)
bad("MatrixSolveLs", full("float32", 3, 3), rand("float32", 3, 2), number([1]), code=INVALID)
bad("MatrixSolveLs", full("float32", 3, 3), rand("float32", 2, 2), number(0), code=INVALID)
bad("MatrixSolveLs", full("float32", 2, 3, 3), rand("float32", 1, 3, 2), number(0), code=INVALID)


def diagonals(dtype, *shape):
    x = rand(dtype, *shape)
    x[..., 1, :] += 5
    return x


for dtype in ALL:
    close = {"rtol": CLOSE[dtype], "atol": CLOSE[dtype]}
    for batch in ((), (2,), (0,), (2, 3)):
        for n, w in ((1, 1), (2, 3), (7, 2), (5, 0)):
            rhs = rand(dtype, *batch, n, w)
            case("TridiagonalSolve", diagonals(dtype, *batch, 3, n), rhs, **close)
            case("TridiagonalSolve", diagonals(dtype, *batch, 3, n), rhs, partial_pivoting=False, **close)
            rows = [rand(dtype, *batch, 1, n) for _ in range(3)]
            case("TridiagonalMatMul", *rows, rhs, **close)
    case("TridiagonalSolve", np.zeros((3, 0), dtype), np.zeros((0, 2), dtype), grad=False, why="TensorFlow's fails")
    case("TridiagonalMatMul", *[np.zeros((1, 0), dtype)] * 3, np.zeros((0, 2), dtype))
    # The diagonal is 0: rows must be swapped.
    swapped = rand(dtype, 3, 6) + np.array([[3], [0], [1]], dtype)
    swapped[1] *= 0.01
    case("TridiagonalSolve", swapped, rand(dtype, 6, 2), **close)
    case("TridiagonalSolve", diagonals(dtype, 3, 6), rand(dtype, 6, 2), perturb_singular=True, **close)
singular = np.array([[1, 0], [1, 1], [0, 1]], "float32")
for pivoting in (True, False):
    for d in (singular, np.zeros((3, 3), "float32"), np.zeros((3, 1), "float64")):
        case("TridiagonalSolve", d, np.ones((d.shape[1], 2), d.dtype), partial_pivoting=pivoting, grad=False,
             why="singular")  # fmt: skip
case("TridiagonalSolve", singular, np.ones((2, 2), "float32"), perturb_singular=True, grad=False, why="singular")
bad("TridiagonalSolve", rand("float32", 2, 3), rand("float32", 3, 1), code=INVALID)
bad("TridiagonalSolve", rand("float32", 3, 3), rand("float32", 4, 1), code=INVALID)
bad("TridiagonalSolve", rand("float32", 2, 3, 3), rand("float32", 1, 3, 1), code=INVALID)
bad("TridiagonalSolve", rand("float32", 3, 3), rand("float32", 3, 1), partial_pivoting=False, perturb_singular=True,
    code=INVALID)  # fmt: skip
bad("TridiagonalMatMul", *[rand("float32", 1, 3)] * 3, rand("float32", 4, 1), code=INVALID)
bad("TridiagonalMatMul", *[rand("float32", 2, 3)] * 3, rand("float32", 3, 1), code=INVALID)


def positive(dtype, *shape):
    x = rand(dtype, *shape)
    return (x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1])).astype(dtype)


for dtype, tolerance in (("complex64", 2e-3), ("complex128", 1e-8)):
    for shape in ((1, 1), (2, 2), (3, 3), (2, 5, 5), (0, 3, 3), (0, 0), (11, 11)):
        near_one = (0.3 * rand(dtype, *shape) + 3 * np.eye(shape[-1])).astype(dtype)
        for x in (positive(dtype, *shape), near_one):
            case("MatrixLogarithm", x, rtol=tolerance, atol=tolerance)
    for x in ([[1, 2], [0, 1]], [[-1, 0], [0, -2]], [[1e-8, 1], [0, 1e8]], [[0, 0], [0, 0]], [[np.nan, 0], [0, 1]]):
        case("MatrixLogarithm", np.array(x, dtype), rtol=tolerance, atol=tolerance)
bad("MatrixLogarithm", rand("complex64", 2, 3), code=INVALID)
