"""Events to a file, written by a thread of their own so that training does not wait for the disk."""

import queue
import threading
import time

from tenon import _core
from tenon.python.framework import proto as messages

_CLOSE = object()


class _Flush:
    """Asks the thread to flush; set once that is done."""

    def __init__(self):
        self.done = threading.Event()


class EventFileWriter:
    """Writes events to a new file in LOGDIR, flushing every FLUSH_SECS seconds; at most MAX_QUEUE wait."""

    def __init__(self, logdir, max_queue=10, flush_secs=120, filename_suffix=None):
        self._logdir = str(logdir)
        self._max_queue, self._flush_secs, self._suffix = max_queue, flush_secs, filename_suffix or ""
        self._lock = threading.Lock()
        self._start()

    def _start(self):
        self._writer = _core.EventWriter(self._logdir, self._suffix)
        self._queue = queue.Queue(self._max_queue)
        self._error = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, args=(self._writer, self._queue), daemon=True)
        self._thread.start()

    def _run(self, writer, waiting):
        """Writes what comes until told to close. After an error, which the next call raises, it writes no more."""
        due = time.monotonic() + self._flush_secs
        while True:
            item = None
            try:
                item = waiting.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                pass
            try:
                if isinstance(item, bytes) and self._error is None:
                    writer.write(item)
                if item is None or isinstance(item, _Flush) or time.monotonic() >= due:
                    due = time.monotonic() + self._flush_secs
                    writer.flush()
                if item is _CLOSE:
                    writer.close()
            except Exception as error:
                self._error = self._error or error
            if isinstance(item, _Flush):
                item.done.set()
            if item is _CLOSE:
                return

    def _raise(self):
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def get_logdir(self):
        """The folder."""
        return self._logdir

    def add_event(self, event):
        """Queues an Event; where the queue is full this waits."""
        if not self._closed:
            self._raise()
            self._queue.put(event.SerializeToString())

    def flush(self):
        """Returns when all that was added is where readers see it."""
        with self._lock:
            if self._closed:
                return
            request = _Flush()
            self._queue.put(request)
            request.done.wait()
        self._raise()

    def close(self):
        """Writes the rest and closes the file; reopen starts a new one."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(_CLOSE)
            self._thread.join()
        self._raise()

    def reopen(self):
        """After close: starts a new file; otherwise nothing happens."""
        with self._lock:
            if self._closed:
                self._start()

    @property
    def closed(self):
        return self._closed


def new_event(**fields):
    """An Event of now."""
    return messages.Event(wall_time=time.time(), **fields)
