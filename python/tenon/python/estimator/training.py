"""tf.estimator.train_and_evaluate: trains, evaluates each new checkpoint and exports, alone or in a cluster."""

import collections
import os
import time

from tenon.python.estimator import exporter as exporter_lib
from tenon.python.estimator import run_config as run_config_lib
from tenon.python.estimator.estimator import Estimator
from tenon.python.platform import tf_logging as logging
from tenon.python.training import basic_session_run_hooks as hooks_lib
from tenon.python.training import server_lib, session_run_hook
from tenon.python.util.tf_export import tf_export

_TRAIN = ["input_fn", "max_steps", "hooks", "saving_listeners"]
_EVAL = ["input_fn", "steps", "name", "hooks", "exporters", "start_delay_secs", "throttle_secs"]
# Workers start one after another, so that the first ones are past the steepest part of the way.
_DELAY_SECS_PER_WORKER, _MAX_DELAY_SECS = 5, 60


def _function(input_fn):
    if not callable(input_fn):
        raise TypeError(f"`input_fn` must be callable, given: {input_fn}")


def _steps(what, value):
    if value is not None and value <= 0:
        raise ValueError(f"Must specify {what} > 0, given: {value}")


def _hooks(hooks):
    hooks = tuple(hooks or ())
    for hook in hooks:
        if not isinstance(hook, session_run_hook.SessionRunHook):
            raise TypeError(f"All hooks must be `SessionRunHook` instances, given: {hook}")
    return hooks


@tf_export("estimator.TrainSpec")
class TrainSpec(collections.namedtuple("TrainSpec", _TRAIN)):
    """How to train."""

    def __new__(cls, input_fn, max_steps=None, hooks=None, saving_listeners=None):
        _function(input_fn)
        _steps("max_steps", max_steps)
        return super().__new__(cls, input_fn, max_steps, _hooks(hooks), tuple(saving_listeners or ()))


def _exporters(exporters):
    """EXPORTERS (one or several) as a tuple. ValueError where two have one name."""
    if exporters is None:
        return ()
    exporters = (exporters,) if isinstance(exporters, exporter_lib.Exporter) else tuple(exporters)
    names = set()
    for exporter in exporters:
        if not isinstance(exporter, exporter_lib.Exporter):
            raise TypeError(f"All exporters must be subclass of Exporter, given: {exporter}")
        if not exporter.name:
            raise ValueError(f"Exporter name cannot be None or empty. Exporter given: {exporter}.")
        if not isinstance(exporter.name, str):
            raise ValueError(f"An Exporter must have a string name. Given: {type(exporter.name)}")
        if exporter.name in names:
            raise ValueError(f"`exporters` must have unique names. Such a name cannot be `None`. All exporter names: "
                             f"{[one.name for one in exporters]}")  # fmt: skip
        names.add(exporter.name)
    return exporters


@tf_export("estimator.EvalSpec")
class EvalSpec(collections.namedtuple("EvalSpec", _EVAL)):
    """How to evaluate."""

    def __new__(cls, input_fn, steps=100, name=None, hooks=None, exporters=None, start_delay_secs=120,
                throttle_secs=600):  # fmt: skip
        _function(input_fn)
        _steps("steps", steps)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        if start_delay_secs < 0:
            raise ValueError(f"Must specify start_delay_secs >= 0, given: {start_delay_secs}")
        if throttle_secs < 0:
            raise ValueError(f"Must specify throttle_secs >= 0, given: {throttle_secs}")
        return super().__new__(cls, input_fn, steps, name, _hooks(hooks), _exporters(exporters), start_delay_secs,
                               throttle_secs)  # fmt: skip


