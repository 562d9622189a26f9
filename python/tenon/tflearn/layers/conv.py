"""Convolutions and poolings."""

import tenon as tf
from tenon.tflearn import activations, utils
from tenon.tflearn.layers.core import done, weight


def _channels(incoming, rank):
    shape = utils.get_incoming_shape(incoming)
    if len(shape) != rank + 2:
        raise AssertionError(f"Incoming Tensor shape must be {rank + 2}-D")
    return shape[-1]


def _conv(run, incoming, shape, given, bias_size):
    """What convolutions share: variables in a scope, the operation, bias and activation."""
    g = given
    with tf.variable_scope(g["scope"], default_name=g["name"], values=[incoming], reuse=g["reuse"]) as scope:
        W = weight("W", shape, g["weights_init"], g["regularizer"], g["weight_decay"], g["trainable"], g["restore"])
        b = weight("b", [bias_size], g["bias_init"], None, 0, g["trainable"], g["restore"]) if g["bias"] else None
        inference = run(W)
        inference = inference if b is None else tf.nn.bias_add(inference, b)
        inference = activations.apply(inference, g["activation"])
    return done(inference, scope, scope.name, W, b)


def conv_2d(incoming, nb_filter, filter_size, strides=1, padding="same", activation="linear", bias=True,
            weights_init="uniform_scaling", bias_init="zeros", regularizer=None, weight_decay=0.001, trainable=True,
            restore=True, reuse=False, scope=None, name="Conv2D"):  # fmt: skip
    """Convolution over rows and columns."""
    given = dict(locals())
    shape = [*utils.sizes(filter_size, 2, "filter_size"), _channels(incoming, 2), nb_filter]
    step = [1, *utils.sizes(strides, 2, "strides"), 1]
    return _conv(
        lambda W: tf.nn.conv2d(incoming, W, step, utils.fix_padding(padding)), incoming, shape, given, nb_filter
    )


def _target(incoming, output_shape, nb_filter, rank):
    sizes = list(output_shape)
    if len(sizes) == rank:
        sizes.append(nb_filter)
    elif len(sizes) != rank + 1:
        raise Exception(f"output_shape length error: {len(sizes)}, only a length of {rank} or {rank + 1} is supported.")
    return sizes, tf.stack([tf.shape(incoming)[0], *sizes])


def conv_2d_transpose(incoming, nb_filter, filter_size, output_shape, strides=1, padding="same", activation="linear",
                      bias=True, weights_init="uniform_scaling", bias_init="zeros", regularizer=None,
                      weight_decay=0.001, trainable=True, restore=True, reuse=False, scope=None,
                      name="Conv2DTranspose"):  # fmt: skip
    """The gradient of a convolution, to a given shape."""
    given = dict(locals())
    shape = [*utils.sizes(filter_size, 2, "filter_size"), nb_filter, _channels(incoming, 2)]
    sizes, whole = _target(incoming, output_shape, nb_filter, 2)
    step = [1, *utils.sizes(strides, 2, "strides"), 1]

    def run(W):
        found = tf.nn.conv2d_transpose(incoming, W, whole, step, utils.fix_padding(padding))
        found.set_shape([None, *sizes])
        return found

    return _conv(run, incoming, shape, given, nb_filter)


def atrous_conv_2d(incoming, nb_filter, filter_size, rate=1, padding="same", activation="linear", bias=True,
                   weights_init="uniform_scaling", bias_init="zeros", regularizer=None, weight_decay=0.001,
                   trainable=True, restore=True, reuse=False, scope=None, name="AtrousConv2D"):  # fmt: skip
    """Convolution with holes."""
    given = dict(locals())
    shape = [*utils.sizes(filter_size, 2, "filter_size"), _channels(incoming, 2), nb_filter]
    run = lambda W: tf.nn.atrous_conv2d(incoming, W, rate, utils.fix_padding(padding))  # noqa: E731
    return _conv(run, incoming, shape, given, nb_filter)


