"""Adagrad with dual averaging: for sparse linear models."""

from tenon.python.framework import constant_op, ops
from tenon.python.ops import math_ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.AdagradDAOptimizer")
class AdagradDAOptimizer(optimizer.Optimizer):
    """Adagrad whose regularization is as if all updates had been made at once."""

    def __init__(self, learning_rate, global_step, initial_gradient_squared_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False,
                 name="AdagradDA"):  # fmt: skip
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError("initial_gradient_squared_accumulator_value must be positive: "
                             f"{initial_gradient_squared_accumulator_value}")  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_gradient_squared_accumulator_value = initial_gradient_squared_accumulator_value
        self._learning_rate_tensor = None
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._global_step = global_step
        self._global_step_on_worker = None

    def _create_slots(self, var_list):
        for v in var_list:
            with ops.colocate_with(v):
                shape, dtype = v.get_shape(), v.dtype.base_dtype
                zeros = constant_op.constant(0.0, shape=shape, dtype=dtype)
                start = constant_op.constant(self._initial_gradient_squared_accumulator_value, shape=shape, dtype=dtype)
            self._get_or_make_slot(v, zeros, "gradient_accumulator", self._name)
            self._get_or_make_slot(v, start, "gradient_squared_accumulator", self._name)

    def _prepare(self):
        self._learning_rate_tensor = ops.convert_to_tensor(self._learning_rate, name="learning_rate")
        with ops.colocate_with(self._learning_rate_tensor):
            from tenon.python.ops import array_ops

            self._global_step_on_worker = array_ops.identity(self._global_step) + 1

    def _update(self, op, var, *gradient):
        slots = self.get_slot(var, "gradient_accumulator"), self.get_slot(var, "gradient_squared_accumulator")
        values = (*gradient, self._cast(self._learning_rate_tensor, var),
                  self._cast(self._l1_regularization_strength, var), self._cast(self._l2_regularization_strength, var),
                  math_ops.cast(self._global_step_on_worker, "int64"))  # fmt: skip
        return self._run(op, var, slots, values)

    def _apply_dense(self, grad, var):
        return self._update("apply_adagrad_da", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_apply_adagrad_da", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_apply_adagrad_da", var, grad, indices)
