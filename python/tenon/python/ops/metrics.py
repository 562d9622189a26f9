"""The names of tf.metrics in one module."""

from tenon.python.ops.metrics_impl import *  # noqa: F403
