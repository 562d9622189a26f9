"""Monitored sessions: initialised, restored after errors, with hooks around each run."""

import inspect
import sys

from tenon.python.framework import errors, ops
from tenon.python.ops import array_ops, control_flow_ops, resources, variables
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary
from tenon.python.training import (
    basic_session_run_hooks,
    coordinator,
    draining,
    queue_runner_impl,
)
from tenon.python.training import saver as training_saver
from tenon.python.training import session_manager as sm
from tenon.python.training.wrapped_sessions import (
    StepContext,
    _CoordinatedSession,
    _HookedSession,
    _RecoverableSession,
)
from tenon.python.util.tf_export import tf_export

USE_DEFAULT = object()


@tf_export("train.Scaffold")
class Scaffold:
    """The ops that a training needs besides its own: made, unless given, when the graph is finalized."""

    def __init__(self, init_op=None, init_feed_dict=None, init_fn=None, ready_op=None, ready_for_local_init_op=None,
                 local_init_op=None, summary_op=None, saver=None, copy_from_scaffold=None,
                 local_init_feed_dict=None):  # fmt: skip
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")

        def own(name, value):
            return getattr(copy_from_scaffold, name) if value is None and copy_from_scaffold is not None else value

        self._init_op, self._ready_op = own("_init_op", init_op), own("_ready_op", ready_op)
        self._ready_for_local_init_op = own("_ready_for_local_init_op", ready_for_local_init_op)
        self._local_init_op, self._summary_op = own("_local_init_op", local_init_op), own("_summary_op", summary_op)
        self._saver = own("_saver", saver)
        self._init_feed_dict = own("_init_feed_dict", init_feed_dict)
        self._local_init_feed_dict = own("_local_init_feed_dict", local_init_feed_dict)
        if init_fn:
            self._user_init_fn = init_fn
            self._init_fn = lambda sess: init_fn(self, sess)
        else:
            self._user_init_fn = own("_user_init_fn", None)
            user = self._user_init_fn
            self._init_fn = (lambda sess: user(self, sess)) if user else None

    def finalize(self):
        """Makes what is missing and finalizes the graph."""
        keys = ops.GraphKeys
        if self._init_op is None:
            self._init_op = Scaffold.get_or_default(
                "init_op",
                keys.INIT_OP,
                lambda: control_flow_ops.group(
                    variables.global_variables_initializer(),
                    resources.initialize_resources(resources.shared_resources()),
                ),
            )
        if self._ready_op is None:
            self._ready_op = Scaffold.get_or_default(
                "ready_op",
                keys.READY_OP,
                lambda: array_ops.concat(
                    [variables.report_uninitialized_variables(), resources.report_uninitialized_resources()], 0
                ),
            )
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = Scaffold.get_or_default(
                "ready_for_local_init_op",
                keys.READY_FOR_LOCAL_INIT_OP,
                lambda: array_ops.concat(
                    [
                        variables.report_uninitialized_variables(variables.global_variables()),
                        resources.report_uninitialized_resources(resources.shared_resources()),
                    ],
                    0,
                ),
            )
        if self._local_init_op is None:
            self._local_init_op = Scaffold.get_or_default(
                "local_init_op", keys.LOCAL_INIT_OP, Scaffold.default_local_init_op
            )
        if self._summary_op is None:
            self._summary_op = Scaffold.get_or_default("summary_op", keys.SUMMARY_OP, summary.merge_all)
        if self._saver is None:
            self._saver = _get_saver_or_default()
        self._saver.build()
        ops.get_default_graph().finalize()
        logging.info("Graph was finalized.")
        return self

    @property
    def init_fn(self):
        """What is called with the session after init_op."""
        return self._init_fn

    @property
    def init_op(self):
        """What initialises the variables."""
        return self._init_op

    @property
    def init_feed_dict(self):
        """What is fed to init_op."""
        return self._init_feed_dict

    @property
    def ready_op(self):
        """What gives the names of uninitialised variables."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self):
        """The same for what local_init_op needs."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self):
        """What initialises local variables and tables."""
        return self._local_init_op

    @property
    def local_init_feed_dict(self):
        """What is fed to local_init_op."""
        return self._local_init_feed_dict

    @property
    def summary_op(self):
        """All summaries."""
        return self._summary_op

    @property
    def saver(self):
        """The Saver."""
        return self._saver

    @staticmethod
    def get_or_default(arg_name, collection_key, default_constructor):
        """The one element of a collection; where it is empty what DEFAULT_CONSTRUCTOR gives, which is added."""
        elements = ops.get_collection(collection_key)
        if elements:
            if len(elements) > 1:
                raise RuntimeError(
                    f'More than one item in the collection "{collection_key}". Please indicate which one to use by '
                    f"passing it to the tf.Scaffold constructor as:  tf.Scaffold({arg_name}=item to use)"
                )
            return elements[0]
        made = default_constructor()
        if made is not None:
            ops.add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op():
        """Initialises local variables, tables and local resources."""
        return control_flow_ops.group(
            variables.local_variables_initializer(),
            resources.initialize_tables(),
            resources.initialize_resources(resources.local_resources()),
        )


