"""Linear-chain conditional random fields: scores of tag sequences, likelihoods, the best sequence.

INPUTS are unary scores [batch, time, tags], TRANSITION_PARAMS scores [from, to] of pairs, SEQUENCE_LENGTHS [batch].
"""

import numpy as np

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import array_ops, gen_ops, math_ops, rnn, rnn_cell_impl
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


class _Cell(rnn_cell_impl.RNNCell):
    """A step over one position of a sequence, whose state is as large as its output."""

    @property
    def state_size(self):
        """How large the state is."""
        return self._size

    @property
    def output_size(self):
        """How large the output is."""
        return self._size


class _TransitionCell(_Cell):
    def __init__(self, transition_params):
        super().__init__()
        transition_params = ops.convert_to_tensor(transition_params)
        self._transition_params = array_ops.expand_dims(transition_params, 0)
        self._size = tensor_shape.dimension_value(transition_params.shape[0])

    def _scores(self, state):
        """[batch, from, to]: the score of each step from what STATE [batch, from] has."""
        return array_ops.expand_dims(state, 2) + self._transition_params


@tf_export("contrib.crf.CrfForwardRnnCell")
class CrfForwardRnnCell(_TransitionCell):
    """The logarithms of the sums over all ways to each tag."""

    def __call__(self, inputs, state, scope=None):
        new_state = inputs + math_ops.reduce_logsumexp(self._scores(state), [1])
        return new_state, new_state


@tf_export("contrib.crf.CrfDecodeForwardRnnCell")
class CrfDecodeForwardRnnCell(_TransitionCell):
    """The score of the best way to each tag; the output is the tag before it on that way."""

    def __call__(self, inputs, state, scope=None):
        scores = self._scores(state)
        new_state = inputs + math_ops.reduce_max(scores, [1])
        return math_ops.cast(math_ops.argmax(scores, 1), dtypes.int32), new_state


@tf_export("contrib.crf.CrfDecodeBackwardRnnCell")
class CrfDecodeBackwardRnnCell(_Cell):
    """Walks back from the last tag; INPUTS are tags before each tag."""

    def __init__(self, num_tags):
        super().__init__()
        self._num_tags, self._size = num_tags, 1

    def __call__(self, inputs, state, scope=None):
        tags = array_ops.squeeze(state, axis=[1])
        places = array_ops.stack([math_ops.range(array_ops.shape(inputs)[0]), tags], axis=1)
        new_tags = array_ops.expand_dims(array_ops.gather_nd(inputs, places), axis=-1)
        return new_tags, new_tags


def _first_and_rest(inputs):
    """The first position [batch, tags], and the others."""
    first = array_ops.squeeze(array_ops.slice(inputs, [0, 0, 0], [-1, 1, -1]), [1])
    return first, array_ops.slice(inputs, [0, 1, 0], [-1, -1, -1])


def _less_one(lengths):
    return math_ops.maximum(array_ops.zeros_like(lengths), lengths - 1)


@tf_export("contrib.crf.crf_unary_score")
def crf_unary_score(tag_indices, sequence_lengths, inputs):
    """The sums [batch] of INPUTS at the tags TAG_INDICES [batch, time]."""
    chosen = array_ops.batch_gather(inputs, array_ops.expand_dims(tag_indices, 2))
    mask = array_ops.sequence_mask(sequence_lengths, maxlen=array_ops.shape(tag_indices)[1], dtype=dtypes.float32)
    return math_ops.reduce_sum(array_ops.squeeze(chosen, [2]) * mask, 1)


@tf_export("contrib.crf.crf_binary_score")
def crf_binary_score(tag_indices, sequence_lengths, transition_params):
    """The sums [batch] of the transitions between the tags TAG_INDICES [batch, time]."""
    transition_params = ops.convert_to_tensor(transition_params)
    steps = array_ops.shape(tag_indices)[1] - 1
    start = array_ops.slice(tag_indices, [0, 0], [-1, steps])
    end = array_ops.slice(tag_indices, [0, 1], [-1, -1])
    pairs = array_ops.gather_nd(transition_params, array_ops.stack([start, end], axis=2))
    mask = array_ops.sequence_mask(sequence_lengths, maxlen=array_ops.shape(tag_indices)[1], dtype=dtypes.float32)
    return math_ops.reduce_sum(pairs * array_ops.slice(mask, [0, 1], [-1, -1]), 1)


