"""contrib.learn's heads, monitors, readers, exports and small things."""

import os
import sys
import types

import numpy as np
import pytest

import tenon as tf

learn, layers = tf.contrib.learn, tf.contrib.layers


@pytest.fixture(autouse=True)
def close_writers():
    yield
    tf.summary.FileWriterCache.clear()


LOGITS = np.array([[0.5, -1.0, 2.0], [-0.25, 3.0, 0.0]], "f")


def evaluated(ops, session):
    """The values of metrics after one update."""
    session.run([tf.local_variables_initializer(), tf.tables_initializer()])
    session.run([update for _, update in ops.eval_metric_ops.values()])
    return session.run({key: value for key, (value, _) in ops.eval_metric_ops.items()})


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_several_heads():
    heads = [learn.multi_class_head(3, label_name="kind", head_name="kinds", metric_class_ids=[0, 2]),
             learn.regression_head(label_name="size", head_name="sizes", link_fn=tf.exp)]  # fmt: skip
    head = learn.multi_head(heads, loss_weights=[1.0, 0.5])
    assert head.logits_dimension == 4
    logits = np.concatenate([LOGITS, [[1.0], [-1.0]]], 1).astype("f")
    kinds, sizes = np.array([2, 0]), np.array([0.5, 1.5], "f")
    with tf.Graph().as_default(), tf.Session() as session:
        labels = {"kind": tf.constant(kinds), "size": tf.constant(sizes)}
        ops = head.create_model_fn_ops({}, learn.ModeKeys.EVAL, labels, logits=tf.constant(logits))
        probabilities = softmax(LOGITS)
        loss = -np.log(probabilities[[0, 1], kinds]).mean() + 0.5 * np.square(logits[:, 3] - sizes).mean()
        assert session.run(ops.loss) == pytest.approx(loss, rel=1e-5)
        found = evaluated(ops, session)
        assert found["accuracy/kinds"] == 0.5
        assert found["labels/probability_mean/class2/kinds"] == pytest.approx(probabilities[:, 2].mean(), rel=1e-5)
        assert found["labels/actual_label_mean/class0/kinds"] == 0.5
        assert found["labels/prediction_mean/class0/kinds"] == 0.0
        said = session.run(ops.predictions)
        assert list(said["kinds", "classes"]) == [2, 1]
        np.testing.assert_allclose(said["sizes", "scores"], np.exp(logits[:, 3]), rtol=1e-5)
        infer = head.create_model_fn_ops({}, learn.ModeKeys.INFER, logits=tf.constant(logits))
        assert set(infer.output_alternatives) == {"kinds", "sizes"}
        with pytest.raises(ValueError, match="train_op_fn"):
            head.create_model_fn_ops({}, learn.ModeKeys.TRAIN, labels, logits=tf.constant(logits))
    for wrong in (lambda: learn.multi_head([learn.regression_head()]), lambda: learn.multi_head(heads, [1.0]),
                  lambda: learn.multi_head([]), lambda: learn.multi_class_head(3, metric_class_ids=[3]),
                  lambda: learn.multi_class_head(2, metric_class_ids=[1]),
                  lambda: learn.multi_class_head(3, loss_fn=lambda labels: labels)):  # fmt: skip
        with pytest.raises(ValueError):
            wrong()


def test_the_head_of_a_plane():
    logits, labels = np.array([[0.3], [-2.0], [1.5]], "f"), np.array([1, 0, 0])
    weights = np.array([1.0, 2.0, 0.5], "f")
    with tf.Graph().as_default(), tf.Session() as session:
        head = learn.binary_svm_head(weight_column_name="w", thresholds=[0.5])
        ops = head.create_model_fn_ops({"w": tf.constant(weights)}, "eval", tf.constant(labels),
                                       logits=tf.constant(logits))  # fmt: skip
        losses = np.maximum(0, 1 - np.array([1, -1, -1]) * logits[:, 0])
        assert session.run(ops.loss) == pytest.approx((losses * weights).mean(), rel=1e-5)
        found = evaluated(ops, session)
        assert found["accuracy"] == pytest.approx(3 / 3.5) and found["loss"] == pytest.approx(
            (losses * weights).sum() / 3.5
        )
        assert list(session.run(ops.predictions["classes"])) == [1, 0, 1]


