"""Batch renormalization of tf.layers, Keras and contrib.layers: training steps, inference and variables' names."""

import numpy as np
import pytest

from api import slim_oracle
from api.both import both

pytestmark = pytest.mark.filterwarnings("ignore")
CLIPPING = {"rmax": 1.2, "rmin": 0.9, "dmax": 0.3}
CASES = [
    ((7, 3), {"renorm_clipping": CLIPPING, "renorm_momentum": 0.7}),
    ((3, 2, 5, 3), {"renorm_momentum": 0.5, "fused": True}),
    ((3, 4, 2), {"axis": 1, "center": False, "momentum": 0.6}),
    ((5, 3), {"scale": False, "center": False, "renorm_clipping": {"dmax": 0.1}}),
    ((5, 2), {"moving_mean_initializer": "ones", "epsilon": 0.1}),
    ((4, 3, 2), {"axis": [1, 2], "scale": False}),
]


def batches(shape):
    rng = np.random.RandomState(5)
    return [(rng.rand(*shape) * scale + scale).astype("f") for scale in (1, 3, 0.2)]


def steps(tf, shape, make):
    """What four runs of a layer give: three of training by a fed switch, one of inference, and the variables after."""
    x = tf.placeholder(tf.float32, [None, *shape[1:]])
    training = tf.placeholder(tf.bool, [])
    y, updates, weights = make(x, training)
    gradient = tf.gradients(y * y, x)[0]
    found = [[w.op.name for w in weights]]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for rows in batches(shape):
            found.append(session.run([y, gradient], {x: rows, training: True}))
            found.append(session.run(weights))  # a training step moves renorm_mean and renorm_stddev by itself
            session.run(updates, {x: rows, training: True})
        found.append(session.run([y, gradient], {x: rows * 2, training: False}))
        session.run(updates, {x: rows, training: False})
        return [*found, session.run(weights)]


def settings(tf, kwargs):
    return {k: tf.ones_initializer() if v == "ones" else v for k, v in kwargs.items()}


@pytest.mark.parametrize("case", range(len(CASES)))
def test_layers(case):
    shape, kwargs = CASES[case]

    def program(tf):
        def make(x, training):
            layer = tf.layers.BatchNormalization(renorm=True, **settings(tf, kwargs))
            y = layer(x, training=training)
            return y, tf.get_collection(tf.GraphKeys.UPDATE_OPS), layer.weights

        return steps(tf, shape, make)

    both(program, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_keras_layers(case):
    shape, kwargs = CASES[case]

    def program(tf):
        configs = []

        def make(x, training):
            made = tf.keras.layers.BatchNormalization(renorm=True, name="bn", **kwargs)
            configs.append(made.get_config())
            layer = type(made).from_config(configs[0])
            if kwargs.get("fused"):
                layer.fused = True  # not in the configuration
            return layer(x, training=training), layer.updates, layer.weights

        found = steps(tf, shape, make)
        return [found, [configs[0][k] for k in ("renorm", "renorm_momentum")], dict(configs[0]["renorm_clipping"])]

    both(program, rtol=2e-4, atol=2e-5)


def test_keras_models_learn():
    def program(tf):
        keras = tf.keras
        model = keras.Sequential([
            keras.layers.BatchNormalization(renorm=True, renorm_clipping=CLIPPING, input_shape=(3,), name="bn"),
            keras.layers.Dense(1, kernel_initializer="ones", name="out"),
        ])  # fmt: skip
        model.compile(keras.optimizers.SGD(0.05), "mse")
        x, y = np.concatenate(batches((8, 3))), np.linspace(0, 1, 24).reshape(24, 1).astype("f")
        history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
        return [history, model.get_weights(), model.predict(x), [w.name for w in model.weights]]

    both(program, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scale", [False, True])
def test_contrib(scale):
    def program(tf, s):
        def make(x, training):
            y = s.batch_norm(x, decay=0.8, scale=scale, is_training=training, renorm=True, renorm_clipping=CLIPPING,
                             renorm_decay=0.6, fused=False, variables_collections=["kept"],
                             activation_fn=tf.nn.relu, outputs_collections="out")  # fmt: skip
            return y, tf.get_collection("update_ops"), tf.global_variables()

        found = steps(tf, (6, 4), make)
        names = {k: sorted({v.op.name for v in tf.get_collection(k)}) for k in ("model_variables", "out")}
        kept = sorted(v.op.name for v in tf.get_collection("kept") if "stddev" not in v.name and "renorm" not in v.name)
        return found, names, kept, [v.op.name for v in tf.trainable_variables()]

    slim_oracle.both(program, rtol=2e-4, atol=2e-5)


def test_contrib_adjusts():
    def program(tf, s):
        def adjust(shape):
            return tf.fill(shape[-1:], 1.5), tf.fill(shape[-1:], 0.25)

        y = s.batch_norm(tf.constant(batches((6, 4))[0]), is_training=True, fused=False, adjustment=adjust)
        return s.batch_norm(y, is_training=False, scope="b", fused=False, adjustment=adjust)

    def run(tf, s):
        y = program(tf, s)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return session.run(y), sorted(v.op.name for v in tf.global_variables())

    slim_oracle.both(run, rtol=2e-4, atol=2e-5)


def test_errors():
    def keys(tf):
        tf.layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 1.0, "max": 2.0})

    def keras_keys(tf):
        tf.keras.layers.BatchNormalization(renorm=True, renorm_clipping={"dmin": 1.0})

    both.error(keys)
    both.error(keras_keys)

    def contrib(tf, s):
        with pytest.raises(ValueError, match="renorm is not supported with batch_weights, updates_collections"):
            s.batch_norm(tf.zeros([3, 2]), renorm=True, updates_collections=None)

    slim_oracle.both(contrib)
