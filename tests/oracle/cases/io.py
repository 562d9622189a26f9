"""Checkpoint ops. That TensorFlow reads our files and we read its own is tested in tests/oracle/test_checkpoint.py."""

import os
import shutil
import tempfile

import numpy as np

from oracle.api import bad, case, program

one, twelve = np.array(1, "int32"), np.array(12, "int32")
case("ShardedFilename", np.array(b"model", object), one, twelve)
case("ShardedFilename", np.array("模型".encode(), object), np.array(0, "int32"), np.array(100000, "int32"))
case("ShardedFilespec", np.array(b"model", object), np.array(3, "int32"))
bad("ShardedFilename", np.array([b"model"], object), one, twelve, code="INVALID_ARGUMENT")


def text(*values):
    return np.array([v.encode() for v in values], object)


def folder(g):
    """A folder of this process, and PATH in it as a constant."""
    path = os.path.join(tempfile.gettempdir(), f"tenon-oracle-io-{os.getpid()}")
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return lambda name: g.constant(np.array(os.path.join(path, name).encode(), object))


def save(g, path, values, specs=None):
    tensors = [g.constant(v) for v in values.values()]
    return g.op("SaveV2", path, g.constant(text(*values)), g.constant(text(*(specs or [""] * len(values)))), tensors)


def restore(g, path, names, dtypes, specs=None):
    out = g.op(
        "RestoreV2", path, g.constant(text(*names)), g.constant(text(*(specs or [""] * len(names)))), dtypes=dtypes
    )
    return list(out) if isinstance(out, (list, tuple)) else [out]


VALUES = {
    "a": np.arange(6, dtype="float32").reshape(2, 3),
    "b/c": np.array([b"x", b""], object),
    "d": np.array(7, "int64"),
}
DTYPES = ["float32", "string", "int64"]


def there_and_back(g):
    path = folder(g)("x")
    return [[save(g, path, VALUES)], restore(g, path, list(VALUES), DTYPES)]


def in_slices(g):
    path = folder(g)("x")
    return [
        [save(g, path, {"t": VALUES["a"]}, ["4 3 0,2:-"])],
        restore(g, path, ["t"], ["float32"], ["4 3 1,1:0,2"]),
        ("NOT_FOUND", restore(g, path, ["u"], ["float32"])),
        ("INVALID_ARGUMENT", restore(g, path, ["t"], ["int32"])),
    ]


def merged(g):
    at = folder(g)
    parts = [at("temp/part0"), at("temp/part1")]
    packed = g.op("Pack", parts)
    return [
        [save(g, parts[0], {"a": VALUES["a"]}), save(g, parts[1], {"d": VALUES["d"]})],
        [g.op("MergeV2Checkpoints", packed, at("whole"))],
        restore(g, at("whole"), ["a", "d"], ["float32", "int64"]),
    ]


def missing(g):
    return [("NOT_FOUND", restore(g, folder(g)("nothing"), ["a"], ["float32"]))]


program("save_restore", there_and_back)
program("slices", in_slices)
program("merge", merged)
program("missing", missing)


def first_format(g):
    at = folder(g)
    first, second, whole = at("m-00000-of-00002"), at("m-00001-of-00002"), at("whole")
    a = VALUES["a"]
    name = g.constant(np.array(b"t", object))

    def slices(path, value, spec):
        return g.op("SaveSlices", path, g.constant(text("t")), g.constant(text(spec)), [g.constant(value)])

    def part(spec, dtype="float32"):
        return g.op("RestoreSlice", at("m-*"), name, g.constant(np.array(spec.encode(), object)), dt=dtype)

    return [
        [g.op("Save", whole, g.constant(text("x", "y")), [g.constant(a), g.constant(VALUES["b/c"])])],
        [g.op("Restore", whole, g.constant(np.array(b"x", object)), dt="float32")],
        [g.op("Restore", whole, g.constant(np.array(b"y", object)), dt="string")],
        restore(g, whole, ["y", "x"], ["string", "float32"]),
        [slices(first, a, "4 3 0,2:-"), slices(second, a, "4 3 2,2:-")],
        [part("4 3 1,2:0,2")],
        ("NOT_FOUND", [g.op("Restore", whole, g.constant(np.array(b"z", object)), dt="string")]),
    ]


program("first_format", first_format)
bad("Save", np.array(b"/tmp/x", object), text("x", "y"), [np.arange(3, dtype="float32")], code="INVALID_ARGUMENT")
