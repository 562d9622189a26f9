"""Products of matrices, sums of lists, segments of sparse rows, and special functions."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.tf_export import tf_export

__all__ = [
    "accumulate_n", "add_n", "erfcinv", "erfinv", "matmul", "ndtri", "polyval", "reciprocal_no_nan",
    "sparse_segment_mean", "sparse_segment_sqrt_n", "sparse_segment_sum", "tensordot", "trace", "xdivy", "xlog1py",
]  # fmt: skip


def _as_adjoint(x, transpose, adjoint):
    """(x or its conjugate, adjoint flag) for a batch product."""
    from tenon.python.ops import math_ops

    if transpose and x.dtype.is_complex:
        return math_ops.conj(x), True
    return x, transpose or adjoint


@tf_export("linalg.matmul", "matmul")
def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False,
           b_is_sparse=False, output_type=None, grad_a=False, grad_b=False, name=None):  # fmt: skip
    """The product of matrices (the last two dimensions)."""
    from tenon.python.ops import math_ops

    with ops.name_scope(name, "MatMul", [a, b]) as scope:
        if transpose_a and adjoint_a:
            raise ValueError("Only one of `transpose_a` and `adjoint_a` can be True.")
        if transpose_b and adjoint_b:
            raise ValueError("Only one of `transpose_b` and `adjoint_b` can be True.")
        a = ops.convert_to_tensor(a, name="a")
        b = ops.convert_to_tensor(b, dtype=a.dtype.base_dtype, name="b") if not isinstance(b, ops.Tensor) else b
        ranks = a.get_shape().ndims, b.get_shape().ndims
        sparse = a_is_sparse or b_is_sparse
        if (ranks[0] is None or ranks[0] > 2) or (ranks[1] is None or ranks[1] > 2):
            if not sparse and (ranks[0] is None or ranks[0] > 2 or ranks[1] is None or ranks[1] > 2):
                a, adjoint_a = _as_adjoint(a, transpose_a, adjoint_a)
                b, adjoint_b = _as_adjoint(b, transpose_b, adjoint_b)
                return gen_ops.batch_mat_mul_v2(a, b, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)
        if adjoint_a:
            a, transpose_a = math_ops.conj(a), True
        if adjoint_b:
            b, transpose_b = math_ops.conj(b), True
        if sparse and {a.dtype.base_dtype, b.dtype.base_dtype} <= {dtypes.float32, dtypes.bfloat16}:
            function = getattr(gen_ops, "sparse_mat_mul", None)
            if function is not None:
                return function(a, b, transpose_a=transpose_a, transpose_b=transpose_b, a_is_sparse=a_is_sparse,
                                b_is_sparse=b_is_sparse, name=scope)  # fmt: skip
        return gen_ops.mat_mul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, name=scope)


@tf_export("linalg.trace", "trace")
def trace(x, name=None):
    """The sum of the diagonal of matrices."""
    from tenon.python.ops import math_ops

    with ops.name_scope(name, "Trace", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        return math_ops.reduce_sum(gen_ops.matrix_diag_part(x), [-1], name=scope)


_ADD_N = "Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape."


@tf_export("math.add_n", "add_n")
def add_n(inputs, name=None):
    """The sum of a list of tensors."""
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError(_ADD_N)
    values = [ops.convert_to_tensor(x) for x in inputs]
    if len(values) == 1:
        return array_ops.identity(values[0], name=name) if name else values[0]
    return gen_ops.add_n(values, name=name)


@tf_export("math.accumulate_n", "accumulate_n")
def accumulate_n(inputs, shape=None, tensor_dtype=None, name=None):
    """The sum of a list of tensors of one shape."""
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    values = [ops.convert_to_tensor(x) for x in inputs]
    if any(v.dtype.base_dtype != values[0].dtype.base_dtype for v in values):
        raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    if tensor_dtype is not None and tensor_dtype != values[0].dtype.base_dtype:
        raise TypeError(f"The `tensor_dtype` is {tensor_dtype} but the inputs are {values[0].dtype.base_dtype}")
    if len(values) == 1 and name is None:
        return values[0]
    if len(values) == 1:
        return array_ops.identity(values[0], name=name)
    return gen_ops.add_n(values, name=name or "AccumulateNV2")


def _axes(a, b, axes):
    """The dimensions of both to contract, as lists or tensors."""
    a_shape = a.get_shape()
    if isinstance(axes, (int, np.integer)):
        if axes < 0:
            raise ValueError(f"`axes` must be at least 0. Received: {axes}.")
        if a_shape.ndims is not None:
            if axes > a_shape.ndims:
                raise ValueError(f"`axes` must not be larger than the number of dimensions of tensor {a}. "
                                 f"Received {axes}, vs tensor dimensions {a_shape.ndims}.")  # fmt: skip
            return list(range(a_shape.ndims - axes, a_shape.ndims)), list(range(axes))
        rank = array_ops.rank(a)
        return gen_ops.range(rank - axes, rank, 1), gen_ops.range(0, axes, 1)
    if isinstance(axes, (list, tuple, np.ndarray)):
        if len(axes) != 2:
            raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
        left, right = ([x] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
        if len(left) != len(right):
            raise ValueError(f"Different number of contraction axes `a` and `b`, {len(left)} != {len(right)}.")
        return left, right
    axes = ops.convert_to_tensor(axes, name="axes", dtype=dtypes.int32)
    return axes[0], axes[1]


def _matrix_of(a, axes, flipped):
    """(A as a matrix with AXES last, or first when flipped; the free sizes; the same as a list or None)."""
    shape = a.get_shape()
    if isinstance(axes, list) and shape.ndims is not None:
        sizes = shape.as_list()
        axes = [i + len(sizes) if i < 0 else i for i in axes]
        free = [i for i in range(len(sizes)) if i not in axes]
        known = [sizes[i] for i in free]
        perm = axes + free if flipped else free + axes
        inner = a if perm == list(range(len(sizes))) else array_ops.transpose(a, perm)
        if shape.is_fully_defined():
            product, rows = int(np.prod([sizes[i] for i in axes])), int(np.prod(known))
            return array_ops.reshape(inner, [product, rows] if flipped else [rows, product]), known, known
        dynamic = array_ops.shape(a)
        free_sizes = array_ops.gather(dynamic, np.array(free, np.int32))
        product = gen_ops.prod(array_ops.gather(dynamic, np.array(axes, np.int32)), [0])
    else:
        dynamic = array_ops.shape(a)
        rank = array_ops.rank(a)
        axes = ops.convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
        axes = array_ops.where(axes >= 0, axes, axes + rank)
        free, _ = gen_ops.list_diff(gen_ops.range(0, rank, 1), axes)
        perm = array_ops.concat([axes, free] if flipped else [free, axes], 0)
        inner = array_ops.transpose(a, perm)
        free_sizes = array_ops.gather(dynamic, free)
        product = gen_ops.prod(array_ops.gather(dynamic, axes), [0])
        known = None
    rows = gen_ops.prod(free_sizes, [0])
    return array_ops.reshape(inner, array_ops.stack([product, rows] if flipped else [rows, product])), free_sizes, known


@tf_export("linalg.tensordot", "tensordot")
def tensordot(a, b, axes, name=None):
    """Sums of products over the given dimensions of both (an integer: that many last of A, first of B)."""
    with ops.name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a = ops.convert_to_tensor(a, name="a")
        b = ops.convert_to_tensor(b, name="b")
        a_axes, b_axes = _axes(a, b, axes)
        left, left_free, left_known = _matrix_of(a, a_axes, False)
        right, right_free, right_known = _matrix_of(b, b_axes, True)
        product = matmul(left, right)
        if isinstance(left_free, list) and isinstance(right_free, list):
            return array_ops.reshape(product, left_free + right_free, name=scope)
        sizes = [ops.convert_to_tensor(x, dtype=dtypes.int32) for x in (left_free, right_free)]
        result = array_ops.reshape(product, array_ops.concat(sizes, 0), name=scope)
        if left_known is not None and right_known is not None:
            result.set_shape(left_known + right_known)
        return result


@tf_export("math.polyval")
def polyval(coeffs, x, name=None):
    """A polynomial at X: coeffs[0] belongs to the highest power."""
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with ops.name_scope(name, "polyval", [*coeffs, x]):
        x = ops.convert_to_tensor(x, name="x")
        if not coeffs:
            return array_ops.zeros_like(x, name=name)
        coeffs = [ops.convert_to_tensor(c, name=f"coeff_{i}") for i, c in enumerate(coeffs)]
        value = coeffs[0]
        for c in coeffs[1:]:
            value = c + value * x
        return value


@tf_export("math.reciprocal_no_nan")
def reciprocal_no_nan(x, name=None):
    """1 / x, 0 where x is 0."""
    with ops.name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        one = ops.convert_to_tensor(1, dtype=x.dtype.base_dtype, name="one")
        return gen_ops.div_no_nan(one, x, name=scope)


@tf_export("math.xdivy")
def xdivy(x, y, name=None):
    """x / y, 0 where x is 0."""
    with ops.name_scope(name, "xdivy", [x]):
        return gen_ops.xdivy(x, y)


@tf_export("math.xlog1py")
def xlog1py(x, y, name=None):
    """x * log(1 + y), 0 where x is 0."""
    with ops.name_scope(name, "xlog1py", [x]):
        return gen_ops.xlog1py(x, y)


@tf_export("math.erfinv")
def erfinv(x, name=None):
    """The inverse of erf."""
    with ops.name_scope(name, "erfinv", [x]):
        return gen_ops.erfinv(x)


@tf_export("math.ndtri")
def ndtri(x, name=None):
    """The inverse of the normal distribution's cumulative function."""
    with ops.name_scope(name, "ndtri", [x]):
        return gen_ops.ndtri(x)


