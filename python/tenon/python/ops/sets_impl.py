"""Sets in the last dimension of tensors: sizes, unions, intersections, differences."""

from tenon.python.framework import dtypes
from tenon.python.framework import sparse_tensor as sparse
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export

_TYPES = {dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.string}


@tf_export("sets.size", "sets.set_size")
def set_size(a, validate_indices=True):
    """The number of different elements in each set of the SparseTensor A."""
    a = sparse.convert_to_tensor_or_sparse_tensor(a, name="a")
    if not isinstance(a, sparse.SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    if a.values.dtype.base_dtype not in _TYPES:
        raise TypeError(f"Invalid dtype `{a.values.dtype}` not in supported dtypes: `{_TYPES}`.")
    return gen_ops.set_size(a.indices, a.values, a.dense_shape, validate_indices)


def _operation(a, b, operation, validate_indices):
    a = sparse.convert_to_tensor_or_sparse_tensor(a, name="a")
    b = sparse.convert_to_tensor_or_sparse_tensor(b, name="b")
    for x in (a, b):
        if x.dtype.base_dtype not in _TYPES:
            raise TypeError(f"'{x.dtype.name}' is not one of the dtypes of sets.")
    if a.dtype.base_dtype != b.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    left, right = (isinstance(x, sparse.SparseTensor) for x in (a, b))
    if left and not right:  # there is no op for this order
        swapped = {"a-b": "b-a", "b-a": "a-b"}.get(operation, operation)
        return _operation(b, a, swapped, validate_indices)
    if left:
        parts = gen_ops.sparse_to_sparse_set_operation(
            a.indices, a.values, a.dense_shape, b.indices, b.values, b.dense_shape, operation, validate_indices
        )
    elif right:
        parts = gen_ops.dense_to_sparse_set_operation(
            a, b.indices, b.values, b.dense_shape, operation, validate_indices
        )
    else:
        parts = gen_ops.dense_to_dense_set_operation(a, b, operation, validate_indices)
    return sparse.SparseTensor(*parts)


@tf_export("sets.intersection", "sets.set_intersection")
def set_intersection(a, b, validate_indices=True):
    """What is in the sets of both A and B, a SparseTensor."""
    return _operation(a, b, "intersection", validate_indices)


@tf_export("sets.difference", "sets.set_difference")
def set_difference(a, b, aminusb=True, validate_indices=True):
    """What is in the sets of A but not in those of B (AMINUSB false: the other way), a SparseTensor."""
    return _operation(a, b, "a-b" if aminusb else "b-a", validate_indices)


@tf_export("sets.union", "sets.set_union")
def set_union(a, b, validate_indices=True):
    """What is in the sets of A or B, a SparseTensor."""
    return _operation(a, b, "union", validate_indices)
