"""RecordInput: batches of records of files, shuffled, without end."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.framework.RecordInput")
class RecordInput:
    """Yields BATCH_SIZE serialised records at a time from the files of FILE_PATTERN, in random order."""

    def __init__(self, file_pattern, batch_size=1, buffer_size=1, parallelism=1, shift_ratio=0, seed=0, name=None,
                 batches=None, compression_type=None):  # fmt: skip
        self._file_pattern, self._batch_size, self._buffer_size = file_pattern, batch_size, buffer_size
        self._parallelism, self._seed, self._name, self._batches = parallelism, seed, name, batches
        if batches is not None:
            self._batch_size *= batches
        self._compression_type = compression_type

    def get_yield_op(self):
        """Strings [batch_size]; or a list of BATCHES lists of scalars, if that is given."""
        from tenon.python.data.ops import dataset_ops, readers

        kind = self._compression_type
        compression = {None: None, 0: None, 1: "ZLIB", 2: "GZIP"}.get(kind, kind)
        with ops.name_scope(self._name, "RecordInput"):
            files = dataset_ops.Dataset.list_files(self._file_pattern, shuffle=True, seed=self._seed)
            records = files.flat_map(lambda path: readers.TFRecordDataset(path, compression)).repeat()
            records = records.shuffle(max(self._buffer_size, 1), seed=self._seed)
            rows = records.batch(self._batch_size, drop_remainder=True).prefetch(self._parallelism)
            yielded = dataset_ops.make_one_shot_iterator(rows).get_next()
            if self._batches is None:
                return yielded
            made = [[] for _ in range(self._batches)]
            for i, record in enumerate(array_ops.split(yielded, self._batch_size, 0)):
                made[i % self._batches].append(array_ops.reshape(record, []))
            return made
