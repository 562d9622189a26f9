"""Batch renormalization (arXiv 1702.03275), as the batch normalization of tf.layers and of Keras use it.

A layer has moving_mean, moving_variance, their initializers, epsilon, momentum, renorm_clipping and renorm_momentum.
"""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops, math_ops, state_ops

_KEYS = ("rmax", "rmin", "dmax")


def checked_clipping(clipping):
    """CLIPPING, or none; ValueError where it has other keys than rmax, rmin and dmax."""
    clipping = clipping or {}
    if not set(clipping) <= set(_KEYS):
        raise ValueError(
            f"Received invalid keys for `renorm_clipping` argument: {clipping}. Supported values: {list(_KEYS)}."
        )
    return clipping


def add_variables(layer, add):
    """moving_stddev, renorm_mean and renorm_stddev by ADD(name, initializer)."""

    def root(shape, dtype=None, partition_info=None):
        return gen_ops.sqrt(layer.moving_variance_initializer(shape, dtype=dtype))

    layer.moving_stddev = add("moving_stddev", root)
    layer.renorm_mean = add("renorm_mean", layer.moving_mean_initializer)
    layer.renorm_stddev = add("renorm_stddev", root)


def assign_moving_average(variable, value, momentum):
    """Moves VARIABLE towards VALUE by 1 - MOMENTUM."""
    scope = ops.name_scope("AssignMovingAvg", values=[variable, value, momentum])
    with scope as name, ops.colocate_with(variable):
        decay = math_ops.cast(ops.convert_to_tensor(1.0 - momentum, name="decay"), variable.dtype.base_dtype)
        delta = (variable - math_ops.cast(value, variable.dtype.base_dtype)) * decay
        return state_ops.assign_sub(variable, delta, name=name)


def after(update, value):
    """VALUE after an update: by it models find the updates that depend on their inputs."""
    with ops.control_dependencies([update]):
        return array_ops.identity(value)


def correct(layer, mean, variance, choose):
    """(r, d, mean and variance for the moving averages): what corrects the batch's moments.

    CHOOSE(when training, when not) takes one of two functions' tensors.
    """
    stddev = gen_ops.sqrt(variance + layer.epsilon)
    renorm_stddev = gen_ops.maximum(ops.convert_to_tensor(layer.renorm_stddev), layer.epsilon**0.5)
    r, d = stddev / renorm_stddev, (mean - layer.renorm_mean) / renorm_stddev
    with ops.control_dependencies([r, d]):  # of the averages before this batch
        mean, stddev = array_ops.identity(mean), array_ops.identity(stddev)
    rmin, rmax, dmax = (layer.renorm_clipping.get(key) for key in ("rmin", "rmax", "dmax"))
    if rmin is not None:
        r = gen_ops.maximum(r, rmin)
    if rmax is not None:
        r = gen_ops.minimum(r, rmax)
    if dmax is not None:
        d = gen_ops.minimum(gen_ops.maximum(d, -dmax), dmax)
    r = choose(lambda: array_ops.identity(r), lambda: array_ops.ones_like(r))
    d = choose(lambda: array_ops.identity(d), lambda: array_ops.zeros_like(d))

    def moved(variable, value):
        return choose(lambda: after(assign_moving_average(variable, value, layer.renorm_momentum), value),
                      lambda: array_ops.identity(variable))  # fmt: skip

    with ops.control_dependencies([moved(layer.renorm_mean, mean), moved(layer.renorm_stddev, stddev)]):
        return r, d, array_ops.identity(mean), array_ops.identity(variance)


def composed(r, d, scale, offset):
    """(scale, offset) of what first is scaled by R and moved by D, and then by SCALE and OFFSET where they are."""
    if scale is not None:
        r, d = r * scale, d * scale
    return r, d if offset is None else d + offset


def move_variance(layer, variance, choose):
    """The update of the moving variance, through the moving standard deviation."""

    def train():
        stddev = gen_ops.sqrt(variance + layer.epsilon)
        moved = ops.convert_to_tensor(assign_moving_average(layer.moving_stddev, stddev, layer.momentum))
        # Rounding can make the difference negative.
        value = gen_ops.relu(moved * moved - layer.epsilon)
        with ops.name_scope("AssignNewValue") as name:
            return after(state_ops.assign(layer.moving_variance, value, name=name), stddev)

    return choose(train, lambda: array_ops.identity(layer.moving_variance))
