"""Linear operators against TensorFlow: products, solutions, determinants and the like of each kind."""

import numpy as np
import pytest

from api.both import both

R = np.random.RandomState(7)


def positive(*shape):
    x = R.randn(*shape)
    return x @ np.swapaxes(x, -1, -2) + 2 * np.eye(shape[-1])


FULL, BATCH, POSITIVE = R.randn(3, 3) + 3 * np.eye(3), R.randn(2, 3, 3) + 3 * np.eye(3), positive(3, 3)
VECTOR, WIDE = R.randn(3) + 2, R.randn(2, 3) + 3
SPECTRUM = np.fft.fft(np.array([3.0, 0.5, 0.2])).astype("complex128")
COMPLEX = (R.randn(3, 3) + 1j * R.randn(3, 3)).astype("complex128")

OPERATORS = {
    "full": lambda L: L.LinearOperatorFullMatrix(FULL),
    "batch": lambda L: L.LinearOperatorFullMatrix(BATCH),
    "complex": lambda L: L.LinearOperatorFullMatrix(COMPLEX),
    "positive": lambda L: L.LinearOperatorFullMatrix(POSITIVE, is_self_adjoint=True, is_positive_definite=True),
    "triangle": lambda L: L.LinearOperatorLowerTriangular(FULL),
    "triangles": lambda L: L.LinearOperatorLowerTriangular(BATCH),
    "diagonal": lambda L: L.LinearOperatorDiag(VECTOR),
    "diagonals": lambda L: L.LinearOperatorDiag(np.abs(WIDE), is_positive_definite=True),
    "identity": lambda L: L.LinearOperatorIdentity(3, dtype="float64"),
    "identities": lambda L: L.LinearOperatorIdentity(3, batch_shape=[2], dtype="float64"),
    "scaled": lambda L: L.LinearOperatorScaledIdentity(3, np.array([2.0, -3.0])),
    "composition": lambda L: L.LinearOperatorComposition(
        [L.LinearOperatorFullMatrix(FULL), L.LinearOperatorDiag(WIDE), L.LinearOperatorLowerTriangular(FULL)]
    ),
    "blocks": lambda L: L.LinearOperatorBlockDiag([L.LinearOperatorFullMatrix(FULL), L.LinearOperatorDiag(WIDE)]),
    "kronecker": lambda L: L.LinearOperatorKronecker(
        [L.LinearOperatorFullMatrix(FULL), L.LinearOperatorFullMatrix(FULL[:2, :2]), L.LinearOperatorDiag(VECTOR)]
    ),
    "update": lambda L: L.LinearOperatorLowRankUpdate(L.LinearOperatorDiag(np.abs(VECTOR)), FULL[:, :2], VECTOR[:2]),
    "update of two": lambda L: L.LinearOperatorLowRankUpdate(
        L.LinearOperatorFullMatrix(FULL), FULL[:, :2], v=BATCH[0, :, :2]
    ),
    "circulant": lambda L: L.LinearOperatorCirculant(SPECTRUM, "complex128"),
    "real circulant": lambda L: L.LinearOperatorCirculant(SPECTRUM, "float64"),
    "circulant of two": lambda L: L.LinearOperatorCirculant2D(
        np.fft.fft2(np.array([[4.0, 0.5], [0.2, 0.1]])).astype("complex128"), "complex128"
    ),
    "circulant of three": lambda L: L.LinearOperatorCirculant3D(
        np.fft.fftn(np.arange(8.0).reshape(2, 2, 2) + np.eye(2)).astype("complex128"), "complex128"
    ),
    "reflection": lambda L: L.LinearOperatorHouseholder(VECTOR),
    "adjoint": lambda L: L.LinearOperatorAdjoint(L.LinearOperatorFullMatrix(COMPLEX)),
    "inverse": lambda L: L.LinearOperatorInversion(L.LinearOperatorFullMatrix(FULL)),
    "toeplitz": lambda L: L.LinearOperatorToeplitz(VECTOR + 3, np.concatenate([VECTOR[:1] + 3, WIDE[0, 1:]])),
    "adjoint of diagonals": lambda L: L.LinearOperatorDiag(COMPLEX).adjoint(),
    "inverse of diagonals": lambda L: L.LinearOperatorDiag(WIDE).inverse(),
    "product": lambda L: L.LinearOperatorFullMatrix(FULL).matmul(L.LinearOperatorDiag(VECTOR)),
    "product of diagonals": lambda L: L.LinearOperatorDiag(WIDE).matmul(L.LinearOperatorDiag(VECTOR)),
    "cholesky": lambda L: L.LinearOperatorFullMatrix(
        POSITIVE, is_self_adjoint=True, is_positive_definite=True
    ).cholesky(),
    "solution": lambda L: L.LinearOperatorDiag(VECTOR).solve(L.LinearOperatorFullMatrix(FULL)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_values(name):
    def program(tf):
        op = OPERATORS[name](tf.linalg)
        size, dtype = op.shape.as_list()[-1], op.dtype.as_numpy_dtype
        x = np.random.RandomState(1).randn(size, 2).astype(dtype)
        found = [
            op.matmul(x), op.matmul(x, adjoint=True), op.matmul(x.T.conj(), adjoint_arg=True), op.matvec(x[:, 0]),
            op.solve(x), op.solve(x, adjoint=True), op.solvevec(x[:, 0]), op.determinant(), op.log_abs_determinant(),
            op.to_dense(), op.diag_part(), op.trace(), op.shape_tensor(),
            op.add_to_tensor(np.ones(op.shape.as_list(), dtype)),
            op.batch_shape_tensor(), op.tensor_rank_tensor(), op.domain_dimension_tensor(),
            op.inverse().matmul(x), op.shape.as_list(), op.is_square, op.tensor_rank, op.cond(),
        ]  # fmt: skip
        if "circulant" not in name:  # TensorFlow 2.21 forgets the dtype of their adjoints
            found.append(op.H.to_dense())
        return [*found, op.cholesky().to_dense()] if op.is_positive_definite and op.is_self_adjoint else found

    both(program, rtol=1e-7, atol=1e-9)


def test_hints():
    def program(tf):
        found = []
        for name in OPERATORS:
            op = OPERATORS[name](tf.linalg)
            found += [op.is_non_singular is True, op.is_self_adjoint is True, op.is_positive_definite is True]
        return found

    both(program)


def test_zeros():
    def program(tf):
        op = tf.linalg.LinearOperatorZeros(2, 3, [2], tf.float64, is_square=False, is_self_adjoint=False)
        return [
            op.matmul(tf.ones((2, 3, 1), tf.float64)),
            op.to_dense(),
            op.shape.as_list(),
            op.add_to_tensor(tf.ones((2, 3), tf.float64)),
        ]

    both(program)


ERRORS = {
    "rank": lambda L: L.LinearOperatorFullMatrix([1.0]),
    "size": lambda L: L.LinearOperatorFullMatrix(FULL).matmul(np.ones((2, 2))),
    "type": lambda L: L.LinearOperatorFullMatrix(FULL).matmul(np.ones((3, 2), "f")),
    "singular": lambda L: L.LinearOperatorFullMatrix(FULL, is_non_singular=False, is_positive_definite=True),
    "square": lambda L: L.LinearOperatorFullMatrix(FULL, is_square=False).is_square,
    "cholesky": lambda L: L.LinearOperatorFullMatrix(FULL).cholesky(),
    "identity": lambda L: L.LinearOperatorIdentity(3, is_non_singular=False),
    "rows": lambda L: L.LinearOperatorIdentity(-3),
    "none": lambda L: L.LinearOperatorComposition([]),
    "types": lambda L: L.LinearOperatorComposition([L.LinearOperatorDiag([1.0]), L.LinearOperatorDiag(VECTOR)]),
    "inverse": lambda L: L.LinearOperatorFullMatrix(FULL[:2]).inverse(),
    "eigenvalues": lambda L: L.LinearOperatorFullMatrix(FULL).eigvals(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    both.error(lambda tf: ERRORS[name](tf.linalg))
