"""Penalties on weights."""

import tenon as tf


def get(identifier):
    """A penalty: L1 or L2 by its name, or what is given."""
    if callable(identifier):
        return identifier
    if identifier not in ("L1", "L2"):
        raise Exception(f"Invalid regularizer: {identifier}; there are L1 and L2")
    return globals()[identifier]


def L2(tensor, wd=0.001):
    """wd * sum(square(tensor)) / 2."""
    return tf.multiply(tf.nn.l2_loss(tensor), tf.convert_to_tensor(wd, dtype=tensor.dtype.base_dtype), name="L2-Loss")


def L1(tensor, wd=0.001):
    """wd * sum(abs(tensor))."""
    return tf.multiply(tf.reduce_sum(tf.abs(tensor)), tf.convert_to_tensor(wd, dtype=tensor.dtype.base_dtype),
                       name="L1-Loss")  # fmt: skip


def regularizer(identifier, weight_decay):
    """A function of a variable that is its penalty, None for none."""
    if identifier is None:
        return None
    penalty = get(identifier)
    return lambda x: penalty(x, weight_decay)
