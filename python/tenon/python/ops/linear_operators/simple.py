"""Operators of one tensor: full and triangular matrices, diagonals, identities, reflections, Toeplitz matrices."""

from tenon.python.framework import dtypes, errors, tensor_util
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, linalg_ops, math_ops
from tenon.python.ops.linear_operators.base import LinearOperator, adjoint_of, broadcast_batch, convert
from tenon.python.util.tf_export import tf_export


def _hints(scope):
    """The keyword arguments of LinearOperator among the locals of a constructor."""
    return {k: scope[k] for k in ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square", "name")}


def _square(vector):
    """The static shape of the matrices whose diagonals (or the like) are VECTOR."""
    return vector.shape.concatenate(vector.shape[-1:])


def _square_tensor(vector):
    shape = array_ops.shape(vector)
    return array_ops.concat([shape, shape[-1:]], axis=0)


@tf_export("linalg.LinearOperatorFullMatrix")
class LinearOperatorFullMatrix(LinearOperator):
    """A dense matrix."""

    def __init__(self, matrix, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorFullMatrix"):  # fmt: skip
        self._matrix = convert(matrix, "matrix")
        if self._matrix.shape.rank is not None and self._matrix.shape.rank < 2:
            raise ValueError(f"Argument `matrix` must have at least 2 dimensions. Received: {self._matrix}.")
        super().__init__(self._matrix.dtype, [self._matrix], **_hints(locals()))

    matrix = property(lambda self: self._matrix, doc="The matrix.")

    def _shape(self):
        return self._matrix.shape

    def _shape_tensor(self):
        return array_ops.shape(self._matrix)

    def _to_dense(self):
        return self._matrix


@tf_export("linalg.LinearOperatorLowerTriangular")
class LinearOperatorLowerTriangular(LinearOperator):
    """The lower triangle of a matrix."""

    def __init__(self, tril, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorLowerTriangular"):  # fmt: skip
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        is_square = True
        self._tril = convert(tril, "tril")
        if self._tril.shape.rank is not None and self._tril.shape.rank < 2:
            raise ValueError(f"Argument tril must have at least 2 dimensions.  Found: {self._tril}")
        super().__init__(self._tril.dtype, [self._tril], **_hints(locals()))

    tril = property(lambda self: self._tril, doc="The matrix whose lower triangle counts.")

    def _shape(self):
        return self._tril.shape

    def _shape_tensor(self):
        return array_ops.shape(self._tril)

    def _to_dense(self):
        return gen_ops.matrix_band_part(self._tril, -1, 0)

    def _diag_part(self):
        return gen_ops.matrix_diag_part(self._tril)

    def _determinant(self):
        return math_ops.reduce_prod(self.diag_part(), axis=-1)

    def _log_abs_determinant(self):
        return math_ops.reduce_sum(math_ops.log(math_ops.abs(self.diag_part())), axis=-1)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        matrix = self.to_dense()
        batch = array_ops.broadcast_dynamic_shape(array_ops.shape(matrix)[:-2], array_ops.shape(rhs)[:-2])
        static = array_ops.broadcast_static_shape(matrix.shape[:-2], rhs.shape[:-2])
        batch = static if static.is_fully_defined() else batch
        matrix, rhs = broadcast_batch(matrix, batch), broadcast_batch(rhs, batch)
        return linalg_ops.matrix_triangular_solve(matrix, rhs, lower=True, adjoint=adjoint)

    def _assert_non_singular(self):
        return _no_zeros(self.diag_part())

    def _eigvals(self):
        return self.diag_part()


def _no_zeros(values):
    zero = array_ops.zeros([], values.dtype.real_dtype)
    return check_ops.assert_none_equal(math_ops.abs(values), zero, message="Singular operator: a diagonal entry is 0")


class _Diagonal(LinearOperator):
    """What operators of a diagonal have in common; _entries() are [..., N]."""

    def _entries(self):
        raise NotImplementedError

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        d = self._entries()
        d = math_ops.conj(d) if adjoint else d
        return array_ops.expand_dims(d, -1) * (adjoint_of(x) if adjoint_arg else x)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        d = self._entries()
        d = math_ops.conj(d) if adjoint else d
        return (adjoint_of(rhs) if adjoint_arg else rhs) * array_ops.expand_dims(1 / d, -1)

    def _to_dense(self):
        return gen_ops.matrix_diag(self._entries())

    def _diag_part(self):
        return self._entries()

    def _add_to_tensor(self, x):
        x = broadcast_batch(x, self.batch_shape if self.batch_shape.is_fully_defined() else self.batch_shape_tensor())
        return array_ops.matrix_set_diag(x, gen_ops.matrix_diag_part(x) + self._entries())

    def _determinant(self):
        return math_ops.reduce_prod(self._entries(), axis=-1)

    def _log_abs_determinant(self):
        d = math_ops.log(math_ops.abs(self._entries()))
        return math_ops.cast(math_ops.reduce_sum(d, axis=-1), self.dtype)

    def _eigvals(self):
        return self._entries()

    def _cond(self):
        d = math_ops.abs(self._entries())
        return math_ops.reduce_max(d, axis=-1) / math_ops.reduce_min(d, axis=-1)

    def _assert_non_singular(self):
        return _no_zeros(self._entries())

    def _assert_positive_definite(self):
        return check_ops.assert_positive(
            math_ops.real(self._entries()), message="Real part of the diagonal is not positive"
        )

    def _assert_self_adjoint(self):
        if not self.dtype.is_complex:
            return control_flow_ops.no_op("assert_self_adjoint")
        imaginary = math_ops.imag(self._entries())
        return check_ops.assert_equal(
            imaginary,
            array_ops.zeros_like(imaginary),
            message="This diagonal operator contained non-zero imaginary values.",
        )


@tf_export("linalg.LinearOperatorDiag")
class LinearOperatorDiag(_Diagonal):
    """A diagonal matrix."""

    def __init__(self, diag, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorDiag"):  # fmt: skip
        self._diag = convert(diag, "diag")
        if self._diag.shape.rank == 0:
            raise ValueError(f"Argument `diag` must have at least 1 dimension. Received: {self._diag}.")
        if not self._diag.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real diagonal operator is always self adjoint.")
            is_self_adjoint = True
        if is_square is False:
            raise ValueError("Only square diagonal operators currently supported.")
        is_square = True
        super().__init__(self._diag.dtype, [self._diag], **_hints(locals()))

    diag = property(lambda self: self._diag, doc="The diagonal.")

    def _entries(self):
        return self._diag

    def _shape(self):
        return _square(self._diag)

    def _shape_tensor(self):
        return _square_tensor(self._diag)

    def _adjoint(self):
        return LinearOperatorDiag(math_ops.conj(self._diag), self.is_non_singular, self.is_self_adjoint,
                                  self.is_positive_definite, True)  # fmt: skip

    def _inverse(self):
        return LinearOperatorDiag(
            1 / self._diag, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite, True
        )

    def _cholesky(self):
        return LinearOperatorDiag(math_ops.sqrt(self._diag), True, True, True, True)


def _rows(num_rows, name="num_rows"):
    rows = convert(num_rows, name, None if hasattr(num_rows, "dtype") else dtypes.int32)
    if not rows.dtype.is_integer:
        raise TypeError(f"Argument `{name}` must be integer type. Found: {num_rows}")
    known = tensor_util.constant_value(rows)
    if rows.shape.rank not in (0, None):
        raise ValueError(f"Argument `{name}` must be a 0-D Tensor. Found: {num_rows}")
    if known is not None and known < 0:
        raise ValueError(f"Argument `{name}` must be non-negative. Found: {num_rows}")
    return math_ops.cast(rows, dtypes.int32), None if known is None else int(known)


@tf_export("linalg.LinearOperatorScaledIdentity")
class LinearOperatorScaledIdentity(_Diagonal):
    """A multiple of the identity."""

    def __init__(self, num_rows, multiplier, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=True, assert_proper_shapes=False, name="LinearOperatorScaledIdentity"):  # fmt: skip
        if not is_square:
            raise ValueError("A ScaledIdentity operator is always square.")
        self._multiplier = convert(multiplier, "multiplier")
        if not self._multiplier.dtype.is_complex:
            is_self_adjoint = True
        self._num_rows, self._known_rows = _rows(num_rows)
        super().__init__(self._multiplier.dtype, [self._multiplier], **_hints(locals()))

    multiplier = property(lambda self: self._multiplier, doc="What the identity is multiplied with.")

    def _entries(self):
        factor = array_ops.expand_dims(self._multiplier, -1)
        return factor * array_ops.ones(array_ops.expand_dims(self._num_rows, 0), self.dtype)

    def _shape(self):
        return self._multiplier.shape.concatenate([self._known_rows, self._known_rows])

    def _shape_tensor(self):
        return array_ops.concat([array_ops.shape(self._multiplier), [self._num_rows, self._num_rows]], axis=0)

    def _adjoint(self):
        return LinearOperatorScaledIdentity(self._num_rows, math_ops.conj(self._multiplier), self.is_non_singular,
                                            self.is_self_adjoint, self.is_positive_definite)  # fmt: skip

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The matrices plus MAT."""
        return super().add_to_tensor(mat, name)

    def _inverse(self):
        return LinearOperatorScaledIdentity(self._num_rows, 1 / self._multiplier, self.is_non_singular,
                                            self.is_self_adjoint, self.is_positive_definite)  # fmt: skip

    def _cholesky(self):
        return LinearOperatorScaledIdentity(self._num_rows, math_ops.sqrt(self._multiplier), True, True, True)


@tf_export("linalg.LinearOperatorIdentity")
class LinearOperatorIdentity(_Diagonal):
    """The identity."""

    def __init__(self, num_rows, batch_shape=None, dtype=None, is_non_singular=True, is_self_adjoint=True,
                 is_positive_definite=True, is_square=True, assert_proper_shapes=False,
                 name="LinearOperatorIdentity"):  # fmt: skip
        if not is_self_adjoint:
            raise ValueError("An identity operator is always self adjoint.")
        if not is_non_singular:
            raise ValueError("An identity operator is always non-singular.")
        if not is_positive_definite:
            raise ValueError("An identity operator is always positive-definite.")
        if not is_square:
            raise ValueError("An identity operator is always square.")
        self._num_rows, self._known_rows = _rows(num_rows)
        self._batch = None if batch_shape is None else convert(batch_shape, "batch_shape_arg", dtypes.int32)
        super().__init__(dtype or dtypes.float32, [], **_hints(locals()))

    def _batch_static(self):
        return TensorShape([]) if self._batch is None else tensor_util.constant_value_as_shape(self._batch)

    def _batch_dynamic(self):
        return array_ops.zeros([0], dtypes.int32) if self._batch is None else self._batch

    def _entries(self):
        return array_ops.ones(array_ops.concat([self._batch_dynamic(), [self._num_rows]], axis=0), self.dtype)

    def _shape(self):
        return self._batch_static().concatenate([self._known_rows, self._known_rows])

    def _shape_tensor(self):
        return array_ops.concat([self._batch_dynamic(), [self._num_rows, self._num_rows]], axis=0)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = adjoint_of(x) if adjoint_arg else x
        static = self._batch_static()
        return x if static.rank == 0 else broadcast_batch(x, static if static.is_fully_defined() else self._batch)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint_arg=adjoint_arg)

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The matrices plus MAT."""
        return super().add_to_tensor(mat, name)

    def _inverse(self):
        return self

    def _cholesky(self):
        return self


@tf_export("linalg.LinearOperatorZeros")
class LinearOperatorZeros(LinearOperator):
    """A matrix of zeros."""

    def __init__(self, num_rows, num_columns=None, batch_shape=None, dtype=None, is_non_singular=False,
                 is_self_adjoint=True, is_positive_definite=False, is_square=True, assert_proper_shapes=False,
                 name="LinearOperatorZeros"):  # fmt: skip
        if not is_self_adjoint and is_square:
            raise ValueError("A zero operator is always self adjoint.")
        if is_non_singular:
            raise ValueError("A zero operator is always singular.")
        if is_positive_definite:
            raise ValueError("A zero operator is always not positive-definite.")
        self._num_rows, self._known_rows = _rows(num_rows)
        columns = num_rows if num_columns is None else num_columns
        self._num_columns, self._known_columns = _rows(columns, "num_columns")
        self._batch = None if batch_shape is None else convert(batch_shape, "batch_shape_arg", dtypes.int32)
        super().__init__(dtype or dtypes.float32, [], **_hints(locals()))

    def _batch_static(self):
        return TensorShape([]) if self._batch is None else tensor_util.constant_value_as_shape(self._batch)

    def _shape(self):
        return self._batch_static().concatenate([self._known_rows, self._known_columns])

    def _shape_tensor(self):
        batch = array_ops.zeros([0], dtypes.int32) if self._batch is None else self._batch
        return array_ops.concat([batch, [self._num_rows, self._num_columns]], axis=0)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return math_ops.matmul(self.to_dense(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _to_dense(self):
        return array_ops.zeros(self.shape_tensor(), self.dtype)

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The matrices plus MAT."""
        return super().add_to_tensor(mat, name)

    def _determinant(self):
        return array_ops.zeros(self.batch_shape_tensor(), self.dtype)

    def _assert_non_singular(self):
        raise errors.InvalidArgumentError(None, None, "Zero operators are always non-invertible.")


@tf_export("linalg.LinearOperatorHouseholder")
class LinearOperatorHouseholder(LinearOperator):
    """The reflection at the hyperplane that is orthogonal to a vector."""

    def __init__(self, reflection_axis, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=None, name="LinearOperatorHouseholder"):  # fmt: skip
        self._axis = convert(reflection_axis, "reflection_axis")
        if is_self_adjoint is False or is_positive_definite or is_non_singular is False or is_square is False:
            raise ValueError(
                "A Householder operator is always self adjoint, non-singular and square, never positive definite."
            )
        is_self_adjoint, is_positive_definite, is_square = True, False, True
        super().__init__(self._axis.dtype, [self._axis], **_hints(locals()))

    reflection_axis = property(lambda self: self._axis, doc="The vector.")

    def _shape(self):
        return _square(self._axis)

    def _shape_tensor(self):
        return _square_tensor(self._axis)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = adjoint_of(x) if adjoint_arg else x
        unit = self._axis / linalg_ops.norm(self._axis, axis=-1, keepdims=True)
        column = array_ops.expand_dims(unit, -1)
        return x - 2 * column * math_ops.matmul(column, x, adjoint_a=True)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _inverse(self):
        return self

    def _trace(self):
        size = math_ops.cast(self.domain_dimension_tensor(), self.dtype)
        return (size - 2) * array_ops.ones(self.batch_shape_tensor(), self.dtype)

    def _determinant(self):
        return -array_ops.ones(self.batch_shape_tensor(), self.dtype)

    def _log_abs_determinant(self):
        return array_ops.zeros(self.batch_shape_tensor(), self.dtype)

    def _eigvals(self):
        n = self.domain_dimension_tensor()
        shape = array_ops.concat([self.batch_shape_tensor(), [n - 1]], axis=0)
        one = array_ops.concat([self.batch_shape_tensor(), [1]], axis=0)
        return array_ops.concat([-array_ops.ones(one, self.dtype), array_ops.ones(shape, self.dtype)], axis=-1)

    def _cond(self):
        return array_ops.ones(self.batch_shape_tensor(), self.dtype)


@tf_export("linalg.LinearOperatorToeplitz")
class LinearOperatorToeplitz(LinearOperator):
    """A matrix whose diagonals are constant: its first column and its first row."""

    def __init__(self, col, row, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorToeplitz"):  # fmt: skip
        self._row, self._col = convert(row, "row"), convert(col, "col")
        if is_square is False:
            raise ValueError("Only square Toeplitz operators currently supported.")
        is_square = True
        super().__init__(self._row.dtype, [self._row, self._col], **_hints(locals()))

    row = property(lambda self: self._row, doc="The first row.")
    col = property(lambda self: self._col, doc="The first column.")

    def _shape(self):
        shape = array_ops.broadcast_static_shape(self._row.shape, self._col.shape)
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self):
        shape = array_ops.broadcast_dynamic_shape(array_ops.shape(self._row), array_ops.shape(self._col))
        return array_ops.concat([shape, shape[-1:]], axis=0)

    def _to_dense(self):
        shape = array_ops.broadcast_dynamic_shape(array_ops.shape(self._row), array_ops.shape(self._col))
        row, col = gen_ops.broadcast_to(self._row, shape), gen_ops.broadcast_to(self._col, shape)
        n = shape[-1]
        # Element (i, j) lies on diagonal j - i: the columns' elements backwards, then the row's without its first.
        diagonals = array_ops.concat([array_ops.reverse(col, [-1]), row[..., 1:]], axis=-1)
        numbers = math_ops.range(n)
        places = n - 1 + array_ops.expand_dims(numbers, 0) - array_ops.expand_dims(numbers, 1)
        return array_ops.gather(diagonals, places, axis=-1)

    def _diag_part(self):
        return self._col[..., :1] + array_ops.zeros(self.shape_tensor()[:-1], self.dtype)

    def _trace(self):
        return math_ops.cast(self.domain_dimension_tensor(), self.dtype) * (
            self._col[..., 0] + array_ops.zeros(self.batch_shape_tensor(), self.dtype)
        )
