"""Array ops that are used less: masks of sequences, unique values, blocks of space and batch, diagonals,
quantization."""

import numpy as np

from tenon.python.framework import constant_op, dtypes, ops, tensor_util
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

__all__ = [
    "batch_to_space",
    "depth_to_space",
    "diag_part",
    "edit_distance",
    "extract_image_patches",
    "guarantee_const",
    "matrix_diag",
    "matrix_diag_part",
    "matrix_set_diag",
    "repeat",
    "repeat_with_axis",
    "required_space_to_batch_paddings",
    "reverse_sequence",
    "roll",
    "searchsorted",
    "sequence_mask",
    "setdiff1d",
    "space_to_batch",
    "space_to_depth",
    "stop_gradient",
    "tensor_scatter_nd_update",
    "unique",
    "unique_with_counts",
    "unravel_index",
]  # fmt: skip

TF_EXPORTS = {
    "linalg.tensor_diag": "tensor_diag",
    "diag_part": "diag_part",
    "linalg.tensor_diag_part": "diag_part",
    "batch_matrix_transpose": "batch_matrix_transpose",
}
tensor_diag = gen_ops.diag


def diag_part(input, name=None):
    """The diagonal of a tensor whose first half of sizes equals the second."""
    return gen_ops.diag_part(input, name=name)


tensor_diag_part = diag_part


@tf_export("stop_gradient")
def stop_gradient(input, name=None):
    """The input, through which no gradient goes."""
    return gen_ops.stop_gradient(input, name=name)


@tf_export("guarantee_const")
def guarantee_const(input, name=None):
    """The input, which the program promises not to change."""
    return gen_ops.guarantee_const(input, name=name)


