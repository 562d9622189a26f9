"""The names of tf.layers in one module."""

from tenon.python.layers.base import InputSpec, Layer
from tenon.python.layers.convolutional import *  # noqa: F403
from tenon.python.layers.core import Dense, Dropout, Flatten, dense, dropout, flatten
from tenon.python.layers.normalization import BatchNormalization, batch_normalization
from tenon.python.layers.pooling import *  # noqa: F403

__all__ = [
    "BatchNormalization", "Dense", "Dropout", "Flatten", "InputSpec", "Layer", "batch_normalization", "dense",
    "dropout", "flatten",
]  # fmt: skip


def Input(shape=None, batch_size=None, name=None, dtype=None, sparse=False, tensor=None):
    """A placeholder: [batch, *shape]."""
    from tenon.python.framework import dtypes
    from tenon.python.ops import array_ops

    if tensor is not None:
        return tensor
    return array_ops.placeholder(dtype or dtypes.float32, [batch_size, *(shape or ())], name=name)
