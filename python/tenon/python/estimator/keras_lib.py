"""tf.keras.estimator.model_to_estimator: a compiled Keras model as an Estimator."""

import os
import re

from tenon.python.client import session as session_lib
from tenon.python.estimator import estimator as estimator_lib
from tenon.python.estimator import run_config
from tenon.python.estimator.export.export_output import PredictOutput
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.estimator.model_fn import EstimatorSpec
from tenon.python.framework import ops
from tenon.python.lib.io import anywhere
from tenon.python.ops import control_flow_ops, state_ops
from tenon.python.saved_model import constants
from tenon.python.training import saver, training_util
from tenon.python.util.tf_export import tf_export


def _ordered(given, names, what):
    """GIVEN (a tensor, a list, or a dict by names) as a list in the order of NAMES."""
    if isinstance(given, dict):
        missing = [name for name in names if name not in given]
        if missing:
            raise KeyError(f"The dictionary passed into {what} does not have the expected keys {missing} defined in "
                           f"the keras model.\n\tExpected keys: {list(names)}\n\t{what} keys: "
                           f"{sorted(given)}")  # fmt: skip
        return [given[name] for name in names]
    given = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(given) != len(names):
        raise ValueError(f"{what} has {len(given)} tensors, but the keras model has {len(names)}: {list(names)}")
    return given


def _optimizer_of(model):
    """An optimizer like the model's, for another graph."""
    optimizer = model.optimizer
    inner = getattr(optimizer, "optimizer", None)
    return inner if inner is not None else type(optimizer).from_config(optimizer.get_config())


class _ModelFn:
    """The model function of a Keras model."""

    def __init__(self, keras_model):
        self.model = keras_model

    def __call__(self, features, labels, mode):
        from tenon.python.keras import backend
        from tenon.python.keras.engine.training import clone_model

        backend.set_learning_phase(mode == ModeKeys.TRAIN)
        source = self.model
        made = clone_model(source, input_tensors=_ordered(features, source.input_names, "features"))
        predictions = dict(zip(source.output_names, made.outputs))
        if mode == ModeKeys.PREDICT:
            outputs = {constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: PredictOutput(predictions)}
            return EstimatorSpec(mode=mode, predictions=predictions, export_outputs=outputs)
        made.compile(
            optimizer=_optimizer_of(source), loss=source.loss, metrics=source._compile_metrics,
            weighted_metrics=source._compile_weighted, loss_weights=source.loss_weights,
            target_tensors=_ordered(labels, source.output_names, "labels"),
        )  # fmt: skip
        metrics = {metric.name: metric for metric in made.metrics} if mode == ModeKeys.EVAL else None
        train_op = self._train_op(made) if mode == ModeKeys.TRAIN else None
        return EstimatorSpec(mode=mode, predictions=predictions, loss=made.total_loss, train_op=train_op,
                             eval_metric_ops=metrics)  # fmt: skip

    @staticmethod
    def _train_op(made):
        with ops.name_scope("training"):
            updates = made.optimizer.get_updates(made.total_loss, made.trainable_weights)
        updates = [update for update in [*updates, *made.updates] if update is not None]
        step = training_util.get_global_step()
        with ops.control_dependencies([control_flow_ops.group(*updates)]):
            return state_ops.assign_add(step, 1).op


def _save_weights(model, folder):
    """Writes the weights that a model has now to a checkpoint; what a new Estimator starts from."""
    from tenon.python.keras import backend
    from tenon.python.keras.engine.training import clone_model

    values = model.get_weights()
    path = os.path.join(folder, "keras", "keras_model.ckpt")
    with ops.Graph().as_default(), session_lib.Session() as session:
        backend.set_learning_phase(0)
        copied = clone_model(model)
        for variable, value in zip(copied.weights, values):
            variable.load(value, session)
        anywhere.makedirs(os.path.dirname(path))
        saved = saver.Saver(copied.weights).save(session, path, write_meta_graph=False)
        names = [variable.op.name for variable in copied.weights]
    return estimator_lib.WarmStartSettings(saved, vars_to_warm_start=[f"^{re.escape(name)}$" for name in names])


@tf_export("keras.estimator.model_to_estimator")
def model_to_estimator(keras_model=None, keras_model_path=None, custom_objects=None, model_dir=None, config=None,
                       checkpoint_format="saver"):  # fmt: skip
    """An Estimator of a compiled model (or one that was saved in a file), which starts with the model's weights.

    Features and labels are dicts by the names of the model's inputs and outputs, or tensors where there is one.
    """
    if not (keras_model or keras_model_path):
        raise ValueError("Either `keras_model` or `keras_model_path` needs to be provided.")
    if keras_model and keras_model_path:
        raise ValueError("Please specify either `keras_model` or `keras_model_path`, but not both.")
    if checkpoint_format not in ("saver", "checkpoint"):
        raise ValueError(f'Invalid checkpoint format: {checkpoint_format}. Valid are "saver" and "checkpoint".')
    if keras_model is None:
        from tenon.python.keras.engine.saving import load_model

        keras_model = load_model(keras_model_path, custom_objects=custom_objects)
    if not getattr(keras_model, "optimizer", None):
        raise ValueError("The given keras model has not been compiled yet. Please compile the model with "
                         "`model.compile()` before calling `model_to_estimator()`.")  # fmt: skip
    config = estimator_lib.Estimator._configured(config or run_config.RunConfig(), model_dir)
    start = _save_weights(keras_model, config.model_dir)
    return estimator_lib.Estimator(_ModelFn(keras_model), config=config, warm_start_from=start)
