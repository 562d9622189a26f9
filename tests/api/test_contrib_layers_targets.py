"""contrib.layers' targets against NumPy, and its scattered columns against TensorFlow's hashes."""

import numpy as np
import pytest

import tenon as tf
from api.both import tensorflow as real

layers = tf.contrib.layers
RANDOM = np.random.RandomState(0)


def run(fetches):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        return session.run(fetches)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("kind", ["strings", "numbers"])
def test_scattered_columns_find_numbers_by_the_hash(combiner, kind):
    rows = [["a", "b"], [], ["b"]] if kind == "strings" else [[3, 4], [], [4]]
    nothing = "6ZxWzWOHxZ" if kind == "strings" else 1288896567
    dtype = tf.string if kind == "strings" else tf.int64
    indices = [[row, at] for row, values in enumerate(rows) for at in range(len(values))]
    flat = [value for values in rows for value in values]
    with tf.Graph().as_default():
        column = layers.scattered_embedding_column("x", 50, 4, hash_key=0xABC, combiner=combiner)
        features = {"x": tf.SparseTensor(indices, tf.constant(flat, dtype), [3, 2])}
        made = layers.input_from_feature_columns(features, [column])
        (weights,) = tf.trainable_variables()
        assert weights.op.name == "input_from_feature_columns/x_scattered_embedding/weights"
        assert weights in tf.contrib.framework.get_model_variables()
        assert weights.shape == [50]
        got, numbers = run([made, weights])
    for row, values in enumerate(rows):
        values = values or [nothing]
        vectors = []
        for value in values:
            with real().Graph().as_default(), real().Session() as session:
                crossed = real().sparse.cross_hashed(
                    [real().constant([[0, 1, 2, 3]], "int64"), real().constant([[value]])], 50, hash_key=0xABC
                )
                vectors.append(numbers[session.run(crossed.values)])
        expected = np.sum(vectors, 0) / {"sum": 1, "mean": len(values), "sqrtn": len(values) ** 0.5}[combiner]
        np.testing.assert_allclose(got[row], expected, rtol=1e-6)


def test_scattered_columns_say_what_they_read_and_refuse():
    column = layers.scattered_embedding_column("x", 50, 4, hash_key=1)
    assert layers.create_feature_spec_for_parsing([column]) == {"x": tf.VarLenFeature(tf.string)}
    for arguments in ({"size": 0}, {"dimension": 0}, {"combiner": "max"}, {"initializer": 3}):
        with pytest.raises(ValueError):
            layers.scattered_embedding_column("x", **{"size": 5, "dimension": 2, "hash_key": 1, **arguments})


def test_regression_target():
    logits, labels = RANDOM.rand(4, 1).astype("f"), RANDOM.rand(4).astype("f")
    weights = np.array([1.0, 2.0, 0.0, 3.0], "f")
    squares = (logits[:, 0] - labels) ** 2
    with tf.Graph().as_default():
        target = layers.regression_target("y", weight_column_name="w")
        assert (target.label_name, target.weight_column_name, target.num_label_columns) == ("y", "w", 1)
        assert target.problem_type == tf.contrib.learn.ProblemType.LINEAR_REGRESSION
        features = {"w": tf.constant(weights)}
        ops = target.get_eval_ops(
            features, tf.constant(logits), tf.constant(labels), {"mse": tf.contrib.metrics.streaming_mean_squared_error}
        )
        plain = layers.regression_target()
        got = run({
            "loss": target.loss(tf.constant(logits), tf.constant(labels), features),
            "training": target.training_loss(tf.constant(logits), tf.constant(labels), features),
            "plain": plain.loss(tf.constant(logits), tf.constant(labels), {}),
            "predictions": plain.logits_to_predictions(tf.constant(logits)),
            "updates": {name: update for name, (_, update) in ops.items()},
        })  # fmt: skip
    weighted = np.sum(squares * weights) / np.sum(weights)
    np.testing.assert_allclose(got["loss"], weighted, rtol=1e-6)
    np.testing.assert_allclose(got["training"], np.mean(squares * weights), rtol=1e-6)
    np.testing.assert_allclose(got["plain"], np.mean(squares), rtol=1e-6)
    np.testing.assert_array_equal(got["predictions"], logits[:, 0])
    np.testing.assert_allclose([got["updates"]["loss"], got["updates"]["mse"]], [weighted, weighted], rtol=1e-6)


def test_target_of_two_classes():
    logits, labels = np.array([[-2.0], [1.0], [3.0], [0.5]], "f"), np.array([0, 1, 1, 0])
    with tf.Graph().as_default():
        target = layers.multi_class_target(2)
        x, y = tf.constant(logits), tf.constant(labels)
        ops = target.get_eval_ops({}, x, y[:, None])
        loss, classes, chances, updates = run([
            target.loss(x, y, {}), target.logits_to_predictions(x), target.logits_to_predictions(x, proba=True),
            {name: update for name, (_, update) in ops.items()},
        ])  # fmt: skip
    p = 1 / (1 + np.exp(-logits[:, 0]))
    np.testing.assert_allclose(loss, -np.mean(np.where(labels == 1, np.log(p), np.log(1 - p))), rtol=1e-5)
    assert classes.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(chances, np.stack([1 - p, p], 1), rtol=1e-5)
    expected = {
        "loss": loss, "accuracy": 0.75, "labels/prediction_mean": p.mean(), "labels/actual_target_mean": 0.5,
        "accuracy/baseline_target_mean": 0.5, "auc": 1.0, "accuracy/threshold_0.500000_mean": 0.75,
        "precision/positive_threshold_0.500000_mean": 2 / 3, "recall/positive_threshold_0.500000_mean": 1.0,
    }  # fmt: skip
    assert sorted(updates) == sorted(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(updates[name], value, rtol=1e-5, err_msg=name)


def test_target_of_several_classes():
    logits, labels = RANDOM.randn(5, 3).astype("f"), np.array([[0], [1], [2], [1], [0]])
    with tf.Graph().as_default():
        target = layers.multi_class_target(3)
        x, y = tf.constant(logits), tf.constant(labels)
        streaming = tf.contrib.metrics.streaming_mean
        ops = target.get_eval_ops({}, x, y, {
            "classes": lambda predictions, labels: streaming(predictions),
            ("chances", "probabilities"): lambda predictions, labels: streaming(predictions[:, 0]),
        })  # fmt: skip
        loss, updates = run([target.loss(x, y, {}), {name: update for name, (_, update) in ops.items()}])
        for metrics in ({("a", "b"): streaming}, {("a", "classes", "c"): streaming}, {3: streaming}):
            with pytest.raises(ValueError, match="Ignoring metric"):
                target.get_eval_ops({}, x, y, metrics)
        with pytest.raises(ValueError, match="integer"):
            target.loss(x, tf.cast(y, tf.float32), {})
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(loss, -np.mean(np.log(chances[np.arange(5), labels[:, 0]])), rtol=1e-5)
    np.testing.assert_allclose(updates["chances"], chances[:, 0].mean(), rtol=1e-5)
    assert updates["classes"] == pytest.approx(logits.argmax(1).mean())
    with pytest.raises(ValueError, match="n_classes"):
        layers.multi_class_target(1)
