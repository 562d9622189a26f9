"""Sequences of different lengths."""

import numpy as np

from tenon.python.util.tf_export import tf_export


@tf_export("keras.preprocessing.sequence.pad_sequences", "keras.utils.pad_sequences")
def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """Sequences as one array (samples, maxlen, ...), filled or cut at the beginning or the end."""
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    if padding not in ("pre", "post") or truncating not in ("pre", "post"):
        raise ValueError(f'Padding type "{padding}" or truncating type "{truncating}" not understood')
    maxlen = max(map(len, sequences), default=0) if maxlen is None else maxlen
    inner = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    result = np.full((len(sequences), maxlen, *inner), value, dtype=dtype)
    for row, s in zip(result, sequences):
        if not len(s) or not maxlen:
            continue
        s = np.asarray(s[-maxlen:] if truncating == "pre" else s[:maxlen], dtype=dtype)
        if padding == "post":
            row[: len(s)] = s
        else:
            row[-len(s) :] = s
    return result
