"""Datasets that call functions: as tf.data."""

import numpy as np

from pipelines.exchange import both


def test_map_and_filter():
    def pipeline(tf):
        offset = tf.constant(100, tf.int64)
        data = tf.data.Dataset.range(20).map(lambda x: (x * 2 + offset, tf.cast(x, tf.float32) / 2.0))
        return data.filter(lambda a, b: tf.not_equal(a % 3, 0))

    both(pipeline)
    both(lambda tf: tf.data.Dataset.range(20).map(lambda x: {"a": x, "b": tf.as_string(x)}))


def test_parallel_map_keeps_the_order():
    def work(tf):
        return lambda x: tf.reduce_sum(tf.random_uniform([10], seed=1, dtype=tf.float32) * 0.0) + tf.cast(x, tf.float32)

    for calls in (1, 2, 7, -1):
        both(lambda tf, calls=calls: tf.data.Dataset.range(100).map(work(tf), num_parallel_calls=calls))
    both(lambda tf: tf.data.Dataset.range(100).map(work(tf), 3).batch(8).prefetch(2))
    both(lambda tf: tf.data.Dataset.range(30).prefetch(0))
    both(lambda tf: tf.data.Dataset.range(30).prefetch(-1))
    both(lambda tf: tf.data.Dataset.range(30).apply(tf.data.experimental.map_and_batch(work(tf), 7, 2)))
    both(lambda tf: tf.data.Dataset.range(30).apply(
        tf.data.experimental.map_and_batch(work(tf), 7, num_parallel_calls=3, drop_remainder=True)))  # fmt: skip


def test_random_state_of_maps():
    """Ops with seeds go on through the epochs of a repeat, and begin anew with the iterator."""

    def pipeline(tf):
        return tf.data.Dataset.range(4).map(lambda x: tf.random_uniform([2], seed=5)).repeat(3)

    both(pipeline, epochs=2, seed=7)


def test_flat_map_and_interleave():
    def inner(tf):
        return lambda n: tf.data.Dataset.range(n).map(lambda k: n * 100 + k)

    both(lambda tf: tf.data.Dataset.range(6).flat_map(inner(tf)))
    for cycle in (1, 2, 3, 10):
        for block in (1, 2, 4):
            both(lambda tf, cycle=cycle, block=block: tf.data.Dataset.range(9).interleave(inner(tf), cycle, block))


def test_parallel_interleave_keeps_the_order():
    def inner(tf):
        return lambda n: tf.data.Dataset.range(n).map(lambda k: n * 100 + k)

    for cycle in (2, 3, 10):
        for block in (1, 2, 4):
            both(lambda tf, cycle=cycle, block=block: tf.data.Dataset.range(9).interleave(
                inner(tf), cycle, block, num_parallel_calls=2))  # fmt: skip


def test_old_parallel_interleave():
    def inner(tf):
        return lambda n: tf.data.Dataset.range(n).map(lambda k: n * 100 + k)

    for cycle in (1, 2, 3):
        for block in (1, 2):
            both(lambda tf, cycle=cycle, block=block: tf.data.Dataset.range(9).apply(
                tf.data.experimental.parallel_interleave(inner(tf), cycle, block)))  # fmt: skip


def test_scan_and_take_while():
    both(lambda tf: tf.data.Dataset.range(10).apply(
        tf.data.experimental.scan(np.int64(3), lambda s, x: (s + x, s * x))))  # fmt: skip
    both(lambda tf: tf.data.Dataset.range(10).apply(tf.data.experimental.take_while(lambda x: x < 6)))


def test_reduce_and_single_element():
    def pipeline(tf):
        total = tf.data.Dataset.range(10).reduce(np.int64(1), lambda s, x: s + x)
        single = tf.data.experimental.get_single_element(tf.data.Dataset.range(10).batch(10))
        size = tf.data.experimental.cardinality(tf.data.Dataset.range(10).repeat(3).batch(4))
        return tf.data.Dataset.from_tensors((total, single, size))

    both(pipeline)


def test_errors_are_passed_over():
    def pipeline(tf):
        data = tf.data.Dataset.from_tensor_slices([1.0, 0.0, 2.0, 0.0, 4.0])
        data = data.map(lambda x: tf.check_numerics(1.0 / x, "bad"))
        return data.apply(tf.data.experimental.ignore_errors())

    assert len(both(pipeline)) == 3
