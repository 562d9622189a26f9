"""Losses: functions of what is true and what is predicted, one number a sample, and classes of them."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import backend_ops
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.losses",)
TF_EXPORTS = {
    "keras.metrics.mean_squared_error": "mean_squared_error",
    "keras.metrics.mse": "mse",
    "keras.metrics.MSE": "MSE",
    "keras.metrics.mean_absolute_error": "mean_absolute_error",
    "keras.metrics.mae": "mae",
    "keras.metrics.MAE": "MAE",
    "keras.metrics.mean_absolute_percentage_error": "mean_absolute_percentage_error",
    "keras.metrics.mape": "mape",
    "keras.metrics.MAPE": "MAPE",
    "keras.metrics.mean_squared_logarithmic_error": "mean_squared_logarithmic_error",
    "keras.metrics.msle": "msle",
    "keras.metrics.MSLE": "MSLE",
    "keras.metrics.hinge": "hinge",
    "keras.metrics.squared_hinge": "squared_hinge",
    "keras.metrics.categorical_hinge": "categorical_hinge",
    "keras.metrics.kullback_leibler_divergence": "kullback_leibler_divergence",
    "keras.metrics.kld": "kld",
    "keras.metrics.KLD": "KLD",
    "keras.metrics.poisson": "poisson",
    "keras.metrics.cosine": "cosine",
    "keras.metrics.cosine_proximity": "cosine_proximity",
    "keras.metrics.binary_crossentropy": "binary_crossentropy",
    "keras.metrics.categorical_crossentropy": "categorical_crossentropy",
    "keras.metrics.sparse_categorical_crossentropy": "sparse_categorical_crossentropy",
    "keras.metrics.logcosh": "logcosh",
}


class Reduction:
    """How the losses of samples become one."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


def _match(losses, weights):
    """LOSSES and WEIGHTS with as many axes."""
    a, b = losses.shape.ndims, weights.shape.ndims
    if None in (a, b) or b == 0 or a == b:
        return losses, weights
    if b - a == 1 and weights.shape[-1].value in (1, None):
        return losses, tf.squeeze(weights, -1)
    while weights.shape.ndims < a:
        weights = tf.expand_dims(weights, -1)
    return losses, weights


def compute_weighted_loss(losses, sample_weight=None, reduction=Reduction.SUM_OVER_BATCH_SIZE, name=None):
    """Losses times weights, reduced."""
    with tf.name_scope(name or "weighted_loss"):
        losses = tf.convert_to_tensor(losses)
        dtype = losses.dtype
        if sample_weight is not None:
            losses, weight = _match(losses, tf.cast(tf.convert_to_tensor(sample_weight), losses.dtype))
            losses = losses * weight
        if reduction == Reduction.NONE:
            return losses
        loss = tf.reduce_sum(losses)
        if reduction in (Reduction.SUM_OVER_BATCH_SIZE, Reduction.AUTO):
            loss = tf.div_no_nan(loss, tf.cast(tf.size(losses), loss.dtype))
        return tf.cast(loss, dtype)


class Loss:
    """Base class: `call(y_true, y_pred)` gives the loss of each sample."""

    def __init__(self, reduction=Reduction.AUTO, name=None):
        if reduction not in (Reduction.AUTO, Reduction.NONE, Reduction.SUM, Reduction.SUM_OVER_BATCH_SIZE):
            raise ValueError(f"Invalid Reduction Key {reduction}.")
        self.reduction, self.name = reduction, name

    def __call__(self, y_true, y_pred, sample_weight=None):
        with tf.name_scope(self.name or self.__class__.__name__):
            return compute_weighted_loss(self.call(y_true, y_pred), sample_weight, self.reduction)

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        raise NotImplementedError("Must be implemented in subclasses.")

    @classmethod
    def from_config(cls, config):
        """The loss that get_config described."""
        return cls(**config)

    def get_config(self):
        """The arguments that make it again."""
        return {"reduction": self.reduction, "name": self.name}


class LossFunctionWrapper(Loss):
    """A function as a loss."""

    def __init__(self, fn, reduction=Reduction.AUTO, name=None, **kwargs):
        super().__init__(reduction, name)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true, y_pred):
        """The loss of each sample."""
        y_pred = tf.convert_to_tensor(y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), **self._fn_kwargs}


