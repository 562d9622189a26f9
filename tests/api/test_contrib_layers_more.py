"""Rarer layers of tf.contrib.layers: against tf_slim, and against their formulas in NumPy."""

import numpy as np
import pytest

import tenon as tf
from api.slim_oracle import both

IMAGE = np.random.RandomState(0).rand(2, 5, 4, 3).astype("f")
IDS = np.array([[1, 2, 0, 0], [3, 3, 4, 0], [0, 0, 0, 0]], "i8")


LAYERS = {
    "images to sequence": lambda tf, s: s.images_to_sequence(tf.constant(IMAGE)),
    "images to sequence, channels first": lambda tf, s: s.images_to_sequence(tf.constant(IMAGE), data_format="NCHW"),
    "sequence to images": lambda tf, s: s.sequence_to_images(tf.constant(IMAGE[0]), 2),
    "sequence to images, channels first": lambda tf, s: s.sequence_to_images(
        tf.constant(IMAGE[0]), 2, output_data_format="channels_first"
    ),
    "spatial softmax": lambda tf, s: s.spatial_softmax(tf.constant(IMAGE)),
    "spatial softmax cold": lambda tf, s: s.spatial_softmax(tf.constant(IMAGE), temperature=0.1, name="here"),
    "relu": lambda tf, s: s.relu(IMAGE[0, 0], 3, weights_initializer=tf.ones_initializer()),
    "linear": lambda tf, s: s.linear(IMAGE[0, 0], 3, weights_initializer=tf.ones_initializer()),
    "legacy relu": lambda tf, s: s.legacy_relu(tf.constant(IMAGE[0, 0]), 3, weight_init=tf.ones_initializer()),
}


@pytest.mark.parametrize("name", LAYERS)
def test_like_tf_slim(name):
    def program(tf, slim):
        outputs = LAYERS[name](tf, slim)
        return outputs, [(v.name, v.get_shape().as_list()) for v in tf.global_variables()]

    both(program, rtol=1e-4)


def test_bow_encoder():
    table = np.random.RandomState(7).randn(5, 3).astype("f")
    with tf.Graph().as_default(), tf.Session() as session:
        options = {"initializer": tf.constant_initializer(table)}
        sparse = tf.contrib.layers.bow_encoder(tf.constant(IDS), 5, 3, **options)
        dense = tf.contrib.layers.bow_encoder(tf.constant(IDS), 5, 3, sparse_lookup=False, **options)
        names = [v.op.name for v in tf.global_variables()]
        assert names == ["bow_encoder/embeddings", "bow_encoder_1/embeddings"]
        session.run(tf.global_variables_initializer())
        got = session.run([sparse, dense])
        # Rows of nothing but zeros are looked up as word 0.
        np.testing.assert_allclose(
            got[0], [table[row[row > 0] if row.any() else [0]].mean(0) for row in IDS], rtol=1e-5
        )
        np.testing.assert_allclose(got[1], table[IDS].mean(1), rtol=1e-5)
        with pytest.raises(ValueError, match="vocab size"):
            tf.contrib.layers.bow_encoder(tf.constant(IDS), 0, 3)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 5, 3, 4), (1, 2, 3, 2, 4)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("inverse", [False, True])
def test_gdn(shape, data_format, inverse):
    x = np.random.RandomState(1).randn(*shape).astype("f")
    axis = 1 if data_format == "channels_first" else -1
    n = shape[axis]
    with tf.Graph().as_default(), tf.Session() as session:
        y = tf.contrib.layers.gdn(tf.constant(x), inverse=inverse, data_format=data_format, name="gdn")
        names = [v.op.name for v in tf.global_variables()]
        assert names == ["gdn/reparam_beta", "gdn/reparam_gamma"]
        session.run(tf.global_variables_initializer())
        last = np.moveaxis(x, axis, -1)

        def formula(beta, gamma):
            norm = np.sqrt(beta + (last**2) @ gamma)
            return np.moveaxis(last * norm if inverse else last / norm, -1, axis)

        np.testing.assert_allclose(session.run(y), formula(np.ones(n), 0.1 * np.eye(n)), rtol=1e-4)
        beta, gamma = np.linspace(0.5, 1, n), np.random.RandomState(2).rand(n, n)
        for variable, value in zip(tf.global_variables(), (beta, gamma)):
            variable.load(np.sqrt(value + 2.0**-36).astype("f"), session)
        np.testing.assert_allclose(session.run(y), formula(beta, gamma), rtol=1e-4)


