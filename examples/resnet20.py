"""Small photographs (CIFAR-10) with a ResNet of 20 layers; its pictures come out of TFRecords by tf.data.

usage: python examples/resnet20.py [--steps N] [--batch N] [--test N] [--seed N]

After K. He and others, Deep Residual Learning for Image Recognition, 2015, section 4.2. The rate rises for a fifth of
the steps, then falls in a straight line to nothing. 400 steps of 128 are about one round over the 50,000 pictures.
"""

import argparse
import time

import numpy as np

import tenon as tf
from tenon.examples import data

MEAN, DEVIATION = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
DECAY, RATE = 0.0001, 0.1


def pictures(part, batch, seed=None):
    """Batches of (picture, class); with SEED shuffled, shifted, mirrored and without an end."""

    def read(record):
        found = tf.parse_single_example(record, {
            "image/encoded": tf.FixedLenFeature([], tf.string),
            "image/class/label": tf.FixedLenFeature([], tf.int64),
        })  # fmt: skip
        picture = tf.reshape(tf.image.decode_jpeg(found["image/encoded"], channels=3), [32, 32, 3])
        return picture, found["image/class/label"]

    def alter(picture, label):
        picture = tf.random_crop(tf.pad(picture, [[4, 4], [4, 4], [0, 0]]), [32, 32, 3], seed=seed)
        return tf.image.random_flip_left_right(picture, seed=seed), label

    def scale(pictures, labels):
        return (tf.cast(pictures, tf.float32) - MEAN) / DEVIATION, labels

    records = tf.data.TFRecordDataset(data.find("cifar10", f"cifar10_{part}.tfrecord"))
    if seed is None:
        return records.map(read, 2).batch(batch).map(scale).prefetch(1)
    found = records.shuffle(10000, seed=seed).repeat().map(lambda record: alter(*read(record)), 2)
    return found.batch(batch, drop_remainder=True).map(scale).prefetch(2)


def convolution(x, filters, size, stride, training):
    """A convolution, normalized over the batch."""
    x = tf.layers.conv2d(
        x, filters, size, stride, "same", use_bias=False,
        kernel_initializer=tf.variance_scaling_initializer(2.0, "fan_out"),
        kernel_regularizer=lambda w: DECAY * tf.nn.l2_loss(w),
    )  # fmt: skip
    return tf.layers.batch_normalization(x, momentum=0.9, training=training)


def resnet20(x, training):
    """The logits of ten classes."""
    x = tf.nn.relu(convolution(x, 16, 3, 1, training))
    for filters in (16, 32, 64):
        for block in range(3):
            stride = 2 if filters > 16 and block == 0 else 1
            left = tf.nn.relu(convolution(x, filters, 3, stride, training))
            left = convolution(left, filters, 3, 1, training)
            x = tf.nn.relu(left + (x if stride == 1 else convolution(x, filters, 1, 2, training)))
    return tf.layers.dense(tf.reduce_mean(x, [1, 2]), 10)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--test", type=int, default=10000, help="how many pictures of the test set to ask")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    tf.set_random_seed(options.seed)
    picture, label = tf.data.make_one_shot_iterator(pictures("train", options.batch, options.seed)).get_next()
    with tf.variable_scope("resnet"):
        logits = resnet20(picture, training=True)
    loss = tf.losses.sparse_softmax_cross_entropy(label, logits)
    global_step = tf.train.get_or_create_global_step()
    done = tf.cast(global_step, tf.float32) / options.steps
    rate = RATE * tf.minimum(done / 0.2 + 0.05, (1.0 - done) / 0.8)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.MomentumOptimizer(rate, 0.9).minimize(tf.losses.get_total_loss(), global_step)
    asked, wanted = tf.data.make_one_shot_iterator(pictures("test", 500)).get_next()
    with tf.variable_scope("resnet", reuse=True):
        right = tf.cast(tf.equal(tf.argmax(resnet20(asked, training=False), 1), wanted), tf.float32)
    losses, began = [], time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            losses.append(session.run([loss, train])[0])
            if step % 50 == 0:
                print(f"step {step}: loss {np.mean(losses[-50:]):.4f} ({time.time() - began:.0f} s)", flush=True)
        found = np.mean([session.run(right) for _ in range(options.test // 500)])
    print(f"test accuracy {found:.4f}")


if __name__ == "__main__":
    main()
