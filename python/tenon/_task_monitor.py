"""Tells a task's step, loss and health to those who watch it (src/monitor). Loaded where TENON_METRICS_PORT is set, and
then only: programs that nobody watches pay nothing."""

import faulthandler
import signal
import sys
import time

from tenon import _monitor

SAMPLE_SECONDS = 1.0
NEVER = 2**62  # a step that no training reaches
_servers = []


def start():
    """Begins to serve, as the environment says. A port that can't be had is told, and the program goes on."""
    number = signal.SIGRTMAX - 4
    faulthandler.register(number, file=2, all_threads=True)
    try:
        _monitor.start(number)
    except OSError as error:
        print(f"tenon: {error}; this task is not watched", file=sys.stderr)


def server_started(server):
    """A tf.train.Server listens: the task is ready, and what it sends is counted."""
    _servers.append(server)
    _monitor.ready(True)


def tell_traffic():
    """What the servers of this process have carried."""
    for direction in ("in", "out"):
        for way in ("network", "local", "shared"):
            total = sum(server._core.traffic()[f"{way}_{direction}"] for server in _servers)
            name = "bytes_received_total" if direction == "in" else "bytes_sent_total"
            _monitor.set(name, f'transport="{way}"', float(total))


def _last_step(hooks):
    """At which step the training ends, by the hooks that end it; -1: unknown."""
    ending = ("StopAtStepHook", "_SyncShardsHook")
    steps = (hook._last_step for hook in hooks if type(hook).__name__ in ending)
    return min((int(step) for step in steps if step is not None and step < NEVER), default=-1)


def _examples(feed_dict):
    """How many examples a step is fed: the longest first dimension among its inputs; 0: nothing is fed."""
    shapes = (getattr(value, "shape", None) for value in (feed_dict or {}).values())
    return max((int(shape[0]) for shape in shapes if shape), default=0)


class _Training:
    """What both kinds of sessions need: the tensors that are looked at now and then, and where they are told."""

    def __init__(self, hooks=()):
        self.hooks, self.open = hooks, False
        self.next_sample = 0.0

    def find(self):
        """Finds (and, before the graph is finalized, makes) the tensors that tell how the training is doing."""
        from tenon.python.framework import ops
        from tenon.python.training import training_util

        graph = ops.get_default_graph()
        self.step_tensor = training_util.get_global_step(graph)
        losses = graph.get_collection(ops.GraphKeys.LOSSES)
        self.loss, self.queues = (losses[0] if len(losses) == 1 else None), {}
        if graph.finalized:
            return
        from tenon.python.ops import math_ops

        if len(losses) > 1:
            self.loss = math_ops.add_n(losses, name="tenon_monitor/loss")
        for runner in graph.get_collection(ops.GraphKeys.QUEUE_RUNNERS):
            self.queues[runner.name] = runner.queue.size(name="tenon_monitor/queue_size")

    def set_open(self, value):
        if value != self.open:
            self.open = value
            (_monitor.begin if value else _monitor.end)()

    def fetches(self, original):
        """What to fetch beside ORIGINAL, where the time has come; None: nothing."""
        now = time.monotonic()
        if now < self.next_sample:
            return None
        self.next_sample = now + SAMPLE_SECONDS
        loss = _loss_among(original)
        wanted = {"step": self.step_tensor, "loss": self.loss if loss is None else loss}
        wanted.update((("queue", name), size) for name, size in self.queues.items())
        return {key: tensor for key, tensor in wanted.items() if tensor is not None} or None

    def tell(self, values, examples):
        """A step ended; VALUES: what fetches() asked for came back as."""
        _monitor.step(1, float(examples))
        if values is None:
            return
        loss = values.get("loss")
        _monitor.report(int(values.get("step", -1)), _last_step(self.hooks), None if loss is None else float(loss))
        for key, value in values.items():
            if isinstance(key, tuple):
                _monitor.set("queue_depth", f'queue="{key[1]}"', float(value))
        tell_traffic()


def _loss_among(fetches):
    """The loss among what a program fetches; None if there is none."""
    from tenon._session_monitor import loss_place
    from tenon.python.framework import ops

    if isinstance(fetches, dict):
        fetches = list(fetches.values())
    elif not isinstance(fetches, (list, tuple)):
        fetches = [fetches]
    tensors = [fetch for fetch in fetches if isinstance(fetch, ops.Tensor)]
    place = loss_place(tensors)
    return None if place is None else tensors[place]


def hook(hooks):
    """A hook that tells of the steps of a monitored session, whose other hooks are HOOKS."""
    from tenon.python.training import session_run_hook

    class Hook(session_run_hook.SessionRunHook):
        def __init__(self):
            self.training = _Training(hooks)

        def begin(self):
            self.training.find()

        def after_create_session(self, session, coord):
            session._watch = False  # its steps are told here
            self.training.set_open(True)

        def before_run(self, run_context):
            wanted = self.training.fetches(run_context.original_args.fetches)
            return session_run_hook.SessionRunArgs(wanted) if wanted else None

        def after_run(self, run_context, run_values):
            self.training.tell(run_values.results, _examples(run_context.original_args.feed_dict))

        def _closed(self):
            self.training.set_open(False)

        def end(self, session):
            wanted = {key: tensor for key, tensor in {"step": self.training.step_tensor}.items() if tensor is not None}
            if wanted:
                _monitor.report(int(session.run(wanted)["step"]), _last_step(hooks), None)

    return Hook()
