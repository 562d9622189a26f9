"""What parsing tf.Examples is told of their features, and how that becomes the arguments of the parsing ops."""

import re
from collections import namedtuple

from tenon.python.framework import constant_op, dtypes, ops, tensor_shape
from tenon.python.framework import sparse_tensor as sparse
from tenon.python.util.tf_export import tf_export


@tf_export("io.VarLenFeature", "VarLenFeature")
class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """Any number of values of DTYPE; parsed into a SparseTensor."""


@tf_export("io.SparseFeature", "SparseFeature")
class SparseFeature(namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"])):
    """Values and their coordinates in features of their own; parsed into a SparseTensor of SIZE (or sizes)."""

    def __new__(cls, index_key, value_key, dtype, size, already_sorted=False):
        return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


@tf_export("io.FixedLenFeature", "FixedLenFeature")
class FixedLenFeature(namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """Values that fill SHAPE; parsed into a Tensor. Without a default every example must have them."""

    def __new__(cls, shape, dtype, default_value=None):
        return super().__new__(cls, shape, dtype, default_value)


@tf_export("io.FixedLenSequenceFeature", "FixedLenSequenceFeature")
class FixedLenSequenceFeature(
    namedtuple("FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"])
):
    """Any number of values of SHAPE; parsed into a Tensor of [None] + SHAPE, padded with the default."""

    def __new__(cls, shape, dtype, allow_missing=False, default_value=None):
        return super().__new__(cls, shape, dtype, allow_missing, default_value)


class Parameters:
    """Keys, types, shapes and defaults, in the order of the ops' arguments."""

    def __init__(self):
        self.sparse_keys, self.sparse_types = [], []
        self.dense_keys, self.dense_types, self.dense_shapes, self.defaults = [], [], [], []

    def add_sparse(self, key, dtype):
        """A feature of any length; the same one may be asked for twice."""
        dtype = dtypes.as_dtype(dtype)
        if key not in self.sparse_keys:
            self.sparse_keys.append(key)
            self.sparse_types.append(dtype)
        elif self.sparse_types[self.sparse_keys.index(key)] != dtype:
            was = self.sparse_types[self.sparse_keys.index(key)]
            raise ValueError(f"Conflicting type {was} vs {dtype} for feature {key}.")

    def add_dense(self, key, dtype, shape, default):
        """A feature of SHAPE, a TensorShape."""
        self.dense_keys.append(key)
        self.dense_types.append(dtypes.as_dtype(dtype))
        self.dense_shapes.append(shape)
        self.defaults.append(default)

    def default_tensors(self):
        """One tensor a dense feature: empty where there is no default, the padding where the length is free."""
        tensors = []
        for key, dtype, shape, default in zip(self.dense_keys, self.dense_types, self.dense_shapes, self.defaults):
            free = shape.rank and shape.dims[0].value is None
            if default is None:
                empty = "" if dtype == dtypes.string else 0
                default = ops.convert_to_tensor(empty, dtype) if free else constant_op.constant([], dtype=dtype)
            else:
                if not ops.is_dense_tensor_like(default):
                    name = "key_" + re.sub("[^A-Za-z0-9_.\\-/]", "_", key)
                    default = ops.convert_to_tensor(default, dtype=dtype, name=name)
                from tenon.python.ops import array_ops

                default = array_ops.reshape(default, [] if free else shape)
            tensors.append(default)
        return tensors


def check_keys(features):
    """Features must be named."""
    if not features:
        raise ValueError(f"Missing: features was {features}.")
    return sorted(features)


def _add_sparse_feature(out, key, feature):
    if not feature.index_key:
        raise ValueError(f"Missing index_key in SparseFeature {feature}.")
    if not feature.value_key:
        raise ValueError(f"Missing value_key in SparseFeature {feature}.")
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")
    keys = [feature.index_key] if isinstance(feature.index_key, str) else feature.index_key
    for index_key in sorted(keys):
        out.add_sparse(index_key, dtypes.int64)
    out.add_sparse(feature.value_key, feature.dtype)


def collect(features, allowed, lists=False):
    """The Parameters of FEATURES, a dict; LISTS: they are features of steps, whose sequences have no default."""
    out = Parameters()
    for key in sorted(features or {}):
        feature = features[key]
        if not isinstance(feature, allowed):
            raise ValueError(f"Unsupported {type(feature).__name__} {feature} for feature {key}.")
        if not isinstance(feature, SparseFeature) and not feature.dtype:
            raise ValueError(f"Missing type for feature {key}.")
        if isinstance(feature, VarLenFeature):
            out.add_sparse(key, feature.dtype)
        elif isinstance(feature, SparseFeature):
            _add_sparse_feature(out, key, feature)
        else:
            if feature.shape is None:
                raise ValueError(f"Missing shape for feature {key}.")
            shape = tensor_shape.as_shape(feature.shape)
            if isinstance(feature, FixedLenFeature):
                if shape.rank is None or not shape.is_fully_defined() and None in shape.as_list()[1:]:
                    raise ValueError(f"All dimensions of shape for feature {key} must be known, not {shape}.")
            elif not lists:
                if not feature.allow_missing:
                    raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
                shape = tensor_shape.TensorShape([None]).concatenate(shape)
            out.add_dense(key, feature.dtype, shape, feature.default_value)
    return out


def finish(features, tensors):
    """The tensors that FEATURES asks for, its SparseFeatures put together from their parts."""
    from tenon.python.ops import sparse_ops

    found = dict(tensors)
    for key in sorted(features or {}):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            keys, size = feature.index_key, feature.size
            if not isinstance(keys, str):
                found[key] = sparse_ops.sparse_merge_impl(
                    [tensors[k] for k in keys], tensors[feature.value_key], size, already_sorted=feature.already_sorted
                )
                continue
            found[key] = sparse_ops.sparse_merge_impl(
                tensors[keys], tensors[feature.value_key], size, already_sorted=feature.already_sorted
            )
    return {key: found[key] for key in features or {}}


def sparse_tensors(indices, values, shapes):
    """SparseTensors of lists of parts."""
    return [sparse.SparseTensor(*parts) for parts in zip(indices, values, shapes)]
