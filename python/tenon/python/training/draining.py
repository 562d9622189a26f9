"""SIGTERM: a program finishes its step, saves what its hooks save, and leaves with the exit code 143.

A monitored session (or a Supervisor's managed one) in the main thread, or a server that is joined there, answers the
signal, unless the program has a handler of its own. The step under way is finished, then Drained is raised; the
session's end runs the hooks. A step that has not ended after half of TENON_GRACE (25 s) waits for others that have
left: it is cancelled.
"""

import contextlib
import os
import signal
import threading
import time

from tenon import _core
from tenon.python.framework.errors import CancelledError


class Drained(SystemExit):
    """The process was told to end, and does so in order."""

    def __init__(self):
        super().__init__(128 + signal.SIGTERM)


class _State:
    sessions = 0  # monitored sessions, and servers that are joined, of the main thread
    depth = 0  # how deep the main thread is in what has to be finished
    ending = False  # a session is being closed: that is never cut short
    requested = forced = False
    pipe = None


def _grace():
    try:
        return max(0.0, float(os.environ.get("TENON_GRACE", "25")))
    except ValueError:
        return 25.0


def _on_main_thread():
    return threading.current_thread() is threading.main_thread()


def _watch(pipe):
    """A thread: half the grace period after SIGTERM it cancels the step of the main thread, as Ctrl-C does where that
    is not turned off (shells do so for what they start in the background). That thread itself does not hear of signals
    while it is in a step."""
    while numbers := os.read(pipe, 64):
        if signal.SIGTERM not in numbers:
            continue
        time.sleep(_grace() / 2)
        if _State.depth and not _State.ending:
            _State.forced = True
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            else:
                _core.cancel_step()


def _listen():
    """Has the system's handler tell the thread, unless the program uses that way itself."""
    if _State.pipe is None:
        ends = os.pipe()
        os.set_blocking(ends[1], False)
        _State.pipe = ends[1]
        threading.Thread(target=_watch, args=(ends[0],), daemon=True).start()
        os.register_at_fork(after_in_child=_forget)
    before = signal.set_wakeup_fd(_State.pipe, warn_on_full_buffer=False)
    if before not in (-1, _State.pipe):
        signal.set_wakeup_fd(before)


def _forget():
    """A child is not the task: SIGTERM ends it."""
    if signal.getsignal(signal.SIGTERM) is _requested:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
    _State.pipe, _State.sessions, _State.depth = None, 0, 0


def _requested(number, frame):
    _State.requested = True
    if not _State.depth:
        raise Drained


def begin():
    """Answers SIGTERM until the_end. True if it does: in the main thread, where the program does not itself."""
    if not _on_main_thread() or signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, _requested):
        return False
    if not _State.sessions:
        signal.signal(signal.SIGTERM, _requested)
        _listen()
    _State.sessions += 1
    return True


def _leave():
    _State.sessions -= 1
    if not _State.sessions:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        before = signal.set_wakeup_fd(-1)
        if before not in (-1, _State.pipe):
            signal.set_wakeup_fd(before)


def check():
    """Drained if the process was told to end: nothing new is begun."""
    if _State.requested and _on_main_thread():
        raise Drained


@contextlib.contextmanager
def one_step():
    """A block that is finished before the process ends, unless it takes too long."""
    if not _State.sessions or not _on_main_thread():
        yield
        return
    check()
    _State.depth += 1
    try:
        yield
    except (KeyboardInterrupt, CancelledError):
        if not _State.forced:
            raise
    finally:
        _State.depth -= 1
    check()


@contextlib.contextmanager
def the_end(begun):
    """A block that is finished, after which SIGTERM is not answered any more. BEGUN is what begin returned."""
    if not begun:
        yield
        return
    _State.depth += 1
    _State.ending = True
    try:
        yield
    finally:
        _State.depth -= 1
        _State.ending = False
        _leave()
    check()


@contextlib.contextmanager
def serving(server):
    """A block that waits for a server to stop: SIGTERM ends it once nobody uses the server any more."""
    begun = begin()
    try:
        yield
    except Drained:
        until = time.monotonic() + _grace()
        while not server.idle() and time.monotonic() < until:
            server.join(50)
        server.stop()
        raise
    finally:
        if begun:
            _leave()
