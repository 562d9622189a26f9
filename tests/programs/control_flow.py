# Conditions, loops, maps and scans, with their gradients; Python functions in the graph.
import numpy as np
import tensorflow as tf

x = tf.constant([[1.0, -2.0], [0.5, 3.0]])
branch = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.square(x), lambda: -x)
i, total = tf.while_loop(
    lambda i, t: i < 5, lambda i, t: (i + 1, t + tf.cast(i, tf.float32) * x), [0, tf.zeros_like(x)]
)
mapped = tf.map_fn(lambda row: row * tf.reduce_sum(row), x)
scanned = tf.scan(lambda a, row: a * 0.5 + row, x)
folded = tf.foldl(lambda a, row: a + row, x)
case = tf.case(
    [(tf.less(x[0, 0], 0.0), lambda: tf.constant(1)), (tf.less(x[0, 1], 0.0), lambda: tf.constant(2))],
    default=lambda: tf.constant(3),
    exclusive=False,
)
array = tf.TensorArray(tf.float32, size=3)
_, array = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a.write(i, x * tf.cast(i, tf.float32))), [0, array])
called = tf.py_func(lambda a: np.cumsum(a, 1).astype("float32"), [x], tf.float32)
with tf.control_dependencies([tf.assert_positive(tf.shape(x)), tf.Assert(tf.equal(tf.rank(x), 2), [x])]):
    checked = tf.identity(x)
values = [branch, i, total, mapped, scanned, folded, case, array.stack(), called, checked]
gradients = tf.gradients([branch, total, mapped, scanned], x)
with tf.Session() as sess:
    for value in sess.run(values) + sess.run(gradients):
        print(np.asarray(value).tolist())
    try:
        sess.run(tf.Assert(tf.constant(False), ["no"]))
    except tf.errors.InvalidArgumentError as error:
        print("assertion failed" in str(error))
