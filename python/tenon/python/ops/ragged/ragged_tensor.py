"""RaggedTensor: a tensor with dimensions whose rows differ in length."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.framework.composite_tensor import CompositeTensor
from tenon.python.framework.sparse_tensor import SparseTensor
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops
from tenon.python.ops.ragged.ragged_tensor_value import RaggedTensorValue
from tenon.python.ops.ragged.row_partition import RowPartition, static
from tenon.python.util.dispatch import register_kind
from tenon.python.util.tf_export import tf_export


def is_ragged(value):
    """True for RaggedTensors and their values."""
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def convert_to_tensor_or_ragged_tensor(value, dtype=None, preferred_dtype=None, name=None):
    """VALUE as a RaggedTensor if it is ragged, else as a Tensor."""
    if isinstance(value, RaggedTensor):
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for RaggedTensor with "
                             f"dtype {value.dtype.name}: {value}")  # fmt: skip
        return value
    if isinstance(value, RaggedTensorValue):
        with ops.name_scope(name, "ConvertToTensorOrRaggedTensor", []):
            values = convert_to_tensor_or_ragged_tensor(value.values, dtype, preferred_dtype)
            return RaggedTensor.from_row_splits(values, value.row_splits, validate=False)
    return ops.convert_to_tensor(value, dtype=dtype, preferred_dtype=preferred_dtype, name=name)


def match_row_splits_dtypes(*tensors, **kwargs):
    """TENSORS with splits of one type: int64 where they have several. RETURN_DTYPE: (type, tensors)."""
    want = {t.row_splits.dtype.base for t in tensors if isinstance(t, RaggedTensor)}
    dtype = dtypes.int64 if len(want) != 1 else want.pop()
    matched = tuple(t.with_row_splits_dtype(dtype) if isinstance(t, RaggedTensor) else t for t in tensors)
    return (dtype, matched) if kwargs.get("return_dtype") else matched


def _size_of(values, dtype):
    """The number of rows of VALUES, ragged or dense."""
    if isinstance(values, RaggedTensor):
        return values.nrows(dtype)
    first = values.shape.dims[0].value if values.shape.rank else None
    return array_ops.constant(first, dtype) if first is not None else array_ops.shape(values, out_type=dtype)[0]


def _outermost(values):
    """VALUES as a tensor that can be cut into rows."""
    values = convert_to_tensor_or_ragged_tensor(values, name="values")
    if values.shape.rank is not None and values.shape.rank < 1:
        raise ValueError(f"Shape {values.shape} must have rank at least 1")
    return values


def _dtype_of(values):
    return values.row_splits.dtype.base if isinstance(values, RaggedTensor) else None


def _nested(what, flat_values, partitions, make):
    if isinstance(partitions, ops.Tensor):
        raise TypeError(f"{what} must be a list of Tensors. Received argument: {partitions}")
    result = flat_values
    for partition in reversed(list(partitions)):
        result = make(result, partition)
    return result


@tf_export("RaggedTensor")
class RaggedTensor(ops._TensorLike, CompositeTensor):
    """Values, ragged themselves or dense, and a partition that cuts them into rows."""

    __array_priority__ = 110

    def __init__(self, values, row_partition, internal=False):
        if not internal:
            raise ValueError("RaggedTensor constructor is private; please use one of the factory methods instead (e.g.,"
                             " RaggedTensor.from_row_lengths())")  # fmt: skip
        self._values = values
        self._row_partition = row_partition

    @classmethod
    def _make(cls, values, partition, check=True):
        """VALUES in the rows of PARTITION; CHECK that all of them are in a row."""
        if _dtype_of(values) not in (None, partition.dtype):
            values, dtype = values.with_row_splits_dtype(dtypes.int64), dtypes.int64
            partition = partition.with_dtype(dtype)
        if check:
            size = _size_of(values, partition.dtype)
            last, known = static(partition.nvals()), static(size)
            if last is not None and known is not None and last != known:
                raise ValueError(f"Arguments do not form a valid RaggedTensor: the rows end at {last}, but there are "
                                 f"{known} values")  # fmt: skip
            if last is None or known is None:
                done = check_ops.assert_equal(partition.nvals(), size, message="Arguments do not form a valid "
                                              "RaggedTensor")  # fmt: skip
                splits = control_flow_ops.with_dependencies([done], partition.row_splits())
                partition = partition.with_splits(splits)
        return cls(values, partition, internal=True)

    # --- constructors ---

    @classmethod
    def from_value_rowids(cls, values, value_rowids, nrows=None, name=None, validate=True):
        """Rows by the row that each value is in."""
        with ops.name_scope(name, "RaggedFromValueRowIds", [values, value_rowids, nrows]):
            values = _outermost(values)
            partition = RowPartition.from_value_rowids(value_rowids, nrows, validate, _dtype_of(values))
            return cls._make(values, partition, validate)

    @classmethod
    def from_row_splits(cls, values, row_splits, name=None, validate=True):
        """Rows by where each begins, and where the last one ends."""
        with ops.name_scope(name, "RaggedFromRowSplits", [values, row_splits]):
            values = _outermost(values)
            return cls._make(values, RowPartition.from_row_splits(row_splits, validate, _dtype_of(values)), validate)

    @classmethod
    def from_row_lengths(cls, values, row_lengths, name=None, validate=True):
        """Rows by the length of each."""
        with ops.name_scope(name, "RaggedFromRowLengths", [values, row_lengths]):
            values = _outermost(values)
            return cls._make(values, RowPartition.from_row_lengths(row_lengths, validate, _dtype_of(values)), validate)

    @classmethod
    def from_row_starts(cls, values, row_starts, name=None, validate=True):
        """Rows by where each begins."""
        with ops.name_scope(name, "RaggedFromRowStarts", [values, row_starts]):
            values = _outermost(values)
            size = _size_of(values, _dtype_of(values) or dtypes.int64)
            return cls._make(values, RowPartition.from_row_starts(row_starts, size, validate, _dtype_of(values)), False)

    @classmethod
    def from_row_limits(cls, values, row_limits, name=None, validate=True):
        """Rows by where each ends."""
        with ops.name_scope(name, "RaggedFromRowLimits", [values, row_limits]):
            values = _outermost(values)
            return cls._make(values, RowPartition.from_row_limits(row_limits, validate, _dtype_of(values)), validate)

    @classmethod
    def from_uniform_row_length(cls, values, uniform_row_length, nrows=None, validate=True, name=None):
        """Rows of one length."""
        with ops.name_scope(name, "RaggedFromUniformRowLength", [values, uniform_row_length, nrows]):
            values = _outermost(values)
            dtype = _dtype_of(values)
            given = uniform_row_length.dtype.base if hasattr(uniform_row_length, "dtype") else dtypes.int64
            size = _size_of(values, dtype or given)
            partition = RowPartition.from_uniform_row_length(uniform_row_length, size, nrows, validate, dtype)
            return cls._make(values, partition, False)

    @classmethod
    def from_nested_value_rowids(cls, flat_values, nested_value_rowids, nested_nrows=None, name=None, validate=True):
        """Rows of rows: the outermost's value_rowids come first."""
        if isinstance(nested_value_rowids, ops.Tensor):
            raise TypeError("Argument `nested_value_rowids` must be a list of Tensors. Received "
                            f"{nested_value_rowids}.")  # fmt: skip
        counts = [None] * len(nested_value_rowids) if nested_nrows is None else list(nested_nrows)
        if isinstance(nested_nrows, ops.Tensor) or len(counts) != len(nested_value_rowids):
            raise ValueError("Argument `nested_nrows` must have the same length as argument `nested_value_rowids`.")
        with ops.name_scope(name, "RaggedFromNestedValueRowIds", [flat_values, *nested_value_rowids]):
            return _nested("Argument `nested_value_rowids`", flat_values, zip(nested_value_rowids, counts),
                           lambda v, p: cls.from_value_rowids(v, p[0], p[1], validate=validate))  # fmt: skip

    @classmethod
    def from_nested_row_splits(cls, flat_values, nested_row_splits, name=None, validate=True):
        """Rows of rows: the outermost's row_splits come first."""
        with ops.name_scope(name, "RaggedFromNestedRowSplits", [flat_values]):
            return _nested("Argument `nested_row_splits`", flat_values, nested_row_splits,
                           lambda v, p: cls.from_row_splits(v, p, validate=validate))  # fmt: skip

    @classmethod
    def from_nested_row_lengths(cls, flat_values, nested_row_lengths, name=None, validate=True):
        """Rows of rows: the outermost's row_lengths come first."""
        with ops.name_scope(name, "RaggedFromNestedRowlengths", [flat_values]):
            return _nested("Argument `nested_row_lengths`", flat_values, nested_row_lengths,
                           lambda v, p: cls.from_row_lengths(v, p, validate=validate))  # fmt: skip

    @classmethod
    def from_tensor(cls, tensor, lengths=None, padding=None, ragged_rank=1, name=None, row_splits_dtype=dtypes.int64):
        """The rows of a dense TENSOR: whole, of LENGTHS, or without the PADDING at their ends."""
        from tenon.python.ops.ragged import ragged_conversion_ops

        return ragged_conversion_ops.from_tensor(tensor, lengths, padding, ragged_rank, name, row_splits_dtype)

    @classmethod
    def from_sparse(cls, st_input, name=None, row_splits_dtype=dtypes.int64):
        """The rows of a SparseTensor of rank 2 whose values are next to each other."""
        from tenon.python.ops.ragged import ragged_conversion_ops

        return ragged_conversion_ops.from_sparse(st_input, name, row_splits_dtype)

    # --- what it is ---

    @property
    def dtype(self):
        """The DType of the values."""
        return self._values.dtype

    @property
    def shape(self):
        """The static shape: None where rows differ."""
        outer = TensorShape([self._row_partition.static_nrows, self._row_partition.static_uniform_row_length])
        inner = self._values.shape
        return TensorShape(None) if inner.rank is None else outer.concatenate(inner[1:])

    def get_shape(self):
        """The static shape: None where rows differ."""
        return self.shape

    @property
    def ragged_rank(self):
        """How often the flat values are cut into rows."""
        return 1 + (self._values.ragged_rank if isinstance(self._values, RaggedTensor) else 0)

    @property
    def values(self):
        """The rows after each other: a Tensor, or a RaggedTensor of one rank less."""
        return self._values

    @property
    def flat_values(self):
        """The innermost values, a Tensor."""
        return self._values.flat_values if isinstance(self._values, RaggedTensor) else self._values

    @property
    def row_splits(self):
        """Where rows begin, and where the last one ends."""
        return self._row_partition.row_splits()

    @property
    def uniform_row_length(self):
        """The length of each row where all have one, else None."""
        return self._row_partition.uniform_row_length()

    @property
    def nested_row_splits(self):
        """The row_splits of all ragged dimensions, the outermost's first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensor) else ()
        return (self.row_splits, *inner)

    @property
    def graph(self):
        """The Graph that it is in."""
        return self.flat_values.graph

    @property
    def op(self):
        """The Operation that computes the flat values."""
        return self.flat_values.op

    @property
    def name(self):
        """The name of the flat values."""
        return self.flat_values.name

    def value_rowids(self, name=None):
        """The row that each value is in."""
        with ops.name_scope(name, "RaggedValueRowIds", [self]):
            return self._row_partition.value_rowids()

    def nested_value_rowids(self, name=None):
        """The value_rowids of all ragged dimensions, the outermost's first."""
        with ops.name_scope(name, "RaggedNestedValueRowIds", [self]):
            return tuple(p.value_rowids() for p in self._partitions())

    def nrows(self, out_type=None, name=None):
        """The number of rows, a scalar."""
        with ops.name_scope(name, "RaggedNRows", [self]):
            return self._row_partition.nrows(out_type)

    def row_starts(self, name=None):
        """Where each row begins."""
        with ops.name_scope(name, "RaggedRowStarts", [self]):
            return self._row_partition.row_starts()

    def row_limits(self, name=None):
        """Where each row ends."""
        with ops.name_scope(name, "RaggedRowLimits", [self]):
            return self._row_partition.row_limits()

    def row_lengths(self, axis=1, name=None):
        """The length of each row; of AXIS 2 and more a RaggedTensor of them."""
        if axis == 0:
            return self._row_partition.nrows()
        if axis == 1:
            with ops.name_scope(name, "RaggedRowLengths", [self]):
                return self._row_partition.row_lengths()
        with ops.name_scope(name, "RaggedRowLengths", [self]):
            if axis < 0 and self.shape.rank is not None:
                return self.row_lengths(axis + self.shape.rank)
            if isinstance(self._values, RaggedTensor):
                return self.with_values(self._values.row_lengths(axis - 1))
            shape = array_ops.shape(self._values, out_type=self.row_splits.dtype.base)
            return self.with_values(array_ops.ones(shape[: axis - 1], shape.dtype.base) * shape[axis - 1])

    def nested_row_lengths(self, name=None):
        """The row_lengths of all ragged dimensions, the outermost's first."""
        with ops.name_scope(name, "RaggedNestedRowLengths", [self]):
            return tuple(p.row_lengths() for p in self._partitions())

    def bounding_shape(self, axis=None, name=None, out_type=None):
        """The shape of the smallest box that holds it; of AXIS only its size there."""
        from tenon.python.ops.ragged import ragged_conversion_ops

        return ragged_conversion_ops.bounding_shape(self, axis, name, out_type)

    def _partitions(self):
        """The RowPartitions, the outermost's first."""
        inner = self._values._partitions() if isinstance(self._values, RaggedTensor) else []
        return [self._row_partition, *inner]

    # --- like it ---

    def with_values(self, new_values):
        """The same rows of other values, of which there must be as many."""
        new_values = convert_to_tensor_or_ragged_tensor(new_values)
        new_values.shape.with_rank_at_least(1)
        old, new = self._values.shape[:1], new_values.shape[:1]
        old.assert_is_compatible_with(new)
        return RaggedTensor._make(new_values, self._row_partition, check=False)

    def with_flat_values(self, new_values):
        """The same rows of rows of other flat values."""
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype):
        """The same with splits of DTYPE."""
        dtype = dtypes.as_dtype(dtype)
        if dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("Argument `row_splits` dtype must be int32 or int64")
        if self.row_splits.dtype.base is dtype:
            return self
        values = self._values.with_row_splits_dtype(dtype) if isinstance(self._values, RaggedTensor) else self._values
        return RaggedTensor(values, self._row_partition.with_dtype(dtype), internal=True)

    def merge_dims(self, outer_axis, inner_axis):
        """The dimensions from OUTER_AXIS to INNER_AXIS as one."""
        from tenon.python.ops.ragged import ragged_conversion_ops

        return ragged_conversion_ops.merge_dims(self, outer_axis, inner_axis)

    # --- as something else ---

    def to_tensor(self, default_value=None, name=None, shape=None):
        """A dense tensor, of SHAPE: cut, and padded with DEFAULT_VALUE (0, or an empty string)."""
        from tenon.python.ops.ragged import ragged_conversion_ops

        return ragged_conversion_ops.to_tensor(self, default_value, name, shape)

    def to_sparse(self, name=None):
        """A SparseTensor with each value at its place."""
        with ops.name_scope(name, "RaggedToSparse", [self]):
            parts = gen_ops.ragged_tensor_to_sparse(list(self.nested_row_splits), self.flat_values)
            return SparseTensor(*parts)

    def numpy(self):
        """Of eager tensors: a NumPy array of objects, or of numbers where all rows are of one length."""
        if not hasattr(self.flat_values, "numpy"):
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        rows = self._eager_value().to_list()
        lengths = {len(row) for row in rows}
        if len(lengths) == 1 and self.ragged_rank == 1:
            return np.array(rows, self.dtype.as_numpy_dtype)
        out = np.empty(len(rows), object)
        for i, row in enumerate(rows):
            out[i] = np.array(row, self.dtype.as_numpy_dtype) if self.ragged_rank == 1 else row
        return out

    def to_list(self):
        """Of eager tensors: nested lists."""
        if not hasattr(self.flat_values, "numpy"):
            raise ValueError("to_list can only be used in eager mode.")
        return self._eager_value().to_list()

    def _eager_value(self):
        values = self._values._eager_value() if isinstance(self._values, RaggedTensor) else self._values.numpy()
        return RaggedTensorValue(values, self.row_splits.numpy())

    def eval(self, feed_dict=None, session=None):
        """Its RaggedTensorValue in the default session, or in SESSION."""
        parts = [self.flat_values, *self.nested_row_splits]
        return _value_of(ops._eval_using_default_session(parts, feed_dict, self.graph, session))

    def consumers(self):
        """The Operations that read one of its parts."""
        found = [op for part in (self.flat_values, *self.nested_row_splits) for op in part.consumers()]
        return list(dict.fromkeys(found))

    # --- as an element ---

    def _to_variant(self, batched_input=False, name=None):
        with ops.name_scope(name, "RaggedToVariant", [self, batched_input]):
            return gen_ops.ragged_tensor_to_variant(list(self.nested_row_splits), self.flat_values, batched_input)

    @classmethod
    def _from_variant(cls, variant, dtype, output_ragged_rank, input_ragged_rank=None, row_splits_dtype=dtypes.int64,
                      name=None):  # fmt: skip
        with ops.name_scope(name, "RaggedFromVariant", [variant]):
            inner = -1 if input_ragged_rank is None else input_ragged_rank
            splits, values = gen_ops.ragged_tensor_from_variant(
                variant, inner, output_ragged_rank, dtype, dtypes.as_dtype(row_splits_dtype)
            )
            return cls.from_nested_row_splits(values, splits, validate=False)

    def __repr__(self):
        if hasattr(self.flat_values, "numpy"):
            return f"<tf.RaggedTensor {self.to_list()}>"
        return f"tf.RaggedTensor(values={self._values}, row_splits={self.row_splits})"

    def __getitem__(self, key):
        from tenon.python.ops.ragged import ragged_getitem

        return ragged_getitem.ragged_tensor_getitem(self, key)

    def __iter__(self):
        if hasattr(self.flat_values, "numpy"):
            return iter([self[i] for i in range(int(self.nrows().numpy()))])
        raise TypeError("'RaggedTensor' object is not iterable in a graph.")

    def __bool__(self):
        raise TypeError("RaggedTensor may not be used as a boolean.")

    def __array__(self, dtype=None, copy=None):
        raise TypeError("A RaggedTensor can't be used as an array, or as a Tensor; see to_tensor()")


