"""Conditions and loops through meta graphs: what is imported runs, has gradients, and TensorFlow reads it."""

import tenon as tf
from api.both import tensorflow


def build(tf):
    x = tf.placeholder_with_default(2.0, [], name="x")
    w = tf.Variable(3.0, name="w")
    _, a = tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, tf.cond(a > 5.0, lambda: a * w, lambda: a + x)), [0, x]
    )
    tf.identity(a, name="out")


def values(tf, meta):
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(meta)
        out, x = graph.get_tensor_by_name("out:0"), graph.get_tensor_by_name("x:0")
        gradients = tf.gradients(out, [x, graph.get_tensor_by_name("w:0")])
        contexts = sorted(c.name for key in ("while_context", "cond_context") for c in tf.get_collection(key))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [session.run(out), *session.run(gradients), contexts, [v.name for v in tf.global_variables()]]


def test_contexts_survive():
    with tf.Graph().as_default():
        build(tf)
        meta = tf.train.export_meta_graph()
    ours = values(tf, meta)
    assert ours[0] == 18.0
    tf1 = tensorflow()
    theirs = values(tf1, tf1.MetaGraphDef.FromString(meta.SerializeToString()))
    assert ours == theirs
