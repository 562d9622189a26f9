"""Columns of categories: words and numbers, by vocabulary, by hash, as they are, weighted and crossed."""

import collections

import numpy as np

from tenon.python.feature_column import base
from tenon.python.feature_column.base import CategoricalColumn, FeatureColumn, checked_key
from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, check_ops, gen_ops, lookup_ops, math_ops, parsing_ops, sparse_ops
from tenon.python.platform import gfile
from tenon.python.util.tf_export import tf_export


class _Keyed(CategoricalColumn):
    """A column of the categories of one feature."""

    __slots__ = ()

    @property
    def name(self):
        """The feature's name."""
        return self.key

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return {self.key: parsing_ops.VarLenFeature(self.dtype)}

    def transform_feature(self, transformation_cache, state_manager):
        """The numbers of the categories, sparse."""
        value = base.to_sparse(transformation_cache.get(self.key, state_manager))
        return self._ids(value)

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """(ids, None)."""
        return transformation_cache.get(self, state_manager), None

    @staticmethod
    def _with_values(like, values):
        return sparse_tensor.SparseTensor(like.indices, values, like.dense_shape)


class HashedCategoricalColumn(
    _Keyed, collections.namedtuple("HashedCategoricalColumn", ["key", "hash_bucket_size", "dtype"])
):
    """Categories by the hash of what they are called."""

    __slots__ = ()

    @property
    def num_buckets(self):
        """How many there are."""
        return self.hash_bucket_size

    def _ids(self, value):
        base.check_same_kind(self.key, self.dtype, value)
        text = value.values if self.dtype == dtypes.string else gen_ops.as_string(value.values)
        return self._with_values(value, gen_ops.string_to_hash_bucket_fast(text, self.hash_bucket_size, name="lookup"))


class _Vocabulary(_Keyed):
    """A column whose categories have their numbers from a table."""

    __slots__ = ()

    def _ids(self, value):
        base.check_same_kind(self.key, self.dtype, value)
        key_dtype = self.dtype
        if value.dtype.is_integer:
            key_dtype = dtypes.int64
            value = self._with_values(value, math_ops.cast(value.values, dtypes.int64))
        return self._table(key_dtype).lookup(value)


_FILE = ["key", "vocabulary_file", "vocabulary_size", "num_oov_buckets", "dtype", "default_value"]
_LIST = ["key", "vocabulary_list", "dtype", "default_value", "num_oov_buckets"]


class VocabularyFileCategoricalColumn(_Vocabulary, collections.namedtuple("VocabularyFileCategoricalColumn", _FILE)):
    """Categories that are the lines of a file."""

    __slots__ = ()

    @property
    def num_buckets(self):
        """How many there are, with those of words that are not in the file."""
        return self.vocabulary_size + self.num_oov_buckets

    def _table(self, key_dtype):
        return lookup_ops.index_table_from_file(
            vocabulary_file=self.vocabulary_file, num_oov_buckets=self.num_oov_buckets,
            vocab_size=self.vocabulary_size, default_value=self.default_value, key_dtype=key_dtype,
            name=f"{self.key}_lookup",
        )  # fmt: skip


class VocabularyListCategoricalColumn(_Vocabulary, collections.namedtuple("VocabularyListCategoricalColumn", _LIST)):
    """Categories that stand in a list."""

    __slots__ = ()

    @property
    def num_buckets(self):
        """How many there are, with those of words that are not in the list."""
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _table(self, key_dtype):
        return lookup_ops.index_table_from_tensor(
            vocabulary_list=tuple(self.vocabulary_list), default_value=self.default_value,
            num_oov_buckets=self.num_oov_buckets, dtype=key_dtype, name=f"{self.key}_lookup",
        )  # fmt: skip


_IDENTITY = ["key", "number_buckets", "default_value"]


