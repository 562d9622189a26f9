"""Ops on the shape and the elements of tensors: making, joining, cutting, gathering."""

import numpy as np

from tenon.python.deprecated import arguments as old_order
from tenon.python.framework import constant_op, dtypes, ops, tensor_shape, tensor_util
from tenon.python.ops import gen_ops
from tenon.python.ops.array_slicing import slice_helper, slice_variable
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

newaxis = None
constant = constant_op.constant
_slice_helper = slice_helper
_slice_helper_var = slice_variable
tf_export("newaxis").export_constant(__name__, "newaxis")

# What needs no Python: the ops as they are, under the names that other modules use.
_PLAIN = {
    "diag": "diag", "diag_part": "diag_part", "matrix_band_part": "matrix_band_part", "tile": "tile",
    "scatter_nd": "scatter_nd", "invert_permutation": "invert_permutation", "broadcast_to": "broadcast_to",
    "ensure_shape": "ensure_shape", "check_numerics": "check_numerics", "reverse_v2": "reverse_v2",
    "reverse": "reverse_v2", "fill": "fill", "bitcast": "bitcast", "stop_gradient": "stop_gradient",
    "prevent_gradient": "prevent_gradient", "list_diff": "list_diff", "listdiff": "list_diff",
    "tensor_scatter_update": "tensor_scatter_update", "tensor_scatter_add": "tensor_scatter_add",
    "tensor_scatter_sub": "tensor_scatter_sub", "batch_to_space_nd": "batch_to_space_nd",
    "space_to_batch_nd": "space_to_batch_nd", "unravel_index": "unravel_index",
    "guarantee_const": "guarantee_const", "mirror_pad": "mirror_pad", "inplace_update": "inplace_update",
}  # fmt: skip


def __getattr__(name):
    if name in _PLAIN:
        return getattr(gen_ops, _PLAIN[name])
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


# --- sizes ---


@tf_export("identity")
def identity(input, name=None):
    """A tensor with the same shape and contents."""
    if hasattr(input, "graph") and hasattr(input, "_copy_with"):
        return input._copy_with(identity, name)
    return gen_ops.identity(input, name=name)


@tf_export("identity_n")
def identity_n(input, name=None):
    """A list of tensors with the same shapes and contents."""
    return gen_ops.identity_n(input, name=name)


def shape_internal(input, name=None, optimize=True, out_type=dtypes.int32):
    """The shape as a 1-D tensor; a constant where it is known."""
    from tenon.python.framework import sparse_tensor

    with ops.name_scope(name, "Shape", [input]) as scope:
        if isinstance(input, sparse_tensor.SparseTensor):
            return gen_ops.cast(input.dense_shape, DstT=out_type)
        tensor = ops.convert_to_tensor(input)
        known = tensor.get_shape()
        if optimize and known.is_fully_defined():
            return constant(known.as_list(), dtypes.as_dtype(out_type), name=scope)
        return gen_ops.shape(tensor, out_type=out_type, name=scope)


@tf_export("shape")
def shape(input, name=None, out_type=None):
    """The shape as a 1-D integer tensor."""
    return shape_internal(input, name, optimize=True, out_type=out_type or dtypes.int32)


@tf_export("shape_n")
def shape_n(input, out_type=dtypes.int32, name=None):
    """The shapes of several tensors."""
    return gen_ops.shape_n(input, out_type=out_type, name=name)


def size_internal(input, name=None, optimize=True, out_type=dtypes.int32):
    """The number of elements; a constant where it is known."""
    from tenon.python.framework import sparse_tensor

    with ops.name_scope(name, "Size", [input]) as scope:
        if isinstance(input, sparse_tensor.SparseTensor):
            return gen_ops.prod(gen_ops.cast(input.dense_shape, DstT=out_type), 0, name=scope)
        tensor = ops.convert_to_tensor(input)
        if optimize and tensor.get_shape().is_fully_defined():
            return constant(tensor.get_shape().num_elements(), out_type, name=scope)
        return gen_ops.size(tensor, out_type=out_type, name=scope)


@tf_export("size")
def size(input, name=None, out_type=None):
    """The number of elements, a scalar."""
    return size_internal(input, name, optimize=True, out_type=out_type or dtypes.int32)


