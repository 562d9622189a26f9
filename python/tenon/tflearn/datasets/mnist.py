"""Handwritten digits."""

import numpy as np

from tenon.python.keras.datasets import mnist


def load_data(data_dir="mnist/", one_hot=False):
    """(images, labels, test images, test labels): rows of 784 numbers between 0 and 1."""
    (x, y), (test_x, test_y) = mnist.load_data()
    x, test_x = (v.reshape(-1, 784).astype("float32") / 255 for v in (x, test_x))
    if one_hot:
        y, test_y = (np.eye(10)[v] for v in (y, test_y))
    return x, y, test_x, test_y
