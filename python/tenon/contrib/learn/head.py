"""contrib.learn's heads: predictions, loss and metrics of logits, under the names of before tf.estimator."""

from tenon.contrib.learn.model_fn import ModeKeys, ModelFnOps, PredictionKey, ProblemType
from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    gen_ops,
    lookup_ops,
    math_ops,
    metrics_at_thresholds,
    metrics_impl,
    nn_impl,
    nn_ops,
    variable_scope,
)
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.no_op_train_fn")
def no_op_train_fn(loss):
    """A training step that does nothing."""
    from tenon.python.ops import control_flow_ops

    del loss
    return control_flow_ops.no_op()


@tf_export("contrib.learn.Head")
class Head:
    """The end of a model; subclasses say what it predicts, its losses and its metrics."""

    def __init__(self, name, label_name, weight_column_name, size):
        self._name, self._label_name, self._weight, self._size = name, label_name, weight_column_name, size

    @property
    def logits_dimension(self):
        """The size of the logits."""
        return self._size

    @property
    def head_name(self):
        """Its name."""
        return self._name

    def create_model_fn_ops(self, features, mode, labels=None, train_op_fn=None, logits=None, logits_input=None,
                            scope=None):  # fmt: skip
        """The ModelFnOps of a model with these LOGITS, or with those of a dense layer over LOGITS_INPUT."""
        if (logits is None) == (logits_input is None):
            raise ValueError("Exactly one of logits and logits_input must be supplied.")
        with variable_scope.variable_scope(None, default_name=self._name or self._default_name, values=[logits]):
            if logits is None:
                from tenon.contrib.layers import core

                logits = core.fully_connected(logits_input, self._size, activation_fn=None, scope="logits")
            predictions = self._predictions(logits)
            alternatives = {self._name: (self._kind, predictions)}
            if mode == ModeKeys.INFER:
                return ModelFnOps(mode=mode, predictions=predictions, output_alternatives=alternatives)
            loss, metrics = self._loss_and_metrics(features, mode, labels, logits, predictions)
            train_op = None
            if mode == ModeKeys.TRAIN:
                if train_op_fn is None:
                    raise ValueError("train_op_fn can not be None in TRAIN mode")
                train_op = train_op_fn(loss)
            return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op,
                              eval_metric_ops=metrics, output_alternatives=alternatives)  # fmt: skip

    def _loss_and_metrics(self, features, mode, labels, logits, predictions):
        if isinstance(labels, dict):
            if self._label_name is None:
                raise ValueError("The head has no label_name, but labels are a dict")
            labels = labels[self._label_name]
        if labels is None:
            raise ValueError("labels are missing")
        labels = self._labels(ops.convert_to_tensor(labels), logits)
        weights = None
        if self._weight is not None:
            weights = array_ops.reshape(math_ops.cast(features[self._weight], dtypes.float32), [-1, 1])
        losses = self._losses(labels, logits)
        if weights is None:
            loss = math_ops.reduce_mean(losses, name="loss")
        else:
            loss = math_ops.reduce_mean(losses * weights, name="loss")
        metrics = None
        if mode == ModeKeys.EVAL:
            wide = None if weights is None else weights * array_ops.ones_like(losses)
            metrics = {"loss": metrics_impl.mean(losses, weights=wide),
                       **self._metrics(labels, predictions, weights)}  # fmt: skip
        return loss, metrics


class _RegressionHead(Head):
    """Numbers."""

    _default_name = "regression_head"
    _kind = ProblemType.LINEAR_REGRESSION

    def _labels(self, labels, logits):
        labels = math_ops.cast(labels, dtypes.float32)
        return array_ops.reshape(labels, array_ops.shape(logits))

    def _losses(self, labels, logits):
        return math_ops.square(logits - labels)

    def _predictions(self, logits):
        flat = array_ops.squeeze(logits, axis=[1], name="scores") if self._size == 1 else logits
        return {PredictionKey.SCORES: flat}

    def _metrics(self, labels, predictions, weights):
        return {}


