"""tf.contrib.lookup: tables with the arguments of 1.15."""

import pytest

import tenon as tf

lookup = tf.contrib.lookup
WORDS = ["emerson", "lake", "palmer"]


def run(*fetches):
    with tf.Session() as session:
        session.run(tf.tables_initializer())
        return [list(value) for value in session.run(list(fetches))]


def test_strings_and_places(tmp_path):
    path = str(tmp_path / "words")
    with open(path, "w") as file:
        file.write("\n".join(WORDS) + "\n")
    with tf.Graph().as_default():
        asked = tf.constant(["lake", "x", "emerson"])
        made = [
            lookup.index_table_from_tensor(mapping=WORDS).lookup(asked),
            lookup.index_table_from_tensor(tf.constant(WORDS), 1, -1).lookup(asked),
            lookup.string_to_index_table_from_tensor(WORDS, default_value=9).lookup(asked),
            lookup.string_to_index_table_from_file(path, default_value=8).lookup(asked),
            lookup.string_to_index(asked, mapping=WORDS, default_value=7),
        ]
        assert run(*made) == [[1, -1, 0], [1, 3, 0], [1, 9, 0], [1, 8, 0], [1, 7, 0]]
        places = tf.constant([2, 5], tf.int64)
        back = [lookup.index_to_string_table_from_tensor(mapping=WORDS).lookup(places),
                lookup.index_to_string(places, WORDS, "none")]  # fmt: skip
        assert run(*back) == [[b"palmer", b"UNK"], [b"palmer", b"none"]]
        for call in (
            lambda: lookup.index_table_from_tensor(None), lambda: lookup.index_to_string_table_from_tensor(None),
            lambda: lookup.string_to_index_table_from_tensor([1, 2]),
        ):  # fmt: skip
            with pytest.raises(ValueError):
                call()


def test_tables():
    with tf.Graph().as_default():
        filler = lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
        fixed = lookup.InitializableLookupTableBase(-1, filler)
        old = lookup.HashTable(lookup.KeyValueTensorInitializer(["a"], tf.constant([5], tf.int64)), 0)
        changing = lookup.MutableHashTable(tf.string, tf.int64, -1, name="mine", checkpoint=False)
        dense = lookup.MutableDenseHashTable(tf.int64, tf.int64, -1, empty_key=0, deleted_key=-1, name="dense")
        puts = [
            changing.insert(["x"], tf.constant([3], tf.int64)),
            dense.insert(tf.constant([4], tf.int64), tf.constant([6], tf.int64)),
        ]
        with tf.control_dependencies(puts):
            found = [changing.lookup(tf.constant(["x", "y"])), dense.lookup(tf.constant([4, 5], tf.int64))]
        asked = tf.constant(["b", "c"])
        assert run(fixed.lookup(asked), old.lookup(tf.constant(["a", "b"])), *found) == [
            [2, -1],
            [5, 0],
            [3, -1],
            [6, -1],
        ]
        assert isinstance(fixed, lookup.LookupInterface)
