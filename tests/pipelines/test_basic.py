"""Ranges, slices, counting, joining, batches: as tf.data."""

import numpy as np
import pytest

from pipelines.exchange import both

ROWS = np.arange(24, dtype="f").reshape(8, 3)


def test_ranges_and_counting():
    elements = both(lambda tf: tf.data.Dataset.range(10))
    assert [int(e[0]) for e in elements] == list(range(10))
    both(lambda tf: tf.data.Dataset.range(3, 20, 4).repeat(2).skip(3).take(5))
    both(lambda tf: tf.data.Dataset.range(10, -5, -3).repeat().take(17))
    both(lambda tf: tf.data.Dataset.range(0).repeat())
    both(lambda tf: tf.data.Dataset.range(5).take(-1).skip(-1))
    both(lambda tf: tf.data.Dataset.range(5).repeat(0))
    both(lambda tf: tf.data.Dataset.range(11).shard(4, 2))


def test_tensors_and_slices():
    both(lambda tf: tf.data.Dataset.from_tensors({"a": ROWS, "b": ("x", 2)}))
    both(lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, np.array([b"a", b"bc", b""] * 2 + [b"", b"end"]))))
    both(lambda tf: tf.data.Dataset.from_tensor_slices(np.zeros([0, 4], "i")))
    big = np.arange(3 * 5000, dtype="f").reshape(3, 5000)
    both(lambda tf: tf.data.Dataset.from_tensor_slices(big).repeat(2))


def test_zip_and_concatenate():
    def pipeline(tf):
        a = tf.data.Dataset.range(5)
        b = tf.data.Dataset.from_tensor_slices(ROWS)
        return tf.data.Dataset.zip((a, (b, a.skip(2)))).concatenate(tf.data.Dataset.zip((a, (b, a))).take(2))

    assert len(both(pipeline)) == 5


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_batches(size, drop):
    def pipeline(tf):
        names = np.array([f"name {i}" for i in range(8)])
        return tf.data.Dataset.from_tensor_slices((ROWS, names)).batch(size, drop_remainder=drop)

    both(pipeline)
    both(lambda tf: pipeline(tf).unbatch())


def test_batches_that_grow():
    def pipeline(tf):
        return tf.data.Dataset.range(20000).filter(lambda x: tf.equal(x % 2, 0)).map(tf.as_string).batch(100000)

    (only,) = both(pipeline)
    assert only[0].shape == (10000,)


def test_padded_batches():
    def pipeline(tf):
        return tf.data.Dataset.range(1, 8).map(lambda n: (tf.fill([n], n), tf.fill([2, n], tf.as_string(n))))

    both(lambda tf: pipeline(tf).padded_batch(3, ([None], [None, None])))
    both(lambda tf: pipeline(tf).padded_batch(3, ([10], [3, None]), (np.int64(-1), "pad"), drop_remainder=True))


def test_shuffles():
    data = lambda tf: tf.data.Dataset.range(50)  # noqa: E731
    both(lambda tf: data(tf).shuffle(7, seed=3), epochs=2)
    both(lambda tf: data(tf).shuffle(100, seed=3).repeat(3), epochs=2)
    both(lambda tf: data(tf).shuffle(20, seed=3, reshuffle_each_iteration=False).repeat(3))
    both(lambda tf: data(tf).repeat(3).shuffle(20, seed=9).batch(7), seed=4)
    both(lambda tf: data(tf).shuffle(16).repeat(2), seed=11)
    both(lambda tf: data(tf).apply(tf.data.experimental.shuffle_and_repeat(13, 3, seed=5)))
    both(lambda tf: data(tf).apply(tf.data.experimental.shuffle_and_repeat(120, seed=5)), limit=170)
    both(lambda tf: data(tf).take(0).shuffle(13, seed=1))


def test_one_shot_iterators():
    both(lambda tf: tf.data.Dataset.range(10).map(lambda x: x * x).batch(4), one_shot=True)


def test_options_and_hints():
    def pipeline(tf):
        options = tf.data.Options()
        options.experimental_deterministic = False
        return tf.data.Dataset.range(4).with_options(options)

    both(pipeline)
    both(lambda tf: tf.data.Dataset.range(4).apply(tf.data.experimental.assert_cardinality(4)))
