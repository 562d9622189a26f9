"""Dataset.list_files: names of files by patterns."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops


def make(file_pattern, shuffle, seed):
    """A dataset of the names, shuffled unless SHUFFLE is False."""
    from tenon.python.data.ops.dataset_ops import Dataset

    with ops.name_scope("list_files"):
        shuffle = True if shuffle is None else shuffle
        pattern = ops.convert_to_tensor(file_pattern, dtype=dtypes.string, name="file_pattern")
        names = gen_ops.matching_files(pattern)
        dataset = Dataset.from_tensor_slices(names)
        if shuffle:
            size = gen_ops.maximum(gen_ops.size(names, out_type=dtypes.int64), ops.convert_to_tensor(1, dtypes.int64))
            dataset = dataset.shuffle(size, seed=seed)
        return dataset
