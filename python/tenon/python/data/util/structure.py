"""What a dataset's elements are made of: per component a spec that turns values into tensors and back."""

from tenon.python.data.util import nest
from tenon.python.framework import dtypes, ops
from tenon.python.framework.sparse_tensor import SparseTensor, SparseTensorValue
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import TensorShape, as_shape


class TensorSpec:
    """A dense tensor."""

    legacy_class = Tensor

    def __init__(self, shape, dtype):
        self.shape = as_shape(shape)
        self.dtype = dtypes.as_dtype(dtype).base

    flat_dtype = property(lambda self: self.dtype)
    flat_shape = property(lambda self: self.shape)

    def to_tensor(self, value):
        """The tensor that stands for VALUE."""
        return ops.convert_to_tensor(value, dtype=self.dtype)

    def from_tensor(self, tensor):
        """The value that TENSOR stands for."""
        tensor.set_shape(self.shape)
        return tensor

    def with_shape(self, shape):
        """The same with another shape."""
        return TensorSpec(shape, self.dtype)

    def batched(self, size):
        """The spec of batches of SIZE (None: not known)."""
        return self.with_shape(TensorShape([size]).concatenate(self.shape))

    def unbatched(self):
        """The spec of one row."""
        shape = self.shape
        return self.with_shape(shape if shape._dims is None else shape[1:])

    def compatible(self, other):
        """True if a value of the one could be one of the other."""
        return type(self) is type(other) and self.dtype is other.dtype and self.shape.is_compatible_with(other.shape)

    def merged(self, other):
        """The spec of values of both."""
        return self.with_shape(self.shape.most_specific_compatible_shape(other.shape))

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype.name})"


class SparseTensorSpec(TensorSpec):
    """A SparseTensor; it travels as three strings, its parts serialised."""

    legacy_class = SparseTensor
    flat_dtype = property(lambda self: dtypes.string)
    flat_shape = property(lambda self: TensorShape(None))

    def to_tensor(self, value):
        from tenon.python.ops import gen_ops

        if isinstance(value, SparseTensorValue):
            value = SparseTensor.from_value(value)
        return gen_ops.serialize_sparse(value.indices, value.values, value.dense_shape)

    def from_tensor(self, tensor):
        from tenon.python.ops import gen_ops

        parts = gen_ops.deserialize_sparse(tensor, dtype=self.dtype)
        sparse = SparseTensor(*parts)
        rank = self.shape.rank
        sparse.indices.set_shape([None, rank])
        sparse.dense_shape.set_shape([rank])
        return sparse

    def with_shape(self, shape):
        return SparseTensorSpec(shape, self.dtype)


class RaggedTensorSpec(TensorSpec):
    """A RaggedTensor, or a row of one; it travels as an element that refers to its parts."""

    flat_dtype = property(lambda self: dtypes.variant)
    flat_shape = property(lambda self: TensorShape(None))

    def __init__(self, shape, dtype, ragged_rank, row_splits_dtype):
        super().__init__(shape, dtype)
        self.ragged_rank = ragged_rank
        self.row_splits_dtype = row_splits_dtype

    @property
    def legacy_class(self):
        from tenon.python.ops.ragged.ragged_tensor import RaggedTensor

        return RaggedTensor if self.ragged_rank else Tensor

    def to_tensor(self, value):
        from tenon.python.ops import gen_ops

        if hasattr(value, "_row_partition"):
            return value._to_variant()
        value = ops.convert_to_tensor(value, dtype=self.dtype)
        return gen_ops.ragged_tensor_to_variant([], value, False, Tsplits=self.row_splits_dtype)

    def rows(self, value):
        """The tensor of all rows of VALUE, a RaggedTensor."""
        return value._to_variant(batched_input=True)

    def from_tensor(self, tensor):
        from tenon.python.ops import gen_ops
        from tenon.python.ops.ragged.ragged_tensor import RaggedTensor

        parts = gen_ops.ragged_tensor_from_variant(tensor, -1, self.ragged_rank, self.dtype, self.row_splits_dtype)
        values = parts.output_dense_values
        if self.shape.rank is not None:
            values.set_shape([None, *self.shape.as_list()[self.ragged_rank + 1 :]] if self.ragged_rank else self.shape)
            if self.ragged_rank and self.shape.as_list()[0] is not None:
                parts.output_nested_splits[0].set_shape([self.shape.as_list()[0] + 1])
        return RaggedTensor.from_nested_row_splits(values, parts.output_nested_splits, validate=False)

    def with_shape(self, shape):
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank, self.row_splits_dtype)

    def batched(self, size):
        shape = TensorShape([size]).concatenate(self.shape)
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank + 1, self.row_splits_dtype)

    def unbatched(self):
        return RaggedTensorSpec(self.shape[1:], self.dtype, self.ragged_rank - 1, self.row_splits_dtype)

    def compatible(self, other):
        if isinstance(other, RaggedTensorSpec) and self.ragged_rank != other.ragged_rank:
            return False
        return super().compatible(other)


