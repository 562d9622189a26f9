"""Messages: the base class, and the making of a class from a line of the table."""

import re

from tenon.python.framework import proto_wire as wire
from tenon.python.framework.proto_fields import Field, MapField, MessageField, RepeatedField, ScalarField

DecodeError = wire.DecodeError


class Message:
    """A protocol buffer.

    `_values` holds what is there by field name; `_owner` is (message, field) while this message is absent from there.
    """

    __slots__ = ("__weakref__", "_owner", "_unknown", "_values")
    __hash__ = None
    DESCRIPTOR = None

    def __init__(self, **fields):
        self._values = {}
        self._owner = None
        self._unknown = b""
        for name, value in fields.items():
            field = self._fields.get(name)
            if field is None:
                raise ValueError(f'Protocol message {type(self).__name__} has no "{name}" field.')
            if value is not None:
                field.assign(self, value)

    def _touch(self):
        if self._owner is not None:
            message, field = self._owner
            self._owner = None
            field.attach(message, self)

    # --- bytes ---

    def _parse(self, buf, pos, end, depth):
        decoders, values = self._decoders, self._values
        while pos < end:
            tag = buf[pos]
            pos += 1
            if tag > 127:
                tag, pos = wire.read_varint(buf, pos - 1)
                start = pos - len(wire.varint(tag))
            else:
                start = pos - 1
            decode = decoders.get(tag)
            if decode is not None:
                pos = decode(self, values, buf, pos, end, depth)
            else:
                pos = wire.skip(buf, pos, end, tag, depth)
                self._unknown += bytes(buf[start:pos])
        if pos != end:
            raise DecodeError("bytes end before a field does")

    def _encode(self, out):
        total = 0
        values = self._values
        if len(values) == 1:
            for name, value in values.items():
                total = self._encoders[name](value, out)
        elif values:
            for name, encode in self._encoders.items():
                if name in values:
                    total += encode(values[name], out)
        if self._unknown:
            out.append(self._unknown)
            total += len(self._unknown)
        return total

    def MergeFromString(self, data):
        """Adds what the serialised message DATA holds; returns how many bytes were read."""
        if isinstance(data, str):
            raise TypeError("expected bytes, str found")
        if not isinstance(data, bytes):
            data = memoryview(data).cast("B")
        self._touch()
        try:
            self._parse(data, 0, len(data), wire.DEPTH)
        except (IndexError, UnicodeDecodeError) as error:
            reason = "bytes end before a field does" if isinstance(error, IndexError) else "a string is not UTF-8"
            raise DecodeError(f"Error parsing message with type '{self.DESCRIPTOR.full_name}': {reason}") from None
        except DecodeError as error:
            raise DecodeError(f"Error parsing message with type '{self.DESCRIPTOR.full_name}': {error}") from None
        return len(data)

    def ParseFromString(self, data):
        """Becomes the serialised message DATA (bytes, or whatever has them in its buffer)."""
        self.Clear()
        return self.MergeFromString(data)

    @classmethod
    def FromString(cls, data):
        """The message that DATA holds."""
        made = cls()
        made.MergeFromString(data)
        return made

    def SerializeToString(self, deterministic=True):
        """The message as bytes: fields by number, maps by key, so that equal messages give equal bytes."""
        out = []
        self._encode(out)
        return b"".join(out)

    SerializePartialToString = SerializeToString

    def ByteSize(self):
        """How many bytes SerializeToString gives."""
        return self._encode([])

    # --- fields ---

    def _field(self, name):
        field = self._fields.get(name)
        if field is None:
            raise ValueError(f'Protocol message {type(self).__name__} has no field "{name}".')
        return field

    def HasField(self, name):
        """Whether a field or oneof is set; only for fields whose absence can be seen."""
        if name in self._oneofs:
            return self.WhichOneof(name) is not None
        field = self._field(name)
        if not field.has_presence:
            raise ValueError(f"Field {field.full_name} does not have presence.")
        return field.present(self)

    def ClearField(self, name):
        """Unsets a field, or what is set of a oneof."""
        if name in self._oneofs:
            name = self.WhichOneof(name)
            if name is None:
                return
        field = self._field(name)
        self._touch()
        field.clear(self)

    def WhichOneof(self, name):
        """The name of the field that is set in a oneof, or None."""
        if name not in self._oneofs:
            raise ValueError(f'Protocol message {type(self).__name__} has no oneof "{name}".')
        return next((field.name for field in self._oneofs[name].fields if field.present(self)), None)

    def ListFields(self):
        """(field descriptor, value) of all that is set, by number."""
        values = self._values
        return [(field, values[name]) for name, field in self._fields.items() if name in values and self._is_set(field)]

    def _is_set(self, field):
        if not field.present(self):
            return False
        value = self._values[field.name]
        return (
            field.has_presence
            or field.is_repeated
            or bool(value)
            or (isinstance(value, float) and str(value) == "-0.0")
        )

    def Clear(self):
        """Unsets everything."""
        for field in list(self._values):
            self._fields[field].clear(self)
        self._unknown = b""
        self._touch()

    def CopyFrom(self, other):
        """Becomes equal to OTHER, a message of the same type."""
        if other is not self:
            self._same_type(other)
            self.Clear()
            self.MergeFrom(other)

    def MergeFrom(self, other):
        """Adds what OTHER holds: its scalars win, lists are appended."""
        self._same_type(other)
        self._touch()
        for field, value in other.ListFields():
            field.merge(self, value)
        self._unknown += other._unknown

    def _same_type(self, other):
        if type(other) is not type(self):
            raise TypeError(
                f"Parameter to MergeFrom() must be instance of same class: expected {self.DESCRIPTOR.full_name} "
                f"got {type(other).__name__}."
            )

    def SetInParent(self):
        """Makes an absent message be there, empty."""
        self._touch()

    def IsInitialized(self, errors=None):
        """True: no field is required."""
        return True

    def DiscardUnknownFields(self):
        """Forgets what this version has no names for."""
        self._unknown = b""
        for field, value in self.ListFields():
            if field.is_map:
                value = value.values() if field.value.kind == "message" else ()
            elif field.kind != "message":
                continue
            for inner in value if not isinstance(value, Message) else [value]:
                inner.DiscardUnknownFields()

    # --- Python ---

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return dict(self._plain()) == dict(other._plain()) and self._unknown == other._unknown

    def _plain(self):
        return [(field.name, value) for field, value in self.ListFields()]

    def __deepcopy__(self, memo):
        made = type(self)()
        made.MergeFrom(self)
        return made

    def __copy__(self):
        return self.__deepcopy__({})

    def __reduce__(self):
        return _unpickle, (self.DESCRIPTOR.full_name, self.SerializeToString())

    def __str__(self):
        from tenon.python.framework import proto_text

        return proto_text.to_text(self)

    __repr__ = __str__


