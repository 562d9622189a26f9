"""Lookup tables of all kinds, both generations of their ops, and files that fill them."""

import tempfile
from pathlib import Path

import numpy as np

from oracle.api import program

KEYS = np.array([b"one", b"two", b"three", b""], object)
VALUES = np.array([1, 2, 3, 0], np.int64)


class Table:
    """A table of the first or second generation."""

    def __init__(self, g, kind, key="string", value="int64", suffix="V2", inputs=(), **attrs):
        if kind == "MutableDenseHashTable" and not suffix and hasattr(g, "tf"):
            suffix, inputs = "V2", [*inputs, np.int64(-99)]  # TensorFlow's first one asks for an input that it lacks
        self.g, self.suffix, self.key, self.value = g, suffix, key, value
        names = {} if "shared_name" in attrs else {"shared_name": f"{kind}{suffix}"}
        inputs = [g.constant(x) for x in inputs]
        self.handle = g.op(f"{kind}{suffix}", *inputs, key_dtype=key, value_dtype=value, **names, **attrs)

    def _op(self, name, *inputs, **attrs):
        inputs = [self.g.constant(x) if isinstance(x, (np.ndarray, np.generic)) else x for x in inputs]
        return self.g.op(f"{name}{self.suffix}", self.handle, *inputs, **attrs)

    def fill(self, keys, values):
        return self._op("InitializeTable", keys, values)

    def find(self, keys, missing):
        return self._op("LookupTableFind", keys, missing)

    def insert(self, keys, values):
        return self._op("LookupTableInsert", keys, values)

    def replace(self, keys, values):
        return self._op("LookupTableImport", keys, values)

    def remove(self, keys):
        return self._op("LookupTableRemove", keys)

    def size(self):
        return self._op("LookupTableSize")

    def all(self):
        """Everything, in an order that both have: sums over keys and values that are numbers, else joined lengths."""
        keys, values = self._op("LookupTableExport", Tkeys=self.key, Tvalues=self.value)
        return [self._sorted(keys), self._sorted(values)]

    def _sorted(self, tensor):
        g = self.g
        numbers = g.op("StringLength", tensor) if tensor.dtype.base_dtype == "string" else tensor
        flat = g.op("Reshape", g.op("Cast", numbers, DstT="float32"), g.constant(np.array([-1], np.int32)))
        return g.op("TopKV2", flat, g.op("Size", flat))[0]


def fixed(suffix):
    def build(g):
        t = Table(g, "HashTable", suffix=suffix)
        keys, missing = g.placeholder("string"), np.int64(-1)
        find = t.find(keys, missing)
        fed = {keys: np.array([[b"two", b"none"], [b"", b"one"]], object)}
        return [
            ("FAILED_PRECONDITION", find, fed), t.fill(KEYS, VALUES), (find, fed), t.size(), t.all(),
            t.fill(KEYS, VALUES), ("FAILED_PRECONDITION", t.fill(KEYS[1:], VALUES[1:]), {}), (find, fed),
            ("INVALID_ARGUMENT", t.find(VALUES, missing), {}), ("INVALID_ARGUMENT", t.find(KEYS, VALUES[:2]), {}),
            t.find(np.array([b"a", b"one", b"b", b"c"], object), VALUES),
            ("UNIMPLEMENTED", t.insert(KEYS, VALUES), {}),
        ]  # fmt: skip

    return build


program("table_fixed", fixed("V2"))
program("table_fixed_ref", fixed(""))


def numbers(g):
    """From numbers to texts; the same key twice with the same value, and with another one."""
    t, again, last = (Table(g, "HashTable", "int64", "string", shared_name=n) for n in ("a", "b", "c"))
    twice = np.array([5, 5], np.int64)
    return [
        t.fill(VALUES, KEYS), t.find(np.array([3, 1, 7], np.int64), np.array(b"?", object)), t.size(),
        ("FAILED_PRECONDITION", again.fill(twice, KEYS[:2]), {}),
        last.fill(twice, np.array([b"x", b"x"], object)), last.size(),
    ]  # fmt: skip


program("table_numbers", numbers)


def changing(suffix):
    def build(g):
        t = Table(g, "MutableHashTable", "string", "float32", suffix)
        values = np.array([1, 2, 3, 0], np.float32)
        find = t.find(np.array([[b"two"], [b"none"]], object), np.float32(-1))
        steps = [find, t.insert(KEYS, values), find, t.insert(KEYS[:2], values[:2] * 10), find, t.size(), t.all(),
                 t.find(np.array([b"a", b"one", b"b", b"c"], object), values)]  # fmt: skip
        if suffix:
            steps += [t.remove(np.array([b"one", b"none"], object)), t.size(), t.all(), find, t.remove(KEYS), t.size()]
        steps += [t.replace(KEYS[1:], values[1:]), t.size(), find]
        return [*steps, ("INVALID_ARGUMENT", t.insert(KEYS, values[:2]), {})]

    return build


program("table_changing", changing("V2"))
program("table_changing_ref", changing(""))


