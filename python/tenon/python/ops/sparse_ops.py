"""Sparse tensors: sums, products, reductions, and what moves their elements."""

import numbers

import numpy as np

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework import sparse_tensor as sparse
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

SparseTensor = sparse.SparseTensor


def _sparse(x, name="sp_input"):
    """X as a SparseTensor; TypeError for anything dense."""
    if isinstance(x, sparse.SparseTensorValue):
        return SparseTensor.from_value(x)
    if not isinstance(x, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return x


def _parts(x):
    return x.indices, x.values, x.dense_shape


@tf_export("sparse.from_dense")
def from_dense(tensor, name=None):
    """The elements of TENSOR that are not zero (or empty), as a SparseTensor."""
    with ops.name_scope(name, "dense_to_sparse"):
        tensor = ops.convert_to_tensor(tensor)
        zero = "" if tensor.dtype == dtypes.string else 0
        zeros = array_ops.zeros_like(tensor) if zero == 0 else array_ops.fill(array_ops.shape(tensor), "")
        indices = gen_ops.where(math_ops.not_equal(tensor, zeros))
        return SparseTensor(
            indices, array_ops.gather_nd(tensor, indices), array_ops.shape(tensor, out_type=dtypes.int64)
        )


@tf_export("sparse.eye")
def sparse_eye(num_rows, num_columns=None, dtype=dtypes.float32, name=None):
    """The identity matrix as a SparseTensor."""
    with ops.name_scope(name, default_name="eye", values=[num_rows, num_columns]):
        rows = math_ops.cast(num_rows, dtypes.int64)
        columns = rows if num_columns is None else math_ops.cast(num_columns, dtypes.int64)
        diagonal = math_ops.range(math_ops.minimum(rows, columns))
        return SparseTensor(
            array_ops.stack([diagonal, diagonal], axis=1),
            array_ops.ones([array_ops.shape(diagonal)[0]], dtype=dtype),
            array_ops.stack([rows, columns]),
        )


# --- elements that move ---


@tf_export("sparse.concat", "sparse_concat")
def sparse_concat(axis, sp_inputs, name=None, expand_nonconcat_dim=False, concat_dim=None, expand_nonconcat_dims=None):
    """SparseTensors joined along AXIS; EXPAND_NONCONCAT_DIMS: the other dimensions may differ, the largest counts."""
    expand = expand_nonconcat_dims if expand_nonconcat_dims is not None else expand_nonconcat_dim
    axis = deprecated_argument_lookup("axis", axis, "concat_dim", concat_dim)
    if not isinstance(sp_inputs, (list, tuple)):
        raise TypeError("Expected argument 'sp_inputs' to be a list of SparseTensor")
    sp_inputs = [_sparse(x) for x in sp_inputs]
    if len(sp_inputs) == 1:
        return sp_inputs[0]
    shapes = [x.dense_shape for x in sp_inputs]
    if expand:
        largest = math_ops.reduce_max(array_ops.stack(shapes), axis=0)
        at = axis if axis >= 0 else axis + shapes[0].shape.dims[0].value
        shapes = [
            array_ops.concat(
                [largest[:at], shape[axis:] if axis == -1 else shape[axis : axis + 1], largest[at + 1 :]], axis=0
            )
            for shape in shapes
        ]
    indices, values, shape = gen_ops.sparse_concat(
        [x.indices for x in sp_inputs], [x.values for x in sp_inputs], shapes, axis, name=name
    )
    return SparseTensor(indices, values, shape)


class KeywordRequired:
    """Stands for no argument by place."""

    def __repr__(self):
        return "KeywordRequired()"


_KEYWORD_REQUIRED = KeywordRequired()


@tf_export("sparse.split", "sparse_split")
def sparse_split(
    keyword_required=_KEYWORD_REQUIRED,
    sp_input=None,
    num_split=None,
    axis=None,
    name=None,
    split_dim=None,
):
    """SP_INPUT cut into NUM_SPLIT SparseTensors along AXIS; arguments by name only."""
    if not isinstance(keyword_required, KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    if sp_input is None:
        raise ValueError("sp_input is required")
    if num_split is None:
        raise ValueError("num_split is required")
    axis = deprecated_argument_lookup("axis", axis, "split_dim", split_dim)
    if axis is None:
        raise ValueError("axis is required")
    x = _sparse(sp_input)
    indices, values, shapes = gen_ops.sparse_split(axis, *_parts(x), num_split, name=name)
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes)]


