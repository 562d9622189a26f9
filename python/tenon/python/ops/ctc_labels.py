"""Sequences of labels as CTC wants them."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, functional_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("nn.collapse_repeated")
def collapse_repeated(labels, seq_length, name=None):
    """(LABELS [batch, time] without repetitions, their new lengths [batch]): rows are filled up with zeros."""
    with ops.name_scope(name, "collapse_repeated_labels", [labels, seq_length]):
        labels = ops.convert_to_tensor(labels, name="labels")
        seq_length = ops.convert_to_tensor(seq_length, name="seq_length")
        first = array_ops.ones_like(labels[:, :1], dtypes.bool)
        new = array_ops.concat([first, math_ops.not_equal(labels[:, 1:], labels[:, :-1])], axis=1)
        new = math_ops.logical_and(new, array_ops.sequence_mask(seq_length, array_ops.shape(labels)[1]))
        lengths = math_ops.reduce_sum(math_ops.cast(new, dtypes.int32), axis=1)
        longest = math_ops.reduce_max(lengths)
        taken = array_ops.reshape(array_ops.sequence_mask(lengths, maxlen=longest), [-1])
        places = array_ops.boolean_mask(math_ops.range(array_ops.size(taken)), taken)
        kept = array_ops.boolean_mask(array_ops.reshape(labels, [-1]), array_ops.reshape(new, [-1]))
        flat = gen_ops.scatter_nd(array_ops.expand_dims(places, 1), kept, array_ops.shape(taken))
        shape = array_ops.stack([array_ops.shape(labels)[0], longest])
        return array_ops.reshape(flat, shape), math_ops.cast(lengths, seq_length.dtype)


@tf_export("nn.ctc_unique_labels")
def ctc_unique_labels(labels, name=None):
    """(the labels of each row once, filled up with zeros; the place of each label among them): both [batch, time]."""
    with ops.name_scope(name, "ctc_unique_labels", [labels]):
        labels = ops.convert_to_tensor(labels, name="labels")

        def unique(row):
            found = gen_ops.unique(row)
            short = array_ops.size(found.idx) - array_ops.size(found.y)
            return [math_ops.cast(array_ops.pad(found.y, [[0, short]]), dtypes.int64), found.idx]

        return functional_ops.map_fn(unique, labels, dtype=[dtypes.int64, dtypes.int32])
