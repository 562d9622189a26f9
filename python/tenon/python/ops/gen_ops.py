"""A function for every registered op, made from its definition when it is first asked for.

gen_ops.mat_mul(a, b, transpose_a=False, transpose_b=False, name=None): inputs, then attributes without a default, then
those with one, then the name. Names are those of the op types in snake_case; `by_type("MatMul")` takes the op type.
"""

import builtins
import keyword
from collections import namedtuple

from tenon import _core
from tenon._proto import op_info
from tenon.python.framework import dtypes, errors, ops
from tenon.python.framework.dtypes import _BY_NUMBER
from tenon.python.framework.graph import raw_attr
from tenon.python.framework.tensor import Tensor

_by_type = {}
_by_name = {}  # snake_case: op type


def snake_case(op_type):
    """The name of the function of an op type."""
    text = []
    for i, c in enumerate(op_type):
        after = op_type[i + 1 : i + 2]
        if c.isupper() and i and (op_type[i - 1].islower() or after.islower()):
            text.append("_")
        text.append(c.lower())
    return "".join(text)


class _Op:
    """What a call needs to know of an op."""

    __slots__ = ("args", "attrs", "inferred", "name", "outputs", "plain", "result", "single")

    def __init__(self, info):
        self.name = info.name
        self.args = info.inputs
        self.inferred = info.inferred()
        given = [a for a in info.defs if a.name not in self.inferred]
        self.attrs = [a for a in given if not a.has_default] + [a for a in given if a.has_default]
        self.outputs = info.outputs
        # Ops whose inputs are single tensors and whose checks the core's suffice for.
        self.plain = not any(a.is_list or a.is_ref for a in self.args)
        self.single = len(self.outputs) == 1 and not self.outputs[0].is_list
        self.result = None


def _parameter(name):
    return name + "_" if keyword.iskeyword(name) or name in ("None", "True", "False") else name


def _default(attr):
    """The default of an attribute as Python has it: dtypes for types, strings for bytes."""
    value = attr.default
    if attr.kind == "type":
        return _BY_NUMBER[value]
    if attr.kind == "list(type)":
        return [_BY_NUMBER[v] for v in value]
    if attr.kind == "string":
        return value.decode("utf-8", "replace")
    if attr.kind == "list(string)":
        return [v.decode("utf-8", "replace") for v in value]
    if attr.kind == "float":
        return float(f"{value:.7g}")
    if attr.kind == "list(float)":
        return [float(f"{v:.7g}") for v in value]
    return value


def _compile(op):
    """The function with the op's own signature."""
    inputs = [_parameter(a.name) for a in op.args]
    values = [_parameter(a.name) for a in op.attrs]
    parameters = list(inputs)
    scope = {"_call": _call, "_op": op}
    for attr, parameter in zip(op.attrs, values):
        if attr.has_default:
            scope[f"_{parameter}"] = _default(attr)
            parameter = f"{parameter}=_{parameter}"
        parameters.append(parameter)
    name = _parameter(snake_case(op.name))
    comma = "," if len(inputs) == 1 else ""
    comma2 = "," if len(values) == 1 else ""
    text = (f"def {name}({', '.join([*parameters, 'name=None'])}):\n"
            f"    return _call(_op, name, ({', '.join(inputs)}{comma}), ({', '.join(values)}{comma2}))\n")  # fmt: skip
    exec(compile(text, f"<op {op.name}>", "exec"), scope)
    function = scope[name]
    function.__module__ = __name__
    return function


def _documented(function, op_type):
    function.__doc__ = (_core.op_doc(op_type) or "").strip() or f"Adds a {op_type} operation."
    return function


def by_type(op_type):
    """The function of an op type; errors.NotFoundError."""
    function = _by_type.get(op_type)
    if function is None:
        function = _by_type[op_type] = _documented(_compile(_Op(op_info(op_type))), op_type)
    return function


def op_type(name):
    """The op type whose function is called NAME; NAME itself if there is none."""
    if not _by_name:
        _by_name.update((_parameter(snake_case(op)), op) for op in _core.op_names())
    return _by_name.get(name) or _by_name.get(name.strip("_")) or name


def __getattr__(name):
    found = op_type(name)
    if name[:2] == "__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    try:
        function = by_type(found)
    except errors.NotFoundError:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}': no such op is registered") from None
    if not hasattr(builtins, name):  # ops called all, max and slice must not hide what this module calls itself
        globals()[name] = function
    return function


# --- calls ---


def _call(op, name, inputs, values):
    """Adds a node of OP; INPUTS and VALUES (of the attributes) in the order of OP's."""
    graph = ops.get_default_graph()
    if op.plain:
        for x in inputs:
            if type(x) is not Tensor or x._op._graph is not graph:
                break
        else:
            return _result(op, _add(graph, op, inputs, op.args, values, name))
    return _call_slow(op, name, inputs, values)


