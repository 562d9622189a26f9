"""Blocks of convolutions: residual ones, dense ones, and highways."""

import tenon as tf
from tenon.tflearn import activations, utils
from tenon.tflearn import variables as vs
from tenon.tflearn.collections import remember
from tenon.tflearn.layers.conv import _channels, avg_pool_2d, conv_2d
from tenon.tflearn.layers.core import done, weight
from tenon.tflearn.layers.core import dropout as thin
from tenon.tflearn.layers.normalization import batch_normalization


def _settings(given):
    """The arguments that a block passes to its convolutions."""
    keys = ("bias", "weights_init", "bias_init", "regularizer", "weight_decay", "trainable", "restore")
    return {k: given[k] for k in keys if k in given}


def _before(x, batch_norm, activation):
    """What comes before a convolution: normalization and activation."""
    return activations.apply(batch_normalization(x) if batch_norm else x, activation)


def _joined(resnet, identity, downsample_strides, in_channels, out_channels):
    """The sum of a block and its input, which is made smaller and wider as the block did."""
    if downsample_strides > 1:
        identity = avg_pool_2d(identity, downsample_strides, downsample_strides)
    if in_channels != out_channels:
        if out_channels > in_channels:
            low = (out_channels - in_channels) // 2
            identity = tf.pad(identity, [[0, 0], [0, 0], [0, 0], [low, out_channels - in_channels - low]])
        else:
            identity = conv_2d(identity, out_channels, 1, 1, "same")
    return resnet + identity


def residual_block(incoming, nb_blocks, out_channels, downsample=False, downsample_strides=2, activation="relu",
                   batch_norm=True, bias=True, weights_init="variance_scaling", bias_init="zeros", regularizer="L2",
                   weight_decay=0.0001, trainable=True, restore=True, reuse=False, scope=None,
                   name="ResidualBlock"):  # fmt: skip
    """Pairs of 3x3 convolutions, added to their input."""
    settings = _settings(locals())
    resnet, channels = incoming, _channels(incoming, 2)
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        for _ in range(nb_blocks):
            identity, step = resnet, downsample_strides if downsample else 1
            downsample = False
            resnet = conv_2d(_before(resnet, batch_norm, activation), out_channels, 3, step, "same", "linear",
                             **settings)  # fmt: skip
            resnet = conv_2d(_before(resnet, batch_norm, activation), out_channels, 3, 1, "same", "linear", **settings)
            resnet = _joined(resnet, identity, step, channels, out_channels)
            channels = out_channels
    return done(resnet, scope, scope.name)


def residual_bottleneck(incoming, nb_blocks, bottleneck_size, out_channels, downsample=False, downsample_strides=2,
                        activation="relu", batch_norm=True, bias=True, weights_init="variance_scaling",
                        bias_init="zeros", regularizer="L2", weight_decay=0.0001, trainable=True, restore=True,
                        reuse=False, scope=None, name="ResidualBottleneck"):  # fmt: skip
    """1x1, 3x3 and 1x1 convolutions, added to their input."""
    settings = _settings(locals())
    resnet, channels = incoming, _channels(incoming, 2)
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        for _ in range(nb_blocks):
            identity, step = resnet, downsample_strides if downsample else 1
            downsample = False
            resnet = conv_2d(_before(resnet, batch_norm, activation), bottleneck_size, 1, step, "valid", "linear",
                             **settings)  # fmt: skip
            resnet = conv_2d(_before(resnet, batch_norm, activation), bottleneck_size, 3, 1, "same", "linear",
                             **settings)  # fmt: skip
            resnet = conv_2d(_before(resnet, batch_norm, activation), out_channels, 1, 1, "valid", "linear", **settings)
            resnet = _joined(resnet, identity, step, channels, out_channels)
            channels = out_channels
    return done(resnet, scope, scope.name)


