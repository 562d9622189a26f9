"""tf.contrib.tpu without a TPU, cluster resolvers, and other parts that programs of the time ask for."""

import json

import numpy as np
import pytest

import tenon as tf


def model_fn(features, labels, mode, params):
    seen = model_fn.seen.setdefault(mode, {**params})
    assert seen == params
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    y = features["x"] * w
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.contrib.tpu.TPUEstimatorSpec(mode=mode, predictions={"y": y})
    loss = tf.reduce_mean(tf.square(y - labels))
    optimizer = tf.contrib.tpu.CrossShardOptimizer(tf.train.GradientDescentOptimizer(0.3))
    train_op = optimizer.minimize(loss, tf.train.get_global_step())

    def metrics(labels, y):
        return {"error": tf.metrics.mean_absolute_error(labels, y)}

    return tf.contrib.tpu.TPUEstimatorSpec(mode=mode, loss=loss, train_op=train_op, eval_metrics=(metrics, [labels, y]))


def input_fn(params):
    x = np.arange(8, dtype="f") / 8
    return tf.data.Dataset.from_tensor_slices(({"x": x}, 2 * x)).repeat().batch(params["batch_size"], True)


def test_train_evaluate_predict(tmp_path):
    model_fn.seen = {}
    config = tf.contrib.tpu.RunConfig(model_dir=str(tmp_path), tpu_config=tf.contrib.tpu.TPUConfig(100, num_shards=8))
    estimator = tf.contrib.tpu.TPUEstimator(
        model_fn, config=config, use_tpu=False, train_batch_size=8, eval_batch_size=4, predict_batch_size=2,
        params={"depth": 3}
    )  # fmt: skip
    estimator.train(input_fn, max_steps=100)
    found = estimator.evaluate(input_fn, steps=2)
    assert found["loss"] < 1e-4 and found["error"] < 1e-2 and found["global_step"] == 100
    values = [next(it)["y"] for it in [estimator.predict(input_fn)] for _ in range(3)]
    np.testing.assert_allclose(values, [0, 0.25, 0.5], atol=1e-2)
    assert {mode: seen["batch_size"] for mode, seen in model_fn.seen.items()} == {"train": 8, "eval": 4, "infer": 2}
    assert all(seen["depth"] == 3 and seen["use_tpu"] is False for seen in model_fn.seen.values())
    assert estimator.params == {"depth": 3} and estimator.config.tpu_config.iterations_per_loop == 100


def test_what_is_refused():
    config = tf.contrib.tpu.RunConfig()
    with pytest.raises(NotImplementedError, match="use_tpu=False"):
        tf.contrib.tpu.TPUEstimator(model_fn, config=config, train_batch_size=8)
    with pytest.raises(ValueError, match="batch_size are reserved"):
        tf.contrib.tpu.TPUEstimator(model_fn, config=config, use_tpu=False, params={"batch_size": 1})
    with pytest.raises(ValueError, match="tpu_config"):
        tf.contrib.tpu.TPUEstimator(model_fn, config=tf.estimator.RunConfig(), use_tpu=False)
    with pytest.raises(ValueError, match="params"):
        tf.contrib.tpu.TPUEstimator(lambda features, labels, mode: None, config=config, use_tpu=False)
    with pytest.raises(ValueError, match="eval_metrics"):
        tf.contrib.tpu.TPUEstimatorSpec("eval", eval_metrics=[1])
    with pytest.raises(NotImplementedError, match="no TPU"):
        tf.contrib.cluster_resolver.TPUClusterResolver("grpc://10.0.0.2:8470")
    with pytest.raises(ValueError, match="num_cores_per_replica"):
        tf.contrib.tpu.TPUConfig(num_cores_per_replica=3)


def test_bfloat16_scope():
    with tf.Graph().as_default():
        with tf.contrib.tpu.bfloat16_scope():
            v = tf.get_variable("v", [2], dtype=tf.bfloat16, initializer=tf.ones_initializer())
        assert v.dtype == tf.bfloat16 and [x.dtype.base_dtype for x in tf.global_variables()] == [tf.float32]


def test_cluster_resolvers(monkeypatch):
    resolvers = tf.distribute.cluster_resolver
    spec = tf.train.ClusterSpec({"ps": ["a:1"], "worker": ["b:1", "c:1"]})
    simple = resolvers.SimpleClusterResolver(spec, master="x:1", task_type="worker", task_id=1, rpc_layer="grpc")
    assert simple.cluster_spec() == spec and simple.master() == "grpc://x:1"
    assert simple.master("worker", 1) == "grpc://c:1" and simple.num_accelerators() == {}
    more = resolvers.SimpleClusterResolver(tf.train.ClusterSpec({"worker": ["d:1"], "chief": ["e:1"]}))
    union = tf.contrib.cluster_resolver.UnionClusterResolver(simple, more)
    jobs = {"ps": ["a:1"], "worker": ["b:1", "c:1", "d:1"], "chief": ["e:1"]}
    assert union.cluster_spec().as_dict() == jobs and union.master() == "grpc://x:1" and union.task_id == 1
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert resolvers.TFConfigClusterResolver().master() == ""
    told = {"cluster": spec.as_dict(), "task": {"type": "worker", "index": 0}, "rpc_layer": "grpc"}
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    told = resolvers.TFConfigClusterResolver()
    assert (told.task_type, told.task_id, told.master(), told.cluster_spec()) == ("worker", 0, "grpc://b:1", spec)
    with pytest.raises(TypeError):
        resolvers.SimpleClusterResolver({"ps": ["a:1"]})


