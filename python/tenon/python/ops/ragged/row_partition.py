"""How values are cut into rows: the splits between them, and what else is known of them."""

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, math_ops, math_reductions


def to_index(x, dtype=None, name=None):
    """X as a tensor of int64 or int32; smaller integers and what is no tensor become int64 (or DTYPE)."""
    if dtype is None and not hasattr(x, "dtype"):
        dtype = dtypes.int64
    x = ops.convert_to_tensor(x, dtype=dtype if not hasattr(x, "dtype") else None, name=name)
    if dtype is not None and x.dtype.base is not dtype:
        return math_ops.cast(x, dtype)
    if x.dtype.base in (dtypes.int8, dtypes.int16, dtypes.uint8, dtypes.uint16):
        return math_ops.cast(x, dtypes.int32)
    if x.dtype.base not in (dtypes.int32, dtypes.int64):
        raise ValueError(f"Row partition tensors must have dtype int32 or int64, not {x.dtype.base.name}.")
    return x


def static(x):
    """The value of scalar X where it is known, else None."""
    value = None if x is None else tensor_util.constant_value(x)
    return None if value is None else int(value)


def lengths_to_splits(lengths):
    """Where rows of LENGTHS begin, and where the last one ends."""
    zero = array_ops.zeros([1], dtype=lengths.dtype.base)
    return array_ops.concat([zero, math_reductions.cumsum(lengths)], axis=0)


def repeat_ranges(starts, limits):
    """The numbers from each start to its limit, after each other."""
    one = array_ops.ones([], dtype=starts.dtype.base)
    return gen_ops.ragged_range(starts, limits, one, Tsplits=starts.dtype.base).rt_dense_values


