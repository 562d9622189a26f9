"""Columns of numbers, and of the ranges that they lie in."""

import collections
import math

import numpy as np

from tenon.python.feature_column.base import CategoricalColumn, DenseColumn, checked_key
from tenon.python.framework import dtypes, sparse_tensor, tensor_shape
from tenon.python.ops import array_ops, gen_ops, math_ops, parsing_ops
from tenon.python.util.tf_export import tf_export


def checked_shape(shape, key):
    """SHAPE as a tuple of whole numbers above 0."""
    if isinstance(shape, tensor_shape.TensorShape):
        shape = shape.as_list()
    shape = tuple(shape) if isinstance(shape, (list, tuple, np.ndarray)) else (shape,)
    for dimension in shape:
        if not isinstance(dimension, (int, np.integer)):
            raise TypeError(f"shape dimensions must be integer. shape: {shape}, key: {key}")
        if dimension < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {shape}, key: {key}")
    return tuple(int(dimension) for dimension in shape)


def default_values(key, shape, default, dtype):
    """DEFAULT (a number or numbers of SHAPE) as nested tuples; TypeError for what DTYPE can not hold."""
    if default is None:
        return None
    value = np.asarray(default)
    if value.dtype.kind not in "iuf" or (value.dtype.kind == "f" and dtype.is_integer):
        raise TypeError(f"default_value must be compatible with dtype. default_value: {default}, dtype: {dtype}, key: "
                        f"{key}")  # fmt: skip
    if value.ndim == 0:
        value = np.full(shape, value)
    elif value.shape != tuple(shape):
        raise ValueError(f"The shape of default_value must be equal to given shape. default_value: {default}, shape: "
                         f"{shape}, key: {key}")  # fmt: skip

    def nested(values):
        return tuple(map(nested, values)) if isinstance(values, list) else values

    return nested(value.tolist())


_NUMERIC = ["key", "shape", "default_value", "dtype", "normalizer_fn"]


class NumericColumn(DenseColumn, collections.namedtuple("NumericColumn", _NUMERIC)):
    """Numbers of one shape for each example."""

    __slots__ = ()

    @property
    def name(self):
        """The feature's name."""
        return self.key

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return {self.key: parsing_ops.FixedLenFeature(self.shape, self.dtype, self.default_value)}

    @property
    def variable_shape(self):
        """The shape for one example."""
        return tensor_shape.TensorShape(self.shape)

    def transform_feature(self, transformation_cache, state_manager):
        """The numbers as floats."""
        value = transformation_cache.get(self.key, state_manager)
        if isinstance(value, sparse_tensor.SparseTensor):
            raise ValueError("The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not "
                             f"supported. key: {self.key}")  # fmt: skip
        if self.normalizer_fn is not None:
            value = self.normalizer_fn(value)
        return math_ops.cast(value, dtypes.float32)

    def get_dense_tensor(self, transformation_cache, state_manager):
        """The numbers."""
        return transformation_cache.get(self, state_manager)


class BucketizedColumn(
    DenseColumn, CategoricalColumn, collections.namedtuple("BucketizedColumn", ["source_column", "boundaries"])
):
    """Which of the ranges between boundaries a number lies in."""

    __slots__ = ()

    @property
    def name(self):
        """The numbers' name with what is done to them."""
        return f"{self.source_column.name}_bucketized"

    @property
    def parents(self):
        """The numbers."""
        return [self.source_column]

    @property
    def parse_example_spec(self):
        """What parse_example reads for it."""
        return self.source_column.parse_example_spec

    @property
    def _ranges(self):
        return len(self.boundaries) + 1

    @property
    def num_buckets(self):
        """How many ranges there are for all numbers of an example."""
        return self._ranges * math.prod(self.source_column.shape)

    @property
    def variable_shape(self):
        """The shape for one example."""
        return tensor_shape.TensorShape((*self.source_column.shape, self._ranges))

    def transform_feature(self, transformation_cache, state_manager):
        """The range's number for each number."""
        value = transformation_cache.get(self.source_column, state_manager)
        return gen_ops.bucketize(value, boundaries=list(self.boundaries))

    def get_dense_tensor(self, transformation_cache, state_manager):
        """A one where the number lies."""
        value = transformation_cache.get(self, state_manager)
        return array_ops.one_hot(math_ops.cast(value, dtypes.int64), depth=self._ranges, on_value=1.0, off_value=0.0)

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """The ranges of all numbers of an example, counted through."""
        value = transformation_cache.get(self, state_manager)
        batch, width = array_ops.shape(value)[0], self.source_column.shape[0]
        rows = array_ops.reshape(gen_ops.tile(array_ops.expand_dims(math_ops.range(0, batch), 1), [1, width]), (-1,))
        columns = gen_ops.tile(math_ops.range(0, width), [batch])
        ids = array_ops.reshape(value, (-1,)) + self._ranges * columns
        indices = math_ops.cast(array_ops.transpose(array_ops.stack((rows, columns))), dtypes.int64)
        shape = math_ops.cast(array_ops.stack([batch, width]), dtypes.int64)
        return sparse_tensor.SparseTensor(indices, ids, shape), None


@tf_export("feature_column.numeric_column")
def numeric_column(key, shape=(1,), default_value=None, dtype=dtypes.float32, normalizer_fn=None):
    """Numbers of a given shape for each example."""
    shape = checked_shape(shape, checked_key(key))
    dtype = dtypes.as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    default_value = default_values(key, shape, default_value, dtype)
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    return NumericColumn(key, shape, default_value, dtype, normalizer_fn)


@tf_export("feature_column.bucketized_column")
def bucketized_column(source_column, boundaries):
    """Which of the ranges between BOUNDARIES a number is in."""
    if not isinstance(source_column, NumericColumn):
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, (list, tuple)):
        raise ValueError("boundaries must be a sorted list.")
    if any(low >= high for low, high in zip(boundaries, boundaries[1:])):
        raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))