class IdentityCategoricalColumn(_Keyed, collections.namedtuple("IdentityCategoricalColumn", _IDENTITY)):
    """Categories that are numbers from 0 on."""

    __slots__ = ()

    @property
    def dtype(self):
        """Whole numbers."""
        return dtypes.int64

    @property
    def num_buckets(self):
        """How many there are."""
        return self.number_buckets

    def _ids(self, value):
        if not value.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {value.dtype}")
        values = math_ops.cast(value.values, dtypes.int64, name="values")
        count = math_ops.cast(self.number_buckets, dtypes.int64, name="num_buckets")
        zero = math_ops.cast(0, dtypes.int64, name="zero")
        if self.default_value is None:
            # Checked in the step, as ids that are out of range would be read as rows of a table.
            checks = [
                check_ops.assert_less(
                    values, count, message="Bucket index for categorical column "
                    f'"{self.key}" exceeds number of buckets', name="assert_less_than_num_buckets"),
                check_ops.assert_greater_equal(
                    values, zero, message="Negative bucket index for categorical column "
                    f'"{self.key}"', name="assert_greater_or_equal_0"),
            ]  # fmt: skip
            with ops.control_dependencies(checks):
                values = array_ops.identity(values)
        else:
            outside = math_ops.logical_or(values < zero, values >= count, name="out_of_range")
            default = array_ops.fill(
                dims=array_ops.shape(values), value=math_ops.cast(self.default_value, dtypes.int64),
                name="default_values",
            )  # fmt: skip
            values = array_ops.where(outside, default, values)
        return self._with_values(value, values)


_WEIGHTED = ["categorical_column", "weight_feature_key", "dtype"]


