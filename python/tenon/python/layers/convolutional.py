"""Convolution layers."""

import inspect

from tenon.python.framework import ops, tensor_shape
from tenon.python.layers import base, utils
from tenon.python.ops import array_ops, init_ops, nn_convolution, nn_ops
from tenon.python.util.tf_export import tf_export

_ZEROS = init_ops.zeros_initializer()


class _Conv(base.Layer):
    """What convolution layers of `_n` dimensions share."""

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
                 activation=None, use_bias=True, kernel_initializer=None, bias_initializer=_ZEROS,
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.rank = n = self._n
        self.filters = filters
        self.kernel_size = utils.normalize_tuple(kernel_size, n, "kernel_size")
        self.strides = utils.normalize_tuple(strides, n, "strides")
        self.padding = utils.normalize_padding(padding)
        self.data_format = utils.normalize_data_format(data_format)
        self.dilation_rate = utils.normalize_tuple(dilation_rate, n, "dilation_rate")
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = base.InputSpec(ndim=n + 2)

    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1

    def _channels(self, input_shape):
        axis = self._channel_axis()
        channels = tensor_shape.TensorShape(input_shape).as_list()[axis]
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = base.InputSpec(ndim=self._n + 2, axes={axis: channels})
        return channels

    def _kernel_shape(self, channels):
        return (*self.kernel_size, channels, self.filters)

    def _add_bias(self):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", shape=(self.filters,), initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint, trainable=True,
            )  # fmt: skip

    def build(self, input_shape):
        """kernel and bias."""
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            "kernel", shape=self._kernel_shape(channels), initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint, trainable=True,
        )  # fmt: skip
        self._add_bias()
        self.built = True

    def _finish(self, outputs):
        """Adds the bias and applies the activation."""
        if self.use_bias:
            if self.data_format == "channels_first":
                outputs = _bias_first(outputs, self.bias, self._n)
            else:
                outputs = nn_ops.bias_add(outputs, self.bias, data_format="NHWC")
        return outputs if self.activation is None else self.activation(outputs)

    def call(self, inputs):
        """The convolution of the inputs."""
        layout = utils.convert_data_format(self.data_format, self._n + 2)
        kernel = ops.convert_to_tensor(self.kernel)
        padding = self.padding.upper()
        dilated = any(r > 1 for r in self.dilation_rate)
        if dilated and any(s > 1 for s in self.strides):
            raise ValueError("`strides > 1` not supported in conjunction with `dilation_rate > 1`")

        def op(converted, _, inner_padding):
            return nn_convolution._plain(self._n, converted, kernel, list(self.strides), inner_padding, layout, None)

        if dilated and self._n < 3:
            outputs = nn_convolution._plain(
                self._n, inputs, kernel, list(self.strides), padding, layout, None, list(self.dilation_rate)
            )
        else:
            outputs = nn_convolution.with_space_to_batch(
                inputs, self.dilation_rate, padding, op, filter_shape=self.kernel_size, data_format=layout
            ) if dilated else op(inputs, None, padding)  # fmt: skip
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        """The shape of the convolved inputs."""
        sizes = tensor_shape.TensorShape(input_shape).as_list()
        place = 2 if self.data_format == "channels_first" else 1
        space = [
            utils.conv_output_length(sizes[place + i], self.kernel_size[i], self.padding, self.strides[i],
                                     self.dilation_rate[i])
            for i in range(self._n)
        ]  # fmt: skip
        if place == 2:
            return tensor_shape.TensorShape([sizes[0], self.filters, *space])
        return tensor_shape.TensorShape([sizes[0], *space, self.filters])


def _bias_first(outputs, bias, n):
    """Adds a bias to channels that come before space."""
    if n == 1:
        return outputs + array_ops.reshape(bias, (1, -1, 1))
    if n == 2:
        return nn_ops.bias_add(outputs, bias, data_format="NCHW")
    sizes = outputs.get_shape().as_list()
    flat = array_ops.reshape(outputs, [-1 if sizes[0] is None else sizes[0], sizes[1], sizes[2] * sizes[3], sizes[4]])
    flat = nn_ops.bias_add(flat, bias, data_format="NCHW")
    return array_ops.reshape(flat, [-1 if sizes[0] is None else sizes[0], *sizes[1:]])


