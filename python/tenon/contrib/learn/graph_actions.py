"""contrib.learn's loops over graphs: fetches run for feeds, or many times."""

from tenon.python.client import session as session_lib
from tenon.python.framework import errors, ops
from tenon.python.ops import lookup_ops, variables
from tenon.python.training import coordinator, queue_runner_impl, saver
from tenon.python.util.tf_export import tf_export


def _run(output_dict, feed_dicts, restore_checkpoint_path):
    graph = ops.get_default_graph()
    with session_lib.Session("", graph=graph) as session:
        if ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES):
            if restore_checkpoint_path:
                saver.Saver().restore(session, restore_checkpoint_path)
            else:
                session.run(variables.global_variables_initializer())
        session.run(variables.local_variables_initializer())
        session.run(lookup_ops.tables_initializer())
        coord = coordinator.Coordinator()
        threads = queue_runner_impl.start_queue_runners(session, coord=coord)
        try:
            for feed in feed_dicts:
                yield session.run(output_dict, feed)
        except errors.OutOfRangeError:
            return
        finally:
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=120)


@tf_export("contrib.learn.run_feeds")
def run_feeds(output_dict, feed_dicts, restore_checkpoint_path=None):
    """[what OUTPUT_DICT gives] for each of FEED_DICTS, with initial values or those of a checkpoint."""
    return list(_run(output_dict, feed_dicts, restore_checkpoint_path))


@tf_export("contrib.learn.run_n")
def run_n(output_dict, feed_dict=None, restore_checkpoint_path=None, n=1):
    """[what OUTPUT_DICT gives], N times."""
    return run_feeds(output_dict, [feed_dict] * n, restore_checkpoint_path)


@tf_export("contrib.learn.infer")
def infer(restore_checkpoint_path, output_dict, feed_dict=None):
    """What OUTPUT_DICT gives with the values of a checkpoint."""
    return run_feeds(output_dict, [feed_dict], restore_checkpoint_path)[0]
