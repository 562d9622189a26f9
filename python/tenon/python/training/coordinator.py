"""tf.train.Coordinator: threads that stop together."""

import contextlib
import sys
import threading
import time

from tenon.python.framework import errors
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


@tf_export("train.Coordinator")
class Coordinator:
    """Tells threads when to stop, and passes the first exception of any of them on to whoever joins them.

    CLEAN_STOP_EXCEPTION_TYPES (OutOfRangeError) mean that the work is done.
    """

    def __init__(self, clean_stop_exception_types=None):
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (errors.OutOfRangeError,)
        self._clean_stop_exception_types = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._exc_info_to_raise = None
        self._joined = False
        self._registered_threads = set()

    def _filter_exception(self, ex):
        """(type, exception, traceback) of EX; a clean stop becomes None."""
        info = ex if isinstance(ex, tuple) else (type(ex), ex, ex.__traceback__)
        return None if isinstance(info[1], self._clean_stop_exception_types) else info

    def request_stop(self, ex=None):
        """Asks all threads to stop; EX, an exception or sys.exc_info(), is raised by join, if it is the first."""
        with self._lock:
            info = self._filter_exception(ex) if ex else None
            if self._joined:
                # Nobody will join again: whoever is too late learns of it here.
                if info is not None:
                    raise info[1].with_traceback(info[2])
                return
            if not self._stop_event.is_set():
                if ex and info is not None:
                    kind = getattr(info[0], "__name__", info[0])
                    logging.info("Error reported to Coordinator: %s, %s", kind, info[1])
                    self._exc_info_to_raise = info
                self._stop_event.set()

    def clear_stop(self):
        """Forgets that a stop was asked for."""
        with self._lock:
            self._joined = False
            self._exc_info_to_raise = None
            self._stop_event.clear()

    def should_stop(self):
        """Whether a stop was asked for."""
        return self._stop_event.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self):
        """A block whose exception becomes a request to stop."""
        try:
            yield
        except BaseException:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout=None):
        """Waits until a stop was asked for; whether it was."""
        return self._stop_event.wait(timeout)

    def register_thread(self, thread):
        """Adds a thread that join waits for."""
        with self._lock:
            self._registered_threads.add(thread)

    def join(self, threads=None, stop_grace_period_secs=120, ignore_live_threads=False):
        """Waits for the threads, after a stop at most STOP_GRACE_PERIOD_SECS; raises what one of them reported."""
        with self._lock:
            threads = list(self._registered_threads.union(threads or ()))
        while any(thread.is_alive() for thread in threads) and not self.wait_for_stop(0.02):
            pass
        if not self._stop_event.is_set():
            for thread in threads:
                thread.join()
        until = time.monotonic() + stop_grace_period_secs
        for thread in threads:
            while thread.is_alive() and time.monotonic() < until:
                thread.join(0.02)
        alive = [thread.name for thread in threads if thread.is_alive()]
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            if self._exc_info_to_raise:
                _, exception, trace = self._exc_info_to_raise
                raise exception.with_traceback(trace)
        if alive:
            text = f"Coordinator stopped with threads still running: {' '.join(alive)}"
            if not ignore_live_threads:
                raise RuntimeError(text)
            logging.info(text)

    @property
    def joined(self):
        """Whether join returned."""
        return self._joined

    def raise_requested_exception(self):
        """Raises what was reported, if anything was."""
        with self._lock:
            if self._exc_info_to_raise:
                _, exception, trace = self._exc_info_to_raise
                raise exception.with_traceback(trace)


@tf_export("train.LooperThread")
class LooperThread(threading.Thread):
    """A thread that calls a function every TIMER_INTERVAL_SECS seconds (None: without a pause) until COORD stops."""

    def __init__(self, coord, timer_interval_secs, target=None, args=None, kwargs=None):
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord, self._timer_interval_secs, self._target = coord, timer_interval_secs, target
        self._args, self._kwargs = args or (), kwargs or {}
        if self._target is None and self._args:
            raise ValueError("'args' argument requires that you also pass 'target'")
        coord.register_thread(self)

    @staticmethod
    def loop(coord, timer_interval_secs, target, args=None, kwargs=None):
        """Starts such a thread."""
        looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def run(self):
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                due = time.time()
                while not self._coord.wait_for_stop(due - time.time()):
                    due += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self):
        """Called when the thread starts."""

    def stop_loop(self):
        """Called when the thread stops."""

    def run_loop(self):
        """Called each time."""
        if self._target:
            self._target(*self._args, **self._kwargs)