def rank_internal(input, name=None, optimize=True):
    """The number of dimensions; a constant where it is known."""
    from tenon.python.framework import sparse_tensor

    with ops.name_scope(name, "Rank", [input]) as scope:
        if isinstance(input, sparse_tensor.SparseTensor):
            return gen_ops.size(input.dense_shape, name=scope)
        tensor = ops.convert_to_tensor(input)
        if optimize and tensor.get_shape().ndims is not None:
            return constant(tensor.get_shape().ndims, dtypes.int32, name=scope)
        return gen_ops.rank(tensor, name=scope)


@tf_export("rank")
def rank(input, name=None):
    """The number of dimensions, a scalar."""
    return rank_internal(input, name, optimize=True)


@tf_export("broadcast_static_shape")
def broadcast_static_shape(shape_x, shape_y):
    """The static shape of two tensors broadcast together."""
    from tenon.python.framework import common_shapes

    return common_shapes.broadcast_shape(shape_x, shape_y)


@tf_export("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x, shape_y):
    """The shape, a tensor, of two tensors of those shapes broadcast together."""
    return gen_ops.broadcast_args(shape_x, shape_y)


# --- making ---


def _filled(value, shape, dtype, name, default):
    """A constant where that is small, a Fill where it is not."""
    dtype = dtypes.as_dtype(dtype).base_dtype
    with ops.name_scope(name, default, [shape]) as scope:
        if not isinstance(shape, ops.Tensor):
            try:
                known = tensor_shape.TensorShape(shape)
                if known.is_fully_defined() and known.num_elements() < 1000:
                    return constant(value, shape=known.as_list(), dtype=dtype, name=scope)
                shape = ops.convert_to_tensor(known, dtype=dtypes.int32)
            except (TypeError, ValueError):
                shape = ops.convert_to_tensor(shape, dtype=dtypes.int32)
        if shape.get_shape().ndims == 0:
            shape = reshape(shape, [-1])
        return gen_ops.fill(shape, constant(value, dtype=dtype), name=scope)


def _zero(dtype):
    dtype = dtypes.as_dtype(dtype).base_dtype
    return False if dtype == dtypes.bool else "" if dtype == dtypes.string else 0


@tf_export("zeros")
def zeros(shape, dtype=dtypes.float32, name=None, layout=None):
    """Zeros (False, empty strings) of a shape."""
    return _filled(_zero(dtype), shape, dtype, name, "zeros")


@tf_export("ones")
def ones(shape, dtype=dtypes.float32, name=None, layout=None):
    """Ones (True) of a shape."""
    return _filled(True if dtypes.as_dtype(dtype) == dtypes.bool else 1, shape, dtype, name, "ones")


@tf_export("zeros_like")
def zeros_like(tensor, dtype=None, name=None, optimize=True):
    """Zeros of the shape and dtype of a tensor."""
    with ops.name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = ops.convert_to_tensor(tensor, name="tensor")
        static = optimize and tensor.get_shape().is_fully_defined()
        if not dtype and (dtype is None or static):  # with a known shape TensorFlow takes False for None
            dtype = tensor.dtype.base_dtype
        wanted = dtypes.as_dtype(dtype)
        if static and wanted != dtypes.variant:
            return zeros(tensor.get_shape(), dtype=wanted, name=scope)
        if wanted != tensor.dtype.base_dtype and wanted != dtypes.variant:
            return zeros(shape_internal(tensor, optimize=optimize), dtype=wanted, name=scope)
        return gen_ops.zeros_like(tensor, name=scope)


@tf_export("ones_like")
def ones_like(tensor, dtype=None, name=None, optimize=True):
    """Ones of the shape and dtype of a tensor."""
    with ops.name_scope(name, "ones_like", [tensor]) as scope:
        tensor = ops.convert_to_tensor(tensor, name="tensor")
        sizes = shape_internal(tensor, optimize=optimize)
        result = ones(sizes, dtype=tensor.dtype if dtype is None else dtype, name=scope)
        result.set_shape(tensor.get_shape())
        return result


@tf_export("fill")
def fill(dims, value, name=None, layout=None):
    """A tensor of shape DIMS full of one value."""
    return gen_ops.fill(dims, value, name=name)


@tf_export("placeholder")
def placeholder(dtype, shape=None, name=None):
    """A tensor whose value each step is given (feed_dict)."""
    return gen_ops.placeholder(dtype=dtype, shape=shape, name=name)


@tf_export("placeholder_with_default")
def placeholder_with_default(input, shape, name=None):
    """A tensor whose value a step may give; otherwise it is INPUT."""
    return gen_ops.placeholder_with_default(input, shape, name=name)


@tf_export("sparse.placeholder", "sparse_placeholder")
def sparse_placeholder(dtype, shape=None, name=None):
    """A SparseTensor whose value each step is given."""
    from tenon.python.framework import sparse_tensor

    def part(suffix):
        return None if name is None else f"{name}/{suffix}"

    rank = dense = None
    if shape is None:
        dense = placeholder(dtypes.int64, shape=[rank], name=part("shape"))
    elif isinstance(shape, ops.Tensor):
        rank = shape.get_shape().as_list()[0] if shape.get_shape().ndims else None
        dense = shape
    else:
        rank = len(shape)
        sizes = tuple(-1 if getattr(d, "value", d) is None else int(getattr(d, "value", d)) for d in shape)
        dense = placeholder_with_default(
            constant(np.array(sizes, np.int64)), shape=[rank], name=part("shape")
        )  # fmt: skip
    return sparse_tensor.SparseTensor(
        values=placeholder(dtype, shape=[None], name=part("values")),
        indices=placeholder(dtypes.int64, shape=[None, rank], name=part("indices")), dense_shape=dense,
    )  # fmt: skip


# --- shapes ---


@tf_export("reshape", "manip.reshape")
def reshape(tensor, shape, name=None):
    """The same elements in another shape; one size may be -1."""
    return gen_ops.reshape(tensor, shape, name=name)


@tf_export("expand_dims")
def expand_dims(input, axis=None, name=None, dim=None):
    """Adds a dimension of size 1 at AXIS."""
    axis = deprecated_argument_lookup("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return gen_ops.expand_dims(input, axis, name=name)


@tf_export("squeeze")
def squeeze(input, axis=None, name=None, squeeze_dims=None):
    """Takes away dimensions of size 1: all, or those in AXIS."""
    axis = deprecated_argument_lookup("axis", axis, "squeeze_dims", squeeze_dims)
    if np.isscalar(axis):
        axis = [axis]
    return gen_ops.squeeze(input, axis or [], name=name)


@tf_export("transpose")
def transpose(a, perm=None, name="transpose", conjugate=False):
    """Reorders dimensions; without PERM reverses them."""
    with ops.name_scope(name, "transpose", [a]) as scope:
        a = ops.convert_to_tensor(a, name="a")
        function = gen_ops.conjugate_transpose if conjugate and a.dtype.is_complex else gen_ops.transpose
        if perm is None:
            known = a.get_shape().ndims
            if known is None:
                rank = gen_ops.rank(a)
                perm = (rank - 1) - gen_ops.range(0, rank, 1)
            else:
                perm = np.arange(known - 1, -1, -1, dtype=np.int32)
        return function(a, perm, name=scope)


@tf_export("linalg.matrix_transpose", "linalg.transpose", "matrix_transpose")
def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """Swaps the last two dimensions."""
    with ops.name_scope(name, values=[a]):
        a = ops.convert_to_tensor(a, name="a")
        ndims = a.get_shape().ndims
        if ndims is not None:
            if ndims < 2:
                raise ValueError(f"Argument `a` should be a (batch) matrix with rank >= 2. Found {a.get_shape()}")
            perm = [*range(ndims - 2), ndims - 1, ndims - 2]
        else:
            rank = gen_ops.rank(a)
            perm = concat((gen_ops.range(0, rank - 2, 1), [rank - 1, rank - 2]), 0)
        return transpose(a, perm=perm, conjugate=conjugate)


@tf_export("concat")
def concat(values, axis, name="concat"):
    """Joins tensors along a dimension they have."""
    values, axis = old_order.concat(values, axis)
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with ops.name_scope(name) as scope:
            ops.convert_to_tensor(axis, name="concat_dim", dtype=dtypes.int32).get_shape().assert_has_rank(0)
            return identity(values[0], name=scope)
    return gen_ops.concat_v2(values, axis, name=name)


@tf_export("stack")
def stack(values, axis=0, name="stack"):
    """Joins tensors of one shape along a new dimension."""
    if axis == 0:
        try:
            return ops.convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass  # the elements' dtypes have to be made equal
    known = ops.convert_to_tensor(values[0], name=name).get_shape().ndims
    if known is not None and not -known - 1 <= axis < known + 1:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-known - 1}, {known + 1})")
    return gen_ops.pack(values, axis=axis, name=name)


