"""Strings: joining, splitting, numbers, base64, hashes, regular expressions."""

import numpy as np

from oracle.api import bad, case, const, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def text(*values):
    return np.array([v if isinstance(v, bytes) else v.encode() for v in values], object)


def vec(*values, dtype="int32"):
    return const(np.array(values, dtype))


# --- StringJoin, StringLength ---
case("StringJoin", [rand("string", 3), rand("string", 3)], separator="/")
case("StringJoin", [rand("string", 2, 3), rand("string"), rand("string", 2, 3)])
case("StringJoin", [rand("string"), rand("string")], separator=", ")
case("StringJoin", [rand("string", 0), rand("string")])
bad("StringJoin", [rand("string", 2), rand("string", 3)], code="INVALID_ARGUMENT")
case("StringLength", rand("string", 3, 4))
WORDS = text("", "a", "aé", "模型", b"a\xff\x80")
for unit in ["BYTE", "UTF8_CHAR"]:
    case("StringLength", WORDS, unit=unit)

# --- StringSplit ---
for delimiter in [" ", "", " ,", "x"]:
    for skip_empty in [True, False]:
        case("StringSplit", text("a b,c", "", " x  y ", "  "), text(delimiter)[0:1].reshape(()), skip_empty=skip_empty)
case("StringSplit", rand("string", 0), text(" ").reshape(()))
bad("StringSplit", rand("string", 2, 2), text(" ").reshape(()), code="INVALID_ARGUMENT")
bad("StringSplit", rand("string", 2), text(" "), code="INVALID_ARGUMENT")

# --- StringToNumber ---
for out_type in ["float32", "float64"]:
    good = ["0x1p3", "1e5", " 3 ", "inf", "-Infinity", "nan", "1e-400", "+5", "0x10", "3\n", "1.", ".5", "-0"]
    case("StringToNumber", text(*good), out_type=out_type)
    for wrong in ["1_0", "", " ", "1f", "1 2", ".", "5e", "infx", "1,5", "+-5", "- 5", b"1\x00"]:
        bad("StringToNumber", text("1", wrong), out_type=out_type, code="INVALID_ARGUMENT")
for out_type in ["int32", "int64", "uint32", "uint64"]:
    case("StringToNumber", text("0", " 7\t", "+5", "007", "2147483647"), out_type=out_type)
    for wrong in ["0x10", "3.0", "99999999999999999999", "", "1e3", "+", "- 5"]:
        bad("StringToNumber", text(wrong), out_type=out_type, code="INVALID_ARGUMENT")
case("StringToNumber", text("-5", "-2147483648"), out_type="int32")
case("StringToNumber", text("-9223372036854775808", "9223372036854775807"), out_type="int64")
case("StringToNumber", text("18446744073709551615"), out_type="uint64")
bad("StringToNumber", text("2147483648"), out_type="int32", code="INVALID_ARGUMENT")
bad("StringToNumber", text("-5"), out_type="uint32", code="INVALID_ARGUMENT")
case("StringToNumber", text("1", "2").reshape(2, 1))

# --- AsString ---
for dtype in [*FLOATS, "complex64", "complex128"]:
    for style in [
        {},
        {"precision": 2},
        {"precision": 0},
        {"scientific": True},
        {"shortest": True},
        {"width": 12},
        {"width": 12, "fill": "0"},
        {"width": 12, "fill": "-", "scientific": True},
        {"fill": "+", "shortest": True},
        {"fill": " "},
        {"fill": "#", "precision": 0},
    ]:
        case("AsString", rand(dtype, 2, 3), **style)
for dtype in FLOATS:
    case("AsString", special(dtype))
    case("AsString", special(dtype), shortest=True)
for dtype in INTS:
    for style in [{}, {"width": 6}, {"width": 6, "fill": "0"}, {"width": 6, "fill": "-"}, {"fill": "+"}, {"fill": " "}]:
        case("AsString", special(dtype), **style)
    bad("AsString", rand(dtype, 2), precision=3, code="INVALID_ARGUMENT")
    bad("AsString", rand(dtype, 2), scientific=True, code="INVALID_ARGUMENT")
case("AsString", rand("bool", 4))
case("AsString", rand("bool", 4), width=9, fill="-")
case("AsString", rand("string", 4))
case("AsString", rand("string", 4), width=9)
case("AsString", rand("string", 4), width=9, fill="-")
bad("AsString", rand("float32", 2), scientific=True, shortest=True, code="INVALID_ARGUMENT")
bad("AsString", rand("float32", 2), fill="x", code="INVALID_ARGUMENT")
bad("AsString", rand("float32", 2), fill="00", code="INVALID_ARGUMENT")

# --- ReduceJoin ---
for axes in [(), (0,), (1,), (2,), (-1,), (0, 1), (1, 0), (2, 0), (0, 1, 2), (2, 1, 0)]:
    for keep_dims in [True, False]:
        case("ReduceJoin", rand("string", 2, 3, 2), const(np.array(axes, "int32")), keep_dims=keep_dims, separator="-")
case("ReduceJoin", rand("string", 2, 3), const(np.array(1, "int32")))
case("ReduceJoin", rand("string", 2, 3), np.array([1], "int32"))
case("ReduceJoin", rand("string", 2, 0), vec(1))
case("ReduceJoin", rand("string", 2, 0), vec(0))
bad("ReduceJoin", rand("string", 2, 3), vec(2), code="INVALID_ARGUMENT")
bad("ReduceJoin", rand("string", 2, 3), vec(0, 0), code="INVALID_ARGUMENT")

# --- base64 ---
BYTES = [bytes(np.random.RandomState(n).randint(0, 256, n).astype(np.uint8)) for n in range(20)]
for pad in [True, False]:
    case("EncodeBase64", text(*BYTES), pad=pad)
