"""Parts of files as arrays."""

import numpy as np

from tenon.python.lib.io import hdf5

TF_EXPORTS = {"keras.utils.HDF5Matrix": "HDF5Matrix", "keras.utils.io_utils.HDF5Matrix": "HDF5Matrix"}


class HDF5Matrix:
    """The samples from START to END of a dataset in an HDF5 file, as fit takes them; NORMALIZER is applied to each part."""  # noqa: E501

    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        self.data = hdf5.File(datapath, "r")[dataset]
        self.start, self.end = start, self.data.shape[0] if end is None else end
        self.normalizer = normalizer

    def __len__(self):
        return self.end - self.start

    def __getitem__(self, key):
        if isinstance(key, slice):
            begin, stop, step = key.indices(len(self))
            found = self.data[begin + self.start : stop + self.start : step]
        else:
            rows = np.asarray(key)
            if np.any(rows >= len(self)) or np.any(rows < 0):
                raise IndexError(f"rows of {len(self)} samples: {key}")
            found = self.data[rows + self.start]
        return found if self.normalizer is None else self.normalizer(found)

    @property
    def shape(self):
        """The shape, with as many samples as there are between START and END."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self):
        """The dtype of what is read."""
        return self.data.dtype if self.normalizer is None else self[0:1].dtype

    @property
    def ndim(self):
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self):
        """The number of items."""
        return int(np.prod(self.shape))
