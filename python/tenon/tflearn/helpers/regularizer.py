"""Penalties on variables that are there already."""

import tenon as tf
from tenon.tflearn import losses


def add_weights_regularizer(variable, loss="L2", weight_decay=0.001, add_to_collection=None):
    """Adds the penalty of a variable to what is trained."""
    penalty = losses.get(loss)(variable, weight_decay)
    tf.add_to_collection(add_to_collection or tf.GraphKeys.REGULARIZATION_LOSSES, penalty)
    return penalty
