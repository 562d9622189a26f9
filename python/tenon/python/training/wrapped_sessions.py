"""The layers of a monitored session: made again after errors, stopped by a coordinator, with hooks."""

import inspect
import sys
import time

from tenon.python.framework import errors
from tenon.python.framework.proto import RunMetadata, RunOptions
from tenon.python.platform import tf_logging as logging
from tenon.python.training import draining, session_run_hook

# Errors of the tasks that a session talks to: a new session is made.
_PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)


class StepContext:
    """What run_step_fn passes to its function."""

    def __init__(self, session, run_with_hooks_fn):
        self._session, self._run_with_hooks_fn = session, run_with_hooks_fn

    @property
    def session(self):
        """The session without hooks."""
        return self._session

    def run_with_hooks(self, *args, **kwargs):
        """A step with the hooks around it."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self):
        """Ends the training."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class _WrappedSession:
    """A session around another."""

    def __init__(self, sess):
        self._sess = sess
        self._wrapped_is_stoppable = isinstance(sess, _WrappedSession)

    @property
    def graph(self):
        return self._sess.graph

    @property
    def sess_str(self):
        return self._sess.sess_str

    def should_stop(self):
        """Whether to stop: where it is closed, or where what is inside says so."""
        return self._check_stop() or (
            self._sess.should_stop() if self._sess and self._wrapped_is_stoppable else not self._sess
        )

    def _check_stop(self):
        return False

    def close(self):
        if self._sess:
            try:
                self._sess.close()
            except _PREEMPTION_ERRORS as error:
                logging.error("An error occurred when attempting to close the session. This may be due to a preemption "
                              "in a connected worker or parameter server. Error: %s", error)  # fmt: skip
            finally:
                self._sess = None

    def run(self, *args, **kwargs):
        return self._sess.run(*args, **kwargs)

    def run_step_fn(self, step_fn, raw_session, run_with_hooks):
        run_with_hooks = run_with_hooks or self.run
        context = StepContext(raw_session, run_with_hooks)
        if len(inspect.signature(step_fn).parameters) == 2:
            return step_fn(None, context)
        return step_fn(context)


class _RecoverableSession(_WrappedSession):
    """Makes the session again after the errors that mean that a task went away."""

    def __init__(self, session_creator):
        self._session_creator = session_creator
        super().__init__(self._create_session())

    def _create_session(self):
        while True:
            draining.check()
            try:
                return self._session_creator.create_session()
            except _PREEMPTION_ERRORS as error:
                logging.info("An error was raised while a session was being created. This may be due to a preemption "
                             "of "
                             "a connected worker or parameter server. A new session will be created. Error: %s",
                             error)  # fmt: skip

    def _check_stop(self):
        try:
            return self._sess._check_stop() if self._sess else True
        except _PREEMPTION_ERRORS as error:
            logging.info("An error was raised while considering whether the session is complete. Error: %s", error)
            self.close()
            self._sess = self._create_session()
            return False

    def _recovering(self, function):
        while True:
            draining.check()
            try:
                if not self._sess:
                    self._sess = self._create_session()
                return function()
            except _PREEMPTION_ERRORS as error:
                logging.info("An error was raised. This may be due to a preemption in a connected worker or parameter "
                             "server. The current session will be closed and a new session will be created. Error: %s",
                             error)  # fmt: skip
                self.close()
                self._sess = None

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        return self._recovering(
            lambda: self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)
        )

    def run_step_fn(self, step_fn, raw_session, run_with_hooks):
        return self._recovering(lambda: self._sess.run_step_fn(step_fn, raw_session, run_with_hooks=self._sess.run))