@tf_export("parallel_stack")
def parallel_stack(values, name="parallel_stack"):
    """stack along dimension 0 of values that may come at different times."""
    with ops.name_scope(name):
        first = ops.convert_to_tensor(values[0])
        shape = tensor_shape.TensorShape([len(values)]).concatenate(first.get_shape())
        if not shape.is_fully_defined():
            raise ValueError("parallel_stack needs the shapes of its values")
        return gen_ops.pack(values)


@tf_export("unstack")
def unstack(value, num=None, axis=0, name="unstack"):
    """The list of a tensor's slices along AXIS; NUM where the size is not known."""
    if num is None:
        value = ops.convert_to_tensor(value)
        known = value.get_shape()
        if known.ndims is not None:
            if not -known.ndims <= axis < known.ndims:
                raise ValueError(f"Argument `axis` = {axis} not in range [{-known.ndims}, {known.ndims})")
            num = known.as_list()[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {known}")
    return gen_ops.unpack(value, num=num, axis=axis, name=name)


@tf_export("split")
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """Cuts a tensor along AXIS: into N equal parts, or into parts of given sizes."""
    value, num_or_size_splits, axis = old_order.split(value, num_or_size_splits, axis)
    if isinstance(num_or_size_splits, (int, np.integer, tensor_shape.Dimension)):
        return gen_ops.split(axis, value, num_split=int(num_or_size_splits), name=name)
    sizes = ops.convert_to_tensor(num_or_size_splits)
    if sizes.get_shape().ndims == 0:
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: "
            f"{num_or_size_splits}"
        )
    if num is None:
        known = sizes.get_shape()
        num = known.as_list()[0] if known.ndims else None
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {num_or_size_splits}")
    return gen_ops.split_v(value, sizes, axis, num_split=num, name=name)