def grouped_conv_2d(incoming, channel_multiplier, filter_size, strides=1, padding="same", activation="linear",
                    bias=False, weights_init="uniform_scaling", bias_init="zeros", regularizer=None,
                    weight_decay=0.001, trainable=True, restore=True, reuse=False, scope=None,
                    name="GroupedConv2D"):  # fmt: skip
    """Convolution of each channel by itself."""
    given = dict(locals())
    channels = _channels(incoming, 2)
    shape = [*utils.sizes(filter_size, 2, "filter_size"), channels, channel_multiplier]
    step = [1, *utils.sizes(strides, 2, "strides"), 1]
    run = lambda W: tf.nn.depthwise_conv2d(incoming, W, step, utils.fix_padding(padding))  # noqa: E731
    return _conv(run, incoming, shape, given, channels * channel_multiplier)


depthwise_conv_2d = grouped_conv_2d


def conv_1d(incoming, nb_filter, filter_size, strides=1, padding="same", activation="linear", bias=True,
            weights_init="uniform_scaling", bias_init="zeros", regularizer=None, weight_decay=0.001, trainable=True,
            restore=True, reuse=False, scope=None, name="Conv1D"):  # fmt: skip
    """Convolution over steps; the filter is (steps, 1, channels, filters)."""
    given = dict(locals())
    size, step = (utils.sizes(v, 1, w)[0] for v, w in ((filter_size, "filter_size"), (strides, "strides")))
    shape = [size, 1, _channels(incoming, 1), nb_filter]

    def run(W):
        found = tf.nn.conv2d(tf.expand_dims(incoming, 2), W, [1, step, 1, 1], utils.fix_padding(padding))
        return tf.squeeze(found, [2])

    return _conv(run, incoming, shape, given, nb_filter)


def conv_3d(incoming, nb_filter, filter_size, strides=1, padding="same", activation="linear", bias=True,
            weights_init="uniform_scaling", bias_init="zeros", regularizer=None, weight_decay=0.001, trainable=True,
            restore=True, reuse=False, scope=None, name="Conv3D"):  # fmt: skip
    """Convolution over volumes."""
    given = dict(locals())
    shape = [*utils.sizes(filter_size, 3, "filter_size"), _channels(incoming, 3), nb_filter]
    step = [1, *utils.sizes(strides, 3, "strides"), 1]
    return _conv(
        lambda W: tf.nn.conv3d(incoming, W, step, utils.fix_padding(padding)), incoming, shape, given, nb_filter
    )


def conv_3d_transpose(incoming, nb_filter, filter_size, output_shape, strides=1, padding="same", activation="linear",
                      bias=True, weights_init="uniform_scaling", bias_init="zeros", regularizer=None,
                      weight_decay=0.001, trainable=True, restore=True, reuse=False, scope=None,
                      name="Conv3DTranspose"):  # fmt: skip
    """The gradient of a convolution over volumes, to a given shape."""
    given = dict(locals())
    shape = [*utils.sizes(filter_size, 3, "filter_size"), nb_filter, _channels(incoming, 3)]
    sizes, whole = _target(incoming, output_shape, nb_filter, 3)
    step = [1, *utils.sizes(strides, 3, "strides"), 1]

    def run(W):
        found = tf.nn.conv3d_transpose(incoming, W, whole, step, utils.fix_padding(padding))
        found.set_shape([None, *sizes])
        return found

    return _conv(run, incoming, shape, given, nb_filter)


def _pool(op, incoming, rank, kernel_size, strides, padding, name):
    _channels(incoming, rank)
    size = utils.sizes(kernel_size, rank, "kernel_size")
    step = size if strides is None else utils.sizes(strides, rank, "strides")
    with tf.name_scope(name) as scope:
        if rank == 1:
            found = op(tf.expand_dims(incoming, 2), [1, *size, 1, 1], [1, *step, 1, 1], utils.fix_padding(padding))
            inference = tf.squeeze(found, [2])
        else:
            inference = op(incoming, [1, *size, 1], [1, *step, 1], utils.fix_padding(padding))
    return done(inference, scope, name)


def max_pool_2d(incoming, kernel_size, strides=None, padding="same", name="MaxPool2D"):
    """The greatest of each window."""
    return _pool(tf.nn.max_pool, incoming, 2, kernel_size, strides, padding, name)


