"""Convolutions, and what makes images larger or smaller."""

import tenon as tf
from tenon.python.keras import activations, constraints, initializers, regularizers
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _parts, _static
from tenon.python.keras.layers.pooling import _data_format, _length, _padding, _tuple

TF_NAMESPACES = ("keras.layers", "keras.layers.convolutional")


class _Conv(Layer):
    """What convolutions over 1, 2 and 3 axes share."""

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, activation=None,
        use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        n = self._rank
        super().__init__(activity_regularizer=regularizers.get(activity_regularizer), **kwargs)
        self.filters = None if filters is None else int(filters)
        self.kernel_size, self.strides = _tuple(kernel_size, n, "kernel_size"), _tuple(strides, n, "strides")
        self.padding, self.data_format = _padding(padding), _data_format(data_format)
        self.dilation_rate = _tuple(dilation_rate, n, "dilation_rate")
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=n + 2)

    @property
    def _first(self):
        return self.data_format == "channels_first"

    def _channels(self, input_shape):
        axis = 1 if self._first else -1
        channels = _static(input_shape)[axis]
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self._rank + 2, axes={axis: channels})
        return channels

    def _add_bias(self, size):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (size,), initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def _kernel_shape(self, channels):
        return (*self.kernel_size, channels, self.filters)

    def build(self, input_shape):
        """Makes kernel and bias."""
        self.kernel = self.add_weight(
            "kernel", self._kernel_shape(self._channels(input_shape)), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias(self.filters)
        self.built = True

    def _last(self, x):
        return tf.transpose(x, [0, *range(2, self._rank + 2), 1]) if self._first else x

    def _finish(self, outputs):
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        if self._first:
            outputs = tf.transpose(outputs, [0, self._rank + 1, *range(1, self._rank + 1)])
        return self.activation(outputs) if self.activation is not activations.linear else outputs

    def call(self, inputs):
        """Convolves."""
        x, padding = self._last(inputs), self.padding
        if padding == "causal":
            x = tf.pad(x, [[0, 0], [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0], [0, 0]])
            padding = "valid"
        outputs = tf.nn.convolution(
            x, self.kernel, padding.upper(), strides=self.strides, dilation_rate=self.dilation_rate
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        """The sizes after the windows."""
        shape = _static(input_shape)
        space = shape[2:] if self._first else shape[1:-1]
        padding = "same" if self.padding == "causal" else self.padding
        space = [
            _length(n, k, padding, s, d)
            for n, k, s, d in zip(space, self.kernel_size, self.strides, self.dilation_rate)
        ]
        return (shape[0], self.filters, *space) if self._first else (shape[0], *space, self.filters)

    def get_config(self):
        """The arguments that make it again."""
        return {
            **super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides,
            "padding": self.padding, "data_format": self.data_format, "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation), "use_bias": self.use_bias, **_parts(self),
        }  # fmt: skip


def _arguments(given):
    """The arguments of a constructor, from its locals()."""
    kwargs = given.pop("kwargs", {})
    return {**{k: v for k, v in given.items() if k not in ("self", "__class__")}, **kwargs}


class Conv1D(_Conv):
    """Convolution over steps: (batch, steps, channels)."""

    _rank = 1

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


class Conv2D(_Conv):
    """Convolution over rows and columns: (batch, rows, columns, channels)."""

    _rank = 2

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


class Conv3D(_Conv):
    """Convolution over volumes: (batch, depth, rows, columns, channels)."""

    _rank = 3

    def __init__(self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1),  # noqa: E501
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


class _Transpose(_Conv):
    """The gradient of a convolution: makes images larger."""

    def __init__(self, output_padding=None, **kwargs):
        super().__init__(**kwargs)
        self.output_padding = None if output_padding is None else _tuple(output_padding, self._rank, "output_padding")
        for extra, stride in zip(self.output_padding or (), self.strides):
            if extra >= stride:
                raise ValueError(f"Strides must be greater than output padding. Received strides={self.strides}, "
                                 f"output_padding={self.output_padding}.")  # fmt: skip

    def _kernel_shape(self, channels):
        return (*self.kernel_size, self.filters, channels)

    def _sizes(self, sizes):
        extra = self.output_padding or (None,) * self._rank
        found = []
        for n, k, s, p, d in zip(sizes, self.kernel_size, self.strides, extra, self.dilation_rate):
            k = k + (k - 1) * (d - 1)
            if n is None:
                found.append(None)
            elif p is None:
                found.append(n * s + (max(k - s, 0) if self.padding == "valid" else 0))
            else:
                found.append((n - 1) * s + k - (2 * (k // 2) if self.padding == "same" else 0) + p)
        return found

    def call(self, inputs):
        """Convolves the other way."""
        x, n = self._last(inputs), self._rank
        known = x.shape.as_list()
        sizes = [tf.shape(x)[i + 1] if known[i + 1] is None else known[i + 1] for i in range(n)]
        shape = tf.stack([tf.shape(x)[0], *self._sizes(sizes), self.filters])
        outputs = self._transposed(x, shape)
        outputs.set_shape([known[0], *self._sizes(known[1 : n + 1]), self.filters])
        return self._finish(outputs)

    def _transposed(self, x, shape):
        if self._rank == 3:
            return tf.nn.conv3d_transpose(x, self.kernel, shape, (1, *self.strides, 1), self.padding.upper())
        if self.dilation_rate == (1, 1):
            return tf.nn.conv2d_transpose(x, self.kernel, shape, (1, *self.strides, 1), self.padding.upper())
        if self.dilation_rate[0] != self.dilation_rate[1] or self.strides != (1, 1):
            raise ValueError(f"{self.name}: dilated transposes need one rate for both axes and strides of 1, got "
                             f"dilation_rate={self.dilation_rate}, strides={self.strides}")  # fmt: skip
        return tf.nn.atrous_conv2d_transpose(x, self.kernel, shape, self.dilation_rate[0], self.padding.upper())

    def compute_output_shape(self, input_shape):
        """The sizes, larger."""
        shape = _static(input_shape)
        if self._first:
            return (shape[0], self.filters, *self._sizes(shape[2:]))
        return (shape[0], *self._sizes(shape[1:-1]), self.filters)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "output_padding": self.output_padding}


class Conv2DTranspose(_Transpose):
    """The gradient of a convolution: makes images larger."""

    _rank = 2

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", output_padding=None, data_format=None, dilation_rate=(1, 1),  # noqa: E501
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


class Conv3DTranspose(_Transpose):
    """The gradient of a convolution: makes volumes larger."""

    _rank = 3

    def __init__(self, filters, kernel_size, strides=(1, 1, 1), padding="valid", output_padding=None, data_format=None,
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):  # fmt: skip
        super().__init__(**_arguments(locals()))


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose, Convolution3DTranspose = Conv2DTranspose, Conv3DTranspose
Deconvolution2D = Deconv2D = Conv2DTranspose
Deconvolution3D = Deconv3D = Conv3DTranspose
