"""The parts of tf.estimator beside its models: settings, checks, exporters, hooks, inputs, warm starts, heads."""

import glob
import json
import os

import numpy as np
import pytest

import tenon
from api import parity
from api.both import run, same, tensorflow
from api.estimator_oracle import estimator as oracle
from api.estimator_oracle import of


@pytest.fixture(autouse=True)
def close_writers():
    yield
    tenon.summary.FileWriterCache.clear()


# What came after 1.15.
LATER = {"checkpoint_save_graph_def", "save_graph_def", "check_estimator"}


def test_signatures():
    """Every name and signature that the package has, but TPUs', k-means' and SDCA's."""
    wrong = []
    spaces = [("", oracle(), tenon.estimator)]
    spaces += [(f"{name}.", getattr(oracle(), name), getattr(tenon.estimator, name))
               for name in ("export", "inputs", "experimental")]  # fmt: skip
    for lead, theirs, ours in spaces:
        for name, their in sorted(parity.members(theirs).items()):
            if name in ("KMeans", "LinearSDCA"):
                continue
            our = getattr(ours, name, None)
            if our is None:
                wrong.append(f"{lead}{name}: missing")
            elif isinstance(their, type):
                wrong += [f"{path}: {what}" for path, what in parity.compare_class(lead + name, our, their)]
            else:
                wrong += [f"{path}: {what}" for path, what in parity.compare_calls(lead + name, our, their)]
    wrong = [line for line in wrong if not any(word in line for word in LATER)]
    assert not wrong, "\n".join(wrong)


CLUSTER = {"chief": ["h0:1"], "worker": ["h1:1", "h2:1"], "ps": ["p:1"]}
TOLD = [
    {},
    *(
        {"cluster": CLUSTER, "task": {"type": kind, "index": 0}}
        for kind in ("chief", "worker", "ps", "evaluator", "master")
    ),
    {"cluster": CLUSTER, "task": {"type": "worker", "index": 1}},
    {"cluster": CLUSTER},
    {"cluster": CLUSTER, "task": {"type": "worker"}},
    {"cluster": CLUSTER, "task": {"type": "worker", "index": 5}},
    {"cluster": CLUSTER, "task": {"type": "worker", "index": -1}},
    {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}},
    {"cluster": {"chief": ["a:1"]}, "task": {"type": "chief", "index": 0}},
    {"cluster": {"chief": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}},
    {"cluster": {"master": ["a:1"], "worker": ["b:1"]}, "task": {"type": "master", "index": 0}},
    {"task": {"type": "worker", "index": 0}},
    {"task": {"type": "worker", "index": 1}},
    {"task": {"type": "ps", "index": 0}},
    {"model_dir": "/x"},
    {"model_dir": ""},
    {"service": {"a": 1}},
    {"session_master": "m", "eval_session_master": "e"},
]
GIVEN = [
    {"save_checkpoints_steps": 1, "save_checkpoints_secs": 2}, {"save_checkpoints_steps": None},
    {"save_checkpoints_secs": None}, {"save_checkpoints_steps": 7}, {"keep_checkpoint_max": -1},
    {"keep_checkpoint_every_n_hours": 0}, {"log_step_count_steps": 0}, {"tf_random_seed": 1.5},
    {"save_summary_steps": -1}, {"session_config": 3}, {"model_dir": ""}, {"device_fn": 3},
    {"device_fn": lambda x: x}, {"protocol": "x"}, {"session_creation_timeout_secs": 0},
]  # fmt: skip
ATTRIBUTES = ("evaluation_master global_id_in_cluster is_chief master model_dir num_ps_replicas num_worker_replicas "
              "service task_id task_type save_checkpoints_secs save_checkpoints_steps keep_checkpoint_max "
              "keep_checkpoint_every_n_hours log_step_count_steps save_summary_steps tf_random_seed protocol "
              "device_fn").split()  # fmt: skip


def told(module, given):
    try:
        made = module.RunConfig(**given)
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    filters = list(made.session_config.device_filters) if made.session_config else None
    return [getattr(made, name) for name in ATTRIBUTES], made.cluster_spec.as_dict(), filters


