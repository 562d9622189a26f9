"""Functions from before TensorFlow 1.0 that are no plain renaming."""

from tenon.python.framework import ops
from tenon.python.framework.op_keys import GraphKeys
from tenon.python.ops import gen_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export


def _collected(summary, collections):
    for key in [GraphKeys.SUMMARIES] if collections is None else collections:
        ops.add_to_collection(key, summary)
    return summary


@tf_export("contrib.deprecated.scalar_summary")
def scalar_summary(tags, values, collections=None, name=None):
    """A Summary of scalars: TAGS and VALUES have the same shape."""
    return _collected(gen_ops.scalar_summary(tags=tags, values=values, name=name), collections)


@tf_export("contrib.deprecated.histogram_summary")
def histogram_summary(tag, values, collections=None, name=None):
    """A Summary with a histogram of VALUES."""
    return _collected(gen_ops.histogram_summary(tag=tag, values=values, name=name), collections)


@tf_export("contrib.deprecated.image_summary")
def image_summary(tag, tensor, max_images=3, collections=None, name=None):
    """A Summary with images: TENSOR [batch, height, width, channels]."""
    return _collected(gen_ops.image_summary(tag=tag, tensor=tensor, max_images=max_images, name=name), collections)


@tf_export("contrib.deprecated.audio_summary")
def audio_summary(tag, tensor, sample_rate, max_outputs=3, collections=None, name=None):
    """A Summary with sound: TENSOR [batch, frames] or [batch, frames, channels]."""
    rate = ops.convert_to_tensor(sample_rate, dtype="float32", name="sample_rate")
    made = gen_ops.audio_summary_v2(tag=tag, tensor=tensor, max_outputs=max_outputs, sample_rate=rate, name=name)
    return _collected(made, collections)


@tf_export("contrib.deprecated.merge_summary")
def merge_summary(inputs, collections=None, name=None):
    """One Summary with the values of several."""
    made = gen_ops.merge_summary(inputs=inputs, name=name)
    for key in collections or ():
        ops.add_to_collection(key, made)
    return made


@tf_export("contrib.deprecated.merge_all_summaries")
def merge_all_summaries(key=GraphKeys.SUMMARIES):
    """One Summary with all that were collected; None if there are none."""
    inputs = ops.get_collection(key)
    return merge_summary(inputs) if inputs else None


@tf_export("batch_matmul")
@deprecated(None, "Use tf.matmul instead.")
def batch_matmul(x, y, adj_x=False, adj_y=False, name=None):
    """Products of the matrices in the last two dimensions."""
    return gen_ops.batch_mat_mul(x, y, adj_x=adj_x, adj_y=adj_y, name=name)
