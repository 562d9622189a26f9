"""Circulant operators: what the Fourier transform makes diagonal."""

from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops
from tenon.python.ops.linear_operators.base import LinearOperator, adjoint_of, convert
from tenon.python.util.tf_export import tf_export


class _Circulant(LinearOperator):
    """An operator of a spectrum, [..., N0, N1...], over DEPTH dimensions."""

    def _start(self, spectrum, depth, input_output_dtype, hints, name):
        self._spectrum, self._depth = convert(spectrum, "spectrum"), depth
        is_non_singular, is_self_adjoint, is_positive_definite, is_square = hints
        if is_square is False:
            raise ValueError("A [[nested] block] circulant operator is always square.")
        if not self._spectrum.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real spectrum always corresponds to a self-adjoint operator.")
            is_self_adjoint = True
        if self._spectrum.shape.rank is not None and self._spectrum.shape.rank < depth:
            raise ValueError(f"Argument spectrum must have at least {depth} dimensions.")
        super().__init__(dtypes.as_dtype(input_output_dtype), [self._spectrum], is_non_singular, is_self_adjoint,
                         is_positive_definite, True, name)  # fmt: skip

    spectrum = property(lambda self: self._spectrum, doc="The eigenvalues.")
    block_depth = property(lambda self: self._depth, doc="The number of dimensions of the Fourier transform.")

    @property
    def block_shape(self):
        """The static shape of the last dimensions of the spectrum."""
        return self._spectrum.shape[-self._depth :]

    def block_shape_tensor(self):
        """The shape of the last dimensions of the spectrum."""
        return array_ops.shape(self._spectrum)[-self._depth :]

    def _shape(self):
        size = 1
        for d in self.block_shape.as_list():
            size = None if None in (size, d) else size * d
        return self._spectrum.shape[: -self._depth].concatenate([size, size])

    def _shape_tensor(self):
        size = math_ops.reduce_prod(self.block_shape_tensor())
        return array_ops.concat([array_ops.shape(self._spectrum)[: -self._depth], [size, size]], axis=0)

    def _complex(self):
        return self.dtype if self.dtype.is_complex else (
            dtypes.complex128 if self.dtype is dtypes.float64 else dtypes.complex64
        )  # fmt: skip

    def _transform(self, x, inverse=False):
        op = {1: "FFT", 2: "FFT2D", 3: "FFT3D"}[self._depth]
        return gen_ops.by_type(("I" if inverse else "") + op)(x)

    def _apply(self, x, factor):
        """X, [..., N, R], with each of its columns' transforms times FACTOR."""
        complex_x = math_ops.cast(x, self._complex())
        columns = array_ops.matrix_transpose(complex_x)  # [..., R, N]
        shape = array_ops.shape(columns)
        blocks = array_ops.reshape(columns, array_ops.concat([shape[:-1], self.block_shape_tensor()], axis=0))
        product = self._transform(blocks) * array_ops.expand_dims(factor, -1 - self._depth)
        made = self._transform(product, inverse=True)
        full = array_ops.shape(made)[: -self._depth]
        flat = array_ops.reshape(made, array_ops.concat([full, shape[-1:]], axis=0))
        result = array_ops.matrix_transpose(flat)
        return math_ops.cast(math_ops.real(result) if not self.dtype.is_complex else result, self.dtype)

    def _factor(self, adjoint):
        spectrum = math_ops.cast(self._spectrum, self._complex())
        return math_ops.conj(spectrum) if adjoint else spectrum

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._apply(adjoint_of(x) if adjoint_arg else x, self._factor(adjoint))

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._apply(adjoint_of(rhs) if adjoint_arg else rhs, 1 / self._factor(adjoint))

    def _flat(self):
        """The spectrum as vectors."""
        shape = array_ops.shape(self._spectrum)
        return array_ops.reshape(self._spectrum, array_ops.concat([shape[: -self._depth], [-1]], axis=0))

    def _as_own(self, x):
        return math_ops.cast(math_ops.real(x) if x.dtype.is_complex and not self.dtype.is_complex else x, self.dtype)

    def _determinant(self):
        return self._as_own(math_ops.reduce_prod(self._flat(), axis=-1))

    def _log_abs_determinant(self):
        return self._as_own(math_ops.reduce_sum(math_ops.log(math_ops.abs(self._flat())), axis=-1))

    def _eigvals(self):
        return math_ops.cast(self._flat(), self._complex())

    def _trace(self):
        return self._as_own(math_ops.reduce_sum(self._flat(), axis=-1))

    def _diag_part(self):
        size = self.domain_dimension_tensor()
        mean = self.trace() / math_ops.cast(size, self.dtype)
        shape = array_ops.concat([self.batch_shape_tensor(), [size]], axis=0)
        return array_ops.expand_dims(mean, -1) * array_ops.ones(shape, self.dtype)

    def _cond(self):
        values = math_ops.abs(self._flat())
        return math_ops.reduce_max(values, axis=-1) / math_ops.reduce_min(values, axis=-1)

    def convolution_kernel(self, name="convolution_kernel"):
        """The kernel that it convolves with: the spectrum's inverse transform."""
        with self._scope(name):
            kernel = self._transform(math_ops.cast(self._spectrum, self._complex()), inverse=True)
            return math_ops.cast(kernel, self.dtype) if self.dtype.is_complex else math_ops.real(kernel)

    def assert_hermitian_spectrum(self, name="assert_hermitian_spectrum"):
        """An operation that fails unless the operator is real."""
        with self._scope(name):
            kernel = self._transform(math_ops.cast(self._spectrum, self._complex()), inverse=True)
            imaginary = math_ops.abs(math_ops.imag(kernel))
            return check_ops.assert_near(imaginary, array_ops.zeros_like(imaginary),
                                         message="Spectrum was not Hermitian")  # fmt: skip

    def _assert_non_singular(self):
        values = math_ops.abs(self._flat())
        return check_ops.assert_positive(values, message="Singular operator: an eigenvalue is 0")

    def _assert_positive_definite(self):
        return check_ops.assert_positive(math_ops.real(self._flat()), message="Not positive definite operator")


@tf_export("linalg.LinearOperatorCirculant")
class LinearOperatorCirculant(_Circulant):
    """A circulant matrix, by its spectrum."""

    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=True, name="LinearOperatorCirculant"):  # fmt: skip
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        self._start(spectrum, 1, input_output_dtype, hints, name)


@tf_export("linalg.LinearOperatorCirculant2D")
class LinearOperatorCirculant2D(_Circulant):
    """A block circulant matrix, by its spectrum."""

    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=True, name="LinearOperatorCirculant2D"):  # fmt: skip
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        self._start(spectrum, 2, input_output_dtype, hints, name)


@tf_export("linalg.LinearOperatorCirculant3D")
class LinearOperatorCirculant3D(_Circulant):
    """A nested block circulant matrix, by its spectrum."""

    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=True, name="LinearOperatorCirculant3D"):  # fmt: skip
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        self._start(spectrum, 3, input_output_dtype, hints, name)
