"""The metrics of heads, which are told once and built of tf.metrics or of Keras' metrics."""

import collections

from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, math_ops, metrics_at_thresholds, metrics_impl, weights_broadcast_ops

# kind: what is measured. threshold: where probabilities become classes.
Measure = collections.namedtuple("Measure", ["kind", "threshold"])
Measure.__new__.__defaults__ = (None,)


def _wide(weights, like):
    """WEIGHTS as floats that broadcast to LIKE, or None."""
    if weights is None or isinstance(weights, float):
        return weights
    return math_ops.cast(weights, dtypes.float32)


def _first(pair):
    """A metric at thresholds of which there is one."""
    value, update = pair
    return array_ops.squeeze(value), array_ops.squeeze(update)


def _mean(values, weights):
    return metrics_impl.mean(values, weights=_all_weights(weights, values))


def _all_weights(weights, values):
    weights = _wide(weights, values)
    if weights is None or isinstance(weights, float):
        return weights
    return weights_broadcast_ops.broadcast_weights(weights, math_ops.cast(values, dtypes.float32))


def _baseline(labels, weights):
    """What always saying the more frequent class would get right."""
    value, update = _mean(labels, weights)
    return math_ops.maximum(value, 1 - value), math_ops.maximum(update, 1 - update)


def of_tensors(measure, inputs, weights):
    """(value, update) of tf.metrics for a Measure; INPUTS are values, or labels and predictions."""
    kind, at = measure
    if kind == "mean":
        return _mean(inputs[0], weights)
    if kind == "baseline":
        return _baseline(inputs[0], weights)
    labels, predictions = inputs
    weights = None if isinstance(weights, float) else _all_weights(weights, labels)
    if kind == "accuracy":
        if at is not None:
            predictions = math_ops.cast(predictions > at, labels.dtype)
        return metrics_impl.accuracy(labels, predictions, weights=weights)
    if kind in ("auc", "auc_pr"):
        return metrics_at_thresholds.auc(
            labels, predictions, weights=weights, curve="PR" if kind == "auc_pr" else "ROC"
        )
    if at is None:
        return getattr(metrics_impl, kind)(labels, predictions, weights=weights)
    at_thresholds = getattr(metrics_at_thresholds, kind + "_at_thresholds")
    return _first(at_thresholds(labels, predictions, thresholds=(at,), weights=weights))


def keras_metric(measure, name):
    """The Keras metric for a Measure."""
    from tenon.python.keras import metrics

    kind, at = measure
    if kind == "mean":
        return metrics.Mean(name=name)
    if kind == "baseline":

        class Baseline(metrics.Mean):
            """What always saying the more frequent class would get right."""

            def result(self):
                mean = super().result()
                return math_ops.maximum(mean, 1 - mean)

        return Baseline(name=name)
    if kind == "accuracy":
        return metrics.Accuracy(name=name) if at is None else metrics.BinaryAccuracy(name=name, threshold=at)
    if kind in ("auc", "auc_pr"):
        return metrics.AUC(name=name, curve="PR" if kind == "auc_pr" else "ROC")
    return {"precision": metrics.Precision, "recall": metrics.Recall}[kind](name=name, thresholds=at)


def update_keras(metric, measure, inputs, weights):
    """Gives a Keras metric what came."""
    if weights is None or isinstance(weights, float):
        weights = None
    elif measure.kind == "accuracy" and measure.threshold is not None:
        weights = array_ops.squeeze(weights, [-1])  # that metric is a mean over the last dimension
    else:
        weights = _all_weights(weights, inputs[0])
    if measure.kind in ("mean", "baseline"):
        return metric.update_state(math_ops.cast(inputs[0], dtypes.float32), sample_weight=weights)
    labels, predictions = inputs
    return metric.update_state(labels, predictions, sample_weight=weights)
