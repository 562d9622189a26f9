"""Initializers of weights, scaled by the number of inputs and outputs."""

import math

from tenon.python.framework import dtypes
from tenon.python.ops import random_ops
from tenon.python.util.tf_export import tf_export


@tf_export(
    "contrib.layers.xavier_initializer", "contrib.layers.xavier_initializer_conv2d", "contrib.slim.xavier_initializer",
    "contrib.slim.xavier_initializer_conv2d",
)  # fmt: skip
def xavier_initializer(uniform=True, seed=None, dtype=dtypes.float32):
    """Variance 1 / mean of inputs and outputs (Glorot, Bengio, 2010)."""
    return variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)


@tf_export("contrib.layers.variance_scaling_initializer", "contrib.slim.variance_scaling_initializer")
def variance_scaling_initializer(factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=dtypes.float32):
    """Variance FACTOR / n, with n the inputs, the outputs or their mean, by MODE."""
    if not dtypes.as_dtype(dtype).is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")

    def _initializer(shape, dtype=dtype, partition_info=None):
        if not dtypes.as_dtype(dtype).is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        sizes = [int(size) for size in (partition_info.full_shape if partition_info is not None else shape)]
        fan_in = float(sizes[-2]) if len(sizes) > 1 else float(sizes[-1]) if sizes else 1.0
        fan_out = float(sizes[-1]) if sizes else 1.0
        for size in sizes[:-2]:
            fan_in *= float(size)
            fan_out *= float(size)
        n = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return random_ops.random_uniform(shape, -limit, limit, dtype, seed=seed)
        # The truncation takes variance away: 1.3 gives it back.
        return random_ops.truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed=seed)

    return _initializer
