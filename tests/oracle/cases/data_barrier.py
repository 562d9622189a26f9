"""Barriers: elements whose components come one by one."""

import numpy as np

from oracle.api import program

KEYS = np.array([b"a", b"", b"ccc"], object)
X = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
N = np.array([7, 8, 9], np.int64)


class Barrier:
    """A barrier and its ops."""

    def __init__(self, g, types, **attrs):
        self.g, self.types = g, types
        self.handle = g.op("Barrier", component_types=types, **attrs)

    def insert(self, index, keys, values):
        dtype = self.types[index] if index < len(self.types) else self.types[0]
        given = [self.g.constant(np.asarray(value)) for value in (keys, values)]
        return self.g.op("BarrierInsertMany", self.handle, *given, component_index=index, T=dtype)

    def take(self, n, **attrs):
        count = self.g.constant(np.int32(n))
        return self.g.op("BarrierTakeMany", self.handle, count, component_types=self.types, **attrs)

    def close(self, cancel=False):
        return self.g.op("BarrierClose", self.handle, cancel_pending_enqueues=cancel)

    def sizes(self):
        return [self.g.op("BarrierReadySize", self.handle), self.g.op("BarrierIncompleteSize", self.handle)]


def order(g):
    """Elements come out as their keys came in, whatever made them complete."""
    b = Barrier(g, ["float32", "int64"], shapes=[[2, 2], []])
    return [
        b.sizes(), b.insert(0, KEYS, X), b.sizes(), b.insert(1, KEYS[2:], N[2:]), b.sizes(),
        b.insert(1, KEYS[:1], N[:1]), b.take(1), b.take(1), b.insert(0, [b"new"], X[:1]), b.insert(1, [b"new"], N[:1]),
        b.insert(1, KEYS[1:2], N[1:2]), b.sizes(), b.take(2), b.insert(0, KEYS[:0], X[:0]), b.take(0), b.sizes(),
    ]  # fmt: skip


def closing(g):
    """A closed barrier completes what it has, and takes no new keys."""
    b = Barrier(g, ["float32", "int64"], shapes=[[2, 2], []])
    return [
        b.insert(0, KEYS, X), b.close(), ("CANCELLED", b.insert(0, [b"new"], X[:1]), {}), ("CANCELLED", b.close(), {}),
        ("OUT_OF_RANGE", b.take(4), {}), ("OUT_OF_RANGE", b.take(3, allow_small_batch=True), {}),
        b.insert(1, KEYS[:2], N[:2]), b.sizes(), b.take(1), b.take(3, allow_small_batch=True),
        b.insert(1, KEYS[2:], N[2:]), b.take(1), ("OUT_OF_RANGE", b.take(1), {}), b.insert(1, KEYS[:0], N[:0]),
        ("CANCELLED", b.insert(1, [b"new"], N[:1]), {}), b.sizes(),
    ]  # fmt: skip


def cancelling(g):
    """What is cancelled forgets what is not complete."""
    b = Barrier(g, ["float32", "int64"], shapes=[[2, 2], []])
    return [
        b.insert(0, KEYS, X), b.insert(1, KEYS[:1], N[:1]), b.close(), b.close(True), ("CANCELLED", b.close(True), {}),
        ("CANCELLED", b.insert(1, KEYS[1:], N[1:]), {}), b.sizes(), b.take(1), ("OUT_OF_RANGE", b.take(1), {}),
    ]  # fmt: skip


def one_component(g):
    """An element of one component is complete at once; two handles of one name are one barrier."""
    b = Barrier(g, ["string"], shapes=[[2]], shared_name="shared")
    c = Barrier(g, ["string"], shapes=[[2]], shared_name="shared")
    texts = np.array([[b"x", b""], [b"longer", b"y"], [b"", b"z"]], object)
    return [b.insert(0, KEYS, texts), c.sizes(), c.take(2), b.take(1), b.sizes()]


def mistakes(g):
    """Errors, after which the barrier goes on."""
    b = Barrier(g, ["float32", "int64"], shapes=[[2, 2], []])
    return [
        b.insert(0, KEYS[:1], X[:1]), ("INVALID_ARGUMENT", b.insert(0, KEYS[:1], X[:1]), {}),
        ("INVALID_ARGUMENT", b.insert(0, KEYS[1:2], np.zeros((1, 0), np.float32)), {}),
        ("INVALID_ARGUMENT", b.insert(2, KEYS, X), {}), b.sizes(),
    ]  # fmt: skip


def unknown(g):
    return [("INVALID_ARGUMENT", Barrier(g, ["float32"]).sizes(), {})]


def bounded(g):
    return [("INVALID_ARGUMENT", Barrier(g, ["float32"], shapes=[[]], capacity=3).sizes(), {})]


program("barrier: order", order)
program("barrier: closing", closing)
program("barrier: cancelling", cancelling)
program("barrier: one component", one_component)
program("barrier: mistakes", mistakes)
program("barrier: without shapes", unknown)
program("barrier: bounded", bounded)
