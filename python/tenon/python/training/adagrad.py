"""Adagrad."""

from tenon.python.framework import ops
from tenon.python.ops import init_ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


def accumulator_slot(self, var, value):
    """The slot "accumulator", filled with VALUE."""
    dtype = var.dtype.base_dtype
    initializer = init_ops.constant_initializer(value, dtype=dtype)
    self._get_or_make_slot_with_initializer(var, initializer, var.get_shape(), dtype, "accumulator", self._name)


@tf_export("train.AdagradOptimizer")
class AdagradOptimizer(optimizer.Optimizer):
    """Steps divided by the root of the sum of squared gradients so far."""

    def __init__(self, learning_rate, initial_accumulator_value=0.1, use_locking=False, name="Adagrad"):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._learning_rate_tensor = None

    def _create_slots(self, var_list):
        for v in var_list:
            accumulator_slot(self, v, self._initial_accumulator_value)

    def _prepare(self):
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = ops.convert_to_tensor(rate, name="learning_rate")

    def _update(self, op, var, *gradient):
        slots = (self.get_slot(var, "accumulator"),)
        return self._run(op, var, slots, (self._cast(self._learning_rate_tensor, var), *gradient))

    def _apply_dense(self, grad, var):
        return self._update("apply_adagrad", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_apply_adagrad", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_apply_adagrad", var, grad, indices)
