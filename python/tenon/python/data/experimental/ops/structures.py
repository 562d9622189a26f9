"""Specs of elements under their names of 1.x, and datasets as variant tensors."""

from tenon.python.data.ops import dataset_ops
from tenon.python.data.util import nest, structure
from tenon.python.framework import dtypes, tensor_shape, tensor_spec, type_spec
from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.TensorStructure")
def TensorStructure(dtype, shape):
    """The spec of a tensor."""
    return tensor_spec.TensorSpec(shape, dtype)


@tf_export("data.experimental.SparseTensorStructure")
def SparseTensorStructure(dtype, shape):
    """The spec of a SparseTensor."""
    return type_spec.SparseTensorSpec(shape, dtype)


@tf_export("data.experimental.RaggedTensorStructure")
def RaggedTensorStructure(dtype, shape, ragged_rank):
    """The spec of a RaggedTensor."""
    from tenon.python.ops.ragged.ragged_tensor_spec import RaggedTensorSpec

    return RaggedTensorSpec(shape, dtype, ragged_rank)


@tf_export("data.experimental.TensorArrayStructure")
def TensorArrayStructure(dtype, element_shape, dynamic_size, infer_shape):
    """The spec of a TensorArray."""
    return type_spec.TensorArraySpec(element_shape, dtype, dynamic_size, infer_shape)


@tf_export("data.DatasetSpec", "data.experimental.DatasetStructure")
class DatasetStructure(type_spec.TypeSpec):
    """The spec of a dataset, as an element of another one: the specs of its own elements."""

    def __init__(self, element_spec, dataset_shape=()):
        self._element_spec = element_spec
        self._dataset_shape = tensor_shape.as_shape(dataset_shape)

    def _parts(self):
        return self._element_spec, self._dataset_shape

    @property
    def element_spec(self):
        """The nested specs of the elements."""
        return self._element_spec

    @property
    def value_type(self):
        """The class of what fits."""
        return dataset_ops.Dataset

    @staticmethod
    def from_value(value):
        """The spec of a dataset."""
        return DatasetStructure(_public_specs(value.element_spec))

    def is_compatible_with(self, spec_or_value):
        """True if SPEC_OR_VALUE fits."""
        other = spec_or_value
        if isinstance(other, dataset_ops.Dataset):
            other = self.from_value(other)
        return (type(other) is DatasetStructure and self._dataset_shape.is_compatible_with(other._dataset_shape)
                and structure.compatible(_own_specs(self._element_spec), _own_specs(other._element_spec)))  # fmt: skip


@tf_export("data.experimental.to_variant")
def to_variant(dataset):
    """A scalar variant tensor that holds DATASET."""
    return dataset._variant_tensor


@tf_export("data.experimental.from_variant")
def from_variant(variant, structure):
    """The dataset in a variant tensor; STRUCTURE are the specs of its elements."""
    if variant.dtype is not dtypes.variant:
        raise ValueError(f"variant must be a variant tensor, it is of {variant.dtype.name}")
    return dataset_ops._wrap(variant, _own_specs(structure))


def _own_specs(specs):
    """SPECS as datasets keep them."""

    def own(spec):
        if type(spec) is DatasetStructure:
            return structure.DatasetSpec(_own_specs(spec.element_spec))
        if type(spec) is type_spec.SparseTensorSpec:
            return structure.SparseTensorSpec(spec.shape, spec.dtype)
        if hasattr(spec, "row_splits_dtype"):
            return structure.RaggedTensorSpec(spec.shape, spec.dtype, spec.ragged_rank, spec.row_splits_dtype)
        return structure.TensorSpec(spec.shape, spec.dtype) if type(spec) is tensor_spec.TensorSpec else spec

    return nest.map_structure(own, specs)


def _public_specs(specs):
    """What _own_specs made its result of."""

    def public(spec):
        if isinstance(spec, structure.DatasetSpec):
            return DatasetStructure(_public_specs(spec.element))
        if isinstance(spec, structure.RaggedTensorSpec):
            from tenon.python.ops.ragged.ragged_tensor_spec import RaggedTensorSpec

            return RaggedTensorSpec(spec.shape, spec.dtype, spec.ragged_rank, spec.row_splits_dtype)
        kind = type_spec.SparseTensorSpec if isinstance(spec, structure.SparseTensorSpec) else tensor_spec.TensorSpec
        return kind(spec.shape, spec.dtype)

    return nest.map_structure(public, specs)
