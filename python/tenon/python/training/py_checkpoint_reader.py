"""tf.train.NewCheckpointReader."""

import os

import numpy as np

from tenon import _core
from tenon.python.framework import dtypes, errors
from tenon.python.util.tf_export import tf_export


class CheckpointReader:
    """A checkpoint being read: which tensors it holds, and their values."""

    def __init__(self, filename):
        self._reader = _core.CheckpointReader(os.fsdecode(filename))
        self._tensors = {name: (dtypes.as_dtype(dtype), list(shape)) for name, dtype, shape in self._reader.tensors()}

    def get_variable_to_shape_map(self):
        """{name: list of sizes} of all tensors."""
        return {name: shape for name, (_, shape) in self._tensors.items()}

    def get_variable_to_dtype_map(self):
        """{name: dtype} of all tensors."""
        return {name: dtype for name, (dtype, _) in self._tensors.items()}

    def has_tensor(self, tensor_str):
        """Whether there is a tensor of this name."""
        return tensor_str in self._tensors

    def get_tensor(self, tensor_str):
        """The value of a tensor as an array."""
        if isinstance(tensor_str, bytes):
            tensor_str = tensor_str.decode()
        if tensor_str not in self._tensors:
            raise errors.NotFoundError(None, None, f"Key {tensor_str} not found in checkpoint")
        from tenon import _convert

        value = _convert.to_numpy(self._reader.read(tensor_str))
        return value.item() if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 0 else value

    def debug_string(self):
        """All tensors, one a line: name (dtype) shape."""
        lines = [f"{name} ({dtype.name}) {shape}" for name, (dtype, shape) in sorted(self._tensors.items())]
        return "\n".join(lines).encode()


@tf_export("train.NewCheckpointReader", "pywrap_tensorflow.NewCheckpointReader")
def NewCheckpointReader(filepattern):
    """Opens the checkpoint whose files begin with FILEPATTERN."""
    return CheckpointReader(filepattern)
