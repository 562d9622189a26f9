"""Functions of the flat values of ragged tensors, and of their elements with broadcasting."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops
from tenon.python.ops.ragged import ragged_conversion_ops, ragged_tensor
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.ops.ragged.row_partition import lengths_to_splits, repeat_ranges
from tenon.python.util.tf_export import tf_export


@tf_export("ragged.map_flat_values")
def map_flat_values(op, *args, **kwargs):
    """OP of the flat values of the RaggedTensors among its arguments, which must have the same rows; in these rows."""
    found = []

    def flat(value):
        if isinstance(value, RaggedTensor):
            found.append(value)
            return value.flat_values
        if isinstance(value, (list, tuple)):
            return type(value)(flat(v) for v in value)
        if isinstance(value, dict):
            return {key: flat(v) for key, v in value.items()}
        return value

    def collect(value):
        if isinstance(value, RaggedTensor):
            found.append(value)
        elif isinstance(value, (list, tuple, dict)):
            for v in value.values() if isinstance(value, dict) else value:
                collect(v)

    collect((args, kwargs))
    if not found:
        return op(*args, **kwargs)
    dtype, _ = ragged_tensor.match_row_splits_dtypes(*found, return_dtype=True)

    def matched(value):
        if isinstance(value, RaggedTensor):
            return value.with_row_splits_dtype(dtype)
        if isinstance(value, (list, tuple)):
            return type(value)(matched(v) for v in value)
        return value

    args, kwargs, found = matched(args), {k: matched(v) for k, v in kwargs.items()}, []
    args, kwargs = flat(args), flat(kwargs)
    if len({rt.ragged_rank for rt in found}) > 1:
        raise ValueError("All ragged inputs must have the same ragged_rank.")
    with ops.control_dependencies(ragged_conversion_ops.checked_same_splits(*found)):
        result = op(*args, **kwargs)
    return found[0].with_flat_values(result)


# --- broadcasting ---


def _lengths_at(x, level):
    """Of dimension LEVEL: (the lengths of its rows, where they begin, whether a row of one value is repeated)."""
    part = x._partitions()[level]
    uniform = part.uniform_row_length()
    one = False if uniform is None else part.static_uniform_row_length
    if uniform is not None and one is None:
        one = math_ops.equal(uniform, 1)
    elif uniform is not None:
        one = one == 1
    return part.row_lengths(), part.row_starts(), one


def _pick(condition, yes, no):
    """YES or NO by a condition that may be a bool."""
    if isinstance(condition, bool):
        return yes() if condition else no()
    yes, no = yes(), no()
    return gen_ops.select_v2(condition, yes, no)


def _expanded(x, rank, ragged_rank, dtype):
    """X as a RaggedTensor of RANK and RAGGED_RANK, with dimensions of size 1 in front."""
    if isinstance(x, RaggedTensor):
        for _ in range(rank - x.shape.rank):
            x = RaggedTensor.from_uniform_row_length(x, x.nrows(), nrows=1, validate=False)
        missing = ragged_rank - x.ragged_rank
        if missing > 0:
            inner = RaggedTensor.from_tensor(x.flat_values, ragged_rank=missing, row_splits_dtype=dtype)
            x = x.with_flat_values(inner)
        return x
    for _ in range(rank - x.shape.rank):
        x = array_ops.expand_dims(x, 0)
    return RaggedTensor.from_tensor(x, ragged_rank=ragged_rank, row_splits_dtype=dtype)


def _rows_of(x, other):
    """How often the first dimension of X goes into that of OTHER: its rows for each of theirs."""
    mine, theirs = x._row_partition.static_nrows, other._row_partition.static_nrows
    count, size = x.nrows(), other.nrows()
    dtype = count.dtype.base
    if mine is not None and theirs is not None:
        total = max(mine, theirs) if 1 in (mine, theirs) else mine
        if 1 not in (mine, theirs) and mine != theirs:
            raise ValueError(f"Unable to broadcast: dimension size mismatch in dimension 0: {mine} and {theirs}")
        total = array_ops.constant(theirs if mine == 1 else total, dtype)
        same = mine != 1
    else:
        same = math_ops.not_equal(count, 1)
        total = gen_ops.select_v2(math_ops.equal(count, 1), size, count)
    numbers = math_ops.range(total, dtype=dtype)
    return _pick(same, lambda: numbers, lambda: array_ops.zeros_like(numbers))


def broadcast_pair(x, y):
    """RaggedTensors X and Y of one rank and ragged_rank with all rows the same, values repeated where one row is."""
    rows = [_rows_of(x, y), _rows_of(y, x)]
    splits = []
    for level in range(x.ragged_rank):
        (x_all, x_starts, x_one), (y_all, y_starts, y_one) = _lengths_at(x, level), _lengths_at(y, level)
        x_lengths, y_lengths = array_ops.gather(x_all, rows[0]), array_ops.gather(y_all, rows[1])
        lengths = _pick(x_one, lambda a=y_lengths: a, lambda a=x_lengths: a)  # of rows after repeating
        x_reach = _pick(x_one, lambda a=lengths: array_ops.ones_like(a), lambda a=lengths: a)
        y_reach = _pick(y_one, lambda a=lengths: array_ops.ones_like(a), lambda a=lengths: a)
        message = "Unable to broadcast: dimension size mismatch in dimension " + str(level + 1)
        checks = [check_ops.assert_equal(x_lengths, x_reach, message=message),
                  check_ops.assert_equal(y_lengths, y_reach, message=message)]  # fmt: skip
        with ops.control_dependencies([c for c in checks if c is not None]):
            lengths = array_ops.identity(lengths)
        splits.append(lengths_to_splits(lengths))
        within = repeat_ranges(array_ops.zeros_like(lengths), lengths)
        row = array_ops.searchsorted(splits[-1][1:], math_ops.range(splits[-1][-1], dtype=lengths.dtype.base), "right",
                                     lengths.dtype.base)  # fmt: skip
        rows = [
            array_ops.gather(array_ops.gather(starts, at), row)
            + _pick(one, lambda w=within: array_ops.zeros_like(w), lambda w=within: w)
            for starts, at, one in ((x_starts, rows[0], x_one), (y_starts, rows[1], y_one))
        ]
    parts = [array_ops.gather(t.flat_values, at) for t, at in zip((x, y), rows)]
    return [RaggedTensor.from_nested_row_splits(part, splits, validate=False) for part in parts]


def _aligned(x, y):
    """X and Y, one of them ragged, as what OP can be called with the flat values of, and whose rows the result has."""
    x, y = ragged_tensor.match_row_splits_dtypes(x, y)
    ragged = [t for t in (x, y) if isinstance(t, RaggedTensor)]
    dtype = ragged[0].row_splits.dtype.base
    ranks = [t.shape.rank for t in (x, y)]
    if 0 in ranks:
        return x, y
    if None in ranks:
        raise ValueError("Unable to broadcast: unknown rank")
    if len(ragged) == 2 and x.ragged_rank == y.ragged_rank and ranks[0] == ranks[1] and all(
        a is b for a, b in zip(x.nested_row_splits, y.nested_row_splits)):  # fmt: skip
        return x, y
    if len(ragged) == 1:
        dense = y if ragged[0] is x else x
        if dense.shape.rank < ragged[0].flat_values.shape.rank:
            return x, y  # it broadcasts over the flat values
    rank = max(ranks)
    deepest = max(rank - t.flat_values.shape.rank for t in ragged)
    return broadcast_pair(*(_expanded(t, rank, deepest, dtype) for t in (x, y)))


def _tensor(value, dtype=None):
    return ragged_tensor.convert_to_tensor_or_ragged_tensor(value, preferred_dtype=dtype)


def binary(op, x, y, **kwargs):
    """OP of the elements of X and Y, at least one of which is ragged."""
    if isinstance(x, RaggedTensor):
        y = _tensor(y, x.dtype.base)
    else:
        y = _tensor(y)
        x = _tensor(x, y.dtype.base)
    x = _tensor(x)
    x, y = _aligned(x, y)
    values = [t.flat_values if isinstance(t, RaggedTensor) else t for t in (x, y)]
    result = op(*values, **kwargs)
    return (x if isinstance(x, RaggedTensor) else y).with_flat_values(result)


def many(op, tensors, **kwargs):
    """OP of a list of ragged tensors of the same rows (add_n, strings.join)."""
    tensors = [_tensor(t) for t in tensors]
    first = next(t for t in tensors if isinstance(t, RaggedTensor))
    matched = []
    for t in tensors:
        if not isinstance(t, RaggedTensor) and t.shape.rank:
            t = RaggedTensor.from_tensor(t, ragged_rank=first.ragged_rank, row_splits_dtype=first.row_splits.dtype.base)
        matched.append(t)
    return map_flat_values(lambda values: op(values, **kwargs), matched)
