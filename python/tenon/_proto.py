"""Reads the few fields of OpDef that building needs, without a protobuf library."""

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


class Argument:
    """An input or output of an op: its name and where its dtype and length come from."""

    __slots__ = ("name", "number_attr", "type", "type_attr", "type_list_attr")

    def __init__(self, data):
        got = dict(fields(data))
        self.name = got[1].decode()
        self.type = got.get(3, 0)
        self.type_attr = got.get(4, b"").decode()
        self.number_attr = got.get(5, b"").decode()
        self.type_list_attr = got.get(6, b"").decode()

    @property
    def is_list(self):
        return bool(self.number_attr or self.type_list_attr)


class OpInfo:
    """Inputs, outputs and kinds of attributes of an op type."""

    __slots__ = ("attrs", "inputs", "outputs")

    def __init__(self, name):
        parts = list(fields(_core.op_def(name)))
        self.inputs = [Argument(value) for number, value in parts if number == 2]
        self.outputs = [Argument(value) for number, value in parts if number == 3]
        attrs = [dict(fields(value)) for number, value in parts if number == 4]
        self.attrs = {attr[1].decode(): attr[2].decode() for attr in attrs}


_CACHE = {}


def op_info(name):
    """The OpInfo of op type NAME; errors.NotFoundError."""
    info = _CACHE.get(name)
    if info is None:
        info = _CACHE[name] = OpInfo(name)
    return info