def avg_pool_2d(incoming, kernel_size, strides=None, padding="same", name="AvgPool2D"):
    """The mean of each window."""
    return _pool(tf.nn.avg_pool, incoming, 2, kernel_size, strides, padding, name)


def max_pool_1d(incoming, kernel_size, strides=None, padding="same", name="MaxPool1D"):
    """The greatest of each window of steps."""
    return _pool(tf.nn.max_pool, incoming, 1, kernel_size, strides, padding, name)


def avg_pool_1d(incoming, kernel_size, strides=None, padding="same", name="AvgPool1D"):
    """The mean of each window of steps."""
    return _pool(tf.nn.avg_pool, incoming, 1, kernel_size, strides, padding, name)


def max_pool_3d(incoming, kernel_size, strides=1, padding="same", name="MaxPool3D"):
    """The greatest of each window of a volume."""
    return _pool(tf.nn.max_pool3d, incoming, 3, kernel_size, strides, padding, name)


def avg_pool_3d(incoming, kernel_size, strides=1, padding="same", name="AvgPool3D"):
    """The mean of each window of a volume."""
    return _pool(tf.nn.avg_pool3d, incoming, 3, kernel_size, strides, padding, name)


def global_max_pool(incoming, name="GlobalMaxPool"):
    """The greatest of an image."""
    _channels(incoming, 2)
    with tf.name_scope(name) as scope:
        inference = tf.reduce_max(incoming, [1, 2])
    return done(inference, scope, name)


def global_avg_pool(incoming, name="GlobalAvgPool"):
    """The mean of an image."""
    _channels(incoming, 2)
    with tf.name_scope(name) as scope:
        inference = tf.reduce_mean(incoming, [1, 2])
    return done(inference, scope, name)


def upsample_2d(incoming, kernel_size, name="UpSample2D"):
    """Each row and column several times."""
    _channels(incoming, 2)
    factors = utils.sizes(kernel_size, 2, "kernel_size")
    with tf.name_scope(name) as scope:
        shape = incoming.shape.as_list()
        inference = tf.image.resize_nearest_neighbor(incoming, tf.shape(incoming)[1:3] * tf.constant(factors))
        inference.set_shape([shape[0], *(None if n is None else n * f for n, f in zip(shape[1:3], factors)), shape[3]])
    return done(inference, scope, name)


def _bilinear(size, classes):
    """A filter that makes images larger by interpolation, for each class its own channel."""
    import numpy as np

    middle = (size + 1) // 2
    center = middle - 1 if size % 2 == 1 else middle - 0.5
    line = 1 - np.abs(np.arange(size) - center) / middle
    found = np.zeros((size, size, classes, classes), "float32")
    for i in range(classes):
        found[:, :, i, i] = np.outer(line, line)
    return found


def upscore_layer(incoming, num_classes, shape=None, kernel_size=4, strides=2, trainable=True, restore=True,
                  reuse=False, scope=None, name="Upscore"):  # fmt: skip
    """Scores of an image's places, made larger by a learned interpolation."""
    channels = _channels(incoming, 2)
    size, step = utils.sizes(kernel_size, 2, "kernel_size"), utils.sizes(strides, 2, "strides")
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        if shape is None:
            now = tf.shape(incoming)
            whole = tf.stack([now[0], (now[1] - 1) * step[0] + 1, (now[2] - 1) * step[1] + 1, num_classes])
        else:
            whole = tf.stack([shape[0], shape[1], shape[2], num_classes])
        start = _bilinear(size[0], max(num_classes, channels))[:, :, :num_classes, :channels]
        W = weight("up_filter", None, tf.constant(start), trainable=trainable, restore=restore)
        inference = tf.nn.conv2d_transpose(incoming, W, whole, [1, *step, 1], padding="SAME")
    inference.b = None
    return done(inference, scope, scope.name, W)


def __getattr__(name):
    """The blocks stand in a module of their own; TFLearn has them here."""
    from tenon.tflearn.layers import conv_blocks

    return getattr(conv_blocks, name)
