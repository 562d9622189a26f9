"""Input pipelines of queues against TensorFlow: producers, batches, runners and coordinators."""

import contextlib
import threading

import numpy as np
import pytest

import tenon
from api.both import both

X = np.arange(24, dtype=np.float32).reshape(8, 3)


@contextlib.contextmanager
def runners(tf):
    """A session with the queue runners started; all end with it."""
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        try:
            yield session
        finally:
            coord.request_stop()
            coord.join(threads)


def until_the_end(tf, session, fetches):
    """What the steps give until they run out of input."""
    found = []
    with contextlib.suppress(tf.errors.OutOfRangeError):
        while len(found) < 100:
            found.append(session.run(fetches))
    return found


def names(tf):
    graph = tf.get_default_graph()
    runners = [(r.name, [op.name for op in r.enqueue_ops]) for r in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)]
    summaries = [s.op.name for s in tf.get_collection(tf.GraphKeys.SUMMARIES)]
    return runners, summaries, [v.name for v in tf.local_variables()], [op.name for op in graph.get_operations()]


def test_string_producer():
    def program(tf):
        queue = tf.train.string_input_producer(["a", "b", "c"], num_epochs=2, shuffle=False)
        value = queue.dequeue()
        with runners(tf) as session:
            return until_the_end(tf, session, value), names(tf)

    values, _ = both(program)
    assert values == [b"a", b"b", b"c"] * 2


def test_shuffled_producers():
    def program(tf):
        one = tf.train.range_input_producer(10, num_epochs=2, seed=3).dequeue()
        rows = tf.train.slice_input_producer([X, np.arange(8)], num_epochs=1, seed=5)
        with runners(tf) as session:
            return until_the_end(tf, session, one), until_the_end(tf, session, rows), names(tf)

    both(program)


@pytest.mark.parametrize("smaller", [False, True])
def test_batch(smaller):
    def program(tf):
        rows = tf.train.slice_input_producer([X, np.arange(8)], num_epochs=1, shuffle=False)
        batch = tf.train.batch({"x": rows[0], "i": rows[1]}, 3, allow_smaller_final_batch=smaller)
        shapes = {k: v.get_shape() for k, v in batch.items()}
        with runners(tf) as session:
            return until_the_end(tf, session, batch), shapes, names(tf)

    both(program)


def test_batch_of_many_padded():
    def program(tf):
        size = tf.train.range_input_producer(6, num_epochs=1, shuffle=False).dequeue()
        padded = tf.train.batch([tf.range(size)], 3, dynamic_pad=True)
        many = tf.train.batch([tf.train.limit_epochs(tf.constant(X), 1)], 4, enqueue_many=True)
        with runners(tf) as session:
            return until_the_end(tf, session, padded), until_the_end(tf, session, many), padded.get_shape()

    both(program)


def test_shuffle_batch():
    def program(tf):
        row = tf.train.slice_input_producer([X], num_epochs=3, shuffle=False)
        batch = tf.train.shuffle_batch(row, 4, capacity=20, min_after_dequeue=10, seed=7)
        assert batch.get_shape().as_list() == [4, 3]
        with runners(tf) as session:
            found = until_the_end(tf, session, batch)
            return sorted(np.concatenate(found)[:, 0].tolist()), names(tf)

    both(program)


def test_joins():
    def program(tf):
        a, b = (tf.train.limit_epochs(tf.constant(X + i), 2) for i in (0, 100))
        joined = tf.train.batch_join([[a], [b]], 8, enqueue_many=True)
        c = tf.constant(X)
        mixed = tf.train.shuffle_batch_join([[c], [c]], 4, 100, 10, enqueue_many=True, allow_smaller_final_batch=True)
        with runners(tf) as session:
            first = until_the_end(tf, session, joined)
            return sorted(np.concatenate(first)[:, 0].tolist()), names(tf), mixed.get_shape()

    both(program)


def test_maybe():
    def program(tf):
        i = tf.train.range_input_producer(9, num_epochs=1, shuffle=False).dequeue()
        even = tf.train.maybe_batch([i], tf.equal(i % 2, 0), 2, allow_smaller_final_batch=True)
        rows = tf.train.limit_epochs(tf.constant(X), 1)
        some = tf.train.maybe_batch([rows], rows[:, 0] > 8, 2, enqueue_many=True, allow_smaller_final_batch=True)
        with runners(tf) as session:
            return until_the_end(tf, session, even), until_the_end(tf, session, some)

    both(program)


def test_sparse():
    def program(tf):
        n = tf.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
        sparse = tf.SparseTensor(tf.cast([[n], [n + 1]], tf.int64), [n * 10, n], [6])
        batch = tf.train.batch([sparse, n], 2)
        with runners(tf) as session:
            dense = [batch[0].indices, batch[0].values, batch[0].dense_shape]
            return until_the_end(tf, session, [*dense, batch[1]])

    both(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda tf: tf.train.string_input_producer([]),
        lambda tf: tf.train.limit_epochs(tf.constant(1), 0),
        lambda tf: tf.train.batch([], 2),
        lambda tf: tf.train.batch([tf.placeholder(tf.float32)], 2),
        lambda tf: tf.train.shuffle_batch([tf.constant(1)], 2, 10, 10),
        lambda tf: tf.train.batch_join([[tf.constant(1)], [tf.constant(1.0)]], 2),
        lambda tf: tf.train.input_producer(tf.placeholder(tf.float32)),
        lambda tf: tf.train.maybe_batch([tf.constant(1)], [True, False], 2),
    ],
)
def test_mistakes(program):
    both.error(program)


def test_match_filenames_once(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_bytes(b"")

    def program(tf):
        files = tf.train.match_filenames_once(str(tmp_path / "*"))
        return files, [v.name for v in tf.local_variables()]

    both(program)


def test_many_threads_and_a_step_that_trains():
    """Twenty queue-runner threads beside training steps; all of them end."""
    tf = tenon
    with tf.Graph().as_default():
        size = tf.train.range_input_producer(64, seed=1).dequeue()
        x = tf.random_normal([8]) * 0.0 + tf.cast(size, tf.float32)
        batch = tf.train.shuffle_batch([x], 16, capacity=200, min_after_dequeue=50, num_threads=20)
        w = tf.Variable(tf.zeros([8]))
        train = tf.assign_add(w, tf.reduce_mean(batch, 0))
        before = threading.active_count()
        with runners(tf) as session:
            assert threading.active_count() >= before + 20
            for _ in range(50):
                value = session.run(train)
        assert np.isfinite(value).all()
        assert threading.active_count() <= before
