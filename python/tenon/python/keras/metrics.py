"""Metrics: objects that gather values over batches, and functions of what is true and what is predicted."""

import functools

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import losses
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.metrics",)


def _recorded(update_state):
    """UPDATE_STATE of a subclass, which notes its operation for `updates`."""

    @functools.wraps(update_state)
    def recorded(self, *args, **kwargs):
        update = update_state(self, *args, **kwargs)
        if update is not None:
            self._last_update = update
        return update

    return recorded


class Metric(Layer):
    """Base class: `update_state(...)` gathers, `result()` is the value so far, calling it does both."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "update_state" in vars(cls):
            cls.update_state = _recorded(vars(cls)["update_state"])

    def __init__(self, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.stateful = True
        self.built = True
        self._dtype = self._dtype or K.floatx()

    def __call__(self, *args, **kwargs):
        update = self.update_state(*args, **kwargs)
        with tf.control_dependencies([update] if update is not None else []):
            result = tf.identity(self.result())
        result._metric_obj = self
        self._last_update = update
        return result

    def add_weight(self, name, shape=(), aggregation=1, synchronization=3, initializer=None, dtype=None):
        """A variable of the state, in no collection."""
        from tenon.python.keras import initializers

        initializer = initializers.get(initializer or "zeros")
        with tf.name_scope(""):
            v = tf.Variable(lambda: initializer(shape, dtype=dtype or self.dtype), use_resource=True, trainable=False,
                            name=name, collections=[], dtype=dtype or self.dtype)  # fmt: skip
        self._track_variable(v)
        return v

    def reset_states(self):
        """Forgets."""
        K.batch_set_value([(v, np.zeros(v.shape.as_list())) for v in self.variables])

    reset_state = reset_states

    def update_state(self, *args, **kwargs):
        """Takes in values; an operation."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def result(self):
        """The value so far, a tensor."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def get_config(self):
        """The arguments that make it again."""
        return {"name": self.name, "dtype": self.dtype}

    @property
    def updates(self):
        """What takes in values."""
        return [self._last_update] if getattr(self, "_last_update", None) is not None else []

    weights = property(lambda self: self._trainable_weights + self._non_trainable_weights)


def _weighted(values, weights):
    """VALUES and weights of their shape; values lose axes that weights do not have."""
    weights = tf.cast(tf.convert_to_tensor(weights), values.dtype)
    a, b = values.shape.ndims, weights.shape.ndims
    if a is not None and b is not None:
        if b == a + 1 and weights.shape[-1].value in (1, None):
            weights = tf.squeeze(weights, [-1])
        elif a > b > 0:
            values = tf.reduce_mean(values, axis=list(range(b, a)))
    return values, weights


class Reduce(Metric):
    """A sum or a mean of values."""

    def __init__(self, reduction, name, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.reduction = reduction
        self.total = self.add_weight("total")
        if reduction != "sum":
            self.count = self.add_weight("count")

    def update_state(self, values, sample_weight=None):
        """Adds values."""
        values = tf.cast(values, self.dtype)
        if sample_weight is not None:
            values, sample_weight = _weighted(values, sample_weight)
            if values.shape.ndims != sample_weight.shape.ndims:
                sample_weight = sample_weight + tf.zeros_like(values)
            values = values * sample_weight
        with tf.control_dependencies([values]):
            total = self.total.assign_add(tf.reduce_sum(values), read_value=False)
        if self.reduction == "sum":
            return total
        if self.reduction == "batches":
            number = tf.constant(1.0, self.dtype)
        elif sample_weight is None:
            number = tf.cast(tf.size(values), self.dtype)
        else:
            number = tf.reduce_sum(sample_weight)
        with tf.control_dependencies([total]):
            return self.count.assign_add(number, read_value=False)

    def result(self):
        """The sum or mean."""
        if self.reduction == "sum":
            return tf.identity(self.total)
        return tf.div_no_nan(self.total.value(), self.count.value())


class Sum(Reduce):
    """The sum of values."""

    def __init__(self, name="sum", dtype=None):
        super().__init__("sum", name, dtype)


class Mean(Reduce):
    """The (weighted) mean of values."""

    def __init__(self, name="mean", dtype=None):
        super().__init__("weighted_mean", name, dtype)


class MeanMetricWrapper(Mean):
    """The mean of a function of what is true and what is predicted."""

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch."""
        y_true, y_pred = (tf.cast(y, self.dtype) for y in (y_true, y_pred))
        y_true, y_pred = losses.squeeze_or_expand(y_true, y_pred)
        return super().update_state(self._fn(y_true, y_pred, **self._fn_kwargs), sample_weight=sample_weight)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), **self._fn_kwargs}


