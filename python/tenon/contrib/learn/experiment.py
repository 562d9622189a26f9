"""contrib.learn.Experiment: an estimator with the data that it is trained and evaluated on; learn_runner runs it."""

import os
import time

from tenon.contrib.learn.estimator import Evaluable, Trainable
from tenon.contrib.learn.run_config import TaskType
from tenon.python.estimator.estimator import Estimator as CoreEstimator
from tenon.python.platform import tf_logging as logging
from tenon.python.training import server_lib
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.ExportStrategy")
class ExportStrategy:
    """A name and a function that exports: export_fn(estimator, folder, checkpoint_path, eval_result)."""

    def __init__(self, name, export_fn, strip_default_attrs=None):
        self.name, self.export_fn, self.strip_default_attrs = name, export_fn, strip_default_attrs

    def export(self, estimator, export_path, checkpoint_path=None, eval_result=None):
        """Exports; what the function gives."""
        import inspect

        given = {"checkpoint_path": checkpoint_path, "eval_result": eval_result,
                 "strip_default_attrs": self.strip_default_attrs}  # fmt: skip
        known = inspect.signature(self.export_fn).parameters
        extra = {key: value for key, value in given.items() if key in known and value is not None}
        return self.export_fn(estimator, export_path, **extra)


@tf_export("contrib.learn.make_export_strategy", "contrib.learn.utils.make_export_strategy")
def make_export_strategy(serving_input_fn, default_output_alternative_key=None, assets_extra=None, as_text=False,
                         exports_to_keep=5, strip_default_attrs=None):  # fmt: skip
    """An ExportStrategy of SavedModels."""
    from tenon.python.estimator.exporter import _remove_old

    def export_fn(estimator, export_dir_base, checkpoint_path=None, strip_default_attrs=False):
        extra = {} if isinstance(estimator, CoreEstimator) else {
            "default_output_alternative_key": default_output_alternative_key}  # fmt: skip
        result = estimator.export_savedmodel(
            export_dir_base, serving_input_fn, assets_extra=assets_extra, as_text=as_text,
            checkpoint_path=checkpoint_path, strip_default_attrs=strip_default_attrs, **extra,
        )  # fmt: skip
        _remove_old(export_dir_base, exports_to_keep)
        return result

    return ExportStrategy("Servo", export_fn, strip_default_attrs)


