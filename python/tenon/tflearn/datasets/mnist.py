"""Handwritten digits."""

import numpy as np

from tenon.python.keras.datasets import mnist

VALIDATION_SIZE = 5000  # of the training images, the first; they are not among those that load_data gives


def load_data(data_dir="mnist/", one_hot=False):
    """(images, labels, test images, test labels): rows of 784 numbers between 0 and 1."""
    (x, y), (test_x, test_y) = mnist.load_data()
    x, test_x = (v.reshape(-1, 784).astype("float32") / 255 for v in (x, test_x))
    if one_hot:
        y, test_y = (np.eye(10)[v] for v in (y, test_y))
    return x[VALIDATION_SIZE:], y[VALIDATION_SIZE:], test_x, test_y


def read_data_sets(train_dir, **kwargs):
    """The sets of TensorFlow's tutorials: train, validation and test, with next_batch."""
    from tenon.examples.tutorials.mnist import input_data

    return input_data.read_data_sets(train_dir, **kwargs)
