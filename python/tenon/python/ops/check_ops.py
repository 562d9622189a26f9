"""Assertions on values, ranks, shapes and types: checked when the graph is made where that is possible."""

import numpy as np

from tenon.python.framework import dtypes, errors, ops, sparse_tensor, tensor_shape, tensor_util
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


def _static_failure(data):
    """The error for what is known to be wrong."""
    return errors.InvalidArgumentError(node_def=None, op=None, message="\n".join(str(item) for item in data))


def _checked(known, condition, data, summarize):
    """An Assert; an error at once where KNOWN is False."""
    if known is not None and not known:
        raise _static_failure(data)
    return control_flow_ops.Assert(condition, data, summarize=summarize)


def _pair(opname, sign, op, static):
    def check(x, y, data=None, summarize=None, message=None, name=None):
        with ops.name_scope(name, opname, [x, y, data]):
            x = ops.convert_to_tensor(x, name="x")
            y = ops.convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
            if data is None:
                data = [
                    message or "", f"Condition x {sign} y did not hold element-wise:", f"x ({x.name}) = ", x,
                    f"y ({y.name}) = ", y,
                ]  # fmt: skip
            condition = math_ops.reduce_all(op(x, y))
            x_known, y_known = tensor_util.constant_value(x), tensor_util.constant_value(y)
            known = None if x_known is None or y_known is None else bool(np.all(static(x_known, y_known)))
            return _checked(known, condition, data, summarize)

    check.__name__ = opname
    check.__doc__ = f"An operation that fails unless x {sign} y for all elements."
    return check


assert_equal = _pair("assert_equal", "==", math_ops.equal, np.equal)
assert_none_equal = _pair("assert_none_equal", "!=", math_ops.not_equal, np.not_equal)
assert_less = _pair("assert_less", "<", gen_ops.less, np.less)
assert_less_equal = _pair("assert_less_equal", "<=", gen_ops.less_equal, np.less_equal)
assert_greater = _pair("assert_greater", ">", gen_ops.greater, np.greater)
assert_greater_equal = _pair("assert_greater_equal", ">=", gen_ops.greater_equal, np.greater_equal)


def _sign(opname, sign, compare, flipped=False):
    def check(x, data=None, summarize=None, message=None, name=None):
        with ops.name_scope(name, opname, [x, data]):
            x = ops.convert_to_tensor(x, name="x")
            if data is None:
                data = [message or "", f"Condition x {sign} 0 did not hold element-wise:", f"x ({x.name}) = ", x]
            zero = ops.convert_to_tensor(0, dtype=x.dtype)
            return compare(zero, x, data=data, summarize=summarize) if flipped else compare(
                x, zero, data=data, summarize=summarize)  # fmt: skip

    check.__name__ = opname
    check.__doc__ = f"An operation that fails unless x {sign} 0 for all elements."
    return check


assert_negative = _sign("assert_negative", "<", assert_less)
assert_positive = _sign("assert_positive", ">", assert_less, flipped=True)
assert_non_negative = _sign("assert_non_negative", ">=", assert_less_equal, flipped=True)
assert_non_positive = _sign("assert_non_positive", "<=", assert_less_equal)

TF_EXPORTS = {
    "assert_equal": "assert_equal", "debugging.assert_equal": "assert_equal",
    "assert_none_equal": "assert_none_equal", "debugging.assert_none_equal": "assert_none_equal",
    "assert_less": "assert_less", "debugging.assert_less": "assert_less",
    "assert_less_equal": "assert_less_equal", "debugging.assert_less_equal": "assert_less_equal",
    "assert_greater": "assert_greater", "debugging.assert_greater": "assert_greater",
    "assert_greater_equal": "assert_greater_equal", "debugging.assert_greater_equal": "assert_greater_equal",
    "assert_negative": "assert_negative", "debugging.assert_negative": "assert_negative",
    "assert_positive": "assert_positive", "debugging.assert_positive": "assert_positive",
    "assert_non_negative": "assert_non_negative", "debugging.assert_non_negative": "assert_non_negative",
    "assert_non_positive": "assert_non_positive", "debugging.assert_non_positive": "assert_non_positive",
}  # fmt: skip


