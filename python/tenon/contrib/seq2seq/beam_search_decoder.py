"""Beam search: the likeliest few sequences of each row are followed together."""

import collections

from tenon.contrib.seq2seq import attention_wrapper, decoder
from tenon.contrib.seq2seq.beam_search_ops import gather_tree
from tenon.python.framework import dtypes, ops, tensor_shape, tensor_util
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    embedding_ops,
    math_ops,
    nn_ops,
    rnn_cell_impl,
    tensor_array_ops,
)
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.BeamSearchDecoderState")
class BeamSearchDecoderState(
    collections.namedtuple(
        "BeamSearchDecoderState", ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs")
    )
):
    """The beams' cell states, log-probabilities [batch, beam], and whether and at what length they ended."""


@tf_export("contrib.seq2seq.BeamSearchDecoderOutput")
class BeamSearchDecoderOutput(
    collections.namedtuple("BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids"))
):
    """A step's scores, words, and the beams they came from, [batch, beam]."""


@tf_export("contrib.seq2seq.FinalBeamSearchDecoderOutput")
class FinalBeamSearchDecoderOutput(
    collections.namedtuple("FinalBeamDecoderOutput", ("predicted_ids", "beam_search_decoder_output"))
):
    """The whole sequences [time, batch, beam], and all steps."""


@tf_export("contrib.seq2seq.tile_batch")
def tile_batch(t, multiplier, name=None):
    """Each row of the structure T, MULTIPLIER times in a row: [batch, ...] gives [batch * multiplier, ...]."""

    def one(value):
        value = ops.convert_to_tensor(value, name="t")
        if value.shape.ndims is None:
            raise ValueError("t must have statically known rank")
        shape = array_ops.shape(value)
        tiling = [1] * (value.shape.ndims + 1)
        tiling[1] = multiplier
        size = tensor_shape.dimension_value(value.shape[0])
        tiled = array_ops.tile(array_ops.expand_dims(value, 1), tiling)
        tiled = array_ops.reshape(tiled, array_ops.concat(([shape[0] * multiplier], shape[1:]), 0))
        tiled.set_shape(
            tensor_shape.TensorShape([None if size is None else size * multiplier]).concatenate(value.shape[1:])
        )
        return tiled

    with ops.name_scope(name, "tile_batch", [*nest.flatten(t), multiplier]):
        return nest.map_structure(one, t)


def _length_penalty(lengths, weight):
    """The divisor of Wu et al., 2016 (arXiv 1609.08144): ((5 + length) / 6) ^ weight."""
    weight = ops.convert_to_tensor(weight, name="penalty_factor")
    known = tensor_util.constant_value(weight)
    if known is not None and known == 0:
        return 1.0
    return math_ops.div((5.0 + math_ops.cast(lengths, dtypes.float32)) ** weight, (5.0 + 1.0) ** weight)


def _mask_probs(probs, end_token, finished):
    """Log-probabilities that let beams that ended do nothing but end again."""
    words = array_ops.shape(probs)[2]
    row = array_ops.one_hot(
        end_token, words, dtype=probs.dtype, on_value=ops.convert_to_tensor(0.0, dtype=probs.dtype),
        off_value=probs.dtype.min,
    )  # fmt: skip
    rows = array_ops.tile(array_ops.reshape(row, [1, 1, -1]), array_ops.concat([array_ops.shape(finished), [1]], 0))
    chosen = array_ops.tile(array_ops.expand_dims(finished, 2), [1, 1, words])
    return array_ops.where(chosen, rows, probs)


