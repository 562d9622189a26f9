"""Columns that make numbers of categories: how often each is there, and vectors that are learnt."""

import collections
import math

from tenon.python.feature_column import base
from tenon.python.feature_column.base import CategoricalColumn, DenseColumn, SequenceDenseColumn
from tenon.python.feature_column.sequence import SequenceCategoricalColumn, sequence_lengths
from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import array_ops, embedding_ops, init_ops, math_ops, sparse_ops
from tenon.python.training import checkpoint_utils
from tenon.python.util.tf_export import tf_export


class IndicatorColumn(
    DenseColumn, SequenceDenseColumn, collections.namedtuple("IndicatorColumn", ["categorical_column"])
):
    """How often each category is there, or the sum of its weights."""

    __slots__ = ()

    @property
    def name(self):
        """The name of the categories with what is done to them."""
        return f"{self.categorical_column.name}_indicator"

    @property
    def parents(self):
        """The categories."""
        return [self.categorical_column]

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return self.categorical_column.parse_example_spec

    @property
    def variable_shape(self):
        """The shape for one example."""
        if isinstance(self.categorical_column, SequenceCategoricalColumn):
            return tensor_shape.TensorShape([self.categorical_column.num_buckets])
        return tensor_shape.TensorShape([1, self.categorical_column.num_buckets])

    def transform_feature(self, transformation_cache, state_manager):
        """The counts."""
        ids, weights = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        count = self.categorical_column.num_buckets
        if weights is not None:
            weighted = sparse_ops.sparse_merge(sp_ids=ids, sp_values=weights, vocab_size=int(count))
            # Ids of -1 have no place.
            weighted = sparse_ops.sparse_slice(weighted, [0, 0], weighted.dense_shape)
            return array_ops.scatter_nd(weighted.indices, weighted.values, weighted.dense_shape)
        dense = sparse_ops.sparse_tensor_to_dense(ids, default_value=-1)
        hot = array_ops.one_hot(dense, depth=count, on_value=1.0, off_value=0.0)
        return math_ops.reduce_sum(hot, axis=[-2])

    def create_state(self, state_manager):
        """That of the categories."""
        self.categorical_column.create_state(state_manager)

    def get_dense_tensor(self, transformation_cache, state_manager):
        """The counts, [batch, num_buckets]."""
        if isinstance(self.categorical_column, SequenceCategoricalColumn):
            raise base.not_for_sequences(self, self.categorical_column, "indicator_column")
        return transformation_cache.get(self, state_manager)

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """(the counts for each moment, lengths)."""
        if not isinstance(self.categorical_column, SequenceCategoricalColumn):
            raise _needs_sequences(self, self.categorical_column, "indicator_column")
        ids, _ = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        return transformation_cache.get(self, state_manager), sequence_lengths(ids)


def _needs_sequences(column, categorical_column, what):
    return ValueError(f"In {what}: {column.name}. categorical_column must be of type SequenceCategoricalColumn to use "
                      "SequenceFeatures. Suggested fix: Use one of sequence_categorical_column_with_*. Given (type "
                      f"{type(categorical_column)}): {categorical_column}")  # fmt: skip


_EMBEDDING = ["categorical_column", "dimension", "combiner", "initializer", "ckpt_to_load_from",
              "tensor_name_in_ckpt", "max_norm", "trainable", "use_safe_embedding_lookup"]  # fmt: skip


