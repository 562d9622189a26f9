"""tf.layers against TensorFlow: values, names of variables and outputs, collections, errors."""

import numpy as np
import pytest

from api.both import both


def ramp(tf, *shape):
    return tf.constant(np.random.RandomState(1).rand(*shape).astype("f"))


def names(tf):
    return [
        [v.name for v in tf.global_variables()], [v.name for v in tf.trainable_variables()],
        [x.name for x in tf.get_collection(tf.GraphKeys.UPDATE_OPS)],
        [x.name for x in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)],
    ]  # fmt: skip


def test_dense():
    def program(tf):
        tf.set_random_seed(1)
        x, layers = ramp(tf, 3, 4), tf.layers
        a = layers.dense(x, 5, activation=tf.nn.relu)
        b = layers.dense(a, 2, name="fc")
        c = layers.dense(a, 2, name="fc", reuse=True)
        d = layers.dense(b, 3, use_bias=False, kernel_regularizer=lambda w: tf.reduce_sum(w * w))
        with tf.variable_scope("sc"):
            f = layers.dense(layers.dense(d, 2), 2)
        layer = layers.Dense(3, activation=tf.tanh)
        g, h = layer(f), layer(f + 1)
        wide = layers.dense(ramp(tf, 2, 3, 4), 5, kernel_initializer=tf.ones_initializer())
        made = [a, b, c, d, f, g, h]
        loss = tf.losses.get_regularization_loss() if hasattr(tf.losses, "get_regularization_loss") else 0
        return [made, wide, wide.shape, [y.name for y in made], names(tf), layer.name, [w.name for w in layer.weights],
                layer.count_params(), loss]  # fmt: skip

    both(program)


def test_pictures():
    def program(tf):
        tf.set_random_seed(1)
        x, layers = ramp(tf, 2, 8, 8, 3), tf.layers
        a = layers.conv2d(x, 4, 3, activation=tf.nn.relu)
        b = layers.conv2d(a, 4, [2, 2], strides=2, padding="same", name="c2")
        c = layers.max_pooling2d(b, 2, 2)
        made = [
            a, b, c, layers.average_pooling2d(b, [2, 2], 1, padding="same"), layers.flatten(c),
            layers.conv2d_transpose(b, 3, 3, strides=2, padding="same"), layers.separable_conv2d(x, 4, 3),
            layers.conv2d(x, 4, 3, dilation_rate=2, padding="same"),
        ]  # fmt: skip
        return [made, [y.name for y in made[:-1]], [y.shape for y in made], names(tf)]

    both(program)


def test_sequences_and_volumes():
    def program(tf):
        tf.set_random_seed(1)
        layers = tf.layers
        a = layers.conv1d(ramp(tf, 2, 9, 3), 4, 3, dilation_rate=2)
        b = layers.conv3d(ramp(tf, 2, 5, 5, 5, 2), 3, 2)
        made = [
            a, b, layers.max_pooling1d(a, 2, 2), layers.average_pooling1d(a, 2, 1), layers.max_pooling3d(b, 2, 2),
            layers.average_pooling3d(b, 2, 2), layers.separable_conv1d(ramp(tf, 2, 9, 3), 4, 3),
            layers.conv3d_transpose(b, 2, 2, strides=2),
        ]  # fmt: skip
        return [made, [y.shape for y in made], names(tf)]

    both(program)


def test_batch_normalization():
    def program(tf):
        x, y, layers = ramp(tf, 2, 4, 4, 3), ramp(tf, 6, 3), tf.layers
        p = tf.placeholder_with_default(True, [])
        made = [
            layers.batch_normalization(x, training=True), layers.batch_normalization(y, training=True, name="bn"),
            layers.batch_normalization(x), layers.batch_normalization(x, training=p, scale=False, fused=True),
            layers.batch_normalization(x, axis=1, training=True, fused=False),
        ]  # fmt: skip
        found = [names(tf), [z.name for z in made]]
        made.append(layers.batch_normalization(y, training=p, momentum=0.8))
        made.append(
            layers.batch_normalization(y, training=True, renorm=True, renorm_clipping={"rmax": 1.5, "dmax": 0.5})
        )
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            first = session.run(made)
            session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
            return [first, session.run(tf.global_variables()), session.run(made, {p: False}), found]

    both(program)


def test_dropout():
    def program(tf):
        x, layers = ramp(tf, 5, 6), tf.layers
        p = tf.placeholder_with_default(True, [])
        made = [layers.dropout(x), layers.dropout(x, 0.3, seed=3, training=True),
                layers.dropout(x, 0.3, seed=3, training=p), tf.nn.dropout(x, 0.4, seed=5),
                tf.nn.dropout(x, rate=0.4, noise_shape=[5, 1], seed=5), tf.nn.dropout(x, 1.0)]  # fmt: skip
        with tf.Session() as session:
            return [session.run(made), session.run(made[2], {p: False}), made[0].name]

    both(program)


def test_own_layers():
    def program(tf):
        class Scale(tf.layers.Layer):
            def build(self, shape):
                self.w = self.add_variable("w", [int(shape[-1])], initializer=tf.ones_initializer())
                self.built = True

            def call(self, x):
                return x * self.w

        layer = Scale(name="my")
        y = layer(ramp(tf, 2, 3))
        z = layer(y)
        return [y, z, names(tf), y.name, z.name, layer.scope_name, layer.built, len(layer.trainable_variables)]

    both(program)


BAD = [
    lambda tf: tf.layers.dense(tf.constant([1.0, 2.0]), 3),
    lambda tf: tf.layers.conv2d(tf.constant([[1.0, 2.0]]), 3, 2),
    lambda tf: tf.layers.dense(tf.placeholder(tf.float32, [None, None]), 3),
    lambda tf: tf.layers.conv2d(tf.ones([1, 4, 4, 1]), 3, 2, padding="wrong"),
    lambda tf: tf.layers.Dense(3).scope_name,
    lambda tf: [tf.layers.dense(tf.ones([1, 2]), 3, name="a"), tf.layers.dense(tf.ones([1, 2]), 3, name="a")],
    lambda tf: tf.layers.dense(tf.ones([1, 2]), 3, reuse=True, name="b"),
    lambda tf: tf.nn.dropout(tf.ones([1]), rate=1.5),
]


@pytest.mark.parametrize("program", BAD)
def test_errors(program):
    both.error(program)
