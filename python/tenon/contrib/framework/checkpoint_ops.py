"""Initializers that take rows and columns of a checkpoint's matrix by the words that they stand for."""

import math

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.lib.io import file_io
from tenon.python.ops import array_ops, init_ops, math_ops
from tenon.python.training import checkpoint_utils
from tenon.python.util.tf_export import tf_export


def _words(path, size=-1):
    """The first SIZE lines of a file, all if it is -1."""
    lines = file_io.read_file_to_string(path).splitlines()
    return lines if size < 0 else lines[:size]


def _places(axis, new_file, old_file, offset, count, old_size=-1):
    """For each of COUNT new words from OFFSET on, where it was among the old; -1 where it was not."""
    if bool(old_file) != bool(new_file):
        raise ValueError(
            f"old_{axis}_vocab_file and new_{axis}_vocab_file must both be specified or left unspecified. "
            f"old_{axis}_vocab_file='{old_file}', new_{axis}_vocab_file='{new_file}'"
        )
    if not new_file:
        return np.arange(offset, offset + count)
    known = {word: at for at, word in enumerate(_words(old_file, old_size))}
    return np.array([known.get(word, -1) for word in _words(new_file)[offset : offset + count]], np.int64)


class _Remap:
    """The options of an initializer that maps a checkpoint's matrix to new vocabularies."""

    def __init__(self, ckpt_path, tensor_name, row_files, col_files, columns, initializer, old_row_vocab_size):
        if not (all(row_files) or all(col_files)) and not (any(row_files) or any(col_files)):
            raise ValueError(
                "Must provide either row or column vocab files. If no remapping is necessary, consider using "
                "`tf.contrib.framework.init_from_checkpoint` instead."
            )
        self.ckpt_path, self.tensor_name, self.initializer = ckpt_path, tensor_name, initializer
        self.row_files, self.col_files, self.columns = row_files, col_files, columns
        self.old_row_vocab_size = old_row_vocab_size

    def load(self, offset, rows):
        """The matrix [ROWS, columns] of the new words from OFFSET on; what is new is the initializer's."""
        old_row, new_row = self.row_files
        old_col, new_col = self.col_files
        at_rows = _places("row", new_row, old_row, offset, rows, self.old_row_vocab_size)
        at_cols = _places("col", new_col, old_col, 0, self.columns)
        old = checkpoint_utils.load_variable(self.ckpt_path, self.tensor_name)
        if old.ndim == 1:
            old = old[:, None]
        known = np.outer(at_rows >= 0, at_cols >= 0)
        taken = old[np.maximum(at_rows, 0)][:, np.maximum(at_cols, 0)]
        if known.all():
            return ops.convert_to_tensor(taken)
        fresh = array_ops.reshape(self.initializer([int((~known).sum()), 1]), [-1])
        place = np.cumsum(~known).reshape(known.shape) - 1
        return array_ops.where(known, taken, array_ops.gather(fresh, np.maximum(place, 0)))


@tf_export("contrib.framework.load_and_remap_matrix_initializer")
def load_and_remap_matrix_initializer(ckpt_path, old_tensor_name, new_row_vocab_size, new_col_vocab_size,
                                      old_row_vocab_size=-1, old_row_vocab_file=None, new_row_vocab_file=None,
                                      old_col_vocab_file=None, new_col_vocab_file=None, num_row_oov_buckets=0,
                                      num_col_oov_buckets=0, initializer=None, max_rows_in_memory=-1):  # fmt: skip
    """An initializer of a matrix of new words from a checkpoint's matrix of old ones.

    Rows and columns keep what their words had; new words, and the buckets for unknown ones, are INITIALIZER's.
    """
    initializer = init_ops.zeros_initializer() if initializer is None else initializer
    if not callable(initializer):
        raise TypeError(f"initializer must be callable, instead of being {initializer} of type {type(initializer)}.")
    for name, count in (("num_row_oov_buckets", num_row_oov_buckets), ("num_col_oov_buckets", num_col_oov_buckets)):
        if count < 0:
            raise ValueError(f"{name} must be >= 0, but received {count}")
    columns, total = new_col_vocab_size + num_col_oov_buckets, new_row_vocab_size + num_row_oov_buckets

    def make(shape, dtype=dtypes.float32, partition_info=None):
        if dtype != dtypes.float32:
            raise TypeError(f"Currently, only float32 is supported. Received dtype: {dtype}")
        shape = [int(size) for size in shape]
        if len(shape) != 2 or shape[0] <= 0 or shape[1] != columns:
            raise ValueError(f"Expected shape [rows > 0, {columns}], but received: {shape}")
        offset = 0 if partition_info is None else partition_info.single_offset(shape)
        if offset + shape[0] > total:
            raise ValueError(
                f"Trying to initialize {shape[0]} additional rows after {offset} rows have already been initialized, "
                f"which would exceed expected total row count of new_row_vocab_size ({new_row_vocab_size}) + "
                f"num_row_oov_buckets ({num_row_oov_buckets}) = {total}."
            )
        unknown = min(shape[0], max(0, offset + shape[0] - new_row_vocab_size))
        if unknown == shape[0]:
            return initializer(shape)
        remap = _Remap(ckpt_path, old_tensor_name, (old_row_vocab_file, new_row_vocab_file),
                       (old_col_vocab_file, new_col_vocab_file), new_col_vocab_size, initializer,
                       old_row_vocab_size)  # fmt: skip
        made = remap.load(offset, shape[0] - unknown)
        if unknown:
            made = array_ops.concat([made, initializer([unknown, new_col_vocab_size])], 0)
        if num_col_oov_buckets:
            made = array_ops.concat([made, initializer([shape[0], num_col_oov_buckets])], 1)
        return math_ops.cast(made, dtype)

    return make


