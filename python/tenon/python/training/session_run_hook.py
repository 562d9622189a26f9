"""What a hook is: code that runs around every step of a monitored session."""

import collections

from tenon.python.util.tf_export import tf_export


@tf_export("train.SessionRunHook")
class SessionRunHook:
    """To be subclassed. Hooks are called in the order in which they were given."""

    def begin(self):
        """Called once before the session is made: the graph may still be changed."""

    def after_create_session(self, session, coord):
        """Called when a session was made, also after an error made a new one."""

    def before_run(self, run_context):
        """Called before each run; may return SessionRunArgs to be run besides."""
        return None

    def after_run(self, run_context, run_values):
        """Called after each run with what before_run asked for; run_context.request_stop() ends the training."""

    def end(self, session):
        """Called at the end, unless an error other than OutOfRange or StopIteration ended the training."""


@tf_export("train.SessionRunArgs")
class SessionRunArgs(collections.namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
    """What is to be run: fetches, feeds and RunOptions."""

    def __new__(cls, fetches, feed_dict=None, options=None):
        return super().__new__(cls, fetches, feed_dict, options)


@tf_export("train.SessionRunContext")
class SessionRunContext:
    """What a hook sees of a run."""

    def __init__(self, original_args, session):
        self._original_args, self._session, self._stop_requested = original_args, session, False

    @property
    def original_args(self):
        """The SessionRunArgs that the program gave."""
        return self._original_args

    @property
    def session(self):
        """The session without hooks."""
        return self._session

    @property
    def stop_requested(self):
        """Whether a hook asked to stop."""
        return self._stop_requested

    def request_stop(self):
        """Asks to end the training after this run."""
        self._stop_requested = True


@tf_export("train.SessionRunValues")
class SessionRunValues(collections.namedtuple("SessionRunValues", ["results", "options", "run_metadata"])):
    """What a run gave: results in the form of the fetches, the RunOptions and the RunMetadata."""


__all__ = ["SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues"]
