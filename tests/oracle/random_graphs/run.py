"""Runs recipes in many ways, compares, and shrinks what differs."""

import copy
import threading

import numpy as np

from oracle.random_graphs.make import make
from oracle.random_graphs.recipe import Unit, build, reachable, text
from tenon import _core, _thin

STEPS = 3
TOLERANCE = {"float32": 2e-4, "float64": 1e-9, "float16": 2e-2, "bfloat16": 1e-1}


def results(built, **options):
    """The fetched values of some steps in a new session."""
    with _thin.Session(built.graph, **options) as session:
        if built.initial:
            session.run(built.initial)
        return [session.run(built.fetches, built.feeds) for _ in range(STEPS)]


def differs(got, want):
    """What is different, "" if nothing is."""
    for step, (a, b) in enumerate(zip(got, want)):
        for i, (x, y) in enumerate(zip(a, b)):
            x, y = np.asarray(x), np.asarray(y)
            if x.shape != y.shape or x.dtype != y.dtype:
                return f"step {step}, fetch {i}: {x.dtype}{x.shape}, expected {y.dtype}{y.shape}"
            if x.dtype.kind in "biu":
                wrong = x != y
            else:
                p, q = x.astype(np.float64), y.astype(np.float64)
                scale = 1 + np.max(np.abs(q), initial=0, where=np.isfinite(q))
                with np.errstate(all="ignore"):
                    wrong = ~(
                        (np.abs(p - q) <= TOLERANCE[x.dtype.name] * scale) | (p == q) | (np.isnan(p) & np.isnan(q))
                    )
            if np.any(wrong):
                at = tuple(int(k) for k in np.argwhere(wrong)[0])
                return f"step {step}, fetch {i} ({x.dtype.name}) at {list(at)}: {x[at]!r}, expected {y[at]!r}"
    return ""


def same_bits(got, want):
    return all(
        np.asarray(x).tobytes() == np.asarray(y).tobytes() for a, b in zip(got, want) for x, y in zip(a, b)
    )  # fmt: skip


def modes(seed, passes):
    """The ways to run graph SEED: all passes, none, one of them off, and both executors."""
    yield "all passes", {}
    if passes:
        off = passes[seed % len(passes)]
        yield f"without {off}", {"disabled_passes": off}
    yield "dynamic executor", {"dynamic_only": True}
    if seed % 4 == 0:
        yield "dynamic executor, no passes", {"dynamic_only": True, "disabled_passes": "all"}
    if seed % 4 == 1:
        yield "one thread", {"intra_op_threads": 1, "inter_op_threads": 1}


def concurrently(built):
    """Two sessions at once: their results."""
    found = [None, None]

    def work(i):
        try:
            found[i] = results(built)
        except Exception as error:
            found[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        if isinstance(result, Exception):
            raise result
    return found


def complaint(recipe, only=None):
    """(mode, what differs) for a recipe, or None. ONLY: the mode to try."""
    built = build(recipe)
    passes = list(_core.passes())
    want = results(built, disabled_passes="all")
    first = None
    for mode, options in modes(recipe.seed, passes):
        if only not in (None, mode):
            continue
        try:
            got = results(built, **options)
        except _thin.errors.OpError as error:
            return mode, f"{type(error).__name__}: {error}"
        wrong = differs(got, want)
        if wrong:
            return mode, wrong
        first = first or got
    if recipe.seed % 8 == 0 and only in (None, "concurrent sessions"):
        for got in concurrently(built):
            if not same_bits(got, first or results(built)):
                return "concurrent sessions", "other bits than alone"
    return None


def shrink(recipe, mode):
    """The smallest recipe found that fails in MODE: fewer fetches, then units replaced by feeds of their values."""

    def fails(candidate):
        try:
            return complaint(candidate, mode) is not None
        except _thin.errors.OpError:
            return False

    best = copy.copy(recipe)
    for smaller in [*_fewer_fetches(recipe)]:
        if fails(smaller):
            best = smaller
            break
    for i in sorted(reachable(best, _roots(best)), reverse=True):
        candidate = _cut(best, i)
        if candidate is not None and fails(candidate):
            best = candidate
    return best


def _roots(recipe):
    return [*recipe.fetches, *(v for y, xs in recipe.gradients for v in (y, *xs))]


def _fewer_fetches(recipe):
    for value in recipe.fetches:
        candidate = copy.copy(recipe)
        candidate.fetches, candidate.gradients = [value], []
        yield candidate
    if recipe.gradients:
        candidate = copy.copy(recipe)
        candidate.fetches = []
        yield candidate


def _cut(recipe, i):
    """RECIPE with unit I replaced by feeds of what it gives in the first step, None if that can't be."""
    unit = recipe.units[i]
    if unit.fixed or unit.feed is not None or len(unit.values) != 1 or unit.kind == "constant":
        return None
    value = unit.values[0]
    try:
        built = build(recipe, wanted=[value])
        got = results(built, disabled_passes="all")[0][0]
    except _thin.errors.OpError:
        return None
    feed = Unit("feed", [], values=[value])
    node = feed.node("Placeholder", dtype=value.dtype, shape=list(value.shape))
    feed.outputs, feed.feed = [(node, 0)], np.asarray(got)
    candidate = copy.copy(recipe)
    candidate.units = [*recipe.units[:i], feed, *recipe.units[i + 1 :]]
    return candidate


def check(seed):
    """None, or a report about graph SEED with the smallest graph that shows it."""
    recipe = make(seed)
    found = complaint(recipe)
    if found is None:
        return None
    mode, wrong = found
    small = shrink(recipe, mode)
    return f"graph {seed}, {mode}: {wrong}\nshrunk:\n{text(small)}\n{complaint(small, mode)}"
