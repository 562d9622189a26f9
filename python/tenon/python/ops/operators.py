"""What +, -, *, [] and the like do with tensors."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework.tensor import Tensor
from tenon.python.ops import gen_ops

# Operator: (name of the node, op type).
_BINARY = {
    "add": ("add", "AddV2"), "sub": ("sub", "Sub"), "mul": ("mul", "Mul"), "div": ("div", "Div"),
    "truediv": ("truediv", "RealDiv"), "floordiv": ("floordiv", "FloorDiv"), "mod": ("mod", "FloorMod"),
    "pow": ("pow", "Pow"), "and": ("and", "LogicalAnd"), "or": ("or", "LogicalOr"), "xor": ("xor", None),
    "matmul": ("matmul", "MatMul"),
}  # fmt: skip
_COMPARE = {"lt": ("Less", "Less"), "le": ("LessEqual", "LessEqual"), "gt": ("Greater", "Greater"),
            "ge": ("GreaterEqual", "GreaterEqual")}  # fmt: skip
_NEEDS_TRUE_DIVISION = {"int8": "float32", "uint8": "float32", "int16": "float32", "uint16": "float32",
                        "int32": "float64", "int64": "float64", "uint32": "float64", "uint64": "float64"}  # fmt: skip


def true_divide(x, y, name):
    """x / y with integers as floats; both are Tensors of one dtype."""
    if x.dtype.base is not y.dtype.base:
        raise TypeError(f"x and y must have the same dtype, got {x.dtype.base!r} != {y.dtype.base!r}")
    wider = _NEEDS_TRUE_DIVISION.get(x.dtype.base.name)
    if wider:
        x, y = (gen_ops.cast(v, dtypes.as_dtype(wider), name="Cast") for v in (x, y))
    return gen_ops.real_div(x, y, name=name)


def _matmul(x, y, name):
    from tenon.python.ops import math_ops

    return math_ops.matmul(x, y, name=name)


def logical_xor(x, y, name="LogicalXor"):
    """x ^ y of booleans."""
    return gen_ops.logical_and(gen_ops.logical_or(x, y), gen_ops.logical_not(gen_ops.logical_and(x, y)), name=name)


def _boolean(logical, bitwise):
    """Of booleans the logical, of integers the bitwise operation."""

    def call(x, y, name):
        if not x.dtype.is_bool:
            return gen_ops.by_type(bitwise)(x, y, name=name)
        return logical_xor(x, y, name) if logical is None else gen_ops.by_type(logical)(x, y, name=name)

    return call


def _function(key, op_type):
    if key == "add":
        return lambda x, y, name: gen_ops.by_type("Add" if x.dtype.base is dtypes.string else "AddV2")(x, y, name=name)
    if key == "truediv":
        return true_divide
    if key == "matmul":
        return _matmul
    if key in ("and", "or", "xor"):
        return _boolean(op_type, {"and": "BitwiseAnd", "or": "BitwiseOr", "xor": "BitwiseXor"}[key])
    function = gen_ops.by_type(op_type)
    return lambda x, y, name: function(x, y, name=name)


def _dense(y):
    return not hasattr(y, "dense_shape")


def _forward(name, function):
    def operator(x, y):
        if type(y) is Tensor and y.dtype.base is x.dtype.base and not ops.get_default_graph().building_function:
            if name != "truediv" or x.dtype.base.is_floating:
                return function(x, y, name)
        if not _dense(y):
            return _with_sparse(name, x, y)
        if _has_own(y):
            return NotImplemented
        with ops.name_scope(None, name, [x, y]) as scope:
            if not isinstance(y, Tensor):
                try:
                    y = ops.convert_to_tensor(y, dtype=x.dtype.base, name="y")
                except TypeError:
                    if hasattr(type(y), f"__r{name}__") and not isinstance(y, (int, float, str, bytes, list, tuple)):
                        return NotImplemented
                    raise
            return function(x, y, scope)

    return operator


def _has_own(y):
    """True for what is no tensor but wants to decide itself: it says so with a higher __array_priority__."""
    return not isinstance(y, Tensor) and getattr(y, "__array_priority__", 0) > 100


def _with_sparse(name, x, y):
    from tenon.python.ops import sparse_ops

    if name == "mul":
        return y * x
    if name == "add":
        return sparse_ops.sparse_add(x, y)
    raise TypeError(f"{name} of a Tensor and a SparseTensor")


def _backward(name, function):
    def operator(y, x):
        if _has_own(x):
            return NotImplemented
        with ops.name_scope(None, name, [x, y]) as scope:
            return function(ops.convert_to_tensor(x, dtype=y.dtype.base, name="x"), y, scope)

    return operator


def _compare(name, op_type):
    function = gen_ops.by_type(op_type)

    def operator(x, y):
        if not isinstance(y, Tensor) or y.graph is not x.graph:
            if _has_own(y):
                return NotImplemented
            with ops.name_scope(None, name, [x, y]) as scope:
                return function(x, ops.convert_to_tensor(y, dtype=x.dtype.base, name="y"), name=scope)
        return function(x, y)

    return operator


def _abs(x):
    from tenon.python.ops import math_ops

    return math_ops.abs(x)


def _invert(x):
    return gen_ops.logical_not(x) if x.dtype.is_bool else gen_ops.invert(x)


def _getitem(x, key):
    from tenon.python.ops import array_slicing

    return array_slicing.slice_helper(x, key)


def table():
    """The operators by name."""
    found = {"__getitem__": _getitem, "__neg__": lambda x: gen_ops.neg(x), "__abs__": _abs, "__invert__": _invert}
    for key, (name, op_type) in _BINARY.items():
        function = _function(key, op_type)
        found[f"__{key}__"] = _forward(name, function)
        found[f"__r{key}__"] = _backward(name, function)
    for key, (name, op_type) in _COMPARE.items():
        found[f"__{key}__"] = _compare(name, op_type)
    return found


def install(cls):
    """Gives CLS, Tensor or what is like it, the operators."""
    for name, function in table().items():
        if name in Tensor.OVERLOADABLE_OPERATORS:
            setattr(cls, name, function)
