"""tf.contrib.metrics against tf_slim's metrics over several batches; where that fails, against formulas."""

import numpy as np
import pytest

import tenon as tf
from api.slim_oracle import both

RANDOM = np.random.RandomState(0)
P = RANDOM.rand(3, 8).astype("f")
TRUE = RANDOM.rand(3, 8) > 0.4
W = RANDOM.rand(3, 8).astype("f")
NUMBERS = RANDOM.randn(3, 8).astype("f")
CLASSES = RANDOM.randint(0, 4, (3, 8))
GUESSES = RANDOM.randint(0, 4, (3, 8))
SCORES = RANDOM.rand(3, 8, 5).astype("f")
SPARSE = RANDOM.randint(0, 5, (3, 8, 2))
TOP = np.argsort(-SCORES, 2)[..., :3].copy()
GRID = [0.2, 0.5, 0.9]

# Name: (the arguments that are fed a batch at a time, the others).
METRICS = {
    "streaming_true_positives": ((P > 0.5, TRUE), {}),
    "streaming_true_negatives": ((P > 0.5, TRUE), {}),
    "streaming_false_positives": ((P > 0.5, TRUE, W), {}),
    "streaming_false_negatives": ((P > 0.5, TRUE), {}),
    "streaming_mean": ((NUMBERS, W), {}),
    "streaming_mean_tensor": ((NUMBERS,), {}),
    "streaming_accuracy": ((GUESSES, CLASSES, W), {}),
    "streaming_precision": ((P > 0.5, TRUE), {}),
    "streaming_recall": ((P > 0.5, TRUE, W), {}),
    "streaming_false_positive_rate": ((P > 0.5, TRUE, W), {}),
    "streaming_false_negative_rate": ((P > 0.5, TRUE), {}),
    "streaming_auc": ((P, TRUE, W), {}),
    "streaming_specificity_at_sensitivity": ((P, TRUE), {"sensitivity": 0.7}),
    "streaming_sensitivity_at_specificity": ((P, TRUE), {"specificity": 0.7}),
    "streaming_precision_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_recall_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_true_positives_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_true_negatives_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_false_positives_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_false_negatives_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_false_positive_rate_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "streaming_false_negative_rate_at_thresholds": ((P, TRUE), {"thresholds": GRID}),
    "f1_score": ((TRUE, P, W), {}),
    "recall_at_precision": ((TRUE, P), {"precision": 0.7}),
    "recall_at_precision strict": ((TRUE, P), {"precision": 0.7, "strict_mode": True}),
    "precision_at_recall": ((TRUE, P), {"target_recall": 0.7}),
    "streaming_curve_points": ((TRUE, P), {"num_thresholds": 5}),
    "streaming_curve_points PR": ((TRUE, P, W), {"num_thresholds": 5, "curve": "PR"}),
    "streaming_dynamic_auc": ((TRUE, P), {}),
    "streaming_dynamic_auc PR": ((TRUE, P), {"curve": "PR"}),
    "precision_recall_at_equal_thresholds": ((TRUE, P), {"num_thresholds": 4}),
    "precision_recall_at_equal_thresholds weighted": ((TRUE, P, W), {"num_thresholds": 4}),
    "streaming_recall_at_k": ((SCORES, CLASSES), {"k": 2}),
    "streaming_sparse_recall_at_k": ((SCORES, SPARSE), {"k": 2}),
    "streaming_sparse_precision_at_k": ((SCORES, SPARSE), {"k": 2, "class_id": 1}),
    "streaming_sparse_average_precision_at_k": ((SCORES, SPARSE), {"k": 3}),
    "streaming_sparse_average_precision_at_top_k": ((TOP, SPARSE), {}),
    "streaming_sparse_precision_at_top_k": ((TOP, SPARSE), {"class_id": 1}),
    "sparse_recall_at_top_k": ((SPARSE, TOP), {}),
    "streaming_mean_absolute_error": ((P, NUMBERS, W), {}),
    "streaming_mean_relative_error": ((P, NUMBERS), {"normalizer": np.full(8, 2.0, "f")}),
    "streaming_mean_squared_error": ((P, NUMBERS), {}),
    "streaming_root_mean_squared_error": ((P, NUMBERS), {}),
    "streaming_covariance": ((P, NUMBERS), {}),
    "streaming_covariance weighted": ((P, NUMBERS, W), {}),
    "streaming_pearson_correlation": ((P, NUMBERS, W), {}),
    "streaming_mean_cosine_distance": ((SCORES, SCORES[::-1].copy()), {"dim": 1}),
    "streaming_percentage_less": ((P,), {"threshold": 0.5}),
    "streaming_mean_iou": ((GUESSES, CLASSES), {"num_classes": 4}),
    "streaming_concat": ((SCORES,), {"axis": 1}),
    "streaming_concat limited": ((NUMBERS,), {"max_size": 10}),
    "count": ((NUMBERS, W), {}),
    "cohen_kappa": ((CLASSES, GUESSES), {"num_classes": 4}),
    "cohen_kappa weighted": ((CLASSES, GUESSES, W), {"num_classes": 4}),
}  # fmt: skip


def over_batches(tf, metric, batches, options):
    """What METRIC's update gave for each batch, and its value in the end; the names of its variables."""
    fed = [tf.placeholder(values.dtype, values.shape[1:]) for values in batches]
    if "thresholds" in options:
        fed, options = [*fed[:2], options["thresholds"], *fed[2:]], {}
    if "num_classes" in options:
        fed, options = [*fed[:2], options["num_classes"], *fed[2:]], {}
    value, update = metric(*fed, **options)
    fed = [t for t in fed if hasattr(t, "op")]
    names = sorted(v.op.name for v in tf.local_variables())
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        steps = [session.run(update, dict(zip(fed, rows))) for rows in zip(*batches)]
        # Operations have no value, and what is concatenated may be read before or after.
        steps = [step for step in steps if step is not None and not hasattr(update, "node_def")]
        # tf_slim checks what is fed also where only the value is asked for.
        last = dict(zip(fed, [values[-1] for values in batches]))
        return steps, session.run(tuple(value) if isinstance(value, tuple) else value, last), names


