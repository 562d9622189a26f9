"""Initializers by their names."""

from tenon.python.framework import dtypes
from tenon.python.keras.utils import generic_utils
from tenon.python.ops import init_ops
from tenon.python.util.tf_export import tf_export

Initializer, Zeros, Ones, Constant = init_ops.Initializer, init_ops.Zeros, init_ops.Ones, init_ops.Constant
VarianceScaling, Orthogonal, Identity = init_ops.VarianceScaling, init_ops.Orthogonal, init_ops.Identity
GlorotUniform, GlorotNormal = init_ops.GlorotUniform, init_ops.GlorotNormal
zeros = zero = Zeros
ones = one = Ones
constant, orthogonal, identity = Constant, Orthogonal, Identity
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
lecun_normal, lecun_uniform, he_normal, he_uniform = (
    init_ops.lecun_normal, init_ops.lecun_uniform, init_ops.he_normal, init_ops.he_uniform)  # fmt: skip

TF_EXPORTS = {
    "keras.initializers.Initializer": "Initializer",
    "keras.initializers.GlorotUniform": "GlorotUniform",
    "keras.initializers.GlorotNormal": "GlorotNormal",
    "keras.initializers.glorot_uniform": "glorot_uniform",
    "keras.initializers.glorot_normal": "glorot_normal",
    "keras.initializers.lecun_normal": "lecun_normal",
    "keras.initializers.lecun_uniform": "lecun_uniform",
    "keras.initializers.he_normal": "he_normal",
    "keras.initializers.he_uniform": "he_uniform",
    "keras.initializers.normal": "RandomNormal",
    "keras.initializers.uniform": "RandomUniform",
    "keras.initializers.random_normal": "RandomNormal",
    "keras.initializers.random_uniform": "RandomUniform",
    "keras.initializers.truncated_normal": "TruncatedNormal",
}


@tf_export("keras.initializers.RandomNormal")
class RandomNormal(init_ops.RandomNormal):
    """Normal, of a standard deviation of 0.05."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None, dtype=dtypes.float32):
        super().__init__(mean, stddev, seed, dtype)


@tf_export("keras.initializers.TruncatedNormal")
class TruncatedNormal(init_ops.TruncatedNormal):
    """Normal within two standard deviations of 0.05."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None, dtype=dtypes.float32):
        super().__init__(mean, stddev, seed, dtype)


@tf_export("keras.initializers.RandomUniform")
class RandomUniform(init_ops.RandomUniform):
    """Uniform between -0.05 and 0.05."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None, dtype=dtypes.float32):
        super().__init__(minval, maxval, seed, dtype)


normal = random_normal = RandomNormal
uniform = random_uniform = RandomUniform
truncated_normal = TruncatedNormal


@tf_export("keras.initializers.serialize")
def serialize(initializer):
    """{"class_name": ..., "config": ...}."""
    return generic_utils.serialize_keras_object(initializer)


@tf_export("keras.initializers.deserialize")
def deserialize(config, custom_objects=None):
    """The initializer of a name or of what serialize made."""
    return generic_utils.deserialize_keras_object(config, globals(), custom_objects, "initializer")


@tf_export("keras.initializers.get")
def get(identifier):
    """An initializer: a name, a configuration, an object, a function or None."""
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        made = deserialize(identifier)
        return made() if made in (lecun_normal, lecun_uniform, he_normal, he_uniform) else made
    if isinstance(identifier, type):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret initializer identifier: {identifier}")
