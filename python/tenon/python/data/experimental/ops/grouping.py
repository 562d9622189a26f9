"""Datasets by groups: each group of elements with one key as one value, and windows that slide."""

from tenon.python.data.experimental.ops import transformations
from tenon.python.data.ops.dataset_ops import Dataset
from tenon.python.data.util import nest
from tenon.python.framework import dtypes, ops
from tenon.python.util.tf_export import tf_export

_ALL = 2**63 - 1


@tf_export("data.experimental.Reducer", "contrib.data.Reducer")
class Reducer:
    """How a group becomes a value: INIT_FUNC(key), REDUCE_FUNC(state, element), FINALIZE_FUNC(state)."""

    def __init__(self, init_func, reduce_func, finalize_func):
        self._init_func, self._reduce_func, self._finalize_func = init_func, reduce_func, finalize_func

    @property
    def init_func(self):
        """The first state from a key."""
        return self._init_func

    @property
    def reduce_func(self):
        """The next state from a state and an element."""
        return self._reduce_func

    @property
    def finalize_func(self):
        """The value from the last state."""
        return self._finalize_func


@tf_export("data.experimental.group_by_reducer", "contrib.data.group_by_reducer")
def group_by_reducer(key_func, reducer):
    """One value for each key (an int64 scalar, KEY_FUNC of an element), by REDUCER; in the order of the keys."""

    def reduce_window(key, window):
        state = window.reduce(reducer.init_func(key), reducer.reduce_func)
        return Dataset.from_tensors(reducer.finalize_func(*state) if isinstance(state, tuple)
                                    else reducer.finalize_func(state))  # fmt: skip

    return transformations.group_by_window(key_func, reduce_window, window_size=_ALL)


@tf_export("contrib.data.reduce_dataset")
def reduce_dataset(dataset, reducer):
    """All of DATASET as one value, by REDUCER."""
    if not isinstance(dataset, Dataset):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    zero = ops.convert_to_tensor(0, dtypes.int64)
    return transformations.get_single_element(dataset.apply(group_by_reducer(lambda *_: zero, reducer)))


@tf_export("contrib.data.sliding_window_batch")
def sliding_window_batch(window_size, stride=None, window_shift=None, window_stride=1):
    """Batches of WINDOW_SIZE elements that are WINDOW_STRIDE apart; each begins WINDOW_SHIFT after the one before."""
    if stride is not None and window_shift is not None:
        raise ValueError("Cannot specify both `stride` and `window_shift`")
    shift = next((value for value in (stride, window_shift) if value is not None), 1)

    def batches(*parts):
        made = nest.map_structure(lambda part: part.batch(window_size), parts if len(parts) > 1 else parts[0])
        return Dataset.zip(made) if nest.is_nested(made) else made

    return lambda dataset: dataset.window(window_size, shift, window_stride, drop_remainder=True).flat_map(batches)


@tf_export("data.experimental.copy_to_device", "contrib.data.copy_to_device")
def copy_to_device(target_device, source_device="/cpu:0"):
    """The elements on TARGET_DEVICE; here all devices are the CPU."""
    return transformations.prefetch_to_device(target_device)
