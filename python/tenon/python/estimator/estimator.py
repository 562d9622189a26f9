"""tf.estimator.Estimator: a model function trained, evaluated, asked and exported."""

import collections
import contextlib
import copy
import os
import tempfile

import numpy as np

from tenon.python.estimator import exporting, model_fn, run_config, util
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.framework import ops, random_seed
from tenon.python.framework import proto as messages
from tenon.python.lib.io import anywhere
from tenon.python.ops import control_flow_ops, metrics_impl
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary
from tenon.python.summary.writer.writer_cache import FileWriterCache
from tenon.python.training import basic_session_run_hooks as hooks_lib
from tenon.python.training import (
    checkpoint_management,
    checkpoint_utils,
    device_setter,
    evaluation,
    monitored_session,
    saver,
    session_run_hook,
    training_util,
    warm_starting_util,
)
from tenon.python.util.tf_export import tf_export

_MODEL_FN_ARGS = {"features", "labels", "mode", "params", "config", "self"}


@tf_export("estimator.WarmStartSettings")
class WarmStartSettings(collections.namedtuple("WarmStartSettings", [
    "ckpt_to_initialize_from", "vars_to_warm_start", "var_name_to_vocab_info", "var_name_to_prev_var_name",
])):  # fmt: skip
    """What variables take from another model's checkpoint before they are trained: arguments of tf.train.warm_start."""

    def __new__(cls, ckpt_to_initialize_from, vars_to_warm_start=".*", var_name_to_vocab_info=None,
                var_name_to_prev_var_name=None):  # fmt: skip
        if not ckpt_to_initialize_from:
            raise ValueError("`ckpt_to_initialize_from` MUST be set in WarmStartSettings")
        return super().__new__(
            cls, os.fspath(ckpt_to_initialize_from), vars_to_warm_start, var_name_to_vocab_info or {},
            var_name_to_prev_var_name or {},
        )  # fmt: skip


def _warm_start_settings(given):
    """GIVEN as WarmStartSettings: a checkpoint, the folder of a SavedModel, or settings."""
    if given is None or isinstance(given, WarmStartSettings):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise ValueError(f"warm_start_from must be a string or a WarmStartSettings, instead got {type(given)}")
    inner = os.path.join(os.fspath(given), "variables", "variables")
    return WarmStartSettings(inner if anywhere.exists(inner + ".index") else given)


def _verify_model_fn(function, params):
    args = set(util.fn_args(function))
    if "features" not in args:
        raise ValueError(f"model_fn ({function}) must include features argument.")
    if params is not None and "params" not in args and not util.takes_any(function):
        raise ValueError(f"model_fn ({function}) does not include params argument, but params ({params}) is passed to "
                         "Estimator.")  # fmt: skip
    if params is None and "params" in args:
        logging.warning("Estimator's model_fn (%s) includes params argument, but params are not passed to Estimator.",
                        function)  # fmt: skip
    if args - _MODEL_FN_ARGS:
        raise ValueError(f"model_fn ({function}) has following not expected args: {list(args - _MODEL_FN_ARGS)}")


def _checked_hooks(hooks):
    hooks = list(hooks or [])
    for hook in hooks:
        if not isinstance(hook, session_run_hook.SessionRunHook):
            raise TypeError(f"Hooks must be a SessionRunHook, given: {hook}")
    return hooks


def _positive(name, value):
    if value is not None and value <= 0:
        raise ValueError(f"Must specify {name} > 0, given: {value}")


