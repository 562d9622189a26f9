"""What a model function gets and gives."""

import collections

from tenon.python.framework import ops
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.ModeKeys", "contrib.learn.ModeKeys")
class ModeKeys:
    """What a model function is called for."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


_FIELDS = ["mode", "predictions", "loss", "train_op", "eval_metric_ops", "export_outputs", "training_chief_hooks",
           "training_hooks", "scaffold", "evaluation_hooks", "prediction_hooks"]  # fmt: skip


@tf_export("estimator.EstimatorSpec")
class EstimatorSpec(collections.namedtuple("EstimatorSpec", _FIELDS)):
    """The model of one mode: training needs loss and train_op, evaluation loss, prediction predictions."""

    def __new__(cls, mode, predictions=None, loss=None, train_op=None, eval_metric_ops=None, export_outputs=None,
                training_chief_hooks=None, training_hooks=None, scaffold=None, evaluation_hooks=None,
                prediction_hooks=None):  # fmt: skip
        if mode == ModeKeys.TRAIN and train_op is None:
            raise ValueError("Missing train_op.")
        if loss is None and mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        if mode == ModeKeys.PREDICT and predictions is None:
            raise ValueError("Missing predictions.")
        if loss is not None:
            loss = ops.convert_to_tensor(loss)
            if loss.get_shape().num_elements() not in (None, 1):
                raise ValueError(f"Loss must be scalar, given: {loss}")
        for key, value in (eval_metric_ops or {}).items():
            if not isinstance(value, tuple) or len(value) != 2:
                raise TypeError(f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {value} "
                                f"for key: {key}")  # fmt: skip
        return super().__new__(
            cls, mode, predictions if predictions is not None else {}, loss, train_op, eval_metric_ops or {},
            export_outputs, tuple(training_chief_hooks or ()), tuple(training_hooks or ()), scaffold,
            tuple(evaluation_hooks or ()), tuple(prediction_hooks or ()),
        )  # fmt: skip


@tf_export("estimator.export.PredictOutput")
class PredictOutput:
    """Outputs (a tensor or a dict of them) that a served model gives."""

    def __init__(self, outputs):
        self.outputs = outputs if isinstance(outputs, dict) else {"output": outputs}


@tf_export("estimator.export.ServingInputReceiver")
class ServingInputReceiver(collections.namedtuple("ServingInputReceiver", ["features", "receiver_tensors"])):
    """What a served model is fed (receiver_tensors) and what the model function sees of it (features)."""

    def __new__(cls, features, receiver_tensors):
        if not isinstance(receiver_tensors, dict):
            receiver_tensors = {"input": receiver_tensors}
        return super().__new__(cls, features, receiver_tensors)


@tf_export("estimator.export.build_raw_serving_input_receiver_fn")
def build_raw_serving_input_receiver_fn(features, default_batch_size=None):
    """A function that makes placeholders like the tensors FEATURES."""

    def receive():
        from tenon.python.ops import array_ops

        made = {}
        for name, tensor in features.items():
            shape = tensor.get_shape().as_list()
            made[name] = array_ops.placeholder(tensor.dtype, [default_batch_size, *shape[1:]], name=name)
        return ServingInputReceiver(made, made)

    return receive
