"""tf.strings against TensorFlow."""

import numpy as np
import pytest

from api.both import both

WORDS = np.array([b"hello world", b"", b"a,b,,c", "caf\u00e9".encode()], object)


def parts(value):
    return [value.indices, value.values, value.dense_shape] if hasattr(value, "indices") else value


PROGRAMS = {
    "join": lambda tf: [tf.string_join([WORDS, "x"], "-"), tf.strings.join(["a", "b"])],
    "length": lambda tf: [tf.strings.length(WORDS), tf.strings.length(WORDS, unit="UTF8_CHAR")],
    "substr": lambda tf: [tf.substr(WORDS[:1], 2, 3), tf.strings.substr(WORDS[3:], 3, 1, unit="UTF8_CHAR")],
    "regex": lambda tf: [
        tf.strings.regex_full_match(WORDS, "[a-z ]*"),
        tf.strings.regex_replace(WORDS, "([a-z])([a-z])", r"\2\1"),
        tf.regex_replace(WORDS, tf.constant(","), ";", replace_global=False),
    ],
    "format": lambda tf: [
        tf.strings.format("tensor: {}, and {}", (tf.range(10), tf.constant("s"))),
        tf.strings.format("%t", tf.constant([[1.5, 2.0]]), placeholder="%t", summarize=-1),
    ],
    "split": lambda tf: [
        tf.string_split(WORDS),
        tf.string_split(WORDS, ","),
        tf.string_split(WORDS, delimiter=",", skip_empty=False),
        tf.string_split(["abc"], ""),
        tf.strings.split(WORDS),
        tf.strings.split(WORDS, sep=",", maxsplit=1),
        tf.strings.split("a b"),
    ],
    "reduce_join": lambda tf: [
        tf.reduce_join([["a", "b"], ["c", "d"]], 0),
        tf.reduce_join([["a", "b"], ["c", "d"]], axis=[0, 1], separator=","),
        tf.strings.reduce_join([["a", "b"], ["c", "d"]]),
        tf.reduce_join([["a", "b"], ["c", "d"]], reduction_indices=1, keep_dims=True),
    ],
    "numbers": lambda tf: [
        tf.string_to_number(["1", "-2.5", "1e3"]),
        tf.strings.to_number(["7"], tf.int64),
        tf.as_string([1.5, 2.0], precision=2),
        tf.strings.as_string([True, False]),
    ],
    "hashes": lambda tf: [
        tf.string_to_hash_bucket(WORDS, 100),
        tf.string_to_hash_bucket_fast(WORDS, 100),
        tf.strings.to_hash_bucket_fast(WORDS, 7),
    ],
    "letters": lambda tf: [tf.strings.lower("ABC"), tf.strings.upper("abc"), tf.string_strip([" a ", "b\n"])],
    "base64": lambda tf: [tf.encode_base64(WORDS), tf.decode_base64(tf.encode_base64(WORDS, pad=True))],
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name):
    both(lambda tf: [parts(x) for x in PROGRAMS[name](tf)])


def test_errors():
    both.error(lambda tf: tf.string_to_number(["x"]))
    both.error(lambda tf: tf.strings.format("{} {}", [tf.constant(1)]))
    both.error(lambda tf: tf.strings.regex_replace("a", "(", ""))
    both.error(lambda tf: tf.substr("a", 5, 1))
