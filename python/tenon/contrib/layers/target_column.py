"""Targets: what a model's logits mean, its loss, predictions and metrics. The heads of estimators came after them."""

from tenon.contrib.learn.model_fn import ProblemType
from tenon.contrib.metrics import streaming_names as streaming
from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, math_ops, nn_impl, nn_ops
from tenon.python.util.tf_export import tf_export


def _float(value):
    return None if value is None else math_ops.cast(value, dtypes.float32)


def _squared_loss(logits, target):
    if target.get_shape().ndims == 1:
        target = array_ops.expand_dims(target, 1)
    logits.get_shape().assert_is_compatible_with(target.get_shape())
    return math_ops.squared_difference(logits, _float(target))


def _log_loss(logits, target):
    if target.get_shape().ndims == 1:
        target = array_ops.expand_dims(target, 1)
    return nn_impl.sigmoid_cross_entropy_with_logits(labels=_float(target), logits=logits)


def _softmax_loss(logits, target):
    if not target.dtype.is_integer:
        raise ValueError(f"Target's dtype should be integer Instead got {target.dtype}.")
    if target.get_shape().ndims == 2:
        target = array_ops.squeeze(target, axis=[1])
    return nn_ops.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)


def _run(metrics, predictions, labels, weights):
    labels = math_ops.cast(labels, predictions.dtype)
    more = {} if weights is None else {"weights": weights}
    return {name: metric(predictions, labels, **more) for name, metric in (metrics or {}).items()}


class _Target:
    """A target of NUM_LABEL_COLUMNS numbers, whose examples may have weights."""

    name = None

    def __init__(self, loss_fn, num_label_columns, label_name, weight_column_name, problem_type):
        self._loss_fn = loss_fn
        self.num_label_columns = num_label_columns
        self.label_name = label_name
        self.weight_column_name = weight_column_name
        self.problem_type = problem_type

    def get_weight_tensor(self, features):
        """The weights [batch] of the examples, or None."""
        if not self.weight_column_name:
            return None
        return array_ops.reshape(_float(features[self.weight_column_name]), [-1])

    def _losses(self, logits, target, features):
        """(losses, with weights if there are some; the weights)."""
        losses = self._loss_fn(logits, target[self.name] if isinstance(target, dict) else target)
        weights = self.get_weight_tensor(features)
        return losses if weights is None else array_ops.reshape(losses, [-1]) * weights, weights

    def training_loss(self, logits, target, features, name="training_loss"):
        """The mean of the losses with weights."""
        return math_ops.reduce_mean(self._losses(logits, target, features)[0], name=name)

    def loss(self, logits, target, features):
        """The mean of the losses by weight."""
        losses, weights = self._losses(logits, target, features)
        if weights is None:
            return math_ops.reduce_mean(losses, name="loss")
        return math_ops.div(math_ops.reduce_sum(losses), math_ops.reduce_sum(weights), name="loss")


class _Regression(_Target):
    """Numbers."""

    def logits_to_predictions(self, logits, proba=False):
        """The logits."""
        return array_ops.squeeze(logits, axis=[1]) if self.num_label_columns == 1 else logits

    def get_eval_ops(self, features, logits, labels, metrics=None):
        """{name: (value, update)}."""
        result = {"loss": streaming.streaming_mean(self.loss(logits, labels, features))}
        predictions = self.logits_to_predictions(logits)
        result.update(_run(metrics, predictions, labels, self.get_weight_tensor(features)))
        return result


class _MultiClass(_Target):
    """One of some classes; of two, the logit of the second."""

    def logits_to_predictions(self, logits, proba=False):
        """The classes, or their probabilities."""
        if self.num_label_columns == 1:
            logits = array_ops.concat([array_ops.zeros_like(logits), logits], 1)
        return nn_ops.softmax(logits) if proba else math_ops.argmax(logits, 1)

    def get_eval_ops(self, features, logits, labels, metrics=None):
        """{name: (value, update)}; METRICS' names are NAME, or (NAME, "classes" or "probabilities")."""
        result = {"loss": streaming.streaming_mean(self.loss(logits, labels, features))}
        if metrics is None:
            metrics = {("accuracy", "classes"): streaming.streaming_accuracy}
        if self.num_label_columns == 1:
            for name, metric in binary_metrics([0.5]).items():
                result[name] = metric(math_ops.sigmoid(logits), _float(labels))
        of = {"classes": {}, "probabilities": {}}
        for name, metric in metrics.items():
            if isinstance(name, str):
                name = (name, "classes")
            if not isinstance(name, tuple):
                raise ValueError(f"Ignoring metric {name}. Its name is not in the correct form.")
            if len(name) != 2:
                raise ValueError(f"Ignoring metric {name}. It returned a tuple with len {len(name)}, expected 2.")
            if name[1] not in of:
                raise ValueError(f"Ignoring metric {name}. The 2nd element of its name should be either 'classes' or "
                                 "'probabilities'.")  # fmt: skip
            of[name[1]][name[0]] = metric
        weights = self.get_weight_tensor(features)
        for kind, chosen in of.items():
            if chosen:
                predictions = self.logits_to_predictions(logits, proba=kind == "probabilities")
                result.update(_run(chosen, predictions, labels, weights))
        return result


def _labels_mean(predictions, labels, weights=None):
    return streaming.streaming_mean(labels, weights=weights)


def _predictions_mean(predictions, labels, weights=None):
    return streaming.streaming_mean(predictions, weights=weights)


def _auc(predictions, labels, weights=None):
    return streaming.streaming_auc(predictions, labels, weights=_float(weights))


def _accuracy_at(threshold):
    def metric(predictions, labels, weights=None):
        return streaming.streaming_accuracy(_float(predictions >= threshold), labels, weights=weights)

    return metric


def _at(kind, threshold):
    def metric(predictions, labels, weights=None):
        value, update = kind(predictions, labels=labels, thresholds=[threshold], weights=_float(weights))
        return array_ops.squeeze(value), update

    return metric


def binary_metrics(thresholds):
    """{name: metric} of probabilities of the second of two classes."""
    made = {
        "labels/prediction_mean": _predictions_mean, "labels/actual_target_mean": _labels_mean,
        "accuracy/baseline_target_mean": _labels_mean, "auc": _auc,
    }  # fmt: skip
    for threshold in thresholds:
        made[f"accuracy/threshold_{threshold:f}_mean"] = _accuracy_at(threshold)
        precision, recall = streaming.streaming_precision_at_thresholds, streaming.streaming_recall_at_thresholds
        made[f"precision/positive_threshold_{threshold:f}_mean"] = _at(precision, threshold)
        made[f"recall/positive_threshold_{threshold:f}_mean"] = _at(recall, threshold)
    return made


@tf_export("contrib.layers.regression_target")
def regression_target(label_name=None, weight_column_name=None, label_dimension=1):
    """A target of numbers, with the squared error as loss."""
    return _Regression(_squared_loss, label_dimension, label_name, weight_column_name, ProblemType.LINEAR_REGRESSION)


@tf_export("contrib.layers.multi_class_target")
def multi_class_target(n_classes, label_name=None, weight_column_name=None):
    """A target of classes, with the cross entropy as loss."""
    if n_classes < 2:
        raise ValueError("n_classes must be > 1 for classification.")
    loss, columns = (_log_loss, 1) if n_classes == 2 else (_softmax_loss, n_classes)
    return _MultiClass(loss, columns, label_name, weight_column_name, ProblemType.CLASSIFICATION)
