"""The fields of messages, and what may be assigned to them."""

import math
import struct

from tenon.python.framework import proto_wire as wire
from tenon.python.framework.proto_containers import MessageMap, RepeatedMessage, RepeatedScalar, ScalarMap

# What google.protobuf calls TYPE_... and CPPTYPE_....
_TYPES = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "fixed64": 6, "fixed32": 7, "bool": 8, "string": 9,
    "message": 11, "bytes": 12, "uint32": 13, "enum": 14, "sfixed32": 15, "sfixed64": 16, "sint32": 17, "sint64": 18,
}  # fmt: skip
_CPP_TYPES = {
    "int32": 1, "sint32": 1, "sfixed32": 1, "int64": 2, "sint64": 2, "sfixed64": 2, "uint32": 3, "fixed32": 3,
    "uint64": 4, "fixed64": 4, "double": 5, "float": 6, "bool": 7, "enum": 8, "string": 9, "bytes": 9, "message": 10,
}  # fmt: skip
_DEFAULTS = {"string": "", "bytes": b"", "bool": False, "double": 0.0, "float": 0.0}
_FLOAT = struct.Struct("<f")


# --- what may be assigned -------------------------------------------------------------------------------------------


def _refuse(value, wanted):
    raise TypeError(f"{value!r} has type {type(value).__name__}, but expected one of: {wanted}")


def _check_int(kind):
    bits = 64 if "64" in kind else 32
    low, high = (
        (0, (1 << bits) - 1)
        if kind[0] == "u" or kind.startswith("fixed")
        else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    )

    def check(value):
        if type(value) is not int:
            index = getattr(value, "__index__", None)
            if index is None:
                _refuse(value, "int")
            value = index()
        if not low <= value <= high:
            raise ValueError(f"Value out of range: {value}")
        return value

    return check


def _check_double(value):
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        _refuse(value, "int, float")
    return float(value)