def test_a_centered_bias_is_learnt():
    labels = np.array([[1.0], [1.0], [0.0], [1.0]], "f")
    with tf.Graph().as_default(), tf.Session() as session:
        head = learn.multi_class_head(2, enable_centered_bias=True)
        ops = head.create_model_fn_ops({}, "train", tf.constant(labels), train_op_fn=learn.no_op_train_fn,
                                       logits=tf.zeros([4, 1]))  # fmt: skip
        (bias,) = tf.trainable_variables()
        assert bias.op.name.endswith("centered_bias_weight")
        session.run(tf.global_variables_initializer())
        accumulated, expected = 0.1, 0.0
        for _ in range(5):
            session.run(ops.train_op)
            gradient = 1 / (1 + np.exp(-expected)) - 0.75
            accumulated += gradient**2
            expected -= 0.1 * gradient / np.sqrt(accumulated)
        assert session.run(bias)[0] == pytest.approx(expected, rel=1e-4)
        np.testing.assert_allclose(session.run(ops.predictions["logits"]), np.full((4, 1), expected), rtol=1e-4)


def test_a_loss_of_ones_own():
    def loss_fn(labels, logits, weights=1.0):
        return tf.reduce_sum(tf.abs(tf.cast(labels, tf.float32) - logits[:, 0]) * weights)

    with tf.Graph().as_default(), tf.Session() as session:
        head = learn.multi_class_head(3, loss_fn=loss_fn)
        ops = head.create_model_fn_ops({}, "eval", tf.constant([1, 2]), logits=tf.constant(LOGITS))
        assert session.run(ops.loss) == pytest.approx(0.5 + 2.25)


def line_model(features, labels, mode):
    x = features["x"] if isinstance(features, dict) else features
    w = tf.get_variable("w", [1], initializer=tf.zeros_initializer())
    logits = tf.squeeze(x, [1]) * w
    predictions = tf.sigmoid(logits)
    if mode == learn.ModeKeys.INFER:
        return predictions, None, None
    loss = tf.losses.sigmoid_cross_entropy(labels, logits)
    return predictions, loss, tf.train.GradientDescentOptimizer(0.5).minimize(loss, tf.train.get_global_step())


X = np.array([[1.0], [-2.0], [0.5], [-0.25]], "f")
Y = np.array([1, 0, 1, 1])


def test_logistic_regressor_and_feeds(tmp_path):
    model = learn.LogisticRegressor(line_model, thresholds=[0.3], model_dir=str(tmp_path))
    model.fit(X, Y, steps=20)
    found, w = model.evaluate(X, Y), model.get_variable_value("w")
    said = 1 / (1 + np.exp(-X[:, 0] * w))
    assert found["labels/prediction_mean"] == pytest.approx(said.mean(), rel=1e-4)
    assert found["accuracy/threshold_0.300000_mean"] == pytest.approx(((said > 0.3) == Y).mean())
    assert found["auc"] == pytest.approx(1.0, abs=1e-3)
    hole = []

    def input_fn():
        hole[:] = [tf.placeholder(tf.float32, [None, 1]), tf.placeholder(tf.int64, [None])]
        return hole[0], hole[1]

    fed = model.evaluate(input_fn=input_fn, feed_fn=lambda: {hole[0]: X, hole[1]: Y}, steps=1)
    assert fed["loss"] == pytest.approx(found["loss"], rel=1e-4)


