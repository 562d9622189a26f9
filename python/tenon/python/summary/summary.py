"""tf.summary: ops that turn tensors into what TensorBoard shows."""

import json

from tenon.python.framework import dtypes, ops
from tenon.python.framework import proto as messages
from tenon.python.ops import gen_ops
from tenon.python.summary.summary_op_util import collect, summary_scope
from tenon.python.util.tf_export import tf_export


@tf_export("summary.scalar")
def scalar(name, tensor, collections=None, family=None):
    """A number (a tensor of one element) to be drawn over the steps."""
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        value = gen_ops.scalar_summary(tags=tag, values=tensor, name=scope)
        collect(value, collections, [ops.GraphKeys.SUMMARIES])
    return value


@tf_export("summary.image")
def image(name, tensor, max_outputs=3, collections=None, family=None):
    """The first MAX_OUTPUTS pictures of a batch [n, height, width, 1, 3 or 4 channels], uint8 or scaled floats."""
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        value = gen_ops.image_summary(tag=tag, tensor=tensor, max_images=max_outputs, name=scope)
        collect(value, collections, [ops.GraphKeys.SUMMARIES])
    return value


@tf_export("summary.histogram")
def histogram(name, values, collections=None, family=None):
    """How the numbers of a tensor of any shape are distributed."""
    with summary_scope(name, family, values=[values], default_name="HistogramSummary") as (tag, scope):
        value = gen_ops.histogram_summary(tag=tag, values=values, name=scope)
        collect(value, collections, [ops.GraphKeys.SUMMARIES])
    return value


@tf_export("summary.audio")
def audio(name, tensor, sample_rate, max_outputs=3, collections=None, family=None):
    """The first MAX_OUTPUTS sounds of a batch [n, frames] or [n, frames, channels] of floats in [-1, 1]."""
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        rate = ops.convert_to_tensor(sample_rate, dtype=dtypes.float32, name="sample_rate")
        value = gen_ops.audio_summary_v2(tag=tag, tensor=tensor, max_outputs=max_outputs, sample_rate=rate, name=scope)
        collect(value, collections, [ops.GraphKeys.SUMMARIES])
    return value


@tf_export("summary.text")
def text(name, tensor, collections=None):
    """Strings (Markdown), a table where the tensor has two dimensions."""
    if tensor.dtype != dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")
    metadata = messages.SummaryMetadata(plugin_data=messages.SummaryMetadata.PluginData(plugin_name="text"))
    return tensor_summary(name=name, tensor=tensor, summary_metadata=metadata, collections=collections)


@tf_export("summary.tensor_summary")
def tensor_summary(
    name, tensor, summary_description=None, collections=None, summary_metadata=None, family=None, display_name=None
):
    """A tensor of any dtype and shape, for the plugin that SUMMARY_METADATA names."""
    metadata = messages.SummaryMetadata()
    if summary_metadata is not None:
        metadata.CopyFrom(summary_metadata)
    if summary_description is not None:
        metadata.summary_description = summary_description
    if display_name is not None:
        metadata.display_name = display_name
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        value = gen_ops.tensor_summary_v2(
            tensor=tensor, tag=tag, name=scope, serialized_summary_metadata=metadata.SerializeToString()
        )
        collect(value, collections, [ops.GraphKeys.SUMMARIES])
    return value


@tf_export("summary.merge")
def merge(inputs, collections=None, name=None):
    """One summary of all the values of several; INVALID_ARGUMENT at run time where two have the same tag."""
    name = clean_name(name)
    with ops.name_scope(name, "Merge", inputs):
        value = gen_ops.merge_summary(inputs=inputs, name=name)
        collect(value, collections, [])
    return value


def clean_name(name):
    """The name of a merge as it may stand in a graph."""
    from tenon.python.summary.summary_op_util import clean_tag

    return clean_tag(name)


@tf_export("summary.merge_all")
def merge_all(key=ops.GraphKeys.SUMMARIES, scope=None, name=None):
    """The merge of all summaries that the default graph collected; None if there are none."""
    found = ops.get_collection(key, scope=scope)
    return merge(found, name=name) if found else None


@tf_export("summary.get_summary_description")
def get_summary_description(node_def):
    """The SummaryDescription of a TensorSummary node."""
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    fields = json.loads(node_def.attr["description"].s.decode() or "{}")
    names = {"typeHint": "type_hint", "type_hint": "type_hint"}
    return messages.SummaryDescription(**{names[key]: value for key, value in fields.items()})
