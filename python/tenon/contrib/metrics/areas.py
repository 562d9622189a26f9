"""Areas under curves of all values and of histograms; precision and recall in buckets."""

import collections

from tenon.contrib.framework import tensor_util
from tenon.contrib.metrics import moments, rates
from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    check_ops,
    control_flow_ops,
    gen_ops,
    histogram_ops,
    init_ops,
    math_ops,
    metrics_impl,
    nn_ops,
    state_ops,
)  # fmt: skip
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

_EPSILON = 1e-7
AucData = collections.namedtuple("AucData", ["auc", "lower", "upper"])
PrecisionRecallData = collections.namedtuple(
    "PrecisionRecallData", ["tp", "fp", "tn", "fn", "precision", "recall", "thresholds"]
)


def _sums_to(values, splits):
    """Sums of VALUES up to each of SPLITS."""
    return array_ops.gather(array_ops.pad(math_ops.cumsum(values), [[1, 0]]), splits)


def _area(labels, predictions, weights, curve):
    """The area under the curve through every value, by trapezoids; 0 where only one class is there."""
    positive = math_ops.cast(labels > 0, dtypes.float64) * weights
    total, total_positive = math_ops.reduce_sum(weights), math_ops.reduce_sum(positive)

    def compute():
        ordered, order = nn_ops.top_k(predictions, k=array_ops.size(predictions))
        _, _, counts = array_ops.unique_with_counts(ordered)
        splits = math_ops.cast(array_ops.pad(math_ops.cumsum(counts), [[1, 0]]), dtypes.int32)
        tp = _sums_to(array_ops.gather(positive, order), splits)
        everything = _sums_to(array_ops.gather(weights, order), splits)
        recall = math_ops.truediv(tp, total_positive)
        if curve == "ROC":
            x, y = math_ops.truediv(everything - tp, total - total_positive), recall
        else:
            precision = math_ops.truediv(tp, everything)
            x, y = recall, array_ops.where(splits > 0, precision, array_ops.ones_like(precision))
        return math_ops.reduce_sum((y[1:] + y[:-1]) / 2.0 * math_ops.abs(x[1:] - x[:-1]))

    one_class = gen_ops.logical_or(math_ops.equal(total_positive, 0), math_ops.equal(total_positive, total))
    return control_flow_ops.cond(one_class, lambda: ops.convert_to_tensor(0.0, dtypes.float64), compute)


def _flat(values, dtype):
    return array_ops.reshape(math_ops.cast(values, dtype), [-1])


