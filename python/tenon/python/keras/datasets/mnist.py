"""Handwritten digits."""

import gzip
import os

import numpy as np

from tenon.python.keras.utils import data_utils
from tenon.python.util.tf_export import tf_export

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_idx(path):
    """The array in an IDX file of bytes, gzipped or not."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        data = f.read()
    rank = data[3]
    shape = np.frombuffer(data, ">i4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


@tf_export("keras.datasets.mnist.load_data")
def load_data(path="mnist.npz"):
    """((60000 images of 28x28 bytes, labels), (10000 images, labels))."""
    found = [data_utils.local_file(os.path.join("mnist", n + ".gz"), os.path.join("mnist", n)) for n in FILES]
    if all(found):
        a, b, c, d = map(read_idx, found)
        return (a, b), (c, d)
    origin = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
    digest = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
    with np.load(data_utils.get_file(path, origin, file_hash=digest)) as f:
        return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])