def _get_saver_or_default():
    found = ops.get_collection(ops.GraphKeys.SAVERS)
    if found:
        if len(found) > 1:
            raise RuntimeError(f"More than one item in collection {ops.GraphKeys.SAVERS}. Please indicate which one "
                               f"to use by passing it to "
                               "the constructor.")  # fmt: skip
        return found[0]
    saver = training_saver.Saver(sharded=True, allow_empty=True)
    if saver is not None:
        ops.add_to_collection(ops.GraphKeys.SAVERS, saver)
    return saver


@tf_export("train.MonitoredTrainingSession")
def MonitoredTrainingSession(
    master="",
    is_chief=True,
    checkpoint_dir=None,
    scaffold=None,
    hooks=None,
    chief_only_hooks=None,
    save_checkpoint_secs=USE_DEFAULT,
    save_summaries_steps=USE_DEFAULT,
    save_summaries_secs=USE_DEFAULT,
    config=None,
    stop_grace_period_secs=120,
    log_step_count_steps=100,
    max_wait_secs=7200,
    save_checkpoint_steps=USE_DEFAULT,
    summary_dir=None,
    save_graph_def=True,
):
    """A MonitoredSession with the usual hooks: checkpoints every 600 s, summaries and the step rate every 100 steps."""
    scaffold = scaffold or Scaffold()
    if not is_chief:
        creator = WorkerSessionCreator(scaffold=scaffold, master=master, config=config, max_wait_secs=max_wait_secs)
        return MonitoredSession(creator, hooks=hooks or [], stop_grace_period_secs=stop_grace_period_secs)
    creator = ChiefSessionCreator(scaffold=scaffold, checkpoint_dir=checkpoint_dir, master=master, config=config)
    every = list(chief_only_hooks or [])
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir and (log_step_count_steps or 0) > 0:
        every.append(
            basic_session_run_hooks.StepCounterHook(output_dir=summary_dir, every_n_steps=log_step_count_steps)
        )
    steps, secs = _steps_or_secs(save_summaries_steps, save_summaries_secs, (100, None))
    if summary_dir and ((steps or 0) > 0 or (secs or 0) > 0):
        every.append(
            basic_session_run_hooks.SummarySaverHook(
                scaffold=scaffold, save_steps=steps, save_secs=secs, output_dir=summary_dir
            )
        )
    steps, secs = _steps_or_secs(save_checkpoint_steps, save_checkpoint_secs, (None, 600))
    if checkpoint_dir and ((steps or 0) > 0 or (secs or 0) > 0):
        every.append(
            basic_session_run_hooks.CheckpointSaverHook(
                checkpoint_dir, save_steps=steps, save_secs=secs, scaffold=scaffold, save_graph_def=save_graph_def
            )
        )
    every.extend(hooks or [])
    return MonitoredSession(session_creator=creator, hooks=every, stop_grace_period_secs=stop_grace_period_secs)


