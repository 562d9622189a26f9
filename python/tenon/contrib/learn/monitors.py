"""contrib.learn.monitors: what watches a training, from the time before hooks; a hook runs them."""

import time

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.platform import tf_logging as logging
from tenon.python.summary.writer import writer_cache
from tenon.python.training import basic_session_run_hooks, session_run_hook, training_util
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.monitors.BaseMonitor")
class BaseMonitor:
    """Is told of the begin and end of training, epochs and steps; step_begin names tensors to be had at step_end."""

    run_on_all_workers = False

    def __init__(self):
        self._estimator, self._max_steps = None, None

    def set_estimator(self, estimator):
        """Says whose training it is."""
        if estimator is None:
            raise ValueError("Missing estimator.")
        self._estimator = estimator

    def begin(self, max_steps=None):
        """Training begins."""
        self._max_steps = max_steps

    def end(self, session=None):
        """Training ends."""

    def epoch_begin(self, epoch):
        """An epoch begins."""

    def epoch_end(self, epoch):
        """An epoch ends."""

    def step_begin(self, step):
        """A step begins; the tensors to run with it."""
        return []

    def step_end(self, step, output):
        """A step ended, OUTPUT has the tensors' values by name; True ends training."""
        return False

    def post_step(self, step, session):
        """A step is over."""


@tf_export("contrib.learn.monitors.EveryN")
class EveryN(BaseMonitor):
    """Does something in every N-th step, and the FIRST_N_STEPS."""

    def __init__(self, every_n_steps=100, first_n_steps=1):
        super().__init__()
        self._every_n_steps, self._first_n_steps = every_n_steps, first_n_steps
        self._last_active_step = self._last_successful_step = None
        self._active = False

    def every_n_step_begin(self, step):
        """The tensors to run with such a step."""
        return []

    def every_n_step_end(self, step, outputs):
        """Such a step ended; True ends training."""
        return False

    def every_n_post_step(self, step, session):
        """Such a step is over."""

    def step_begin(self, step):
        if self._last_active_step is None:
            self._last_active_step = step
        self._active = (
            step <= self._first_n_steps
            or step >= self._last_active_step + self._every_n_steps
            or (step == self._max_steps)
        )
        if self._active:
            self._last_active_step = step
            return self.every_n_step_begin(step)
        return []

    def step_end(self, step, output):
        self._last_successful_step = step
        return self.every_n_step_end(step, output) if self._active else False

    def post_step(self, step, session):
        if self._active:
            self.every_n_post_step(step, session)

    def end(self, session=None):
        last = self._last_successful_step
        if last is not None and last != self._last_active_step:
            self.every_n_post_step(last, session)


@tf_export("contrib.learn.monitors.StopAtStep")
class StopAtStep(BaseMonitor):
    """Ends training after NUM_STEPS, or at LAST_STEP."""

    def __init__(self, num_steps=None, last_step=None):
        super().__init__()
        if (num_steps is None) == (last_step is None):
            raise ValueError("One of num_steps or last_step must be specified.")
        self._num_steps, self._last_step = num_steps, last_step

    def step_begin(self, step):
        if self._last_step is None:
            self._last_step = step + self._num_steps - 1
        return []

    def step_end(self, step, output):
        return step >= self._last_step


def _name(tensor):
    return tensor if isinstance(tensor, str) else tensor.name


@tf_export("contrib.learn.monitors.PrintTensor")
class PrintTensor(EveryN):
    """Logs tensors, by their names or by those of a dict."""

    def __init__(self, tensor_names, every_n=100, first_n=1):
        super().__init__(every_n, first_n)
        named = tensor_names if isinstance(tensor_names, dict) else {_name(item): item for item in tensor_names}
        self._tensor_names = {key: _name(value) for key, value in named.items()}

    def every_n_step_begin(self, step):
        return list(self._tensor_names.values())

    def every_n_step_end(self, step, outputs):
        told = [f"{tag} = {outputs[name]}" for tag, name in self._tensor_names.items() if name in outputs]
        logging.info("Step %d: %s", step, ", ".join(told))
        return False


@tf_export("contrib.learn.monitors.CaptureVariable")
class CaptureVariable(EveryN):
    """Keeps the values of a variable: `values` is {step: value}."""

    def __init__(self, var_name, every_n=100, first_n=1):
        super().__init__(every_n, first_n)
        self._var_name = var_name if ":" in var_name else var_name + ":0"
        self._values = {}

    @property
    def values(self):
        """{step: value}."""
        return self._values

    def every_n_step_begin(self, step):
        return [self._var_name]

    def every_n_step_end(self, step, outputs):
        self._values[step] = outputs[self._var_name]
        return False


