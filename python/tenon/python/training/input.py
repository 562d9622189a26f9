"""Input pipelines made of queues: producers of names, numbers and slices, and batches."""

from tenon.python.framework import constant_op, dtypes, ops, tensor_util
from tenon.python.framework.sparse_tensor import SparseTensor
from tenon.python.framework.tensor_shape import TensorShape, as_shape
from tenon.python.ops import array_ops, control_flow_ops, data_flow_ops, gen_ops, io_ops, math_ops, random_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.summary import summary
from tenon.python.training import queue_runner_impl
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

_INSTEAD = "Queue-based input pipelines have been replaced by `tf.data`."


@tf_export("io.match_filenames_once", "train.match_filenames_once")
def match_filenames_once(pattern, name=None):
    """A local variable that holds the files that match a glob pattern (or several), as they were found when it was
    initialized."""
    with ops.name_scope(name, "matching_filenames", [pattern]) as name:
        return vs.variable(name=name, initial_value=io_ops.matching_files(pattern), trainable=False,
                           validate_shape=False, collections=[ops.GraphKeys.LOCAL_VARIABLES])  # fmt: skip


@tf_export("train.limit_epochs")
@deprecated(None, _INSTEAD)
def limit_epochs(tensor, num_epochs=None, name=None):
    """TENSOR, NUM_EPOCHS times; then OutOfRangeError. A local variable counts."""
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    with ops.name_scope(name, "limit_epochs", [tensor]) as name:
        zero = constant_op.constant(0, dtype=dtypes.int64)
        epochs = vs.variable(zero, name="epochs", trainable=False, collections=[ops.GraphKeys.LOCAL_VARIABLES])
        with ops.control_dependencies([epochs.count_up_to(num_epochs)]):
            return array_ops.identity(tensor, name=name)


def _fill(queue, capacity, name, part=None):
    """A summary that says how full QUEUE is."""
    part = math_ops.cast(queue.size() if part is None else part, dtypes.float32) * (1.0 / capacity)
    summary.scalar(name, part)


# --- producers ---


@tf_export("train.input_producer")
@deprecated(None, _INSTEAD)
def input_producer(input_tensor, element_shape=None, num_epochs=None, shuffle=True, seed=None, capacity=32,
                   shared_name=None, summary_name=None, name=None, cancel_op=None):  # fmt: skip
    """A queue of the rows of INPUT_TENSOR, again and again, in another order each time if SHUFFLE."""
    with ops.name_scope(name, "input_producer", [input_tensor]):
        input_tensor = ops.convert_to_tensor(input_tensor, name="input_tensor")
        element_shape = input_tensor.get_shape()[1:].merge_with(element_shape)
        if not element_shape.is_fully_defined():
            raise ValueError("Either `input_tensor` must have a fully defined shape or `element_shape` must be "
                             "specified")  # fmt: skip
        if shuffle:
            input_tensor = random_ops.random_shuffle(input_tensor, seed=seed)
        input_tensor = limit_epochs(input_tensor, num_epochs)
        queue = data_flow_ops.FIFOQueue(capacity=capacity, dtypes=[input_tensor.dtype.base_dtype],
                                        shapes=[element_shape], shared_name=shared_name, name=name)  # fmt: skip
        enqueue = queue.enqueue_many([input_tensor])
        queue_runner_impl.add_queue_runner(queue_runner_impl.QueueRunner(queue, [enqueue], cancel_op=cancel_op))
        if summary_name is not None:
            _fill(queue, capacity, summary_name)
        return queue


