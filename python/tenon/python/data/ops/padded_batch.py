"""Dataset.padded_batch: shapes and padding values from what the caller gives."""

import numpy as np

from tenon.python.data.util import nest, structure
from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import TensorShape, as_shape
from tenon.python.ops import gen_ops


def _shape_tensor(wanted, spec):
    """A padded shape as an int64 vector; -1 where it is the batch's largest."""
    if isinstance(wanted, Tensor):
        return ops.convert_to_tensor(wanted, dtype=dtypes.int64)
    if isinstance(wanted, (list, tuple)) and any(isinstance(d, Tensor) for d in wanted):
        return ops.convert_to_tensor([-1 if d is None else d for d in wanted], dtype=dtypes.int64)
    sizes = [None if d == -1 else d for d in wanted] if isinstance(wanted, (list, tuple)) else wanted
    if isinstance(sizes, np.ndarray):
        sizes = [None if d == -1 else int(d) for d in sizes]
    shape = as_shape(sizes)
    if shape._dims is None:
        raise ValueError(f"The rank of the padded shape {wanted} must be known")
    if spec.shape._dims is not None and len(spec.shape._dims) != len(shape._dims):
        raise ValueError(f"The padded shape {shape} is not compatible with the corresponding input component shape "
                         f"{spec.shape}.")  # fmt: skip
    for have, want in zip(spec.shape._dims or (), shape._dims):
        if have is not None and want is not None and have > want:
            raise ValueError(f"The padded shape {shape} is not compatible with the corresponding input component shape "
                             f"{spec.shape}.")  # fmt: skip
    return ops.convert_to_tensor(np.array([-1 if d is None else d for d in shape._dims], np.int64))


def _padding(value, spec):
    if value is None:
        if spec.dtype is dtypes.variant:
            raise TypeError("Unable to create padding for field of type 'variant'")
        value = "" if spec.dtype is dtypes.string else 0 if spec.dtype is not dtypes.bool else False
        return ops.convert_to_tensor(value, dtype=spec.dtype, name="padding_value")
    value = ops.convert_to_tensor(value, name="padding_value")
    if value.shape.rank not in (0, None):
        raise ValueError(f"Padding value should be a scalar, but is not: {value}")
    if value.dtype.base is not spec.dtype:
        raise TypeError(f"Padding value type {value.dtype.name} does not match the type of the component, "
                        f"{spec.dtype.name}.")  # fmt: skip
    return value


def _fill(structure_, given):
    """One value per component: a single one stands for all."""
    if given is None or not nest.is_nested(given):
        return [given] * len(nest.flatten(structure_))
    return nest.flatten_up_to(structure_, given)


def make(dataset, batch_size, padded_shapes, padding_values, drop_remainder, name):
    """The padded batches of DATASET."""
    element = dataset._structure
    specs = nest.flatten(element)
    if any(isinstance(s, structure.SparseTensorSpec) for s in specs):
        raise TypeError("Batching of padded sparse tensors is not currently supported")
    if padded_shapes is None:
        padded_shapes = structure.shapes_of(element)
    shapes = nest.flatten_up_to(element, padded_shapes) if nest.is_nested(element) else [padded_shapes]
    shapes = [_shape_tensor(wanted, spec) for wanted, spec in zip(shapes, specs)]
    values = [_padding(value, spec) for value, spec in zip(_fill(element, padding_values), specs)]
    size = ops.convert_to_tensor(batch_size, dtype=dtypes.int64, name="batch_size")
    drop = ops.convert_to_tensor(drop_remainder, dtype=dtypes.bool, name="drop_remainder")
    known = tensor_util.constant_value(size) if tensor_util.constant_value(drop) else None
    first = TensorShape([None if known is None else int(known)])
    made = []
    for spec, shape in zip(specs, shapes):
        sizes = tensor_util.constant_value(shape)
        inner = TensorShape(None) if sizes is None else TensorShape([None if d < 0 else int(d) for d in sizes])
        made.append(spec.with_shape(first.concatenate(inner)))
    made = nest.pack_sequence_as(element, made)
    made_shapes = structure.flat(made)["output_shapes"]
    variant = gen_ops.padded_batch_dataset_v2(dataset._variant_tensor, size, shapes, values, drop,
                                              output_shapes=made_shapes, name=name)  # fmt: skip
    from tenon.python.data.ops import dataset_ops

    return dataset_ops._wrap(variant, made, (dataset,))
