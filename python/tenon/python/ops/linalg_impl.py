"""tf.linalg: what is put together from the decompositions."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, linalg_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("linalg.adjoint")
def adjoint(matrix, name=None):
    """The conjugate transposes of the last two dimensions."""
    with ops.name_scope(name, "adjoint", [matrix]):
        return array_ops.matrix_transpose(ops.convert_to_tensor(matrix, name="matrix"), conjugate=True)


@tf_export("linalg.logdet")
def logdet(matrix, name=None):
    """The logarithms of the determinants of Hermitian positive definite matrices [..., n, n]."""
    with ops.name_scope(name, "logdet", [matrix]):
        diagonal = gen_ops.matrix_diag_part(gen_ops.cholesky(matrix))
        return 2.0 * math_ops.reduce_sum(gen_ops.log(math_ops.real(diagonal)), axis=[-1])


@tf_export("linalg.matvec")
def matvec(a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None):
    """Matrices [..., m, n] times vectors [..., n]."""
    with ops.name_scope(name, "MatVec", [a, b]):
        product = math_ops.matmul(
            a, array_ops.expand_dims(b, axis=-1), transpose_a=transpose_a, adjoint_a=adjoint_a,
            a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse,
        )  # fmt: skip
        return array_ops.squeeze(product, axis=-1)


@tf_export("linalg.normalize")
def normalize(tensor, ord="euclidean", axis=None, name=None):
    """(TENSOR divided by its norm along AXIS, the norm with those dimensions kept)."""
    with ops.name_scope(name, "normalize", [tensor]):
        tensor = ops.convert_to_tensor(tensor)
        size = math_ops.cast(linalg_ops.norm(tensor, ord, axis, keepdims=True), tensor.dtype)
        return tensor / size, size


def _epsilon(dtype):
    return np.finfo(dtype.real_dtype.as_numpy_dtype).eps


@tf_export("linalg.matrix_rank")
def matrix_rank(a, tol=None, validate_args=False, name=None):
    """The numbers of singular values above TOL (by default eps * max(m, n) * the largest)."""
    with ops.name_scope(name, "matrix_rank", [a, tol]):
        a = ops.convert_to_tensor(a, dtype_hint=dtypes.float32, name="a")
        values = linalg_ops.svd(a, compute_uv=False)
        if tol is None:
            size = max(a.shape.as_list()[-2:])
            tol = _epsilon(a.dtype) * size * math_ops.reduce_max(values, axis=-1, keepdims=True)
        return math_ops.reduce_sum(math_ops.cast(values > tol, dtypes.int32), axis=-1)


@tf_export("linalg.pinv")
def pinv(a, rcond=None, validate_args=False, name=None):
    """The pseudo-inverses [..., n, m] of matrices; singular values below RCOND times the largest count as zero."""
    with ops.name_scope(name or "pinv"):
        a = ops.convert_to_tensor(a, name="a")
        if not (a.dtype.is_floating or a.dtype.is_complex):
            raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
        if rcond is None:
            rcond = 10.0 * max(a.shape.as_list()[-2:]) * _epsilon(a.dtype)
        s, u, v = linalg_ops.svd(a, full_matrices=False, compute_uv=True)
        rcond = ops.convert_to_tensor(rcond, dtype=s.dtype)
        cutoff = rcond * math_ops.reduce_max(s, axis=-1)
        large = s > array_ops.expand_dims(cutoff, -1)
        s = gen_ops.select_v2(large, s, array_ops.ones_like(s) * np.inf)
        scaled = v / math_ops.cast(array_ops.expand_dims(s, -2), dtype=a.dtype)
        return math_ops.matmul(scaled, u, adjoint_b=True)


# --- triangular factors ---


def _split(lower_upper):
    """The unit lower and the upper triangle."""
    lower = array_ops.matrix_band_part(lower_upper, -1, 0)
    lower = gen_ops.matrix_set_diag(lower, array_ops.ones(array_ops.shape(lower_upper)[:-1], dtype=lower_upper.dtype))
    return lower, array_ops.matrix_band_part(lower_upper, 0, -1)


@tf_export("linalg.lu_solve")
def lu_solve(lower_upper, perm, rhs, validate_args=False, name=None):
    """X [..., n, k] with P X = RHS, from the triangular factors that lu gives."""
    with ops.name_scope(name or "lu_solve"):
        lower_upper = ops.convert_to_tensor(lower_upper, name="lower_upper")
        rhs = ops.convert_to_tensor(rhs, dtype=lower_upper.dtype, name="rhs")
        perm = ops.convert_to_tensor(perm, dtype=dtypes.int32, name="perm")
        rank = len(perm.shape)
        rows = array_ops.gather(rhs, perm, axis=-2, batch_dims=rank - 1)
        lower, _ = _split(lower_upper)
        y = linalg_ops.matrix_triangular_solve(lower, rows)
        return linalg_ops.matrix_triangular_solve(lower_upper, y, lower=False)


@tf_export("linalg.lu_matrix_inverse")
def lu_matrix_inverse(lower_upper, perm, validate_args=False, name=None):
    """The inverses of the matrices that lu made triangular factors of."""
    with ops.name_scope(name or "lu_matrix_inverse"):
        lower_upper = ops.convert_to_tensor(lower_upper, name="lower_upper")
        shape = lower_upper.shape.as_list()
        identity = linalg_ops.eye(shape[-1], batch_shape=shape[:-2] or None, dtype=lower_upper.dtype)
        return lu_solve(lower_upper, perm, identity)


@tf_export("linalg.lu_reconstruct")
def lu_reconstruct(lower_upper, perm, validate_args=False, name=None):
    """The matrices that lu made triangular factors of."""
    with ops.name_scope(name or "lu_reconstruct"):
        lower_upper = ops.convert_to_tensor(lower_upper, name="lower_upper")
        perm = ops.convert_to_tensor(perm, dtype=dtypes.int32, name="perm")
        lower, upper = _split(lower_upper)
        rows = array_ops.one_hot(perm, depth=array_ops.shape(lower_upper)[-1], dtype=dtypes.int32)
        back = gen_ops.arg_max(
            array_ops.matrix_transpose(rows),
            dimension=-1, output_type=dtypes.int32,
        )  # fmt: skip
        return array_ops.gather(math_ops.matmul(lower, upper), back, axis=-2, batch_dims=len(perm.shape) - 1)


# --- the exponential ---

# Numerators of Pade's approximants of exp: (norm up to which the approximant of that order holds, coefficients).
_PADE = {
    3: (120.0, 60.0, 12.0, 1.0),
    5: (30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0),
    7: (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0),
    13: (
        64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
        10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
    ),
}  # fmt: skip


@tf_export("linalg.expm")
def matrix_exponential(input, name=None):
    """exp of the matrices [..., n, n], by Pade's approximants of matrices that are scaled down and squared again."""
    with ops.name_scope(name, "matrix_exponential", [input]):
        matrix = ops.convert_to_tensor(input, name="input")
        if matrix.shape[-2:].as_list() == [0, 0]:
            return matrix
        dtype = matrix.dtype
        order, bound = (7, 3.925724783138660) if dtype.real_dtype == dtypes.float32 else (13, 5.371920351148152)
        norm = math_ops.reduce_max(math_ops.reduce_sum(math_ops.abs(matrix), axis=-2), axis=-1)[..., None, None]
        squarings = math_ops.maximum(math_ops.floor(math_ops.log(norm / bound) / np.log(2.0)) + 1.0, 0.0)
        scaled = matrix / math_ops.cast(math_ops.pow(array_ops.ones_like(norm) * 2.0, squarings), dtype)
        odd, even = _pade(scaled, _PADE[order])
        result = gen_ops.matrix_solve(even - odd, even + odd)
        return _square(result, squarings)


def _pade(x, coefficients):
    """The odd and the even terms of the numerator."""
    n = x.shape.as_list()[-1]
    power = linalg_ops.eye(n if n is not None else array_ops.shape(x)[-1], dtype=x.dtype)
    square = math_ops.matmul(x, x)
    power = power + array_ops.zeros_like(x)
    odd, even = 0.0, 0.0
    for i in range(0, len(coefficients), 2):
        even = even + coefficients[i] * power
        odd = odd + coefficients[i + 1] * power
        power = math_ops.matmul(power, square)
    return math_ops.matmul(x, odd), even


def _square(result, squarings):
    """Each matrix squared as often as SQUARINGS says."""
    from tenon.python.ops import control_flow_ops

    most = math_ops.reduce_max(squarings)

    def step(i, r):
        return i + 1.0, gen_ops.select_v2(math_ops.less(i, squarings), math_ops.matmul(r, r), r)

    start = ops.convert_to_tensor(0.0, dtype=squarings.dtype)
    return control_flow_ops.while_loop(lambda i, r: i < most, step, [start, result])[1]
