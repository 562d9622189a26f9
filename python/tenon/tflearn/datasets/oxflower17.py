"""Photographs of seventeen kinds of flowers."""

import os

import numpy as np

from tenon.python.keras.utils import data_utils
from tenon.tflearn.data_utils import ImagePreloader, shuffle, to_categorical


def load_data(dirname="17flowers", resize_pics=(224, 224), shuffle_data=True, one_hot=False, **kwargs):
    """(pictures between 0 and 1, labels): 80 of each kind, in the order of the archive's names."""
    folder = data_utils.local_file(dirname) or dirname
    if not os.path.isdir(folder):
        found = data_utils.get_file("17flowers.tgz", "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz",
                                    extract=True)  # fmt: skip
        folder = os.path.join(os.path.dirname(found), "jpg")
    paths = sorted(os.path.join(root, f) for root, _, files in os.walk(folder) for f in files if f.endswith(".jpg"))
    if not paths:
        raise FileNotFoundError(f"no .jpg pictures in {folder}")
    images = ImagePreloader(paths, resize_pics)
    X = np.stack([images[i] for i in range(len(paths))])
    Y = np.arange(len(paths)) // 80
    Y = to_categorical(Y, 17) if one_hot else Y
    return shuffle(X, Y) if kwargs.get("shuffle", shuffle_data) else (X, Y)
