"""SavedModels: each package loads what the other wrote; signatures, tags, assets and errors are TensorFlow's."""

import os

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow


def model(tf):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", [2, 3], initializer=tf.constant_initializer(1.5))
    r = tf.get_variable("r", [3], use_resource=True, initializer=tf.constant_initializer(0.5))
    return x, tf.add(tf.matmul(x, w), r, name="y")


@pytest.mark.parametrize("as_text", [False, True])
def test_each_loads_what_the_other_wrote(tmp_path, as_text):
    asset = os.path.join(tmp_path, "words.txt")
    with open(asset, "w") as file:
        file.write("one\ntwo\n")
    for name, writer, reader in (("tenon", tenon, tensorflow()), ("tensorflow", tensorflow(), tenon)):
        folder = os.path.join(tmp_path, name)
        with writer.Graph().as_default(), writer.Session() as session:
            x, y = model(writer)
            path = writer.constant(asset, name="path")
            local = writer.Variable("", name="local", collections=["local_variables"], dtype=writer.string)
            main = writer.group(local.assign(path), name="main")
            session.run(writer.global_variables_initializer())
            builder = writer.saved_model.builder.SavedModelBuilder(folder)
            signature = writer.saved_model.signature_def_utils.predict_signature_def({"in": x}, {"out": y})
            key = writer.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
            tags = [writer.saved_model.tag_constants.SERVING]
            builder.add_meta_graph_and_variables(
                session, tags, {key: signature}, assets_collection=[path], main_op=main, strip_default_attrs=True
            )
            builder.add_meta_graph(["train", "more"])
            written = builder.save(as_text=as_text)
            assert os.path.exists(written)
        assert reader.saved_model.contains_saved_model(folder)
        with reader.Graph().as_default() as graph, reader.Session() as session:
            meta = reader.saved_model.loader.load(session, ["serve"], folder)
            found = meta.signature_def["serving_default"]
            assert found.method_name == "tensorflow/serving/predict" and reader.saved_model.is_valid_signature(found)
            value = session.run(found.outputs["out"].name, {found.inputs["in"].name: np.ones((1, 2))})
            np.testing.assert_array_equal(value, [[3.5, 3.5, 3.5]])
            shown = reader.saved_model.utils.get_tensor_from_tensor_info(found.inputs["in"])
            assert shown is graph.get_tensor_by_name("x:0") and shown.shape.as_list() == [None, 2]
            assert session.run("local:0") == os.path.join(folder, "assets", "words.txt").encode()
        with reader.Graph().as_default(), reader.Session() as session:
            reader.saved_model.load(session, {"more", "train"}, folder, import_scope="inner")
            assert session.run("inner/y:0", {"inner/x:0": np.zeros((1, 2))}).tolist() == [[0.5, 0.5, 0.5]]


def test_simple_save_crosses(tmp_path):
    for name, writer, reader in (("tenon", tenon, tensorflow()), ("tensorflow", tensorflow(), tenon)):
        folder = os.path.join(tmp_path, name)
        with writer.Graph().as_default(), writer.Session() as session:
            x, y = model(writer)
            session.run(writer.global_variables_initializer())
            writer.saved_model.simple_save(session, folder, {"x": x}, {"y": y})
        with reader.Graph().as_default(), reader.Session() as session:
            reader.saved_model.load(session, ["serve"], folder)
            assert session.run("y:0", {"x:0": np.ones((1, 2))}).tolist() == [[3.5, 3.5, 3.5]]


def test_signatures():
    def program(tf):
        examples, labels = tf.placeholder(tf.string, [None]), tf.placeholder(tf.string, [None, 2])
        scores, sparse = tf.placeholder(tf.float32, [None, 2]), tf.SparseTensor([[0, 1]], [5], [3, 4])
        utils = tf.saved_model.signature_def_utils
        made = [
            utils.classification_signature_def(examples, labels, scores),
            utils.regression_signature_def(examples, scores),
            utils.predict_signature_def({"s": sparse, "x": scores}, {"y": labels}),
            utils.build_signature_def({}, {}, "mine"),
        ]
        return [[m.SerializeToString(deterministic=True), utils.is_valid_signature(m)] for m in made]

    both(program)
    for program in (
        lambda tf: tf.saved_model.classification_signature_def(None, None, None),
        lambda tf: tf.saved_model.classification_signature_def(tf.constant("a"), None, None),
        lambda tf: tf.saved_model.classification_signature_def(tf.constant(1.0), tf.constant("a"), None),
        lambda tf: tf.saved_model.regression_signature_def(tf.constant("a"), tf.constant(1)),
        lambda tf: tf.saved_model.predict_signature_def({}, {}),
        lambda tf: tf.saved_model.get_tensor_from_tensor_info(tf.TensorInfo()),
    ):
        both.error(program)


def test_errors(tmp_path):
    with open(os.path.join(tmp_path, "x"), "w") as file:
        file.write("there")
    for program in (
        lambda tf: tf.saved_model.Builder(str(tmp_path)),
        lambda tf: tf.saved_model.load(tf.Session(), ["serve"], str(tmp_path)),
        lambda tf: tf.saved_model.Builder(os.path.join(tmp_path, tf.__name__)).add_meta_graph(["a"]),
    ):
        both.error(program)
    folder = os.path.join(tmp_path, "model")
    with tenon.Graph().as_default(), tenon.Session() as session:
        x, y = model(tenon)
        session.run(tenon.global_variables_initializer())
        tenon.saved_model.simple_save(session, folder, {"x": x}, {"y": y})
    assert "could not be found in SavedModel" in str(
        both.error(lambda tf: tf.saved_model.load(tf.Session(), ["no"], folder))
    )
    with open(os.path.join(folder, "saved_model.pb"), "wb") as file:
        file.write(b"\x0a\xff")
    both.error(lambda tf: tf.saved_model.load(tf.Session(), ["serve"], folder), kind=False)


def test_timeline():
    from tenon.python.client import timeline

    with tenon.Graph().as_default(), tenon.Session() as session:
        x, y = model(tenon)
        session.run(tenon.global_variables_initializer())
        options, metadata = tenon.RunOptions(trace_level=tenon.RunOptions.FULL_TRACE), tenon.RunMetadata()
        session.run(y, {x: np.ones((2, 2))}, options, metadata)
    import json

    trace = json.loads(timeline.Timeline(metadata.step_stats).generate_chrome_trace_format(show_memory=True))
    names = [event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "X"]
    assert any("MatMul" in name or "y" in name for name in names)