def resnext_block(incoming, nb_blocks, out_channels, cardinality, downsample=False, downsample_strides=2,
                  activation="relu", batch_norm=True, weights_init="variance_scaling", regularizer="L2",
                  weight_decay=0.0001, bias=True, bias_init="zeros", trainable=True, restore=True, reuse=False,
                  scope=None, name="ResNeXtBlock"):  # fmt: skip
    """Many narrow paths side by side, added to their input."""
    settings = _settings(locals())
    resnet, channels = incoming, _channels(incoming, 2)
    narrow = {32: 4, 16: 8, 8: 16, 4: 32, 2: 64, 1: 128}.get(cardinality) or max(1, 64 // cardinality)
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        for _ in range(nb_blocks):
            identity, step = resnet, downsample_strides if downsample else 1
            downsample = False
            paths = [_path(resnet, narrow, out_channels, step, activation, batch_norm, settings)
                     for _ in range(cardinality)]  # fmt: skip
            resnet = _joined(tf.add_n(paths), identity, step, channels, out_channels)
            channels = out_channels
    return done(resnet, scope, scope.name)


def _path(x, narrow, out_channels, step, activation, batch_norm, settings):
    """One of ResNeXt's paths."""
    x = conv_2d(_before(x, batch_norm, activation), narrow, 1, step, "valid", "linear", **settings)
    x = conv_2d(_before(x, batch_norm, activation), narrow, 3, 1, "same", "linear", **settings)
    return conv_2d(_before(x, batch_norm, activation), out_channels, 1, 1, "valid", "linear", **settings)


def densenet_block(incoming, nb_layers, growth, bottleneck=True, downsample=True, downsample_strides=2,
                   activation="relu", batch_norm=True, dropout=False, dropout_keep_prob=0.5,
                   weights_init="variance_scaling", regularizer="L2", weight_decay=0.0001, bias=True,
                   bias_init="zeros", trainable=True, restore=True, reuse=False, scope=None,
                   name="DenseNetBlock"):  # fmt: skip
    """Layers that see what all layers before them made."""
    settings = _settings(locals())
    keep = dropout_keep_prob if dropout else None
    densenet = incoming
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        for _ in range(nb_layers):
            conn = densenet
            if bottleneck:
                densenet = conv_2d(_before(densenet, batch_norm, activation), 4 * growth, 1, 1, "same", "linear",
                                   **{**settings, "bias": False})  # fmt: skip
                densenet = _thinned(densenet, keep)
            densenet = conv_2d(_before(densenet, batch_norm, activation), growth, 3, 1, "same", "linear",
                               **{**settings, "bias": False})  # fmt: skip
            densenet = tf.concat([_thinned(densenet, keep), conn], 3)
        if downsample:
            densenet = conv_2d(_before(densenet, batch_norm, activation), densenet.shape[-1].value, 1, 1, "same",
                               "linear", **{**settings, "bias": False})  # fmt: skip
            densenet = avg_pool_2d(_thinned(densenet, keep), downsample_strides, downsample_strides)
    return done(densenet, scope, scope.name)


def _thinned(x, keep):
    return x if keep is None else thin(x, keep)


def _highway(incoming, shape, run, given):
    g = given
    with tf.variable_scope(g["scope"], default_name=g["name"], values=[incoming], reuse=g["reuse"]) as scope:
        W = weight("W", shape, g["weights_init"], g["regularizer"], g["weight_decay"], g["trainable"], g["restore"])
        b = weight("b", shape[-1:], g["bias_init"], None, 0, g["trainable"], g["restore"])
        W_T = weight("W_T", shape, g["weights_init"], None, 0, g["trainable"], g["restore"])
        b_T = vs.variable("b_T", shape=shape[-1:], initializer=tf.constant_initializer(-3.0), trainable=g["trainable"],
                          restore=g["restore"])  # fmt: skip
        H = activations.apply(tf.nn.bias_add(run(W), b), g["activation"])
        T = tf.sigmoid(tf.nn.bias_add(run(W_T), b_T))
        inference = tf.add(tf.multiply(H, T), tf.multiply(incoming, tf.subtract(1.0, T)))
    inference.W_T, inference.b_T = W_T, b_T
    remember(scope.name, inference, (W_T, b_T))
    return done(inference, scope, scope.name, W, b)


def highway_conv_2d(incoming, nb_filter, filter_size, strides=1, padding="same", activation="linear",
                    weights_init="uniform_scaling", bias_init="zeros", regularizer=None, weight_decay=0.001,
                    trainable=True, restore=True, reuse=False, scope=None, name="HighwayConv2D"):  # fmt: skip
    """A convolution, mixed with its input by a gate."""
    given = dict(locals())
    shape = [*utils.sizes(filter_size, 2, "filter_size"), _channels(incoming, 2), nb_filter]
    step = [1, *utils.sizes(strides, 2, "strides"), 1]
    run = lambda W: tf.nn.conv2d(incoming, W, step, utils.fix_padding(padding))  # noqa: E731
    return _highway(incoming, shape, run, given)


def highway_conv_1d(incoming, nb_filter, filter_size, strides=1, padding="same", activation="linear",
                    weights_init="uniform_scaling", bias_init="zeros", regularizer=None, weight_decay=0.001,
                    trainable=True, restore=True, reuse=False, scope=None, name="HighwayConv1D"):  # fmt: skip
    """A convolution over steps, mixed with its input by a gate."""
    given = dict(locals())
    size, step = (utils.sizes(v, 1, w)[0] for v, w in ((filter_size, "filter_size"), (strides, "strides")))
    shape = [size, 1, _channels(incoming, 1), nb_filter]

    def run(W):
        found = tf.nn.conv2d(tf.expand_dims(incoming, 2), W, [1, step, 1, 1], utils.fix_padding(padding))
        return tf.squeeze(found, [2])

    return _highway(incoming, shape, run, given)