class _CoordinatedSession(_WrappedSession):
    """Stops when the coordinator does; an error in a run becomes what a thread reported before it."""

    def __init__(self, sess, coord, stop_grace_period_secs=120):
        super().__init__(sess)
        self._coord, self._stop_grace_period_secs = coord, stop_grace_period_secs

    def _check_stop(self):
        # A thread's exception ends the loop of the program.
        self._coord.raise_requested_exception()
        return self._coord.should_stop()

    def _end_queue_runners(self):
        """A queue runner may wait inside a step for what nobody gives any more, as the chief's of synchronous training
        does when the workers are done. If none but such threads are left after a second, the end of the session ends
        them."""
        until = time.monotonic() + min(1, self._stop_grace_period_secs)
        while True:
            alive = [thread.name for thread in self._coord._registered_threads if thread.is_alive()]
            if not alive or time.monotonic() > until:
                break
            time.sleep(0.01)
        if alive and all(name.startswith("QueueRunnerThread") for name in alive):
            super().close()

    def close(self):
        self._coord.request_stop()
        self._end_queue_runners()
        try:
            self._coord.join(stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True)
        finally:
            try:
                super().close()
            except Exception:
                pass

    def run(self, *args, **kwargs):
        try:
            return self._sess.run(*args, **kwargs)
        except _PREEMPTION_ERRORS:
            raise
        except Exception:
            info = sys.exc_info()
            # What went wrong in a thread is the reason; what this run saw is its consequence.
            try:
                self._coord.raise_requested_exception()
            except _PREEMPTION_ERRORS:
                raise
            except Exception as error:
                raise error.with_traceback(error.__traceback__) from None
            raise info[1].with_traceback(info[2]) from None


class _HookedSession(_WrappedSession):
    """Calls the hooks around each run."""

    def __init__(self, sess, hooks):
        super().__init__(sess)
        self._hooks = hooks
        self._should_stop = False

    def _check_stop(self):
        return self._should_stop

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        actual = {"caller": fetches}
        context = session_run_hook.SessionRunContext(
            original_args=session_run_hook.SessionRunArgs(fetches, feed_dict), session=self._sess
        )
        merged = RunOptions()
        if options is not None:
            merged.CopyFrom(options)
        feed_dict = self._call_before_run(context, actual, feed_dict, merged)
        plain = options is None and run_metadata is None and not merged.ByteSize()
        run_metadata = run_metadata or RunMetadata()
        if plain:
            outputs = self._sess.run(fetches=actual, feed_dict=feed_dict)
        else:
            outputs = self._sess.run(fetches=actual, feed_dict=feed_dict, options=merged, run_metadata=run_metadata)
        for hook in self._hooks:
            values = session_run_hook.SessionRunValues(
                results=outputs.get(hook), options=merged, run_metadata=run_metadata
            )
            hook.after_run(context, values)
        self._should_stop = self._should_stop or context.stop_requested
        return outputs["caller"]

    def _call_before_run(self, context, fetches, user_feeds, options):
        """Adds what the hooks ask for to FETCHES and OPTIONS; the feeds of all."""
        hook_feeds = {}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                fetches[hook] = request.fetches
            if request.feed_dict:
                self._raise_if_feeds_intersects(hook_feeds, request.feed_dict, "Same tensor is fed by two hooks.")
                hook_feeds.update(request.feed_dict)
            if request.options:
                _merge_run_options(options, request.options)
        if not hook_feeds:
            return user_feeds
        if not user_feeds:
            return hook_feeds
        self._raise_if_feeds_intersects(user_feeds, hook_feeds, "Same tensor is fed by a SessionRunHook and user.")
        return {**hook_feeds, **user_feeds}

    @staticmethod
    def _raise_if_feeds_intersects(feeds1, feeds2, message):
        both = set(feeds1) & set(feeds2)
        if both:
            raise RuntimeError(message + " Conflict(s): " + str(list(both)))


def _merge_run_options(options, more):
    """The stronger of both: the higher trace level, the longer timeout."""
    options.trace_level = max(options.trace_level, more.trace_level)
    options.timeout_in_ms = max(options.timeout_in_ms, more.timeout_in_ms)
    options.inter_op_thread_pool = max(options.inter_op_thread_pool, more.inter_op_thread_pool)
    options.output_partition_graphs |= more.output_partition_graphs
    options.debug_options.debug_tensor_watch_opts.extend(more.debug_options.debug_tensor_watch_opts)
    if not options.debug_options.debug_tensor_watch_opts:
        options.ClearField("debug_options")
