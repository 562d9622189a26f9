"""tf.estimator: a model function trained, evaluated, asked, exported and trained on."""

import numpy as np
import pytest

import tenon as tf


def model_fn(features, labels, mode, params):
    logits = tf.layers.dense(features["x"], 2, kernel_initializer=tf.zeros_initializer())
    classes = tf.argmax(logits, 1)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={"class": classes})
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    metrics = {"accuracy": tf.metrics.accuracy(labels, classes)}
    optimizer = tf.train.GradientDescentOptimizer(params["rate"])
    train = optimizer.minimize(loss, global_step=tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train, eval_metric_ops=metrics)


def data():
    x = np.random.RandomState(0).randn(200, 2).astype("f")
    return {"x": x}, (x[:, 0] > x[:, 1]).astype("i4")


def test_trains_evaluates_predicts_exports(tmp_path):
    x, y = data()
    make = tf.estimator.inputs.numpy_input_fn
    estimator = tf.estimator.Estimator(model_fn, str(tmp_path / "m"), params={"rate": 0.5})
    assert estimator.evaluate(make(x, y, shuffle=False))["global_step"] == 0  # of the initial values
    estimator.train(make(x, y, 20, None, True), steps=60)
    found = estimator.evaluate(make(x, y, 20, shuffle=False))
    assert found["accuracy"] > 0.95 and found["global_step"] == 60
    estimator.train(lambda: tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(20), max_steps=70)
    assert estimator.evaluate(make(x, y, 20, shuffle=False), steps=2)["global_step"] == 70
    classes = [one["class"] for one in estimator.predict(make(x, batch_size=30, shuffle=False))]
    assert np.mean(classes == y) > 0.95
    assert estimator.get_variable_value("dense/kernel").shape == (2, 2)

    def receive():
        fed = tf.placeholder(tf.float32, [None, 2])
        return tf.estimator.export.ServingInputReceiver({"x": fed}, {"in": fed})

    folder = estimator.export_savedmodel(str(tmp_path / "e"), receive).decode()
    with tf.Graph().as_default(), tf.Session() as session:
        signature = tf.saved_model.load(session, ["serve"], folder).signature_def["serving_default"]
        value = session.run(signature.outputs["class"].name, {signature.inputs["in"].name: x["x"]})
        np.testing.assert_array_equal(value, classes)
    tf.summary.FileWriterCache.clear()


def test_train_and_evaluate(tmp_path):
    x, y = data()
    make = tf.estimator.inputs.numpy_input_fn
    config = tf.estimator.RunConfig(model_dir=str(tmp_path), tf_random_seed=1, save_checkpoints_steps=10)
    estimator = tf.estimator.Estimator(model_fn, config=config, params={"rate": 0.5})
    train = tf.estimator.TrainSpec(make(x, y, 20, None, True), max_steps=30)
    found, _ = tf.estimator.train_and_evaluate(estimator, train, tf.estimator.EvalSpec(make(x, y, shuffle=False)))
    assert found["accuracy"] > 0.9 and found["global_step"] == 30
    for wrong in ({"steps": 0}, {"steps": 1, "max_steps": 2}):
        with pytest.raises(ValueError):
            estimator.train(train.input_fn, **wrong)
    with pytest.raises(ValueError, match="Missing train_op"):
        tf.estimator.EstimatorSpec("train", loss=1.0)
    tf.summary.FileWriterCache.clear()


def test_columns_and_canned(tmp_path):
    column = tf.feature_column
    features = {"a": np.array([1.0, 25.0, 7.0], "f"), "w": np.array([b"x", b"z", b"y"]), "i": np.array([2, 0, 1])}
    columns = [
        column.numeric_column("a"),
        column.bucketized_column(column.numeric_column("a"), [5.0, 10.0]),
        column.indicator_column(column.categorical_column_with_vocabulary_list("w", ["x", "y"])),
        column.embedding_column(column.categorical_column_with_identity("i", 3), 2, initializer=tf.ones_initializer()),
    ]
    with tf.Graph().as_default(), tf.Session() as session:
        layer = column.input_layer({key: tf.constant(value) for key, value in features.items()}, columns)
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        value = session.run(layer)
    np.testing.assert_array_equal(
        value, [[1, 1, 0, 0, 1, 1, 1, 0], [25, 0, 0, 1, 1, 1, 0, 0], [7, 0, 1, 0, 1, 1, 0, 1]]
    )
    x, y = data()
    make = tf.estimator.inputs.numpy_input_fn
    classifier = tf.estimator.DNNClassifier([8], [column.numeric_column("x", [2])], str(tmp_path / "c"))
    classifier.train(make(x, y, 20, None, True), steps=200)
    assert classifier.evaluate(make(x, y, shuffle=False))["accuracy"] > 0.9
    assert "dnn/hiddenlayer_0/kernel" in classifier.get_variable_names()
    regressor = tf.estimator.DNNRegressor([8], [column.numeric_column("x", [2])], str(tmp_path / "r"))
    regressor.train(make(x, x["x"][:, 0], 20, None, True), steps=200)
    assert regressor.evaluate(make(x, x["x"][:, 0], shuffle=False))["average_loss"] < 0.5
    tf.summary.FileWriterCache.clear()
