"""Graphs, scopes, names, operators and sessions, as TensorFlow has them."""

import numpy as np
import pytest

import tenon
from api.both import both


def names(tf):
    return [op.name for op in tf.get_default_graph().get_operations()]


def test_names_of_operators_and_constants():
    def program(tf):
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = -x * 2.0 + [1.0, 2.0, 3.0] - 1
        with tf.name_scope("layer") as scope:
            assert scope == "layer/"
            tf.identity(y / 3.0, name="out")
            with tf.name_scope("inner"):
                tf.identity(y)
            with tf.name_scope("inner"):
                tf.identity(y)
            with tf.name_scope("elsewhere/"):
                tf.identity(y, name="x")
            with tf.name_scope(None):
                tf.identity(y, name="x")
        _ = 1.0 / x, 2.0 - x, x > 0.0, x[0], x[:, 1:2], x[..., tf.newaxis]
        return names(tf)

    both(program)


def test_values_of_operators():
    def program(tf):
        x = tf.constant([[1.0, -2.0], [3.5, 4.0]])
        n = tf.constant([7, -7, 3])
        b = tf.constant([True, False])
        return [x + 1, 1 - x, x * x, x / 2, x // 2.0, x % 2.0, x**2.0, -x, x > 1.0, x <= 1.0, n / 2, n // 2, n % 4,
                b & True, b | False, b ^ True, ~b, x[0], x[:, 1], x[..., 0], x[-1:, ::-1],
                x[tf.newaxis, 0]]  # fmt: skip

    both(program)


def test_static_shapes():
    def program(tf):
        x = tf.placeholder(tf.float32, [None, 3])
        x.set_shape([5, None])
        y = tf.placeholder(tf.float32)
        return [x.shape, y.shape, (x + 1.0).get_shape(), tf.reshape(x, [-1]).shape, x[1:3].shape, str(x), x.dtype]

    both(program)


def test_errors_of_construction():
    both.error(lambda tf: tf.constant(1.5, dtype=tf.int32))
    both.error(lambda tf: tf.constant("a", dtype=tf.float32))
    both.error(lambda tf: bool(tf.constant(1)))
    both.error(lambda tf: list(tf.constant([1])))
    both.error(lambda tf: tf.placeholder(tf.float32, [2, 3]).set_shape([3, 3]))
    both.error(lambda tf: tf.reshape(tf.constant([1.0, 2.0]), [3]))
    both.error(lambda tf: tf.constant(1.0) + tf.constant(1))
    both.error(lambda tf: tf.get_default_graph().get_tensor_by_name("nothing:0"))
    both.error(lambda tf: tf.get_default_graph().get_tensor_by_name("nothing"))
    both.error(lambda tf: tf.get_default_graph().get_operation_by_name("nothing"))
    both.error(lambda tf: tf.constant(1.0).eval())


def test_sessions():
    def program(tf):
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        y = tf.identity(x * 2.0, name="y")
        s = tf.SparseTensor([[0, 1]], [2.0], [2, 2])
        with tf.Session() as session:
            a, (b, c), d = session.run([y, (x, "y:0"), {"k": y.op, "s": s}], {x: [[1, 2]]})
            assert d["k"] is None
            called = session.make_callable(y, [x])([[3, 4]])
            return [a, b, c, list(d["s"]), called, y.eval({"x:0": [[5, 6]]})]

    both(program)


def test_feeding_errors():
    def program(value, key=None):
        def call(tf):
            x = tf.placeholder(tf.float32, [None, 2], name="x")
            with tf.Session() as session:
                return session.run(x, {x if key is None else key: value(tf) if callable(value) else value})

        return call

    both.error(program([1.0, 2.0]))
    both.error(program(lambda tf: tf.constant([[1.0, 2.0]])))
    both.error(program([[1.0, 2.0]], key="nothing:0"))
    both.error(lambda tf: tf.Session().run(tf.placeholder(tf.float32, name="x")))
    both.error(lambda tf: tf.Session().run(None))
    both.error(lambda tf: tf.Session().run("nothing"))


def test_an_error_of_a_step_names_the_line():
    with tenon.Graph().as_default(), tenon.Session() as session:
        x = tenon.placeholder(tenon.float32, name="x")  # this line
        with pytest.raises(tenon.errors.InvalidArgumentError, match="test_graph_building") as caught:
            session.run(x)
        assert caught.value.op is x.op and caught.value.error_code == tenon.errors.INVALID_ARGUMENT


def test_gradients():
    def program(tf):
        x = tf.constant([1.0, 2.0, 3.0])
        y = x * x * x
        first = tf.gradients(y, x)[0]
        second = tf.gradients(first, x)[0]
        weighted = tf.gradients([y], [x], grad_ys=[[1.0, 0.0, 2.0]])[0]
        none = tf.gradients(y, tf.constant(1.0))[0]
        stopped = tf.gradients(y + first, x, stop_gradients=[first])[0]
        return [first, second, weighted, none, stopped]

    both(program)


def test_gradient_override():
    @tenon.RegisterGradient("TestTwice")
    def _twice(op, grad):
        return 2.0 * grad

    with tenon.Graph().as_default() as graph, tenon.Session() as session:
        x = tenon.constant([1.0, 2.0])
        with graph.gradient_override_map({"Identity": "TestTwice"}):
            y = tenon.identity(x)
        np.testing.assert_array_equal(session.run(tenon.gradients(y, x)[0]), [2.0, 2.0])


def test_default_graphs_that_are_entered_twice():
    outer, inner = tenon.Graph(), tenon.Graph()
    with outer.as_default(), inner.as_default():
        with outer.as_default():
            assert tenon.get_default_graph() is outer
        assert tenon.get_default_graph() is inner
        with outer.as_default():
            value = tenon.constant(1.0)
        with tenon.name_scope(None, "scope", [value]):
            assert tenon.get_default_graph() is outer
        assert tenon.get_default_graph() is inner
