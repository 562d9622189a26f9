"""Defun and the functions of graphs, from Python."""

import numpy as np

import tenon as tf
from tenon.python.framework.function import Defun


def run(*tensors):
    with tf.Session() as session:
        return session.run(tensors)


def test_calls_captures_and_gradients():
    with tf.Graph().as_default() as graph:
        scale = tf.constant(3.0)

        @Defun(tf.float32, tf.float32)
        def f(x, y):
            return x * y * scale, x - y

        x, y = tf.constant([1.0, 2.0]), tf.constant([4.0, 5.0])
        a, b = f(x, y)
        again = f(y, x)[1]
        gradients = tf.gradients(a, [x, y])
        got = run(a, b, again, *gradients)
        assert f.name in graph.function_names() and f.captured_inputs == [scale]
        assert a.op.type == f.name
    want = [[12, 30], [-3, -3], [3, 3], [12, 15], [3, 6]]
    for value, expected in zip(got, want):
        np.testing.assert_allclose(value, expected)


def test_functions_call_functions():
    with tf.Graph().as_default():

        @Defun(tf.float32)
        def inner(x):
            return tf.square(x)

        @Defun(tf.float32)
        def outer(x):
            return inner(inner(x)) + 1.0

        assert run(outer(tf.constant(2.0))) == (17.0,)
        definition = outer.definition
        assert [a.name for a in definition.signature.input_arg] == ["x"]


def test_a_function_without_results():
    with tf.Graph().as_default():
        v = tf.get_variable("v", initializer=1.0, use_resource=True)

        @Defun(tf.float32)
        def add(x):
            return v.assign_add(x)

        done = add(tf.constant(2.0))
        with tf.Session() as session:
            session.run(v.initializer)
            session.run(done)
            assert session.run(v) == 3.0