def _unpickle(name, data):
    from tenon.python.framework import proto

    return proto.get(name).FromString(data)


class Any:
    """What a message of type google.protobuf.Any can do beyond others."""

    __slots__ = ()

    def Pack(self, message, type_url_prefix="type.googleapis.com/", deterministic=True):
        """Holds MESSAGE."""
        self.type_url = type_url_prefix.rstrip("/") + "/" + message.DESCRIPTOR.full_name
        self.value = message.SerializeToString()

    def Is(self, descriptor):
        """Whether this holds a message of the type of DESCRIPTOR."""
        return "/" in self.type_url and self.TypeName() == descriptor.full_name

    def TypeName(self):
        """The full name of what this holds."""
        return self.type_url.rpartition("/")[2]

    def Unpack(self, message):
        """Reads what this holds into MESSAGE, if it is of its type."""
        if not self.Is(message.DESCRIPTOR):
            return False
        message.ParseFromString(self.value)
        return True


# --- enums and descriptors ------------------------------------------------------------------------------------------


class Value:
    """One value of an enum, as descriptors have it."""

    def __init__(self, name, number, index, kind):
        self.name, self.number, self.index, self.type = name, number, index, kind


class Enum:
    """An enum type: numbers by name and names by number. Its values are ints."""

    def __init__(self, full_name, spec):
        self.full_name, self.name = full_name, full_name.rpartition(".")[2]
        pairs = [line.split() for line in spec.split("\n")]
        self._numbers = {name: int(number) for name, number in pairs}
        self._names = {}
        for name, number in self._numbers.items():
            self._names.setdefault(number, name)
        self.default = int(pairs[0][1])
        self.values_list = [Value(name, number, i, self) for i, (name, number) in enumerate(self._numbers.items())]
        self.values_by_name = {value.name: value for value in self.values_list}
        self.values_by_number = {number: self.values_by_name[name] for number, name in self._names.items()}

    @property
    def DESCRIPTOR(self):
        return self

    def Name(self, number):
        """The name of a number."""
        if number not in self._names:
            raise ValueError(f"Enum {self.name} has no name defined for value {number!r}")
        return self._names[number]

    def Value(self, name):
        """The number of a name."""
        if name not in self._numbers:
            raise ValueError(f"Enum {self.name} has no value defined for name {name!r}")
        return self._numbers[name]

    def keys(self):
        """All names."""
        return list(self._numbers)

    def values(self):
        """All numbers."""
        return list(self._numbers.values())

    def items(self):
        """All (name, number)."""
        return list(self._numbers.items())

    def __getattr__(self, name):
        numbers = self.__dict__.get("_numbers", {})
        if name in numbers:
            return numbers[name]
        raise AttributeError(f"enum {self.__dict__.get('full_name')} has no value {name}")


