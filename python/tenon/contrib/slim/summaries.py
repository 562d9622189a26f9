"""Summaries under the names of what they show."""

from tenon.python.framework import ops
from tenon.python.ops import logging_ops, nn_impl
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export


def _summary_name(tensor, name=None, prefix=None, postfix=None):
    parts = [prefix, name or tensor.op.name, postfix]
    return "/".join(part for part in parts if part)


def _printed(made, tensor, name):
    """The summary MADE, which prints TENSOR when it is run."""
    made = logging_ops.Print(made, [tensor], name)
    ops.add_to_collection(ops.GraphKeys.SUMMARIES, made)
    return made


@tf_export("contrib.slim.summaries.add_histogram_summary")
def add_histogram_summary(tensor, name=None, prefix=None):
    """A histogram of TENSOR."""
    return summary.histogram(_summary_name(tensor, name, prefix), tensor)


@tf_export("contrib.slim.summaries.add_image_summary")
def add_image_summary(tensor, name=None, prefix=None, print_summary=False):
    """TENSOR as images; PRINT_SUMMARY prints it too."""
    full = _summary_name(tensor, name, prefix)
    made = summary.image(name=full, tensor=tensor, collections=[] if print_summary else None)
    return _printed(made, tensor, full) if print_summary else made


@tf_export("contrib.slim.summaries.add_scalar_summary")
def add_scalar_summary(tensor, name=None, prefix=None, print_summary=False):
    """The number TENSOR; PRINT_SUMMARY prints it too."""
    full = _summary_name(tensor, name, prefix)
    made = summary.scalar(name=full, tensor=tensor, collections=[] if print_summary else None)
    return _printed(made, tensor, full) if print_summary else made


@tf_export("contrib.slim.summaries.add_zero_fraction_summary")
def add_zero_fraction_summary(tensor, name=None, prefix=None, print_summary=False):
    """The share of zeros in TENSOR."""
    full = _summary_name(tensor, name, prefix, "Fraction_of_Zero_Values")
    return add_scalar_summary(nn_impl.zero_fraction(tensor), full, print_summary=print_summary)


@tf_export("contrib.slim.summaries.add_histogram_summaries")
def add_histogram_summaries(tensors, prefix=None):
    """A histogram of each of TENSORS."""
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


@tf_export("contrib.slim.summaries.add_image_summaries")
def add_image_summaries(tensors, prefix=None):
    """Each of TENSORS as images."""
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]


@tf_export("contrib.slim.summaries.add_scalar_summaries")
def add_scalar_summaries(tensors, prefix=None, print_summary=False):
    """Each of TENSORS as a number."""
    return [add_scalar_summary(tensor, prefix=prefix, print_summary=print_summary) for tensor in tensors]


@tf_export("contrib.slim.summaries.add_zero_fraction_summaries")
def add_zero_fraction_summaries(tensors, prefix=None):
    """The share of zeros in each of TENSORS."""
    return [add_zero_fraction_summary(tensor, prefix=prefix) for tensor in tensors]