@tf_export("unravel_index")
def unravel_index(indices, dims, name=None):
    """The coordinates, [rank, n], of places in a flattened array of size DIMS."""
    with ops.name_scope(name, "unravel_index"):
        indices, dims = ops.convert_to_tensor(indices), ops.convert_to_tensor(dims)
        strides = gen_ops.cumprod(dims, 0, exclusive=True, reverse=True)
        if indices.get_shape().ndims == 0:
            return (indices // strides) % dims
        return (array_ops.expand_dims(indices, 0) // array_ops.expand_dims(strides, 1)) % array_ops.expand_dims(dims, 1)


@tf_export("timestamp")
def timestamp(name=None):
    """Seconds since 1970, a double, at each step."""
    import time

    from tenon.python.ops import script_ops

    return script_ops.py_func(time.time, [], dtypes.float64, stateful=True, name=name or "Timestamp")


def batch_matrix_transpose(a, name=None):
    """Swaps the last two dimensions."""
    return array_ops.matrix_transpose(a, name or "matrix_transpose")


@tf_export("sequence_mask")
def sequence_mask(lengths, maxlen=None, dtype=dtypes.bool, name=None):
    """mask[..., j] = j < lengths[...]; the last dimension has MAXLEN (the greatest length) elements."""
    from tenon.python.ops import math_ops

    with ops.name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = ops.convert_to_tensor(lengths)
        if maxlen is None:
            maxlen = gen_ops.max(lengths, _all_dimensions(lengths))
            maxlen = gen_ops.maximum(constant_op.constant(0, maxlen.dtype), maxlen)
        else:
            maxlen = ops.convert_to_tensor(maxlen)
        if maxlen.get_shape().ndims is not None and maxlen.get_shape().ndims != 0:
            raise ValueError(f"Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = {maxlen} "
                             f"with shape '{maxlen.get_shape()}' instead")  # fmt: skip
        row = gen_ops.range(constant_op.constant(0, maxlen.dtype), maxlen, constant_op.constant(1, maxlen.dtype))
        matrix = math_ops.cast(array_ops.expand_dims(lengths, -1), maxlen.dtype)
        result = row < matrix
        if dtype is None or result.dtype.is_compatible_with(dtype):
            return result
        return math_ops.cast(result, dtype)


def _all_dimensions(x):
    """All dimensions of a tensor, a constant where their number is known."""
    ndims = x.get_shape().ndims
    if ndims is not None:
        return constant_op.constant(np.arange(ndims), dtype=dtypes.int32)
    return gen_ops.range(0, array_ops.rank(x), 1)


@tf_export("reverse_sequence")
def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None, batch_dim=None):
    """Reverses the first seq_lengths[i] elements along SEQ_AXIS of each slice i along BATCH_AXIS."""
    seq_axis = deprecated_argument_lookup("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch_axis = deprecated_argument_lookup("batch_axis", batch_axis, "batch_dim", batch_dim)
    return gen_ops.reverse_sequence(
        input, seq_lengths, seq_dim=seq_axis, batch_dim=0 if batch_axis is None else batch_axis, name=name
    )


@tf_export("unique")
def unique(x, out_idx=dtypes.int32, name=None):
    """(the different values of a vector, for each element the place of its value)."""
    return gen_ops.unique(x, out_idx=out_idx, name=name)


@tf_export("unique_with_counts")
def unique_with_counts(x, out_idx=dtypes.int32, name=None):
    """unique, and how often each value is there."""
    return gen_ops.unique_with_counts(x, out_idx=out_idx, name=name)


@tf_export("setdiff1d")
def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
    """(the values of X that Y lacks, their places in X)."""
    return gen_ops.list_diff(x, y, out_idx=index_dtype, name=name)


@tf_export("roll", "manip.roll")
def roll(input, shift, axis, name=None):
    """Turns the elements around along dimensions."""
    return gen_ops.roll(input, shift, axis, name=name)


# --- blocks ---


@tf_export("nn.space_to_depth", "space_to_depth")
def space_to_depth(input, block_size, name=None, data_format="NHWC"):
    """Blocks of pixels become channels."""
    return gen_ops.space_to_depth(input, block_size=block_size, data_format=data_format, name=name)


@tf_export("nn.depth_to_space", "depth_to_space")
def depth_to_space(input, block_size, name=None, data_format="NHWC"):
    """Channels become blocks of pixels."""
    return gen_ops.depth_to_space(input, block_size=block_size, data_format=data_format, name=name)


@tf_export("nn.space_to_batch", "space_to_batch")
def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):
    """Blocks of pixels become batches."""
    block = deprecated_argument_lookup("block_shape", block_shape, "block_size", block_size)
    if not isinstance(block, (ops.Tensor, np.ndarray, list, tuple)):
        block = np.array([block, block], dtype=np.int64)
    return gen_ops.space_to_batch_nd(input, block, paddings, name=name)


@tf_export("batch_to_space")
def batch_to_space(input, crops, block_size, name=None, block_shape=None):
    """Batches become blocks of pixels."""
    block = deprecated_argument_lookup("block_shape", block_shape, "block_size", block_size)
    if not isinstance(block, (ops.Tensor, np.ndarray, list, tuple)):
        block = np.array([block, block], dtype=np.int64)
    return gen_ops.batch_to_space_nd(input, block, crops, name=name)


@tf_export("required_space_to_batch_paddings")
def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
    """(paddings, crops) that make sizes multiples of the blocks."""
    with ops.name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
        input_shape = ops.convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
        block_shape = ops.convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
        block_shape.get_shape().assert_is_fully_defined()
        block_shape.get_shape().assert_has_rank(1)
        count = block_shape.get_shape().as_list()[0]
        if count == 0:
            empty = array_ops.zeros([0, 2], dtypes.int32)
            return empty, empty
        input_shape.get_shape().assert_is_compatible_with([count])
        if base_paddings is not None:
            base_paddings = ops.convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
            base_paddings.get_shape().assert_is_compatible_with([count, 2])
        else:
            base_paddings = array_ops.zeros([count, 2], dtypes.int32)
        values = [tensor_util.constant_value(t) for t in (input_shape, block_shape, base_paddings)]
        if all(v is not None for v in values):
            sizes, blocks, base = values
            end = (-(sizes + base[:, 0] + base[:, 1])) % blocks
            paddings = [[base[i, 0], base[i, 1] + end[i]] for i in range(count)]
            crops = [[0, end[i]] for i in range(count)]
            return (constant_op.constant(paddings, dtypes.int32, name="paddings"),
                    constant_op.constant(crops, dtypes.int32, name="crops"))  # fmt: skip
        start = base_paddings[:, 0]
        full = input_shape + start + base_paddings[:, 1]
        extra = (block_shape - full % block_shape) % block_shape
        end = base_paddings[:, 1] + extra
        paddings = array_ops.stack([[start[i], end[i]] for i in range(count)], name="paddings")
        crops = array_ops.stack([[0, extra[i]] for i in range(count)], name="crops")
        return paddings, crops


# --- diagonals ---


@tf_export("linalg.diag", "matrix_diag")
def matrix_diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0, align="RIGHT_LEFT"):
    """Matrices whose diagonal is the last dimension."""
    if k == 0 and num_rows == -1 and num_cols == -1 and not isinstance(padding_value, ops.Tensor):
        if padding_value == 0:
            return gen_ops.matrix_diag(diagonal, name=name)
    return gen_ops.matrix_diag_v3(diagonal, k, num_rows, num_cols, padding_value, align=align, name=name)


