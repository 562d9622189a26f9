"""Matrices that have three diagonals: solving with them and multiplying by them."""

import numpy as np

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("linalg.tridiagonal_solve")
def tridiagonal_solve(
    diagonals, rhs, diagonals_format="compact", transpose_rhs=False, conjugate_rhs=False, name=None,
    partial_pivoting=True, perturb_singular=False,
):  # fmt: skip
    """X with A X = rhs [..., m] or [..., m, k]. The three diagonals of A are rows of [..., 3, m] ('compact': the one
    above the main one first), three tensors [..., m] or, but for the main one, [..., m - 1] ('sequence'), or in
    [..., m, m] ('matrix'). transpose_rhs: rhs is [..., k, m]; X is [..., m, k] even so."""
    if perturb_singular and not partial_pivoting:
        raise ValueError("partial_pivoting must be True if perturb_singular is.")
    with ops.name_scope(name, "tridiagonal_solve", [diagonals, rhs]):
        rhs = ops.convert_to_tensor(rhs, name="rhs")
        if diagonals_format == "compact":
            diagonals = ops.convert_to_tensor(diagonals, name="diagonals")
            if diagonals.shape.ndims and diagonals.shape.ndims >= 2 and diagonals.shape[-2] != 3:
                raise ValueError(f"Expected 3 diagonals got {diagonals.shape[-2]}")
        elif diagonals_format == "sequence":
            diagonals = _of_sequence(diagonals)
        elif diagonals_format == "matrix":
            diagonals = _of_matrix(diagonals)
        else:
            raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
        vector = rhs.shape.ndims is not None and rhs.shape.ndims == (diagonals.shape.ndims or 0) - 1
        if conjugate_rhs:
            rhs = math_ops.conj(rhs)
        if vector:
            rhs = rhs[..., None]
        elif transpose_rhs:
            rhs = array_ops.matrix_transpose(rhs)
        result = gen_ops.tridiagonal_solve(
            diagonals, rhs, partial_pivoting=partial_pivoting, perturb_singular=perturb_singular
        )
        return result[..., 0] if vector else result


@tf_export("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals, rhs, diagonals_format="compact", name=None):
    """A rhs for rhs [..., m, n]; the three diagonals of A as tridiagonal_solve takes them."""
    with ops.name_scope(name, "tridiagonal_matmul", [diagonals, rhs]):
        if diagonals_format == "compact":
            diagonals = ops.convert_to_tensor(diagonals, name="diagonals")
            rows = [diagonals[..., i, :] for i in range(3)]
        elif diagonals_format == "sequence":
            rows = [ops.convert_to_tensor(row) for row in diagonals]
        elif diagonals_format == "matrix":
            diagonals = _of_matrix(diagonals)
            rows = [diagonals[..., i, :] for i in range(3)]
        else:
            raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
        return gen_ops.tridiagonal_mat_mul(*(row[..., None, :] for row in rows), rhs)


def _of_sequence(diagonals):
    """Three tensors as rows."""
    if not isinstance(diagonals, (tuple, list)) or len(diagonals) != 3:
        raise ValueError("Expected diagonals to be a sequence of length 3.")
    above, main, below = (ops.convert_to_tensor(row) for row in diagonals)
    batch = main.shape[:-1].as_list()
    for row in (above, below):
        if row.shape.ndims is not None and not row.shape[:-1].is_compatible_with(batch):
            raise ValueError("Tensors representing the three diagonals must have the same shape, except for the last "
                             f"dimension, got {above.shape}, {main.shape}, {below.shape}")  # fmt: skip
    size = main.shape[-1].value

    def pad(row, before):
        if row.shape[-1].value is None or size is None:
            short = array_ops.shape(main)[-1] - array_ops.shape(row)[-1]
        else:
            short = size - row.shape[-1].value
            if short not in (0, 1):
                raise ValueError(f"Expected {row.name} to be have length {size} or {size - 1}, got {size - short}.")
            if short == 0:
                return row
        ends = [short, 0] if before else [0, short]
        return array_ops.pad(row, [[0, 0]] * (row.shape.ndims - 1) + [ends])

    return array_ops.stack([pad(above, False), main, pad(below, True)], axis=-2)


def _of_matrix(matrix):
    """The three diagonals of [..., m, m]."""
    matrix = ops.convert_to_tensor(matrix, name="diagonals")
    size = matrix.shape[-1].value
    if size is None or matrix.shape[-2].value is None:
        raise ValueError("The size of the matrix must be known")
    if size != matrix.shape[-2].value:
        raise ValueError(f"Expected last two dimensions of diagonals to be same, got {matrix.shape[-2:].as_list()}")
    zeros = array_ops.zeros_like(matrix)
    parts = [
        math_ops.reduce_sum(gen_ops.select_v2(np.eye(size, k=k, dtype=bool), matrix, zeros), axis=-1)
        for k in (1, 0, -1)
    ]
    return array_ops.stack(parts, axis=-2)
