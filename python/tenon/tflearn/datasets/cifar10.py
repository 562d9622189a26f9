"""Small colour pictures in ten classes."""

import numpy as np

from tenon.python.keras.datasets import cifar


def load_data(dirname="cifar-10-batches-py", one_hot=False):
    """((pictures, labels), (pictures, labels)): numbers between 0 and 1, (n, 32, 32, 3)."""
    (x, y), (test_x, test_y) = cifar.load_data()
    x, test_x = x / 255.0, test_x / 255.0
    y, test_y = y.reshape(-1), test_y.reshape(-1)
    if one_hot:
        y, test_y = (np.eye(10)[v] for v in (y, test_y))
    return (x, y), (test_x, test_y)
