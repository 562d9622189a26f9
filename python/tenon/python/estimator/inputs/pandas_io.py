"""An input function over pandas' tables; pandas itself is not needed here, only who calls has it."""

import numpy as np

from tenon.python.estimator.inputs import feeding
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.inputs.pandas_input_fn", "contrib.learn.io.pandas_input_fn")
def pandas_input_fn(x, y=None, batch_size=128, num_epochs=1, shuffle=None, queue_capacity=1000, num_threads=1,
                    target_column="target"):  # fmt: skip
    """An input function that gives batches of a table X's columns, by name, and labels Y (a column, or a table)."""
    if not hasattr(x, "columns"):
        raise TypeError(f"x must be a pandas.DataFrame; got {type(x).__name__}")
    feeding.checked_shuffle(shuffle)
    if not isinstance(target_column, str):
        raise TypeError("target_column must be a string type")
    several = hasattr(y, "columns")
    if y is not None:
        if not several and target_column in x:
            raise ValueError(f"Cannot use name {target_column} for target column: DataFrame already has a column with "
                             f"that name: {x.columns}")  # fmt: skip
        if not np.array_equal(x.index, y.index):
            raise ValueError(f"Index for x and y are mismatched.\nIndex for x: {x.index}\nIndex for y: {y.index}\n")

    def input_fn():
        arrays = [np.asarray(x[name]) for name in x.columns]
        labels = [] if y is None else [np.asarray(y[name]) for name in y.columns] if several else [np.asarray(y)]
        tensors = feeding.dequeued([*arrays, *labels], batch_size, num_epochs, shuffle)
        features = dict(zip(x.columns, tensors))
        if y is None:
            return features
        rest = tensors[len(arrays) :]
        return features, dict(zip(y.columns, rest)) if several else rest[0]

    return input_fn
