"""contrib.layers' own feature columns, which were there before tf.feature_column; they are shells over those."""

import collections
import math

from tenon.python.feature_column import categorical, dense, learnt
from tenon.python.framework import dtypes
from tenon.python.ops import init_ops
from tenon.python.util.tf_export import tf_export

# The key of crossed columns' hashes that is the same everywhere.
SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY = 0xDECAFCAFFE
TF_EXPORTS = {"contrib.layers.SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY": "SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY"}


class _Column:
    """A column; `inner` is the one of tf.feature_column that has its values."""

    __slots__ = ()

    @property
    def key(self):
        """What columns are sorted by."""
        return str(self)

    @property
    def config(self):
        """What parse_example reads for it."""
        return self.inner.parse_example_spec


class _Sparse(_Column):
    """A column of categories; `combiner` says how several of one example are put together."""

    __slots__ = ()

    @property
    def name(self):
        """The feature's name."""
        return self.column_name

    @property
    def length(self):
        """How many categories there are."""
        return self.inner.num_buckets


_HASHED = ["column_name", "bucket_size", "combiner", "dtype", "hash_keys"]


class _SparseColumnHashed(_Sparse, collections.namedtuple("_SparseColumnHashed", _HASHED)):
    __slots__ = ()

    @property
    def inner(self):
        return categorical.categorical_column_with_hash_bucket(self.column_name, self.bucket_size, self.dtype)


_KEYS = ["column_name", "keys", "default_value", "combiner", "dtype"]


class _SparseColumnKeys(_Sparse, collections.namedtuple("_SparseColumnKeys", _KEYS)):
    __slots__ = ()

    @property
    def inner(self):
        return categorical.categorical_column_with_vocabulary_list(
            self.column_name, self.keys, dtype=self.dtype, default_value=self.default_value
        )


_VOCABULARY = ["column_name", "vocabulary_file", "num_oov_buckets", "vocab_size", "default_value", "combiner", "dtype"]


class _SparseColumnVocabulary(_Sparse, collections.namedtuple("_SparseColumnVocabulary", _VOCABULARY)):
    __slots__ = ()

    @property
    def inner(self):
        default = None if self.num_oov_buckets or self.default_value == -1 else self.default_value
        return categorical.categorical_column_with_vocabulary_file(
            self.column_name, self.vocabulary_file, self.vocab_size, self.num_oov_buckets, default, self.dtype
        )


class _SparseColumnIntegerized(_Sparse, collections.namedtuple("_SparseColumnIntegerized", [
    "column_name", "bucket_size", "combiner", "dtype"])):  # fmt: skip
    __slots__ = ()

    @property
    def inner(self):
        return _Modulo(self.column_name, self.bucket_size, self.dtype)


class _Modulo(categorical._Keyed, collections.namedtuple("_Modulo", ["key", "number_buckets", "dtype"])):
    """Whole numbers, of which what is left over a multiple of the number of buckets counts."""

    __slots__ = ()

    @property
    def num_buckets(self):
        return self.number_buckets

    def _ids(self, value):
        from tenon.python.ops import math_ops

        ids = math_ops.floormod(math_ops.cast(value.values, dtypes.int64), self.number_buckets, name="mod")
        return self._with_values(value, ids)


class _WeightedSparseColumn(_Sparse, collections.namedtuple("_WeightedSparseColumn", [
    "sparse_id_column", "weight_column_name", "dtype"])):  # fmt: skip
    __slots__ = ()

    @property
    def name(self):
        return f"{self.sparse_id_column.name}_weighted_by_{self.weight_column_name}"

    @property
    def combiner(self):
        return self.sparse_id_column.combiner

    @property
    def inner(self):
        return categorical.weighted_categorical_column(self.sparse_id_column.inner, self.weight_column_name, self.dtype)