@tf_export("linalg.diag_part", "matrix_diag_part")
def matrix_diag_part(input, name="diag_part", k=0, padding_value=0, align="RIGHT_LEFT"):
    """The diagonals of matrices."""
    if k == 0:
        return gen_ops.matrix_diag_part(input, name=name)
    return gen_ops.matrix_diag_part_v3(input, k, padding_value, align=align, name=name)


@tf_export("linalg.set_diag", "matrix_set_diag")
def matrix_set_diag(input, diagonal, name="set_diag", k=0, align="RIGHT_LEFT"):
    """Matrices with other diagonals."""
    if k == 0:
        return gen_ops.matrix_set_diag(input, diagonal, name=name)
    return gen_ops.matrix_set_diag_v3(input, diagonal, k, align=align, name=name)


@tf_export("tensor_scatter_nd_update", "tensor_scatter_update")
def tensor_scatter_nd_update(tensor, indices, updates, name=None):
    """TENSOR with slices replaced: each row of INDICES names one."""
    return gen_ops.tensor_scatter_update(tensor, indices, updates, name=name)


# --- the rest ---


@tf_export("edit_distance")
def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
    """Levenshtein distances between the sequences in two SparseTensors."""
    if not all(hasattr(x, "dense_shape") for x in (hypothesis, truth)):
        raise TypeError("Hypothesis and truth must be SparseTensors.")
    return gen_ops.edit_distance(
        hypothesis.indices, hypothesis.values, hypothesis.dense_shape, truth.indices, truth.values, truth.dense_shape,
        normalize=normalize, name=name,
    )  # fmt: skip


@tf_export("image.extract_image_patches", "extract_image_patches")
def extract_image_patches(images, ksizes=None, strides=None, rates=None, padding=None, name=None, sizes=None):
    """Patches of pictures, each put in the depth of one output pixel."""
    ksizes = deprecated_argument_lookup("sizes", sizes, "ksizes", ksizes)
    return gen_ops.extract_image_patches(
        images, ksizes=ksizes, strides=strides, rates=rates, padding=padding, name=name
    )


@tf_export("searchsorted")
def searchsorted(sorted_sequence, values, side="left", out_type=dtypes.int32, name=None):
    """Where in sorted rows the values belong."""
    size = array_ops.shape_internal(sorted_sequence)[-1]
    sequences = array_ops.reshape(sorted_sequence, [-1, size])
    rows = array_ops.reshape(values, [-1, array_ops.shape_internal(values)[-1]])
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    wide, long = array_ops.expand_dims(sequences, 1), array_ops.expand_dims(rows, 2)
    before = gen_ops.less_equal(wide, long) if side == "right" else gen_ops.less(wide, long)
    from tenon.python.ops import math_ops

    places = gen_ops.sum(math_ops.cast(before, out_type), [2], name=name)
    return array_ops.reshape(places, array_ops.shape_internal(values))


def repeat_with_axis(data, repeats, axis, name=None):
    """Each slice along AXIS, several times over."""
    from tenon.python.ops import math_ops

    with ops.name_scope(name, "Repeat", [data, repeats]):
        data = ops.convert_to_tensor(data, name="data")
        repeats = math_ops.cast(ops.convert_to_tensor(repeats, name="repeats"), dtypes.int32)
        repeats.get_shape().with_rank_at_most(1)
        data_rank = data.get_shape().ndims
        axis = axis + data_rank if axis < 0 else axis
        size = array_ops.shape(data)[axis]
        if repeats.get_shape().ndims == 0:
            expanded = array_ops.expand_dims(data, axis + 1)
            tiles = [1] * (data_rank + 1)
            tiled = gen_ops.tile(
                expanded, array_ops.stack([repeats if i == axis + 1 else t for i, t in enumerate(tiles)])
            )
            sizes = array_ops.shape(data)
            shape = array_ops.concat([sizes[:axis], [size * repeats], sizes[axis + 1 :]], axis=0)
            return array_ops.reshape(tiled, shape)
        total = gen_ops.cumsum(gen_ops.broadcast_to(repeats, array_ops.expand_dims(size, 0)), 0)
        places = gen_ops.range(0, total[-1], 1)
        rows = gen_ops.sum(
            math_ops.cast(array_ops.expand_dims(places, 1) >= array_ops.expand_dims(total, 0), dtypes.int32), 1
        )
        return array_ops.gather(data, rows, axis=axis)


@tf_export("repeat")
def repeat(input, repeats, axis=None, name=None):
    """Each element, or slice along AXIS, REPEATS times."""
    if axis is None:
        input = array_ops.reshape(input, [-1])
        axis = 0
    return repeat_with_axis(input, repeats, axis, name)


@tf_export("fingerprint")
def fingerprint(data, method="farmhash64", name=None):
    """Eight bytes for each row of DATA that tell it from others."""
    return gen_ops.fingerprint(data, method, name=name)
