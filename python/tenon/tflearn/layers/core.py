"""The basic layers."""

import numpy as np

import tenon as tf
from tenon.tflearn import activations, config, initializations, losses, utils
from tenon.tflearn import variables as vs
from tenon.tflearn.collections import remember


def weight(name, shape, init, regularizer=None, weight_decay=0.001, trainable=True, restore=True):
    """A variable of a layer, with a penalty where it has one; INIT may be a tensor, then it has its shape."""
    init = initializations.initializer(init)
    shape = None if isinstance(init, tf.Tensor) else shape
    return vs.variable(name, shape=shape, initializer=init, regularizer=losses.regularizer(regularizer, weight_decay),
                       trainable=trainable, restore=restore)  # fmt: skip


def done(inference, scope, name, W=None, b=None):
    """Gives the result of a layer what programs look at: W, b, scope."""
    inference.scope = scope
    if W is not None:
        inference.W, inference.b = W, b
    remember(name, inference, (W, b))
    return inference


def input_data(shape=None, placeholder=None, dtype=tf.float32, data_preprocessing=None, data_augmentation=None,
               name="InputData"):  # fmt: skip
    """A placeholder; SHAPE is that of a batch, the number of samples is None."""
    if placeholder is None:
        if shape is None:
            raise Exception("Either a `shape` or `placeholder` argument is required to consruct an input layer.")
        shape = list(shape)
        shape = [None, *shape] if len(shape) > 1 and shape[0] is not None else shape
        with tf.name_scope(name):
            placeholder = tf.placeholder(shape=shape if len(shape) > 1 else [None, *shape], dtype=dtype, name="X")
    tf.add_to_collection(tf.GraphKeys.INPUTS, placeholder)
    tf.add_to_collection(f"{tf.GraphKeys.LAYER_TENSOR}/{name}", placeholder)
    _keep(tf.GraphKeys.DATA_PREP, data_preprocessing)
    _keep(tf.GraphKeys.DATA_AUG, data_augmentation)
    return placeholder


def _keep(collection, value):
    """One entry for each input, None included."""
    tf.get_collection_ref(collection).append(value)


def fully_connected(incoming, n_units, activation="linear", bias=True, weights_init="truncated_normal",
                    bias_init="zeros", regularizer=None, weight_decay=0.001, trainable=True, restore=True, reuse=False,
                    scope=None, name="FullyConnected"):  # fmt: skip
    """activation(incoming * W + b)."""
    shape = utils.get_incoming_shape(incoming)
    if len(shape) < 2:
        raise AssertionError("Incoming Tensor shape must be at least 2-D")
    size = int(np.prod(shape[1:]))
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        name = scope.name
        W = weight("W", [size, n_units], weights_init, regularizer, weight_decay, trainable, restore)
        b = weight("b", [n_units], bias_init, None, 0, trainable, restore) if bias else None
        inference = incoming if len(shape) == 2 else tf.reshape(incoming, [-1, size])
        inference = tf.matmul(inference, W)
        inference = inference if b is None else tf.nn.bias_add(inference, b)
        inference = activations.apply(inference, activation)
    return done(inference, scope, name, W, b)


def dropout(incoming, keep_prob, noise_shape=None, name="Dropout"):
    """Keeps each value with a probability, in training only."""
    with tf.name_scope(name) as scope:
        each = isinstance(incoming, list)
        found = [_dropped(x, keep_prob, noise_shape) for x in (incoming if each else [incoming])]
    found = found if each else found[0]
    tf.add_to_collection(f"{tf.GraphKeys.LAYER_TENSOR}/{scope.rstrip('/')}", found)
    return found


def _dropped(x, keep_prob, noise_shape):
    found = tf.cond(config.get_training_mode(),
                    lambda: tf.nn.dropout(x, keep_prob=keep_prob, noise_shape=noise_shape), lambda: tf.identity(x))  # fmt: skip  # noqa: E501
    found.set_shape(x.shape)
    return found


def custom_layer(incoming, custom_fn, **kwargs):
    """A function as a layer."""
    name = kwargs.pop("name", "CustomLayer")
    with tf.name_scope(name):
        inference = custom_fn(incoming, **kwargs)
    tf.add_to_collection(f"{tf.GraphKeys.LAYER_TENSOR}/{name}", inference)
    return inference


def reshape(incoming, new_shape, name="Reshape"):
    """Another shape."""
    with tf.name_scope(name) as scope:
        inference = tf.reshape(incoming, shape=new_shape)
    return done(inference, scope, name)


