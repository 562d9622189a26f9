"""Cells with gates of their own kinds: update gates, intersections, found by search, phased in time, simple units."""

from tenon.contrib.rnn.cells import (
    Cell,
    LayerCell,
    last_size,
    linear,
    lstm_sizes,
    mix,
    sigmoid,
    split,
    tanh,
    two_dimensional,
    unit_sizes,
)  # fmt: skip
from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, init_ops, math_ops, nn_ops, random_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.ops.rnn_cell_impl import LSTMStateTuple
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.rnn.UGRNNCell")
class UGRNNCell(Cell):
    """One gate that keeps or replaces the state (Collins et al., 2017, arXiv 1611.09913)."""

    def __init__(self, num_units, initializer=None, forget_bias=1.0, activation=math_ops.tanh, reuse=None):
        super().__init__(_reuse=reuse)
        self._num_units, self._initializer = num_units, initializer
        self._forget_bias, self._activation = forget_bias, activation
        unit_sizes(self, num_units)

    def call(self, inputs, state):
        last_size(inputs.get_shape())
        with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
            joined = array_ops.concat([inputs, state], 1)
            gate, candidate = split(linear(self, "gates", joined, 2 * self._num_units), 2)
        new_state = mix(sigmoid(gate + self._forget_bias), state, self._activation(candidate))
        return new_state, new_state


