"""The identity matrix; decompositions as they are."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops


def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
    """Identity matrices: [*batch_shape, num_rows, num_columns]."""
    with ops.name_scope(name, default_name="eye", values=[num_rows, num_columns, batch_shape]):
        square = num_columns is None
        batch_shape = [] if batch_shape is None else batch_shape
        num_columns = num_rows if square else num_columns
        static = not any(isinstance(x, ops.Tensor) for x in (num_rows, num_columns, batch_shape))
        if static:
            diagonal = [*batch_shape, min(num_rows, num_columns)]
        else:
            diagonal = array_ops.concat(
                (batch_shape, [gen_ops.minimum(num_rows, num_columns)]) if _some(batch_shape)
                else ([gen_ops.minimum(num_rows, num_columns)],), 0
            )  # fmt: skip
        ones = array_ops.ones(diagonal, dtype=dtype)
        if square:
            return gen_ops.matrix_diag(ones)
        sizes = [num_rows, num_columns]
        shape = [*batch_shape, *sizes] if static else array_ops.concat(
            (batch_shape, sizes) if _some(batch_shape) else (sizes,), 0
        )  # fmt: skip
        return gen_ops.matrix_set_diag(array_ops.zeros(shape, dtype=dtype), ones)


def _some(batch_shape):
    return isinstance(batch_shape, ops.Tensor) or len(batch_shape) > 0


def qr(input, full_matrices=False, name=None):
    """(Q, R) of matrices."""
    return gen_ops.qr(input, full_matrices=full_matrices, name=name)
