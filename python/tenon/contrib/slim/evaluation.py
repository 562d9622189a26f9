"""Evaluating checkpoints: once, or each new one."""

from tenon.python.summary import summary
from tenon.python.training import checkpoint_management, evaluation, monitored_session
from tenon.python.training import saver as tf_saver
from tenon.python.util.tf_export import tf_export

_USE_DEFAULT = 0
checkpoints_iterator = checkpoint_management.checkpoints_iterator
wait_for_new_checkpoint = evaluation.wait_for_new_checkpoint
TF_EXPORTS = {
    "contrib.slim.evaluation.checkpoints_iterator": "checkpoints_iterator",
    "contrib.slim.evaluation.wait_for_new_checkpoint": "wait_for_new_checkpoint",
}


def _all_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks):
    """What stops after NUM_EVALS, what writes summaries, and the user's HOOKS."""
    if isinstance(summary_op, int) and summary_op == _USE_DEFAULT:
        summary_op = summary.merge_all()
    made = [evaluation._StopAfterNEvalsHook(num_evals)]
    if summary_op is not None:
        made.append(evaluation._SummaryAtEndHook(logdir, summary_op=summary_op, feed_dict=summary_op_feed_dict))
    return [*made, *(hooks or ())]


def _scaffold(initial_op, initial_op_feed_dict, variables_to_restore, init_fn=None):
    saver = None if variables_to_restore is None else tf_saver.Saver(variables_to_restore)
    return monitored_session.Scaffold(
        init_op=initial_op, init_feed_dict=initial_op_feed_dict, init_fn=init_fn, saver=saver
    )


@tf_export("contrib.slim.evaluation.evaluate_once")
def evaluate_once(master, checkpoint_path, logdir, num_evals=1, initial_op=None, initial_op_feed_dict=None,
                  eval_op=None, eval_op_feed_dict=None, final_op=None, final_op_feed_dict=None,
                  summary_op=_USE_DEFAULT, summary_op_feed_dict=None, variables_to_restore=None, session_config=None,
                  hooks=None):  # fmt: skip
    """Runs EVAL_OP NUM_EVALS times with a checkpoint; what FINAL_OP then gives. Summaries go to LOGDIR."""
    return evaluation.evaluate_once(
        checkpoint_path, master=master, eval_ops=eval_op, feed_dict=eval_op_feed_dict, final_ops=final_op,
        scaffold=_scaffold(initial_op, initial_op_feed_dict, variables_to_restore),
        final_ops_feed_dict=final_op_feed_dict, config=session_config,
        hooks=_all_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks),
    )  # fmt: skip


@tf_export("contrib.slim.evaluation.evaluation_loop")
def evaluation_loop(master, checkpoint_dir, logdir, num_evals=1, initial_op=None, initial_op_feed_dict=None,
                    init_fn=None, eval_op=None, eval_op_feed_dict=None, final_op=None, final_op_feed_dict=None,
                    summary_op=_USE_DEFAULT, summary_op_feed_dict=None, variables_to_restore=None,
                    eval_interval_secs=60, max_number_of_evaluations=None, session_config=None, timeout=None,
                    timeout_fn=None, hooks=None):  # fmt: skip
    """evaluate_once for each new checkpoint of CHECKPOINT_DIR; what the last one gave."""
    return evaluation.evaluate_repeatedly(
        checkpoint_dir, master=master, eval_ops=eval_op, feed_dict=eval_op_feed_dict, final_ops=final_op,
        scaffold=_scaffold(initial_op, initial_op_feed_dict, variables_to_restore, init_fn),
        final_ops_feed_dict=final_op_feed_dict, eval_interval_secs=eval_interval_secs, config=session_config,
        hooks=_all_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks),
        max_number_of_evaluations=max_number_of_evaluations, timeout=timeout, timeout_fn=timeout_fn,
    )  # fmt: skip
