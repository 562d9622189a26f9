"""Queues of all four kinds, both generations of their ops, and what goes wrong with them."""

import numpy as np

from oracle.api import program

X = np.arange(12, dtype=np.float32).reshape(4, 3)
TEXTS = np.array([b"a", b"bc", b"", b"longer"], object)


class Queue:
    """A queue and its ops, of the first or the second generation."""

    def __init__(self, g, kind, types, suffix="V2", **attrs):
        self.g, self.types, self.suffix = g, types, suffix
        self.handle = g.op(f"{kind}Queue{suffix}", component_types=types, **attrs)
        if kind == "Priority":
            self.types = ["int64", *types]

    def _op(self, name, *inputs, **attrs):
        return self.g.op(f"Queue{name}{self.suffix}", self.handle, *inputs, **attrs)

    def put(self, *components, **options):
        return self._op("Enqueue", list(map(self._tensor, components)), Tcomponents=self.types, **options)

    def put_many(self, *components):
        return self._op("EnqueueMany", list(map(self._tensor, components)), Tcomponents=self.types)

    def take(self):
        return self._op("Dequeue", component_types=self.types)

    def take_many(self, n):
        return self._op("DequeueMany", self.g.constant(np.int32(n)), component_types=self.types)

    def take_up_to(self, n):
        return self._op("DequeueUpTo", self.g.constant(np.int32(n)), component_types=self.types)

    def close(self, cancel=False):
        return self._op("Close", cancel_pending_enqueues=cancel)

    def size(self):
        return self._op("Size")

    def is_closed(self):
        return self._op("IsClosed")

    def _tensor(self, value):
        return self.g.constant(value) if isinstance(value, (np.ndarray, np.generic)) else value


def fifo(suffix):
    def build(g):
        x = g.placeholder("float32", [3])
        q = Queue(g, "FIFO", ["float32", "string"], suffix, shapes=[[3], []], capacity=10)
        put = q.put(x, np.array(b"text", object))
        return [
            q.size(), (put, {x: X[0]}), (put, {x: X[1]}), q.put_many(X, TEXTS), q.size(), q.take(), q.take_many(3),
            q.take_up_to(1), (put, {x: X[2]}), q.is_closed(), q.close(), q.is_closed(), q.take_up_to(5), q.size(),
            ("OUT_OF_RANGE", q.take(), {}), ("OUT_OF_RANGE", q.take_many(2), {}), ("OUT_OF_RANGE", q.take_up_to(2), {}),
            ("CANCELLED", put, {x: X[2]}), ("CANCELLED", q.close(), {}), q.take_many(0),
        ]  # fmt: skip

    return build


program("queue_fifo", fifo("V2"))
program("queue_fifo_ref", fifo(""))


def mistakes(g):
    """Errors, after which the queue is as it was."""
    x = g.placeholder("float32")
    q = Queue(g, "FIFO", ["float32", "int32"], shapes=[[3], []])
    free = Queue(g, "FIFO", ["float32"])
    one = np.int32(1)
    return [
        ("INVALID_ARGUMENT", q.put(x, one), {x: X}),
        ("INVALID_ARGUMENT", q.put_many(x, np.arange(3, dtype=np.int32)), {x: X}),
        ("INVALID_ARGUMENT", q.put_many(x, np.arange(4, dtype=np.int32)), {x: X[:, :2]}),
        ("INVALID_ARGUMENT", free.take_many(1), {}),
        q.size(), (free.put(x), {x: X}), (free.put(x), {x: X[0]}), free.take(), free.take(),
        q.put_many(X, np.arange(4, dtype=np.int32)), q.close(True), ("OUT_OF_RANGE", q.take_many(5), {}),
        q.take_many(4), q.size(),
    ]  # fmt: skip


program("queue_mistakes", mistakes)


def padding(suffix):
    def build(g):
        x, y = g.placeholder("float32"), g.placeholder("string")
        q = Queue(g, "PaddingFIFO", ["float32", "string"], suffix, shapes=[[None, 2], [None]])
        put = q.put(x, y)
        one, two = X[:1, :2], X[:, :2]
        return [
            (put, {x: one, y: TEXTS}), (put, {x: two, y: TEXTS[:1]}), (put, {x: two[:0], y: TEXTS[:0]}),
            ("INVALID_ARGUMENT", put, {x: X, y: TEXTS}), ("INVALID_ARGUMENT", put, {x: X[0], y: TEXTS}),
            q.take_many(3), (put, {x: two, y: TEXTS}), q.take(), (put, {x: one, y: TEXTS}), q.close(), q.take_up_to(3),
            q.size(), q.is_closed(),
        ]  # fmt: skip

    return build