def _arguments(without=(), **defaults):
    """A decorator for layers that take fewer arguments than their base, or have other defaults."""

    def decorate(kind):
        base_init = kind.__init__
        parameters = [
            p.replace(default=defaults.get(p.name, p.default))
            for p in inspect.signature(base_init).parameters.values() if p.name not in without
        ]  # fmt: skip
        signature = inspect.Signature(parameters)

        def __init__(self, *args, **kwargs):
            given = signature.bind(self, *args, **kwargs).arguments
            more = given.pop("kwargs", {})
            given.pop("self")
            base_init(self, **given, **more)

        __init__.__signature__ = signature
        kind.__init__ = __init__
        return kind

    return decorate


@tf_export("layers.Conv1D")
class Conv1D(_Conv):
    """Convolution of sequences: [batch, length, channels]."""

    _n = 1


@tf_export("layers.Conv2D")
@_arguments(strides=(1, 1), dilation_rate=(1, 1))
class Conv2D(_Conv):
    """Convolution of pictures: [batch, height, width, channels]."""

    _n = 2


@tf_export("layers.Conv3D")
@_arguments(strides=(1, 1, 1), dilation_rate=(1, 1, 1))
class Conv3D(_Conv):
    """Convolution of volumes: [batch, depth, height, width, channels]."""

    _n = 3


class _Transpose(_Conv):
    """What transposed convolutions share."""

    def _kernel_shape(self, channels):
        return (*self.kernel_size, self.filters, channels)

    def call(self, inputs):
        """The transposed convolution of the inputs."""
        n = self._n
        sizes = array_ops.shape(inputs)
        known = inputs.get_shape().as_list()
        place = 2 if self.data_format == "channels_first" else 1
        space = []
        for i in range(n):
            size = known[place + i]
            size = sizes[place + i] if size is None else size
            space.append(utils.deconv_output_length(size, self.kernel_size[i], self.padding, self.strides[i]))
        batch = sizes[0]
        shape = (batch, self.filters, *space) if place == 2 else (batch, *space, self.filters)
        layout = utils.convert_data_format(self.data_format, n + 2)
        strides = (1, 1, *self.strides) if place == 2 else (1, *self.strides, 1)
        function = nn_convolution.conv2d_transpose if n == 2 else nn_convolution.conv3d_transpose
        outputs = function(inputs, self.kernel, array_ops.stack(shape), strides, padding=self.padding.upper(),
                           data_format=layout)  # fmt: skip
        outputs.set_shape(self.compute_output_shape(inputs.get_shape()))
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        """The shape of the output."""
        sizes = tensor_shape.TensorShape(input_shape).as_list()
        place = 2 if self.data_format == "channels_first" else 1
        sizes[1 if place == 2 else -1] = self.filters
        for i in range(self._n):
            sizes[place + i] = utils.deconv_output_length(
                sizes[place + i], self.kernel_size[i], self.padding, self.strides[i]
            )
        return tensor_shape.TensorShape(sizes)


@tf_export("layers.Conv2DTranspose")
@_arguments(("dilation_rate",), strides=(1, 1))
class Conv2DTranspose(_Transpose):
    """Transposed convolution of pictures."""

    _n = 2


@tf_export("layers.Conv3DTranspose")
@_arguments(("dilation_rate",), strides=(1, 1, 1))
class Conv3DTranspose(_Transpose):
    """Transposed convolution of volumes."""

    _n = 3


class _Separable(_Conv):
    """What separable convolutions share: a filter for each channel, then one of size 1 over channels."""

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
                 depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
                 pointwise_initializer=None, bias_initializer=_ZEROS, depthwise_regularizer=None,
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True,
                 name=None, **kwargs):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         None, bias_initializer, None, bias_regularizer, activity_regularizer, None, bias_constraint,
                         trainable, name, **kwargs)  # fmt: skip
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint

    def build(self, input_shape):
        """depthwise_kernel, pointwise_kernel and bias."""
        channels = self._channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint, trainable=True,
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel", shape=(1,) * self._n + (self.depth_multiplier * channels, self.filters),
            initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint, trainable=True,
        )  # fmt: skip
        self._add_bias()
        self.built = True

    def call(self, inputs):
        """The separable convolution of the inputs."""
        first = self.data_format == "channels_first"
        depthwise = ops.convert_to_tensor(self.depthwise_kernel)
        pointwise = ops.convert_to_tensor(self.pointwise_kernel)
        strides, rates = self.strides, self.dilation_rate
        axis = 2 if first else 1
        if self._n == 1:
            strides, rates = strides * 2, (1, *rates)
            inputs = array_ops.expand_dims(inputs, axis)
            depthwise, pointwise = array_ops.expand_dims(depthwise, 0), array_ops.expand_dims(pointwise, 0)
        full = (1, 1, *strides) if first else (1, *strides, 1)
        outputs = nn_convolution.separable_conv2d(
            inputs, depthwise, pointwise, strides=full, padding=self.padding.upper(), rate=rates,
            data_format="NCHW" if first else "NHWC",
        )  # fmt: skip
        if self._n == 1:
            outputs = array_ops.squeeze(outputs, [axis])
        return self._finish(outputs)