class _CrossedColumn(_Sparse, collections.namedtuple("_CrossedColumn", [
    "columns", "hash_bucket_size", "hash_key", "combiner", "ckpt_to_load_from", "tensor_name_in_ckpt"])):  # fmt: skip
    __slots__ = ()

    @property
    def name(self):
        return "_X_".join(sorted(column.name for column in self.columns))

    @property
    def inner(self):
        keys = [
            column.column_name
            if isinstance(column, _SparseColumnHashed) and column.dtype == dtypes.string
            else column.inner
            for column in self.columns
        ]
        return categorical.CrossedColumn(tuple(keys), self.hash_bucket_size, self.hash_key)


class _Dense(_Column):
    """A column of numbers."""

    __slots__ = ()


class _OneHotColumn(_Dense, collections.namedtuple("_OneHotColumn", ["sparse_id_column"])):
    __slots__ = ()

    @property
    def name(self):
        return f"{self.sparse_id_column.name}_one_hot"

    @property
    def inner(self):
        return learnt.indicator_column(self.sparse_id_column.inner)


_EMBEDDING = ["sparse_id_column", "dimension", "combiner", "initializer", "ckpt_to_load_from", "tensor_name_in_ckpt",
              "shared_embedding_name", "max_norm", "trainable"]  # fmt: skip


class _EmbeddingColumn(_Dense, collections.namedtuple("_EmbeddingColumn", _EMBEDDING)):
    __slots__ = ()

    @property
    def name(self):
        return f"{self.sparse_id_column.name}_embedding"

    @property
    def key(self):
        return str(self._replace(initializer=None, trainable=None))

    @property
    def inner(self):
        """tf.feature_column's, whose table feature_column_ops makes under this one's name."""
        return learnt.EmbeddingColumn(
            self.sparse_id_column.inner, self.dimension, self.combiner, self.initializer, self.ckpt_to_load_from,
            self.tensor_name_in_ckpt, self.max_norm, self.trainable, True,
        )  # fmt: skip


class _RealValuedColumn(_Dense, collections.namedtuple("_RealValuedColumn", [
    "column_name", "dimension", "default_value", "dtype", "normalizer"])):  # fmt: skip
    __slots__ = ()

    @property
    def name(self):
        return self.column_name

    @property
    def key(self):
        return str(self._replace(normalizer=None))

    @property
    def normalizer_fn(self):
        return self.normalizer

    @property
    def inner(self):
        return dense.numeric_column(
            self.column_name, self.dimension, self.default_value, self.dtype, normalizer_fn=self.normalizer
        )


class _BucketizedColumn(_Dense, collections.namedtuple("_BucketizedColumn", ["source_column", "boundaries"])):
    __slots__ = ()

    combiner = "sum"

    @property
    def name(self):
        return f"{self.source_column.name}_bucketized"

    @property
    def length(self):
        return len(self.boundaries) + 1

    @property
    def inner(self):
        return dense.bucketized_column(self.source_column.inner, list(self.boundaries))


def is_sparse(column):
    """True for a column of categories."""
    return isinstance(column, _Sparse)


def _checked_combiner(combiner):
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}")
    return combiner


@tf_export("contrib.layers.sparse_column_with_hash_bucket")
def sparse_column_with_hash_bucket(column_name, hash_bucket_size, combiner="sum", dtype=dtypes.string, hash_keys=None):
    """Categories by their hash."""
    if hash_bucket_size < 2:
        raise ValueError(f"bucket_size must be at least 2. Given: {hash_bucket_size}, column_name: {column_name}")
    if hash_keys is not None:
        raise NotImplementedError("sparse_column_with_hash_bucket: hash_keys is not there in Tenon")
    dtype = dtypes.as_dtype(dtype)
    return _SparseColumnHashed(column_name, hash_bucket_size, _checked_combiner(combiner), dtype, None)


@tf_export("contrib.layers.sparse_column_with_keys")
def sparse_column_with_keys(column_name, keys, default_value=-1, combiner="sum", dtype=dtypes.string):
    """Categories that stand in a list."""
    return _SparseColumnKeys(
        column_name, tuple(keys), default_value, _checked_combiner(combiner), dtypes.as_dtype(dtype)
    )


