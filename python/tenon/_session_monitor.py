"""Tells the steps of sessions that a program runs by itself: a bare loop around Session.run, Keras' fit, TFLearn, what
a Supervisor manages. Loaded, as _task_monitor is, where somebody watches; monitored sessions have a hook instead."""

import atexit
import re
import time
import weakref

from tenon import _monitor
from tenon._convert import to_numpy
from tenon._task_monitor import SAMPLE_SECONDS, tell_traffic

LAST_LOOK_MS = 10000  # how long the last look at the global step may take
UPDATES = re.compile(r"(Resource)?(Sparse)?(Apply[A-Z]|AccumulatorApplyGradient)")
ASSIGNS = re.compile(r"(Assign|(Resource)?Scatter)(Add|Sub|Update)?(VariableOp)?$")
LOSS_WORDS = ("loss", "cost", "entropy", "error", "mean")


def loss_place(items):
    """Which of the fetched ITEMS is the loss: the scalar whose name says so, by its last part or else by another."""
    scalars = [(i, item.op.name.lower()) for i, item in enumerate(items)
               if hasattr(item, "dtype") and item.dtype.is_floating and item.shape.ndims == 0]  # fmt: skip
    for part in (lambda name: name.rsplit("/", 1)[-1], lambda name: name):
        for i, name in scalars:
            if any(word in part(name) for word in LOSS_WORDS):
                return i
    return None


def _behind(operations):
    """All that OPERATIONS need."""
    seen, todo = set(), list(operations)
    while todo:
        op = todo.pop()
        if op not in seen:
            seen.add(op)
            todo.extend(tensor.op for tensor in op.inputs)
            todo.extend(op.control_inputs)
    return seen


def trains(graph, items):
    """Whether a step that fetches ITEMS trains: it applies gradients, or gives a trainable variable a value that comes
    from its present one, as optimizers do that are made of assignments. Initial values and restored ones do not."""
    from tenon.python.framework import ops

    needed = _behind(getattr(item, "op", item) for item in items)
    if any(UPDATES.match(op.type) for op in needed):
        return True
    trainable = {getattr(v, "handle", v).op for v in graph.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES)}
    for op in needed:
        if ASSIGNS.match(op.type) and len(op.inputs) > 1 and op.inputs[0].op in trainable:
            if "Add" in op.type or "Sub" in op.type:
                return True
            if op.inputs[0].op in _behind(tensor.op for tensor in op.inputs[1:]):
                return True
    return False


class Watch:
    """Of one session: its own steps as they end, the global step and the loss now and then."""

    def __init__(self, session):
        self.session = weakref.ref(session)
        self.open, self.looking, self.failed = False, False, False
        self.next_sample = 0.0

    def set_open(self, value):
        if value != self.open:
            self.open = value
            (_monitor.begin if value else _monitor.end)()

    def global_step(self, session, options=None):
        """Its value; -1 if there is none, or it can't be read."""
        from tenon.python.training import training_util

        try:
            step = training_util.get_global_step(session.graph)
            return -1 if step is None else int(session.run(step, options=options))
        except Exception:  # a look from outside: whatever is wrong with the session, the program hears of it itself
            return -1

    def ended(self, trained, examples, loss):
        """A run has ended; LOSS gives the loss that it fetched, or None."""
        if self.looking or not (trained or self.open):
            return
        self.set_open(True)
        _monitor.step(int(trained), float(examples))
        now, session = time.monotonic(), self.session()
        if not trained or now < self.next_sample or session is None:
            return
        self.next_sample, self.looking = now + SAMPLE_SECONDS, True
        try:
            _monitor.report(self.global_step(session), -1, loss())
            tell_traffic()
        finally:
            self.looking = False

    def closing(self):
        """The session will be closed: a last look, unless its last run failed."""
        session = self.session()
        if not self.open:
            return
        if session is not None and not self.failed:
            from tenon.python.framework.proto import RunOptions

            self.looking = True
            _monitor.report(self.global_step(session, RunOptions(timeout_in_ms=LAST_LOOK_MS)), -1, None)
        self.set_open(False)


class Counted:
    """The core's callable of a step, whose runs are counted."""

    def __init__(self, watch, core, items, feeds):
        self.watch, self.core = watch, core
        self.trained, self.place = trains(watch.session().graph, items), loss_place(items)
        self.feeds = len(feeds)

    def tell(self, values, results):
        shapes = (getattr(value, "shape", None) for value in values)
        examples = max((int(shape[0]) for shape in shapes if shape), default=0) if self.trained else 0
        self.watch.failed = False

        def loss():
            return None if self.place is None else float(to_numpy(results[self.place]))

        self.watch.ended(self.trained, examples, loss)

    def attempt(self, function, *arguments):
        try:
            return function(*arguments)
        except BaseException:
            self.watch.failed = True
            raise

    def run(self, *values):
        results = self.attempt(self.core.run, *values)
        self.tell(values, results)
        return results

    def run_with(self, values, settings):
        made = self.attempt(self.core.run_with, values, settings)
        self.tell(values, made[0])
        return made


_watches = weakref.WeakSet()


def counted(session, core, items, feeds):
    """CORE, the callable of a step of SESSION that fetches ITEMS, so that its runs are told; CORE itself for a session
    whose steps somebody else tells."""
    if session._watch is False:
        return core
    if session._watch is None:
        session._watch = Watch(session)
        _watches.add(session._watch)
    return Counted(session._watch, core, items, feeds)


@atexit.register
def _last_words():
    for watch in list(_watches):
        watch.closing()
