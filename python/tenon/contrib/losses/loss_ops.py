"""The losses of contrib: predictions come first, and weights default to 1."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.ops.losses import losses_impl, util
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.losses.compute_weighted_loss", "contrib.slim.losses.compute_weighted_loss")
def compute_weighted_loss(losses, weights=1.0, scope=None):
    """The weighted mean of LOSSES, also put among the losses."""
    return losses_impl.compute_weighted_loss(losses, weights, scope)


@tf_export("contrib.losses.add_loss", "contrib.slim.losses.add_loss")
def add_loss(loss, loss_collection="losses"):
    """Puts LOSS among the losses."""
    util.add_loss(loss, loss_collection)


@tf_export("contrib.losses.get_losses", "contrib.slim.losses.get_losses")
def get_losses(scope=None, loss_collection="losses"):
    return util.get_losses(scope, loss_collection)


@tf_export("contrib.losses.get_regularization_losses", "contrib.slim.losses.get_regularization_losses")
def get_regularization_losses(scope=None):
    return util.get_regularization_losses(scope)


@tf_export("contrib.losses.get_total_loss", "contrib.slim.losses.get_total_loss")
def get_total_loss(add_regularization_losses=True, name="total_loss"):
    """The sum of all losses."""
    return util.get_total_loss(add_regularization_losses, name)


def _labels(labels):
    if labels is None:
        raise ValueError("labels must be given")
    return labels


@tf_export("contrib.losses.absolute_difference", "contrib.slim.losses.absolute_difference")
def absolute_difference(predictions, labels=None, weights=1.0, scope=None):
    return losses_impl.absolute_difference(_labels(labels), predictions, weights, scope)


@tf_export("contrib.losses.sigmoid_cross_entropy", "contrib.slim.losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy(logits, multi_class_labels, weights=1.0, label_smoothing=0, scope=None):
    return losses_impl.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, scope)


@tf_export("contrib.losses.softmax_cross_entropy", "contrib.slim.losses.softmax_cross_entropy")
def softmax_cross_entropy(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None):
    return losses_impl.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


@tf_export("contrib.losses.sparse_softmax_cross_entropy", "contrib.slim.losses.sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(logits, labels, weights=1.0, scope=None):
    return losses_impl.sparse_softmax_cross_entropy(labels, logits, weights, scope)


@tf_export("contrib.losses.log_loss", "contrib.slim.losses.log_loss")
def log_loss(predictions, labels=None, weights=1.0, epsilon=1e-7, scope=None):
    return losses_impl.log_loss(_labels(labels), predictions, weights, epsilon, scope)


@tf_export("contrib.losses.hinge_loss", "contrib.slim.losses.hinge_loss")
def hinge_loss(logits, labels=None, scope=None):
    """The hinge losses themselves, not their mean."""
    with ops.name_scope(scope, "hinge_loss", [logits, labels]):
        logits = ops.convert_to_tensor(logits)
        logits.get_shape().assert_is_compatible_with(ops.convert_to_tensor(_labels(labels)).get_shape())
        signs = 2 * math_ops.cast(labels, logits.dtype) - array_ops.ones_like(logits)
        return gen_ops.relu(1 - signs * logits)


@tf_export("contrib.losses.mean_squared_error", "contrib.slim.losses.mean_squared_error")
def mean_squared_error(predictions, labels=None, weights=1.0, scope=None):
    return losses_impl.mean_squared_error(_labels(labels), predictions, weights, scope)


@tf_export("contrib.losses.mean_pairwise_squared_error", "contrib.slim.losses.mean_pairwise_squared_error")
def mean_pairwise_squared_error(predictions, labels=None, weights=1.0, scope=None):
    """As tf.losses has it, but each row is divided by its number of elements, not by one less."""
    with ops.name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        labels = math_ops.cast(_labels(labels), dtypes.float32)
        diffs = math_ops.cast(predictions, dtypes.float32) - labels
        weights = math_ops.cast(weights, dtypes.float32)
        axis = math_ops.range(1, array_ops.rank(diffs))
        n = losses_impl._num_present(diffs, weights, per_batch=True)
        squares = math_ops.reduce_sum(math_ops.square(diffs), axis=axis, keepdims=True)
        total = math_ops.reduce_sum(diffs, axis=axis, keepdims=True)
        pairs = math_ops.div_no_nan(squares, n) - math_ops.div_no_nan(math_ops.square(total), math_ops.square(n))
        loss = math_ops.reduce_sum(2.0 * pairs * weights)
        util.add_loss(loss)
        return loss


@tf_export("contrib.losses.cosine_distance", "contrib.slim.losses.cosine_distance")
def cosine_distance(predictions, labels=None, axis=None, weights=1.0, scope=None, dim=None):
    return losses_impl.cosine_distance(_labels(labels), predictions, axis, weights, scope, dim=dim)
