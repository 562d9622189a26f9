"""Sorting along a dimension."""

import numpy as np

from tenon.python.framework import ops, tensor_util
from tenon.python.ops import array_ops, nn_ops
from tenon.python.util.tf_export import tf_export


def _moved(values, axis):
    """(values with AXIS last, what moves it back or None)."""
    ndims = values.get_shape().ndims
    if axis == -1 or ndims is not None and axis == ndims - 1:
        return values, None
    axis = axis + ndims if axis < 0 else axis
    perm = [i for i in range(ndims) if i != axis] + [axis]
    return array_ops.transpose(values, perm), np.argsort(perm)


def _top(values, axis, descending):
    """(sorted values, where they were)."""
    moved, back = _moved(values, axis)
    if not descending:
        moved = -1 - moved if moved.dtype.is_integer else -moved
    found, places = nn_ops.top_k(moved, array_ops.shape(moved)[-1])
    if not descending:
        found = -1 - found if found.dtype.is_integer else -found
    if back is not None:
        found, places = array_ops.transpose(found, back), array_ops.transpose(places, back)
    found.set_shape(values.get_shape())
    places.set_shape(values.get_shape())
    return found, places


def _sort(values, axis, direction, name, default, which):
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"`direction` should be one of 'ASCENDING', 'DESCENDING'. Received: {direction}")
    known = tensor_util.constant_value(axis) if isinstance(axis, ops.Tensor) else axis
    if known is None or np.ndim(known) != 0:
        raise ValueError(f"`axis` must be a constant scalar, got {axis}")
    with ops.name_scope(name, default):
        return _top(ops.convert_to_tensor(values, name="values"), int(known), direction == "DESCENDING")[which]


@tf_export("sort")
def sort(values, axis=-1, direction="ASCENDING", name=None):
    """The values in order along AXIS."""
    return _sort(values, axis, direction, name, "sort", 0)


@tf_export("argsort")
def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """Where the values in order come from."""
    return _sort(values, axis, direction, name, "argsort", 1)