@tf_export("layers.SeparableConv1D")
class SeparableConv1D(_Separable):
    """Separable convolution of sequences."""

    _n = 1


@tf_export("layers.SeparableConv2D")
@_arguments(strides=(1, 1), dilation_rate=(1, 1))
class SeparableConv2D(_Separable):
    """Separable convolution of pictures."""

    _n = 2


@tf_export("layers.conv1d")
def conv1d(inputs, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
           activation=None, use_bias=True, kernel_initializer=None, bias_initializer=_ZEROS, kernel_regularizer=None,
           bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
           trainable=True, name=None, reuse=None):  # fmt: skip
    """A Conv1D layer on inputs."""
    return base.functional(Conv1D, locals())


@tf_export("layers.conv2d")
def conv2d(inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
           dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None, bias_initializer=_ZEROS,
           kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
           bias_constraint=None, trainable=True, name=None, reuse=None):  # fmt: skip
    """A Conv2D layer on inputs."""
    return base.functional(Conv2D, locals())


@tf_export("layers.conv3d")
def conv3d(inputs, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
           dilation_rate=(1, 1, 1), activation=None, use_bias=True, kernel_initializer=None, bias_initializer=_ZEROS,
           kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
           bias_constraint=None, trainable=True, name=None, reuse=None):  # fmt: skip
    """A Conv3D layer on inputs."""
    return base.functional(Conv3D, locals())


@tf_export("layers.separable_conv1d")
def separable_conv1d(inputs, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
                     dilation_rate=1, depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
                     pointwise_initializer=None, bias_initializer=_ZEROS, depthwise_regularizer=None,
                     pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                     depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True,
                     name=None, reuse=None):  # fmt: skip
    """A SeparableConv1D layer on inputs."""
    return base.functional(SeparableConv1D, locals())


@tf_export("layers.separable_conv2d")
def separable_conv2d(inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
                     dilation_rate=(1, 1), depth_multiplier=1, activation=None, use_bias=True,
                     depthwise_initializer=None, pointwise_initializer=None, bias_initializer=_ZEROS,
                     depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
                     activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None,
                     bias_constraint=None, trainable=True, name=None, reuse=None):  # fmt: skip
    """A SeparableConv2D layer on inputs."""
    return base.functional(SeparableConv2D, locals())


@tf_export("layers.conv2d_transpose")
def conv2d_transpose(inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
                     activation=None, use_bias=True, kernel_initializer=None, bias_initializer=_ZEROS,
                     kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                     kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
                     reuse=None):  # fmt: skip
    """A Conv2DTranspose layer on inputs."""
    return base.functional(Conv2DTranspose, locals())


@tf_export("layers.conv3d_transpose")
def conv3d_transpose(inputs, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
                     activation=None, use_bias=True, kernel_initializer=None, bias_initializer=_ZEROS,
                     kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                     kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
                     reuse=None):  # fmt: skip
    """A Conv3DTranspose layer on inputs."""
    return base.functional(Conv3DTranspose, locals())


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
SeparableConvolution2D = SeparableConv2D
Convolution2DTranspose = Deconvolution2D = Deconv2D = Conv2DTranspose
Convolution3DTranspose = Deconvolution3D = Deconv3D = Conv3DTranspose
convolution1d, convolution2d, convolution3d = conv1d, conv2d, conv3d
separable_convolution2d = separable_conv2d
convolution2d_transpose = deconvolution2d = deconv2d = conv2d_transpose
convolution3d_transpose = deconvolution3d = deconv3d = conv3d_transpose