class RowPartition:
    """Rows that follow each other: row i holds the values from splits[i] to splits[i + 1]."""

    def __init__(self, row_splits, row_lengths=None, value_rowids=None, nrows=None, uniform_row_length=None):
        row_splits.shape.assert_has_rank(1)
        row_splits.set_shape([None])
        self._row_splits = row_splits
        self._row_lengths = row_lengths
        self._value_rowids = value_rowids
        self._nrows = nrows
        self._uniform_row_length = uniform_row_length

    # --- from other encodings ---

    @classmethod
    def from_row_splits(cls, row_splits, validate=True, dtype=None):
        """From where rows begin, and where the last one ends."""
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        row_splits = to_index(row_splits, dtype, "row_splits")
        row_splits.shape.assert_has_rank(1)
        if validate:
            checks = [
                check_ops.assert_equal(row_splits[:1], array_ops.zeros([1], row_splits.dtype.base),
                                       message="Arguments to from_row_splits do not form a valid RaggedTensor:zero"),
                _non_decreasing(row_splits, "Arguments to from_row_splits do not form a valid RaggedTensor:monotonic"),
            ]  # fmt: skip
            row_splits = control_flow_ops.with_dependencies([c for c in checks if c is not None], row_splits)
        return cls(row_splits)

    @classmethod
    def from_row_lengths(cls, row_lengths, validate=True, dtype=None):
        """From the length of each row."""
        row_lengths = to_index(row_lengths, dtype, "row_lengths")
        row_lengths.shape.assert_has_rank(1)
        if validate:
            check = check_ops.assert_non_negative(
                row_lengths, message="Arguments to from_row_lengths do not form a valid RaggedTensor"
            )
            row_lengths = control_flow_ops.with_dependencies([check] if check is not None else [], row_lengths)
        return cls(lengths_to_splits(row_lengths), row_lengths=row_lengths)

    @classmethod
    def from_row_starts(cls, row_starts, nvals, validate=True, dtype=None):
        """From where each row begins, of NVALS values."""
        row_starts = to_index(row_starts, dtype, "row_starts")
        row_starts.shape.assert_has_rank(1)
        nvals = math_ops.cast(nvals, row_starts.dtype.base)
        if validate:
            checks = [
                check_ops.assert_equal(row_starts[:1], array_ops.zeros_like(row_starts[:1]),
                                       message="Arguments to from_row_starts do not form a valid RaggedTensor:zero"),
                _non_decreasing(row_starts, "Arguments to from_row_starts do not form a valid RaggedTensor:monotonic"),
                check_ops.assert_less_equal(row_starts[-1:], nvals, message="Arguments to from_row_starts do not form "
                                            "a valid RaggedTensor:limit"),
            ]  # fmt: skip
            row_starts = control_flow_ops.with_dependencies([c for c in checks if c is not None], row_starts)
        return cls(array_ops.concat([row_starts, array_ops.reshape(nvals, [1])], axis=0))

    @classmethod
    def from_row_limits(cls, row_limits, validate=True, dtype=None):
        """From where each row ends."""
        row_limits = to_index(row_limits, dtype, "row_limits")
        row_limits.shape.assert_has_rank(1)
        if validate:
            message = "Arguments to from_row_limits do not form a valid RaggedTensor"
            checks = [check_ops.assert_non_negative(row_limits[:1], message=message),
                      _non_decreasing(row_limits, message)]  # fmt: skip
            row_limits = control_flow_ops.with_dependencies([c for c in checks if c is not None], row_limits)
        return cls(array_ops.concat([array_ops.zeros([1], row_limits.dtype.base), row_limits], axis=0))

    @classmethod
    def from_value_rowids(cls, value_rowids, nrows=None, validate=True, dtype=None):
        """From the row that each value is in; NROWS may be more than the last one's."""
        value_rowids = to_index(value_rowids, dtype, "value_rowids")
        value_rowids.shape.assert_has_rank(1)
        given, known = nrows is not None, static(nrows) if nrows is not None else None
        if known is not None and known < 0:
            raise ValueError(f"Expected nrows >= 0; got {known}")
        if not given:
            last = tensor_util.constant_value(value_rowids)
            if last is not None:
                known = int(last[-1]) + 1 if len(last) else 0
                nrows = ops.convert_to_tensor(known, value_rowids.dtype.base)
            else:
                minus = array_ops.constant([-1], dtype=value_rowids.dtype.base)
                nrows = array_ops.concat([minus, value_rowids], axis=0)[-1] + 1
        nrows = math_ops.cast(ops.convert_to_tensor(nrows, name="nrows"), value_rowids.dtype.base)
        if validate:
            message = "Arguments to from_value_rowids do not form a valid RaggedTensor"
            checks = [check_ops.assert_rank(nrows, 0), check_ops.assert_non_negative(value_rowids[:1], message=message),
                      _non_decreasing(value_rowids, message)]  # fmt: skip
            if given:
                checks.append(check_ops.assert_less(value_rowids[-1:], nrows, message=message))
            value_rowids = control_flow_ops.with_dependencies([c for c in checks if c is not None], value_rowids)
        lengths = gen_ops.unsorted_segment_sum(array_ops.ones_like(value_rowids), value_rowids, nrows)
        splits = lengths_to_splits(lengths)
        if known is not None:
            splits.set_shape([known + 1])
        return cls(splits, row_lengths=lengths, value_rowids=value_rowids, nrows=nrows)

    @classmethod
    def from_uniform_row_length(cls, uniform_row_length, nvals, nrows=None, validate=True, dtype=None):
        """NVALS values in rows of one length; NROWS must be given where that may be 0."""
        dtype = dtype or (uniform_row_length.dtype.base if hasattr(uniform_row_length, "dtype") else dtypes.int64)
        length = to_index(uniform_row_length, dtype, "uniform_row_length")
        nvals = math_ops.cast(nvals, dtype)
        fixed, known = static(length), static(nvals)
        if fixed is not None and fixed < 0:
            raise ValueError(f"uniform_row_length must be >= 0, not {fixed}.")
        if nrows is None:
            if fixed == 0:
                raise ValueError("nrows must be specified if uniform_row_length is zero")
            nrows = gen_ops.floor_div(nvals, length)
            if known is not None and fixed is not None:
                nrows = ops.convert_to_tensor(known // fixed, dtype)
        nrows = to_index(nrows, dtype, "nrows")
        count = static(nrows)
        if None not in (fixed, known, count) and fixed * count != known:
            raise ValueError(f"uniform_row_length={fixed} times nrows={count} must equal nvals={known}")
        splits = math_ops.range(nrows + 1, dtype=dtype) * length
        if count is not None:
            splits.set_shape([count + 1])
        if validate and None in (fixed, known, count):
            check = check_ops.assert_equal(
                nrows * length, nvals, message="uniform_row_length times nrows must equal the number of values"
            )
            splits = control_flow_ops.with_dependencies([check] if check is not None else [], splits)
        return cls(splits, nrows=nrows, uniform_row_length=length)

    # --- what it knows ---

    @property
    def dtype(self):
        """The DType of the splits."""
        return self._row_splits.dtype.base

    @property
    def static_nrows(self):
        """The number of rows, None if it is unknown."""
        size = self._row_splits.shape.dims[0].value if self._row_splits.shape.rank else None
        return size - 1 if size is not None else static(self._nrows)

    @property
    def static_uniform_row_length(self):
        """The length of each row where all have one that is known, else None."""
        return static(self._uniform_row_length)

    def uniform_row_length(self):
        """The length of each row where all have one, else None."""
        return self._uniform_row_length

    def row_splits(self):
        """Where rows begin, and where the last one ends."""
        return self._row_splits

    def row_starts(self):
        """Where rows begin."""
        return self._row_splits[:-1]

    def row_limits(self):
        """Where rows end."""
        return self._row_splits[1:]

    def row_lengths(self):
        """The length of each row."""
        if self._row_lengths is not None:
            return self._row_lengths
        return self._row_splits[1:] - self._row_splits[:-1]

    def nrows(self, out_type=None):
        """The number of rows."""
        if self._nrows is not None:
            count = self._nrows
        elif self.static_nrows is not None:
            count = array_ops.constant(self.static_nrows, self.dtype)
        else:
            count = array_ops.shape(self._row_splits, out_type=self.dtype)[0] - 1
        return count if out_type is None else math_ops.cast(count, out_type)

    def nvals(self):
        """The number of values."""
        return self._row_splits[-1]

    def value_rowids(self):
        """The row that each value is in."""
        if self._value_rowids is None:
            values = math_ops.range(self.nvals(), dtype=self.dtype)
            self._value_rowids = array_ops.searchsorted(self.row_limits(), values, "right", self.dtype)
        return self._value_rowids

    def with_dtype(self, dtype):
        """The same with splits of DTYPE."""
        parts = (self._row_splits, self._row_lengths, self._value_rowids, self._nrows, self._uniform_row_length)
        return RowPartition(*(None if p is None else math_ops.cast(p, dtype) for p in parts))

    def with_splits(self, splits):
        """The same by SPLITS, which are equal to its own (they may wait for checks)."""
        return RowPartition(splits, self._row_lengths, self._value_rowids, self._nrows, self._uniform_row_length)


def _non_decreasing(x, message):
    return check_ops.assert_less_equal(x[:-1], x[1:], message=message)
