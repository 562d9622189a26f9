"""SparseTensor: the coordinates, values and shape of what is not zero."""

from collections import namedtuple

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.util.tf_export import tf_export


@tf_export("SparseTensor", "sparse.SparseTensor")
class SparseTensor(ops._TensorLike):
    """A sparse tensor: indices [n, rank] (int64), values [n], dense_shape [rank] (int64)."""

    def __init__(self, indices, values, dense_shape):
        with ops.name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            indices = ops.convert_to_tensor(indices, name="indices", dtype=dtypes.int64)
            values = ops.internal_convert_to_tensor(values, name="values")
            dense_shape = ops.convert_to_tensor(dense_shape, name="dense_shape", dtype=dtypes.int64)
        self._indices = indices
        self._values = values
        self._dense_shape = dense_shape
        shape = indices.shape.with_rank(2)
        values.shape.with_rank(1)
        dense = dense_shape.shape.with_rank(1)
        shape.dims[0].assert_is_compatible_with(values.shape.dims[0] if values.shape.rank is not None else None)
        shape.dims[1].assert_is_compatible_with(dense.dims[0])

    @classmethod
    def from_value(cls, sparse_tensor_value):
        """A SparseTensor of constants from a SparseTensorValue."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise TypeError(f"{sparse_tensor_value} is not a SparseTensor, SparseTensorValue.")
        return SparseTensor(*sparse_tensor_value)

    @property
    def indices(self):
        """The coordinates, [n, rank] of int64."""
        return self._indices

    @property
    def values(self):
        """The values, [n]."""
        return self._values

    @property
    def dense_shape(self):
        """The shape, [rank] of int64."""
        return self._dense_shape

    @property
    def op(self):
        """The Operation that computes the values."""
        return self._values.op

    @property
    def dtype(self):
        """The DType of the values."""
        return self._values.dtype

    @property
    def graph(self):
        """The Graph that it is in."""
        return self._values.graph

    @property
    def shape(self):
        """The static shape, a TensorShape."""
        return tensor_util.constant_value_as_shape(self._dense_shape)

    def get_shape(self):
        """The static shape, a TensorShape."""
        return self.shape

    def set_shape(self, shape):
        """ValueError if SHAPE does not agree with the static shape."""
        self.shape.assert_is_compatible_with(shape)

    def with_values(self, new_values):
        """The same coordinates with other values."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def eval(self, feed_dict=None, session=None):
        """Its SparseTensorValue in the default session, or in SESSION."""
        return SparseTensorValue(*ops._eval_using_default_session(
            [self._indices, self._values, self._dense_shape], feed_dict, self.graph, session))  # fmt: skip

    def consumers(self):
        """The Operations that read one of its parts."""
        return [op for part in (self._indices, self._values, self._dense_shape) for op in part.consumers()]

    def _numpy(self):
        raise AttributeError("'SparseTensor' object has no attribute 'numpy'")

    def __str__(self):
        return f"SparseTensor(indices={self._indices}, values={self._values}, dense_shape={self._dense_shape})"


SparseTensorValue = namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])
tf_export("SparseTensorValue").export_constant(__name__, "SparseTensorValue")


@tf_export("convert_to_tensor_or_sparse_tensor")
def convert_to_tensor_or_sparse_tensor(value, dtype=None, name=None):
    """VALUE as a SparseTensor if it is sparse, else as a Tensor."""
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if dtype and not dtype.is_compatible_with(value.dtype):
            raise RuntimeError(f"Sparse dtype mismatch. Requested: {dtype.name}, Actual: {value.dtype.name}")
        return value
    return ops.internal_convert_to_tensor(value, dtype=dtype, name=name)


def is_sparse(x):
    """True for SparseTensors and their values."""
    return isinstance(x, (SparseTensor, SparseTensorValue))
