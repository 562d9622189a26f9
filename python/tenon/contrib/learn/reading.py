"""contrib.learn's readers of batches: files by pattern, read in threads, shuffled and batched by queues."""

from tenon.python.framework import ops
from tenon.python.lib.io import file_io
from tenon.python.ops import io_ops, parsing_ops
from tenon.python.training import input as input_ops
from tenon.python.util.tf_export import tf_export


def _file_names(file_pattern):
    """The files of a pattern, or of several. ValueError where there are none."""
    patterns = file_pattern if isinstance(file_pattern, (list, tuple)) else [file_pattern]
    if not patterns:
        raise ValueError("No files given to dequeue_examples.")
    found = []
    for pattern in patterns:
        some = file_io.get_matching_files(pattern)
        if not some:
            raise ValueError(f"No files match {pattern}.")
        found.extend(sorted(some))
    return found


def _check(batch_size, queue_capacity, num_threads, read_batch_size, num_epochs):
    if not isinstance(batch_size, ops.Tensor):
        if not batch_size or batch_size <= 0:
            raise ValueError(f"Invalid batch_size {batch_size}.")
        if batch_size > queue_capacity:
            raise ValueError(f"Invalid batch_size {batch_size}, with queue_capacity {queue_capacity}.")
    if not queue_capacity or queue_capacity <= 0:
        raise ValueError(f"Invalid queue_capacity {queue_capacity}.")
    if not num_threads or num_threads <= 0:
        raise ValueError(f"Invalid num_threads {num_threads}.")
    if not read_batch_size or read_batch_size <= 0:
        raise ValueError(f"Invalid read_batch_size {read_batch_size}.")
    if num_epochs is not None and num_epochs <= 0:
        raise ValueError(f"Invalid num_epochs {num_epochs}.")


@tf_export("contrib.learn.read_keyed_batch_examples")
def read_keyed_batch_examples(file_pattern, batch_size, reader, randomize_input=True, num_epochs=None,
                              queue_capacity=10000, num_threads=1, read_batch_size=1, parse_fn=None, name=None,
                              seed=None):  # fmt: skip
    """(keys, records) of a batch: what the readers that READER makes read in the files, through PARSE_FN if given."""
    files = _file_names(file_pattern)
    _check(batch_size, queue_capacity, num_threads, read_batch_size, num_epochs)
    with ops.name_scope(name, "read_batch_examples", [file_pattern]) as scope:
        queue = input_ops.string_input_producer(files, shuffle=randomize_input, num_epochs=num_epochs, seed=seed,
                                                name="file_queue", capacity=len(files))  # fmt: skip
        many = read_batch_size > 1
        read = [
            reader().read_up_to(queue, read_batch_size) if many else reader().read(queue) for _ in range(num_threads)
        ]
        if parse_fn is not None:
            read = [(key, parse_fn(record)) for key, record in read]
        options = {"capacity": queue_capacity, "enqueue_many": many, "name": scope,
                   "allow_smaller_final_batch": num_epochs is not None}  # fmt: skip
        if not randomize_input:
            return tuple(input_ops.batch_join(read, batch_size, **options))
        fixed = not isinstance(batch_size, ops.Tensor)
        kept = max(queue_capacity - 3 * batch_size, batch_size) if fixed else int(queue_capacity * 0.4)
        kept = min(kept, queue_capacity - 1)
        return tuple(input_ops.shuffle_batch_join(read, batch_size, min_after_dequeue=kept, seed=seed, **options))


@tf_export("contrib.learn.read_batch_examples")
def read_batch_examples(file_pattern, batch_size, reader, randomize_input=True, num_epochs=None, queue_capacity=10000,
                        num_threads=1, read_batch_size=1, parse_fn=None, name=None, seed=None):  # fmt: skip
    """The records of a batch: what the readers that READER makes read in the files, through PARSE_FN if given."""
    return read_keyed_batch_examples(
        file_pattern, batch_size, reader, randomize_input, num_epochs, queue_capacity, num_threads, read_batch_size,
        parse_fn, name, seed,
    )[1]  # fmt: skip


@tf_export("contrib.learn.read_keyed_batch_features")
def read_keyed_batch_features(file_pattern, batch_size, features, reader, randomize_input=True, num_epochs=None,
                              queue_capacity=10000, reader_num_threads=1, feature_queue_capacity=100,
                              num_enqueue_threads=2, parse_fn=None, name=None,
                              read_batch_size=None):  # fmt: skip
    """(keys, {name: tensor}) of a batch of tf.Examples, parsed by the specification FEATURES."""
    with ops.name_scope(name, "read_batch_features", [file_pattern]) as scope:
        size = read_batch_size or (min(batch_size, 64) if not isinstance(batch_size, ops.Tensor) else 1)
        keys, records = read_keyed_batch_examples(
            file_pattern, batch_size, reader, randomize_input, num_epochs, queue_capacity, reader_num_threads, size,
            parse_fn, scope,
        )  # fmt: skip
        return keys, parsing_ops.parse_example(records, features)


@tf_export("contrib.learn.read_batch_features")
def read_batch_features(file_pattern, batch_size, features, reader, randomize_input=True, num_epochs=None,
                        queue_capacity=10000, feature_queue_capacity=100, reader_num_threads=1,
                        num_enqueue_threads=2, parse_fn=None, name=None, read_batch_size=None):  # fmt: skip
    """{name: tensor} of a batch of tf.Examples, parsed by the specification FEATURES."""
    return read_keyed_batch_features(
        file_pattern, batch_size, features, reader, randomize_input, num_epochs, queue_capacity, reader_num_threads,
        feature_queue_capacity, num_enqueue_threads, parse_fn, name, read_batch_size,
    )[1]  # fmt: skip


@tf_export("contrib.learn.read_batch_record_features")
def read_batch_record_features(file_pattern, batch_size, features, randomize_input=True, num_epochs=None,
                               queue_capacity=10000, reader_num_threads=1,
                               name="dequeue_record_examples"):  # fmt: skip
    """read_batch_features of TFRecord files."""
    return read_batch_features(
        file_pattern, batch_size, features, io_ops.TFRecordReader, randomize_input, num_epochs, queue_capacity,
        reader_num_threads=reader_num_threads, name=name,
    )  # fmt: skip
