"""tf_slim as the oracle of contrib.layers, contrib.framework and contrib.slim: what TensorFlow 2 no longer has."""

import sys
from functools import cache

from api import both as api


@cache
def slim():
    """The package tf_slim; it looks for the layers of Keras 2 in a place that they have left."""
    tf = api.tensorflow()
    import tf_keras.src.legacy_tf_layers as layers
    from tf_keras.src.legacy_tf_layers import base, convolutional, core, normalization, pooling

    for module in (layers, base, convolutional, core, normalization, pooling):
        sys.modules[module.__name__.replace("tf_keras.src", "tf_keras")] = module
    from tensorflow.python.framework import ops
    from tensorflow.python.ops import array_ops, control_flow_ops, map_fn, variable_scope

    # Names that have moved since tf_slim was written.
    ops.Tensor, ops.IndexedSlices = tf.Tensor, tf.IndexedSlices
    variable_scope.variable = tf.Variable
    control_flow_ops.cond, control_flow_ops.case = tf.cond, tf.case
    array_ops.stack, array_ops.unstack = tf.stack, tf.unstack
    map_fn.map_fn = tf.map_fn
    import tf_slim

    return tf_slim


def both(program, rtol=1e-5, atol=1e-6):
    """PROGRAM(tf, slim) with Tenon's contrib.slim and with tf_slim, compared."""
    import tenon

    ours = api.run(tenon, lambda tf: program(tf, tf.contrib.slim))
    api.same(ours, api.run(api.tensorflow(), lambda tf: program(tf, slim())), rtol, atol)
    return ours