class Oneof:
    """A oneof: at most one of its fields is set."""

    def __init__(self, name, containing_type):
        self.name, self.containing_type, self.fields = name, containing_type, []
        self.full_name = f"{containing_type.full_name}.{name}"


class Options:
    """The options of a message type: only whether it is a map's entry."""

    def __init__(self, map_entry):
        self.map_entry = map_entry


class Descriptor:
    """What google.protobuf calls the descriptor of a message type."""

    is_extendable = False
    extensions = ()

    def __init__(self, full_name, map_entry=False):
        self.full_name, self.name = full_name, full_name.rpartition(".")[2]
        self._options = Options(map_entry)
        self.has_options = map_entry
        self.fields, self.oneofs, self.containing_type = [], [], None
        self.fields_by_name, self.fields_by_number, self.oneofs_by_name = {}, {}, {}
        self.enum_types, self.nested_types = [], []
        self.enum_types_by_name, self.nested_types_by_name = {}, {}
        self._concrete_class = None

    def add(self, field):
        field.containing_type, field.index = self, len(self.fields)
        self.fields.append(field)
        self.fields_by_name[field.name] = self.fields_by_number[field.number] = field

    def GetOptions(self):
        return self._options


_LINE = re.compile(r"(\w+) (\d+) (?:map<([\w.]+),([\w.]+)>|([*+?]?)([\w.]+)(?: (\w+))?)$")


def _make_field(text, find, lazily):
    name, number, key, value, label, kind, oneof = _LINE.match(text).groups()
    number = int(number)

    def typed(kind):
        if "." not in kind:
            return kind, None
        enum = find(kind)
        return ("enum", enum) if enum is not None else ("message", lazily(kind))

    if key:
        kind, target = typed(value)
        single = MessageField if kind == "message" else ScalarField
        return MapField(name, number, ScalarField("key", 1, key), single("value", 2, kind, target))
    kind, target = typed(kind)
    if label in ("*", "+"):
        return RepeatedField(name, number, kind, target, label == "*")
    if kind == "message":
        return MessageField(name, number, kind, target, oneof)
    return ScalarField(name, number, kind, target, oneof, label == "?")


def make_class(full_name, spec, find, lazily):
    """The class of a message type. find(name) gives an enum or None, lazily(name) a function that gives a class."""
    descriptor = Descriptor(full_name)
    fields, decoders, encoders = {}, {}, {}
    body = {"__slots__": (), "DESCRIPTOR": descriptor, "_fields": fields, "_decoders": decoders, "_encoders": encoders}
    body["__module__"] = "tenon.python.framework.proto"
    for line in spec.split("\n") if spec else ():
        field = _make_field(line, find, lazily)
        descriptor.add(field)
        fields[field.name] = body[field.name] = field
        body[field.name.upper() + "_FIELD_NUMBER"] = field.number
        if field.oneof:
            oneof = descriptor.oneofs_by_name.get(field.oneof)
            if oneof is None:
                oneof = descriptor.oneofs_by_name[field.oneof] = Oneof(field.oneof, descriptor)
                descriptor.oneofs.append(oneof)
            oneof.fields.append(field)
            field.containing_oneof = oneof
        if field.is_map:
            field.entry = Descriptor(
                f"{full_name}.{field.camelcase_name[0].upper()}{field.camelcase_name[1:]}Entry", True
            )
            field.entry.add(field.key)
            field.entry.add(field.value)
        for wire_type, decode in field.decoders():
            decoders[field.number << 3 | wire_type] = decode
        encoders[field.name] = field.encoder()
    body["_oneofs"] = descriptor.oneofs_by_name
    bases = (Any, Message) if full_name == "google.protobuf.Any" else (Message,)
    made = type(descriptor.name, bases, body)
    descriptor._concrete_class = made
    return made


__all__ = ["DecodeError", "Descriptor", "Enum", "Field", "Message", "make_class"]
