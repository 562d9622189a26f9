"""Heads of classes: one of two, one of several, or any of several."""

from tenon.python.estimator.export.export_output import ClassificationOutput, PredictOutput, RegressionOutput
from tenon.python.estimator.head import base_head
from tenon.python.estimator.head.measures import Measure
from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, gen_ops, lookup_ops, math_ops, nn_impl, nn_ops, sparse_ops
from tenon.python.ops.losses import losses_impl
from tenon.python.saved_model import constants
from tenon.python.util.tf_export import tf_export

_DEFAULT = constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def checked_thresholds(thresholds):
    """THRESHOLDS as a tuple of numbers between 0 and 1."""
    found = tuple(thresholds or ())
    for threshold in found:
        if not 0 < threshold < 1:
            raise ValueError(f"thresholds not in (0, 1): {found}.")
    return found


def checked_vocabulary(vocabulary, n_classes):
    """VOCABULARY, which has to be a list of N_CLASSES names."""
    if vocabulary is not None:
        if not isinstance(vocabulary, (list, tuple)):
            raise ValueError("label_vocabulary should be a list or a tuple. "
                             f"Given type: {type(vocabulary)}")  # fmt: skip
        if n_classes is not None and len(vocabulary) != n_classes:
            raise ValueError('"label_vocabulary" does not have "n_classes" items. len(label_vocabulary)='
                             f"{len(vocabulary)}, n_classes={n_classes}, label_vocabulary={vocabulary}")  # fmt: skip
    return vocabulary


class _ClassHead(base_head.SingleHead):
    """A head of classes that may have names."""

    def _set_classes(self, n_classes, label_vocabulary):
        self._n_classes = n_classes
        self._vocabulary = checked_vocabulary(label_vocabulary, n_classes)

    def _class_ids(self, labels):
        """Labels, which may be names, as numbers."""
        if self._vocabulary is None:
            if labels.dtype == dtypes.string or not labels.dtype.is_integer and not labels.dtype.is_floating:
                raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
            return labels
        if labels.dtype != dtypes.string:
            raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {labels.dtype}")
        table = lookup_ops.index_table_from_tensor(vocabulary_list=tuple(self._vocabulary), name="class_id_lookup")
        return table.lookup(labels)

    def _class_names(self, class_ids):
        if self._vocabulary is None:
            return gen_ops.as_string(class_ids, name="str_classes")
        table = lookup_ops.index_to_string_table_from_tensor(self._vocabulary, name="class_string_lookup")
        return table.lookup(math_ops.cast(class_ids, dtypes.int64))

    def _all_names(self, logits):
        if self._vocabulary is None:
            names = gen_ops.as_string(math_ops.range(self._n_classes), name="str_classes")
        else:
            names = ops.convert_to_tensor([str(name) for name in self._vocabulary])
        return base_head.all_of_batch(names, logits)

    def _classes(self, class_ids, logits):
        """The predictions of classes by number and name."""
        return {
            "class_ids": class_ids,
            "classes": self._class_names(class_ids),
            "all_class_ids": base_head.all_of_batch(math_ops.range(self._n_classes), logits),
            "all_classes": self._all_names(logits),
        }

    @staticmethod
    def _some(made, keys):
        if not keys:
            return made
        for key in keys:
            if key not in made:
                raise ValueError(f"Prediction key must be one of {list(made)}. Given: {key}")
        return {key: made[key] for key in keys}

    def _export_outputs(self, predictions):
        classes = ClassificationOutput(scores=predictions["probabilities"], classes=predictions["all_classes"])
        return {_DEFAULT: classes, base_head.CLASSIFY: classes, base_head.PREDICT: PredictOutput(predictions)}


