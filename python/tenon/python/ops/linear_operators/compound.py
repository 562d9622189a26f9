"""Operators made of operators: products, blocks, Kronecker products, updates of low rank."""

from functools import reduce

from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.ops.linear_operators.base import LinearOperator, adjoint_of, broadcast_batch, convert, is_all
from tenon.python.ops.linear_operators.simple import LinearOperatorDiag, LinearOperatorIdentity
from tenon.python.util.tf_export import tf_export


def _checked(operators, what):
    operators = list(operators)
    if not operators:
        raise ValueError(f"Argument `operators` must be a list of >=1 operators. Received: {operators}.")
    if len({op.dtype for op in operators}) > 1:
        found = " ".join(f"{op.name}:{op.dtype.name}" for op in operators)
        raise TypeError(f"Expected all operators of a {what} to have the same dtype, found: {found}")
    return operators


def _named(operators, between, name):
    return between.join(op.name for op in operators) if name is None else name


def _static_batch(operators):
    return reduce(array_ops.broadcast_static_shape, [op.batch_shape for op in operators])


def _batch(operators):
    return reduce(array_ops.broadcast_dynamic_shape, [op.batch_shape_tensor() for op in operators])


def _parents(operators):
    return [parent for op in operators for parent in op.graph_parents]


@tf_export("linalg.LinearOperatorComposition")
class LinearOperatorComposition(LinearOperator):
    """The product of operators, the last of which is applied first."""

    def __init__(self, operators, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name=None):  # fmt: skip
        self._operators = _checked(operators, "composition")
        if all(op.is_non_singular for op in self._operators):
            if is_non_singular is False:
                raise ValueError("The composition of non-singular operators is always non-singular.")
            is_non_singular = True
        super().__init__(self._operators[0].dtype, _parents(self._operators), is_non_singular, is_self_adjoint,
                         is_positive_definite, is_square, _named(self._operators, "_o_", name))  # fmt: skip

    operators = property(lambda self: self._operators, doc="The operators.")

    def _shape(self):
        for a, b in zip(self._operators, self._operators[1:]):
            self._agree(a.shape, -1, b.shape, -2)
        first, last = self._operators[0].shape, self._operators[-1].shape
        if first.rank is None or last.rank is None:
            return TensorShape(None)
        return _static_batch(self._operators).concatenate([first[-2], last[-1]])

    def _shape_tensor(self):
        first, last = self._operators[0].shape_tensor(), self._operators[-1].shape_tensor()
        return array_ops.concat([_batch(self._operators), first[-2:-1], last[-1:]], axis=0)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = adjoint_of(x) if adjoint_arg else x
        for op in self._operators if adjoint else reversed(self._operators):
            x = op.matmul(x, adjoint=adjoint)
        return x

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        for op in reversed(self._operators) if adjoint else self._operators:
            rhs = op.solve(rhs, adjoint=adjoint)
        return rhs

    def _determinant(self):
        return reduce(lambda a, b: a * b, [op.determinant() for op in self._operators])

    def _log_abs_determinant(self):
        return reduce(lambda a, b: a + b, [op.log_abs_determinant() for op in self._operators])


