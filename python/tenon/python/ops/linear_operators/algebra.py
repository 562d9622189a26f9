"""Products of operators that are simpler than a composition."""

from tenon.python.ops import math_ops
from tenon.python.ops.linear_operators.compound import LinearOperatorComposition
from tenon.python.ops.linear_operators.simple import (
    LinearOperatorDiag,
    LinearOperatorIdentity,
    LinearOperatorScaledIdentity,
    LinearOperatorZeros,
)


def _both(left, right, hint):
    a, b = getattr(left, hint), getattr(right, hint)
    return True if a and b else None


def matmul(left, right):
    """The product of two operators, an operator."""
    if isinstance(left, LinearOperatorIdentity):
        return right
    if isinstance(right, LinearOperatorIdentity):
        return left
    if isinstance(left, LinearOperatorZeros) and left.is_square:
        return left
    if isinstance(right, LinearOperatorZeros) and right.is_square:
        return right
    hints = [_both(left, right, hint) for hint in ("is_non_singular", "is_self_adjoint", "is_positive_definite")]
    if isinstance(left, LinearOperatorDiag) and isinstance(right, LinearOperatorDiag):
        return LinearOperatorDiag(left.diag * right.diag, *hints, True)
    if isinstance(left, LinearOperatorScaledIdentity) and isinstance(right, LinearOperatorScaledIdentity):
        rows = left.domain_dimension_tensor() if left._known_rows is None else left._known_rows
        return LinearOperatorScaledIdentity(rows, math_ops.multiply(left.multiplier, right.multiplier), hints[0])
    return LinearOperatorComposition([left, right], _both(left, right, "is_non_singular"),
                                     is_square=_both(left, right, "is_square"))  # fmt: skip