@tf_export("contrib.rnn.IntersectionRNNCell")
class IntersectionRNNCell(Cell):
    """Gates both in depth and in time, so that layers can be stacked (Collins et al., 2017, arXiv 1611.09913)."""

    def __init__(self, num_units, num_in_proj=None, initializer=None, forget_bias=1.0, y_activation=nn_ops.relu,
                 reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._num_input_proj, self._initializer = num_units, num_in_proj, initializer
        self._forget_bias, self._y_activation = forget_bias, y_activation
        unit_sizes(self, num_units)

    def call(self, inputs, state):
        with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
            if last_size(inputs.get_shape()) != self._num_units:
                if not self._num_input_proj:
                    raise ValueError(
                        "Must have input size == output size for Intersection RNN. To fix, num_in_proj should be set "
                        "to num_units at cell init."
                    )
                with vs.variable_scope("in_projection"):
                    inputs = linear(self, "inputs", inputs, self._num_units)
            joined = array_ops.concat([inputs, state], 1)
            gate_h, h, gate_y, y = split(linear(self, "gates", joined, 4 * self._num_units), 4)
        new_state = mix(sigmoid(gate_h + self._forget_bias), state, tanh(h))
        output = mix(sigmoid(gate_y + self._forget_bias), inputs, self._y_activation(y))
        return output, new_state


@tf_export("contrib.rnn.NASCell")
class NASCell(LayerCell):
    """The cell that a search over architectures found (Zoph, Le, 2017, arXiv 1611.01578)."""

    def __init__(self, num_units, num_proj=None, use_bias=False, reuse=None, **kwargs):
        super().__init__(_reuse=reuse, **kwargs)
        self._num_units, self._num_proj, self._use_bias = num_units, num_proj, use_bias
        lstm_sizes(self, num_units, num_proj)

    def build(self, inputs_shape):
        width = 8 * self._num_units
        self.recurrent_kernel = self.add_variable("recurrent_kernel", [self._output_size, width])
        self.kernel = self.add_variable("kernel", [last_size(inputs_shape), width])
        if self._use_bias:
            self.bias = self.add_variable("bias", shape=[width], initializer=init_ops.zeros_initializer)
        if self._num_proj is not None:
            self.projection_weights = self.add_variable("projection_weights", [self._num_units, self._num_proj])
        self.built = True

    def call(self, inputs, state):
        c, m = state
        recurrent = math_ops.matmul(m, self.recurrent_kernel)
        if self._use_bias:
            recurrent = nn_ops.bias_add(recurrent, self.bias)
        x, r = split(math_ops.matmul(inputs, self.kernel), 8), split(recurrent, 8)
        relu = nn_ops.relu
        first = tanh(tanh(sigmoid(x[0] + r[0]) * relu(x[1] + r[1])) + c)
        second = tanh(sigmoid(x[2] + r[2]) + relu(x[3] * r[3]))
        third = tanh(tanh(x[4] + r[4]) * sigmoid(x[5] + r[5]))
        fourth = sigmoid(tanh(x[6] + r[6]) + sigmoid(x[7] + r[7]))
        new_c = first * second
        new_m = tanh(new_c * tanh(third + fourth))
        if self._num_proj is not None:
            new_m = math_ops.matmul(new_m, self.projection_weights)
        return new_m, LSTMStateTuple(new_c, new_m)


def _log_uniform(low, high):
    """An initializer: numbers from LOW to HIGH whose logarithms are uniform."""

    def initializer(shape, dtype=dtypes.float32, partition_info=None):
        return math_ops.exp(random_ops.random_uniform(shape, math_ops.log(low), math_ops.log(high), dtype))

    return initializer


@tf_export("contrib.rnn.PhasedLSTMCell")
class PhasedLSTMCell(Cell):
    """An LSTM whose units are open for part of a period each (Neil et al., 2016, arXiv 1610.09513).

    Inputs are pairs (time [batch, 1], features [batch, n]).
    """

    def __init__(self, num_units, use_peepholes=False, leak=0.001, ratio_on=0.1, trainable_ratio_on=True,
                 period_init_min=1.0, period_init_max=1000.0, reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._leak = num_units, use_peepholes, leak
        self._ratio_on, self._trainable_ratio_on = ratio_on, trainable_ratio_on
        self._period_init_min, self._period_init_max = period_init_min, period_init_max
        lstm_sizes(self, num_units)

    def _openness(self, time):
        """How far each unit is open: rising, falling, then a leak."""
        units = [self._num_units]
        start = _log_uniform(self._period_init_min, self._period_init_max)
        period = vs.get_variable("period", units, initializer=start)
        phase = vs.get_variable(
            "phase", units, initializer=init_ops.random_uniform_initializer(0.0, period.initial_value)
        )
        ratio_on = vs.get_variable("ratio_on", units, initializer=init_ops.constant_initializer(self._ratio_on),
                                   trainable=self._trainable_ratio_on)  # fmt: skip
        period = math_ops.cast(period, time.dtype)
        shifted = time - math_ops.cast(phase, time.dtype)
        # The gradient flows as if there were no modulus.
        within = array_ops.stop_gradient(math_ops.mod(shifted, period) - shifted) + shifted
        cycle = math_ops.cast(within / period, dtypes.float32)
        rising = 2 * cycle / ratio_on
        k = array_ops.where(cycle < ratio_on, 2 - rising, self._leak * cycle)
        return array_ops.where(cycle < 0.5 * ratio_on, rising, k)

    def call(self, inputs, state):
        c, h = state
        time, x = inputs
        with vs.variable_scope("mask_gates"):
            seen = [x, h, c] if self._use_peepholes else [x, h]
            input_gate, forget_gate = split(sigmoid(linear(self, "mask", seen, 2 * self._num_units)), 2)
        with vs.variable_scope("new_input"):
            new_input = tanh(linear(self, "new", [x, h], self._num_units))
        new_c = c * forget_gate + input_gate * new_input
        with vs.variable_scope("output_gate"):
            seen = [x, h, new_c] if self._use_peepholes else [x, h]
            output_gate = sigmoid(linear(self, "output", seen, self._num_units))
        new_h = tanh(new_c) * output_gate
        k = self._openness(time)
        new_c, new_h = mix(k, new_c, c), mix(k, new_h, h)
        return new_h, LSTMStateTuple(new_c, new_h)


@tf_export("contrib.rnn.SRUCell")
class SRUCell(LayerCell):
    """The simple recurrent unit: all products with the input alone (Lei et al., 2017, arXiv 1709.02755)."""

    def __init__(self, num_units, activation=None, reuse=None, name=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, **kwargs)
        self._num_units, self._activation = num_units, activation or math_ops.tanh
        self.input_spec = two_dimensional()
        unit_sizes(self, num_units)

    def build(self, inputs_shape):
        self._kernel = self.add_variable("kernel", shape=[last_size(inputs_shape), 4 * self._num_units])
        self._bias = self.add_variable("bias", shape=[2 * self._num_units], initializer=init_ops.zeros_initializer)
        self.built = True

    def call(self, inputs, state):
        x, forget, reset, passed = split(math_ops.matmul(inputs, self._kernel), 4)
        gates = sigmoid(nn_ops.bias_add(array_ops.concat([forget, reset], 1), self._bias))
        forget, reset = split(gates, 2)
        c = mix(forget, state, x)
        return mix(reset, self._activation(c), passed), c