def squeeze_or_expand(y_true, y_pred):
    """Y_TRUE and Y_PRED with as many axes, where one has a last axis of one too many."""
    a, b = y_true.shape.ndims, y_pred.shape.ndims
    if a is not None and b is not None:
        if a - b == 1 and y_true.shape[-1].value == 1:
            y_true = tf.squeeze(y_true, [-1])
        elif b - a == 1 and y_pred.shape[-1].value == 1:
            y_pred = tf.squeeze(y_pred, [-1])
    return y_true, y_pred


def _both(y_true, y_pred):
    y_pred = tf.convert_to_tensor(y_pred)
    return tf.cast(y_true, y_pred.dtype), y_pred


def mean_squared_error(y_true, y_pred):
    """mean(square(y_pred - y_true)) over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    return tf.reduce_mean(tf.squared_difference(y_pred, y_true), axis=-1)


def mean_absolute_error(y_true, y_pred):
    """mean(abs(y_pred - y_true)) over the last axis."""
    y_true, y_pred = _both(y_true, y_pred)
    return tf.reduce_mean(tf.abs(y_pred - y_true), axis=-1)


def mean_absolute_percentage_error(y_true, y_pred):
    """100 * mean(abs((y_true - y_pred) / y_true))."""
    y_true, y_pred = _both(y_true, y_pred)
    return 100.0 * tf.reduce_mean(tf.abs((y_true - y_pred) / tf.maximum(tf.abs(y_true), K.epsilon())), axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """mean(square(log(y_true + 1) - log(y_pred + 1)))."""
    y_true, y_pred = _both(y_true, y_pred)
    logs = [tf.log(tf.maximum(y, K.epsilon()) + 1.0) for y in (y_pred, y_true)]
    return tf.reduce_mean(tf.squared_difference(*logs), axis=-1)


def _signed(y_true):
    """Labels of 0 and 1 as -1 and 1; others stay."""
    binary = tf.reduce_all(tf.logical_or(tf.equal(y_true, 0), tf.equal(y_true, 1)))
    return K.smart_cond(binary, lambda: 2.0 * y_true - 1.0, lambda: tf.identity(y_true))


def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0))."""
    y_true, y_pred = _both(y_true, y_pred)
    return tf.reduce_mean(tf.maximum(1.0 - _signed(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true, y_pred):
    """mean(square(max(1 - y_true * y_pred, 0)))."""
    y_true, y_pred = _both(y_true, y_pred)
    return tf.reduce_mean(tf.square(tf.maximum(1.0 - _signed(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """max(neg - pos + 1, 0)."""
    y_true, y_pred = _both(y_true, y_pred)
    positive = tf.reduce_sum(y_true * y_pred, axis=-1)
    negative = tf.reduce_max((1.0 - y_true) * y_pred, axis=-1)
    return tf.maximum(0.0, negative - positive + 1.0)


def huber_loss(y_true, y_pred, delta=1.0):
    """Squares up to DELTA, straight lines beyond."""
    y_true, y_pred = _both(y_true, y_pred)
    error = tf.abs(y_pred - y_true)
    return tf.reduce_mean(tf.where(error <= delta, 0.5 * tf.square(error), delta * error - 0.5 * delta * delta), -1)


def logcosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true)))."""
    y_true, y_pred = _both(y_true, y_pred)
    x = y_pred - y_true
    return tf.reduce_mean(x + tf.nn.softplus(-2.0 * x) - tf.log(tf.constant(2.0, x.dtype)), axis=-1)


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0, axis=-1):
    """-sum(y_true * log(y_pred))."""
    y_true, y_pred = _both(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / tf.cast(tf.shape(y_true)[-1], y_pred.dtype)
    return backend_ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, axis=-1):
    """-log(y_pred[y_true])."""
    return backend_ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0, axis=-1):
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))."""
    y_true, y_pred = _both(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return tf.reduce_mean(backend_ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def kullback_leibler_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred))."""
    y_true, y_pred = _both(y_true, y_pred)
    y_true, y_pred = (tf.clip_by_value(y, K.epsilon(), 1.0) for y in (y_true, y_pred))
    return tf.reduce_sum(y_true * tf.log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred))."""
    y_true, y_pred = _both(y_true, y_pred)
    return tf.reduce_mean(y_pred - y_true * tf.log(y_pred + K.epsilon()), axis=-1)


def cosine_similarity(y_true, y_pred, axis=-1):
    """-sum(l2_norm(y_true) * l2_norm(y_pred))."""
    return -tf.reduce_sum(tf.nn.l2_normalize(y_true, axis) * tf.nn.l2_normalize(y_pred, axis), axis=axis)


def _wrapped(name, fn, own_name, doc, extra=()):
    """The class of a function: its arguments before reduction and name are EXTRA."""
    defaults = dict(extra)

    def __init__(self, *args, reduction=Reduction.AUTO, name=own_name, **kwargs):
        names = [*defaults, "reduction", "name"]
        given = {**defaults, "reduction": reduction, "name": name, **dict(zip(names, args)), **kwargs}
        LossFunctionWrapper.__init__(self, fn, **given)

    generic_utils.set_signature(__init__, ["self"], {**defaults, "reduction": Reduction.AUTO, "name": own_name})
    return type(name, (LossFunctionWrapper,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


MeanSquaredError = _wrapped("MeanSquaredError", mean_squared_error, "mean_squared_error", "Mean of squares.")
MeanAbsoluteError = _wrapped("MeanAbsoluteError", mean_absolute_error, "mean_absolute_error", "Mean of differences.")
MeanAbsolutePercentageError = _wrapped(
    "MeanAbsolutePercentageError", mean_absolute_percentage_error, "mean_absolute_percentage_error",
    "Mean of percentages.")  # fmt: skip
MeanSquaredLogarithmicError = _wrapped(
    "MeanSquaredLogarithmicError", mean_squared_logarithmic_error, "mean_squared_logarithmic_error",
    "Mean of squares of logarithms.")  # fmt: skip
BinaryCrossentropy = _wrapped("BinaryCrossentropy", binary_crossentropy, "binary_crossentropy",
                              "Crossentropy of two classes.", {"from_logits": False, "label_smoothing": 0})  # fmt: skip
CategoricalCrossentropy = _wrapped(
    "CategoricalCrossentropy", categorical_crossentropy, "categorical_crossentropy", "Crossentropy of one-hot labels.",
    {"from_logits": False, "label_smoothing": 0})  # fmt: skip
SparseCategoricalCrossentropy = _wrapped(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy, "sparse_categorical_crossentropy",
    "Crossentropy of labels that are numbers.", {"from_logits": False})  # fmt: skip
Hinge = _wrapped("Hinge", hinge, "hinge", "The hinge loss.")
SquaredHinge = _wrapped("SquaredHinge", squared_hinge, "squared_hinge", "The squared hinge loss.")
CategoricalHinge = _wrapped("CategoricalHinge", categorical_hinge, "categorical_hinge", "The hinge loss of classes.")
Poisson = _wrapped("Poisson", poisson, "poisson", "The Poisson loss.")
LogCosh = _wrapped("LogCosh", logcosh, "logcosh", "log(cosh(error)).")
KLDivergence = _wrapped("KLDivergence", kullback_leibler_divergence, "kullback_leibler_divergence",
                        "The Kullback-Leibler divergence.")  # fmt: skip
Huber = _wrapped("Huber", huber_loss, "huber_loss", "The Huber loss.", {"delta": 1.0})
CosineSimilarity = _wrapped("CosineSimilarity", cosine_similarity, "cosine_similarity", "Minus the cosine.",
                            {"axis": -1})  # fmt: skip

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kl_divergence = kullback_leibler_divergence
cosine = cosine_proximity = cosine_similarity
log_cosh = logcosh
huber = huber_loss


def serialize(loss):
    """The name of a function, {"class_name": ..., "config": ...} of an object."""
    return generic_utils.serialize_keras_object(loss)


def deserialize(name, custom_objects=None):
    """The loss of a name or of what serialize made."""
    return generic_utils.deserialize_keras_object(name, globals(), custom_objects, "loss function")


def get(identifier):
    """A loss: a name, a configuration, a function or None."""
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        return deserialize(str(identifier) if isinstance(identifier, str) else identifier)
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret loss function identifier: {identifier}")
