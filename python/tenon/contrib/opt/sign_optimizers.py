"""Steps that are larger where the gradient agrees with its running mean (Bello et al., 2017, arXiv 1709.07417)."""

import math

from tenon.python.framework import ops
from tenon.python.ops import array_ops, control_flow_ops, math_ops, state_ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


class _SignOptimizer(optimizer.Optimizer):
    def __init__(self, learning_rate, beta, sign_decay_fn, use_locking, name):
        super().__init__(use_locking, name)
        self._lr, self._beta, self._sign_decay_fn = learning_rate, beta, sign_decay_fn
        self._sign_decay_t = None

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        if self._sign_decay_fn is not None:
            self._sign_decay_t = ops.convert_to_tensor(self._sign_decay_fn(global_step), name="sign_decay")
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "m", self._name)

    def _prepare(self):
        self._lr_t = ops.convert_to_tensor(self._lr, name="learning_rate")
        self._beta_t = ops.convert_to_tensor(self._beta, name="beta")
        if self._sign_decay_fn is None:
            self._sign_decay_t = ops.convert_to_tensor(1.0, name="sign_decay")

    def _run_dense(self, op, extra, grad, var):
        values = [self._cast(x, var) for x in (self._lr_t, extra, self._sign_decay_t, self._beta_t)]
        return self._run(op, var, (self.get_slot(var, "m"),), (*values, grad))

    def _run_sparse(self, grad, var):
        """The step of the rows of GRAD (IndexedSlices), by _factor of the agreement of signs."""
        beta, m = self._cast(self._beta_t, var), self.get_slot(var, "m")
        new_m = state_ops.assign(m, m * beta + ops.convert_to_tensor(grad) * (1 - beta), use_locking=self._use_locking)
        agreement = array_ops.gather(math_ops.sign(new_m), grad.indices) * math_ops.sign(grad.values)
        factor = self._factor(self._cast(self._sign_decay_t, var) * agreement, var)
        step = self._cast(self._lr_t, var) * factor * grad.values
        update = state_ops.scatter_sub(var, grad.indices, step, use_locking=self._use_locking)
        return control_flow_ops.group(update, new_m)

    def _apply_sparse(self, grad, var):
        return self._run_sparse(grad, var)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._run_sparse(ops.IndexedSlices(grad, indices, array_ops.shape(var)), var)


@tf_export("contrib.opt.AddSignOptimizer")
class AddSignOptimizer(_SignOptimizer):
    """var -= lr * (alpha + decay * sign(g) * sign(m)) * g."""

    def __init__(self, learning_rate=0.1, alpha=1.0, beta=0.9, sign_decay_fn=None, use_locking=False,
                 name="AddSignOptimizer"):  # fmt: skip
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _prepare(self):
        super()._prepare()
        self._alpha_t = ops.convert_to_tensor(self._alpha, name="alpha")

    def _factor(self, agreement, var):
        return self._cast(self._alpha_t, var) + agreement

    def _apply_dense(self, grad, var):
        return self._run_dense("apply_add_sign", self._alpha_t, grad, var)

    _resource_apply_dense = _apply_dense


@tf_export("contrib.opt.PowerSignOptimizer")
class PowerSignOptimizer(_SignOptimizer):
    """var -= lr * base ** (decay * sign(g) * sign(m)) * g."""

    def __init__(self, learning_rate=0.1, base=math.e, beta=0.9, sign_decay_fn=None, use_locking=False,
                 name="PowerSignOptimizer"):  # fmt: skip
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._logbase = math.log(base)

    def _prepare(self):
        super()._prepare()
        self._logbase_t = ops.convert_to_tensor(self._logbase, name="logbase")

    def _factor(self, agreement, var):
        return math_ops.exp(self._cast(self._logbase_t, var) * agreement)

    def _apply_dense(self, grad, var):
        return self._run_dense("apply_power_sign", self._logbase_t, grad, var)

    _resource_apply_dense = _apply_dense
