"""Reads the few fields of OpDef and AttrValue that building needs, without a protobuf library."""

import struct

from tenon import _core


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Yields (field number, value): ints for varints, bytes for everything with a length."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        elif key & 7 == 2:
            size, at = _varint(data, at)
            value = data[at : at + size]
            at += size
        else:
            size = 8 if key & 7 == 1 else 4
            value = data[at : at + size]
            at += size
        yield key >> 3, value


def _signed(value):
    return value - (1 << 64) if value >> 63 else value


def _ints(value):
    """The ints of a repeated field, packed or not."""
    if isinstance(value, int):
        return [_signed(value)]
    items, at = [], 0
    while at < len(value):
        item, at = _varint(value, at)
        items.append(_signed(item))
    return items


def _shape(data):
    """A TensorShapeProto: a tuple of sizes (None where unknown), None for an unknown rank."""
    sizes = []
    for number, value in fields(data):
        if number == 3 and value:
            return None
        if number == 2:
            size = _signed(dict(fields(value)).get(1, 0))
            sizes.append(None if size < 0 else size)
    return tuple(sizes)


def _function(data):
    return dict(fields(data)).get(1, b"").decode()


def _list(data):
    items = []
    for number, value in fields(data):
        if number == 4:
            items += struct.unpack(f"<{len(value) // 4}f", value)
        elif number == 5:
            items += [bool(v) for v in _ints(value)]
        elif number in (3, 6):
            items += _ints(value)
        else:
            items.append({2: bytes, 7: _shape, 8: bytes, 9: _function}[number](value))
    return items


def attr_value(data):
    """(kind, value) of a serialised AttrValue; kinds as in the op registry. Tensors are serialised TensorProtos."""
    for number, value in fields(data):
        if number == 1:
            inner = next((n for n, _ in fields(value)), 0)
            kinds = {2: "string", 3: "int", 4: "float", 5: "bool", 6: "type", 7: "shape", 8: "tensor", 9: "func"}
            return f"list({kinds.get(inner, 'any')})", _list(value)
        if number == 3:
            return "int", _signed(value)
        if number == 4:
            return "float", struct.unpack("<f", value)[0]
        if number == 5:
            return "bool", bool(value)
        if number == 6:
            return "type", value
        if number == 7:
            return "shape", _shape(value)
        if number == 10:
            return "func", _function(value)
        return {2: "string", 8: "tensor"}.get(number, "any"), value
    return "any", None


class Argument:
    """An input or output of an op: its name and where its dtype and length come from."""

    __slots__ = ("is_list", "is_ref", "name", "number_attr", "type", "type_attr", "type_list_attr")

    def __init__(self, data):
        got = dict(fields(data))
        self.name = got[1].decode()
        self.type = got.get(3, 0)
        self.type_attr = got.get(4, b"").decode()
        self.number_attr = got.get(5, b"").decode()
        self.type_list_attr = got.get(6, b"").decode()
        self.is_ref = bool(got.get(16, 0))
        self.is_list = bool(self.number_attr or self.type_list_attr)


class Attribute:
    """An attribute of an op: its kind ("int", "list(type)", ...), default and allowed dtypes."""

    __slots__ = ("allowed", "default", "has_default", "kind", "name")

    def __init__(self, data):
        got = dict(fields(data))
        self.name = got[1].decode()
        self.kind = got[2].decode()
        self.has_default = 3 in got
        self.default = attr_value(got[3])[1] if 3 in got else None
        if self.has_default and self.default is None and self.kind.startswith("list("):
            self.default = []
        self.allowed = attr_value(got[7])[1] if 7 in got else None


class OpInfo:
    """Inputs, outputs and attributes of an op type."""

    __slots__ = ("attrs", "defs", "inputs", "name", "outputs", "stateful")

    def __init__(self, name):
        parts = list(fields(_core.op_def(name)))
        self.name = name
        self.inputs = [Argument(value) for number, value in parts if number == 2]
        self.outputs = [Argument(value) for number, value in parts if number == 3]
        self.defs = [Attribute(value) for number, value in parts if number == 4]
        self.attrs = {attr.name: attr.kind for attr in self.defs}
        self.stateful = any(value for number, value in parts if number == 17)

    def inferred(self):
        """The names of the attributes that the inputs determine."""
        return {n for a in self.inputs for n in (a.type_attr, a.number_attr, a.type_list_attr) if n}


_CACHE = {}


def op_info(name):
    """The OpInfo of op type NAME; errors.NotFoundError."""
    info = _CACHE.get(name)
    if info is None:
        info = _CACHE[name] = OpInfo(name)
    return info
