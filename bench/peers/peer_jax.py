#!/usr/bin/env python3
"""The small training workloads on stock JAX (XLA on the CPU), as its users would write them.

    pip install jax numpy
    python3 peer_jax.py [--threads N] [WORK...]

Prints one JSON object a line, as the other peers do. The shapes are those of peer_tensorflow.py.
"""

import argparse
import json
import os
import resource
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
parser.add_argument("works", nargs="*")
args = parser.parse_args()
if args.threads:  # XLA starts a thread for each core that it sees
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

rng = np.random.RandomState(0)


def best_seconds(step, runs, warmup=5):
    for _ in range(warmup):
        step()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(runs):
            step()
        best = min(best, (time.perf_counter() - start) / runs)
    return best


def weight(*shape):
    return jnp.asarray(rng.randn(*shape).astype("f") * 0.05)


def cross_entropy(logits, labels):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1))


def trained(loss, update, state, *batch):
    """A closure that makes one jitted step on the state and waits for the loss."""

    @jax.jit
    def step(state, *batch):
        value, grads = jax.value_and_grad(loss)(state[0], *batch)
        return update(state, grads), value

    holder = [state]

    def run():
        holder[0], value = step(holder[0], *batch)
        float(value)

    return run


def sgd(rate):
    return lambda state, grads: ([w - rate * g for w, g in zip(state[0], grads)],)


def momentum(rate, mass):
    def update(state, grads):
        speed = [mass * m + g for m, g in zip(state[1], grads)]
        return [w - rate * m for w, m in zip(state[0], speed)], speed

    return update


def clipped(rate, norm):
    def update(state, grads):
        scale = jnp.minimum(1.0, norm / jnp.sqrt(sum(jnp.sum(g * g) for g in grads)))
        return ([w - rate * scale * g for w, g in zip(state[0], grads)],)

    return update


def mlp():
    def net(p, x):
        return jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3]

    state = ([weight(784, 500), weight(500), weight(500, 10), weight(10)],)
    run = trained(
        lambda p, x, y: cross_entropy(net(p, x), y),
        sgd(0.1),
        state,
        rng.rand(100, 784).astype("f"),
        rng.randint(0, 10, 100),
    )
    return "steps/s", 1 / best_seconds(run, 500)


def lenet():
    def net(p, x):
        def conv(x, w):
            return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

        def pool(x):
            return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")

        h = pool(jax.nn.relu(conv(x, p[0]) + p[1]))
        h = pool(jax.nn.relu(conv(h, p[2]) + p[3])).reshape(x.shape[0], -1)
        return jax.nn.relu(h @ p[4] + p[5]) @ p[6] + p[7]

    weights = [
        weight(5, 5, 1, 32),
        weight(32),
        weight(5, 5, 32, 64),
        weight(64),
        weight(3136, 512),
        weight(512),
        weight(512, 10),
        weight(10),
    ]
    state = (weights, [w * 0 for w in weights])
    run = trained(
        lambda p, x, y: cross_entropy(net(p, x), y),
        momentum(0.01, 0.9),
        state,
        rng.rand(100, 28, 28, 1).astype("f"),
        rng.randint(0, 10, 100),
    )
    return "steps/s", 1 / best_seconds(run, 20)


def lstm():
    batch, steps, width, words = 20, 35, 200, 10000

    def loss(p, x, y):
        def layer(value, h, c, kernel, bias):
            gate, new, forget, out = jnp.split(jnp.concatenate([value, h], 1) @ kernel + bias, 4, 1)
            c = jax.nn.sigmoid(forget + 1) * c + jax.nn.sigmoid(gate) * jnp.tanh(new)
            return jax.nn.sigmoid(out) * jnp.tanh(c), c

        def both(carry, value):
            h0, c0, h1, c1 = carry
            h0, c0 = layer(value, h0, c0, p[1], p[2])
            h1, c1 = layer(h0, h1, c1, p[3], p[4])
            return (h0, c0, h1, c1), h1

        zero = jnp.zeros((batch, width))
        _, out = jax.lax.scan(both, (zero,) * 4, p[0][x].swapaxes(0, 1))
        return cross_entropy(out.swapaxes(0, 1).reshape(-1, width) @ p[5] + p[6], y.reshape(-1)) * steps

    state = (
        [
            weight(words, width),
            weight(2 * width, 4 * width),
            weight(4 * width),
            weight(2 * width, 4 * width),
            weight(4 * width),
            weight(width, words),
            weight(words),
        ],
    )
    x = rng.randint(0, words, (batch, steps))
    return "words/s", batch * steps / best_seconds(trained(loss, clipped(1.0, 5.0), state, x, x), 10)


WORKS = {"mlp": mlp, "lenet": lenet, "lstm": lstm}

if __name__ == "__main__":
    for name in args.works or WORKS:
        unit, value = WORKS[name]()
        print(
            json.dumps(
                {
                    "peer": "jax",
                    "version": jax.__version__,
                    "work": name,
                    "unit": unit,
                    "value": round(value, 3),
                    "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                }
            ),
            flush=True,
        )
