"""regression: how what comes in is trained."""

import tenon as tf
from tenon.tflearn import metrics, objectives, optimizers, utils
from tenon.tflearn.helpers.trainer import TrainOp
from tenon.tflearn.layers.core import one_hot_encoding


def _placeholder(placeholder, incoming, dtype, name, to_one_hot):
    """The placeholder of the targets."""
    if placeholder is None:
        return None
    if not isinstance(placeholder, str):
        tf.add_to_collection(tf.GraphKeys.TARGETS, placeholder)
        return placeholder
    with tf.name_scope(name or "TargetsData"):
        shape = [None] if to_one_hot else utils.get_incoming_shape(incoming)
        made = tf.placeholder(shape=[None, *shape[1:]] if shape else [], dtype=dtype, name="Y")
    tf.add_to_collection(tf.GraphKeys.TARGETS, made)
    return made


def _optimizer(optimizer, learning_rate, step):
    """(an optimizer of tf.train, the learning rate)."""
    if isinstance(optimizer, str):
        optimizer = optimizers.get(optimizer)(learning_rate)
    if isinstance(optimizer, type):
        optimizer = optimizer(learning_rate)
    if isinstance(optimizer, optimizers.Optimizer):
        optimizer.build(step)
        return optimizer.get_tensor()
    if not isinstance(optimizer, tf.train.Optimizer):
        try:
            optimizer = optimizer(learning_rate)
            return optimizer[0] if isinstance(optimizer, tuple) else optimizer
        except TypeError:
            raise ValueError("Unexpected Optimizer.") from None
    return optimizer


def _metric(metric, incoming, placeholder, inputs):
    if metric is None:
        return None
    if isinstance(metric, str):
        metric = metrics.get("accuracy" if metric == "default" else metric)()
    if isinstance(metric, metrics.Metric):
        metric.build(incoming, placeholder, inputs)
        return metric.get_tensor()
    if callable(metric):
        found = metric(incoming, placeholder, inputs)
        found.m_name = getattr(metric, "__name__", "metric")
        return found
    if not isinstance(metric, tf.Tensor):
        raise ValueError("Unexpected metric type.")
    return metric


def regression(incoming, placeholder="default", optimizer="adam", loss="categorical_crossentropy", metric="default",
               learning_rate=0.001, dtype=tf.float32, batch_size=64, shuffle_batches=True, to_one_hot=False,
               n_classes=None, trainable_vars=None, restore=True, op_name=None, validation_monitors=None,
               validation_batch_size=None, name=None):  # fmt: skip
    """Says how what comes in is trained (loss, optimizer, metric, size of batches); returns it."""
    placeholder = _placeholder(placeholder, incoming, dtype, name, to_one_hot)
    if to_one_hot:
        if n_classes is None:
            raise Exception("'n_classes' is required when using 'to_one_hot'.")
        target = one_hot_encoding(placeholder, n_classes)
    else:
        target = placeholder
    step = tf.Variable(0.0, name="Training_step", dtype=tf.float32, trainable=False)
    made = _optimizer(optimizer, learning_rate, step)
    inputs = tf.get_collection(tf.GraphKeys.INPUTS)
    if isinstance(loss, (str,)) or callable(loss):
        loss = objectives.get(loss)(incoming, target)
    elif not isinstance(loss, tf.Tensor):
        raise ValueError("Invalid Loss type.")
    variables = None
    if trainable_vars is not None:
        variables = [v for v in tf.trainable_variables() if any(v is t or v.name == getattr(t, "name", None)
                                                                for t in trainable_vars)]  # fmt: skip
    op = TrainOp(loss=loss, optimizer=made, metric=_metric(metric, incoming, target, inputs), trainable_vars=variables,
                 batch_size=batch_size, shuffle=shuffle_batches, step_tensor=step,
                 validation_monitors=validation_monitors, validation_batch_size=validation_batch_size,
                 name=op_name)  # fmt: skip
    op.placeholder, op.prediction = placeholder, incoming
    tf.add_to_collection(tf.GraphKeys.TRAIN_OPS, op)
    if not restore:
        tf.add_to_collection(tf.GraphKeys.EXCL_RESTORE_VARS, step)
    if not hasattr(incoming, "placeholder"):
        incoming.placeholder = placeholder
    return incoming
