"""Sessions: steps by feeds and fetches, with the resolved form of each kept."""

from tenon import _core
from tenon._core import Cancellation
from tenon._graph import Graph, Operation, Tensor
from tenon.python.framework import errors

_STEPS = 256  # resolved steps that a session keeps

__all__ = ["Cancellation", "Session"]


def _to_numpy(value):
    """Replaced by tenon._convert's own on the first result, which loads NumPy."""
    global _to_numpy
    from tenon._convert import to_numpy

    _to_numpy = to_numpy
    return to_numpy(value)


class RunMetadata:
    """What a traced step did: `step_stats` is a serialised StepStats, `chrome_trace` JSON for chrome://tracing."""

    __slots__ = ("chrome_trace", "step_stats")

    def __init__(self):
        self.step_stats = b""
        self.chrome_trace = ""


class _Step:
    """A resolved step: the extension's callable, and how its results become what was asked for."""

    __slots__ = ("build", "core", "run")

    def __init__(self, core, build):
        self.core = core
        self.run = core.run
        self.build = build


def _collect(fetches, into):
    """Appends the fetched tensors and operations to INTO; returns a function from the results to FETCHES' structure."""
    if isinstance(fetches, Tensor):
        into.append(fetches)
        at = len(into) - 1
        return lambda results: _to_numpy(results[at])
    if isinstance(fetches, Operation):
        into.append(fetches)
        return lambda results: None
    if isinstance(fetches, dict):
        parts = {key: _collect(value, into) for key, value in fetches.items()}
        return lambda results: {key: part(results) for key, part in parts.items()}
    if isinstance(fetches, tuple) and hasattr(fetches, "_fields"):
        parts = [_collect(value, into) for value in fetches]
        return lambda results: type(fetches)(*(part(results) for part in parts))
    if isinstance(fetches, (list, tuple)):
        parts = [_collect(value, into) for value in fetches]
        return lambda results: type(fetches)(part(results) for part in parts)
    raise TypeError(f"can't fetch {fetches!r}")


class Session:
    """Runs a graph and holds its state. Thread-safe."""

    def __init__(self, graph, intra_op_threads=0, inter_op_threads=0, disabled_passes=None, dynamic_only=False,
                 soft_placement=True):  # fmt: skip
        if not isinstance(graph, Graph):
            raise TypeError(f"a session needs a Graph, got {graph!r}")
        self.graph = graph
        self._core = _core.Session(
            graph, intra_op_threads, inter_op_threads, disabled_passes, dynamic_only, soft_placement
        )
        self._steps = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Cancels running steps; later ones fail with CancelledError."""
        self._core.close()

    def run(self, fetches, feeds=None, timeout_ms=0, trace=None, cancellation=None):
        """A step. FETCHES: a Tensor, an Operation, a name, or a list, tuple or dict of them; FEEDS: tensors to values.

        Results are NumPy arrays (NumPy scalars for rank 0), None for operations. TRACE is a RunMetadata to fill.
        """
        try:
            step = self._steps[(fetches, *feeds) if feeds else (fetches,)]
        except (KeyError, TypeError):
            step = self._step(fetches, feeds)
        if timeout_ms or trace is not None or cancellation is not None:
            return self._run_with(step, feeds, (timeout_ms, int(trace is not None), cancellation), trace)
        return step.build(step.run(*feeds.values()) if feeds else step.run())

    def _run_with(self, step, feeds, options, trace):
        results, metadata = step.core.run_with(tuple(feeds.values()) if feeds else (), options)
        if trace is not None and metadata is not None:
            trace.step_stats, trace.chrome_trace = metadata
        return step.build(results)

    def _step(self, fetches, feeds):
        """The resolved step, from the cache if FETCHES has a form that can be a key there."""
        key = (_freeze(fetches), *(feeds or ()))
        step = self._steps.get(key)
        if step is None:
            step = self._make(self._named(fetches), [self._named(feed) for feed in feeds or ()])
            if len(self._steps) >= _STEPS:
                self._steps.clear()
            self._steps[key] = step
            if not isinstance(fetches, (list, dict)):
                self._steps[(fetches, *(feeds or ()))] = step
        return step

    def _named(self, fetches):
        """FETCHES with names replaced by what they stand for."""
        if isinstance(fetches, str):
            found = self.graph.operation(fetches)
            return found if found and not found.outputs else self.graph.tensor(fetches)
        if isinstance(fetches, dict):
            return {key: self._named(value) for key, value in fetches.items()}
        if type(fetches) in (list, tuple):
            return type(fetches)(map(self._named, fetches))
        return fetches

    def _make(self, fetches, feeds):
        found = []
        build = _collect(fetches, found)
        for item in (*found, *feeds):
            if item.graph is not self.graph:
                raise errors.InvalidArgumentError(f"{item!r} is not of this session's graph")
        core = self._core.make_callable([feed.ref for feed in feeds], [item.ref for item in found], ())
        return _Step(core, build)

    def make_callable(self, fetches, feeds=()):
        """A function of the values for FEEDS that runs the step."""
        step = self._make(self._named(fetches), [self._named(feed) for feed in feeds])
        run, build = step.run, step.build
        return lambda *values: build(run(*values))


def _freeze(fetches):
    """FETCHES as a key: lists and dicts as tuples that tell their kind."""
    if isinstance(fetches, dict):
        return (dict, *((key, _freeze(value)) for key, value in fetches.items()))
    if isinstance(fetches, (list, tuple)):
        return (type(fetches), *map(_freeze, fetches))
    return fetches
