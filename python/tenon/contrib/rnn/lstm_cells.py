"""Kinds of LSTM: normalised, coupled, grouped, convolutional."""

from tenon.contrib.rnn.cells import (
    Cell,
    last_size,
    layer_norm,
    linear,
    lstm_sizes,
    peephole,
    sharded,
    sigmoid,
    split,
    tanh,
)  # fmt: skip
from tenon.python.framework import tensor_shape
from tenon.python.ops import array_ops, clip_ops, init_ops, math_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.ops.rnn_cell_impl import LSTMStateTuple
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.rnn.LayerNormBasicLSTMCell")
class LayerNormBasicLSTMCell(Cell):
    """An LSTM with layer normalisation (arXiv 1607.06450) and dropout of what is remembered (arXiv 1603.05118)."""

    def __init__(self, num_units, forget_bias=1.0, input_size=None, activation=math_ops.tanh, layer_norm=True,
                 norm_gain=1.0, norm_shift=0.0, dropout_keep_prob=1.0, dropout_prob_seed=None, reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        if input_size is not None:
            logging.warn("%s: The input_size parameter is deprecated.", self)
        self._num_units, self._activation, self._forget_bias = num_units, activation, forget_bias
        self._keep_prob, self._seed = dropout_keep_prob, dropout_prob_seed
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift
        lstm_sizes(self, num_units)

    def _norm(self, inputs, scope):
        if not self._layer_norm:
            return inputs
        return layer_norm(inputs, scope, self._norm_gain, self._norm_shift, inputs.dtype)

    def call(self, inputs, state):
        c, h = state
        joined = array_ops.concat([inputs, h], 1)
        width = 4 * self._num_units
        kernel = vs.get_variable("kernel", [last_size(joined.get_shape()), width], dtype=joined.dtype)
        gates = math_ops.matmul(joined, kernel)
        if not self._layer_norm:
            gates = nn_ops.bias_add(gates, vs.get_variable("bias", [width], dtype=joined.dtype))
        names = ("input", "transform", "forget", "output")
        i, j, f, o = (self._norm(gate, name) for gate, name in zip(split(gates, 4), names))
        g = self._activation(j)
        if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
            g = nn_ops.dropout(g, self._keep_prob, seed=self._seed)
        new_c = self._norm(c * sigmoid(f + self._forget_bias) + sigmoid(i) * g, "state")
        new_h = self._activation(new_c) * sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)


@tf_export("contrib.rnn.CoupledInputForgetGateLSTMCell")
class CoupledInputForgetGateLSTMCell(Cell):
    """An LSTM that takes in what it forgets: one gate less (Greff et al., 2015, arXiv 1503.04069)."""

    def __init__(self, num_units, use_peepholes=False, initializer=None, num_proj=None, proj_clip=None,
                 num_unit_shards=1, num_proj_shards=1, forget_bias=1.0, state_is_tuple=True,
                 activation=math_ops.tanh, reuse=None, layer_norm=False, norm_gain=1.0, norm_shift=0.0):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._initializer = num_units, use_peepholes, initializer
        self._num_proj, self._proj_clip, self._forget_bias = num_proj, proj_clip, forget_bias
        self._num_unit_shards, self._num_proj_shards = num_unit_shards, num_proj_shards
        self._state_is_tuple, self._activation = state_is_tuple, activation
        self._layer_norm, self._norm_gain, self._norm_shift = layer_norm, norm_gain, norm_shift
        lstm_sizes(self, num_units, num_proj)
        if not state_is_tuple:
            self._state_size = num_units + self._output_size

    def _norm(self, inputs, scope):
        return layer_norm(inputs, scope, self._norm_gain, self._norm_shift) if self._layer_norm else inputs

    def _gates(self, inputs, m):
        depth, width = last_size(inputs.get_shape()), 3 * self._num_units
        shape = [depth + self._output_size, width]
        kernel = sharded("W", shape, inputs.dtype, self._num_unit_shards)
        bias = vs.get_variable("B", shape=[width], initializer=init_ops.zeros_initializer(), dtype=inputs.dtype)
        gates = math_ops.matmul(array_ops.concat([inputs, m], 1), kernel)
        if not self._layer_norm:
            gates = nn_ops.bias_add(gates, bias)
        return [self._norm(gate, name) for gate, name in zip(split(gates, 3), ("transform", "forget", "output"))]

    def call(self, inputs, state):
        if self._state_is_tuple:
            c, m = state
        else:
            c, m = array_ops.split(state, [self._num_units, self._output_size], axis=1)
        j, f, o = self._gates(inputs, m)
        f = f + self._forget_bias
        forget = sigmoid(peephole(f, c, "W_F_diag") if self._use_peepholes else f)
        c = self._norm(forget * c + (1 - forget) * self._activation(j), "state")
        m = sigmoid(peephole(o, c, "W_O_diag") if self._use_peepholes else o) * self._activation(c)
        if self._num_proj is not None:
            shape = [self._num_units, self._num_proj]
            m = math_ops.matmul(m, sharded("W_P", shape, inputs.dtype, self._num_proj_shards))
            if self._proj_clip is not None:
                m = clip_ops.clip_by_value(m, -self._proj_clip, self._proj_clip)
        return m, LSTMStateTuple(c, m) if self._state_is_tuple else array_ops.concat([c, m], 1)


