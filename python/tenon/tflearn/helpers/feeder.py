"""Batches of what is fed."""

import numpy as np


def rows(data, ids):
    """Some samples of an array, list or anything that is indexed by numbers."""
    if isinstance(data, np.ndarray):
        return data[ids]
    if hasattr(data, "iloc"):
        return data.iloc[ids]
    if hasattr(data, "shape") and hasattr(data, "dtype"):  # a file of arrays takes rising numbers
        order = np.argsort(ids)
        return data[list(np.asarray(ids)[order])][np.argsort(order)]
    return [data[int(i)] for i in ids]


def count(feed):
    """How many samples a feed holds."""
    sizes = {t.op.name: len(v) for t, v in feed.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"The inputs and targets must have as many samples; they have: {sizes}")
    return next(iter(sizes.values()))


class Batches:
    """The batches of an epoch, changed as data_preprocessing and data_augmentation say."""

    def __init__(self, feed, batch_size, shuffle, prep=None, aug=None):
        self.feed, self.batch_size, self.shuffle = feed, batch_size, shuffle
        self.prep, self.aug = prep or {}, aug or {}
        self.count = count(feed)

    def __len__(self):
        return -(-self.count // self.batch_size)

    def __iter__(self):
        order = np.arange(self.count)
        if self.shuffle:
            np.random.shuffle(order)
        for start in range(0, self.count, self.batch_size):
            yield self.batch(order[start : start + self.batch_size])

    def batch(self, ids):
        """(the feed of some samples, how many they are)."""
        found = {}
        for tensor, data in self.feed.items():
            part = rows(data, ids)
            # Pictures are changed at random first, then normalized.
            for step in (self.aug.get(tensor), self.prep.get(tensor)):
                if step is not None:
                    part = step.apply(part)
            found[tensor] = part
        return found, len(ids)
