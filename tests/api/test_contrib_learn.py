"""tf.contrib.learn and contrib.layers' old feature columns, against NumPy and tf.feature_column of TensorFlow."""

import numpy as np
import pytest

import tenon as tf
from api.both import run, same, tensorflow

learn, layers = tf.contrib.learn, tf.contrib.layers


@pytest.fixture(autouse=True)
def close_writers():
    yield
    tf.summary.FileWriterCache.clear()


def line():
    random = np.random.RandomState(0)
    x = random.randn(31, 2).astype("f")
    return x, (x @ [2.0, -1.0] + 0.5).astype("f")


FEATURES = {
    "x": np.array([[1.0, 2.0], [-3.0, 0.5], [7.0, 9.0]], "f"),
    "w": np.array([["a", "b"], ["b", ""], ["none", "a"]]),
    "i": np.array([[3, 9], [2, -1], [-1, -1]]),
    "g": np.array([[0.5, 2.0], [1.5, 0.0], [0.0, 0.0]], "f"),
}


def test_old_columns_have_the_values_of_new_ones():
    def ours(tf_):
        x = layers.real_valued_column("x", 2, normalizer=lambda value: value * 2)
        words = layers.sparse_column_with_keys("w", ["a", "b"])
        whole = layers.sparse_column_with_integerized_feature("i", 7)
        table = tf.constant_initializer(np.arange(4.0).reshape(2, 2))
        columns = [
            x, layers.one_hot_column(words),
            layers.bucketized_column(layers.real_valued_column("x", 2), [4.0, 0.0, 4.0]),
            layers.embedding_column(words, 2, initializer=table), layers.one_hot_column(whole),
            layers.one_hot_column(layers.weighted_sparse_column(whole, "g")),
            layers.one_hot_column(layers.sparse_column_with_hash_bucket("w", 5)),
            layers.one_hot_column(layers.crossed_column([words, whole], 11)),
        ]  # fmt: skip
        features = {key: tf.constant(value) for key, value in FEATURES.items()}
        return [layers.input_from_feature_columns(features, [column]) for column in columns]

    def theirs(tf_):
        c = tf_.feature_column
        features = {key: tf_.constant(value) for key, value in FEATURES.items()}
        # What is left over a multiple of 7, with the places that hold nothing as they are.
        features["i"] = tf_.constant(np.where(FEATURES["i"] < 0, -1, FEATURES["i"] % 7))
        words = c.categorical_column_with_vocabulary_list("w", ["a", "b"])
        whole = c.categorical_column_with_identity("i", 7)
        table = tf_.constant_initializer(np.arange(4.0).reshape(2, 2))
        columns = [
            c.numeric_column("x", 2, normalizer_fn=lambda value: value * 2), c.indicator_column(words),
            c.bucketized_column(c.numeric_column("x", 2), [0.0, 4.0]), c.embedding_column(words, 2, initializer=table),
            c.indicator_column(whole), c.indicator_column(c.weighted_categorical_column(whole, "g")),
            c.indicator_column(c.categorical_column_with_hash_bucket("w", 5)),
            c.indicator_column(c.crossed_column([whole, words], 11)),
        ]  # fmt: skip
        return [c.input_layer(features, [column]) for column in columns]

    same(run(tf, ours), run(tensorflow(), theirs))


