"""A model of tf.layers trained here goes on in TensorFlow from its checkpoint, and the other way round."""

import numpy as np

import tenon
from api.both import tensorflow

IMAGES = np.random.RandomState(0).rand(4, 8, 8, 1).astype("f")
LABELS = np.array([0, 1, 2, 0])


def network(tf):
    x, y = tf.placeholder(tf.float32, [None, 8, 8, 1]), tf.placeholder(tf.int64, [None])
    h = tf.layers.conv2d(x, 4, 3, kernel_initializer=tf.glorot_uniform_initializer(seed=1))
    h = tf.nn.relu(tf.layers.batch_normalization(h, training=True))
    h = tf.layers.dropout(tf.layers.max_pooling2d(h, 2, 2), 0.2, seed=4, training=True)
    logits = tf.layers.dense(tf.layers.flatten(h), 3, kernel_initializer=tf.glorot_uniform_initializer(seed=2))
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.AdamOptimizer(0.01).minimize(loss, global_step=step)
    return x, y, loss, train


def losses(tf, start=None, save=None):
    """The losses of three steps, from a checkpoint if there is one."""
    with tf.Graph().as_default():
        x, y, loss, train = network(tf)
        saver = tf.train.Saver()
        with tf.Session() as session:
            if start:
                saver.restore(session, start)
            else:
                session.run(tf.global_variables_initializer())
            found = [session.run([loss, train], {x: IMAGES, y: LABELS})[0] for _ in range(3)]
            if save:
                saver.save(session, save)
            return found


def test_checkpoints(tmp_path):
    tf = tensorflow()
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    np.testing.assert_allclose(losses(tenon, save=ours), losses(tf, save=theirs), rtol=1e-5)
    assert tf.train.list_variables(ours) == tf.train.list_variables(theirs)
    ended = [losses(package, start=start) for package in (tenon, tf) for start in (ours, theirs)]
    for other in ended[1:]:
        np.testing.assert_allclose(ended[0], other, rtol=1e-5)