@tf_export("train.string_input_producer")
@deprecated(None, _INSTEAD)
def string_input_producer(string_tensor, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None,
                          name=None, cancel_op=None):  # fmt: skip
    """A queue of the strings of a vector, names of files say."""
    message = "string_input_producer requires a non-null input tensor"
    if (
        not isinstance(string_tensor, ops.Tensor)
        and not hasattr(string_tensor, "initializer")
        and not len(string_tensor)
    ):
        raise ValueError(message)
    with ops.name_scope(name, "input_producer", [string_tensor]) as name:
        string_tensor = ops.convert_to_tensor(string_tensor, dtype=dtypes.string)
        check = control_flow_ops.Assert(math_ops.greater(array_ops.size(string_tensor), 0), [message])
        with ops.control_dependencies([check]):
            string_tensor = array_ops.identity(string_tensor)
        return input_producer(string_tensor, [], num_epochs, shuffle, seed, capacity, shared_name,
                              f"fraction_of_{capacity}_full", name, cancel_op)  # fmt: skip


@tf_export("train.range_input_producer")
@deprecated(None, _INSTEAD)
def range_input_producer(limit, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None, name=None):
    """A queue of the numbers from 0 to LIMIT - 1."""
    with ops.name_scope(name, "input_producer", [limit]) as name:
        return input_producer(math_ops.range(limit), [], num_epochs, shuffle, seed, capacity, shared_name,
                              f"fraction_of_{capacity}_full", name)  # fmt: skip


@tf_export("train.slice_input_producer")
@deprecated(None, _INSTEAD)
def slice_input_producer(tensor_list, num_epochs=None, shuffle=True, seed=None, capacity=32, shared_name=None,
                         name=None):  # fmt: skip
    """One row of each tensor of a list, which have as many rows each."""
    with ops.name_scope(name, "input_producer", tensor_list):
        tensor_list = ops.convert_n_to_tensor_or_indexed_slices(tensor_list)
        if not tensor_list:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        rows = array_ops.shape(tensor_list[0])[0]
        index = range_input_producer(rows, num_epochs, shuffle, seed, capacity, shared_name).dequeue()
        return [array_ops.gather(tensor, index) for tensor in tensor_list]


# --- what is batched: lists and dicts of tensors, sparse ones as three strings ---


def _as_tensor_list(tensors):
    return [tensors[key] for key in sorted(tensors, key=str)] if isinstance(tensors, dict) else tensors


def _as_tensor_list_list(tensors_list):
    if not tensors_list:
        raise ValueError("Expected at least one set of tensors")
    if isinstance(tensors_list[0], dict):
        if any(set(tensors) != set(tensors_list[0]) for tensors in tensors_list):
            raise ValueError("All dictionaries in tensors_list must have the same keys")
        return [_as_tensor_list(tensors) for tensors in tensors_list]
    return tensors_list


def _as_original_type(original, tensors):
    if isinstance(original, dict):
        tensors = tensors if isinstance(tensors, list) else [tensors]
        return dict(zip(sorted(original, key=str), tensors))
    return tensors


def _check(tensor_list):
    tensor_list = [t if isinstance(t, SparseTensor) else ops.convert_to_tensor(t) for t in tensor_list]
    if not tensor_list:
        raise ValueError("Expected at least one tensor in batch().")
    return tensor_list


def _check_join(tensor_list_list):
    lists = [[t if isinstance(t, SparseTensor) else ops.convert_to_tensor(t) for t in ts] for ts in tensor_list_list]
    if not lists:
        raise ValueError("Expected at least one input in batch_join().")
    return lists


def _check_keep_input(keep_input, enqueue_many):
    """Whether an element is to be kept: a bool scalar, or one for each of many."""
    keep_input = ops.convert_to_tensor(keep_input)
    rank = keep_input.get_shape().ndims
    if rank is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if rank > 1:
        raise ValueError("`keep_input` must be a scalar or vector.")
    if not enqueue_many and rank == 1:
        raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    return keep_input


