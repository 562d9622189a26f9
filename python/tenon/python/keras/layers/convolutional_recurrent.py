"""Recurrent layers whose products are convolutions: over sequences of images."""

import tenon as tf
from tenon.python.keras import activations, regularizers
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers import weights
from tenon.python.keras.layers.core import _static
from tenon.python.keras.layers.pooling import _data_format, _length, _padding, _tuple
from tenon.python.keras.layers.recurrent import RNN, _of_cell
from tenon.python.keras.layers.recurrent_cells import _Dropping, _forget_bias_start

TF_EXPORTS = {"keras.layers.ConvLSTM2D": "ConvLSTM2D", "keras.layers.convolutional_recurrent.ConvLSTM2D": "ConvLSTM2D",
              "keras.layers.ConvRecurrent2D": "ConvRNN2D"}  # fmt: skip

_WEIGHTS = ("kernel", "recurrent", "bias")


class ConvLSTM2DCell(Layer, _Dropping):
    """One step of ConvLSTM2D: gates i, f, c, o."""

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
                 activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, **kwargs):  # fmt: skip
        given = dict(locals())
        super().__init__(**kwargs)
        self.filters, self.use_bias, self.unit_forget_bias = filters, use_bias, unit_forget_bias
        self.kernel_size, self.strides = _tuple(kernel_size, 2, "kernel_size"), _tuple(strides, 2, "strides")
        self.dilation_rate = _tuple(dilation_rate, 2, "dilation_rate")
        self.padding, self.data_format = _padding(padding, ("valid", "same")), _data_format(data_format)
        self.activation, self.recurrent_activation = map(activations.get, (activation, recurrent_activation))
        weights.take(self, _WEIGHTS, given)
        self.dropout, self.recurrent_dropout = min(1.0, max(0.0, dropout)), min(1.0, max(0.0, recurrent_dropout))
        self.state_size = (filters, filters)

    @property
    def _axis(self):
        return 1 if self.data_format == "channels_first" else 3

    def build(self, input_shape):
        """Makes kernel, recurrent kernel and bias."""
        channels = _static(input_shape)[self._axis]
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        n = self.filters * 4
        self.kernel = weights.add(self, "kernel", (*self.kernel_size, channels, n))
        self.recurrent_kernel = weights.add(self, "recurrent_kernel", (*self.kernel_size, self.filters, n), "recurrent")
        self.bias = None
        if self.use_bias:
            start = self.bias_initializer
            start = _forget_bias_start(start, self.filters) if self.unit_forget_bias else start
            self.bias = weights.add(self, "bias", (n,), initializer=start)
        self.built = True

    def _conv(self, x, kernel, masks, padding, strides=(1, 1), dilation=(1, 1)):
        """X with each gate's part of a kernel."""
        parts = [x] if masks is None else [x * m for m in masks]
        kernels = [kernel] if masks is None else tf.split(kernel, 4, axis=3)
        first = self._axis == 1
        found = []
        for part, k in zip(parts, kernels):
            part = tf.transpose(part, [0, 2, 3, 1]) if first else part
            y = tf.nn.convolution(part, k, padding.upper(), strides=strides, dilation_rate=dilation)
            found.append(tf.transpose(y, [0, 3, 1, 2]) if first else y)
        return found if masks is not None else tf.split(found[0], 4, axis=self._axis)

    def call(self, inputs, states, training=None):
        """One step."""
        h, c = states
        own = self.get_dropout_mask_for_cell(inputs, training, 4)
        other = self.get_recurrent_dropout_mask_for_cell(h, training, 4)
        xs = self._conv(inputs, self.kernel, own, self.padding, self.strides, self.dilation_rate)
        if self.bias is not None:
            layout = "NCHW" if self._axis == 1 else "NHWC"
            xs = [tf.nn.bias_add(x, b, data_format=layout) for x, b in zip(xs, tf.split(self.bias, 4))]
        hs = self._conv(h, self.recurrent_kernel, other, "same")
        i, f, g, o = (x + y for x, y in zip(xs, hs))
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        output = gate(o) * self.activation(c)
        return output, [output, c]

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size,
                "strides": self.strides, "padding": self.padding, "data_format": self.data_format,
                "dilation_rate": self.dilation_rate, "activation": activations.serialize(self.activation),
                "recurrent_activation": activations.serialize(self.recurrent_activation), "use_bias": self.use_bias,
                "unit_forget_bias": self.unit_forget_bias, **weights.config_of(self, _WEIGHTS),
                "dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}  # fmt: skip


