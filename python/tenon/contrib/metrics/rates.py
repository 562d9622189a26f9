"""Metrics of true and false positives and negatives that tf.metrics does not have."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops, metrics_at_thresholds, metrics_impl
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

_EPSILON = 1e-7
_ALL = ("tp", "fn", "tn", "fp")
_counts, _even, _done = metrics_at_thresholds._counts, metrics_at_thresholds._even, metrics_impl._done


def _at_thresholds(kind, predictions, labels, thresholds, weights):
    values, updates = _counts(labels, predictions, thresholds, weights, includes=(kind,))
    return values[kind], updates[kind]


@tf_export("contrib.metrics.streaming_true_positives_at_thresholds")
def streaming_true_positives_at_thresholds(predictions, labels, thresholds, weights=None):
    """The true positives for each threshold."""
    return _at_thresholds("tp", predictions, labels, thresholds, weights)


@tf_export("contrib.metrics.streaming_false_negatives_at_thresholds")
def streaming_false_negatives_at_thresholds(predictions, labels, thresholds, weights=None):
    """The false negatives for each threshold."""
    return _at_thresholds("fn", predictions, labels, thresholds, weights)


@tf_export("contrib.metrics.streaming_false_positives_at_thresholds")
def streaming_false_positives_at_thresholds(predictions, labels, thresholds, weights=None):
    """The false positives for each threshold."""
    return _at_thresholds("fp", predictions, labels, thresholds, weights)


@tf_export("contrib.metrics.streaming_true_negatives_at_thresholds")
def streaming_true_negatives_at_thresholds(predictions, labels, thresholds, weights=None):
    """The true negatives for each threshold."""
    return _at_thresholds("tn", predictions, labels, thresholds, weights)


def _rate(wrong, right, default, predictions, labels, weights, collections, name):
    """How many of the metric WRONG there are among WRONG and RIGHT."""
    with vs.variable_scope(name, default, (predictions, labels, weights)):
        predictions, labels, weights = metrics_impl._remove_squeezable_dimensions(
            math_ops.cast(predictions, dtypes.bool), math_ops.cast(labels, dtypes.bool), weights
        )
        pairs = zip(wrong(labels, predictions, weights), right(labels, predictions, weights), ("value", "update_op"))
        return _done(*(gen_ops.div_no_nan(a, gen_ops.maximum(a + b, 0), name=end) for a, b, end in pairs), *collections)


@tf_export("contrib.metrics.streaming_false_positive_rate")
def streaming_false_positive_rate(predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
                                  name=None):  # fmt: skip
    """False positives among what is false."""
    return _rate(metrics_impl.false_positives, metrics_impl.true_negatives, "false_positive_rate", predictions, labels,
                 weights, (metrics_collections, updates_collections), name)  # fmt: skip


@tf_export("contrib.metrics.streaming_false_negative_rate")
def streaming_false_negative_rate(predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
                                  name=None):  # fmt: skip
    """False negatives among what is true."""
    return _rate(metrics_impl.false_negatives, metrics_impl.true_positives, "false_negative_rate", predictions, labels,
                 weights, (metrics_collections, updates_collections), name)  # fmt: skip


def _of_counts(default, formula, includes, labels, predictions, thresholds, weights, collections, name):
    """FORMULA(counts, the name for its result) of the counts at THRESHOLDS and of their updates."""
    with vs.variable_scope(name, default, (predictions, labels, weights)):
        values, updates = _counts(labels, predictions, thresholds, weights, includes=includes)
        return _done(formula(values, "value"), formula(updates, "update_op"), *collections)


@tf_export("contrib.metrics.streaming_false_positive_rate_at_thresholds")
def streaming_false_positive_rate_at_thresholds(predictions, labels, thresholds, weights=None, metrics_collections=None,
                                                updates_collections=None, name=None):  # fmt: skip
    """False positives among what is false, for each threshold."""

    def rate(found, end):
        return math_ops.div(found["fp"], _EPSILON + found["fp"] + found["tn"], name=f"fpr_{end}")

    return _of_counts("false_positive_rate_at_thresholds", rate, ("fp", "tn"), labels, predictions, thresholds, weights,
                      (metrics_collections, updates_collections), name)  # fmt: skip


@tf_export("contrib.metrics.streaming_false_negative_rate_at_thresholds")
def streaming_false_negative_rate_at_thresholds(predictions, labels, thresholds, weights=None, metrics_collections=None,
                                                updates_collections=None, name=None):  # fmt: skip
    """False negatives among what is true, for each threshold."""

    def rate(found, end):
        return math_ops.div(found["fn"], _EPSILON + found["fn"] + found["tp"], name=f"fnr_{end}")

    return _of_counts("false_negative_rate_at_thresholds", rate, ("fn", "tp"), labels, predictions, thresholds, weights,
                      (metrics_collections, updates_collections), name)  # fmt: skip


@tf_export("contrib.metrics.f1_score")
def f1_score(labels, predictions, weights=None, num_thresholds=200, metrics_collections=None, updates_collections=None,
             name=None):  # fmt: skip
    """The best harmonic mean of precision and recall over thresholds."""

    def best(found, end):
        precision = math_ops.div(found["tp"], _EPSILON + found["tp"] + found["fp"], name=f"precision_{end}")
        recall = math_ops.div(found["tp"], _EPSILON + found["tp"] + found["fn"], name=f"recall_{end}")
        return math_ops.reduce_max(2.0 * precision * recall / (precision + recall + _EPSILON))

    return _of_counts("f1", best, ("tp", "fp", "fn"), labels, predictions, _even(num_thresholds), weights,
                      (metrics_collections, updates_collections), name)  # fmt: skip


def _check_share(name, value):
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be in the range [0, 1].")


@tf_export("contrib.metrics.recall_at_precision")
def recall_at_precision(labels, predictions, precision, weights=None, num_thresholds=200, metrics_collections=None,
                        updates_collections=None, name=None, strict_mode=False):  # fmt: skip
    """The recall where the precision is nearest to PRECISION; STRICT_MODE: nearest above it, 0 if it never is."""
    _check_share("precision", precision)

    def recall(found, end):
        above = math_ops.div(found["tp"], found["tp"] + found["fp"] + _EPSILON) - precision
        if strict_mode:
            at = math_ops.argmax(math_ops.div(1.0, above + _EPSILON), 0, output_type=dtypes.int32)
        else:
            at = math_ops.argmin(math_ops.abs(above), 0, output_type=dtypes.int32)
        made = math_ops.div(found["tp"][at], found["tp"][at] + found["fn"][at] + _EPSILON, end)
        return array_ops.where(above[at] >= 0, made, array_ops.zeros_like(made)) if strict_mode else made

    return _of_counts("recall_at_precision", recall, _ALL, labels, predictions, _even(num_thresholds),
                      weights, (metrics_collections, updates_collections), name)  # fmt: skip


@tf_export("contrib.metrics.precision_at_recall")
def precision_at_recall(labels, predictions, target_recall, weights=None, num_thresholds=200, metrics_collections=None,
                        updates_collections=None, name=None):  # fmt: skip
    """The precision at the highest threshold at which the recall is at least TARGET_RECALL."""
    _check_share("target_recall", target_recall)

    def precision(found, end):
        recalls = math_ops.div(found["tp"], found["tp"] + found["fn"] + _EPSILON)
        at = math_ops.reduce_sum(math_ops.cast(recalls >= target_recall, dtypes.int64)) - 1
        tp = found["tp"][at]
        return math_ops.div(tp + _EPSILON, tp + found["fp"][at] + _EPSILON, end)

    return _of_counts("precision_at_recall", precision, _ALL, labels, predictions, _even(num_thresholds),
                      weights, (metrics_collections, updates_collections), name)  # fmt: skip


@tf_export("contrib.metrics.streaming_curve_points")
def streaming_curve_points(labels=None, predictions=None, weights=None, num_thresholds=200, metrics_collections=None,
                           updates_collections=None, curve="ROC", name=None):  # fmt: skip
    """Points [NUM_THRESHOLDS, 2] of a curve: of false and true positives (ROC), or recall and precision (PR)."""
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    with vs.variable_scope(name, "curve_points", (labels, predictions, weights)):
        found, updates = _counts(labels, predictions, _even(num_thresholds), weights)
        epsilon = 1e-6
        recall = math_ops.div(found["tp"] + epsilon, found["tp"] + found["fn"] + epsilon)
        if curve == "ROC":
            points = [math_ops.div(found["fp"], found["fp"] + found["tn"] + epsilon), recall]
        else:
            points = [recall, math_ops.div(found["tp"] + epsilon, found["tp"] + found["fp"] + epsilon)]
        update = control_flow_ops.group(*updates.values())
        return _done(array_ops.stack(points, axis=1), update, metrics_collections, updates_collections)


def check_binary(labels):
    """Checks that LABELS are 0 and 1, to be waited for."""
    from tenon.python.ops import check_ops

    zeros, ones = array_ops.zeros_like(labels), array_ops.ones_like(labels)
    return ops.control_dependencies([
        check_ops.assert_greater_equal(labels, zeros, message="labels must be 0 or 1, at least one is <0"),
        check_ops.assert_less_equal(labels, ones, message="labels must be 0 or 1, at least one is >1"),
    ])  # fmt: skip
