"""What model functions for TPUs use, where there is one replica only."""

import contextlib

from tenon.contrib.tpu.tpu_estimator import NO_TPU
from tenon.python.framework import ops
from tenon.python.ops.losses import losses_impl
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.tpu.CrossShardOptimizer", "tpu.CrossShardOptimizer")
class CrossShardOptimizer(optimizer.Optimizer):
    """Sums gradients over replicas, and lets OPT use them: of one replica those are the gradients."""

    def __init__(self, opt, reduction=losses_impl.Reduction.MEAN, name="CrossShardOptimizer", group_assignment=None):
        if reduction not in (losses_impl.Reduction.SUM, losses_impl.Reduction.MEAN):
            raise ValueError(f"Unsupported reduction: {reduction}.")
        if not isinstance(opt, optimizer.Optimizer):
            raise TypeError(f"CrossShardOptimizer only works with tf.training.Optimizer, got {opt}")
        super().__init__(False, name)
        self._opt, self._reduction, self._group_assignment = opt, reduction, group_assignment

    def compute_gradients(self, loss, var_list=None, **kwargs):
        """The inner optimizer's gradients."""
        return self._opt.compute_gradients(loss, var_list=var_list, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """What the inner optimizer does with them."""
        return self._opt.apply_gradients(list(grads_and_vars), global_step, name)

    def get_slot(self, var, name):
        """The inner optimizer's slot."""
        return self._opt.get_slot(var, name)

    def get_slot_names(self):
        """The names of the inner optimizer's slots."""
        return self._opt.get_slot_names()

    def variables(self):
        """The inner optimizer's variables."""
        return self._opt.variables()


@tf_export("contrib.tpu.bfloat16_scope", "tpu.bfloat16_scope")
@contextlib.contextmanager
def bfloat16_scope(name=None):
    """A variable scope whose variables, asked for as bfloat16, are kept as float32 and cast when they are read."""
    from tenon.python.framework import dtypes
    from tenon.python.ops import math_ops, variable_scope

    def custom(getter, *args, **kwargs):
        if kwargs.get("dtype") != dtypes.bfloat16:
            return getter(*args, **kwargs)
        kwargs["dtype"] = dtypes.float32
        return math_ops.cast(getter(*args, **kwargs), dtypes.bfloat16)

    with variable_scope.variable_scope(name or "", custom_getter=custom, reuse=variable_scope.AUTO_REUSE) as scope:
        yield scope


@tf_export("contrib.tpu.cross_replica_sum", "tpu.cross_replica_sum")
def cross_replica_sum(x, group_assignment=None, name=None):
    """The sum over replicas: X, for there is one."""
    from tenon.python.ops import array_ops

    return array_ops.identity(ops.convert_to_tensor(x), name=name or "CrossReplicaSum")


@tf_export("contrib.tpu.outside_compilation", "tpu.outside_compilation")
def outside_compilation(computation, *args, **kwargs):
    """Calls COMPUTATION."""
    return computation(*args, **kwargs)


def _needs_tpu(name):
    def function(*args, **kwargs):
        raise NotImplementedError(f"tf.contrib.tpu.{name}: {NO_TPU}")

    function.__name__ = name
    function.__doc__ = "Fails: there is no TPU."
    return function


initialize_system, shutdown_system = _needs_tpu("initialize_system"), _needs_tpu("shutdown_system")
rewrite, shard, replicate = _needs_tpu("rewrite"), _needs_tpu("shard"), _needs_tpu("replicate")
batch_parallel = _needs_tpu("batch_parallel")
TF_EXPORTS = {
    "contrib.tpu.initialize_system": "initialize_system", "contrib.tpu.shutdown_system": "shutdown_system",
    "contrib.tpu.rewrite": "rewrite", "contrib.tpu.shard": "shard", "contrib.tpu.replicate": "replicate",
    "contrib.tpu.batch_parallel": "batch_parallel", "tpu.initialize_system": "initialize_system",
    "tpu.shutdown_system": "shutdown_system", "tpu.rewrite": "rewrite", "tpu.shard": "shard",
    "tpu.replicate": "replicate", "tpu.batch_parallel": "batch_parallel",
}  # fmt: skip
