"""tf.estimator's hooks: those of tf.train, and two of Estimators."""

import os
import time

from tenon.python.framework import ops
from tenon.python.training import basic_session_run_hooks, saver, session_run_hook, training_util
from tenon.python.training.basic_session_run_hooks import (  # noqa: F401  they are exported below
    CheckpointSaverHook,
    CheckpointSaverListener,
    FeedFnHook,
    FinalOpsHook,
    GlobalStepWaiterHook,
    LoggingTensorHook,
    NanLossDuringTrainingError,
    NanTensorHook,
    ProfilerHook,
    SecondOrStepTimer,
    StepCounterHook,
    StopAtStepHook,
    SummarySaverHook,
)
from tenon.python.training.session_run_hook import (  # noqa: F401
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from tenon.python.util.tf_export import tf_export

TF_EXPORTS = {
    "estimator.CheckpointSaverHook": "CheckpointSaverHook",
    "estimator.CheckpointSaverListener": "CheckpointSaverListener",
    "estimator.FeedFnHook": "FeedFnHook",
    "estimator.FinalOpsHook": "FinalOpsHook",
    "estimator.GlobalStepWaiterHook": "GlobalStepWaiterHook",
    "estimator.LoggingTensorHook": "LoggingTensorHook",
    "estimator.NanLossDuringTrainingError": "NanLossDuringTrainingError",
    "estimator.NanTensorHook": "NanTensorHook",
    "estimator.ProfilerHook": "ProfilerHook",
    "estimator.SecondOrStepTimer": "SecondOrStepTimer",
    "estimator.SessionRunArgs": "SessionRunArgs",
    "estimator.SessionRunContext": "SessionRunContext",
    "estimator.SessionRunHook": "SessionRunHook",
    "estimator.SessionRunValues": "SessionRunValues",
    "estimator.StepCounterHook": "StepCounterHook",
    "estimator.StopAtStepHook": "StopAtStepHook",
    "estimator.SummarySaverHook": "SummarySaverHook",
}


@tf_export("estimator.experimental.InMemoryEvaluatorHook")
class InMemoryEvaluatorHook(session_run_hook.SessionRunHook):
    """Evaluates while training, without checkpoints: the variables are taken over from one session to the other."""

    def __init__(self, estimator, input_fn, steps=None, hooks=None, name=None, every_n_iter=100):
        if every_n_iter is None or every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if estimator.config.num_ps_replicas > 0 or estimator.config.num_worker_replicas > 1:
            raise ValueError("InMemoryEvaluator supports only single machine (aka Local) setting.")
        self._estimator, self._input_fn, self._steps, self._name = estimator, input_fn, steps, name
        self._hooks, self._every_n_iter = list(hooks or []), every_n_iter
        self._folder = estimator.eval_dir(name)

    def begin(self):
        self._timer = basic_session_run_hooks.SecondOrStepTimer(every_steps=self._every_n_iter)
        self._iterations, self._saver = 0, saver.Saver(ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES))

    def after_create_session(self, session, coord):
        if training_util.get_global_step(session.graph) is None:
            raise ValueError("There is no global step.")
        self._evaluate(session)

    def _evaluate(self, session):
        """Hands the variables over through a file, as both graphs have their names in common."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = self._saver.save(session, os.path.join(folder, "model"), write_meta_graph=False, write_state=False)
            self._estimator.evaluate(
                self._input_fn, steps=self._steps, hooks=self._hooks, checkpoint_path=path, name=self._name
            )
        self._timer.update_last_triggered_step(self._iterations)

    def after_run(self, run_context, run_values):
        self._iterations += 1
        if self._timer.should_trigger_for_step(self._iterations):
            self._evaluate(run_context.session)

    def end(self, session):
        if self._timer.last_triggered_step() != self._iterations:
            self._evaluate(session)


class _StopAtCheckpointStepHook(session_run_hook.SessionRunHook):
    """Ends when a checkpoint of LAST_STEP or later is there."""

    def __init__(self, model_dir, last_step, wait_after_file_check_secs=30):
        if last_step is None:
            raise ValueError("last_step must be specified.")
        if model_dir is None:
            raise ValueError("model_dir must be specified.")
        self._model_dir, self._last_step, self._wait = model_dir, last_step, wait_after_file_check_secs

    def begin(self):
        self._step = training_util.get_global_step()
        if self._step is None:
            raise RuntimeError("Global step should be created to use StopAtCheckpointStepHook.")

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs(self._step)

    def after_run(self, run_context, run_values):
        from tenon.python.training import checkpoint_utils

        step = run_values.results + 1
        if step >= self._last_step:
            try:
                step = int(checkpoint_utils.load_variable(self._model_dir, "global_step"))
            except ValueError:
                step = -1
            if step >= self._last_step:
                run_context.request_stop()
            else:
                time.sleep(self._wait)


@tf_export("estimator.experimental.make_stop_at_checkpoint_step_hook")
def make_stop_at_checkpoint_step_hook(estimator, last_step, wait_after_file_check_secs=30):
    """A hook for workers that ends when the chief has saved LAST_STEP; for the chief one that ends there."""
    if estimator.config.is_chief:
        return basic_session_run_hooks.StopAtStepHook(last_step=last_step)
    return _StopAtCheckpointStepHook(estimator.model_dir, last_step, wait_after_file_check_secs)


__all__ = [name.rpartition(".")[2] for name in TF_EXPORTS]
