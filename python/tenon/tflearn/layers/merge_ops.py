"""Layers that make one tensor of several."""

import tenon as tf
from tenon.tflearn.layers.core import done

_SUMS = {"sum": tf.reduce_sum, "mean": tf.reduce_mean, "prod": tf.reduce_prod, "max": tf.reduce_max,
         "min": tf.reduce_min, "and": tf.reduce_all, "or": tf.reduce_any}  # fmt: skip


def merge(tensors_list, mode, axis=1, name="Merge"):
    """Tensors put together: concat, elemwise_sum, elemwise_mul; sum, mean, prod, max, min, and, or along an axis."""
    if len(tensors_list) < 2:
        raise AssertionError("Merge required 2 or more tensors.")
    with tf.name_scope(name) as scope:
        if mode == "concat":
            inference = tf.concat(tensors_list, axis)
        elif mode in ("elemwise_sum", "elemwise_mul"):
            inference = tensors_list[0]
            for x in tensors_list[1:]:
                inference = tf.add(inference, x) if mode == "elemwise_sum" else tf.multiply(inference, x)
        elif mode in _SUMS:
            inference = _SUMS[mode](tf.concat(tensors_list, axis), axis=axis)
        else:
            raise Exception(f"Unknown merge mode {mode}")
    return done(inference, scope, name)


def merge_outputs(tensor_list, name="MergeOutputs"):
    """Outputs side by side."""
    with tf.name_scope(name):
        return tf.concat([tf.reshape(x, [-1, 1]) if x.shape.ndims == 1 else x for x in tensor_list], 1)