@tf_export("estimator.BinaryClassHead")
class BinaryClassHead(_ClassHead):
    """One of two classes: a logit, the cross-entropy of its sigmoid."""

    def __init__(self, weight_column=None, thresholds=None, label_vocabulary=None, loss_reduction="sum_over_batch_size",
                 loss_fn=None, name=None):  # fmt: skip
        super().__init__(name, weight_column, loss_reduction, loss_fn)
        self._thresholds = checked_thresholds(thresholds)
        self._set_classes(2, label_vocabulary)

    @property
    def logits_dimension(self):
        """1."""
        return 1

    def _labels(self, labels, logits):
        labels = self._class_ids(base_head.checked_labels(labels, logits, 1))
        return base_head.checked_range(math_ops.cast(labels, dtypes.float32), 2, "Labels must be <= n_classes - 1")

    def _loss_of_examples(self, labels, logits):
        return nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def predictions(self, logits, keys=None):
        """{name: tensor}: logits, logistic, probabilities and classes."""
        with ops.name_scope(None, "predictions", [logits]):
            logits = self._logits(logits)
            two = array_ops.concat((array_ops.zeros_like(logits), logits), axis=-1, name="two_class_logits")
            ids = array_ops.expand_dims(math_ops.argmax(two, axis=-1, name="classes"), axis=-1)
            made = {
                "logits": logits,
                "logistic": gen_ops.sigmoid(logits, name="logistic"),
                "probabilities": nn_ops.softmax(two, name="probabilities"),
                **self._classes(ids, logits),
            }
            return self._some(made, keys)

    def _measures(self):
        found = {
            "accuracy": Measure("accuracy"), "precision": Measure("precision"), "recall": Measure("recall"),
            "prediction/mean": Measure("mean"), "label/mean": Measure("mean"),
            "accuracy_baseline": Measure("baseline"), "auc": Measure("auc"), "auc_precision_recall": Measure("auc_pr"),
        }  # fmt: skip
        for threshold in self._thresholds:
            for kind in ("accuracy", "precision", "recall"):
                found[f"{kind}/positive_threshold_{threshold:g}"] = Measure(kind, threshold)
        return found

    def _inputs(self, labels, predictions):
        classes, logistic = predictions["class_ids"], predictions["logistic"]
        found = {
            "accuracy": (labels, math_ops.cast(classes, labels.dtype)),
            "precision": (labels, classes), "recall": (labels, classes),
            "prediction/mean": (logistic,), "label/mean": (labels,), "accuracy_baseline": (labels,),
            "auc": (labels, logistic), "auc_precision_recall": (labels, logistic),
        }  # fmt: skip
        for threshold in self._thresholds:
            for kind in ("accuracy", "precision", "recall"):
                found[f"{kind}/positive_threshold_{threshold:g}"] = (labels, logistic)
        return found

    def _export_outputs(self, predictions):
        found = super()._export_outputs(predictions)
        return {**found, base_head.REGRESS: RegressionOutput(value=predictions["logistic"])}


@tf_export("estimator.MultiClassHead")
class MultiClassHead(_ClassHead):
    """One of N_CLASSES (three or more): a logit each, the cross-entropy of their softmax."""

    def __init__(self, n_classes, weight_column=None, label_vocabulary=None, loss_reduction="sum_over_batch_size",
                 loss_fn=None, name=None):  # fmt: skip
        super().__init__(name, weight_column, loss_reduction, loss_fn)
        if n_classes is None:
            raise ValueError("n_classes cannot be None")
        if n_classes < 3 and not (self._v1 and n_classes == 2):
            raise ValueError(f"n_classes must be > 2: {n_classes}.")
        self._set_classes(n_classes, label_vocabulary)

    @property
    def logits_dimension(self):
        """The number of classes."""
        return self._n_classes

    def _labels(self, labels, logits):
        labels = self._class_ids(base_head.checked_labels(labels, logits, 1))
        if not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype}.")
        return base_head.checked_range(labels, self._n_classes, "Labels must be <= n_classes - 1")

    def _losses(self, labels, logits, features):
        if self._loss_fn is None:
            return super()._losses(labels, logits, features)
        weights = base_head.weights_of(features, self._weight_column, logits)
        return base_head.call_loss_fn(self._loss_fn, labels, logits, features, 1), weights

    def _loss_of_examples(self, labels, logits):
        losses = losses_impl.sparse_softmax_cross_entropy(
            labels=labels, logits=logits, reduction=losses_impl.Reduction.NONE
        )
        return array_ops.expand_dims(losses, axis=-1)

    def predictions(self, logits, keys=None):
        """{name: tensor}: logits, probabilities and classes."""
        with ops.name_scope(None, "predictions", [logits]):
            logits = self._logits(logits)
            ids = array_ops.expand_dims(math_ops.argmax(logits, axis=-1, name="class_ids"), axis=-1)
            made = {
                "logits": logits,
                "probabilities": nn_ops.softmax(logits, name="probabilities"),
                **self._classes(ids, logits),
            }
            return self._some(made, keys)

    def _measures(self):
        return {"accuracy": Measure("accuracy")}

    def _inputs(self, labels, predictions):
        return {"accuracy": (labels, math_ops.cast(predictions["class_ids"], labels.dtype))}