def _steps_or_secs(steps, secs, default):
    """(steps, seconds) between two times: DEFAULT where neither is given."""
    if steps is USE_DEFAULT and secs is USE_DEFAULT:
        return default
    return (None if steps is USE_DEFAULT else steps), (None if secs is USE_DEFAULT else secs)


@tf_export("train.SessionCreator")
class SessionCreator:
    """To be subclassed: makes sessions."""

    def create_session(self):
        """A new session."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


@tf_export("train.ChiefSessionCreator")
class ChiefSessionCreator(SessionCreator):
    """Makes sessions that initialise the model, or restore it from CHECKPOINT_DIR."""

    def __init__(self, scaffold=None, master="", config=None, checkpoint_dir=None, checkpoint_filename_with_path=None):
        self._checkpoint_dir, self._checkpoint_filename_with_path = checkpoint_dir, checkpoint_filename_with_path
        self._scaffold = scaffold or Scaffold()
        self._session_manager = None
        self._master, self._config = master, config

    def create_session(self):
        self._scaffold.finalize()
        if self._session_manager is None:
            self._session_manager = _manager(self._scaffold)
        return self._session_manager.prepare_session(
            self._master,
            saver=self._scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_filename_with_path,
            config=self._config,
            init_op=self._scaffold.init_op,
            init_feed_dict=self._scaffold.init_feed_dict,
            init_fn=self._scaffold.init_fn,
        )


@tf_export("train.WorkerSessionCreator")
class WorkerSessionCreator(SessionCreator):
    """Makes sessions of a model that the chief initialises."""

    def __init__(self, scaffold=None, master="", config=None, max_wait_secs=30 * 60):
        self._scaffold = scaffold or Scaffold()
        self._session_manager = None
        self._master, self._config, self._max_wait_secs = master, config, max_wait_secs

    def create_session(self):
        self._scaffold.finalize()
        if self._session_manager is None:
            self._session_manager = _manager(self._scaffold)
        return self._session_manager.wait_for_session(
            self._master, config=self._config, max_wait_secs=self._max_wait_secs
        )


def _manager(scaffold):
    return sm.SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=ops.get_default_graph(),
    )


class _MonitoredSession:
    """What MonitoredSession and SingularMonitoredSession share."""

    def __init__(self, session_creator, hooks, should_recover, stop_grace_period_secs=120):
        self._graph_was_finalized = ops.get_default_graph().finalized
        self._hooks = hooks or []
        monitor = sys.modules.get("tenon._task_monitor")
        if monitor:
            self._hooks = [*self._hooks, monitor.hook(self._hooks)]
        for hook in self._hooks:
            hook.begin()
        self._draining = draining.begin()
        creator = session_creator or ChiefSessionCreator()
        self._coordinated_creator = self._CoordinatedSessionCreator(creator, self._hooks, stop_grace_period_secs)
        with draining.one_step():
            if should_recover:
                self._sess = _RecoverableSession(self._coordinated_creator)
            else:
                self._sess = self._coordinated_creator.create_session()

    @property
    def graph(self):
        """The graph; None after the end."""
        return None if self._tf_sess() is None else self._tf_sess().graph

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        """A step, with the hooks around it."""
        with draining.one_step():
            return self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)

    def run_step_fn(self, step_fn):
        """Calls step_fn(step_context) (or with self first): step_context.run_with_hooks and .request_stop."""
        names = list(inspect.signature(step_fn).parameters)
        if "step_context" not in names or len(names) > 2 or (len(names) == 2 and names[0] != "self"):
            raise ValueError("`step_fn` may either have one `step_context` argument, or two, `self` and "
                             "`step_context`, "
                             f"but its arguments are {names}")  # fmt: skip
        with draining.one_step():
            return self._sess.run_step_fn(step_fn, self._tf_sess(), run_with_hooks=None)

    def __enter__(self):
        return self

    def __exit__(self, exception_type, exception_value, traceback):
        if exception_type in (errors.OutOfRangeError, StopIteration):
            exception_type = None
        drained = exception_type is draining.Drained
        self._close_internal(None if drained else exception_type)
        return exception_type is None

    StepContext = StepContext

    def should_stop(self):
        """Whether the training is at its end."""
        return self._sess is None or self._sess.should_stop()

    def close(self):
        """Ends the training: hooks, threads, session."""
        self._close_internal()

    def _is_closed(self):
        return self._coordinated_creator.tf_sess is None

    def _close_internal(self, exception_type=None):
        with draining.the_end(self._draining):
            self._close_in_order(exception_type)

    def _close_in_order(self, exception_type):
        try:
            if not exception_type:
                if self._coordinated_creator.tf_sess is None:
                    raise RuntimeError("Session is already closed.")
                for hook in self._coordinated_creator.hooks:
                    hook.end(self._coordinated_creator.tf_sess)
        finally:
            try:
                if self._sess is None:
                    raise RuntimeError("Session is already closed.")
                self._sess.close()
            finally:
                self._sess = None
                for hook in self._hooks:
                    getattr(hook, "_closed", lambda: None)()
                self._coordinated_creator.tf_sess = None
                self._coordinated_creator.coord = None
                if not self._graph_was_finalized:
                    ops.get_default_graph()._unsafe_unfinalize()

    def _tf_sess(self):
        return self._coordinated_creator.tf_sess

    class _CoordinatedSessionCreator(SessionCreator):
        """Makes sessions with a coordinator, running queue runners and hooks."""

        def __init__(self, session_creator, hooks, stop_grace_period_secs):
            self._session_creator, self.hooks = session_creator, hooks
            self.coord = self.tf_sess = None
            self._stop_grace_period_secs = stop_grace_period_secs

        def create_session(self):
            self.tf_sess = self._session_creator.create_session()
            self.coord = coordinator.Coordinator(clean_stop_exception_types=[])
            if ops.get_collection(ops.GraphKeys.QUEUE_RUNNERS):
                queue_runner_impl.start_queue_runners(sess=self.tf_sess, coord=self.coord)
            for hook in self.hooks:
                hook.after_create_session(self.tf_sess, self.coord)
            return _CoordinatedSession(
                _HookedSession(self.tf_sess, self.hooks), self.coord, self._stop_grace_period_secs
            )


@tf_export("train.MonitoredSession")
class MonitoredSession(_MonitoredSession):
    """A session with hooks that is made again, from the last checkpoint, where a task that it needs went away."""

    def __init__(self, session_creator=None, hooks=None, stop_grace_period_secs=120):
        super().__init__(session_creator, hooks, should_recover=True, stop_grace_period_secs=stop_grace_period_secs)


@tf_export("train.SingularMonitoredSession")
class SingularMonitoredSession(_MonitoredSession):
    """A session with hooks that is made once: errors are the program's."""

    def __init__(self, hooks=None, scaffold=None, master="", config=None, checkpoint_dir=None,
                 stop_grace_period_secs=120, checkpoint_filename_with_path=None):  # fmt: skip
        creator = ChiefSessionCreator(
            scaffold=scaffold,
            master=master,
            config=config,
            checkpoint_dir=checkpoint_dir,
            checkpoint_filename_with_path=checkpoint_filename_with_path,
        )
        super().__init__(creator, hooks, should_recover=False, stop_grace_period_secs=stop_grace_period_secs)

    def raw_session(self):
        """The session without hooks."""
        return self._tf_sess()


__all__ = ["ChiefSessionCreator", "MonitoredSession", "MonitoredTrainingSession", "Scaffold", "SessionCreator",
           "SingularMonitoredSession", "WorkerSessionCreator"]  # fmt: skip
