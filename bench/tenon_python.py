#!/usr/bin/env python3
"""Workloads on Tenon from Python, in the form that the peers' scripts print.

usage: tenon_python.py [--threads N] [--list] WORK...
"""

import argparse
import json
import os
import resource
import time

import numpy as np

from tenon import _core, _thin


def best_seconds(step, runs, warmup):
    """As the peers' scripts: the best of three timed runs after a warm-up."""
    for _ in range(warmup):
        step()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(runs):
            step()
        best = min(best, (time.perf_counter() - start) / runs)
    return best


def call_overhead(threads):
    """One Session.run of a two-element add."""
    graph = _thin.Graph()
    a = graph.placeholder("float32", [2])
    b = graph.op("AddV2", a, a)
    with _thin.Session(graph, intra_op_threads=threads) as session:
        x = np.ones(2, np.float32)
        return "us/run", best_seconds(lambda: session.run(b, {a: x}), 20000, 100) * 1e6


def callable_overhead(threads):
    """The same through a callable."""
    graph = _thin.Graph()
    a = graph.placeholder("float32", [2])
    b = graph.op("AddV2", a, a)
    with _thin.Session(graph, intra_op_threads=threads) as session:
        x, step = np.ones(2, np.float32), session.make_callable(b, [a])
        return "us/run", best_seconds(lambda: step(x), 20000, 100) * 1e6


def perceptron(graph):
    """784-500-10: (images, labels, initial assignments, training step, loss)."""
    stream = np.random.RandomState(0)
    x, y = graph.placeholder("float32", [None, 784]), graph.placeholder("int64", [None])
    weights, initial = [], []
    for shape in ([784, 500], [500], [500, 10], [10]):
        weights.append(graph.op("VariableV2", shape=shape, dtype="float32"))
        value = stream.uniform(-0.05, 0.05, shape).astype("f")
        initial.append(graph.op("Assign", weights[-1], value).op)
    w1, b1, w2, b2 = weights
    hidden = graph.op("Relu", graph.op("BiasAdd", graph.op("MatMul", x, w1), b1))
    logits = graph.op("BiasAdd", graph.op("MatMul", hidden, w2), b2)
    losses = graph.op("SparseSoftmaxCrossEntropyWithLogits", logits, y)[0]
    loss = graph.op("Mean", losses, [0])
    updates = [
        graph.op("ApplyGradientDescent", weight, 0.1, gradient).op
        for weight, gradient in zip(weights, graph.gradients(loss, weights))
    ]
    return x, y, initial, graph.op("NoOp", control_inputs=updates), loss


def mlp(threads):
    """One training step fed from NumPy, loss fetched."""
    graph = _thin.Graph()
    x, y, initial, train, loss = perceptron(graph)
    stream = np.random.RandomState(1)
    with _thin.Session(graph, intra_op_threads=threads) as session:
        session.run(initial)
        feeds = {x: stream.rand(100, 784).astype("f"), y: stream.randint(0, 10, 100)}
        return "steps/s", 1 / best_seconds(lambda: session.run([train, loss], feeds), 500, 50)


def startup(threads):
    """From the start of the process (TENON_BENCH_START) to the end of the first training step."""
    graph = _thin.Graph()
    x, y, initial, train, loss = perceptron(graph)
    with _thin.Session(graph, intra_op_threads=threads) as session:
        session.run(initial)
        session.run([train, loss], {x: np.ones((100, 784), "f"), y: np.zeros(100, np.int64)})
    return "ms", (time.monotonic() - float(os.environ["TENON_BENCH_START"])) * 1e3


WORKS = {"call-overhead": call_overhead, "callable-overhead": callable_overhead, "mlp": mlp, "startup": startup}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("works", nargs="*", default=[name for name in WORKS if name != "startup"])
    options = parser.parse_args()
    if options.list:
        raise SystemExit("\n".join(WORKS))
    for name in options.works:
        unit, value = WORKS[name](options.threads)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        line = {
            "peer": "tenon-python",
            "version": _core.version(),
            "work": name,
            "unit": unit,
            "value": round(value, 3),
        }
        print(json.dumps({**line, "rss_mb": rss}), flush=True)


if __name__ == "__main__":
    main()
