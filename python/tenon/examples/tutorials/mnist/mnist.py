"""The network of TensorFlow's MNIST tutorial: inference, loss, training, evaluation."""

import math

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def _layer(tf, inputs, size):
    """INPUTS times `weights` plus `biases`."""
    width = inputs.get_shape()[1].value
    start = tf.truncated_normal([width, size], stddev=1.0 / math.sqrt(float(width)))
    weights = tf.Variable(start, name="weights")
    return tf.matmul(inputs, weights) + tf.Variable(tf.zeros([size]), name="biases")


def inference(images, hidden1_units, hidden2_units):
    """Logits [n, 10] of IMAGES [n, 784] through two hidden layers."""
    import tenon as tf

    with tf.name_scope("hidden1"):
        hidden = tf.nn.relu(_layer(tf, images, hidden1_units))
    with tf.name_scope("hidden2"):
        hidden = tf.nn.relu(_layer(tf, hidden, hidden2_units))
    with tf.name_scope("softmax_linear"):
        return _layer(tf, hidden, NUM_CLASSES)


def loss(logits, labels):
    """The mean cross entropy with class numbers LABELS [n]."""
    import tenon as tf

    return tf.losses.sparse_softmax_cross_entropy(labels=tf.cast(labels, tf.int64), logits=logits)


def training(loss, learning_rate):
    """A step of gradient descent, which a summary of the loss goes with."""
    import tenon as tf

    tf.summary.scalar("loss", loss)
    optimizer = tf.train.GradientDescentOptimizer(learning_rate)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    return optimizer.minimize(loss, global_step=global_step)


def evaluation(logits, labels):
    """How many of the LABELS have the largest logit."""
    import tenon as tf

    return tf.reduce_sum(tf.cast(tf.nn.in_top_k(logits, labels, 1), tf.int32))
