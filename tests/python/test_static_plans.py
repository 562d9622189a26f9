"""A step of a static plan allocates nothing, takes no lock and looks nothing up: mlp, lenet, a small LSTM."""

import numpy as np
import pytest
from test_same_bits import Network, lenet

from tenon import _core, _thin


def mlp(n):
    op = n.graph.op
    x, y = n.graph.placeholder("float32", [None, 784]), n.graph.placeholder("int64", [None])
    h = op("Relu", n.dense(x, 784, 500))
    feeds = {x: n.stream.rand(100, 784).astype("f"), y: n.stream.randint(0, 10, 100)}
    return (*n.train(n.dense(h, 500, 10), y), feeds)


def lstm(n, batch=4, steps=5, width=8, words=30):
    op = n.graph.op
    x, y = n.graph.placeholder("int64", [batch, steps]), n.graph.placeholder("int64", [batch * steps])
    kernel, bias = n.weight(2 * width, 4 * width), n.weight(4 * width, value=0.0)
    h = c = n.graph.constant(np.zeros((batch, width), "f"))
    outputs = []
    for value in op("Unpack", op("GatherV2", n.weight(words, width), x, 0), num=steps, axis=1):
        gates = op("BiasAdd", op("MatMul", op("ConcatV2", [value, h], 1), kernel), bias)
        gate, new, forget, out = op("Split", 1, gates, num_split=4)
        kept = op("Mul", op("Sigmoid", op("AddV2", forget, 1.0)), c)
        c = op("AddV2", kept, op("Mul", op("Sigmoid", gate), op("Tanh", new)))
        h = op("Mul", op("Sigmoid", out), op("Tanh", c))
        outputs.append(h)
    logits = n.dense(op("Reshape", op("Pack", outputs, axis=1), [-1, width]), width, words)
    feeds = {x: n.stream.randint(0, words, (batch, steps)), y: n.stream.randint(0, words, batch * steps)}
    return (*n.train(logits, y), feeds)


@pytest.mark.parametrize("build", [mlp, lenet, lstm])
def test_a_step_only_computes(build):
    n = Network()
    train, loss, feeds = build(n)
    with _thin.Session(n.graph, intra_op_threads=2) as session:
        session.run(n.initial)
        first = session.run([loss, train], feeds)[0]
        counters = []
        for _ in range(12):
            last = session.run([loss, train], feeds)[0]
            assert _core.last_step_was_static()
            counters.append(_core.last_step_counters())
    assert np.isfinite(last) and last < first
    assert all(c["allocations"] == c["locks"] == c["lookups"] == 0 for c in counters), counters
