"""Specs of elements under their names of 1.x, and datasets as variant tensors."""

from tenon.python.data.ops import dataset_ops
from tenon.python.data.util import structure
from tenon.python.framework import dtypes, tensor_spec, type_spec
from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.TensorStructure")
def TensorStructure(dtype, shape):
    """The spec of a tensor."""
    return tensor_spec.TensorSpec(shape, dtype)


@tf_export("data.experimental.SparseTensorStructure")
def SparseTensorStructure(dtype, shape):
    """The spec of a SparseTensor."""
    return type_spec.SparseTensorSpec(shape, dtype)


@tf_export("data.experimental.TensorArrayStructure")
def TensorArrayStructure(dtype, element_shape, dynamic_size, infer_shape):
    """The spec of a TensorArray."""
    return type_spec.TensorArraySpec(element_shape, dtype, dynamic_size, infer_shape)


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
    from tenon.python.data.util import nest

    def own(spec):
        return structure.TensorSpec(spec.shape, spec.dtype) if type(spec) is tensor_spec.TensorSpec else spec

    return nest.map_structure(own, specs)
