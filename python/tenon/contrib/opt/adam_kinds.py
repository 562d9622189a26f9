"""Kinds of Adam: by the greatest gradient, lazy in sparse rows, with Nesterov's step, counted by the global step."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops, state_ops
from tenon.python.training import adam, optimizer
from tenon.python.util.tf_export import tf_export


class _SparseAdam(adam.AdamOptimizer):
    """Adam whose update of some rows is one function of values and indices: _sparse."""

    def _constants(self, var):
        """(the powers of beta1 and beta2, learning rate, beta1, beta2, epsilon) in the dtype of VAR."""
        values = (*self._get_beta_accumulators(), self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)
        return [self._cast(value, var) for value in values]

    def _apply_sparse(self, grad, var):
        return self._sparse(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._sparse(grad, var, indices)

    def _set(self, variable, indices, rows):
        """Sets rows of a variable of either kind."""
        if optimizer._is_resource(variable):
            return gen_ops.resource_scatter_update(variable.handle, indices, rows)
        return state_ops.scatter_update(variable, indices, rows, use_locking=self._use_locking).op

    def _add(self, variable, indices, rows):
        """Adds to rows of a variable of either kind."""
        if optimizer._is_resource(variable):
            return gen_ops.resource_scatter_add(variable.handle, indices, rows)
        return state_ops.scatter_add(variable, indices, rows, use_locking=self._use_locking).op


@tf_export("contrib.opt.AdaMaxOptimizer")
class AdaMaxOptimizer(_SparseAdam):
    """Adam by the greatest recent gradient in place of the mean of squares (arXiv 1412.6980, section 7.1)."""

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False, name="AdaMax"):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _get_beta_accumulators(self):
        return (self._get_non_slot_variable("beta1_power", graph=ops.get_default_graph()),)

    def _create_slots(self, var_list):
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(self._call_if_callable(self._beta1), name="beta1_power", colocate_with=first)
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _apply_dense(self, grad, var):
        slots = self.get_slot(var, "m"), self.get_slot(var, "v")
        return self._run("apply_ada_max", var, slots, (*self._constants(var), grad))

    _resource_apply_dense = _apply_dense

    def _sparse(self, grad, var, indices):
        power, lr, beta1, beta2, epsilon = self._constants(var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = array_ops.gather(m, indices) * beta1 + grad * (1 - beta1)
        v_rows = math_ops.maximum(array_ops.gather(v, indices) * beta2, math_ops.abs(grad))
        step = -lr / (1 - power) * (m_rows / (v_rows + epsilon))
        with ops.control_dependencies([m_rows, v_rows, step]):
            return control_flow_ops.group(
                self._add(var, indices, step), self._set(m, indices, m_rows), self._set(v, indices, v_rows)
            )

    def _finish(self, update_ops, name_scope):
        with ops.control_dependencies(update_ops):
            (power,) = self._get_beta_accumulators()
            with ops.colocate_with(power):
                update = power.assign(power * self._beta1_t, use_locking=self._use_locking)
        return control_flow_ops.group(*update_ops, update, name=name_scope)


class _LazySparse:
    """Rows that get no gradient keep their means as they are."""

    def _sparse(self, grad, var, indices):
        power1, power2, lr, beta1, beta2, epsilon = self._constants(var)
        rate = lr * math_ops.sqrt(1 - power2) / (1 - power1)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = beta1 * array_ops.gather(m, indices) + (1 - beta1) * grad
        v_rows = beta2 * array_ops.gather(v, indices) + (1 - beta2) * math_ops.square(grad)
        step = -rate * m_rows / (math_ops.sqrt(v_rows) + epsilon)
        with ops.control_dependencies([m_rows, v_rows, step]):
            return control_flow_ops.group(
                self._add(var, indices, step), self._set(m, indices, m_rows), self._set(v, indices, v_rows)
            )


@tf_export("contrib.opt.LazyAdamOptimizer")
class LazyAdamOptimizer(_LazySparse, _SparseAdam):
    """Adam that touches only the rows of a sparse gradient."""


class _ByGlobalStep:
    """Powers of the betas by the global step, so that there are no variables for them."""

    def __init__(self, global_step=0, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False,
                 name="Adam"):  # fmt: skip
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)
        self._global_step = global_step

    def _get_beta_accumulators(self):
        return math_ops.pow(self._beta1_t, self._steps), math_ops.pow(self._beta2_t, self._steps)

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _prepare(self):
        super()._prepare()
        self._steps = math_ops.cast(array_ops.identity(self._global_step) + 1, dtypes.float32)

    def _finish(self, update_ops, name_scope):
        return control_flow_ops.group(*update_ops, name=name_scope)


@tf_export("contrib.opt.AdamGSOptimizer")
class AdamGSOptimizer(_ByGlobalStep, adam.AdamOptimizer):
    """Adam that counts steps by GLOBAL_STEP."""


@tf_export("contrib.opt.LazyAdamGSOptimizer")
class LazyAdamGSOptimizer(_ByGlobalStep, _LazySparse, _SparseAdam):
    """LazyAdamOptimizer that counts steps by GLOBAL_STEP."""


@tf_export("contrib.opt.NadamOptimizer")
class NadamOptimizer(_SparseAdam):
    """Adam with Nesterov's momentum (Dozat, 2015)."""

    def _apply_dense(self, grad, var):
        slots = self.get_slot(var, "m"), self.get_slot(var, "v")
        return self._run("apply_adam", var, slots, (*self._constants(var), grad), {"use_nesterov": True})

    _resource_apply_dense = _apply_dense

    def _sparse(self, grad, var, indices):
        power1, power2, lr, beta1, beta2, epsilon = self._constants(var)
        rate = lr * math_ops.sqrt(1 - power2) / (1 - power1)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_part, v_part = grad * (1 - beta1), grad * grad * (1 - beta2)
        decayed = [state_ops.assign(slot, slot * beta, use_locking=self._use_locking)
                   for slot, beta in ((m, beta1), (v, beta2))]  # fmt: skip
        with ops.control_dependencies(decayed):
            added = [self._add(m, indices, m_part), self._add(v, indices, v_part)]
        with ops.control_dependencies(added):
            m_rows, v_rows = array_ops.gather(m.read_value(), indices), array_ops.gather(v.read_value(), indices)
            step = -rate * (m_part + beta1 * m_rows) / (math_ops.sqrt(v_rows) + epsilon)
            return control_flow_ops.group(self._add(var, indices, step), *added)
