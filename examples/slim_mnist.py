"""Digits with Slim: python -m tenon.compat examples/slim_mnist.py"""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

slim, mnist = tf.contrib.slim, input_data.read_data_sets("MNIST_data", seed=1)
x, y = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int64, [None])
logits = slim.fully_connected(slim.fully_connected(x, 128), 10, activation_fn=None)
loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
train = slim.learning.create_train_op(loss, tf.train.AdamOptimizer(0.001))
accuracy = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(logits, 1), y)))
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    _ = [sess.run(train, dict(zip((x, y), mnist.train.next_batch(128)))) for _ in range(900)]
    print([sess.run(accuracy, {x: mnist.test.images, y: mnist.test.labels})])
