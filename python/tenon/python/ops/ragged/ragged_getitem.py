"""Indices and slices of ragged tensors."""

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, math_ops
from tenon.python.ops.ragged import ragged_array_ops, ragged_gather_ops
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.ops.ragged.row_partition import static


def ragged_tensor_getitem(rt, key):
    """RT[KEY]: rows by numbers and slices, columns by slices."""
    with ops.name_scope(None, "RaggedGetItem", [rt, key]):
        if isinstance(key, RaggedTensor) or isinstance(key, ops.Tensor) and key.dtype.is_bool:
            return ragged_array_ops.boolean_mask(rt, key)
        return _rows(rt, list(key) if isinstance(key, (list, tuple)) else [key])


def _is_slice(key, *, whole=False):
    if not isinstance(key, slice):
        return False
    return not whole or key.start is None and key.stop is None and key.step is None


def _number(key):
    if isinstance(key, ops.Tensor):
        if not key.dtype.is_integer:
            raise TypeError(f"Ragged tensor index must be an integer, not {key.dtype.name}")
        return key
    if not isinstance(key, bool) and hasattr(key, "__index__"):
        return key.__index__()
    raise TypeError(f"Ragged tensors can be indexed by integers and slices, not {key!r}")


def _without_ellipsis(keys, rank):
    """KEYS with whole slices for the Ellipsis that comes first."""
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    rest = sum(1 for k in keys[1:] if k is not array_ops.newaxis)
    return [slice(None)] * max(rank - rest, 0) + keys[1:]


def _rows(rt, keys):
    if not keys:
        return rt
    if not isinstance(rt, RaggedTensor):
        return rt[tuple(keys)]
    key, rest = keys[0], keys[1:]
    if key is Ellipsis:
        return _rows(rt, _without_ellipsis(keys, rt.shape.rank))
    if key is array_ops.newaxis:
        return ragged_array_ops.expand_dims(_rows(rt, rest), 0)
    if _is_slice(key):
        return _columns(rt if _is_slice(key, whole=True) else _some_rows(rt, key), rest)
    key = _number(key)
    begin, end = rt.row_starts()[key], rt.row_limits()[key]
    row = rt.values[begin:end]
    if rt._row_partition.static_uniform_row_length is not None and not isinstance(row, RaggedTensor):
        row.set_shape([rt._row_partition.static_uniform_row_length, *[None] * (row.shape.rank - 1)])
    return _rows(row, rest)


def _some_rows(rt, key):
    starts, limits = rt.row_starts()[key], rt.row_limits()[key]
    if key.step is None or isinstance(key.step, int) and key.step == 1:
        # The rows lie next to each other.
        zero = array_ops.zeros([1], starts.dtype.base)
        splits = array_ops.concat([zero[array_ops.size(starts) :], starts[:1], limits], axis=0)
        values = rt.values[splits[0] : splits[-1]]
        length = rt.uniform_row_length
        if length is not None:
            rows = array_ops.shape(starts, out_type=starts.dtype.base)[0]
            return RaggedTensor.from_uniform_row_length(values, length, nrows=rows, validate=False)
        return RaggedTensor.from_row_splits(values, splits - splits[0], validate=False)
    return _ranges(starts, limits, 1, rt.values)


def _ranges(starts, limits, step, values):
    """Rows of the VALUES from each start to its limit."""
    from tenon.python.ops.ragged import ragged_math_ops

    step = (
        array_ops.constant(step, starts.dtype.base) if isinstance(step, int) else math_ops.cast(step, starts.dtype.base)
    )
    places = ragged_math_ops.range(starts, limits, step, row_splits_dtype=starts.dtype.base)
    return places.with_values(ragged_gather_ops.gather_rows(values, places.values))


