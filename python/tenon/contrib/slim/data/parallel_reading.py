"""Several readers that fill one queue, and queues of what was decoded."""

from tenon.python.framework import dtypes as tf_dtypes
from tenon.python.framework import ops
from tenon.python.lib.io import file_io
from tenon.python.ops import data_flow_ops, io_ops, math_ops
from tenon.python.summary import summary
from tenon.python.training import input as tf_input
from tenon.python.training import queue_runner_impl as queue_runner
from tenon.python.util.tf_export import tf_export


def _summarize_fill(queue, capacity):
    summary.scalar(f"fraction_of_{capacity}_full", math_ops.cast(queue.size(), tf_dtypes.float32) * (1.0 / capacity))


@tf_export("contrib.slim.parallel_reader.ParallelReader")
class ParallelReader(io_ops.ReaderBase):
    """NUM_READERS readers of READER_CLASS, whose records come out of COMMON_QUEUE."""

    def __init__(self, reader_class, common_queue, num_readers=4, reader_kwargs=None):
        strings = [dtype.is_compatible_with(tf_dtypes.string) for dtype in common_queue.dtypes]
        if strings != [True, True]:
            raise TypeError("common_queue.dtypes must be [tf.string, tf.string]")
        self._readers = [reader_class(**(reader_kwargs or {})) for _ in range(num_readers)]
        self._common_queue = common_queue

    @property
    def num_readers(self):
        """How many readers there are."""
        return len(self._readers)

    @property
    def common_queue(self):
        """The queue that all readers fill."""
        return self._common_queue

    def read(self, queue, name=None):
        """(key, value) of the next record of the files in QUEUE."""
        self._read_into(queue)
        return self._common_queue.dequeue(name=name)

    def read_up_to(self, queue, num_records, name=None):
        """(keys, values) of at most NUM_RECORDS records."""
        self._read_into(queue)
        return self._common_queue.dequeue_up_to(num_records, name)

    def _read_into(self, queue):
        enqueues = [self._common_queue.enqueue(reader.read(queue)) for reader in self._readers]
        queue_runner.add_queue_runner(queue_runner.QueueRunner(self._common_queue, enqueues))

    def num_records_produced(self, name=None):
        """How many records all have read."""
        return math_ops.add_n([reader.num_records_produced() for reader in self._readers], name=name)

    def num_work_units_completed(self, name=None):
        """How many files all have read."""
        return math_ops.add_n([reader.num_work_units_completed() for reader in self._readers], name=name)


@tf_export("contrib.slim.parallel_reader.get_data_files")
def get_data_files(data_sources):
    """The files of a name, a pattern, or a list of these. ValueError if there are none."""
    if isinstance(data_sources, (list, tuple)):
        files = [path for source in data_sources for path in get_data_files(source)]
    elif any(letter in data_sources for letter in "*?["):
        files = file_io.get_matching_files(data_sources)
    else:
        files = [data_sources]
    if not files:
        raise ValueError(f"No data files found in {data_sources}")
    return files


@tf_export("contrib.slim.parallel_reader.parallel_read")
def parallel_read(data_sources, reader_class, num_epochs=None, num_readers=4, reader_kwargs=None, shuffle=True,
                  dtypes=None, capacity=256, min_after_dequeue=128, seed=None, scope=None):  # fmt: skip
    """(key, value) of records of DATA_SOURCES, read by several readers, shuffled."""
    files = get_data_files(data_sources)
    with ops.name_scope(scope, "parallel_read"):
        names = tf_input.string_input_producer(files, num_epochs=num_epochs, shuffle=shuffle, seed=seed,
                                               name="filenames")  # fmt: skip
        types = dtypes or [tf_dtypes.string, tf_dtypes.string]
        if shuffle:
            queue = data_flow_ops.RandomShuffleQueue(
                capacity=capacity, min_after_dequeue=min_after_dequeue, dtypes=types, seed=seed, name="common_queue"
            )
        else:
            queue = data_flow_ops.FIFOQueue(capacity=capacity, dtypes=types, name="common_queue")
        _summarize_fill(queue, capacity)
        return ParallelReader(reader_class, queue, num_readers=num_readers, reader_kwargs=reader_kwargs).read(names)


@tf_export("contrib.slim.parallel_reader.single_pass_read")
def single_pass_read(data_sources, reader_class, reader_kwargs=None, scope=None):
    """(key, value) of records of DATA_SOURCES, once and in order."""
    files = get_data_files(data_sources)
    with ops.name_scope(scope, "single_pass_read"):
        names = tf_input.string_input_producer(files, num_epochs=1, shuffle=False, capacity=1, name="filenames")
        return reader_class(**(reader_kwargs or {})).read(names)


@tf_export("contrib.slim.prefetch_queue.prefetch_queue")
def prefetch_queue(tensors, capacity=8, num_threads=1, dynamic_pad=False, shared_name=None, name=None):
    """A queue of TENSORS (a list or a dictionary), filled by queue runners."""
    names = sorted(tensors) if isinstance(tensors, dict) else None
    flat = tensors if names is None else [tensors[key] for key in names]
    with ops.name_scope(name, "prefetch_queue", flat) as scope:
        kind = data_flow_ops.PaddingFIFOQueue if dynamic_pad else data_flow_ops.FIFOQueue
        queue = kind(
            capacity=capacity, dtypes=[t.dtype for t in flat], shapes=[t.get_shape() for t in flat], names=names,
            shared_name=shared_name, name=scope,
        )  # fmt: skip
        enqueue = queue.enqueue(tensors)
        queue_runner.add_queue_runner(queue_runner.QueueRunner(queue, [enqueue] * num_threads))
        _summarize_fill(queue, capacity)
        return queue