# --- functions ---


def accuracy(y_true, y_pred):
    """Whether they are equal."""
    return tf.cast(tf.equal(y_true, tf.cast(y_pred, y_true.dtype)), K.floatx())


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Whether they are on the same side of a threshold, the mean over the last axis."""
    return tf.reduce_mean(tf.cast(tf.equal(y_true, tf.cast(y_pred > threshold, y_true.dtype)), K.floatx()), axis=-1)


def categorical_accuracy(y_true, y_pred):
    """Whether the greatest are at the same place."""
    return tf.cast(tf.equal(tf.argmax(y_true, axis=-1), tf.argmax(y_pred, axis=-1)), K.floatx())


def sparse_categorical_accuracy(y_true, y_pred):
    """Whether the greatest is where the label says."""
    a, b = y_true.shape.ndims, y_pred.shape.ndims
    if a is not None and b is not None and a == b:
        y_true = tf.squeeze(y_true, [-1])
    best = tf.cast(tf.argmax(y_pred, axis=-1), y_true.dtype)
    return tf.cast(tf.equal(y_true, best), K.floatx())


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Whether the true class is among the k greatest."""
    return tf.cast(tf.nn.in_top_k(y_pred, tf.argmax(y_true, axis=-1), k), K.floatx())


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Whether the label is among the k greatest."""
    return tf.cast(tf.nn.in_top_k(y_pred, tf.cast(tf.reshape(y_true, [-1]), "int32"), k), K.floatx())


def _cosine(y_true, y_pred, axis=-1):
    return tf.reduce_sum(tf.nn.l2_normalize(y_true, axis) * tf.nn.l2_normalize(y_pred, axis), axis=axis)


def _wrapped(class_name, fn, own_name, doc, **extra):
    """The metric class of a function: its arguments are name, dtype and EXTRA."""

    def __init__(self, *args, **kwargs):
        given = {**order, **dict(zip(order, args)), **kwargs}
        MeanMetricWrapper.__init__(self, fn, **given)

    order = {"k": 5, "name": own_name, "dtype": None} if "k" in extra else {"name": own_name, "dtype": None, **extra}
    generic_utils.set_signature(__init__, ["self"], order)
    return type(class_name, (MeanMetricWrapper,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


Accuracy = _wrapped("Accuracy", accuracy, "accuracy", "How often they are equal.")
BinaryAccuracy = _wrapped("BinaryAccuracy", binary_accuracy, "binary_accuracy", "Accuracy of two classes.",
                          threshold=0.5)  # fmt: skip
CategoricalAccuracy = _wrapped("CategoricalAccuracy", categorical_accuracy, "categorical_accuracy",
                               "Accuracy of one-hot labels.")  # fmt: skip
SparseCategoricalAccuracy = _wrapped("SparseCategoricalAccuracy", sparse_categorical_accuracy,
                                     "sparse_categorical_accuracy", "Accuracy of labels that are numbers.")  # fmt: skip
TopKCategoricalAccuracy = _wrapped("TopKCategoricalAccuracy", top_k_categorical_accuracy, "top_k_categorical_accuracy",
                                   "How often the class is among the k best.", k=5)  # fmt: skip
SparseTopKCategoricalAccuracy = _wrapped(
    "SparseTopKCategoricalAccuracy", sparse_top_k_categorical_accuracy, "sparse_top_k_categorical_accuracy",
    "How often the label is among the k best.", k=5)  # fmt: skip
CosineSimilarity = _wrapped("CosineSimilarity", _cosine, "cosine_similarity", "The cosine.", axis=-1)
MeanAbsoluteError = _wrapped("MeanAbsoluteError", losses.mean_absolute_error, "mean_absolute_error",
                             "Mean of differences.")  # fmt: skip
MeanAbsolutePercentageError = _wrapped(
    "MeanAbsolutePercentageError", losses.mean_absolute_percentage_error, "mean_absolute_percentage_error",
    "Mean of percentages.")  # fmt: skip
MeanSquaredError = _wrapped("MeanSquaredError", losses.mean_squared_error, "mean_squared_error", "Mean of squares.")
MeanSquaredLogarithmicError = _wrapped(
    "MeanSquaredLogarithmicError", losses.mean_squared_logarithmic_error, "mean_squared_logarithmic_error",
    "Mean of squares of logarithms.")  # fmt: skip
Hinge = _wrapped("Hinge", losses.hinge, "hinge", "The hinge loss.")
SquaredHinge = _wrapped("SquaredHinge", losses.squared_hinge, "squared_hinge", "The squared hinge loss.")
CategoricalHinge = _wrapped("CategoricalHinge", losses.categorical_hinge, "categorical_hinge", "Hinge loss of classes.")
Poisson = _wrapped("Poisson", losses.poisson, "poisson", "The Poisson loss.")
KLDivergence = _wrapped("KLDivergence", losses.kullback_leibler_divergence, "kullback_leibler_divergence",
                        "The Kullback-Leibler divergence.")  # fmt: skip
LogCoshError = _wrapped("LogCoshError", losses.logcosh, "logcosh", "log(cosh(error)).")
BinaryCrossentropy = _wrapped("BinaryCrossentropy", losses.binary_crossentropy, "binary_crossentropy",
                              "Crossentropy of two classes.", from_logits=False, label_smoothing=0)  # fmt: skip
CategoricalCrossentropy = _wrapped(
    "CategoricalCrossentropy", losses.categorical_crossentropy, "categorical_crossentropy",
    "Crossentropy of one-hot labels.", from_logits=False, label_smoothing=0, axis=-1)  # fmt: skip
SparseCategoricalCrossentropy = _wrapped(
    "SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy, "sparse_categorical_crossentropy",
    "Crossentropy of labels that are numbers.", from_logits=False, axis=-1)  # fmt: skip


class RootMeanSquaredError(Mean):
    """The root of the mean of squares."""

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch."""
        y_true, y_pred = (tf.cast(y, self.dtype) for y in (y_true, y_pred))
        y_true, y_pred = losses.squeeze_or_expand(y_true, y_pred)
        return super().update_state(tf.squared_difference(y_pred, y_true), sample_weight=sample_weight)

    def result(self):
        """The root of the mean."""
        return tf.sqrt(super().result())