@tf_export("contrib.learn.monitors.LoggingTrainable")
class LoggingTrainable(EveryN):
    """Logs the trainable variables of a scope."""

    def __init__(self, scope=None, every_n=100, first_n=1):
        super().__init__(every_n, first_n)
        self._scope = scope

    def every_n_step_begin(self, step):
        self._names = [v.name for v in ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES, scope=self._scope)]
        return list(self._names)

    def every_n_step_end(self, step, outputs):
        logging.info("Logging Trainable: Step %d: %s", step, ", ".join(f"{n} = {outputs[n]}" for n in self._names))
        return False


@tf_export("contrib.learn.monitors.NanLoss")
class NanLoss(EveryN):
    """Ends training, or fails, when the loss is no number."""

    def __init__(self, loss_tensor, every_n_steps=100, fail_on_nan_loss=True):
        super().__init__(every_n_steps)
        self._loss_tensor, self._fail_on_nan_loss = loss_tensor, fail_on_nan_loss

    def every_n_step_begin(self, step):
        return [_name(self._loss_tensor)]

    def every_n_step_end(self, step, outputs):
        if not np.isnan(outputs[_name(self._loss_tensor)]):
            return False
        if self._fail_on_nan_loss:
            raise basic_session_run_hooks.NanLossDuringTrainingError
        logging.warning("Model diverged with loss = NaN.")
        return True


@tf_export("contrib.learn.monitors.CheckpointSaver")
class CheckpointSaver(BaseMonitor):
    """Saves checkpoints every so many seconds or steps."""

    def __init__(self, checkpoint_dir, save_secs=None, save_steps=None, saver=None, checkpoint_basename="model.ckpt",
                 scaffold=None):  # fmt: skip
        super().__init__()
        if (save_secs is None) == (save_steps is None):
            raise ValueError("Exactly one of save_steps or save_secs should be provided.")
        self._path, self._saver = f"{checkpoint_dir}/{checkpoint_basename}", saver
        self._timer = basic_session_run_hooks.SecondOrStepTimer(save_secs, save_steps)

    def post_step(self, step, session):
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            self._save(step, session)

    def end(self, session=None):
        if session is not None and self._timer.last_triggered_step() is not None:
            self._save(self._timer.last_triggered_step(), session)

    def _save(self, step, session):
        if self._saver is None:
            self._saver = ops.get_collection(ops.GraphKeys.SAVERS)[0]
        self._saver.save(session, self._path, global_step=step)


@tf_export("contrib.learn.monitors.SummarySaver")
class SummarySaver(EveryN):
    """Writes summaries every SAVE_STEPS steps: SUMMARY_OP, or what SCAFFOLD has."""

    def __init__(self, summary_op, save_steps=100, output_dir=None, summary_writer=None, scaffold=None):
        super().__init__(every_n_steps=save_steps)
        self._summary_op, self._scaffold, self._summary_writer = summary_op, scaffold, summary_writer
        if summary_writer is None and output_dir:
            self._summary_writer = writer_cache.FileWriterCache.get(output_dir)

    def set_estimator(self, estimator):
        super().set_estimator(estimator)
        if self._summary_writer is None:
            self._summary_writer = writer_cache.FileWriterCache.get(estimator.model_dir)

    def every_n_step_begin(self, step):
        super().every_n_step_begin(step)
        if self._summary_op is None and self._scaffold is not None:
            self._summary_op = self._scaffold.summary_op
        return [] if self._summary_op is None else [self._summary_op]

    def every_n_step_end(self, step, outputs):
        if self._summary_op is not None and self._summary_writer is not None:
            self._summary_writer.add_summary(outputs[_name(self._summary_op)], step)
        return False

    def end(self, session=None):
        super().end(session=session)
        if self._summary_writer is not None:
            self._summary_writer.flush()