@tf_export("sparse.slice", "sparse_slice")
def sparse_slice(sp_input, start, size, name=None):
    """The part of SP_INPUT that begins at START and has SIZE at most, a SparseTensor."""
    x = _sparse(sp_input)
    with ops.name_scope(name, "SparseSlice", [x]) as scope:
        start = ops.convert_to_tensor(start, dtypes.int64)
        size = ops.convert_to_tensor(size, dtypes.int64)
        return SparseTensor(*gen_ops.sparse_slice(*_parts(x), start, size, name=scope))


@tf_export("sparse.reorder", "sparse_reorder")
def sparse_reorder(sp_input, name=None):
    """SP_INPUT with its elements in row-major order."""
    x = _sparse(sp_input)
    indices, values = gen_ops.sparse_reorder(*_parts(x), name=name)
    return SparseTensor(indices, values, array_ops.identity(x.dense_shape))


@tf_export("sparse.reshape", "sparse_reshape")
def sparse_reshape(sp_input, shape, name=None):
    """SP_INPUT under another SHAPE; one size may be -1."""
    x = _sparse(sp_input)
    shape = math_ops.cast(shape, dtype=dtypes.int64)
    with ops.name_scope(name, "SparseReshape", [x]) as scope:
        indices, new_shape = gen_ops.sparse_reshape(x.indices, x.dense_shape, shape, name=scope)
        known = tensor_util.constant_value(shape)
        if known is not None and -1 not in known:
            new_shape = ops.convert_to_tensor(known.astype(np.int64))
        return SparseTensor(indices, array_ops.identity(x.values), new_shape)


@tf_export("sparse.transpose", "sparse_transpose")
def sparse_transpose(sp_input, perm=None, name=None):
    """SP_INPUT with its dimensions in the order PERM (by default the other way round)."""
    x = _sparse(sp_input)
    with ops.name_scope(name, "SparseTranspose", [x]):
        if perm is None:
            rank = x.dense_shape.shape.dims[0].value
            if rank is not None:
                perm = np.arange(rank)[::-1]
            else:
                perm = (array_ops.rank(x) - 1) - math_ops.range(0, array_ops.rank(x), 1)
        indices = array_ops.transpose(array_ops.gather(array_ops.transpose(x.indices), perm))
        shape = array_ops.gather(x.dense_shape, perm)
        return sparse_reorder(SparseTensor(indices, x.values, shape))


@tf_export("sparse.expand_dims")
def sparse_expand_dims(sp_input, axis=None, name=None):
    """SP_INPUT with a dimension of size 1 at AXIS (by default the last)."""
    x = _sparse(sp_input)
    rank = x.shape.rank
    axis = -1 if axis is None else axis
    with ops.name_scope(name, default_name="expand_dims", values=[x]):
        at = axis + rank + 1 if axis < 0 else axis
        if not 0 <= at <= rank:
            raise ValueError(f"Axis value {axis} is out of range for rank {rank}.")
        zeros = array_ops.zeros_like(x.indices[:, :1])
        one = ops.convert_to_tensor([1], dtype=dtypes.int64)
        indices = array_ops.concat([x.indices[:, :at], zeros, x.indices[:, at:]], axis=1)
        shape = array_ops.concat([x.dense_shape[:at], one, x.dense_shape[at:]], axis=0)
        return SparseTensor(indices, x.values, shape)