class _PoissonHead(_RegressionHead):
    """Counts."""

    _default_name = "poisson_regression_head"

    def _losses(self, labels, logits):
        return nn_impl.log_poisson_loss(targets=labels, log_input=logits, compute_full_loss=True)

    def _predictions(self, logits):
        made = super()._predictions(logits)
        return {PredictionKey.SCORES: math_ops.exp(made[PredictionKey.SCORES])}


class _ClassHead(Head):
    """Classes that may have names."""

    _kind = ProblemType.CLASSIFICATION

    def __init__(self, name, label_name, weight_column_name, size, label_keys):
        super().__init__(name, label_name, weight_column_name, size)
        self._keys = label_keys

    def _ids(self, labels):
        if self._keys is None:
            return math_ops.cast(labels, dtypes.int64)
        return lookup_ops.index_table_from_tensor(self._keys, name="label_id_lookup").lookup(labels)

    def _named(self, ids):
        if self._keys is None:
            return ids
        table = lookup_ops.index_to_string_table_from_tensor(self._keys, name="class_string_lookup")
        return table.lookup(math_ops.cast(ids, dtypes.int64))


class _BinaryHead(_ClassHead):
    """One of two classes."""

    _default_name = "binary_logistic_head"

    def __init__(self, name, label_name, weight_column_name, thresholds, label_keys):
        super().__init__(name, label_name, weight_column_name, 1, label_keys)
        self._thresholds = tuple(thresholds or (0.5,))

    def _labels(self, labels, logits):
        return array_ops.reshape(math_ops.cast(self._ids(labels), dtypes.float32), array_ops.shape(logits))

    def _losses(self, labels, logits):
        return nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def _predictions(self, logits):
        two = array_ops.concat((array_ops.zeros_like(logits), logits), 1, name="two_class_logits")
        return {
            PredictionKey.LOGITS: logits,
            PredictionKey.LOGISTIC: gen_ops.sigmoid(logits, name=PredictionKey.LOGISTIC),
            PredictionKey.PROBABILITIES: nn_ops.softmax(two, name=PredictionKey.PROBABILITIES),
            PredictionKey.CLASSES: self._named(math_ops.argmax(two, 1, name=PredictionKey.CLASSES)),
        }

    def _metrics(self, labels, predictions, weights):
        logistic = predictions[PredictionKey.LOGISTIC]
        classes = math_ops.cast(predictions[PredictionKey.LOGITS] > 0, dtypes.float32)
        found = {
            "accuracy": metrics_impl.accuracy(labels, classes, weights=weights),
            "labels/prediction_mean": metrics_impl.mean(logistic, weights=weights),
            "labels/actual_label_mean": metrics_impl.mean(labels, weights=weights),
            "accuracy/baseline_label_mean": metrics_impl.mean(labels, weights=weights),
            "auc": metrics_at_thresholds.auc(labels, logistic, weights=weights),
            "auc_precision_recall": metrics_at_thresholds.auc(labels, logistic, weights=weights, curve="PR"),
        }
        for threshold in self._thresholds:
            above = math_ops.cast(logistic > threshold, dtypes.float32)
            found[f"accuracy/threshold_{threshold:f}_mean"] = metrics_impl.accuracy(labels, above, weights=weights)
            found[f"precision/positive_threshold_{threshold:f}_mean"] = metrics_impl.precision(
                labels, above, weights=weights
            )
            found[f"recall/positive_threshold_{threshold:f}_mean"] = metrics_impl.recall(labels, above, weights=weights)
        return found


class _MultiClassHead(_ClassHead):
    """One of several classes."""

    _default_name = "multi_class_head"

    def _labels(self, labels, logits):
        return array_ops.reshape(self._ids(labels), [-1])

    def _losses(self, labels, logits):
        losses = nn_ops.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return array_ops.expand_dims(losses, 1)

    def _predictions(self, logits):
        return {
            PredictionKey.LOGITS: logits,
            PredictionKey.PROBABILITIES: nn_ops.softmax(logits, name=PredictionKey.PROBABILITIES),
            PredictionKey.CLASSES: self._named(math_ops.argmax(logits, 1, name=PredictionKey.CLASSES)),
        }

    def _metrics(self, labels, predictions, weights):
        best = math_ops.argmax(predictions[PredictionKey.LOGITS], 1)
        weights = None if weights is None else array_ops.reshape(weights, [-1])
        return {"accuracy": metrics_impl.accuracy(labels, best, weights=weights)}


