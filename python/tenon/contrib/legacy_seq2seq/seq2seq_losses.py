"""Losses of lists of logits, one a step."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, math_ops, nn_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.legacy_seq2seq.sequence_loss_by_example", "nn.seq2seq.sequence_loss_by_example")
def sequence_loss_by_example(logits, targets, weights, average_across_timesteps=True, softmax_loss_function=None,
                             name=None):  # fmt: skip
    """Weighted cross-entropy [batch] of lists of LOGITS [batch, classes], TARGETS [batch] and WEIGHTS [batch]."""
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            f"Lengths of logits, weights, and targets must be the same {len(logits)}, {len(weights)}, {len(targets)}."
        )
    with ops.name_scope(name, "sequence_loss_by_example", [*logits, *targets, *weights]):
        log_perps = []
        for logit, target, weight in zip(logits, targets, weights):
            if softmax_loss_function is None:
                target = array_ops.reshape(target, [-1])
                cross = nn_ops.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logit)
            else:
                cross = softmax_loss_function(labels=target, logits=logit)
            log_perps.append(cross * weight)
        total = math_ops.add_n(log_perps)
        if average_across_timesteps:
            # Never a division by zero: rows of weight 0 have loss 0.
            total /= math_ops.add_n(weights) + 1e-12
    return total


@tf_export("contrib.legacy_seq2seq.sequence_loss", "nn.seq2seq.sequence_loss")
def sequence_loss(logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
                  softmax_loss_function=None, name=None):  # fmt: skip
    """The sum, or the mean, over the batch of sequence_loss_by_example."""
    with ops.name_scope(name, "sequence_loss", [*logits, *targets, *weights]):
        cost = math_ops.reduce_sum(
            sequence_loss_by_example(
                logits, targets, weights, average_across_timesteps=average_across_timesteps,
                softmax_loss_function=softmax_loss_function,
            )
        )  # fmt: skip
        if average_across_batch:
            return cost / math_ops.cast(array_ops.shape(targets[0])[0], cost.dtype)
        return cost


@tf_export("contrib.legacy_seq2seq.model_with_buckets", "nn.seq2seq.model_with_buckets")
def model_with_buckets(encoder_inputs, decoder_inputs, targets, weights, buckets, seq2seq, softmax_loss_function=None,
                       per_example_loss=False, name=None):  # fmt: skip
    """A model for each of the (encoder length, decoder length) BUCKETS, with shared variables: (outputs, losses)."""
    from tenon.python.ops import variable_scope as vs

    for what, given, which in (("encoder_inputs", encoder_inputs, 0), ("targets", targets, 1), ("weights", weights, 1)):
        if len(given) < buckets[-1][which]:
            raise ValueError(
                f"Length of {what} ({len(given)}) must be at least that of last bucket ({buckets[-1][which]})."
            )
    outputs, losses = [], []
    loss_fn = sequence_loss_by_example if per_example_loss else sequence_loss
    with ops.name_scope(name, "model_with_buckets", [*encoder_inputs, *decoder_inputs, *targets, *weights]):
        for j, (n_encoder, n_decoder) in enumerate(buckets):
            with vs.variable_scope(vs.get_variable_scope(), reuse=True if j > 0 else None):
                made, _ = seq2seq(encoder_inputs[:n_encoder], decoder_inputs[:n_decoder])
                outputs.append(made)
                losses.append(
                    loss_fn(made, targets[:n_decoder], weights[:n_decoder], softmax_loss_function=softmax_loss_function)
                )
    return outputs, losses
