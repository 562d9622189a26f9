"""Switches between TensorFlow 1's and 2's behaviour; there is only the first one here."""

from tenon.python.util.tf_export import tf_export


def _refuse(what):
    raise NotImplementedError(f"{what}: only TensorFlow 1's behaviour is there in Tenon")


@tf_export("disable_v2_behavior")
def disable_v2_behavior():
    """Nothing: TensorFlow 1's behaviour is all there is."""


@tf_export("enable_v2_behavior")
def enable_v2_behavior():
    """NotImplementedError: there is only TensorFlow 1's behaviour."""
    _refuse("tf.enable_v2_behavior")


@tf_export("disable_v2_tensorshape")
def disable_v2_tensorshape():
    """Nothing: shapes hold Dimensions."""


@tf_export("enable_v2_tensorshape")
def enable_v2_tensorshape():
    """NotImplementedError: shapes hold Dimensions."""
    _refuse("tf.enable_v2_tensorshape")


@tf_export("disable_tensor_equality")
def disable_tensor_equality():
    """Nothing: == compares tensors by identity."""


@tf_export("enable_tensor_equality")
def enable_tensor_equality():
    """NotImplementedError: == compares tensors by identity."""
    _refuse("tf.enable_tensor_equality")