def test_names_and_weighted_sums():
    with tf.Graph().as_default(), tf.Session() as session:
        features = {key: tf.constant(value) for key, value in FEATURES.items()}
        words = layers.sparse_column_with_keys("w", ["a", "b"], combiner="mean")
        x = layers.real_valued_column("x", 2)
        shared = layers.shared_embedding_columns([words, layers.sparse_column_with_keys("w2", ["a", "b"])], 3)
        layers.input_from_feature_columns({**features, "w2": features["w"]}, shared)
        total, found, bias = layers.weighted_sum_from_feature_columns(features, [x, words], 2, scope="linear")
        other, _, _ = layers.joint_weighted_sum_from_feature_columns(features, [words], 1)
        layers.weighted_sum_from_feature_columns(
            {"": features["x"]}, layers.infer_real_valued_columns(features["x"]), 1
        )
        assert [v.name for v in tf.global_variables()] == [
            "input_from_feature_columns/w_w2_shared_embedding/weights:0",
            "linear/x/weight:0", "linear/w/weights:0", "linear/bias_weight:0",
            "joint_weighted_sum_from_feature_columns/weights:0",
            "joint_weighted_sum_from_feature_columns/bias_weight:0",
            "weighted_sum_from_feature_columns//weight:0", "weighted_sum_from_feature_columns/bias_weight:0",
        ]  # fmt: skip
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        wx, ww = np.arange(4.0).reshape(2, 2), np.array([[1.0, -1.0], [3.0, 5.0]])
        session.run([found[x][0].assign(wx), found[words][0].assign(ww), bias.assign([0.5, 0.25])])
        mean = np.array([ww.mean(0), ww[1], ww[0]])
        np.testing.assert_allclose(session.run(total), FEATURES["x"] @ wx + mean + [0.5, 0.25], rtol=1e-6)
        assert session.run(other).shape == (3, 1)
    spec = layers.create_feature_spec_for_parsing([x, words, layers.sparse_column_with_integerized_feature("i", 7)])
    assert spec == {"x": tf.FixedLenFeature((2,), tf.float32), "w": tf.VarLenFeature(tf.string),
                    "i": tf.VarLenFeature(tf.int64)}  # fmt: skip
    for wrong in (
        lambda: layers.sparse_column_with_hash_bucket("w", 1),
        lambda: layers.embedding_column(words, 0),
        lambda: layers.real_valued_column("x", 0),
        lambda: layers.sparse_column_with_keys("w", ["a"], combiner="none"),
        lambda: layers.crossed_column([words], 5),
        lambda: layers.input_from_feature_columns(features, [words]),
        lambda: layers.bucketized_column(x, []),
    ):
        with pytest.raises(ValueError):
            wrong()


class Losses(tf.train.SessionRunHook):
    """Collects the loss of every step."""

    def __init__(self):
        self.found = []

    def before_run(self, run_context):
        (loss,) = run_context.session.graph.get_collection(tf.GraphKeys.LOSSES)[-1:]
        return tf.train.SessionRunArgs(loss)

    def after_run(self, run_context, run_values):
        self.found.append(run_values.results)


