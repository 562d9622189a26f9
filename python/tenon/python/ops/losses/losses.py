"""The names of tf.losses in one module."""

from tenon.python.ops.losses.losses_impl import *  # noqa: F403
from tenon.python.ops.losses.util import *  # noqa: F403