@tf_export("sparse.reset_shape", "sparse_reset_shape")
def sparse_reset_shape(sp_input, new_shape=None):
    """SP_INPUT with NEW_SHAPE, which must not be smaller, or the smallest that holds its elements."""
    x = _sparse(sp_input)
    indices, values = array_ops.identity(x.indices), array_ops.identity(x.values)
    if new_shape is None:
        largest = math_ops.reduce_max(indices, axis=0)
        shape = math_ops.maximum(math_ops.add(largest, array_ops.ones_like(x.dense_shape)), 0)
        return SparseTensor(indices, values, shape)
    shape = ops.convert_to_tensor(new_shape, dtype=dtypes.int64)
    shape.get_shape().assert_has_rank(1)
    x.dense_shape.get_shape().assert_is_compatible_with(shape.get_shape())
    static = tensor_util.constant_value_as_shape(shape)
    if static.is_fully_defined() and x.shape.is_fully_defined():
        if len(static) != len(x.shape):
            raise ValueError(f"New shape has a different rank: {static} and {x.shape}.")
        if any(a < b for a, b in zip(static.as_list(), x.shape.as_list())):
            raise ValueError(f"Requested dimension in shape {static} is smaller than in {x.shape}.")
    else:
        from tenon.python.ops import check_ops, control_flow_ops

        checks = [check_ops.assert_less_equal(x.dense_shape, shape)]
        shape = control_flow_ops.with_dependencies(checks, shape)
    return SparseTensor(indices, values, shape)


@tf_export("sparse.retain", "sparse_retain")
def sparse_retain(sp_input, to_retain):
    """The elements of SP_INPUT for which TO_RETAIN, a vector of bools, is true."""
    x = _sparse(sp_input)
    keep = ops.convert_to_tensor(to_retain)
    where = array_ops.reshape(gen_ops.where(keep), [-1])
    return SparseTensor(
        array_ops.gather(x.indices, where), array_ops.gather(x.values, where), array_ops.identity(x.dense_shape)
    )


@tf_export("sparse.fill_empty_rows", "sparse_fill_empty_rows")
def sparse_fill_empty_rows(sp_input, default_value, name=None):
    """(SP_INPUT with DEFAULT_VALUE in the first column of empty rows, which rows were empty)."""
    x = _sparse(sp_input)
    with ops.name_scope(name, "SparseFillEmptyRows", [x]):
        default = ops.convert_to_tensor(default_value, dtype=x.values.dtype)
        indices, values, empty, _ = gen_ops.sparse_fill_empty_rows(*_parts(x), default)
        return SparseTensor(indices, values, x.dense_shape), empty


# --- sums and products ---


@tf_export("sparse.add", "sparse_add")
def sparse_add(a, b, threshold=None, thresh=None):
    """A plus B; sparse if both are, without sums smaller than THRESHOLD, else dense."""
    threshold = deprecated_argument_lookup("threshold", threshold, "thresh", thresh)
    threshold = 0 if threshold is None else threshold
    kinds = (SparseTensor, sparse.SparseTensorValue)
    if not any(isinstance(x, kinds) for x in (a, b)):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if all(isinstance(x, kinds) for x in (a, b)):
        a, b = _sparse(a), _sparse(b)
        real = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}
        threshold = ops.convert_to_tensor(
            threshold, dtype=real.get(a.values.dtype.base_dtype, a.values.dtype.base_dtype), name="threshold"
        )
        result = SparseTensor(*gen_ops.sparse_add(*_parts(a), *_parts(b), threshold))
        a.get_shape().assert_is_compatible_with(b.get_shape())
        return result
    if isinstance(b, kinds):
        a, b = b, a
    return gen_ops.sparse_tensor_dense_add(*_parts(_sparse(a)), b)


@tf_export("sparse.maximum", "sparse_maximum")
def sparse_maximum(sp_a, sp_b, name=None):
    """The larger elements of two SparseTensors of one shape; what is absent is zero."""
    with ops.name_scope(name, "SparseSparseMaximum", [sp_a.indices, sp_a.values, sp_b.indices, sp_b.values]) as scope:
        return SparseTensor(*gen_ops.sparse_sparse_maximum(*_parts(sp_a), *_parts(sp_b), name=scope), sp_a.dense_shape)


