"""Convolutions, and what makes images larger or smaller."""

import tenon as tf
from tenon.python.keras import activations, backend_ops, constraints, initializers, regularizers
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


class Conv1D(_Conv):
    """Convolution over steps: (batch, steps, channels)."""

    _rank = 1


class Conv2D(_Conv):
    """Convolution over rows and columns: (batch, rows, columns, channels)."""

    _rank = 2


class Conv3D(_Conv):
    """Convolution over volumes: (batch, depth, rows, columns, channels)."""

    _rank = 3


class Conv2DTranspose(Conv2D):
    """The gradient of a convolution: makes images larger."""

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", output_padding=None, **kwargs):
        super().__init__(filters, kernel_size, strides=strides, padding=padding, **kwargs)
        self.output_padding = None if output_padding is None else _tuple(output_padding, 2, "output_padding")

    def _kernel_shape(self, channels):
        return (*self.kernel_size, self.filters, channels)

    def _sizes(self, sizes):
        extra = self.output_padding or (None, None)
        found = []
        for n, k, s, p in zip(sizes, self.kernel_size, self.strides, extra):
            if n is None:
                found.append(None)
            elif p is None:
                found.append(n * s + (max(k - s, 0) if self.padding == "valid" else 0))
            else:
                found.append((n - 1) * s + k - (2 * (k // 2) if self.padding == "same" else 0) + p)
        return found

    def call(self, inputs):
        """Convolves the other way."""
        x = self._last(inputs)
        known = x.shape.as_list()
        sizes = [tf.shape(x)[i + 1] if known[i + 1] is None else known[i + 1] for i in range(2)]
        shape = tf.stack([tf.shape(x)[0], *self._sizes(sizes), self.filters])
        outputs = tf.nn.conv2d_transpose(x, self.kernel, shape, (1, *self.strides, 1), self.padding.upper())
        outputs.set_shape([known[0], *self._sizes(known[1:3]), self.filters])
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        """The sizes, larger."""
        shape = _static(input_shape)
        if self._first:
            return (shape[0], self.filters, *self._sizes(shape[2:]))
        return (shape[0], *self._sizes(shape[1:3]), self.filters)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "output_padding": self.output_padding}


class _Depthwise(Conv2D):
    """What works on each channel by itself."""

    def _depthwise(self, inputs):
        return tf.nn.depthwise_conv2d(
            self._last(inputs), self.depthwise_kernel, (1, *self.strides, 1), self.padding.upper(),
            rate=self.dilation_rate,
        )  # fmt: skip

    def _begin(self, depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint):
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def _kernels(self, input_shape):
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )  # fmt: skip
        return channels * self.depth_multiplier

    def get_config(self):
        """The arguments that make it again."""
        config = {k: v for k, v in super().get_config().items() if not k.startswith("kernel_") or k == "kernel_size"}
        for kind, module in (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints)):
            config["depthwise_" + kind] = module.serialize(getattr(self, "depthwise_" + kind))
        return {**config, "depth_multiplier": self.depth_multiplier}


class DepthwiseConv2D(_Depthwise):
    """Convolution of each channel by itself."""

    def __init__(
        self, kernel_size, strides=(1, 1), padding="valid", depth_multiplier=1, data_format=None, activation=None,
        use_bias=True, depthwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
        depthwise_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            None, kernel_size, strides=strides, padding=padding, data_format=data_format, activation=activation,
            use_bias=use_bias, bias_initializer=bias_initializer, **kwargs,
        )  # fmt: skip
        self._begin(depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint)

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


