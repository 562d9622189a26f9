"""Digits out of noise: a generator and a discriminator learn against each other.

usage: python examples/gan.py [--steps N] [--picture FILE] [--seed N]

How good the digits are, a third network tells that learns to read real ones: its score is exp(mean KL(p(class|digit) ||
p(class))), as of T. Salimans and others, Improved Techniques for Training GANs, 2016: 1 at worst, 10 at best.
"""

import argparse
import time

import numpy as np

import tenon as tf
from tenon.examples.tutorials.mnist import input_data

NOISE, BATCH, RATE = 64, 100, 0.0002


def generator(noise):
    with tf.variable_scope("generator"):
        hidden = noise
        for size in (128, 256):
            hidden = tf.layers.batch_normalization(tf.layers.dense(hidden, size), training=True)
            hidden = tf.nn.relu(hidden)
        return tf.layers.dense(hidden, 784, tf.sigmoid)


def discriminator(digits, reuse):
    with tf.variable_scope("discriminator", reuse=reuse):
        hidden = tf.layers.dense(digits, 256, tf.nn.leaky_relu)
        return tf.layers.dense(tf.layers.dropout(hidden, 0.3, training=True), 1)


def reader(digits, reuse):
    with tf.variable_scope("reader", reuse=reuse):
        return tf.layers.dense(tf.layers.dense(digits, 128, tf.nn.relu), 10)


def cross_entropy(logits, target):
    wanted = tf.fill(tf.shape(logits), target)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=wanted))


def adam(loss, scope, **options):
    return tf.train.AdamOptimizer(**options).minimize(loss, var_list=tf.trainable_variables(scope))


def score(classes):
    """Of the probabilities [n, 10] that the reader gives."""
    mean = classes.mean(0)
    return np.exp(np.mean(np.sum(classes * (np.log(classes + 1e-9) - np.log(mean + 1e-9)), 1)))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--picture", help="write 100 digits to this PNG file")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    mnist = input_data.read_data_sets("MNIST_data", seed=options.seed)
    random = np.random.RandomState(options.seed)
    tf.set_random_seed(options.seed)
    noise, x = tf.placeholder(tf.float32, [None, NOISE]), tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.int64, [None])
    made = generator(noise)
    real, fake = discriminator(x, False), discriminator(made, True)
    d_loss, g_loss = cross_entropy(real, 0.9) + cross_entropy(fake, 0.0), cross_entropy(fake, 1.0)
    d_train = adam(d_loss, "discriminator", learning_rate=RATE, beta1=0.5)
    g_train = adam(g_loss, "generator", learning_rate=RATE, beta1=0.5)
    read = adam(tf.losses.sparse_softmax_cross_entropy(y, reader(x, False)), "reader", learning_rate=0.001)
    classes = tf.nn.softmax(reader(made, True))
    sheet = tf.image.encode_png(tf.cast(255.0 * tf.reshape(
        tf.transpose(tf.reshape(made, [10, 10, 28, 28]), [0, 2, 1, 3]), [280, 280, 1]), tf.uint8))  # fmt: skip

    def draw(n):
        return random.normal(size=(n, NOISE)).astype(np.float32)

    began = time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            images, labels = mnist.train.next_batch(BATCH)
            d, _, _ = session.run([d_loss, d_train, read], {x: images, y: labels, noise: draw(BATCH)})
            g, _ = session.run([g_loss, g_train], {noise: draw(BATCH)})
            if step % 500 == 0:
                found = score(session.run(classes, {noise: draw(1000)}))
                print(f"step {step}: discriminator {d:.3f}, generator {g:.3f}, score {found:.2f} "
                      f"({time.time() - began:.0f} s)", flush=True)  # fmt: skip
        found = score(session.run(classes, {noise: draw(5000)}))
        if options.picture:
            with open(options.picture, "wb") as file:
                file.write(session.run(sheet, {noise: draw(100)}))
    print(f"score {found:.3f}")


if __name__ == "__main__":
    main()
