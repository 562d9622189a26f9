"""Numbers as vectors."""

import tenon as tf
from tenon.tflearn import initializations, utils
from tenon.tflearn import variables as vs
from tenon.tflearn.layers.core import done
from tenon.tflearn.layers.recurrent import retrieve_seq_length_op


def embedding(incoming, input_dim, output_dim, validate_indices=False, weights_init="truncated_normal", trainable=True,
              restore=True, reuse=False, scope=None, name="Embedding"):  # fmt: skip
    """Rows of a table by their numbers: (samples, steps) to (samples, steps, output_dim)."""
    shape = utils.get_incoming_shape(incoming)
    if len(shape) != 2:
        raise AssertionError("Incoming Tensor shape must be 2-D")
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        name = scope.name
        W = vs.variable("W", shape=[input_dim, output_dim], initializer=initializations.initializer(weights_init),
                        trainable=trainable, restore=restore)  # fmt: skip
        inference = tf.nn.embedding_lookup(W, tf.cast(incoming, tf.int32))
    # Zeros at the end are no steps; the vectors do not tell, so it is kept here.
    inference.seq_length = retrieve_seq_length_op(tf.expand_dims(incoming, 2))
    done(inference, scope, name, W)
    return inference