@tf_export("contrib.layers.sparse_column_with_vocabulary_file")
def sparse_column_with_vocabulary_file(column_name, vocabulary_file, num_oov_buckets=0, vocab_size=None,
                                       default_value=-1, combiner="sum", dtype=dtypes.string):  # fmt: skip
    """Categories that are the lines of a file."""
    if vocab_size is None:
        raise ValueError(f"vocab_size should be defined. column_name: {column_name}")
    return _SparseColumnVocabulary(column_name, vocabulary_file, num_oov_buckets, vocab_size, default_value,
                                   _checked_combiner(combiner), dtypes.as_dtype(dtype))  # fmt: skip


@tf_export("contrib.layers.sparse_column_with_integerized_feature")
def sparse_column_with_integerized_feature(column_name, bucket_size, combiner="sum", dtype=dtypes.int64):
    """Categories that are numbers."""
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_integer:
        raise ValueError(f"dtype must be an integer. dtype: {dtype}, column_name: {column_name}")
    if bucket_size < 1:
        raise ValueError(f"bucket_size must be at least 1. bucket_size: {bucket_size}, column_name: {column_name}")
    return _SparseColumnIntegerized(column_name, bucket_size, _checked_combiner(combiner), dtype)


@tf_export("contrib.layers.weighted_sparse_column")
def weighted_sparse_column(sparse_id_column, weight_column_name, dtype=dtypes.float32):
    """SPARSE_ID_COLUMN with weights, which another feature gives."""
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype is not convertible to float. Given {dtype}")
    return _WeightedSparseColumn(sparse_id_column, weight_column_name, dtype)


@tf_export("contrib.layers.one_hot_column")
def one_hot_column(sparse_id_column):
    """How often each category is there."""
    return _OneHotColumn(sparse_id_column)


@tf_export("contrib.layers.embedding_column")
def embedding_column(sparse_id_column, dimension, combiner="mean", initializer=None, ckpt_to_load_from=None,
                     tensor_name_in_ckpt=None, max_norm=None, trainable=True):  # fmt: skip
    """A vector that is learnt for each category."""
    initializer = _table_initializer(dimension, initializer)
    return _EmbeddingColumn(sparse_id_column, dimension, _checked_combiner(combiner), initializer, ckpt_to_load_from,
                            tensor_name_in_ckpt, None, max_norm, trainable)  # fmt: skip


def _table_initializer(dimension, initializer):
    if dimension < 1:
        raise ValueError(f"Dimension must be greater than 0. Given: {dimension}")
    if initializer is not None and not callable(initializer):
        raise ValueError("initializer must be callable if specified.")
    return initializer or init_ops.truncated_normal_initializer(mean=0.0, stddev=1 / math.sqrt(dimension))


@tf_export("contrib.layers.shared_embedding_columns")
def shared_embedding_columns(sparse_id_columns, dimension, combiner="mean", shared_embedding_name=None,
                             initializer=None, ckpt_to_load_from=None, tensor_name_in_ckpt=None, max_norm=None,
                             trainable=True):  # fmt: skip
    """Columns of vectors that share one table."""
    if not isinstance(sparse_id_columns, (list, tuple)) or len(sparse_id_columns) < 1:
        raise TypeError(f"sparse_id_columns must be a list of at least one column. Given: {sparse_id_columns}")
    initializer = _table_initializer(dimension, initializer)
    if len({column.length for column in sparse_id_columns}) > 1:
        raise ValueError("All columns must have the same number of categories to share a table. "
                         f"Given: {sparse_id_columns}")  # fmt: skip
    names = [column.name for column in sparse_id_columns]
    if shared_embedding_name is None:
        names = sorted(names)
        more = f"_plus_{len(names) - 3}_others" if len(names) > 3 else ""
        shared_embedding_name = "_".join(names[:3]) + more + "_shared_embedding"
    return [
        _EmbeddingColumn(column, dimension, _checked_combiner(combiner), initializer, ckpt_to_load_from,
                         tensor_name_in_ckpt, shared_embedding_name, max_norm, trainable)
        for column in sparse_id_columns
    ]  # fmt: skip


