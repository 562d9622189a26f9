"""HDF5 files: h5py reads what Tenon writes, and Tenon what h5py writes."""

import numpy as np
import pytest

import tenon
from api.both import tensorflow
from tenon.python.lib.io import hdf5

h5py = pytest.importorskip("h5py", reason="no h5py")


def fill(module, path):
    with module.File(path, "w") as f:
        f.attrs["text"], f.attrs["bytes"], f.attrs["long"] = "h\u00e9llo", b"abc", "x" * 100_000
        f.attrs["names"], f.attrs["n"], f.attrs["x"] = np.array([b"a", b"bcd"]), 3, np.float32(1.5)
        f.attrs["empty"], f.attrs["texts"] = [], np.array(["p", "qq"], dtype=object)
        group = f.create_group("model/deep")
        group.attrs["k"] = np.arange(6, dtype="i2").reshape(2, 3)
        for dtype in ("f2", "f4", "f8", "i1", "u1", "i4", "i8", "u2", ">f4"):
            group.create_dataset("d" + dtype.replace(">", "big"), data=np.arange(7).astype(dtype))
        group.create_dataset("words", data=np.array([b"ab", b"cdefg"]))
        group.create_dataset("dense/kernel:0", data=np.random.RandomState(0).rand(3, 4).astype("f4"))
        group["scalar"] = np.float32(2.5)
        group.create_dataset("none", data=np.zeros((0, 3), "f4"))
        for i in range(300):
            f.create_dataset(f"many/w{i}", data=np.full(3, i, "f4"))


def content(module, path):
    found = {}

    def note(name, thing):
        value = np.asarray(thing[()]) if hasattr(thing, "dtype") else None
        found[name] = value, {k: thing.attrs[k] for k in thing.attrs}

    with module.File(path, "r") as f:
        f.visititems(note)
        found["/"] = None, {k: f.attrs[k] for k in f.attrs}
    return found


def equal(a, b):
    assert a.keys() == b.keys()
    for key, (value, attributes) in b.items():
        assert (a[key][0] is None) == (value is None)
        if value is not None:
            assert a[key][0].dtype == value.dtype
            np.testing.assert_array_equal(a[key][0], value)
        assert a[key][1].keys() == attributes.keys()
        for name, expected in attributes.items():
            assert np.asarray(a[key][1][name]).dtype == np.asarray(expected).dtype, name
            np.testing.assert_array_equal(a[key][1][name], expected)


def test_files_cross(tmp_path):
    paths = [str(tmp_path / name) for name in ("ours", "theirs")]
    fill(hdf5, paths[0])
    fill(h5py, paths[1])
    expected = content(h5py, paths[1])
    for module, path in ((h5py, paths[0]), (hdf5, paths[0]), (hdf5, paths[1])):
        equal(content(module, path), expected)


def test_what_is_not_read_is_said(tmp_path):
    path = str(tmp_path / "f.h5")
    with h5py.File(path, "w") as f:
        f.create_dataset("c", data=np.zeros((4, 4)), chunks=(2, 2), compression="gzip")
    with pytest.raises(OSError, match="compressed datasets are not read"):
        hdf5.File(path)
    with h5py.File(path, "w", libver="latest") as f:
        f["a"] = 1
    with pytest.raises(OSError, match="latest format"):
        hdf5.File(path)
    with open(path, "wb") as f:
        f.write(b"text")
    with pytest.raises(OSError, match="does not begin as an HDF5 file"):
        hdf5.File(path)
    with pytest.raises(FileNotFoundError):
        hdf5.File(str(tmp_path / "none"))
    with pytest.raises(OSError, match="none/file"):
        hdf5.File(str(tmp_path / "none" / "file"), "w")
    with hdf5.File(path, "w") as f:
        with pytest.raises(ValueError, match="already exists"):
            f["a"], f["a"] = 1, 2
        with pytest.raises(KeyError, match="'b' doesn't exist"):
            f["b"]
        f["c"] = np.zeros(2, "c8")
        with pytest.raises(TypeError, match="complex64"):
            f.flush()
        del f["c"]
    with hdf5.File(path, "a") as f:
        f["b"] = [1.0, 2.0]
    assert content(h5py, path).keys() == {"/", "a", "b"}


def test_keras_reads_an_application_of_layers(tmp_path):
    """Weights of each kind of layer go from one package to the other by files, in order and by name."""

    def model(tf):
        k = tf.keras
        layers = [k.layers.Conv2D(3, 3, input_shape=(8, 8, 2), name="c"), k.layers.BatchNormalization(name="b"),
                  k.layers.TimeDistributed(k.layers.Dense(4), name="t"), k.layers.Reshape((6, 24), name="r"),
                  k.layers.Bidirectional(k.layers.LSTM(3), name="l"), k.layers.Dense(2, name="d")]  # fmt: skip
        return k.Sequential(layers)

    real = tensorflow()
    x = np.random.RandomState(1).rand(3, 8, 8, 2).astype("f")
    for writer, reader in ((tenon, real), (real, tenon)):
        path = str(tmp_path / f"{writer.__name__}.h5")
        with writer.Graph().as_default():
            first = model(writer)
            first.save_weights(path)
            expected = first.predict(x)
        for by_name in (False, True):
            with reader.Graph().as_default():
                second = model(reader)
                second.load_weights(path, by_name=by_name)
                np.testing.assert_allclose(second.predict(x), expected, rtol=1e-4, atol=1e-5)


def test_a_model_learns_from_a_file(tmp_path):
    k, path = tenon.keras, str(tmp_path / "data.h5")
    with hdf5.File(path, "w") as f:
        f["x"], f["y"] = np.random.RandomState(0).rand(30, 4), np.ones((30, 1))
    x = k.utils.HDF5Matrix(path, "x", 5, 25, normalizer=lambda v: v * 2)
    y = k.utils.HDF5Matrix(path, "y", 5, 25)
    assert x.shape == (20, 4) and len(y) == 20 and x[[0, 3]].shape == (2, 4) and x.ndim == 2 and x.size == 80
    np.testing.assert_array_equal(x[1:3], 2 * content(hdf5, path)["x"][0][6:8])
    with pytest.raises(IndexError):
        x[20]
    with tenon.Graph().as_default():
        model = k.Sequential([k.layers.Dense(1, input_shape=(4,))])
        model.compile("sgd", "mse")
        losses = model.fit(x, y, epochs=5, batch_size=8, shuffle="batch", verbose=0).history["loss"]
        assert losses[-1] < losses[0] and model.predict(x).shape == (20, 1)
