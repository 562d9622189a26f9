"""DecodeCSV, DecodeRaw, DecodePaddedRaw, DecodeCompressed, ParseTensor, SerializeTensor."""

import gzip
import zlib

import numpy as np

from oracle.api import bad, case, const, rand

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([*items, None], object)[:-1]


def one(item):
    return np.array(item, object)


# --- raw bytes ---
BYTES = bytes(range(1, 49))
KINDS = ["float16", "float32", "float64", "int32", "uint16", "uint8", "int16", "int8", "int64", "bfloat16"]
for dtype in [*KINDS, "complex64", "complex128"]:
    for little in (True, False):
        raw = text(BYTES, BYTES[::-1]) if dtype != "bfloat16" else text(b"\x80\x3f" * 4, b"\x40\x40" * 4)
        case("DecodeRaw", raw, out_type=dtype, little_endian=little)
        case("DecodeRaw", one(BYTES), out_type=dtype, little_endian=little)
for dtype in KINDS[1:]:
    case("DecodePaddedRaw", text(BYTES[:16], b"", BYTES[:3], BYTES), const(np.array(16, "int32")), out_type=dtype)
case("DecodeRaw", text(b"\x01\x00\x01"), out_type="bool")
case("DecodeRaw", text(), out_type="int32")
case("DecodeRaw", text(b"", b"").reshape(2, 1), out_type="int32")
bad("DecodeRaw", text(b"abc", b"abcd"), out_type="uint8", code=INVALID)
bad("DecodeRaw", text(b"abc"), out_type="int16", code=INVALID)
bad("DecodePaddedRaw", text(b"abc"), np.array(3, "int32"), out_type="int16", code=INVALID)
bad("DecodePaddedRaw", text(b"abc"), np.array(0, "int32"), out_type="int16", code=INVALID)

# --- compression ---
LONG = b"some text that comes again " * 3000
PACKER = zlib.compressobj(wbits=31)
for data in (LONG, b"", b"x"):
    case("DecodeCompressed", text(zlib.compress(data), zlib.compress(data, 9)), compression_type="ZLIB")
    case("DecodeCompressed", one(gzip.compress(data, mtime=0)), compression_type="GZIP")
    case("DecodeCompressed", text(data))
bad("DecodeCompressed", text(b"not compressed at all"), compression_type="ZLIB", code="DATA_LOSS")
bad("DecodeCompressed", text(b"x"), compression_type="BZIP", code=INVALID)

# --- tensors ---
for dtype in ("float32", "float64", "int32", "int64", "bool", "string", "complex64", "float16", "uint8"):
    for shape in ((), (3,), (2, 0), (2, 3)):
        case("SerializeTensor", rand(dtype, *shape))
FLOATS = b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40"
case("ParseTensor", one(FLOATS), out_type="float32")
case("ParseTensor", one(b"\x08\x03\x12\x04\x12\x02\x08\x03\x3a\x01\x07"), out_type="int32")
case("ParseTensor", one(b"\x08\x07\x12\x00\x42\x02hi"), out_type="string")
bad("ParseTensor", one(FLOATS), out_type="int32", code=INVALID)
bad("ParseTensor", one(b"\xff\xff"), out_type="int32", code=INVALID)
bad("ParseTensor", text(FLOATS), out_type="float32", code=INVALID)

# --- comma-separated values ---
FIVE = [np.array([7], "int32"), np.array([1.5], "float32"), one([b"none"]), np.array([-2], "int64"), np.array([0.5])]
TYPES = {"OUT_TYPE": ["int32", "float32", "string", "int64", "float64"]}
ROWS = text(b"1,2.5,abc,4,5", b" 2 ,-1e3,,,", b'"3",nan,"a,""b""",-9,1e300', b"\n4,0.1,x y,1,2")
case("DecodeCSV", ROWS, FIVE, **TYPES)
case("DecodeCSV", ROWS.reshape(2, 2), FIVE, **TYPES)
case("DecodeCSV", ROWS[0:1].reshape(()), FIVE, **TYPES)
case("DecodeCSV", ROWS[:0], FIVE, **TYPES)
case("DecodeCSV", ROWS[:1], [np.zeros(0, x.dtype) for x in FIVE], **TYPES)
case("DecodeCSV", text(b'1|"2|3"|4'), [one([b""])] * 3, field_delim="|", OUT_TYPE=["string"] * 3)
case("DecodeCSV", text(b'1,"2",3"4'), [one([b""])] * 3, use_quote_delim=False, OUT_TYPE=["string"] * 3)
case("DecodeCSV", text(b"1,NA,3"), [np.array([9], "int32")] * 3, na_value="NA", OUT_TYPE=["int32"] * 3)
for columns in ([0, 2], [1, 3], [2, 4]):
    case(
        "DecodeCSV", text(b"a,b,c,d,", b"1,2,3,4,5"), [one([b"?"])] * 2, select_cols=columns,
        OUT_TYPE=["string"] * 2,
    )  # fmt: skip
case("DecodeCSV", text(b"1,2"), [np.array(3, "int32")] * 2, OUT_TYPE=["int32"] * 2)
for row in (b"1", b"1,2,3", b'1,"2', b'1,"2"3', b'1,2"3', b"x,1", b"1.5,1", b"1,", b"3000000000,1", b'1,"2"3"'):
    bad("DecodeCSV", text(row), [np.zeros(0, "int32")] * 2, OUT_TYPE=["int32"] * 2, code=INVALID)
bad("DecodeCSV", ROWS, FIVE, field_delim="ab", code=INVALID, **TYPES)
bad("DecodeCSV", ROWS, FIVE, select_cols=[1], code=INVALID, **TYPES)
bad("DecodeCSV", ROWS, FIVE, select_cols=[0, 2, 1, 3, 4], code=INVALID, **TYPES)
bad("DecodeCSV", text(b"1"), [np.array([1, 2], "int32")], OUT_TYPE=["int32"], code=INVALID)
