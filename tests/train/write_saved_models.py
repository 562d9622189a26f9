"""Writes SavedModels of TensorFlow's second version into a folder, and beside each what it computes.

usage: write_saved_models.py FOLDER     (in a process of its own: functions need eager execution)
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf


class Words(tf.Module):
    """A table from a file, an embedding, a loop and a branch, in two signatures."""

    def __init__(self, path):
        super().__init__()
        where = tf.lookup.TextFileInitializer(
            path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        self.table = tf.lookup.StaticHashTable(where, -1)
        self.weights = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3), name="weights")
        self.calls = tf.Variable(0, dtype=tf.int64, name="calls", trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
    def embed(self, words):
        ids = self.table.lookup(words) + 1
        return {"ids": ids, "vectors": tf.gather(self.weights, ids)}

    @tf.function(
        input_signature=[tf.TensorSpec([], tf.int32, name="n"), tf.TensorSpec([None, 3], tf.float32, name="x")]
    )
    def power(self, n, x):
        self.calls.assign_add(1)
        for _ in tf.range(n):
            x = tf.nn.relu(tf.matmul(x, self.weights[:3] / 10.0))
        if n > 2:
            x = -x
        return {"x": x, "calls": self.calls.read_value()}


def main():
    folder = Path(sys.argv[1])
    words = folder / "words.txt"
    words.write_text("one\ntwo\nthree\n")
    module = Words(str(words))
    queries = np.array([b"two", b"none", b"three", b"one"])
    expected = {}
    for name, value in module.embed(tf.constant(queries)).items():
        expected["embed/" + name] = value.numpy()
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    tf.saved_model.save(module, str(folder / "words"), signatures={"embed": module.embed, "power": module.power})
    for n in (1, 3):
        expected[f"power{n}"] = module.power(tf.constant(n), tf.constant(x))["x"].numpy()
    np.savez(folder / "expected.npz", queries=queries, x=x, **expected)
    words.unlink()


if __name__ == "__main__":
    main()
