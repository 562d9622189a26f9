"""Datasets of what is in files."""

from tenon.python.data.ops.dataset_ops import Dataset, int64
from tenon.python.data.util import structure
from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export

_DEFAULT_READER_BUFFER_SIZE_BYTES = 256 * 1024


def _strings(value, name, default=""):
    return ops.convert_to_tensor(default if value is None else value, dtype=dtypes.string, name=name)


def _size(buffer_size):
    return int64(_DEFAULT_READER_BUFFER_SIZE_BYTES if buffer_size is None else buffer_size, "buffer_size")


def _file_names(filenames):
    """A dataset of single names from a string, a list of them, a tensor of any shape, or a dataset."""
    if isinstance(filenames, Dataset):
        if filenames.output_types != dtypes.string:
            raise TypeError("`filenames` must be a `tf.data.Dataset` of `tf.string` elements.")
        return filenames
    names = ops.convert_to_tensor(filenames, dtype=dtypes.string)
    return Dataset.from_tensor_slices(gen_ops.reshape(names, [-1]))


class _Reader(Dataset):
    """A dataset of string scalars out of files. A subclass says in _one what is in one file, or in several."""

    def __init__(self, filenames, num_parallel_reads=None):
        spec = structure.TensorSpec([], dtypes.string)
        if num_parallel_reads is None and not isinstance(filenames, Dataset):
            names = _strings(filenames, "filenames")
            if names.shape.rank is None or names.shape.rank > 1:
                names = gen_ops.reshape(names, [-1])
            self._set(self._one(names), spec)
            return

        def read(name):
            made = Dataset.__new__(Dataset)
            made._set(self._one(name), spec)
            return made

        names = _file_names(filenames)
        if num_parallel_reads is None:
            dataset = names.flat_map(read)
        else:
            cycle = num_parallel_reads
            dataset = names.interleave(read, cycle, 1, num_parallel_calls=num_parallel_reads)
        self._set(dataset._variant_tensor, spec, (names,))


@tf_export("data.TextLineDataset", "contrib.data.TextLineDataset")
class TextLineDataset(_Reader):
    """The lines of text files, without their ends."""

    def __init__(self, filenames, compression_type=None, buffer_size=None, num_parallel_reads=None, name=None):
        self._one = lambda names: gen_ops.text_line_dataset(
            names, _strings(compression_type, "compression_type"), _size(buffer_size), name=name
        )
        super().__init__(filenames, num_parallel_reads)


@tf_export("data.TFRecordDataset", "contrib.data.TFRecordDataset")
class TFRecordDataset(_Reader):
    """The records of TFRecord files."""

    def __init__(self, filenames, compression_type=None, buffer_size=None, num_parallel_reads=None, name=None):
        self._one = lambda names: gen_ops.tf_record_dataset(
            names, _strings(compression_type, "compression_type"), _size(buffer_size), name=name
        )
        super().__init__(filenames, num_parallel_reads)


@tf_export("data.FixedLengthRecordDataset", "contrib.data.FixedLengthRecordDataset")
class FixedLengthRecordDataset(_Reader):
    """Records of RECORD_BYTES bytes each, between a header and a footer."""

    def __init__(self, filenames, record_bytes, header_bytes=None, footer_bytes=None, buffer_size=None,
                 compression_type=None, num_parallel_reads=None, name=None):  # fmt: skip
        self._one = lambda names: gen_ops.fixed_length_record_dataset_v2(
            names, int64(header_bytes or 0, "header_bytes"), int64(record_bytes, "record_bytes"),
            int64(footer_bytes or 0, "footer_bytes"), _size(buffer_size),
            _strings(compression_type, "compression_type"), name=name,
        )  # fmt: skip
        super().__init__(filenames, num_parallel_reads)
