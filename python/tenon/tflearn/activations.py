"""Activation functions by their names."""

import tenon as tf
from tenon.tflearn import initializations, variables


def get(identifier):
    """An activation function: by its name, or what is given."""
    if callable(identifier) or identifier is None:
        return identifier
    if identifier not in _NAMES:
        raise Exception(f"Invalid activation: {identifier}")
    return globals()[identifier]


_NAMES = ("linear", "tanh", "sigmoid", "softmax", "softplus", "softsign", "relu", "relu6", "leaky_relu", "prelu", "elu",
          "crelu", "selu", "hard_sigmoid")  # fmt: skip


def apply(x, activation):
    """X through an activation function, a name or a function."""
    return x if activation is None else get(activation)(x)


def linear(x):
    """X as it is."""
    return x


def tanh(x):
    """The hyperbolic tangent."""
    return tf.tanh(x)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return tf.sigmoid(x)


def softmax(x):
    """Exponentials that sum to one."""
    return tf.nn.softmax(x)


def softplus(x):
    """log(exp(x) + 1)."""
    return tf.nn.softplus(x)


def softsign(x):
    """x / (abs(x) + 1)."""
    return tf.nn.softsign(x)


def hard_sigmoid(x):
    """A line between 0 and 1."""
    return tf.clip_by_value(tf.multiply(x, 0.2) + 0.5, 0.0, 1.0)


def relu(x):
    """max(x, 0)."""
    return tf.nn.relu(x)


def relu6(x):
    """min(max(x, 0), 6)."""
    return tf.nn.relu6(x)


def leaky_relu(x, alpha=0.1, name="LeakyReLU"):
    """x, alpha * x where it is negative."""
    with tf.name_scope(name) as scope:
        found = tf.nn.relu(x)
        found -= tf.constant(alpha, dtype=tf.float32) * tf.nn.relu(-x)
    found.scope = scope
    return found


def prelu(x, channel_shared=False, weights_init="zeros", trainable=True, restore=True, reuse=False, scope=None,
          name="PReLU"):  # fmt: skip
    """leaky_relu whose slopes are learned, one for each channel (or one for all)."""
    shape = [1] if channel_shared else x.shape.as_list()[-1:]
    with tf.variable_scope(scope, default_name=name, values=[x], reuse=reuse) as scope:
        start = initializations.initializer(weights_init)
        alphas = variables.variable("alphas", shape=shape, initializer=start, trainable=trainable, restore=restore)
        found = tf.nn.relu(x) + tf.multiply(alphas, x - tf.abs(x)) * 0.5
    found.scope, found.alphas = scope, alphas
    return found


def elu(x):
    """exp(x) - 1 where it is negative."""
    return tf.nn.elu(x)


def crelu(x):
    """relu(x) and relu(-x), side by side."""
    return tf.nn.crelu(x)


def selu(x):
    """The scaled elu of self-normalizing networks."""
    return tf.nn.selu(x)
