"""SavedModels in C and C++: those of TensorFlow 1.x, of 2.x with functions, and ours; what fails with which words."""

import ctypes as c
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from api.both import tensorflow

import tenon
from train.capi import BUILD, check, declare, lib, tensor

WRITER = Path(__file__).parent / "write_saved_models.py"
NUMPY = {1: np.float32, 3: np.int32, 9: np.int64}
STRING = 7


class Text(c.Structure):
    _fields_ = [("data", c.c_char_p), ("size", c.c_size_t)]


class Shape(c.Structure):
    _fields_ = [("rank", c.c_int), ("dims", c.c_int64 * 8)]


class Tensor(c.Structure):
    _fields_ = [("key", c.c_char_p), ("name", c.c_char_p), ("dtype", c.c_int), ("shape", Shape)]


class Signature(c.Structure):
    _fields_ = [
        ("key", c.c_char_p), ("method", c.c_char_p), ("n_inputs", c.c_size_t), ("n_outputs", c.c_size_t),
        ("inputs", c.POINTER(Tensor)), ("outputs", c.POINTER(Tensor)),
    ]  # fmt: skip


ADDRESS = c.POINTER(c.c_void_p)
declare("tn_saved_model_load", c.c_void_p, c.c_char_p, c.c_char_p, c.c_void_p, ADDRESS)
declare("tn_saved_model_open", c.c_void_p, c.c_char_p, ADDRESS)
declare("tn_saved_model_find", c.c_void_p, c.c_void_p, c.c_char_p, c.POINTER(c.POINTER(Signature)))
declare("tn_saved_model_run", c.c_void_p, c.c_void_p, c.c_char_p, ADDRESS, ADDRESS)
declare("tn_saved_model_free", None, c.c_void_p)
declare("tn_saved_model_n_graphs", c.c_size_t, c.c_void_p)
declare("tn_saved_model_tags", c.c_char_p, c.c_void_p, c.c_size_t)
declare("tn_tensor_strings", c.c_void_p, c.c_int, c.POINTER(c.c_int64), c.POINTER(Text), ADDRESS)
declare("tn_tensor_dtype", c.c_int, c.c_void_p)
declare("tn_tensor_rank", c.c_int, c.c_void_p)
declare("tn_tensor_dim", c.c_int64, c.c_void_p, c.c_int)
declare("tn_tensor_data", c.c_void_p, c.c_void_p)
declare("tn_tensor_bytes", c.c_size_t, c.c_void_p)


def given(array):
    array = np.asarray(array)
    if array.dtype.kind != "S":
        return tensor(array)
    texts, out = (Text * max(array.size, 1))(*[Text(x, len(x)) for x in array.ravel().tolist()]), c.c_void_p()
    check(lib.tn_tensor_strings(array.ndim, (c.c_int64 * 8)(*array.shape), texts, c.byref(out)))
    return out


def taken(handle):
    shape = [lib.tn_tensor_dim(handle, i) for i in range(lib.tn_tensor_rank(handle))]
    data = c.string_at(lib.tn_tensor_data(handle), lib.tn_tensor_bytes(handle))
    array = np.frombuffer(data, NUMPY[lib.tn_tensor_dtype(handle)]).reshape(shape)
    lib.tn_tensor_free(handle)
    return array


class SavedModel:
    def __init__(self, folder, tags="serve"):
        self.handle = c.c_void_p()
        check(lib.tn_saved_model_load(os.fsencode(folder), tags.encode(), None, c.byref(self.handle)))

    def __del__(self):
        lib.tn_saved_model_free(self.handle)

    def run(self, key, **inputs):
        found = c.POINTER(Signature)()
        check(lib.tn_saved_model_find(self.handle, key.encode(), c.byref(found)))
        s = found.contents
        values = (c.c_void_p * max(s.n_inputs, 1))()
        for i in range(s.n_inputs):
            values[i] = given(inputs[s.inputs[i].key.decode()])
        outputs = (c.c_void_p * max(s.n_outputs, 1))()
        error = lib.tn_saved_model_run(self.handle, key.encode(), values, outputs)
        for value in values[: s.n_inputs]:
            lib.tn_tensor_free(value)
        check(error)
        return {s.outputs[i].key.decode(): taken(outputs[i]) for i in range(s.n_outputs)}


