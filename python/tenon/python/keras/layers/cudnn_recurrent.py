"""CuDNNGRU and CuDNNLSTM: the weights and functions of cuDNN's layers, computed wherever the program runs."""

import tenon as tf
from tenon.python.keras import backend_rnn, regularizers
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers import weights
from tenon.python.keras.layers.core import _static
from tenon.python.keras.layers.recurrent import RNN, Layer

TF_EXPORTS = {"keras.layers.CuDNNGRU": "CuDNNGRU", "keras.layers.CuDNNLSTM": "CuDNNLSTM"}

_WEIGHTS = ("kernel", "recurrent", "bias")


class _Shape:
    """What RNN asks of a cell: the sizes."""

    def __init__(self, units, count):
        self.output_size, self.state_size = units, [units] * count

    def call(self, inputs, states):
        """The layer has its own step."""
        raise NotImplementedError


class _CuDNN(RNN):
    """What both share; kernels of the gates lie side by side, with two biases."""

    def __init__(self, given):
        kwargs = given["kwargs"]
        super().__init__(_Shape(given["units"], self._states_count),
                         **{k: given[k] for k in ("return_sequences", "return_state", "go_backwards", "stateful")},
                         activity_regularizer=regularizers.get(given["activity_regularizer"]), **kwargs)  # fmt: skip
        self.units = int(given["units"])
        weights.take(self, _WEIGHTS, given)
        self.input_spec = [InputSpec(ndim=3)]
        self.supports_masking = False

    def build(self, input_shape):
        """Makes kernel, recurrent kernel and bias."""
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        n = self.units * self._gates
        self.kernel = weights.add(self, "kernel", (_static(first)[-1], n))
        self.recurrent_kernel = weights.add(self, "recurrent_kernel", (self.units, n), "recurrent")
        self.bias = weights.add(self, "bias", (2 * n,), initializer=self._bias_start())
        super().build(input_shape)

    def _bias_start(self):
        return self.bias_initializer

    def _products(self, x, h):
        """The parts of inputs and of states for each gate."""
        own, other = tf.split(self.bias, 2)
        xs = tf.nn.bias_add(tf.matmul(x, self.kernel), own)
        hs = tf.nn.bias_add(tf.matmul(h, self.recurrent_kernel), other)
        return tf.split(xs, self._gates, 1), tf.split(hs, self._gates, 1)

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Goes over the steps."""
        inputs, initial_state, _ = self._start(inputs, initial_state, None)
        last, outputs, states = backend_rnn.rnn(self._step, inputs, initial_state, go_backwards=self.go_backwards)
        if self.stateful:
            for variable, state in zip(self.states, states):
                self.add_update(variable.assign(state, read_value=False))
        output = outputs if self.return_sequences else last
        return [output, *states] if self.return_state else output

    def get_config(self):
        """The arguments that make it again."""
        loop = {k: v for k, v in self._loop_config().items() if k not in ("unroll", "time_major")}
        return {**Layer.get_config(self), **loop, "units": self.units, **weights.config_of(self, _WEIGHTS),
                "activity_regularizer": regularizers.serialize(self.activity_regularizer)}  # fmt: skip

    @classmethod
    def from_config(cls, config):
        """The layer that get_config described."""
        return cls(**config)


class CuDNNGRU(_CuDNN):
    """GRU whose reset gate comes after the product: gates z, r, h."""

    _gates, _states_count = 3, 1

    def __init__(self, units, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal",
                 bias_initializer="zeros", kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
                 return_sequences=False, return_state=False, go_backwards=False, stateful=False,
                 **kwargs):  # fmt: skip
        super().__init__(dict(locals()))

    def _step(self, x, states):
        h = states[0]
        (xz, xr, xh), (hz, hr, hh) = self._products(x, h)
        z = tf.sigmoid(xz + hz)
        new = tf.tanh(xh + tf.sigmoid(xr + hr) * hh)
        h = z * h + (1 - z) * new
        return h, [h]


class CuDNNLSTM(_CuDNN):
    """LSTM: gates i, f, c, o."""

    _gates, _states_count = 4, 2

    def __init__(self, units, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal",
                 bias_initializer="zeros", unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
                 bias_constraint=None, return_sequences=False, return_state=False, go_backwards=False, stateful=False,
                 **kwargs):  # fmt: skip
        super().__init__(dict(locals()))
        self.unit_forget_bias = unit_forget_bias

    def _bias_start(self):
        start, n = self.bias_initializer, self.units
        if not self.unit_forget_bias:
            return start

        def first(shape, dtype=None, **_):
            return tf.concat([start((n * 5,), dtype=dtype), tf.ones((n,), dtype), start((n * 2,), dtype=dtype)], 0)

        return first

    def _step(self, x, states):
        h, c = states
        i, f, g, o = (a + b for a, b in zip(*self._products(x, h)))
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, [h, c]

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}