@pytest.mark.parametrize("name", METRICS)
def test_like_tf_slim(name):
    batches, options = METRICS[name]

    def program(tf, slim):
        made = over_batches(tf, getattr(slim.metrics, name.split()[0]), batches, options)
        if name == "streaming_sparse_average_precision_at_k":
            return made[:2]  # 2.21 has another operation called `max` there, so that its variable is `max_1`
        return made[1:] if name.startswith("streaming_concat") else made

    both(program, rtol=1e-4, atol=1e-5)


def test_collections():
    with tf.Graph().as_default():
        value, update = tf.contrib.metrics.streaming_accuracy(
            tf.constant([1]), tf.constant([1]), metrics_collections="m", updates_collections=["u"]
        )
        assert tf.get_collection("m") == [value] and tf.get_collection("u") == [update]
        assert tf.contrib.metrics.aggregate_metrics((1, 2), (3, 4)) == ([1, 3], [2, 4])
        assert tf.contrib.metrics.aggregate_metric_map({"a": (1, 2)}) == ({"a": 1}, {"a": 2})
        assert tf.contrib.slim.metrics.count is tf.contrib.metrics.count


def test_accuracy_of_a_batch():
    with tf.Graph().as_default(), tf.Session() as session:
        plain = tf.contrib.metrics.accuracy(tf.constant([1, 2, 3]), tf.constant([1, 0, 3]))
        weighted = tf.contrib.metrics.accuracy(tf.constant([1, 2]), tf.constant([1, 0]), weights=[1.0, 3.0])
        np.testing.assert_allclose(session.run([plain, weighted]), [2 / 3, 0.25])
        for labels in (tf.constant([1.0]), tf.constant([1], tf.int64)):
            with pytest.raises(ValueError):
                tf.contrib.metrics.accuracy(tf.constant([1]), labels)


def pairs_in_order(labels, scores):
    """The exact area: the share of pairs in the right order, ties half."""
    positive, negative = scores[labels], scores[~labels]
    differences = positive[:, None] - negative[None]
    return ((differences > 0) + 0.5 * (differences == 0)).mean()


def test_areas():
    """All three areas are the share of pairs in order: exact, by placements, and by histograms of distinct bins."""
    scores = (np.round(P * 8) / 8).astype("f")
    wanted = pairs_in_order(TRUE.ravel(), scores.ravel())
    metrics = tf.contrib.metrics
    with tf.Graph().as_default():
        _, exact, _ = over_batches(tf, metrics.streaming_dynamic_auc, (TRUE, scores), {})
    assert np.isclose(exact, wanted)
    with tf.Graph().as_default():
        _, made, _ = over_batches(tf, metrics.auc_with_confidence_intervals, (TRUE, scores), {})
    assert np.isclose(made[0], wanted, atol=1e-5) and made[1] < made[0] < made[2]
    with tf.Graph().as_default():
        _, straight, _ = over_batches(
            tf, metrics.auc_with_confidence_intervals, (TRUE, scores), {"logit_transformation": False, "alpha": 0.5}
        )
    assert np.isclose(straight[0] - straight[1], straight[2] - straight[0], rtol=1e-4)
    assert straight[2] - straight[1] < made[2] - made[1]
    with tf.Graph().as_default():
        _, binned, _ = over_batches(
            tf, metrics.auc_using_histogram, (TRUE, scores), {"score_range": [0.0, 1.125], "nbins": 9}
        )
    assert np.isclose(binned, wanted, rtol=1e-5)


def test_interval_by_hand():
    """The deviation of DeLong's placements, in NumPy."""
    scores, labels = P[0], TRUE[0]
    positive, negative = scores[labels], scores[~labels]
    v1 = np.array([(s > negative).mean() for s in positive])
    v0 = np.array([(s < positive).mean() for s in negative])
    area = v1.mean()
    deviation = np.sqrt(v1.var(ddof=1) / len(v1) + v0.var(ddof=1) / len(v0))
    with tf.Graph().as_default():
        _, made, _ = over_batches(
            tf, tf.contrib.metrics.auc_with_confidence_intervals, (labels[None], scores[None]),
            {"logit_transformation": False},
        )  # fmt: skip
    np.testing.assert_allclose(made, [area, area - 1.959964 * deviation, area + 1.959964 * deviation], rtol=1e-4)


def test_bad_arguments():
    metrics = tf.contrib.metrics
    with tf.Graph().as_default():
        p, t = tf.constant(P[0]), tf.constant(TRUE[0])
        for call in (
            lambda: metrics.streaming_curve_points(t, p, curve="x"), lambda: metrics.streaming_dynamic_auc(t, p, "x"),
            lambda: metrics.recall_at_precision(t, p, 1.5), lambda: metrics.precision_at_recall(t, p, -0.5),
            lambda: metrics.cohen_kappa(t, t, 1), lambda: metrics.aggregate_metrics(),
            lambda: metrics.auc_with_confidence_intervals(t, p, alpha=1.0), lambda: metrics.streaming_concat(p, axis=1),
            lambda: metrics.auc_using_histogram(p, p, [0.0, 1.0]),
            lambda: metrics.streaming_concat(tf.placeholder(tf.float32, [2, None])),
        ):  # fmt: skip
            with pytest.raises(ValueError):
                call()
