"""Histograms with bins of one width."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("histogram_fixed_width_bins")
def histogram_fixed_width_bins(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
    """The number of the bin that each value is in; the ends take what is beyond the range."""
    with ops.name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        values = ops.convert_to_tensor(values, name="values")
        shape = array_ops.shape(values)
        values = array_ops.reshape(values, [-1])
        value_range = ops.convert_to_tensor(value_range, name="value_range", dtype=values.dtype)
        nbins = ops.convert_to_tensor(nbins, dtype=dtypes.int32, name="nbins")
        scaled = math_ops.truediv(values - value_range[0], value_range[1] - value_range[0], name="scaled_values")
        places = gen_ops.floor(math_ops.cast(nbins, scaled.dtype) * scaled, name="indices")
        last = math_ops.cast(nbins - 1, dtypes.int32)
        places = gen_ops.minimum(gen_ops.maximum(math_ops.cast(places, dtypes.int32), 0), last)
        return math_ops.cast(array_ops.reshape(places, shape), dtype)


@tf_export("histogram_fixed_width")
def histogram_fixed_width(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
    """How many values each bin has."""
    with ops.name_scope(name, "histogram_fixed_width", [values, value_range, nbins]):
        places = array_ops.reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
        return gen_ops.unsorted_segment_sum(array_ops.ones_like(places, dtype=dtype), places, nbins)