@pytest.mark.parametrize("config", TOLD, ids=str)
def test_place_in_a_cluster(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert told(tenon.estimator, {}) == told(oracle(), {})


def test_run_config():
    for given in GIVEN:
        assert told(tenon.estimator, given) == told(oracle(), given), given
    for change in ({"save_checkpoints_secs": 3}, {"model_dir": "q", "tf_random_seed": 2}):
        both = [module.RunConfig(save_checkpoints_steps=5).replace(**change) for module in (tenon.estimator, oracle())]
        ours, theirs = ([getattr(one, name) for name in ATTRIBUTES] for one in both)
        assert ours == theirs
    for change in ({"is_chief": 1}, {"save_checkpoints_secs": 3, "save_checkpoints_steps": 4}):
        for module in (tenon.estimator, oracle()):
            with pytest.raises(ValueError):
                module.RunConfig().replace(**change)


def raised(make):
    try:
        make()
    except Exception as error:
        return type(error).__name__
    return None


SPECS = {
    "no loss": lambda tf, e: e.EstimatorSpec("eval"),
    "no train_op": lambda tf, e: e.EstimatorSpec("train", loss=tf.constant(1.0)),
    "no predictions": lambda tf, e: e.EstimatorSpec("infer"),
    "loss of two": lambda tf, e: e.EstimatorSpec("eval", loss=tf.constant([1.0, 2.0])),
    "loss that is a number": lambda tf, e: e.EstimatorSpec("eval", loss=1.0),
    "train_op that is a number": lambda tf, e: e.EstimatorSpec("train", loss=tf.constant(1.0), train_op=1.0),
    "prediction that is a number": lambda tf, e: e.EstimatorSpec("infer", predictions={"a": 1.0}),
    "metric that is a tensor": lambda tf, e: e.EstimatorSpec(
        "eval", loss=tf.constant(1.0), eval_metric_ops={"a": tf.constant(1.0)}),
    "metrics in a list": lambda tf, e: e.EstimatorSpec("eval", loss=tf.constant(1.0), eval_metric_ops=[1]),
    "output that is none": lambda tf, e: e.EstimatorSpec(
        "infer", predictions=tf.constant(1.0), export_outputs={"a": tf.constant(1.0)}),
    "two outputs": lambda tf, e: e.EstimatorSpec("infer", predictions=tf.constant(1.0), export_outputs={
        "a": e.export.PredictOutput(tf.constant(1.0)), "b": e.export.PredictOutput(tf.constant(1.0))}),
    "hook that is none": lambda tf, e: e.EstimatorSpec("eval", loss=tf.constant(1.0), evaluation_hooks=[1]),
    "scaffold that is none": lambda tf, e: e.EstimatorSpec("eval", loss=tf.constant(1.0), scaffold=1),
    "other graph": lambda tf, e: e.EstimatorSpec("eval", loss=elsewhere(tf)),
    "scores that are words": lambda tf, e: e.export.ClassificationOutput(scores=tf.constant("a")),
    "classes that are numbers": lambda tf, e: e.export.ClassificationOutput(classes=tf.constant(1.0)),
    "neither": lambda tf, e: e.export.ClassificationOutput(),
    "value that is a word": lambda tf, e: e.export.RegressionOutput(tf.constant("a")),
    "receiver of a number": lambda tf, e: e.export.ServingInputReceiver(1, tf.constant(1.0)),
    "receiver of none": lambda tf, e: e.export.ServingInputReceiver(None, None),
    "train spec": lambda tf, e: e.TrainSpec(lambda: None, max_steps=0),
    "train spec of none": lambda tf, e: e.TrainSpec(1),
    "eval spec": lambda tf, e: e.EvalSpec(lambda: None, steps=0),
    "eval spec's name": lambda tf, e: e.EvalSpec(lambda: None, name=1),
    "eval spec's wait": lambda tf, e: e.EvalSpec(lambda: None, throttle_secs=-1),
    "exporter that is none": lambda tf, e: e.EvalSpec(lambda: None, exporters=[1]),
    "exporters of one name": lambda tf, e: e.EvalSpec(
        lambda: None, exporters=[e.FinalExporter("a", lambda: None), e.FinalExporter("a", lambda: None)]),
    "exports to keep": lambda tf, e: e.LatestExporter("a", lambda: None, exports_to_keep=0),
    "no comparison": lambda tf, e: e.BestExporter("a", lambda: None, compare_fn=None),
    "model_fn": lambda tf, e: e.Estimator(None),
    "model_fn without features": lambda tf, e: e.Estimator(lambda x, mode: None),
    "params unused": lambda tf, e: e.Estimator(lambda features: None, params={}),
    "more arguments": lambda tf, e: e.Estimator(lambda features, other: None),
    "config": lambda tf, e: e.Estimator(lambda features: None, config=1),
    "two folders": lambda tf, e: e.Estimator(lambda features: None, "a", e.RunConfig("b")),
    "overridden": lambda tf, e: type("Mine", (e.Estimator,), {"train": lambda self: None})(lambda features: None),
    "optimizer": lambda tf, e: e.LinearClassifier([tf.feature_column.numeric_column("x")], optimizer="none").train(
        lambda: ({"x": tf.constant([1.0])}, tf.constant([1])), steps=1),
    "n_classes": lambda tf, e: e.MultiClassHead(2),
    "thresholds": lambda tf, e: e.BinaryClassHead(thresholds=[1.5]),
    "vocabulary": lambda tf, e: e.MultiClassHead(3, label_vocabulary=["a"]),
    "reduction": lambda tf, e: e.RegressionHead(loss_reduction="none"),
    "dimension": lambda tf, e: e.RegressionHead(label_dimension=0),
    "loss_fn": lambda tf, e: e.RegressionHead(loss_fn=lambda x: x),
    "no heads": lambda tf, e: e.MultiHead([]),
    "head without name": lambda tf, e: e.MultiHead([e.RegressionHead()]),
    "head weights": lambda tf, e: e.MultiHead([e.RegressionHead(name="a")], [1.0, 2.0]),
    "label as feature": lambda tf, e: e.classifier_parse_example_spec([tf.feature_column.numeric_column("x")], "x"),
    "shuffle": lambda tf, e: e.inputs.numpy_input_fn({"x": np.zeros(3)}),
    "x": lambda tf, e: e.inputs.numpy_input_fn([1, 2], shuffle=False)(),
    "empty x": lambda tf, e: e.inputs.numpy_input_fn({}, shuffle=False)(),
    "lengths": lambda tf, e: e.inputs.numpy_input_fn({"x": np.zeros(3)}, np.zeros(2), shuffle=False)(),
    "shared names": lambda tf, e: e.inputs.numpy_input_fn({"x": np.zeros(3)}, {"x": np.zeros(3)}, shuffle=False)(),
    "metric_fn": lambda tf, e: e.add_metrics(e.BaselineRegressor(), lambda other: None),
    "early stopping": lambda tf, e: e.experimental.stop_if_higher_hook(1, "loss", 1.0),
    "both intervals": lambda tf, e: e.experimental.make_early_stopping_hook(
        e.BaselineRegressor(), lambda: True, run_every_secs=1, run_every_steps=1),
    "nothing to start from": lambda tf, e: e.WarmStartSettings(""),
}  # fmt: skip


def elsewhere(tf):
    with tf.Graph().as_default():
        return tf.constant(1.0)


@pytest.mark.parametrize("name", list(SPECS))
def test_refused(name):
    found = []
    for tf in (tenon, tensorflow()):
        with tf.Graph().as_default():
            found.append(raised(lambda tf=tf: SPECS[name](tf, of(tf))))
    assert found[0] == found[1] is not None


def line():
    x = np.linspace(-1, 1, 24).astype("f")
    return {"x": x}, 3 * x + 1


def model_fn(features, labels, mode):
    w = tenon.get_variable("w", [], initializer=tenon.zeros_initializer())
    b = tenon.get_variable("b", [], initializer=tenon.zeros_initializer())
    value = features["x"] * w + b
    if mode == "infer":
        return tenon.estimator.EstimatorSpec(mode, {"value": value})
    loss = tenon.reduce_mean(tenon.square(value - labels))
    train = tenon.train.GradientDescentOptimizer(0.2).minimize(loss, tenon.train.get_global_step())
    return tenon.estimator.EstimatorSpec(mode, {"value": value}, loss, train)


def made(folder, **config):
    return tenon.estimator.Estimator(model_fn, str(folder), tenon.estimator.RunConfig(**config))


def feed(epochs=None):
    x, y = line()
    return tenon.estimator.inputs.numpy_input_fn(x, y, 24, epochs, shuffle=False)


def receive():
    fed = tenon.placeholder(tenon.float32, [None], name="x")
    return tenon.estimator.export.ServingInputReceiver({"x": fed}, {"x": fed})


def test_train_and_evaluate_exports(tmp_path):
    e = tenon.estimator
    exporters = [e.FinalExporter("final", receive), e.LatestExporter("latest", receive, exports_to_keep=2),
                 e.BestExporter("best", receive, exports_to_keep=1)]  # fmt: skip
    one = made(tmp_path, save_checkpoints_steps=5)
    found, exported = e.train_and_evaluate(
        one, e.TrainSpec(feed(), max_steps=20), e.EvalSpec(feed(1), steps=None, exporters=exporters, throttle_secs=0)
    )
    assert found["global_step"] == 20 and found["loss"] < 0.1
    kept = {name: len(os.listdir(tmp_path / "export" / name)) for name in ("final", "latest", "best")}
    assert kept == {"final": 1, "latest": 2, "best": 1} and len(exported) == 3 and all(exported)
    steps = list(tenon.python.estimator.early_stopping.read_eval_metrics(one.eval_dir()))
    assert steps == [5, 10, 15, 20]
    again, _ = e.train_and_evaluate(one, e.TrainSpec(feed(), max_steps=20), e.EvalSpec(feed(1)))
    assert again is None
    tf = tensorflow()
    with tf.Graph().as_default(), tf.Session() as session:  # TensorFlow reads it
        signature = tf.saved_model.load(session, ["serve"], exported[0].decode()).signature_def["serving_default"]
        value = session.run(signature.outputs["value"].name, {signature.inputs["x"].name: line()[0]["x"]})
    np.testing.assert_allclose(value, [p["value"] for p in one.predict(feed(1))], rtol=1e-6)


def test_exports_of_all_modes(tmp_path):
    x, y = line()
    one = made(tmp_path / "m")
    one.train(feed(), steps=3)
    e = tenon.estimator
    with tenon.Graph().as_default():
        supervised = e.experimental.build_raw_supervised_input_receiver_fn(
            {"x": tenon.constant(x["x"])}, tenon.constant(y)
        )
        receivers = {"train": supervised, "eval": supervised, "infer": receive}
        extra = {"some/words.txt": __file__}
        folder = one.experimental_export_all_saved_models(str(tmp_path / "e"), receivers, assets_extra=extra).decode()
    assert os.path.exists(os.path.join(folder, "assets.extra", "some", "words.txt"))
    tf = tensorflow()
    for tag, mode in (("serve", "serving_default"), ("train", "train"), ("eval", "eval")):
        with tf.Graph().as_default(), tf.Session() as session:
            signatures = tf.saved_model.load(session, [tag], folder).signature_def
            assert mode in signatures, (tag, list(signatures))
            outputs = {name: info.name for name, info in signatures[mode].outputs.items()}
            fed = {info.name: x["x"] if name == "x" else y for name, info in signatures[mode].inputs.items()}
            found = session.run(outputs, fed)
        if tag != "serve":
            assert abs(found["loss"] - np.mean((found["predictions/value"] - y) ** 2)) < 1e-5


def test_parsing_receiver_and_signatures(tmp_path):
    e, c = tenon.estimator, tenon.feature_column
    columns = [c.numeric_column("x"), c.categorical_column_with_vocabulary_list("w", ["a", "b"])]
    one = e.LinearClassifier(columns, str(tmp_path / "m"))
    x = {"x": np.arange(4.0, dtype="f"), "w": np.array(["a", "b", "a", "b"])}
    one.train(e.inputs.numpy_input_fn(x, np.array([0, 1, 0, 1]), shuffle=False), steps=1)
    spec = c.make_parse_example_spec(columns)
    folder = one.export_saved_model(
        str(tmp_path / "e"), e.export.build_parsing_serving_input_receiver_fn(spec)
    ).decode()
    tf = tensorflow()
    feature = tf.train.Feature
    text = tf.train.Example(features=tf.train.Features(feature={
        "x": feature(float_list=tf.train.FloatList(value=[3.0])),
        "w": feature(bytes_list=tf.train.BytesList(value=[b"b"]))})).SerializeToString()  # fmt: skip
    with tf.Graph().as_default(), tf.Session() as session:
        signatures = tf.saved_model.load(session, ["serve"], folder).signature_def
        methods = {name: signature.method_name.rpartition("/")[2] for name, signature in signatures.items()}
        assert methods == {"serving_default": "classify", "classification": "classify", "regression": "regress",
                           "predict": "predict"}  # fmt: skip
        default = signatures["serving_default"]
        scores = session.run(default.outputs["scores"].name, {default.inputs["inputs"].name: [text]})
    ours = list(one.predict(e.inputs.numpy_input_fn({"x": x["x"][3:], "w": x["w"][3:]}, shuffle=False)))
    np.testing.assert_allclose(scores[0], ours[0]["probabilities"], rtol=1e-6)


def test_early_stopping(tmp_path):
    e = tenon.estimator
    one = made(tmp_path, save_checkpoints_steps=5)
    os.makedirs(one.eval_dir())
    hook = e.experimental.stop_if_no_decrease_hook(one, "loss", 10, run_every_secs=None, run_every_steps=1)

    def worse(features, labels):
        return {"up": tenon.metrics.mean(tenon.cast(tenon.train.get_global_step(), tenon.float32))}

    grown = e.add_metrics(one, worse)
    rising = e.experimental.stop_if_higher_hook(grown, "up", 12.0, run_every_secs=None, run_every_steps=1)
    spec = e.EvalSpec(feed(1), steps=1, throttle_secs=0)
    e.train_and_evaluate(grown, e.TrainSpec(feed(), max_steps=1000, hooks=[rising]), spec)
    assert one.get_variable_value("global_step") == 15
    e.train_and_evaluate(one, e.TrainSpec(feed(), max_steps=2000, hooks=[hook]), spec)
    assert one.get_variable_value("global_step") < 2000


def test_hooks_and_listeners(tmp_path):
    class Listener(tenon.estimator.CheckpointSaverListener):
        told = []

        def after_save(self, session, global_step_value):
            self.told.append(int(global_step_value))

    one = made(tmp_path, save_checkpoints_steps=4)
    evaluations = tenon.estimator.experimental.InMemoryEvaluatorHook(one, feed(1), every_n_iter=5)
    one.train(feed(), steps=10, saving_listeners=[Listener()], hooks=[evaluations])
    assert Listener.told == [0, 4, 8, 10]
    assert len(glob.glob(str(tmp_path / "eval" / "*.tfevents.*"))) == 1
    with pytest.raises(TypeError):
        one.train(feed(), steps=1, saving_listeners=[1])
    with pytest.raises(TypeError):
        one.train(feed(), steps=1, hooks=[1])
    quiet = made(tmp_path / "q", save_checkpoints_steps=None)
    with pytest.raises(ValueError, match="CheckpointSaverHook"):
        quiet.train(feed(), steps=1, saving_listeners=[Listener()])


def test_predictions(tmp_path):
    one = made(tmp_path)
    assert len(list(one.predict(feed(1)))) == 24  # of the initial values
    one.train(feed(), steps=5)
    batches = list(one.predict(feed(1), yield_single_examples=False, predict_keys=["value"]))
    assert [b["value"].shape for b in batches] == [(24,)]
    with pytest.raises(ValueError, match="Expected to run at least one output"):
        next(one.predict(feed(1), predict_keys=["none"]))
    first = next(one.predict(feed(1), checkpoint_path=str(tmp_path / "model.ckpt-0")))
    assert first["value"] == 0
    found = one.predict(feed(1))
    next(found)
    assert tenon.constant(1.0).graph is tenon.get_default_graph()  # not that of the prediction
    found.close()


def test_warm_start(tmp_path):
    one = made(tmp_path / "a")
    one.train(feed(), steps=30)
    e = tenon.estimator
    every = e.Estimator(model_fn, str(tmp_path / "b"), warm_start_from=str(tmp_path / "a"))
    settings = e.WarmStartSettings(str(tmp_path / "a"), vars_to_warm_start="w")
    some = e.Estimator(model_fn, str(tmp_path / "c"), warm_start_from=settings)
    for other in (every, some):
        other.train(feed(), steps=1)
        start = tenon.train.load_checkpoint(os.path.join(other.model_dir, "model.ckpt-0"))
        assert start.get_tensor("global_step") == 0
        assert start.get_tensor("w") == one.get_variable_value("w")
        assert start.get_tensor("b") == (one.get_variable_value("b") if other is every else 0)
    with pytest.raises(ValueError, match="warm_start_from"):
        e.Estimator(model_fn, warm_start_from=3)


def batches(tf, make, count):
    with tf.Graph().as_default():
        tensors = make(of(tf))()
        coordinator = tf.train.Coordinator()
        with tf.Session() as session:
            threads = tf.train.start_queue_runners(session, coordinator)
            found = [session.run(tensors) for _ in range(count)]
            end = raised(lambda: session.run(tensors))
            coordinator.request_stop()
            coordinator.join(threads, ignore_live_threads=True, stop_grace_period_secs=5)
    return found, end


INPUTS = {
    "dict": lambda e: e.inputs.numpy_input_fn({"a": np.arange(5), "b": np.arange(10.0).reshape(5, 2)}, np.arange(5),
                                              batch_size=2, num_epochs=2, shuffle=False),
    "array": lambda e: e.inputs.numpy_input_fn(np.arange(9.0), batch_size=2, shuffle=False),
    "labels by name": lambda e: e.inputs.numpy_input_fn(
        {"a": np.array(["x", "y", "z"])}, {"l": np.arange(3), "m": np.arange(3.0)}, batch_size=1, shuffle=False),
}  # fmt: skip


@pytest.mark.parametrize("name", list(INPUTS))
def test_numpy_input_fn(name):
    count = {"labels by name": 3}.get(name, 5)
    ours, our_end = batches(tenon, INPUTS[name], count)
    theirs, their_end = batches(tensorflow(), INPUTS[name], count)
    same([list(one) if isinstance(one, tuple) else one for one in ours],
         [list(one) if isinstance(one, tuple) else one for one in theirs])  # fmt: skip
    assert our_end == their_end == "OutOfRangeError"


def test_shuffled_input():
    make = tenon.estimator.inputs.numpy_input_fn(np.arange(7), batch_size=7, num_epochs=3, shuffle=True)
    ours, _ = batches(tenon, lambda _: make, 3)
    assert all(sorted(one) == list(range(7)) for one in ours)
    assert any(list(one) != list(range(7)) for one in ours)


class Frame(dict):
    """As much of pandas' tables as input functions ask for; pandas is not among what the tests install."""

    @property
    def columns(self):
        return list(self)

    @property
    def index(self):
        return np.arange(len(next(iter(self.values()))))


class Column(np.ndarray):
    index = property(lambda self: np.arange(len(self)))


def test_pandas_input_fn():
    frame = Frame(a=np.arange(3), b=np.array(["x", "y", "z"], object))
    labels = np.arange(3.0).view(Column)
    make = tenon.estimator.inputs.pandas_input_fn
    ours, end = batches(tenon, lambda _: make(frame, labels, batch_size=2, shuffle=False), 2)
    assert end == "OutOfRangeError" and [one[0]["a"].tolist() for one in ours] == [[0, 1], [2]]
    assert ours[1][0]["b"].tolist() == [b"z"] and ours[0][1].tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match="Index"):
        make(frame, np.arange(2.0).view(Column), shuffle=False)
    with pytest.raises(TypeError):
        make(np.zeros(3), shuffle=False)


