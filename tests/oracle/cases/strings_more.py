"""Strings replaced, split and formatted."""

import numpy as np

from oracle.api import bad, case, const, rand

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([*[x.encode() if isinstance(x, str) else x for x in items], None], object)[:-1]


def one(item):
    return np.array(item.encode() if isinstance(item, str) else item, object)


# --- regular expressions ---
WORDS = text(
    "hello world", "", "aaa bbb", "x=1, y=22;z=333", "caf\u00e9 \u6a21", "a\nb\nc", "<b>bold</b> and <i>it</i>"
)
PATTERNS = [
    ("o", "0"),
    ("", "-"),
    ("a*", "x"),
    ("(\\w)=(\\d+)", "\\2:\\1"),
    ("(a|ab)(c|bcd)?", "[\\1|\\2]"),
    ("<.*>", "T"),
    ("<.*?>", "T"),
    ("(?U)<.*>", "T"),
    ("^", ">"),
    ("(?m)^", ">"),
    ("$", "<"),
    ("(?m)$", "<"),
    ("\\b", "|"),
    ("[^a-z]+", " "),
    ("(l+)(o)?", "\\\\\\0"),
    ("(?i)HELLO", "bye"),
    ("\\s+", ""),
    ("(?P<name>b+)", "<\\1>"),
    ("(?:a)(b)?", "\\1"),
    (".", "."),
    ("x{2,3}?", "y"),
    ("(a+?)(a*)", "\\1-\\2"),
    ("\u00e9", "e"),
]
for pattern, rewrite in PATTERNS:
    for every in (True, False):
        case("StaticRegexReplace", WORDS, pattern=pattern, rewrite=rewrite, replace_global=every)
    case("RegexReplace", WORDS, one(pattern), one(rewrite))
case("RegexReplace", WORDS.reshape(7, 1), const(one("l")), const(one("L")), replace_global=False)
for pattern, rewrite in (("(", "x"), ("[a", "x"), ("a**", "x")):
    bad("StaticRegexReplace", WORDS, pattern=pattern, rewrite=rewrite, code=INVALID)
bad("RegexReplace", WORDS, text("a"), one("b"), code=INVALID)
bad("RegexReplace", WORDS, one("a"), text("b"), code=INVALID)

# --- splitting ---
LINES = text("a b  c", "", "  x ", "one,two,,three", ",", "\ttab\nline ", "no")
for sep in ("", ",", " ", "  ", "ab", "o"):
    for limit in (-1, 0, 1, 2):
        case("StringSplitV2", LINES, one(sep), maxsplit=limit)
case("StringSplitV2", LINES[:0], one(","))
bad("StringSplitV2", LINES.reshape(7, 1), one(","), code=INVALID)
bad("StringSplitV2", LINES, text(","), code=INVALID)

# --- formats ---
for dtype in ("float32", "float64", "int32", "uint8", "bool", "string", "int64"):
    for shape in ((), (3,), (7,), (10,), (2, 3), (8, 9), (2, 0), (2, 7, 3)):
        case("StringFormat", [rand(dtype, *shape)], T=[dtype], template="a {} b", placeholder="{}")
for summarize in (-1, 0, 1, 2, 5):
    case(
        "StringFormat",
        [rand("int32", 7, 5), rand("string", 6)],
        T=["int32", "string"],
        template="%s;%s",
        summarize=summarize,
    )
case("StringFormat", [], T=[], template="nothing")
bad("StringFormat", [rand("int32", 3)], T=["int32"], template="nothing", code=INVALID)
bad("StringFormat", [rand("int32", 3)], T=["int32"], template="%s %s", code=INVALID)

# --- hashes under a key ---
LENGTHS = text(*(b"abcdefghijklmnopqrstuvwxyz"[:n] for n in range(0, 26)), b"\xff" * 40)
case("StringToHashBucketStrong", LENGTHS, num_buckets=2**40, key=[123, 456])
case("StringToHashBucketStrong", LENGTHS, num_buckets=10, key=[2**62 + 5, -7])
bad("StringToHashBucketStrong", LENGTHS, num_buckets=10, key=[1], code=INVALID)

# --- segments ---
for ids in ([0, 1, 0, 3], [3, 3, 3, 3]):
    for dtype in ("int32", "int64"):
        case(
            "UnsortedSegmentJoin",
            text("a", "", "c", "d"),
            np.array(ids, dtype),
            const(np.array(5, dtype)),
            separator=":",
        )
    case("UnsortedSegmentJoin", rand("string", 4, 3, 2), np.array(ids, "int32"), np.array(4, "int32"))
case(
    "UnsortedSegmentJoin",
    rand("string", 2, 3, 2),
    np.array([[1, 0, 1], [1, 1, 1]]),
    np.array(3, "int32"),
    separator=", ",
)
case("UnsortedSegmentJoin", text(), np.array([], "int32"), np.array(2, "int32"))
bad("UnsortedSegmentJoin", text("a"), np.array(0, "int32"), np.array(1, "int32"), code=INVALID)
for ids, n in (([0, 1], 1), ([0, -1], 3), ([0], 3), ([0, 1], -1)):
    bad("UnsortedSegmentJoin", text("a", "b"), np.array(ids, "int32"), np.array(n, "int32"), code=INVALID)
