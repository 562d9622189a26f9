"""Linear algebra: identity matrices, norms, solving, decompositions."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, linalg_ops_impl, math_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export


@tf_export("linalg.eye", "eye")
def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
    """Identity matrices: [*batch_shape, num_rows, num_columns]."""
    return linalg_ops_impl.eye(num_rows, num_columns=num_columns, batch_shape=batch_shape, dtype=dtype, name=name)


@tf_export("linalg.cholesky_solve", "cholesky_solve")
def cholesky_solve(chol, rhs, name=None):
    """X with A X = rhs, from the Cholesky factor of A."""
    with ops.name_scope(name, "cholesky_solve", [chol, rhs]):
        y = gen_ops.matrix_triangular_solve(chol, rhs, adjoint=False, lower=True)
        return gen_ops.matrix_triangular_solve(chol, y, adjoint=True, lower=True)


@tf_export("linalg.triangular_solve", "matrix_triangular_solve")
def matrix_triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
    """X with MATRIX X = RHS, the matrix triangular."""
    return gen_ops.matrix_triangular_solve(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


@tf_export("linalg.lstsq", "matrix_solve_ls")
def matrix_solve_ls(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
    """X that makes |MATRIX X - RHS|^2 + l2_regularizer |X|^2 least, through the normal equations; without FAST the
    smallest X that makes |MATRIX X - RHS| least, through orthogonal ones."""
    return gen_ops.matrix_solve_ls(matrix, rhs, l2_regularizer, fast=fast, name=name)


@tf_export("linalg.norm", "norm")
def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None, keep_dims=None):
    """Norms of vectors (axis an integer or None) or matrices (two axes): 'euclidean', 'fro', 1, 2, inf, p."""
    keepdims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if matrix:
        axis = tuple(axis)
        if ord not in ("euclidean", "fro", 1, 2, np.inf):
            raise ValueError(f"'ord' must be a supported matrix norm in ['euclidean', 'fro', 1, 2, inf], got {ord}")
    else:
        if not (axis is None or np.isscalar(axis)):
            raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
        if ord not in ("euclidean",) and not (np.isscalar(ord) and not isinstance(ord, str) and ord > 0):
            raise ValueError(f"'ord' must be a supported vector norm in ['euclidean', 1, 2, inf, positive real], "
                             f"got {ord}")  # fmt: skip
    with ops.name_scope(name, "norm", [tensor]):
        tensor = ops.convert_to_tensor(tensor)
        if ord in ("fro", "euclidean", 2, 2.0) and not (matrix and ord in (2, 2.0)):
            squares = tensor * math_ops.conj(tensor)
            return gen_ops.sqrt(math_ops.reduce_sum(squares, axis, keepdims=True)) if keepdims else gen_ops.sqrt(
                math_ops.reduce_sum(squares, axis))  # fmt: skip
        if matrix and ord in (2, 2.0):
            values = gen_ops.svd(tensor, compute_uv=False)[0]
            result = math_ops.reduce_max(values, axis=-1)
            return array_ops.expand_dims(array_ops.expand_dims(result, -1), -1) if keepdims else result
        result = math_ops.abs(tensor)
        if ord == 1:
            result = math_ops.reduce_sum(result, axis if not matrix else axis[0], keepdims=True)
            result = math_ops.reduce_max(result, axis[1], keepdims=True) if matrix else result
        elif ord == np.inf:
            result = math_ops.reduce_sum(result, axis[1], keepdims=True) if matrix else result
            result = math_ops.reduce_max(result, axis if not matrix else axis[0], keepdims=True)
        else:
            result = math_ops.pow(math_ops.reduce_sum(math_ops.pow(result, ord), axis, keepdims=True), 1.0 / ord)
        return result if keepdims else array_ops.squeeze(result, None if axis is None else list(np.atleast_1d(axis)))


@tf_export("linalg.svd", "svd")
def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """(singular values, U, V) of matrices."""
    s, u, v = gen_ops.svd(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    s = math_ops.real(s)
    return (s, u, v) if compute_uv else s


@tf_export("linalg.eigh", "self_adjoint_eig")
def self_adjoint_eig(tensor, name=None):
    """(eigenvalues, eigenvectors) of symmetric matrices."""
    return gen_ops.self_adjoint_eig_v2(tensor, compute_v=True, name=name)


@tf_export("linalg.eigvalsh", "self_adjoint_eigvals")
def self_adjoint_eigvals(tensor, name=None):
    """The eigenvalues of symmetric matrices."""
    return gen_ops.self_adjoint_eig_v2(tensor, compute_v=False, name=name)[0]
