"""tf.estimator.Estimator: a model function trained, evaluated, asked and exported."""

import inspect
import os
import tempfile
import time

import numpy as np

from tenon.python.estimator.model_fn import EstimatorSpec, ModeKeys, PredictOutput
from tenon.python.estimator.run_config import RunConfig
from tenon.python.framework import ops, random_seed
from tenon.python.framework import proto as messages
from tenon.python.ops import control_flow_ops
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary
from tenon.python.summary.writer.writer_cache import FileWriterCache
from tenon.python.training import basic_session_run_hooks as hooks_lib
from tenon.python.training import checkpoint_management, monitored_session, saver, training_util, warm_starting_util
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.Estimator", "contrib.learn.Estimator")
class Estimator:
    """Runs MODEL_FN(features, labels, mode, params, config), whose checkpoints and events are in MODEL_DIR."""

    def __init__(self, model_fn, model_dir=None, config=None, params=None, warm_start_from=None):
        config = config or RunConfig()
        if model_dir and config.model_dir and model_dir != config.model_dir:
            raise ValueError("`model_dir` are set both in constructor and `RunConfig`, but with different values. In "
                             f"constructor: '{model_dir}', in `RunConfig`: '{config.model_dir}' ")  # fmt: skip
        self._model_dir = os.fspath(model_dir or config.model_dir or tempfile.mkdtemp())
        self._config = config.replace(model_dir=self._model_dir)
        self._model_fn, self._params, self._warm_start = model_fn, dict(params or {}), warm_start_from

    @property
    def model_dir(self):
        """The folder."""
        return self._model_dir

    @property
    def config(self):
        """The RunConfig."""
        return self._config

    @property
    def params(self):
        """The parameters of the model function."""
        return dict(self._params)

    @property
    def model_fn(self):
        """The model function, without params and config."""
        return lambda features, labels, mode, config: self._call_model_fn(features, labels, mode)

    def latest_checkpoint(self):
        """The prefix of the newest checkpoint, or None."""
        return checkpoint_management.latest_checkpoint(self._model_dir)

    def get_variable_names(self):
        """The names of the variables in the newest checkpoint."""
        from tenon.python.training import checkpoint_utils

        return [name for name, _ in checkpoint_utils.list_variables(self._model_dir)]

    def get_variable_value(self, name):
        """The value of a variable in the newest checkpoint."""
        from tenon.python.training import checkpoint_utils

        return checkpoint_utils.load_variable(self._model_dir, name)

    def _call_model_fn(self, features, labels, mode):
        known = inspect.signature(self._model_fn).parameters
        given = {"labels": labels, "mode": mode, "params": self.params, "config": self._config}
        if "labels" not in known and labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        made = self._model_fn(features=features, **{name: v for name, v in given.items() if name in known})
        if not isinstance(made, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return made

    def _inputs(self, input_fn, mode):
        """(features, labels) of an input function, which may return a dataset; the hooks that start it."""
        known = inspect.signature(input_fn).parameters
        given = {"mode": mode, "params": self.params, "config": self._config}
        result = input_fn(**{name: value for name, value in given.items() if name in known})
        if hasattr(result, "make_initializable_iterator"):
            iterator = result.make_initializable_iterator()
            ops.add_to_collection(ops.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
            result = iterator.get_next()
        return result if isinstance(result, (tuple, list)) and len(result) == 2 else (result, None)

    def _graph(self):
        graph = ops.Graph()
        context = graph.as_default()
        context.__enter__()
        random_seed.set_random_seed(self._config.tf_random_seed)
        training_util.create_global_step(graph)
        return context

    def train(self, input_fn, hooks=None, steps=None, max_steps=None, saving_listeners=None):
        """Trains for STEPS more steps, up to MAX_STEPS, or until the input ends; returns self."""
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        for name, value in (("steps", steps), ("max_steps", max_steps)):
            if value is not None and value <= 0:
                raise ValueError(f"Must specify {name} > 0, given: {value}")
        if max_steps is not None and self.latest_checkpoint():
            if self.get_variable_value("global_step") >= max_steps:
                logging.info("Skipping training since max_steps has already saved.")
                return self
        every = list(hooks or [])
        if steps is not None or max_steps is not None:
            every.append(hooks_lib.StopAtStepHook(steps, max_steps))
        context = self._graph()
        try:
            loss = self._train(input_fn, every, saving_listeners)
        finally:
            context.__exit__(None, None, None)
        logging.info("Loss for final step: %s.", loss)
        return self

    def _train(self, input_fn, every, listeners):
        config = self._config
        features, labels = self._inputs(input_fn, ModeKeys.TRAIN)
        spec = self._call_model_fn(features, labels, ModeKeys.TRAIN)
        if self._warm_start is not None and not self.latest_checkpoint():
            warm_starting_util.warm_start(self._warm_start)
        summary.scalar("loss", spec.loss)
        scaffold = spec.scaffold or monitored_session.Scaffold()
        if not (scaffold.saver or ops.get_collection(ops.GraphKeys.SAVERS)):
            made = saver.Saver(
                sharded=True,
                max_to_keep=config.keep_checkpoint_max,
                keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
            )
            ops.add_to_collection(ops.GraphKeys.SAVERS, made)
        logged = {"loss": spec.loss, "step": training_util.get_global_step()}
        every = [
            hooks_lib.NanTensorHook(spec.loss),
            hooks_lib.LoggingTensorHook(logged, every_n_iter=config.log_step_count_steps or 100),
            *every,
            *spec.training_hooks,
        ]
        chief = [
            *spec.training_chief_hooks,
            hooks_lib.CheckpointSaverHook(
                self._model_dir,
                save_secs=config.save_checkpoints_secs,
                save_steps=config.save_checkpoints_steps,
                scaffold=scaffold,
                listeners=listeners,
            ),
        ]
        value = None
        with monitored_session.MonitoredTrainingSession(
            checkpoint_dir=self._model_dir, scaffold=scaffold, hooks=every, chief_only_hooks=chief,
            save_checkpoint_secs=0, save_checkpoint_steps=None, save_summaries_steps=config.save_summary_steps,
            config=config.session_config, log_step_count_steps=config.log_step_count_steps,
        ) as session:  # fmt: skip
            while not session.should_stop():
                _, value = session.run([spec.train_op, spec.loss])
        return value

    def _checkpoint(self, path):
        path = path or self.latest_checkpoint()
        if not path:
            raise ValueError(f"Could not find trained model in model_dir: {self._model_dir}.")
        return path

    def evaluate(self, input_fn, steps=None, hooks=None, checkpoint_path=None, name=None):
        """{metric: value} of the newest checkpoint (or CHECKPOINT_PATH) over STEPS batches or the whole input."""
        from tenon.python.ops import metrics_impl
        from tenon.python.training import evaluation

        path = self._checkpoint(checkpoint_path)
        context = self._graph()
        try:
            features, labels = self._inputs(input_fn, ModeKeys.EVAL)
            spec = self._call_model_fn(features, labels, ModeKeys.EVAL)
            metrics = dict(spec.eval_metric_ops)
            metrics["loss"] = metrics_impl.mean(spec.loss)
            update = control_flow_ops.group(*[pair[1] for pair in metrics.values()])
            values = {key: pair[0] for key, pair in metrics.items()}
            values["global_step"] = training_util.get_global_step()
            every = list(hooks or []) + list(spec.evaluation_hooks)
            if steps is not None:
                every.append(evaluation._StopAfterNEvalsHook(steps, log_progress=False))
            found = evaluation._evaluate_once(
                path, scaffold=spec.scaffold, eval_ops=update, final_ops=values, hooks=every,
                config=self._config.session_config,
            )  # fmt: skip
        finally:
            context.__exit__(None, None, None)
        folder = os.path.join(self._model_dir, "eval" if not name else f"eval_{name}")
        written = messages.Summary()
        for key, value in found.items():
            if key != "global_step" and np.ndim(value) == 0:
                written.value.add(tag=key, simple_value=float(value))
        writer = FileWriterCache.get(folder)
        writer.add_summary(written, found["global_step"])
        writer.flush()
        return found

    def predict(self, input_fn, predict_keys=None, hooks=None, checkpoint_path=None, yield_single_examples=True):
        """Yields the predictions for each example (or batch) of the input."""
        path = self._checkpoint(checkpoint_path)
        context = self._graph()
        try:
            features, _ = self._inputs(input_fn, ModeKeys.PREDICT)
            spec = self._call_model_fn(features, None, ModeKeys.PREDICT)
            wanted = spec.predictions
            if predict_keys and isinstance(wanted, dict):
                wanted = {key: value for key, value in wanted.items() if key in predict_keys}
                if not wanted:
                    raise ValueError(f"Expected to run at least one output from {list(spec.predictions)}, provided "
                                     f"{predict_keys}.")  # fmt: skip
            creator = monitored_session.ChiefSessionCreator(
                scaffold=spec.scaffold, checkpoint_filename_with_path=path, config=self._config.session_config
            )
            session = monitored_session.MonitoredSession(creator, [*(hooks or []), *spec.prediction_hooks])
        finally:
            context.__exit__(None, None, None)
        with session.graph.as_default(), session:
            while not session.should_stop():
                value = session.run(wanted)
                if not yield_single_examples:
                    yield value
                elif not isinstance(value, dict):
                    yield from value
                else:
                    for i in range(len(next(iter(value.values())))):
                        yield {key: array[i] for key, array in value.items()}

    def export_saved_model(self, export_dir_base, serving_input_receiver_fn, assets_extra=None, as_text=False,
                           checkpoint_path=None):  # fmt: skip
        """Writes a SavedModel of the prediction to a folder named by the time; returns its path."""
        from tenon.python.client import session as session_lib
        from tenon.python.saved_model import builder_impl, constants, signature_def_utils_impl

        path = self._checkpoint(checkpoint_path)
        folder = os.path.join(os.fspath(export_dir_base), str(int(time.time())))
        while os.path.exists(folder):
            folder = os.path.join(os.fspath(export_dir_base), str(int(os.path.basename(folder)) + 1))
        context = self._graph()
        try:
            receiver = serving_input_receiver_fn()
            spec = self._call_model_fn(receiver.features, None, ModeKeys.PREDICT)
            outputs = spec.export_outputs or {
                constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: PredictOutput(spec.predictions)
            }
            signatures = {
                key: signature_def_utils_impl.predict_signature_def(receiver.receiver_tensors, output.outputs)
                for key, output in outputs.items()
            }
            if len(signatures) == 1:
                signatures.setdefault(constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY, next(iter(signatures.values())))
            with session_lib.Session(config=self._config.session_config) as session:
                saver.Saver(sharded=True).restore(session, path)
                main = monitored_session.Scaffold.default_local_init_op()
                builder = builder_impl.SavedModelBuilder(folder)
                builder.add_meta_graph_and_variables(session, [constants.SERVING], signatures, main_op=main)
                builder.save(as_text)
        finally:
            context.__exit__(None, None, None)
        return folder.encode()

    export_savedmodel = export_saved_model