@tf_export("debugging.assert_near", "assert_near")
def assert_near(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless |x - y| <= atol + rtol * |y|."""
    with ops.name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = ops.convert_to_tensor(x, name="x")
        y = ops.convert_to_tensor(y, name="y", dtype=x.dtype)
        eps = np.finfo(x.dtype.as_numpy_dtype).eps
        rtol = ops.convert_to_tensor(10 * eps if rtol is None else rtol, name="rtol", dtype=x.dtype)
        atol = ops.convert_to_tensor(10 * eps if atol is None else atol, name="atol", dtype=x.dtype)
        if data is None:
            data = [
                message or "",
                "x and y not equal to tolerance rtol, atol",
                f"x ({x.name}) = ",
                x,
                f"y ({y.name}) = ",
                y,
            ]
        tolerance = atol + rtol * math_ops.abs(y)
        condition = math_ops.reduce_all(gen_ops.less(math_ops.abs(x - y), tolerance))
        return control_flow_ops.Assert(condition, data, summarize=summarize)


def _rank(x, rank, static, dynamic, what, data, summarize, message, name, opname):
    """The check of a rank: STATIC of integers, DYNAMIC of tensors."""
    with ops.name_scope(name, opname, [x, rank, data]):
        if not isinstance(x, sparse_tensor.SparseTensor):
            x = ops.convert_to_tensor(x, name="x")
        ranks = [ops.convert_to_tensor(r, name="rank") for r in rank]
        for r in ranks:
            if r.dtype.base_dtype != dtypes.int32:
                raise TypeError(f"{message or ''} rank must be of type {dtypes.int32}")
            if r.get_shape().ndims not in (None, 0):
                raise ValueError("Rank must be a scalar.")
        known = [tensor_util.constant_value(r) for r in ranks]
        found = x.get_shape().ndims
        if found is not None and all(k is not None for k in known):
            if not static(found, [int(k) for k in known]):
                raise ValueError(f"{message or ''}.  Tensor {x.name} must have rank {what} {[int(k) for k in known]}.  "
                                 f"Received rank {found}, shape {x.get_shape()}")  # fmt: skip
            return control_flow_ops.no_op(name="static_checks_determined_all_ok")
        if data is None:
            data = [
                message or "",
                f"Tensor {x.name} must have rank {what}",
                *ranks,
                "Received shape: ",
                array_ops.shape(x),
            ]
        condition = dynamic(array_ops.rank(x), ranks)
        return control_flow_ops.Assert(condition, data, summarize=summarize)


@tf_export("debugging.assert_rank", "assert_rank")
def assert_rank(x, rank, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless the rank is RANK."""
    return _rank(x, [rank], lambda found, r: found == r[0], lambda found, r: math_ops.equal(found, r[0]), "",
                 data, summarize, message, name, "assert_rank")  # fmt: skip


@tf_export("debugging.assert_rank_at_least", "assert_rank_at_least")
def assert_rank_at_least(x, rank, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless the rank is RANK or more."""
    return _rank(x, [rank], lambda found, r: found >= r[0], lambda found, r: gen_ops.greater_equal(found, r[0]),
                 "at least", data, summarize, message, name, "assert_rank_at_least")  # fmt: skip


@tf_export("debugging.assert_rank_in", "assert_rank_in")
def assert_rank_in(x, ranks, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless the rank is one of RANKS."""
    return _rank(x, list(ranks), lambda found, r: found in r,
                 lambda found, r: math_ops.reduce_any(array_ops.stack([math_ops.equal(found, i) for i in r])),
                 "in", data, summarize, message, name, "assert_rank_in")  # fmt: skip


@tf_export("debugging.assert_integer", "assert_integer")
def assert_integer(x, message=None, name=None):
    """TypeError unless the dtype is an integer's."""
    with ops.name_scope(name, "assert_integer", [x]):
        x = ops.convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            raise TypeError(f'{message or ""} Expected "x" to be integer type.  Found: {x.dtype} of Tensor {x.name}')
        return control_flow_ops.no_op("statically_determined_was_integer")


@tf_export("debugging.assert_type", "assert_type")
def assert_type(tensor, tf_type, message=None, name=None):
    """TypeError unless the dtype is TF_TYPE."""
    tf_type = dtypes.as_dtype(tf_type)
    with ops.name_scope(name, "assert_type", [tensor]):
        if not isinstance(tensor, sparse_tensor.SparseTensor):
            tensor = ops.convert_to_tensor(tensor, name="tensor")
        if tensor.dtype != tf_type:
            raise TypeError(f"{message or ''}{tensor.name} must be of type {tf_type!r}; got {tensor.dtype!r}")
        return control_flow_ops.no_op("statically_determined_correct_type")


@tf_export("debugging.assert_scalar", "assert_scalar")
def assert_scalar(tensor, name=None, message=None):
    """ValueError unless the tensor is a scalar; the tensor."""
    with ops.name_scope(name, "assert_scalar", [tensor]) as scope:
        tensor = ops.convert_to_tensor(tensor, name=scope)
        if tensor.get_shape().ndims != 0:
            raise ValueError(f"{message or ''}Expected scalar shape, saw shape: {tensor.get_shape()}.")
        return tensor


@tf_export("debugging.assert_shapes")
def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless tensors have shapes: sizes are numbers, None, or letters that mean one size."""
    pairs = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
    sizes, checks = {}, []
    with ops.name_scope(name, "assert_shapes"):
        for x, symbols in pairs:
            x = ops.convert_to_tensor(x)
            symbols = list(symbols) if isinstance(symbols, (list, tuple, str)) else [symbols]
            if x.get_shape().ndims is not None and x.get_shape().ndims != len(symbols):
                raise ValueError(f"{message or ''}.  Tensor {x.name} must have rank {len(symbols)}.  Received rank "
                                 f"{x.get_shape().ndims}, shape {x.get_shape()}")  # fmt: skip
            known = x.get_shape().as_list() if x.get_shape().ndims is not None else [None] * len(symbols)
            for i, symbol in enumerate(symbols):
                if symbol in (None, "."):
                    continue
                actual = array_ops.shape(x)[i] if known[i] is None else known[i]
                wanted = symbol if isinstance(symbol, int) else sizes.setdefault(symbol, actual)
                if isinstance(actual, int) and isinstance(wanted, int):
                    if actual != wanted:
                        raise ValueError(f"{message or ''}Tensor {x.name} dimension {i} must have size {wanted}. "
                                         f"Received size {actual}, shape {x.get_shape()}")  # fmt: skip
                elif actual is not wanted:
                    checks.append(assert_equal(actual, wanted, data=data, summarize=summarize, message=message))
        return control_flow_ops.group(*checks)


@tf_export("debugging.assert_proper_iterable", "assert_proper_iterable")
def assert_proper_iterable(values):
    """TypeError for what should not be iterated over: tensors, strings, arrays."""
    bad = (sparse_tensor.SparseTensor, ops.Tensor, np.ndarray, bytes, str)
    if isinstance(values, bad):
        raise TypeError(f"Expected argument 'values' to be a 'proper' iterable.  Found: {type(values)}")
    if not hasattr(values, "__iter__"):
        raise TypeError(f"Expected argument 'values' to be iterable.  Found: {type(values)}")


@tf_export("debugging.assert_same_float_dtype", "assert_same_float_dtype")
def assert_same_float_dtype(tensors=None, dtype=None):
    """The one floating dtype of all, float32 where none says; ValueError if there are two, or another kind."""
    if tensors:
        wanted = dtype
        for tensor in tensors:
            if tensor is None:
                continue
            found = tensor.dtype.base_dtype
            if wanted is None:
                wanted = found
            elif wanted != found:
                raise ValueError(f"Tensor conversion requested dtype {wanted} but {tensor} is {found}")
        dtype = wanted
    dtype = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


@tf_export("debugging.is_numeric_tensor", "is_numeric_tensor")
def is_numeric_tensor(tensor):
    """Whether it is a tensor of numbers."""
    return isinstance(tensor, ops.Tensor) and (
        tensor.dtype.base_dtype.is_floating or tensor.dtype.base_dtype.is_integer or tensor.dtype.base_dtype.is_complex
    )


def _differences(x):
    """x[1:] - x[:-1] of the flattened tensor."""
    flat = array_ops.reshape(x, [-1])
    return flat[1:] - flat[:-1]


@tf_export("math.is_non_decreasing", "debugging.is_non_decreasing", "is_non_decreasing")
def is_non_decreasing(x, name=None):
    """Whether x[i] <= x[i + 1]."""
    with ops.name_scope(name, "is_non_decreasing", [x]):
        diff = _differences(ops.convert_to_tensor(x))
        return math_ops.reduce_all(gen_ops.less_equal(ops.convert_to_tensor(0, dtype=diff.dtype), diff))


@tf_export("math.is_strictly_increasing", "debugging.is_strictly_increasing", "is_strictly_increasing")
def is_strictly_increasing(x, name=None):
    """Whether x[i] < x[i + 1]."""
    with ops.name_scope(name, "is_strictly_increasing", [x]):
        diff = _differences(ops.convert_to_tensor(x))
        return math_ops.reduce_all(gen_ops.less(ops.convert_to_tensor(0, dtype=diff.dtype), diff))


@tf_export("ensure_shape")
def ensure_shape(x, shape, name=None):
    """The tensor, after a check that it has the shape."""
    if not isinstance(shape, tensor_shape.TensorShape):
        shape = tensor_shape.TensorShape(shape)
    return array_ops.ensure_shape(x, shape, name=name)