def _store_sparse(lists, enqueue_many):
    """(lists with serialized sparse tensors, for each component its dtype and rank if it was sparse, else None)."""
    kinds = []
    for column in zip(*lists):
        sparse = next((t for t in column if isinstance(t, SparseTensor)), None)
        if sparse is not None and not all(isinstance(t, SparseTensor) for t in column):
            raise TypeError("Inconsistent inputs: a component is sparse in one set and dense in another one")
        kinds.append(sparse and (sparse.dtype, (sparse.dense_shape.get_shape().as_list() or [None])[0]))

    def store(t):
        if not isinstance(t, SparseTensor):
            return t
        serialize = gen_ops.serialize_many_sparse if enqueue_many else gen_ops.serialize_sparse
        stored = serialize(t.indices, t.values, t.dense_shape)
        stored.set_shape([None, 3] if enqueue_many else [3])
        return stored

    return [[store(t) for t in tensors] for tensors in lists], kinds


def _restore_sparse(tensors, kinds):
    if not any(kinds):
        return tensors
    tensors = tensors if isinstance(tensors, list) else [tensors]
    result = []
    for tensor, kind in zip(tensors, kinds):
        if kind:
            indices, values, shape = gen_ops.deserialize_many_sparse(tensor, dtype=kind[0])
            # Inside many, the batch's dimension was the first one already.
            rank = None if kind[1] is None else kind[1] + (0 if kind[2] else 1)
            indices.set_shape([None, rank])
            shape.set_shape([rank])
            tensor = SparseTensor(indices, values, shape)
        result.append(tensor)
    return result[0] if len(result) == 1 else result


def _types_of(lists):
    types = [t.dtype.base_dtype for t in lists[0]]
    for tensors in lists[1:]:
        if [t.dtype.base_dtype for t in tensors] != types:
            raise TypeError(f"Expected types to be consistent: {', '.join(t.name for t in types)} vs. "
                            f"{', '.join(t.dtype.base_dtype.name for t in tensors)}.")  # fmt: skip
    return types


def _common_shape(shapes, enqueue_many):
    shapes = [as_shape(shape) for shape in shapes]
    if enqueue_many:
        shapes = [shape.with_rank_at_least(1)[1:] for shape in shapes]
    if any(shape.ndims is None or shape.ndims != shapes[0].ndims for shape in shapes):
        return TensorShape(None)
    sizes = zip(*(shape.as_list() for shape in shapes))
    return TensorShape([size[0] if all(s == size[0] for s in size) else None for size in sizes])


def _shapes_of(lists, shapes, enqueue_many):
    if shapes is not None:
        return shapes
    for tensors in lists:
        for tensor in tensors:
            if tensor.get_shape().ndims is None:
                raise ValueError(f"Cannot infer Tensor's rank: {tensor}")
    return [_common_shape([t.get_shape() for t in column], enqueue_many) for column in zip(*lists)]


# --- batches ---


def _enqueue_operation(queue, tensors, enqueue_many, keep_input):
    """The operation that puts TENSORS into QUEUE where KEEP_INPUT says so."""
    put = queue.enqueue_many if enqueue_many else queue.enqueue
    if keep_input.get_shape().ndims == 1:
        rows = array_ops.boolean_mask(math_ops.range(array_ops.size(keep_input)), keep_input)
        return put([array_ops.gather(tensor, rows) for tensor in tensors])
    keep = tensor_util.constant_value(keep_input)
    if keep is None:
        return control_flow_ops.cond(keep_input, lambda: put(tensors), control_flow_ops.no_op)
    return put(tensors) if keep else control_flow_ops.no_op()


class _Batch:
    """What batch, batch_join and their shuffling kin have in common: LISTS of tensors become batches of a queue."""

    def __init__(self, lists, keep_input, enqueue_many, shapes):
        self.keep_input = _check_keep_input(keep_input, enqueue_many)
        self.lists, kinds = _store_sparse(lists, enqueue_many)
        self.kinds = [kind and (*kind, enqueue_many) for kind in kinds]
        self.enqueue_many = enqueue_many
        self.types = _types_of(self.lists)
        self.shapes = _shapes_of(self.lists, shapes, enqueue_many)

    def fill(self, queue, num_threads=None):
        """Adds the runner: of NUM_THREADS times the only list, or of one thread for each list."""
        if num_threads is None:
            puts = [_enqueue_operation(queue, ts, self.enqueue_many, self.keep_input) for ts in self.lists]
        else:
            puts = [_enqueue_operation(queue, self.lists[0], self.enqueue_many, self.keep_input)] * num_threads
        queue_runner_impl.add_queue_runner(queue_runner_impl.QueueRunner(queue, puts))

    def take(self, queue, batch_size, smaller, name):
        take = queue.dequeue_up_to if smaller else queue.dequeue_many
        return _restore_sparse(take(batch_size, name=name), self.kinds)