class _Vectors(DenseColumn, SequenceDenseColumn):
    """A vector for each category, combined for each example."""

    __slots__ = ()

    @property
    def parents(self):
        """The categories."""
        return [self.categorical_column]

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return self.categorical_column.parse_example_spec

    @property
    def variable_shape(self):
        """The shape for one example."""
        return tensor_shape.TensorShape([self.dimension])

    def transform_feature(self, transformation_cache, state_manager):
        """(ids, weights)."""
        return self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)

    def _look_up(self, transformation_cache, state_manager):
        ids, weights = self._ids(transformation_cache, state_manager)
        table = state_manager.get_variable(self, "embedding_weights")
        if self.ckpt_to_load_from is not None:
            source = table
            if hasattr(source, "_get_variable_list"):
                source = source._get_variable_list()
            checkpoint_utils.init_from_checkpoint(self.ckpt_to_load_from, {self.tensor_name_in_ckpt: source})
        if not self.use_safe_embedding_lookup:
            return embedding_ops.embedding_lookup_sparse(
                table, ids, weights, combiner=self.combiner, name=f"{self.name}_weights", max_norm=self.max_norm
            )
        return embedding_ops.safe_embedding_lookup_sparse(
            embedding_weights=table, sparse_ids=ids, sparse_weights=weights, combiner=self.combiner,
            name=f"{self.name}_weights", max_norm=self.max_norm,
        )  # fmt: skip

    def _ids(self, transformation_cache, state_manager):
        return transformation_cache.get(self, state_manager)

    def get_dense_tensor(self, transformation_cache, state_manager):
        """The vectors, [batch, dimension]."""
        if isinstance(self.categorical_column, SequenceCategoricalColumn):
            raise base.not_for_sequences(self, self.categorical_column, self._what)
        return self._look_up(transformation_cache, state_manager)

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """(the vector of each moment, lengths)."""
        if not isinstance(self.categorical_column, SequenceCategoricalColumn):
            raise _needs_sequences(self, self.categorical_column, self._what)
        vectors = self._look_up(transformation_cache, state_manager)
        return vectors, sequence_lengths(self._ids(transformation_cache, state_manager)[0])


class EmbeddingColumn(_Vectors, collections.namedtuple("EmbeddingColumn", _EMBEDDING)):
    """A vector for each category that is this column's own."""

    __slots__ = ()
    _what = "embedding_column"

    @property
    def name(self):
        """The name of the categories with what is done to them."""
        return f"{self.categorical_column.name}_embedding"

    def create_state(self, state_manager):
        """Makes the table."""
        self.categorical_column.create_state(state_manager)
        state_manager.create_variable(
            self, name="embedding_weights", shape=(self.categorical_column.num_buckets, self.dimension),
            trainable=self.trainable, initializer=self.initializer,
        )  # fmt: skip


_SHARED = [*_EMBEDDING[:4], "shared_embedding_collection_name", *_EMBEDDING[4:]]


class SharedEmbeddingColumn(_Vectors, collections.namedtuple("SharedEmbeddingColumn", _SHARED)):
    """A vector for each category, of a table that other columns use too."""

    __slots__ = ()
    _what = "shared_embedding_columns"

    @property
    def name(self):
        """The name of the categories with what is done to them."""
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def var_scope_name(self):
        """The scope of the table, the same for all columns that use it."""
        return self.shared_embedding_collection_name

    def _ids(self, transformation_cache, state_manager):
        with ops.name_scope(None, default_name=self.name):
            return transformation_cache.get(self, state_manager)

    def _look_up(self, transformation_cache, state_manager):
        with ops.name_scope(None, default_name=self.name):
            return super()._look_up(transformation_cache, state_manager)

    def create_state(self, state_manager):
        """Finds the table that another column made in this graph, or makes it."""
        self.categorical_column.create_state(state_manager)
        shape = (self.categorical_column.num_buckets, self.dimension)
        tables = ops.get_collection_ref(self.shared_embedding_collection_name)
        if not tables:
            tables.append(
                state_manager.create_variable(
                    self, name="embedding_weights", shape=shape, trainable=self.trainable, initializer=self.initializer
                )
            )
            return
        if len(tables) > 1:
            raise ValueError(f"Collection {tables} can only contain one variable. Suggested fix A: Choose a unique "
                             "name "
                             "for this collection. Suggested fix B: Do not add any variables to this collection. The "
                             "feature_column library already adds a variable under the hood.")  # fmt: skip
        if tables[0].get_shape() != tensor_shape.TensorShape(shape):
            raise ValueError(f"Shared embedding collection {self.shared_embedding_collection_name} contains variable "
                             f"{tables[0].name} of unexpected shape {tables[0].get_shape()}. Expected shape is "
                             f"{shape}. "
                             "Suggested fix A: Choose a unique name for this collection. Suggested fix B: Do not add "
                             "any "
                             "variables to this collection. The feature_column library already adds a variable under "
                             "the hood.")  # fmt: skip
        state_manager.use_variable(self, "embedding_weights", tables[0])


