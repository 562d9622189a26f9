"""Helpers: what a decoder's next input is, from the truth, from its own output, or from a sample of it."""

import abc

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    embedding_ops,
    gen_ops,
    math_ops,
    random_ops,
    rnn,
    tensor_array_ops,
)
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


def _unstack_ta(value):
    array = tensor_array_ops.TensorArray(
        dtype=value.dtype, size=array_ops.shape(value)[0], element_shape=value.get_shape()[1:]
    )
    return array.unstack(value)


def categorical_sample(logits, dtype=dtypes.int32, sample_shape=(), seed=None):
    """Class numbers [batch] drawn by unnormalised log-probabilities [batch, classes]."""
    drawn = random_ops.multinomial(logits, 1, seed=seed)
    return math_ops.cast(array_ops.squeeze(drawn, [-1]), dtype)


def bernoulli_sample(probs=None, logits=None, dtype=dtypes.int32, sample_shape=(), seed=None):
    """0 or 1, by probabilities or logits."""
    if probs is None:
        probs = math_ops.sigmoid(logits)
    noise = random_ops.random_uniform(array_ops.shape(probs), seed=seed, dtype=probs.dtype)
    return math_ops.cast(math_ops.less(noise, probs), dtype)


@tf_export("contrib.seq2seq.Helper")
class Helper(abc.ABC):
    """Decides what is sampled from a decoder's output and what its next input is."""

    @property
    @abc.abstractmethod
    def batch_size(self):
        """The batch size, an int32 scalar."""

    @property
    def sample_ids_shape(self):
        """The shape of one sample, without the batch."""
        raise NotImplementedError

    @property
    def sample_ids_dtype(self):
        raise NotImplementedError

    @abc.abstractmethod
    def initialize(self, name=None):
        """(finished, first inputs)."""

    @abc.abstractmethod
    def sample(self, time, outputs, state, name=None):
        """Samples [batch, ...] from OUTPUTS."""

    @abc.abstractmethod
    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """(finished, next inputs, next state)."""


