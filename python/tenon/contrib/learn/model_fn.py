"""What contrib.learn's model functions are called for and give."""

import collections
import inspect

from tenon.python.estimator.export import export_output
from tenon.python.estimator.model_fn import EstimatorSpec
from tenon.python.framework import ops
from tenon.python.ops import array_ops, metrics_impl
from tenon.python.util.tf_export import tf_export

TF_ALIASES = {"contrib.learn.python.learn": "contrib.learn"}


@tf_export("contrib.learn.ModeKeys")
class ModeKeys:
    """Training, evaluation, or prediction."""

    TRAIN = "train"
    EVAL = "eval"
    INFER = "infer"

    @classmethod
    def validate(cls, key):
        """ValueError for what is none of them."""
        if key not in (cls.TRAIN, cls.EVAL, cls.INFER):
            raise ValueError(f"Invalid mode {key}.")


@tf_export("contrib.learn.PredictionKey")
class PredictionKey:
    """The names of predictions."""

    CLASSES = "classes"
    PROBABILITIES = "probabilities"
    LOGITS = "logits"
    LOGISTIC = "logistic"
    SCORES = "scores"
    TOP_K = "top_k"
    GENERIC = "output"


@tf_export("contrib.learn.ProblemType")
class ProblemType:
    """What kind of outputs a model has."""

    UNSPECIFIED = 0
    CLASSIFICATION = 1
    LINEAR_REGRESSION = 2
    LOGISTIC_REGRESSION = 3


@tf_export("contrib.learn.InputFnOps", "contrib.learn.utils.input_fn_utils.InputFnOps")
class InputFnOps(collections.namedtuple("InputFnOps", ["features", "labels", "default_inputs"])):
    """What a served model is fed (default_inputs) and what the model function sees of it."""


_FIELDS = ["predictions", "loss", "train_op", "eval_metric_ops", "output_alternatives", "training_chief_hooks",
           "training_hooks", "scaffold", "mode"]  # fmt: skip


@tf_export("contrib.learn.ModelFnOps")
class ModelFnOps(collections.namedtuple("ModelFnOps", _FIELDS)):
    """The model of one mode."""

    def __new__(cls, mode, predictions=None, loss=None, train_op=None, eval_metric_ops=None, output_alternatives=None,
                training_chief_hooks=None, training_hooks=None, scaffold=None):  # fmt: skip
        ModeKeys.validate(mode)
        if train_op is None and mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        if loss is None and mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        if predictions is None and mode in (ModeKeys.INFER, ModeKeys.EVAL):
            raise ValueError("Missing predictions.")
        if loss is not None:
            loss = ops.convert_to_tensor(loss)
            if loss.get_shape().num_elements() not in (None, 1):
                raise ValueError("Loss must be scalar.")
            loss = array_ops.reshape(loss, [])
        return super().__new__(cls, predictions, loss, train_op, eval_metric_ops, output_alternatives,
                               tuple(training_chief_hooks or ()), tuple(training_hooks or ()), scaffold,
                               mode)  # fmt: skip

    def estimator_spec(self, default_serving_output_alternative_key=None):
        """The EstimatorSpec that is the same."""
        return EstimatorSpec(
            mode=self.mode, predictions=self.predictions, loss=self.loss, train_op=self.train_op,
            eval_metric_ops={
                key: value if isinstance(value, tuple) else metrics_impl.mean(value)
                for key, value in (self.eval_metric_ops or {}).items()
            },
            export_outputs=self._export_outputs(default_serving_output_alternative_key),
            training_chief_hooks=self.training_chief_hooks, training_hooks=self.training_hooks, scaffold=self.scaffold,
        )  # fmt: skip

    def _export_outputs(self, default):
        if not self.output_alternatives:
            return None
        found = {}
        for name, (kind, tensors) in self.output_alternatives.items():
            found[name or "serving_default"] = _export_output(kind, tensors)
        if default in found:
            found["serving_default"] = found[default]
        elif len(found) > 1 and "serving_default" not in found:
            found["serving_default"] = next(iter(found.values()))
        return found


def _export_output(kind, tensors):
    numbers = tensors.get(PredictionKey.SCORES, tensors.get(PredictionKey.PROBABILITIES))
    if kind == ProblemType.CLASSIFICATION and numbers is not None:
        return export_output.ClassificationOutput(scores=numbers)
    if kind in (ProblemType.LINEAR_REGRESSION, ProblemType.LOGISTIC_REGRESSION) and numbers is not None:
        return export_output.RegressionOutput(value=numbers)
    return export_output.PredictOutput(tensors)


def _takes(function, name):
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


@tf_export("contrib.learn.MetricSpec")
class MetricSpec:
    """A metric, and which of the predictions, labels and features it is of."""

    def __init__(self, metric_fn, prediction_key=None, label_key=None, weight_key=None):
        self._metric_fn, self._prediction_key = metric_fn, prediction_key
        self._label_key, self._weight_key = label_key, weight_key

    prediction_key = property(lambda self: self._prediction_key, doc="The prediction's name.")
    label_key = property(lambda self: self._label_key, doc="The label's name.")
    weight_key = property(lambda self: self._weight_key, doc="The feature of weights.")
    metric_fn = property(lambda self: self._metric_fn, doc="The function.")

    def create_metric_ops(self, inputs, labels, predictions):
        """What the function gives of features INPUTS, LABELS and PREDICTIONS."""
        given = {}
        if self._weight_key is not None:
            if not isinstance(inputs, dict) or self._weight_key not in inputs:
                raise ValueError(f"MetricSpec's weight_key {self._weight_key} is not in the features")
            given["weights"] = inputs[self._weight_key]
        labels = _one(labels, self._label_key, "label")
        predictions = _one(predictions, self._prediction_key, "prediction")
        if labels is None:
            return self._metric_fn(predictions, **given)
        if _takes(self._metric_fn, "labels") and _takes(self._metric_fn, "predictions"):
            return self._metric_fn(labels=labels, predictions=predictions, **given)
        return self._metric_fn(predictions, labels, **given)


def _one(values, key, what):
    """VALUES[KEY], or the only one of VALUES."""
    if not isinstance(values, dict):
        if key is not None:
            raise ValueError(f"MetricSpec with {what}_key {key} requires a dict of {what}s, got {values}")
        return values
    if key is None:
        if len(values) != 1:
            raise ValueError(f"MetricSpec without a {what}_key requires a single {what}; there are {sorted(values)}")
        return next(iter(values.values()))
    if key not in values:
        raise ValueError(f"MetricSpec: {what} {key} is not in {sorted(values)}")
    return values[key]


def metric_ops(metrics, features, labels, predictions):
    """{name: (value, update)} of metrics as programs give them: MetricSpecs or functions, by name or (name, key)."""
    found = {}
    for name, metric in (metrics or {}).items():
        if not isinstance(metric, MetricSpec):
            key = None
            if isinstance(name, tuple):
                if len(name) != 2:
                    raise ValueError(
                        f"Invalid metric for {name}. It returned a tuple with len {len(name)}, expected 2."
                    )
                name, key = name
            elif isinstance(predictions, dict):
                key = PredictionKey.CLASSES if PredictionKey.CLASSES in predictions else None
            metric = MetricSpec(metric, prediction_key=key)
        made = metric.create_metric_ops(features, labels, predictions)
        found[name] = made if isinstance(made, tuple) else metrics_impl.mean(made)
    return found