def test_export_as_before_saved_model(tmp_path):
    model = learn.LinearRegressor([layers.real_valued_column("x")], model_dir=str(tmp_path / "model"))
    with pytest.raises(learn.NotFittedError):
        model.export(str(tmp_path / "out"))
    data = lambda: ({"x": tf.constant(X)}, tf.constant(3 * X))  # noqa: E731

    def signature_fn(examples, features, predictions):
        exporter = tf.contrib.session_bundle.exporter
        return exporter.regression_signature(examples, predictions["scores"]), {
            "all": exporter.generic_signature({"x": features["x"]})}  # fmt: skip

    monitor = learn.monitors.ExportMonitor(5, str(tmp_path / "out"), exports_to_keep=2, signature_fn=signature_fn)
    model.fit(input_fn=data, steps=5)
    model.fit(input_fn=data, steps=6, monitors=[monitor])
    folder = model.export(str(tmp_path / "last"), signature_fn=signature_fn, default_batch_size=None)
    assert os.path.basename(folder) == "00000011" and os.path.isfile(folder + "/export.meta")
    assert os.listdir(tmp_path / "out") and monitor.last_export_dir.startswith(str(tmp_path / "out"))
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(folder + "/export.meta")
        saver.restore(session, folder + "/export")
        with open(folder + "/export.meta", "rb") as file:
            meta = tf.MetaGraphDef.FromString(file.read())
        kinds = meta.collection_def["serving_signatures"].any_list.value[0]
        assert kinds.type_url.endswith("tensorflow.serving.Signatures")
        session.run(meta.collection_def["serving_init_op"].node_list.value[0])
        feature = tf.train.Feature(float_list=tf.train.FloatList(value=[2.0]))
        example = tf.train.Example(features=tf.train.Features(feature={"x": feature})).SerializeToString()
        output = next(n.name for n in session.graph.as_graph_def().node if n.name.endswith("scores"))
        said = session.run(output + ":0", {"input_example_tensor:0": [example]})
        expected = 2 * model.get_variable_value("linear/x/weight") + model.get_variable_value("linear/bias_weight")
        np.testing.assert_allclose(said, expected.ravel(), rtol=1e-5)


def test_monitors_that_dump_and_summarise(tmp_path):
    dumps = [learn.monitors.GraphDump() for _ in range(2)]
    for i, dump in enumerate(dumps):
        config = learn.RunConfig(tf_random_seed=1)
        model = learn.Estimator(line_model, model_dir=str(tmp_path / str(i)), config=config)
        model.fit(input_fn=lambda: (tf.constant(X), tf.constant(Y)), steps=3, monitors=[dump])
    matched, others = dumps[0].compare(dumps[1], 2)
    assert len(matched) > 5 and not others and sorted(dumps[0].data) == [1, 2, 3]
    assert not dumps[0].compare(dumps[1], 7)[0]
    dumps[1].data[2][matched[0]] = dumps[1].data[2][matched[0]] + 1.0
    assert dumps[0].compare(dumps[1], 2)[1] == [matched[0]]

    def with_summary(features, labels, mode):
        tf.summary.scalar("mean of x", tf.reduce_mean(features))
        return line_model(features, labels, mode)

    model = learn.Estimator(with_summary, model_dir=str(tmp_path / "summaries"))
    saver = learn.monitors.SummarySaver(None, save_steps=2, output_dir=str(tmp_path / "events"),
                                        scaffold=types.SimpleNamespace(summary_op="Merge/MergeSummary:0"))  # fmt: skip
    model.fit(input_fn=lambda: (tf.constant(X), tf.constant(Y)), steps=5, monitors=[saver])
    (events,) = (tmp_path / "events").iterdir()
    steps = [event.step for event in tf.train.summary_iterator(str(events)) if event.HasField("summary")]
    assert steps == [1, 3, 5]


