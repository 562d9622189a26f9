"""Functions of rows: all at once, or of those that are left."""

from tenon.python.framework import ops
from tenon.python.framework.tensor import IndexedSlices
from tenon.python.ops import array_ops, functional_ops
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("vectorized_map")
def vectorized_map(fn, elems, fallback_to_while_loop=True, warn=True):
    """FN of each row of ELEMS (tensors of the same first size), stacked."""
    flat = [ops.convert_to_tensor(x) for x in nest.flatten(elems)]
    size = flat[0].shape.as_list()[0]
    if size is not None:
        rows = [fn(nest.pack_sequence_as(elems, list(row))) for row in zip(*(array_ops.unstack(x) for x in flat))]
        if not rows:
            raise ValueError("vectorized_map needs at least one row")
        columns = zip(*(nest.flatten(row) for row in rows))
        return nest.pack_sequence_as(rows[0], [array_ops.stack(list(column)) for column in columns])
    first = fn(nest.pack_sequence_as(elems, [x[0] for x in flat]))
    dtypes = nest.map_structure(lambda x: ops.convert_to_tensor(x).dtype, first)
    return functional_ops.map_fn(fn, elems, dtype=dtypes)


@tf_export("sparse_mask", "sparse.mask")
def sparse_mask(a, mask_indices, name=None):
    """IndexedSlices without the rows whose numbers are in MASK_INDICES."""
    with ops.name_scope(name, "sparse_mask", [a, mask_indices]):
        out, left = array_ops.setdiff1d(a.indices, mask_indices)
        return IndexedSlices(array_ops.gather(a.values, left), out, a.dense_shape)
