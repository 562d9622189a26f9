"""The adjoint and the inverse of an operator, where its class has none of its own."""

from tenon.python.ops import array_ops, math_ops
from tenon.python.ops.linear_operators.base import LinearOperator, adjoint_of
from tenon.python.util.tf_export import tf_export

_HINTS = ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")


def _combined(operator, given, what):
    """Hints, the operator's own where none is given; ValueError where they contradict each other."""
    found = []
    for name, value in zip(_HINTS, given):
        own = getattr(operator, name)
        if value is not None and own is not None and value != own:
            raise ValueError(f"The {what} of an operator that is {name}={own} can't be {name}={value}")
        found.append(own if value is None else value)
    return found


@tf_export("linalg.LinearOperatorAdjoint")
class LinearOperatorAdjoint(LinearOperator):
    """The adjoint of an operator."""

    def __init__(self, operator, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name=None):  # fmt: skip
        self._operator = operator
        hints = _combined(operator, (is_non_singular, is_self_adjoint, is_positive_definite, is_square), "adjoint")
        super().__init__(operator.dtype, operator.graph_parents, *hints, name or operator.name + "_adjoint")

    operator = property(lambda self: self._operator, doc="The operator whose adjoint it is.")

    def _shape(self):
        shape = self._operator.shape
        return shape if shape.rank is None else shape[:-2].concatenate([shape[-1], shape[-2]])

    def _shape_tensor(self):
        shape = self._operator.shape_tensor()
        return array_ops.concat([shape[:-2], shape[-1:], shape[-2:-1]], axis=0)

    def _adjoint(self):
        return self._operator

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self):
        return math_ops.conj(self._operator.determinant())

    def _log_abs_determinant(self):
        return self._operator.log_abs_determinant()

    def _trace(self):
        return math_ops.conj(self._operator.trace())

    def _diag_part(self):
        return math_ops.conj(self._operator.diag_part())

    def _to_dense(self):
        return adjoint_of(self._operator.to_dense())

    def _cond(self):
        return self._operator.cond()


@tf_export("linalg.LinearOperatorInversion")
class LinearOperatorInversion(LinearOperator):
    """The inverse of an operator."""

    def __init__(self, operator, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name=None):  # fmt: skip
        if operator.is_square is False or is_square is False or is_non_singular is False:
            raise ValueError("The inverse is that of a square, non-singular operator.")
        self._operator = operator
        hints = _combined(operator, (is_non_singular, is_self_adjoint, is_positive_definite, is_square), "inverse")
        super().__init__(operator.dtype, operator.graph_parents, *hints, name or operator.name + "_inverse")

    operator = property(lambda self: self._operator, doc="The operator whose inverse it is.")

    def _shape(self):
        return self._operator.shape

    def _shape_tensor(self):
        return self._operator.shape_tensor()

    def _inverse(self):
        return self._operator

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self):
        return 1 / self._operator.determinant()

    def _log_abs_determinant(self):
        return -self._operator.log_abs_determinant()

    def _eigvals(self):
        return 1 / self._operator.eigvals()

    def _cond(self):
        return self._operator.cond()
