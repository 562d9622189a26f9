"""What a model function gives."""

import collections
import inspect

from tenon.python.estimator.export.export_output import EvalOutput, ExportOutput, PredictOutput, TrainOutput
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.framework import ops
from tenon.python.ops import array_ops
from tenon.python.saved_model import constants
from tenon.python.training import monitored_session, session_run_hook
from tenon.python.util.tf_export import tf_export

_FIELDS = ["mode", "predictions", "loss", "train_op", "eval_metric_ops", "export_outputs", "training_chief_hooks",
           "training_hooks", "scaffold", "evaluation_hooks", "prediction_hooks"]  # fmt: skip


def _is_tensor(value):
    return isinstance(value, ops.Tensor) or hasattr(value, "_as_graph_element") or hasattr(value, "dense_shape")


def _tensor(value, what):
    if not _is_tensor(value):
        raise TypeError(f"{what} must be Tensor, given: {value}")
    return value


def _checked_loss(mode, loss):
    if loss is None:
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    shape = _tensor(loss, "loss").get_shape()
    if shape.num_elements() not in (None, 1):
        raise ValueError(f"Loss must be scalar, given: {loss}")
    return loss if shape.is_compatible_with([]) else array_ops.reshape(loss, [])


def _checked_predictions(mode, predictions):
    if predictions is None:
        if mode == ModeKeys.PREDICT:
            raise ValueError("Missing predictions.")
        return {}
    for key, value in predictions.items() if isinstance(predictions, dict) else [("predictions", predictions)]:
        _tensor(value, f"predictions[{key}]" if isinstance(predictions, dict) else "predictions")
    return predictions


def is_metric(value):
    """True for one of Keras' metrics."""
    return hasattr(value, "result") and hasattr(value, "update_state")


def _checked_metrics(metrics):
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, dict):
        raise TypeError(f"eval_metric_ops must be a dict, given: {metrics}")
    for key, value in metrics.items():
        if is_metric(value):
            if not value.updates:
                raise ValueError(f'Please call update_state(...) on the "{key}" metric')
            # So that they are initialized with the other local variables.
            known = {id(v) for v in ops.get_collection(ops.GraphKeys.LOCAL_VARIABLES)}
            for variable in value.variables:
                if id(variable) not in known:
                    ops.add_to_collection(ops.GraphKeys.LOCAL_VARIABLES, variable)
            continue
        if not isinstance(value, tuple) or len(value) != 2:
            raise TypeError(f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {value} for "
                            f"key: {key}")  # fmt: skip
        for part in value:
            if not _is_tensor(part) and not isinstance(part, ops.Operation):
                raise TypeError(f"eval_metric_ops[{key}] must be Operation or Tensor, given: {part}")
    return metrics


def _checked_outputs(mode, outputs, predictions):
    """The export outputs; when predicting there is one of all predictions if none is given."""
    default = constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    if outputs is None:
        return {default: PredictOutput(predictions)} if mode == ModeKeys.PREDICT else None
    if not isinstance(outputs, dict):
        raise TypeError(f"export_outputs must be dict, given: {outputs}")
    for value in outputs.values():
        if not isinstance(value, ExportOutput):
            raise TypeError(f"Values in export_outputs must be ExportOutput objects. Given: {outputs}")
    outputs = dict(outputs)
    if len(outputs) == 1:
        outputs.setdefault(default, next(iter(outputs.values())))
    elif default not in outputs:
        raise ValueError("Multiple export_outputs were provided, but none of them is specified as the default.  Do "
                         "this "
                         "by naming one of them with signature_constants."
                         "DEFAULT_SERVING_SIGNATURE_DEF_KEY.")  # fmt: skip
    return outputs


def _hooks(*groups):
    found = [tuple(group or ()) for group in groups]
    for group in found:
        for hook in group:
            if not isinstance(hook, session_run_hook.SessionRunHook):
                raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook}")
    return found


@tf_export("estimator.EstimatorSpec")
class EstimatorSpec(collections.namedtuple("EstimatorSpec", _FIELDS)):
    """The model of one mode: training needs loss and train_op, evaluation loss, prediction predictions."""

    def __new__(cls, mode, predictions=None, loss=None, train_op=None, eval_metric_ops=None, export_outputs=None,
                training_chief_hooks=None, training_hooks=None, scaffold=None, evaluation_hooks=None,
                prediction_hooks=None):  # fmt: skip
        if train_op is None:
            if mode == ModeKeys.TRAIN:
                raise ValueError("Missing train_op.")
        elif not _is_tensor(train_op) and not isinstance(train_op, ops.Operation):
            raise TypeError(f"train_op must be Operation or Tensor, given: {train_op}")
        loss = _checked_loss(mode, loss)
        predictions = _checked_predictions(mode, predictions)
        metrics = _checked_metrics(eval_metric_ops)
        outputs = _checked_outputs(mode, export_outputs, predictions)
        hooks = _hooks(training_chief_hooks, training_hooks, evaluation_hooks, prediction_hooks)
        scaffold = scaffold or monitored_session.Scaffold()
        if not isinstance(scaffold, monitored_session.Scaffold):
            raise TypeError(f"scaffold must be tf.train.Scaffold. Given: {scaffold}")
        graph = ops.get_default_graph()
        every = list(predictions.values()) if isinstance(predictions, dict) else [predictions]
        for thing in [*every, loss, train_op]:
            if thing is not None and getattr(thing, "graph", graph) is not graph:
                raise ValueError(f"{getattr(thing, 'name', thing)} with EstimatorSpec is not in the default graph: it "
                                 "must be from the same graph as the others.")  # fmt: skip
        return super().__new__(cls, mode, predictions, loss, train_op, metrics, outputs, hooks[0], hooks[1], scaffold,
                               hooks[2], hooks[3])  # fmt: skip


def supervised_outputs(spec):
    """The outputs that a SavedModel for training or evaluation has."""
    kind = TrainOutput if spec.mode == ModeKeys.TRAIN else EvalOutput
    return {spec.mode: kind(spec.loss, spec.predictions or None, spec.eval_metric_ops)}


@tf_export("estimator.experimental.call_logit_fn")
def call_logit_fn(logit_fn, features, mode, params, config):
    """Calls LOGIT_FN with those of the arguments that it takes. ValueError if it gives no tensors."""
    known = inspect.signature(logit_fn).parameters
    given = {"features": features, "mode": mode, "params": params, "config": config}
    result = logit_fn(**{name: value for name, value in given.items() if name in known})
    if not isinstance(result, (ops.Tensor, dict)):
        raise ValueError(f"model_fn should return a Tensor or a dictionary of Tensors, but it returned: {result}")
    return result
