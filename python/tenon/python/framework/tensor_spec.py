"""TensorSpec: the shape and dtype that a tensor should have."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.util.tf_export import tf_export


@tf_export("TensorSpec")
class TensorSpec:
    """A shape, a dtype and perhaps a name."""

    __slots__ = ("_dtype", "_name", "_shape")

    def __init__(self, shape, dtype=dtypes.float32, name=None):
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._name = name

    @classmethod
    def from_spec(cls, spec, name=None):
        """A TensorSpec of another spec."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor, name=None):
        """The TensorSpec of a tensor."""
        if not isinstance(tensor, ops.Tensor):
            raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    @property
    def shape(self):
        """The TensorShape."""
        return self._shape

    @property
    def dtype(self):
        """The DType."""
        return self._dtype

    @property
    def name(self):
        """The name, or None."""
        return self._name

    @property
    def is_discrete(self):
        """True for integers."""
        return self._dtype.is_integer

    @property
    def is_bounded(self):
        """False."""
        return False

    @property
    def value_type(self):
        """Tensor."""
        return ops.Tensor

    def is_compatible_with(self, spec_or_tensor):
        """True if the dtype is the same and the shapes can be."""
        other = spec_or_tensor
        return self._dtype.is_compatible_with(other.dtype) and self._shape.is_compatible_with(other.shape)

    def is_subtype_of(self, other):
        """True if every tensor of this spec is one of OTHER too."""
        return self._dtype == other.dtype and self._shape.is_subtype_of(other.shape)

    def most_specific_compatible_type(self, other):
        """The spec of what both have in common."""
        if self._dtype != other.dtype:
            raise ValueError("TensorSpecs have different dtypes")
        return TensorSpec(self._shape.most_specific_compatible_shape(other.shape), self._dtype)

    def __repr__(self):
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"

    def __hash__(self):
        return hash((self._shape._dims, self._dtype))

    def __eq__(self, other):
        return (isinstance(other, TensorSpec) and self._shape._dims == other._shape._dims
                and self._dtype == other._dtype and self._name == other._name)  # fmt: skip

    def __reduce__(self):
        return TensorSpec, (self._shape, self._dtype, self._name)