@tf_export("estimator.Estimator")
class Estimator(exporting.Exporting):
    """Runs MODEL_FN(features, labels, mode, params, config), whose checkpoints and events are in MODEL_DIR."""

    def __init__(self, model_fn, model_dir=None, config=None, params=None, warm_start_from=None):
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        self._refuse_overrides()
        _verify_model_fn(model_fn, params)
        self._config = self._configured(config, model_dir)
        self._model_dir = self._config.model_dir
        self._session_config = self._config.session_config or run_config.default_session_config()
        self._device_fn = self._config.device_fn or _replica_device_setter(self._config)
        self._model_fn, self._params = model_fn, copy.deepcopy(params or {})
        self._warm_start_settings = _warm_start_settings(warm_start_from)
        logging.info("Using config: %s", vars(self._config))

    @staticmethod
    def _configured(config, model_dir):
        """A copy of the configuration with the folder in it."""
        if config is None:
            config = run_config.RunConfig()
        elif not isinstance(config, run_config.RunConfig):
            raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
        model_dir = None if model_dir is None else os.fspath(model_dir)
        if model_dir is not None and config.model_dir is not None and model_dir != config.model_dir:
            raise ValueError("`model_dir` are set both in constructor and `RunConfig`, but with different values. In "
                             f"constructor: '{model_dir}', in `RunConfig`: '{config.model_dir}' ")  # fmt: skip
        model_dir = model_dir or config.model_dir
        if model_dir is None:
            model_dir = tempfile.mkdtemp()
            logging.warning("Using temporary folder as model directory: %s", model_dir)
        return copy.deepcopy(config).replace(model_dir=model_dir)

    def _refuse_overrides(self):
        """ValueError where a subclass has its own version of what is public here."""
        public = {name for name in dir(Estimator) if not name.startswith("_")} - {"model_fn"}
        changed = [name for name in public if getattr(type(self), name) is not getattr(Estimator, name)]
        if changed:
            raise ValueError("Subclasses of Estimator cannot override members of Estimator. "
                             f"{type(self)} does override {sorted(changed)}")  # fmt: skip

    @property
    def model_dir(self):
        """The folder."""
        return self._model_dir

    @property
    def config(self):
        """A copy of the RunConfig."""
        return copy.deepcopy(self._config)

    @property
    def params(self):
        """A copy of the parameters of the model function."""
        return copy.deepcopy(self._params)

    @property
    def model_fn(self):
        """The model function as function(features, labels, mode, config)."""

        def public_model_fn(features, labels, mode, config):
            return self._call_model_fn(features, labels, mode, config)

        return public_model_fn

    def latest_checkpoint(self):
        """The prefix of the newest checkpoint, or None."""
        return checkpoint_management.latest_checkpoint(self._model_dir)

    def _trained(self):
        if not self.latest_checkpoint():
            raise ValueError("Estimator has not been trained yet.")

    def get_variable_names(self):
        """The names of the variables in the newest checkpoint."""
        self._trained()
        return [name for name, _ in checkpoint_utils.list_variables(self._model_dir)]

    def get_variable_value(self, name):
        """The value of a variable in the newest checkpoint."""
        self._trained()
        return checkpoint_utils.load_variable(self._model_dir, name)

    def eval_dir(self, name=None):
        """The folder of an evaluation's events."""
        return os.path.join(self._model_dir, "eval" if not name else "eval_" + name)

    def _call_model_fn(self, features, labels, mode, config):
        known = util.fn_args(self._model_fn)
        given = {"mode": mode, "params": self.params, "config": config}
        if "labels" in known or util.takes_any(self._model_fn):
            given["labels"] = labels
        elif labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        extra = given if util.takes_any(self._model_fn) else {k: v for k, v in given.items() if k in known}
        logging.info("Calling model_fn.")
        made = self._spec_of(self._model_fn(features=features, **extra))
        if not isinstance(made, model_fn.EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return made

    def _spec_of(self, result):
        """What a model function gave as an EstimatorSpec; subclasses of Estimator know others."""
        return result

    def _inputs(self, input_fn, mode):
        """(features, labels, hooks) of an input function, which may return a dataset."""
        with ops.device("/cpu:0"):
            result = util.call_with_known(input_fn, mode=mode, params=self.params, config=self.config)
            return util.parse_input_fn_result(result)

    def _create_global_step(self, graph):
        """Makes the count of steps; subclasses of Estimator may make it in their own way."""
        return training_util.create_global_step(graph)

    @contextlib.contextmanager
    def _new_graph(self):
        """A block with a default graph of its own, which has its seed, devices and count of steps."""
        with ops.Graph().as_default() as graph, graph.device(self._device_fn):
            random_seed.set_random_seed(self._config.tf_random_seed)
            step = self._create_global_step(graph)
            if step is not training_util.get_global_step(graph):
                raise ValueError("The global step that _create_global_step made is not that of the graph.")
            yield

    def train(self, input_fn, hooks=None, steps=None, max_steps=None, saving_listeners=None):
        """Trains for STEPS more steps, up to MAX_STEPS, or until the input ends; returns self."""
        if self.config.task_type in (run_config.TaskType.EVALUATOR, run_config.TaskType.PS):
            raise ValueError("Train has been called wrong configuration. Please use tf.estimator.train_and_evaluate "
                             "which "
                             "calls proper API according to given configuration. "
                             f"Current configuration: {vars(self.config)}.")  # fmt: skip
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        _positive("steps", steps)
        _positive("max_steps", max_steps)
        if max_steps is not None and self.latest_checkpoint():
            if self.get_variable_value("global_step") >= max_steps:
                logging.info("Skipping training since max_steps has already saved.")
                return self
        every = _checked_hooks(hooks)
        for listener in saving_listeners or []:
            if not isinstance(listener, hooks_lib.CheckpointSaverListener):
                raise TypeError("saving_listeners must be a list of CheckpointSaverListener, given: "
                                f"{listener}")  # fmt: skip
        if steps is not None or max_steps is not None:
            every.append(hooks_lib.StopAtStepHook(steps, max_steps))
        with self._new_graph():
            loss = self._train_model(input_fn, every, list(saving_listeners or []))
        logging.info("Loss for final step: %s.", loss)
        return self

    def _train_model(self, input_fn, every, listeners):
        features, labels, started = self._inputs(input_fn, ModeKeys.TRAIN)
        spec = self._call_model_fn(features, labels, ModeKeys.TRAIN, self.config)
        if self._warm_start_settings and not self.latest_checkpoint():
            logging.info("Warm-starting with WarmStartSettings: %s", self._warm_start_settings)
            warm_starting_util.warm_start(*self._warm_start_settings)
        if not any(x.op.name == "loss" for x in ops.get_collection(ops.GraphKeys.SUMMARIES)):
            summary.scalar("loss", spec.loss)
        ops.add_to_collection(ops.GraphKeys.LOSSES, spec.loss)
        self._add_saver(spec.scaffold)
        logged = {"loss": spec.loss, "step": training_util.get_global_step()}
        every = [
            *started,
            *every,
            hooks_lib.NanTensorHook(spec.loss),
            hooks_lib.LoggingTensorHook(logged, every_n_iter=self._config.log_step_count_steps or 100),
            *spec.training_hooks,
        ]
        value = None
        with monitored_session.MonitoredTrainingSession(
            master=self._config.master, is_chief=self._config.is_chief, checkpoint_dir=self._model_dir,
            scaffold=spec.scaffold, hooks=every, chief_only_hooks=self._chief_hooks(spec, listeners),
            save_checkpoint_secs=0, save_checkpoint_steps=None,
            save_summaries_steps=self._config.save_summary_steps or None, config=self._session_config,
            log_step_count_steps=self._config.log_step_count_steps,
        ) as session:  # fmt: skip
            while not session.should_stop():
                _, value = session.run([spec.train_op, spec.loss])
        if value is None:
            logging.warning("Training with estimator made no steps. Perhaps input is empty or misspecified.")
        return value

    def _add_saver(self, scaffold):
        if scaffold.saver or ops.get_collection(ops.GraphKeys.SAVERS):
            return
        made = saver.Saver(
            sharded=True, max_to_keep=self._config.keep_checkpoint_max, defer_build=True, save_relative_paths=True,
            keep_checkpoint_every_n_hours=self._config.keep_checkpoint_every_n_hours,
        )  # fmt: skip
        ops.add_to_collection(ops.GraphKeys.SAVERS, made)

    def _chief_hooks(self, spec, listeners):
        """The chief's hooks, with one that saves; the listeners go to what saves, whoever made that."""
        hooks = list(spec.training_chief_hooks)
        config = self._config
        savers = [hook for hook in [*spec.training_hooks, *hooks] if isinstance(hook, hooks_lib.CheckpointSaverHook)]
        if not savers and (config.save_checkpoints_secs or config.save_checkpoints_steps):
            savers = [
                hooks_lib.CheckpointSaverHook(
                    self._model_dir, save_secs=config.save_checkpoints_secs, save_steps=config.save_checkpoints_steps,
                    scaffold=spec.scaffold,
                )
            ]  # fmt: skip
            hooks += savers
        if listeners:
            if not savers:
                raise ValueError("There should be a CheckpointSaverHook to use saving_listeners. Please set one of the "
                                 "RunConfig.save_checkpoints_steps or RunConfig.save_checkpoints_secs.")  # fmt: skip
            savers[0]._listeners.extend(listeners)
        return hooks

    def evaluate(self, input_fn, steps=None, hooks=None, checkpoint_path=None, name=None):
        """{metric: value} of the newest checkpoint (or CHECKPOINT_PATH) over STEPS batches or the whole input."""
        _positive("steps", steps)
        every = _checked_hooks(hooks)
        if steps is not None:
            every.append(evaluation._StopAfterNEvalsHook(steps))
        path = checkpoint_path or self.latest_checkpoint()
        if not path:
            logging.info("Could not find trained model in model_dir: %s, running initialization to evaluate.",
                         self._model_dir)  # fmt: skip
        with self._new_graph():
            features, labels, started = self._inputs(input_fn, ModeKeys.EVAL)
            spec = self._call_model_fn(features, labels, ModeKeys.EVAL, self.config)
            if self._warm_start_settings and not path:
                warm_starting_util.warm_start(*self._warm_start_settings)
            update, values = _metrics_of(spec)
            found = evaluation._evaluate_once(
                path, master=self._config.evaluation_master, scaffold=spec.scaffold, eval_ops=update, final_ops=values,
                hooks=[*started, *every, *spec.evaluation_hooks], config=self._session_config,
            )  # fmt: skip
        _write_metrics(self.eval_dir(name), found)
        return found

    def predict(self, input_fn, predict_keys=None, hooks=None, checkpoint_path=None, yield_single_examples=True):
        """Yields the predictions for each example (or batch) of the input."""
        every = _checked_hooks(hooks)
        path = checkpoint_path or self.latest_checkpoint()
        if not path:
            logging.info("Could not find trained model in model_dir: %s, running initialization to predict.",
                         self._model_dir)  # fmt: skip
        with self._new_graph():
            features, _, started = self._inputs(input_fn, ModeKeys.PREDICT)
            spec = self._call_model_fn(features, None, ModeKeys.PREDICT, self.config)
            if self._warm_start_settings and not path:
                warm_starting_util.warm_start(*self._warm_start_settings)
            wanted = _wanted(spec.predictions, predict_keys)
            creator = monitored_session.ChiefSessionCreator(
                checkpoint_filename_with_path=path, master=self._config.master, scaffold=spec.scaffold,
                config=self._session_config,
            )  # fmt: skip
            session = monitored_session.MonitoredSession(creator, [*started, *every, *spec.prediction_hooks])
        # Outside of the graph's context: what the caller builds between two predictions is none of this graph.
        with session:
            while not session.should_stop():
                value = session.run(wanted)
                if not yield_single_examples:
                    yield value
                elif not isinstance(value, dict):
                    yield from value
                else:
                    for i in range(_batch_length(value)):
                        yield {key: array[i] for key, array in value.items()}


def _replica_device_setter(config):
    """The device function of a task of a cluster with parameter servers, else None."""
    if config.task_type:
        worker = f"/job:{config.task_type}/task:{config.task_id}"
    else:
        worker = "/job:worker"
    if config.num_ps_replicas <= 0:
        return None
    return device_setter.replica_device_setter(
        ps_tasks=config.num_ps_replicas, worker_device=worker, merge_devices=True, cluster=config.cluster_spec
    )


def _metrics_of(spec):
    """(an op that updates all metrics, their values by name) with the loss and the count of steps."""
    metrics = dict(spec.eval_metric_ops)
    step = ops.GraphKeys.GLOBAL_STEP
    if step in metrics:
        raise ValueError("Metric with name `global_step` is not allowed, because Estimator already defines a default "
                         "metric with the same name.")  # fmt: skip
    if "loss" in metrics:
        raise ValueError("Metric with name \"loss\" is not allowed, because Estimator already defines a default metric "
                         "with the same name.")  # fmt: skip
    metrics["loss"] = metrics_impl.mean(spec.loss)
    updates, values = [], {}
    for key in sorted(metrics):
        metric = metrics[key]
        if model_fn.is_metric(metric):
            updates += metric.updates
            values[key] = metric.result()
        else:
            values[key], update = metric
            updates.append(update)
    values[step] = training_util.get_global_step()
    return control_flow_ops.group(*updates), values


def _write_metrics(folder, found):
    """Writes the metrics of an evaluation for TensorBoard."""
    logging.info("Saving dict for global step %s: %s", found["global_step"], found)
    written = messages.Summary()
    for key, value in sorted(found.items()):
        if key == "global_step":
            continue
        if np.ndim(value) == 0 and not isinstance(value, (bytes, str)):
            written.value.add(tag=key, simple_value=float(value))
        elif isinstance(value, bytes):
            try:
                made = messages.Summary.FromString(value)
            except Exception:  # a string that is no summary
                logging.warning("Skipping summary for %s, cannot parse string to Summary.", key)
                continue
            for i, part in enumerate(made.value):
                part.tag = f"{key}/{i}"
                written.value.add().CopyFrom(part)
        else:
            logging.warning("Skipping summary for %s, must be a float, np.float32, np.int64, np.int32 or int or a "
                            "serialized string of Summary.", key)  # fmt: skip
    writer = FileWriterCache.get(folder)
    writer.add_summary(written, found["global_step"])
    writer.flush()


def _wanted(predictions, predict_keys):
    if not predict_keys:
        return predictions
    if not isinstance(predictions, dict):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    found = {key: value for key, value in predictions.items() if key in predict_keys}
    if not found:
        raise ValueError(f"Expected to run at least one output from {list(predictions)}, provided {predict_keys}.")
    return found


def _batch_length(values):
    """The number of examples of a batch. ValueError where predictions have different ones."""
    length = None
    for key, value in values.items():
        length = len(value) if length is None else length
        if len(value) != length:
            raise ValueError(f"Batch length of predictions should be same. {key} has different batch length than "
                             "others.")  # fmt: skip
    return length
