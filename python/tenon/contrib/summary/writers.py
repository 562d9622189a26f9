"""tf.contrib.summary's writers: summaries go to event files as the graph runs, without being fetched."""

import abc
import contextlib
import itertools
import os
import threading

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.framework import proto as messages
from tenon.python.ops import control_flow_ops, script_ops
from tenon.python.platform import tf_logging as logging
from tenon.python.summary.writer import event_file_writer
from tenon.python.util.tf_export import tf_export

INITIALIZERS = "_SUMMARY_WRITER_V2"
_numbers = itertools.count()


def _bytes(value):
    """A string scalar, which an operation's function gets as bytes or as an array of one object."""
    return value if isinstance(value, bytes) else value.item()


class _State(threading.local):
    """What the `with` blocks of this thread say."""

    recording = None
    writer = None


state = _State()


@tf_export("contrib.summary.SummaryWriter")
class SummaryWriter(abc.ABC):
    """Where summaries are written to."""

    @abc.abstractmethod
    def set_as_default(self):
        """Summaries go to it from now on."""

    @abc.abstractmethod
    def as_default(self):
        """A `with` block in which summaries go to it."""

    def init(self):
        """The operation that opens it."""
        raise NotImplementedError

    def flush(self):
        """The operation that makes readers see what was written."""
        raise NotImplementedError

    def close(self):
        """The operation that closes it."""
        raise NotImplementedError


class NoopSummaryWriter(SummaryWriter):
    """Writes nothing."""

    def set_as_default(self):
        pass

    @contextlib.contextmanager
    def as_default(self):
        yield

    def init(self):
        pass

    def flush(self):
        pass

    def close(self):
        pass


class FileSummaryWriter(SummaryWriter):
    """Writes an event file, which its initializer opens."""

    def __init__(self, logdir, max_queue, flush_millis, filename_suffix):
        self._make = {"max_queue": max_queue, "flush_secs": flush_millis / 1000,
                      "filename_suffix": f".{os.getpid()}.{next(_numbers)}{filename_suffix}"}  # fmt: skip
        self._logdir, self._file, self._lock = logdir, None, threading.Lock()
        self._init_op = self._call(self._open, "create_file_writer")
        if not ops.executing_eagerly():
            ops.add_to_collection(INITIALIZERS, self._init_op)

    @staticmethod
    def _call(function, name, inputs=()):
        """An operation that calls FUNCTION; None where it was called at once."""

        def call(*arrays):
            function(*arrays)
            return np.int64(0)

        made = script_ops._call(call, list(inputs), dtypes.int64, True, name)
        return None if ops.executing_eagerly() else made.op

    def _open(self):
        with self._lock:
            if self._file is None:
                self._file = event_file_writer.EventFileWriter(self._logdir, **self._make)

    def _opened(self):
        if self._file is None:
            raise RuntimeError(
                f"The summary writer of {self._logdir} is not initialized: run its init(), or "
                "tf.contrib.summary.initialize"
            )
        return self._file

    def set_as_default(self):
        state.writer = self

    @contextlib.contextmanager
    def as_default(self):
        old, state.writer = state.writer, self
        try:
            yield self
            self.flush()
        finally:
            state.writer = old

    def init(self):
        return self._init_op

    def flush(self):
        return self._call(lambda: self._opened().flush(), "flush_writer")

    def _close(self):
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def close(self):
        with ops.control_dependencies([operation for operation in [self.flush()] if operation is not None]):
            return self._call(self._close, "close_writer")

    def write_summary(self, step, summary, name):
        """The operation that writes a serialised Summary at STEP."""

        def write(step, summary):
            event = event_file_writer.new_event(step=int(step))
            event.summary.MergeFromString(_bytes(summary))
            self._opened().add_event(event)

        return self._call(write, name, [step, summary])

    def write_graph(self, step, graph_def, name):
        """The operation that writes a serialised GraphDef at STEP."""

        def write(step, graph_def):
            event = event_file_writer.new_event(step=int(step), graph_def=_bytes(graph_def))
            self._opened().add_event(event)

        return self._call(write, name, [step, graph_def])

    def write_event(self, event, name):
        """The operation that writes a serialised Event."""

        def write(event):
            self._opened().add_event(messages.Event.FromString(_bytes(event)))

        return self._call(write, name, [event])


@tf_export("contrib.summary.create_file_writer")
def create_file_writer(logdir, max_queue=None, flush_millis=None, filename_suffix=None, name=None):
    """A writer of event files in LOGDIR; one that writes nothing if that is None."""
    if logdir is None:
        return NoopSummaryWriter()
    return FileSummaryWriter(
        str(logdir), 10 if max_queue is None else max_queue, 120_000 if flush_millis is None else flush_millis,
        ".v2" if filename_suffix is None else filename_suffix,
    )  # fmt: skip


@tf_export("contrib.summary.create_summary_file_writer")
def create_summary_file_writer(*args, **kwargs):
    """create_file_writer."""
    logging.warning("create_summary_file_writer was renamed to create_file_writer")
    return create_file_writer(*args, **kwargs)


@tf_export("contrib.summary.flush")
def flush(writer=None, name=None):
    """The operation that makes readers see what WRITER, or the default one, wrote."""
    writer = state.writer if writer is None else writer
    return control_flow_ops.no_op() if writer is None else writer.flush()


@tf_export("contrib.summary.summary_writer_initializer_op")
def summary_writer_initializer_op():
    """The operations that open the graph's writers."""
    if ops.executing_eagerly():
        raise RuntimeError("tf.contrib.summary.summary_writer_initializer_op is only supported in graph mode.")
    return ops.get_collection(INITIALIZERS)


@tf_export("contrib.summary.eval_dir")
def eval_dir(model_dir, name=None):
    """The folder of an evaluation's summaries."""
    return os.path.join(model_dir, "eval" if not name else "eval_" + name)
