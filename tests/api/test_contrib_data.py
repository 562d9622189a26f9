"""tf.contrib.data, and what came to tf.data.experimental from it: against TensorFlow where it has them."""

import base64
import sqlite3
import zlib
from pathlib import Path

import numpy as np
import pytest

import tenon as tf
from api.both import both

data = tf.contrib.data


def elements(tf, dataset):
    """All elements of a dataset."""
    following = tf.data.make_one_shot_iterator(dataset).get_next()
    made = []
    with tf.Session() as session:
        while True:
            try:
                made.append(session.run(following))
            except tf.errors.OutOfRangeError:
                return made


def mean_reducer(tf):
    return tf.data.experimental.Reducer(
        lambda key: (tf.constant(0.0), tf.constant(0.0)),
        lambda state, x: (state[0] + tf.cast(x, tf.float32), state[1] + 1.0),
        lambda total, count: total / count,
    )


def test_group_by_reducer():
    def program(tf):
        dataset = tf.data.Dataset.range(10).apply(
            tf.data.experimental.group_by_reducer(lambda x: x % 3, mean_reducer(tf))
        )
        return elements(tf, dataset)

    both(program)


def test_groups_of_pairs():
    def program(tf):
        reducer = tf.data.experimental.Reducer(
            lambda key: key * 100, lambda s, pair: s + pair[0] * pair[1], lambda s: s + 1
        )
        dataset = tf.data.Dataset.range(9).map(lambda x: (x, x + 1))
        return elements(tf, dataset.apply(tf.data.experimental.group_by_reducer(lambda a, b: a % 2, reducer)))

    both(program)


def test_reduce_dataset():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(data.reduce_dataset(tf.data.Dataset.range(5), mean_reducer(tf))) == 2
        with pytest.raises(TypeError):
            data.reduce_dataset([1], mean_reducer(tf))


def test_sliding_window():
    with tf.Graph().as_default():
        numbers = tf.data.Dataset.range(7)

        def windows(**options):
            return [list(w) for w in elements(tf, numbers.apply(data.sliding_window_batch(3, **options)))]

        assert windows() == [[i, i + 1, i + 2] for i in range(5)]
        assert windows(stride=2) == windows(window_shift=2) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
        assert windows(window_stride=2) == [[0, 2, 4], [1, 3, 5], [2, 4, 6]]
        pairs = numbers.map(lambda x: {"a": x, "b": -x}).apply(data.sliding_window_batch(3, 4))
        made = elements(tf, pairs)
        assert [m["a"].tolist() for m in made] == [[0, 1, 2], [4, 5, 6]] and made[0]["b"].tolist() == [0, -1, -2]
        with pytest.raises(ValueError, match="both `stride` and `window_shift`"):
            data.sliding_window_batch(3, 1, 1)


@pytest.mark.parametrize("initial", [None, [0.7, 0.2, 0.1]])
@pytest.mark.parametrize("target", [[0.2, 0.4, 0.4], [0.0, 0.5, 0.5]])
def test_rejection_resample(initial, target):
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        drawn = np.random.RandomState(0).choice(3, 3000, p=[0.7, 0.2, 0.1])
        dataset = tf.data.Dataset.from_tensor_slices(drawn).repeat()
        resampled = dataset.apply(data.rejection_resample(lambda c: c, target, initial, seed=4))
        made = elements(tf, resampled.take(1000))
        assert all(a == b for a, b in made)
        counts = np.bincount([a for a, _ in made[100:]], minlength=3)
        np.testing.assert_allclose(counts / counts.sum(), target, atol=0.08)


def test_nothing_to_resample():
    with tf.Graph().as_default():
        dataset = tf.data.Dataset.range(6)
        shares = np.float32([0.5, 0.5])
        same = dataset.apply(data.rejection_resample(lambda x: x % 2, shares, shares))
        assert [x for _, x in elements(tf, same)] == list(range(6))


def test_sql(tmp_path):
    path = str(tmp_path / "rows.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("create table people (name text, age int, height real, here int)")
    connection.executemany("insert into people values (?, ?, ?, ?)",
                           [("Ada", 36, 1.5, 1), ("Bob", None, 2.25, 0), (None, 7, None, 1)])  # fmt: skip
    connection.commit()
    connection.close()

    def program(tf):
        query = "select name, age, height, here from people order by rowid"
        types = (tf.string, tf.int64, tf.float64, tf.bool)
        return elements(tf, tf.data.experimental.SqlDataset("sqlite", path, query, types))

    both(program)
    with tf.Graph().as_default():
        with pytest.raises(tf.errors.InvalidArgumentError, match="not supported"):
            data.SqlDataset("oracle", path, "select 1", (tf.int32,))
        for query, told in (
            ("select name from people", "number of columns"),
            ("select x from nowhere", "no such table"),
        ):
            with pytest.raises(tf.errors.OpError, match=told):
                elements(tf, data.SqlDataset("sqlite", path, query, (tf.string, tf.int64)))


@pytest.fixture
def lmdb(tmp_path):
    """A file of the LMDB library: 119 small entries, one of 7,000 bytes, an empty one; one was deleted."""
    made = tmp_path / "data.mdb"
    made.write_bytes(zlib.decompress(base64.b64decode((Path(__file__).parent / "data" / "lmdb.b64").read_bytes())))
    return made


def test_lmdb(lmdb):
    """What the library put in, in the order of the keys (TensorFlow 2.21 no longer reads these files)."""
    with tf.Graph().as_default():
        made = elements(tf, data.LMDBDataset([str(lmdb), str(lmdb.parent)]))
    keys = sorted([b"big", b"empty", *(b"key%03d" % i for i in range(120) if i != 50)])
    assert [key for key, _ in made] == keys * 2
    values = dict(made)
    assert values[b"big"] == b"0123456789" * 700 and values[b"empty"] == b""
    assert all(values[b"key%03d" % i] == b"value %d " % i * 8 for i in range(120) if i != 50)


def test_broken_lmdb(lmdb):
    whole = lmdb.read_bytes()
    for broken, told in (
        (b"", "empty"), (b"x" * 9000, "not an LMDB file"), (whole[:20], "file ends"), (whole[:8192], "file ends"),
        (whole[:8192] + b"\0" * (len(whole) - 8192), "neither a branch nor a leaf"),
    ):  # fmt: skip
        lmdb.write_bytes(broken)
        with tf.Graph().as_default(), pytest.raises(tf.errors.OpError, match=told):
            elements(tf, data.LMDBDataset(str(lmdb)))
    # Whatever bytes are changed: entries or an error, never anything else.
    from tenon.python.data.util import lmdb_file

    random = np.random.RandomState(0)
    for _ in range(200):
        broken = bytearray(whole)
        for at in random.randint(0, len(whole), 30):
            broken[at] = random.randint(256)
        lmdb.write_bytes(bytes(broken))
        try:
            assert all(isinstance(part, bytes) for entry in lmdb_file.entries(str(lmdb)) for part in entry)
        except lmdb_file.LMDBError:
            pass


def test_devices_and_positions():
    with tf.Graph().as_default():
        assert elements(tf, tf.data.Dataset.range(3).apply(data.copy_to_device("/cpu:0"))) == [0, 1, 2]
        assert data.AUTOTUNE == tf.data.experimental.AUTOTUNE
        assert data.CheckpointInputPipelineHook is tf.data.experimental.CheckpointInputPipelineHook