program("queue_padding", padding("V2"))
program("queue_padding_ref", padding(""))


def shuffled(suffix):
    def build(g):
        q = Queue(
            g, "RandomShuffle", ["int32"], suffix, shapes=[[]], capacity=100, min_after_dequeue=5, seed=7, seed2=11
        )
        return [
            q.put_many(np.arange(60, dtype=np.int32)), q.take_many(20), q.take(),
            q.put_many(np.arange(3, dtype=np.int32)), q.take_up_to(20), q.close(), q.take_up_to(30), q.size(),
            q.is_closed(),
        ]  # fmt: skip

    return build


program("queue_shuffled", shuffled("V2"))
program("queue_shuffled_ref", shuffled(""))


def too_small(g):
    q = Queue(g, "RandomShuffle", ["int32"], capacity=4, min_after_dequeue=4)
    return [("INVALID_ARGUMENT", q.size(), {})]


program("queue_too_small", too_small)


def priority(suffix):
    def build(g):
        rank, x = g.placeholder("int64"), g.placeholder("string")
        q = Queue(g, "Priority", ["string"], suffix, shapes=[[]])
        put = q.put(rank, x)
        feeds = [(5, b"five"), (-3, b"minus three"), (9, b"nine"), (0, b"zero")]
        return [
            *((put, {rank: np.array(n, np.int64), x: np.array(text, object)}) for n, text in feeds),
            q.put_many(np.array([7, 4, 6, 1], np.int64), TEXTS), q.size(), q.take(), q.take_many(4),
            ("INVALID_ARGUMENT", put, {rank: np.array([1], np.int64), x: np.array(b"", object)}),
            q.close(), q.take_up_to(3), q.is_closed(),
        ]  # fmt: skip

    return build


program("queue_priority", priority("V2"))
program("queue_priority_ref", priority(""))


def shared(g):
    """Two nodes, one queue; and one that is not what the others say."""
    a, b = (Queue(g, "FIFO", ["int32"], shapes=[[]], shared_name="both", capacity=9) for _ in range(2))
    other = Queue(g, "FIFO", ["int32"], shapes=[[]], shared_name="both", capacity=8)
    kind = Queue(g, "PaddingFIFO", ["int32"], shapes=[[]], shared_name="both", capacity=9)
    return [
        a.put_many(np.arange(3, dtype=np.int32)), b.take(), a.size(),
        ("INVALID_ARGUMENT", other.size(), {}), ("INVALID_ARGUMENT", kind.size(), {}),
    ]  # fmt: skip


program("queue_shared", shared)


def handed_on(g):
    """A producer and a consumer in one step: it ends when both are through."""
    q = Queue(g, "FIFO", ["float32"], shapes=[[3]], capacity=1)
    put = [q.put_many(X), q.put_many(X + 100)]
    got = q.take_many(8)
    rows = g.op("Sum", got[0], g.constant(np.int32(0)))
    return [[g.op("Identity", rows, control_inputs=put)], q.size()]


program("queue_handed_on", handed_on)


def handed_on(g):
    """What follows one queue feeds the other, in one step: neither may wait for what follows both."""
    queues = [g.op("FIFOQueueV2", component_types=["float32"], shared_name=name) for name in ("first", "second")]
    (first,) = g.op("QueueDequeueV2", queues[0], component_types=["float32"])
    (second,) = g.op("QueueDequeueV2", queues[1], component_types=["float32"])
    one, other = ([g.op("Mul", x, g.constant(np.float32(i))) for i in range(6)] for x in (first, second))
    on = g.op("QueueEnqueueV2", queues[1], [g.op("AddN", one)])
    fill = g.op("QueueEnqueueV2", queues[0], [g.constant(np.float32(2))])
    return [[fill], [on, g.op("AddN", other)]]


program("queues that hand on within a step", handed_on)
