"""Running covariances, counts, agreement, and the concatenation of all values."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    confusion_matrix,
    gen_ops,
    math_ops,
    metrics_at_k,
    metrics_impl,
    nn_ops,
    sets_impl,
    state_ops,
    weights_broadcast_ops,
)  # fmt: skip
from tenon.python.ops import variable_scope as vs
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

TF_EXPORTS = {
    "contrib.metrics.set_difference": "set_difference",
    "contrib.metrics.set_intersection": "set_intersection",
    "contrib.metrics.set_size": "set_size",
    "contrib.metrics.set_union": "set_union",
}
set_difference, set_intersection = sets_impl.set_difference, sets_impl.set_intersection
set_size, set_union = sets_impl.set_size, sets_impl.set_union
_done, _variable = metrics_impl._done, metrics_impl.metric_variable


@tf_export("contrib.metrics.confusion_matrix")
def confusion_matrix_(labels, predictions, num_classes=None, dtype=dtypes.int32, name=None, weights=None):
    """tf.confusion_matrix."""
    return confusion_matrix.confusion_matrix(
        labels=labels, predictions=predictions, num_classes=num_classes, dtype=dtype, name=name, weights=weights
    )


@tf_export("contrib.metrics.accuracy")
def accuracy(predictions, labels, weights=None, name=None):
    """How often predictions are the labels, in this batch alone."""
    if not (labels.dtype.is_integer or labels.dtype in (dtypes.bool, dtypes.string)):
        raise ValueError(f"Labels should have bool, integer, or string dtype, not {labels.dtype!r}")
    if not labels.dtype.is_compatible_with(predictions.dtype):
        raise ValueError("Dtypes of predictions and labels should match. "
                         f"Given: predictions ({predictions.dtype!r}) and labels ({labels.dtype!r})")  # fmt: skip
    with ops.name_scope(name, "accuracy", values=[predictions, labels]):
        right = math_ops.cast(math_ops.equal(predictions, labels), dtypes.float32)
        if weights is None:
            return math_ops.reduce_mean(right)
        number = math_ops.multiply(weights, array_ops.ones_like(right))
        return math_ops.div(math_ops.reduce_sum(right * weights), math_ops.reduce_sum(number))


@tf_export("contrib.metrics.aggregate_metrics")
def aggregate_metrics(*value_update_tuples):
    """(values, updates) of pairs."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples)
    return list(values), list(updates)


@tf_export("contrib.metrics.aggregate_metric_map")
def aggregate_metric_map(names_to_tuples):
    """({name: value}, {name: update}) of {name: (value, update)}."""
    return tuple({name: pair[at] for name, pair in names_to_tuples.items()} for at in (0, 1))


