"""Lookup tables against TensorFlow, and contrib.lookup."""

import pytest

import tenon
from api.both import both

WORDS = ["brain", "salad", "surgery"]


def ran(tf, *steps):
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        return [session.run(step) for step in steps]


def test_static_table():
    def program(tf):
        init = tf.lookup.KeyValueTensorInitializer(WORDS, [10, 20, 30])
        table = tf.lookup.StaticHashTable(init, -1)
        found = table.lookup(tf.constant([["salad", "x"], ["brain", ""]]))
        sparse = table.lookup(tf.SparseTensor([[0, 1], [2, 0]], ["surgery", "y"], [3, 2]))
        names = [found.op.name, table.size().op.name, found.get_shape(), found.dtype, table.key_dtype,
                 table.value_dtype, [op.name for op in tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)]]  # fmt: skip
        other = tf.lookup.StaticHashTable(init, 5).lookup(tf.constant(["z"]))
        return names, ran(tf, found, sparse.values, table.size(), other)

    both(program)


def test_vocabulary_table(tmp_path):
    path = tmp_path / "words"
    path.write_text("\n".join(WORDS) + "\n")

    def program(tf):
        init = tf.lookup.TextFileInitializer(
            str(path), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        table = tf.lookup.StaticVocabularyTable(init, 5)
        found = table.lookup(tf.constant(["surgery", "other", "words", "brain"]))
        assets = [t.op.type for t in tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)]
        return ran(tf, found, table.size()), assets

    both(program)


def test_changing_tables():
    def program(tf):
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, -1.0])
        dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -7, empty_key=0, deleted_key=-1)
        find, other = table.lookup(tf.constant(["a", "b"])), dense.lookup(tf.constant([5, 6], tf.int64))
        put = table.insert(tf.constant(["b", "c"]), [[1.0, 2.0], [3.0, 4.0]])
        return find.get_shape(), ran(
            tf, find, put, find, table.size(), table.remove(tf.constant(["b"])), find,
            table.export(), other, dense.insert(tf.constant([5, 9], tf.int64), tf.constant([50, 90], tf.int64)), other,
            dense.size(), dense.remove(tf.constant([5], tf.int64)), other,
        )  # fmt: skip

    both(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda tf: tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1], ["a"]), "?").lookup(
            tf.constant(["b"])
        ),
        lambda tf: tf.lookup.TextFileInitializer("", tf.string, -2, tf.int64, -1),
        lambda tf: tf.lookup.TextFileInitializer("f", tf.string, -1, tf.int64, -1),
        lambda tf: tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), 0),
    ],
)
def test_mistakes(program):
    both.error(program)


def test_contrib(tmp_path):
    tf = tenon
    path = tmp_path / "words"
    path.write_text("\n".join(WORDS))
    with tf.Graph().as_default():
        lookup = tf.contrib.lookup
        ids = lookup.index_table_from_file(str(path), num_oov_buckets=2).lookup(tf.constant(["surgery", "x", "brain"]))
        places = lookup.index_table_from_tensor(tf.constant(WORDS), default_value=7).lookup(tf.constant(["salad", "?"]))
        numbers = lookup.index_table_from_tensor([100, 50], dtype=tf.int64).lookup(tf.constant([50, 1], tf.int64))
        words = lookup.index_to_string_table_from_tensor(WORDS).lookup(tf.constant([1, 9], tf.int64))
        lines = lookup.index_to_string_table_from_file(str(path), default_value="?").lookup(
            tf.constant([2, 3], tf.int64)
        )
        table = lookup.HashTable(lookup.KeyValueTensorInitializer([b"a"], [5], value_dtype=tf.int64), -1)
        found = ran(tf, ids, places, numbers, words, lines, table.lookup(tf.constant(["a", "b"])))
    assert found[0][0] == 2 and found[0][2] == 0 and found[0][1] in (3, 4)
    assert [x.tolist() for x in found[1:]] == [[1, 7], [1, -1], [b"salad", b"UNK"], [b"surgery", b"?"], [5, -1]]
    for bad in (lambda: lookup.index_table_from_file(""), lambda: lookup.index_table_from_tensor(None)):
        with pytest.raises(ValueError, match="must be specified"):
            bad()