def _plain(batch, capacity, dynamic_pad, shared_name):
    kind = data_flow_ops.PaddingFIFOQueue if dynamic_pad else data_flow_ops.FIFOQueue
    return kind(capacity=capacity, dtypes=batch.types, shapes=batch.shapes, shared_name=shared_name)


def _shuffling(batch, capacity, min_after_dequeue, seed, shared_name):
    return data_flow_ops.RandomShuffleQueue(
        capacity, min_after_dequeue, batch.types, batch.shapes, seed=seed, shared_name=shared_name
    )


def _batch(tensors, batch_size, keep_input, num_threads=1, capacity=32, enqueue_many=False, shapes=None,
           dynamic_pad=False, allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    tensor_list = _as_tensor_list(tensors)
    with ops.name_scope(name, "batch", [*tensor_list, keep_input]) as name:
        batch = _Batch([_check(tensor_list)], keep_input, enqueue_many, shapes)
        queue = _plain(batch, capacity, dynamic_pad, shared_name)
        batch.fill(queue, num_threads)
        _fill(queue, capacity, f"fraction_of_{capacity}_full")
        return _as_original_type(tensors, batch.take(queue, batch_size, allow_smaller_final_batch, name))


def _batch_join(tensors_list, batch_size, keep_input, capacity=32, enqueue_many=False, shapes=None, dynamic_pad=False,
                allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    lists = _as_tensor_list_list(tensors_list)
    with ops.name_scope(name, "batch_join", [*(t for ts in lists for t in ts), keep_input]) as name:
        batch = _Batch(_check_join(lists), keep_input, enqueue_many, shapes)
        queue = _plain(batch, capacity, dynamic_pad, shared_name)
        batch.fill(queue)
        _fill(queue, capacity, f"fraction_of_{capacity}_full")
        return _as_original_type(tensors_list[0], batch.take(queue, batch_size, allow_smaller_final_batch, name))


def _over_minimum(queue, capacity, min_after_dequeue):
    room = capacity - min_after_dequeue
    part = math_ops.maximum(0, queue.size() - min_after_dequeue)
    _fill(queue, room, f"fraction_over_{min_after_dequeue}_of_{room}_full", part)


def _shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, keep_input, num_threads=1, seed=None,
                   enqueue_many=False, shapes=None, allow_smaller_final_batch=False, shared_name=None,
                   name=None):  # fmt: skip
    tensor_list = _as_tensor_list(tensors)
    with ops.name_scope(name, "shuffle_batch", [*tensor_list, keep_input]) as name:
        if capacity <= min_after_dequeue:
            raise ValueError(f"capacity {capacity} must be bigger than min_after_dequeue {min_after_dequeue}.")
        batch = _Batch([_check(tensor_list)], keep_input, enqueue_many, shapes)
        queue = _shuffling(batch, capacity, min_after_dequeue, seed, shared_name)
        batch.fill(queue, num_threads)
        _over_minimum(queue, capacity, min_after_dequeue)
        return _as_original_type(tensors, batch.take(queue, batch_size, allow_smaller_final_batch, name))


def _shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, keep_input, seed=None,
                        enqueue_many=False, shapes=None, allow_smaller_final_batch=False, shared_name=None,
                        name=None):  # fmt: skip
    lists = _as_tensor_list_list(tensors_list)
    with ops.name_scope(name, "shuffle_batch_join", [*(t for ts in lists for t in ts), keep_input]) as name:
        batch = _Batch(_check_join(lists), keep_input, enqueue_many, shapes)
        queue = _shuffling(batch, capacity, min_after_dequeue, seed, shared_name)
        batch.fill(queue)
        _over_minimum(queue, capacity, min_after_dequeue)
        return _as_original_type(tensors_list[0], batch.take(queue, batch_size, allow_smaller_final_batch, name))


