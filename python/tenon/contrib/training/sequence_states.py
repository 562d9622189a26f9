"""contrib.training's state saver: long sequences in pieces, each beginning in the state that the last one left."""

import numbers

from tenon.python.framework import dtypes, errors, ops, sparse_tensor
from tenon.python.ops import (
    array_ops,
    check_ops,
    control_flow_ops,
    data_flow_ops,
    gen_ops,
    math_ops,
    random_ops,
    string_ops,
)
from tenon.python.summary import summary
from tenon.python.training import queue_runner
from tenon.python.util.tf_export import tf_export

_FIXED = ["__length", "__total_length", "__next_key", "__sequence", "__sequence_count"]


def _received(name, doc):
    return property(lambda self: self._state_saver._received[name], doc=doc)


@tf_export("contrib.training.NextQueuedSequenceBatch")
class NextQueuedSequenceBatch:
    """A batch of pieces; made by SequenceQueueingStateSaver."""

    def __init__(self, state_saver):
        self._state_saver = state_saver

    total_length = _received("__total_length", "The lengths of the whole sequences.")
    length = _received("__length", "The lengths of the pieces: what is more is padding.")
    insertion_index = _received("indices", "When each sequence was put in.")
    key = _received("keys", "The pieces' keys, `00001_of_00003:KEY`.")
    next_key = _received("__next_key", "The keys of the pieces that follow, or `STOP:KEY`.")
    sequence = _received("__sequence", "Which piece of its sequence each is.")
    sequence_count = _received("__sequence_count", "How many pieces the sequences have.")
    batch_size = _received("batch_size", "How many pieces there are.")
    context = _received("context", "{name: what stays the same along each sequence}.")
    sequences = _received("sequence", "{name: pieces [batch, num_unroll, ...]}.")

    def state(self, state_name):
        """The states in which the pieces begin. KeyError for a state that was not declared."""
        return self._state_saver._received["state"][state_name]

    def save_state(self, state_name, value, name=None):
        """An operation that keeps the states in which the pieces end; it has to run in every step."""
        saver = self._state_saver
        if state_name not in saver._received["state"]:
            raise KeyError(f"state was not declared: {state_name}")
        with ops.name_scope(name, "InputQueueingStateSaver_SaveState", values=[value]):
            wanted = array_ops.shape(self.state(state_name))
            value = array_ops.identity(value, name=f"convert_{state_name}")
            with ops.control_dependencies([check_ops.assert_equal(array_ops.shape(value), wanted)]):
                going_on = array_ops.reshape(array_ops.where(math_ops.logical_not(saver._is_done)), [-1])
            return saver.barrier.insert_many(
                saver._index[f"__state__{state_name}"], array_ops.gather(self.next_key, going_on),
                array_ops.gather(value, going_on), name=f"BarrierInsertState_{state_name}",
            )  # fmt: skip


def _tensors(values, what, prefix):
    """{name: tensor}, sorted by name. TypeError and ValueError for what can't be kept."""
    if not isinstance(values, dict):
        raise TypeError(f"Unsupported {what} expected dict, got: {values}")
    made = {}
    for name in sorted(values):
        if not isinstance(name, str):
            raise TypeError(f"{what}: names must be strings, got {name!r}")
        if name.startswith("__") and name.removeprefix("__") in ("length", "key"):
            raise ValueError(f"{what} have the reserved name {name}")
        if isinstance(values[name], sparse_tensor.SparseTensor):
            raise TypeError(f"{what} '{name}' is a SparseTensor; Tenon keeps dense ones only")
        made[name] = ops.convert_to_tensor(values[name], name=f"{prefix}_{name}")
    return made


def _check_defined(values, what, first):
    for name, value in values.items():
        shape = value.get_shape()
        if shape.ndims is None or not shape[first:].is_fully_defined() or shape.ndims < first:
            raise ValueError(f"{what} '{name}' must have a known shape{' after the first dimension' if first else ''}, "
                             f"saw shape: {shape}")  # fmt: skip


