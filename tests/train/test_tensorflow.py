"""The model API against TensorFlow: the weights after 50 steps of each optimizer, names in checkpoints, both ways."""

import ctypes
import os

import numpy as np
import pytest

from train.capi import FitOptions, Model, dataset, lib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow")
tf1 = tf.compat.v1
STEPS = 50
stream = np.random.RandomState(3)
X = stream.randn(24, 6).astype("f")
Y = stream.randint(0, 3, 24).astype(np.int64)


def changed(optimizer, **values):
    for name, value in values.items():
        setattr(optimizer, name, value)
    return optimizer


# Name: ours, TensorFlow's, how TensorFlow clips.
OPTIMIZERS = {
    "sgd": (lib.tn_sgd(0.1), lambda: tf1.train.GradientDescentOptimizer(0.1), None),
    "momentum": (lib.tn_momentum(0.1, 0.9), lambda: tf1.train.MomentumOptimizer(0.1, 0.9), None),
    "nesterov": (
        changed(lib.tn_momentum(0.1, 0.9), nesterov=True),
        lambda: tf1.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True), None,
    ),
    "adam": (lib.tn_adam(0.01), lambda: tf1.train.AdamOptimizer(0.01), None),
    "rmsprop": (
        changed(lib.tn_rmsprop(0.01), momentum=0.5), lambda: tf1.train.RMSPropOptimizer(0.01, momentum=0.5), None,
    ),
    "centered": (
        changed(lib.tn_rmsprop(0.01), centered=True), lambda: tf1.train.RMSPropOptimizer(0.01, centered=True), None,
    ),
    "adagrad": (lib.tn_adagrad(0.1), lambda: tf1.train.AdagradOptimizer(0.1), None),
    "adadelta": (lib.tn_adadelta(0.5), lambda: tf1.train.AdadeltaOptimizer(0.5), None),
    "ftrl": (
        changed(lib.tn_ftrl(0.1), l1=0.01, l2=0.02),
        lambda: tf1.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.02), None,
    ),
    "clip_value": (
        changed(lib.tn_sgd(0.5), clip_value=0.02),
        lambda: tf1.train.GradientDescentOptimizer(0.5), lambda gs: [tf.clip_by_value(g, -0.02, 0.02) for g in gs],
    ),
    "clip_norm": (
        changed(lib.tn_sgd(0.5), clip_norm=0.1),
        lambda: tf1.train.GradientDescentOptimizer(0.5), lambda gs: [tf.clip_by_norm(g, 0.1) for g in gs],
    ),
    "clip_global_norm": (
        changed(lib.tn_sgd(0.5), clip_global_norm=0.1),
        lambda: tf1.train.GradientDescentOptimizer(0.5), lambda gs: tf.clip_by_global_norm(gs, 0.1)[0],
    ),
}  # fmt: skip


def perceptron(optimizer):
    model = Model(6)
    model.dense(7, b"tanh")
    model.dense(3, None)
    model.compile(optimizer, b"sparse_softmax_cross_entropy", b"accuracy")
    return model


def variables(folder):
    """The newest checkpoint's tensors, but for what is ours alone."""
    reader = tf.train.load_checkpoint(str(folder))
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names if not name.startswith("_tenon/")}


def fit(model, steps=STEPS, **options):
    data = dataset(X, Y)
    model.fit(data, ctypes.byref(FitOptions(epochs=steps, batch_size=len(X), in_order=True, **options)))
    lib.tn_dataset_free(data)


def tensorflow_graph(initial, make_optimizer, clip):
    """The same network with the same first weights: (training step, saver)."""
    values = {}
    for scope in ("dense", "dense_1"):
        for part in ("kernel", "bias"):
            name = f"{scope}/{part}"
            values[name] = tf1.get_variable(name, initializer=tf.constant(initial[name]), use_resource=True)
    hidden = tf.tanh(X @ values["dense/kernel"] + values["dense/bias"])
    logits = hidden @ values["dense_1/kernel"] + values["dense_1/bias"]
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=logits))
    step = tf1.train.get_or_create_global_step()
    weights = list(values.values())
    gradients = tf.gradients(loss, weights)
    if clip:
        gradients = clip(gradients)
    return make_optimizer().apply_gradients(zip(gradients, weights), global_step=step)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_after_50_steps(name, tmp_path):
    ours, make_optimizer, clip = OPTIMIZERS[name]
    model = perceptron(ours)
    model.save(str(tmp_path / "first").encode())
    fit(model, checkpoint=str(tmp_path / "last").encode())
    initial, trained = variables(tmp_path / "first"), variables(tmp_path / "last")
    with tf.Graph().as_default(), tf1.Session() as session:
        train = tensorflow_graph(initial, make_optimizer, clip)
        session.run(tf1.global_variables_initializer())
        for _ in range(STEPS):
            session.run(train)
        expected = {v.op.name: v for v in tf1.global_variables()}
        expected = session.run(expected)
    assert sorted(trained) == sorted(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(trained[key], value, rtol=1e-5, atol=1e-5, err_msg=key)
    assert any(np.abs(trained[k] - initial[k]).max() > 1e-3 for k in ("dense/kernel", "dense_1/kernel"))


def test_a_checkpoint_of_tensorflow_is_restored(tmp_path):
    model = perceptron(lib.tn_adam(0.01))
    model.save(str(tmp_path / "first").encode())
    with tf.Graph().as_default(), tf1.Session() as session:
        train = tensorflow_graph(variables(tmp_path / "first"), lambda: tf1.train.AdamOptimizer(0.01), None)
        session.run(tf1.global_variables_initializer())
        for _ in range(7):
            session.run(train)
        (tmp_path / "tf").mkdir()
        tf1.train.Saver().save(session, str(tmp_path / "tf" / "model.ckpt"), global_step=7)
        for _ in range(5):
            session.run(train)
        expected = session.run({v.op.name: v for v in tf1.global_variables()})
    model.restore(str(tmp_path / "tf").encode())
    fit(model, 5)
    model.save(str(tmp_path / "ours").encode())
    assert tf.train.latest_checkpoint(str(tmp_path / "ours")).endswith("model.ckpt-12")
    for key, value in variables(tmp_path / "ours").items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-5, atol=1e-5, err_msg=key)


