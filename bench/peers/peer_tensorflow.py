#!/usr/bin/env python3
"""The benchmark workloads on stock TensorFlow, as its users would write them (graph mode).

    pip install tensorflow-cpu tf_keras
    python3 peer_tensorflow.py [--threads N] [--list] WORK...

Prints one JSON object a line: {"peer", "version", "work", "unit", "value", "rss_mb"}.
Inputs are random, of the real shapes; a figure is the best of three timed runs after a warm-up.
"""

import argparse
import json
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
rng = np.random.RandomState(0)


def best_seconds(step, runs, warmup):
    for _ in range(warmup):
        step()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(runs):
            step()
        best = min(best, (time.perf_counter() - start) / runs)
    return best


def session(threads):
    return tf1.Session(
        config=tf1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    )


def softmax_loss(labels, logits):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def call_overhead(threads):
    """One Session.run of a two-element add: the cost of asking."""
    a = tf1.placeholder(tf.float32, [2])
    b = a + a
    with session(threads) as s:
        x = np.ones(2, np.float32)
        return "us/run", best_seconds(lambda: s.run(b, {a: x}), 3000, 100) * 1e6


def mlp(threads):
    """784-500-10 ReLU perceptron, batch 100, SGD: one training step fed from NumPy, loss fetched."""
    x, y = tf1.placeholder(tf.float32, [None, 784]), tf1.placeholder(tf.int64, [None])
    hidden = tf.nn.relu(x @ tf1.get_variable("w1", [784, 500]) + tf1.get_variable("b1", [500]))
    loss = softmax_loss(y, hidden @ tf1.get_variable("w2", [500, 10]) + tf1.get_variable("b2", [10]))
    train = tf1.train.GradientDescentOptimizer(0.1).minimize(loss)
    with session(threads) as s:
        s.run(tf1.global_variables_initializer())
        feed = {x: rng.rand(100, 784).astype("f"), y: rng.randint(0, 10, 100)}
        return "steps/s", 1 / best_seconds(lambda: s.run([train, loss], feed), 500, 50)


def lenet(threads):
    """conv5x5x32-pool-conv5x5x64-pool-512-10 on 28x28, batch 100, momentum."""
    x, y = tf1.placeholder(tf.float32, [None, 28, 28, 1]), tf1.placeholder(tf.int64, [None])
    var = tf1.get_variable
    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, var("c1", [5, 5, 1, 32]), 1, "SAME"), var("d1", [32])))
    h = tf.nn.max_pool2d(h, 2, 2, "SAME")
    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(h, var("c2", [5, 5, 32, 64]), 1, "SAME"), var("d2", [64])))
    h = tf.nn.max_pool2d(h, 2, 2, "SAME")
    h = tf.nn.relu(tf.reshape(h, [-1, 3136]) @ var("f1", [3136, 512]) + var("e1", [512]))
    loss = softmax_loss(y, h @ var("f2", [512, 10]) + var("e2", [10]))
    train = tf1.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
    with session(threads) as s:
        s.run(tf1.global_variables_initializer())
        feed = {x: rng.rand(100, 28, 28, 1).astype("f"), y: rng.randint(0, 10, 100)}
        return "steps/s", 1 / best_seconds(lambda: s.run([train, loss], feed), 30, 5)


def lstm(threads):
    """The small PTB language model: 2 x LSTM(200), 35 steps unrolled, batch 20, 10,000 words, clipped SGD."""
    batch, steps, width, words = 20, 35, 200, 10000
    x, y = tf1.placeholder(tf.int64, [batch, steps]), tf1.placeholder(tf.int64, [batch, steps])
    h, c = [tf.zeros([batch, width])] * 2, [tf.zeros([batch, width])] * 2
    cells = [
        (tf1.get_variable(f"k{i}", [2 * width, 4 * width]), tf1.get_variable(f"b{i}", [4 * width])) for i in range(2)
    ]
    outputs = []
    for value in tf.unstack(tf.nn.embedding_lookup(tf1.get_variable("e", [words, width]), x), axis=1):
        for i, (kernel, bias) in enumerate(cells):
            gate, new, forget, out = tf.split(tf.concat([value, h[i]], 1) @ kernel + bias, 4, 1)
            c[i] = tf.sigmoid(forget + 1.0) * c[i] + tf.sigmoid(gate) * tf.tanh(new)
            h[i] = value = tf.sigmoid(out) * tf.tanh(c[i])
        outputs.append(value)
    logits = tf.reshape(tf.stack(outputs, 1), [-1, width]) @ tf1.get_variable("sw", [width, words]) + tf1.get_variable(
        "sb", [words]
    )
    loss = softmax_loss(tf.reshape(y, [-1]), logits) * steps
    weights = tf1.trainable_variables()
    clipped, _ = tf.clip_by_global_norm(tf.gradients(loss, weights), 5.0)
    train = tf1.train.GradientDescentOptimizer(1.0).apply_gradients(zip(clipped, weights))
    with session(threads) as s:
        s.run(tf1.global_variables_initializer())
        feed = {x: rng.randint(0, words, (batch, steps)), y: rng.randint(0, words, (batch, steps))}
        return "words/s", batch * steps / best_seconds(lambda: s.run([train, loss], feed), 15, 3)


def inception(threads, batch, training):
    import tf_keras
    from tf_keras.src import backend

    with session(threads) as s:
        backend.set_session(s)
        backend.set_learning_phase(int(training))
        model = tf_keras.applications.InceptionV3(weights=None)
        images = rng.rand(batch, 299, 299, 3).astype("f")
        if training:
            y = tf1.placeholder(tf.int64, [None])
            loss = softmax_loss(y, tf.math.log(model.output))
            train = tf1.train.RMSPropOptimizer(0.01).minimize(loss)
            s.run(tf1.global_variables_initializer())
            feed = {model.input: images, y: rng.randint(0, 1000, batch)}
            return "images/s", batch / best_seconds(lambda: s.run([train, loss], feed), 2, 1)
        s.run(tf1.global_variables_initializer())
        frozen = tf1.graph_util.convert_variables_to_constants(s, s.graph.as_graph_def(), [model.output.op.name])
    with tf.Graph().as_default():
        (out,) = tf.import_graph_def(frozen, return_elements=[model.output.name], name="")
        with session(threads) as s:
            feed = {model.input.name: images}
            return "images/s", batch / best_seconds(lambda: s.run(out, feed), 5 if batch == 1 else 2, 2)


WORKS = {
    "call-overhead": call_overhead,
    "mlp": mlp,
    "lenet": lenet,
    "lstm": lstm,
    "inception-infer-1": lambda t: inception(t, 1, False),
    "inception-infer-16": lambda t: inception(t, 16, False),
    "inception-train-8": lambda t: inception(t, 8, True),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("works", nargs="*", default=list(WORKS))
    args = parser.parse_args()
    if args.list:
        raise SystemExit("\n".join(WORKS))
    tf1.disable_eager_execution()
    for name in args.works:
        with tf.Graph().as_default():
            unit, value = WORKS[name](args.threads)
        print(
            json.dumps(
                {
                    "peer": "tensorflow",
                    "version": tf.__version__,
                    "work": name,
                    "unit": unit,
                    "value": round(value, 3),
                    "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                }
            ),
            flush=True,
        )