@tf_export("pad")
def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
    """Adds elements before and after along each dimension: PADDINGS is [rank, 2]."""
    mode = mode.upper()
    if mode == "CONSTANT":
        if not isinstance(constant_values, ops.Tensor) and np.ndim(constant_values) == 0 and constant_values == 0:
            result = gen_ops.pad(tensor, paddings, name=name)
        else:
            result = gen_ops.pad_v2(tensor, paddings, constant_values, name=name)
    elif mode in ("REFLECT", "SYMMETRIC"):
        result = gen_ops.mirror_pad(tensor, paddings, mode=mode, name=name)
    else:
        raise ValueError(f"Value of argument `mode` expected to be one of 'CONSTANT', 'REFLECT', or 'SYMMETRIC'. "
                         f"Received `mode` = {mode}")  # fmt: skip
    return result


@tf_export("meshgrid")
def meshgrid(*args, **kwargs):
    """N grids from N vectors; indexing='xy' (as for pictures) or 'ij'."""
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    with ops.name_scope(name, "meshgrid", args):
        n = len(args)
        output = [
            reshape(stack(x), (1,) * i + (-1,) + (1,) * (n - i - 1)) for i, x in enumerate(args)
        ]  # fmt: skip
        shapes = [size(x) for x in args]
        dtype = ops.convert_to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and n > 1:
            output[0] = reshape(output[0], (1, -1) + (1,) * (n - 2))
            output[1] = reshape(output[1], (-1, 1) + (1,) * (n - 2))
            shapes[0], shapes[1] = shapes[1], shapes[0]
        ones_ = ones(shapes, dtype)
        return [x * ones_ for x in output]


# --- slices ---


@tf_export("slice")
def slice(input_, begin, size, name=None):
    """The part of a tensor from BEGIN, of SIZE (-1: all that is left)."""
    return gen_ops.slice(input_, begin, size, name=name)


# --- gathering ---


@tf_export("gather")
def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """Slices of PARAMS along AXIS at INDICES."""
    if axis is None:
        axis = batch_dims
    zero = not isinstance(axis, ops.Tensor) and axis == 0 or (
        isinstance(axis, ops.Tensor) and tensor_util.constant_value(axis) == 0
    )  # fmt: skip
    if zero and batch_dims == 0 and hasattr(params, "handle") and hasattr(params, "sparse_read"):
        return params.sparse_read(indices, name=name)
    return gen_ops.gather_v2(params, indices, axis, batch_dims=batch_dims, name=name)


