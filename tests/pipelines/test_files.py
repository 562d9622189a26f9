"""Datasets of files, caches, windows and groups: as tf.data."""

import gzip
import zlib

import numpy as np
import pytest
from functions.exchange import carry, tensorflow

from pipelines.exchange import both
from tenon import _thin as tenon
from tenon._thin import errors


@pytest.fixture
def lines(tmp_path):
    texts = [b"one\ntwo\r\n\nthree, which ends without a line end", b"", b"\xff\x00binary\nlast\n"]
    names = []
    for i, text in enumerate(texts):
        names.append(str(tmp_path / f"text{i}"))
        (tmp_path / f"text{i}").write_bytes(text)
    return names


def test_text_lines(lines, tmp_path):
    both(lambda tf: tf.data.TextLineDataset(lines))
    both(lambda tf: tf.data.TextLineDataset(lines[0], buffer_size=3).repeat(2))
    long = b"x" * 700000 + b"\n" + b"y" * 10
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(long) + gzip.compress(b"\nsecond member\n"))
    both(lambda tf: tf.data.TextLineDataset(str(packed), compression_type="GZIP"))
    (tmp_path / "packed.z").write_bytes(zlib.compress(long))
    both(lambda tf: tf.data.TextLineDataset(str(tmp_path / "packed.z"), compression_type="ZLIB"))


def records(tf, path, kind=""):
    options = tf.python_io.TFRecordOptions(getattr(tf.python_io.TFRecordCompressionType, kind or "NONE"))
    with tf.python_io.TFRecordWriter(str(path), options) as writer:
        for i in range(20):
            writer.write(b"record %d " % i * (i * i))
    return str(path)


def test_tfrecords(tmp_path):
    for kind in ("", "GZIP", "ZLIB"):
        path = records(tensorflow(), tmp_path / f"data{kind}", kind)
        elements = both(lambda tf, path=path, kind=kind: tf.data.TFRecordDataset([path, path], compression_type=kind))
        assert len(elements) == 40


def test_broken_tfrecords_name_the_file_and_the_place(tmp_path):
    tf = tensorflow()
    path = records(tf, tmp_path / "data")
    whole = (tmp_path / "data").read_bytes()
    for broken, message in ((whole[:-1], "truncated record at"), (whole[:5], "truncated"),
                            (whole[:40] + b"?" + whole[41:], "corrupted record at")):  # fmt: skip
        (tmp_path / "data").write_bytes(broken)
        graph = tf.Graph()
        with graph.as_default():
            tensor = tf.data.make_one_shot_iterator(tf.data.TFRecordDataset(path)).get_next()
        ours = carry(graph)
        with tenon.Session(ours) as session, pytest.raises(errors.DataLossError, match=message) as caught:
            for _ in range(30):
                session.run(ours.tensor(tensor.name))
        assert path in str(caught.value)


def test_records_of_one_length(tmp_path):
    path = tmp_path / "fixed"
    path.write_bytes(b"head" + bytes(range(50)) + b"foot!")
    (tmp_path / "fixed.gz").write_bytes(gzip.compress(path.read_bytes()))
    fixed = lambda tf, name, **more: tf.data.FixedLengthRecordDataset(name, 10, 4, 5, **more)  # noqa: E731
    assert len(both(lambda tf: fixed(tf, [str(path)] * 2))) == 10
    both(lambda tf: fixed(tf, str(tmp_path / "fixed.gz"), compression_type="GZIP"))


def test_missing_files_are_errors(tmp_path):
    tf = tensorflow()
    graph = tf.Graph()
    with graph.as_default():
        tensor = tf.data.make_one_shot_iterator(tf.data.TextLineDataset(str(tmp_path / "no"))).get_next()
    ours = carry(graph)
    with tenon.Session(ours) as session, pytest.raises(errors.NotFoundError, match="no"):
        session.run(ours.tensor(tensor.name))


def test_caches(tmp_path):
    def noise(tf):
        return tf.data.Dataset.range(6).map(lambda x: tf.random_uniform([], seed=3))

    both(lambda tf: noise(tf).cache().repeat(3), seed=1)
    theirs = str(tmp_path / "cache")
    both(lambda tf: tf.data.Dataset.range(6).map(lambda x: (x, tf.as_string(x))).cache(theirs).repeat(2))
    # Now the files are there: what makes the elements is not asked again.
    both(lambda tf: tf.data.Dataset.range(6, 9).map(lambda x: (x, tf.as_string(x))).cache(theirs))


def test_windows():
    for size, shift, stride, drop in ((3, None, 1, False), (3, 1, 2, True), (2, 5, 1, False), (4, 2, 3, False)):

        def pipeline(tf, size=size, shift=shift, stride=stride, drop=drop):
            data = tf.data.Dataset.range(11).map(lambda x: (x, tf.as_string(x)))
            windows = data.window(size, shift, stride, drop_remainder=drop)
            return windows.flat_map(lambda a, b: tf.data.Dataset.zip((a.batch(10), b.batch(10))))

        both(pipeline)


def test_groups():
    def pipeline(tf):
        def reduce(key, window):
            return window.batch(10).map(lambda x: (key, x))

        data = tf.data.Dataset.range(23)
        fixed = data.apply(tf.data.experimental.group_by_window(lambda x: x * x % 5, reduce, 4))
        return fixed.map(lambda k, x: (k, tf.reduce_sum(x), tf.size(x)))

    both(pipeline)

    def by_length(tf):
        data = tf.data.Dataset.range(1, 30).map(lambda n: tf.fill([n % 9], n))
        return data.apply(tf.data.experimental.bucket_by_sequence_length(
            lambda x: tf.size(x), [3, 5, 7], [4, 3, 2, 1]))  # fmt: skip

    both(by_length)


def test_unique():
    both(lambda tf: tf.data.Dataset.from_tensor_slices(np.array([3, 1, 3, 2, 1])).apply(tf.data.experimental.unique()))
    both(lambda tf: tf.data.Dataset.from_tensor_slices(["b", "a", "b", ""]).apply(tf.data.experimental.unique()))