@tf_export("contrib.metrics.streaming_dynamic_auc")
def streaming_dynamic_auc(labels, predictions, curve="ROC", metrics_collections=(), updates_collections=(), name=None,
                          weights=None):  # fmt: skip
    """The exact area under the ROC or PR curve of all that was seen, which is kept."""
    if curve not in ("PR", "ROC"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    with vs.variable_scope(name, default_name="dynamic_auc"):
        labels.get_shape().assert_is_compatible_with(predictions.get_shape())
        predictions, labels = _flat(predictions, dtypes.float64), _flat(labels, dtypes.int64)
        if weights is not None:
            weights = _flat(weights, dtypes.float64)
        with rates.check_binary(labels):
            labels = array_ops.identity(labels)
        all_predictions, update_predictions = moments.streaming_concat(predictions, name="concat_preds")
        all_labels, update_labels = moments.streaming_concat(labels, name="concat_labels")
        updates, all_weights = [update_labels, update_predictions], array_ops.ones_like(all_predictions)
        if weights is not None:
            all_weights, update_weights = moments.streaming_concat(weights, name="concat_weights")
            updates.append(update_weights)
        area = _area(all_labels, all_predictions, all_weights, curve)
        return metrics_impl._done(area, control_flow_ops.group(*updates), metrics_collections, updates_collections)


def _placements(labels, predictions, weights):
    """For each value in ascending order (its label as a number, its weight, the share of the other class below it)."""
    values, order = nn_ops.top_k(predictions, k=array_ops.size(predictions), sorted=True)
    values, order = array_ops.reverse(values, [0]), array_ops.reverse(order, [0])
    true = math_ops.cast(array_ops.gather(labels, order), weights.dtype)
    weights = array_ops.gather(weights, order)
    _, groups = array_ops.unique(values)
    shares = []
    for other in (weights * (1.0 - true), weights * true):
        totals = gen_ops.segment_sum(other, groups)
        below = math_ops.cumsum(totals, exclusive=True) + totals / 2.0
        shares.append(array_ops.gather(below / (math_ops.reduce_sum(totals) + _EPSILON), groups))
    return true, weights, shares[0] * true + shares[1] * (1.0 - true)


def _interval(area, deviation, alpha, logit):
    """(lower, upper) end of the interval around AREA."""
    z = gen_ops.ndtri(ops.convert_to_tensor((1.0 - alpha) / 2.0, dtype=deviation.dtype))
    if not logit:
        return area + z * deviation, area - z * deviation
    middle = math_ops.log(area / (1.0 - area + _EPSILON))
    deviation = deviation / (area * (1.0 - area + _EPSILON))
    return [1.0 / (1.0 + math_ops.exp(-x) + _EPSILON) for x in (middle + z * deviation, middle - z * deviation)]


def _auc_with_interval(labels, predictions, weights, alpha, logit):
    """The area by DeLong's placements (DeLong et al., 1988), with the ends of its interval."""
    true, weights, placements = _placements(labels, predictions, weights)
    found = []
    for kind, place in ((1.0 - true, 1.0 - placements), (true, placements)):
        own = weights * kind
        total = math_ops.reduce_sum(own)
        area = math_ops.reduce_sum(own * place) / (total + _EPSILON)
        spread = math_ops.reduce_sum(own * math_ops.square(place - area)) / (total - 1.0 + _EPSILON)
        found.append((total, area, spread / (total + _EPSILON)))
    (total_0, area_0, part_0), (total_1, area_1, part_1) = found
    area = array_ops.where(math_ops.less(total_0, total_1), area_1, area_0)
    ends = _interval(area, math_ops.sqrt(part_0 + part_1), alpha, logit)
    certain = gen_ops.logical_or(math_ops.equal(area, 1.0), math_ops.equal(area, 0.0))
    return [area, *(array_ops.where(certain, area, end) for end in ends)]


@tf_export("contrib.metrics.auc_with_confidence_intervals")
def auc_with_confidence_intervals(labels, predictions, weights=None, alpha=0.95, logit_transformation=True,
                                  metrics_collections=(), updates_collections=(), name=None):  # fmt: skip
    """(the area under the ROC curve of all that was seen, and the interval that holds it with chance ALPHA; update)."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1; currently {alpha:.2f}")
    weights = array_ops.ones_like(predictions) if weights is None else weights
    with vs.variable_scope(name, "auc_with_confidence_intervals", [labels, predictions, weights]):
        predictions, labels, weights = metrics_impl._remove_squeezable_dimensions(predictions, labels, weights)
        labels = _flat(labels, dtypes.int64)
        with rates.check_binary(labels):
            labels = array_ops.identity(labels)
        parts = (("preds", _flat(predictions, dtypes.float64)), ("labels", labels),
                 ("weights", array_ops.reshape(weights, [-1])))  # fmt: skip
        kept = {key: moments.streaming_concat(values, name=f"concat_{key}") for key, values in parts}
        kept_labels, kept_weights = kept["labels"][0], kept["weights"][0]
        both_there = gen_ops.logical_and(
            math_ops.reduce_any(math_ops.equal(kept_labels, 0)), math_ops.reduce_any(math_ops.equal(kept_labels, 1))
        )
        valid = gen_ops.logical_and(both_there, math_ops.reduce_sum(kept_weights) >= 1.0)
        update = control_flow_ops.group(*(pair[1] for pair in kept.values()))
        made = control_flow_ops.cond(
            valid,
            lambda: _auc_with_interval(kept_labels, kept["preds"][0], kept_weights, alpha, logit_transformation),
            lambda: [array_ops.zeros([], weights.dtype)] * 3,
        )
        return metrics_impl._done(AucData(*made), update, metrics_collections, updates_collections)


@tf_export("contrib.metrics.precision_recall_at_equal_thresholds")
def precision_recall_at_equal_thresholds(labels, predictions, weights=None, num_thresholds=None, use_locking=None,
                                         name=None):  # fmt: skip
    """(counts, precision and recall at thresholds of one distance from 0 to 1; the operation that takes in a batch)."""
    n = 201 if num_thresholds is None else num_thresholds
    check_ops.assert_type(labels, dtypes.bool)
    with vs.variable_scope(name, "precision_recall_at_equal_thresholds", (labels, predictions, weights)):
        zero, one = (math_ops.cast(value, predictions.dtype) for value in (0.0, 1.0))
        message = "predictions must be in [0, 1]"
        with ops.control_dependencies([check_ops.assert_greater_equal(predictions, zero, message=message),
                                       check_ops.assert_less_equal(predictions, one, message=message)]):  # fmt: skip
            predictions, labels, weights = metrics_impl._remove_squeezable_dimensions(
                predictions, labels, 1.0 if weights is None else weights
            )
        wide = dtypes.float64
        true, weights = math_ops.cast(labels, wide), math_ops.cast(weights, wide)
        places = _flat(math_ops.floor(predictions * (n - 1)), dtypes.int32)
        sums, updates = [], []
        with ops.name_scope("variables"):
            kept = [metrics_impl.metric_variable([n], wide, name=f"{kind}_buckets") for kind in ("tp", "fp")]
        for kind, buckets, part in zip(("tp", "fp"), kept, (true * weights, (1.0 - true) * weights)):
            part = array_ops.reshape(part + array_ops.zeros_like(true), [-1])
            updates.append(state_ops.scatter_add(buckets, places, part, use_locking=bool(use_locking)))
            sums.append(math_ops.cumsum(buckets, reverse=True, name=kind))
        tp, fp = sums
        fn = tp[0] - tp
        least = ops.convert_to_tensor(1e-7, dtype=wide)
        precision, recall = (tp / math_ops.maximum(least, tp + other) for other in (fp, fn))
        made = [tp, fp, fp[0] - fp, fn, precision, recall, math_ops.lin_space(0.0, 1.0, n)]
        data = PrecisionRecallData(*(math_ops.cast(x, predictions.dtype) for x in made))
        return data, control_flow_ops.group(*updates)


@tf_export("contrib.metrics.auc_using_histogram")
def auc_using_histogram(boolean_labels, scores, score_range, nbins=100, collections=None, check_shape=True, name=None):
    """(the area under the ROC curve by histograms of NBINS bins over SCORE_RANGE; the operation for a batch)."""
    collections = [ops.GraphKeys.LOCAL_VARIABLES] if collections is None else collections
    with vs.variable_scope(name, "auc_using_histogram", [boolean_labels, scores, score_range]):
        scores, labels = tensor_util.remove_squeezable_dimensions(scores, boolean_labels)
        if labels.dtype != dtypes.bool:
            raise ValueError(f"Argument boolean_labels should have dtype bool.  Found: {labels.dtype}")
        checks = [
            control_flow_ops.Assert(math_ops.equal(1, array_ops.rank(t)), [f"Argument {what} should have rank 1."])
            for what, t in (("boolean_labels", labels), ("scores", scores)) if check_shape
        ]  # fmt: skip
        with ops.control_dependencies(checks):
            scores, labels = array_ops.identity(scores), array_ops.identity(labels)
        kept, updates = [], []
        for kind, mask in (("true", labels), ("false", gen_ops.logical_not(labels))):
            found = histogram_ops.histogram_fixed_width(
                array_ops.boolean_mask(scores, mask), score_range, nbins=nbins, dtype=dtypes.int64
            )
            with vs.variable_scope(None, "hist_accumulate"):
                total = vs.get_variable(
                    f"hist_{kind}_acc", shape=[nbins], dtype=dtypes.int64, initializer=init_ops.zeros_initializer(),
                    collections=collections, trainable=False,
                )  # fmt: skip
            updates.append(total.assign_add(found))
            shares = math_ops.truediv(total, math_ops.reduce_sum(total))
            kept.append(math_ops.cast(array_ops.reverse(shares, [0]), dtypes.float32))
        true, false = kept
        height = math_ops.cumsum(true)
        # The mean height over each bin, from the highest score down.
        area = math_ops.reduce_sum(false * (height - true / 2.0), name="auc")
        return area, control_flow_ops.group(*updates)