@tf_export("contrib.seq2seq.BeamSearchDecoder")
class BeamSearchDecoder(decoder.Decoder):
    """Follows BEAM_WIDTH sequences of each row; INITIAL_STATE has batch * BEAM_WIDTH rows (tile_batch)."""

    def __init__(self, cell, embedding, start_tokens, end_token, initial_state, beam_width, output_layer=None,
                 length_penalty_weight=0.0, coverage_penalty_weight=0.0, reorder_tensor_arrays=True):  # fmt: skip
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        if output_layer is not None and not callable(output_layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._output_layer = cell, output_layer
        self._reorder_tensor_arrays = reorder_tensor_arrays
        if callable(embedding):
            self._embedding_fn = embedding
        else:
            self._embedding_fn = lambda ids: embedding_ops.embedding_lookup(embedding, ids)
        self._start_tokens = ops.convert_to_tensor(start_tokens, dtype=dtypes.int32, name="start_tokens")
        if self._start_tokens.get_shape().ndims != 1:
            raise ValueError("start_tokens must be a vector")
        self._end_token = ops.convert_to_tensor(end_token, dtype=dtypes.int32, name="end_token")
        if self._end_token.get_shape().ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._batch_size = array_ops.size(start_tokens)
        self._beam_width = beam_width
        self._length_penalty_weight = length_penalty_weight
        self._coverage_penalty_weight = coverage_penalty_weight
        self._initial_cell_state = nest.map_structure(self._split_rows, initial_state, cell.state_size)
        tokens = array_ops.tile(array_ops.expand_dims(self._start_tokens, 1), [1, beam_width])
        self._start_inputs = self._embedding_fn(tokens)
        self._finished = array_ops.one_hot(
            array_ops.zeros([self._batch_size], dtype=dtypes.int32), depth=beam_width, on_value=False, off_value=True,
            dtype=dtypes.bool,
        )  # fmt: skip

    @property
    def batch_size(self):
        return self._batch_size

    @property
    def tracks_own_finished(self):
        return True

    @property
    def output_size(self):
        beams = tensor_shape.TensorShape([self._beam_width])
        return BeamSearchDecoderOutput(scores=beams, predicted_ids=beams, parent_ids=beams)

    @property
    def output_dtype(self):
        dtype = nest.flatten(self._initial_cell_state)[0].dtype
        return BeamSearchDecoderOutput(scores=dtype, predicted_ids=dtypes.int32, parent_ids=dtypes.int32)

    # --- rows are [batch * beam, ...] for the cell, [batch, beam, ...] here ---

    def _split_rows(self, value, size=None):
        if isinstance(value, tensor_array_ops.TensorArray) or value.shape.ndims == 0:
            return value
        tail = array_ops.shape(value)[1:]
        made = array_ops.reshape(value, array_ops.concat(([self._batch_size, self._beam_width], tail), 0))
        made.set_shape(
            tensor_shape.TensorShape([tensor_util.constant_value(self._batch_size), self._beam_width]).concatenate(
                value.shape[1:]
            )
        )
        return made

    def _merge_rows(self, value):
        if isinstance(value, tensor_array_ops.TensorArray) or value.shape.ndims == 0:
            return value
        tail = array_ops.shape(value)[2:]
        made = array_ops.reshape(value, array_ops.concat(([self._batch_size * self._beam_width], tail), 0))
        fixed = tensor_util.constant_value(self._batch_size)
        rows = None if fixed is None else fixed * self._beam_width
        made.set_shape(tensor_shape.TensorShape([rows]).concatenate(value.shape[2:]))
        return made

    def initialize(self, name=None):
        dtype = nest.flatten(self._initial_cell_state)[0].dtype
        log_probs = array_ops.one_hot(
            array_ops.zeros([self._batch_size], dtype=dtypes.int32), depth=self._beam_width,
            on_value=ops.convert_to_tensor(0.0, dtype=dtype),
            off_value=ops.convert_to_tensor(-float("inf"), dtype=dtype), dtype=dtype,
        )  # fmt: skip
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state, log_probs=log_probs, finished=self._finished,
            lengths=array_ops.zeros([self._batch_size, self._beam_width], dtype=dtypes.int64),
            accumulated_attention_probs=self._zero_attention(dtype),
        )  # fmt: skip
        return self._finished, self._start_inputs, state

    def _attention_state(self, cell_state):
        """The alignments in CELL_STATE, None where there are none."""
        found = [s for s in _states(cell_state) if isinstance(s, attention_wrapper.AttentionWrapperState)]
        if not found:
            return None
        if len(found) > 1 or isinstance(found[0].alignments, tuple):
            raise NotImplementedError("The coverage penalty needs one attention mechanism")
        return found[0].alignments

    def _zero_attention(self, dtype):
        if self._coverage_penalty_weight == 0:
            return ()
        alignments = self._attention_state(self._initial_cell_state)
        if alignments is None:
            raise ValueError("coverage_penalty_weight must be 0 when there is no attention")
        return array_ops.zeros_like(alignments, dtype=dtype)

    def step(self, time, inputs, state, name=None):
        with ops.name_scope(name, "BeamSearchDecoderStep", (time, inputs, state)):
            inputs = nest.map_structure(self._merge_rows, inputs)
            outputs, cell_state = self._cell(inputs, nest.map_structure(self._merge_rows, state.cell_state))
            outputs = nest.map_structure(self._split_rows, outputs)
            cell_state = nest.map_structure(self._split_rows, cell_state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            output, next_state = self._search(time, outputs, cell_state, state)
            words = output.predicted_ids
            next_inputs = control_flow_ops.cond(
                math_ops.reduce_all(next_state.finished), lambda: self._start_inputs, lambda: self._embedding_fn(words)
            )
        return output, next_state, next_inputs, next_state.finished

    def _scores(self, log_probs, lengths, coverage):
        scores = math_ops.div(log_probs, _length_penalty(lengths, self._length_penalty_weight))
        if coverage is not None:
            scores += array_ops.expand_dims(coverage, 2) * self._coverage_penalty_weight
        return scores

    def _search(self, time, logits, cell_state, state):
        """The best beams after one more word."""
        width, batch = self._beam_width, self._batch_size
        finished = state.finished
        step_probs = _mask_probs(nn_ops.log_softmax(logits), self._end_token, finished)
        total = array_ops.expand_dims(state.log_probs, 2) + step_probs
        words = tensor_shape.dimension_value(logits.shape[-1])
        words = words if words is not None else array_ops.shape(logits)[-1]
        grows = array_ops.one_hot(
            array_ops.fill([batch, width], self._end_token), depth=words, on_value=math_ops.cast(0, dtypes.int64),
            off_value=math_ops.cast(1, dtypes.int64), dtype=dtypes.int64,
        )  # fmt: skip
        grows *= array_ops.expand_dims(math_ops.cast(math_ops.logical_not(finished), dtypes.int64), 2)
        lengths = grows + array_ops.expand_dims(state.lengths, 2)
        attention, coverage = state.accumulated_attention_probs, None
        if self._coverage_penalty_weight != 0:
            shown = array_ops.where(
                array_ops.tile(array_ops.expand_dims(finished, 2), [1, 1, array_ops.shape(attention)[2]]),
                array_ops.zeros_like(attention), self._attention_state(cell_state),
            )  # fmt: skip
            attention = attention + shown
            coverage = math_ops.reduce_sum(math_ops.log(math_ops.minimum(attention, 1.0)), 2)
        scores = self._scores(total, lengths, coverage)
        flat = array_ops.reshape(scores, [batch, -1])
        best, indices = nn_ops.top_k(flat, k=width)
        best.set_shape([tensor_util.constant_value(batch), width])
        indices.set_shape([tensor_util.constant_value(batch), width])
        word_ids = math_ops.cast(math_ops.mod(indices, words, name="next_beam_word_ids"), dtypes.int32)
        parents = math_ops.cast(math_ops.div(indices, words, name="next_beam_parent_ids"), dtypes.int32)
        chosen = self._gather(array_ops.reshape(total, [batch, -1]), indices)
        was_finished = self._gather(finished, parents)
        now_finished = math_ops.logical_or(was_finished, math_ops.equal(word_ids, self._end_token))
        grown = math_ops.cast(math_ops.logical_not(was_finished), dtypes.int64) + self._gather(state.lengths, parents)
        next_cell = nest.map_structure(lambda value: self._gather_state(value, parents), cell_state)
        if self._coverage_penalty_weight != 0:
            attention = self._gather(attention, parents)
        next_state = BeamSearchDecoderState(next_cell, chosen, now_finished, grown, attention)
        return BeamSearchDecoderOutput(scores=best, predicted_ids=word_ids, parent_ids=parents), next_state

    def _gather(self, values, beams):
        """VALUES [batch, n, ...] at BEAMS [batch, beam]."""
        n = array_ops.shape(values)[1]
        tail = array_ops.shape(values)[2:]
        flat = array_ops.reshape(values, array_ops.concat(([-1], tail), 0))
        offsets = array_ops.expand_dims(math_ops.range(self._batch_size) * n, 1)
        made = array_ops.gather(flat, beams + offsets)
        made.set_shape(
            tensor_shape.TensorShape([tensor_util.constant_value(self._batch_size), self._beam_width]).concatenate(
                values.shape[2:]
            )
        )
        return made

    def _gather_state(self, value, parents):
        if isinstance(value, tensor_array_ops.TensorArray) or value.shape.ndims == 0:
            return value
        return self._gather(value, parents)

    def finalize(self, outputs, final_state, sequence_lengths):
        """Follows the parents back: whole sequences, and alignment histories in their order."""
        longest = math_ops.cast(math_ops.reduce_max(final_state.lengths, axis=[1]), dtypes.int32)
        ids = gather_tree(
            outputs.predicted_ids, outputs.parent_ids, max_sequence_lengths=longest, end_token=self._end_token
        )
        if self._reorder_tensor_arrays:
            final_state = final_state._replace(
                cell_state=nest.map_structure(
                    lambda value: self._sorted_history(value, outputs.parent_ids, final_state.lengths),
                    final_state.cell_state,
                )
            )
        return FinalBeamSearchDecoderOutput(beam_search_decoder_output=outputs, predicted_ids=ids), final_state

    def _sorted_history(self, value, parent_ids, lengths):
        """A TensorArray of [batch * beam, ...] entries as a tensor [time, batch * beam, ...] along the final beams."""
        if not isinstance(value, tensor_array_ops.TensorArray):
            return value
        stacked = value.stack()
        time = array_ops.shape(parent_ids)[0]
        shape = array_ops.shape(stacked)
        split = array_ops.reshape(
            stacked, array_ops.concat([[shape[0], self._batch_size, self._beam_width], shape[2:]], 0)
        )
        numbers = array_ops.tile(
            array_ops.reshape(math_ops.range(self._beam_width), [1, 1, -1]), [time, self._batch_size, 1]
        )
        longest = math_ops.cast(math_ops.reduce_max(lengths, axis=[1]), dtypes.int32)
        ids = gather_tree(numbers, parent_ids, max_sequence_lengths=longest, end_token=self._beam_width + 1)
        within = array_ops.transpose(array_ops.sequence_mask(lengths, maxlen=time), [2, 0, 1])
        ids = array_ops.where(within, ids, numbers)
        order = math_ops.cast(ids, dtypes.int32)
        batch = array_ops.tile(
            array_ops.reshape(math_ops.range(self._batch_size), [1, -1, 1]), [time, 1, self._beam_width]
        )
        steps = array_ops.tile(
            array_ops.reshape(math_ops.range(time), [-1, 1, 1]), [1, self._batch_size, self._beam_width]
        )
        gathered = array_ops.gather_nd(split, array_ops.stack([steps, batch, order], -1))
        return array_ops.reshape(gathered, shape)


def _states(structure):
    """STRUCTURE and, where it is a tuple, what is in it."""
    yield structure
    if isinstance(structure, (tuple, list)) and not isinstance(structure, attention_wrapper.AttentionWrapperState):
        for item in structure:
            yield from _states(item)