def _value_of(parts):
    """The RaggedTensorValue of the values of (flat values, splits from the outermost's on)."""
    value = parts[0]
    for splits in reversed(parts[1:]):
        value = RaggedTensorValue(value, splits)
    return value


def _parts_of(value, ragged_rank):
    """(flat values, splits...) of what is fed for a RaggedTensor of RAGGED_RANK."""
    if not isinstance(value, RaggedTensorValue) or value.ragged_rank != ragged_rank:
        raise TypeError(f"What is fed for a RaggedTensor of ragged_rank {ragged_rank} must be a RaggedTensorValue, "
                        f"not {value!r}")  # fmt: skip
    return [value.flat_values, *value.nested_row_splits]


def _register():
    from tenon.python.client.fetches import register_session_run_conversion_functions

    def parts(x):
        return [x.flat_values, *x.nested_row_splits]

    def refuse(value, dtype=None, name=None, as_ref=False):
        raise TypeError(f"A RaggedTensor can't be used as a Tensor: {value}. Consider RaggedTensor.to_tensor().")

    register_session_run_conversion_functions(
        RaggedTensor,
        lambda x: (parts(x), _value_of),
        lambda x, value: list(zip(parts(x), _parts_of(value, x.ragged_rank))),
        parts,
    )
    ops.register_tensor_conversion_function((RaggedTensor, RaggedTensorValue), refuse, 0)
    register_kind(RaggedTensor)


_register()
from tenon.python.ops.ragged import ragged_operators  # noqa: E402,F401  gives the class its operators