@tf_export("sparse.minimum", "sparse_minimum")
def sparse_minimum(sp_a, sp_b, name=None):
    """The smaller elements of two SparseTensors of one shape; what is absent is zero."""
    with ops.name_scope(name, "SparseSparseMinimum", [sp_a.indices, sp_a.values, sp_b.indices, sp_b.values]) as scope:
        return SparseTensor(*gen_ops.sparse_sparse_minimum(*_parts(sp_a), *_parts(sp_b), name=scope), sp_a.dense_shape)


@tf_export("sparse.sparse_dense_matmul", "sparse.matmul", "sparse_tensor_dense_matmul")
def sparse_tensor_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
    """The matrix product of a SparseTensor and a dense matrix (or the other way round), dense."""
    if isinstance(b, (SparseTensor, sparse.SparseTensorValue)):
        # (A B)^H = B^H A^H
        flipped = sparse_tensor_dense_matmul(b, sp_a, adjoint_a=not adjoint_b, adjoint_b=not adjoint_a)
        return array_ops.transpose(flipped, conjugate=True)
    a = _sparse(sp_a)
    with ops.name_scope(name, "SparseTensorDenseMatMul", [a.indices, a.values, b]) as scope:
        b = ops.convert_to_tensor(b, name="b")
        return gen_ops.sparse_tensor_dense_mat_mul(*_parts(a), b, adjoint_a=adjoint_a, adjoint_b=adjoint_b, name=scope)


@tf_export("sparse.softmax", "sparse_softmax")
def sparse_softmax(sp_input, name=None):
    """The softmax of the elements that are there, along the last dimension."""
    with ops.name_scope(name, "SparseSoftmax", [sp_input.indices, sp_input.values]) as scope:
        return SparseTensor(
            sp_input.indices, gen_ops.sparse_softmax(*_parts(sp_input), name=scope), sp_input.dense_shape
        )


def sparse_dense_cwise_add(sp_t, dense_t):
    """The elements of SP_T plus those of DENSE_T (which broadcasts) at their places, a SparseTensor."""
    return SparseTensor(sp_t.indices, gen_ops.sparse_dense_cwise_add(*_parts(sp_t), dense_t), sp_t.dense_shape)


def _times(sp_x, y, name, op):
    """The elements of a SparseTensor times (or by) those of a dense tensor."""
    with ops.name_scope(name, op, [sp_x.indices, sp_x.values, y]) as scope:
        y = ops.convert_to_tensor(y, dtype=sp_x.dtype.base_dtype, name="y")
        make = getattr(gen_ops, "sparse_dense_cwise_" + op)
        return SparseTensor(sp_x.indices, make(*_parts(sp_x), y, name=scope), sp_x.dense_shape)


SparseTensor.__mul__ = lambda x, y: _times(x, y, None, "mul")
SparseTensor.__rmul__ = SparseTensor.__mul__
SparseTensor.__truediv__ = lambda x, y: _times(x, y, None, "div")
SparseTensor.__div__ = SparseTensor.__truediv__


# --- reductions ---


def _axes(x, axis):
    if axis is not None:
        return axis
    rank = x.dense_shape.shape.dims[0].value
    return np.arange(rank, dtype=np.int32) if rank is not None else math_ops.range(array_ops.rank(x))


def _arguments(axis, keepdims, reduction_axes, keep_dims):
    keepdims = deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims)
    axis = deprecated_argument_lookup("axis", axis, "reduction_axes", reduction_axes)
    return axis, bool(keepdims)


