"""Modules beside the public names that programs import: inspect_checkpoint, freeze_graph, pywrap_tensorflow."""

import os

import numpy as np

import tenon as tf
from api.both import tensorflow


def saved(folder):
    """A model and its checkpoint; the prefix."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", [2, 1], initializer=tf.constant_initializer(1.5))
    tf.add(tf.matmul(x, w), 1.0, name="y")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, os.path.join(folder, "m"))
        tf.train.write_graph(session.graph, folder, "graph.pbtxt")
        tf.saved_model.simple_save(session, os.path.join(folder, "saved"), {"x": x}, {"y": w})
    return prefix


def test_inspect_checkpoint(tmp_path, capsys):
    from tenon.python import pywrap_tensorflow
    from tenon.python.tools.inspect_checkpoint import print_tensors_in_checkpoint_file

    with tf.Graph().as_default():
        prefix = saved(tmp_path)
    assert pywrap_tensorflow.NewCheckpointReader(prefix).get_variable_to_shape_map() == {"w": [2, 1]}
    print_tensors_in_checkpoint_file(prefix, "", all_tensors=True)
    print_tensors_in_checkpoint_file(prefix, "w", all_tensors=False)
    print_tensors_in_checkpoint_file(prefix, "", all_tensors=False, all_tensor_names=True)
    out = capsys.readouterr().out
    assert out.count("tensor: w (float32) [2, 1]") == 3 and "[[1.5]\n [1.5]]" in out
    assert out.count("# Total number of params: 2") == 3


def test_freeze_graph(tmp_path):
    from tenon.python.tools import freeze_graph

    with tf.Graph().as_default():
        prefix = saved(tmp_path)
    places = [
        {"input_graph": str(tmp_path / "graph.pbtxt"), "input_binary": False},
        {"input_graph": "", "input_meta_graph": prefix + ".meta", "input_binary": True},
        {"input_graph": "", "input_saved_model_dir": str(tmp_path / "saved"), "input_binary": True},
    ]
    for i, place in enumerate(places):
        output = str(tmp_path / f"frozen{i}.pb")
        freeze_graph.freeze_graph(
            input_saver="", input_checkpoint=prefix, output_node_names="y", restore_op_name="save/restore_all",
            filename_tensor_name="save/Const:0", output_graph=output, clear_devices=True, initializer_nodes="", **place,
        )  # fmt: skip
        for package in (tf, tensorflow()):
            with package.Graph().as_default(), package.Session() as session, open(output, "rb") as file:
                graph_def = package.GraphDef.FromString(file.read())
                assert not any(node.op.startswith("Variable") for node in graph_def.node)
                (y,) = package.import_graph_def(graph_def, return_elements=["y:0"], name="in")
                assert session.run(y, {"in/x:0": np.ones((1, 2))}).tolist() == [[4.0]]
