"""contrib.learn's heads: predictions, loss and metrics of logits, under the names of before tf.estimator."""

import inspect

from tenon.contrib.learn.model_fn import ModeKeys, ModelFnOps, PredictionKey, ProblemType
from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    gen_ops,
    lookup_ops,
    math_ops,
    metrics_at_thresholds,
    metrics_impl,
    nn_impl,
    nn_ops,
    variable_scope,
)
from tenon.python.ops.losses import losses_impl
from tenon.python.summary import summary
from tenon.python.training import adagrad
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.no_op_train_fn")
def no_op_train_fn(loss):
    """A training step that does nothing."""
    del loss
    return control_flow_ops.no_op()


@tf_export("contrib.learn.Head")
class Head:
    """The end of a model; subclasses say what it predicts, its losses and its metrics."""

    def __init__(self, name, label_name, weight_column_name, size, centered=False, loss_fn=None):
        self._name, self._label_name, self._weight, self._size = name, label_name, weight_column_name, size
        self._centered, self._loss_fn = centered, loss_fn
        if loss_fn is not None:
            _check_loss_fn(loss_fn)

    @property
    def logits_dimension(self):
        """The size of the logits."""
        return self._size

    @property
    def head_name(self):
        """Its name."""
        return self._name

    @property
    def weight_column_name(self):
        """The feature of the examples' weights; None."""
        return self._weight

    def create_model_fn_ops(self, features, mode, labels=None, train_op_fn=None, logits=None, logits_input=None,
                            scope=None):  # fmt: skip
        """The ModelFnOps of a model with these LOGITS, or with those of a dense layer over LOGITS_INPUT."""
        if (logits is None) == (logits_input is None):
            raise ValueError("Exactly one of logits and logits_input must be supplied.")
        with variable_scope.variable_scope(None, default_name=self._name or self._default_name, values=[logits]):
            if logits is None:
                from tenon.contrib.layers import core

                logits = core.fully_connected(logits_input, self._size, activation_fn=None, scope="logits")
            bias = None
            if self._centered:
                bias = _centered_bias(self._size, self._name)
                logits = nn_ops.bias_add(logits, bias)
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
                if bias is not None:
                    train_op = control_flow_ops.group(train_op, self._centered_bias_step(bias, features, labels))
            return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op,
                              eval_metric_ops=metrics, output_alternatives=alternatives)  # fmt: skip

    def _own_labels(self, labels, logits):
        if isinstance(labels, dict):
            if self._label_name is None:
                raise ValueError("The head has no label_name, but labels are a dict")
            labels = labels[self._label_name]
        if labels is None:
            raise ValueError("labels are missing")
        return self._labels(ops.convert_to_tensor(labels), logits)

    def _weights(self, features):
        if self._weight is None:
            return None
        return array_ops.reshape(math_ops.cast(features[self._weight], dtypes.float32), [-1, 1])

    def _loss(self, labels, logits, weights):
        """The loss to train with: the mean over examples."""
        if self._loss_fn is not None:
            return self._loss_fn(labels, logits) if weights is None else self._loss_fn(labels, logits, weights=weights)
        losses = self._losses(labels, logits)
        return math_ops.reduce_mean(losses if weights is None else losses * weights, name="loss")

    def _centered_bias_step(self, bias, features, labels):
        """Trains BIAS alone, as if all else were 0; 0.1 is a careful rate for one variable."""
        with ops.name_scope(None, "centered_bias_step") as name:
            given = labels[self._label_name] if isinstance(labels, dict) else labels
            count = array_ops.shape(ops.convert_to_tensor(given))[0]
            logits = array_ops.tile(array_ops.expand_dims(bias, 0), array_ops.stack([count, 1]))
            loss = self._loss(self._own_labels(labels, logits), logits, self._weights(features))
            return adagrad.AdagradOptimizer(0.1).minimize(loss, var_list=(bias,), name=name)

    def _loss_and_metrics(self, features, mode, labels, logits, predictions):
        labels, weights = self._own_labels(labels, logits), self._weights(features)
        loss, metrics = self._loss(labels, logits, weights), None
        if mode == ModeKeys.EVAL:
            metrics = {"loss": self._mean_loss(labels, logits, weights, loss),
                       **self._metrics(labels, predictions, weights)}  # fmt: skip
            metrics = {f"{key}/{self._name}" if self._name else key: value for key, value in metrics.items()}
        return loss, metrics

    def _mean_loss(self, labels, logits, weights, loss):
        if self._loss_fn is not None:
            return metrics_impl.mean(loss)
        losses = self._losses(labels, logits)
        return metrics_impl.mean(losses, weights=None if weights is None else weights * array_ops.ones_like(losses))


