"""Columns of sequences: a value for each moment of an example."""

import collections
import math

from tenon.python.feature_column import categorical
from tenon.python.feature_column.base import CategoricalColumn, SequenceDenseColumn, checked_key
from tenon.python.feature_column.dense import checked_shape
from tenon.python.framework import dtypes, ops, sparse_tensor, tensor_shape
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, parsing_ops, sparse_ops
from tenon.python.util.tf_export import tf_export


def sequence_lengths(value, num_elements=1):
    """How many moments each row of a sparse tensor has, if each takes NUM_ELEMENTS places."""
    with ops.name_scope(None, "sequence_length") as scope:
        rows, columns = value.indices[:, 0], value.indices[:, 1] + math_ops.cast(1, dtypes.int64)
        lengths = gen_ops.segment_max(columns, segment_ids=rows)
        lengths = (lengths + (num_elements - 1)) // num_elements if num_elements > 1 else lengths
        # Rows at the end that are empty have no segment.
        missing = array_ops.expand_dims(value.dense_shape[0], 0) - array_ops.shape(lengths, out_type=dtypes.int64)[:1]
        return array_ops.concat([lengths, array_ops.zeros(missing, dtype=lengths.dtype)], axis=0, name=scope)


class SequenceCategoricalColumn(
    CategoricalColumn, collections.namedtuple("SequenceCategoricalColumn", ["categorical_column"])
):
    """Categories, one or several for each moment."""

    __slots__ = ()

    @property
    def name(self):
        """The name of the categories."""
        return self.categorical_column.name

    @property
    def parents(self):
        """The categories."""
        return [self.categorical_column]

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return self.categorical_column.parse_example_spec

    @property
    def num_buckets(self):
        """How many categories there are."""
        return self.categorical_column.num_buckets

    def transform_feature(self, transformation_cache, state_manager):
        """The numbers of the categories."""
        return self.categorical_column.transform_feature(transformation_cache, state_manager)

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """(ids, weights), each [batch, time, places], so that what is of different moments is not combined."""
        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        shape = ids.dense_shape
        target = array_ops.concat([shape[:2], math_ops.reduce_prod(shape[2:], keepdims=True)], axis=0)
        ids = sparse_ops.sparse_reshape(ids, target)
        return ids, None if weights is None else sparse_ops.sparse_reshape(weights, target)


_NUMERIC = ["key", "shape", "default_value", "dtype", "normalizer_fn"]


class SequenceNumericColumn(SequenceDenseColumn, collections.namedtuple("SequenceNumericColumn", _NUMERIC)):
    """Numbers of one shape for each moment."""

    __slots__ = ()

    @property
    def name(self):
        """The feature's name."""
        return self.key

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return {self.key: parsing_ops.VarLenFeature(self.dtype)}

    @property
    def variable_shape(self):
        """The shape for one moment."""
        return tensor_shape.TensorShape(self.shape)

    def transform_feature(self, transformation_cache, state_manager):
        """The numbers."""
        value = transformation_cache.get(self.key, state_manager)
        if self.normalizer_fn is None:
            return value
        return sparse_tensor.SparseTensor(value.indices, self.normalizer_fn(value.values), value.dense_shape)

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """(the numbers of each moment, lengths)."""
        value = transformation_cache.get(self, state_manager)
        dense = sparse_ops.sparse_tensor_to_dense(value, default_value=self.default_value)
        shape = array_ops.concat([array_ops.shape(dense)[:1], [-1], list(self.shape)], axis=0)
        dense = array_ops.reshape(dense, shape)
        # Of what is [batch, places] a moment takes all places of its shape; of [batch, time, ...] one.
        flat = value.get_shape().ndims == 2
        return dense, sequence_lengths(value, math.prod(self.shape) if flat else 1)


@tf_export("feature_column.sequence_numeric_column")
def sequence_numeric_column(key, shape=(1,), default_value=0.0, dtype=dtypes.float32, normalizer_fn=None):
    """Numbers of SHAPE for each moment; DEFAULT_VALUE is what stands after the end."""
    shape = checked_shape(shape, checked_key(key))
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    return SequenceNumericColumn(key, shape, default_value, dtype, normalizer_fn)


@tf_export("feature_column.sequence_categorical_column_with_identity")
def sequence_categorical_column_with_identity(key, num_buckets, default_value=None):
    """Categories of each moment that are numbers from 0 on."""
    return SequenceCategoricalColumn(categorical.categorical_column_with_identity(key, num_buckets, default_value))


@tf_export("feature_column.sequence_categorical_column_with_hash_bucket")
def sequence_categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=dtypes.string):
    """Categories of each moment by their hash."""
    return SequenceCategoricalColumn(categorical.categorical_column_with_hash_bucket(key, hash_bucket_size, dtype))


@tf_export("feature_column.sequence_categorical_column_with_vocabulary_file")
def sequence_categorical_column_with_vocabulary_file(
    key, vocabulary_file, vocabulary_size=None, num_oov_buckets=0, default_value=None, dtype=dtypes.string
):
    """Categories of each moment that are the lines of a file."""
    return SequenceCategoricalColumn(
        categorical.categorical_column_with_vocabulary_file(
            key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype
        )
    )


@tf_export("feature_column.sequence_categorical_column_with_vocabulary_list")
def sequence_categorical_column_with_vocabulary_list(
    key, vocabulary_list, dtype=None, default_value=-1, num_oov_buckets=0
):
    """Categories of each moment that stand in a list."""
    return SequenceCategoricalColumn(
        categorical.categorical_column_with_vocabulary_list(key, vocabulary_list, dtype, default_value, num_oov_buckets)
    )


def concatenate_context_input(context_input, sequence_input):
    """SEQUENCE_INPUT [batch, time, n] with CONTEXT_INPUT [batch, m] beside each moment: [batch, time, n + m]."""
    checks = []
    for name, tensor, rank in (("sequence_input", sequence_input, 3), ("context_input", context_input, 2)):
        checks.append(check_ops.assert_rank(tensor, rank, message=f"{name} must have rank {rank}",
                                            data=[array_ops.shape(tensor)]))  # fmt: skip
        wrong = f"{name} must have dtype float32; got {tensor.dtype}."
        checks.append(check_ops.assert_type(tensor, dtypes.float32, message=wrong))
    with ops.control_dependencies(checks):
        time = array_ops.shape(sequence_input)[1]
        tiled = array_ops.tile(array_ops.expand_dims(context_input, 1), array_ops.concat([[1], [time], [1]], 0))
    return array_ops.concat([sequence_input, tiled], 2)
