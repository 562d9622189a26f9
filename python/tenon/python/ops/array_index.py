"""Parts of tensors: strided slices and masks."""

from tenon.python.framework import ops, tensor_util
from tenon.python.ops import array_ops, array_slicing, gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("strided_slice")
def strided_slice(input_, begin, end, strides=None, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                  shrink_axis_mask=0, var=None, name=None):  # fmt: skip
    """A part of a tensor, as Python's indexing says it; the masks are bits by dimension."""
    if strides is None:
        strides = array_ops.ones_like(begin)
    masks = {"begin_mask": begin_mask, "end_mask": end_mask, "ellipsis_mask": ellipsis_mask,
    "new_axis_mask": new_axis_mask,
                 "shrink_axis_mask": shrink_axis_mask}  # fmt: skip
    return array_slicing.strided_slice_of(input_, begin, end, strides, masks, var, name)


@tf_export("boolean_mask")
def boolean_mask(tensor, mask, name="boolean_mask", axis=None):
    """The elements (slices from AXIS on) where MASK is true, in one dimension."""
    with ops.name_scope(name, values=[tensor, mask]):
        tensor = ops.convert_to_tensor(tensor, name="tensor")
        mask = ops.convert_to_tensor(mask, name="mask")
        ndims = mask.get_shape().ndims
        if ndims == 0:
            raise ValueError("mask cannot be scalar.")
        if ndims is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions are None.  E.g. shape=[None] is "
                "ok, but shape=None is not."
            )
        axis = 0 if axis is None else axis
        if isinstance(axis, ops.Tensor):
            axis = int(tensor_util.constant_value(axis))
        known = tensor.get_shape()
        if known.ndims is not None:
            axis = axis + known.ndims if axis < 0 else axis
            known[axis : axis + ndims].assert_is_compatible_with(mask.get_shape())
        leading = gen_ops.prod(array_ops.shape(tensor)[axis : axis + ndims], [0])
        tensor = array_ops.reshape(
            tensor,
            array_ops.concat([array_ops.shape(tensor)[:axis], [leading], array_ops.shape(tensor)[axis + ndims :]], 0),
        )
        if known.ndims is not None:
            first = known[axis : axis + ndims].num_elements()
            tensor.set_shape(known[:axis].concatenate([first]).concatenate(known[axis + ndims :]))
        mask = array_ops.reshape(mask, [-1])
        return array_ops.gather(tensor, array_ops.squeeze(array_ops.where(mask), axis=[1]), axis=axis)