class _Evaluator:
    """Evaluates the newest checkpoint and exports it."""

    def __init__(self, estimator, eval_spec, max_steps):
        self.estimator, self.spec, self.max_steps = estimator, eval_spec, max_steps
        self.previous, self.warned = None, 0.0

    def evaluate_and_export(self):
        """(metrics, what the exporters gave, whether training is over); (None, [], False) without a new checkpoint."""
        path = self.estimator.latest_checkpoint()
        if not path or path == self.previous:
            self._warn("Estimator is not trained yet. Will start an evaluation when a checkpoint is ready."
                       if not path else f"No new checkpoint ready for evaluation. Skip the current evaluation pass as "
                       f"evaluation results are expected to be same for the same checkpoint: {path}")  # fmt: skip
            return None, [], False
        found = self.estimator.evaluate(
            input_fn=self.spec.input_fn, steps=self.spec.steps, name=self.spec.name, checkpoint_path=path,
            hooks=list(self.spec.hooks),
        )  # fmt: skip
        if not found:
            raise RuntimeError("Internal error: `Estimator.evaluate` should never return empty metrics.")
        over = self.max_steps is not None and found["global_step"] >= self.max_steps
        exported = [
            exporter.export(
                estimator=self.estimator, checkpoint_path=path, eval_result=found, is_the_final_export=over,
                export_path=os.path.join(self.estimator.model_dir, "export", exporter.name),
            )
            for exporter in self.spec.exporters
        ]  # fmt: skip
        self.previous = path
        return found, exported, over

    def _warn(self, message):
        if time.time() - self.warned > 600:
            logging.warning(message)
            self.warned = time.time()


class _EvaluateAfterSaving(hooks_lib.CheckpointSaverListener):
    """Evaluates checkpoints as they are written, at most every so many seconds, and the last one."""

    def __init__(self, evaluator, throttle_secs):
        self.evaluator, self.throttle_secs = evaluator, throttle_secs
        self.metrics, self.exported = None, []

    def begin(self):
        self.timer = hooks_lib.SecondOrStepTimer(every_secs=self.throttle_secs)
        self.first = True

    def after_save(self, session, global_step_value):
        if self.first:  # that is the checkpoint of before the training
            self.first = False
        elif self.timer.should_trigger_for_step(global_step_value):
            self._evaluate(global_step_value)
        else:
            logging.info("Skip the current checkpoint eval due to throttle secs (%s secs).", self.throttle_secs)

    def end(self, session, global_step_value):
        if global_step_value != self.timer.last_triggered_step():
            self._evaluate(global_step_value)

    def _evaluate(self, step):
        self.timer.update_last_triggered_step(step)
        metrics, self.exported, _ = self.evaluator.evaluate_and_export()
        if metrics is None:
            raise RuntimeError("There was no new checkpoint after the training. Eval status: missing checkpoint")
        self.metrics = metrics