def _check_loss_fn(loss_fn):
    missing = [name for name in ("labels", "logits", "weights") if name not in inspect.signature(loss_fn).parameters]
    if missing:
        raise ValueError(f"Expected loss_fn to take labels, logits and weights; it lacks {', '.join(missing)}.")


def _centered_bias(size, head_name):
    bias = variable_scope.variable(array_ops.zeros([size]), trainable=True, name="centered_bias_weight")
    for i in range(size):
        tag = f"centered_bias/bias_{i}"
        summary.scalar(f"{tag}/{head_name}" if head_name else tag, bias[i])
    return bias


class _RegressionHead(Head):
    """Numbers."""

    _default_name = "regression_head"
    _kind = ProblemType.LINEAR_REGRESSION

    def _labels(self, labels, logits):
        labels = math_ops.cast(labels, dtypes.float32)
        return array_ops.reshape(labels, array_ops.shape(logits))

    def _losses(self, labels, logits):
        return math_ops.square(logits - labels)

    def __init__(self, name, label_name, weight_column_name, size, centered, link_fn=None):
        super().__init__(name, label_name, weight_column_name, size, centered)
        self._link_fn = link_fn or array_ops.identity

    def _predictions(self, logits):
        flat = array_ops.squeeze(logits, axis=[1], name="scores") if self._size == 1 else logits
        return {PredictionKey.SCORES: self._link_fn(flat)}

    def _metrics(self, labels, predictions, weights):
        return {}


class _PoissonHead(_RegressionHead):
    """Counts."""

    _default_name = "poisson_regression_head"

    def _losses(self, labels, logits):
        return nn_impl.log_poisson_loss(targets=labels, log_input=logits, compute_full_loss=True)


class _ClassHead(Head):
    """Classes that may have names."""

    _kind = ProblemType.CLASSIFICATION

    def __init__(self, name, label_name, weight_column_name, size, label_keys, centered=False, loss_fn=None,
                 class_ids=None):  # fmt: skip
        super().__init__(name, label_name, weight_column_name, size, centered, loss_fn)
        self._keys, self._class_ids = label_keys, tuple(class_ids or ())
        wrong = [i for i in self._class_ids if not 0 <= i < size]
        if wrong:
            raise ValueError(f"Class ID {wrong[0]} not in [0, {size}).")

    def _class_metrics(self, which, classes, predictions, weights):
        """The means for each class that was asked for; WHICH and CLASSES [batch, n] say what was and is said."""
        found = {}
        columns = {"prediction": classes, "probability": predictions[PredictionKey.PROBABILITIES],
                   "logits": predictions[PredictionKey.LOGITS], "actual_label": which}  # fmt: skip
        weights = None if weights is None else array_ops.reshape(weights, [-1])
        for i in self._class_ids:
            for what, values in columns.items():
                one = math_ops.cast(values[:, i], dtypes.float32)
                found[f"labels/{what}_mean/class{i}"] = metrics_impl.mean(one, weights=weights)
        return found

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

    def __init__(self, name, label_name, weight_column_name, thresholds, label_keys, centered, loss_fn=None):
        super().__init__(name, label_name, weight_column_name, 1, label_keys, centered, loss_fn)
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
        found.update(_at_thresholds(self._thresholds, labels, logistic, weights))
        return found


