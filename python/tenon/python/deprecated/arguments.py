"""The orders of arguments from before TensorFlow 1.0, noticed where they can't mean anything else."""

import numbers

from tenon.python.framework import ops
from tenon.python.util import deprecation


def _is_number(x):
    return isinstance(x, numbers.Integral)


def concat(values, axis):
    """(values, axis) of tf.concat: it once took the axis first."""
    if _is_number(values) and (isinstance(axis, (list, tuple)) or ops.is_tensor(axis)):
        deprecation._warn("concat", "tf.concat(axis, values) is deprecated: the axis comes last now.")
        return axis, values
    return values, axis


def split(value, num_or_size_splits, axis):
    """(value, number, axis) of tf.split: it once took (axis, number, value)."""
    if _is_number(value) and _is_number(num_or_size_splits) and not _is_number(axis):
        deprecation._warn("split", "tf.split(axis, number, value) is deprecated: the value comes first now.")
        return axis, num_or_size_splits, value
    return value, num_or_size_splits, axis


def labels_and_logits(name, first, labels, logits):
    """(labels, logits) of a cross-entropy: it once took (logits, labels); FIRST is what has no name."""
    if first is not None and labels is not None and logits is None:
        deprecation._warn(name, f"{name}(logits, labels) is deprecated: use named arguments, labels=... and logits=...")
        return labels, first
    if first is not None:
        raise ValueError(f"Only call `{name}` with named arguments (labels=..., logits=..., ...). Received unnamed "
                         f"argument: {first}")  # fmt: skip
    if labels is None or logits is None:
        raise ValueError(f"Both labels and logits must be provided. Received: labels={labels} and logits={logits}")
    return labels, logits