class WeightedCategoricalColumn(CategoricalColumn, collections.namedtuple("WeightedCategoricalColumn", _WEIGHTED)):
    """Categories with a weight each, which another feature gives."""

    __slots__ = ()

    @property
    def name(self):
        """Both names."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parents(self):
        """The categories and the weights."""
        return [self.categorical_column, self.weight_feature_key]

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        spec = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in spec:
            raise ValueError(f"Parse config {spec} already exists for {self.weight_feature_key}.")
        spec[self.weight_feature_key] = parsing_ops.VarLenFeature(self.dtype)
        return spec

    @property
    def num_buckets(self):
        """As many as without weights."""
        return self.categorical_column.num_buckets

    def transform_feature(self, transformation_cache, state_manager):
        """(ids, weights), both sparse."""
        weights = transformation_cache.get(self.weight_feature_key, state_manager)
        if weights is None:
            raise ValueError(f"Missing weights {self.weight_feature_key}.")
        weights = sparse_tensor.convert_to_tensor_or_sparse_tensor(weights)
        if self.dtype != weights.dtype.base_dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype}, but got {weights.dtype}.")
        if not isinstance(weights, sparse_tensor.SparseTensor):
            # In a dense tensor a weight of 0 says that there is no category.
            weights = base.to_sparse(weights, ignore_value=0.0)
        if not weights.dtype.is_floating:
            weights = sparse_tensor.SparseTensor(
                weights.indices, math_ops.cast(weights.values, dtypes.float32), weights.dense_shape
            )
        return transformation_cache.get(self.categorical_column, state_manager), weights

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """(ids, weights)."""
        return transformation_cache.get(self, state_manager)

    def create_state(self, state_manager):
        """That of the categories."""
        self.categorical_column.create_state(state_manager)


class CrossedColumn(
    CategoricalColumn, collections.namedtuple("CrossedColumn", ["keys", "hash_bucket_size", "hash_key"])
):
    """Every combination of the categories of several columns, by its hash."""

    __slots__ = ()

    @property
    def name(self):
        """The names of what is crossed, sorted."""
        return "_X_".join(sorted(key if isinstance(key, str) else key.name for key in self._leaves()))

    @property
    def parents(self):
        """What is crossed."""
        return list(self.keys)

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        spec = {}
        for key in self.keys:
            spec.update(
                key.parse_example_spec if isinstance(key, FeatureColumn)
                else {key: parsing_ops.VarLenFeature(dtypes.string)}
            )  # fmt: skip
        return spec

    @property
    def num_buckets(self):
        """How many there are."""
        return self.hash_bucket_size

    def _leaves(self):
        """What is crossed, down to columns and names that are not crossed themselves."""
        found = []
        for key in self.keys:
            found += key._leaves() if isinstance(key, CrossedColumn) else [key]
        return found

    def transform_feature(self, transformation_cache, state_manager):
        """The numbers of the combinations, sparse."""
        crossed = []
        for key in self._leaves():
            if isinstance(key, str):
                crossed.append(transformation_cache.get(key, state_manager))
                continue
            ids, weights = key.get_sparse_tensors(transformation_cache, state_manager)
            if weights is not None:
                raise ValueError("crossed_column does not support weight_tensor, but the given column populates "
                                 f"weight_tensor. Given column: {key.name}")  # fmt: skip
            crossed.append(ids)
        return sparse_ops.sparse_cross_hashed(inputs=crossed, num_buckets=self.hash_bucket_size, hash_key=self.hash_key)

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """(ids, None)."""
        return transformation_cache.get(self, state_manager), None


@tf_export("feature_column.categorical_column_with_hash_bucket")
def categorical_column_with_hash_bucket(key, hash_bucket_size, dtype=dtypes.string):
    """Categories by their hash."""
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    dtype = dtypes.as_dtype(dtype)
    base.check_integer_or_string(f"column_name: {checked_key(key)}", dtype)
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


def _check_oov(key, num_oov_buckets, default_value, unset):
    if num_oov_buckets:
        if default_value != unset:
            raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
        if num_oov_buckets < 0:
            raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")


@tf_export("feature_column.categorical_column_with_vocabulary_file", v1=[
    "feature_column.categorical_column_with_vocabulary_file"])  # fmt: skip
def categorical_column_with_vocabulary_file(
    key, vocabulary_file, vocabulary_size=None, num_oov_buckets=0, default_value=None, dtype=dtypes.string
):
    """Categories that are the lines of a file; others count as none, or as DEFAULT_VALUE, or by hash."""
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    if vocabulary_size is None:
        if not gfile.Exists(vocabulary_file):
            raise ValueError(f"vocabulary_file in {key} does not exist.")
        with gfile.GFile(vocabulary_file, mode="rb") as file:
            vocabulary_size = sum(1 for _ in file)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_oov(key, num_oov_buckets, default_value, None)
    dtype = dtypes.as_dtype(dtype)
    base.check_integer_or_string(f"column_name: {checked_key(key)}", dtype)
    return VocabularyFileCategoricalColumn(
        key,
        vocabulary_file,
        vocabulary_size,
        num_oov_buckets or 0,
        dtype,
        -1 if default_value is None else default_value,
    )


@tf_export("feature_column.categorical_column_with_vocabulary_list")
def categorical_column_with_vocabulary_list(key, vocabulary_list, dtype=None, default_value=-1, num_oov_buckets=0):
    """Categories that stand in a list; others count as none, or as DEFAULT_VALUE, or by hash."""
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    words = dtypes.as_dtype(np.array(vocabulary_list).dtype)
    _check_oov(key, num_oov_buckets, default_value, -1)
    base.check_integer_or_string(f"column_name: {checked_key(key)} vocabulary", words)
    dtype = words if dtype is None else dtypes.as_dtype(dtype)
    if dtype.is_integer != words.is_integer:
        raise ValueError(f"dtype {dtype} and vocabulary dtype {words} do not match, column_name: {key}")
    base.check_integer_or_string(f"column_name: {key}", dtype)
    return VocabularyListCategoricalColumn(key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets)


@tf_export("feature_column.categorical_column_with_identity")
def categorical_column_with_identity(key, num_buckets, default_value=None):
    """Categories that are numbers from 0 on; others are an error, or count as DEFAULT_VALUE."""
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}")
    return IdentityCategoricalColumn(checked_key(key), num_buckets, default_value)


@tf_export("feature_column.weighted_categorical_column")
def weighted_categorical_column(categorical_column, weight_feature_key, dtype=dtypes.float32):
    """CATEGORICAL_COLUMN with weights, which the feature WEIGHT_FEATURE_KEY gives."""
    dtype = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype {dtype} is not convertible to float.")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


@tf_export("feature_column.crossed_column")
def crossed_column(keys, hash_bucket_size, hash_key=None):
    """The combinations of KEYS (names of features, or columns of categories), by their hash."""
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        categories = isinstance(key, CategoricalColumn)
        if not isinstance(key, str) and not categories:
            raise ValueError("Unsupported key type. All keys must be either string, or categorical column except "
                             f"HashedCategoricalColumn. Given: {key}")  # fmt: skip
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError("categorical_column_with_hash_bucket is not supported for crossing. Hashing before "
                             "crossing "
                             "will increase probability of collision. Instead, use the feature name as a string. "
                             f"Given: {key}")  # fmt: skip
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)