@tf_export("contrib.training.SequenceQueueingStateSaver")
class SequenceQueueingStateSaver:
    """Cuts sequences into pieces of NUM_UNROLL steps and makes batches of them, with the state of each sequence.

    prefetch_op puts in one sequence, in its own thread; next_batch has the pieces. INPUT_SEQUENCES are
    {name: [padded length, ...]}, INPUT_CONTEXT {name: tensor}, INITIAL_STATES {name: tensor}; INPUT_KEY tells the
    sequences apart. At most CAPACITY sequences are under way.
    """

    def __init__(self, batch_size, num_unroll, input_length, input_key, input_sequences, input_context,
                 initial_states, capacity=None, allow_small_batch=False, name=None):  # fmt: skip
        if not isinstance(num_unroll, numbers.Integral):
            raise TypeError(f"num_unroll must be an int, got {num_unroll}")
        if capacity is not None and not isinstance(batch_size, ops.Tensor) and capacity < batch_size:
            raise ValueError(f"capacity {capacity} needs to be >= batch_size {batch_size}.")
        self._batch_size, self._num_unroll, self._allow_small_batch = batch_size, num_unroll, allow_small_batch
        with ops.name_scope(name, "InputQueueingStateSaver") as scope:
            self._scope = scope
            self._capacity_queue = data_flow_ops.FIFOQueue(-1 if capacity is None else capacity, dtypes=[dtypes.int32],
                                                           shapes=[[]])  # fmt: skip
            self._parts = {
                "sequence": _tensors(input_sequences, "input_sequences", "sequence"),
                "context": _tensors(input_context, "input_context", "context"),
                "state": _tensors(initial_states, "initial_states", "state"),
            }
            if not self._parts["sequence"] or not self._parts["state"]:
                raise ValueError("input_sequences and initial_states must not be empty")
            for kind, first in (("sequence", 1), ("context", 0), ("state", 0)):
                _check_defined(self._parts[kind], kind, first)
            self._key = ops.convert_to_tensor(input_key, dtype=dtypes.string, name="input_key")
            self._check_lengths(ops.convert_to_tensor(input_length, dtype=dtypes.int32, name="input_length"))
            self._create_barrier()
        self._prefetch_op = self._next_batch = None

    def _check_lengths(self, length):
        sequences = list(self._parts["sequence"].values())
        padded = array_ops.identity(array_ops.shape(sequences[0])[0], name="padded_length")
        checks = [
            check_ops.assert_equal(
                padded % self._num_unroll, 0, message="padded length must be a multiple of num_unroll"
            ),
            check_ops.assert_less_equal(length, padded, message="Input length should be <= than length from sequences"),
            *(check_ops.assert_equal(array_ops.shape(value)[0], padded) for value in sequences[1:]),
        ]
        with ops.control_dependencies(checks):
            self._padded_length, self._length = array_ops.identity(padded), array_ops.identity(length)

    def _create_barrier(self):
        names = [*_FIXED, *(f"__{kind}__{name}" for kind, values in self._parts.items() for name in values)]
        self._index = {name: i for i, name in enumerate(names)}
        types, shapes = [dtypes.int32, dtypes.int32, dtypes.string, dtypes.int32, dtypes.int32], [[] for _ in _FIXED]
        for kind, values in self._parts.items():
            for value in values.values():
                shape = value.get_shape().as_list()
                types.append(value.dtype)
                shapes.append([self._num_unroll, *shape[1:]] if kind == "sequence" else shape)
        self._barrier = data_flow_ops.Barrier(types=types, shapes=shapes)

    name = property(lambda self: self._scope, doc="Its scope.")
    barrier = property(lambda self: self._barrier, doc="The Barrier that holds the pieces.")
    batch_size = property(lambda self: self._batch_size, doc="How many pieces make a batch.")
    num_unroll = property(lambda self: self._num_unroll, doc="How many steps make a piece.")

    @property
    def prefetch_op(self):
        """An operation that puts in one sequence; it waits while there are as many as fit."""
        if self._prefetch_op is None:
            with ops.name_scope(None), ops.name_scope(self._scope):
                self._prefetch_op = self._create_prefetch_op()
        return self._prefetch_op

    @property
    def next_batch(self):
        """The NextQueuedSequenceBatch."""
        if self._next_batch is None:
            self.prefetch_op  # noqa: B018  made first, as nobody could fill the barrier otherwise
            with ops.name_scope(None), ops.name_scope(self._scope):
                self._prepare_reads()
        return self._next_batch

    def close(self, cancel_pending_enqueues=False, name=None):
        """An operation after which no new sequences come in; what is under way is finished, or (CANCEL...) dropped."""
        with ops.name_scope(name, "SQSSClose") as name:
            return control_flow_ops.group(
                self._barrier.close(cancel_pending_enqueues, "BarrierClose"),
                self._capacity_queue.close(cancel_pending_enqueues, "FIFOClose"),
                name=name,
            )

    def _keys(self, count):
        """(the keys of the pieces, those of the pieces that follow)."""
        numbers_ = gen_ops.as_string(math_ops.range(count), width=5, fill="0")
        whole = gen_ops.as_string(count, width=5, fill="0")
        keys = string_ops.string_join([numbers_, "_of_", whole, ":", self._key], name="StringJoinCurrentKeys")
        stop = array_ops.expand_dims(string_ops.string_join(["STOP:", self._key]), 0)
        return keys, array_ops.concat([keys[1:], stop], 0)

    def _create_prefetch_op(self):
        count = self._padded_length // self._num_unroll
        order, ones = math_ops.range(count), array_ops.ones([count], dtypes.int32)
        keys, next_keys = self._keys(count)
        lengths = math_ops.maximum(0, math_ops.minimum(self._num_unroll, self._length - self._num_unroll * order))
        values = {"__length": lengths, "__total_length": self._length * ones, "__next_key": next_keys,
                  "__sequence_count": count * ones}  # fmt: skip
        for name, value in self._parts["sequence"].items():
            rest = value.get_shape().as_list()[1:]
            values[f"__sequence__{name}"] = array_ops.reshape(value, array_ops.stack([count, self._num_unroll, *rest]))
        for name, value in self._parts["context"].items():
            multiples = array_ops.stack([count, *([1] * value.get_shape().ndims)])
            values[f"__context__{name}"] = array_ops.tile(array_ops.expand_dims(value, 0), multiples)
        insert = self._barrier.insert_many
        # First all keys, in one insertion, so that the pieces of a sequence have one index.
        token = self._capacity_queue.enqueue((0,))
        with ops.control_dependencies([token]):
            first = insert(self._index["__sequence"], keys, order, name="BarrierInsertSequence")
        with ops.control_dependencies([first]):
            inserts = [insert(self._index[name], keys, value) for name, value in values.items()]
            for name, value in self._parts["state"].items():
                inserts.append(
                    insert(self._index[f"__state__{name}"], keys[:1], array_ops.expand_dims(value, 0),
                           name=f"BarrierInitialInsertState_{name}")
                )  # fmt: skip
        return control_flow_ops.group(token, first, *inserts, name="StateSaverPrefetchGroup")

    def _prepare_reads(self):
        indices, keys, values = self._barrier.take_many(self._batch_size, self._allow_small_batch,
                                                        name="BarrierTakeMany")  # fmt: skip
        found = {"indices": indices, "keys": keys, **{name: values[self._index[name]] for name in _FIXED}}
        found["batch_size"] = array_ops.shape(found["__length"])[0]
        for kind, parts in self._parts.items():
            found[kind] = {name: values[self._index[f"__{kind}__{name}"]] for name in parts}
        self._is_done = found["__sequence"] + 1 >= found["__sequence_count"]
        # Whoever reads the states makes room for as many sequences as end here.
        ended = math_ops.reduce_sum(math_ops.cast(self._is_done, dtypes.int32))
        with ops.control_dependencies([self._capacity_queue.dequeue_many(ended)]):
            found["state"] = {name: array_ops.identity(value) for name, value in found["state"].items()}
        self._received = found
        self._next_batch = NextQueuedSequenceBatch(self)


