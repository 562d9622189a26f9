"""Convolutions and poolings in keras.backend."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.layers import local
from tenon.python.keras.layers.pooling import _data_format, _padding

TF_NAMESPACES = ("keras.backend",)


def _last(x, data_format):
    """X with channels last, and whether they were first."""
    rank = x.shape.ndims
    first = _data_format(data_format) == "channels_first"
    return (tf.transpose(x, [0, *range(2, rank), 1]) if first else x), first


def _back(x, first):
    rank = x.shape.ndims
    return tf.transpose(x, [0, rank - 1, *range(1, rank - 1)]) if first else x


def _convolve(x, kernel, strides, padding, data_format, dilation_rate):
    padding = _padding(padding)
    x, first = _last(x, data_format)
    rank = x.shape.ndims - 2
    strides, rates = (tuple(v) if isinstance(v, (tuple, list)) else (v,) * rank for v in (strides, dilation_rate))
    if padding == "causal":
        x = tf.pad(x, [[0, 0], [rates[0] * (kernel.shape[0].value - 1), 0], [0, 0]])
        padding = "valid"
    return _back(tf.nn.convolution(x, kernel, padding.upper(), strides=strides, dilation_rate=rates), first)


def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution over steps."""
    return _convolve(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """Convolution over rows and columns."""
    return _convolve(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(x, kernel, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1)):
    """Convolution over volumes."""
    return _convolve(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(x, kernel, output_shape, strides=(1, 1), padding="valid", data_format=None,
                     dilation_rate=(1, 1)):  # fmt: skip
    """The gradient of a convolution, to a given shape."""
    x, first = _last(x, data_format)
    shape = list(output_shape)
    shape = [shape[0], *shape[2:], shape[1]] if first else shape
    shape[0] = tf.shape(x)[0] if shape[0] is None else shape[0]
    shape = tf.stack(shape)
    if tuple(dilation_rate) != (1, 1):
        y = tf.nn.atrous_conv2d_transpose(x, kernel, shape, dilation_rate[0], _padding(padding).upper())
    else:
        y = tf.nn.conv2d_transpose(x, kernel, shape, (1, *strides, 1), _padding(padding).upper())
    return _back(y, first)


def depthwise_conv2d(x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """Convolution of each channel by itself."""
    x, first = _last(x, data_format)
    y = tf.nn.depthwise_conv2d(x, depthwise_kernel, (1, *strides, 1), _padding(padding).upper(), rate=dilation_rate)
    return _back(y, first)


def separable_conv2d(x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding="valid", data_format=None,
                     dilation_rate=(1, 1)):  # fmt: skip
    """Convolution of each channel by itself, then of points."""
    x, first = _last(x, data_format)
    y = tf.nn.separable_conv2d(x, depthwise_kernel, pointwise_kernel, (1, *strides, 1), _padding(padding).upper(),
                               rate=dilation_rate)  # fmt: skip
    return _back(y, first)


def separable_conv1d(x, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None,
                     dilation_rate=1):  # fmt: skip
    """The same over steps."""
    x, first = _last(x, data_format)
    step, rate = (v[0] if isinstance(v, (tuple, list)) else v for v in (strides, dilation_rate))
    kernels = [tf.expand_dims(k, 0) for k in (depthwise_kernel, pointwise_kernel)]
    y = tf.nn.separable_conv2d(tf.expand_dims(x, 1), *kernels, (1, step, step, 1), _padding(padding).upper(),
                               rate=(rate, rate))  # fmt: skip
    return _back(tf.squeeze(y, [1]), first)


def _pool(ops, x, pool_size, strides, padding, data_format, pool_mode):
    if pool_mode not in ops:
        raise ValueError(f"Invalid pooling mode: {pool_mode}")
    x, first = _last(x, data_format)
    y = ops[pool_mode](x, (1, *pool_size, 1), (1, *strides, 1), _padding(padding).upper())
    return _back(y, first)


def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Pooling over rows and columns: "max" or "avg"."""
    return _pool({"max": tf.nn.max_pool, "avg": tf.nn.avg_pool}, x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Pooling over volumes: "max" or "avg"."""
    ops = {"max": tf.nn.max_pool3d, "avg": tf.nn.avg_pool3d}
    return _pool(ops, x, pool_size, strides, padding, data_format, pool_mode)


def local_conv1d(inputs, kernel, kernel_size, strides, data_format=None):
    """Convolution over steps with a kernel for each."""
    length = inputs.shape[2 if (data_format or K.image_data_format()) == "channels_first" else 1].value
    places = (length - kernel_size[0]) // strides[0] + 1
    return local.local_conv(inputs, kernel, kernel_size, strides, (places,), data_format)


def local_conv2d(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """Convolution over rows and columns with a kernel for each place."""
    return local.local_conv(inputs, kernel, kernel_size, strides, output_shape, data_format)