@tf_export("contrib.learn.Experiment")
class Experiment:
    """Trains ESTIMATOR on what TRAIN_INPUT_FN gives and evaluates it on what EVAL_INPUT_FN gives."""

    def __init__(self, estimator, train_input_fn, eval_input_fn, eval_metrics=None, train_steps=None, eval_steps=100,
                 train_monitors=None, eval_hooks=None, local_eval_frequency=None, eval_delay_secs=120,
                 continuous_eval_throttle_secs=60, min_eval_frequency=None, delay_workers_by_global_step=False,
                 export_strategies=None, train_steps_per_iteration=None, checkpoint_and_export=False,
                 saving_listeners=None, check_interval_secs=5):  # fmt: skip
        self._is_core = isinstance(estimator, CoreEstimator)
        if not self._is_core and not (isinstance(estimator, Evaluable) and isinstance(estimator, Trainable)):
            raise ValueError("`estimator` must implement `tf.contrib.learn.Evaluable` and "
                             "`tf.contrib.learn.Trainable`, or be a tf.estimator.Estimator.")  # fmt: skip
        if self._is_core and eval_metrics is not None:
            raise ValueError("`eval_metrics` must be `None` with `tf.estimator.Estimator`.")
        self._estimator, self._train_input_fn, self._eval_input_fn = estimator, train_input_fn, eval_input_fn
        self._eval_metrics, self._train_steps, self._eval_steps = eval_metrics, train_steps, eval_steps
        self._train_monitors, self._eval_hooks = list(train_monitors or []), list(eval_hooks or [])
        self._eval_delay_secs, self._throttle_secs = eval_delay_secs, continuous_eval_throttle_secs
        self._min_eval_frequency = 1 if min_eval_frequency is None else min_eval_frequency
        self._train_steps_per_iteration = train_steps_per_iteration
        self._saving_listeners = list(saving_listeners or [])
        self.reset_export_strategies(export_strategies)

    estimator = property(lambda self: self._estimator, doc="The estimator.")
    eval_metrics = property(lambda self: self._eval_metrics, doc="The metrics.")
    train_steps = property(lambda self: self._train_steps, doc="The steps to train.")
    eval_steps = property(lambda self: self._eval_steps, doc="The steps to evaluate.")

    def extend_train_hooks(self, additional_hooks):
        """Adds hooks of the training."""
        self._train_monitors.extend(additional_hooks)

    def reset_export_strategies(self, new_export_strategies=None):
        """Puts other export strategies in place; returns the old ones."""
        given = new_export_strategies or []
        old = getattr(self, "_export_strategies", [])
        self._export_strategies = [given] if isinstance(given, ExportStrategy) else list(given)
        return old

    def _starts_server(self):
        config = self._estimator.config
        return bool(config.cluster_spec) and bool(config.master)

    def run_std_server(self):
        """Serves this task for ever."""
        self._server().join()

    def _server(self):
        config = self._estimator.config
        if not config.cluster_spec or not config.task_type or config.task_id is None:
            raise ValueError("Could not start server; be sure to specify cluster_spec, task_type, and task in "
                             "RunConfig "
                             "or set the TF_CONFIG environment variable.")  # fmt: skip
        return server_lib.Server(config.cluster_spec, job_name=config.task_type, task_index=config.task_id,
                                 protocol=config.protocol, start=True)  # fmt: skip

    def train(self, delay_secs=None):
        """Trains; a worker of a cluster begins a little after the one before it."""
        config = self._estimator.config
        if self._starts_server():
            self._server()
        if delay_secs is None:
            delay_secs = min(60, 5 * (config.task_id + 1)) if self._starts_server() and not config.is_chief else 0
        if delay_secs > 0:
            time.sleep(delay_secs)
        return self._train(self._train_steps)

    def _train(self, max_steps):
        if self._is_core:
            return self._estimator.train(
                self._train_input_fn, max_steps=max_steps, hooks=self._train_monitors,
                saving_listeners=self._saving_listeners,
            )  # fmt: skip
        return self._estimator.fit(input_fn=self._train_input_fn, max_steps=max_steps, monitors=self._train_monitors)

    def evaluate(self, delay_secs=None, name=None):
        """{metric: value}."""
        if delay_secs is None:
            delay_secs = self._eval_delay_secs if self._starts_server() else 0
        if delay_secs:
            time.sleep(delay_secs)
        return self._evaluate(self._eval_steps, name or "one_pass")

    def _evaluate(self, steps, name):
        extra = {} if self._is_core else {"metrics": self._eval_metrics}
        return self._estimator.evaluate(
            input_fn=self._eval_input_fn, steps=steps, name=name, hooks=self._eval_hooks, **extra
        )

    def continuous_eval(self, delay_secs=None, throttle_delay_secs=None, evaluate_checkpoint_only_once=True,
                        continuous_eval_predicate_fn=None, name="continuous"):  # fmt: skip
        """Evaluates each new checkpoint until training is over."""
        time.sleep(self._eval_delay_secs if delay_secs is None else delay_secs)
        wait = self._throttle_secs if throttle_delay_secs is None else throttle_delay_secs
        core = self._estimator if self._is_core else self._estimator._core
        seen, found = None, None
        while continuous_eval_predicate_fn is None or continuous_eval_predicate_fn(found):
            path, start = core.latest_checkpoint(), time.time()
            if path and not (evaluate_checkpoint_only_once and path == seen):
                seen, found = path, self._evaluate(self._eval_steps, name)
                self._export(path, found)
                if self._train_steps is not None and found["global_step"] >= self._train_steps:
                    break
            time.sleep(max(0.0, wait - (time.time() - start)))
        return found

    def train_and_evaluate(self):
        """Trains, evaluates and exports; (metrics, what the exports gave). Each time a checkpoint is written it
        evaluates, too, if min_eval_frequency says so."""
        from tenon.contrib.learn import monitors

        if self._min_eval_frequency and not self._is_core:
            self._train_monitors.append(
                monitors.ValidationMonitor(
                    input_fn=self._eval_input_fn, eval_steps=self._eval_steps, metrics=self._eval_metrics,
                    every_n_steps=self._min_eval_frequency, name="evaluate", hooks=self._eval_hooks,
                )
            )  # fmt: skip
        self.train(delay_secs=0)
        core = self._estimator if self._is_core else self._estimator._core
        found = self._evaluate(self._eval_steps, "final")
        return found, self._export(core.latest_checkpoint(), found)

    continuous_train_and_eval = train_and_evaluate
    local_run = train_and_evaluate

    def _export(self, path, found):
        return [
            strategy.export(
                self._estimator, os.path.join(self._estimator.model_dir, "export", strategy.name),
                checkpoint_path=path, eval_result=found,
            )
            for strategy in self._export_strategies
        ]  # fmt: skip

    def test(self):
        """One step of training and one of evaluation."""
        self._train(1)
        return self._evaluate(1, "test"), self._export(None, None)


def _default_schedule(config):
    """What a task does: all on one machine, else its part."""
    if not config or not config.cluster_spec:
        return "train_and_evaluate"
    if config.task_type == TaskType.PS:
        return "run_std_server"
    if config.task_type == TaskType.WORKER:
        return "train"
    if config.task_type in (TaskType.MASTER, TaskType.CHIEF):
        return "train_and_evaluate"
    raise ValueError(f"No default schedule for task type: {config.task_type}")


@tf_export("contrib.learn.learn_runner.run")
def run(experiment_fn, output_dir=None, schedule=None, run_config=None, hparams=None):
    """Makes an Experiment, EXPERIMENT_FN(output_dir) or EXPERIMENT_FN(run_config, hparams), and runs a method of it."""
    if not callable(experiment_fn):
        raise TypeError(f'Experiment builder "{experiment_fn}" is not callable.')
    if output_dir is not None and run_config is not None:
        raise ValueError("Cannot provide both `output_dir` and `run_config`")
    if run_config is not None:
        if not run_config.model_dir:
            raise ValueError("Must specify a model directory `model_dir` in `run_config`.")
        experiment = experiment_fn(run_config=run_config, hparams=hparams)
    else:
        if not output_dir:
            raise ValueError("Must specify an output directory")
        experiment = experiment_fn(output_dir)
    if not isinstance(experiment, Experiment):
        raise TypeError(f"Experiment builder did not return an Experiment instance, got {type(experiment)} instead.")
    config = run_config or experiment.estimator.config
    schedule = schedule or _default_schedule(config)
    task = getattr(experiment, schedule, None)
    if task is None:
        raise ValueError(f"Schedule references non-existent task {schedule}")
    if not callable(task):
        raise TypeError(f"Schedule references non-callable member {schedule}")
    logging.info("Running %s of the experiment", schedule)
    return task()


@tf_export("contrib.learn.learn_runner.tune")
def tune(experiment_fn, tuner):
    """Runs experiments whose settings and folders TUNER chooses, until it has no more."""
    while tuner.next_trial():
        tuner.run_experiment(experiment_fn)
