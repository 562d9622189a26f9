"""Summaries of what layers compute."""

import re

from tenon.python.framework import ops
from tenon.python.ops import nn_impl
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export


def _add_scalar_summary(tensor, tag=None):
    tensor.get_shape().assert_has_rank(0)
    return summary.scalar(tag or f"{tensor.op.name}_summary", tensor)


def _add_histogram_summary(tensor, tag=None):
    return summary.histogram(tag or f"{tensor.op.name}_summary", tensor)


@tf_export("contrib.layers.summarize_activation", "contrib.slim.summarize_activation")
def summarize_activation(op):
    """A histogram of OP, and the share of zeros where it rectifies."""
    if op.op.type in ("Relu", "Softplus", "Relu6"):
        _add_scalar_summary(nn_impl.zero_fraction(op), f"{op.op.name}/zeros")
    if op.op.type == "Relu6":
        _add_scalar_summary(nn_impl.zero_fraction(6.0 - op), f"{op.op.name}/sixes")
    return _add_histogram_summary(op, f"{op.op.name}/activation")


@tf_export("contrib.layers.summarize_tensor", "contrib.slim.summarize_tensor")
def summarize_tensor(tensor, tag=None):
    """A scalar's summary or a histogram; None for what cannot be summarised."""
    if getattr(tensor, "op", None) is not None and tensor.dtype.base_dtype.name in ("string", "bool"):
        return None
    if tensor.get_shape().ndims == 0:
        return _add_scalar_summary(tensor, tag)
    return _add_histogram_summary(tensor, tag)


@tf_export("contrib.layers.summarize_tensors", "contrib.slim.summarize_tensors")
def summarize_tensors(tensors, summarizer=summarize_tensor):
    return [summarizer(tensor) for tensor in tensors]


@tf_export("contrib.layers.summarize_collection", "contrib.slim.summarize_collection")
def summarize_collection(collection, name_filter=None, summarizer=summarize_tensor):
    """Summaries of the tensors of COLLECTION whose names fit NAME_FILTER."""
    tensors = [
        tensor
        for tensor in ops.get_collection(collection)
        if name_filter is None or re.match(name_filter, tensor.op.name)
    ]
    return summarize_tensors(tensors, summarizer)


@tf_export("contrib.layers.summarize_activations", "contrib.slim.summarize_activations")
def summarize_activations(name_filter=None, summarizer=summarize_activation):
    return summarize_collection(ops.GraphKeys.ACTIVATIONS, name_filter, summarizer)


@tf_export("contrib.layers.summarize_variables", "contrib.slim.summarize_variables")
def summarize_variables(name_filter=None, summarizer=summarize_tensor):
    return summarize_collection(ops.GraphKeys.GLOBAL_VARIABLES, name_filter, summarizer)


@tf_export("contrib.layers.summarize_weights", "contrib.slim.summarize_weights")
def summarize_weights(name_filter=None, summarizer=summarize_tensor):
    return summarize_collection(ops.GraphKeys.WEIGHTS, name_filter, summarizer)


@tf_export("contrib.layers.summarize_biases", "contrib.slim.summarize_biases")
def summarize_biases(name_filter=None, summarizer=summarize_tensor):
    return summarize_collection(ops.GraphKeys.BIASES, name_filter, summarizer)
