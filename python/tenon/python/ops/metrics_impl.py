"""tf.metrics: running values over batches. Each gives (the value, the operation that takes in a batch)."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, check_ops, confusion_matrix, gen_ops, math_ops, state_ops, weights_broadcast_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


def metric_variable(shape, dtype, validate_shape=True, name=None):
    """A local variable of zeros, also in the collection METRIC_VARIABLES."""
    return vs.variable(
        lambda: array_ops.zeros(shape, dtype), trainable=False,
        collections=[ops.GraphKeys.LOCAL_VARIABLES, ops.GraphKeys.METRIC_VARIABLES], validate_shape=validate_shape,
        synchronization=vs.VariableSynchronization.ON_READ, aggregation=vs.VariableAggregation.SUM, name=name,
    )  # fmt: skip


def _remove_squeezable_dimensions(predictions, labels, weights):
    """The three with ranks made equal where a last dimension of 1 is the difference."""
    predictions = ops.convert_to_tensor(predictions)
    if labels is not None:
        labels, predictions = confusion_matrix.remove_squeezable_dimensions(labels, predictions)
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    if weights is None:
        return predictions, labels, None
    weights = ops.convert_to_tensor(weights)
    w_rank, p_rank = weights.get_shape().ndims, predictions.get_shape().ndims
    if w_rank == 0 or w_rank is None or p_rank is None:
        return predictions, labels, weights
    if w_rank - p_rank == 1:
        weights = array_ops.squeeze(weights, [-1])
    elif p_rank - w_rank == 1:
        weights = array_ops.expand_dims(weights, [-1])
    return predictions, labels, weights


def _float(x):
    return math_ops.cast(x, dtypes.float32)


def _weights_like(weights, values):
    return weights_broadcast_ops.broadcast_weights(_float(weights), values)


def _done(value, update, metrics_collections, updates_collections):
    if metrics_collections:
        ops.add_to_collections(metrics_collections, value)
    if updates_collections:
        ops.add_to_collections(updates_collections, update)
    return value, update


def _ratio(numerator, denominator, name):
    """One over the other, 0 where the other is not positive."""
    return gen_ops.div_no_nan(numerator, gen_ops.maximum(denominator, 0), name=name)


@tf_export("metrics.mean")
def mean(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The (weighted) mean of all values."""
    with vs.variable_scope(name, "mean", (values, weights)):
        values = _float(values)
        total, count = (
            metric_variable([], dtypes.float32, name="total"),
            metric_variable([], dtypes.float32, name="count"),
        )
        if weights is None:
            number = _float(array_ops.size(values))
        else:
            values, _, weights = _remove_squeezable_dimensions(values, None, weights)
            weights = _weights_like(weights, values)
            values = gen_ops.mul(values, weights)
            number = math_ops.reduce_sum(weights)
        new_total = state_ops.assign_add(total, math_ops.reduce_sum(values))
        with ops.control_dependencies([values]):
            new_count = state_ops.assign_add(count, number)
        value = _ratio(total, count, "value")
        return _done(value, _ratio(new_total, new_count, "update_op"), metrics_collections, updates_collections)


