"""Evaluating a checkpoint once, or each new one."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import init_ops, state_ops, variable_scope
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary
from tenon.python.summary.writer import writer_cache
from tenon.python.training import monitored_session, session_run_hook, training_util
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.training.get_or_create_eval_step")
def _get_or_create_eval_step():
    """The variable that counts the steps of an evaluation."""
    graph = ops.get_default_graph()
    found = graph.get_collection(ops.GraphKeys.EVAL_STEP)
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    return variable_scope.get_variable(
        "eval_step",
        shape=[],
        dtype=dtypes.int64,
        initializer=init_ops.zeros_initializer(),
        trainable=False,
        collections=[ops.GraphKeys.LOCAL_VARIABLES, ops.GraphKeys.EVAL_STEP],
    )


@tf_export("contrib.training.StopAfterNEvalsHook")
class _StopAfterNEvalsHook(session_run_hook.SessionRunHook):
    """Stops after NUM_EVALS runs."""

    def __init__(self, num_evals, log_progress=True):
        self._num_evals, self._evals_completed, self._log_progress = num_evals, None, log_progress
        self._log_frequency = 1 if num_evals is None or num_evals < 20 else max(num_evals // 10, 1)

    def _set_evals_completed_tensor(self, updated_eval_step):
        self._evals_completed = updated_eval_step

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context, run_values):
        done = run_values.results["evals_completed"]
        if self._log_progress:
            if self._num_evals is None:
                logging.info("Evaluation [%d]", done)
            elif done % self._log_frequency == 0 or self._num_evals == done:
                logging.info("Evaluation [%d/%d]", done, self._num_evals)
        if self._num_evals is not None and done >= self._num_evals:
            run_context.request_stop()


@tf_export("contrib.training.SummaryAtEndHook")
class _SummaryAtEndHook(session_run_hook.SessionRunHook):
    """Writes a summary at the end of an evaluation, to LOG_DIR or with SUMMARY_WRITER."""

    def __init__(self, log_dir=None, summary_writer=None, summary_op=None, feed_dict=None):
        if log_dir is None and summary_writer is None:
            raise ValueError("One of log_dir or summary_writer should be used.")
        self._log_dir, self._summary_writer = log_dir, summary_writer
        self._summary_op, self._feed_dict = summary_op, feed_dict
        self._merges = summary_op is None

    def begin(self):
        if self._merges:
            self._summary_op = summary.merge_all()
        self._global_step = training_util.get_or_create_global_step()

    def after_create_session(self, session, coord):
        if self._summary_writer is None:
            self._summary_writer = writer_cache.FileWriterCache.get(self._log_dir)

    def end(self, session):
        if self._summary_op is not None:
            step = training_util.global_step(session, self._global_step)
            self._summary_writer.add_summary(session.run(self._summary_op, self._feed_dict), step)
        self._summary_writer.flush()


@tf_export("contrib.training.wait_for_new_checkpoint")
def wait_for_new_checkpoint(checkpoint_dir, last_checkpoint=None, seconds_to_sleep=1, timeout=None):
    """The path of a checkpoint that is not LAST_CHECKPOINT, as soon as there is one; None after TIMEOUT seconds."""
    from tenon.python.training import checkpoint_management

    logging.info("Waiting for new checkpoint at %s", checkpoint_dir)
    return checkpoint_management._wait_for_new_checkpoint(checkpoint_dir, last_checkpoint, timeout, seconds_to_sleep)


def _evaluate_once(checkpoint_path, master="", scaffold=None, eval_ops=None, feed_dict=None, final_ops=None,
                   final_ops_feed_dict=None, hooks=None, config=None):  # fmt: skip
    """Runs EVAL_OPS with the checkpoint until a hook stops or the input ends; what FINAL_OPS then give."""
    from tenon.python.training.basic_session_run_hooks import FinalOpsHook

    step = _get_or_create_eval_step()
    hooks = list(hooks or [])
    with ops.device(step.device):
        update = state_ops.assign_add(step, 1)
    if eval_ops is not None:
        if isinstance(eval_ops, dict):
            eval_ops = {**eval_ops, "update_eval_step": update}
        else:
            eval_ops = [*(eval_ops if isinstance(eval_ops, (list, tuple)) else [eval_ops]), update]
    for hook in hooks:
        if isinstance(hook, _StopAfterNEvalsHook):
            hook._set_evals_completed_tensor(update)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    creator = monitored_session.ChiefSessionCreator(
        scaffold=scaffold, checkpoint_filename_with_path=checkpoint_path, master=master, config=config
    )
    with monitored_session.MonitoredSession(session_creator=creator, hooks=[*hooks, final]) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    return final.final_ops_values


@tf_export("contrib.training.evaluate_once")
def evaluate_once(checkpoint_path, master="", scaffold=None, eval_ops=None, feed_dict=None, final_ops=None,
                  final_ops_feed_dict=None, hooks=None, config=None):  # fmt: skip
    """Runs EVAL_OPS with the checkpoint until a hook stops or the input ends; what FINAL_OPS then give."""
    return _evaluate_once(
        checkpoint_path, master, scaffold, eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks, config
    )


@tf_export("contrib.training.evaluate_repeatedly")
def evaluate_repeatedly(checkpoint_dir, master="", scaffold=None, eval_ops=None, feed_dict=None, final_ops=None,
                        final_ops_feed_dict=None, eval_interval_secs=60, hooks=None, config=None,
                        max_number_of_evaluations=None, timeout=None, timeout_fn=None):  # fmt: skip
    """evaluate_once for each new checkpoint of a folder; what the last one gave."""
    from tenon.python.training import checkpoint_management

    value = None
    paths = checkpoint_management.checkpoints_iterator(checkpoint_dir, eval_interval_secs, timeout, timeout_fn)
    for count, path in enumerate(paths, 1):
        value = evaluate_once(
            path, master, scaffold, eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks, config
        )
        if max_number_of_evaluations is not None and count >= max_number_of_evaluations:
            break
    return value


__all__ = ["evaluate_once", "evaluate_repeatedly"]