def _at_thresholds(thresholds, labels, values, weights):
    """Accuracy, precision and recall where VALUES above a threshold are called positive."""
    found = {}
    for threshold in thresholds:
        above = math_ops.cast(values > threshold, dtypes.float32)
        found[f"accuracy/threshold_{threshold:f}_mean"] = metrics_impl.accuracy(labels, above, weights=weights)
        found[f"precision/positive_threshold_{threshold:f}_mean"] = metrics_impl.precision(
            labels, above, weights=weights
        )
        found[f"recall/positive_threshold_{threshold:f}_mean"] = metrics_impl.recall(labels, above, weights=weights)
    return found


class _SvmHead(_BinaryHead):
    """One of two classes, by which side of a plane an example is on."""

    _default_name = "binary_svm_head"

    def _losses(self, labels, logits):
        return losses_impl.hinge_loss(labels=labels, logits=logits, reduction=losses_impl.Reduction.NONE)

    def _predictions(self, logits):
        two = array_ops.concat((array_ops.zeros_like(logits), logits), 1, name="two_class_logits")
        return {
            PredictionKey.LOGITS: logits,
            PredictionKey.CLASSES: math_ops.argmax(two, 1, name=PredictionKey.CLASSES),
        }

    def _metrics(self, labels, predictions, weights):
        logits = predictions[PredictionKey.LOGITS]
        classes = math_ops.cast(logits > 0, dtypes.float32)
        found = {"accuracy": metrics_impl.accuracy(labels, classes, weights=weights)}
        if self._thresholds != (0.5,):
            found.update(_at_thresholds(self._thresholds, labels, logits, weights))
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
        flat = None if weights is None else array_ops.reshape(weights, [-1])
        which, classes = (array_ops.one_hot(ids, self._size) for ids in (labels, best))
        return {"accuracy": metrics_impl.accuracy(labels, best, weights=flat),
                **self._class_metrics(which, classes, predictions, weights)}  # fmt: skip


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
        found = {
            "accuracy": metrics_impl.accuracy(labels, classes, weights=wide),
            "auc": metrics_at_thresholds.auc(labels, probabilities, weights=wide),
            "auc_precision_recall": metrics_at_thresholds.auc(labels, probabilities, weights=wide, curve="PR"),
            **self._class_metrics(labels, classes, predictions, weights),
        }
        flat = None if weights is None else array_ops.reshape(weights, [-1])
        for i in self._class_ids:
            for name, curve in (("auc", "ROC"), ("auc_precision_recall", "PR")):
                found[f"{name}/class{i}"] = metrics_at_thresholds.auc(
                    labels[:, i], probabilities[:, i], weights=flat, curve=curve
                )
        return found


@tf_export("contrib.learn.multi_class_head")
def multi_class_head(n_classes, label_name=None, weight_column_name=None, enable_centered_bias=False, head_name=None,
                     thresholds=None, metric_class_ids=None, loss_fn=None, label_keys=None):  # fmt: skip
    """The head of one of N_CLASSES. LOSS_FN(labels, logits, weights) gives a scalar."""
    if n_classes is None or n_classes < 2:
        raise ValueError(f"n_classes must be > 1 for classification: {n_classes}.")
    if label_keys and len(label_keys) != n_classes:
        raise ValueError("Length of label_keys must equal n_classes.")
    if n_classes == 2:
        if metric_class_ids:
            raise ValueError("metric_class_ids invalid for n_classes==2.")
        return _BinaryHead(head_name, label_name, weight_column_name, thresholds, label_keys, enable_centered_bias,
                           loss_fn)  # fmt: skip
    return _MultiClassHead(head_name, label_name, weight_column_name, n_classes, label_keys, enable_centered_bias,
                           loss_fn, metric_class_ids)  # fmt: skip