class MeanRelativeError(Mean):
    """The mean of abs(error) / normalizer."""

    def __init__(self, normalizer, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.normalizer = tf.cast(normalizer, self.dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch."""
        y_true, y_pred = (tf.cast(y, self.dtype) for y in (y_true, y_pred))
        y_pred, y_true = losses.squeeze_or_expand(y_pred, y_true)
        return super().update_state(tf.div_no_nan(tf.abs(y_true - y_pred), self.normalizer), sample_weight)


class MeanTensor(Metric):
    """The mean of tensors, element by element."""

    def __init__(self, name="mean_tensor", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.count = None

    def update_state(self, values, sample_weight=None):
        """Adds a tensor."""
        values = tf.cast(values, self.dtype)
        if self.total is None:
            self.total = self.add_weight("total", values.shape.as_list())
            self.count = self.add_weight("count", values.shape.as_list())
        number = tf.ones_like(values)
        if sample_weight is not None:
            number = number * _weighted(values, sample_weight)[1]
            values = values * number
        return tf.group(self.total.assign_add(values), self.count.assign_add(number))

    def result(self):
        """The mean."""
        return tf.div_no_nan(self.total.value(), self.count.value())


def _confusion(y_true, y_pred, thresholds, sample_weight):
    """(true positives, false positives, true negatives, false negatives) at each threshold."""
    y_true = tf.cast(tf.reshape(tf.cast(y_true, tf.bool), [1, -1]), tf.float32)
    above = tf.cast(tf.reshape(y_pred, [1, -1]) > tf.constant(thresholds, y_pred.dtype, [len(thresholds), 1]),
                    tf.float32)  # fmt: skip
    weight = tf.constant(1.0)
    if sample_weight is not None:
        weight = tf.cast(sample_weight, tf.float32)
        weight = tf.reshape(weight + tf.zeros_like(tf.reshape(y_true, tf.shape(weight))), [1, -1])
    pairs = (y_true, above), (1 - y_true, above), (1 - y_true, 1 - above), (y_true, 1 - above)
    return [tf.reduce_sum(a * b * weight, 1) for a, b in pairs]


class _Counts(Metric):
    """What counts right and wrong predictions at thresholds."""

    _kept = ()

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._init_thresholds = thresholds
        self.thresholds = [0.5] if thresholds is None else generic_utils.to_list(thresholds)
        if not all(t is not None and 0 <= t <= 1 for t in self.thresholds):
            raise ValueError(f"Threshold values must be in [0, 1]. Invalid values: {self.thresholds}")
        self._variables = {k: self.add_weight(k, (len(self.thresholds),)) for k in self._kept}
        for k, v in self._variables.items():
            setattr(self, k, v)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch."""
        y_pred = tf.cast(y_pred, self.dtype)
        counts = _confusion(*self._prepare(y_true, y_pred), self.thresholds, sample_weight)
        found = dict(zip(("true_positives", "false_positives", "true_negatives", "false_negatives"), counts))
        return tf.group(*(v.assign_add(found[k], read_value=False) for k, v in self._variables.items()))

    def _prepare(self, y_true, y_pred):
        return y_true, y_pred

    def _shaped(self, value):
        return value[0] if len(self.thresholds) == 1 else value

    def result(self):
        """The count, or the ratio."""
        values = [v.value() for v in self._variables.values()]
        return self._shaped(values[0] if len(values) == 1 else tf.div_no_nan(values[0], values[0] + values[1]))

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "thresholds": self._init_thresholds}


class TruePositives(_Counts):
    """How many are rightly said to be true."""

    _kept = ("true_positives",)


class FalsePositives(_Counts):
    """How many are wrongly said to be true."""

    _kept = ("false_positives",)


class TrueNegatives(_Counts):
    """How many are rightly said to be false."""

    _kept = ("true_negatives",)


class FalseNegatives(_Counts):
    """How many are wrongly said to be false."""

    _kept = ("false_negatives",)


class _Ratio(_Counts):
    """Precision and recall."""

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        self.top_k, self.class_id = top_k, class_id
        super().__init__(thresholds if top_k is None or thresholds is not None else [0.0], name, dtype)

    def _prepare(self, y_true, y_pred):
        if self.top_k is not None:
            _, best = tf.nn.top_k(y_pred, self.top_k, sorted=False)
            y_pred = y_pred * tf.reduce_sum(tf.one_hot(best, tf.shape(y_pred)[-1], axis=-1), axis=-2)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        return y_true, y_pred


class Precision(_Ratio):
    """The share of what is said to be true that is."""

    _kept = ("true_positives", "false_positives")


class Recall(_Ratio):
    """The share of what is true that is said to be."""

    _kept = ("true_positives", "false_negatives")


class AUC(_Counts):
    """The area under the ROC or PR curve, from counts at thresholds."""

    _kept = ("true_positives", "true_negatives", "false_positives", "false_negatives")

    def __init__(self, num_thresholds=200, curve="ROC", summation_method="interpolation", name=None, dtype=None,
                 thresholds=None):  # fmt: skip
        if curve not in ("ROC", "PR"):
            raise ValueError(f"Invalid curve: {curve}")
        self.num_thresholds, self.curve, self.summation_method = num_thresholds, curve, summation_method
        if thresholds is None:
            thresholds = [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        Metric.__init__(self, name=name, dtype=dtype)
        self.thresholds = [-K.epsilon(), *sorted(thresholds), 1.0 + K.epsilon()]
        self._variables = {k: self.add_weight(k, (len(self.thresholds),)) for k in self._kept}

    def result(self):
        """The area."""
        tp, tn, fp, fn = (v.value() for v in self._variables.values())
        recall = tf.div_no_nan(tp, tp + fn)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._pr_area(tp, fp, fn)
        x, y = (tf.div_no_nan(fp, fp + tn), recall) if self.curve == "ROC" else (recall, tf.div_no_nan(tp, tp + fp))
        heights = {"interpolation": (y[:-1] + y[1:]) / 2.0, "minoring": tf.minimum(y[:-1], y[1:]),
                   "majoring": tf.maximum(y[:-1], y[1:])}[self.summation_method]  # fmt: skip
        return tf.reduce_sum((x[:-1] - x[1:]) * heights)

    def _pr_area(self, tp, fp, fn):
        d_tp = tp[:-1] - tp[1:]
        p = tp + fp
        d_p = p[:-1] - p[1:]
        slope = tf.div_no_nan(d_tp, tf.maximum(d_p, 0))
        intercept = tp[1:] - slope * p[1:]
        ratio = tf.where(tf.logical_and(p[:-1] > 0, p[1:] > 0), tf.div_no_nan(p[:-1], tf.maximum(p[1:], 0)),
                         tf.ones_like(p[1:]))  # fmt: skip
        return tf.reduce_sum(tf.div_no_nan(slope * (d_tp + intercept * tf.log(ratio)),
                                           tf.maximum(tp[1:] + fn[1:], 0)))  # fmt: skip

    def get_config(self):
        """The arguments that make it again."""
        return {**Metric.get_config(self), "num_thresholds": self.num_thresholds, "curve": self.curve,
                "summation_method": self.summation_method}  # fmt: skip


class _AtBound(_Counts):
    """One rate where another reaches a value."""

    _kept = ("true_positives", "true_negatives", "false_positives", "false_negatives")

    def _begin(self, value, num_thresholds, name, dtype):
        self.value, self.num_thresholds = value, num_thresholds
        inner = [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)] if num_thresholds > 1 else []
        _Counts.__init__(self, [0.0, *inner, 1.0] if num_thresholds > 1 else [0.5], name, dtype)

    def get_config(self):
        """The arguments that make it again."""
        return {**Metric.get_config(self), "num_thresholds": self.num_thresholds, self._bound: self.value}

    def result(self):
        """The rate."""
        tp, tn, fp, fn = (v.value() for v in self._variables.values())
        rates = tf.div_no_nan(tp, tp + fn), tf.div_no_nan(tn, tn + fp)
        wanted, bound = rates if self._sensitivity else rates[::-1]
        return wanted[tf.argmin(tf.abs(bound - self.value), 0)]


class SensitivityAtSpecificity(_AtBound):
    """The sensitivity where the specificity is nearest a value."""

    _sensitivity, _bound = True, "specificity"

    def __init__(self, specificity, num_thresholds=200, name=None, dtype=None):
        self._begin(specificity, num_thresholds, name, dtype)


class SpecificityAtSensitivity(_AtBound):
    """The specificity where the sensitivity is nearest a value."""

    _sensitivity, _bound = False, "sensitivity"

    def __init__(self, sensitivity, num_thresholds=200, name=None, dtype=None):
        self._begin(sensitivity, num_thresholds, name, dtype)


class MeanIoU(Metric):
    """The mean over classes of intersection over union."""

    def __init__(self, num_classes, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.total_cm = self.add_weight("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch of class numbers."""
        y_true, y_pred = (
            tf.one_hot(tf.reshape(tf.cast(y, tf.int64), [-1]), self.num_classes) for y in (y_true, y_pred)
        )
        if sample_weight is not None:
            y_true = y_true * tf.reshape(tf.cast(sample_weight, y_true.dtype), [-1, 1])
        return self.total_cm.assign_add(tf.matmul(y_true, y_pred, transpose_a=True), read_value=False)

    def result(self):
        """The mean."""
        matrix = self.total_cm.value()
        diagonal = tf.diag_part(matrix)
        union = tf.reduce_sum(matrix, 0) + tf.reduce_sum(matrix, 1) - diagonal
        return tf.div_no_nan(tf.reduce_sum(tf.div_no_nan(diagonal, union)),
                             tf.reduce_sum(tf.cast(tf.not_equal(union, 0), self.dtype)))  # fmt: skip

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "num_classes": self.num_classes}


def clone_metric(metric):
    """The same metric with a state of its own."""
    return metric.__class__.from_config(metric.get_config()) if isinstance(metric, Metric) else metric


def serialize(metric):
    """The name of a function, {"class_name": ..., "config": ...} of an object."""
    return generic_utils.serialize_keras_object(metric)


def deserialize(config, custom_objects=None):
    """The metric of a name or of what serialize made."""
    find = lambda name: globals().get(name) or getattr(losses, name, None)  # noqa: E731
    return generic_utils.deserialize_keras_object(config, find, custom_objects, "metric function")


def get(identifier):
    """A metric: a name, a configuration, a function or an object."""
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret metric function identifier: {identifier}")