@tf_export("contrib.rnn.GLSTMCell")
class GLSTMCell(Cell):
    """An LSTM in groups: each has a part of the input, of the state and of the output (arXiv 1703.10722)."""

    def __init__(self, num_units, initializer=None, num_proj=None, number_of_groups=1, forget_bias=1.0,
                 activation=math_ops.tanh, reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        for name, size in (("num_units", num_units), ("num_proj", num_proj or 0)):
            if size % number_of_groups:
                raise ValueError(f"{name} must be divisible by number_of_groups")
        self._num_units, self._initializer, self._num_proj = num_units, initializer, num_proj
        self._forget_bias, self._activation, self._number_of_groups = forget_bias, activation, number_of_groups
        lstm_sizes(self, num_units, num_proj)

    def _group(self, k, inputs, m):
        """The four gates of group K."""
        parts = []
        for value in (inputs, m):
            size = last_size(value.get_shape()) // self._number_of_groups
            name = f"GLSTM_group{k}_input_generation"
            parts.append(array_ops.slice(value, [0, k * size], [-1, size], name=name))
        with vs.variable_scope(f"group{k}"):
            joined = array_ops.concat(parts, axis=1)
            return split(linear(self, k, joined, 4 * (self._num_units // self._number_of_groups), False), 4)

    def call(self, inputs, state):
        c, m = state
        size = last_size(inputs.get_shape())
        if size % self._number_of_groups:
            raise ValueError(f"input size ({size}) must be divisible by number_of_groups ({self._number_of_groups})")
        with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
            groups = [self._group(k, inputs, m) for k in range(self._number_of_groups)]
            zeros = init_ops.constant_initializer(0.0, dtype=inputs.dtype)
            gates = []
            for gate, name in enumerate("ijfo"):
                bias = vs.get_variable(f"bias_{name}", [self._num_units], dtype=inputs.dtype, initializer=zeros)
                gates.append(nn_ops.bias_add(array_ops.concat([group[gate] for group in groups], axis=1), bias))
        i, j, f, o = gates
        c = sigmoid(f + self._forget_bias) * c + sigmoid(i) * tanh(j)
        m = sigmoid(o) * self._activation(c)
        if self._num_proj is not None:
            with vs.variable_scope("projection"):
                m = linear(self, "projection", m, self._num_proj, False)
        return m, LSTMStateTuple(c, m)


def _convolve(inputs, kernel_shape, channels, bias):
    """The convolution of INPUTS [batch, ..., n]; variables `kernel` and `biases`."""
    rank = inputs.get_shape().ndims
    if rank not in (3, 4, 5):
        raise ValueError(f"Conv Linear expects 3D, 4D or 5D arguments: {inputs.get_shape()}")
    shape = [*kernel_shape, inputs.get_shape().as_list()[-1], channels]
    kernel = vs.get_variable("kernel", shape, dtype=inputs.dtype)
    convolution = {3: nn_ops.conv1d, 4: nn_ops.conv2d, 5: nn_ops.conv3d}[rank]
    made = convolution(inputs, kernel, 1 if rank == 3 else [1] * rank, padding="SAME")
    if not bias:
        return made
    zeros = init_ops.constant_initializer(0.0, dtype=inputs.dtype)
    return made + vs.get_variable("biases", [channels], dtype=inputs.dtype, initializer=zeros)


@tf_export("contrib.rnn.ConvLSTMCell")
class ConvLSTMCell(Cell):
    """An LSTM over images: convolutions in place of products (Shi et al., 2015, arXiv 1506.04214)."""

    def __init__(self, conv_ndims, input_shape, output_channels, kernel_shape, use_bias=True, skip_connection=False,
                 forget_bias=1.0, initializers=None, name="conv_lstm_cell"):  # fmt: skip
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}.")
        self._conv_ndims, self._output_channels, self._kernel_shape = conv_ndims, output_channels, list(kernel_shape)
        self._use_bias, self._skip_connection, self._forget_bias = use_bias, skip_connection, forget_bias
        place = list(input_shape[:-1])
        size = tensor_shape.TensorShape([*place, output_channels])
        self._state_size = LSTMStateTuple(size, size)
        total = output_channels + (input_shape[-1] if skip_connection else 0)
        self._output_size = tensor_shape.TensorShape([*place, total])

    def call(self, inputs, state, scope=None):
        cell, hidden = state
        joined = array_ops.concat([inputs, hidden], axis=self._conv_ndims + 1)
        gates = _convolve(joined, self._kernel_shape, 4 * self._output_channels, self._use_bias)
        i, j, f, o = array_ops.split(value=gates, num_or_size_splits=4, axis=self._conv_ndims + 1)
        new_cell = sigmoid(f + self._forget_bias) * cell + sigmoid(i) * tanh(j)
        output = tanh(new_cell) * sigmoid(o)
        if self._skip_connection:
            output = array_ops.concat([output, inputs], axis=-1)
        return output, LSTMStateTuple(new_cell, output)


@tf_export("contrib.rnn.Conv1DLSTMCell")
class Conv1DLSTMCell(ConvLSTMCell):
    """ConvLSTMCell over lines."""

    def __init__(self, name="conv_1d_lstm_cell", **kwargs):
        super().__init__(conv_ndims=1, name=name, **kwargs)


@tf_export("contrib.rnn.Conv2DLSTMCell")
class Conv2DLSTMCell(ConvLSTMCell):
    """ConvLSTMCell over images."""

    def __init__(self, name="conv_2d_lstm_cell", **kwargs):
        super().__init__(conv_ndims=2, name=name, **kwargs)


@tf_export("contrib.rnn.Conv3DLSTMCell")
class Conv3DLSTMCell(ConvLSTMCell):
    """ConvLSTMCell over volumes."""

    def __init__(self, name="conv_3d_lstm_cell", **kwargs):
        super().__init__(conv_ndims=3, name=name, **kwargs)