def _add(graph, op, inputs, args, values, name, lengths=()):
    attrs = list(lengths)
    if values:
        for attr, value in zip(op.attrs, values):
            if attr.has_default:
                default = attr.default
                if value is default or value is None:
                    continue
                raw = _attr(op, attr, value)
                if raw == default and type(raw) is type(default):
                    continue
            else:
                raw = _attr(op, attr, value)
            attrs.append((attr.name, attr.kind, raw))
    if len(inputs) > 1:
        _check_types(op, inputs, args)
    return graph._make(op.name, inputs, attrs, name)


def _check_types(op, inputs, args):
    """TypeError where inputs that must have one type have several."""
    known = {}
    for argument, x in zip(args, inputs):
        key = argument.type_attr
        if not key:
            continue
        first = known.setdefault(key, (argument, x))
        if first[1]._dtype is not x._dtype and first[1].dtype.base is not x.dtype.base:
            raise TypeError(f"Input '{argument.name}' of '{op.name}' Op has type {x.dtype.base.name} that does not "
                            f"match type {first[1].dtype.base.name} of argument '{first[0].name}'.")  # fmt: skip


def _attr(op, attr, value):
    """The value of an attribute as the extension takes it. TypeError names what is wrong."""
    kind = attr.kind
    if kind == "type":
        dtype = dtypes.as_dtype(value).base
        if attr.allowed and dtype.number not in attr.allowed:
            allowed = ", ".join(_BY_NUMBER[n].name for n in attr.allowed)
            raise TypeError(f"Value passed to parameter '{attr.name}' has DataType {dtype.name} not in list of allowed "
                            f"values: {allowed}")  # fmt: skip
        return dtype.number
    try:
        if kind == "int":
            if isinstance(value, (str, bytes)) or isinstance(value, float) and not value.is_integer():
                raise TypeError
            return int(value)
        if kind == "float":
            return float(value)
        if kind == "bool":
            if isinstance(value, (str, bytes)):
                raise TypeError
            return bool(value)
        if kind.startswith("list(") and not isinstance(value, (list, tuple)):
            if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
                raise TypeError(f"Expected list for attr {attr.name}")
            value = list(value)
        if kind == "list(int)":
            return [int(v) for v in value]
        return raw_attr(kind, value)
    except TypeError as error:
        message = str(error)
        if message.startswith("Expected"):
            raise
        raise TypeError(f"Expected {kind} for argument '{attr.name}' of '{op.name}' Op not {value!r}. "
                        f"{message}".strip()) from None  # fmt: skip


def _call_slow(op, name, inputs, values):
    """As _call, where values must become tensors first: in the name scope of the node."""
    flat = []
    for argument, x in zip(op.args, inputs):
        if argument.is_list and isinstance(x, (list, tuple)):
            flat.extend(x)
        else:
            flat.append(x)
    graph = ops._get_graph_from_inputs(flat)
    if graph is not ops.get_default_graph():
        with graph.as_default():
            return _call_in(graph, op, name, inputs, values)
    return _call_in(graph, op, name, inputs, values)


def _ready(argument, x):
    if argument.is_list:
        return isinstance(x, (list, tuple)) and all(type(v) is Tensor for v in x)
    return type(x) is Tensor


def _call_in(graph, op, name, inputs, values):
    if graph.building_function or not all(map(_ready, op.args, inputs)):
        with graph.name_scope(name or op.name.lstrip("_")) as scope:
            converted = _convert(op, inputs, values)
            name = scope
    else:
        converted = [list(x) if argument.is_list else x for argument, x in zip(op.args, inputs)]
    tensors, args = [], []
    for argument, x in zip(op.args, converted):
        if argument.is_list:
            _check_list(op, argument, x)
            tensors += x
            args += [argument] * len(x)
        else:
            tensors.append(x)
            args.append(argument)
    for argument, x in zip(args, tensors):
        if argument.is_ref and not x.dtype.is_ref:
            raise TypeError(
                f"'{op.name}' Op requires that input '{argument.name}' be a mutable tensor (e.g.: a tf.Variable)"
            )
    operation = _add(graph, op, tensors, args, values, name, _lengths(op, converted))
    return _result(op, operation, converted)


def _lengths(op, converted):
    """Where several lists differ in length, the attributes that say so; the core can tell one by itself."""
    lists = [(argument, x) for argument, x in zip(op.args, converted) if argument.is_list]
    if len({argument.number_attr or argument.type_list_attr for argument, _ in lists}) < 2:
        return ()
    known = {}
    for argument, x in lists:
        if argument.number_attr:
            known[argument.number_attr] = (argument.number_attr, "int", len(x))
        else:
            types = [tensor.dtype.base.number for tensor in x]
            known[argument.type_list_attr] = (argument.type_list_attr, "list(type)", types)
    return known.values()