def test_batches_of_files(tmp_path):
    for i in range(2):
        with tf.python_io.TFRecordWriter(str(tmp_path / f"data-{i}")) as writer:
            for k in range(5):
                value = tf.train.Feature(int64_list=tf.train.Int64List(value=[5 * i + k]))
                writer.write(tf.train.Example(features=tf.train.Features(feature={"n": value})).SerializeToString())

    def read(make, **options):
        with tf.Graph().as_default(), tf.Session() as session:
            batch = make(str(tmp_path / "data-*"), 4, num_epochs=1, **options)
            session.run(tf.local_variables_initializer())
            coordinator, found = tf.train.Coordinator(), []
            threads = tf.train.start_queue_runners(session, coord=coordinator)
            with pytest.raises(tf.errors.OutOfRangeError):
                while True:
                    found.append(session.run(batch))
            coordinator.request_stop()
            coordinator.join(threads)
            return found

    spec = {"n": tf.FixedLenFeature([], tf.int64)}
    found = read(lambda *a, **k: learn.read_batch_record_features(*a, features=spec, **k), randomize_input=False,
                 queue_capacity=20)  # fmt: skip
    assert [len(batch["n"]) for batch in found] == [4, 4, 2]
    assert [n for batch in found for n in batch["n"]] == list(range(10))
    mixed = read(lambda *a, **k: learn.read_batch_examples(*a, reader=tf.TFRecordReader, seed=3, **k), num_threads=2,
                 queue_capacity=20, parse_fn=lambda r: tf.parse_single_example(r, spec)["n"])  # fmt: skip
    assert sorted(n for batch in mixed for n in batch) == list(range(10))
    files = str(tmp_path / "data-*")
    for wrong in (
        {"batch_size": 0}, {"batch_size": 30, "queue_capacity": 20}, {"batch_size": 1, "num_threads": 0},
        {"batch_size": 1, "num_epochs": 0}, {"batch_size": 1, "file_pattern": files + "none"},
    ):  # fmt: skip
        with tf.Graph().as_default(), pytest.raises(ValueError):
            learn.read_batch_examples(**{"file_pattern": files, "reader": tf.TFRecordReader, **wrong})


def test_categories():
    rows = np.array([["0", "Male"], [1, "Female"], ["1", "Male"], ["", "Male"]], object)
    made = learn.preprocessing.CategoricalProcessor()
    found = np.array(list(made.fit_transform(rows)))
    assert found.tolist() == [[1, 1], [2, 2], [3, 1], [0, 1]]
    assert np.array(list(made.transform([["1", "none"]]))).tolist() == [[3, 0]]
    shared = learn.preprocessing.CategoricalProcessor(min_frequency=1, share=True)
    assert np.array(list(shared.fit_transform([["a", "b"], ["b", "c"]]))).tolist() == [[0, 1], [1, 0]]


def test_boston_and_dask(tmp_path, monkeypatch):
    (tmp_path / "boston.csv").write_text("2,3,a,b,c\n1,2,3,24.5\n4,5,6,21\n")
    data = learn.datasets.load_boston(str(tmp_path / "boston.csv"))
    assert data.data.tolist() == [[1, 2, 3], [4, 5, 6]] and data.target.tolist() == [24.5, 21]
    with pytest.raises(ValueError, match="data_path"):
        learn.datasets.load_boston()
    x = np.zeros(3)
    assert learn.extract_dask_data(x) is x and learn.extract_dask_labels(x) is x

    class Part(list):
        def copy(self):
            return Part(self)

    class Table:
        columns = ("a",)

        def __init__(self, parts, divisions=None):
            self.parts, self.divisions = parts, divisions

        def to_delayed(self):
            return self.parts

        def map_partitions(self, function):
            return types.SimpleNamespace(compute=lambda: [function(part) for part in self.parts])

    Table.__module__ = "dask.dataframe"
    dask = types.ModuleType("dask")
    dask.delayed = lambda function: function
    dask.dataframe = types.ModuleType("dask.dataframe")
    dask.dataframe.from_delayed = Table
    monkeypatch.setitem(sys.modules, "dask", dask)
    monkeypatch.setitem(sys.modules, "dask.dataframe", dask.dataframe)
    found = learn.extract_dask_data(Table([Part("ab"), Part("cde")]))
    assert found.divisions == (0, 2, 4) and [list(part.index) for part in found.parts] == [[0, 1], [2, 3, 4]]
    assert learn.extract_dask_labels(Table([Part("ab")])).divisions == (0, 1)
    wide = Table([Part("ab")])
    wide.columns = ("a", "b")
    with pytest.raises(ValueError, match="Only one column"):
        learn.extract_dask_labels(wide)


def test_export_of_other_graphs_is_refused(tmp_path):
    model = learn.Estimator(line_model, model_dir=str(tmp_path))
    spec = model.export_savedmodel.__func__.__defaults__[4][0]
    with pytest.raises(NotImplementedError, match="graph_rewrite_specs"):
        model.export_savedmodel(str(tmp_path), None, graph_rewrite_specs=(spec._replace(transforms=("quantize",)),))
