"""IndexedSlices by TensorFlow's place for them, and their value."""

from collections import namedtuple

from tenon.python.framework import ops
from tenon.python.framework.tensor import IndexedSlices
from tenon.python.util.tf_export import tf_export

IndexedSlicesValue = namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])
tf_export("IndexedSlicesValue").export_constant(__name__, "IndexedSlicesValue")


def _densify(value, dtype=None, name=None, as_ref=False):
    """IndexedSlices as a Tensor: rows that occur more than once are summed."""
    from tenon.python.ops import gen_ops

    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype "
                         f"{value.dtype.name}")  # fmt: skip
    if value.dense_shape is None:
        raise ValueError("Tensor conversion requested for IndexedSlices without dense_shape: "
                         f"{value}")  # fmt: skip
    return gen_ops.unsorted_segment_sum(value.values, value.indices, value.dense_shape[0], name=name)


ops.register_tensor_conversion_function(IndexedSlices, _densify)
