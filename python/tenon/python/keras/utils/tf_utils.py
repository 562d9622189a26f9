"""What Keras' layers ask of tensors."""

import functools

from tenon.python.framework import ops
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.layers.utils import constant_value, smart_cond  # noqa: F401  part of what this module has
from tenon.python.util import nest

_symbolic = []  # classes of what stands for tensors, which libraries add


def register_symbolic_tensor_type(cls):
    """From now on instances of CLS count as symbolic tensors."""
    if cls not in _symbolic:
        _symbolic.append(cls)


def is_symbolic_tensor(tensor):
    """True for tensors of graphs, and for what was registered as such."""
    if isinstance(tensor, tuple(_symbolic)):
        return True
    return isinstance(tensor, ops._TensorLike) and not isinstance(tensor, ops.EagerTensor)


def are_all_symbolic_tensors(tensors):
    """True if all of TENSORS are symbolic."""
    return all(is_symbolic_tensor(t) for t in tensors)


def convert_shapes(input_shape, to_tuples=True):
    """Nested shapes as tuples, or as TensorShapes."""

    def convert(shape):
        shape = TensorShape(shape)
        return tuple(shape.as_list()) if to_tuples and shape.rank is not None else shape

    if isinstance(input_shape, dict):
        return {key: convert_shapes(shape, to_tuples) for key, shape in input_shape.items()}
    if isinstance(input_shape, list) or isinstance(input_shape, tuple) and any(nest.is_nested(s) for s in input_shape):
        return type(input_shape)(convert_shapes(shape, to_tuples) for shape in input_shape)
    return convert(input_shape)


def shape_type_conversion(fn):
    """FN, a layer's compute_output_shape, of tuples, giving a TensorShape."""

    @functools.wraps(fn)
    def wrapper(instance, input_shape):
        if input_shape is not None:
            input_shape = convert_shapes(input_shape, to_tuples=True)
        output = fn(instance, input_shape)
        return output if output is None else convert_shapes(output, to_tuples=False)

    return wrapper
