"""tf.Example and tf.SequenceExample messages, written by hand."""

import struct


def varint(value):
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def chunk(number, data):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def feature(values, packed=True):
    """A Feature with bytes, floats or ints; None: one without a list."""
    if values is None:
        return b""
    values = list(values)
    if any(isinstance(x, (bytes, str)) for x in values):
        return chunk(1, b"".join(chunk(1, x if isinstance(x, bytes) else x.encode()) for x in values))
    if any(isinstance(x, float) for x in values):
        if packed:
            return chunk(2, chunk(1, struct.pack(f"<{len(values)}f", *values)))
        return chunk(2, b"".join(b"\x0d" + struct.pack("<f", x) for x in values))
    if packed:
        return chunk(3, chunk(1, b"".join(map(varint, values))) if values else b"")
    return chunk(3, b"".join(b"\x08" + varint(x) for x in values))


def features(entries, packed=True):
    """The map of a Features message; ENTRIES is a dict, or pairs where names come twice."""
    pairs = entries.items() if isinstance(entries, dict) else entries
    return b"".join(chunk(1, chunk(1, k.encode()) + chunk(2, feature(v, packed))) for k, v in pairs)


def example(entries, packed=True):
    return chunk(1, features(entries, packed))


def sequence(context, lists, packed=True):
    """A SequenceExample; LISTS maps names to lists of features' values."""
    steps = b"".join(
        chunk(1, chunk(1, k.encode()) + chunk(2, b"".join(chunk(1, feature(v, packed)) for v in vs)))
        for k, vs in lists.items()
    )
    return chunk(1, features(context, packed)) + chunk(2, steps)