def test_parse_specs():
    def specs(tf):
        e, c = of(tf), tf.feature_column
        columns = [c.numeric_column("a", 2), c.categorical_column_with_identity("i", 3)]
        found = [
            e.classifier_parse_example_spec(columns, "y", weight_column="w"),
            e.classifier_parse_example_spec(columns, "y", label_dtype=tf.string, label_default="n"),
            e.regressor_parse_example_spec(columns, "y", label_dimension=3, label_default=[1.0, 2.0, 3.0]),
        ]
        return [{key: [type(f).__name__, f.dtype.name, list(getattr(f, "shape", []))] for key, f in one.items()}
                for one in found]  # fmt: skip

    assert specs(tenon) == specs(tensorflow())


B, W = [[1.0], [-2.0], [0.3], [0.0]], [[1.0], [0.5], [2.0], [0.0]]
HEADS = {
    "binary": (lambda e: e.BinaryClassHead(weight_column="w", thresholds=[0.3, 0.8]), B, [[1], [0], [0], [1]]),
    "named": (lambda e: e.BinaryClassHead(label_vocabulary=["a", "b"], name="h"), B, [["a"], ["b"], ["a"], ["b"]]),
    "classes": (lambda e: e.MultiClassHead(3, weight_column="w", loss_reduction="sum"),
                [[1.0, 2, 3], [0, 0, 1], [3, 1, 2], [1, 1, 1]], [1, 0, 2, 2]),
    "own loss": (lambda e: e.MultiClassHead(3, loss_fn=own_loss), [[1.0, 2, 3], [0, 0, 1], [3, 1, 2], [1, 1, 1]],
                 [1, 0, 2, 2]),
    "many": (lambda e: e.MultiLabelHead(2, weight_column="w", label_vocabulary=["p", "q"], thresholds=[0.4],
                                        classes_for_class_based_metrics=["q"]),
             [[1.0, 2], [0, -1], [0.5, 0.5], [3, 1]], [[1, 0], [0, 1], [1, 1], [0, 0]]),
    "numbers": (lambda e: e.RegressionHead(2, weight_column="w"), [[1.0, 2], [0, 1], [3, 1], [1, 1]],
                [[1.0, 1], [0, 2], [2, 0], [5, 1]]),
    "counts": (lambda e: e.PoissonRegressionHead(loss_reduction="sum"), B, [[1.0], [3], [0], [2]]),
    "odds": (lambda e: e.LogisticRegressionHead(), B, [[1.0], [0.25], [0], [0.5]]),
}  # fmt: skip


