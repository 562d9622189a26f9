"""Decoders: networks that make a sequence step by step, and the loop that runs them."""

import abc

from tenon.python.framework import constant_op, dtypes, ops, tensor_shape, tensor_util
from tenon.python.ops import array_ops, control_flow_ops, math_ops, rnn, tensor_array_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.Decoder")
class Decoder(abc.ABC):
    """What dynamic_decode runs: `initialize` gives the first input and state, `step` the next ones."""

    @property
    def batch_size(self):
        """The batch size of what is decoded."""
        raise NotImplementedError

    @property
    def output_size(self):
        """A structure of the sizes of a step's output, without the batch."""
        raise NotImplementedError

    @property
    def output_dtype(self):
        """A structure of the dtypes of a step's output."""
        raise NotImplementedError

    @abc.abstractmethod
    def initialize(self, name=None):
        """(finished [batch], first inputs, first state)."""

    @abc.abstractmethod
    def step(self, time, inputs, state, name=None):
        """(outputs, next state, next inputs, finished)."""

    def finalize(self, outputs, final_state, sequence_lengths):
        """A last look at all outputs together: (outputs, state)."""
        raise NotImplementedError

    @property
    def tracks_own_finished(self):
        """Whether a row that has finished can go on later (beams are shuffled between rows)."""
        return False


def _zeros_like_output(decoder, batch_size):
    """Zeros for a step's output."""

    def zeros(size, dtype):
        shape = array_ops.stack([batch_size, *tensor_shape.as_shape(size).as_list()])
        made = array_ops.zeros(shape, dtype=dtype)
        static = tensor_util.constant_value(batch_size)
        made.set_shape([static, *tensor_shape.as_shape(size).as_list()])
        return made

    return nest.map_structure(zeros, decoder.output_size, decoder.output_dtype)


def _with_batch(batch_size, size):
    """The static shape [batch, *size]."""
    static = tensor_util.constant_value(ops.convert_to_tensor(batch_size, name="batch_size"))
    return tensor_shape.TensorShape([static]).concatenate(tensor_shape.as_shape(size))


class _DecodeLoop:
    """The body of dynamic_decode."""

    def __init__(self, decoder, impute_finished, maximum_iterations):
        self.decoder, self.impute = decoder, impute_finished
        self.maximum = maximum_iterations
        self.zero_outputs = _zeros_like_output(decoder, decoder.batch_size)

    def keep(self, finished, new, old):
        """OLD for rows that have finished, NEW for the others; what has no rows, or grows, is always new."""

        def one(new_value, old_value):
            if isinstance(old_value, tensor_array_ops.TensorArray):
                return new_value
            new_value.set_shape(old_value.shape)
            if new_value.shape.ndims == 0:
                return new_value
            return array_ops.where(finished, old_value, new_value)

        return nest.map_structure(one, new, old)

    def body(self, time, arrays, state, inputs, finished, lengths):
        outputs, new_state, next_inputs, decided = self.decoder.step(time, inputs, state)
        next_finished = decided if self.decoder.tracks_own_finished else math_ops.logical_or(decided, finished)
        grown = array_ops.fill(array_ops.shape(lengths), time + 1)
        lengths = array_ops.where(math_ops.logical_not(finished), grown, lengths)
        nest.assert_same_structure(state, new_state)
        nest.assert_same_structure(arrays, outputs)
        nest.assert_same_structure(inputs, next_inputs)
        if self.impute:
            zeros = self.zero_outputs
            emit = nest.map_structure(lambda out, zero: array_ops.where(finished, zero, out), outputs, zeros)
            new_state = self.keep(finished, new_state, state)
        else:
            emit = outputs
        arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, emit)
        if self.maximum is not None:
            next_finished = math_ops.logical_or(next_finished, time + 1 >= self.maximum)
        return time + 1, arrays, new_state, next_inputs, next_finished, lengths


@tf_export("contrib.seq2seq.dynamic_decode")
def dynamic_decode(decoder, output_time_major=False, impute_finished=False, maximum_iterations=None,
                   parallel_iterations=32, swap_memory=False, scope=None, **kwargs):  # fmt: skip
    """Runs DECODER until all rows have finished: (outputs [batch, time, ...], last state, lengths [batch])."""
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    with vs.variable_scope(scope, "decoder") as entered:
        rnn._cached(entered)
        if maximum_iterations is not None:
            maximum_iterations = ops.convert_to_tensor(
                maximum_iterations, dtype=dtypes.int32, name="maximum_iterations"
            )
            if maximum_iterations.get_shape().ndims != 0:
                raise ValueError("maximum_iterations must be a scalar")
        finished, inputs, state = decoder.initialize()
        loop = _DecodeLoop(decoder, impute_finished, maximum_iterations)
        if maximum_iterations is not None:
            finished = math_ops.logical_or(finished, maximum_iterations <= 0)
        lengths = array_ops.zeros_like(finished, dtype=dtypes.int32)
        time = constant_op.constant(0, dtype=dtypes.int32)

        def array(size, dtype):
            shape = _with_batch(decoder.batch_size, size)
            return tensor_array_ops.TensorArray(dtype=dtype, size=0, dynamic_size=True, element_shape=shape)

        arrays = nest.map_structure(array, decoder.output_size, decoder.output_dtype)
        result = control_flow_ops.while_loop(
            lambda time, arrays, state, inputs, finished, lengths: math_ops.logical_not(math_ops.reduce_all(finished)),
            loop.body,
            loop_vars=(time, arrays, state, inputs, finished, lengths),
            parallel_iterations=parallel_iterations,
            maximum_iterations=maximum_iterations,
            swap_memory=swap_memory,
        )
        _, arrays, final_state, _, _, lengths = result
        outputs = nest.map_structure(lambda a: a.stack(), arrays)
        try:
            outputs, final_state = decoder.finalize(outputs, final_state, lengths)
        except NotImplementedError:
            pass
        if not output_time_major:
            outputs = nest.map_structure(rnn._transpose_batch_time, outputs)
    return outputs, final_state, lengths
