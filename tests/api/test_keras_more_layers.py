"""tenon.keras: transposed, separable and local convolutions, attention, cuDNN's layers and K's functions."""

import numpy as np
import pytest

import tenon
from api.both import both

pytestmark = pytest.mark.filterwarnings("ignore")
LAYERS = [
    ("Conv2DTranspose", (4, 5, 3), {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1}),
    ("Conv3DTranspose", (3, 4, 2, 2), {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"}),
    ("SeparableConv1D", (6, 2), {"filters": 3, "kernel_size": 3, "depth_multiplier": 2, "padding": "same"}),
    ("SeparableConv1D", (7, 2), {"filters": 3, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}),
    ("SeparableConv2D", (6, 6, 2), {"filters": 3, "kernel_size": 3, "strides": 2, "activation": "relu"}),
    ("DepthwiseConv2D", (6, 6, 2), {"kernel_size": 3, "padding": "same", "depth_multiplier": 3}),
    ("LocallyConnected1D", (6, 3), {"filters": 2, "kernel_size": 3, "strides": 2}),
    ("LocallyConnected2D", (5, 6, 2), {"filters": 3, "kernel_size": (2, 3), "strides": (1, 2)}),
    ("LocallyConnected2D", (5, 4, 2), {"filters": 3, "kernel_size": 3, "padding": "same", "implementation": 2}),
    ("LocallyConnected1D", (6, 3), {"filters": 2, "kernel_size": 3, "padding": "same", "implementation": 3}),
    ("ZeroPadding3D", (2, 3, 2, 2), {"padding": (1, 0, 2)}), ("Cropping3D", (4, 5, 4, 2), {}),
    ("UpSampling2D", (3, 4, 2), {"size": (2, 3), "interpolation": "bilinear"}),
    ("GlobalMaxPooling3D", (2, 3, 4, 2), {}), ("GlobalAveragePooling3D", (2, 3, 4, 2), {}),
    ("AveragePooling2D", (7, 6, 3), {"pool_size": (3, 2), "strides": 1, "padding": "same"}),
    ("SpatialDropout1D", (4, 3), {"rate": 0.5}), ("AlphaDropout", (4,), {"rate": 0.5}),
    ("GaussianNoise", (4,), {"stddev": 1.0}), ("GaussianDropout", (4,), {"rate": 0.5}),
    ("ActivityRegularization", (4,), {"l1": 0.5}),
]  # fmt: skip


def filled(layer):
    rng = np.random.RandomState(2)
    layer.set_weights([np.asarray(rng.rand(*w.shape), "f") - 0.3 for w in layer.get_weights()])
    return layer


def run(tf, values):
    return tf.keras.backend.get_session().run(values)


@pytest.mark.parametrize("start", range(0, len(LAYERS), 7))
def test_layers(start):
    def program(tf):
        found = []
        for name, shape, kwargs in LAYERS[start : start + 7]:
            layer = getattr(tf.keras.layers, name)(name="it", **kwargs)
            x = tf.constant(np.random.RandomState(1).rand(2, *shape).astype("f") - 0.4)
            y = layer(x)
            filled(layer)
            again = getattr(tf.keras.layers, name).from_config(layer.get_config())
            values = run(tf, [y, *tf.gradients(y, [x, *layer.trainable_weights])])
            found.append([name, values, [w.shape.as_list() for w in layer.weights],
                          list(layer.compute_output_shape((2, *shape))), again(x).shape.as_list()])  # fmt: skip
        return found

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention"])
def test_attention(kind):
    def program(tf):
        rng = np.random.RandomState(3)
        q, v, k = (tf.constant(rng.rand(2, n, 4).astype("f")) for n in (3, 5, 5))
        masks = [tf.constant([[True, True, False]] * 2), tf.constant([[True] * 4 + [False], [True] * 2 + [False] * 3])]
        found = []
        for scale, inputs, mask in ((False, [q, v], None), (True, [q, v, k], masks), (True, [q, q], None)):
            layer = getattr(tf.keras.layers, kind)(use_scale=scale)
            y = layer(inputs, mask=mask)
            filled(layer)
            found.append(run(tf, [y, *[g for g in tf.gradients(y, inputs) if g is not None]]))
        return found

    both(program, rtol=1e-4, atol=1e-5)


def test_causal_attention_sees_the_past():
    tf = tenon
    with tf.Graph().as_default():
        x = np.random.RandomState(0).rand(1, 4, 3).astype("f")
        other = x.copy()
        other[:, 2:] = 0
        y = [tf.keras.layers.Attention(causal=True)([tf.constant(v)] * 2) for v in (x, other)]
        a, b = run(tf, y)
        np.testing.assert_allclose(a[:, :2], b[:, :2], rtol=1e-6)
        assert np.abs(a[:, 3] - b[:, 3]).max() > 1e-3


def test_cudnn_layers_compute_what_plain_ones_do():
    tf, k = tenon, tenon.keras
    x = np.random.RandomState(0).rand(2, 5, 3).astype("f")
    with tf.Graph().as_default():
        for own, plain in (
            (k.layers.CuDNNGRU(4, return_sequences=True), k.layers.GRU(4, reset_after=True, return_sequences=True,
                                                                       recurrent_activation="sigmoid")),
            (k.layers.CuDNNLSTM(4, return_state=True), k.layers.LSTM(4, return_state=True,
                                                                     recurrent_activation="sigmoid")),
        ):  # fmt: skip
            a, b = own(tf.constant(x)), plain(tf.constant(x))
            filled(own)
            kernel, recurrent, bias = own.get_weights()
            n = len(bias) // 2
            plain.set_weights([kernel, recurrent, bias.reshape(2, n) if "gru" in own.name else bias[:n] + bias[n:]])
            for left, right in zip(*(t if isinstance(t, list) else [t] for t in run(tf, [a, b]))):
                np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_functions_of_the_backend():
    def program(tf):
        K = tf.keras.backend
        rng = np.random.RandomState(5)
        image, volume, line = (
            tf.constant(rng.rand(*s).astype("f")) for s in ((2, 6, 5, 3), (1, 4, 4, 4, 2), (2, 7, 3))
        )
        kernel, deep, flat = (tf.constant(rng.rand(*s).astype("f")) for s in ((3, 2, 3, 4), (2, 2, 2, 2, 3), (3, 3, 2)))
        depth, point = (tf.constant(rng.rand(*s).astype("f")) for s in ((3, 3, 3, 2), (1, 1, 6, 2)))
        return [
            K.conv2d(image, kernel, padding="same", strides=(2, 1)), K.conv3d(volume, deep), K.conv1d(line, flat),
            K.conv1d(line, flat, padding="causal", dilation_rate=2), K.depthwise_conv2d(image, depth),
            K.conv2d_transpose(image, tf.transpose(kernel, [0, 1, 3, 2]), (None, 12, 10, 4), strides=(2, 2),
                               padding="same"),
            K.separable_conv2d(image, depth, point, padding="same"), K.pool2d(image, (2, 2), pool_mode="avg"),
            K.pool3d(volume, (2, 2, 2), strides=(2, 2, 2)),
            K.local_conv1d(line, tf.constant(rng.rand(3, 6, 2).astype("f")), (2,), (2,)),
            K.local_conv2d(image, tf.constant(rng.rand(20, 12, 2).astype("f")), (2, 2), (1, 1), (5, 4)),
            K.reshape(x=line, shape=(-1, 3)), K.pow(x=line, a=2), K.tile(line, n=[1, 2, 1]), K.stack(x=[line, line]),
            K.shape(x=line), K.cast(line, "int32"), K.round(line * 3), K.sum(K.maximum(line, 0.5), axis=[1, 2]),
        ]  # fmt: skip

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("time_major", [False, True])
def test_rnn_of_the_backend(time_major):
    def program(tf):
        K = tf.keras.backend
        x = tf.constant(np.random.RandomState(1).rand(3, 4, 2).astype("f"))
        mask = tf.constant(np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 0]], bool))
        if time_major:
            x, mask = tf.transpose(x, [1, 0, 2]), tf.transpose(mask)

        def step(inputs, states):
            y = tf.concat([inputs, states[0][:, :1]], 1) + states[-1]
            return y, [states[0] * 0.5 + tf.reduce_sum(inputs, 1, keepdims=True)]

        kwargs = {"constants": [tf.constant(0.25)], "time_major": time_major}
        found = []
        for more in ({}, {"mask": mask}, {"mask": mask, "zero_output_for_mask": True, "go_backwards": True},
                     {"mask": mask, "unroll": True}):  # fmt: skip
            last, outputs, states = K.rnn(step, x, [tf.ones([3, 2])], **kwargs, **more)
            found.append([last, outputs, *states])
        return found

    both(program)