def vectors(suffix):
    def build(g):
        t = Table(g, "MutableHashTableOfTensors", "int64", "float32", suffix, value_shape=[3])
        values = np.arange(12, dtype=np.float32).reshape(4, 3)
        find = t.find(np.array([[2, 9]], np.int64), np.full(3, -1, np.float32))
        return [
            t.insert(VALUES, values), find, t.size(), t.all(), t.replace(VALUES[:1], values[2:3]), t.size(),
            ("INVALID_ARGUMENT", t.insert(VALUES, values[:, :2]), {}),
            ("INVALID_ARGUMENT", t.find(VALUES, np.float32(1)), {}),
        ]  # fmt: skip

    return build


program("table_vectors", vectors("V2"))
program("table_vectors_ref", vectors(""))


def dense(suffix):
    def build(g):
        inputs = [np.int64(-1), np.int64(-2)][: 2 if suffix else 1]
        t = Table(g, "MutableDenseHashTable", "int64", "int64", suffix, inputs, initial_num_buckets=8)
        keys = np.array([11, 12, 13, 14], np.int64)
        find = t.find(np.array([12, 99], np.int64), np.int64(-7))
        steps = [find, t.insert(keys, VALUES), find, t.size(), t.insert(keys * 7, VALUES), t.size(),
                 ("INVALID_ARGUMENT", t.insert(np.array([-1], np.int64), VALUES[:1]), {}),
                 ("INVALID_ARGUMENT", t.find(np.array([-1], np.int64), np.int64(0)), {})]  # fmt: skip
        if suffix:
            steps += [t.remove(keys[:3]), t.size(), find, t.insert(keys, VALUES), find]
        return steps

    return build


program("table_dense", dense("V2"))
program("table_dense_ref", dense(""))


def dense_rows(g):
    """Keys and values are vectors."""
    inputs = [np.array([0, 0], np.int64), np.array([-1, -1], np.int64)]
    t = Table(g, "MutableDenseHashTable", "int64", "float32", inputs=inputs, initial_num_buckets=8, value_shape=[2])
    keys, values = np.array([[1, 2], [3, 4]], np.int64), np.array([[0.5, 1], [2, 3]], np.float32)
    return [t.insert(keys, values), t.find(keys[::-1].copy(), np.zeros(2, np.float32)), t.size(),
            t.find(np.array([[1, 3]], np.int64), np.array([7, 8], np.float32))]  # fmt: skip


program("table_dense_rows", dense_rows)


def dense_mistakes(g):
    def fails(n, *inputs, **attrs):
        t = Table(g, "MutableDenseHashTable", "int64", "int64", inputs=inputs, shared_name=f"bad{n}", **attrs)
        return ("INVALID_ARGUMENT", t.size(), {})

    one, two = np.int64(1), np.int64(2)
    return [fails(1, one, one), fails(2, one, two, initial_num_buckets=7), fails(3, one, two, max_load_factor=1.5)]


program("table_dense_mistakes", dense_mistakes)


def _file():
    path = Path(tempfile.gettempdir()) / "tenon-oracle-tables.txt"
    content = b"zero\t0\t0.5\none\t10\t1.5\r\ntwo\t20\t2.5\n"
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
    return np.array(str(path).encode(), object)


def text(suffix):
    def build(g):
        missing = {"int64": np.int64(-1), "float32": np.float32(-1), "string": np.array(b"?", object)}

        def table(n, key, value, **attrs):
            t = Table(g, "HashTable", key, value, suffix, shared_name=f"text{n}{suffix}")
            return t, t._op("InitializeTableFromTextFile", _file(), **attrs)

        words, fill_words = table(1, "string", "int64", key_index=0, value_index=-1)
        lines, fill_lines = table(2, "int64", "string", key_index=-1, value_index=-2, vocab_size=2, offset=5)
        cells, fill_cells = table(3, "int64", "string", key_index=1, value_index=0)
        halves, fill_halves = table(4, "string", "float32", key_index=0, value_index=2)
        steps = [
            fill_words, words.find(np.array([b"two", b"x"], object), missing["int64"]), words.size(),
            fill_lines, lines.find(np.array([5, 6, 7], np.int64), missing["string"]), lines.size(),
            fill_cells, cells.find(np.array([10, 11], np.int64), missing["string"]),
            fill_halves, halves.find(np.array([b"one", b"x"], object), missing["float32"]),
        ]  # fmt: skip
        bad = [
            ("INVALID_ARGUMENT", {"key_index": 0, "value_index": 7}),
            ("INVALID_ARGUMENT", {"key_index": 0, "value_index": 0}),
            ("INVALID_ARGUMENT", {"key_index": 0, "value_index": -1, "vocab_size": 9}),
            ("INVALID_ARGUMENT", {"key_index": 0, "value_index": -1, "delimiter": "ab"}),
            ("INVALID_ARGUMENT", {"key_index": -1, "value_index": -1}),
        ]  # fmt: skip
        for n, (code, attrs) in enumerate(bad):
            steps.append((code, table(10 + n, "string", "int64", **attrs)[1], {}))
        return steps

    return build


program("table_text", text("V2"))
program("table_text_ref", text(""))
