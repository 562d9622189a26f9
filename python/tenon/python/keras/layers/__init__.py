"""Layers; here: from their configurations."""

from tenon.python.keras.utils import generic_utils
from tenon.python.util.tf_export import tf_export


def _find(name):
    for space in ("keras.layers", "keras.models", "keras"):
        found = generic_utils.finder(space)(name)
        if found is not None:
            return found
    return None


@tf_export("keras.layers.deserialize")
def deserialize(config, custom_objects=None):
    """The layer of {"class_name": ..., "config": ...}."""
    if isinstance(config, dict) and config.get("class_name") in ("Functional", "Network"):
        config = {**config, "class_name": "Model"}
    return generic_utils.deserialize_keras_object(config, _find, custom_objects, "layer")


@tf_export("keras.layers.serialize")
def serialize(layer):
    """{"class_name": ..., "config": ...} of a layer."""
    return generic_utils.serialize_keras_object(layer)
