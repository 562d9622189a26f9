"""Adagrad with a proximal step for L1 and L2."""

from tenon.python.framework import ops
from tenon.python.training import adagrad, optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.ProximalAdagradOptimizer")
class ProximalAdagradOptimizer(optimizer.Optimizer):
    """Adagrad, then the step that L1 and L2 regularization ask for."""

    def __init__(self, learning_rate, initial_accumulator_value=0.1, l1_regularization_strength=0.0,
                 l2_regularization_strength=0.0, use_locking=False, name="ProximalAdagrad"):  # fmt: skip
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _create_slots(self, var_list):
        for v in var_list:
            adagrad.accumulator_slot(self, v, self._initial_accumulator_value)

    def _prepare(self):
        self._learning_rate_tensor = ops.convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor = ops.convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = ops.convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _update(self, op, var, *gradient):
        values = [self._cast(x, var) for x in (self._learning_rate_tensor, self._l1_tensor, self._l2_tensor)]
        return self._run(op, var, (self.get_slot(var, "accumulator"),), (*values, *gradient))

    def _apply_dense(self, grad, var):
        return self._update("apply_proximal_adagrad", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_apply_proximal_adagrad", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_apply_proximal_adagrad", var, grad, indices)
