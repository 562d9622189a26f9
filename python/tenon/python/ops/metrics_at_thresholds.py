"""Metrics of predictions compared with thresholds: counts, precision, recall, areas under curves."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, state_ops
from tenon.python.ops import metrics_impl as impl
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

__all__ = [
    "auc", "false_negatives_at_thresholds", "false_positives_at_thresholds", "precision_at_thresholds",
    "recall_at_thresholds", "sensitivity_at_specificity", "specificity_at_sensitivity",
    "true_negatives_at_thresholds", "true_positives_at_thresholds",
]  # fmt: skip
_NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def _counts(labels, predictions, thresholds, weights=None, includes=("tp", "fn", "tn", "fp")):
    """({kind: variable [thresholds]}, {kind: the operation that adds to it})."""
    for include in includes:
        if include not in _NAMES:
            raise ValueError(f"Invalid key: {include}.")
    with ops.control_dependencies(
        [
            check_ops.assert_greater_equal(predictions, math_ops.cast(0.0, dtype=predictions.dtype),
                                           message="predictions must be in [0, 1]"),
            check_ops.assert_less_equal(predictions, math_ops.cast(1.0, dtype=predictions.dtype),
                                        message="predictions must be in [0, 1]"),
        ]
    ):  # fmt: skip
        predictions, labels, weights = impl._remove_squeezable_dimensions(
            impl._float(predictions), math_ops.cast(labels, dtypes.bool), weights
        )
    n = len(thresholds)
    row = array_ops.reshape(predictions, [1, -1])
    positive = gen_ops.tile(array_ops.reshape(labels, [1, -1]), [n, 1])
    negative = gen_ops.logical_not(positive)
    limits = array_ops.expand_dims(ops.convert_to_tensor(thresholds, dtype=dtypes.float32), [1])
    above = gen_ops.greater(row, limits)
    below = gen_ops.logical_not(above)
    if weights is not None:
        weights = impl._weights_like(weights, predictions)
        weights = gen_ops.tile(array_ops.reshape(weights, [1, -1]), [n, 1])
    pairs = {"tp": (positive, above), "fn": (positive, below), "tn": (negative, below), "fp": (negative, above)}
    values, updates = {}, {}
    for kind in ("tp", "fn", "tn", "fp"):
        if kind not in includes:
            continue
        values[kind] = impl.metric_variable([n], dtypes.float32, name=_NAMES[kind])
        hits = impl._float(gen_ops.logical_and(*pairs[kind]))
        if weights is not None:
            hits *= weights
        updates[kind] = state_ops.assign_add(values[kind], math_ops.reduce_sum(hits, 1))
    return values, updates


def _at_thresholds(kind):
    name = f"{_NAMES[kind]}_at_thresholds"

    def metric(labels, predictions, thresholds, weights=None, metrics_collections=None, updates_collections=None,
               name=None):  # fmt: skip
        with vs.variable_scope(name, _NAMES[kind], (predictions, labels, weights)):
            values, updates = _counts(labels, predictions, thresholds, weights=weights, includes=(kind,))
            value = ops.convert_to_tensor(values[kind])
            return impl._done(value, updates[kind], metrics_collections, updates_collections)

    metric.__name__ = name
    metric.__doc__ = f"The {_NAMES[kind].replace('_', ' ')} for each threshold."
    return metric


true_positives_at_thresholds = _at_thresholds("tp")
false_negatives_at_thresholds = _at_thresholds("fn")
true_negatives_at_thresholds = _at_thresholds("tn")
false_positives_at_thresholds = _at_thresholds("fp")
TF_EXPORTS = {
    "metrics.true_positives_at_thresholds": "true_positives_at_thresholds",
    "metrics.false_negatives_at_thresholds": "false_negatives_at_thresholds",
    "metrics.true_negatives_at_thresholds": "true_negatives_at_thresholds",
    "metrics.false_positives_at_thresholds": "false_positives_at_thresholds",
}  # fmt: skip


def _share_at(label, other, labels, predictions, thresholds, weights, metrics_collections, updates_collections, name):
    with vs.variable_scope(name, f"{label}_at_thresholds", (predictions, labels, weights)):
        values, updates = _counts(labels, predictions, thresholds, weights, includes=("tp", other))

        def share(found, end):
            return math_ops.div(found["tp"], 1e-7 + found["tp"] + found[other], name=f"{label}_{end}")

        return impl._done(share(values, "value"), share(updates, "update_op"), metrics_collections, updates_collections)


@tf_export("metrics.precision_at_thresholds")
def precision_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                            updates_collections=None, name=None):  # fmt: skip
    """Precision for each threshold."""
    return _share_at("precision", "fp", labels, predictions, thresholds, weights, metrics_collections,
                     updates_collections, name)  # fmt: skip


@tf_export("metrics.recall_at_thresholds")
def recall_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                         updates_collections=None, name=None):  # fmt: skip
    """Recall for each threshold."""
    return _share_at("recall", "fn", labels, predictions, thresholds, weights, metrics_collections,
                     updates_collections, name)  # fmt: skip


def _even(n):
    """N thresholds from just below 0 to just above 1."""
    return [0.0 - 1e-7, *((i + 1) * 1.0 / (n - 1) for i in range(n - 2)), 1.0 + 1e-7]


def _interpolated(found, n):
    """The area under precision and recall, with precision between points as Davis and Goadrich interpolate it."""
    tp, fp, fn = found["tp"], found["fp"], found["fn"]
    tp_steps = tp[: n - 1] - tp[1:]
    p = tp + fp
    slope = gen_ops.div_no_nan(tp_steps, gen_ops.maximum(p[: n - 1] - p[1:], 0), name="prec_slope")
    intercept = tp[1:] - gen_ops.mul(slope, p[1:])
    safe = array_ops.where(
        gen_ops.logical_and(p[: n - 1] > 0, p[1:] > 0),
        gen_ops.div_no_nan(p[: n - 1], gen_ops.maximum(p[1:], 0), name="recall_relative_ratio"),
        array_ops.ones_like(p[1:]),
    )  # fmt: skip
    return math_ops.reduce_sum(
        gen_ops.div_no_nan(slope * (tp_steps + intercept * gen_ops.log(safe)), gen_ops.maximum(tp[1:] + fn[1:], 0),
                           name="pr_auc_increment"), name="interpolate_pr_auc",
    )  # fmt: skip


@tf_export("metrics.auc")
def auc(labels, predictions, weights=None, num_thresholds=200, metrics_collections=None, updates_collections=None,
        curve="ROC", name=None, summation_method="trapezoidal", thresholds=None):  # fmt: skip
    """The area under a curve: ROC, or PR (precision and recall)."""
    with vs.variable_scope(name, "auc", (labels, predictions, weights)):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        limits = [0.0 - 1e-07, *sorted(thresholds), 1.0 + 1e-07] if thresholds is not None else _even(num_thresholds)
        n = len(limits)
        values, updates = _counts(labels, predictions, limits, weights)
        small = 1.0e-6

        def area(found, name):
            if curve == "PR" and summation_method == "careful_interpolation":
                return _interpolated(found, n)
            tp, fn, tn, fp = (found[k] for k in ("tp", "fn", "tn", "fp"))
            recall = math_ops.div(tp + small, tp + fn + small)
            if curve == "ROC":
                x, y = math_ops.div(fp, fp + tn + small), recall
            else:
                x, y = recall, math_ops.div(tp + small, tp + fp + small)
            if summation_method in ("trapezoidal", "careful_interpolation"):
                heights = (y[: n - 1] + y[1:]) / 2.0
            elif summation_method in ("minoring", "majoring"):
                heights = (gen_ops.minimum if summation_method == "minoring" else gen_ops.maximum)(y[: n - 1], y[1:])
            else:
                raise ValueError(f"Invalid summation_method: {summation_method}")
            return math_ops.reduce_sum(gen_ops.mul(x[: n - 1] - x[1:], heights), name=name)

        return impl._done(area(values, "value"), area(updates, "update_op"), metrics_collections, updates_collections)


@tf_export("metrics.specificity_at_sensitivity")
def specificity_at_sensitivity(labels, predictions, sensitivity, weights=None, num_thresholds=200,
                               metrics_collections=None, updates_collections=None, name=None):  # fmt: skip
    """The specificity at the threshold whose sensitivity is nearest to what is asked."""
    if sensitivity < 0 or sensitivity > 1:
        raise ValueError(f"`sensitivity` must be in the range [0, 1]. Currently, `sensitivity` is {sensitivity}.")
    with vs.variable_scope(name, "specificity_at_sensitivity", (predictions, labels, weights)):
        values, updates = _counts(labels, predictions, _even(num_thresholds), weights)

        def at(found, name):
            tp, tn, fp, fn = (found[k] for k in ("tp", "tn", "fp", "fn"))
            distance = math_ops.abs(math_ops.div(tp, tp + fn + 1e-7) - sensitivity)
            nearest = math_ops.cast(math_ops.equal(distance, math_ops.reduce_min(distance)), dtypes.int64)
            best = math_ops.cast(math_ops.argmax(math_ops.cumsum(nearest), 0), dtypes.int32)  # the last of them
            return math_ops.div(tn[best], tn[best] + fp[best] + 1e-7, name)

        return impl._done(at(values, "value"), at(updates, "update_op"), metrics_collections, updates_collections)


@tf_export("metrics.sensitivity_at_specificity")
def sensitivity_at_specificity(labels, predictions, specificity, weights=None, num_thresholds=200,
                               metrics_collections=None, updates_collections=None, name=None):  # fmt: skip
    """The sensitivity at the threshold whose specificity is nearest to what is asked."""
    if specificity < 0 or specificity > 1:
        raise ValueError(f"`specificity` must be in the range [0, 1]. Currently, `specificity` is {specificity}.")
    with vs.variable_scope(name, "sensitivity_at_specificity", (predictions, labels, weights)):
        values, updates = _counts(labels, predictions, [-1e-7, *_even(num_thresholds)[1:]], weights)

        def at(found, name):
            tp, tn, fp, fn = (found[k] for k in ("tp", "tn", "fp", "fn"))
            specificities = math_ops.div(tn, tn + fp + 1e-7)
            best = math_ops.cast(math_ops.argmin(math_ops.abs(specificities - specificity), 0), dtypes.int32)
            return math_ops.div(tp[best], tp[best] + fn[best] + 1e-7, name)

        return impl._done(at(values, "value"), at(updates, "update_op"), metrics_collections, updates_collections)
