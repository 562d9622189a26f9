"""Convolutions of each channel by itself."""

import tenon as tf
from tenon.python.keras.layers import weights
from tenon.python.keras.layers.convolutional import _arguments, _Conv
from tenon.python.keras.layers.core import _static

TF_NAMESPACES = ("keras.layers", "keras.layers.convolutional")


class _Depthwise(_Conv):
    """What works on each channel by itself."""

    _OWN = ("depthwise",)

    def __init__(self, depth_multiplier=1, **kwargs):
        own = {k: kwargs.pop(k) for k in list(kwargs) if k.split("_")[0] in self._OWN}
        super().__init__(**kwargs)
        self.depth_multiplier = depth_multiplier
        weights.take(self, self._OWN, own)

    def _depthwise(self, inputs):
        x, kernel, strides, rates = self._last(inputs), self.depthwise_kernel, self.strides, self.dilation_rate
        padding = self.padding
        if self._rank == 2:
            return tf.nn.depthwise_conv2d(x, kernel, (1, *strides, 1), padding.upper(), rate=rates)
        if padding == "causal":
            x = tf.pad(x, [[0, 0], [rates[0] * (self.kernel_size[0] - 1), 0], [0, 0]])
            padding = "valid"
        y = tf.nn.depthwise_conv2d(tf.expand_dims(x, 1), tf.expand_dims(kernel, 0), (1, *strides * 2, 1),
                                   padding.upper(), rate=rates * 2)  # fmt: skip
        return tf.squeeze(y, [1])

    def _kernels(self, input_shape):
        channels = self._channels(input_shape)
        self.depthwise_kernel = weights.add(
            self, "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise"
        )
        return channels * self.depth_multiplier

    def get_config(self):
        """The arguments that make it again."""
        config = {k: v for k, v in super().get_config().items() if not k.startswith("kernel_") or k == "kernel_size"}
        return {**config, **weights.config_of(self, self._OWN), "depth_multiplier": self.depth_multiplier}


class DepthwiseConv2D(_Depthwise):
    """Convolution of each channel by itself."""

    _rank = 2

    def __init__(self, kernel_size, strides=(1, 1), padding="valid", depth_multiplier=1, data_format=None,
                 activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
                 bias_initializer="zeros", depthwise_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, depthwise_constraint=None, bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(filters=None, **_arguments(locals()))

    def build(self, input_shape):
        """Makes kernel and bias."""
        self._add_bias(self._kernels(input_shape))
        self.built = True

    def call(self, inputs):
        """Convolves."""
        return self._finish(self._depthwise(inputs))

    def compute_output_shape(self, input_shape):
        """The sizes after the windows."""
        shape = list(super().compute_output_shape(input_shape))
        axis = 1 if self._first else -1
        shape[axis] = _static(input_shape)[axis] * self.depth_multiplier
        return tuple(shape)

    def get_config(self):
        """The arguments that make it again."""
        config = super().get_config()
        del config["filters"]
        return config


class _Separable(_Depthwise):
    """Convolution of each channel by itself, then of points."""

    _OWN = ("depthwise", "pointwise")

    def build(self, input_shape):
        """Makes the kernels and bias."""
        channels = self._kernels(input_shape)
        self.pointwise_kernel = weights.add(
            self, "pointwise_kernel", (*(1,) * self._rank, channels, self.filters), "pointwise"
        )
        self._add_bias(self.filters)
        self.built = True

    def call(self, inputs):
        """Convolves twice."""
        return self._finish(tf.nn.convolution(self._depthwise(inputs), self.pointwise_kernel, "VALID"))


class SeparableConv1D(_Separable):
    """Convolution of each channel by itself, then of points, over steps."""

    _rank = 1

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1,
                 depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
                 pointwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


class SeparableConv2D(_Separable):
    """Convolution of each channel by itself, then of points, over rows and columns."""

    _rank = 2

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
                 depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
                 pointwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
