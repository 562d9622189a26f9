"""Encoded text: code points and back, one encoding to another, malformed text; runs of words."""

import numpy as np

from oracle.api import bad, case

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([*items, None], object)[:-1]


TEXTS = text(b"", b"plain", "äöü €".encode(), "模型 𝄞😀".encode(), b"a\tb\nc\x00d\x1f", b"\xff", b"a\xc3", b"\xe4\xb8x",
             b"\xed\xa0\x80", b"\xf4\x90\x80\x80z", b"\xc0\xaf", b"\xf0\x9f\x98", b"\x80\x80ok\xfe")  # fmt: skip
GOOD = TEXTS[:5]
WIDE = {
    "UTF-16-BE": text("ä𝄞x".encode("utf-16-be"), b"\x00a\xd8\x00\x00b", b"\x00a\xdc\x00", b"\x00a\x00", b"\xd8\x34"),
    "UTF-32-BE": text("ä𝄞x".encode("utf-32-be"), b"\x00\x11\x00\x00\x00\x00\x00a", b"\x00\x00\xd8\x00"),
    "ISO-8859-1": text(b"\xe4\xf6 \xff"),
    "US-ASCII": text(b"plain", b"\xe4a"),
}

for op in ("UnicodeDecode", "UnicodeDecodeWithOffsets"):
    for errors in ("replace", "ignore"):
        for controls in (False, True):
            case(op, TEXTS, input_encoding="UTF-8", errors=errors, replace_control_characters=controls)
    case(op, GOOD, input_encoding="UTF-8", errors="strict")
    case(op, TEXTS.reshape(13, 1), input_encoding="utf-8", replacement_char=63, Tsplits="int32", tf=False,
         why="TensorFlow aborts")  # fmt: skip
    case(op, TEXTS.reshape(13, 1), input_encoding="utf-8", replacement_char=63)
    case(op, text(), input_encoding="UTF-8")
    case(op, np.array(b"one", object), input_encoding="UTF-8")
    for encoding, texts in WIDE.items():
        case(op, texts, input_encoding=encoding)
        case(op, texts, input_encoding=encoding, errors="ignore")
    bad(op, TEXTS, input_encoding="UTF-8", errors="strict", code=INVALID)
    bad(op, GOOD, input_encoding="no such", code=INVALID)

for output in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
    for errors in ("replace", "ignore"):
        case("UnicodeTranscode", TEXTS, input_encoding="UTF-8", output_encoding=output, errors=errors)
    case("UnicodeTranscode", GOOD, input_encoding="UTF-8", output_encoding=output, errors="strict")
    case("UnicodeTranscode", TEXTS, input_encoding="UTF-8", output_encoding=output, replace_control_characters=True)
    for encoding, texts in WIDE.items():
        case("UnicodeTranscode", texts, input_encoding=encoding, output_encoding=output, replacement_char=0x41)
    codes = np.array([0x61, 0xE4, 0x20AC, 0x1F600, 0xFFFD, 0, 0x10FFFD, 0x7F], "int32")
    odd = np.array([0x61, 0xD800, 0x110000, -1, 0xFFFF, 0xFDD0, 0x1FFFE, 0x62], "int32")
    splits = np.array([0, 3, 3, 8], "int64")
    case("UnicodeEncode", codes, splits, output_encoding=output)
    case("UnicodeEncode", codes, splits.astype("int32"), output_encoding=output, errors="strict")
    for errors in ("replace", "ignore"):
        case("UnicodeEncode", odd, splits, output_encoding=output, errors=errors, replacement_char=0x2A)
    bad("UnicodeEncode", odd, splits, output_encoding=output, errors="strict", code=INVALID)
    case("UnicodeEncode", odd[4:7], np.array([0, 3], "int64"), output_encoding=output, errors="strict")
bad("UnicodeTranscode", TEXTS, input_encoding="UTF-8", output_encoding="UTF-8", errors="strict", code=INVALID)
for splits in ([1, 8], [0, 7], [0, 9, 8], [0, 5, 3, 8]):
    bad("UnicodeEncode", codes, np.array(splits, "int64"), output_encoding="UTF-8", code=INVALID)

WORDS = text(b"aa", b"bb", b"cc", b"dd", b"", b"ee", b"ff")
SPLITS = np.array([0, 4, 4, 5, 7], "int64")
for widths in ([2], [1, 2, 3], [3], [6], []):
    for pad in (-1, 0, 1, 3):
        for keep in (False, True):
            if keep and not widths and pad < 0:
                continue
            case("StringNGrams", WORDS, SPLITS, separator="|", ngram_widths=widths, left_pad="LP", right_pad="RP",
                 pad_width=pad, preserve_short_sequences=keep)  # fmt: skip
case("StringNGrams", WORDS, SPLITS.astype("int32"), separator="", ngram_widths=[2], left_pad="", right_pad="",
     pad_width=1, preserve_short_sequences=False)  # fmt: skip
case("StringNGrams", text(), np.array([0], "int64"), separator=" ", ngram_widths=[2], left_pad="", right_pad="",
     pad_width=0, preserve_short_sequences=False)  # fmt: skip
for splits in ([1, 7], [0, 9], [0, 5, 4, 7], [0, 5]):
    bad("StringNGrams", WORDS, np.array(splits, "int64"), separator=" ", ngram_widths=[2], left_pad="", right_pad="",
        pad_width=0, preserve_short_sequences=False, code=INVALID)  # fmt: skip
bad("StringNGrams", WORDS, SPLITS, separator=" ", ngram_widths=[], left_pad="", right_pad="", pad_width=-1,
    preserve_short_sequences=True, code=INVALID)  # fmt: skip

FARM = np.array(b"farmhash64", object)
for rows in (np.arange(24, dtype="float32").reshape(4, 3, 2), np.arange(5, dtype="int8"), np.zeros((3, 0), "int64")):
    case("Fingerprint", rows, FARM)
for words in (text(b"", b"a", b"hello world"), text(b"a", b"b", b"c", b"d").reshape(2, 2), text()):
    case("Fingerprint", words, FARM)
bad("Fingerprint", np.arange(3), np.array(b"md5", object), code=INVALID)
bad("Fingerprint", np.array(3), FARM, code=INVALID)

# Every character, and what is none.
case("UnicodeScript", np.arange(-1, 0x110001, dtype="int32"))
case("UnicodeScript", np.array([[97, 0x3B1, 0x4E2D], [-1, 2**31 - 1, 0x1F600]], "int32"))
case("UnicodeScript", np.zeros((0, 2), "int32"))
