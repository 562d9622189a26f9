"""Labels, sequences and their order."""

import numpy as np

from tenon.python.keras.preprocessing import sequence
from tenon.python.keras.utils import np_utils


def to_categorical(y, nb_classes=None):
    """Numbers of classes as one-hot rows."""
    return np_utils.to_categorical(y, nb_classes, "float64")


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="post", truncating="post", value=0.0):
    """Sequences as one array, filled and cut at the end."""
    return sequence.pad_sequences(sequences, maxlen, dtype, padding, truncating, value)


def shuffle(*arrs):
    """Arrays in another order, the same for all."""
    order = np.random.permutation(len(arrs[0]))
    return tuple(np.asarray(a)[order] for a in arrs)
