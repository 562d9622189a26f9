"""Checkpoints: what TensorFlow saved is restored here, and the other way round; whole, sliced and sharded."""

import ml_dtypes
import numpy as np
import pytest

from tenon import _thin

tf = pytest.importorskip("tensorflow")
tf1 = tf.compat.v1

rng = np.random.RandomState(7)

VALUES = {
    "float": rng.rand(3, 5).astype("float32"),
    "double": rng.rand(7),
    "half": rng.rand(4).astype("float16"),
    "bfloat16": rng.rand(4).astype(ml_dtypes.bfloat16),
    "scalar": np.float32(3.5),
    "empty": np.zeros((0, 3), "float32"),
    "bool": np.array([True, False, True]),
    "complex64": (rng.rand(3) + 1j * rng.rand(3)).astype("complex64"),
    "complex128": rng.rand(2, 2) + 1j * rng.rand(2, 2),
    "string": np.array([[b"one\0two", b""], [b"drei", "四".encode()]], object),
    "deep/er/name": np.arange(6, dtype="int64").reshape(1, 2, 3),
    **{
        kind: np.arange(5).astype(kind)
        for kind in ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
    },
}


def strings(values):
    return np.array([v.encode() for v in values], object)


def dtype_of(value):
    return "string" if np.asarray(value).dtype.kind == "O" else np.asarray(value).dtype.name


def save(prefix, values, specs=None):
    """Saves VALUES ((name, array) pairs) with Tenon."""
    graph = _thin.Graph()
    values = list(values)
    tensors = [graph.constant(np.asarray(v), dtype_of(v)) for _, v in values]
    names = graph.constant(strings([n for n, _ in values]), "string")
    slices = graph.constant(strings(specs or [""] * len(values)), "string")
    node = graph.op("SaveV2", graph.constant(np.array(prefix.encode(), object), "string"), names, slices, tensors)
    with _thin.Session(graph) as session:
        session.run(node)


def restore(prefix, wanted, specs=None):
    """Restores WANTED ((name, dtype) pairs) with Tenon."""
    graph = _thin.Graph()
    names = graph.constant(strings([n for n, _ in wanted]), "string")
    slices = graph.constant(strings(specs or [""] * len(wanted)), "string")
    outputs = graph.op(
        "RestoreV2",
        graph.constant(np.array(str(prefix).encode(), object), "string"),
        names,
        slices,
        dtypes=[d for _, d in wanted],
    )
    with _thin.Session(graph) as session:
        return session.run(list(outputs) if isinstance(outputs, tuple) else [outputs])


def check(got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    if expected.dtype.kind == "O":
        assert got.ravel().tolist() == expected.ravel().tolist()
    else:
        assert got.tobytes() == expected.tobytes()


def test_tensorflow_reads_ours(tmp_path):
    prefix = str(tmp_path / "ours")
    save(prefix, VALUES.items())
    reader = tf.train.load_checkpoint(prefix)
    assert set(reader.get_variable_to_shape_map()) == set(VALUES)
    for name, value in VALUES.items():
        check(reader.get_tensor(name), value)


def tensorflow_save(prefix, values, specs=None):
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf.constant(v) for v in values.values()]
        node = tf.raw_ops.SaveV2(
            prefix=prefix, tensor_names=list(values), shape_and_slices=specs or [""] * len(values), tensors=tensors
        )
        session.run(node)


def test_ours_reads_tensorflow(tmp_path):
    prefix = str(tmp_path / "theirs")
    tensorflow_save(prefix, VALUES)
    got = restore(prefix, [(n, dtype_of(v)) for n, v in VALUES.items()])
    for value, expected in zip(got, VALUES.values(), strict=True):
        check(value, expected)


def test_large_index_and_blocks(tmp_path):
    """Thousands of names in several blocks of the index."""
    names = [f"model/layer_{i:05d}/kernel" for i in range(6000)]
    values = {n: np.float32(i) for i, n in enumerate(names)}
    prefix = str(tmp_path / "many")
    tensorflow_save(prefix, values)
    got = restore(prefix, [(n, "float32") for n in names])
    assert [float(v) for v in got] == [float(i) for i in range(6000)]
    save(prefix + "2", values.items())
    reader = tf.train.load_checkpoint(prefix + "2")
    assert reader.get_tensor(names[4711]) == 4711


