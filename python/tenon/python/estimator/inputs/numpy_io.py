"""An input function over NumPy arrays."""

import collections

import numpy as np

from tenon.python.estimator.inputs import feeding
from tenon.python.util.tf_export import tf_export

_TARGET = "__target_key__"


def _features(x):
    """X as a dict by sorted names."""
    if not isinstance(x, (dict, np.ndarray)):
        raise TypeError(f"x must be a dict or array; got {type(x).__name__}")
    if isinstance(x, np.ndarray):
        return {"__direct_np_input__": x}
    if not x:
        raise ValueError("x cannot be an empty dict")
    return collections.OrderedDict(sorted(x.items()))


def _labels(x, y):
    """Y as a dict of its own names."""
    if y is None:
        return {}
    if not isinstance(y, dict):
        return {_TARGET: y}
    if not y:
        raise ValueError("y cannot be empty dict, use None instead.")
    shared = set(y) & set(x)
    if shared:
        raise ValueError(f"{len(shared)} duplicate keys are found in both x and y.  The composed y keys: {shared}")
    return collections.OrderedDict(sorted(y.items()))


def _checked_lengths(arrays):
    sizes = {name: len(np.asarray(array)) for name, array in arrays.items()}
    if len(set(sizes.values())) != 1:
        told = "".join(f"{name}: {np.asarray(array).shape}\n" for name, array in arrays.items())
        raise ValueError(f"Length of tensors in x and y is mismatched. All elements in x and y must have the same "
                         f"length.\nShapes for x and y:\n{told}")  # fmt: skip


@tf_export("estimator.inputs.numpy_input_fn", "contrib.learn.io.numpy_input_fn")
def numpy_input_fn(x, y=None, batch_size=128, num_epochs=1, shuffle=None, queue_capacity=1000, num_threads=1):
    """An input function that gives batches of arrays (or dicts of them) X and labels Y.

    The examples come in a new order in each epoch if SHUFFLE. The last two arguments change nothing.
    """
    feeding.checked_shuffle(shuffle)

    def input_fn():
        features = _features(x)
        labels = _labels(features, y)
        _checked_lengths({**features, **labels})
        tensors = feeding.dequeued([*features.values(), *labels.values()], batch_size, num_epochs, shuffle)
        made = dict(zip([*features, *labels], tensors))
        found = {name: made[name] for name in features}
        if isinstance(x, np.ndarray):
            (found,) = found.values()
        if y is None:
            return found
        return found, {name: made[name] for name in labels} if isinstance(y, dict) else made[_TARGET]

    return input_fn
