"""Following beams back to where they came from."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, functional_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.gather_tree")
def gather_tree(step_ids, parent_ids, max_sequence_lengths, end_token, name=None):
    """The whole sequences [time, batch, beam] from each step's words and parents [time, batch, beam].

    Each row is followed back from its last step, MAX_SEQUENCE_LENGTHS [batch]; after END_TOKEN comes nothing else.
    """
    with ops.name_scope(name, "GatherTree", [step_ids, parent_ids, max_sequence_lengths, end_token]):
        step_ids = ops.convert_to_tensor(step_ids, name="step_ids")
        parent_ids = ops.convert_to_tensor(parent_ids, name="parent_ids")
        lengths = ops.convert_to_tensor(max_sequence_lengths, dtypes.int32, name="max_sequence_lengths")
        end_token = math_ops.cast(ops.convert_to_tensor(end_token, name="end_token"), step_ids.dtype)
        steps, batch, width = (array_ops.shape(step_ids)[i] for i in range(3))
        rows = array_ops.tile(array_ops.expand_dims(math_ops.range(batch), 1), [1, width])
        beams = array_ops.tile(array_ops.expand_dims(math_ops.range(width), 0), [batch, 1])
        nothing = array_ops.zeros_like(step_ids[0]) + end_token

        def back(carried, step):
            """One step back in time: the words of the beams, and the beams before them."""
            _, beams = carried
            time, words, parents = step
            within = array_ops.tile(array_ops.expand_dims(time < lengths, 1), [1, width])
            at = array_ops.stack([rows, beams], -1)
            words = array_ops.where(within, array_ops.gather_nd(words, at), nothing)
            parents = math_ops.cast(array_ops.gather_nd(parents, at), dtypes.int32)
            return words, array_ops.where(within, parents, beams)

        words, _ = functional_ops.scan(
            back, (math_ops.range(steps), step_ids, parent_ids), initializer=(nothing, beams), reverse=True
        )
        ended = math_ops.cumsum(math_ops.cast(math_ops.equal(words, end_token), dtypes.int32), 0, exclusive=True)
        words = array_ops.where(ended > 0, array_ops.zeros_like(words) + end_token, words)
        words.set_shape(step_ids.shape)
        return words
