"""Functions that keep weights within bounds."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.constraints",)


class Constraint:
    """Base class: a function of the weights."""

    def __call__(self, w):
        return w

    def get_config(self):
        """The arguments that make it again."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The constraint that get_config described."""
        return cls(**config)


def _norms(w, axis):
    return tf.sqrt(tf.reduce_sum(tf.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms of at most a bound."""

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (tf.clip_by_value(norms, 0.0, float(self.max_value)) / (K.epsilon() + norms))

    def get_config(self):
        """The arguments that make it again."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No negative numbers."""

    def __call__(self, w):
        return w * tf.cast(tf.greater_equal(w, 0.0), K.floatx())


class UnitNorm(Constraint):
    """Norms of one."""

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        return w / (K.epsilon() + _norms(w, self.axis))

    def get_config(self):
        """The arguments that make it again."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms between two bounds."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = self.rate * tf.clip_by_value(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (K.epsilon() + norms))

    def get_config(self):
        """The arguments that make it again."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


class RadialConstraint(Constraint):
    """Kernels (rows, columns, inputs, outputs) that are the same all around their middle."""

    def __call__(self, w):
        height = w.shape[0].value
        rings = [w[i, i] for i in range(-(-height // 2))]
        rows = [[rings[min(i, j, height - 1 - i, height - 1 - j)] for j in range(height)] for i in range(height)]
        return tf.stack([tf.stack(row) for row in rows])


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm
radial_constraint = RadialConstraint


def serialize(constraint):
    """{"class_name": ..., "config": ...}."""
    return generic_utils.serialize_keras_object(constraint)


def deserialize(config, custom_objects=None):
    """The constraint of a name or of what serialize made."""
    return generic_utils.deserialize_keras_object(config, globals(), custom_objects, "constraint")


def get(identifier):
    """A constraint: a name, a configuration, a function or None."""
    if identifier is None:
        return None
    if isinstance(identifier, (dict, str)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret constraint identifier: {identifier}")
