"""LinearOperator: what all of them have, by way of the dense matrix where a class has nothing better."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.module import module
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, linalg_ops, math_ops
from tenon.python.util.tf_export import tf_export


def adjoint_of(x):
    """The conjugate transpose of the last two dimensions."""
    return array_ops.matrix_transpose(x, conjugate=x.dtype.is_complex)


def is_all(values):
    """True if all of VALUES are, False if one is False, None if it is not known."""
    values = list(values)
    if any(v is False for v in values):
        return False
    return True if all(values) else None


def convert(x, name, dtype=None):
    """X as a tensor (variables stay what they are read as)."""
    return ops.convert_to_tensor(x, dtype=dtype, name=name)


def broadcast_batch(x, batch_shape):
    """Matrices X, [..., m, n], with BATCH_SHAPE, a TensorShape or a tensor, before the last two dimensions."""
    known = isinstance(batch_shape, TensorShape) and batch_shape.is_fully_defined()
    if known and x.shape.rank is not None and x.shape[:-2].as_list() == batch_shape.as_list():
        return x
    batch = batch_shape.as_list() if known else batch_shape
    shape = array_ops.broadcast_dynamic_shape(array_ops.shape(x)[:-2], ops.convert_to_tensor(batch, dtype=dtypes.int32))
    return gen_ops.broadcast_to(x, array_ops.concat([shape, array_ops.shape(x)[-2:]], axis=0))


def solve_dense(matrix, rhs, adjoint=False):
    """The solution of MATRIX x = RHS, batches broadcast."""
    rank = matrix.shape.rank
    if rank is not None and rhs.shape.rank is not None and matrix.shape[:-2].as_list() != rhs.shape[:-2].as_list():
        batch = array_ops.broadcast_dynamic_shape(array_ops.shape(matrix)[:-2], array_ops.shape(rhs)[:-2])
        matrix, rhs = broadcast_batch(matrix, batch), broadcast_batch(rhs, batch)
    return gen_ops.matrix_solve(matrix, rhs, adjoint=adjoint)


@tf_export("linalg.LinearOperator")
class LinearOperator(module.Module):
    """A linear map, or a batch of them: [..., M, N]. Derived classes define _shape, _shape_tensor and _matmul."""

    def __init__(self, dtype, graph_parents=None, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=None, name=None, parameters=None):  # fmt: skip
        if is_positive_definite and is_non_singular is False:
            raise ValueError("A positive definite matrix is always non-singular.")
        if is_positive_definite:
            is_non_singular = True
        if is_non_singular and is_square is False:
            raise ValueError("A non-singular matrix is always square.")
        if is_self_adjoint and is_square is False:
            raise ValueError("A self-adjoint matrix is always square.")
        if is_non_singular or is_self_adjoint:
            is_square = True
        self._dtype = dtypes.as_dtype(dtype).base if dtype is not None else None
        self._graph_parents = list(graph_parents or [])
        self._is_non_singular, self._is_self_adjoint = is_non_singular, is_self_adjoint
        self._is_positive_definite, self._is_square_set_or_implied_by_hints = is_positive_definite, is_square
        self._parameters = parameters or {}
        self._operator_name = name or type(self).__name__

    def _scope(self, name, values=()):
        return ops.name_scope(f"{self._operator_name}/{name}", values=list(values))

    # --- what it is ---

    name = property(lambda self: self._operator_name, doc="The name.")
    parameters = property(lambda self: dict(self._parameters), doc="What it was made with.")
    dtype = property(lambda self: self._dtype, doc="The DType of the elements.")
    graph_parents = property(lambda self: list(self._graph_parents), doc="The tensors that it was made of.")
    is_non_singular = property(lambda self: self._is_non_singular, doc="Whether it has an inverse, None if unknown.")
    is_self_adjoint = property(lambda self: self._is_self_adjoint, doc="Whether it is its own adjoint.")
    is_positive_definite = property(lambda self: self._is_positive_definite, doc="Whether x^H A x is positive.")

    @property
    def is_square(self):
        """Whether it has as many rows as columns, None if it is not known."""
        hint, shape = self._is_square_set_or_implied_by_hints, self.shape
        if shape.rank is None or None in shape[-2:].as_list():
            return hint
        square = shape.as_list()[-1] == shape.as_list()[-2]
        if hint is False and square:
            raise ValueError("User set is_square hint to False, but the operator was square.")
        return square if hint is None else hint

    def _shape(self):
        raise NotImplementedError("_shape is not implemented.")

    def _shape_tensor(self):
        raise NotImplementedError("_shape_tensor is not implemented.")

    shape = property(lambda self: self._shape(), doc="The static shape.")
    batch_shape = property(lambda self: self.shape[:-2], doc="The static shape of the batch.")
    tensor_rank = property(lambda self: self.shape.rank, doc="The rank of the dense tensor.")
    domain_dimension = property(lambda self: self.shape[-1] if self.shape.rank else None, doc="The number of columns.")
    range_dimension = property(lambda self: self.shape[-2] if self.shape.rank else None, doc="The number of rows.")

    def shape_tensor(self, name="shape_tensor"):
        """The shape, a vector of int32."""
        with self._scope(name):
            if self.shape.is_fully_defined():
                return array_ops.constant(self.shape.as_list(), dtypes.int32)
            return self._shape_tensor()

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The shape of the batch, a vector of int32."""
        with self._scope(name):
            return self.shape_tensor()[:-2]

    def tensor_rank_tensor(self, name="tensor_rank_tensor"):
        """The rank of the dense tensor, a scalar."""
        with self._scope(name):
            return array_ops.size(self.shape_tensor())

    def domain_dimension_tensor(self, name="domain_dimension_tensor"):
        """The number of columns, a scalar."""
        with self._scope(name):
            return self.shape_tensor()[-1]

    def range_dimension_tensor(self, name="range_dimension_tensor"):
        """The number of rows, a scalar."""
        with self._scope(name):
            return self.shape_tensor()[-2]

    # --- checks ---

    def assert_non_singular(self, name="assert_non_singular"):
        """An operation that fails unless the operator is well-conditioned."""
        with self._scope(name):
            return self._assert_non_singular()

    def _assert_non_singular(self):
        if self.is_square is False:
            raise NotImplementedError("Singular matrices are checked for square operators only")
        smallest = np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps
        return check_ops.assert_less(self.cond(), math_ops.cast(1 / smallest, self.dtype.real_dtype),
                                     message="Singular matrix up to precision epsilon.")  # fmt: skip

    def assert_positive_definite(self, name="assert_positive_definite"):
        """An operation that fails unless the operator is positive definite."""
        with self._scope(name):
            return self._assert_positive_definite()

    def _assert_positive_definite(self):
        if not self.is_self_adjoint:
            raise ValueError("assert_positive_definite needs is_self_adjoint")
        return control_flow_ops.group(gen_ops.cholesky(self.to_dense()))

    def assert_self_adjoint(self, name="assert_self_adjoint"):
        """An operation that fails unless the operator is its own adjoint."""
        with self._scope(name):
            return self._assert_self_adjoint()

    def _assert_self_adjoint(self):
        dense = self.to_dense()
        return check_ops.assert_equal(dense, adjoint_of(dense), message="Matrix was not equal to its adjoint.")

    def _need_square(self, what):
        if self.is_square is False:
            raise NotImplementedError(f"{what} of a matrix that is not square")
        if self.is_non_singular is False and what in ("solve", "inverse"):
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to be singular.")

    # --- products and solutions ---

    def matmul(self, x, adjoint=False, adjoint_arg=False, name="matmul"):
        """The product with X, [..., N, R] (ADJOINT: its own adjoint; ADJOINT_ARG: X's), or with another operator."""
        if isinstance(x, LinearOperator):
            left, right = self.adjoint() if adjoint else self, x.adjoint() if adjoint_arg else x
            columns, rows = left.shape[-1:].as_list(), right.shape[-2:-1].as_list()
            if None not in (*columns, *rows) and columns != rows:
                raise ValueError(
                    f"Operators are incompatible. Expected `x` to have dimension {columns[0]} but got {rows[0]}."
                )
            with self._scope(name):
                from tenon.python.ops.linear_operators import algebra

                return algebra.matmul(left, right)
        with self._scope(name, [x]):
            x = self._checked(convert(x, "x", None if hasattr(x, "dtype") else self.dtype))
            self_dim, arg_dim = -2 if adjoint else -1, -1 if adjoint_arg else -2
            self._agree(self.shape, self_dim, x.shape, arg_dim)
            return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _checked(self, x):
        if x.dtype.base != self.dtype:
            raise TypeError(f"Input argument has dtype {x.dtype.base.name}, the operator {self.dtype.name}")
        return x

    @staticmethod
    def _agree(own, own_dim, other, other_dim):
        if own.rank is not None and other.rank is not None:
            a, b = own.as_list()[own_dim], other.as_list()[other_dim]
            if a is not None and b is not None and a != b:
                raise ValueError(f"Dimensions {a} and {b} are not compatible")

    def __matmul__(self, other):
        return self.matmul(other)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return math_ops.matmul(self.to_dense(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def matvec(self, x, adjoint=False, name="matvec"):
        """The product with vectors X, [..., N]."""
        with self._scope(name, [x]):
            x = convert(x, "x", None if hasattr(x, "dtype") else self.dtype)
            return array_ops.squeeze(self.matmul(array_ops.expand_dims(x, -1), adjoint=adjoint), -1)

    def solve(self, rhs, adjoint=False, adjoint_arg=False, name="solve"):
        """X with A X = RHS, exactly."""
        self._need_square("solve")
        if isinstance(rhs, LinearOperator):
            left, right = self.adjoint() if adjoint else self, rhs.adjoint() if adjoint_arg else rhs
            with self._scope(name):
                from tenon.python.ops.linear_operators import algebra

                return algebra.matmul(left.inverse(), right)
        with self._scope(name, [rhs]):
            rhs = self._checked(convert(rhs, "rhs", None if hasattr(rhs, "dtype") else self.dtype))
            self._agree(self.shape, -1 if adjoint else -2, rhs.shape, -1 if adjoint_arg else -2)
            return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        if self.is_self_adjoint and self.is_positive_definite:
            chol = gen_ops.cholesky(self.to_dense())
            batch = array_ops.broadcast_dynamic_shape(array_ops.shape(chol)[:-2], array_ops.shape(rhs)[:-2])
            return linalg_ops.cholesky_solve(broadcast_batch(chol, batch), broadcast_batch(rhs, batch))
        return solve_dense(self.to_dense(), rhs, adjoint)

    def solvevec(self, rhs, adjoint=False, name="solve"):
        """The vectors x with A x = RHS."""
        with self._scope(name, [rhs]):
            rhs = convert(rhs, "rhs", None if hasattr(rhs, "dtype") else self.dtype)
            return array_ops.squeeze(self.solve(array_ops.expand_dims(rhs, -1), adjoint=adjoint), -1)

    # --- other operators ---

    def adjoint(self, name="adjoint"):
        """The adjoint, an operator."""
        if self.is_self_adjoint:
            return self
        with self._scope(name):
            return self._adjoint()

    H = property(lambda self: self.adjoint(), doc="The adjoint, an operator.")

    def _adjoint(self):
        from tenon.python.ops.linear_operators.wrapped import LinearOperatorAdjoint

        return LinearOperatorAdjoint(self, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite,
                                     self.is_square)  # fmt: skip

    def inverse(self, name="inverse"):
        """The inverse, an operator."""
        if self.is_square is False:
            raise ValueError("Cannot take the Inverse: This operator represents a non square matrix.")
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        with self._scope(name):
            return self._inverse()

    def _inverse(self):
        from tenon.python.ops.linear_operators.wrapped import LinearOperatorInversion

        return LinearOperatorInversion(self)

    def cholesky(self, name="cholesky"):
        """The Cholesky factor, an operator."""
        if self.is_positive_definite is not True or self.is_self_adjoint is not True:
            raise ValueError("Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix.")
        with self._scope(name):
            return self._cholesky()

    def _cholesky(self):
        from tenon.python.ops.linear_operators.simple import LinearOperatorLowerTriangular

        return LinearOperatorLowerTriangular(gen_ops.cholesky(self.to_dense()), is_non_singular=True)

    # --- numbers ---

    def determinant(self, name="det"):
        """The determinant of each matrix."""
        self._need_square("determinant")
        with self._scope(name):
            return self._determinant()

    def _determinant(self):
        if self.is_self_adjoint and self.is_positive_definite:
            return math_ops.exp(self.log_abs_determinant())
        return gen_ops.matrix_determinant(self.to_dense())

    def log_abs_determinant(self, name="log_abs_det"):
        """The logarithm of the absolute determinant of each matrix."""
        self._need_square("determinant")
        with self._scope(name):
            return self._log_abs_determinant()

    def _log_abs_determinant(self):
        if self.is_self_adjoint and self.is_positive_definite:
            diag = gen_ops.matrix_diag_part(gen_ops.cholesky(self.to_dense()))
            return 2 * math_ops.reduce_sum(math_ops.log(diag), axis=-1)
        _, log_abs = gen_ops.log_matrix_determinant(self.to_dense())
        return log_abs

    def to_dense(self, name="to_dense"):
        """The matrices written out."""
        with self._scope(name):
            return self._to_dense()

    def _to_dense(self):
        batch = self.batch_shape.as_list() if self.batch_shape.is_fully_defined() else self.batch_shape_tensor()
        size = (
            self.shape.as_list()[-1] if self.shape.rank and self.shape.as_list()[-1] else self.domain_dimension_tensor()
        )
        return self.matmul(linalg_ops.eye(size, batch_shape=batch, dtype=self.dtype))

    def diag_part(self, name="diag_part"):
        """The diagonals."""
        with self._scope(name):
            return self._diag_part()

    def _diag_part(self):
        return gen_ops.matrix_diag_part(self.to_dense())

    def trace(self, name="trace"):
        """The sums of the diagonals."""
        with self._scope(name):
            return self._trace()

    def _trace(self):
        return math_ops.reduce_sum(self.diag_part(), axis=-1)

    def add_to_tensor(self, x, name="add_to_tensor"):
        """The matrices plus X."""
        with self._scope(name, [x]):
            x = self._checked(convert(x, "x"))
            return self._add_to_tensor(x)

    def _add_to_tensor(self, x):
        return self.to_dense() + x

    def eigvals(self, name="eigvals"):
        """The eigenvalues of self-adjoint matrices, which fall."""
        if not self.is_self_adjoint:
            raise NotImplementedError("Only self-adjoint matrices are supported.")
        with self._scope(name):
            return self._eigvals()

    def _eigvals(self):
        return linalg_ops.self_adjoint_eigvals(self.to_dense())

    def cond(self, name="cond"):
        """The condition number of each matrix."""
        with self._scope(name):
            return self._cond()

    def _cond(self):
        if self.is_self_adjoint:
            values = math_ops.abs(self.eigvals())
        else:
            values = linalg_ops.svd(self.to_dense(), compute_uv=False)
        return math_ops.reduce_max(values, axis=-1) / math_ops.reduce_min(values, axis=-1)
