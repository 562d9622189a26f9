"""Losses that learn distances between embeddings: tf.contrib.losses.metric_learning."""

from tenon.contrib.losses import clustering
from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, gen_ops, logging_ops, math_ops, nn_ops, script_ops, sparse_ops
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export


def pairwise_distance(feature, squared=False):
    """Euclidean distances [n, n] between rows [n, d]; the gradient at 0 is 0."""
    feature = ops.convert_to_tensor(feature)
    lengths = math_ops.reduce_sum(math_ops.square(feature), axis=1, keepdims=True)
    squares = lengths + array_ops.transpose(lengths) - 2.0 * math_ops.matmul(feature, feature, transpose_b=True)
    squares = math_ops.maximum(squares, 0.0)
    apart = math_ops.cast(squares > 0.0, dtypes.float32)
    made = squares if squared else math_ops.sqrt(squares + (1.0 - apart) * 1e-16)
    others = 1.0 - gen_ops.diag(array_ops.ones([array_ops.shape(feature)[0]]))
    return made * apart * others


@tf_export("contrib.losses.metric_learning.contrastive_loss")
def contrastive_loss(labels, embeddings_anchor, embeddings_positive, margin=1.0):
    """Pulls pairs whose label is 1 together, and pushes those whose label is 0 MARGIN apart."""
    squares = math_ops.squared_difference(embeddings_anchor, embeddings_positive)
    distances = math_ops.sqrt(math_ops.reduce_sum(squares, 1))
    same = math_ops.cast(labels, distances.dtype)
    losses = same * math_ops.square(distances) + (1.0 - same) * math_ops.square(
        math_ops.maximum(margin - distances, 0.0)
    )
    return math_ops.reduce_mean(losses, name="contrastive_loss")


def _masked_maximum(data, mask):
    """The greatest of each row (the last dimension) where MASK is 1; the least of the row where it nowhere is."""
    least = math_ops.reduce_min(data, -1, keepdims=True)
    return math_ops.reduce_max((data - least) * mask, -1, keepdims=True) + least


def _pairs(labels):
    """(whether two rows have one label, as 0 and 1; the same without the diagonal)."""
    labels = ops.convert_to_tensor(labels)
    labels.get_shape().assert_has_rank(1)
    column = array_ops.expand_dims(labels, 1)
    same = math_ops.cast(math_ops.equal(column, array_ops.transpose(column)), dtypes.float32)
    return same, same - gen_ops.diag(array_ops.ones([array_ops.size(labels)]))


@tf_export("contrib.losses.metric_learning.triplet_semihard_loss")
def triplet_semihard_loss(labels, embeddings, margin=1.0):
    """For each anchor and positive, against the nearest negative that is further away, or the furthest if none is.

    Schroff et al., 2015, arXiv 1503.03832. LABELS are integers [n], EMBEDDINGS rows [n, d] of length 1.
    """
    distances = pairwise_distance(embeddings, squared=True)
    same, positives = _pairs(labels)
    other = 1.0 - same
    near, far = array_ops.expand_dims(distances, 2), array_ops.expand_dims(distances, 1)
    # [anchor, positive, negative]
    further = array_ops.expand_dims(other, 1) * math_ops.cast(far > near, dtypes.float32)
    outside = array_ops.squeeze(-_masked_maximum(-far + array_ops.zeros_like(further), further), [2])
    inside = _masked_maximum(distances, other) + array_ops.zeros_like(distances)
    negatives = array_ops.where(math_ops.reduce_sum(further, 2) > 0.0, outside, inside)
    losses = math_ops.maximum((margin + distances - negatives) * positives, 0.0)
    return math_ops.truediv(math_ops.reduce_sum(losses), math_ops.reduce_sum(positives), name="triplet_semihard_loss")


def _npairs(targets, anchors, positives, reg_lambda, print_losses):
    """The cross entropy of similarities against TARGETS [n, n], and the lengths of the embeddings."""
    lengths = [math_ops.reduce_mean(math_ops.reduce_sum(math_ops.square(e), 1)) for e in (anchors, positives)]
    penalty = math_ops.multiply(0.25 * reg_lambda, lengths[0] + lengths[1], name="l2loss")
    similarity = math_ops.matmul(anchors, positives, transpose_b=True)
    targets /= math_ops.reduce_sum(targets, 1, keepdims=True)
    entropy = nn_ops.softmax_cross_entropy_with_logits(logits=similarity, labels=targets)
    entropy = math_ops.reduce_mean(entropy, name="xentropy")
    if print_losses:
        entropy = logging_ops.Print(entropy, ["cross entropy:", entropy, "l2loss:", penalty])
    return penalty + entropy


