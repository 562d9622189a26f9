"""Decompositions and solvers of square and other matrices."""

import numpy as np

from oracle.api import bad, case, program, rand

REAL = ("float32", "float64")
ALL = (*REAL, "complex64", "complex128")
TOLERANCE = {"float32": 1e-3, "complex64": 1e-3, "float64": 1e-6, "complex128": 1e-6, "float16": 3e-2, "bfloat16": 6e-2}


def well(dtype, *shape):
    """Random matrices far from singular."""
    n = shape[-1]
    return (rand(dtype, *shape) + (3 * np.eye(n)).astype(dtype)).astype(dtype)


def positive(dtype, *shape):
    x = rand(dtype, *shape)
    return (x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(shape[-1])).astype(dtype)


def close(dtype):
    return {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}


for dtype in ALL:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 3, 3)):
        case("MatrixInverse", well(dtype, *shape), **close(dtype))
        case("MatrixDeterminant", well(dtype, *shape), **close(dtype))
        case("Cholesky", positive(dtype, *shape), fd=False, **close(dtype))
    case("MatrixInverse", well(dtype, 2, 3, 3), adjoint=True, **close(dtype))
    for shape in ((3, 3), (2, 4, 4), (1, 1), (0, 3, 3), (2, 1, 2, 2)):
        case("MatrixSquareRoot", well(dtype, *shape), **close(dtype))
    case("MatrixSquareRoot", positive(dtype, 7, 7), **close(dtype))
    case("MatrixSquareRoot", positive(dtype, 11, 11), grad=False, why="a system of 121", **close(dtype))
    case("MatrixSquareRoot", np.zeros((0, 0), dtype), grad=False, why="nothing to solve")
    for adjoint in (False, True):
        case("MatrixSolve", well(dtype, 3, 3), rand(dtype, 3, 2), adjoint=adjoint, **close(dtype))
        case("MatrixSolve", well(dtype, 2, 4, 4), rand(dtype, 2, 4, 1), adjoint=adjoint, **close(dtype))
        for lower in (False, True):
            case(
                "MatrixTriangularSolve",
                well(dtype, 3, 3),
                rand(dtype, 3, 2),
                lower=lower,
                adjoint=adjoint,
                **close(dtype),
            )
    case("MatrixTriangularSolve", well(dtype, 2, 1, 3, 3), rand(dtype, 4, 3, 2), **close(dtype))
    case("MatrixTriangularSolve", well(dtype, 3, 3), rand(dtype, 2, 3, 2), **close(dtype))
    for shape in ((3, 3), (5, 3), (3, 5), (2, 4, 3), (1, 1), (4, 1)):
        case("Qr", rand(dtype, *shape), static=True, **close(dtype))
    case("Qr", rand(dtype, 3, 5), full_matrices=True, static=True, **close(dtype))
    case(
        "Qr",
        rand(dtype, 5, 3),
        full_matrices=True,
        grad=False,
        why="TensorFlow has none for full matrices",
        **close(dtype),
    )
    case("Qr", rand(dtype, 0, 3), grad=False, why="empty", **close(dtype))
case("Qr", np.array([[0, 2, 3], [0, 4, 5]], "float32"), grad=False, why="singular", **close("float32"))
NOT_POSITIVE = np.array([[1, 2], [2, 1]], "float32")
case("Cholesky", NOT_POSITIVE, values=False, why="TensorFlow leaves the upper triangle as it was in memory")


def lower_triangle(g):
    x = g.placeholder("float32", [2, 2])
    below, above = g.constant(np.array(-1, "int64")), g.constant(np.array(0, "int64"))
    return [(g.op("MatrixBandPart", g.op("Cholesky", x), below, above), {x: NOT_POSITIVE})]


program("cholesky of what is not positive definite", lower_triangle)
case("MatrixDeterminant", np.array([[1, 2], [2, 4]], "float32"), grad=False, why="singular")
case("MatrixTriangularSolve", np.array([[1, 2], [2, 0]], "float32"), rand("float32", 2, 1), grad=False, why="singular")
for op in ("MatrixInverse", "MatrixDeterminant", "Cholesky", "MatrixSquareRoot"):
    bad(op, rand("float32", 2, 3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3), code="INVALID_ARGUMENT")
bad("MatrixInverse", np.array([[1, 2], [2, 4]], "float32"), code="INVALID_ARGUMENT")
# A turn by 90 degrees has a real root, though no real eigenvalue; a reflection and [0 1; 0 0] have none.
TURN, REFLECTION = [[0, -1], [1, 0]], [[-1, 0], [0, 1]]
case("MatrixSquareRoot", np.array([TURN, [[1, 1], [0, 1]], [[4, 0], [0, 9]]], "float32"), **close("float32"))
case(
    "MatrixSquareRoot", np.array([REFLECTION, np.eye(2)], "complex64"), grad=False, why="singular", **close("complex64")
)
case("MatrixSquareRoot", np.array([np.full((2, 2), np.nan)], "float64"), grad=False, why="NaN")
bad("MatrixSolve", np.array([[1, 2], [2, 4]], "float32"), rand("float32", 2, 1), code="INVALID_ARGUMENT")
for op in ("MatrixSolve", "MatrixTriangularSolve"):
    bad(op, rand("float32", 2, 3), rand("float32", 2, 3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3, 3), rand("float32", 2, 3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3, 3), rand("float32", 3, 3, 1), code="INVALID_ARGUMENT")
bad("Qr", rand("float32", 3), code="INVALID_ARGUMENT")
