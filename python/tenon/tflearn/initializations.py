"""Initial values by their names."""

import math

import tenon as tf


def get(identifier):
    """What makes an initializer: a function of this module by its name, or what is given."""
    if identifier is None or not isinstance(identifier, str):
        return identifier
    if identifier not in _NAMES:
        raise Exception(f"Invalid initialization: {identifier}")
    return globals()[identifier]


_NAMES = ("zeros", "uniform", "uniform_scaling", "normal", "truncated_normal", "xavier", "variance_scaling")


def initializer(identifier):
    """An initializer: by a name, an object as it is, a function of this module called."""
    found = get(identifier)
    if isinstance(identifier, str) or (callable(found) and getattr(found, "__module__", "") == __name__):
        return found()
    return found


def zeros(shape=None, dtype=tf.float32, seed=None):
    """Zeros."""
    return tf.zeros(shape, dtype) if shape else tf.constant_initializer(0.0)


def uniform(shape=None, minval=0, maxval=None, dtype=tf.float32, seed=None):
    """Uniform between two bounds."""
    if shape:
        return tf.random_uniform(shape, minval=minval, maxval=maxval, seed=seed, dtype=dtype)
    return tf.random_uniform_initializer(
        minval=minval, maxval=1.0 if maxval is None else maxval, seed=seed, dtype=dtype
    )


def uniform_scaling(shape=None, factor=1.0, dtype=tf.float32, seed=None):
    """Uniform, so that the variance stays about the same from layer to layer."""
    if shape:
        size = 1.0
        for dim in shape[:-1]:
            size *= float(dim)
        bound = math.sqrt(3 / max(size, 1.0)) * factor
        return tf.random_uniform(shape, -bound, bound, dtype, seed=seed)
    return tf.uniform_unit_scaling_initializer(factor=factor, seed=seed, dtype=dtype)


def normal(shape=None, mean=0.0, stddev=0.02, dtype=tf.float32, seed=None):
    """Normal."""
    if shape:
        return tf.random_normal(shape, mean=mean, stddev=stddev, seed=seed, dtype=dtype)
    return tf.random_normal_initializer(mean=mean, stddev=stddev, seed=seed, dtype=dtype)


def truncated_normal(shape=None, mean=0.0, stddev=0.02, dtype=tf.float32, seed=None):
    """Normal within two standard deviations."""
    if shape:
        return tf.truncated_normal(shape=shape, mean=mean, stddev=stddev, seed=seed, dtype=dtype)
    return tf.truncated_normal_initializer(mean=mean, stddev=stddev, seed=seed, dtype=dtype)


def xavier(uniform=True, seed=None, dtype=tf.float32):
    """Glorot's, by the numbers of inputs and outputs."""
    return tf.contrib.layers.xavier_initializer(uniform=uniform, seed=seed, dtype=dtype)


def variance_scaling(factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=tf.float32):
    """By the number of inputs, of outputs, or their mean."""
    return tf.contrib.layers.variance_scaling_initializer(factor=factor, mode=mode, uniform=uniform, seed=seed,
                                                          dtype=dtype)  # fmt: skip