@tf_export("contrib.seq2seq.CustomHelper")
class CustomHelper(Helper):
    """A helper of three functions."""

    def __init__(self, initialize_fn, sample_fn, next_inputs_fn, sample_ids_shape=None, sample_ids_dtype=None):
        self._functions = initialize_fn, sample_fn, next_inputs_fn
        self._batch_size = None
        self._shape = tensor_shape.TensorShape(sample_ids_shape or [])
        self._dtype = sample_ids_dtype or dtypes.int32

    @property
    def batch_size(self):
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self):
        return self._shape

    @property
    def sample_ids_dtype(self):
        return self._dtype

    def initialize(self, name=None):
        with ops.name_scope(name, f"{type(self).__name__}Initialize"):
            finished, next_inputs = self._functions[0]()
            if self._batch_size is None:
                self._batch_size = array_ops.size(finished)
        return finished, next_inputs

    def sample(self, time, outputs, state, name=None):
        with ops.name_scope(name, f"{type(self).__name__}Sample", (time, outputs, state)):
            return self._functions[1](time=time, outputs=outputs, state=state)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        with ops.name_scope(name, f"{type(self).__name__}NextInputs", (time, outputs, sample_ids)):
            return self._functions[2](time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class _Ids(Helper):
    """A helper whose samples are class numbers."""

    @property
    def batch_size(self):
        return self._batch_size

    @property
    def sample_ids_shape(self):
        return tensor_shape.TensorShape([])

    @property
    def sample_ids_dtype(self):
        return dtypes.int32


@tf_export("contrib.seq2seq.TrainingHelper")
class TrainingHelper(_Ids):
    """Feeds the truth: INPUTS [batch, time, ...], as far as SEQUENCE_LENGTH [batch]."""

    def __init__(self, inputs, sequence_length, time_major=False, name=None):
        with ops.name_scope(name, "TrainingHelper", [inputs, sequence_length]):
            inputs = nest.map_structure(ops.convert_to_tensor, inputs)
            self._inputs = inputs
            if not time_major:
                inputs = nest.map_structure(rnn._transpose_batch_time, inputs)
            self._input_tas = nest.map_structure(_unstack_ta, inputs)
            self._sequence_length = ops.convert_to_tensor(sequence_length, name="sequence_length")
            if self._sequence_length.get_shape().ndims != 1:
                raise ValueError(
                    f"Expected sequence_length to be a vector, but received shape: {self._sequence_length.get_shape()}"
                )
            self._zero_inputs = nest.map_structure(lambda value: array_ops.zeros_like(value[0, :]), inputs)
            self._batch_size = array_ops.size(sequence_length)

    @property
    def inputs(self):
        return self._inputs

    @property
    def sequence_length(self):
        return self._sequence_length

    def initialize(self, name=None):
        with ops.name_scope(name, "TrainingHelperInitialize"):
            finished = math_ops.equal(0, self._sequence_length)
            return finished, self._at(finished, 0)

    def _at(self, finished, time):
        """The inputs at TIME; zeros once all rows have finished."""
        return control_flow_ops.cond(
            math_ops.reduce_all(finished),
            lambda: self._zero_inputs,
            lambda: nest.map_structure(lambda array: array.read(time), self._input_tas),
        )

    def sample(self, time, outputs, name=None, **unused_kwargs):
        with ops.name_scope(name, "TrainingHelperSample", [time, outputs]):
            return math_ops.cast(math_ops.argmax(outputs, axis=-1), dtypes.int32)

    def next_inputs(self, time, outputs, state, name=None, **unused_kwargs):
        with ops.name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
            next_time = time + 1
            finished = next_time >= self._sequence_length
            return finished, self._at(finished, next_time), state


@tf_export("contrib.seq2seq.ScheduledEmbeddingTrainingHelper")
class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """The truth, but with SAMPLING_PROBABILITY the embedding of what the decoder itself said (arXiv 1506.03099)."""

    def __init__(self, inputs, sequence_length, embedding, sampling_probability, time_major=False, seed=None,
                 scheduling_seed=None, name=None):  # fmt: skip
        with ops.name_scope(name, "ScheduledEmbeddingSamplingWrapper", [embedding, sampling_probability]):
            if callable(embedding):
                self._embedding_fn = embedding
            else:
                self._embedding_fn = lambda ids: embedding_ops.embedding_lookup(embedding, ids)
            self._sampling_probability = ops.convert_to_tensor(sampling_probability, name="sampling_probability")
            if self._sampling_probability.get_shape().ndims not in (0, 1):
                raise ValueError("sampling_probability must be either a scalar or a vector")
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

    def sample(self, time, outputs, state, name=None):
        with ops.name_scope(name, "ScheduledEmbeddingTrainingHelperSample", [time, outputs, state]):
            chosen = bernoulli_sample(
                probs=array_ops.ones([self.batch_size]) * self._sampling_probability, dtype=dtypes.bool,
                seed=self._scheduling_seed,
            )  # fmt: skip
            sampled = categorical_sample(outputs, seed=self._seed)
            return array_ops.where(chosen, sampled, gen_ops.fill([self.batch_size], -1))

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        with ops.name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
            finished, base, state = super().next_inputs(time, outputs, state)

            def mixed():
                embedded = self._embedding_fn(math_ops.maximum(sample_ids, 0))
                return array_ops.where(sample_ids > -1, embedded, base)

            return finished, control_flow_ops.cond(math_ops.reduce_all(finished), lambda: base, mixed), state


@tf_export("contrib.seq2seq.ScheduledOutputTrainingHelper")
class ScheduledOutputTrainingHelper(TrainingHelper):
    """The truth, but with SAMPLING_PROBABILITY the decoder's own output, through NEXT_INPUTS_FN."""

    def __init__(self, inputs, sequence_length, sampling_probability, time_major=False, seed=None, next_inputs_fn=None,
                 auxiliary_inputs=None, name=None):  # fmt: skip
        self._sampling_probability = ops.convert_to_tensor(sampling_probability, name="sampling_probability")
        if self._sampling_probability.get_shape().ndims not in (0, 1):
            raise ValueError("sampling_probability must be either a scalar or a vector")
        self._seed, self._next_inputs_fn = seed, next_inputs_fn
        if auxiliary_inputs is not None:
            inputs = array_ops.concat([inputs, auxiliary_inputs], -1)
        self._auxiliary = auxiliary_inputs
        super().__init__(inputs=inputs, sequence_length=sequence_length, time_major=time_major, name=name)

    def sample(self, time, outputs, state, name=None):
        with ops.name_scope(name, "ScheduledOutputTrainingHelperSample", [time, outputs, state]):
            probability = array_ops.ones([self.batch_size]) * self._sampling_probability
            return math_ops.cast(bernoulli_sample(probs=probability, dtype=dtypes.bool, seed=self._seed), dtypes.int32)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        with ops.name_scope(name, "ScheduledOutputTrainingHelperNextInputs", [time, outputs, state, sample_ids]):
            finished, base, state = super().next_inputs(time, outputs, state)
            own = outputs if self._next_inputs_fn is None else self._next_inputs_fn(outputs)
            if self._auxiliary is not None:
                width = tensor_shape.dimension_value(own.shape[-1])
                own = array_ops.concat([own, base[:, width:]], -1)
            chosen = math_ops.cast(sample_ids, dtypes.bool)
            return finished, array_ops.where(chosen, own, base), state


@tf_export("contrib.seq2seq.GreedyEmbeddingHelper")
class GreedyEmbeddingHelper(_Ids):
    """Feeds the embedding of the likeliest class, from START_TOKENS [batch] until END_TOKEN."""

    def __init__(self, embedding, start_tokens, end_token):
        if callable(embedding):
            self._embedding_fn = embedding
        else:
            self._embedding_fn = lambda ids: embedding_ops.embedding_lookup(embedding, ids)
        self._start_tokens = ops.convert_to_tensor(start_tokens, dtype=dtypes.int32, name="start_tokens")
        self._end_token = ops.convert_to_tensor(end_token, dtype=dtypes.int32, name="end_token")
        if self._start_tokens.get_shape().ndims != 1:
            raise ValueError("start_tokens must be a vector")
        if self._end_token.get_shape().ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._batch_size = array_ops.size(start_tokens)
        self._start_inputs = self._embedding_fn(self._start_tokens)

    def initialize(self, name=None):
        return array_ops.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time, outputs, state, name=None):
        if not isinstance(outputs, ops.Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        return math_ops.argmax(outputs, axis=-1, output_type=dtypes.int32)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        finished = math_ops.equal(sample_ids, self._end_token)
        next_inputs = control_flow_ops.cond(
            math_ops.reduce_all(finished), lambda: self._start_inputs, lambda: self._embedding_fn(sample_ids)
        )
        return finished, next_inputs, state


@tf_export("contrib.seq2seq.SampleEmbeddingHelper")
class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Feeds the embedding of a class drawn by the output, sharper with a lower SOFTMAX_TEMPERATURE."""

    def __init__(self, embedding, start_tokens, end_token, softmax_temperature=None, seed=None):
        super().__init__(embedding, start_tokens, end_token)
        self._softmax_temperature, self._seed = softmax_temperature, seed

    def sample(self, time, outputs, state, name=None):
        if not isinstance(outputs, ops.Tensor):
            raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
        logits = outputs if self._softmax_temperature is None else outputs / self._softmax_temperature
        return categorical_sample(logits, seed=self._seed)


@tf_export("contrib.seq2seq.InferenceHelper")
class InferenceHelper(Helper):
    """A helper for outputs that are their own samples."""

    def __init__(self, sample_fn, sample_shape, sample_dtype, start_inputs, end_fn, next_inputs_fn=None):
        self._sample_fn, self._end_fn, self._next_inputs_fn = sample_fn, end_fn, next_inputs_fn
        self._sample_shape = tensor_shape.TensorShape(sample_shape)
        self._sample_dtype = sample_dtype
        self._start_inputs = ops.convert_to_tensor(start_inputs, name="start_inputs")
        self._batch_size = array_ops.shape(start_inputs)[0]

    @property
    def batch_size(self):
        return self._batch_size

    @property
    def sample_ids_shape(self):
        return self._sample_shape

    @property
    def sample_ids_dtype(self):
        return self._sample_dtype

    def initialize(self, name=None):
        return array_ops.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time, outputs, state, name=None):
        return self._sample_fn(outputs)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        inputs = sample_ids if self._next_inputs_fn is None else self._next_inputs_fn(sample_ids)
        return self._end_fn(sample_ids), inputs, state