@tf_export("linalg.LinearOperatorBlockDiag")
class LinearOperatorBlockDiag(LinearOperator):
    """Operators along the diagonal."""

    def __init__(self, operators, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=True,
                 name=None):  # fmt: skip
        self._operators = _checked(operators, "block diagonal")
        kinds = [is_non_singular, is_self_adjoint, is_positive_definite]
        for i, hint in enumerate(("is_non_singular", "is_self_adjoint", "is_positive_definite")):
            if all(getattr(op, hint) for op in self._operators):
                if kinds[i] is False:
                    raise ValueError(f"The diagonal of operators with {hint} always has {hint}.")
                kinds[i] = True
        super().__init__(self._operators[0].dtype, _parents(self._operators), *kinds, is_square,
                         _named(self._operators, "_ds_", name))  # fmt: skip

    operators = property(lambda self: self._operators, doc="The operators.")

    def _sizes(self, dim):
        found = [op.shape[dim].value if hasattr(op.shape[dim], "value") else op.shape[dim] for op in self._operators]
        return found if None not in found else [op.shape_tensor()[dim] for op in self._operators]

    def _shape(self):
        if any(op.shape.rank is None for op in self._operators):
            return TensorShape(None)
        sizes = [[op.shape.as_list()[dim] for op in self._operators] for dim in (-2, -1)]
        return _static_batch(self._operators).concatenate([None if None in s else sum(s) for s in sizes])

    def _shape_tensor(self):
        sizes = [sum(op.shape_tensor()[dim] for op in self._operators) for dim in (-2, -1)]
        return array_ops.concat([_batch(self._operators), array_ops.stack(sizes)], axis=0)

    def _each(self, x, dim, method, adjoint, adjoint_arg):
        """METHOD of each operator for its part of the rows of X."""
        x = adjoint_of(x) if adjoint_arg else x
        parts = array_ops.split(x, self._sizes(dim), axis=-2)
        results = [getattr(op, method)(part, adjoint=adjoint) for op, part in zip(self._operators, parts)]
        batch = reduce(array_ops.broadcast_dynamic_shape, [array_ops.shape(y)[:-2] for y in results])
        static = reduce(array_ops.broadcast_static_shape, [y.shape[:-2] for y in results])
        batch = static if static.is_fully_defined() else batch
        return array_ops.concat([broadcast_batch(y, batch) for y in results], axis=-2)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._each(x, -2 if adjoint else -1, "matmul", adjoint, adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._each(rhs, -1 if adjoint else -2, "solve", adjoint, adjoint_arg)

    def _determinant(self):
        return reduce(lambda a, b: a * b, [op.determinant() for op in self._operators])

    def _log_abs_determinant(self):
        return reduce(lambda a, b: a + b, [op.log_abs_determinant() for op in self._operators])

    def _trace(self):
        return reduce(lambda a, b: a + b, [op.trace() for op in self._operators])

    def _joined(self, vectors):
        batch = _batch(self._operators)
        vectors = [broadcast_batch(array_ops.expand_dims(v, -1), batch) for v in vectors]
        return array_ops.squeeze(array_ops.concat(vectors, axis=-2), -1)

    def _diag_part(self):
        return self._joined([op.diag_part() for op in self._operators])

    def _eigvals(self):
        return self._joined([op.eigvals() for op in self._operators])

    def _inverse(self):
        return LinearOperatorBlockDiag([op.inverse() for op in self._operators], True, self.is_self_adjoint,
                                       self.is_positive_definite)  # fmt: skip

    def _adjoint(self):
        return LinearOperatorBlockDiag([op.adjoint() for op in self._operators], self.is_non_singular,
                                       self.is_self_adjoint, self.is_positive_definite)  # fmt: skip

    def _cholesky(self):
        return LinearOperatorBlockDiag([op.cholesky() for op in self._operators], is_non_singular=True)


@tf_export("linalg.LinearOperatorKronecker")
class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product of operators."""

    def __init__(self, operators, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name=None):  # fmt: skip
        self._operators = _checked(operators, "Kronecker product")
        hints = [is_non_singular, is_self_adjoint, is_positive_definite, is_square]
        for i, hint in enumerate(("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")):
            if is_all(getattr(op, hint) for op in self._operators):
                if hints[i] is False:
                    raise ValueError(f"The Kronecker product of operators with {hint} always has {hint}.")
                hints[i] = True
        super().__init__(self._operators[0].dtype, _parents(self._operators), *hints,
                         _named(self._operators, "_x_", name))  # fmt: skip

    operators = property(lambda self: self._operators, doc="The operators.")

    def _shape(self):
        if any(op.shape.rank is None for op in self._operators):
            return TensorShape(None)
        sizes = [[op.shape.as_list()[dim] for op in self._operators] for dim in (-2, -1)]
        product = lambda s: None if None in s else reduce(lambda a, b: a * b, s)  # noqa: E731
        return _static_batch(self._operators).concatenate([product(s) for s in sizes])

    def _shape_tensor(self):
        sizes = [reduce(lambda a, b: a * b, [op.shape_tensor()[dim] for op in self._operators]) for dim in (-2, -1)]
        return array_ops.concat([_batch(self._operators), array_ops.stack(sizes)], axis=0)

    def _each(self, x, method, adjoint, adjoint_arg):
        """METHOD of each operator along its own dimension of the rows of X: one after the other to the front."""
        x = adjoint_of(x) if adjoint_arg else x
        output = x
        columns = array_ops.shape(x)[-1]
        for op in self._operators:
            rows = op.shape_tensor()[-2 if (method == "solve") != adjoint else -1]
            shape = array_ops.shape(output)
            # [..., rows, rest]: the operator goes over rows, and what it made moves behind the rest.
            rest = shape[-2] * shape[-1] // rows
            output = array_ops.reshape(output, array_ops.concat([shape[:-2], [rows, rest]], axis=0))
            output = getattr(op, method)(output, adjoint=adjoint)
            output = array_ops.matrix_transpose(output)
        # The dimensions are now [columns, rows of the first, ..., rows of the last].
        shape = array_ops.shape(output)
        total = shape[-2] * shape[-1]
        output = array_ops.reshape(output, array_ops.concat([shape[:-2], [columns, total // columns]], axis=0))
        return array_ops.matrix_transpose(output)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._each(x, "matmul", adjoint, adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._each(rhs, "solve", adjoint, adjoint_arg)

    def _powers(self):
        """Each operator and how often it comes in the product's determinant."""
        total = self.domain_dimension_tensor()
        return [(op, math_ops.cast(total // op.domain_dimension_tensor(), self.dtype)) for op in self._operators]

    def _determinant(self):
        return reduce(lambda a, b: a * b, [op.determinant() ** power for op, power in self._powers()])

    def _log_abs_determinant(self):
        return reduce(lambda a, b: a + b, [op.log_abs_determinant() * power for op, power in self._powers()])

    def _trace(self):
        return reduce(lambda a, b: a * b, [op.trace() for op in self._operators])

    def _outer(self, vectors):
        result = vectors[0]
        for v in vectors[1:]:
            both = array_ops.expand_dims(result, -1) * array_ops.expand_dims(v, -2)
            result = array_ops.reshape(both, array_ops.concat([array_ops.shape(both)[:-2], [-1]], axis=0))
        return result

    def _diag_part(self):
        return self._outer([op.diag_part() for op in self._operators])

    def _eigvals(self):
        return self._outer([op.eigvals() for op in self._operators])

    def _inverse(self):
        return LinearOperatorKronecker([op.inverse() for op in self._operators], is_non_singular=True)

    def _adjoint(self):
        return LinearOperatorKronecker([op.adjoint() for op in self._operators])

    def _cholesky(self):
        return LinearOperatorKronecker([op.cholesky() for op in self._operators], is_non_singular=True)


@tf_export("linalg.LinearOperatorLowRankUpdate")
class LinearOperatorLowRankUpdate(LinearOperator):
    """L + U D V^H: an operator, and a change of it of low rank."""

    def __init__(self, base_operator, u, diag_update=None, v=None, is_diag_update_positive=None, is_non_singular=None,
                 is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorLowRankUpdate"):  # fmt: skip
        if (
            is_diag_update_positive
            and is_positive_definite is False
            or diag_update is None
            and is_diag_update_positive is False
        ):
            raise ValueError("hints contradict each other")
        if diag_update is None:
            is_diag_update_positive = True
        self._base, self._u = base_operator, convert(u, "u")
        self._v = self._u if v is None else convert(v, "v")
        self._diag_update = None if diag_update is None else convert(diag_update, "diag_update")
        self._is_diag_update_positive = is_diag_update_positive
        if (
            v is None
            and base_operator.is_positive_definite
            and base_operator.is_self_adjoint
            and is_diag_update_positive
        ):
            is_positive_definite, is_self_adjoint, is_non_singular = True, True, True
        elif v is None and base_operator.is_self_adjoint and is_self_adjoint is None and not self._u.dtype.is_complex:
            is_self_adjoint = True
        if base_operator.is_square:
            is_square = True
        if diag_update is None:
            rank = self._u.shape.as_list()[-1] if self._u.shape.rank is not None else None
            rank = array_ops.shape(self._u)[-1] if rank is None else rank
            self._diag_operator = LinearOperatorIdentity(rank, dtype=self._u.dtype)
        else:
            self._diag_operator = LinearOperatorDiag(self._diag_update, is_positive_definite=is_diag_update_positive)
        super().__init__(base_operator.dtype, [*base_operator.graph_parents, self._u, self._v], is_non_singular,
                         is_self_adjoint, is_positive_definite, is_square, name)  # fmt: skip

    base_operator = property(lambda self: self._base, doc="L.")
    u = property(lambda self: self._u, doc="U.")
    v = property(lambda self: self._v, doc="V.")
    diag_update = property(lambda self: self._diag_update, doc="The diagonal of D, None for the identity.")
    diag_operator = property(lambda self: self._diag_operator, doc="D.")
    is_diag_update_positive = property(lambda self: self._is_diag_update_positive, doc="Whether D is positive.")

    def _shape(self):
        batch = array_ops.broadcast_static_shape(self._base.batch_shape, self._diag_operator.batch_shape)
        batch = reduce(array_ops.broadcast_static_shape, [batch, self._u.shape[:-2], self._v.shape[:-2]])
        return batch.concatenate(self._base.shape[-2:])

    def _shape_tensor(self):
        batches = [self._base.batch_shape_tensor(), self._diag_operator.batch_shape_tensor(),
                   array_ops.shape(self._u)[:-2], array_ops.shape(self._v)[:-2]]  # fmt: skip
        batch = reduce(array_ops.broadcast_dynamic_shape, batches)
        return array_ops.concat([batch, self._base.shape_tensor()[-2:]], axis=0)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        u, v = (self._v, self._u) if adjoint else (self._u, self._v)
        low = math_ops.matmul(v, x, adjoint_a=True, adjoint_b=adjoint_arg)
        low = self._diag_operator.matmul(low, adjoint=adjoint)
        return self._base.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg) + math_ops.matmul(u, low)

    def _capacitance(self):
        """D^-1 + V^H L^-1 U."""
        return self._diag_operator.inverse().add_to_tensor(
            math_ops.matmul(self._v, self._base.solve(self._u), adjoint_a=True)
        )

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        from tenon.python.ops.linear_operators.base import solve_dense

        # The Woodbury identity.
        u, v = (self._v, self._u) if adjoint else (self._u, self._v)
        base = self._base.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        small = solve_dense(self._capacitance(), math_ops.matmul(v, base, adjoint_a=True), adjoint)
        return base - self._base.solve(math_ops.matmul(u, small), adjoint=adjoint)

    def _determinant(self):
        return (gen_ops.matrix_determinant(self._capacitance()) * self._diag_operator.determinant()
                * self._base.determinant())  # fmt: skip

    def _log_abs_determinant(self):
        _, log_abs = gen_ops.log_matrix_determinant(self._capacitance())
        return log_abs + self._diag_operator.log_abs_determinant() + self._base.log_abs_determinant()

    def _diag_part(self):
        low = math_ops.matmul(self._u, self._diag_operator.to_dense()) * math_ops.conj(self._v)
        return self._base.diag_part() + math_ops.reduce_sum(low, axis=-1)

    def _to_dense(self):
        low = math_ops.matmul(self._u, self._diag_operator.matmul(adjoint_of(self._v)))
        return self._base.add_to_tensor(low)
