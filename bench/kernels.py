#!/usr/bin/env python3
"""Times single kernels on shapes of the training workloads: processor time of one thread, and the share of its peak.

usage: kernels.py [NAME...]

Each op is a graph of one node, fed in place and run as a target. A line is printed for every kernel that takes
the shape, but for the plain reference. The time is the least of a dozen runs, so that a busy machine does not show.
"""

import sys
import time
from pathlib import Path

import numpy as np
import run

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

from tenon import _core, _thin  # noqa: E402

stream = np.random.RandomState(0)
BATCH = 100
CONV = {"strides": [1, 1, 1, 1], "padding": "SAME"}
POOL = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}


def rand(*shape):
    return stream.rand(*shape).astype("f")


def sizes(*values):
    return np.array(values, "int32")


def product(m, n, k):
    return 2 * m * n * k


def convolution(side, channels, outputs):
    """Operations of a 5x5 one, padding counted as work although a good kernel leaves it out."""
    return 2 * BATCH * side * side * 25 * channels * outputs


def works():
    """(name, op, inputs, attributes, operations or 0, inputs that are constants)"""
    image1, filter1, result1 = rand(BATCH, 28, 28, 1), rand(5, 5, 1, 32), rand(BATCH, 28, 28, 32)
    image2, filter2, result2 = rand(BATCH, 14, 14, 32), rand(5, 5, 32, 64), rand(BATCH, 14, 14, 64)
    pooled2, flat, dense, hidden = rand(BATCH, 7, 7, 64), rand(BATCH, 3136), rand(3136, 512), rand(BATCH, 512)
    n1, n2 = convolution(28, 1, 32), convolution(14, 32, 64)
    yield "conv1", "Conv2D", [image1, filter1], CONV, n1, ()
    yield "conv1 filter", "Conv2DBackpropFilter", [image1, sizes(5, 5, 1, 32), result1], CONV, n1, (1,)
    yield "conv2", "Conv2D", [image2, filter2], CONV, n2, ()
    yield "conv2 filter", "Conv2DBackpropFilter", [image2, sizes(5, 5, 32, 64), result2], CONV, n2, (1,)
    yield "conv2 input", "Conv2DBackpropInput", [sizes(*image2.shape), filter2, result2], CONV, n2, (0,)
    yield "pool1", "MaxPool", [result1], POOL, 0, ()
    yield "pool1 input", "MaxPoolGrad", [result1, image2, image2], POOL, 0, ()
    yield "pool2", "MaxPool", [result2], POOL, 0, ()
    yield "pool2 input", "MaxPoolGrad", [result2, pooled2, pooled2], POOL, 0, ()
    yield "bias1", "BiasAdd", [result1, rand(32)], {}, 0, ()
    yield "bias1 sum", "BiasAddGrad", [result1], {}, 0, ()
    yield "dense", "MatMul", [flat, dense], {}, product(100, 512, 3136), ()
    yield "dense weights", "MatMul", [flat, hidden], {"transpose_a": True}, product(3136, 512, 100), ()
    yield "dense input", "MatMul", [hidden, dense], {"transpose_b": True}, product(100, 3136, 512), ()
    yield "mlp", "MatMul", [rand(BATCH, 784), rand(784, 500)], {}, product(100, 500, 784), ()
    yield (
        "mlp weights",
        "MatMul",
        [rand(BATCH, 784), rand(BATCH, 500)],
        {"transpose_a": True},
        product(784, 500, 100),
        (),
    )
    yield "mlp logits", "MatMul", [rand(BATCH, 500), rand(500, 10)], {}, product(100, 10, 500), ()
    yield "lstm gates", "MatMul", [rand(20, 400), rand(400, 800)], {}, product(20, 800, 400), ()
    yield "lstm softmax", "MatMul", [rand(700, 200), rand(200, 10000)], {}, product(700, 10000, 200), ()
    yield "square", "MatMul", [rand(1024, 1024), rand(1024, 1024)], {}, product(1024, 1024, 1024), ()
    labels = stream.randint(0, 10000, 700)
    yield "loss", "SparseSoftmaxCrossEntropyWithLogits", [rand(700, 10000), labels], {}, 0, ()
    vectors = [rand(64) for _ in range(4)]
    yield "batch norm", "FusedBatchNormV3", [rand(32, 28, 28, 64), *vectors], {}, 0, ()


def seconds(op, inputs, attrs, constants):
    """Processor time of one run."""
    graph, feeds, taken = _thin.Graph(), {}, []
    for i, value in enumerate(inputs):
        if i in constants:
            taken.append(graph.constant(value))
        else:
            taken.append(graph.placeholder(value.dtype.name, list(value.shape)))
            feeds[taken[-1]] = value
    made = graph.op(op, *taken, **attrs)
    made = made[0] if isinstance(made, (list, tuple)) else made
    target = getattr(made, "op", made)
    best = float("inf")
    with _thin.Session(graph, intra_op_threads=1) as session:
        for _ in range(12):
            start = time.process_time()
            session.run(target, feeds)
            best = min(best, time.process_time() - start)
    return best


def main(names):
    peak = run.peak(1)["gflops"]
    print(f"one thread reaches {peak:.0f} GFLOP/s at most")
    for name, op, inputs, attrs, operations, constants in works():
        if names and name not in names:
            continue
        for kernel in _core.kernels(op)[:-1]:
            _core.kernel_force(op, kernel)
            try:
                best = seconds(op, inputs, attrs, constants)
            except _thin.errors.UnimplementedError:
                continue
            finally:
                _core.kernel_force(op, None)
            rate = operations / best / 1e9
            share = f"{rate:7.1f} GFLOP/s {100 * rate / peak:4.0f} %" if operations else ""
            print(f"{name:16s} {kernel:8s} {best * 1e3:8.3f} ms {share}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
