"""Optimizers that change gradients before they apply them."""

from tenon.python.ops import clip_ops
from tenon.python.training import optimizer as optimizer_lib
from tenon.python.util.tf_export import tf_export


class _Clipped(optimizer_lib.Optimizer):
    """OPTIMIZER, for gradients whose norm, that of all together, is at most CLIP_NORM."""

    def __init__(self, optimizer, clip_norm):
        super().__init__(False, "ClipByNorm" + optimizer.get_name())
        self._optimizer, self._clip_norm = optimizer, clip_norm

    def compute_gradients(self, *args, **kwargs):
        """The optimizer's."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The optimizer's, of clipped gradients."""
        gradients, variables = zip(*grads_and_vars)
        clipped, _ = clip_ops.clip_by_global_norm(gradients, self._clip_norm)
        return self._optimizer.apply_gradients(list(zip(clipped, variables)), global_step, name)

    def get_slot(self, *args, **kwargs):
        """The optimizer's."""
        return self._optimizer.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        """The optimizer's."""
        return self._optimizer.get_slot_names(*args, **kwargs)


@tf_export("contrib.estimator.clip_gradients_by_norm")
def clip_gradients_by_norm(optimizer, clip_norm):
    """OPTIMIZER, which scales gradients down whose norm, that of all together, is more than CLIP_NORM."""
    return _Clipped(optimizer, clip_norm)
