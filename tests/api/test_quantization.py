"""tf.quantization's functions, and a network in 8 bits."""

import types

import numpy as np
import pytest

import tenon
from api.both import both
from tenon.python.ops import gen_ops

X = np.random.RandomState(2).uniform(-1.5, 2, (3, 5)).astype("f")


def raw_of(tf):
    """The module of TF's ops by their own names."""
    if tf is tenon:
        return gen_ops
    from tensorflow.python.ops import gen_array_ops, gen_math_ops, gen_nn_ops

    names = {**vars(gen_array_ops), **vars(gen_math_ops), **vars(gen_nn_ops)}
    return types.SimpleNamespace(**names)


@pytest.mark.parametrize("mode", ["MIN_COMBINED", "MIN_FIRST", "SCALED"])
def test_there_and_back(mode):
    def program(tf):
        q = tf.quantize(X, -1.5, 2.0, tf.quint8 if mode != "SCALED" else tf.qint8, mode=mode)
        return [q.output_min, q.output_max, tf.dequantize(q.output, q.output_min, q.output_max, mode=mode),
                tf.bitcast(q.output, tf.uint8)]  # fmt: skip

    both(program)


def test_axis_and_names():
    def program(tf):
        low, high = -np.abs(X).max(0), np.abs(X).max(0)
        q = tf.quantization.quantize(X, low, high, tf.qint8, mode="SCALED", axis=1, round_mode="HALF_TO_EVEN")
        back = tf.quantization.dequantize(q.output, q.output_min, q.output_max, mode="SCALED", axis=1)
        fake = tf.quantization.quantize_and_dequantize(X, -1.0, 1.0, range_given=True)
        q = tf.quantize_v2(X, -1.0, 1.0, tf.quint8)
        joined = tf.quantized_concat(tf.constant(0), [q.output, q.output], [-1.0, -2.0], [1.0, 1.0])
        last = tf.quantize(tf.constant(X), low, high, tf.qint8, mode="SCALED", axis=-1).output
        return [back, fake, joined.output_min, tf.bitcast(joined.output, tf.uint8), tf.bitcast(last, tf.int8)]

    both(program)


def test_network():
    """The graph that TensorFlow's quantizing tools made: 8 bits in, a product, 32 bits, down to 8, a rectifier."""

    def program(tf):
        w = np.random.RandomState(3).uniform(-0.5, 0.5, (5, 4)).astype("f")
        x, k = tf.quantize(X, -1.5, 2.0, tf.quint8, "MIN_FIRST"), tf.quantize(w, -0.5, 0.5, tf.quint8, "MIN_FIRST")
        raw = raw_of(tf)
        product = raw.quantized_mat_mul(*x[:1], *k[:1], *x[1:], *k[1:], Toutput=tf.qint32, Tactivation=tf.quint8)
        used = raw.requantization_range(*product)
        down = raw.requantize(*product, *used, out_type=tf.quint8)
        active = raw.quantized_relu(*down, out_type=tf.quint8)
        return tf.dequantize(active.activations, active.min_activations, active.max_activations, "MIN_FIRST")

    exact = np.maximum(X @ np.random.RandomState(3).uniform(-0.5, 0.5, (5, 4)).astype("f"), 0)
    np.testing.assert_allclose(both(program), exact, atol=0.05)


def test_relu_x():
    with tenon.Graph().as_default(), tenon.Session() as session:
        q = tenon.quantize(X * 4, -6.0, 8.0, tenon.quint8)
        x = tenon.nn.quantized_relu_x(q.output, 6.0, q.output_min, q.output_max).activations
        six = gen_ops.quantized_relu6(q.output, q.output_min, q.output_max).activations
        a, b = session.run([x, six])
        np.testing.assert_array_equal(a, b)
