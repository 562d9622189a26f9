"""tf.train.Supervisor: checkpoints, summaries and recovery around a program's own loop."""

import contextlib
import os
import time

from tenon.python.framework import dtypes, meta_graph, ops
from tenon.python.framework import proto as messages
from tenon.python.ops import control_flow_ops, resources, variables
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary as summary_lib
from tenon.python.summary.writer.writer import FileWriter
from tenon.python.training import coordinator, draining, training_util
from tenon.python.training import saver as saver_mod
from tenon.python.training import session_manager as session_manager_mod
from tenon.python.util.tf_export import tf_export


@tf_export("train.Supervisor")
class Supervisor:
    """Keeps a Coordinator, a Saver and a SessionManager for a graph, and runs the services of the chief in threads.

    LOGDIR gets checkpoints (every SAVE_MODEL_SECS), summaries (every SAVE_SUMMARIES_SECS) and the graph. Ops that are
    USE_DEFAULT are taken from their collections or made; None leaves them out.
    """

    USE_DEFAULT = 0

    def __init__(
        self,
        graph=None,
        ready_op=USE_DEFAULT,
        ready_for_local_init_op=USE_DEFAULT,
        is_chief=True,
        init_op=USE_DEFAULT,
        init_feed_dict=None,
        local_init_op=USE_DEFAULT,
        logdir=None,
        summary_op=USE_DEFAULT,
        saver=USE_DEFAULT,
        global_step=USE_DEFAULT,
        save_summaries_secs=120,
        save_model_secs=600,
        recovery_wait_secs=30,
        stop_grace_secs=120,
        checkpoint_basename="model.ckpt",
        session_manager=None,
        summary_writer=USE_DEFAULT,
        init_fn=None,
        local_init_run_options=None,
    ):
        if graph is None:
            graph = ops.get_default_graph()
        with graph.as_default():
            self._init_ready_op(ready_op, ready_for_local_init_op)
            self._init_init_op(init_op, init_feed_dict)
            self._init_local_init_op(local_init_op)
            self._init_saver(saver)
            self._init_summary_op(summary_op)
            self._init_global_step(global_step)
        self._graph, self._meta_graph_def = graph, None
        self._is_chief, self._coord = is_chief, coordinator.Coordinator()
        self._recovery_wait_secs, self._stop_grace_secs = recovery_wait_secs, stop_grace_secs
        self._init_fn, self._local_init_run_options = init_fn, local_init_run_options
        self._init_outputs(logdir, save_summaries_secs, save_model_secs, checkpoint_basename, summary_writer)
        self._session_manager = session_manager or session_manager_mod.SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        self._verify_setup()
        graph.finalize()

    def _init_outputs(self, logdir, save_summaries_secs, save_model_secs, checkpoint_basename, summary_writer):
        # Only the chief writes.
        self._logdir = self._save_summaries_secs = self._save_model_secs = None
        self._save_path = self._summary_writer = None
        if self._is_chief:
            self._logdir, self._save_summaries_secs, self._save_model_secs = (
                logdir,
                save_summaries_secs,
                save_model_secs,
            )
            if logdir:
                self._save_path = os.path.join(logdir, checkpoint_basename)
            if not (isinstance(summary_writer, int) and summary_writer == Supervisor.USE_DEFAULT):
                self._summary_writer = summary_writer
            elif logdir:
                self._summary_writer = FileWriter(logdir)
            self._graph_added_to_summary = False

    # --- what is taken from collections or made ---

    @staticmethod
    def _first(key):
        found = ops.get_collection(key)
        if len(found) > 1:
            logging.info("Found %d %s operations. Returning the first one.", len(found), key)
        return found[0] if found else None

    def _use(self, value, key, default):
        """VALUE; where it is USE_DEFAULT the first of collection KEY, else what DEFAULT makes."""
        if not (isinstance(value, int) and value == Supervisor.USE_DEFAULT):
            return value
        found = self._first(key)
        if found is None:
            found = default()
            if found is not None:
                ops.add_to_collection(key, found)
        return found

    def _init_ready_op(self, ready_op, ready_for_local_init_op):
        keys = ops.GraphKeys
        self._ready_op = self._use(ready_op, keys.READY_OP, variables.report_uninitialized_variables)
        self._ready_for_local_init_op = self._use(ready_for_local_init_op, keys.READY_FOR_LOCAL_INIT_OP, lambda: None)

    def _init_init_op(self, init_op, init_feed_dict):
        self._init_op = self._use(init_op, ops.GraphKeys.INIT_OP, variables.global_variables_initializer)
        self._init_feed_dict = init_feed_dict

    def _init_local_init_op(self, local_init_op):
        def make():
            found = [variables.local_variables_initializer(), resources.initialize_tables()]
            return control_flow_ops.group(*found) if found else None

        self._local_init_op = self._use(local_init_op, ops.GraphKeys.LOCAL_INIT_OP, make)

    def _init_saver(self, saver):
        def make():
            return saver_mod.Saver() if variables.global_variables() else None

        self._saver = self._use(saver, ops.GraphKeys.SAVERS, make)

    def _init_summary_op(self, summary_op):
        self._summary_op = self._use(summary_op, ops.GraphKeys.SUMMARY_OP, summary_lib.merge_all)

    def _init_global_step(self, global_step):
        self._global_step = self._use(global_step, ops.GraphKeys.GLOBAL_STEP, self._default_global_step_tensor)

    @staticmethod
    def _default_global_step_tensor():
        try:
            found = ops.get_default_graph().get_tensor_by_name("global_step:0")
        except KeyError:
            return None
        if found.dtype.base_dtype in (dtypes.int32, dtypes.int64):
            return found
        logging.warning("Found 'global_step' but is not an int type: %s", found.dtype)
        return None

    def _verify_setup(self):
        # A worker that is not chief must place its variables elsewhere, where the chief initialises them.
        if not self._is_chief:
            for operation in self._graph.get_operations():
                if operation.type in ("Variable", "VariableV2") and not operation.device:
                    raise ValueError(f"When using replicas, all Variables must have their device set: {operation}")

    # --- what it holds ---

    @property
    def is_chief(self):
        """Whether this task initialises and saves."""
        return self._is_chief

    @property
    def session_manager(self):
        """The SessionManager."""
        return self._session_manager

    @property
    def coord(self):
        """The Coordinator."""
        return self._coord

    @property
    def init_op(self):
        """What initialises the variables."""
        return self._init_op

    @property
    def init_feed_dict(self):
        """What is fed to it."""
        return self._init_feed_dict

    @property
    def ready_op(self):
        """What names uninitialised variables."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self):
        """The same, before the local initialisation."""
        return self._ready_for_local_init_op

    @property
    def summary_writer(self):
        """The FileWriter of the chief."""
        return self._summary_writer

    @property
    def summary_op(self):
        """All summaries."""
        return self._summary_op

    @property
    def save_summaries_secs(self):
        """Seconds between summaries."""
        return self._save_summaries_secs

    @property
    def global_step(self):
        """The global step."""
        return self._global_step

    @property
    def saver(self):
        """The Saver."""
        return self._saver

    @property
    def save_model_secs(self):
        """Seconds between checkpoints."""
        return self._save_model_secs

    @property
    def save_path(self):
        """The prefix of checkpoints."""
        return self._save_path

    # --- sessions and services ---

    def _write_graph(self):
        if self._logdir:
            training_util.write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
        if self._summary_writer and not self._graph_added_to_summary:
            self._summary_writer.add_graph(self._graph)
            saver_def = self._saver.saver_def if self._saver else None
            with self._graph.as_default():
                meta = meta_graph.create_meta_graph_def(
                    graph_def=self._graph.as_graph_def(add_shapes=True), saver_def=saver_def
                )
            self._summary_writer.add_meta_graph(meta)
            self._graph_added_to_summary = True

    def start_standard_services(self, sess):
        """Starts the threads that save, summarise and count; returns them."""
        if not self._is_chief:
            raise RuntimeError("Only chief supervisor can start standard services. Because only chief supervisors can "
                               "write events.")  # fmt: skip
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        if self._global_step is not None and self._summary_writer:
            log = messages.SessionLog(status=messages.SessionLog.START)
            self._summary_writer.add_session_log(log, training_util.global_step(sess, self._global_step))
        threads = []
        if self._save_summaries_secs and self._summary_writer:
            if self._summary_op is not None:
                threads.append(SVSummaryThread(self, sess))
            if self._global_step is not None:
                threads.append(SVStepCounterThread(self, sess))
        if self.saver and self._save_model_secs:
            threads.append(SVTimerCheckpointThread(self, sess))
        for thread in threads:
            thread.start()
        return threads

    def prepare_or_wait_for_session(self, master="", config=None, wait_for_checkpoint=False, max_wait_secs=7200,
                                    start_standard_services=True):  # fmt: skip
        """A session that is ready: made by the chief, waited for by others. Starts services and queue runners."""
        self._coord.clear_stop()
        if self._summary_writer:
            self._summary_writer.reopen()
        if self._is_chief:
            sess = self._session_manager.prepare_session(
                master,
                init_op=self.init_op,
                saver=self.saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._write_graph()
            if start_standard_services:
                logging.info("Starting standard services.")
                self.start_standard_services(sess)
        else:
            sess = self._session_manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
        if start_standard_services:
            logging.info("Starting queue runners.")
            self.start_queue_runners(sess)
        return sess

    def start_queue_runners(self, sess, queue_runners=None):
        """Starts the queue runners of the graph; returns their threads."""
        if queue_runners is None:
            queue_runners = self._graph.get_collection(ops.GraphKeys.QUEUE_RUNNERS)
        threads = []
        for runner in queue_runners:
            threads.extend(runner.create_threads(sess, coord=self._coord, daemon=True, start=True))
        return threads

    def loop(self, timer_interval_secs, target, args=None, kwargs=None):
        """Calls a function every TIMER_INTERVAL_SECS seconds in a thread of its own."""
        looper = coordinator.LooperThread(self._coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def stop(self, threads=None, close_summary_writer=True, ignore_live_threads=False):
        """Stops the services and threads and closes the event file."""
        self._coord.request_stop()
        try:
            self._coord.join(
                threads, stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=ignore_live_threads
            )
        finally:
            if close_summary_writer and self._summary_writer:
                if self._global_step is not None and not self._summary_writer._closed:
                    self._summary_writer.add_session_log(messages.SessionLog(status=messages.SessionLog.STOP))
                self._summary_writer.close()
                self._graph_added_to_summary = False

    def request_stop(self, ex=None):
        """Asks the threads to stop; EX is raised by stop()."""
        self._coord.request_stop(ex=ex)

    def should_stop(self):
        """Whether a stop was asked for."""
        return self._coord.should_stop()

    def stop_on_exception(self):
        """A block whose exception becomes a request to stop."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self):
        """Waits until a stop is asked for."""
        self._coord.wait_for_stop()

    def summary_computed(self, sess, summary, global_step=None):
        """Writes a summary that the program computed."""
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = training_util.global_step(sess, self.global_step)
        self._summary_writer.add_summary(summary, global_step)

    @contextlib.contextmanager
    def managed_session(self, master="", config=None, start_standard_services=True, close_summary_writer=True):
        """A block with a session that is ready; at its end everything stops and what went wrong is raised.

        In the main thread it answers SIGTERM: the step is finished, the chief saves, SystemExit(143) is raised.
        """
        begun, drained, sess = draining.begin(), False, None
        try:
            with draining.one_step():
                sess = self.prepare_or_wait_for_session(
                    master=master, config=config, start_standard_services=start_standard_services
                )
            _finish_steps(sess)
            yield sess
        except draining.Drained:
            drained = True
            if not begun:
                raise
        except Exception as error:
            self.request_stop(error)
        finally:
            # Where it was drained, the end raises that once more.
            with draining.the_end(begun):
                if sess is not None:
                    vars(sess).pop("run", None)  # what is run now is run to its end
                try:
                    if drained:
                        self._leave(sess)
                finally:
                    self._end(sess, close_summary_writer)

    def _leave(self, sess):
        """Saves, and releases the threads that wait in a step: there is no time to wait for them."""
        if sess is None:
            return
        if self._is_chief and self._saver is not None and self._save_path:
            logging.info("Saving checkpoint to path %s before the process ends", self._save_path)
            self._saver.save(sess, self._save_path, global_step=self._global_step)
        self.request_stop()
        sess.close()

    def _end(self, sess, close_summary_writer):
        try:
            # Whoever waits for a queue is released when the session is closed.
            self.stop(close_summary_writer=close_summary_writer)
        finally:
            try:
                if sess is not None:
                    sess.close()
            except Exception:
                pass  # a session that failed has nothing more to say

    # The names before 1.0.
    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop = stop
    RequestStop = request_stop
    Loop = loop
    ShouldStop = should_stop
    StopOnException = stop_on_exception
    WaitForStop = wait_for_stop
    SummaryComputed = summary_computed