@tf_export("contrib.metrics.count")
def count(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """How many values there were, or the sum of their weights."""
    with vs.variable_scope(name, "count", (values, weights)):
        total = _variable([], dtypes.float32, name="count")
        if weights is None:
            number = math_ops.cast(array_ops.size(values), dtypes.float32)
        else:
            values = math_ops.cast(values, dtypes.float32)
            values, _, weights = metrics_impl._remove_squeezable_dimensions(values, None, weights)
            number = math_ops.reduce_sum(metrics_impl._weights_like(weights, values))
        update = state_ops.assign_add(total, number)
        return _done(ops.convert_to_tensor(total), update, metrics_collections, updates_collections)


def _moved(variable, batch_mean, number, total):
    """(the mean with a batch taken in, the mean before)."""
    step = gen_ops.div_no_nan((batch_mean - variable) * number, total)
    new = state_ops.assign_add(variable, step)
    return new, new - step


@tf_export("contrib.metrics.streaming_covariance")
def streaming_covariance(predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
                         name=None):  # fmt: skip
    """The unbiased covariance (Chan et al., Pébay); NaN while there is one value at most."""
    with vs.variable_scope(name, "covariance", (predictions, labels, weights)):
        predictions, labels, weights = metrics_impl._remove_squeezable_dimensions(predictions, labels, weights)
        kept = [_variable([], dtypes.float32, name=n) for n in ("count", "mean_prediction", "mean_label", "comoment")]
        if weights is None:
            weights, number = 1.0, math_ops.cast(array_ops.size(labels), dtypes.float32)
        else:
            weights = weights_broadcast_ops.broadcast_weights(weights, labels)
            number = math_ops.reduce_sum(weights)
        total = state_ops.assign_add(kept[0], number)
        means, before = [], []
        for variable, values in zip(kept[1:3], (predictions, labels)):
            means.append(gen_ops.div_no_nan(math_ops.reduce_sum(values * weights), number))
            before.append(_moved(variable, means[-1], number, total)[1])
        within = math_ops.reduce_sum((predictions - means[0]) * (labels - means[1]) * weights)
        between = (before[0] - means[0]) * (before[1] - means[1]) * ((total - number) * number / total)
        comoment = state_ops.assign_add(kept[3], within + between)

        def covariance(comoment, total, name):
            made = math_ops.truediv(comoment, total - 1)
            return array_ops.where(math_ops.less_equal(total, 1.0), float("nan"), made, name=name)

        value = covariance(ops.convert_to_tensor(kept[3]), ops.convert_to_tensor(kept[0]), "covariance")
        return _done(value, covariance(comoment, total, "update_op"), metrics_collections, updates_collections)


@tf_export("contrib.metrics.streaming_pearson_correlation")
def streaming_pearson_correlation(predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
                                  name=None):  # fmt: skip
    """The covariance over both standard deviations."""
    with vs.variable_scope(name, "pearson_r", (predictions, labels, weights)):
        predictions, labels, weights = metrics_impl._remove_squeezable_dimensions(predictions, labels, weights)
        if weights is not None:
            weights = weights_broadcast_ops.broadcast_weights(weights, labels)
        pairs = (("covariance", predictions, labels), ("variance_predictions", predictions, predictions),
                 ("variance_labels", labels, labels))  # fmt: skip
        found = [streaming_covariance(a, b, weights=weights, name=n) for n, a, b in pairs]

        def correlation(at, name):
            both, a, b = (pair[at] for pair in found)
            return math_ops.truediv(both, math_ops.multiply(math_ops.sqrt(a), math_ops.sqrt(b)), name=name)

        return _done(correlation(0, "pearson_r"), correlation(1, "update_op"), metrics_collections, updates_collections)


@tf_export("contrib.metrics.streaming_mean_cosine_distance")
def streaming_mean_cosine_distance(predictions, labels, dim, weights=None, metrics_collections=None,
                                   updates_collections=None, name=None):  # fmt: skip
    """The mean of 1 minus the products of unit vectors along DIM."""
    predictions, labels, weights = metrics_impl._remove_squeezable_dimensions(predictions, labels, weights)
    products = math_ops.reduce_sum(math_ops.multiply(predictions, labels), axis=[dim], keepdims=True)
    value, update = metrics_impl.mean(products, weights, None, None, name or "mean_cosine_distance")
    return _done(
        math_ops.subtract(1.0, value), math_ops.subtract(1.0, update), metrics_collections, updates_collections
    )


@tf_export("contrib.metrics.streaming_concat")
def streaming_concat(values, axis=0, max_size=None, metrics_collections=None, updates_collections=None, name=None):
    """All values, one after the other along AXIS, of which at most MAX_SIZE are kept."""
    with vs.variable_scope(name, "streaming_concat", (values,)):
        shape = values.get_shape()
        if shape.ndims is None:
            raise ValueError("`values` must have known statically known rank")
        rank = shape.ndims
        axis = axis + rank if axis < 0 else axis
        if not 0 <= axis < rank:
            raise ValueError(f"axis = {axis} not in [0, {rank})")
        fixed = [size for n, size in enumerate(shape.as_list()) if n != axis]
        if None in fixed:
            raise ValueError("all dimensions of `values` other than the dimension to concatenate along must have "
                             "statically known size")  # fmt: skip
        array = _variable([0, *fixed], values.dtype, validate_shape=False, name="array")
        size = _variable([], dtypes.int32, name="size")
        kept = array.value()
        kept.set_shape([None, *fixed])
        first = array_ops.transpose(values, [axis, *(n for n in range(rank) if n != axis)])
        with ops.control_dependencies([first]):
            joined = array_ops.concat([array_ops.identity(array.value()), first], 0)
            joined = joined if max_size is None else joined[:max_size]
            grown = state_ops.assign(array, joined, validate_shape=False)
        update = state_ops.assign(size, array_ops.shape(grown)[0])
        order = [0 if n == axis else n + 1 if n < axis else n for n in range(rank)]
        value = array_ops.transpose(kept, order, name="concat")
        return _done(value, update, metrics_collections, updates_collections)


@tf_export("contrib.metrics.cohen_kappa")
def cohen_kappa(labels, predictions_idx, num_classes, weights=None, metrics_collections=None, updates_collections=None,
                name=None):  # fmt: skip
    """How far labels and predictions agree beyond chance (Cohen, 1960)."""
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be >= 2. Found: {num_classes}")
    with vs.variable_scope(name, "cohen_kappa", (labels, predictions_idx, weights)):
        labels = ops.convert_to_tensor(labels)
        if labels.get_shape().with_rank_at_most(2).ndims == 2:
            labels = array_ops.squeeze(labels, axis=[-1])
        predictions_idx, labels, weights = metrics_impl._remove_squeezable_dimensions(predictions_idx, labels, weights)
        kind = dtypes.int64 if weights is None or weights.dtype.is_integer else dtypes.float32
        kept = [_variable((num_classes,), kind, name=n) for n in ("po", "pe_row", "pe_col")]
        table = confusion_matrix.confusion_matrix(
            labels, predictions_idx, num_classes=num_classes, weights=weights, dtype=kind, name="counts_in_table"
        )
        sums = [gen_ops.diag_part(table), math_ops.reduce_sum(table, axis=0), math_ops.reduce_sum(table, axis=1)]
        updates = [state_ops.assign_add(variable, part) for variable, part in zip(kept, sums)]

        def kappa(po, row, col, name):
            wide = dtypes.float64
            total = math_ops.cast(math_ops.reduce_sum(row), wide)
            chance = math_ops.reduce_sum(gen_ops.div_no_nan(math_ops.cast(row * col, wide), total))
            agreed = math_ops.cast(math_ops.reduce_sum(po), wide)
            return gen_ops.div_no_nan(agreed - chance, total - chance, name=name)

        value = kappa(*map(ops.convert_to_tensor, kept), "value")
        return _done(value, kappa(*updates, "update_op"), metrics_collections, updates_collections)


def _at_k(name, k=None, class_id=None):
    return f"{name}_at_{'k' if k is None else k}{'' if class_id is None else f'_class{class_id}'}"


@tf_export("contrib.metrics.streaming_recall_at_k")
@deprecated("2016-11-08", "Please use `streaming_sparse_recall_at_k`, and reshape labels to [batch_size, 1].")
def streaming_recall_at_k(predictions, labels, k, weights=None, metrics_collections=None, updates_collections=None,
                          name=None):  # fmt: skip
    """How often the label [batch] is among the K best predictions."""
    found = math_ops.cast(nn_ops.in_top_k(predictions, labels, k), dtypes.float32)
    return metrics_impl.mean(found, weights, metrics_collections, updates_collections, name or _at_k("recall", k))


@tf_export("contrib.metrics.streaming_sparse_precision_at_top_k")
def streaming_sparse_precision_at_top_k(top_k_predictions, labels, class_id=None, weights=None,
                                        metrics_collections=None, updates_collections=None, name=None):  # fmt: skip
    """Precision of the classes TOP_K_PREDICTIONS."""
    with ops.name_scope(name, _at_k("precision", class_id=class_id), (top_k_predictions, labels, weights)) as scope:
        return metrics_at_k.precision_at_top_k(
            labels=labels, predictions_idx=top_k_predictions, class_id=class_id, weights=weights,
            metrics_collections=metrics_collections, updates_collections=updates_collections, name=scope,
        )  # fmt: skip


@tf_export("contrib.metrics.sparse_recall_at_top_k")
def sparse_recall_at_top_k(labels, top_k_predictions, class_id=None, weights=None, metrics_collections=None,
                           updates_collections=None, name=None):  # fmt: skip
    """Recall of the classes TOP_K_PREDICTIONS."""
    with ops.name_scope(name, _at_k("recall", class_id=class_id), (top_k_predictions, labels, weights)) as scope:
        return metrics_at_k.recall_at_top_k(
            labels=labels, predictions_idx=top_k_predictions, class_id=class_id, weights=weights,
            metrics_collections=metrics_collections, updates_collections=updates_collections, name=scope,
        )  # fmt: skip


@tf_export("contrib.metrics.streaming_sparse_average_precision_at_top_k")
def streaming_sparse_average_precision_at_top_k(top_k_predictions, labels, weights=None, metrics_collections=None,
                                                updates_collections=None, name=None):  # fmt: skip
    """Precision averaged over the places of the right ones among the classes TOP_K_PREDICTIONS."""
    top = ops.convert_to_tensor(top_k_predictions)
    return metrics_at_k._average_precision(labels, top, weights, metrics_collections, updates_collections, name)
