"""TFRecord files: reading and writing."""

import os

from tenon import _core
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export


def _text(path):
    path = os.fspath(path)
    path = path.decode() if isinstance(path, bytes) else path
    return path[len("file://") :] if path.startswith("file://") else path


class TFRecordCompressionType:
    """The type of compression of a file."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


tf_export("io.TFRecordCompressionType", "python_io.TFRecordCompressionType").export_constant(
    __name__, "TFRecordCompressionType"
)


@tf_export("io.TFRecordOptions", "python_io.TFRecordOptions")
class TFRecordOptions:
    """How a file is written: its compression ("", "ZLIB", "GZIP" or a TFRecordCompressionType) and its level."""

    compression_type_map = {0: "", 1: "ZLIB", 2: "GZIP"}

    def __init__(self, compression_type=None, flush_mode=None, input_buffer_size=None, output_buffer_size=None,
                 window_bits=None, compression_level=None, compression_method=None, mem_level=None,
                 compression_strategy=None):  # fmt: skip
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options):
        """ "", "ZLIB" or "GZIP" for options, a compression type, its name, or None. ValueError for others."""
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if isinstance(options, int) and options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return options
        raise ValueError(f'Not a valid compression_type: "{options}"')


@tf_export("io.tf_record_iterator", "python_io.tf_record_iterator")
@deprecated(None, "Use tf.data.TFRecordDataset(path)")
def tf_record_iterator(path, options=None):
    """The records of the file PATH, as bytes. DataLossError where it is damaged."""
    return iter(_core.RecordReader(_text(path), TFRecordOptions.get_compression_type_string(options)))


def tf_record_random_reader(path):
    """A reader whose read(offset) returns (record, offset of the next one)."""
    return _RandomReader(path)


class _RandomReader:
    def __init__(self, path):
        self._reader = _core.RecordReader(_text(path))

    def read(self, offset):
        self._reader.seek(offset)
        try:
            return next(self._reader), self._reader.offset()
        except StopIteration:
            raise IndexError("Out of range at reading offset") from None

    def close(self):
        self._reader = None


@tf_export("io.TFRecordWriter", "python_io.TFRecordWriter")
class TFRecordWriter:
    """Writes records to the file PATH. A `with` block closes it."""

    def __init__(self, path, options=None):
        options = options if isinstance(options, TFRecordOptions) else TFRecordOptions(options)
        level = options.compression_level
        kind = TFRecordOptions.get_compression_type_string(options)
        self._writer = _core.RecordWriter(_text(path), kind, -1 if level is None else level)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def write(self, record):
        """Writes RECORD, bytes."""
        self._writer.write(record.encode() if isinstance(record, str) else record)

    def flush(self):
        """Puts what was written where readers see it."""
        self._writer.flush()

    def close(self):
        """Flushes and closes the file."""
        self._writer.close()
