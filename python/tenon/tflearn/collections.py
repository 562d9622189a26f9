"""The collections that TFLearn keeps in a graph, beside TensorFlow's own."""

import tenon as tf

NAMES = {
    "GRAPH_CONFIG": "graph_config", "LAYER_TENSOR": "layer_tensor", "LAYER_VARIABLES": "layer_variables",
    "TRAIN_OPS": "trainops", "INPUTS": "inputs", "TARGETS": "targets", "DATA_PREP": "data_preprocessing",
    "DATA_AUG": "data_augmentation", "EXCL_RESTORE_VARS": "restore_variables",
}  # fmt: skip
# Programs ask for tf.GraphKeys.LAYER_VARIABLES and the like.
for _name, _value in NAMES.items():
    setattr(tf.GraphKeys, _name, _value)


def remember(name, tensor, variables=()):
    """Notes the result of a layer and its variables under the layer's name."""
    for v in variables:
        if v is not None:
            tf.add_to_collection(f"{tf.GraphKeys.LAYER_VARIABLES}/{name}", v)
    tf.add_to_collection(f"{tf.GraphKeys.LAYER_TENSOR}/{name}", tensor)
    tf.add_to_collection(tf.GraphKeys.ACTIVATIONS, tensor)