@tf_export("estimator.MultiLabelHead")
class MultiLabelHead(_ClassHead):
    """Any of N_CLASSES: a logit each, the cross-entropies of their sigmoids, whose mean is the loss of an example."""

    def __init__(self, n_classes, weight_column=None, thresholds=None, label_vocabulary=None,
                 loss_reduction="sum_over_batch_size", loss_fn=None, classes_for_class_based_metrics=None,
                 name=None):  # fmt: skip
        super().__init__(name, weight_column, loss_reduction, loss_fn)
        if n_classes is None:
            raise ValueError("n_classes cannot be None")
        if n_classes < 2:
            raise ValueError(f"n_classes must be > 1 for multi-label classification. Given: {n_classes}")
        self._thresholds = checked_thresholds(thresholds)
        self._set_classes(n_classes, label_vocabulary)
        self._measured_classes = []
        for one in classes_for_class_based_metrics or ():
            if isinstance(one, str):
                if label_vocabulary is None:
                    raise ValueError(
                        "label_vocabulary must be provided when classes_for_class_based_metrics are sting."
                    )
                one = self._vocabulary.index(one)
            elif not 0 <= one < n_classes:
                raise ValueError("All classes_for_class_based_metrics must be in range [0, n_classes). "
                                 f"Given: {one}")  # fmt: skip
            self._measured_classes.append(one)

    @property
    def logits_dimension(self):
        """The number of classes."""
        return self._n_classes

    def _labels(self, labels, logits):
        """LABELS (sparse numbers or names, or zeros and ones) as zeros and ones [batch, n_classes]."""
        if labels is None:
            base_head.checked_labels(labels, logits, self._n_classes)
        if isinstance(labels, sparse_tensor.SparseTensor):
            ids = labels.values
            if labels.dtype == dtypes.string:
                ids = self._class_ids(labels.values)
            ids = base_head.checked_range(ids, self._n_classes, "Labels must be <= n_classes - 1")
            found = sparse_tensor.SparseTensor(labels.indices, ids, labels.dense_shape)
            return math_ops.cast(sparse_ops.sparse_to_indicator(found, self._n_classes), dtypes.int64)
        labels = base_head.checked_labels(labels, logits, self._n_classes)
        return base_head.checked_range(
            labels, 2, "labels must be an integer tensor in range [0, n_classes), or of 0 and 1"
        )

    def _losses(self, labels, logits, features):
        if self._loss_fn is None:
            return super()._losses(labels, logits, features)
        weights = base_head.weights_of(features, self._weight_column, logits)
        return base_head.call_loss_fn(self._loss_fn, labels, logits, features, 1), weights

    def _loss_of_examples(self, labels, logits):
        labels = math_ops.cast(labels, dtypes.float32)
        losses = nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        return math_ops.reduce_mean(losses, axis=-1, keepdims=True)

    def predictions(self, logits, keys=None):
        """{name: tensor}: logits, probabilities and the names of all classes."""
        with ops.name_scope(None, "predictions", [logits]):
            logits = self._logits(logits)
            made = {
                "logits": logits,
                "probabilities": gen_ops.sigmoid(logits, name="probabilities"),
                "classes": self._all_names(logits),
            }
            return self._some(made, keys)

    def _label_of(self, one):
        return f"class{one}" if self._vocabulary is None else str(self._vocabulary[one])

    def _measures(self):
        found = {"auc": Measure("auc"), "auc_precision_recall": Measure("auc_pr")}
        for threshold in self._thresholds:
            for kind in ("accuracy", "precision", "recall"):
                found[f"{kind}/positive_threshold_{threshold:g}"] = Measure(kind, threshold)
        for one in self._measured_classes:
            found[f"probability_mean/{self._label_of(one)}"] = Measure("mean")
            found[f"auc/{self._label_of(one)}"] = Measure("auc")
            found[f"auc_precision_recall/{self._label_of(one)}"] = Measure("auc_pr")
        return found

    def _inputs(self, labels, predictions):
        probabilities = predictions["probabilities"]
        both = (labels, probabilities)
        found = {"auc": both, "auc_precision_recall": both}
        for threshold in self._thresholds:
            for kind in ("accuracy", "precision", "recall"):
                found[f"{kind}/positive_threshold_{threshold:g}"] = both
        for one in self._measured_classes:
            own = (labels[..., one : one + 1], probabilities[..., one : one + 1])
            found[f"probability_mean/{self._label_of(one)}"] = own[1:]
            found[f"auc/{self._label_of(one)}"] = found[f"auc_precision_recall/{self._label_of(one)}"] = own
        return found

    def _export_outputs(self, predictions):
        classes = ClassificationOutput(scores=predictions["probabilities"], classes=predictions["classes"])
        return {_DEFAULT: classes, base_head.CLASSIFY: classes, base_head.PREDICT: PredictOutput(predictions)}