def test_gdn_gradient_at_its_bound():
    """Below the bound the gradient passes only where it would raise the variable."""
    with tf.Graph().as_default(), tf.Session() as session:
        y = tf.contrib.layers.gdn(tf.constant(np.ones((1, 2, 1), "f")))
        beta = tf.global_variables()[0]
        down, up = (tf.gradients(sign * tf.reduce_sum(y), beta)[0] for sign in (-1.0, 1.0))
        session.run(tf.global_variables_initializer())
        beta.load([-1.0], session)
        rising, falling = session.run([up, down])
        assert rising == 0 or falling == 0
        assert rising != 0 or falling != 0
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="data_format"):
            tf.contrib.layers.GDN(data_format="NHWC")
        with pytest.raises(ValueError, match="must be defined"):
            tf.contrib.layers.gdn(tf.placeholder(tf.float32, [2, 3, None]))


def half(x, side=None):
    made = tf.layers.dense(x, 3, tf.nn.tanh, kernel_initializer=tf.constant_initializer(0.3), use_bias=False)
    return made if side is None else made + tf.reduce_sum(side[0])


@pytest.mark.parametrize("side", [False, True])
def test_rev_block(side):
    """The sparing gradients are the plain ones; backward undoes forward."""
    x = np.random.RandomState(3).randn(2, 4, 3).astype("f")
    found = []
    for sparing in (True, False):
        with tf.Graph().as_default(), tf.Session() as session:
            x1, x2, extra = tf.constant(x[0]), tf.constant(x[1]), tf.constant([0.5, -0.25])
            options = {"f_side_input": [extra], "g_side_input": [2 * extra]} if side else {}
            block = tf.contrib.layers.RevBlock(half, half, num_layers=2, use_efficient_backprop=sparing, **options)
            y1, y2 = block.forward(x1, x2)
            assert len(block.trainable_weights) == 4
            names = [v.op.name for v in tf.trainable_variables()]
            assert names[0] == "revblock/revlayer_0/f/dense/kernel", names
            loss = tf.reduce_sum(y1 * y1) + tf.reduce_sum(tf.sin(y2))
            sources = [x1, x2, *([extra] if side else []), *tf.trainable_variables()]
            gradients = tf.gradients(loss, sources)
            if not side and not sparing:
                with tf.variable_scope("revblock", reuse=True):
                    back = block._backward(y1, y2)
                session.run(tf.global_variables_initializer())
                for ours, theirs in zip(session.run(back), x):
                    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
            session.run(tf.global_variables_initializer())
            found.append(session.run([y1, y2, *gradients]))
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_rev_block_function():
    with tf.Graph().as_default(), tf.Session() as session:
        y1, y2 = tf.contrib.layers.rev_block(tf.ones([2, 3]), tf.ones([2, 3]), half, half, is_training=False)
        session.run(tf.global_variables_initializer())
        step = np.tanh(0.9)
        got = session.run([y1, y2])
        np.testing.assert_allclose(got[0], np.full((2, 3), 1 + step), rtol=1e-5)
        np.testing.assert_allclose(got[1], np.full((2, 3), 1 + np.tanh(0.9 * (1 + step))), rtol=1e-5)


def test_recompute_grad():
    x = np.random.RandomState(4).randn(4, 3).astype("f")
    found, told = [], []

    def layers(x, is_recomputing=False):
        told.append(is_recomputing)
        with tf.variable_scope("layers", use_resource=True):
            return tf.contrib.layers.fully_connected(x, 2, tf.tanh, weights_initializer=tf.constant_initializer(0.3))

    for wrap in (lambda f: f, tf.contrib.layers.recompute_grad):
        with tf.Graph().as_default(), tf.Session() as session:
            inputs = tf.constant(x)
            y = wrap(layers)(inputs)
            gradients = tf.gradients(tf.reduce_sum(y * y), [inputs, *tf.trainable_variables()])
            assert len(tf.trainable_variables()) == 2
            session.run(tf.global_variables_initializer())
            found.append(session.run([y, *gradients]))
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert told == [False, False, True]
    with tf.Graph().as_default():
        outside = tf.constant(1.0)
        with pytest.raises(ValueError, match="closes over Tensor"):
            tf.contrib.layers.recompute_grad(lambda x: x + outside)
        with pytest.raises(ValueError, match="must be Tensors"):
            tf.contrib.layers.recompute_grad(lambda x: x)(1.0)


def test_safe_embedding_lookup():
    table = np.arange(12, dtype="f").reshape(4, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, 3, -1], tf.int64), [3, 2])
        made = tf.contrib.layers.safe_embedding_lookup_sparse(tf.constant(table), ids)
        filled = tf.contrib.layers.safe_embedding_lookup_sparse([tf.constant(table)], ids, default_id=2, combiner="sum")
        got = session.run([made, filled])
    np.testing.assert_allclose(got[0], [table[[1, 3]].mean(0), np.zeros(3), np.zeros(3)])
    np.testing.assert_allclose(got[1], [table[[1, 3]].sum(0), table[2], table[2]])