@tf_export("contrib.losses.metric_learning.npairs_loss")
def npairs_loss(labels, embeddings_anchor, embeddings_positive, reg_lambda=0.002, print_losses=False):
    """Each anchor against the positives of all others (Sohn, 2016); LABELS are integers [n]."""
    return _npairs(_pairs(labels)[0], embeddings_anchor, embeddings_positive, reg_lambda, print_losses)


@tf_export("contrib.losses.metric_learning.npairs_loss_multilabel")
def npairs_loss_multilabel(sparse_labels, embeddings_anchor, embeddings_positive, reg_lambda=0.002,
                           print_losses=False):  # fmt: skip
    """npairs_loss with several labels a row: SPARSE_LABELS has a SparseTensor [classes] of counts for each."""
    if not all(isinstance(label, sparse_tensor.SparseTensor) for label in sparse_labels):
        raise TypeError(f"sparse_labels must be a list of SparseTensors, but got {sparse_labels}")
    with ops.name_scope("NpairsLossMultiLabel"):
        shared = [
            [math_ops.cast(sparse_ops.sparse_reduce_sum(sparse_ops.sparse_minimum(a, b)), dtypes.float32)
             for b in sparse_labels] for a in sparse_labels
        ]  # fmt: skip
        targets = array_ops.stack([array_ops.stack(row) for row in shared])
        return _npairs(targets, embeddings_anchor, embeddings_positive, reg_lambda, print_losses)


@tf_export("contrib.losses.metric_learning.lifted_struct_loss")
def lifted_struct_loss(labels, embeddings, margin=1.0):
    """Each pair of one label against all negatives of both (Oh Song et al., 2016, arXiv 1511.06452)."""
    distances = pairwise_distance(embeddings)
    same, positives = _pairs(labels)
    other, room = 1.0 - same, margin - distances
    most = _masked_maximum(room, other)
    most = math_ops.maximum(most, array_ops.transpose(most))
    # [i, j]: the negatives of j, relative to the greatest of both.
    exponents = array_ops.expand_dims(room, 0) - array_ops.expand_dims(most, 2)
    left = math_ops.reduce_sum(math_ops.exp(exponents) * array_ops.expand_dims(other, 0), 2)
    losses = most + math_ops.log(left + array_ops.transpose(left)) + distances
    total = 0.25 * math_ops.reduce_sum(math_ops.square(math_ops.maximum(losses * positives, 0.0)))
    return math_ops.truediv(total, math_ops.reduce_sum(positives) / 2.0, name="liftedstruct_loss")


@tf_export("contrib.losses.metric_learning.cluster_loss")
def cluster_loss(labels, embeddings, margin_multiplier, enable_pam_finetuning=True, margin_type="nmi",
                 print_losses=False):  # fmt: skip
    """The true clustering against the best wrong one (Oh Song et al., 2017, arXiv 1612.01213).

    MARGIN_TYPE says how wrong a clustering is: `nmi`, `ami`, `ari`, `vmeasure` or `const`.
    """
    if margin_type not in clustering.SCORES:
        raise ValueError(f"Unrecognized margin_type: {margin_type}")
    labels = array_ops.squeeze(ops.convert_to_tensor(labels))
    distances = pairwise_distance(embeddings)

    def search(distances, labels):
        return clustering.search(distances, labels, float(margin_multiplier), enable_pam_finetuning, margin_type)

    chosen, medoids, score = script_ops._call(
        search, [distances, labels], [dtypes.int32, dtypes.int32, dtypes.float32], True, "cluster_loss_search"
    )
    for tensor, rank in ((chosen, 1), (medoids, 1), (score, 0)):
        tensor.set_shape([None] * rank)
    predicted = -math_ops.reduce_sum(math_ops.reduce_min(array_ops.gather(distances, chosen), axis=0))
    # Each row to the medoid of its own class.
    places = array_ops.stack([medoids, math_ops.range(array_ops.size(medoids))], axis=1)
    truth = -math_ops.reduce_sum(array_ops.gather_nd(distances, places))
    loss = math_ops.maximum(predicted + margin_multiplier * (1.0 - score) - truth, 0.0, name="clustering_loss")
    loss.set_shape([])
    if print_losses:
        loss = logging_ops.Print(loss, ["clustering_loss: ", loss, array_ops.shape(loss)])
    summary.scalar("losses/score_pred", predicted)
    summary.scalar(f"losses/{margin_type}", score)
    summary.scalar("losses/score_gt", truth)
    return loss
