"""Files in the graph: readers, whole files, saving and restoring."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

_INSTEAD = "Queue-based input pipelines have been replaced by `tf.data`."


@tf_export("io.read_file", "read_file")
def read_file(filename, name=None):
    """What the file called FILENAME holds, a string scalar."""
    return gen_ops.read_file(filename, name=name)


@tf_export("io.write_file", "write_file")
def write_file(filename, contents, name=None):
    """An operation that makes a file, and the folders that it needs."""
    return gen_ops.write_file(filename, contents, name=name)


@tf_export("io.matching_files", "matching_files")
def matching_files(pattern, name=None):
    """The files that match a glob pattern (a scalar or vector of them), sorted."""
    return gen_ops.matching_files(pattern, name=name)


def _ref(queue):
    return queue if isinstance(queue, ops.Tensor) else queue.queue_ref


@tf_export("ReaderBase")
class ReaderBase:
    """A reader: takes names of files out of a queue and gives what is in these, record by record."""

    @deprecated(None, _INSTEAD)
    def __init__(self, reader_ref, supports_serialize=False):
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self):
        """The handle."""
        return self._reader_ref

    @property
    def supports_serialize(self):
        """Whether its state can be saved."""
        return self._supports_serialize

    def read(self, queue, name=None):
        """(key, value) of the next record, string scalars."""
        return self._ask("Read", _ref(queue), name=name)

    def read_up_to(self, queue, num_records, name=None):
        """(keys, values) of up to NUM_RECORDS next records, string vectors."""
        return self._ask("ReadUpTo", _ref(queue), num_records, name=name)

    def _ask(self, what, *inputs, name):
        version = "V2" if self._reader_ref.dtype == dtypes.resource else ""
        return gen_ops.by_type(f"Reader{what}{version}")(self._reader_ref, *inputs, name=name)

    def num_records_produced(self, name=None):
        """How many records it gave, an int64 scalar."""
        return self._ask("NumRecordsProduced", name=name)

    def num_work_units_completed(self, name=None):
        """How many files it is through with, an int64 scalar."""
        return self._ask("NumWorkUnitsCompleted", name=name)

    def serialize_state(self, name=None):
        """Its state, a string scalar."""
        return self._ask("SerializeState", name=name)

    def restore_state(self, state, name=None):
        """An operation that puts it into STATE."""
        return self._ask("RestoreState", state, name=name)

    def reset(self, name=None):
        """An operation that puts it into the state that it began with."""
        return self._ask("Reset", name=name)


@tf_export("WholeFileReader")
class WholeFileReader(ReaderBase):
    """A reader whose records are whole files; the key is the name."""

    def __init__(self, name=None):
        super().__init__(gen_ops.whole_file_reader_v2(name=name), supports_serialize=True)


@tf_export("TextLineReader")
class TextLineReader(ReaderBase):
    """A reader whose records are lines."""

    def __init__(self, skip_header_lines=None, name=None):
        super().__init__(gen_ops.text_line_reader_v2(skip_header_lines=skip_header_lines or 0, name=name))


@tf_export("FixedLengthRecordReader")
class FixedLengthRecordReader(ReaderBase):
    """A reader whose records have RECORD_BYTES bytes each."""

    def __init__(self, record_bytes, header_bytes=None, footer_bytes=None, hop_bytes=None, name=None, encoding=None):
        ref = gen_ops.fixed_length_record_reader_v2(
            record_bytes=record_bytes, header_bytes=header_bytes or 0, footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0, encoding=encoding or "", name=name)  # fmt: skip
        super().__init__(ref)


@tf_export("TFRecordReader")
class TFRecordReader(ReaderBase):
    """A reader of TFRecord files."""

    def __init__(self, name=None, options=None):
        from tenon.python.lib.io import tf_record

        kind = tf_record.TFRecordOptions.get_compression_type_string(options)
        super().__init__(gen_ops.tf_record_reader_v2(name=name, compression_type=kind))


@tf_export("IdentityReader")
class IdentityReader(ReaderBase):
    """A reader whose records are what the queue holds."""

    def __init__(self, name=None):
        super().__init__(gen_ops.identity_reader_v2(name=name), supports_serialize=True)
