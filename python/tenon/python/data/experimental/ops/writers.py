"""Datasets written to files."""

from tenon.python.data.ops.dataset_ops import Dataset
from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.TFRecordWriter", "contrib.data.TFRecordWriter")
class TFRecordWriter:
    """Writes datasets of strings as TFRecord files."""

    def __init__(self, filename, compression_type=None):
        self._filename = ops.convert_to_tensor(filename, dtypes.string, name="filename")
        self._compression_type = ops.convert_to_tensor(compression_type or "", dtypes.string, name="compression_type")

    def write(self, dataset):
        """The Operation that writes the elements of DATASET, string scalars."""
        if not isinstance(dataset, Dataset):
            raise TypeError(f"Invalid `dataset.` Expected a `tf.data.Dataset` object but got {type(dataset)}.")
        if dataset.output_types != dtypes.string or dataset.output_shapes.rank not in (0, None):
            raise TypeError(f"Invalid `dataset`. Expected a scalar `tf.string` dataset but got {dataset!r}.")
        return gen_ops.dataset_to_tf_record(dataset._variant_tensor, self._filename, self._compression_type)