@tf_export("contrib.layers.real_valued_column")
def real_valued_column(column_name, dimension=1, default_value=None, dtype=dtypes.float32, normalizer=None):
    """DIMENSION numbers for each example."""
    if dimension is None:
        raise TypeError("dimension must be an integer. Use the _real_valued_var_len_column for variable length "
                        "features."
                        f"dimension: {dimension}, column_name: {column_name}")  # fmt: skip
    if not isinstance(dimension, int):
        raise TypeError(f"dimension must be an integer. dimension: {dimension}, column_name: {column_name}")
    if dimension < 1:
        raise ValueError(f"dimension must be greater than 0. dimension: {dimension}, column_name: {column_name}")
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, column_name: {column_name}")
    if default_value is not None:
        values = default_value if isinstance(default_value, (list, tuple)) else [default_value] * dimension
        if len(values) != dimension:
            raise ValueError("The length of default_value must be equal to dimension. default_value: "
                             f"{default_value}, dimension: {dimension}, column_name: {column_name}")  # fmt: skip
        if dtype.is_integer and any(isinstance(value, float) for value in values):
            raise TypeError(
                f"default_value must be compatible with dtype. default_value: {default_value}, dtype: {dtype}"
            )
        default_value = tuple(values)
    return _RealValuedColumn(column_name, dimension, default_value, dtype, normalizer)


@tf_export("contrib.layers.bucketized_column")
def bucketized_column(source_column, boundaries):
    """Which of the ranges between BOUNDARIES a number is in."""
    if not isinstance(source_column, _RealValuedColumn):
        raise TypeError(f"source_column must be an instance of _RealValuedColumn. source_column: {source_column}")
    if not isinstance(boundaries, (list, tuple)) or not boundaries:
        raise ValueError(f"boundaries must be a non-empty list or tuple. boundaries: {boundaries}")
    return _BucketizedColumn(source_column, tuple(sorted(set(boundaries))))


@tf_export("contrib.layers.crossed_column")
def crossed_column(columns, hash_bucket_size, combiner="sum", ckpt_to_load_from=None, tensor_name_in_ckpt=None,
                   hash_key=None):  # fmt: skip
    """Every combination of the categories of COLUMNS, by its hash."""
    if len(columns) < 2:
        raise ValueError(f"columns must contain at least 2 elements. columns: {columns}")
    if hash_bucket_size < 2:
        raise ValueError(f"hash_bucket_size must be at least 2. hash_bucket_size: {hash_bucket_size}")
    for column in columns:
        if not isinstance(column, (_SparseColumnHashed, _SparseColumnKeys, _SparseColumnIntegerized,
                                   _SparseColumnVocabulary, _CrossedColumn, _BucketizedColumn)):  # fmt: skip
            raise TypeError("columns must be a set of _SparseColumn, _CrossedColumn, or _BucketizedColumn instances. "
                            f"(column {column} is a {type(column).__name__})")  # fmt: skip
    return _CrossedColumn(tuple(sorted(columns, key=lambda c: c.name)), hash_bucket_size, hash_key,
                          _checked_combiner(combiner), ckpt_to_load_from, tensor_name_in_ckpt)  # fmt: skip


@tf_export("contrib.layers.create_feature_spec_for_parsing")
def create_feature_spec_for_parsing(feature_columns):
    """What parse_example reads for old and new columns."""
    found = {}
    for column in feature_columns:
        spec = column.config if isinstance(column, _Column) else column.parse_example_spec
        for key, feature in spec.items():
            if key in found and found[key] != feature:
                raise ValueError(f"Feature {key} is read in two ways: {found[key]} and {feature}")
            found[key] = feature
    return found
