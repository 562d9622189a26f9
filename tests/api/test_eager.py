"""Eager execution, as contrib.eager had it: in a process of its own, since it is for a whole program."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import numpy as np
import tenon as tf
import tenon.contrib.eager as tfe

tf.enable_eager_execution()
assert tf.executing_eagerly() and tfe.executing_eagerly()

# values at once
x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
y = tf.matmul(x, x) + 1
np.testing.assert_array_equal(y.numpy(), [[8, 11], [16, 23]])
assert y.shape.as_list() == [2, 2] and len(y) == 2 and float(tf.reduce_sum(x)) == 10 and bool(x[0, 0] > 0.5)
assert "numpy=" in repr(y) and str(tf.constant(3)) == "tf.Tensor(3, shape=(), dtype=int32)"
assert [int(v) for v in tf.range(3)] == [0, 1, 2]
rows = tf.ragged.constant([[1, 2], [], [3]])
assert (rows + 1).to_list() == [[2, 3], [], [4]] and rows[0].numpy().tolist() == [1, 2]
assert [row.tolist() for row in rows.numpy()] == [row.numpy().tolist() for row in rows] == [[1, 2], [], [3]]
assert repr(rows) == "<tf.RaggedTensor [[1, 2], [], [3]]>"
np.testing.assert_array_equal(np.asarray(x), [[1, 2], [3, 4]])
assert tf.random_uniform([2]).numpy().shape == (2,)
for bad in (lambda: tf.placeholder(tf.float32), lambda: tf.reshape(x, [3])):
    try:
        bad()
        raise SystemExit("no error")
    except (RuntimeError, ValueError, tf.errors.InvalidArgumentError):
        pass

# control flow is Python's
assert int(tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2))) == 1
assert int(tf.while_loop(lambda i: i < 5, lambda i: i + 2, [tf.constant(0)])) == 6

# gradients
square = lambda v: v * v
assert float(tfe.gradients_function(square)(3.0)[0]) == 6
assert float(tfe.gradients_function(lambda v: tfe.gradients_function(square)(v)[0])(3.0)[0]) == 2
with tf.GradientTape() as tape:
    v = tf.constant(3.0)
    tape.watch(v)
    w = v * v * v
assert float(tape.gradient(w, v)) == 27
with tf.GradientTape() as tape:
    assert tape.gradient(v * v, v) is None

# a model that learns
weights = tf.Variable([[0.0], [0.0]], name="weights")
bias = tf.Variable(tf.zeros([1]))
data = np.random.RandomState(0).rand(64, 2).astype("f")
goal = data @ np.array([[2.0], [-1.0]], "f") + 0.5

def loss():
    return tf.reduce_mean(tf.square(tf.matmul(data, weights) + bias - goal))

first = float(loss())
optimizer = tf.train.GradientDescentOptimizer(0.5)
for _ in range(40):
    optimizer.minimize(loss)
assert float(loss()) < first / 50, (first, float(loss()))
momentum = tf.train.MomentumOptimizer(0.1, 0.9)
with tf.GradientTape() as tape:
    value = loss()
momentum.apply_gradients(zip(tape.gradient(value, [weights, bias]), [weights, bias]))
(grads, variables) = zip(*tfe.implicit_gradients(loss)())
assert len(grads) == 2 and variables[0] is weights
weights.assign_add([[1.0], [1.0]])
before = weights.numpy()
weights.assign(before * 2)
np.testing.assert_array_equal(weights.numpy(), before * 2)

# graphs still work beside it
with tf.Graph().as_default(), tf.Session() as session:
    p = tf.placeholder(tf.float32)
    assert not tf.executing_eagerly()
    np.testing.assert_array_equal(session.run(p * x, {p: 2.0}), [[2, 4], [6, 8]])

# datasets
elements = [int(v) for v in tfe.Iterator(tf.data.Dataset.range(3).map(lambda v: v * 2))]
assert elements == [0, 2, 4], elements
assert [int(v) for v in tf.data.Dataset.range(3)] == [0, 1, 2]
print("done")
"""


def test_a_program():
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, timeout=120)
    assert done.stdout == "done\n", done.stderr


def test_too_late():
    text = """
import tenon as tf
tf.constant(1)
try:
    tf.enable_eager_execution()
except ValueError as error:
    print(error)
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=env, timeout=60)
    assert "at program startup" in done.stdout, done.stderr
