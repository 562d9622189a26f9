"""tf.train.basic_train_loop."""

from tenon.python.framework import errors
from tenon.python.util.tf_export import tf_export


@tf_export("train.basic_train_loop")
def basic_train_loop(supervisor, train_step_fn, args=None, kwargs=None, master=""):
    """Calls train_step_fn(session, *args, **kwargs) until the supervisor stops."""
    while True:
        try:
            with supervisor.managed_session(master) as sess:
                while not supervisor.should_stop():
                    train_step_fn(sess, *(args or []), **(kwargs or {}))
                return
        except errors.AbortedError:
            pass  # a task went away: its state comes back from the last checkpoint
