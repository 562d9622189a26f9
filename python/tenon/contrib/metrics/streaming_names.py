"""tf.metrics under their old names, in which predictions come first."""

from tenon.python.ops import metrics_at_k, metrics_at_thresholds, metrics_impl
from tenon.python.util.tf_export import tf_export

TF_ALIASES = {"contrib.slim.metrics": "contrib.metrics"}


@tf_export("contrib.metrics.streaming_true_positives")
def streaming_true_positives(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The sum of weights where both are true."""
    return metrics_impl.true_positives(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_true_negatives")
def streaming_true_negatives(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The sum of weights where both are false."""
    return metrics_impl.true_negatives(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_false_positives")
def streaming_false_positives(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The sum of weights where only the prediction is true."""
    return metrics_impl.false_positives(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_false_negatives")
def streaming_false_negatives(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The sum of weights where only the label is true."""
    return metrics_impl.false_negatives(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_mean")
def streaming_mean(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The mean of all values."""
    return metrics_impl.mean(
        values=values,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_mean_tensor")
def streaming_mean_tensor(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The mean of all values, element by element."""
    return metrics_impl.mean_tensor(
        values=values,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_accuracy")
def streaming_accuracy(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """How often predictions are the labels."""
    return metrics_impl.accuracy(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_precision")
def streaming_precision(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """True positives among what was predicted."""
    return metrics_impl.precision(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_recall")
def streaming_recall(predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """True positives among what is true."""
    return metrics_impl.recall(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_auc")
def streaming_auc(
    predictions,
    labels,
    weights=None,
    num_thresholds=200,
    metrics_collections=None,
    updates_collections=None,
    curve="ROC",
    name=None,
):
    """The area under a curve, by thresholds."""
    return metrics_at_thresholds.auc(
        predictions=predictions,
        labels=labels,
        weights=weights,
        num_thresholds=num_thresholds,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        curve=curve,
        name=name,
    )


@tf_export(
    "contrib.metrics.streaming_specificity_at_sensitivity", "contrib.slim.metrics.streaming_specificity_at_sensitivity"
)
def streaming_specificity_at_sensitivity(
    predictions,
    labels,
    sensitivity,
    weights=None,
    num_thresholds=200,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """The specificity where the sensitivity is nearest to what is given."""
    return metrics_at_thresholds.specificity_at_sensitivity(
        predictions=predictions,
        labels=labels,
        sensitivity=sensitivity,
        weights=weights,
        num_thresholds=num_thresholds,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export(
    "contrib.metrics.streaming_sensitivity_at_specificity", "contrib.slim.metrics.streaming_sensitivity_at_specificity"
)
def streaming_sensitivity_at_specificity(
    predictions,
    labels,
    specificity,
    weights=None,
    num_thresholds=200,
    metrics_collections=None,
    updates_collections=None,
    name=None,
):
    """The sensitivity where the specificity is nearest to what is given."""
    return metrics_at_thresholds.sensitivity_at_specificity(
        predictions=predictions,
        labels=labels,
        specificity=specificity,
        weights=weights,
        num_thresholds=num_thresholds,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export(
    "contrib.metrics.streaming_precision_at_thresholds", "contrib.slim.metrics.streaming_precision_at_thresholds"
)
def streaming_precision_at_thresholds(
    predictions, labels, thresholds, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Precision for each threshold."""
    return metrics_at_thresholds.precision_at_thresholds(
        predictions=predictions,
        labels=labels,
        thresholds=thresholds,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_recall_at_thresholds")
def streaming_recall_at_thresholds(
    predictions, labels, thresholds, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Recall for each threshold."""
    return metrics_at_thresholds.recall_at_thresholds(
        predictions=predictions,
        labels=labels,
        thresholds=thresholds,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_sparse_recall_at_k")
def streaming_sparse_recall_at_k(
    predictions, labels, k, class_id=None, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Recall of the K best predictions."""
    return metrics_at_k.recall_at_k(
        predictions=predictions,
        labels=labels,
        k=k,
        class_id=class_id,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_sparse_precision_at_k")
def streaming_sparse_precision_at_k(
    predictions, labels, k, class_id=None, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Precision of the K best predictions."""
    return metrics_at_k.precision_at_k(
        predictions=predictions,
        labels=labels,
        k=k,
        class_id=class_id,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export(
    "contrib.metrics.streaming_sparse_average_precision_at_k",
    "contrib.slim.metrics.streaming_sparse_average_precision_at_k",
)
def streaming_sparse_average_precision_at_k(
    predictions, labels, k, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """Precision averaged over the places of the right ones among the K best."""
    return metrics_at_k.average_precision_at_k(
        predictions=predictions,
        labels=labels,
        k=k,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_mean_absolute_error")
def streaming_mean_absolute_error(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The mean of absolute differences."""
    return metrics_impl.mean_absolute_error(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_mean_relative_error")
def streaming_mean_relative_error(
    predictions, labels, normalizer, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The mean of absolute differences over NORMALIZER."""
    return metrics_impl.mean_relative_error(
        predictions=predictions,
        labels=labels,
        normalizer=normalizer,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_mean_squared_error")
def streaming_mean_squared_error(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The mean of squared differences."""
    return metrics_impl.mean_squared_error(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export(
    "contrib.metrics.streaming_root_mean_squared_error", "contrib.slim.metrics.streaming_root_mean_squared_error"
)
def streaming_root_mean_squared_error(
    predictions, labels, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The root of the mean of squared differences."""
    return metrics_impl.root_mean_squared_error(
        predictions=predictions,
        labels=labels,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_percentage_less")
def streaming_percentage_less(
    values, threshold, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """How much is less than THRESHOLD."""
    return metrics_impl.percentage_below(
        values=values,
        threshold=threshold,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )


@tf_export("contrib.metrics.streaming_mean_iou")
def streaming_mean_iou(
    predictions, labels, num_classes, weights=None, metrics_collections=None, updates_collections=None, name=None
):
    """The mean over classes of intersection over union."""
    return metrics_impl.mean_iou(
        predictions=predictions,
        labels=labels,
        num_classes=num_classes,
        weights=weights,
        metrics_collections=metrics_collections,
        updates_collections=updates_collections,
        name=name,
    )