case("DecodeBase64", text("", "YQ", "YQ==", "YWI", "YWI=", "YWJj", "__79Pz4", "YR"))
for wrong in ["YQ=", "Y", "YW Jj", "//79Pz4", "YQ==YQ", "=", "====", b"YQ\x00\x00"]:
    bad("DecodeBase64", text(wrong), code="INVALID_ARGUMENT")

# --- hashes: every length that a different way is taken for ---
LENGTHS = [*range(0, 70), 100, 127, 128, 129, 191, 192, 193, 300, 1000]
LONG = [bytes(np.random.RandomState(n).randint(0, 256, n).astype(np.uint8)) for n in LENGTHS]
for op in ["StringToHashBucketFast", "StringToHashBucket"]:
    case(op, text(*LONG), num_buckets=2**62 + 1)
    case(op, rand("string", 2, 3), num_buckets=10)
    case(op, rand("string", 3), num_buckets=1)
    bad(op, rand("string", 3), num_buckets=0, code="INVALID_ARGUMENT")

# --- regular expressions ---
SUBJECTS = text(
    *("a", "ab", "aa", "ababc", "12", "a\nb", "s3://x", "ABC", "é", "A", "a.b", "\n", b"\xff", "-", "]", "", "a b"),
    *("aaa", "aaaa", "abab", "x{2}", "_", "\t", "foo-bar_9", "Aé", "日本", "a{,3}", "\x00", "ab\n"),
)
for pattern in [
    *("a|b", "(ab)*c", "a{2,3}", "a{2,}", "a{2}", r"\d+", "[[:alpha:]]+", "[[:^alpha:]]", "a.b", "^s3://.*", "a.*?b"),
    *(
        "(?i)abc",
        "(?P<n>a)b",
        r"\Aab\z",
        r"a\bb",
        r"a\b b",
        r"a\Bb",
        "[^a]",
        ".",
        r"\x41",
        r"\x{e9}",
        "a{,3}",
        r"\Qa.b\E",
    ),
    *(
        "(?s).",
        "(?:a)?",
        "é",
        "[é]",
        r"\.",
        r"[\d-]+",
        "[a-]",
        "[]a]",
        "[^]a]",
        "$",
        "^$",
        "",
        "()",
        "a||b",
        "(a|ab)(c|bcd)*",
    ),
    *(
        "(?m)a$\n^b",
        "(?m)ab$\n",
        r"\w+",
        r"\W",
        r"\s",
        r"\S\S",
        r"[\w.-]+",
        "[[:punct:]]",
        "(?i:A)B",
        "(?i)[a-c]+",
        r"\n",
        "x{2}",
    ),
    *(
        r"x\{2\}",
        "(a*)*",
        "(a*)+b?",
        "(a?){3}",
        ".*",
        "(?s).*",
        r"[^\n]",
        r"[^\d]",
        r"\000",
        "日.",
        "[日-本]+",
        "(?U)a+",
        "[[:cntrl:]]",
    ),
]:
    case("StaticRegexFullMatch", SUBJECTS, pattern=pattern)
    case("RegexFullMatch", SUBJECTS, const(text(pattern).reshape(())))
case("RegexFullMatch", SUBJECTS, text("a+").reshape(()))
WRONG = [
    "x(",
    "x)",
    "[a",
    "[b-a]",
    "a++",
    "a**",
    "*a",
    "a|*",
    "(?z)",
    "(?P<>a)",
    "a{1001}",
    "a{3,2}",
    "\\",
    r"\8",
    "[[:x:]]",
    b"\xff",
]
for wrong in WRONG:
    if isinstance(wrong, str):
        bad("StaticRegexFullMatch", SUBJECTS, pattern=wrong, code="INVALID_ARGUMENT")
    bad("RegexFullMatch", SUBJECTS, const(text(wrong).reshape(())), code="INVALID_ARGUMENT")
bad("RegexFullMatch", SUBJECTS, text("a"), code="INVALID_ARGUMENT")

# --- case, spaces, parts ---
for op in ["StringUpper", "StringLower"]:
    case(op, text("aZ[`{@", "", b"\xc3\xa9\xff"))
    case(op, text("aZ"), encoding="utf-8")
    bad(op, text("a"), encoding="latin-1", code="INVALID_ARGUMENT")
case("StringStrip", text("  a b\t\n", b"\x0b\x0cx\r", "", "   ", b"\x00a\x00", "x"))
ACCENTS = text("hello world", "été 模x")
for unit in ["BYTE", "UTF8_CHAR"]:
    for pos, length in [(0, 3), (-3, 2), (2, 100), (5, 0), (0, -1), (-5, 1000)]:
        case("Substr", ACCENTS, np.array(pos, "int32"), np.array(length, "int32"), unit=unit)
    case("Substr", text("abc", ""), np.array([3, 0]), np.array([1, 1]), unit=unit)
    for pos in [11, 12, -11, -12]:
        bad("Substr", ACCENTS, np.array(pos, "int64"), np.array(1, "int64"), unit=unit, code="INVALID_ARGUMENT")
case("Substr", ACCENTS, vec(0, 1), vec(1, 2))
case("Substr", ACCENTS.reshape(2, 1), vec([0, 1, 2]), vec([1, 1, 3]))
case("Substr", ACCENTS, vec([0, 1], [2, 0], dtype="int64"), vec([1, 1], [1, 1], dtype="int64"))
case("Substr", text("hello").reshape(()), vec(0, 1), vec(1, 1))
bad("Substr", ACCENTS, vec(0, 1), vec(1), code="INVALID_ARGUMENT")
bad("Substr", ACCENTS, vec(0, 1, 2), vec(1, 1, 1), code="INVALID_ARGUMENT")
