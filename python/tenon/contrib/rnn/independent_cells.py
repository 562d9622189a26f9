"""Cells whose units see only their own state (Li et al., arXiv 1803.04831; Gonnet, Deselaers, arXiv 1903.08023)."""

from tenon.contrib.rnn.cells import LayerCell, last_size, lstm_sizes, mix, sigmoid, split, two_dimensional, unit_sizes
from tenon.python.ops import array_ops, init_ops, math_ops, nn_ops
from tenon.python.ops.rnn_cell_impl import LSTMStateTuple
from tenon.python.util.tf_export import tf_export


class _Independent(LayerCell):
    def _set(self, num_units, activation):
        self.input_spec = two_dimensional()
        self._num_units, self._activation = num_units, activation or math_ops.tanh

    def _own(self, name, n):
        """The weight of each unit's own state, N times."""
        start = init_ops.random_uniform_initializer(minval=-1, maxval=1, dtype=self.dtype)
        return self.add_variable(name, shape=[1, n * self._num_units], initializer=start)


@tf_export("contrib.rnn.IndRNNCell")
class IndRNNCell(_Independent):
    """output = new_state = activation(W input + u * state + b)."""

    def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._set(num_units, activation)
        unit_sizes(self, num_units)

    def build(self, inputs_shape):
        self._kernel_w = self.add_variable("kernel_w", shape=[last_size(inputs_shape), self._num_units])
        self._kernel_u = self._own("kernel_u", 1)
        zeros = init_ops.zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable("bias", shape=[self._num_units], initializer=zeros)
        self.built = True

    def call(self, inputs, state):
        inner = math_ops.matmul(inputs, self._kernel_w) + state * self._kernel_u
        output = self._activation(nn_ops.bias_add(inner, self._bias))
        return output, output


@tf_export("contrib.rnn.IndyGRUCell")
class IndyGRUCell(_Independent):
    """A gated recurrent unit whose units see only their own state."""

    def __init__(self, num_units, activation=None, reuse=None, kernel_initializer=None, bias_initializer=None,
                 name=None, dtype=None):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._set(num_units, activation)
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer
        unit_sizes(self, num_units)

    def build(self, inputs_shape):
        depth, units, kernel = last_size(inputs_shape), self._num_units, self._kernel_initializer
        ones = self._bias_initializer or init_ops.constant_initializer(1.0, dtype=self.dtype)
        zeros = self._bias_initializer or init_ops.zeros_initializer(dtype=self.dtype)
        self._gate_kernel_w = self.add_variable("gates/kernel_w", shape=[depth, 2 * units], initializer=kernel)
        self._gate_kernel_u = self._own("gates/kernel_u", 2)
        self._gate_bias = self.add_variable("gates/bias", shape=[2 * units], initializer=ones)
        self._candidate_kernel_w = self.add_variable("candidate/kernel", shape=[depth, units], initializer=kernel)
        self._candidate_kernel_u = self._own("candidate/kernel_u", 1)
        self._candidate_bias = self.add_variable("candidate/bias", shape=[units], initializer=zeros)
        self.built = True

    def call(self, inputs, state):
        gates = math_ops.matmul(inputs, self._gate_kernel_w) + array_ops.tile(state, [1, 2]) * self._gate_kernel_u
        reset, update = split(sigmoid(nn_ops.bias_add(gates, self._gate_bias)), 2)
        candidate = math_ops.matmul(inputs, self._candidate_kernel_w) + reset * state * self._candidate_kernel_u
        new_state = mix(update, state, self._activation(nn_ops.bias_add(candidate, self._candidate_bias)))
        return new_state, new_state


@tf_export("contrib.rnn.IndyLSTMCell")
class IndyLSTMCell(_Independent):
    """An LSTM whose units see only their own state."""

    def __init__(self, num_units, forget_bias=1.0, activation=None, reuse=None, kernel_initializer=None,
                 bias_initializer=None, name=None, dtype=None):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._set(num_units, activation)
        self._forget_bias = forget_bias
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer
        lstm_sizes(self, num_units)

    def build(self, inputs_shape):
        self._kernel_w = self.add_variable("kernel_w", shape=[last_size(inputs_shape), 4 * self._num_units],
                                           initializer=self._kernel_initializer)  # fmt: skip
        self._kernel_u = self._own("kernel_u", 4)
        zeros = self._bias_initializer or init_ops.zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable("bias", shape=[4 * self._num_units], initializer=zeros)
        self.built = True

    def call(self, inputs, state):
        c, h = state
        gates = math_ops.matmul(inputs, self._kernel_w) + array_ops.tile(h, [1, 4]) * self._kernel_u
        i, j, f, o = split(nn_ops.bias_add(gates, self._bias), 4)
        new_c = c * sigmoid(f + self._forget_bias) + sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)