@tf_export("contrib.learn.binary_svm_head")
def binary_svm_head(label_name=None, weight_column_name=None, enable_centered_bias=False, head_name=None,
                    thresholds=None):  # fmt: skip
    """The head of one of two classes that a support vector machine tells apart: with the hinge loss."""
    return _SvmHead(head_name, label_name, weight_column_name, thresholds, None, enable_centered_bias)


@tf_export("contrib.learn.multi_label_head")
def multi_label_head(n_classes, label_name=None, weight_column_name=None, enable_centered_bias=False, head_name=None,
                     thresholds=None, metric_class_ids=None, loss_fn=None):  # fmt: skip
    """The head of any of N_CLASSES. LOSS_FN(labels, logits, weights) gives a scalar."""
    if n_classes < 2:
        raise ValueError("n_classes must be > 1 for classification.")
    return _MultiLabelHead(head_name, label_name, weight_column_name, n_classes, None, enable_centered_bias, loss_fn,
                           metric_class_ids)  # fmt: skip


@tf_export("contrib.learn.regression_head")
def regression_head(label_name=None, weight_column_name=None, label_dimension=1, enable_centered_bias=False,
                    head_name=None, link_fn=None):  # fmt: skip
    """The head of numbers, which LINK_FN makes of logits."""
    return _RegressionHead(head_name, label_name, weight_column_name, label_dimension, enable_centered_bias, link_fn)


@tf_export("contrib.learn.poisson_regression_head")
def poisson_regression_head(label_name=None, weight_column_name=None, label_dimension=1, enable_centered_bias=False,
                            head_name=None):  # fmt: skip
    """The head of counts."""
    return _PoissonHead(head_name, label_name, weight_column_name, label_dimension, enable_centered_bias, math_ops.exp)


class _MultiHead(Head):
    """Several heads, each of which sees its part of the logits."""

    def __init__(self, heads, loss_weights):
        if not heads:
            raise ValueError("heads must not be empty.")
        if not all(head.head_name for head in heads):
            raise ValueError("Members of MultiHead must have names.")
        if loss_weights and len(loss_weights) != len(heads):
            raise ValueError("heads and loss_weights must have same size")
        super().__init__("", None, None, sum(head.logits_dimension for head in heads))
        self._heads, self._loss_weights = tuple(heads), tuple(loss_weights or [1.0] * len(heads))

    def create_model_fn_ops(self, features, mode, labels=None, train_op_fn=None, logits=None, logits_input=None,
                            scope=None):  # fmt: skip
        """The ModelFnOps of all heads: one loss, predictions by (name of the head, name)."""
        if (logits is None) == (logits_input is None):
            raise ValueError("Exactly one of logits and logits_input must be supplied.")
        cuts = [head.logits_dimension for head in self._heads]
        parts = [None] * len(cuts) if logits is None else array_ops.split(logits, cuts, axis=1)
        made = [
            head.create_model_fn_ops(features, mode, labels, no_op_train_fn, part, logits_input, scope)
            for head, part in zip(self._heads, parts)
        ]
        predictions, metrics, alternatives = {}, {}, {}
        for head, one in zip(self._heads, made):
            predictions.update({(head.head_name, key): value for key, value in one.predictions.items()})
            metrics.update(one.eval_metric_ops or {})
            alternatives.update(one.output_alternatives or {})
        if mode == ModeKeys.INFER:
            return ModelFnOps(mode=mode, predictions=predictions, output_alternatives=alternatives)
        loss = math_ops.add_n([one.loss * weight for one, weight in zip(made, self._loss_weights)], name="loss")
        train_op = None
        if mode == ModeKeys.TRAIN:
            if train_op_fn is None:
                raise ValueError("train_op_fn can not be None in TRAIN mode.")
            train_op = control_flow_ops.group(train_op_fn(loss), *(one.train_op for one in made))
        return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op, eval_metric_ops=metrics,
                          output_alternatives=alternatives)  # fmt: skip


@tf_export("contrib.learn.multi_head")
def multi_head(heads, loss_weights=None):
    """One head of several, whose losses are added with LOSS_WEIGHTS."""
    return _MultiHead(heads, loss_weights)