def own_loss(labels, logits):
    return abs(logits[:, :1] - cast(labels, logits))


def cast(labels, logits):
    tf = tenon if type(labels).__module__.startswith("tenon") else tensorflow()
    return tf.cast(labels, logits.dtype)


def head_program(name, mode):
    def program(tf):
        make, logits, labels = HEADS[name]
        head = make(of(tf))
        tf.train.create_global_step()
        features = {"w": tf.constant(W)}
        regularization = [tf.constant(0.25)] if mode != "infer" else None
        spec = head.create_estimator_spec(
            features, mode, tf.constant(logits, tf.float32), None if mode == "infer" else tf.constant(labels),
            train_op_fn=(lambda loss: tf.identity(loss)) if mode == "train" else None,
            regularization_losses=regularization,
        )  # fmt: skip
        if mode == "infer":
            kinds = {key: type(output).__name__ for key, output in spec.export_outputs.items()}
            return [spec.predictions, kinds, head.logits_dimension, head.name]
        if mode == "train":
            return [spec.loss, spec.train_op]
        pairs = {
            key: m if isinstance(m, tuple) else (m.result(), m.updates[0]) for key, m in spec.eval_metric_ops.items()
        }
        with tf.Session() as session:
            session.run([tf.local_variables_initializer(), tf.global_variables_initializer(), tf.tables_initializer()])
            loss = session.run([spec.loss, *[update for _, update in pairs.values()]])[0]
            return [loss, session.run({key: value for key, (value, _) in pairs.items()})]

    return program


