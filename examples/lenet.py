"""Digits with LeNet, written with Slim: two convolutions with pools, a layer of 512 units, dropout.

usage: python examples/lenet.py [--epochs N] [--steps N] [--shift PIXELS] [--batch N] [--rate R] [--validate] [--seed N]

Each digit is shifted a little before it is learnt from, and the rate falls in a straight line to nothing. That was
chosen with --validate, which learns from 50,000 digits and asks the 10,000 others; without it all 60,000 are learnt
from and the test set is asked.
"""

import argparse
import time

import numpy as np

import tenon as tf
from tenon.examples.tutorials.mnist import input_data

slim = tf.slim


def lenet(images, training, reuse=None):
    """The logits of IMAGES [n, 28, 28, 1]."""
    with tf.variable_scope("LeNet", reuse=reuse):
        net = slim.conv2d(images, 32, 5, scope="conv1")
        net = slim.max_pool2d(net, 2, scope="pool1")
        net = slim.conv2d(net, 64, 5, scope="conv2")
        net = slim.max_pool2d(net, 2, scope="pool2")
        net = slim.fully_connected(slim.flatten(net), 512, scope="fc3")
        net = slim.dropout(net, 0.5, is_training=training, scope="dropout3")
        return slim.fully_connected(net, 10, activation_fn=None, scope="fc4")


def shifted(images, most, random):
    """IMAGES, each moved by up to MOST pixels in both directions."""
    wide = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
    places = random.randint(0, 2 * most + 1, (len(images), 2))
    return np.stack([image[y : y + 28, x : x + 28] for image, (y, x) in zip(wide, places)])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many (0: at the end of the epochs)")
    parser.add_argument("--shift", type=int, default=2, help="move each digit by up to so many pixels")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--validate", action="store_true", help="hold 10,000 training digits out and ask those")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    held = 10000 if options.validate else 0
    mnist = input_data.read_data_sets("MNIST_data", reshape=False, validation_size=held, seed=options.seed)
    steps = options.steps or options.epochs * mnist.train.num_examples // options.batch
    tf.set_random_seed(options.seed)
    x, y = tf.placeholder(tf.float32, [None, 28, 28, 1]), tf.placeholder(tf.int64, [None])
    loss = tf.losses.sparse_softmax_cross_entropy(y, lenet(x, training=True))
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(options.rate, global_step, steps, end_learning_rate=0.0)
    train = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step)
    right = tf.cast(tf.equal(tf.argmax(lenet(x, training=False, reuse=True), 1), y), tf.float32)
    asked = mnist.validation if options.validate else mnist.test
    random, began = np.random.RandomState(options.seed), time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(1, steps + 1):
            images, labels = mnist.train.next_batch(options.batch)
            value, _ = session.run([loss, train], {x: shifted(images, options.shift, random), y: labels})
            if step % 200 == 0:
                print(f"step {step}: loss {value:.4f} ({time.time() - began:.0f} s)", flush=True)
        found = [
            session.run(right, {x: asked.images[i : i + 500], y: asked.labels[i : i + 500]})
            for i in range(0, asked.num_examples, 500)
        ]
    print(f"{'validation' if options.validate else 'test'} accuracy {np.mean(np.concatenate(found)):.4f}")


if __name__ == "__main__":
    main()
