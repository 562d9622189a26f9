"""Placeholders, shapes and identities."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework.constant_op import constant
from tenon.python.framework.tensor_shape import as_shape
from tenon.python.ops import gen_ops
from tenon.python.ops.array_slicing import newaxis, slice_helper
from tenon.python.util.tf_export import tf_export

_slice_helper = slice_helper
tf_export("newaxis").export_constant(__name__, "newaxis")
__all__ = ["_slice_helper", "constant", "newaxis"]


@tf_export("placeholder")
def placeholder(dtype, shape=None, name=None):
    """A tensor that each step must be fed."""
    return gen_ops.placeholder(dtype=dtype, shape=as_shape(shape), name=name)


@tf_export("placeholder_with_default")
def placeholder_with_default(input, shape, name=None):
    """INPUT, unless a step is fed something else of that SHAPE."""
    return gen_ops.placeholder_with_default(input, as_shape(shape), name)


@tf_export("identity")
def identity(input, name=None):
    """INPUT again, as another operation."""
    if hasattr(input, "dense_shape") and not hasattr(input, "_ref"):
        return type(input)(identity(input.indices), identity(input.values), identity(input.dense_shape))
    return gen_ops.identity(input, name=name)


@tf_export("shape")
def shape(input, name=None, out_type=dtypes.int32):
    """The shape of INPUT, a vector."""
    return shape_internal(input, name, optimize=True, out_type=out_type)


def shape_internal(input, name=None, optimize=True, out_type=dtypes.int32):
    """The shape; a constant where it is known and OPTIMIZE is set."""
    with ops.name_scope(name, "Shape", [input]) as scope:
        if hasattr(input, "dense_shape") and hasattr(input, "values"):
            return gen_ops.cast(input.dense_shape, out_type)
        tensor = ops.convert_to_tensor(input)
        known = tensor.shape
        if optimize and known.is_fully_defined():
            return constant(known.as_list(), out_type, name=scope)
        return gen_ops.shape(tensor, name=scope, out_type=out_type)


@tf_export("reshape", "manip.reshape")
def reshape(tensor, shape, name=None):
    """The elements of TENSOR in another shape; one size may be -1."""
    return gen_ops.reshape(tensor, shape, name)