def test_linear_regressor_trains_as_numpy_does(tmp_path):
    x, y = line()
    columns = learn.infer_real_valued_columns_from_input(x)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    made = learn.LinearRegressor(columns, str(tmp_path), optimizer=optimizer)
    losses = Losses()
    made.fit(x, y, steps=100, monitors=[losses])
    w, b, expected = np.zeros((2, 1)), 0.0, []
    for _ in range(100):
        error = x @ w + b - y[:, None]
        expected.append(np.mean(error**2))
        w, b = w - 0.1 * 2 * x.T @ error / len(x), b - 0.1 * 2 * np.mean(error)
    np.testing.assert_allclose(losses.found, expected, rtol=1e-4, atol=1e-6)
    assert sorted(made.get_variable_names()) == ["global_step", "linear//weight", "linear/bias_weight"]
    np.testing.assert_allclose(made.get_variable_value("linear//weight"), w, rtol=1e-4)
    np.testing.assert_allclose(list(made.predict(x)), (x @ w + b)[:, 0], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(made.predict_scores(x, as_iterable=False), (x @ w + b)[:, 0], rtol=1e-3, atol=1e-5)
    assert set(made.evaluate(x, y)) == {"loss", "global_step"}


def test_deep_regressor_trains_as_numpy_does(tmp_path):
    x, y = line()
    config = learn.RunConfig(tf_random_seed=3)
    columns = [layers.real_valued_column("x", 2)]
    made = learn.DNNRegressor([4], columns, str(tmp_path), optimizer=tf.train.AdagradOptimizer(0.1), config=config)
    losses = Losses()
    made.fit({"x": x}, y, steps=100, monitors=[losses])
    start = tf.train.load_checkpoint(str(tmp_path / "model.ckpt-0"))
    names = ["dnn/hiddenlayer_0/weights", "dnn/hiddenlayer_0/biases", "dnn/logits/weights", "dnn/logits/biases"]
    values = [start.get_tensor(name).astype("f8") for name in names]
    slots, expected = [np.full(value.shape, 0.1) for value in values], []
    for _ in range(100):
        w1, b1, w2, b2 = values
        hidden = np.maximum(x @ w1 + b1, 0)
        error = hidden @ w2 + b2 - y[:, None]
        expected.append(np.mean(error**2))
        out = 2 * error / len(x)
        inner = (out @ w2.T) * (hidden > 0)
        gradients = [x.T @ inner, inner.sum(0), hidden.T @ out, out.sum(0)]
        slots = [slot + g * g for slot, g in zip(slots, gradients)]
        values = [v - 0.1 * g / np.sqrt(slot) for v, g, slot in zip(values, gradients, slots)]
    np.testing.assert_allclose(losses.found, expected, rtol=1e-4, atol=1e-5)
    names = set(made.get_variable_names())
    assert {"dnn/hiddenlayer_0/weights", "dnn/logits/biases", "dnn/regression_head/dnn/learning_rate"} < names
    assert len(names) == 10


def test_classifiers_on_irises(tmp_path):
    iris = learn.datasets.load_iris()
    assert iris.data.shape == (150, 4) and np.bincount(iris.target).tolist() == [50, 50, 50]
    columns = learn.infer_real_valued_columns_from_input(iris.data)
    config = learn.RunConfig(tf_random_seed=1)
    deep = learn.DNNClassifier([10, 10], columns, str(tmp_path / "d"), n_classes=3, config=config)
    deep.fit(iris.data, iris.target, steps=200)
    assert deep.evaluate(iris.data, iris.target)["accuracy"] > 0.9
    classes = np.array(list(deep.predict(iris.data)))
    assert np.mean(classes == iris.target) > 0.9
    proba = np.array(list(deep.predict_proba(iris.data[:5])))
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-5)
    wide = learn.SKCompat(learn.LinearClassifier(columns, str(tmp_path / "l"), n_classes=3))
    wide.fit(iris.data, iris.target, steps=200)
    assert wide.score(iris.data, iris.target)["accuracy"] > 0.9
    assert wide.predict(iris.data).shape == (150,)
    two = iris.target != 2
    both = learn.DNNLinearCombinedClassifier(
        str(tmp_path / "b"), linear_feature_columns=columns, dnn_feature_columns=columns, dnn_hidden_units=[4],
        config=config,
    )  # fmt: skip
    both.fit(iris.data[two], iris.target[two], batch_size=20, steps=100)
    found = both.evaluate(iris.data[two], iris.target[two], batch_size=30)
    assert found["global_step"] == 100 and found["accuracy"] > 0.95 and found["auc"] > 0.95
    assert {"labels/prediction_mean", "accuracy/threshold_0.500000_mean", "auc_precision_recall"} < set(found)


def model(features, labels, mode, params):
    logits = layers.fully_connected(features, 1, activation_fn=None, scope="out")[:, 0]
    if mode == learn.ModeKeys.INFER:
        return learn.ModelFnOps(mode, predictions={"value": logits})
    loss = tf.losses.mean_squared_error(labels, logits)
    train = layers.optimize_loss(loss, tf.train.get_global_step(), params["rate"], "SGD")
    return learn.ModelFnOps(mode, {"value": logits}, loss, train)


