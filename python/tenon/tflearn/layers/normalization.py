"""Layers that normalize."""

import tenon as tf
from tenon.tflearn import config, utils
from tenon.tflearn import variables as vs
from tenon.tflearn.collections import remember
from tenon.tflearn.layers.core import done


def batch_normalization(incoming, beta=0.0, gamma=1.0, epsilon=1e-5, decay=0.9, stddev=0.002, trainable=True,
                        restore=True, reuse=False, scope=None, name="BatchNormalization"):  # fmt: skip
    """Batches normalized by their moments in training, by running averages of them else."""
    shape = utils.get_incoming_shape(incoming)
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        name = scope.name
        own = {"trainable": trainable, "restore": restore}
        b = vs.variable("beta", shape=[shape[-1]], initializer=tf.constant_initializer(beta), **own)
        g = vs.variable("gamma", shape=[shape[-1]], initializer=tf.random_normal_initializer(gamma, stddev), **own)
        axes = list(range(len(shape) - 1))
        fixed = {"trainable": False, "restore": restore}
        moving_mean = vs.variable("moving_mean", shape[-1:], initializer=tf.zeros_initializer(), **fixed)
        moving_variance = vs.variable("moving_variance", shape[-1:], initializer=tf.constant_initializer(1.0), **fixed)

        def update():
            mean, variance = tf.nn.moments(incoming, axes)
            pairs = ((moving_mean, mean), (moving_variance, variance))
            changes = [tf.assign_sub(v, (v - new) * (1.0 - decay)) for v, new in pairs]
            with tf.control_dependencies(changes):
                return tf.identity(mean), tf.identity(variance)

        mean, variance = tf.cond(config.get_training_mode(), update,
                                 lambda: (tf.identity(moving_mean), tf.identity(moving_variance)))  # fmt: skip
        inference = tf.nn.batch_normalization(incoming, mean, variance, b, g, epsilon)
        inference.set_shape(shape)
    inference.beta, inference.gamma = b, g
    remember(name, inference, (b, g) if trainable else ())
    inference.scope = scope
    return inference


def local_response_normalization(incoming, depth_radius=5, bias=1.0, alpha=0.0001, beta=0.75,
                                 name="LocalResponseNormalization"):  # fmt: skip
    """Each value over the squares of its neighbours among the channels."""
    with tf.name_scope(name) as scope:
        inference = tf.nn.lrn(incoming, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name)
    return done(inference, scope, name)


def l2_normalize(incoming, dim, epsilon=1e-12, name="l2_normalize"):
    """Norms of one along an axis."""
    with tf.name_scope(name):
        x = tf.convert_to_tensor(incoming, name="x")
        square = tf.reduce_sum(tf.square(x), [dim], keepdims=True)
        return tf.multiply(x, tf.rsqrt(tf.maximum(square, epsilon)), name=name)
