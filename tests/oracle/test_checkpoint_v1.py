"""Checkpoints of the first format: TensorFlow's are read here, ours there; whole, sliced, sharded; broken ones."""

import numpy as np
import pytest

import tenon as tf
from oracle.test_checkpoint import VALUES, strings
from tenon import _thin
from tenon._thin import errors

theirs = pytest.importorskip("tensorflow")
tf1 = theirs.compat.v1

# TensorFlow's first format knows neither these types nor, in this version, unsigned numbers of more than 16 bits.
KNOWN = {k: v for k, v in VALUES.items() if k not in ("bfloat16", "uint32", "uint64", "complex128")}


def they_save(path, values, slices=None):
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = [tf1.constant(v) for v in values.values()]
        raw = theirs.raw_ops
        if slices is None:
            session.run(raw.Save(filename=path, tensor_names=list(values), data=tensors))
        else:
            session.run(
                raw.SaveSlices(filename=path, tensor_names=list(values), shapes_and_slices=slices, data=tensors)
            )


def we_save(path, values, slices=None):
    graph = _thin.Graph()
    tensors = [graph.constant(v, "string" if np.asarray(v).dtype.kind == "O" else None) for v in values.values()]
    inputs = [graph.constant(np.array(path.encode(), object), "string"), graph.constant(strings(values), "string")]
    if slices is not None:
        inputs.append(graph.constant(strings(slices), "string"))
    node = graph.op("Save" if slices is None else "SaveSlices", *inputs, tensors)
    with _thin.Session(graph) as session:
        session.run(node)


def they_restore(path, name, dtype, part=""):
    with tf1.Graph().as_default(), tf1.Session() as session:
        dtype = theirs.string if dtype == "O" else dtype
        return session.run(
            theirs.raw_ops.RestoreSlice(file_pattern=path, tensor_name=name, shape_and_slice=part, dt=dtype)
        )


def we_restore(path, name, dtype, part=None):
    graph = _thin.Graph()
    inputs = [graph.constant(strings([text])[0], "string") for text in (path, name, *([part] if part else []))]
    node = graph.op("RestoreSlice" if part else "Restore", *inputs, dt="string" if dtype == "O" else dtype)
    with _thin.Session(graph) as session:
        return session.run(node)


def dtype_of(value):
    return "O" if np.asarray(value).dtype.kind == "O" else np.asarray(value).dtype.name


def test_theirs_here(tmp_path):
    path = str(tmp_path / "model")
    they_save(path, KNOWN)
    reader = tf.train.NewCheckpointReader(path)
    assert set(reader.get_variable_to_shape_map()) == set(KNOWN)
    for name, value in KNOWN.items():
        for got in (we_restore(path, name, dtype_of(value)), reader.get_tensor(name)):
            np.testing.assert_array_equal(got, value)
            assert np.asarray(got).dtype == np.asarray(value).dtype


def test_ours_there(tmp_path):
    path = str(tmp_path / "model")
    we_save(path, KNOWN)
    for name, value in KNOWN.items():
        np.testing.assert_array_equal(they_restore(path, name, dtype_of(value)), value)


def test_all_types_there_and_back(tmp_path):
    path = str(tmp_path / "model")
    we_save(path, VALUES)
    for name, value in VALUES.items():
        np.testing.assert_array_equal(we_restore(path, name, dtype_of(value)), value)


@pytest.mark.parametrize("save", [they_save, we_save])
@pytest.mark.parametrize("restore", [they_restore, we_restore])
def test_slices_in_several_files(tmp_path, save, restore):
    whole = np.arange(60, dtype="float32").reshape(5, 4, 3)
    save(str(tmp_path / "m-00000-of-00002"), {"t": whole[:2], "s": np.int64(7)}, ["5 4 3 0,2:-:-", ""])
    save(str(tmp_path / "m-00001-of-00002"), {"t": whole[2:]}, ["5 4 3 2,3:-:-"])
    pattern = str(tmp_path / "m-?????-of-00002")
    np.testing.assert_array_equal(restore(pattern, "t", "float32", "5 4 3 -:-:-"), whole)
    np.testing.assert_array_equal(restore(pattern, "t", "float32", "5 4 3 1,3:1,2:-"), whole[1:4, 1:3])
    assert restore(pattern, "s", "int64") == 7


def build(tf):
    with tf.device("/cpu:0"):
        a = tf.get_variable("a", initializer=np.arange(6, dtype="float32").reshape(2, 3), use_resource=False)
    with tf.device("/cpu:1"):
        b = tf.get_variable("b/c", initializer=np.arange(4, dtype="int32"), use_resource=False)
        part = tf.get_variable("p", shape=[5, 2], initializer=tf.ones_initializer(), use_resource=False,
                               partitioner=tf.fixed_size_partitioner(2))  # fmt: skip
    return [a, b, *part]


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("writer, reader", [(tf, tf1), (tf1, tf), (tf, tf)])
def test_savers(tmp_path, sharded, writer, reader):
    def config(tf):
        return tf.ConfigProto(device_count={"CPU": 2})

    with writer.Graph().as_default(), writer.Session(config=config(writer)) as session:
        variables = build(writer)
        session.run(writer.global_variables_initializer())
        saver = writer.train.Saver(write_version=writer.train.SaverDef.V1, sharded=sharded)
        path = saver.save(session, str(tmp_path / "model"), global_step=3, write_meta_graph=False)
        want = session.run(variables)
    assert path.endswith("model-3-?????-of-00002" if sharded else "model-3")
    assert not list(tmp_path.glob("*.index"))
    assert tf.train.latest_checkpoint(str(tmp_path)) == path
    with reader.Graph().as_default(), reader.Session(config=config(reader)) as session:
        variables = build(reader)
        reader.train.Saver().restore(session, path)
        for got, expected in zip(session.run(variables), want):
            np.testing.assert_array_equal(got, expected)


def test_broken_files_are_errors(tmp_path):
    path = tmp_path / "model"
    we_save(str(path), {"t": np.arange(1000, dtype="float32")})
    whole = path.read_bytes()
    for cut in (0, 1, 47, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(errors.DataLossError, match="model"):
            we_restore(str(path), "t", "float32")
    turned = bytearray(whole)
    turned[len(whole) // 3] ^= 0xFF
    path.write_bytes(turned)
    with pytest.raises(errors.DataLossError, match="model"):
        we_restore(str(path), "t", "float32")
    path.write_bytes(whole)
    with pytest.raises(errors.NotFoundError, match="key u not found"):
        we_restore(str(path), "u", "float32")
    with pytest.raises(errors.InvalidArgumentError, match="int32 is asked for"):
        we_restore(str(path), "t", "int32")
    with pytest.raises(errors.NotFoundError):
        we_restore(str(tmp_path / "nothing"), "t", "float32")