def serve():
    fed = tf.placeholder(tf.float32, [None, 2])
    return learn.InputFnOps(fed, None, {"in": fed})


def test_a_model_function(tmp_path):
    x, y = line()
    made = learn.Estimator(model, str(tmp_path / "m"), params={"rate": 0.1})
    assert made.fit(x, y, batch_size=10, steps=150) is made
    metrics = {
        "off": learn.MetricSpec(tf.metrics.mean_absolute_error, prediction_key="value"),
        ("root", "value"): tf.contrib.metrics.streaming_root_mean_squared_error,
    }
    found = made.evaluate(x, y, metrics=metrics)
    assert found["off"] < 0.05 and found["root"] < 0.05 and found["global_step"] == 150
    assert made.evaluate(x, y, batch_size=7, steps=2)["loss"] < 0.01
    made.partial_fit(x, y)
    assert made.evaluate(input_fn=lambda: (tf.constant(x), tf.constant(y)), steps=1)["global_step"] == 151
    values = made.predict(x, as_iterable=False)["value"]
    np.testing.assert_allclose(values, y, atol=0.1)
    np.testing.assert_array_equal([one["value"] for one in made.predict(x, batch_size=4)], values)
    parts = learn.Estimator(lambda f, t: (f, tf.constant(1.0), tf.assign_add(tf.train.get_global_step(), 1)),
                            str(tmp_path / "t"))  # fmt: skip
    parts.fit(x, y, steps=2)
    np.testing.assert_array_equal(list(parts.predict(x)), x)

    folder = made.export_savedmodel(str(tmp_path / "e"), serve).decode()
    with tf.Graph().as_default(), tf.Session() as session:
        signature = tf.saved_model.load(session, ["serve"], folder).signature_def["serving_default"]
        value = session.run(signature.outputs["value"].name, {signature.inputs["in"].name: x})
        np.testing.assert_array_equal(value, values)
    for wrong in (
        lambda: made.fit(x, y, input_fn=lambda: None),
        lambda: made.fit(),
        lambda: made.fit(input_fn=lambda: None, batch_size=1),
        lambda: made.fit(x, y, steps=1, max_steps=2),
        lambda: made.fit(x, y[:5], steps=1),
        lambda: learn.Estimator(None),
        lambda: learn.Estimator(lambda features, labels: None, params={}),
        lambda: learn.ModelFnOps("train", loss=1.0),
        lambda: made.evaluate(x, y, metrics=[1]),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_monitors(tmp_path):
    x, y = line()
    config = learn.RunConfig(save_checkpoints_steps=10)
    made = learn.Estimator(model, str(tmp_path), params={"rate": 0.1}, config=config)
    validation = learn.monitors.ValidationMonitor(x, y, every_n_steps=10, early_stopping_rounds=30)
    capture = learn.monitors.CaptureVariable("out/weights", every_n=20)
    made.fit(x, y, steps=1000, monitors=[validation, capture, learn.monitors.PrintTensor(["out/weights:0"])])
    assert validation.early_stopped and validation.best_step < 1000 and validation.best_value < 1e-3
    assert list(capture.values)[:3] == [1, 21, 41] and capture.values[1].shape == (2, 1)
    step = made.get_variable_value("global_step")
    made.fit(x, y, steps=100, monitors=[learn.monitors.StopAtStep(num_steps=3)])
    assert made.get_variable_value("global_step") == step + 3
    with pytest.raises(ValueError, match="num_steps or last_step"):
        learn.monitors.StopAtStep()


def test_experiments(tmp_path):
    x, y = line()

    def build(output_dir):
        return learn.Experiment(
            learn.Estimator(model, output_dir, params={"rate": 0.1}), train_steps=20, eval_steps=1,
            train_input_fn=lambda: (tf.constant(x), tf.constant(y)), min_eval_frequency=10,
            eval_input_fn=lambda: (tf.constant(x), tf.constant(y)),
            export_strategies=learn.make_export_strategy(serve),
        )  # fmt: skip

    found, exported = learn.learn_runner.run(build, output_dir=str(tmp_path / "a"))
    assert found["global_step"] == 20 and tf.gfile.Exists(exported[0])
    made = build(str(tmp_path / "b"))
    assert made.test()[0]["global_step"] == 1 and made.evaluate()["global_step"] == 1
    for wrong in (
        lambda: learn.learn_runner.run(build),
        lambda: learn.learn_runner.run(build, output_dir="x", schedule="nothing"),
        lambda: learn.Experiment(3, None, None),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_preprocessing(tmp_path):
    texts = ["This is a cat", "This must be boy", "cat cat HTTPServer"]
    made = learn.preprocessing.VocabularyProcessor(4)
    rows = np.array(list(made.fit_transform(texts)))
    np.testing.assert_array_equal(rows, [[1, 2, 3, 4], [1, 5, 6, 7], [4, 4, 8, 9]])
    made.save(tmp_path / "v")
    again = learn.preprocessing.VocabularyProcessor.restore(tmp_path / "v")
    np.testing.assert_array_equal(np.array(list(again.transform(["a new cat"]))), [[3, 0, 4, 0]])
    assert list(again.reverse([[1, 4, 0]])) == ["This cat <UNK>"] and len(again.vocabulary_) == 10
    frequent = learn.preprocessing.VocabularyProcessor(3, min_frequency=1)
    np.testing.assert_array_equal(np.array(list(frequent.fit_transform(texts))), [[2, 0, 0], [2, 0, 0], [1, 1, 0]])
    octets = learn.preprocessing.ByteProcessor(4)
    np.testing.assert_array_equal(
        np.array(list(octets.transform(["ab", "hello"]))), [[97, 98, 0, 0], [104, 101, 108, 108]]
    )
    assert list(octets.reverse([[97, 98, 0, 0]])) == ["ab"]


def test_csv(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("2,3,a,b\n1,2,3,0\n4,5,6,1\n")
    base = learn.datasets.base
    found = base.load_csv_with_header(str(path), np.int64, np.float32)
    np.testing.assert_array_equal(found.data, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(found.target, [0, 1])
    path.write_text("7,1,2\n8,3,4\n")
    found = base.load_csv_without_header(str(path), np.int64, np.float32, target_column=0)
    np.testing.assert_array_equal(found.target, [7, 8])
    assert found.data.dtype == np.float32


def test_models_and_runs(tmp_path):
    x, y = line()
    with tf.Graph().as_default():
        one, loss = learn.models.linear_regression_zero_init(tf.constant(x), tf.constant(y))
        classes = tf.one_hot(tf.constant((y > 0).astype("i4")), 2)
        two, other = learn.models.logistic_regression_zero_init(tf.constant(x), classes)
        assert [v.name for v in tf.trainable_variables()] == [
            "linear_regression/weights:0", "linear_regression/bias:0",
            "logistic_regression/weights:0", "logistic_regression/bias:0",
        ]  # fmt: skip
        fed = tf.placeholder(tf.float32, [])
        outputs = {"one": one, "loss": loss, "two": two, "other": other, "fed": fed * 2}
        found = learn.run_feeds(outputs, [{fed: 1.0}, {fed: 2.0}])
        assert [each["fed"] for each in found] == [2.0, 4.0]
        assert len(learn.run_n(outputs, {fed: 1.0}, n=3)) == 3
    np.testing.assert_array_equal(found[0]["one"], np.zeros_like(y))
    np.testing.assert_allclose(found[0]["loss"], np.mean(y**2), rtol=1e-6)
    np.testing.assert_allclose(found[0]["two"], np.full((31, 2), 0.5))
    np.testing.assert_allclose(found[0]["other"], np.log(2), rtol=1e-6)