class ConvRNN2D(RNN):
    """A convolutional cell over sequences of images: states are images."""

    _rank = 5

    def _image_shape(self, input_shape):
        """(channels or rows, ...) of an output of the cell."""
        cell, shape = self.cell, _static(input_shape)
        first = cell.data_format == "channels_first"
        space = shape[3:] if first else shape[2:4]
        space = [_length(n, k, cell.padding, s, d)
                 for n, k, s, d in zip(space, cell.kernel_size, cell.strides, cell.dilation_rate)]  # fmt: skip
        return [cell.filters, *space] if first else [*space, cell.filters]

    def _state_shapes(self):
        if self._space is None:
            return [[None] * 3 for _ in self.cell.state_size]
        return [self._space for _ in self.cell.state_size]

    _space = None

    def build(self, input_shape):
        """Makes the variables of the cell."""
        self._space = self._image_shape(input_shape[0] if isinstance(input_shape, list) else input_shape)
        super().build(input_shape)

    def get_initial_state(self, inputs):
        """Zeros."""
        shape = self._image_shape(inputs.shape)
        cell, x = self.cell, inputs[:, 0]
        if None in shape:
            # What a convolution with zeros would give.
            axis = 1 if cell.data_format == "channels_first" else -1
            kernel = tf.zeros((*cell.kernel_size, inputs.shape[2 if axis == 1 else -1].value, cell.filters))
            x = tf.transpose(x, [0, 2, 3, 1]) if axis == 1 else x
            zeros = tf.zeros_like(tf.nn.convolution(x, kernel, cell.padding.upper(), strides=cell.strides,
                                                    dilation_rate=cell.dilation_rate))  # fmt: skip
            zeros = tf.transpose(zeros, [0, 3, 1, 2]) if axis == 1 else zeros
        else:
            zeros = tf.zeros(tf.stack([tf.shape(x)[0], *shape]), inputs.dtype)
        zeros.set_shape([inputs.shape[0], *shape])
        return [zeros, zeros]

    def compute_output_shape(self, input_shape):
        """(batch, image), with the steps if they are returned."""
        shape = _static(input_shape[0] if isinstance(input_shape, list) else input_shape)
        image = self._image_shape(shape)
        out = (*shape[:2], *image) if self.return_sequences else (shape[0], *image)
        return [out, (shape[0], *image), (shape[0], *image)] if self.return_state else out


@_of_cell
class ConvLSTM2D(ConvRNN2D):
    """Long short-term memory whose products are convolutions: (batch, time, rows, columns, channels)."""

    _SETTINGS = ("filters kernel_size strides padding data_format dilation_rate activation recurrent_activation use_bias "  # noqa: E501
                 "kernel_initializer recurrent_initializer bias_initializer unit_forget_bias kernel_regularizer "
                 "recurrent_regularizer bias_regularizer kernel_constraint recurrent_constraint bias_constraint "
                 "dropout recurrent_dropout").split()  # fmt: skip

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
                 activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
                 return_sequences=False, return_state=False, go_backwards=False, stateful=False, dropout=0.0,
                 recurrent_dropout=0.0, **kwargs):  # fmt: skip
        given = dict(locals())
        cell = ConvLSTM2DCell(**{k: given[k] for k in self._SETTINGS},
                              **{k: kwargs[k] for k in ("dtype", "trainable") if k in kwargs})  # fmt: skip
        super().__init__(cell, return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards,
                         stateful=stateful, activity_regularizer=regularizers.get(activity_regularizer),
                         **kwargs)  # fmt: skip
        self.input_spec = [InputSpec(ndim=5)]

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Goes over the steps."""
        return super().call(inputs, mask, training, initial_state)

    def get_config(self):
        """The arguments that make it again."""
        config = {**Layer.get_config(self), **self._loop_config()}
        config = {k: v for k, v in config.items() if k not in ("unroll", "time_major")}
        inner = self.cell.get_config()
        return {**config, **{k: inner[k] for k in self._SETTINGS},
                "activity_regularizer": regularizers.serialize(self.activity_regularizer)}  # fmt: skip

    @classmethod
    def from_config(cls, config):
        """The layer that get_config described."""
        return cls(**config)
