"""Digits through a bottleneck of 32 numbers and back, with Keras; a little noise makes it learn more than a copy.

usage: python examples/autoencoder.py [--epochs N] [--noise DEVIATION] [--picture FILE] [--seed N]
"""

import argparse

import numpy as np

import tenon as tf
from tenon.examples.tutorials.mnist import input_data

layers = tf.keras.layers


def autoencoder(noise):
    """(the whole, the part that makes 32 numbers of a digit)."""
    digit = layers.Input([784])
    hidden = layers.Dense(128, activation="relu")(layers.GaussianNoise(noise)(digit))
    code = layers.Dense(32, name="code")(hidden)
    hidden = layers.Dense(128, activation="relu")(code)
    back = layers.Dense(784, activation="sigmoid")(hidden)
    return tf.keras.models.Model(digit, back), tf.keras.models.Model(digit, code)


def draw(rows, path):
    """Writes rows of digits [rows, n, 784] as a PNG file."""
    rows, n = np.array(rows), len(rows[0])
    sheet = rows.reshape(-1, n, 28, 28).transpose(0, 2, 1, 3).reshape(-1, n * 28, 1)
    with tf.Session() as session, open(path, "wb") as file:
        file.write(session.run(tf.image.encode_png(np.uint8(255 * sheet))))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--picture", help="write ten digits and what comes back of them to this PNG file")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    mnist = input_data.read_data_sets("MNIST_data", validation_size=0, seed=options.seed)
    tf.set_random_seed(options.seed)
    np.random.seed(options.seed)
    whole, encoder = autoencoder(options.noise)
    whole.compile(tf.keras.optimizers.Adam(0.002), "mse")
    digits, others = mnist.train.images, mnist.test.images
    whole.fit(digits, digits, batch_size=100, epochs=options.epochs, verbose=2)
    print("codes:", encoder.predict(others).shape)
    if options.picture:
        draw([others[:10], whole.predict(others[:10])], options.picture)
    print(f"test error {whole.evaluate(others, others, batch_size=500, verbose=0):.5f} of {np.var(others):.5f}")


if __name__ == "__main__":
    main()
