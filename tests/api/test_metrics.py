"""tf.metrics against TensorFlow: values and updates over batches, names of variables, errors."""

import numpy as np
import pytest

from api.both import both

METRICS = {
    "mean": lambda m, y, p, w: m.mean(p, w),
    "mean without weights": lambda m, y, p, w: m.mean(p),
    "mean_tensor": lambda m, y, p, w: m.mean_tensor(p, w),
    "accuracy": lambda m, y, p, w: m.accuracy(y, p > 0.5, w),
    "mean_absolute_error": lambda m, y, p, w: m.mean_absolute_error(y, p, w),
    "mean_squared_error": lambda m, y, p, w: m.mean_squared_error(y, p, w),
    "root_mean_squared_error": lambda m, y, p, w: m.root_mean_squared_error(y, p, w),
    "mean_relative_error": lambda m, y, p, w: m.mean_relative_error(y, p, p + 1.0, w),
    "mean_cosine_distance": lambda m, y, p, w: m.mean_cosine_distance(y, p, 0),
    "percentage_below": lambda m, y, p, w: m.percentage_below(p, 0.4, w),
    "true_positives": lambda m, y, p, w: m.true_positives(y, p > 0.5, w),
    "false_positives": lambda m, y, p, w: m.false_positives(y, p > 0.5, w),
    "true_negatives": lambda m, y, p, w: m.true_negatives(y, p > 0.5, w),
    "false_negatives": lambda m, y, p, w: m.false_negatives(y, p > 0.5),
    "precision": lambda m, y, p, w: m.precision(y, p > 0.5, w),
    "recall": lambda m, y, p, w: m.recall(y, p > 0.5),
    "auc": lambda m, y, p, w: m.auc(y, p, w),
    "auc of precision and recall": lambda m, y, p, w: m.auc(y, p, curve="PR", num_thresholds=20),
    "careful auc": lambda m, y, p, w: m.auc(y, p, curve="PR", summation_method="careful_interpolation"),
    "minoring auc": lambda m, y, p, w: m.auc(y, p, summation_method="minoring"),
    "precision_at_thresholds": lambda m, y, p, w: m.precision_at_thresholds(y, p, [0.2, 0.5, 0.7], w),
    "recall_at_thresholds": lambda m, y, p, w: m.recall_at_thresholds(y, p, [0.2, 0.5, 0.7]),
    "true_positives_at_thresholds": lambda m, y, p, w: m.true_positives_at_thresholds(y, p, [0.2, 0.6], w),
    "false_negatives_at_thresholds": lambda m, y, p, w: m.false_negatives_at_thresholds(y, p, [0.2, 0.6]),
    "true_negatives_at_thresholds": lambda m, y, p, w: m.true_negatives_at_thresholds(y, p, [0.2, 0.6]),
    "false_positives_at_thresholds": lambda m, y, p, w: m.false_positives_at_thresholds(y, p, [0.2, 0.6]),
    "sensitivity_at_specificity": lambda m, y, p, w: m.sensitivity_at_specificity(y, p, 0.6),
    "specificity_at_sensitivity": lambda m, y, p, w: m.specificity_at_sensitivity(y, p, 0.6, w),
    "mean_iou": lambda m, y, p, w: m.mean_iou(y, p > 0.5, 2, w),
    "mean_per_class_accuracy": lambda m, y, p, w: m.mean_per_class_accuracy(y, p > 0.5, 2, w),
}


@pytest.mark.parametrize("name", METRICS)
def test_metric(name):
    def program(tf):
        random = np.random.RandomState(3)
        y, p, w = tf.placeholder(tf.float32, [6]), tf.placeholder(tf.float32, [6]), tf.placeholder(tf.float32, [6])
        value, update = METRICS[name](tf.metrics, y, p, w)
        with tf.Session() as session:
            session.run(tf.local_variables_initializer())
            steps = []
            for _ in range(3):
                feeds = {y: random.randint(0, 2, 6), p: random.rand(6), w: random.rand(6)}
                steps.append([session.run(update, feeds), session.run(value)])
        return [steps, [v.name for v in tf.local_variables()], len(tf.get_collection("metric_variables"))]

    both(program)


AT_K = {
    "precision_at_k": lambda m, y, p: m.precision_at_k(y, p, 2),
    "recall_at_k": lambda m, y, p: m.recall_at_k(y, p, 2),
    "recall of a class": lambda m, y, p: m.recall_at_k(y, p, 2, class_id=1),
    "precision of a class": lambda m, y, p: m.precision_at_k(y, p, 2, class_id=1, weights=0.5),
    "average_precision_at_k": lambda m, y, p: m.average_precision_at_k(y, p, 3),
}


@pytest.mark.parametrize("name", AT_K)
def test_best_predictions(name):
    def program(tf):
        random = np.random.RandomState(3)
        y, p = tf.placeholder(tf.int64, [4, 2]), tf.placeholder(tf.float32, [4, 5])
        value, update = AT_K[name](tf.metrics, y, p)
        with tf.Session() as session:
            session.run(tf.local_variables_initializer())
            steps = []
            for _ in range(3):
                labels = np.array([random.permutation(5)[:2] for _ in range(4)])
                steps.append([session.run(update, {y: labels, p: random.rand(4, 5)}), session.run(value)])
        return [steps, len(tf.local_variables())]

    both(program)


def test_collections():
    def program(tf):
        tf.metrics.mean(tf.constant([1.0]), metrics_collections=["a"], updates_collections=["b"], name="m")
        return [[x.name for x in tf.get_collection(key)] for key in ("a", "b", "local_variables")]

    both(program)
