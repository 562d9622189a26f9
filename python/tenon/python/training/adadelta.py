"""Adadelta."""

from tenon.python.framework import ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.AdadeltaOptimizer")
class AdadeltaOptimizer(optimizer.Optimizer):
    """Steps scaled by the ratio of running means of squared updates and squared gradients."""

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-8, use_locking=False, name="Adadelta"):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "accum", self._name)
            self._zeros_slot(v, "accum_update", self._name)

    def _prepare(self):
        lr, rho, epsilon = map(self._call_if_callable, (self._lr, self._rho, self._epsilon))
        self._lr_t = ops.convert_to_tensor(lr, name="lr")
        self._rho_t = ops.convert_to_tensor(rho, name="rho")
        self._epsilon_t = ops.convert_to_tensor(epsilon, name="epsilon")

    def _update(self, op, var, *gradient):
        slots = self.get_slot(var, "accum"), self.get_slot(var, "accum_update")
        values = [self._cast(x, var) for x in (self._lr_t, self._rho_t, self._epsilon_t)]
        return self._run(op, var, slots, (*values, *gradient))

    def _apply_dense(self, grad, var):
        return self._update("apply_adadelta", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_apply_adadelta", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_apply_adadelta", var, grad, indices)