@tf_export("sparse.reduce_sum", "sparse_reduce_sum")
def sparse_reduce_sum(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    """The sums of SP_INPUT's elements along AXIS (all of them by default), a dense tensor."""
    axis, keepdims = _arguments(axis, keepdims, reduction_axes, keep_dims)
    x = _sparse(sp_input)
    return gen_ops.sparse_reduce_sum(*_parts(x), _axes(x, axis), keepdims)


@tf_export("sparse.reduce_sum_sparse", "sparse_reduce_sum_sparse")
def sparse_reduce_sum_sparse(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    """The sums of SP_INPUT's elements along AXIS, a SparseTensor."""
    axis, keepdims = _arguments(axis, keepdims, reduction_axes, keep_dims)
    x = _sparse(sp_input)
    return SparseTensor(*gen_ops.sparse_reduce_sum_sparse(*_parts(x), _axes(x, axis), keepdims))


@tf_export("sparse.reduce_max", "sparse_reduce_max")
def sparse_reduce_max(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    """The largest of SP_INPUT's elements along AXIS (0 where there is none), a dense tensor."""
    axis, keepdims = _arguments(axis, keepdims, reduction_axes, keep_dims)
    x = _sparse(sp_input)
    return gen_ops.sparse_reduce_max(*_parts(x), _axes(x, axis), keepdims)


@tf_export("sparse.reduce_max_sparse", "sparse_reduce_max_sparse")
def sparse_reduce_max_sparse(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    """The largest of SP_INPUT's elements along AXIS, a SparseTensor."""
    axis, keepdims = _arguments(axis, keepdims, reduction_axes, keep_dims)
    x = _sparse(sp_input)
    return SparseTensor(*gen_ops.sparse_reduce_max_sparse(*_parts(x), _axes(x, axis), keepdims))


# --- to and from other forms ---


@tf_export("sparse_to_dense")
def sparse_to_dense(sparse_indices, output_shape, sparse_values, default_value=0, validate_indices=True, name=None):
    """A dense tensor of OUTPUT_SHAPE that holds DEFAULT_VALUE but SPARSE_VALUES at SPARSE_INDICES."""
    return gen_ops.sparse_to_dense(
        sparse_indices, output_shape, sparse_values, default_value=default_value, validate_indices=validate_indices,
        name=name,
    )  # fmt: skip


@tf_export("sparse.to_dense", "sparse_tensor_to_dense")
def sparse_tensor_to_dense(sp_input, default_value=None, validate_indices=True, name=None):
    """SP_INPUT as a dense tensor with DEFAULT_VALUE (0, "") where nothing is."""
    x = _sparse(sp_input)
    if default_value is None:
        default_value = "" if x.dtype == dtypes.string else array_ops.zeros([], dtype=x.dtype)
    return gen_ops.sparse_to_dense(
        x.indices, x.dense_shape, x.values, default_value=default_value, validate_indices=validate_indices, name=name
    )


@tf_export("sparse.to_indicator", "sparse_to_indicator")
def sparse_to_indicator(sp_input, vocab_size, name=None):
    """Bools [..., VOCAB_SIZE]: which ids are among SP_INPUT's values in each row."""
    x = _sparse(sp_input)
    with ops.name_scope(name, "SparseToIndicator", [x]) as scope:
        entries = array_ops.shape(x.indices)[0]
        values = array_ops.fill(array_ops.expand_dims(entries, 0), True)
        merged = sparse_merge_impl(x, SparseTensor(x.indices, values, x.dense_shape), vocab_size)
        return sparse_tensor_to_dense(merged, default_value=False, validate_indices=False, name=scope)


@tf_export("sparse.merge", "sparse_merge")
def sparse_merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    """A SparseTensor whose last coordinate is the id, and whose values are those at the same places in SP_VALUES."""
    return sparse_merge_impl(sp_ids, sp_values, vocab_size, name, already_sorted)


def sparse_merge_impl(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    """See sparse_merge; several SP_IDS and sizes make as many coordinates."""
    if isinstance(sp_ids, (SparseTensor, sparse.SparseTensorValue)):
        sp_ids = [sp_ids]
        if isinstance(vocab_size, (list, tuple)) and len(vocab_size) != 1:
            raise ValueError("vocab_size has to be one number for one sp_ids.")
        vocab_size = list(vocab_size) if isinstance(vocab_size, (list, tuple)) else [vocab_size]
    elif not isinstance(vocab_size, (list, tuple)):
        raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Found {type(vocab_size)}")
    if len(sp_ids) != len(vocab_size):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    sp_ids = [_sparse(x) for x in sp_ids]
    values = _sparse(sp_values)
    with ops.name_scope(name, "SparseMerge", [*sp_ids, values]):
        sizes = [ops.convert_to_tensor(n, dtypes.int64) if isinstance(n, numbers.Integral) else n for n in vocab_size]
        ids = [array_ops.expand_dims(math_ops.cast(x.values, dtypes.int64), axis=1) for x in sp_ids]
        indices = array_ops.concat([values.indices[:, :-1], *ids], axis=1)
        sizes = [math_ops.cast(n, dtypes.int64) for n in sizes]
        shape = array_ops.concat([values.dense_shape[:-1], sizes], axis=0)
        result = SparseTensor(indices, values.values, shape)
        if already_sorted:
            return result
        ordered = sparse_reorder(result)
        return SparseTensor(ordered.indices, ordered.values, shape)


@tf_export("io.serialize_sparse", "serialize_sparse")
def serialize_sparse(sp_input, name=None, out_type=dtypes.string):
    """SP_INPUT as a vector of three strings."""
    return gen_ops.serialize_sparse(*_parts(_sparse(sp_input)), name=name, out_type=out_type)


@tf_export("io.serialize_many_sparse", "serialize_many_sparse")
def serialize_many_sparse(sp_input, name=None, out_type=dtypes.string):
    """The rows of SP_INPUT as a matrix of three strings each."""
    return gen_ops.serialize_many_sparse(*_parts(_sparse(sp_input)), name=name, out_type=out_type)


def _with_rank(parts, rank):
    indices, values, shape = parts
    indices.set_shape([None, rank])
    shape.set_shape([rank])
    return SparseTensor(indices, values, shape)


def deserialize_sparse(serialized_sparse, dtype, rank=None, name=None):
    """The SparseTensor that serialize_sparse made strings of."""
    return _with_rank(gen_ops.deserialize_sparse(serialized_sparse, dtype, name=name), rank)


@tf_export("io.deserialize_many_sparse", "deserialize_many_sparse")
def deserialize_many_sparse(serialized_sparse, dtype, rank=None, name=None):
    """One SparseTensor of rows [N, 3] of strings, which may come from several serialize_many_sparse; RANK: its own."""
    return _with_rank(gen_ops.deserialize_many_sparse(serialized_sparse, dtype, name=name), rank)


# --- crosses ---


def _cross_inputs(inputs):
    if not isinstance(inputs, (tuple, list)):
        raise TypeError("Inputs must be a list")
    if not all(isinstance(i, (SparseTensor, ops.Tensor)) for i in inputs):
        raise TypeError("All inputs must be Tensor or SparseTensor.")
    sparse_inputs = [i for i in inputs if isinstance(i, SparseTensor)]
    dense_inputs = [i for i in inputs if not isinstance(i, SparseTensor)]
    values = [i.values for i in sparse_inputs]
    integers = [x if x.dtype == dtypes.string else math_ops.cast(x, dtypes.int64) for x in values]
    dense = [x if x.dtype == dtypes.string else math_ops.cast(x, dtypes.int64) for x in dense_inputs]
    return [i.indices for i in sparse_inputs], integers, [i.dense_shape for i in sparse_inputs], dense


_DEFAULT_HASH_KEY = 0xDECAFCAFFE


@tf_export("sparse.cross")
def sparse_cross(inputs, name=None, separator=None):
    """All combinations of the features in each row of INPUTS, joined by SEPARATOR, as a sparse tensor."""
    parts = _cross_inputs(list(inputs))
    separator = "_X_" if separator is None else separator
    return SparseTensor(*gen_ops.sparse_cross_v2(*parts, sep=separator, name=name))


@tf_export("sparse.cross_hashed")
def sparse_cross_hashed(inputs, num_buckets=0, hash_key=None, name=None):
    """All combinations of the features in each row of INPUTS, hashed to [0, NUM_BUCKETS), a SparseTensor of int64."""
    parts = _cross_inputs(list(inputs))
    strings = all(x.dtype == dtypes.string for x in parts[1] + parts[3])
    return SparseTensor(
        *gen_ops.sparse_cross(
            *parts, hashed_output=True, num_buckets=num_buckets, hash_key=hash_key or _DEFAULT_HASH_KEY,
            out_type=dtypes.int64, internal_type=dtypes.string if strings else dtypes.int64, name=name,
        )
    )  # fmt: skip
