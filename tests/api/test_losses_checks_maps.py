"""tf.losses, assertions, confusion matrices, map_fn, scan and folds against TensorFlow."""

import numpy as np
import pytest

from api.both import both


def ramp(tf, *shape):
    return tf.constant(np.random.RandomState(1).rand(*shape).astype("f"))


def test_losses():
    def program(tf):
        losses, a, b = tf.losses, ramp(tf, 4, 3), ramp(tf, 4, 3) * 0.7
        w, classes = tf.constant([[1.0], [0.0], [2.0], [0.5]]), tf.constant([0, 2, 1, 1])
        y = tf.cast(b > 0.3, tf.float32)
        how = losses.Reduction
        made = [
            losses.absolute_difference(a, b), losses.mean_squared_error(a, b, weights=w),
            losses.cosine_distance(a, b, axis=1), losses.hinge_loss(y, a), losses.huber_loss(a, b * 5, delta=0.5),
            losses.log_loss(y, a), losses.mean_pairwise_squared_error(a, b),
            losses.sigmoid_cross_entropy(y, a, label_smoothing=0.1),
            losses.softmax_cross_entropy(tf.one_hot(classes, 3), a, label_smoothing=0.1),
            losses.sparse_softmax_cross_entropy(classes, a, weights=tf.constant([1.0, 0, 1, 1])),
        ]  # fmt: skip
        made += [losses.mean_squared_error(a, b, weights=w, reduction=r) for r in (how.NONE, how.MEAN, how.SUM)]
        made.append(losses.mean_squared_error(a, b, reduction=how.SUM_OVER_BATCH_SIZE, loss_collection=None))
        losses.add_loss(a[0, 0], "mine")
        found = [[x.name for x in losses.get_losses()], [x.name for x in losses.get_losses(loss_collection="mine")]]
        return [made, found, tf.gradients(made[:3], [a])[0]]

    both(program)


def test_loss_of_unknown_shapes():
    def program(tf):
        a, b, w = (tf.placeholder(tf.float32) for _ in range(3))
        loss = tf.losses.mean_squared_error(a, b, weights=w)
        total = tf.losses.get_total_loss()
        with tf.Session() as session:
            return session.run([loss, total], {a: np.ones((2, 3)), b: np.zeros((2, 3)), w: np.ones((2, 1))})

    both(program)


def test_confusion_matrix():
    both(lambda tf: [tf.confusion_matrix([1, 2, 2], [0, 2, 1]),
                     tf.confusion_matrix([1, 2, 2], [0, 2, 1], num_classes=4, weights=[1, 2, 3])])  # fmt: skip


def test_assertions_that_hold():
    def program(tf):
        p = tf.placeholder_with_default(3.0, [])
        checks = [
            tf.assert_positive(p), tf.assert_equal(1, 1), tf.assert_less(p, 5.0), tf.assert_rank(p, 0),
            tf.assert_rank_in(p, [0, 1]), tf.assert_rank_at_least(p, 0), tf.assert_integer(tf.constant(1)),
            tf.assert_non_negative(p, message="m"), tf.assert_near(p, 3.0000001), tf.assert_type(p, tf.float32),
        ]  # fmt: skip
        with tf.Session() as session:
            session.run([c for c in checks if c is not None])
        return [tf.is_non_decreasing([1, 2, 2]), tf.is_strictly_increasing([1, 2, 2]), tf.assert_scalar(p)]

    both(program)


BAD = [
    lambda tf: tf.assert_equal(1, 2),
    lambda tf: tf.Session().run(tf.assert_equal(tf.placeholder_with_default(1, []), 2)),
    lambda tf: tf.assert_rank(tf.constant(1), 2),
    lambda tf: tf.assert_integer(tf.constant(1.0)),
    lambda tf: tf.assert_negative(tf.constant(1.0)),
    lambda tf: tf.assert_type(tf.constant(1), tf.float32),
    lambda tf: tf.assert_scalar(tf.constant([1])),
    lambda tf: tf.losses.mean_squared_error(None, tf.constant(1.0)),
    lambda tf: tf.losses.mean_squared_error(tf.ones([2, 3]), tf.ones([2, 4])),
    lambda tf: tf.losses.mean_squared_error(tf.ones([2, 3]), tf.ones([2, 3]), weights=tf.ones([3, 1])),
    lambda tf: tf.losses.mean_squared_error(1.0, 2.0, reduction="wrong"),
]


@pytest.mark.parametrize("program", BAD)
def test_errors(program):
    both.error(program)


def test_maps():
    def program(tf):
        e = ramp(tf, 3, 2)
        made = [
            tf.map_fn(lambda x: x * 2, e),
            tf.map_fn(lambda x: (x[0] + x[1], x[1]), (e, e), dtype=(tf.float32, tf.float32)),
            tf.scan(lambda a, x: a + x, e), tf.scan(lambda a, x: a + x, e, initializer=tf.zeros([2]), reverse=True),
            tf.foldl(lambda a, x: a + x, e), tf.foldr(lambda a, x: a * x, e, initializer=tf.ones([2])),
            tf.map_fn(lambda x: tf.reduce_sum(x), e), tf.gradients(tf.map_fn(lambda x: x * x, e), e),
            tf.gradients(tf.scan(lambda a, x: a * x, e), e),
        ]  # fmt: skip
        return [made, made[0].shape, made[2].shape]

    both(program)