@tf_export("contrib.learn.monitors.GraphDump")
class GraphDump(BaseMonitor):
    """Keeps the values of almost all tensors of every step: `data` is {step: {tensor: value}}."""

    IGNORE_OPS = ("Const", "Assign", "Identity", "Placeholder", "RandomUniform", "Cast", "RestoreSlice")

    def __init__(self, ignore_ops=None):
        super().__init__()
        self._ignore_ops, self._data = ignore_ops or self.IGNORE_OPS, {}

    @property
    def data(self):
        """{step: {tensor: value}}."""
        return self._data

    def begin(self, max_steps=None):
        super().begin(max_steps=max_steps)
        graph = ops.get_default_graph()
        self._tensors = [
            operation.outputs[0].name
            for operation in graph.get_operations()
            if operation.type not in self._ignore_ops and operation.outputs and graph.is_fetchable(operation)
            and operation.outputs[0].dtype.base_dtype not in (dtypes.resource, dtypes.variant)
        ]  # fmt: skip

    def step_begin(self, step):
        return self._tensors

    def step_end(self, step, output):
        self._data[step] = output
        return False

    def compare(self, other_dump, step, atol=1e-06):
        """(names of tensors that are as in OTHER_DUMP at a step, names of those that differ)."""
        here, there = self.data.get(step, {}), other_dump.data.get(step, {})
        matched, others = [], []
        for name, value in here.items():
            if name not in there:
                raise ValueError(f"{name} missing at step {step}.")
            value = np.asarray(value)
            if value.dtype.kind in "OSU":
                continue
            same = np.shape(there[name]) == value.shape and np.allclose(value, there[name], atol=atol)
            (matched if same else others).append(name)
        return matched, others


@tf_export("contrib.learn.monitors.ExportMonitor")
class ExportMonitor(EveryN):
    """Exports the estimator every EVERY_N_STEPS steps, where there is a new checkpoint, and at the end."""

    def __init__(self, every_n_steps, export_dir, input_fn=None, input_feature_key=None, exports_to_keep=5,
                 signature_fn=None, default_batch_size=1):  # fmt: skip
        super().__init__(every_n_steps=every_n_steps)
        self._export_dir, self._last_export_dir = export_dir, None
        self._options = {"input_fn": input_fn, "input_feature_key": input_feature_key,
                         "use_deprecated_input_fn": input_fn is None, "signature_fn": signature_fn,
                         "default_batch_size": default_batch_size, "exports_to_keep": exports_to_keep}  # fmt: skip

    export_dir = property(lambda self: self._export_dir, doc="The folder of all exports.")
    exports_to_keep = property(lambda self: self._options["exports_to_keep"], doc="How many stay.")
    signature_fn = property(lambda self: self._options["signature_fn"], doc="What makes the signatures.")
    last_export_dir = property(lambda self: self._last_export_dir, doc="The folder of the newest export.")

    def _export(self):
        options = {key: value for key, value in self._options.items() if key != "input_fn" or value is not None}
        self._last_export_dir = self._estimator.export(self._export_dir, **options)

    def every_n_step_end(self, step, outputs):
        super().every_n_step_end(step, outputs)
        if self._estimator._core.latest_checkpoint() is None:
            logging.info("Skipping exporting because there is no checkpoint yet.")
            return False
        self._export()
        return False

    def end(self, session=None):
        super().end(session=session)
        if self._estimator._core.latest_checkpoint() is None:
            logging.info("Skipping export at the end since model has not been saved yet.")
            return
        self._export()


@tf_export("contrib.learn.monitors.StepCounter")
class StepCounter(EveryN):
    """Logs how many steps a second there are."""

    def __init__(self, every_n_steps=100, output_dir=None, summary_writer=None):
        super().__init__(every_n_steps)
        self._previous = None

    def every_n_step_end(self, step, outputs):
        now = time.time()
        if self._previous is not None and now > self._previous[1]:
            logging.info("global_step/sec: %g", (step - self._previous[0]) / (now - self._previous[1]))
        self._previous = step, now
        return False


