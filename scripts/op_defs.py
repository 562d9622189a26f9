"""The op definitions of a built library, read over its C API: what the generators of wrappers are made from."""

import ctypes
import struct
from dataclasses import dataclass, field


@dataclass
class Argument:
    """An input or output: one tensor, or a list where NUMBER_ATTR or TYPE_LIST_ATTR is set."""

    name: str = ""
    type: int = 0
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False

    @property
    def is_list(self):
        return bool(self.number_attr or self.type_list_attr)


@dataclass
class Attribute:
    """An attribute. As defaults types are dtype numbers, shapes lists or None, tensors and strings bytes."""

    name: str = ""
    type: str = ""
    default: object = None
    has_default: bool = False
    allowed: list = field(default_factory=list)
    minimum: int = 0
    has_minimum: bool = False


@dataclass
class OpDef:
    name: str = ""
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    attrs: list = field(default_factory=list)
    summary: str = ""
    is_stateful: bool = False

    def attr(self, name):
        return next(attr for attr in self.attrs if attr.name == name)

    def inferred(self):
        """The attributes that the inputs determine."""
        names = set()
        for argument in self.inputs:
            names |= {argument.type_attr, argument.number_attr, argument.type_list_attr} - {""}
        return names


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """The (number, value) pairs of a serialised message: ints, bytes of 4 or 8, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            size = 8 if key & 7 == 1 else 4
            value, at = data[at : at + size], at + size
        yield key >> 3, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def packed(value):
    """The ints of a repeated field, packed or not."""
    if isinstance(value, int):
        return [signed(value)]
    items, at = [], 0
    while at < len(value):
        item, at = varint(value, at)
        items.append(signed(item))
    return items


def floats(value):
    return list(struct.unpack(f"<{len(value) // 4}f", value))


def shape(data):
    """A TensorShapeProto: a list of sizes (-1 where unknown), None for an unknown rank."""
    sizes, unknown = [], False
    for number, value in fields(data):
        if number == 2:
            sizes.append(signed(dict(fields(value)).get(1, 0)))
        elif number == 3:
            unknown = bool(value)
    return None if unknown else sizes


def items(data):
    """An AttrValue.ListValue; an empty one has no kind."""
    found = []
    for number, value in fields(data):
        if number == 2:
            found.append(value)
        elif number in (3, 5, 6):
            found += packed(value)
        elif number == 4:
            found += floats(value)
        elif number == 7:
            found.append(shape(value))
    return found


def attr_value(data):
    """An AttrValue as a Python value."""
    for number, value in fields(data):
        if number == 1:
            return items(value)
        if number == 3:
            return signed(value)
        if number == 4:
            return floats(value)[0]
        if number == 5:
            return bool(value)
        if number == 7:
            return shape(value)
        return value
    return None


def argument(data):
    names = {1: "name", 3: "type", 4: "type_attr", 5: "number_attr", 6: "type_list_attr", 16: "is_ref"}
    made = Argument()
    for number, value in fields(data):
        if number in names:
            setattr(made, names[number], value.decode() if isinstance(value, bytes) else value)
    made.is_ref = bool(made.is_ref)
    return made


def attribute(data):
    made = Attribute()
    for number, value in fields(data):
        if number == 1:
            made.name = value.decode()
        elif number == 2:
            made.type = value.decode()
        elif number == 3:
            made.default, made.has_default = attr_value(value), True
        elif number == 5:
            made.has_minimum = bool(value)
        elif number == 6:
            made.minimum = signed(value)
        elif number == 7:
            made.allowed = attr_value(value) or []
    return made


def op_def(data):
    made = OpDef()
    for number, value in fields(data):
        if number == 1:
            made.name = value.decode()
        elif number == 2:
            made.inputs.append(argument(value))
        elif number == 3:
            made.outputs.append(argument(value))
        elif number == 4:
            made.attrs.append(attribute(value))
        elif number == 5:
            made.summary = value.decode()
        elif number == 17:
            made.is_stateful = bool(value)
    return made


def load(library):
    """All public op definitions of LIBRARY (a path), by name; those that begin with '_' are the compiler's own."""
    lib = ctypes.CDLL(str(library))
    libc = ctypes.CDLL(None)
    lib.tn_n_ops.restype = ctypes.c_size_t
    lib.tn_op_name.argtypes, lib.tn_op_name.restype = [ctypes.c_size_t], ctypes.c_char_p
    lib.tn_op_to_def.restype = ctypes.c_void_p
    found = {}
    for i in range(lib.tn_n_ops()):
        name = lib.tn_op_name(i)
        if name.startswith(b"_"):
            continue
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        if lib.tn_op_to_def(ctypes.c_char_p(name), ctypes.byref(data), ctypes.byref(size)):
            raise RuntimeError(f"{name.decode()}: no definition")
        found[name.decode()] = op_def(ctypes.string_at(data, size.value))
        libc.free(data)
    return found