@tf_export("train.batch")
@deprecated(None, _INSTEAD)
def batch(tensors, batch_size, num_threads=1, capacity=32, enqueue_many=False, shapes=None, dynamic_pad=False,
          allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    """Batches of TENSORS, a list or dict: each gets a dimension 0 of size BATCH_SIZE. A queue runner fills the queue.

    ENQUEUE_MANY: the tensors' rows are the examples. DYNAMIC_PAD: unknown dimensions are padded to the largest.
    """
    return _batch(tensors, batch_size, True, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
                  allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.maybe_batch")
@deprecated(None, _INSTEAD)
def maybe_batch(tensors, keep_input, batch_size, num_threads=1, capacity=32, enqueue_many=False, shapes=None,
                dynamic_pad=False, allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    """batch() of the examples for which KEEP_INPUT is true."""
    return _batch(tensors, batch_size, keep_input, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
                  allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.batch_join")
@deprecated(None, _INSTEAD)
def batch_join(tensors_list, batch_size, capacity=32, enqueue_many=False, shapes=None, dynamic_pad=False,
               allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    """batch() of several lists (or dicts) of tensors, with a thread for each."""
    return _batch_join(tensors_list, batch_size, True, capacity, enqueue_many, shapes, dynamic_pad,
                       allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.maybe_batch_join")
@deprecated(None, _INSTEAD)
def maybe_batch_join(tensors_list, keep_input, batch_size, capacity=32, enqueue_many=False, shapes=None,
                     dynamic_pad=False, allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    """batch_join() of the examples for which KEEP_INPUT is true."""
    return _batch_join(tensors_list, batch_size, keep_input, capacity, enqueue_many, shapes, dynamic_pad,
                       allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.shuffle_batch")
@deprecated(None, _INSTEAD)
def shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, num_threads=1, seed=None, enqueue_many=False,
                  shapes=None, allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    """batch() of examples in random order: at least MIN_AFTER_DEQUEUE stay in the queue to choose from."""
    return _shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, True, num_threads, seed, enqueue_many,
                          shapes, allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.maybe_shuffle_batch")
@deprecated(None, _INSTEAD)
def maybe_shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, keep_input, num_threads=1, seed=None,
                        enqueue_many=False, shapes=None, allow_smaller_final_batch=False, shared_name=None,
                        name=None):  # fmt: skip
    """shuffle_batch() of the examples for which KEEP_INPUT is true."""
    return _shuffle_batch(tensors, batch_size, capacity, min_after_dequeue, keep_input, num_threads, seed,
                          enqueue_many, shapes, allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.shuffle_batch_join")
@deprecated(None, _INSTEAD)
def shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, seed=None, enqueue_many=False,
                       shapes=None, allow_smaller_final_batch=False, shared_name=None, name=None):  # fmt: skip
    """shuffle_batch() of several lists (or dicts) of tensors, with a thread for each."""
    return _shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, True, seed, enqueue_many, shapes,
                               allow_smaller_final_batch, shared_name, name)  # fmt: skip


@tf_export("train.maybe_shuffle_batch_join")
@deprecated(None, _INSTEAD)
def maybe_shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, keep_input, seed=None,
                             enqueue_many=False, shapes=None, allow_smaller_final_batch=False, shared_name=None,
                             name=None):  # fmt: skip
    """shuffle_batch_join() of the examples for which KEEP_INPUT is true."""
    return _shuffle_batch_join(tensors_list, batch_size, capacity, min_after_dequeue, keep_input, seed, enqueue_many,
                               shapes, allow_smaller_final_batch, shared_name, name)  # fmt: skip