def flatten(incoming, name="Flatten"):
    """All axes but the first as one."""
    shape = utils.get_incoming_shape(incoming)
    if len(shape) < 2:
        raise AssertionError("Incoming Tensor shape must be at least 2-D")
    return reshape(incoming, [-1, int(np.prod(shape[1:]))], name)


def activation(incoming, activation="linear", name="activation"):
    """An activation function."""
    with tf.name_scope(name) as scope:
        inference = activations.apply(incoming, activation)
        inference = tf.identity(inference) if inference is incoming else inference
    return done(inference, scope, name)


def single_unit(incoming, activation="linear", bias=True, trainable=True, restore=True, reuse=False, scope=None,
                name="Linear"):  # fmt: skip
    """activation(W * incoming + b), one number each."""
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        name = scope.name
        W = vs.variable("W", shape=[1], initializer=tf.constant_initializer(np.random.randn()), trainable=trainable,
                        restore=restore)  # fmt: skip
        b = None
        if bias:
            b = vs.variable("b", shape=[1], initializer=tf.constant_initializer(np.random.randn()),
                            trainable=trainable, restore=restore)  # fmt: skip
        inference = tf.multiply(incoming, W)
        inference = inference if b is None else tf.add(inference, b)
        inference = activations.apply(inference, activation)
    return done(inference, scope, name, W, b)


def highway(incoming, n_units, activation="linear", transform_dropout=None, weights_init="truncated_normal",
            bias_init="zeros", regularizer=None, weight_decay=0.001, trainable=True, restore=True, reuse=False,
            scope=None, name="FullyConnectedHighway"):  # fmt: skip
    """A fully connected layer, mixed with its input by a gate."""
    size = int(np.prod(utils.get_incoming_shape(incoming)[1:]))
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        name = scope.name
        W = weight("W", [size, n_units], weights_init, regularizer, weight_decay, trainable, restore)
        b = weight("b", [n_units], bias_init, None, 0, trainable, restore)
        W_t = weight("W_T", [size, n_units], weights_init, None, 0, trainable, restore)
        b_t = vs.variable("b_T", shape=[n_units], initializer=tf.constant_initializer(-1.0), trainable=trainable,
                          restore=restore)  # fmt: skip
        x = incoming if incoming.shape.ndims == 2 else tf.reshape(incoming, [-1, size])
        H = activations.apply(tf.matmul(x, W) + b, activation)
        T = tf.sigmoid(tf.matmul(x, W_t) + b_t)
        T = dropout(T, transform_dropout) if transform_dropout else T
        inference = tf.add(tf.multiply(H, T), tf.multiply(x, tf.subtract(1.0, T)))
    inference.W_t, inference.b_t = W_t, b_t
    remember(name, inference, (W_t, b_t))
    return done(inference, scope, name, W, b)


def one_hot_encoding(target, n_classes, on_value=1.0, off_value=0.0, name="OneHotEncoding"):
    """Numbers of classes as rows with a one."""
    with tf.name_scope(name):
        target = target if target.dtype == tf.int64 else tf.to_int64(target)
        return tf.one_hot(target, n_classes, on_value=on_value, off_value=off_value)


def time_distributed(incoming, fn, args=None, scope=None):
    """A layer applied to each step of (samples, steps, ...)."""
    args = args or []
    if not isinstance(args, list):
        raise AssertionError("'args' must be a list.")
    steps = utils.get_incoming_shape(incoming)[1]
    parts = tf.unstack(incoming, axis=1)
    found = []
    for i, part in enumerate(parts):
        # All steps share the variables of a scope; without a scope each has its own.
        named = {} if scope is None else {"scope": scope, "reuse": i > 0}
        found.append(fn(part, *args, **named))
    if not isinstance(found[0], tf.Tensor):
        return found
    shape = found[0].shape.as_list()
    if len(shape) > 2:
        return tf.stack(found, axis=1)
    return tf.concat([tf.reshape(x, [-1, 1, shape[1]]) for x in found], 1) if steps else tf.stack(found, axis=1)


def multi_target_data(name_list, shape, dtype=tf.float32):
    """Placeholders for several targets, as one tensor."""
    found = []
    for name in name_list:
        with tf.name_scope(name):
            found.append(tf.placeholder(shape=shape, dtype=dtype, name="Y"))
    return tf.concat(found, 0)
