"""The same training run ends in the same bits: with 1, 2 and 3 threads, run after run, static or dynamic."""

import hashlib

import numpy as np
import pytest

from tenon import _thin

STEPS = 6
BATCH = 100


class Network:
    """A network in the making, its weights old-style variables with Momentum."""

    def __init__(self):
        self.graph = _thin.Graph()
        self.stream = np.random.RandomState(1)
        self.weights, self.slots, self.initial = [], [], []

    def variable(self, *shape, value=None):
        ref = self.graph.op("VariableV2", shape=list(shape), dtype="float32")
        start = self.stream.uniform(-0.1, 0.1, shape) if value is None else np.full(shape, value)
        self.initial.append(self.graph.op("Assign", ref, start.astype("f")).op)
        return ref

    def weight(self, *shape, value=None):
        self.weights.append(self.variable(*shape, value=value))
        self.slots.append(self.variable(*shape, value=0.0))
        return self.weights[-1]

    def conv(self, x, size, inputs, outputs):
        op = self.graph.op
        x = op("Conv2D", x, self.weight(size, size, inputs, outputs), strides=[1, 1, 1, 1], padding="SAME")
        return op("BiasAdd", x, self.weight(outputs, value=0.1))

    def dense(self, x, inputs, outputs):
        op = self.graph.op
        return op("BiasAdd", op("MatMul", x, self.weight(inputs, outputs)), self.weight(outputs, value=0.0))

    def pool(self, x):
        return self.graph.op("MaxPool", x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    def train(self, logits, labels):
        """(the operation of a step, the loss)."""
        op = self.graph.op
        losses, _ = op("SparseSoftmaxCrossEntropyWithLogits", logits, labels)
        loss = op("Mean", losses, [0])
        updates = []
        for w, slot, g in zip(self.weights, self.slots, self.graph.gradients(loss, self.weights, sparse=True)):
            if isinstance(g, _thin.IndexedSlices):
                made = op("SparseApplyMomentum", w, slot, 0.01, g.values, g.indices, 0.9)
            else:
                made = op("ApplyMomentum", w, slot, 0.01, g, 0.9)
            updates.append(made.op)
        return op("NoOp", control_inputs=updates), loss


def lenet(n):
    op = n.graph.op
    x, y = n.graph.placeholder("float32", [None, 28, 28, 1]), n.graph.placeholder("int64", [None])
    h = n.pool(op("Relu", n.conv(x, 5, 1, 32)))
    h = n.pool(op("Relu", n.conv(h, 5, 32, 64)))
    h = op("Relu", n.dense(op("Reshape", h, [-1, 3136]), 3136, 512))
    feeds = {x: n.stream.rand(BATCH, 28, 28, 1).astype("f"), y: n.stream.randint(0, 10, BATCH)}
    return (*n.train(n.dense(h, 512, 10), y), feeds)


def mixed(n):
    """Convolutions, batch normalisation, dropout and an embedding."""
    op = n.graph.op
    x, y = n.graph.placeholder("float32", [None, 12, 12, 3]), n.graph.placeholder("int64", [None])
    words = n.graph.placeholder("int32", [None, 7])
    h = n.conv(x, 3, 3, 16)
    h = op("FusedBatchNormV3", h, n.weight(16, value=1.0), n.weight(16, value=0.0), np.zeros(0, "f"), np.zeros(0, "f"))[
        0
    ]
    h = op("Reshape", n.pool(op("Relu", h)), [-1, 576])
    noise = op("RandomUniform", op("Shape", h), dtype="float32", seed=5, seed2=9)
    h = op("Mul", h, op("Mul", op("Cast", op("GreaterEqual", noise, 0.5), DstT="float32"), 2.0))
    embedded = op("Mean", op("GatherV2", n.weight(50, 24), words, 0), [1])
    h = op("ConcatV2", [h, embedded], 1)
    feeds = {
        x: n.stream.rand(BATCH, 12, 12, 3).astype("f"), y: n.stream.randint(0, 10, BATCH),
        words: n.stream.randint(0, 50, (BATCH, 7)),
    }  # fmt: skip
    return (*n.train(n.dense(h, 600, 10), y), feeds)


def outcome(build, **options):
    """(losses, a digest of all weights) after some steps."""
    n = Network()
    train, loss, feeds = build(n)
    with _thin.Session(n.graph, **options) as session:
        session.run(n.initial)
        losses = [float(session.run([loss, train], feeds)[0]) for _ in range(STEPS)]
        digest = hashlib.sha256(b"".join(w.tobytes() for w in session.run([*n.weights, *n.slots]))).hexdigest()
    return losses, digest


@pytest.mark.parametrize("build", [lenet, mixed])
def test_same_bits(build):
    losses, want = outcome(build, intra_op_threads=1)
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    for threads in (1, 2, 3):
        assert outcome(build, intra_op_threads=threads) == (losses, want), f"{threads} threads"
    assert outcome(build, intra_op_threads=2, dynamic_only=True) == (losses, want), "dynamic executor"