def test_the_state_file_is_tensorflows(tmp_path):
    model = perceptron(lib.tn_sgd(0.1))
    fit(model, 4, checkpoint=str(tmp_path).encode(), max_to_keep=2)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert [os.path.basename(p) for p in state.all_model_checkpoint_paths] == ["model.ckpt-3", "model.ckpt-4"]
    assert os.path.basename(state.model_checkpoint_path) == "model.ckpt-4"
    assert len(list(tmp_path.glob("*.index"))) == 2


def fields(**values):
    return values


SCHEDULES = {
    "exponential": (fields(kind=1, steps=7, decay=0.5), lambda s: tf1.train.exponential_decay(0.3, s, 7, 0.5)),
    "staircase": (
        fields(kind=1, steps=7, decay=0.5, staircase=True), lambda s: tf1.train.exponential_decay(0.3, s, 7, 0.5, True),
    ),
    "natural": (fields(kind=2, steps=7, decay=0.5), lambda s: tf1.train.natural_exp_decay(0.3, s, 7, 0.5)),
    "inverse": (fields(kind=3, steps=7, decay=0.5), lambda s: tf1.train.inverse_time_decay(0.3, s, 7, 0.5)),
    "polynomial": (
        fields(kind=4, steps=9, end=0.01, power=2), lambda s: tf1.train.polynomial_decay(0.3, s, 9, 0.01, 2.0),
    ),
    "cycle": (
        fields(kind=4, steps=9, end=0.01, power=1, cycle=True),
        lambda s: tf1.train.polynomial_decay(0.3, s, 9, 0.01, 1.0, cycle=True),
    ),
    "cosine": (fields(kind=5, steps=9, alpha=0.1), lambda s: tf1.train.cosine_decay(0.3, s, 9, 0.1)),
    "piecewise": (
        fields(kind=6, n=2, boundaries=(ctypes.c_int64 * 2)(3, 8), values=(ctypes.c_float * 3)(0.3, 0.2, 0.1)),
        lambda s: tf1.train.piecewise_constant(s, [3, 8], [0.3, 0.2, 0.1]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name, tmp_path):
    given, theirs = SCHEDULES[name]
    ours = lib.tn_sgd(0.3)
    for key, value in given.items():
        pointer = isinstance(value, ctypes.Array)
        setattr(ours.rate, key, ctypes.cast(value, ctypes.POINTER(value._type_)) if pointer else value)
    model = perceptron(ours)
    model.save(str(tmp_path / "first").encode())
    fit(model, 20, checkpoint=str(tmp_path / "last").encode())
    with tf.Graph().as_default(), tf1.Session() as session:

        def optimizer():
            return tf1.train.GradientDescentOptimizer(theirs(tf1.train.get_or_create_global_step()))

        train = tensorflow_graph(variables(tmp_path / "first"), optimizer, None)
        session.run(tf1.global_variables_initializer())
        for _ in range(20):
            session.run(train)
        expected = session.run({v.op.name: v for v in tf1.global_variables()})
    for key, value in variables(tmp_path / "last").items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-5, atol=1e-5, err_msg=key)


def test_moving_averages(tmp_path):
    model = perceptron(changed(lib.tn_sgd(0.1), average=0.9))
    model.save(str(tmp_path / "first").encode())
    fit(model, 20, checkpoint=str(tmp_path / "last").encode())
    initial, trained = variables(tmp_path / "first"), variables(tmp_path / "last")
    with tf.Graph().as_default(), tf1.Session() as session:
        train = tensorflow_graph(initial, lambda: tf1.train.GradientDescentOptimizer(0.1), None)
        weights = {v.op.name: v for v in tf1.trainable_variables()}
        session.run(tf1.global_variables_initializer())
        averages = {name: initial[name].astype("d") for name in weights}
        for step in range(20):
            session.run(train)
            decay = min(0.9, (1 + step) / (10 + step))
            now = session.run(weights)
            averages = {name: decay * averages[name] + (1 - decay) * now[name] for name in weights}
    for name, value in averages.items():
        np.testing.assert_allclose(trained[f"{name}/ExponentialMovingAverage"], value, rtol=1e-4, atol=1e-5)
