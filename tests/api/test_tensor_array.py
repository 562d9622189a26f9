"""TensorArray against TensorFlow."""

import numpy as np
import pytest

from api.both import both

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.25]], np.float32)


def test_elements():
    def program(tf):
        array = tf.TensorArray(tf.float32, 3, clear_after_read=False)
        x = tf.constant(X)
        array = array.write(0, x).write(1, x * 2).write(2, tf.sin(x))
        results = [array.read(1), array.stack(), array.gather([2, 0]), array.concat(), array.size()]
        shapes = [r.get_shape() for r in results]
        return results, shapes, [r.op.name for r in results], array.dtype, array.flow.name, array.handle.op.name

    both(program)


def test_rows():
    def program(tf):
        x = tf.constant(X)
        rows = tf.TensorArray(tf.float32, 2).unstack(x)
        some = tf.TensorArray(tf.float32, 3).scatter([2, 0, 1], tf.constant(np.ones([3, 2], "f")))
        pieces = tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False).split(x, [1, 0, 1])
        equal = tf.TensorArray(tf.float32, 2).split(tf.constant(np.ones([4, 2], "f")), [2, 2])
        names = [a.flow.op.name for a in (rows, some, pieces, equal)]
        results = [rows.read(1), some.stack(), pieces.size(), pieces.concat(), equal.stack()]
        return results, names, [r.get_shape() for r in results]

    both(program)


def test_gradients():
    def program(tf):
        x = tf.constant(X)
        array = tf.TensorArray(tf.float32, 2, clear_after_read=False).unstack(x)
        y = tf.exp(array.read(0)) * array.stack()
        return tf.gradients(y, x)

    both(program)


def test_loops():
    def program(tf):
        x = tf.constant(X)

        def body(i, array, total):
            row = array.read(i % 2)
            return i + 1, array, total.write(i, tf.sin(row * tf.cast(i, tf.float32)))

        start = [0, tf.TensorArray(tf.float32, 2, clear_after_read=False).unstack(x), tf.TensorArray(tf.float32, 5)]
        _, _, total = tf.while_loop(lambda i, *_: i < 5, body, start)
        return total.stack(), tf.gradients(total.stack(), x), total.element_shape

    both(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda tf: tf.TensorArray(tf.float32, 2).write(0, X).write(1, X[0]),
        lambda tf: tf.TensorArray(tf.float32),
        lambda tf: tf.TensorArray(tf.float32, 2, handle=tf.constant(1.0)),
        lambda tf: tf.TensorArray(tf.float32, 2).write(2, X).flow,
        lambda tf: tf.TensorArray(tf.float32, 2).read(0),
        lambda tf: tf.TensorArray(tf.float32, 2).write(0, tf.constant(1)).flow,
    ],
)
def test_mistakes(program):
    both.error(program, kind=True)
