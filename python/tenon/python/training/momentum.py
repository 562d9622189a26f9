"""Gradient descent with momentum."""

from tenon.python.framework import ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.MomentumOptimizer")
class MomentumOptimizer(optimizer.Optimizer):
    """accumulation = momentum * accumulation + gradient; var -= learning_rate * accumulation."""

    def __init__(self, learning_rate, momentum, use_locking=False, name="Momentum", use_nesterov=False):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self):
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = ops.convert_to_tensor(rate, name="learning_rate")
        momentum = self._call_if_callable(self._momentum)
        self._momentum_tensor = ops.convert_to_tensor(momentum, name="momentum")

    def _update(self, op, var, *gradient):
        values = (self._cast(self._learning_rate_tensor, var), *gradient, self._cast(self._momentum_tensor, var))
        return self._run(op, var, (self.get_slot(var, "momentum"),), values, {"use_nesterov": self._use_nesterov})

    def _apply_dense(self, grad, var):
        return self._update("apply_momentum", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_apply_momentum", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_apply_momentum", var, grad, indices)