def _finish_steps(sess):
    """Has the main thread's steps of SESS finished before the process ends."""
    run = sess.run

    def finished(*args, **kwargs):
        with draining.one_step():
            return run(*args, **kwargs)

    sess.run = finished


class SVSummaryThread(coordinator.LooperThread):
    """Writes summaries."""

    def __init__(self, sv, sess):
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self):
        step = None
        if self._sv.global_step is not None:
            summary, step = self._sess.run([self._sv.summary_op, self._sv.global_step])
        else:
            summary = self._sess.run(self._sv.summary_op)
        if self._sv.summary_writer:
            logging.info("Recording summary at step %s.", step)
            self._sv.summary_writer.add_summary(summary, step)


class SVStepCounterThread(coordinator.LooperThread):
    """Counts steps a second."""

    def __init__(self, sv, sess, step_counter=None):
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess
        self._last_time, self._last_step = 0.0, 0
        self._step_counter = sv.global_step if step_counter is None else step_counter
        self._summary_tag = f"{self._step_counter.op.name}/sec"

    def start_loop(self):
        self._last_time = time.time()
        self._last_step = training_util.global_step(self._sess, self._step_counter)

    def run_loop(self):
        step = training_util.global_step(self._sess, self._step_counter)
        now = time.time()
        elapsed = now - self._last_time
        rate = (step - self._last_step) / elapsed if elapsed > 0 else float("inf")
        self._last_time, self._last_step = now, step
        if self._sv.summary_writer:
            value = messages.Summary.Value(tag=self._summary_tag, simple_value=rate)
            self._sv.summary_writer.add_summary(messages.Summary(value=[value]), step)
        logging.info("%s: %g", self._summary_tag, rate)


class SVTimerCheckpointThread(coordinator.LooperThread):
    """Saves checkpoints."""

    def __init__(self, sv, sess):
        super().__init__(sv.coord, sv.save_model_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self):
        logging.info("Saving checkpoint to path %s", self._sv.save_path)
        self._sv.saver.save(self._sess, self._sv.save_path, global_step=self._sv.global_step)
        if self._sv.summary_writer and self._sv.global_step is not None:
            step = training_util.global_step(self._sess, self._sv.global_step)
            log = messages.SessionLog(status=messages.SessionLog.CHECKPOINT, checkpoint_path=self._sv.save_path)
            self._sv.summary_writer.add_session_log(log, step)
