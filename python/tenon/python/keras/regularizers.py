"""Penalties on weights and outputs."""

import tenon as tf
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.regularizers",)


class Regularizer:
    """Base class: a function of a tensor."""

    @classmethod
    def from_config(cls, config):
        """The regularizer that get_config described."""
        return cls(**config)

    def get_config(self):
        """The arguments that make it again: subclasses know them."""
        raise NotImplementedError(f"{self} does not implement get_config()")


class L1L2(Regularizer):
    """l1 * sum(abs(x)) + l2 * sum(square(x))."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = float(l1), float(l2)

    def __call__(self, x):
        loss = tf.constant(0.0, dtype=tf.as_dtype(x.dtype).base_dtype)
        if self.l1:
            loss = loss + self.l1 * tf.reduce_sum(tf.abs(x))
        if self.l2:
            loss = loss + self.l2 * tf.reduce_sum(tf.square(x))
        return loss

    def get_config(self):
        """The two factors."""
        return {"l1": self.l1, "l2": self.l2}


WeightRegularizer = L1L2


def l1(l=0.01):
    """l * sum(abs(x))."""
    return L1L2(l1=l)


def l2(l=0.01):
    """l * sum(square(x))."""
    return L1L2(l2=l)


def l1_l2(l1=0.01, l2=0.01):
    """Both."""
    return L1L2(l1=l1, l2=l2)


def L1(l1=0.01):
    """l1 * sum(abs(x))."""
    return L1L2(l1=l1)


def L2(l2=0.01):
    """l2 * sum(square(x))."""
    return L1L2(l2=l2)


def serialize(regularizer):
    """{"class_name": ..., "config": ...}."""
    return generic_utils.serialize_keras_object(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer of a name or of what serialize made."""
    return generic_utils.deserialize_keras_object(config, globals(), custom_objects, "regularizer")


def get(identifier):
    """A regularizer: a name, a configuration, a function or None."""
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        made = deserialize(identifier)
        return made() if made in (l1, l2, l1_l2, L1, L2) else made
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret regularizer identifier: {identifier}")
