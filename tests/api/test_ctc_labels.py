"""Labels for CTC, and pooling by fractions."""

import numpy as np

from api.both import both


def test_labels():
    def program(tf):
        labels = tf.constant([[3, 3, 4, 4, 4, 0], [1, 1, 1, 2, 1, 1], [5, 0, 0, 0, 0, 0]])
        return [list(tf.nn.collapse_repeated(labels, tf.constant([5, 6, 1]))), list(tf.nn.ctc_unique_labels(labels))]

    both(program)


def test_fractional_pooling():
    x = np.random.RandomState(0).rand(1, 7, 7, 2).astype("f")

    def program(tf):
        ratio = [1.0, 1.5, 1.4, 1.0]
        return [list(pool(x, ratio, deterministic=True, seed=3, seed2=4, overlapping=True))
                for pool in (tf.nn.fractional_avg_pool, tf.nn.fractional_max_pool)]  # fmt: skip

    both(program)