class SeparableConv2D(_Depthwise):
    """Convolution of each channel by itself, then of points."""

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
        depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
        pointwise_regularizer=None, depthwise_constraint=None, pointwise_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
            dilation_rate=dilation_rate, activation=activation, use_bias=use_bias, bias_initializer=bias_initializer,
            **kwargs,
        )  # fmt: skip
        self._begin(depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape):
        """Makes the kernels and bias."""
        channels = self._kernels(input_shape)
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel", (1, 1, channels, self.filters), initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer, constraint=self.pointwise_constraint,
        )  # fmt: skip
        self._add_bias(self.filters)
        self.built = True

    def call(self, inputs):
        """Convolves twice."""
        return self._finish(tf.nn.conv2d(self._depthwise(inputs), self.pointwise_kernel, [1, 1, 1, 1], "VALID"))

    def get_config(self):
        """The arguments that make it again."""
        config = super().get_config()
        for kind, module in (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints)):
            config["pointwise_" + kind] = module.serialize(getattr(self, "pointwise_" + kind))
        return config


def _pairs(value, n, name):
    """N (before, after) pairs from one number, N numbers or N pairs."""
    value = (value,) * n if isinstance(value, int) else tuple(value)
    if n == 1 and len(value) == 2 and not isinstance(value[0], (list, tuple)):
        value = (value,)
    if len(value) != n:
        raise ValueError(f"`{name}` should have {n} elements. Found: {value}")
    return tuple((v, v) if isinstance(v, int) else tuple(v) for v in value)


class _Spatial(Layer):
    """What works on the axes between samples and channels."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = _data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    @property
    def _start(self):
        return 2 if self._rank > 1 and self.data_format == "channels_first" else 1

    def compute_output_shape(self, input_shape):
        """The sizes after it."""
        shape = list(_static(input_shape))
        for i in range(self._rank):
            n = shape[self._start + i]
            shape[self._start + i] = None if n is None else self._size(n, i)
        return tuple(shape)

    def get_config(self):
        """The arguments that make it again."""
        own = getattr(self, self._argument)
        config = {**super().get_config(), self._argument: own[0] if self._rank == 1 else own}
        return config if self._rank == 1 else {**config, "data_format": self.data_format}


class _UpSampling(_Spatial):
    _argument = "size"

    def __init__(self, size=2, data_format=None, interpolation="nearest", **kwargs):
        super().__init__(data_format, **kwargs)
        self.size, self.interpolation = _tuple(size, self._rank, "size"), interpolation

    def _size(self, n, i):
        return n * self.size[i]

    def call(self, inputs):
        """Repeats."""
        if self._rank == 2:
            return backend_ops.resize_images(inputs, *self.size, self.data_format, self.interpolation)
        for i, factor in enumerate(self.size):
            inputs = backend_ops.repeat_elements(inputs, factor, self._start + i)
        return inputs


class UpSampling1D(_UpSampling):
    """Each step several times."""

    _rank = 1


class UpSampling2D(_UpSampling):
    """Larger images."""

    _rank = 2

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Larger volumes."""

    _rank = 3


class _ZeroPadding(_Spatial):
    _argument = "padding"

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = _pairs(padding, self._rank, "padding")

    def _size(self, n, i):
        return n + sum(self.padding[i])

    def call(self, inputs):
        """Pads."""
        pads = [[0, 0]] * self._start + [list(p) for p in self.padding]
        return tf.pad(inputs, pads + [[0, 0]] * (self._rank + 2 - len(pads)))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps."""

    _rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images."""

    _rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes."""

    _rank = 3


class _Cropping(_Spatial):
    _argument = "cropping"

    def __init__(self, cropping=0, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = _pairs(cropping, self._rank, "cropping")

    def _size(self, n, i):
        return n - sum(self.cropping[i])

    def call(self, inputs):
        """Cuts."""
        parts = [slice(None)] * self._start
        parts += [slice(before, -after if after else None) for before, after in self.cropping]
        return inputs[tuple(parts)]


class Cropping1D(_Cropping):
    """Without the first and last steps."""

    _rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, **kwargs)


class Cropping2D(_Cropping):
    """Without the rims of images."""

    _rank = 2


class Cropping3D(_Cropping):
    """Without the rims of volumes."""

    _rank = 3

    def __init__(self, cropping=1, data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose, SeparableConvolution2D = Conv2DTranspose, SeparableConv2D