@tf_export("batch_gather")
def batch_gather(params, indices, name=None):
    """gather in the last dimension of INDICES, for each batch before it."""
    with ops.name_scope(name, "BatchGather", [params, indices]):
        indices = ops.convert_to_tensor(indices, name="indices")
        params = ops.convert_to_tensor(params, name="params")
        if indices.get_shape().ndims is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return gather(params, indices, axis=indices.get_shape().ndims - 1, batch_dims=indices.get_shape().ndims - 1)


@tf_export("gather_nd", "manip.gather_nd")
def gather_nd(params, indices, name=None, batch_dims=0, bad_indices_policy=""):
    """The slices of PARAMS that the rows of INDICES name."""
    if isinstance(batch_dims, ops.Tensor):
        batch_dims = int(tensor_util.constant_value(batch_dims))
    if batch_dims == 0:
        if hasattr(params, "handle") and hasattr(params, "gather_nd"):
            return params.gather_nd(indices, name=name)
        return gen_ops.gather_nd(params, indices, name=name)
    with ops.name_scope(name, "BatchGatherND", [params, indices]):
        indices = ops.convert_to_tensor(indices, name="indices")
        params = ops.convert_to_tensor(params, name="params")
        sizes = shape(indices)
        axes = [gen_ops.range(0, sizes[i], 1) for i in range(batch_dims)]
        grid = [expand_dims(x, -1) for x in meshgrid(*axes, indexing="ij")]
        inner = indices.get_shape().ndims - batch_dims - 1
        lead = gen_ops.cast(concat(grid, -1), DstT=indices.dtype)
        for _ in range(inner):
            lead = expand_dims(lead, batch_dims)
        lead = gen_ops.broadcast_to(lead, concat([sizes[:-1], [batch_dims]], 0))
        return gen_ops.gather_nd(params, concat([lead, indices], -1))


@tf_export("where")
def where(condition, x=None, y=None, name=None):
    """The places where CONDITION is true, or elements of X where it is and of Y where it is not."""
    if x is None and y is None:
        with ops.name_scope(name, "Where", [condition]) as scope:
            condition = ops.convert_to_tensor(condition, preferred_dtype=dtypes.bool, name="condition")
            return gen_ops.where(condition, name=scope)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return gen_ops.select(condition, x, y, name=name)


@tf_export("where_v2")
def where_v2(condition, x=None, y=None, name=None):
    """where, with broadcasting."""
    if x is None and y is None:
        return where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return gen_ops.select_v2(condition, x, y, name=name)


@tf_export("one_hot")
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """ON_VALUE at the indices, OFF_VALUE elsewhere, along a new dimension of size DEPTH."""
    with ops.name_scope(name, "one_hot", [indices, depth, on_value, off_value]) as scope:
        on_dtype = off_dtype = None
        if on_value is not None:
            on_value = ops.convert_to_tensor(on_value, preferred_dtype=dtype, name="on_value")
            on_dtype = on_value.dtype.base_dtype
        if off_value is not None:
            off_value = ops.convert_to_tensor(off_value, preferred_dtype=dtype, name="off_value")
            off_dtype = off_value.dtype.base_dtype
        if dtype is not None:
            for label, value in (("on", on_dtype), ("off", off_dtype)):
                if value is not None and value != dtype:
                    raise TypeError(f"dtype {value} of {label}_value does not match dtype parameter {dtype}")
        else:
            dtype = on_dtype or off_dtype or dtypes.float32
        if on_value is None:
            on_value = ops.convert_to_tensor(1, dtype, name="on_value")
        if off_value is None:
            off_value = ops.convert_to_tensor(0, dtype, name="off_value")
        if on_value.dtype.base_dtype != off_value.dtype.base_dtype:
            raise TypeError(f"dtype {on_dtype} of on_value does not match dtype {off_dtype} of off_value")
        return gen_ops.one_hot(indices, depth, on_value, off_value, axis=-1 if axis is None else axis, name=scope)


from tenon.python.ops.array_index import boolean_mask, strided_slice  # noqa: E402, F401
from tenon.python.ops.array_ops_more import *  # noqa: E402, F403
