"""Partitioners: functions that say in how many parts get_variable cuts a variable."""

import math

from tenon.python.framework import dtypes, tensor_shape
from tenon.python.ops import variable_scope
from tenon.python.util.tf_export import tf_export


def _checked(shape, dtype):
    if not isinstance(shape, tensor_shape.TensorShape):
        raise ValueError(f"shape is not a TensorShape: {shape}")
    if not shape.is_fully_defined():
        raise ValueError(f"shape is not fully defined: {shape}")
    return shape.as_list(), dtypes.as_dtype(dtype)


@tf_export("variable_axis_size_partitioner")
def variable_axis_size_partitioner(max_shard_bytes, axis=0, bytes_per_string_element=16, max_shards=None):
    """Parts of at most MAX_SHARD_BYTES along AXIS, at most MAX_SHARDS of them."""
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
    if max_shards and max_shards < 1:
        raise ValueError(f"max_shards must be positive, got {max_shards}")

    def partitioner(shape, dtype):
        sizes, kind = _checked(shape, dtype)
        element = bytes_per_string_element if kind == dtypes.string else kind.size
        partitions = [1] * len(sizes)
        per_slice = math.prod(sizes) // max(1, sizes[axis]) * element
        slices = max(1, max_shard_bytes // per_slice) if per_slice else 1
        shards = max(1, math.ceil(sizes[axis] / slices))
        partitions[axis] = min(max_shards, shards) if max_shards else shards
        return partitions

    return partitioner


@tf_export("min_max_variable_partitioner")
def min_max_variable_partitioner(max_partitions=1, axis=0, min_slice_size=256 << 10, bytes_per_string_element=16):
    """At most MAX_PARTITIONS parts along AXIS, none smaller than MIN_SLICE_SIZE bytes."""

    def partitioner(shape, dtype):
        sizes, kind = _checked(shape, dtype)
        if axis >= len(sizes):
            raise ValueError(f"Cannot partition variable along axis {axis} when shape is only {shape}")
        element = bytes_per_string_element if kind == dtypes.string else kind.size
        partitions = [1] * len(sizes)
        wanted = max(1, -(-math.prod(sizes) * element // min_slice_size))
        partitions[axis] = max(1, min(sizes[axis], max_partitions, wanted))
        return partitions

    return partitioner


@tf_export("fixed_size_partitioner")
def fixed_size_partitioner(num_shards, axis=0):
    """NUM_SHARDS parts along AXIS (fewer where the size is smaller)."""

    def partitioner(shape, **_):
        partitions = [1] * len(shape)
        partitions[axis] = min(num_shards, shape.dims[axis].value)
        return partitions

    return partitioner


@tf_export("create_partitioned_variables")
def create_partitioned_variables(shape, slicing, initializer, dtype=dtypes.float32, trainable=True, collections=None,
                                 name=None, reuse=None):  # fmt: skip
    """The old form: a list of variables that are the parts; SLICING says how many along each dimension."""
    if len(shape) != len(slicing):
        raise ValueError(f"The 'shape' and 'slicing' of a partitioned Variable must have the length: shape: {shape}, "
                         f"slicing: {slicing}")  # fmt: skip
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")

    def partitioner(**_):
        return slicing

    with variable_scope.variable_scope(name, "PartitionedVariable", reuse=reuse):
        whole = variable_scope.get_variable(
            name="partitioned", shape=shape, dtype=dtype, initializer=initializer, trainable=trainable,
            partitioner=partitioner, collections=collections,
        )  # fmt: skip
        return list(whole)
