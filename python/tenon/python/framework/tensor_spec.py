"""TensorSpec: the shape and dtype that a tensor should have."""

import numpy as np

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


class BoundedTensorSpec(TensorSpec):
    """A TensorSpec with the least and the greatest value of the elements."""

    __slots__ = ("_maximum", "_minimum")

    def __init__(self, shape, dtype, minimum, maximum, name=None):
        super().__init__(shape, dtype, name)
        self._minimum, self._maximum = (self._bound(what, value) for what, value in
                                        (("minimum", minimum), ("maximum", maximum)))  # fmt: skip

    def _bound(self, what, value):
        if value is None:
            raise ValueError(f"{what} can not be None")
        bound = np.array(value, dtype=self.dtype.as_numpy_dtype())
        try:
            np.broadcast_shapes(bound.shape, self.shape.as_list())
        except ValueError as error:
            raise ValueError(f"{what} is not compatible with shape. Message: {error}.") from None
        bound.setflags(write=False)
        return bound

    @classmethod
    def from_spec(cls, spec, name=None):
        """A BoundedTensorSpec of another spec; the bounds of its dtype where it has none."""
        least = getattr(spec, "minimum", None)
        greatest = getattr(spec, "maximum", None)
        return cls(spec.shape, spec.dtype, spec.dtype.min if least is None else least,
                   spec.dtype.max if greatest is None else greatest, name or spec.name)  # fmt: skip

    @property
    def is_bounded(self):
        """True."""
        return True

    @property
    def minimum(self):
        """An array with the least values, which broadcasts to the shape."""
        return self._minimum

    @property
    def maximum(self):
        """An array with the greatest values, which broadcasts to the shape."""
        return self._maximum

    def __repr__(self):
        return (f"BoundedTensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r}, "
                f"minimum={self._minimum!r}, maximum={self._maximum!r})")  # fmt: skip

    def __eq__(self, other):
        if not isinstance(other, BoundedTensorSpec) or not super().__eq__(other):
            return False
        return np.allclose(self._minimum, other._minimum) and np.allclose(self._maximum, other._maximum)

    __hash__ = TensorSpec.__hash__

    def __reduce__(self):
        return BoundedTensorSpec, (self._shape, self._dtype, self._minimum, self._maximum, self._name)
