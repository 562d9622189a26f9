"""tf.feature_column: what dense features (one value, or a fixed number, for each example) are to a model."""

import collections
import math

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, init_ops, math_ops, variable_scope
from tenon.python.util.tf_export import tf_export


class _Column:
    """A column that gives numbers [batch, n]."""


class _Numeric(_Column, collections.namedtuple("NumericColumn", "key shape default_value dtype normalizer_fn")):
    @property
    def name(self):
        return self.key

    @property
    def size(self):
        return math.prod(self.shape)

    def dense(self, features):
        value = math_ops.cast(ops.convert_to_tensor(features[self.key]), dtypes.float32)
        if self.normalizer_fn is not None:
            value = self.normalizer_fn(value)
        return array_ops.reshape(value, [-1, self.size])


class _Categories:
    """A column of categories: ids(features) gives numbers [batch, n] below num_buckets, or -1."""

    def _value(self, features):
        value = ops.convert_to_tensor(features[self.key])
        return array_ops.expand_dims(value, -1) if value.get_shape().ndims == 1 else value


class _Bucketized(_Column, _Categories, collections.namedtuple("BucketizedColumn", "source_column boundaries")):
    @property
    def name(self):
        return f"{self.source_column.name}_bucketized"

    @property
    def num_buckets(self):
        return len(self.boundaries) + 1

    @property
    def size(self):
        return self.num_buckets * self.source_column.size

    def ids(self, features):
        return gen_ops.bucketize(self.source_column.dense(features), boundaries=list(self.boundaries))

    def dense(self, features):
        return array_ops.reshape(array_ops.one_hot(self.ids(features), self.num_buckets), [-1, self.size])


class _Identity(_Categories, collections.namedtuple("IdentityCategoricalColumn", "key num_buckets default_value")):
    @property
    def name(self):
        return self.key

    def ids(self, features):
        value = math_ops.cast(self._value(features), dtypes.int64)
        if self.default_value is None:
            return value
        other = array_ops.ones_like(value) * self.default_value
        return array_ops.where(math_ops.logical_or(value < 0, value >= self.num_buckets), other, value)


class _Vocabulary(_Categories, collections.namedtuple("VocabularyListCategoricalColumn", "key vocabulary_list dtype")):
    @property
    def name(self):
        return self.key

    @property
    def num_buckets(self):
        return len(self.vocabulary_list)

    def ids(self, features):
        same = math_ops.equal(
            array_ops.expand_dims(self._value(features), -1), array_ops.constant(self.vocabulary_list)
        )
        found = math_ops.argmax(math_ops.cast(same, dtypes.int32), -1)
        return array_ops.where(math_ops.reduce_any(same, -1), found, -array_ops.ones_like(found))


class _Hashed(_Categories, collections.namedtuple("HashedCategoricalColumn", "key num_buckets dtype")):
    @property
    def name(self):
        return self.key

    def ids(self, features):
        value = self._value(features)
        text = value if value.dtype == dtypes.string else gen_ops.as_string(value)
        return gen_ops.string_to_hash_bucket_fast(text, self.num_buckets)


class _Indicator(_Column, collections.namedtuple("IndicatorColumn", "categorical_column")):
    @property
    def name(self):
        return f"{self.categorical_column.name}_indicator"

    @property
    def size(self):
        return self.categorical_column.num_buckets

    def dense(self, features):
        return math_ops.reduce_sum(array_ops.one_hot(self.categorical_column.ids(features), self.size), 1)


class _Embedding(
    _Column, collections.namedtuple("EmbeddingColumn", "categorical_column size combiner initializer trainable")
):
    @property
    def name(self):
        return f"{self.categorical_column.name}_embedding"

    def dense(self, features):
        column = self.categorical_column
        weights = variable_scope.get_variable(
            "embedding_weights", [column.num_buckets, self.size], initializer=self.initializer, trainable=self.trainable
        )
        counts = math_ops.reduce_sum(array_ops.one_hot(column.ids(features), column.num_buckets), 1)
        total = math_ops.matmul(counts, weights)
        if self.combiner == "sum":
            return total
        number = math_ops.maximum(math_ops.reduce_sum(counts, 1, keepdims=True), 1.0)
        return total / (number if self.combiner == "mean" else math_ops.sqrt(number))


@tf_export("feature_column.numeric_column")
def numeric_column(key, shape=(1,), default_value=None, dtype=dtypes.float32, normalizer_fn=None):
    """Numbers of a given shape for each example."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return _Numeric(key, shape, default_value, dtype, normalizer_fn)


@tf_export("feature_column.bucketized_column")
def bucketized_column(source_column, boundaries):
    """Which of the ranges between BOUNDARIES a number is in."""
    if not boundaries or list(boundaries) != sorted(set(boundaries)):
        raise ValueError("boundaries must be a sorted list.")
    return _Bucketized(source_column, tuple(boundaries))


@tf_export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(key, num_buckets, default_value=None):
    """Categories that are numbers from 0 on."""
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    return _Identity(key, num_buckets, default_value)


@tf_export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(key, vocabulary_list, dtype=None):
    """Categories that are words of a list; others count as none."""
    if not len(vocabulary_list):
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    return _Vocabulary(key, tuple(vocabulary_list), dtype)


@tf_export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=dtypes.string):
    """Categories by their hash."""
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    return _Hashed(key, hash_bucket_size, dtype)


@tf_export("feature_column.indicator_column")
def indicator_column(categorical_column):
    """How often each category is there."""
    return _Indicator(categorical_column)


@tf_export("feature_column.embedding_column")
def embedding_column(categorical_column, dimension, combiner="mean", initializer=None, trainable=True):
    """A vector that is learnt for each category."""
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    initializer = initializer or init_ops.truncated_normal_initializer(mean=0.0, stddev=1 / math.sqrt(dimension))
    return _Embedding(categorical_column, dimension, combiner, initializer, trainable)


@tf_export("feature_column.input_layer")
def input_layer(features, feature_columns, trainable=True):
    """The columns, ordered by name, side by side: [batch, sum of their sizes]."""
    columns = feature_columns if isinstance(feature_columns, (list, tuple, set)) else [feature_columns]
    with variable_scope.variable_scope(None, default_name="input_layer", values=list(features.values())):
        outputs = []
        for column in sorted(columns, key=lambda c: c.name):
            if not isinstance(column, _Column):
                raise ValueError("Items of feature_columns must be a _DenseColumn. You can wrap a categorical column "
                                 "with "
                                 f"an embedding_column or indicator_column. Given: {column}")  # fmt: skip
            with variable_scope.variable_scope(None, default_name=column.name):
                outputs.append(array_ops.reshape(column.dense(features), [-1, column.size]))
        return array_ops.concat(outputs, 1)
