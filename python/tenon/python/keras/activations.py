"""Activation functions by their names."""

import tenon as tf
from tenon.python.keras import backend_ops
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.activations",)


def softmax(x, axis=-1):
    """Exponentials that sum to one."""
    if x.shape.ndims is not None and x.shape.ndims < 2:
        raise ValueError(f"Cannot apply softmax to a tensor that is 1D. Received input: {x}")
    return tf.nn.softmax(x, axis=axis)


def elu(x, alpha=1.0):
    """x, alpha * (exp(x) - 1) where it is negative."""
    return backend_ops.elu(x, alpha)


def selu(x):
    """The scaled elu of self-normalizing networks."""
    return tf.nn.selu(x)


def softplus(x):
    """log(exp(x) + 1)."""
    return tf.nn.softplus(x)


def softsign(x):
    """x / (abs(x) + 1)."""
    return tf.nn.softsign(x)


def swish(x):
    """x * sigmoid(x)."""
    return x * tf.sigmoid(x)


def relu(x, alpha=0.0, max_value=None, threshold=0):
    """max(x, 0)."""
    return backend_ops.relu(x, alpha=alpha, max_value=max_value, threshold=threshold)


def tanh(x):
    """The hyperbolic tangent."""
    return tf.tanh(x)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return tf.sigmoid(x)


def exponential(x):
    """exp(x)."""
    return tf.exp(x)


def hard_sigmoid(x):
    """0.2 x + 0.5 within 0 and 1."""
    return backend_ops.hard_sigmoid(x)


def linear(x):
    """x."""
    return x


def serialize(activation):
    """The name of an activation."""
    return generic_utils.get_registered_name(activation) if hasattr(activation, "__name__") else (
        generic_utils.serialize_keras_object(activation))  # fmt: skip


def deserialize(name, custom_objects=None):
    """The activation of a name."""
    return generic_utils.deserialize_keras_object(name, globals(), custom_objects, "activation function")


def get(identifier):
    """An activation function: a name, a function or None (linear)."""
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise TypeError(f"Could not interpret activation function identifier: {identifier!r}")
