"""Plain gradient descent."""

from tenon.python.framework import ops
from tenon.python.ops import gen_ops, math_ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.GradientDescentOptimizer")
class GradientDescentOptimizer(optimizer.Optimizer):
    """var -= learning_rate * gradient."""

    def __init__(self, learning_rate, use_locking=False, name="GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor = None

    def _prepare(self):
        rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = ops.convert_to_tensor(rate, name="learning_rate")

    def _apply_dense(self, grad, var):
        return self._run("apply_gradient_descent", var, (), (self._cast(self._learning_rate_tensor, var), grad))

    _resource_apply_dense = _apply_dense

    def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices):
        return gen_ops.resource_scatter_add(
            handle.handle, indices, -grad * self._cast(self._learning_rate_tensor, handle)
        )

    def _apply_sparse_duplicate_indices(self, grad, var):
        rate = math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype)
        delta = ops.IndexedSlices(grad.values * rate, grad.indices, grad.dense_shape)
        return var.scatter_sub(delta, use_locking=self._use_locking)
