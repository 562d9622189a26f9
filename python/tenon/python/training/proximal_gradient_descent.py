"""Gradient descent with a proximal step for L1 and L2."""

from tenon.python.framework import ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.ProximalGradientDescentOptimizer")
class ProximalGradientDescentOptimizer(optimizer.Optimizer):
    """Gradient descent, then the step that L1 and L2 regularization ask for."""

    def __init__(self, learning_rate, l1_regularization_strength=0.0, l2_regularization_strength=0.0,
                 use_locking=False, name="ProximalGradientDescent"):  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _prepare(self):
        self._learning_rate_tensor = ops.convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor = ops.convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = ops.convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

    def _update(self, op, var, *gradient):
        values = [self._cast(x, var) for x in (self._learning_rate_tensor, self._l1_tensor, self._l2_tensor)]
        return self._run(op, var, (), (*values, *gradient))

    def _apply_dense(self, grad, var):
        return self._update("apply_proximal_gradient_descent", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_apply_proximal_gradient_descent", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_apply_proximal_gradient_descent", var, grad, indices)
