"""Pictures of clothes, in the form of MNIST."""

import os

from tenon.python.keras.datasets.mnist import FILES, read_idx
from tenon.python.keras.utils import data_utils
from tenon.python.util.tf_export import tf_export


@tf_export("keras.datasets.fashion_mnist.load_data")
def load_data():
    """((60000 images of 28x28 bytes, labels), (10000 images, labels))."""
    origin = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
    found = []
    for name in FILES:
        path = data_utils.local_file(os.path.join("fashion-mnist", name + ".gz"), os.path.join("fashion-mnist", name))
        found.append(path or data_utils.get_file(name + ".gz", origin + name + ".gz",
                                                 cache_subdir=os.path.join("datasets", "fashion-mnist")))  # fmt: skip
    a, b, c, d = map(read_idx, found)
    return (a, b), (c, d)