class DatasetSpec(TensorSpec):
    """A dataset inside a dataset, as windows are."""

    flat_dtype = property(lambda self: dtypes.variant)
    flat_shape = property(lambda self: TensorShape([]))

    def __init__(self, element):
        super().__init__([], dtypes.variant)
        self.element = element

    @property
    def legacy_class(self):
        from tenon.python.data.ops import dataset_ops

        return dataset_ops.Dataset

    def to_tensor(self, value):
        return value._variant_tensor

    def from_tensor(self, tensor):
        from tenon.python.data.ops import dataset_ops

        return dataset_ops._wrap(tensor, self.element)

    def with_shape(self, shape):
        return self

    def compatible(self, other):
        return isinstance(other, DatasetSpec)

    def merged(self, other):
        return self


def spec_of(value):
    """The spec of one component; VALUE must be a tensor, sparse, ragged, or a dataset."""
    if isinstance(value, SparseTensor):
        return SparseTensorSpec(value.shape, value.dtype)
    if hasattr(value, "_row_partition"):
        return RaggedTensorSpec(value.shape, value.dtype, value.ragged_rank, value.row_splits.dtype.base)
    if hasattr(value, "_variant_tensor"):
        return DatasetSpec(value._structure)
    return TensorSpec(value.shape, value.dtype)


def normalize(element):
    """ELEMENT with its leaves as tensors, SparseTensors or datasets."""

    def convert(i, value):
        if isinstance(value, SparseTensorValue):
            return SparseTensor.from_value(value)
        if hasattr(value, "nested_row_splits") and not hasattr(value, "_row_partition"):
            from tenon.python.ops.ragged.ragged_tensor import convert_to_tensor_or_ragged_tensor

            return convert_to_tensor_or_ragged_tensor(value)
        if isinstance(value, SparseTensor) or hasattr(value, "_variant_tensor") or hasattr(value, "_row_partition"):
            return value
        return ops.convert_to_tensor(value, name=f"component_{i}")

    return nest.pack_sequence_as(element, [convert(i, leaf) for i, leaf in enumerate(nest.flatten(element))])


def structure_of(element):
    """The nested specs of a normalized element."""
    return nest.map_structure(spec_of, element)


def from_types(types, shapes=None, classes=None):
    """Nested specs from nested dtypes and shapes (None: unknown)."""
    types = nest.map_structure(dtypes.as_dtype, types)
    if shapes is None:
        shapes = nest.map_structure(lambda _: TensorShape(None), types)
    else:
        shapes = nest.map_structure_up_to(types, as_shape, shapes)
    if classes is None:
        classes = nest.map_structure(lambda _: Tensor, types)

    def make(dtype, shape, kind):
        if kind.__name__ == "RaggedTensor":
            return RaggedTensorSpec(shape, dtype, shape.rank - 1, dtypes.int64)
        return SparseTensorSpec(shape, dtype) if kind is SparseTensor else TensorSpec(shape, dtype)

    return nest.map_structure_up_to(types, make, types, shapes, classes)


def types_of(structure):
    """Nested dtypes."""
    return nest.map_structure(lambda spec: spec.dtype, structure)


def shapes_of(structure):
    """Nested TensorShapes."""
    return nest.map_structure(lambda spec: spec.shape, structure)


def classes_of(structure):
    """Nested classes: Tensor, SparseTensor, Dataset."""
    return nest.map_structure(lambda spec: spec.legacy_class, structure)


def flat(structure):
    """The keyword arguments output_types and output_shapes of dataset ops."""
    specs = nest.flatten(structure)
    return {"output_types": [s.flat_dtype for s in specs], "output_shapes": [s.flat_shape for s in specs]}


def to_tensors(structure, element):
    """The flat tensors of ELEMENT."""
    nest.assert_same_structure(structure, element)
    return [spec.to_tensor(value) for spec, value in zip(nest.flatten(structure), nest.flatten(element))]


def from_tensors(structure, tensors):
    """The element that flat TENSORS stand for."""
    specs = nest.flatten(structure)
    return nest.pack_sequence_as(structure, [spec.from_tensor(tensor) for spec, tensor in zip(specs, tensors)])


def compatible(a, b):
    """True if elements of the one structure could be of the other."""
    try:
        nest.assert_same_structure(a, b)
    except (TypeError, ValueError):
        return False
    return all(x.compatible(y) for x, y in zip(nest.flatten(a), nest.flatten(b)))
