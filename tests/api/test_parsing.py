"""Parsing examples, values separated by commas, raw bytes; and what feature specifications must say."""

import numpy as np

from api.both import both
from oracle.messages import example, sequence

FULL = example({"f": [1.5, -2.0], "i": [7], "s": [b"ab", b""], "v": [1, 2, 3], "x": [2, 5], "y": [0.5, 1.5]})
LESS = example({"f": [0.5, 3.0], "i": [-1], "s": [b"x"], "v": [], "x": [1], "y": [9.0]})


def features(tf):
    return {
        "f": tf.FixedLenFeature([2], tf.float32),
        "i": tf.FixedLenFeature([], tf.int64, default_value=5),
        "s": tf.VarLenFeature(tf.string),
        "v": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
        "sp": tf.SparseFeature(index_key="x", value_key="y", dtype=tf.float32, size=10),
        "other": tf.io.FixedLenFeature([2], tf.string, default_value=["a", "b"]),
    }


def parts(value):
    return [value.indices, value.values, value.dense_shape] if hasattr(value, "indices") else value


def plain(found):
    return {key: parts(value) for key, value in found.items()}


def test_parse_example():
    def program(tf):
        serialized = tf.placeholder_with_default(np.array([FULL, LESS], object), [None])
        found = tf.parse_example(serialized, features(tf))
        shapes = {k: v.shape for k, v in found.items() if not hasattr(v, "indices")}
        return plain(found), shapes

    both(program)


def test_parse_example_with_names():
    both(lambda tf: plain(tf.io.parse_example([FULL, LESS], features(tf), example_names=["one", "two"])))


def test_parse_single_example():
    def program(tf):
        found = tf.parse_single_example(FULL, features(tf))
        return plain(found), found["f"].shape, found["v"].shape

    both(program)


def test_parse_single_example_with_a_name():
    both(lambda tf: plain(tf.parse_single_example(FULL, features(tf), example_names="me")))


STEPS = sequence(
    {"id": [5], "tags": [b"x", b"yy"]},
    {"tokens": [[1], [2], [3]], "words": [[b"a"], None, [b"b", b"c"]], "pairs": [[0.5, 1.5], [2.0, 3.0]]},
)
MORE = sequence({"id": [6]}, {"tokens": [[9]], "words": [[b"z"]]})


def sequence_features(tf):
    context = {"id": tf.FixedLenFeature([], tf.int64), "tags": tf.VarLenFeature(tf.string)}
    steps = {
        "tokens": tf.FixedLenSequenceFeature([1], tf.int64),
        "words": tf.VarLenFeature(tf.string),
        "pairs": tf.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
    }
    return context, steps


def test_parse_single_sequence_example():
    def program(tf):
        found = tf.parse_single_sequence_example(STEPS, *sequence_features(tf))
        return [plain(x) for x in found], found[1]["tokens"].shape

    both(program)


def test_parse_sequence_example():
    both(lambda tf: [plain(x) for x in tf.io.parse_sequence_example([STEPS, MORE], *sequence_features(tf))])


def test_missing_features_name_themselves():
    error = both.error(lambda tf: tf.parse_example([FULL, b""], {"f": tf.FixedLenFeature([2], tf.float32)})["f"])
    assert "Feature: f" in str(error)
    both.error(
        lambda tf: tf.parse_example([example({"s": [b"abc"]})[:-2]], {"s": tf.VarLenFeature(tf.string)})["s"].values
    )


def test_specifications_are_checked():
    for wrong in (
        lambda tf: {},
        lambda tf: {"a": tf.FixedLenFeature([None, None], tf.int64)},
        lambda tf: {"a": tf.FixedLenSequenceFeature([], tf.int64)},
        lambda tf: {"a": tf.FixedLenFeature(None, tf.int64)},
        lambda tf: {"a": 5},
    ):
        both.error(lambda tf, wrong=wrong: tf.parse_example([FULL], wrong(tf)))


def test_decode_csv():
    def program(tf):
        rows = ["1,2.5,abc", '4,,"x,y"', "7,-1,"]
        columns = tf.decode_csv(rows, [[0], [0.5], ["none"]])
        few = tf.io.decode_csv(rows, [[0], ["-"]], select_cols=[0, 2])
        return columns, few, tf.decode_csv("1;2", [[0], tf.constant([3])], field_delim=";")

    both(program)
    both.error(lambda tf: tf.decode_csv("1", [[0]], select_cols=[2, 1]))
    both.error(lambda tf: tf.decode_csv("1,2", [[0]]))


def test_decode_raw():
    def program(tf):
        data = np.array([b"\x01\x00\x02\x00", b"\x03\x00\x04\x00"], object)
        raw = tf.decode_raw(data, tf.int16)
        return raw, raw.shape, tf.io.decode_raw(bytes=data, out_type=tf.uint8), tf.decode_raw(data, tf.int16, False)

    both(program)


def test_tensors_as_messages():
    def program(tf):
        x = tf.constant([[1.0, 2.0]])
        message = tf.io.serialize_tensor(x)
        return message, tf.parse_tensor(message, tf.float32)

    both(program)


def test_examples_from_json():
    def program(tf):
        record = '{"features":{"feature":{"a":{"int64List":{"value":[1,"2"]}},"b":{"floatList":{"value":[0.5]}}}}}'
        features = {"a": tf.FixedLenFeature([2], tf.int64), "b": tf.FixedLenFeature([], tf.float32)}
        serialized = tf.decode_json_example([record, record], name="read")
        return [
            serialized.op.name,
            str(serialized.shape),
            tf.parse_example(tf.io.decode_json_example([record]), features),
        ]

    both(program)
