"""TensorProtos, and what is known of a tensor's value without running it."""

import numpy as np

from tenon import _core
from tenon._convert import to_numpy
from tenon.python.framework import dtypes, ops
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import TensorShape, as_shape, unknown_shape
from tenon.python.util.tf_export import tf_export


def value_of_proto(proto):
    """A TensorProto as the core's Value."""
    array = make_ndarray(proto)
    return _core.Value(array, proto.dtype)


@tf_export("make_tensor_proto", "contrib.util.make_tensor_proto")
def make_tensor_proto(values, dtype=None, shape=None, verify_shape=False, allow_broadcast=False):
    """VALUES (numbers, strings, nested lists, an array) as a TensorProto."""
    from tenon.python.framework import constant_op
    from tenon.python.framework.proto import TensorProto

    if isinstance(values, TensorProto):
        return values
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype).base
    if shape is not None:
        array, dtype = constant_op._filled(values, dtype, shape, verify_shape)
    else:
        array, dtype = constant_op.to_array(values, dtype)
    array = np.asarray(array)
    proto = TensorProto(dtype=dtype.number, tensor_shape=TensorShape(array.shape).as_proto())
    if dtype is dtypes.string:
        flat = array.reshape(-1).tolist()
        proto.string_val.extend(v.encode() if isinstance(v, str) else bytes(v) for v in flat)
    elif array.size > 1:
        proto.tensor_content = array.astype(dtype.numpy, copy=False).tobytes()
    else:
        _put_single(proto, dtype, array)
    return proto


_FIELDS = {"float32": "float_val", "float64": "double_val", "int64": "int64_val", "bool": "bool_val",
           "uint32": "uint32_val", "uint64": "uint64_val", "float16": "half_val", "bfloat16": "half_val",
           "complex64": "scomplex_val", "complex128": "dcomplex_val"}  # fmt: skip


def _put_single(proto, dtype, array):
    field = getattr(proto, _FIELDS.get(dtype.name, "int_val"))
    flat = array.astype(dtype.numpy, copy=False).reshape(-1)
    if dtype.is_complex:
        for value in flat:
            field.extend([float(value.real), float(value.imag)])
    elif dtype.name in ("float16", "bfloat16"):
        field.extend(flat.view(np.uint16).tolist())
    else:
        field.extend(flat.tolist())


@tf_export("make_ndarray", "contrib.util.make_ndarray")
def make_ndarray(tensor):
    """The array that a TensorProto holds."""
    shape = [d.size for d in tensor.tensor_shape.dim]
    count = int(np.prod(shape, dtype=np.int64))
    dtype = dtypes.as_dtype(tensor.dtype)
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype=dtype.numpy).copy().reshape(shape)
    if dtype is dtypes.string:
        values = list(tensor.string_val)
        if values and len(values) < count:
            values += [values[-1]] * (count - len(values))
        array = np.empty(count, object)
        array[:] = values
        return array.reshape(shape)
    field = getattr(tensor, _FIELDS.get(dtype.name, "int_val"))
    if dtype.is_complex:
        pairs = np.array(list(field), dtype="f8").reshape(-1, 2)
        flat = (pairs[:, 0] + 1j * pairs[:, 1]).astype(dtype.numpy)
    elif dtype.name in ("float16", "bfloat16"):
        flat = np.array(list(field), np.uint16).view(dtype.numpy)
    else:
        flat = np.array(list(field)).astype(dtype.numpy)
    if flat.size == 0 and count:
        flat = np.zeros(1, dtype.numpy)
    if flat.size < count:
        flat = np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)])
    return flat.reshape(shape)


@tf_export("contrib.util.constant_value", "get_static_value")
def constant_value(tensor, partial=False):
    """The array that TENSOR will always hold, None if that is not known; with PARTIAL packed parts may be None."""
    if tensor is None or isinstance(tensor, (bool, int, float, str, bytes, dtypes.DType)):
        return tensor
    if not isinstance(tensor, Tensor):
        if isinstance(tensor, (np.ndarray, np.generic)):
            return tensor
        tensor = ops.convert_to_tensor(tensor)
    value = tensor.graph.constant_value(tensor._ref)
    if value is not None:
        return to_numpy(value) if tensor.shape.rank else np.asarray(to_numpy(value))[()]
    return _by_type(tensor, partial)


def _by_type(tensor, partial):
    op = tensor.op
    if op.type in ("Pack", "Stack") and partial:
        values = [constant_value(x, partial) for x in op.inputs]
        return np.array(values) if all(x.shape.rank == 0 for x in op.inputs) else None
    return None


def constant_value_as_shape(tensor):
    """The shape that a vector of sizes stands for, as far as it is known (-1: unknown)."""
    if not isinstance(tensor, Tensor):
        return TensorShape([None if d is not None and int(d) < 0 else d for d in np.asarray(tensor).tolist()])
    dims = tensor.graph.value_as_shape(tensor._ref)
    if dims is not None:
        return TensorShape._of(dims)
    shape = tensor.shape
    return unknown_shape() if shape.rank is None or shape._dims[0] is None else unknown_shape(shape._dims[0])


def is_tensor(x):
    """True for Tensors, variables and the like."""
    return ops.is_tensor(x)


def shape_tensor(shape):
    """SHAPE as a tensor, of int32 where it is a list of numbers."""
    dtype = None
    if isinstance(shape, (tuple, list)):
        if not shape:
            dtype = dtypes.int32
        else:
            shape = tuple(getattr(d, "value", d) if not isinstance(d, Tensor) else d for d in shape)
            if all(isinstance(d, int) for d in shape):
                dtype = dtypes.int32 if all(-(2**31) <= d < 2**31 for d in shape) else dtypes.int64
    return ops.convert_to_tensor(shape, dtype=dtype, name="shape")


def ShapeEquals(tensor_proto, shape):
    """True if a TensorProto has SHAPE."""
    return [d.size for d in tensor_proto.tensor_shape.dim] == list(as_shape(shape).as_list())
