"""Protocol buffers' wire format: what reads and writes one field of a message, made once for each field of a type.

A decoder is called as `decode(message, values, buf, pos, end, depth)` after the field's tag and returns the new
position; an encoder as `encode(value, out)`: it appends bytes to the list `out` and returns how many. Positions run
over one buffer: nothing is copied but what is kept.
"""

import struct

DEPTH = 100
VARINT, FIXED64, BYTES, START, STOP, FIXED32 = range(6)


class Error(Exception):
    """What is wrong with a message."""


class DecodeError(Error):
    """Bytes that are no message of the type asked for."""


def read_varint(buf, pos):
    """A varint of up to ten bytes at POS: (value, new position)."""
    value = buf[pos]
    pos += 1
    if value < 128:
        return value, pos
    value &= 127
    shift = 7
    while True:
        byte = buf[pos]
        pos += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, pos
        shift += 7
        if shift > 63:
            raise DecodeError("a varint of more than ten bytes")


def varint(value):
    """VALUE as a varint; negative numbers take ten bytes."""
    if 0 <= value < 128:
        return SMALL[value]
    if value < 0:
        value += 1 << 64
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


SMALL = [bytes([i]) for i in range(128)]


def size_at(buf, pos, end):
    """The range (start, stop) of what is preceded by its size at POS."""
    size, pos = read_varint(buf, pos)
    stop = pos + size
    if stop > end:
        raise DecodeError("bytes end before a field does")
    return pos, stop


def skip(buf, pos, end, tag, depth):
    """The position behind an unknown field whose tag, which ended at POS, was TAG."""
    wire = tag & 7
    if not 0 < tag >> 3 < 1 << 29:
        raise DecodeError(f"a field of number {tag >> 3}")
    if wire == VARINT:
        return read_varint(buf, pos)[1]
    if wire == BYTES:
        return size_at(buf, pos, end)[1]
    if wire in (FIXED64, FIXED32):
        pos += 8 if wire == FIXED64 else 4
        if pos > end:
            raise DecodeError("bytes end before a field does")
        return pos
    if wire != START or depth <= 0:
        raise DecodeError(f"a field of wire type {wire}" if wire != START else "groups are nested too deeply")
    while True:
        inner, pos = read_varint(buf, pos)
        if inner & 7 == STOP:
            if inner >> 3 != tag >> 3:
                raise DecodeError("a group that another one ends")
            return pos
        pos = skip(buf, pos, end, inner, depth - 1)


# --- scalars: wire type, from the wire (of a varint: the value; of a fixed: a struct format), to the wire -----------


def _signed(bits):
    half, whole, mask = 1 << (bits - 1), 1 << bits, (1 << bits) - 1

    def read(value):
        value &= mask
        return value - whole if value >= half else value

    return read


def _unzigzag(value):
    return (value >> 1) ^ -(value & 1)


def _zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _flag(value):
    return SMALL[1] if value else SMALL[0]


VARINTS = {
    "int32": (_signed(32), varint),
    "int64": (_signed(64), varint),
    "uint32": (lambda value: value & 0xFFFFFFFF, varint),
    "uint64": (None, varint),
    "sint32": (_unzigzag, _zigzag),
    "sint64": (_unzigzag, _zigzag),
    "bool": (bool, _flag),
    "enum": (_signed(32), varint),
}
FIXED = {"double": "d", "float": "f", "fixed32": "I", "fixed64": "Q", "sfixed32": "i", "sfixed64": "q"}


def wire_type(kind):
    if kind in VARINTS:
        return VARINT
    if kind in FIXED:
        return FIXED64 if struct.calcsize(FIXED[kind]) == 8 else FIXED32
    return BYTES


def reader(kind):
    """read(buf, pos, end) -> (value, pos) of one scalar of this kind."""
    if kind in VARINTS:
        convert = VARINTS[kind][0]
        if convert is None:
            return lambda buf, pos, end: read_varint(buf, pos)

        def read(buf, pos, end):
            value, pos = read_varint(buf, pos)
            return convert(value), pos

    elif kind in FIXED:
        item = struct.Struct("<" + FIXED[kind])
        unpack, size = item.unpack_from, item.size

        def read(buf, pos, end):
            if pos + size > end:
                raise DecodeError("bytes end before a field does")
            return unpack(buf, pos)[0], pos + size

    elif kind == "string":

        def read(buf, pos, end):
            start = pos + 1
            stop = start + buf[pos]
            if buf[pos] > 127 or stop > end:
                start, stop = size_at(buf, pos, end)
            return str(buf[start:stop], "utf-8"), stop

    else:

        def read(buf, pos, end):
            start, stop = size_at(buf, pos, end)
            return bytes(buf[start:stop]), stop

    return read


def list_reader(kind):
    """read(buf, pos, end) -> the numbers of a packed field's bytes."""
    if kind in FIXED:
        letter = FIXED[kind]
        size = struct.calcsize(letter)

        def read(buf, pos, end):
            if (end - pos) % size:
                raise DecodeError(f"a packed field of {end - pos} bytes holds no whole number of {kind}")
            return struct.unpack_from(f"<{(end - pos) // size}{letter}", buf, pos)

        return read
    convert = VARINTS[kind][0]

    def read(buf, pos, end):
        values = []
        while pos < end:
            value = buf[pos]
            if value < 128:
                pos += 1
            else:
                value, pos = read_varint(buf, pos)
            values.append(value if convert is None else convert(value))
        if pos != end:
            raise DecodeError("a packed field ends within a number")
        return values

    return read


def writer(kind):
    """write(value) -> the bytes of one scalar, with its size where it has one."""
    if kind in VARINTS:
        return VARINTS[kind][1]
    if kind in FIXED:
        return struct.Struct("<" + FIXED[kind]).pack
    if kind == "string":

        def write(value):
            data = value.encode("utf-8")
            return varint(len(data)) + data

        return write
    return lambda value: varint(len(value)) + value


def list_writer(kind):
    """write(values) -> the bytes of a packed field, without its size."""
    if kind in FIXED:
        letter = FIXED[kind]
        return lambda values: struct.pack(f"<{len(values)}{letter}", *values)
    one = VARINTS[kind][1]
    return lambda values: b"".join(map(one, values))