@pytest.mark.parametrize("name", list(HEADS))
def test_heads(name):
    for mode in ("train", "eval", "infer"):
        program = head_program(name, mode)
        same(run(tenon, program), run(tensorflow(), program), rtol=1e-4, atol=1e-5, where=mode)


def test_keras_model(tmp_path):
    layers = tenon.keras.layers
    x = np.random.RandomState(0).randn(32, 3).astype("f")
    y = (x @ [[2.0], [-1.0], [0.5]]).astype("f")
    with tenon.Graph().as_default(), tenon.Session().as_default() as session:
        tenon.keras.backend.set_session(session)
        model = tenon.keras.Sequential([layers.Dense(4, activation="tanh", input_shape=(3,)), layers.Dense(1)])
        model.compile(tenon.keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
        one = tenon.keras.estimator.model_to_estimator(model, model_dir=str(tmp_path))
        key, out = model.input_names[0], model.output_names[0]

        def fed():
            return tenon.data.Dataset.from_tensors(({key: x}, y)).repeat()

        predicted = np.array(
            [p[out] for p in one.predict(tenon.estimator.inputs.numpy_input_fn({key: x}, shuffle=False))]
        )
        np.testing.assert_allclose(predicted, model.predict(x), rtol=1e-6)
        one.train(fed, steps=20)
        for _ in range(20):
            model.train_on_batch(x, y)
        found, expected = one.evaluate(fed, steps=1), model.evaluate(x, y, verbose=0)
        np.testing.assert_allclose([found["loss"], found["mean_absolute_error"]], expected, rtol=1e-4)
        assert found["global_step"] == 20
        for wrong in ({}, {"keras_model": tenon.keras.Sequential()}, {"keras_model": model, "keras_model_path": "x"}):
            with pytest.raises(ValueError):
                tenon.keras.estimator.model_to_estimator(**wrong)
    tenon.keras.backend.clear_session()
