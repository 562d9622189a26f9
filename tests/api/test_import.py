"""GraphDefs in and out; taking them apart."""

import numpy as np

from api.both import both


def network(tf):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.Variable([[1.0], [2.0]], name="w")
    y = tf.identity(tf.matmul(x, w), name="y")
    tf.identity(y * 3.0, name="unused")
    return x, w, y


def nodes(definition):
    return [[n.name, n.op, list(n.input)] for n in definition.node]


def test_import_graph_def():
    def program(tf):
        network(tf)
        definition = tf.get_default_graph().as_graph_def()
        with tf.Graph().as_default() as g, tf.Session() as session:
            x = tf.constant([[5.0, 6.0]])
            y, op = tf.import_graph_def(definition, {"x:0": x}, ["y:0", "w/Assign"], name="net")
            session.run(op)
            tf.import_graph_def(definition)
            with tf.name_scope("scope"):
                (z,) = tf.import_graph_def(definition, return_elements=["y"])
            return [session.run(y), z.name, [n.name for n in g.as_graph_def().node]]

    both(program)


def test_import_errors():
    def program(**arguments):
        def run(tf):
            network(tf)
            definition = tf.get_default_graph().as_graph_def()
            with tf.Graph().as_default():
                tf.import_graph_def(definition, **arguments)

        return run

    both.error(program(return_elements=["nothing:0"]))
    both.error(program(return_elements=[3]))
    both.error(program(input_map={"nothing:0": np.float32(3)}))
    both.error(program(input_map=[3]))
    both.error(lambda tf: tf.import_graph_def("text"))

    def unknown(tf):
        definition = tf.get_default_graph().as_graph_def()
        definition.node.add(name="x", op="NoSuchOp")
        tf.import_graph_def(definition)

    both.error(unknown)


def test_graph_util():
    def program(tf):
        network(tf)
        definition = tf.get_default_graph().as_graph_def()
        util = tf.graph_util
        part = util.extract_sub_graph(definition, ["y"])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            frozen = util.convert_variables_to_constants(session, definition, ["y"])
        bare = util.remove_training_nodes(frozen, ["y"])
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(bare, name="")
            value = session.run("y:0", {"x:0": [[1.0, 1.0]]})
        on_cpu = [util.must_run_on_cpu(n) for n in definition.node]
        return [nodes(part), nodes(frozen), nodes(bare), value, on_cpu]

    both(program)


def test_frozen_resource_variables():
    def program(tf):
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.Variable([[1.0], [2.0]], name="w", use_resource=True)
        tf.matmul(x, w, name="y")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            definition = tf.get_default_graph().as_graph_def()
            frozen = tf.graph_util.convert_variables_to_constants(session, definition, ["y"])
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(frozen, name="")
            return [sorted(n.op for n in frozen.node), session.run("y:0", {"x:0": [[1.0, 1.0]]})]

    both(program)