@tf_export("contrib.learn.monitors.ValidationMonitor")
class ValidationMonitor(EveryN):
    """Evaluates every N steps, where there is a new checkpoint, and can end training when a metric gets no better."""

    def __init__(self, x=None, y=None, input_fn=None, batch_size=None, eval_steps=None, every_n_steps=100,
                 metrics=None, hooks=None, early_stopping_rounds=None, early_stopping_metric="loss",
                 early_stopping_metric_minimize=True, name=None, check_interval_secs=5):  # fmt: skip
        super().__init__(every_n_steps=every_n_steps, first_n_steps=-1)
        if x is None and input_fn is None:
            raise ValueError("Either x or input_fn should be provided.")
        self.x, self.y, self.input_fn, self.batch_size = x, y, input_fn, batch_size
        self.eval_steps, self.metrics, self.hooks, self.name = eval_steps, metrics, hooks, name
        self.early_stopping_rounds, self.early_stopping_metric = early_stopping_rounds, early_stopping_metric
        self.early_stopping_metric_minimize = early_stopping_metric_minimize
        self._best_value_step = self._best_value = self._best_metrics = self._latest_path = None
        self._early_stopped = False

    early_stopped = property(lambda self: self._early_stopped, doc="True if it ended the training.")
    best_step = property(lambda self: self._best_value_step, doc="The step of the best evaluation.")
    best_value = property(lambda self: self._best_value, doc="The best value of the metric.")
    best_metrics = property(lambda self: self._best_metrics, doc="All metrics of the best evaluation.")

    def every_n_step_end(self, step, outputs):
        path = self._estimator._core.latest_checkpoint()
        if path is None or path == self._latest_path:
            logging.debug("Skipping evaluation, as there is no new checkpoint.")
            return False
        self._latest_path = path
        found = self._estimator.evaluate(
            x=self.x, y=self.y, input_fn=self.input_fn, batch_size=self.batch_size, steps=self.eval_steps,
            metrics=self.metrics, hooks=self.hooks, name=self.name,
        )  # fmt: skip
        logging.info("Validation (step %d): %s", step, ", ".join(f"{k} = {v}" for k, v in sorted(found.items())))
        if self.early_stopping_rounds is None:
            return False
        value = found.get(self.early_stopping_metric)
        if value is None:
            raise ValueError(f"Metric {self.early_stopping_metric} missing from outputs {sorted(found)}.")
        better = self._best_value is None or (
            value < self._best_value if self.early_stopping_metric_minimize else value > self._best_value
        )
        if better:
            self._best_value, self._best_value_step, self._best_metrics = value, step, found
        self._early_stopped = step - self._best_value_step >= self.early_stopping_rounds
        if self._early_stopped:
            logging.info("Stopping. Best step: %d with %s = %s.", self._best_value_step, self.early_stopping_metric,
                         self._best_value)  # fmt: skip
        return self._early_stopped


@tf_export("contrib.learn.monitors.RunHookAdapterForMonitors")
class RunHookAdapterForMonitors(session_run_hook.SessionRunHook):
    """A hook that runs monitors."""

    def __init__(self, monitors):
        self._monitors = list(monitors)

    def begin(self):
        self._last_step, self._step_tensor = None, training_util.get_global_step()
        for monitor in self._monitors:
            monitor.begin(max_steps=None)

    def before_run(self, run_context):
        if self._last_step is None:
            self._last_step = int(run_context.session.run(self._step_tensor)) + 1
        graph = run_context.session.graph
        asked, self._requests = {}, []
        for monitor in self._monitors:
            names = [_name(item) for item in monitor.step_begin(self._last_step) or []]
            self._requests.append(names)
            for name in names:
                asked[name] = graph.as_graph_element(name)
        asked[self._step_tensor.name] = self._step_tensor
        return session_run_hook.SessionRunArgs(asked)

    def after_run(self, run_context, run_values):
        outputs, stop = run_values.results, False
        for monitor, names in zip(self._monitors, self._requests):
            stop = bool(monitor.step_end(self._last_step, {name: outputs[name] for name in names})) or stop
        for monitor in self._monitors:
            monitor.post_step(self._last_step, run_context.session)
        if stop:
            run_context.request_stop()
        self._last_step = int(outputs[self._step_tensor.name]) + 1

    def end(self, session):
        self._last_step = None
        for monitor in self._monitors:
            monitor.end(session=session)


@tf_export("contrib.learn.monitors.replace_monitors_with_hooks")
def replace_monitors_with_hooks(monitors_or_hooks, estimator):
    """MONITORS_OR_HOOKS as hooks."""
    given = list(monitors_or_hooks or [])
    hooks = [item for item in given if isinstance(item, session_run_hook.SessionRunHook)]
    old = [item for item in given if not isinstance(item, session_run_hook.SessionRunHook)]
    for monitor in old:
        monitor.set_estimator(estimator)
    return [*hooks, RunHookAdapterForMonitors(old)] if old else hooks


@tf_export("contrib.learn.monitors.get_default_monitors")
def get_default_monitors(loss_op=None, summary_op=None, save_summary_steps=100, output_dir=None, summary_writer=None):
    """A monitor that logs the loss, if there is one."""
    return [PrintTensor({"loss": _name(loss_op)})] if loss_op is not None else []
