"""Convolutions whose weights are not shared: a kernel of its own for each place."""

import numpy as np

import tenon as tf
from tenon.python.keras import activations, regularizers
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers import weights
from tenon.python.keras.layers.core import _static
from tenon.python.keras.layers.pooling import _data_format, _length, _padding, _tuple

TF_NAMESPACES = ("keras.layers", "keras.layers.local")

_WEIGHTS = ("kernel", "bias")


def _patches(x, size, strides, places):
    """(batch, places, size * channels): what lies under each place of a window, axes before channels."""
    channels = x.shape[-1].value
    parts = []
    if len(size) == 1:
        for t in range(places[0]):
            begin = t * strides[0]
            parts.append(tf.reshape(x[:, begin : begin + size[0]], [-1, 1, size[0] * channels]))
        return tf.concat(parts, 1)
    for i in range(places[0]):
        for j in range(places[1]):
            a, b = i * strides[0], j * strides[1]
            window = x[:, a : a + size[0], b : b + size[1]]
            parts.append(tf.reshape(window, [-1, 1, size[0] * size[1] * channels]))
    return tf.concat(parts, 1)


def local_conv(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """Convolution with a kernel for each place: KERNEL is (places, size * channels, filters)."""
    rank = len(kernel_size)
    first = _data_format(data_format) == "channels_first"
    x = tf.transpose(inputs, [0, *range(2, rank + 2), 1]) if first else inputs
    parts = _patches(x, kernel_size, strides, output_shape)
    # One product for each place: (places, batch, in) with (places, in, filters).
    y = tf.transpose(tf.matmul(tf.transpose(parts, [1, 0, 2]), kernel), [1, 0, 2])
    y = tf.reshape(y, [-1, *output_shape, kernel.shape[-1].value])
    return tf.transpose(y, [0, rank + 1, *range(1, rank + 1)]) if first else y


class _Local(Layer):
    """What LocallyConnected1D and 2D share."""

    def __init__(self, given):
        kwargs, rank = given["kwargs"], self._rank
        super().__init__(activity_regularizer=regularizers.get(given["activity_regularizer"]), **kwargs)
        self.filters, self.use_bias, self.implementation = given["filters"], given["use_bias"], given["implementation"]
        self.kernel_size = _tuple(given["kernel_size"], rank, "kernel_size")
        self.strides = _tuple(given["strides"], rank, "strides")
        self.padding, self.data_format = _padding(given["padding"], ("valid", "same")), _data_format(
            given["data_format"])  # fmt: skip
        if self.padding != "valid" and self.implementation == 1:
            raise ValueError(f"Invalid border mode for {type(self).__name__} (only \"valid\" is supported if "
                             f"implementation is 1): {given['padding']}")  # fmt: skip
        self.activation = activations.get(given["activation"])
        weights.take(self, _WEIGHTS, given)
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _first(self):
        return self.data_format == "channels_first"

    def _places(self, shape):
        space = shape[2:] if self._first else shape[1:-1]
        return [_length(n, k, self.padding, s) for n, k, s in zip(space, self.kernel_size, self.strides)]

    def build(self, input_shape):
        """Makes a kernel and a bias for each place."""
        shape = _static(input_shape)
        channels = shape[1 if self._first else -1]
        if None in shape[1:]:
            raise ValueError("The spatial dimensions of the inputs to a LocallyConnected layer should be fully-defined, "  # noqa: E501
                             f"but layer received an inputs shape of {shape}")  # fmt: skip
        places = self._places(shape)
        self._sizes = list(shape[2:] if self._first else shape[1:-1])
        count, size = 1, channels
        for n in places:
            count *= n
        for k in self.kernel_size:
            size *= k
        if self.implementation == 1:
            self.kernel = weights.add(self, "kernel", (count, size, self.filters))
        else:
            self._build_sparse(channels, places)
        self.bias = weights.add(self, "bias", (*places, self.filters)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self._rank + 2, axes={1 if self._first else -1: channels})
        self.built = True

    def _connected(self, places):
        """(input place, output place) pairs, and whether each is connected: an array over both."""
        found = np.ones((1, 1), bool)
        for n, m, k, s in zip(self._sizes, places, self.kernel_size, self.strides):
            begin = -(max((m - 1) * s + k - n, 0) // 2) if self.padding == "same" else 0
            one = np.zeros((n, m), bool)
            for j in range(m):
                a = begin + j * s
                one[max(a, 0) : min(a + k, n), j] = True
            found = np.kron(found, one).astype(bool)
        return found

    def _build_sparse(self, channels, places):
        """Implementations 2 and 3: one weight for each pair of connected places and channels."""
        mask = self._connected(places)
        ins, outs = mask.shape
        filters = self.filters
        if self._first:
            whole = mask[None, :, None, :] & np.ones((channels, 1, filters, 1), bool)
        else:
            whole = mask[:, None, :, None] & np.ones((1, channels, 1, filters), bool)
        self._mask = whole.reshape(ins * channels, outs * filters)
        if self.implementation == 2:
            shape = ((channels, *self._sizes, filters, *places) if self._first else
                     (*self._sizes, channels, *places, filters))  # fmt: skip
        else:
            shape = (int(self._mask.sum()),)
        self.kernel = weights.add(self, "kernel", shape)

    def _dense(self):
        if self.implementation == 2:
            return tf.reshape(self.kernel, self._mask.shape) * self._mask.astype("float32")
        # Weights are in the order of (output, input), as SparseTensor's transposed product wants them.
        at = np.argwhere(self._mask.T)
        transposed = tf.scatter_nd(at.astype("int64"), self.kernel, np.array(self._mask.T.shape, "int64"))
        return tf.transpose(transposed)

    def call(self, inputs):
        """Convolves."""
        places = self._places(inputs.shape.as_list())
        if self.implementation == 1:
            outputs = local_conv(inputs, self.kernel, self.kernel_size, self.strides, places, self.data_format)
        else:
            flat = tf.matmul(tf.reshape(inputs, [-1, self._mask.shape[0]]), self._dense())
            shape = [self.filters, *places] if self._first else [*places, self.filters]
            outputs = tf.reshape(flat, [-1, *shape])
        if self.use_bias:
            bias = self.bias
            if self._first:
                bias = tf.transpose(bias, [self._rank, *range(self._rank)])
            outputs = outputs + bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """The sizes after the windows."""
        shape = _static(input_shape)
        space = self._places(shape)
        return (shape[0], self.filters, *space) if self._first else (shape[0], *space, self.filters)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size,
                "strides": self.strides, "padding": self.padding, "data_format": self.data_format,
                "activation": activations.serialize(self.activation), "use_bias": self.use_bias,
                **weights.config_of(self, _WEIGHTS), "implementation": self.implementation,
                "activity_regularizer": regularizers.serialize(self.activity_regularizer)}  # fmt: skip


class LocallyConnected1D(_Local):
    """A kernel of its own for each step."""

    _rank = 1

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, activation=None,
                 use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
                 implementation=1, **kwargs):  # fmt: skip
        super().__init__(dict(locals()))


class LocallyConnected2D(_Local):
    """A kernel of its own for each place in an image."""

    _rank = 2

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, activation=None,
                 use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
                 implementation=1, **kwargs):  # fmt: skip
        super().__init__(dict(locals()))
