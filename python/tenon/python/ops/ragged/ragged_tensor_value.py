"""RaggedTensorValue: what a RaggedTensor held."""

import numpy as np

from tenon.python.util.tf_export import tf_export


@tf_export("ragged.RaggedTensorValue")
class RaggedTensorValue:
    """Values, an array or ragged themselves, and where the rows of them begin and end."""

    def __init__(self, values, row_splits):
        if not isinstance(row_splits, (np.ndarray, np.generic)) or row_splits.dtype not in (np.int64, np.int32):
            raise TypeError("row_splits must be a 1D numpy array of int32 or int64")
        if not isinstance(values, (np.ndarray, np.generic, RaggedTensorValue)):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        if isinstance(values, RaggedTensorValue) and values.row_splits.dtype != row_splits.dtype:
            raise ValueError("row_splits and values.row_splits must have the same dtype")
        self._values = values
        self._row_splits = row_splits

    row_splits = property(lambda self: self._row_splits, doc="Where rows begin, and where the last one ends.")
    values = property(lambda self: self._values, doc="The rows after each other.")
    dtype = property(lambda self: self._values.dtype, doc="The NumPy dtype of the values.")

    @property
    def flat_values(self):
        """The innermost values, an array."""
        return self._values.flat_values if isinstance(self._values, RaggedTensorValue) else self._values

    @property
    def nested_row_splits(self):
        """The row_splits of all ragged dimensions, the outermost's first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def ragged_rank(self):
        """How often the flat values are cut into rows."""
        return 1 + (self._values.ragged_rank if isinstance(self._values, RaggedTensorValue) else 0)

    @property
    def shape(self):
        """A tuple of sizes, None where rows differ."""
        return (self._row_splits.shape[0] - 1, None, *self._values.shape[1:])

    def to_list(self):
        """Nested lists."""
        values = self._values.to_list() if isinstance(self._values, RaggedTensorValue) else self._values.tolist()
        splits = self._row_splits.tolist()
        return [values[begin:end] for begin, end in zip(splits, splits[1:])]

    def __str__(self):
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self):
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"
