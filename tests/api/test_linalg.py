"""tf.linalg against TensorFlow."""

import numpy as np
import pytest

from api.both import both

A = np.random.RandomState(3).randn(2, 4, 4).astype("f") + 3 * np.eye(4, dtype="f")
TALL = np.random.RandomState(4).randn(5, 3).astype("f")
B = np.random.RandomState(5).randn(2, 4, 2).astype("f")
POSITIVE = (A @ A.transpose(0, 2, 1) + np.eye(4)).astype("f")
ROWS = np.stack([B[:, :, 0], B[:, :, 1] + 9, B[:, :, 0] - 1], 1)


def three_diagonals(tf, rows, matrix, b):
    apart = [rows[:, i] for i in range(3)]
    shorter = [rows[:, 0, :-1], rows[:, 1], rows[:, 2, 1:]]
    return [
        tf.linalg.tridiagonal_solve(rows, b),
        tf.linalg.tridiagonal_solve(rows, b[..., 0], conjugate_rhs=True, partial_pivoting=False),
        tf.linalg.tridiagonal_solve(rows, tf.transpose(b, [0, 2, 1]), transpose_rhs=True),
        tf.linalg.tridiagonal_solve(apart, b, diagonals_format="sequence"),
        tf.linalg.tridiagonal_solve(shorter, b, diagonals_format="sequence"),
        tf.linalg.tridiagonal_solve(matrix, b, diagonals_format="matrix"),
        tf.linalg.tridiagonal_matmul(rows, b),
        tf.linalg.tridiagonal_matmul(apart, b, diagonals_format="sequence"),
        tf.linalg.tridiagonal_matmul(matrix, b, diagonals_format="matrix"),
    ]


PROGRAMS = {
    "adjoint": lambda tf: [tf.linalg.adjoint(A), tf.linalg.adjoint(A + 1j * A)],
    "logdet": lambda tf: [tf.linalg.logdet(POSITIVE), tf.linalg.slogdet(A), tf.linalg.det(A)],
    "matvec": lambda tf: [
        tf.linalg.matvec(A, A[:, 0]),
        tf.linalg.matvec(TALL, [1.0, 2.0, 3.0, 4.0, 5.0], transpose_a=True),
    ],
    "normalize": lambda tf: list(tf.linalg.normalize(A, axis=-1)) + list(tf.linalg.normalize(TALL, ord=1)),
    "rank": lambda tf: [tf.linalg.matrix_rank(TALL), tf.linalg.matrix_rank(np.ones((3, 3), "f"))],
    "pinv": lambda tf: [tf.linalg.pinv(TALL), tf.linalg.pinv(TALL.T), tf.linalg.pinv(A)],
    "lu": lambda tf: [
        tf.linalg.lu_solve(*tf.linalg.lu(A), B),
        tf.linalg.lu_reconstruct(*tf.linalg.lu(A)),
        tf.linalg.lu_matrix_inverse(*tf.linalg.lu(A)),
        tf.linalg.lu_matrix_inverse(*tf.linalg.lu(A[0])),
    ],
    "expm": lambda tf: [tf.linalg.expm(A), tf.linalg.expm(A.astype("d") / 10), tf.linalg.expm(np.zeros((2, 2), "f"))],
    "three diagonals": lambda tf: three_diagonals(tf, tf.constant(ROWS), tf.constant(A), tf.constant(B)),
    "least squares": lambda tf: [
        tf.matrix_solve_ls(TALL, TALL[:, :2] + 1, l2_regularizer=0.25),
        tf.linalg.lstsq(TALL.T, TALL.T[:, :2], fast=False),
        tf.linalg.logm(POSITIVE.astype("F")),
    ],
    "spectra": lambda tf: [
        tf.svd(TALL, compute_uv=False),
        tf.self_adjoint_eigvals(POSITIVE),
        tf.linalg.norm(A, 2, axis=[-2, -1]),
        tf.matrix_determinant(A),
        tf.matrix_inverse(A),
        tf.cholesky(POSITIVE),
        tf.matrix_solve(A, B),
        tf.cholesky_solve(tf.cholesky(POSITIVE), B),
        tf.trace(A),
        tf.linalg.eye(3, batch_shape=[2]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name):
    both(listed(name), rtol=1e-3, atol=1e-3)


def listed(name):
    return lambda tf: [list(x) if isinstance(x, tuple) else x for x in PROGRAMS[name](tf)]


def test_gradients():
    def program(tf):
        x = tf.constant(POSITIVE)
        return tf.gradients(tf.linalg.logdet(x), x), tf.gradients(tf.svd(x, compute_uv=False)[:, :2], x)

    both(program, rtol=1e-3, atol=1e-3)


def test_square_roots_and_sobol_points():
    def program(tf):
        x = tf.constant(POSITIVE)
        root = tf.matrix_square_root(x)
        points = tf.math.sobol_sample(3, 5, skip=2, dtype=tf.float64)
        others = [points.op.name, str(points.shape), tf.fingerprint(np.arange(6).reshape(3, 2))]
        return root, tf.linalg.sqrtm(x), tf.gradients(tf.reduce_sum(root[0, 0]), x), points, others

    both(program, rtol=1e-3, atol=1e-3)


def test_what_three_diagonals_may_not_be():
    def solve(tf, diagonals, **options):
        return tf.linalg.tridiagonal_solve(tf.constant(diagonals), tf.constant(B), **options)

    both.error(lambda tf: solve(tf, A))
    both.error(lambda tf: solve(tf, A, diagonals_format="list"))
    both.error(lambda tf: solve(tf, ROWS, partial_pivoting=False, perturb_singular=True))
    both.error(lambda tf: tf.linalg.tridiagonal_matmul(A, B, diagonals_format="list"))
