"""StagingArea and MapStagingArea."""

import functools

import numpy as np

from api.both import both


def _areas(tf):
    import sys

    if tf.__name__ == "tenon":
        from tenon.python.ops import staging

        return staging
    return sys.modules["tensorflow.python.ops.data_flow_ops"]


def test_queue_like():
    def program(tf):
        area = _areas(tf).StagingArea([tf.float32, tf.int32], shapes=[[2], []])
        x = tf.placeholder(tf.float32, [2])
        put, got, size, clear = area.put([x, tf.constant(7)]), area.get(), area.size(), area.clear()
        first = area.peek(0)
        with tf.Session() as session:
            session.run(put, {x: [1, 2]})
            session.run(put, {x: [3, 4]})
            found = [session.run(size), session.run(first), session.run(got), session.run(got), session.run(size)]
            session.run(put, {x: [5, 6]})
            session.run(clear)
            return [*found, session.run(size), [t.shape.as_list() for t in got], area.name]

    both(program)


def test_names_and_capacity():
    def program(tf):
        area = _areas(tf).StagingArea([tf.float32, tf.string], names=["x", "s"], capacity=2, shared_name="mine")
        put, got = area.put({"s": tf.constant("a"), "x": tf.constant(1.5)}), area.get()
        with tf.Session() as session:
            session.run(put)
            value = session.run(got)
            return [value["x"], value["s"], area.capacity, area.name, sorted(got)]

    both(program)
    for wrong in (
        lambda make, one: make(names=["x", "s"]).put([one]),
        lambda make, one: make().put({"x": one}),
        lambda make, one: make(shapes=[[2], []]).put([one, one]),
        lambda make, one: make(shapes=[[2]]),
    ):
        both.error(lambda tf, wrong=wrong: wrong(
            functools.partial(_areas(tf).StagingArea, [tf.float32, tf.float32]), tf.constant(1.0)))  # fmt: skip


def test_keys():
    def program(tf):
        area = _areas(tf).MapStagingArea([tf.float32, tf.int32], shapes=[[2], []], ordered=True)
        key, x = tf.placeholder(tf.int64), tf.placeholder(tf.float32, [2])
        whole, part, rest = (
            area.put(key, [x, tf.constant(1)], [0, 1]),
            area.put(key, [x], [0]),
            area.put(key, [tf.constant(5)], [1]),
        )
        peek, one, any_key = area.peek(key), area.get(key), area.get()
        size, incomplete = area.size(), area.incomplete_size()
        with tf.Session() as session:
            session.run(whole, {key: 9, x: [1, 2]})
            session.run(part, {key: 3, x: [3, 4]})
            found = [session.run([size, incomplete]), session.run(rest, {key: 3}), session.run([size, incomplete]),
                     session.run(peek, {key: 9}), session.run(any_key), session.run(one[1], {key: 9})]  # fmt: skip
            session.run(whole, {key: 1, x: [1, 1]})
            session.run(area.clear())
            return [*found[:1], *found[2:], session.run(size)]

    both(program)


def test_as_training_input():
    """A step trains on what the step before staged."""

    def program(tf):
        area = _areas(tf).StagingArea([tf.float32])
        x = tf.placeholder(tf.float32, [3])
        put = area.put([x])
        batch = area.get()[0]
        batch.set_shape([3])
        w = tf.Variable([1.0, 1.0, 1.0])
        loss = tf.reduce_sum(tf.square(w - batch))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(put, {x: np.zeros(3)})
            losses = [session.run([loss, train, put], {x: np.full(3, float(i))})[0] for i in range(4)]
            return [*losses, session.run(w)]

    both(program)
