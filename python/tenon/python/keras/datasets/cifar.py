"""The CIFAR data sets: colour pictures of 32x32."""

import io
import os
import pickle

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.utils import data_utils
from tenon.python.util.tf_export import tf_export


class _Arrays(pickle.Unpickler):
    """Reads arrays and plain values, and makes nothing else."""

    def find_class(self, module, name):
        if module.startswith(("numpy.core", "numpy._core", "numpy")) and name in ("_reconstruct", "ndarray", "dtype"):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"a CIFAR batch holds arrays, not {module}.{name}")


def load_batch(path, label_key="labels"):
    """(images with channels first, labels) of one file of the Python version."""
    with open(path, "rb") as f:
        data = _Arrays(io.BytesIO(f.read()), encoding="bytes").load()
    return data[b"data"].reshape(-1, 3, 32, 32), data[label_key.encode()]


def _ordered(x):
    return x.transpose(0, 2, 3, 1) if K.image_data_format() == "channels_last" else x


def _records(path):
    """(images, labels) of a TFRecord file of Examples with pictures and labels."""
    features = {
        "image/encoded": tf.FixedLenFeature([], tf.string),
        "image/class/label": tf.FixedLenFeature([], tf.int64),
    }
    with tf.Graph().as_default(), tf.Session() as session:

        def parse(record):
            found = tf.parse_single_example(record, features)
            image = tf.image.decode_image(found["image/encoded"], channels=3)
            image.set_shape([32, 32, 3])
            return image, found["image/class/label"]

        batch = tf.data.TFRecordDataset(path).map(parse, 2).batch(1000).make_one_shot_iterator().get_next()
        parts = []
        while True:
            try:
                parts.append(session.run(batch))
            except tf.errors.OutOfRangeError:
                break
    images, labels = (np.concatenate(p) for p in zip(*parts))
    return images if K.image_data_format() == "channels_last" else images.transpose(0, 3, 1, 2), labels


@tf_export("keras.datasets.cifar10.load_data")
def load_data():
    """((50000 pictures of 32x32x3 bytes, labels of shape (n, 1)), (10000 pictures, labels)).

    Records in the folder of data hold JPEG pictures, whose bytes differ a little from those of the Python version.
    """
    local = [data_utils.local_file(os.path.join("cifar10", f"cifar10_{part}.tfrecord")) for part in ("train", "test")]
    if all(local):
        (x, y), (test_x, test_y) = map(_records, local)
        return (x, y.astype("uint8").reshape(-1, 1)), (test_x, test_y.astype("uint8").reshape(-1, 1))
    digest = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
    folder = data_utils.get_file("cifar-10-batches-py", "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                                 untar=True, file_hash=digest)  # fmt: skip
    parts = [load_batch(os.path.join(folder, f"data_batch_{i}")) for i in range(1, 6)]
    x, y = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    test_x, test_y = load_batch(os.path.join(folder, "test_batch"))
    return ((_ordered(x), np.asarray(y, "uint8").reshape(-1, 1)),
            (_ordered(test_x), np.asarray(test_y, "uint8").reshape(-1, 1)))  # fmt: skip


@tf_export("keras.datasets.cifar100.load_data")
def load_cifar100(label_mode="fine"):
    """((50000 pictures of 32x32x3 bytes, labels of shape (n, 1)), (10000 pictures, labels)); labels fine or coarse."""
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: {label_mode}.')
    digest = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
    folder = data_utils.get_file("cifar-100-python", "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
                                 untar=True, file_hash=digest)  # fmt: skip
    found = [load_batch(os.path.join(folder, part), label_mode + "_labels") for part in ("train", "test")]
    (x, y), (test_x, test_y) = found
    return ((_ordered(x), np.asarray(y).reshape(-1, 1)), (_ordered(test_x), np.asarray(test_y).reshape(-1, 1)))
