"""What is minimized: functions of what is predicted and what is true."""

import tenon as tf

_EPSILON = 1e-8


def get(identifier):
    """An objective: by its name, or what is given."""
    if callable(identifier):
        return identifier
    found = globals().get(identifier)
    if identifier.startswith("_") or not callable(found) or identifier in ("get", "tf"):
        raise Exception(f"Invalid objective: {identifier}")
    return found


def softmax_categorical_crossentropy(y_pred, y_true):
    """The crossentropy of the softmax of scores."""
    with tf.name_scope("SoftmaxCrossentropy"):
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=y_pred, labels=y_true))


def categorical_crossentropy(y_pred, y_true):
    """The crossentropy of probabilities; they need not sum to one."""
    with tf.name_scope("Crossentropy"):
        y_pred /= tf.reduce_sum(y_pred, axis=-1, keepdims=True)
        y_pred = tf.clip_by_value(y_pred, tf.cast(_EPSILON, y_pred.dtype), tf.cast(1.0 - _EPSILON, y_pred.dtype))
        return tf.reduce_mean(-tf.reduce_sum(y_true * tf.log(y_pred), axis=-1))


def binary_crossentropy(y_pred, y_true):
    """The crossentropy of the sigmoid of scores."""
    with tf.name_scope("BinaryCrossentropy"):
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=y_pred, labels=y_true))


def weighted_crossentropy(y_pred, y_true, weight):
    """The same, with a weight of what is true."""
    with tf.name_scope("WeightedCrossentropy"):
        return tf.reduce_mean(
            tf.nn.weighted_cross_entropy_with_logits(logits=y_pred, targets=y_true, pos_weight=weight)
        )


def mean_square(y_pred, y_true):
    """The mean of squares."""
    with tf.name_scope("MeanSquare"):
        return tf.reduce_mean(tf.square(y_pred - y_true))


def hinge_loss(y_pred, y_true):
    """The mean of max(1 - y_true * y_pred, 0)."""
    with tf.name_scope("HingeLoss"):
        return tf.reduce_mean(tf.maximum(1.0 - y_true * y_pred, 0.0))


def hinge_loss_squared(y_pred, y_true):
    """The mean of its squares."""
    with tf.name_scope("HingeLoss"):
        return tf.reduce_mean(tf.square(tf.maximum(1.0 - y_true * y_pred, 0.0)))


def roc_auc_score(y_pred, y_true):
    """How far pairs of samples are ordered wrongly: what stands for one minus the area under the ROC curve."""
    with tf.name_scope("RocAucScore"):
        positive, negative = (tf.boolean_mask(y_pred, tf.equal(tf.cast(y_true, tf.bool), v)) for v in (True, False))
        difference = tf.expand_dims(positive, 0) - tf.expand_dims(negative, 1) - 0.2
        return tf.reduce_sum(tf.pow(-tf.boolean_mask(difference, difference < 0.0), 3))


def weak_cross_entropy_2d(y_pred, y_true, num_classes=None, epsilon=0.0001, head=None):
    """The crossentropy of pictures' pixels, without the background."""
    with tf.name_scope("WeakCrossEntropy2D"):
        num_classes = num_classes or y_pred.shape[-1].value
        logits = tf.reshape(y_pred, (-1, num_classes)) + epsilon
        labels = tf.to_float(tf.reshape(y_true, (-1, num_classes)))
        softmax = tf.nn.softmax(logits)
        terms = labels * tf.log(softmax)
        return tf.reduce_mean(-tf.reduce_sum(terms if head is None else terms * head, axis=1))


def contrastive_loss(y_pred, y_true, margin=1.0):
    """Distances of pairs: small for those that belong together (1), beyond a margin for the others."""
    with tf.name_scope("ContrastiveLoss"):
        apart = tf.square(tf.maximum(margin - y_pred, 0.0))
        return tf.reduce_mean(y_true * tf.square(y_pred) + (1.0 - y_true) * apart) / 2