def _padded(sequences, num_unroll):
    """(their length, sequences with zeros or empty strings up to a multiple of NUM_UNROLL)."""
    if not isinstance(num_unroll, numbers.Integral):
        raise ValueError(f"Unsupported num_unroll expected int, got: {num_unroll}")
    tensors = _tensors(sequences, "sequences", "sequence")
    if not tensors:
        return 0, {}
    lengths = [array_ops.shape(value)[0] for value in tensors.values()]
    same = [check_ops.assert_equal(length, lengths[0], message="All sequence lengths must match")
            for length in lengths[1:]]  # fmt: skip
    with ops.control_dependencies(same):
        length = array_ops.identity(lengths[0])
    more, made = (num_unroll - length % num_unroll) % num_unroll, {}
    for name, value in tensors.items():
        rest = array_ops.concat([[more], array_ops.shape(value)[1:]], 0)
        nothing = ops.convert_to_tensor("" if value.dtype == dtypes.string else 0, dtype=value.dtype)
        made[name] = array_ops.concat([value, array_ops.fill(rest, nothing)], 0)
        made[name].set_shape([None, *value.get_shape().as_list()[1:]])
    return length, made


def _checked(sequences, num_unroll):
    made = {}
    for name, value in _tensors(sequences, "sequences", "sequence").items():
        length = array_ops.shape(value)[0]
        message = f"Tensor {name} first dimension should be a multiple of: {num_unroll}. Consider setting pad=True."
        checks = [check_ops.assert_equal(length % num_unroll, 0, message=message),
                  check_ops.assert_positive(length, message=message)]  # fmt: skip
        with ops.control_dependencies(checks):
            made[name] = array_ops.identity(value, name="multiple_of_checked")
    return made