@tf_export("metrics.accuracy")
def accuracy(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """How often predictions equal labels."""
    predictions, labels, weights = _remove_squeezable_dimensions(predictions, labels, weights)
    if labels.dtype != predictions.dtype:
        predictions = math_ops.cast(predictions, labels.dtype)
    correct = _float(math_ops.equal(predictions, labels))
    return mean(correct, weights, metrics_collections, updates_collections, name or "accuracy")


@tf_export("metrics.mean_absolute_error")
def mean_absolute_error(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The mean of |predictions - labels|."""
    predictions, labels, weights = _remove_squeezable_dimensions(predictions, labels, weights)
    error = math_ops.abs(predictions - labels)
    return mean(error, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


@tf_export("metrics.mean_squared_error")
def mean_squared_error(
    labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The mean of (predictions - labels)^2."""
    predictions, labels, weights = _remove_squeezable_dimensions(predictions, labels, weights)
    error = gen_ops.squared_difference(labels, predictions)
    return mean(error, weights, metrics_collections, updates_collections, name or "mean_squared_error")


@tf_export("metrics.root_mean_squared_error")
def root_mean_squared_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                            name=None):  # fmt: skip
    """The root of the mean of (predictions - labels)^2."""
    predictions, labels, weights = _remove_squeezable_dimensions(predictions, labels, weights)
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return _done(gen_ops.sqrt(value), gen_ops.sqrt(update), metrics_collections, updates_collections)


@tf_export("metrics.mean_relative_error")
def mean_relative_error(labels, predictions, normalizer, weights=None, metrics_collections=None,
                        updates_collections=None, name=None):  # fmt: skip
    """The mean of |labels - predictions| / normalizer."""
    predictions, labels, weights = _remove_squeezable_dimensions(predictions, labels, weights)
    predictions, normalizer = confusion_matrix.remove_squeezable_dimensions(predictions, normalizer)
    predictions.get_shape().assert_is_compatible_with(normalizer.get_shape())
    error = array_ops.where(
        math_ops.equal(normalizer, 0.0), array_ops.zeros_like(labels),
        math_ops.div(math_ops.abs(labels - predictions), normalizer),
    )  # fmt: skip
    return mean(error, weights, metrics_collections, updates_collections, name or "mean_relative_error")


@tf_export("metrics.mean_cosine_distance")
def mean_cosine_distance(labels, predictions, dim, weights=None, metrics_collections=None, updates_collections=None,
                         name=None):  # fmt: skip
    """1 - the mean of the cosines of labels and predictions (both of length 1) along DIM."""
    predictions, labels, weights = _remove_squeezable_dimensions(predictions, labels, weights)
    cosines = math_ops.reduce_sum(gen_ops.mul(predictions, labels), axis=[dim], keepdims=True)
    value, update = mean(cosines, weights, None, None, name or "mean_cosine_distance")
    return _done(gen_ops.sub(1.0, value), gen_ops.sub(1.0, update), metrics_collections, updates_collections)


@tf_export("metrics.percentage_below")
def percentage_below(values, threshold, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The part of the values that is less than the threshold."""
    below = _float(gen_ops.less(values, threshold))
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


@tf_export("metrics.mean_tensor")
def mean_tensor(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The (weighted) mean of tensors of one shape, elementwise."""
    with vs.variable_scope(name, "mean", (values, weights)):
        values = _float(values)
        total = metric_variable(values.get_shape(), dtypes.float32, name="total_tensor")
        count = metric_variable(values.get_shape(), dtypes.float32, name="count_tensor")
        number = array_ops.ones_like(values)
        if weights is not None:
            values, _, weights = _remove_squeezable_dimensions(values, None, weights)
            weights = _weights_like(weights, values)
            values = gen_ops.mul(values, weights)
            number = gen_ops.mul(number, weights)
        new_total = state_ops.assign_add(total, values)
        with ops.control_dependencies([values]):
            new_count = state_ops.assign_add(count, number)
        value = _ratio(total, count, "value")
        return _done(value, _ratio(new_total, new_count, "update_op"), metrics_collections, updates_collections)


# --- of booleans ---


def _count(values, weights, metrics_collections=None, updates_collections=None):
    """How many are true."""
    count = metric_variable([], dtypes.float32, name="count")
    values = _float(values)
    if weights is not None:
        with ops.control_dependencies((check_ops.assert_rank_in(weights, (0, values.get_shape().ndims)),)):
            values = gen_ops.mul(values, _float(weights))
    value = array_ops.identity(count)
    update = state_ops.assign_add(count, math_ops.reduce_sum(values))
    return _done(value, update, metrics_collections, updates_collections)


def _counter(name, label, prediction):
    def metric(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
        with vs.variable_scope(name, default, (predictions, labels, weights)):
            predictions, labels, weights = _remove_squeezable_dimensions(
                math_ops.cast(predictions, dtypes.bool), math_ops.cast(labels, dtypes.bool), weights
            )
            hits = gen_ops.logical_and(math_ops.equal(labels, label), math_ops.equal(predictions, prediction))
            return _count(hits, weights, metrics_collections, updates_collections)

    default = name
    metric.__name__ = name
    metric.__doc__ = f"How often labels are {label} and predictions are {prediction}."
    return metric


true_positives = _counter("true_positives", True, True)
false_negatives = _counter("false_negatives", True, False)
false_positives = _counter("false_positives", False, True)
true_negatives = _counter("true_negatives", False, False)
TF_EXPORTS = {"metrics.true_positives": "true_positives", "metrics.false_negatives": "false_negatives",
              "metrics.false_positives": "false_positives", "metrics.true_negatives": "true_negatives"}  # fmt: skip


def _share(hits, others, name):
    return array_ops.where(
        gen_ops.greater(hits + others, 0), math_ops.div(hits, hits + others), array_ops.zeros_like(hits), name=name
    )


def _hits_and(other, default, labels, predictions, weights, metrics_collections, updates_collections, name):
    """The share of true positives among them and OTHER."""
    with vs.variable_scope(name, default, (predictions, labels, weights)):
        predictions, labels, weights = _remove_squeezable_dimensions(
            math_ops.cast(predictions, dtypes.bool), math_ops.cast(labels, dtypes.bool), weights
        )
        hits, new_hits = true_positives(labels, predictions, weights)
        others, new_others = other(labels, predictions, weights)
        value = _share(hits, others, "value")
        return _done(value, _share(new_hits, new_others, "update_op"), metrics_collections, updates_collections)


@tf_export("metrics.precision")
def precision(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """True positives over all that were predicted."""
    return _hits_and(false_positives, "precision", labels, predictions, weights, metrics_collections,
                     updates_collections, name)  # fmt: skip


@tf_export("metrics.recall")
def recall(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """True positives over all that are labelled so."""
    return _hits_and(false_negatives, "recall", labels, predictions, weights, metrics_collections,
                     updates_collections, name)  # fmt: skip


# --- of classes ---


def _streaming_confusion_matrix(labels, predictions, num_classes, weights=None):
    """(the matrix, the operation that adds to it)."""
    total = metric_variable([num_classes, num_classes], dtypes.float64, name="total_confusion_matrix")
    predictions, labels = math_ops.cast(predictions, dtypes.int64), math_ops.cast(labels, dtypes.int64)
    num_classes = math_ops.cast(num_classes, dtypes.int64)
    if predictions.get_shape().ndims != 1:
        predictions = array_ops.reshape(predictions, [-1])
    if labels.get_shape().ndims != 1:
        labels = array_ops.reshape(labels, [-1])
    if weights is not None and weights.get_shape().ndims is not None and weights.get_shape().ndims > 1:
        weights = array_ops.reshape(weights, [-1])
    current = confusion_matrix.confusion_matrix(labels, predictions, num_classes, weights=weights, dtype=dtypes.float64)
    return total, state_ops.assign_add(total, current)


@tf_export("metrics.mean_iou")
def mean_iou(labels, predictions, num_classes, weights=None, metrics_collections=None, updates_collections=None,
             name=None):  # fmt: skip
    """The mean over classes of intersection over union."""
    with vs.variable_scope(name, "mean_iou", (predictions, labels, weights)):
        predictions, labels = ops.convert_to_tensor(predictions), ops.convert_to_tensor(labels)
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
        weights = None if weights is None else ops.convert_to_tensor(weights)
        total, update = _streaming_confusion_matrix(labels, predictions, num_classes, weights)
        rows, columns = _float(math_ops.reduce_sum(total, 0)), _float(math_ops.reduce_sum(total, 1))
        both = _float(array_ops.diag_part(total))
        union = rows + columns - both
        valid = math_ops.reduce_sum(_float(math_ops.not_equal(union, 0)))
        union = array_ops.where(gen_ops.greater(union, 0), union, array_ops.ones_like(union))
        iou = math_ops.div(both, union)
        value = array_ops.where(
            gen_ops.greater(valid, 0), math_ops.reduce_sum(iou, name="mean_iou") / valid, ops.convert_to_tensor(0.0)
        )
        return _done(value, update, metrics_collections, updates_collections)


@tf_export("metrics.mean_per_class_accuracy")
def mean_per_class_accuracy(labels, predictions, num_classes, weights=None, metrics_collections=None,
                            updates_collections=None, name=None):  # fmt: skip
    """The mean over classes of how often a class was predicted for its label."""
    with vs.variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        labels = math_ops.cast(labels, dtypes.int64)
        if labels.get_shape().ndims != 1:
            labels = array_ops.reshape(labels, [-1])
        predictions = ops.convert_to_tensor(predictions)
        if predictions.get_shape().ndims != 1:
            predictions = array_ops.reshape(predictions, [-1])
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
        total = metric_variable([num_classes], dtypes.float32, name="total")
        count = metric_variable([num_classes], dtypes.float32, name="count")
        ones = array_ops.ones([array_ops.size(labels)], dtypes.float32)
        if labels.dtype != predictions.dtype:
            predictions = math_ops.cast(predictions, labels.dtype)
        correct = _float(math_ops.equal(predictions, labels))
        if weights is not None:
            weights = ops.convert_to_tensor(weights)
            if weights.get_shape().ndims is not None and weights.get_shape().ndims > 1:
                weights = array_ops.reshape(weights, [-1])
            weights = _float(weights)
            correct, ones = correct * weights, ones * weights
        new_total = state_ops.scatter_add(total, labels, ones)
        new_count = state_ops.scatter_add(count, labels, correct)
        value = math_ops.reduce_mean(_ratio(count, total, None), name="mean_accuracy")
        return _done(value, _ratio(new_count, new_total, "update_op"), metrics_collections, updates_collections)


from tenon.python.ops.metrics_at_k import *  # noqa: E402, F403
from tenon.python.ops.metrics_at_thresholds import *  # noqa: E402, F403
