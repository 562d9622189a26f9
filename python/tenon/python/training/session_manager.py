"""tf.train.SessionManager: sessions whose variables are initialised or restored."""

import time

from tenon.python.client import session
from tenon.python.framework import errors, ops
from tenon.python.platform import tf_logging as logging
from tenon.python.training import checkpoint_management, fencing
from tenon.python.util.tf_export import tf_export


def _maybe_name(obj):
    """The name of an op, or of a list of them, for messages."""
    if obj is None:
        return "None"
    if isinstance(obj, (list, tuple)):
        return ", ".join(f"{item.name}" if hasattr(item, "name") else str(item) for item in obj)
    return obj.name if hasattr(obj, "name") else f"<no name for {type(obj)}>"


@tf_export("train.SessionManager")
class SessionManager:
    """Makes sessions: from a checkpoint if there is one, else with init_op, and waits for others to do so."""

    def __init__(self, local_init_op=None, ready_op=None, ready_for_local_init_op=None, graph=None,
                 recovery_wait_secs=30, local_init_run_options=None, local_init_feed_dict=None):  # fmt: skip
        self._local_init_op, self._ready_op = local_init_op, ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._graph = graph or ops.get_default_graph()
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options, self._local_init_feed_dict = local_init_run_options, local_init_feed_dict
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError("If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                             f"ready_for_local_init_op [{ready_for_local_init_op}]")  # fmt: skip

    def _restore_checkpoint(self, master, saver=None, checkpoint_dir=None, checkpoint_filename_with_path=None,
                            wait_for_checkpoint=False, max_wait_secs=7200, config=None):  # fmt: skip
        """(session, whether a checkpoint was restored)."""
        sess = session.Session(master, graph=self._graph, config=config)
        if checkpoint_dir and checkpoint_filename_with_path:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        if not saver or not (checkpoint_dir or checkpoint_filename_with_path):
            return sess, False
        if checkpoint_filename_with_path:
            saver.restore(sess, checkpoint_filename_with_path)
            return sess, True
        wait_until = time.time() + max_wait_secs
        state = checkpoint_management.get_checkpoint_state(checkpoint_dir)
        while not state or not state.model_checkpoint_path:
            if not wait_for_checkpoint or time.time() >= wait_until:
                return sess, False
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(self._recovery_wait_secs)
            state = checkpoint_management.get_checkpoint_state(checkpoint_dir)
        saver.restore(sess, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return sess, True

    def prepare_session(self, master, init_op=None, saver=None, checkpoint_dir=None, checkpoint_filename_with_path=None,
                        wait_for_checkpoint=False, max_wait_secs=7200, config=None, init_feed_dict=None,
                        init_fn=None):  # fmt: skip
        """A session that is ready: restored from the newest checkpoint, else initialised."""
        if master and saver and checkpoint_dir:
            fencing.claim(checkpoint_dir)
        sess, restored = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        if not restored:
            if init_op is None and not init_fn and self._local_init_op is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                sess.run(init_op, feed_dict=init_feed_dict)
            if init_fn:
                init_fn(sess)
        did = f"Init op: {_maybe_name(init_op)}, init fn: {init_fn}"
        ready, message = self._try_run_local_init_op(sess)
        if not ready:
            raise RuntimeError(f"Init operations did not make model ready for local_init.  {did}, error: {message}")
        ready, message = self._model_ready(sess)
        if not ready:
            raise RuntimeError(f"Init operations did not make model ready.  {did}, local_init_op: "
                               f"{_maybe_name(self._local_init_op)}, error: {message}")  # fmt: skip
        return sess

    def recover_session(self, master, saver=None, checkpoint_dir=None, checkpoint_filename_with_path=None,
                        wait_for_checkpoint=False, max_wait_secs=7200, config=None):  # fmt: skip
        """(session, whether it is ready): restored from the newest checkpoint if there is one."""
        sess, restored = self._restore_checkpoint(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        local_ready, message = self._try_run_local_init_op(sess)
        if not restored:
            return sess, False
        restoring = checkpoint_dir or checkpoint_filename_with_path
        if not local_ready:
            logging.info("Restoring model from %s did not make model ready for local init: %s", restoring, message)
            return sess, False
        ready, message = self._model_ready(sess)
        if not ready:
            logging.info("Restoring model from %s did not make model ready: %s", restoring, message)
            return sess, False
        logging.info("Restored model from %s", restoring)
        return sess, True

    def wait_for_session(self, master, config=None, max_wait_secs=float("Inf")):
        """A session of a model that another task makes ready; DeadlineExceededError after MAX_WAIT_SECS."""
        until = None if max_wait_secs is None else time.time() + max_wait_secs
        pause = min(0.1, self._recovery_wait_secs)  # most models are ready soon; then less and less often
        while True:
            sess = session.Session(master, graph=self._graph, config=config)
            ready, message = self._try_run_local_init_op(sess)
            if ready:
                ready, message = self._model_ready(sess)
                if ready:
                    return sess
            sess.close()
            rest = None if until is None else until - time.time()
            if rest is not None and rest - pause < 0:
                raise errors.DeadlineExceededError(
                    None, None, f"Session was not ready after waiting {max_wait_secs} secs."
                )
            logging.info("Waiting for model to be ready.  Ready_for_local_init_op:  %s, ready: %s", message, ready)
            time.sleep(pause)
            pause = min(2 * pause, self._recovery_wait_secs)

    def _model_ready(self, sess):
        return _ready(self._ready_op, sess, "Model not ready")

    def _model_ready_for_local_init(self, sess):
        return _ready(self._ready_for_local_init_op, sess, "Model not ready for local init")

    def _try_run_local_init_op(self, sess):
        """(whether the local initialisation was run or is not wanted, message)."""
        if self._local_init_op is None:
            return True, None
        ready, message = self._model_ready_for_local_init(sess)
        if not ready:
            return False, message
        logging.info("Running local_init_op.")
        sess.run(self._local_init_op, feed_dict=self._local_init_feed_dict, options=self._local_init_run_options)
        logging.info("Done running local_init_op.")
        return True, None


def _ready(op, sess, message):
    """(whether OP, which gives the names of what is not initialised, gives none; why not)."""
    if op is None:
        return True, None
    try:
        value = sess.run(op)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            logging.warning("%s : error [%s]", message, error)
            raise
        return False, str(error)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in value] if value is not None else []
    return (True, None) if not names else (False, "Variables not initialized: " + ", ".join(names))
