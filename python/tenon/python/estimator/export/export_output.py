"""What a served model gives: classes, numbers, or tensors by name."""

from tenon.python.framework import dtypes, ops
from tenon.python.saved_model import signature_def_utils_impl as signatures
from tenon.python.saved_model import utils_impl
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.export.ExportOutput")
class ExportOutput:
    """What one signature gives."""

    def as_signature_def(self, receiver_tensors):
        """The SignatureDef for what is fed."""
        raise NotImplementedError("ExportOutput.as_signature_def() is for subclasses")


def _one_string(receiver_tensors, what):
    """The only tensor that is fed, of strings: Examples. ValueError if it is anything else."""
    if len(receiver_tensors) != 1:
        raise ValueError(f"{what} input must be a single string Tensor; got {receiver_tensors}")
    (examples,) = receiver_tensors.values()
    if dtypes.as_dtype(examples.dtype) != dtypes.string:
        raise ValueError(f"{what} input must be a single string Tensor; got {receiver_tensors}")
    return examples


@tf_export("estimator.export.ClassificationOutput")
class ClassificationOutput(ExportOutput):
    """SCORES (floats) and the names of CLASSES (strings), or one of them: [batch, classes]."""

    def __init__(self, scores=None, classes=None):
        if scores is not None and not (isinstance(scores, ops.Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores}")
        if classes is not None and not (isinstance(classes, ops.Tensor) and classes.dtype == dtypes.string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        self._scores, self._classes = scores, classes

    @property
    def scores(self):
        """The scores."""
        return self._scores

    @property
    def classes(self):
        """The names."""
        return self._classes

    def as_signature_def(self, receiver_tensors):
        """The classification signature."""
        examples = _one_string(receiver_tensors, "Classification")
        return signatures.classification_signature_def(examples, self._classes, self._scores)


@tf_export("estimator.export.RegressionOutput")
class RegressionOutput(ExportOutput):
    """Numbers."""

    def __init__(self, value):
        if not (isinstance(value, ops.Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self._value = value

    @property
    def value(self):
        """The numbers."""
        return self._value

    def as_signature_def(self, receiver_tensors):
        """The regression signature."""
        return signatures.regression_signature_def(_one_string(receiver_tensors, "Regression"), self._value)


def _named(outputs, default):
    """OUTPUTS as a dict of tensors."""
    if not isinstance(outputs, dict):
        outputs = {default: outputs}
    for key, value in outputs.items():
        if not isinstance(key, str):
            raise ValueError(f"Prediction output key must be a string; got {key}.")
        if not isinstance(value, (ops.Tensor,)) and not hasattr(value, "indices"):
            raise ValueError(f"Prediction output value must be a Tensor; got {value}.")
    return outputs


@tf_export("estimator.export.PredictOutput")
class PredictOutput(ExportOutput):
    """Tensors by name."""

    def __init__(self, outputs):
        self._outputs = _named(outputs, "output")

    @property
    def outputs(self):
        """The tensors."""
        return self._outputs

    def as_signature_def(self, receiver_tensors):
        """The prediction signature."""
        return signatures.predict_signature_def(receiver_tensors, self._outputs)


class _SupervisedOutput(ExportOutput):
    """The loss, predictions and metrics of a model that is exported for training or evaluation."""

    LOSS_NAME = "loss"
    PREDICTIONS_NAME = "predictions"
    METRICS_NAME = "metrics"
    METRIC_VALUE_SUFFIX = "value"
    METRIC_UPDATE_SUFFIX = "update_op"

    def __init__(self, loss=None, predictions=None, metrics=None):
        self._loss = None if loss is None else _named(loss, "loss")
        self._predictions = None if predictions is None else _named(predictions, "predictions")
        self._metrics = {}
        for key, pair in (metrics or {}).items():
            value, update = pair if isinstance(pair, tuple) else (pair.result(), pair.updates[0])
            self._metrics[f"{key}/{self.METRIC_VALUE_SUFFIX}"] = value
            self._metrics[f"{key}/{self.METRIC_UPDATE_SUFFIX}"] = (
                update if isinstance(update, ops.Tensor) else update.outputs[0]
            )

    @property
    def loss(self):
        """The loss by name."""
        return self._loss

    @property
    def predictions(self):
        """The predictions by name."""
        return self._predictions

    @property
    def metrics(self):
        """The metrics' values and updates by name."""
        return self._metrics or None

    def as_signature_def(self, receiver_tensors):
        """The signature of a step."""
        outputs = {}
        for lead, tensors in (("loss", self._loss), ("predictions", self._predictions), ("metrics", self._metrics)):
            for key, tensor in (tensors or {}).items():
                outputs[key if key == lead or key.startswith(lead + "/") else f"{lead}/{key}"] = tensor
        infos = [
            {k: utils_impl.build_tensor_info(v) for k, v in given.items()} for given in (receiver_tensors, outputs)
        ]
        return signatures.build_signature_def(*infos, self._method)


class TrainOutput(_SupervisedOutput):
    """What a step of training gives."""

    _method = "tensorflow/supervised/training"


@tf_export("estimator.export.EvalOutput")
class EvalOutput(_SupervisedOutput):
    """What a step of evaluation gives."""

    _method = "tensorflow/supervised/eval"