@tf_export("math.erfcinv")
def erfcinv(x, name=None):
    """The inverse of erfc."""
    with ops.name_scope(name, "erfcinv", [x]):
        x = ops.convert_to_tensor(x, name="start")
        return -ndtri(0.5 * x) * np.sqrt(0.5)


def _sparse_segment(kind, data, indices, segment_ids, name, num_segments):
    if num_segments is not None:
        function = getattr(gen_ops, f"sparse_segment_{kind}_with_num_segments")
        return function(data, indices, segment_ids, num_segments, name=name)
    return getattr(gen_ops, f"sparse_segment_{kind}")(data, indices, segment_ids, name=name)


@tf_export("sparse.segment_sum", "sparse_segment_sum")
def sparse_segment_sum(data, indices, segment_ids, name=None, num_segments=None, sparse_gradient=False):
    """Sums of rows data[indices] by sorted segment."""
    return _sparse_segment("sum", data, indices, segment_ids, name, num_segments)


@tf_export("sparse.segment_mean", "sparse_segment_mean")
def sparse_segment_mean(data, indices, segment_ids, name=None, num_segments=None, sparse_gradient=False):
    """Means of rows data[indices] by sorted segment."""
    return _sparse_segment("mean", data, indices, segment_ids, name, num_segments)


@tf_export("sparse.segment_sqrt_n", "sparse_segment_sqrt_n")
def sparse_segment_sqrt_n(data, indices, segment_ids, name=None, num_segments=None, sparse_gradient=False):
    """Sums of rows data[indices] by sorted segment, divided by the root of their number."""
    return _sparse_segment("sqrt_n", data, indices, segment_ids, name, num_segments)


@tf_export("math.sobol_sample")
def sobol_sample(dim, num_results, skip=0, dtype=dtypes.float32, name=None):
    """Points number SKIP + 1 and on of Sobol's sequence: [num_results, dim], each between 0 and 1."""
    with ops.name_scope(name, "sobol", [dim, num_results, skip]):
        return gen_ops.sobol_sample(dim, num_results, skip, dtype=dtype)
