"""RMSProp."""

from tenon.python.framework import ops
from tenon.python.ops import init_ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.RMSPropOptimizer")
class RMSPropOptimizer(optimizer.Optimizer):
    """Steps divided by the root of a running mean of squared gradients (less the squared mean when centered)."""

    def __init__(self, learning_rate, decay=0.9, momentum=0.0, epsilon=1e-10, use_locking=False, centered=False,
                 name="RMSProp"):  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered
        self._learning_rate_tensor = self._decay_tensor = self._momentum_tensor = self._epsilon_tensor = None

    def _create_slots(self, var_list):
        for v in var_list:
            dtype = v.dtype.base_dtype
            self._get_or_make_slot_with_initializer(
                v, init_ops.ones_initializer(dtype=dtype), v.get_shape(), dtype, "rms", self._name
            )
            if self._centered:
                self._zeros_slot(v, "mg", self._name)
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self):
        lr, decay, momentum, epsilon = map(
            self._call_if_callable, (self._learning_rate, self._decay, self._momentum, self._epsilon)
        )
        self._learning_rate_tensor = ops.convert_to_tensor(lr, name="learning_rate")
        self._decay_tensor = ops.convert_to_tensor(decay, name="decay")
        self._momentum_tensor = ops.convert_to_tensor(momentum, name="momentum")
        self._epsilon_tensor = ops.convert_to_tensor(epsilon, name="epsilon")

    def _update(self, sparse, var, *gradient):
        names = ("mg", "rms", "momentum") if self._centered else ("rms", "momentum")
        op = f"{sparse}apply_{'centered_rms_prop' if self._centered else 'rms_prop'}"
        values = [
            self._cast(x, var)
            for x in (self._learning_rate_tensor, self._decay_tensor, self._momentum_tensor, self._epsilon_tensor)
        ]
        return self._run(op, var, [self.get_slot(var, n) for n in names], (*values, *gradient))

    def _apply_dense(self, grad, var):
        return self._update("", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_", var, grad, indices)