def _check_list(op, argument, tensors):
    if argument.type_list_attr or argument.type or not tensors:
        return
    first = tensors[0].dtype.base
    if any(x.dtype.base is not first for x in tensors):
        names = ", ".join(x.dtype.base.name for x in tensors)
        raise TypeError(f"Tensors in list passed to '{argument.name}' of '{op.name}' Op have types [{names}] that "
                        "don't all match.")  # fmt: skip


def _convert(op, inputs, values):
    """INPUTS as tensors; lists stay lists of them."""
    known = {attr.name: dtypes.as_dtype(value) for attr, value in zip(op.attrs, values)
             if attr.kind == "type" and value is not None}  # fmt: skip
    converted = []
    for argument, x in zip(op.args, inputs):
        if argument.is_list:
            converted.append(_convert_list(op, argument, x, known))
            continue
        dtype = preferred = None
        if argument.type:
            dtype = _BY_NUMBER[argument.type]
        elif argument.type_attr in known:
            dtype = known[argument.type_attr]
        elif not hasattr(x, "dtype"):  # an array keeps its own
            preferred = _preferred(op, argument.type_attr)
        converted.append(_convert_one(op, argument, x, dtype, preferred, known))
    return converted


def _preferred(op, type_attr):
    default = next((a.default for a in op_info(op.name).defs if a.name == type_attr and a.has_default), None)
    return _BY_NUMBER[default] if default else None


def _convert_one(op, argument, x, dtype, preferred, known):
    try:
        tensor = ops.internal_convert_to_tensor(x, dtype.base if dtype is not None else None, argument.name,
                                                argument.is_ref, preferred)  # fmt: skip
    except TypeError as error:
        if dtype is None:
            raise
        raise TypeError(f"Expected {dtype.name} passed to parameter '{argument.name}' of op '{op.name}', got {x!r} of "
                        f"type '{type(x).__name__}' instead. Error: {error}") from None  # fmt: skip
    except ValueError:
        if not isinstance(x, Tensor) and not hasattr(x, "dtype") or dtype is None or argument.type:
            raise
        observed = dtypes.as_dtype(x.dtype).base
        raise TypeError(f"Input '{argument.name}' of '{op.name}' Op has type {observed.name} that does not match type "
                        f"{dtype.name} of argument '{_who(op, argument.type_attr)}'.") from None  # fmt: skip
    if argument.type_attr:
        known.setdefault(argument.type_attr, tensor.dtype.base)
    return tensor


def _who(op, type_attr):
    return next((a.name for a in op.args if a.type_attr == type_attr), type_attr)


def _convert_list(op, argument, values, known):
    if not isinstance(values, (list, tuple)):
        if hasattr(values, "__iter__") and not isinstance(values, (Tensor, str, bytes)):
            values = list(values)
        else:
            raise TypeError(f"Expected list for '{argument.name}' argument to '{op.name}' Op, not {values!r}.")
    if argument.type_list_attr:
        return [ops.internal_convert_to_tensor(v, None, f"{argument.name}_{i}", argument.is_ref)
                for i, v in enumerate(values)]  # fmt: skip
    dtype = _BY_NUMBER[argument.type] if argument.type else known.get(argument.type_attr)
    if dtype is None:
        dtype = next((dtypes.as_dtype(v.dtype).base for v in values if ops.is_dense_tensor_like(v)), None)
    if dtype is not None:
        _same_types(op, argument, values, dtype)
    tensors = ops.internal_convert_n_to_tensor(values, dtype, argument.name, argument.is_ref)
    if argument.type_attr and tensors:
        known.setdefault(argument.type_attr, tensors[0].dtype.base)
    return tensors


def _same_types(op, argument, values, dtype):
    own = [dtypes.as_dtype(v.dtype).base for v in values if ops.is_dense_tensor_like(v)]
    if any(d is not dtype.base for d in own):
        raise TypeError(f"Tensors in list passed to '{argument.name}' of '{op.name}' Op have types "
                        f"[{', '.join(d.name for d in own)}] that don't all match.")  # fmt: skip


def _result(op, operation, converted=None):
    """What the function returns: the Operation, a Tensor, a list, or a named tuple of these."""
    outputs = operation._outputs
    if op.single:
        return outputs[0]
    if not op.outputs:
        return operation
    if len(op.outputs) == 1:
        return list(outputs)
    if op.result is None:
        op.result = namedtuple(op.name.lstrip("_"), [_parameter(a.name) for a in op.outputs])
    parts, at = [], 0
    for argument in op.outputs:
        if argument.is_list:
            count = len(operation.get_attr(argument.type_list_attr)) if argument.type_list_attr else operation.get_attr(
                argument.number_attr)  # fmt: skip
            parts.append(outputs[at : at + count])
            at += count
        else:
            parts.append(outputs[at])
            at += 1
    return op.result(*parts)
