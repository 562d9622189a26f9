"""Functions with gradients of their own, specs, and switches."""

import pickle

import numpy as np
import pytest

import tenon
from api.both import both


def test_custom_gradient():
    def program(tf):
        @tf.custom_gradient
        def log1pexp(x):
            e = tf.exp(x)

            def grad(dy):
                return dy * (1 - 1 / (1 + e))

            return tf.log(1 + e), grad

        @tf.custom_gradient
        def two(x, y):
            return (x * y, x + y), lambda a, b: (a * 2.0, b * 3.0)

        x, y = tf.constant([1.0, 100.0]), tf.constant([2.0, 3.0])
        a, b = two(x, y)
        return [log1pexp(x), tf.gradients(log1pexp(x), x)[0], a, b, *tf.gradients([a, b], [x, y])]

    both(program)


def test_custom_gradient_with_variables():
    def program(tf):
        @tf.custom_gradient
        def layer(x):
            w = tf.get_variable("w", initializer=[2.0, 3.0], use_resource=True)

            def grad(dy, variables=None):
                return dy * 10.0, [dy * 100.0 for _ in variables]

            return x * w, grad

        x = tf.constant([1.0, 2.0])
        y = layer(x)
        (w,) = tf.trainable_variables()
        return tf.gradients(y, [x, w.value()])[0]

    both(program)


def test_passing_and_recomputing():
    def program(tf):
        x = tf.constant([0.4, 1.6])
        rounded = tf.grad_pass_through(tf.round)(x)
        squares = tf.recompute_grad(lambda v: tf.reduce_sum(v * v))(x)
        return [rounded, tf.gradients(rounded * 3.0, x)[0], squares, tf.gradients(squares, x)[0]]

    both(program)


def test_specs():
    def program(tf):
        s = tf.SparseTensorSpec([None, 3], tf.float32)
        t = tf.TensorSpec([None, 3], tf.int32, name="x")
        sparse = tf.SparseTensor([[0, 0]], [1.0], [2, 3])
        return [s.is_compatible_with(sparse), s.is_compatible_with(tf.SparseTensorSpec([2, 4], tf.float32)), t.shape,
                t.dtype, t.name, t.is_compatible_with(tf.constant([[1, 2, 3]])), s == tf.SparseTensorSpec([None, 3]),
                tf.TensorSpec.from_tensor(tf.constant(1)).shape, tf.type_spec_from_value(sparse).shape]  # fmt: skip

    both(program)
    spec = tenon.TensorSpec([None, 2], tenon.float32)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_switches():
    tenon.disable_v2_behavior()
    tenon.disable_tensor_equality()
    with pytest.raises(NotImplementedError, match="enable_v2_behavior"):
        tenon.enable_v2_behavior()


def test_device_specs():
    def program(tf):
        spec = tf.DeviceSpec.from_string("/job:worker/task:1/gpu:0")
        merged = tf.DeviceSpec(job="ps", device_type="CPU")
        found = [spec.to_string(), spec.job, spec.task, spec.device_type, spec.device_index, spec.replica]
        with tf.device("/job:ps"), tf.device(lambda op: "/cpu:0" if op.type == "Const" else "/gpu:1"):
            a = tf.constant(1.0)
            b = tf.identity(a)
            with tf.device(None):
                c = tf.identity(a)
            with tf.device("/task:3"):
                d = tf.identity(a)
        with tf.device(merged):
            e = tf.identity(a)
            with tf.colocate_with(b):
                f = tf.identity(a)
        return [*found, a.device, b.device, c.device, d.device, e.device, f.device, f.op.colocation_groups()]

    both(program)
    np.testing.assert_equal(tenon.DeviceSpec(job="a") == tenon.DeviceSpec.from_string("/job:a"), True)