class _TrainingExecutor:
    """Runs what a task is there for."""

    def __init__(self, estimator, train_spec, eval_spec):
        self.estimator, self.train_spec, self.eval_spec = estimator, train_spec, eval_spec

    def run(self):
        """Runs the part of this task: all, the chief's, a worker's, a parameter server's or the evaluator's."""
        config = self.estimator.config
        if not config.cluster_spec and config.task_type != run_config_lib.TaskType.EVALUATOR:
            return self.run_local()
        if not config.task_type:
            raise ValueError("`estimator.config` must have task_type set. This usually means TF_CONFIG is not set "
                             "correctly.")  # fmt: skip
        if config.task_type == "local":
            raise ValueError("`task.type` in TF_CONFIG cannot be `local`. Leaving `cluster` and `task` properties in "
                             "TF_CONFIG absent triggers train and evaluate `Estimator` locally (non-distributed). To "
                             "train and evaluate `Estimator` in distributed mode, please set `cluster` and `task` "
                             "properties.")  # fmt: skip
        return getattr(self, f"run_{config.task_type}")()

    def run_local(self):
        """Trains and evaluates in turns; (metrics, what the exporters gave)."""
        logging.info("Start train and evaluate loop. The evaluate will happen after every checkpoint. Checkpoint "
                     "frequency is determined based on RunConfig arguments: save_checkpoints_steps %s or "
                     "save_checkpoints_secs %s.", self.estimator.config.save_checkpoints_steps,
                     self.estimator.config.save_checkpoints_secs)  # fmt: skip
        evaluator = _Evaluator(self.estimator, self.eval_spec, self.train_spec.max_steps)
        listener = _EvaluateAfterSaving(evaluator, self.eval_spec.throttle_secs)
        self.estimator.train(
            input_fn=self.train_spec.input_fn, max_steps=self.train_spec.max_steps, hooks=list(self.train_spec.hooks),
            saving_listeners=[*self.train_spec.saving_listeners, listener],
        )  # fmt: skip
        return listener.metrics, listener.exported

    def run_chief(self):
        """Trains, and saves."""
        return self._train(list(self.train_spec.hooks), list(self.train_spec.saving_listeners))

    def run_worker(self):
        """Trains."""
        return self._train(list(self.train_spec.hooks), [])

    def run_master(self):
        """The chief that evaluates too."""
        evaluator = _Evaluator(self.estimator, self.eval_spec, self.train_spec.max_steps)
        listener = _EvaluateAfterSaving(evaluator, self.eval_spec.throttle_secs)
        self._train(list(self.train_spec.hooks), [*self.train_spec.saving_listeners, listener])

    def run_ps(self):
        """Serves variables for ever."""
        self._server().join()

    def run_evaluator(self):
        """Evaluates each new checkpoint until training is over."""
        time.sleep(self.eval_spec.start_delay_secs)
        evaluator = _Evaluator(self.estimator, self.eval_spec, self.train_spec.max_steps)
        over = False
        while not over:
            start = time.time()
            step = _checkpoint_step(self.estimator)
            if self.train_spec.max_steps and step is not None and step >= self.train_spec.max_steps:
                logging.info(
                    "Exiting evaluation, global_step=%s >= train max_steps=%s", step, self.train_spec.max_steps
                )
            _, _, over = evaluator.evaluate_and_export()
            left = self.eval_spec.throttle_secs - (time.time() - start)
            if not over and left > 0:
                time.sleep(left)

    def _server(self):
        config = self.estimator.config
        if not config.master or not config.cluster_spec:
            raise RuntimeError("Could not start server; be sure to specify cluster_spec, master, task_type, and "
                               "task_id "
                               "in RunConfig or set the TF_CONFIG environment variable.")  # fmt: skip
        return server_lib.Server(
            config.cluster_spec, job_name=config.task_type, task_index=config.task_id, config=config.session_config,
            protocol=config.protocol,
        )  # fmt: skip

    def _train(self, hooks, listeners):
        config = self.estimator.config
        if config.master:
            self._server()
        if config.task_type == run_config_lib.TaskType.WORKER:
            most = config.experimental_max_worker_delay_secs
            most = _MAX_DELAY_SECS if most is None else int(most)
            time.sleep(min(most, (config.task_id + 1) * _DELAY_SECS_PER_WORKER))
        self.estimator.train(
            input_fn=self.train_spec.input_fn, max_steps=self.train_spec.max_steps, hooks=hooks,
            saving_listeners=listeners,
        )  # fmt: skip


def _checkpoint_step(estimator):
    try:
        return int(estimator.get_variable_value("global_step"))
    except ValueError:
        return None


@tf_export("estimator.train_and_evaluate")
def train_and_evaluate(estimator, train_spec, eval_spec):
    """Trains to TRAIN_SPEC's max_steps and evaluates each checkpoint; (metrics, what exporters gave) if alone.

    In a cluster (TF_CONFIG) does the part of this task, and returns nothing.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`, given {type(estimator)}")
    for name, value, kind in (("train_spec", train_spec, TrainSpec), ("eval_spec", eval_spec, EvalSpec)):
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` must have type `tf.estimator.{kind.__name__}`, given {type(value)}")
    config = estimator.config
    if config.task_type == run_config_lib.TaskType.EVALUATOR and config.task_id > 0:
        raise ValueError("For distributed training, there can only be one `evaluator` task (with task id 0).  Given "
                         "task "
                         f"id {config.task_id}")  # fmt: skip
    return _TrainingExecutor(estimator, train_spec, eval_spec).run()
