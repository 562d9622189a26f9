"""Specs: what tensors, sparse tensors and the like should be."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework.sparse_tensor import SparseTensor
from tenon.python.framework.tensor import IndexedSlices
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.framework.tensor_spec import TensorSpec
from tenon.python.util.tf_export import tf_export


@tf_export("TypeSpec", "data.experimental.Structure")
class TypeSpec:
    """What something made of tensors should be."""

    def _parts(self):
        """What makes two specs equal."""
        raise NotImplementedError(f"{type(self).__name__}._parts")

    @property
    def value_type(self):
        """The class of what fits."""
        raise NotImplementedError(f"{type(self).__name__}.value_type")

    def is_compatible_with(self, spec_or_value):
        """True if SPEC_OR_VALUE fits."""
        other = spec_or_value if isinstance(spec_or_value, TypeSpec) else type_spec_from_value(spec_or_value)
        if type(self) is not type(other):
            return False
        return all(a.is_compatible_with(b) if hasattr(a, "is_compatible_with") else a == b
                   for a, b in zip(self._parts(), other._parts()))  # fmt: skip

    def is_subtype_of(self, other):
        """True if all that fits this spec fits OTHER."""
        return type(self) is type(other) and other.is_compatible_with(self)

    def most_specific_compatible_type(self, other):
        """A spec that all fit that fit either."""
        if not self.is_compatible_with(other):
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return self

    def __eq__(self, other):
        return type(self) is type(other) and str(self._parts()) == str(other._parts())

    def __hash__(self):
        return hash((type(self), str(self._parts())))

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self._parts()))})"

    def __reduce__(self):
        return type(self), tuple(self._parts())


def _shaped(name, kind, doc):
    """A spec of a shape and a dtype."""

    def __init__(self, shape=None, dtype=dtypes.float32):
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    members = {
        "__doc__": doc,
        "__module__": __name__,
        "__init__": __init__,
        "shape": property(lambda self: self._shape, doc="The TensorShape."),
        "dtype": property(lambda self: self._dtype, doc="The DType."),
        "value_type": property(lambda self: kind, doc="The class of what fits."),
        "_parts": lambda self: (self._shape, self._dtype),
    }
    return type(name, (TypeSpec,), members)


SparseTensorSpec = _shaped("SparseTensorSpec", SparseTensor, "A SparseTensor's shape and dtype.")
SparseTensorSpec.from_value = classmethod(lambda cls, value: cls(value.get_shape(), value.dtype))
tf_export("SparseTensorSpec", "sparse.SparseTensorSpec").export_constant(__name__, "SparseTensorSpec")


@tf_export("IndexedSlicesSpec")
class IndexedSlicesSpec(TypeSpec):
    """What IndexedSlices should be."""

    def __init__(self, shape=None, dtype=dtypes.float32, indices_dtype=dtypes.int64, dense_shape_dtype=None,
                 indices_shape=None):  # fmt: skip
        self._all = (TensorShape(shape), dtypes.as_dtype(dtype), dtypes.as_dtype(indices_dtype),
                     None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype),
                     TensorShape(indices_shape))  # fmt: skip

    def _parts(self):
        return self._all

    @property
    def value_type(self):
        """IndexedSlices."""
        return IndexedSlices


@tf_export("TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """What a TensorArray should be."""

    def __init__(self, element_shape=None, dtype=dtypes.float32, dynamic_size=False, infer_shape=True):
        self._all = (TensorShape(element_shape), dtypes.as_dtype(dtype), dynamic_size, infer_shape)

    def _parts(self):
        return self._all

    @staticmethod
    def from_value(value):
        """The spec of a TensorArray."""
        return TensorArraySpec(value.element_shape, value.dtype, value.dynamic_size, True)

    @property
    def value_type(self):
        """TensorArray."""
        from tenon.python.ops.tensor_array_ops import TensorArray

        return TensorArray


@tf_export("NoneTensorSpec")
class NoneTensorSpec(TypeSpec):
    """The spec of None."""

    def _parts(self):
        return ()

    @staticmethod
    def from_value(value):
        """The spec of None."""
        return NoneTensorSpec()

    @property
    def value_type(self):
        """The type of None."""
        return type(None)


@tf_export("type_spec_from_value")
def type_spec_from_value(value):
    """The spec of a tensor, or of something made of tensors. TypeError if it is none."""
    if isinstance(value, SparseTensor):
        return SparseTensorSpec(value.shape, value.dtype)
    if isinstance(value, IndexedSlices):
        dense = value.dense_shape
        return IndexedSlicesSpec(value.shape, value.dtype, value.indices.dtype, None if dense is None else dense.dtype,
                                 value.indices.shape)  # fmt: skip
    if hasattr(value, "_row_partition"):
        from tenon.python.ops.ragged.ragged_tensor_spec import RaggedTensorSpec

        return RaggedTensorSpec.from_value(value)
    if value is None:
        return NoneTensorSpec()
    if hasattr(value, "element_shape") and hasattr(value, "dynamic_size"):
        return TensorArraySpec.from_value(value)
    if ops.is_dense_tensor_like(value):
        return TensorSpec(value.shape, value.dtype.base)
    raise TypeError(f"Could not build a TypeSpec for {value!r} with type {type(value).__name__}")
