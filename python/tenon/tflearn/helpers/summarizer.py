"""Summaries of variables, gradients and activations."""

import tenon as tf


def summarize(value, type, name, summary_collection="tflearn_summ"):
    """A histogram, scalar or image of a tensor."""
    made = {"histogram": tf.summary.histogram, "scalar": tf.summary.scalar, "image": tf.summary.image}.get(type)
    if made is None:
        raise ValueError(f"summary type must be histogram, scalar or image, not {type}")
    found = made(name, value)
    tf.add_to_collection(summary_collection, found)
    return tf.summary.merge(tf.get_collection(summary_collection))


def summarize_variables(train_vars=None, summary_collection="tflearn_summ"):
    """Histograms of variables."""
    found = None
    for v in tf.trainable_variables() if train_vars is None else train_vars:
        found = summarize(v, "histogram", v.op.name + "/weights", summary_collection)
    return found


def summarize_activations(activations, summary_collection="tflearn_summ"):
    """Histograms of activations, and how many are zero."""
    found = None
    for t in activations:
        summarize(t, "histogram", t.op.name + "/activations", summary_collection)
        found = summarize(tf.nn.zero_fraction(t), "scalar", t.op.name + "/sparsity", summary_collection)
    return found


def summarize_gradients(grads, summary_collection="tflearn_summ"):
    """Histograms of (gradient, variable) pairs."""
    found = None
    for gradient, v in grads:
        if gradient is not None:
            found = summarize(gradient, "histogram", v.op.name + "/gradient", summary_collection)
    return found


def summarize_all(train_vars, grads, activations, summary_collection="tflearn_summ"):
    """All of these."""
    summarize_variables(train_vars, summary_collection)
    summarize_gradients(grads, summary_collection)
    return summarize_activations(activations, summary_collection)
