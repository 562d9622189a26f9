"""Connectionist temporal classification: the loss, and decoders."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework import sparse_tensor as sparse
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export


@tf_export("nn.ctc_loss")
def ctc_loss(
    labels, inputs=None, sequence_length=None, preprocess_collapse_repeated=False, ctc_merge_repeated=True,
    ignore_longer_outputs_than_inputs=False, time_major=True, logits=None,
):  # fmt: skip
    """The negative log probabilities [batch] of LABELS (a SparseTensor of int32) given logits [time, batch, classes].

    The last class is the blank.
    """
    inputs = deprecated_argument_lookup("logits", logits, "inputs", inputs)
    if not isinstance(labels, (sparse.SparseTensor, sparse.SparseTensorValue)):
        raise TypeError("Expected argument labels to be a SparseTensor.")
    labels = sparse.SparseTensor.from_value(labels)
    inputs = ops.convert_to_tensor(inputs, name="logits")
    if not time_major:
        inputs = array_ops.transpose(inputs, [1, 0, 2])
    dtype = inputs.dtype
    if dtype in (dtypes.float16, dtypes.bfloat16):
        inputs = math_ops.cast(inputs, dtypes.float32)
    loss, _ = gen_ops.ctc_loss(
        inputs, labels.indices, labels.values, sequence_length,
        preprocess_collapse_repeated=preprocess_collapse_repeated, ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )  # fmt: skip
    return math_ops.cast(loss, dtype)


def _dense_to_sparse(labels, label_length):
    """Rows of labels [batch, most] cut to their lengths."""
    labels = ops.convert_to_tensor(labels)
    most = array_ops.shape(labels)[1]
    inside = math_ops.less(
        array_ops.expand_dims(math_ops.range(most), 0),
        array_ops.expand_dims(math_ops.cast(label_length, dtypes.int32), 1),
    )
    indices = gen_ops.where(inside)
    shape = array_ops.shape(labels, out_type=dtypes.int64)
    return sparse.SparseTensor(indices, array_ops.gather_nd(labels, indices), shape)


@tf_export("nn.ctc_loss_v2")
def ctc_loss_v2(
    labels, logits, label_length, logit_length, logits_time_major=True, unique=None, blank_index=None, name=None
):
    """The negative log probabilities [batch] of LABELS (sparse, or dense with LABEL_LENGTH) given LOGITS.

    BLANK_INDEX is the class of the blank (0 by default with dense labels).
    """
    with ops.name_scope(name, "ctc_loss", [logits, labels]):
        logits = ops.convert_to_tensor(logits, name="logits")
        if isinstance(labels, sparse.SparseTensor):
            if blank_index is None:
                raise ValueError("Argument `blank_index` must be provided when labels is a SparseTensor.")
        else:
            labels = _dense_to_sparse(labels, label_length)
        classes = logits.shape.dims[-1].value
        blank = 0 if blank_index is None else blank_index
        if blank < 0:
            blank += classes
        if blank != classes - 1:
            logits = array_ops.concat(
                [logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]], axis=2
            )
            values = labels.values
            values = array_ops.where(values < blank, values, values - 1)
            labels = sparse.SparseTensor(labels.indices, values, labels.dense_shape)
        labels = sparse.SparseTensor(labels.indices, math_ops.cast(labels.values, dtypes.int32), labels.dense_shape)
        return ctc_loss(labels, logits, logit_length, time_major=logits_time_major)


def _decoded(outputs):
    return [sparse.SparseTensor(*parts) for parts in zip(*outputs)]


@tf_export("nn.ctc_greedy_decoder")
def ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True, blank_index=None):
    """([the decoded labels, a SparseTensor of int64], negative sums of the logits taken [batch, 1])."""
    outputs = gen_ops.ctc_greedy_decoder(
        inputs, sequence_length, merge_repeated=merge_repeated, blank_index=-1 if blank_index is None else blank_index
    )
    return [sparse.SparseTensor(*outputs[:3])], outputs[3]


@tf_export("nn.ctc_beam_search_decoder")
def ctc_beam_search_decoder(inputs, sequence_length, beam_width=100, top_paths=1, merge_repeated=True):
    """(TOP_PATHS SparseTensors of decoded labels, their log probabilities [batch, top_paths])."""
    indices, values, shapes, chances = gen_ops.ctc_beam_search_decoder(
        inputs, sequence_length, beam_width=beam_width, top_paths=top_paths, merge_repeated=merge_repeated
    )
    return _decoded((indices, values, shapes)), chances


@tf_export("nn.ctc_beam_search_decoder_v2")
def ctc_beam_search_decoder_v2(inputs, sequence_length, beam_width=100, top_paths=1):
    """(TOP_PATHS SparseTensors of decoded labels, in which repeats stay, their log probabilities)."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)
