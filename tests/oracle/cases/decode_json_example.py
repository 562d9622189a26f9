"""DecodeJSONExample."""

import numpy as np

from oracle.api import bad, case

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([i.encode() if isinstance(i, str) else i for i in items] + [None], object)[:-1]


def feature(inside, name="a"):
    return f'{{"features":{{"feature":{{"{name}":{inside}}}}}}}'


def values(kind, *items):
    return feature(f'{{"{kind}":{{"value":[{",".join(items)}]}}}}')


MESSAGES = text(
    "{}",
    '{"features":{}}',
    '{"features":null}',
    '{"features":{},"features":{}}',
    '{"features":{"feature":{}}}',
    '{"features":{"feature":null}}',
    feature("null"),
    feature("{}"),
    feature('{"int64List":null}'),
    feature('{"int64List":{}}'),
    feature('{"int64List":{"value":null}}'),
    feature('{"int64List":{"value":[1],"value":[2]}}'),
    feature('{"int64List":{"value":[1]},"floatList":null}'),
    ' \n{"features" : \r{"feature":\t{"a" : { } , "b":{"int64_list": { "value" : [ 1 , 2 ] } } } } } ',
    '{"features":{"feature":{"b":{"bytes_list":{"value":["eA=="]}},"a":{"float_list":{"value":[0]}},"c":{}}}}',
)
NAMES = text(
    *(feature("{}", name) for name in ("", "\\u00e9\\ud83d\\ude00", '\\"\\\\\\/\\b\\f\\n\\r\\t', "é😀", "\\u0000"))
)
NUMBERS = text(
    values("int64List"),
    values(
        "int64List", "1", '"2"', "-3", "0", "-0", "null", "1.0", "1e2", '"1.0"', '"1e2"', "12.5e1", "1E+1", "100e-2"
    ),
    values("int64List", "9223372036854775807", '"-9223372036854775808"', "-9223372036854775808"),
    values("floatList"),
    values("floatList", "1.5", '"2.5"', "1e3", '"1e2"', "16777217", "0.1", "1e-50", "-0", "-0.0", "null", "3.4e38"),
    values("floatList", '"NaN"', '"Infinity"', '"-Infinity"'),
)
BYTES = text(
    *(values("bytesList", item) for item in ('"YWJj"', '""', '"-_8"', '"YQ"', '"YQ=="', '"+/-_"', "null", '"YR"'))
)

for batch in (MESSAGES, NAMES, NUMBERS, BYTES, MESSAGES[:1], MESSAGES[:0], MESSAGES[:6].reshape(2, 3)):
    case("DecodeJSONExample", batch)
case("DecodeJSONExample", np.array(values("int64List", *map(str, range(300))).encode(), object))

BAD = [
    "",
    " ",
    "null",
    "[]",
    "1",
    '"x"',
    "{",
    '{"features":{}',
    '{"features":{}}x',
    "{} {}",
    "/*c*/{}",
    '{"x":1}',
    '{"features":1}',
]
BAD += ['{"features"}', '{"features":}', '{"features":{"feature":[]}}', '{"features":{"feature":{"a":{},"a":{}}}}']
BAD += [feature(inside) for inside in ("[]", "1", '{"x":1}', '{"int64List":[]}', '{"int64List":{"x":[]}}')]
BAD += [feature('{"int64List":{"value":[1]},"floatList":{"value":[2]}}'), feature('{"int64List":{},"int64List":{}}')]
BAD += [
    values("int64List", item) for item in ("1.5", "9223372036854775808", "true", "01", "+1", "1.", '""', '" 1"', "1e-2")
]
BAD += [values("int64List", item) for item in ('"x"', "{}", "1 2", "-", '"1e30"', "1e30")]
BAD += [values("floatList", item) for item in ("1e39", '"1e39"', "NaN", '""', "true", "1e400", '"1x"')]
BAD += [values("bytesList", item) for item in ('"a"', '"Y Q=="', "5", '"YWI=="', '"YWI=YWI="')]
BAD += [feature("{}", name) for name in ("\\ud83d", "\\ud83d\\u0041", "\\udc00", "\\x", "\\u12", "\\")]
for message in BAD:
    bad("DecodeJSONExample", text(message), code=INVALID)
for name in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
    bad("DecodeJSONExample", text(b'{"features":{"feature":{"' + name + b'":{}}}}'), code=INVALID)

LENIENT = ["{'features':{}}", "{features:{}}", '{"features":{},}', feature("{}", "a\nb"), values("int64List", "1", "")]
LENIENT += [feature('{"int64List":{"value":1}}'), values("int64List", '"0x1"'), values("int64List", "[1]")]
LENIENT += [values("floatList", item) for item in ('" 1"', '"inf"', '"nan"', '"1e400"')]
for message in LENIENT:
    bad("DecodeJSONExample", text(message), code=INVALID, tf=False, why="it is no JSON, but TensorFlow lets it pass")
