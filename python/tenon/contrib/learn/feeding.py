"""Arrays as the input of contrib.learn's estimators, dealt out as its data feeders did."""

import numpy as np

from tenon.python.data.ops import dataset_ops
from tenon.python.framework import dtypes
from tenon.python.util.tf_export import tf_export


def _array(value):
    """VALUE as an array of types that models take: doubles become floats, strings bytes."""
    if hasattr(value, "__next__"):
        value = list(value)
    array = np.asarray(value)
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype.kind in "UO":
        flat = [item.encode() if isinstance(item, str) else item for item in array.ravel()]
        return np.array(flat, dtype=object).reshape(array.shape)
    return array


def _arrays(value):
    """{name: array}; None is the name of what is no dict."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {key: _array(item) for key, item in value.items()}
    return {None: _array(value)}


def _batches(arrays, batch_size, epochs, shuffle):
    count, random, epoch = len(arrays[0]), np.random.RandomState(42), 0
    while epochs is None or epoch < epochs:
        order = random.permutation(count) if shuffle else np.arange(count)
        for first in range(0, count, batch_size):
            taken = order[first : first + batch_size]
            yield tuple(array[taken] for array in arrays)
        epoch += 1


def input_fn_of(x, y=None, batch_size=None, shuffle=True, epochs=None):
    """An input function over arrays, or dicts of them; all examples are one batch without a size."""
    if batch_size is not None and batch_size <= 0:
        raise ValueError(f"Invalid batch_size {batch_size}.")
    features, labels = _arrays(x), _arrays(y)
    every = [*features.values(), *labels.values()]
    if len({len(array) for array in every}) != 1:
        raise ValueError(f"x and y have different numbers of examples: {[array.shape for array in every]}")

    def input_fn():
        types = tuple(dtypes.string if a.dtype.kind in "OS" else dtypes.as_dtype(a.dtype) for a in every)
        shapes = tuple([None, *a.shape[1:]] for a in every)
        size = batch_size or max(len(every[0]), 1)
        made = dataset_ops.Dataset.from_generator(lambda: _batches(every, size, epochs, shuffle), types, shapes)
        tensors = made.make_one_shot_iterator().get_next()
        found = dict(zip(features, tensors)) if isinstance(x, dict) else tensors[0]
        rest = tensors[len(features) :]
        return found, (dict(zip(labels, rest)) if isinstance(y, dict) else rest[0] if labels else None)

    return input_fn


@tf_export("contrib.learn.infer_real_valued_columns_from_input")
def infer_real_valued_columns_from_input(x):
    """Columns of numbers for an array, or a dict of them."""
    return infer_real_valued_columns_from_input_fn(input_fn_of(x))


@tf_export("contrib.learn.infer_real_valued_columns_from_input_fn")
def infer_real_valued_columns_from_input_fn(input_fn):
    """Columns of numbers for what an input function gives."""
    from tenon.contrib.layers import feature_column_ops
    from tenon.python.framework import ops

    with ops.Graph().as_default():
        result = input_fn()
        features = result[0] if isinstance(result, tuple) else result
        return feature_column_ops.infer_real_valued_columns(features)


@tf_export("contrib.learn.extract_pandas_data")
def extract_pandas_data(data):
    """The values of a table of numbers; anything else as it is."""
    if not hasattr(data, "columns"):
        return data
    wrong = [name for name in data.columns if np.asarray(data[name]).dtype.kind not in "biuf"]
    if wrong:
        raise ValueError("Data types for extracting pandas data must be int, float, or bool. Found: "
                         f"{wrong}")  # fmt: skip
    return np.stack([np.asarray(data[name], dtype=float) for name in data.columns], 1)


@tf_export("contrib.learn.extract_pandas_labels")
def extract_pandas_labels(labels):
    """The values of a table of one column; anything else as it is."""
    if not hasattr(labels, "columns"):
        return labels
    if len(labels.columns) > 1:
        raise ValueError("Only one column for labels is allowed.")
    return extract_pandas_data(labels)


@tf_export("contrib.learn.extract_pandas_matrix")
def extract_pandas_matrix(data):
    """The values of a table; anything else as it is."""
    return np.stack([np.asarray(data[name]) for name in data.columns], 1) if hasattr(data, "columns") else data


def _is_dask(data):
    return type(data).__module__.split(".")[0] in ("dask", "dask_expr") and hasattr(data, "to_delayed")


def _numbered(part, first):
    """PART of a table with its rows numbered from FIRST on."""
    part = part.copy()
    part.index = range(first, first + len(part))
    return part


def _with_rows_numbered(data):
    """A Dask table whose index is the number of the row, so that its partitions can be taken one after the other."""
    import dask
    from dask import dataframe

    lengths = [int(length) for length in data.map_partitions(len).compute()]
    first = np.concatenate([[0], np.cumsum(lengths)])
    parts = [dask.delayed(_numbered)(part, int(i)) for part, i in zip(data.to_delayed(), first)]
    return dataframe.from_delayed(parts, divisions=(*map(int, first[:-1]), int(max(first[-1] - 1, 0))))


@tf_export("contrib.learn.extract_dask_data")
def extract_dask_data(data):
    """A Dask table or column of predictors with its rows numbered; anything else as it is."""
    return _with_rows_numbered(data) if _is_dask(data) else data


@tf_export("contrib.learn.extract_dask_labels")
def extract_dask_labels(labels):
    """A Dask column, or table of one column, with its rows numbered; anything else as it is."""
    if not _is_dask(labels):
        return labels
    if len(getattr(labels, "columns", ())) > 1:
        raise ValueError("Only one column for labels is allowed.")
    return _with_rows_numbered(labels)
