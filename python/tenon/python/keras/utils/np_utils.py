"""Labels as rows with a one."""

import numpy as np

from tenon.python.util.tf_export import tf_export


@tf_export("keras.utils.to_categorical", "keras.utils.np_utils.to_categorical")
def to_categorical(y, num_classes=None, dtype="float32"):
    """Numbers of classes as one-hot rows: shape y.shape + (num_classes,)."""
    y = np.array(y, dtype="int")
    shape = y.shape[:-1] if y.ndim > 1 and y.shape[-1] == 1 else y.shape
    y = y.ravel()
    num_classes = num_classes or int(np.max(y)) + 1
    result = np.zeros((y.shape[0], num_classes), dtype=dtype)
    result[np.arange(y.shape[0]), y] = 1
    return result.reshape(*shape, num_classes)


@tf_export("keras.utils.normalize", "keras.utils.np_utils.normalize")
def normalize(x, axis=-1, order=2):
    """An array with norms of one along an axis."""
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return x / np.expand_dims(norms, axis)