def _check_float(value):
    value = _check_double(value)
    try:
        return _FLOAT.unpack(_FLOAT.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _check_bool(value):
    if isinstance(value, (bool, int)) or (hasattr(value, "dtype") and value.dtype.kind in "biu"):
        return bool(value)
    return _refuse(value, "bool, int")


def _check_string(value):
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate is refused
        return value if type(value) is str else str(value)
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{value!r} has type bytes, but isn't valid UTF-8 encoding") from None
    return _refuse(value, "bytes, str")


def _check_bytes(value):
    if type(value) is bytes:
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return _refuse(value, "bytes")


def _check_enum(enum):
    integer = _check_int("int32")

    def check(value):
        if isinstance(value, str):
            if value not in enum._numbers:
                raise ValueError(f"unknown enum label {value!r} of {enum.full_name}")
            return enum._numbers[value]
        if type(value) is not int and hasattr(value, "as_datatype_enum"):
            value = value.as_datatype_enum
        return integer(value)

    return check


def _checker(kind, enum):
    if kind == "enum":
        return _check_enum(enum)
    named = {
        "double": _check_double,
        "float": _check_float,
        "bool": _check_bool,
        "string": _check_string,
        "bytes": _check_bytes,
    }
    return named.get(kind) or _check_int(kind)


# --- fields ---------------------------------------------------------------------------------------------------------


class Field:
    """One field of a message type: a data descriptor of the class, and what google.protobuf calls a FieldDescriptor."""

    LABEL_OPTIONAL, LABEL_REQUIRED, LABEL_REPEATED = 1, 2, 3
    is_extension = False
    has_options = False

    def __init__(self, name, number, kind, target=None, oneof=None):
        self.name, self.number, self.kind, self.oneof = name, number, kind, oneof
        self.type, self.cpp_type = _TYPES[kind], _CPP_TYPES[kind]
        self.enum_type = target if kind == "enum" else None
        self._target = target
        self.containing_type = self.containing_oneof = None
        self.index = 0
        if kind != "message":
            self.check = _checker(kind, target)
            self.default = target.default if kind == "enum" else _DEFAULTS.get(kind, 0)

    # What google.protobuf's descriptors say.
    label = LABEL_OPTIONAL
    is_repeated = is_map = is_packed = has_presence = False
    is_required = False

    @property
    def full_name(self):
        return f"{self.containing_type.full_name}.{self.name}"

    @property
    def type_class(self):
        return self._target() if self.kind == "message" else None

    @property
    def message_type(self):
        return self._target().DESCRIPTOR if self.kind == "message" else None

    @property
    def default_value(self):
        return [] if self.is_repeated else None if self.kind == "message" else self.default

    @property
    def camelcase_name(self):
        first, *rest = self.name.split("_")
        return first + "".join(part[:1].upper() + part[1:] for part in rest)

    json_name = camelcase_name

    def GetOptions(self):
        return None

    def _tag(self, wire_type):
        return wire.varint(self.number << 3 | wire_type)

    def _size_and(self, out, at, size):
        """Puts the tag and SIZE into OUT[AT]; returns the whole size."""
        head = out[at] = self._tag_bytes + wire.varint(size)
        return len(head) + size

    def leave(self, message):
        """Clears what shares a oneof with this field."""
        values = message._values
        for other in self.containing_oneof.fields:
            if other is not self and other.name in values:
                other.clear(message)

    def clear(self, message):
        message._values.pop(self.name, None)

    def __set__(self, message, value):
        if self.is_repeated and value is message._values.get(self.name):
            return  # what += does after adding
        raise AttributeError(
            f'Assignment not allowed to message, map, or repeated field "{self.name}" in protocol message object.'
        )

    def __delete__(self, message):
        raise AttributeError(f"field {self.name!r} cannot be deleted")


class ScalarField(Field):
    """One number, string or bytes."""

    def __init__(self, name, number, kind, target=None, oneof=None, presence=False):
        super().__init__(name, number, kind, target, oneof)
        self.has_presence = presence or oneof is not None

    def __get__(self, message, owner=None):
        if message is None:
            return self
        return message._values.get(self.name, self.default)

    def __set__(self, message, value):
        self.put(message, self.check(value))
        if message._owner is not None:
            message._touch()

    def put(self, message, value):
        if self.oneof is not None:
            self.leave(message)
        if (
            value
            or self.has_presence
            or (value == 0 and math.copysign(1, value) < 0 if type(value) is float else False)
        ):
            message._values[self.name] = value
        else:
            message._values.pop(self.name, None)

    def present(self, message):
        return self.name in message._values

    def assign(self, message, value):
        self.__set__(message, value)

    def merge(self, message, value):
        self.put(message, value)

    def decoders(self):
        read, name, put = wire.reader(self.kind), self.name, self.put
        if self.oneof is None and not self.has_presence and self.kind not in ("float", "double"):

            def decode(message, values, buf, pos, end, depth):
                values[name], pos = read(buf, pos, end)
                return pos

            return [(wire.wire_type(self.kind), decode)]

        def decode_put(message, values, buf, pos, end, depth):
            value, pos = read(buf, pos, end)
            put(message, value)
            return pos

        return [(wire.wire_type(self.kind), decode_put)]

    def encoder(self):
        tag, write = self._tag(wire.wire_type(self.kind)), wire.writer(self.kind)
        always = self.has_presence or self.kind in ("float", "double")
        if self.kind == "bytes":

            def encode_bytes(value, out):  # large values are not copied
                if not value and not always:
                    return 0
                head = tag + wire.varint(len(value))
                out.append(head)
                out.append(value)
                return len(head) + len(value)

            return encode_bytes

        def encode(value, out):
            if not value and not always:  # a default that came over the wire
                return 0
            data = tag + write(value)
            out.append(data)
            return len(data)

        return encode


class MessageField(Field):
    """One message; reading it while it is absent gives one that comes to be when something in it is set."""

    has_presence = True

    def __get__(self, message, owner=None):
        if message is None:
            return self
        value = message._values.get(self.name)
        if value is None:
            value = message._values[self.name] = self._target()()
            value._owner = (message, self)
        return value

    def attach(self, message, value):
        """VALUE, which was absent, is there now."""
        if self.oneof is not None:
            self.leave(message)
        message._values[self.name] = value
        message._touch()

    def present(self, message):
        value = message._values.get(self.name)
        return value is not None and value._owner is None

    def clear(self, message):
        value = message._values.pop(self.name, None)
        if value is not None:
            value._owner = None

    def assign(self, message, value):
        target = self.__get__(message)
        if isinstance(value, dict):
            value = self._target()(**value)
        target._touch()
        target.MergeFrom(value)

    merge = assign

    def decoders(self):
        name, target = self.name, self._target

        def decode(message, values, buf, pos, end, depth):
            size = buf[pos]
            pos += 1
            if size > 127:
                size, pos = wire.read_varint(buf, pos - 1)
            stop = pos + size
            if stop > end or depth <= 0:
                raise wire.DecodeError(
                    "bytes end before a field does" if stop > end else "messages are nested too deeply"
                )
            inner = values.get(name)
            if inner is None or inner._owner is not None:
                if self.oneof is not None:
                    self.leave(message)
                inner = values[name] = target()()
            inner._parse(buf, pos, stop, depth - 1)
            return stop

        return [(wire.BYTES, decode)]

    def encoder(self):
        self._tag_bytes = self._tag(wire.BYTES)

        def encode(value, out):
            if value._owner is not None:
                return 0
            at = len(out)
            out.append(b"")
            return self._size_and(out, at, value._encode(out))

        return encode


class RepeatedField(Field):
    """A list of scalars or messages."""

    label = Field.LABEL_REPEATED
    is_repeated = True

    def __init__(self, name, number, kind, target=None, packed=True):
        super().__init__(name, number, kind, target)
        self.is_packed = packed and wire.wire_type(kind) != wire.BYTES
        self.container = RepeatedMessage if kind == "message" else RepeatedScalar

    def __get__(self, message, owner=None):
        if message is None:
            return self
        value = message._values.get(self.name)
        if value is None:
            value = message._values[self.name] = self.container(self, message)
        return value

    def present(self, message):
        return bool(message._values.get(self.name))

    def assign(self, message, value):
        self.__get__(message).extend(value)

    def merge(self, message, value):
        if value:
            self.__get__(message).extend(value)

    def decoders(self):
        get, append = self.__get__, list.append
        if self.kind == "message":
            target = self._target

            def decode(message, values, buf, pos, end, depth):
                pos, stop = wire.size_at(buf, pos, end)
                if depth <= 0:
                    raise wire.DecodeError("messages are nested too deeply")
                inner = target()()
                inner._parse(buf, pos, stop, depth - 1)
                append(get(message), inner)
                return stop

            return [(wire.BYTES, decode)]
        read = wire.reader(self.kind)

        def decode_one(message, values, buf, pos, end, depth):
            value, pos = read(buf, pos, end)
            append(get(message), value)
            return pos

        if wire.wire_type(self.kind) == wire.BYTES:
            return [(wire.BYTES, decode_one)]
        read_list = wire.list_reader(self.kind)

        def decode_packed(message, values, buf, pos, end, depth):
            pos, stop = wire.size_at(buf, pos, end)
            list.extend(get(message), read_list(buf, pos, stop))
            return stop

        return [(wire.wire_type(self.kind), decode_one), (wire.BYTES, decode_packed)]

    def encoder(self):
        if self.is_packed:
            tag, write_list = self._tag(wire.BYTES), wire.list_writer(self.kind)

            def encode_packed(values, out):
                if not values:
                    return 0
                data = write_list(values)
                head = tag + wire.varint(len(data))
                out.append(head)
                out.append(data)
                return len(head) + len(data)

            return encode_packed
        if self.kind == "message":
            self._tag_bytes = self._tag(wire.BYTES)

            def encode_messages(values, out):
                total = 0
                for value in values:
                    at = len(out)
                    out.append(b"")
                    total += self._size_and(out, at, value._encode(out))
                return total

            return encode_messages
        tag, write = self._tag(wire.wire_type(self.kind)), wire.writer(self.kind)

        def encode(values, out):
            total = 0
            for value in values:
                data = tag + write(value)
                out.append(data)
                total += len(data)
            return total

        return encode


class MapField(Field):
    """A map from scalars to scalars or messages; on the wire, messages of a key (1) and a value (2)."""

    label = Field.LABEL_REPEATED
    is_repeated = is_map = True

    def __init__(self, name, number, key, value):
        super().__init__(name, number, "message")
        self.key, self.value = key, value
        self.container = MessageMap if value.kind == "message" else ScalarMap

    @property
    def type_class(self):
        return None

    @property
    def message_type(self):
        return self.entry

    __get__ = RepeatedField.__get__
    present = RepeatedField.present

    def assign(self, message, value):
        self.__get__(message).update(value)

    def merge(self, message, value):
        if value:
            self.__get__(message).update(value)

    def decoders(self):
        get, read_key = self.__get__, wire.reader(self.key.kind)
        read_value = None if self.value.kind == "message" else wire.reader(self.value.kind)
        target, default, no_key = self.value._target, getattr(self.value, "default", None), self.key.default
        key_tag = 1 << 3 | wire.wire_type(self.key.kind)
        value_tag = 2 << 3 | wire.wire_type(self.value.kind)

        def decode(message, values, buf, pos, end, depth):
            pos, stop = wire.size_at(buf, pos, end)
            if depth <= 1:
                raise wire.DecodeError("messages are nested too deeply")
            key = no_key
            value = default if read_value else target()()
            while pos < stop:
                tag, pos = wire.read_varint(buf, pos)
                if tag == key_tag:
                    key, pos = read_key(buf, pos, stop)
                elif tag == value_tag:
                    if read_value:
                        value, pos = read_value(buf, pos, stop)
                    else:
                        start, pos = wire.size_at(buf, pos, stop)
                        value._parse(buf, start, pos, depth - 2)
                else:
                    pos = wire.skip(buf, pos, stop, tag, depth)
            if pos != stop:
                raise wire.DecodeError("bytes end before a field does")
            dict.__setitem__(get(message), key, value)
            return stop

        return [(wire.BYTES, decode)]

    def encoder(self):
        self._tag_bytes = self._tag(wire.BYTES)
        key_tag, write_key = self.key._tag(wire.wire_type(self.key.kind)), wire.writer(self.key.kind)
        value_tag = self.value._tag(wire.wire_type(self.value.kind))
        write = None if self.value.kind == "message" else wire.writer(self.value.kind)

        def encode(values, out):
            total = 0
            for key in sorted(values):
                at = len(out)
                head = key_tag + write_key(key)
                out += (b"", head, b"")
                if write:
                    out[at + 2] = value_tag + write(values[key])
                    size = len(out[at + 2])
                else:
                    size = values[key]._encode(out)
                    out[at + 2] = value_tag + wire.varint(size)
                    size += len(out[at + 2])
                total += self._size_and(out, at, len(head) + size)
            return total

        return encode
