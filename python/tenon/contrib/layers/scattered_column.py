"""Vectors whose numbers are drawn from one list by hashes: each category's from all over it."""

import collections

from tenon.contrib.layers import feature_column as fc
from tenon.python.feature_column import base
from tenon.python.framework import dtypes, tensor_shape
from tenon.python.ops import array_ops, embedding_ops, init_ops, math_ops, parsing_ops, sparse_ops
from tenon.python.util.tf_export import tf_export

# What stands for examples without a category.
_NOTHING = {True: "6ZxWzWOHxZ", False: 1288896567}


def _look_up(weights, values, dimension, hash_key):
    """The vectors [n, DIMENSION] of values [n]: number i is where the hash of (i, value) points."""
    count = array_ops.shape(values)
    numbers = array_ops.tile(math_ops.range(0, dimension)[None], [count[0], 1])
    crossed = sparse_ops.sparse_cross_hashed(
        [math_ops.cast(numbers, dtypes.int64), values[:, None]], int(weights.get_shape()[0]), hash_key
    )
    places = array_ops.reshape(crossed.values, [-1, dimension])
    return embedding_ops.embedding_lookup(weights, places, partition_strategy="div")


class _Scattered(base.DenseColumn, collections.namedtuple("_Scattered", [
    "key", "size", "dimension", "hash_key", "combiner", "initializer"])):  # fmt: skip
    """What makes the numbers of a column below."""

    __slots__ = ()

    @property
    def name(self):
        return f"{self.key}_scattered_embedding"

    @property
    def parents(self):
        return [self.key]

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return {self.key: parsing_ops.VarLenFeature(dtypes.string)}

    @property
    def variable_shape(self):
        """The shape of one example's numbers."""
        return tensor_shape.TensorShape([self.dimension])

    def create_state(self, state_manager):
        """Makes the list."""
        state_manager.create_variable(self, name="weights", shape=(self.size,), initializer=self.initializer)

    def transform_feature(self, transformation_cache, state_manager):
        """The categories, sparse."""
        return base.to_sparse(transformation_cache.get(self.key, state_manager))

    def get_dense_tensor(self, transformation_cache, state_manager):
        """The vectors of each example's categories, put together."""
        found = transformation_cache.get(self, state_manager)
        found, _ = sparse_ops.sparse_fill_empty_rows(found, _NOTHING[found.dtype == dtypes.string])
        rows = math_ops.cast(found.indices[:, 0], dtypes.int32)
        values, order = array_ops.unique(found.values)
        weights = state_manager.get_variable(self, "weights")
        vectors = _look_up(weights, values, self.dimension, self.hash_key)
        together = {"sum": math_ops.sparse_segment_sum, "mean": math_ops.sparse_segment_mean,
                    "sqrtn": math_ops.sparse_segment_sqrt_n}[self.combiner]  # fmt: skip
        return together(vectors, order, rows)


_SCATTERED = ["column_name", "size", "dimension", "hash_key", "combiner", "initializer"]


class _ScatteredEmbeddingColumn(fc._Dense, collections.namedtuple("_ScatteredEmbeddingColumn", _SCATTERED)):
    __slots__ = ()

    shared_embedding_name = None

    @property
    def name(self):
        return f"{self.column_name}_scattered_embedding"

    @property
    def key(self):
        return str(self._replace(initializer=None))

    @property
    def inner(self):
        return _Scattered(*self)


@tf_export("contrib.layers.scattered_embedding_column")
def scattered_embedding_column(column_name, size, dimension, hash_key, combiner="mean", initializer=None):
    """A vector of DIMENSION for each category, whose numbers are drawn from SIZE learnt ones by their hashes."""
    if dimension < 1 or size < 1:
        raise ValueError("Dimension and size must be greater than 0. "
                         f"dimension: {dimension}, size: {size}, column_name: {column_name}")  # fmt: skip
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError("Combiner must be one of 'mean', 'sqrtn' or 'sum'. "
                         f"combiner: {combiner}, column_name: {column_name}")  # fmt: skip
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. column_name: {column_name}")
    initializer = initializer or init_ops.truncated_normal_initializer(mean=0.0, stddev=0.1)
    return _ScatteredEmbeddingColumn(column_name, size, dimension, hash_key, combiner, initializer)
