"""Weight decay beside the gradient (Loshchilov, Hutter, 2017, arXiv 1711.05101), and rates by layers."""

import contextlib

from tenon.python.framework import ops
from tenon.python.ops import array_ops, linalg_ops, math_ops, state_ops
from tenon.python.training import adagrad, adam, momentum, optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.opt.DecoupledWeightDecayExtension")
class DecoupledWeightDecayExtension:
    """To be inherited from before an optimizer: variables lose WEIGHT_DECAY of themselves before each update."""

    def __init__(self, weight_decay, **kwargs):
        self._weight_decay, self._decay_var_list = weight_decay, None
        super().__init__(**kwargs)

    def minimize(self, loss, global_step=None, var_list=None, gate_gradients=optimizer.Optimizer.GATE_OP,
                 aggregation_method=None, colocate_gradients_with_ops=False, name=None, grad_loss=None,
                 decay_var_list=None):  # fmt: skip
        """Optimizer.minimize; only the variables in DECAY_VAR_LIST decay, if it is given."""
        self._set_decayed(decay_var_list)
        gradients = self.compute_gradients(
            loss, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss,
        )  # fmt: skip
        if all(gradient is None for gradient, _ in gradients):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {[str(v) for _, v in gradients]} and loss {loss}."
            )
        return super().apply_gradients(gradients, global_step=global_step, name=name)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None, decay_var_list=None):
        """Optimizer.apply_gradients; only the variables in DECAY_VAR_LIST decay, if it is given."""
        self._set_decayed(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _set_decayed(self, variables):
        self._decay_var_list = {id(v) for v in variables} if variables else None

    def _prepare(self):
        decay = self._weight_decay
        self._weight_decay_tensor = ops.convert_to_tensor(decay() if callable(decay) else decay, name="weight_decay")
        super()._prepare()

    def _decays(self, var):
        return self._decay_var_list is None or id(var) in self._decay_var_list

    def _decayed(self, var, indices=None):
        """What an update of VAR, or of its rows INDICES, waits for."""
        if not self._decays(var):
            return contextlib.nullcontext()
        rate = math_ops.cast(self._weight_decay_tensor, var.dtype.base_dtype)
        if indices is None:
            decay = var.assign_sub(rate * var, self._use_locking)
        else:
            rows = array_ops.gather(var, indices)
            decay = state_ops.scatter_sub(var, indices, rate * rows, use_locking=self._use_locking)
        return ops.control_dependencies([decay])

    def _apply_dense(self, grad, var):
        with self._decayed(var):
            return super()._apply_dense(grad, var)

    def _resource_apply_dense(self, grad, var):
        with self._decayed(var):
            return super()._resource_apply_dense(grad, var)

    def _apply_sparse(self, grad, var):
        with self._decayed(var, grad.indices):
            return super()._apply_sparse(grad, var)

    def _resource_apply_sparse(self, grad, var, indices):
        with self._decayed(var, indices):
            return super()._resource_apply_sparse(grad, var, indices)


@tf_export("contrib.opt.extend_with_decoupled_weight_decay")
def extend_with_decoupled_weight_decay(base_optimizer):
    """The class BASE_OPTIMIZER with weight decay: its first argument is the rate of the decay."""

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):
        """An optimizer with weight decay."""

        def __init__(self, weight_decay, *args, **kwargs):
            self._weight_decay, self._decay_var_list = weight_decay, None
            base_optimizer.__init__(self, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


@tf_export("contrib.opt.MomentumWOptimizer")
class MomentumWOptimizer(DecoupledWeightDecayExtension, momentum.MomentumOptimizer):
    """Momentum with weight decay."""

    def __init__(self, weight_decay, learning_rate, momentum, use_locking=False, name="MomentumW", use_nesterov=False):
        super().__init__(weight_decay, learning_rate=learning_rate, momentum=momentum, use_locking=use_locking,
                         name=name, use_nesterov=use_nesterov)  # fmt: skip


@tf_export("contrib.opt.AdamWOptimizer")
class AdamWOptimizer(DecoupledWeightDecayExtension, adam.AdamOptimizer):
    """Adam with weight decay."""

    def __init__(self, weight_decay, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False,
                 name="AdamW"):  # fmt: skip
        super().__init__(weight_decay, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon,
                         use_locking=use_locking, name=name)  # fmt: skip


@tf_export("contrib.opt.LARSOptimizer")
class LARSOptimizer(momentum.MomentumOptimizer):
    """Momentum whose rate is scaled by each layer's norms (You et al., 2017, arXiv 1708.03888).

    Variables with one of SKIP_LIST in their name are not scaled and do not decay.
    """

    def __init__(self, learning_rate, momentum=0.9, weight_decay=0.0001, eeta=0.001, epsilon=0.0, name="LARSOptimizer",
                 skip_list=None, use_nesterov=False):  # fmt: skip
        for what, value in (("momentum", momentum), ("weight_decay", weight_decay)):
            if value < 0.0:
                raise ValueError(f"{what} should be positive: {value}")
        super().__init__(learning_rate, momentum, False, name, use_nesterov)
        self._weight_decay, self._eeta, self._epsilon, self._skip_list = weight_decay, eeta, epsilon, skip_list

    def compute_lr(self, grad, var):
        """(the rate for VAR, its gradient with the decay)."""
        rate = self._learning_rate
        if self._skip_list is not None and any(part in var.name for part in self._skip_list):
            return rate, grad
        w, g = linalg_ops.norm(var, ord=2), linalg_ops.norm(grad, ord=2)
        trust = self._eeta * w / (g + self._weight_decay * w + self._epsilon)
        usual = math_ops.logical_and(math_ops.greater(w, 0), math_ops.greater(g, 0))
        trust = array_ops.where(usual, trust, array_ops.ones_like(trust))
        return rate * trust, grad + self._weight_decay * var

    def _apply_dense(self, grad, var):
        rate, grad = self.compute_lr(grad, var)
        values = (self._cast(1.0, var), grad * rate, self._cast(self._momentum_tensor, var))
        slots = (self.get_slot(var, "momentum"),)
        return self._run("apply_momentum", var, slots, values, {"use_nesterov": self._use_nesterov})

    _resource_apply_dense = _apply_dense


@tf_export("contrib.opt.RegAdagradOptimizer")
class RegAdagradOptimizer(adagrad.AdagradOptimizer):
    """Adagrad that can leave its accumulators alone, for gradients of regularization."""

    def __init__(self, learning_rate, initial_accumulator_value=0.1, use_locking=False, name="RegAdagrad"):
        super().__init__(learning_rate, initial_accumulator_value=initial_accumulator_value, use_locking=use_locking,
                         name=name)  # fmt: skip
        self._should_update_slots = True

    @contextlib.contextmanager
    def avoid_updating_slots(self):
        """A `with` block whose updates leave the accumulators as they are."""
        old, self._should_update_slots = self._should_update_slots, False
        try:
            yield
        finally:
            self._should_update_slots = old

    def _update(self, op, var, *gradient):
        slots = (self.get_slot(var, "accumulator"),)
        values = (self._cast(self._learning_rate_tensor, var), *gradient)
        return self._run(op, var, slots, values, {"update_slots": self._should_update_slots})
