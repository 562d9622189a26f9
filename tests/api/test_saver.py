"""Saver: the same nodes, keys and files as TensorFlow's; each reads what the other wrote."""

import os

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow


def model(tf):
    """Variables of both kinds, one in parts."""
    tf.get_variable("w", [2, 3], initializer=tf.constant_initializer(1.5))
    tf.get_variable("r", [2], use_resource=True, initializer=tf.constant_initializer(0.5))
    with tf.variable_scope("layer"):
        tf.Variable([1, 2, 3], name="b")
        tf.get_variable(
            "parts", [4, 2], initializer=tf.constant_initializer(2.0), partitioner=tf.fixed_size_partitioner(2)
        )
    return tf.global_variables()


def nodes(tf, scope="save"):
    """(name, type, inputs, control inputs) of the nodes of a scope."""
    return [
        [op.name, op.type, [i.name for i in op.inputs], sorted(c.name for c in op.control_inputs)]
        for op in tf.get_default_graph().get_operations()
        if op.name.startswith(scope)
    ]


@pytest.mark.parametrize(
    "options",
    [{}, {"max_to_keep": 3, "keep_checkpoint_every_n_hours": 2}, {"restore_sequentially": True}, {"name": "mine"}],
    ids=str,
)
def test_nodes_and_saver_def(options):
    def program(tf):
        model(tf)
        saver = tf.train.Saver(**options)
        return [str(saver.as_saver_def()), sorted(map(str, nodes(tf, options.get("name", "save"))))]

    both(program)


def test_sharded_nodes():
    def program(tf):
        with tf.device("/cpu:0"):
            tf.get_variable("a", [2])
        with tf.device("/job:ps/task:1"):
            tf.get_variable("b", [2])
        saver = tf.train.Saver(sharded=True)
        kinds = {node[1] for node in nodes(tf)} - {"StaticRegexFullMatch", "Select", "SelectV2"}  # TensorFlow's, for S3
        return [str(saver.as_saver_def()), sorted(kinds)]

    both(program)


def test_each_reads_what_the_other_wrote(tmp_path):
    for name, writer, reader in (("tenon", tenon, tensorflow()), ("tensorflow", tensorflow(), tenon)):
        for sharded in (False, True):
            prefix = os.path.join(tmp_path, f"{name}{sharded}")
            with writer.Graph().as_default(), writer.Session() as session:
                found = model(writer)
                session.run(writer.global_variables_initializer())
                session.run([v.assign(v + 1) for v in found])
                written = session.run(found)
                assert writer.train.Saver(sharded=sharded).save(session, prefix, global_step=7) == prefix + "-7"
            # From its own graph ...
            with reader.Graph().as_default(), reader.Session() as session:
                found = model(reader)
                reader.train.Saver().restore(session, prefix + "-7")
                for a, b in zip(written, session.run(found)):
                    np.testing.assert_array_equal(a, b)
            names = {v for v, _ in reader.train.list_variables(prefix + "-7")}
            assert names == {"w", "r", "layer/b", "layer/parts"}
            assert reader.train.load_variable(prefix + "-7", "layer/parts").shape == (4, 2)


def test_meta_graphs_cross(tmp_path):
    for name, writer, reader in (("tenon", tenon, tensorflow()), ("tensorflow", tensorflow(), tenon)):
        prefix = os.path.join(tmp_path, name)
        with writer.Graph().as_default(), writer.Session() as session:
            found = model(writer)
            x = writer.placeholder(writer.float32, [None, 2], name="x")
            y = writer.matmul(x, writer.get_default_graph().get_tensor_by_name("w:0"), name="y")
            writer.add_to_collection("outputs", y)
            writer.add_to_collection("numbers", 5)
            session.run(writer.global_variables_initializer())
            written = session.run(found)
            writer.train.Saver().save(session, prefix)
        for scope in (None, "imported"):
            with reader.Graph().as_default() as graph, reader.Session() as session:
                saver = reader.train.import_meta_graph(prefix + ".meta", import_scope=scope, clear_devices=True)
                saver.restore(session, prefix)
                names = [v.op.name for v in reader.global_variables()]
                lead = scope + "/" if scope else ""
                assert names == [lead + n for n in ("w", "r", "layer/b", "layer/parts/part_0", "layer/parts/part_1")]
                for a, b in zip(written, session.run(reader.global_variables())):
                    np.testing.assert_array_equal(a, b)
                output = reader.get_collection("outputs")[0]
                assert reader.get_collection("numbers") == [5]
                value = session.run(output, {graph.get_tensor_by_name(lead + "x:0"): np.ones((1, 2))})
                np.testing.assert_array_equal(value, [[3, 3, 3]])
                assert [v.op.name for v in reader.trainable_variables()] == names


