"""MNIST as TensorFlow's tutorials read it: `read_data_sets(folder)` with `.train.next_batch(n)`."""

import collections
import os

import numpy as np

from tenon import _core
from tenon.python.framework import dtypes, errors, random_seed

Datasets = collections.namedtuple("Datasets", ["train", "validation", "test"])


def dense_to_one_hot(labels_dense, num_classes):
    """Class numbers [n] as rows [n, NUM_CLASSES]."""
    return np.eye(num_classes)[labels_dense]


class DataSet:
    """Images and labels, dealt out in batches."""

    def __init__(self, images, labels, fake_data=False, one_hot=False, dtype=dtypes.float32, reshape=True, seed=None):
        seed1, seed2 = random_seed.get_seed(seed)
        # As in TensorFlow: NumPy's own generator is seeded.
        np.random.seed(seed1 if seed is None else seed2)
        dtype = dtypes.as_dtype(dtype).base_dtype
        if dtype not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        if fake_data:
            images = np.full([10000, 28, 28, 1], 255, np.uint8)
            labels = dense_to_one_hot(np.zeros(10000, np.int64), 10) if one_hot else np.zeros(10000, np.int64)
        if images.shape[0] != labels.shape[0]:
            raise AssertionError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
        if reshape:
            images = images.reshape(images.shape[0], int(np.prod(images.shape[1:])))  # also where there are none
        if dtype == dtypes.float32 and images.dtype == np.uint8:
            images = images.astype(np.float32) * np.float32(1.0 / 255.0)
        self._images, self._labels = images, labels
        self._epochs_completed = self._index_in_epoch = 0

    images = property(lambda self: self._images)
    labels = property(lambda self: self._labels)
    num_examples = property(lambda self: len(self._images))
    epochs_completed = property(lambda self: self._epochs_completed)

    def _shuffle(self):
        order = np.arange(self.num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        """(images, labels) of the next BATCH_SIZE examples; after the last the order is drawn anew."""
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self.num_examples:
            self._index_in_epoch += batch_size
            return self._images[start : start + batch_size], self._labels[start : start + batch_size]
        self._epochs_completed += 1
        images, labels = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        self._index_in_epoch = batch_size - len(images)
        return (
            np.concatenate((images, self._images[: self._index_in_epoch])),
            np.concatenate((labels, self._labels[: self._index_in_epoch])),
        )


def _load(train_dir):
    """The arrays from TRAIN_DIR, or from where the data sets lie on this machine."""
    if train_dir and os.path.isdir(train_dir):
        try:
            return _core.load_datasets("mnist", train_dir)
        except errors.NotFoundError:
            pass
    found = _core.load_datasets("mnist")
    print(found[2])
    return found


def read_data_sets(train_dir, fake_data=False, one_hot=False, dtype=dtypes.float32, reshape=True, validation_size=5000,
                   seed=None, source_url=None):  # fmt: skip
    """MNIST from TRAIN_DIR or, where it is not there, from the data folder; at last the digits that Tenon carries."""
    if fake_data:
        made = [DataSet([], [], fake_data=True, one_hot=one_hot, dtype=dtype, seed=seed) for _ in range(3)]
        return Datasets(*made)
    (train, test, _, fallback) = _load(train_dir)
    images, labels, test_images, test_labels = (np.asarray(value) for value in (*train, *test))
    if one_hot:
        labels, test_labels = dense_to_one_hot(labels, 10), dense_to_one_hot(test_labels, 10)
    if fallback:
        validation_size = min(validation_size, len(images) // 10)
    if not 0 <= validation_size <= len(images):
        raise ValueError(f"Validation size should be between 0 and {len(images)}. Received: {validation_size}.")
    options = {"dtype": dtype, "reshape": reshape, "seed": seed}
    return Datasets(
        train=DataSet(images[validation_size:], labels[validation_size:], **options),
        validation=DataSet(images[:validation_size], labels[:validation_size], **options),
        test=DataSet(test_images, test_labels, **options),
    )