def _columns(rt, keys):
    """The columns KEYS of each row."""
    if not keys:
        return rt
    if not isinstance(rt, RaggedTensor):
        return rt[(slice(None), *keys)]
    key, rest = keys[0], keys[1:]
    if key is Ellipsis:
        return _columns(rt, _without_ellipsis(keys, None if rt.shape.rank is None else rt.shape.rank - 1))
    if key is array_ops.newaxis:
        return ragged_array_ops.expand_dims(_columns(rt, rest), 1)
    if not _is_slice(key):
        key = _number(key)
        length = rt.uniform_row_length
        if length is None:
            raise ValueError("Cannot index into an inner ragged dimension.")
        known, fixed = static(key) if isinstance(key, ops.Tensor) else key, static(length)
        if known is not None and fixed is not None and not -fixed <= known < fixed:
            raise IndexError(f"Index {known} out of bounds for rows of {fixed}")
        key = math_ops.cast(key, rt.row_splits.dtype.base)
        key = array_ops.where(math_ops.less(key, 0), key + length, key)
        picked = ragged_gather_ops.gather_rows(rt.values, rt.row_starts() + key)
        return _columns(picked, rest) if rest else picked
    inner = _columns_of_values(rt.values, rest)
    return rt.with_values(inner) if _is_slice(key, whole=True) else _some_columns(rt, key, inner)


def _columns_of_values(values, rest):
    if not rest:
        return values
    return _columns(values, rest) if isinstance(values, RaggedTensor) else values[(slice(None), *rest)]


def _integer(x, dtype):
    return None if x is None else math_ops.cast(ops.convert_to_tensor(_number(x)), dtype)


def _counted(place, starts, limits):
    """PLACE in each row, counted from its end where it is negative."""
    front = math_ops.greater_equal(array_ops.zeros_like(starts) + place, 0)
    return array_ops.where(front, starts + place, limits + place)


def _bounded(place, starts, limits):
    """PLACE in each row, counted from its end where it is negative, between where the row begins and ends."""
    at = array_ops.where(
        math_ops.greater_equal(array_ops.zeros_like(starts) + place, 0), starts + place, limits + place
    )
    return math_ops.minimum(math_ops.maximum(at, starts), limits)


def _some_columns(rt, key, values):
    """A slice of each row, of VALUES instead of its own."""
    dtype = rt.row_splits.dtype.base
    starts, limits = rt.row_starts(), rt.row_limits()
    step = 1 if key.step is None else key.step
    known = step if isinstance(step, int) else tensor_util.constant_value(step)
    if known is None:
        raise ValueError("the step of a slice of ragged columns must be known")
    if known == 0:
        raise ValueError("slice step cannot be zero")
    begin, end = _integer(key.start, dtype), _integer(key.stop, dtype)
    if known > 0:
        first = starts if begin is None else _bounded(begin, starts, limits)
        last = limits if end is None else _bounded(end, starts, limits)
        last = math_ops.maximum(first, last)
    else:  # from the end: one before the first is where it stops
        first = limits - 1 if begin is None else math_ops.minimum(_below(begin, starts, limits), limits - 1)
        last = starts - 1 if end is None else math_ops.maximum(_below(end, starts, limits), starts - 1)
        last = math_ops.minimum(first, last)
    if known == 1 and rt.uniform_row_length is not None:
        length = rt.uniform_row_length
        zero = array_ops.zeros([], dtype)
        lower = zero if begin is None else _bounded(begin, zero, length)
        upper = length if end is None else _bounded(end, zero, length)
        fixed = [static(length), *(None if x is None else static(x) for x in (begin, end))]
        size = math_ops.maximum(upper - lower, zero)
        if fixed[0] is not None and all(x is None or f is not None for x, f in zip((begin, end), fixed[1:])):
            size = array_ops.constant(len(range(fixed[0])[slice(fixed[1], fixed[2])]), dtypes.as_dtype(dtype))
        picked = _ranges(first, last, 1, values)
        return RaggedTensor.from_uniform_row_length(picked.values, size, nrows=rt.nrows(), validate=False)
    return _ranges(first, last, int(known), values)


def _below(place, starts, limits):
    """PLACE in each row for slices that run backwards."""
    at = array_ops.where(
        math_ops.greater_equal(array_ops.zeros_like(starts) + place, 0), starts + place, limits + place
    )
    return math_ops.maximum(at, starts - 1)
