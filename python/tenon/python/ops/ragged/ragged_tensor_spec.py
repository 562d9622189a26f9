"""RaggedTensorSpec: what a RaggedTensor should be."""

from tenon.python.framework import dtypes
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.framework.type_spec import TypeSpec
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.util.tf_export import tf_export


@tf_export("RaggedTensorSpec")
class RaggedTensorSpec(TypeSpec):
    """A RaggedTensor's shape, dtype, ragged_rank and the dtype of its splits."""

    def __init__(self, shape=None, dtype=dtypes.float32, ragged_rank=None, row_splits_dtype=dtypes.int64,
                 flat_values_spec=None):  # fmt: skip
        self._shape = TensorShape(shape)
        if flat_values_spec is not None:
            dtype = flat_values_spec.dtype if dtype is None else dtype
        elif dtype is None:
            raise ValueError("At least one of dtype or flat_values_spec must be provided")
        self._dtype = dtypes.as_dtype(dtype)
        self._row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
        self._flat_values_spec = flat_values_spec
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if rank is not None and ragged_rank >= rank:
            raise ValueError(f"Argument `ragged_rank` ({ragged_rank}) must be less than rank ({rank}).")
        self._ragged_rank = ragged_rank

    shape = property(lambda self: self._shape, doc="The TensorShape.")
    dtype = property(lambda self: self._dtype, doc="The DType of the values.")
    ragged_rank = property(lambda self: self._ragged_rank, doc="The number of partitioned dimensions.")
    row_splits_dtype = property(lambda self: self._row_splits_dtype, doc="The DType of the splits.")
    flat_values_spec = property(lambda self: self._flat_values_spec, doc="The spec of the flat values, or None.")

    @property
    def value_type(self):
        """RaggedTensor; of ragged_rank 0 Tensor."""
        from tenon.python.framework.tensor import Tensor

        return RaggedTensor if self._ragged_rank > 0 else Tensor

    def _parts(self):
        return self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype

    @classmethod
    def from_value(cls, value):
        """The spec of a RaggedTensor."""
        return cls(value.shape, value.values.dtype, value.ragged_rank, value.row_splits.dtype.base)

    def is_compatible_with(self, spec_or_value):
        """True if SPEC_OR_VALUE fits; a Tensor does where ragged_rank is 0."""
        if (
            self._ragged_rank == 0
            and not isinstance(spec_or_value, TypeSpec)
            and not isinstance(spec_or_value, RaggedTensor)
        ):
            return (self._shape.is_compatible_with(spec_or_value.shape)
                    and self._dtype.is_compatible_with(spec_or_value.dtype))  # fmt: skip
        return super().is_compatible_with(spec_or_value)