def test_which_checkpoints_are_kept(tmp_path):
    def program(tf):
        folder = os.path.join(tmp_path, tf.__name__)
        os.makedirs(folder)
        v = tf.get_variable("v", [2])
        saver = tf.train.Saver(max_to_keep=2)
        out = []
        with tf.Session() as session:
            session.run(v.initializer)
            for step in (1, 2, 3):
                path = saver.save(session, os.path.join(folder, "m"), global_step=step)
                out.append(os.path.basename(path))
            state = tf.train.get_checkpoint_state(folder)
            out += [os.path.basename(p) for p in state.all_model_checkpoint_paths]
            out += sorted(os.listdir(folder))
            out.append(os.path.basename(tf.train.latest_checkpoint(folder)))
            out += [os.path.basename(p) for p in saver.last_checkpoints]
            again = tf.train.Saver(max_to_keep=1, save_relative_paths=True, pad_step_number=True)
            again.recover_last_checkpoints(saver.last_checkpoints)
            again.save(session, os.path.join(folder, "m"), global_step=4, write_meta_graph=False)
            with open(os.path.join(folder, "checkpoint")) as file:
                out.append(file.read())
            out += sorted(os.listdir(folder))
            tf.train.remove_checkpoint(os.path.join(folder, "m-00000004"))
            out.append(tf.train.latest_checkpoint(folder))
            out.append(tf.train.checkpoint_exists(os.path.join(folder, "m-3")))
        return out

    both(program)


def test_errors(tmp_path):
    def no_variables(tf):
        tf.train.Saver()

    def twice(tf):
        v = tf.get_variable("v", [2])
        tf.train.Saver({"a": v, "b": v})

    def not_a_variable(tf):
        tf.train.Saver({"a": tf.constant(1.0)})

    def same_name(tf):
        v = tf.get_variable("v", [2])
        tf.train.Saver([v, v])

    def deferred(tf):
        tf.train.Saver([tf.get_variable("v", [2])], defer_build=True)

    def restore(tf, prefix, shape=(2,), name="v"):
        saver = tf.train.Saver({name: tf.get_variable("v", shape)})
        with tf.Session() as session:
            saver.restore(session, prefix)

    def saved(tf):
        v = tf.get_variable("v", [2])
        with tf.Session() as session:
            session.run(v.initializer)
            tf.train.Saver().save(session, os.path.join(tmp_path, "c"))

    with tenon.Graph().as_default():
        saved(tenon)
    for program in (
        no_variables, twice, not_a_variable, same_name, deferred,
        lambda tf: restore(tf, None), lambda tf: restore(tf, os.path.join(tmp_path, "nothing")),
        lambda tf: restore(tf, os.path.join(tmp_path, "c"), name="other"),
        lambda tf: restore(tf, os.path.join(tmp_path, "c"), shape=(3,)),
    ):  # fmt: skip
        both.error(program)


def test_reader_and_init_from_checkpoint(tmp_path):
    def program(tf):
        folder = os.path.join(tmp_path, tf.__name__)
        os.makedirs(folder)
        model(tf)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            path = tf.train.Saver().save(session, os.path.join(folder, "m"))
        reader = tf.train.NewCheckpointReader(path)
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        out = [sorted(shapes.items()), sorted((n, t.name) for n, t in types.items()), reader.has_tensor("w")]
        out += [reader.get_tensor("w"), reader.get_tensor("layer/b"), tf.train.load_checkpoint(folder).has_tensor("x")]
        with tf.Graph().as_default(), tf.Session() as session:
            with tf.variable_scope("new"):
                a = tf.get_variable("w", [2, 3], initializer=tf.zeros_initializer())
                b = tf.get_variable("layer/b", [3], dtype=tf.int32, initializer=tf.zeros_initializer())
                p = tf.get_variable("p", [4, 2], partitioner=tf.fixed_size_partitioner(4))
            tf.train.init_from_checkpoint(folder, {"w": a, "layer/": "new/layer/", "layer/parts": "new/p"})
            session.run(tf.global_variables_initializer())
            out += session.run([a, b, tf.convert_to_tensor(p)])
        return out

    both(program)


def test_names_as_bytes(tmp_path):
    """Libraries pass the names of files as bytes."""
    with tenon.Graph().as_default(), tenon.Session() as session:
        v = tenon.Variable(3.0)
        saver = tenon.train.Saver()
        session.run(v.initializer)
        path = saver.save(session, os.fsencode(tmp_path / "model"), global_step=2)
        assert path == str(tmp_path / "model-2")
        session.run(v.assign(0.0))
        saver.restore(session, os.fsencode(path))
        assert session.run(v) == 3.0