@tf_export("feature_column.indicator_column")
def indicator_column(categorical_column):
    """How often each category is there."""
    if not isinstance(categorical_column, CategoricalColumn):
        raise ValueError("Unsupported input type. Input must be a CategoricalColumn. "
                         f"Given: {categorical_column}")  # fmt: skip
    return IndicatorColumn(categorical_column)


def _checked(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, name):
    """The initializer of a table."""
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (ckpt_to_load_from is None) != (tensor_name_in_ckpt is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified.{name}")
    return initializer or init_ops.truncated_normal_initializer(mean=0.0, stddev=1 / math.sqrt(dimension))


@tf_export("feature_column.embedding_column")
def embedding_column(categorical_column, dimension, combiner="mean", initializer=None, ckpt_to_load_from=None,
                     tensor_name_in_ckpt=None, max_norm=None, trainable=True,
                     use_safe_embedding_lookup=True):  # fmt: skip
    """A vector that is learnt for each category."""
    name = getattr(categorical_column, "name", categorical_column)
    initializer = _checked(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt,
                           f" Embedding of column_name: {name}")  # fmt: skip
    return EmbeddingColumn(categorical_column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt,
                           max_norm, trainable, use_safe_embedding_lookup)  # fmt: skip


def _inner(column):
    """COLUMN without weights and without that it is of sequences."""
    while hasattr(column, "categorical_column"):
        column = column.categorical_column
    return column


@tf_export("feature_column.shared_embedding_columns")
def shared_embedding_columns(categorical_columns, dimension, combiner="mean", initializer=None,
                             shared_embedding_collection_name=None, ckpt_to_load_from=None, tensor_name_in_ckpt=None,
                             max_norm=None, trainable=True, use_safe_embedding_lookup=True):  # fmt: skip
    """Columns of vectors, one for each of CATEGORICAL_COLUMNS, that share one table."""
    initializer = _checked(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, "")
    ordered = sorted(categorical_columns, key=lambda column: column.name)
    first = ordered[0]
    for column in ordered:
        if not isinstance(column, CategoricalColumn):
            raise ValueError("All categorical_columns must be subclasses of _CategoricalColumn. Given: "
                             f"{column}, of type: {type(column)}")  # fmt: skip
        if column.num_buckets != first.num_buckets:
            raise ValueError("To use shared_embedding_column, all categorical_columns must have the same number of "
                             f"buckets. Given column: {first} with buckets: {first.num_buckets} does  not match "
                             "column: "
                             f"{column} with buckets: {column.num_buckets}")  # fmt: skip
        if type(_inner(column)) is not type(_inner(first)):
            raise ValueError("To use shared_embedding_column, all categorical_columns must have the same type, or be "
                             f"weighted_categorical_column or sequence column of the same type. Given column: {first} "
                             "of "
                             f"type: {type(first)} does not match given column: {column} of type: "
                             f"{type(column)}")  # fmt: skip
    name = shared_embedding_collection_name or "_".join(column.name for column in ordered) + "_shared_embedding"
    return [
        SharedEmbeddingColumn(column, dimension, combiner, initializer, name, ckpt_to_load_from, tensor_name_in_ckpt,
                              max_norm, trainable, use_safe_embedding_lookup)
        for column in categorical_columns
    ]  # fmt: skip


def sparse_sum(ids, weights, table, combiner, name):
    """For a linear model: the rows of TABLE at IDS [batch, ...] put together for each example."""
    shape = [math_ops.cast(ids.dense_shape[0], dtypes.int32), -1]
    flat = sparse_ops.sparse_reshape(ids, shape)
    if weights is not None:
        weights = sparse_ops.sparse_reshape(weights, shape)
    return embedding_ops.safe_embedding_lookup_sparse(table, flat, sparse_weights=weights, combiner=combiner, name=name)