@tf_export("contrib.crf.crf_sequence_score")
def crf_sequence_score(inputs, tag_indices, sequence_lengths, transition_params):
    """The unnormalised scores [batch] of the tags TAG_INDICES; 0 for a sequence of no length."""
    return crf_unary_score(tag_indices, sequence_lengths, inputs) + crf_binary_score(
        tag_indices, sequence_lengths, transition_params
    )


@tf_export("contrib.crf.crf_multitag_sequence_score")
def crf_multitag_sequence_score(inputs, tag_bitmap, sequence_lengths, transition_params):
    """The logarithms of the sums over all sequences of tags that are true in TAG_BITMAP [batch, time, tags]."""
    outside = array_ops.fill(array_ops.shape(inputs), float("-inf"))
    allowed = array_ops.where(tag_bitmap, inputs, outside)
    return crf_log_norm(allowed, sequence_lengths, transition_params)


@tf_export("contrib.crf.crf_log_norm")
def crf_log_norm(inputs, sequence_lengths, transition_params):
    """The logarithms [batch] of the sums over all sequences of tags; 0 for a sequence of no length."""
    inputs, lengths = ops.convert_to_tensor(inputs), ops.convert_to_tensor(sequence_lengths)
    first, rest = _first_and_rest(inputs)
    _, alphas = rnn.dynamic_rnn(
        CrfForwardRnnCell(transition_params), rest, sequence_length=_less_one(lengths), initial_state=first,
        dtype=dtypes.float32,
    )  # fmt: skip
    norm = math_ops.reduce_logsumexp(alphas, [1])
    return array_ops.where(math_ops.less_equal(lengths, 0), array_ops.zeros_like(norm), norm)


@tf_export("contrib.crf.crf_log_likelihood")
def crf_log_likelihood(inputs, tag_indices, sequence_lengths, transition_params=None):
    """(log-likelihoods [batch], the transitions); variable `transitions` where none are given."""
    inputs = ops.convert_to_tensor(inputs)
    tags = tensor_shape.dimension_value(inputs.shape[2])
    tag_indices = math_ops.cast(tag_indices, dtypes.int32)
    lengths = math_ops.cast(sequence_lengths, dtypes.int32)
    if transition_params is None:
        transition_params = vs.get_variable("transitions", [tags, tags])
    scores = crf_sequence_score(inputs, tag_indices, lengths, transition_params)
    return scores - crf_log_norm(inputs, lengths, transition_params), transition_params


@tf_export("contrib.crf.viterbi_decode")
def viterbi_decode(score, transition_params):
    """(the best tags, their score) of arrays SCORE [time, tags] and TRANSITION_PARAMS, in NumPy."""
    best, before = np.array(score[0], copy=True), []
    for row in score[1:]:
        scores = np.expand_dims(best, 1) + transition_params
        before.append(scores.argmax(0))
        best = row + scores.max(0)
    tags = [int(best.argmax())]
    for pointers in reversed(before):
        tags.append(int(pointers[tags[-1]]))
    return tags[::-1], best.max()


@tf_export("contrib.crf.crf_decode")
def crf_decode(potentials, transition_params, sequence_length):
    """(the best tags [batch, time], their scores [batch]); tags beyond a sequence are 0."""
    potentials, lengths = ops.convert_to_tensor(potentials), ops.convert_to_tensor(sequence_length)
    steps = _less_one(lengths)
    first, rest = _first_and_rest(potentials)
    forward = CrfDecodeForwardRnnCell(transition_params)
    before, last = rnn.dynamic_rnn(forward, rest, sequence_length=steps, initial_state=first, dtype=dtypes.int32)
    before = gen_ops.reverse_sequence(before, steps, seq_dim=1)
    end = array_ops.expand_dims(math_ops.cast(math_ops.argmax(last, axis=1), dtypes.int32), axis=-1)
    backward = CrfDecodeBackwardRnnCell(forward.output_size)
    tags, _ = rnn.dynamic_rnn(backward, before, sequence_length=steps, initial_state=end, dtype=dtypes.int32)
    tags = array_ops.concat([end, array_ops.squeeze(tags, axis=[2])], axis=1)
    return gen_ops.reverse_sequence(tags, lengths, seq_dim=1), math_ops.reduce_max(last, axis=1)