SLICES = ["10 4 0,3:-", "10 4 3,7:-"]
TABLE = np.arange(40, dtype="float32").reshape(10, 4)


def test_slices_of_tensorflow(tmp_path):
    """A partitioned variable, as TensorFlow saves it, whole and in other parts."""
    prefix = str(tmp_path / "sliced")
    with tf.Graph().as_default(), tf1.Session() as session:
        table = tf1.get_variable("table", [10, 4], partitioner=tf1.fixed_size_partitioner(3))
        session.run(tf1.global_variables_initializer())
        expected = session.run(table.as_tensor())
        prefix = tf1.train.Saver().save(session, prefix)
    (whole,) = restore(prefix, [("table", "float32")])
    check(whole, expected)
    (part,) = restore(prefix, [("table", "float32")], ["10 4 2,5:1,2"])
    check(part, expected[2:7, 1:3])


def test_slices_of_ours(tmp_path):
    prefix = str(tmp_path / "sliced")
    save(prefix, [("table", TABLE[:3]), ("table", TABLE[3:])], SLICES)
    reader = tf.train.load_checkpoint(prefix)
    check(reader.get_tensor("table"), TABLE)
    with tf.Graph().as_default(), tf1.Session() as session:
        got = session.run(
            tf.raw_ops.RestoreV2(
                prefix=prefix, tensor_names=["table"], shape_and_slices=["10 4 3,7:-"], dtypes=["float32"]
            )
        )
    check(got[0], TABLE[3:])


def test_sharded_by_tensorflow(tmp_path):
    """Two devices save a part each, and the parts are merged."""
    config = tf1.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), tf1.Session(config=config) as session:
        for i in range(2):
            with tf.device(f"/cpu:{i}"):
                tf1.get_variable(f"v{i}", initializer=TABLE + i, use_resource=False)
        session.run(tf1.global_variables_initializer())
        prefix = tf1.train.Saver(sharded=True).save(session, str(tmp_path / "sharded"))
    assert len(list(tmp_path.glob("sharded.data-*"))) == 2
    first, second = restore(prefix, [("v0", "float32"), ("v1", "float32")])
    check(first, TABLE)
    check(second, TABLE + 1)


def test_merged_by_ours(tmp_path):
    prefixes = [str(tmp_path / "temp" / f"part{i}") for i in range(3)]
    for i, prefix in enumerate(prefixes):
        save(prefix, [(f"v{i}", TABLE + i)])
    graph = _thin.Graph()
    whole = str(tmp_path / "whole")
    node = graph.op(
        "MergeV2Checkpoints",
        graph.constant(strings(prefixes), "string"),
        graph.constant(np.array(whole.encode(), object), "string"),
    )
    with _thin.Session(graph) as session:
        session.run(node)
    reader = tf.train.load_checkpoint(whole)
    for i in range(3):
        check(reader.get_tensor(f"v{i}"), TABLE + i)
    assert not (tmp_path / "temp").exists()


@pytest.mark.parametrize(
    ("name", "dtype", "spec", "error", "words"),
    [
        ("absent", "float32", "", _thin.errors.NotFoundError, "absent"),
        ("float", "float64", "", _thin.errors.InvalidArgumentError, "float32"),
        ("float", "float32", "3 6 0,1:-", _thin.errors.InvalidArgumentError, "[3,5]"),
        ("float", "float32", "nonsense", _thin.errors.InvalidArgumentError, "nonsense"),
    ],
)
def test_bad_requests(tmp_path, name, dtype, spec, error, words):
    prefix = str(tmp_path / "ours")
    save(prefix, VALUES.items())
    with pytest.raises(error) as caught:
        restore(prefix, [(name, dtype)], [spec])
    assert words in str(caught.value)


def test_missing_checkpoint(tmp_path):
    with pytest.raises(_thin.errors.NotFoundError, match=r"nothing\.index"):
        restore(tmp_path / "nothing", [("a", "float32")])
