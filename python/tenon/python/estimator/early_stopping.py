"""Hooks that end a training when its evaluations get no better."""

import collections
import operator
import os

from tenon.python.estimator.estimator import Estimator
from tenon.python.framework import dtypes, ops
from tenon.python.lib.io import anywhere
from tenon.python.ops import init_ops, variable_scope
from tenon.python.platform import tf_logging as logging
from tenon.python.training import basic_session_run_hooks, session_run_hook, training_util
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.experimental.make_early_stopping_hook")
def make_early_stopping_hook(estimator, should_stop_fn, run_every_secs=60, run_every_steps=None):
    """A hook that ends training when SHOULD_STOP_FN() is true; it asks every so many seconds or steps, at the chief.

    The other workers see a variable that the chief sets.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError("Only one of `run_every_secs` and `run_every_steps` must be set.")
    if estimator.config.is_chief:
        return _StopOnPredicateHook(should_stop_fn, run_every_secs, run_every_steps)
    return _CheckForStoppingHook()


@tf_export("estimator.experimental.stop_if_higher_hook")
def stop_if_higher_hook(estimator, metric_name, threshold, eval_dir=None, min_steps=0, run_every_secs=60,
                        run_every_steps=None):  # fmt: skip
    """Ends training when a metric of the evaluation is above THRESHOLD, after MIN_STEPS at least."""
    function = _threshold_fn(estimator, metric_name, threshold, operator.gt, eval_dir, min_steps)
    return make_early_stopping_hook(estimator, function, run_every_secs, run_every_steps)


@tf_export("estimator.experimental.stop_if_lower_hook")
def stop_if_lower_hook(estimator, metric_name, threshold, eval_dir=None, min_steps=0, run_every_secs=60,
                       run_every_steps=None):  # fmt: skip
    """Ends training when a metric of the evaluation is below THRESHOLD, after MIN_STEPS at least."""
    function = _threshold_fn(estimator, metric_name, threshold, operator.lt, eval_dir, min_steps)
    return make_early_stopping_hook(estimator, function, run_every_secs, run_every_steps)


@tf_export("estimator.experimental.stop_if_no_increase_hook")
def stop_if_no_increase_hook(estimator, metric_name, max_steps_without_increase, eval_dir=None, min_steps=0,
                             run_every_secs=60, run_every_steps=None):  # fmt: skip
    """Ends training when a metric has not grown for MAX_STEPS_WITHOUT_INCREASE steps."""
    function = _no_gain_fn(estimator, metric_name, max_steps_without_increase, operator.gt, eval_dir, min_steps)
    return make_early_stopping_hook(estimator, function, run_every_secs, run_every_steps)


@tf_export("estimator.experimental.stop_if_no_decrease_hook")
def stop_if_no_decrease_hook(estimator, metric_name, max_steps_without_decrease, eval_dir=None, min_steps=0,
                             run_every_secs=60, run_every_steps=None):  # fmt: skip
    """Ends training when a metric has not shrunk for MAX_STEPS_WITHOUT_DECREASE steps."""
    function = _no_gain_fn(estimator, metric_name, max_steps_without_decrease, operator.lt, eval_dir, min_steps)
    return make_early_stopping_hook(estimator, function, run_every_secs, run_every_steps)


def read_eval_metrics(eval_dir):
    """{step: {metric: value}}, by step, of the evaluations whose events are in a folder."""
    from tenon.python.summary.summary_iterator import summary_iterator
    from tenon.python.summary.writer.writer_cache import FileWriterCache

    if eval_dir in FileWriterCache._cache:
        FileWriterCache._cache[eval_dir].flush()
    found = collections.defaultdict(dict)
    for path in sorted(anywhere.glob(os.path.join(eval_dir, "*.tfevents.*"))):
        for event in summary_iterator(path):
            if not event.HasField("summary"):
                continue
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found[event.step][value.tag] = value.simple_value
    return collections.OrderedDict(sorted(found.items()))


def _threshold_fn(estimator, metric_name, threshold, beyond, eval_dir, min_steps):
    eval_dir = eval_dir or estimator.eval_dir()

    def stop_if_threshold_crossed_fn():
        for step, metrics in read_eval_metrics(eval_dir).items():
            if step >= min_steps and metric_name in metrics and beyond(metrics[metric_name], threshold):
                logging.info(
                    'At step %s, metric "%s" has value %s which is %s the configured threshold (%s) for early '
                    "stopping.",
                    step,
                    metric_name,
                    metrics[metric_name],
                    beyond.__name__,
                    threshold,
                )
                return True
        return False

    return stop_if_threshold_crossed_fn


def _no_gain_fn(estimator, metric_name, max_steps, better, eval_dir, min_steps):
    eval_dir = eval_dir or estimator.eval_dir()

    def stop_if_no_metric_improvement_fn():
        best, best_step = None, None
        for step, metrics in read_eval_metrics(eval_dir).items():
            if step < min_steps or metric_name not in metrics:
                continue
            if best is None or better(metrics[metric_name], best):
                best, best_step = metrics[metric_name], step
            if step - best_step >= max_steps:
                logging.info('No improvement in metric "%s" for %s steps, which is greater than or equal to max steps '
                             "(%s) configured for early "
                             "stopping.", metric_name, step - best_step, max_steps)  # fmt: skip
                return True
        return False

    return stop_if_no_metric_improvement_fn


def _stop_variable():
    with variable_scope.variable_scope(name_or_scope="signal_early_stopping", reuse=variable_scope.AUTO_REUSE):
        return variable_scope.get_variable(
            name="STOP", shape=[], dtype=dtypes.bool, initializer=init_ops.constant_initializer(False),
            collections=[ops.GraphKeys.GLOBAL_VARIABLES], trainable=False,
        )  # fmt: skip


class _StopOnPredicateHook(session_run_hook.SessionRunHook):
    """Asks a function, and sets the variable that all see."""

    def __init__(self, should_stop_fn, run_every_secs=60, run_every_steps=None):
        if not callable(should_stop_fn):
            raise TypeError("`should_stop_fn` must be callable.")
        self._should_stop_fn = should_stop_fn
        self._timer = basic_session_run_hooks.SecondOrStepTimer(run_every_secs, run_every_steps)

    def begin(self):
        self._step = training_util.get_global_step()
        self._stop_op = _stop_variable().assign(True)

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs(self._step)

    def after_run(self, run_context, run_values):
        step = run_values.results
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._should_stop_fn():
                logging.info("Requesting early stopping at global step %d", step)
                run_context.session.run(self._stop_op)
                run_context.request_stop()


class _CheckForStoppingHook(session_run_hook.SessionRunHook):
    """Ends when the chief has set the variable."""

    def begin(self):
        self._stop = _stop_variable()

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs(self._stop)

    def after_run(self, run_context, run_values):
        if run_values.results:
            logging.info("Early stopping requested, suspending run.")
            run_context.request_stop()