@tf_export("contrib.training.batch_sequences_with_states")
def batch_sequences_with_states(input_key, input_sequences, input_context, input_length, initial_states, num_unroll,
                                batch_size, num_threads=3, capacity=1000, allow_small_batch=True, pad=True,
                                make_keys_unique=False, make_keys_unique_seed=None, name=None):  # fmt: skip
    """The NextQueuedSequenceBatch of a SequenceQueueingStateSaver that queue runners fill.

    PAD fills sequences up to a multiple of NUM_UNROLL; INPUT_LENGTH may then be None.
    """
    with ops.name_scope(name, "batch_sequences_with_states"):
        if pad:
            length, input_sequences = _padded(input_sequences, num_unroll)
            input_length = length if input_length is None else input_length
        else:
            input_sequences = _checked(input_sequences, num_unroll)
        if make_keys_unique:
            number = random_ops.random_uniform((), minval=-100000000, maxval=100000000, dtype=dtypes.int32,
                                               seed=make_keys_unique_seed)  # fmt: skip
            input_key = string_ops.string_join([input_key, gen_ops.as_string(number)], separator="__")
        reader = SequenceQueueingStateSaver(
            batch_size, num_unroll, input_length, input_key, input_sequences, input_context, initial_states,
            capacity=capacity, allow_small_batch=allow_small_batch,
        )  # fmt: skip
        summary.scalar(f"queue/{reader.barrier.name}/ready_segment_batches_",
                       math_ops.cast(reader.barrier.ready_size(), dtypes.float32))  # fmt: skip
        runner = queue_runner.QueueRunner(
            reader, [reader.prefetch_op] * num_threads,
            queue_closed_exception_types=(errors.OutOfRangeError, errors.CancelledError),
        )  # fmt: skip
        queue_runner.add_queue_runner(runner)
        return reader.next_batch
