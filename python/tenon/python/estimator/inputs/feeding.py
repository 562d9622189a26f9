"""What input functions over arrays share: batches that Python cuts, so that no array gets into the graph."""

import numpy as np

from tenon.python.data.ops import dataset_ops
from tenon.python.framework import dtypes, ops


def checked_shuffle(shuffle):
    """ValueError unless SHUFFLE was said."""
    if not isinstance(shuffle, bool):
        raise ValueError("shuffle must be provided and explicitly set as boolean (it is recommended to set it as True "
                         "for "
                         f"training); got {shuffle}")  # fmt: skip


def _orders(count, num_epochs, shuffle, random):
    """The order of the examples, epoch by epoch."""
    epoch = 0
    while num_epochs is None or epoch < num_epochs:
        yield random.permutation(count) if shuffle else np.arange(count)
        epoch += 1


def _batches(arrays, batch_size, orders):
    """Batches of BATCH_SIZE, across the ends of epochs; the last one may be smaller."""
    left = np.zeros(0, np.int64)
    for order in orders:
        left = np.concatenate([left, order])
        while len(left) >= batch_size:
            taken, left = left[:batch_size], left[batch_size:]
            yield tuple(array[taken] for array in arrays)
    if len(left):
        yield tuple(array[left] for array in arrays)


def _plain(array):
    """ARRAY with strings as bytes, as tensors have them."""
    array = np.asarray(array)
    if array.dtype.kind == "U" or array.dtype.kind == "O":
        flat = [item.encode() if isinstance(item, str) else item for item in array.ravel()]
        array = np.array(flat, dtype=object).reshape(array.shape)
    return array


def dequeued(arrays, batch_size, num_epochs, shuffle):
    """Tensors that give the next batch of ARRAYS (of one length) in each step."""
    arrays = [_plain(array) for array in arrays]
    types = tuple(dtypes.string if a.dtype.kind in "OS" else dtypes.as_dtype(a.dtype) for a in arrays)
    shapes = tuple([None, *a.shape[1:]] for a in arrays)
    seed = ops.get_default_graph().seed

    def generate():
        random = np.random.RandomState(seed)
        return _batches(arrays, batch_size, _orders(len(arrays[0]), num_epochs, shuffle, random))

    made = dataset_ops.Dataset.from_generator(generate, types, shapes)
    return made.make_one_shot_iterator().get_next()