@tf_export("contrib.framework.load_embedding_initializer")
def load_embedding_initializer(ckpt_path, embedding_tensor_name, new_vocab_size, embedding_dim, old_vocab_file,
                               new_vocab_file, old_vocab_size=-1, num_oov_buckets=0, initializer=None,
                               max_rows_in_memory=-1):  # fmt: skip
    """An initializer of an embedding of new words from one of old words."""
    if initializer is None:
        initializer = init_ops.truncated_normal_initializer(stddev=1.0 / math.sqrt(embedding_dim))
    return load_and_remap_matrix_initializer(
        ckpt_path, embedding_tensor_name, new_vocab_size, embedding_dim, old_row_vocab_size=old_vocab_size,
        old_row_vocab_file=old_vocab_file, new_row_vocab_file=new_vocab_file, num_row_oov_buckets=num_oov_buckets,
        initializer=initializer, max_rows_in_memory=max_rows_in_memory,
    )  # fmt: skip


@tf_export("contrib.framework.load_linear_multiclass_bias_initializer")
def load_linear_multiclass_bias_initializer(ckpt_path, bias_tensor_name, new_class_vocab_size, old_class_vocab_file,
                                            new_class_vocab_file, num_class_oov_buckets=0, initializer=None,
                                            max_rows_in_memory=-1):  # fmt: skip
    """An initializer of a linear model's biases [classes, 1] from those of old classes."""
    return load_and_remap_matrix_initializer(
        ckpt_path, bias_tensor_name, new_class_vocab_size, 1, old_row_vocab_file=old_class_vocab_file,
        new_row_vocab_file=new_class_vocab_file, num_row_oov_buckets=num_class_oov_buckets, initializer=initializer,
        max_rows_in_memory=max_rows_in_memory,
    )  # fmt: skip


@tf_export("contrib.framework.load_variable_slot_initializer")
def load_variable_slot_initializer(ckpt_path, old_tensor_name, primary_partition_info, new_row_vocab_size,
                                   new_col_vocab_size, old_row_vocab_file=None, new_row_vocab_file=None,
                                   old_col_vocab_file=None, new_col_vocab_file=None, num_row_oov_buckets=0,
                                   num_col_oov_buckets=0, initializer=None, max_rows_in_memory=-1):  # fmt: skip
    """An initializer of a slot, which lies where its variable's part lies."""
    make = load_and_remap_matrix_initializer(
        ckpt_path, old_tensor_name, new_row_vocab_size, new_col_vocab_size, old_row_vocab_file=old_row_vocab_file,
        new_row_vocab_file=new_row_vocab_file, old_col_vocab_file=old_col_vocab_file,
        new_col_vocab_file=new_col_vocab_file, num_row_oov_buckets=num_row_oov_buckets,
        num_col_oov_buckets=num_col_oov_buckets, initializer=initializer, max_rows_in_memory=max_rows_in_memory,
    )  # fmt: skip

    def in_place(shape, dtype=dtypes.float32, partition_info=None):
        return make(shape, dtype, partition_info=primary_partition_info)

    return in_place
