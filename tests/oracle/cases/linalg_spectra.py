"""Determinants' logarithms, triangular factors, eigenvalues and singular values."""

import numpy as np

from oracle.api import bad, case, program, rand

INVALID = "INVALID_ARGUMENT"
ALL = ("float32", "float64", "complex64", "complex128")
CLOSE = {"float32": 2e-3, "complex64": 2e-3, "float64": 1e-6, "complex128": 1e-6}


def well(dtype, *shape):
    return (rand(dtype, *shape) + (3 * np.eye(shape[-1])).astype(dtype)).astype(dtype)


def hermitian(dtype, *shape):
    x = rand(dtype, *shape)
    return (x + np.conj(np.swapaxes(x, -1, -2)) + np.diag(np.arange(shape[-1]) * 5)).astype(dtype)


def values_alone(op, x, flag):
    """The values with and without vectors, and (of real matrices) their gradients."""

    def build(g):
        a = g.constant(x)
        values = [g.op(op, a, **{flag: on})[0] for on in (True, False)]
        weights = g.constant(np.arange(1, 1 + min(x.shape[-2:])).astype(x.dtype))
        gradients = [g.gradients([g.op("Mul", v, weights)], [a])[0] for v in values] if x.dtype.kind == "f" else []
        return [[*values, *gradients]]

    return build


def eigenvectors(x):
    def build(g):
        e, v = g.op("SelfAdjointEigV2", g.constant(x))
        scaled = g.op("Mul", v, g.op("ExpandDims", e, g.constant(np.array(-2, "int32"))))
        return [[g.op("BatchMatMulV2", scaled, v, adj_y=True)]]

    return build


def singular_vectors(x, full):
    def build(g):
        s, u, v = g.op("Svd", g.constant(x), full_matrices=full)
        columns = min(x.shape[-2:])
        take = [g.constant(np.array(i, "int32")) for i in ([0, 0], [-1, columns])]
        u, v = (g.op("Slice", y, *take) for y in (u, v))
        scaled = g.op("Mul", u, g.op("ExpandDims", s, g.constant(np.array(-2, "int32"))))
        return [[g.op("BatchMatMulV2", scaled, v, adj_y=True), g.op("BatchMatMulV2", v, v, adj_x=True)]]

    return build


for dtype in ALL:
    close = {"rtol": CLOSE[dtype], "atol": CLOSE[dtype]}
    for shape in ((3, 3), (2, 4, 4), (1, 1)):
        case("LogMatrixDeterminant", well(dtype, *shape), **close)
        case("Lu", well(dtype, *shape), **close)
        program(
            f"eigenvalues {dtype} {shape}",
            values_alone("SelfAdjointEigV2", hermitian(dtype, *shape), "compute_v"),
            **close,
        )
    for shape in ((3, 3), (5, 3), (3, 5), (2, 4, 3), (1, 4)):
        program(f"singular values {dtype} {shape}", values_alone("Svd", rand(dtype, *shape), "compute_uv"), **close)
    program(f"eigenvectors {dtype}", eigenvectors(hermitian(dtype, 4, 4)), **close)
    for shape in ((3, 3), (5, 3), (3, 5)):
        for full in (False, True):
            program(f"singular vectors {dtype} {shape} {full}", singular_vectors(rand(dtype, *shape), full), **close)
case("Lu", well("float32", 3, 3), output_idx_type="int64", rtol=1e-3, atol=1e-3)
case("LogMatrixDeterminant", np.array([[1, 2], [2, 4]], "float32"), grad=False, why="singular", rtol=1e-3)
for op in ("LogMatrixDeterminant", "Lu", "SelfAdjointEigV2"):
    bad(op, rand("float32", 2, 3), code=INVALID)
bad("Lu", np.zeros((2, 2), "float32"), code=INVALID)
bad("Svd", rand("float32", 3), code=INVALID)