def test_checkpointable_objects(tmp_path):
    class Net(tf.contrib.checkpoint.Checkpointable):
        def __init__(self, start):
            self.w = tf.get_variable("w", [], initializer=tf.constant_initializer(start))
            self.many = tf.contrib.checkpoint.List(tf.get_variable("a", [], initializer=tf.constant_initializer(start)))
            self.left_out = tf.contrib.checkpoint.NoDependency(
                tf.get_variable("b", [], initializer=tf.constant_initializer(start))
            )

    with tf.Graph().as_default(), tf.Session() as session:
        net = Net(3.0)
        session.run(tf.global_variables_initializer())
        path = tf.train.Checkpoint(net=net).save(str(tmp_path / "c"), session)
    with tf.Graph().as_default(), tf.Session() as session:
        net = Net(0.0)
        session.run(tf.global_variables_initializer())
        tf.train.Checkpoint(net=net).restore(path).run_restore_ops(session)
        assert session.run([net.w, net.many[0], net.left_out]) == [3.0, 3.0, 0.0]
        assert net.many.variables == [net.many[0]]
        assert net.w in tf.contrib.checkpoint.list_objects(net)
    mapping = tf.contrib.checkpoint.Mapping()
    mapping["x"] = 1
    with pytest.raises(ValueError, match="append-only"):
        mapping["x"] = 2


def test_jit_scope_marks_nodes():
    with tf.Graph().as_default():
        with tf.contrib.compiler.jit.experimental_jit_scope():
            marked = tf.ones([2]) + 1.0
        plain = tf.ones([2]) + 1.0
        assert marked.op.get_attr("_XlaCompile") and "_XlaCompile" not in plain.op.node_def.attr


def test_py_function_gives_values_that_have_numpy():
    with tf.Graph().as_default(), tf.Session() as session:
        double = tf.py_function(lambda x: x.numpy() * 2, [tf.constant([1.0, 2.0])], tf.float32)
        words = tf.py_function(lambda s, n: s.numpy().decode() * int(n.numpy()), [tf.constant("ab"), 2], tf.string)
        whole = tf.py_function(lambda x: [x, x.numpy().sum()], [tf.ones([3])], [tf.float32, tf.float32])
        found = session.run([double, words, *whole])
    np.testing.assert_array_equal(found[0], [2, 4])
    assert found[1] == b"abab" and found[2].tolist() == [1, 1, 1] and found[3] == 3


def test_modes_of_tests():
    class Case(tf.test.TestCase):
        modes = []

        @tf.contrib.eager.run_test_in_graph_and_eager_modes
        def test_both(self):
            self.modes.append(tf.executing_eagerly())
            self.assertAllEqual(self.evaluate(tf.constant([1, 2]) + 1), [2, 3])

    case = Case("test_both")
    result = case.run()
    assert result is None or result.wasSuccessful(), result.errors + result.failures
    assert Case.modes == [False, True] and not tf.executing_eagerly()


def test_predictors(tmp_path):
    def model(features, labels, mode):
        w = tf.get_variable("w", [], initializer=tf.constant_initializer(3.0))
        y = features["x"] * w
        if mode == tf.estimator.ModeKeys.PREDICT:
            outputs = {"serving_default": tf.estimator.export.PredictOutput({"y": y})}
            return tf.estimator.EstimatorSpec(mode, predictions={"y": y, "w": w}, export_outputs=outputs)
        loss = tf.reduce_mean(tf.square(y - labels))
        train_op = tf.train.GradientDescentOptimizer(0.0).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)

    estimator = tf.estimator.Estimator(model, str(tmp_path / "model"))
    estimator.train(lambda: tf.data.Dataset.from_tensors(({"x": np.ones(2, "f")}, np.ones(2, "f"))), steps=1)
    with tf.Graph().as_default():
        receiver = tf.estimator.export.build_raw_serving_input_receiver_fn({"x": tf.placeholder(tf.float32, [None])})
    folder = estimator.export_savedmodel(str(tmp_path / "saved"), receiver)
    assert isinstance(folder, bytes) and tf.saved_model.loader.maybe_saved_model_directory(folder)
    predict = tf.contrib.predictor.from_saved_model(folder)
    assert predict({"x": [1.0, 2.0]})["y"].tolist() == [3.0, 6.0]
    assert set(predict.feed_tensors) == {"x"} and set(predict.fetch_tensors) == {"y"}
    by_name = tf.contrib.predictor.from_saved_model(
        folder, input_names={"a": predict.feed_tensors["x"].name}, output_names={"b": predict.fetch_tensors["y"].name}
    )
    assert by_name({"a": [4.0]})["b"].tolist() == [12.0]
    assert tf.contrib.predictor.from_estimator(estimator, receiver)({"x": [1.0]})["w"] == 3.0
    for wrong, text in (({"signature_def_key": "other"}, "Available signatures"), ({"input_names": {}}, "both")):
        with pytest.raises(ValueError, match=text):
            tf.contrib.predictor.from_saved_model(folder, **wrong)
    with pytest.raises(ValueError, match="unexpected keys"):
        predict({"z": 1.0})