@pytest.fixture(scope="module")
def second_version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("second")
    done = subprocess.run([sys.executable, WRITER, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_of_the_second_version(second_version):
    expected = np.load(second_version / "expected.npz")
    model = SavedModel(second_version / "words")
    embedded = model.run("embed", words=expected["queries"])
    np.testing.assert_array_equal(embedded["ids"], expected["embed/ids"])
    np.testing.assert_array_equal(embedded["vectors"], expected["embed/vectors"])
    for calls, n in enumerate((1, 3)):
        out = model.run("power", n=np.int32(n), x=expected["x"])
        np.testing.assert_allclose(out["x"], expected[f"power{n}"], rtol=1e-6, atol=1e-7)
        assert out["calls"] == calls + 1


def write(tf, folder):
    """A model of version 1 with an asset that its main operation reads the path of."""
    asset = os.path.join(os.path.dirname(folder), "asset.txt")
    Path(asset).write_text("text\n")
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", [2, 3], initializer=tf.constant_initializer(1.5))
        r = tf.get_variable("r", [3], use_resource=True, initializer=tf.constant_initializer(0.5))
        y = tf.add(tf.matmul(x, w), r, name="y")
        path = tf.constant(asset, name="path")
        size = tf.Variable(0, name="size", collections=["local_variables"], dtype=tf.int32)
        read = tf.strings.length(tf.read_file(path))
        main = tf.group(size.assign(read), name="main")
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.builder.SavedModelBuilder(folder)
        info, make = tf.saved_model.build_tensor_info, tf.saved_model.build_signature_def
        signatures = {
            "serving_default": make({"in": info(x)}, {"out": info(y)}, "tensorflow/serving/predict"),
            "size": make({}, {"size": info(tf.identity(size))}, "tensorflow/serving/predict"),
        }
        builder.add_meta_graph_and_variables(session, ["serve"], signatures, assets_collection=[path], main_op=main)
        builder.add_meta_graph(["train", "more"])
        builder.save()
    os.unlink(asset)


@pytest.mark.parametrize("writer", ["tenon", "tensorflow"])
def test_of_the_first_version(tmp_path, writer):
    folder = str(tmp_path / "model")
    write(tenon if writer == "tenon" else tensorflow(), folder)
    model = SavedModel(folder)
    for n in (0, 1, 3):
        out = model.run("serving_default", **{"in": np.ones((n, 2), "f")})["out"]
        np.testing.assert_array_equal(out, np.full((n, 3), 3.5, "f"))
    assert model.run("size")["size"] == len("text\n")
    handle = c.c_void_p()
    check(lib.tn_saved_model_open(os.fsencode(folder), c.byref(handle)))
    assert [lib.tn_saved_model_tags(handle, i) for i in range(lib.tn_saved_model_n_graphs(handle))] == [
        b"serve", b"more,train",
    ]  # fmt: skip
    lib.tn_saved_model_free(handle)


def test_moved_and_read_by_its_names(tmp_path):
    write(tenon, str(tmp_path / "model"))
    shutil.move(tmp_path / "model", tmp_path / "elsewhere")
    shown = subprocess.run(
        [BUILD / "tenon", "inspect", tmp_path / "elsewhere", "--json"], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(line["tags"], line["signature"]) for line in lines] == [("serve", "serving_default"), ("serve", "size")]
    assert lines[0]["inputs"] == {"in": {"tensor": "x:0", "dtype": "float32", "shape": [-1, 2]}}
    assert SavedModel(tmp_path / "elsewhere").run("size")["size"] == 5


def test_what_fails(tmp_path):
    def words(call):
        with pytest.raises(RuntimeError) as caught:
            call()
        return str(caught.value)

    folder = tmp_path / "model"
    write(tenon, str(folder))
    assert "no graph is tagged 'gpu'; there are 'serve', 'more,train'" in words(lambda: SavedModel(folder, "gpu"))
    assert "'serv'" in words(lambda: SavedModel(folder, "serv"))
    assert SavedModel(folder, "train,more")
    model = SavedModel(folder)
    assert "no signature is called 'other'; there are 'serving_default', 'size'" in words(lambda: model.run("other"))
    assert "[1,3]" in words(lambda: model.run("serving_default", **{"in": np.ones((1, 3), "f")}))
    assert "nothing" in words(lambda: SavedModel(tmp_path / "nothing"))
    index = folder / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:-7])
    assert "restoring" in words(lambda: SavedModel(folder))
    saved = folder / "saved_model.pb"
    whole = saved.read_bytes()
    for size in (1, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:size])
        assert "saved_model.pb" in words(lambda: SavedModel(folder))
    saved.rename(folder / "saved_model.pbtxt")
    assert "text form" in words(lambda: SavedModel(folder))


PROGRAM = """
#include <iostream>
#include <tenon/tenon.hpp>

int main(int, char **argv) {
  tenon::SavedModelBundle bundle;
  tenon::LoadSavedModel({}, {}, argv[1], {tenon::kSavedModelTagServe}, &bundle).check();
  for (const auto &[key, signature] : bundle.GetSignatures())
    std::cout << key << " " << signature.inputs.size() << " " << signature.method_name << "\\n";
  tenon::Tensor ones(std::vector<float>{1, 1, 2, 2}, {2, 2});
  std::cout << bundle.run("serving_default", {{"in", ones}})["out"].matrix<float>() << "\\n";
  std::map<std::string, tenon::Tensor> out;
  std::cout << bundle.Run("serving_default", {}, &out) << "\\n";
  std::cout << bundle.Run("size", {{"in", ones}}, &out) << "\\n";
}
"""
PRINTED = """\
serving_default 1 tensorflow/serving/predict
size 0 tensorflow/serving/predict
3.5 3.5 3.5
6.5 6.5 6.5
INVALID_ARGUMENT: signature 'serving_default' needs input 'in'
INVALID_ARGUMENT: signature 'size' has no input 'in'
"""


def test_in_cpp(tmp_path):
    write(tenon, str(tmp_path / "model"))
    (tmp_path / "program.cpp").write_text(PROGRAM)
    root = BUILD.parent
    places = [f"-I{root / 'include'}", f"-I{root / 'cpp'}", f"-I{BUILD / 'cpp'}", f"-L{BUILD}", f"-Wl,-rpath,{BUILD}"]
    source, program = tmp_path / "program.cpp", tmp_path / "program"
    compiler = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", *places]
    built = subprocess.run([*compiler, source, "-ltenon", "-o", program], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    done = subprocess.run([program, tmp_path / "model"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, PRINTED), done.stderr
