"""Losses of sequences."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, math_ops, nn_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.sequence_loss")
def sequence_loss(logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
                  sum_over_timesteps=False, sum_over_batch=False, softmax_loss_function=None, name=None):  # fmt: skip
    """Weighted cross-entropy of LOGITS [batch, time, classes] against TARGETS [batch, time], averaged or summed."""
    for value, rank, what in ((logits, 3, "Logits"), (targets, 2, "Targets"), (weights, 2, "Weights")):
        if len(value.get_shape()) != rank:
            raise ValueError(f"{what} must be a {rank}-D tensor")
    if average_across_timesteps and sum_over_timesteps:
        raise ValueError("average_across_timesteps and sum_over_timesteps cannot both be True.")
    if average_across_batch and sum_over_batch:
        raise ValueError("average_across_batch and sum_over_batch cannot both be True.")
    with ops.name_scope(name, "sequence_loss", [logits, targets, weights]):
        classes = array_ops.shape(logits)[2]
        flat = array_ops.reshape(logits, [-1, classes])
        targets = array_ops.reshape(targets, [-1])
        if softmax_loss_function is None:
            cross = nn_ops.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=flat)
        else:
            cross = softmax_loss_function(labels=targets, logits=flat)
        cross *= array_ops.reshape(weights, [-1])
        if average_across_timesteps and average_across_batch:
            return math_ops.div_no_nan(math_ops.reduce_sum(cross), math_ops.reduce_sum(weights))
        if sum_over_timesteps and sum_over_batch:
            count = math_ops.cast(math_ops.count_nonzero(weights), cross.dtype)
            return math_ops.div_no_nan(math_ops.reduce_sum(cross), count)
        cross = array_ops.reshape(cross, array_ops.shape(logits)[0:2])
        for axis, average, total in ((0, average_across_batch, sum_over_batch),
                                     (1, average_across_timesteps, sum_over_timesteps)):  # fmt: skip
            if average or total:
                cross = _over(axis, cross, weights, average)
        return cross


def _over(axis, cross, weights, average):
    """The mean over AXIS by weights, or the sum over the entries that count."""
    summed = math_ops.reduce_sum(cross, axis=[axis])
    if average:
        return math_ops.div_no_nan(summed, math_ops.reduce_sum(weights, axis=[axis]))
    return math_ops.div_no_nan(summed, math_ops.cast(math_ops.count_nonzero(weights, axis=axis), cross.dtype))
