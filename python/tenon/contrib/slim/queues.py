"""Queue runners as a `with` block."""

import contextlib
import threading

from tenon.python.framework import ops
from tenon.python.training import coordinator
from tenon.python.util.tf_export import tf_export

_lock = threading.Lock()


@tf_export("contrib.slim.queues.NestedQueueRunnerError")
class NestedQueueRunnerError(Exception):
    """QueueRunners within QueueRunners."""


@tf_export("contrib.slim.queues.QueueRunners")
@contextlib.contextmanager
def QueueRunners(session):
    """Runs the graph's queue runners in SESSION for as long as the block lasts."""
    if not _lock.acquire(blocking=False):
        raise NestedQueueRunnerError("QueueRunners cannot be nested")
    try:
        coord = coordinator.Coordinator()
        threads = []
        for runner in ops.get_collection(ops.GraphKeys.QUEUE_RUNNERS):
            threads += runner.create_threads(session, coord=coord, daemon=True, start=True)
        try:
            yield
        finally:
            coord.request_stop()
            try:
                coord.join(threads, stop_grace_period_secs=120)
            except RuntimeError:
                # Threads that wait in the session end when it does.
                session.close()
    finally:
        _lock.release()