class _MultiLabelHead(_ClassHead):
    """Any of several classes."""

    _default_name = "multi_label_head"

    def _labels(self, labels, logits):
        return math_ops.cast(labels, dtypes.float32)

    def _losses(self, labels, logits):
        losses = nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        return math_ops.reduce_mean(losses, 1, keepdims=True)

    def _predictions(self, logits):
        return {
            PredictionKey.LOGITS: logits,
            PredictionKey.PROBABILITIES: gen_ops.sigmoid(logits, name=PredictionKey.PROBABILITIES),
            PredictionKey.CLASSES: math_ops.cast(logits > 0, dtypes.int64, name=PredictionKey.CLASSES),
        }

    def _metrics(self, labels, predictions, weights):
        classes = math_ops.cast(predictions[PredictionKey.CLASSES], dtypes.float32)
        probabilities = predictions[PredictionKey.PROBABILITIES]
        wide = None if weights is None else weights * array_ops.ones_like(labels)
        return {
            "accuracy": metrics_impl.accuracy(labels, classes, weights=wide),
            "auc": metrics_at_thresholds.auc(labels, probabilities, weights=wide),
            "auc_precision_recall": metrics_at_thresholds.auc(labels, probabilities, weights=wide, curve="PR"),
        }


def _no_centered_bias(enable_centered_bias):
    if enable_centered_bias:
        raise NotImplementedError("contrib.learn: enable_centered_bias is not there in Tenon")


@tf_export("contrib.learn.multi_class_head")
def multi_class_head(n_classes, label_name=None, weight_column_name=None, enable_centered_bias=False, head_name=None,
                     thresholds=None, metric_class_ids=None, loss_fn=None, label_keys=None):  # fmt: skip
    """The head of one of N_CLASSES."""
    if n_classes is None or n_classes < 2:
        raise ValueError(f"n_classes must be > 1 for classification: {n_classes}.")
    if label_keys and len(label_keys) != n_classes:
        raise ValueError("Length of label_keys must equal n_classes.")
    _no_centered_bias(enable_centered_bias)
    if n_classes == 2:
        return _BinaryHead(head_name, label_name, weight_column_name, thresholds, label_keys)
    return _MultiClassHead(head_name, label_name, weight_column_name, n_classes, label_keys)


@tf_export("contrib.learn.multi_label_head")
def multi_label_head(n_classes, label_name=None, weight_column_name=None, enable_centered_bias=False, head_name=None,
                     thresholds=None, metric_class_ids=None, loss_fn=None):  # fmt: skip
    """The head of any of N_CLASSES."""
    if n_classes < 2:
        raise ValueError("n_classes must be > 1 for classification.")
    _no_centered_bias(enable_centered_bias)
    return _MultiLabelHead(head_name, label_name, weight_column_name, n_classes, None)


@tf_export("contrib.learn.regression_head")
def regression_head(label_name=None, weight_column_name=None, label_dimension=1, enable_centered_bias=False,
                    head_name=None, link_fn=None):  # fmt: skip
    """The head of numbers."""
    _no_centered_bias(enable_centered_bias)
    return _RegressionHead(head_name, label_name, weight_column_name, label_dimension)


@tf_export("contrib.learn.poisson_regression_head")
def poisson_regression_head(label_name=None, weight_column_name=None, label_dimension=1, enable_centered_bias=False,
                            head_name=None):  # fmt: skip
    """The head of counts."""
    _no_centered_bias(enable_centered_bias)
    return _PoissonHead(head_name, label_name, weight_column_name, label_dimension)
