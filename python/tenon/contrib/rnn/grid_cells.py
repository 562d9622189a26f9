"""LSTMs along time and frequency (Li et al., 2015; Sainath, Li, 2016)."""

import collections

from tenon.contrib.rnn.cells import Cell, last_size, peephole, sharded, sigmoid, split, tanh
from tenon.python.framework import tensor_shape
from tenon.python.ops import array_ops, clip_ops, init_ops, math_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


def _clipped(value, clip):
    return value if clip is None else clip_ops.clip_by_value(value, -clip, clip)


def _windows(inputs, start, count, size, skip):
    """COUNT slices of SIZE columns of INPUTS, SKIP apart."""
    return [array_ops.slice(inputs, [0, start + i * skip], [-1, size]) for i in range(count)]


def _rows(inputs):
    return tensor_shape.dimension_value(inputs.shape[0]) or array_ops.shape(inputs)[0]


@tf_export("contrib.rnn.TimeFreqLSTMCell")
class TimeFreqLSTMCell(Cell):
    """An LSTM that walks over the windows of its input's frequencies, with a state for each."""

    def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_unit_shards=1,
                 forget_bias=1.0, feature_size=None, frequency_skip=1, reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._initializer, self._num_unit_shards, self._forget_bias = initializer, num_unit_shards, forget_bias
        self._feature_size, self._frequency_skip = feature_size, frequency_skip
        self._state_size, self._output_size = 2 * num_units, num_units

    def call(self, inputs, state):
        units, size = self._num_units, self._feature_size
        count = (last_size(inputs.get_shape()) - size) // self._frequency_skip + 1
        kernel = sharded("W", [size + 2 * units, 4 * units], inputs.dtype, self._num_unit_shards)
        bias = vs.get_variable("B", shape=[4 * units], initializer=init_ops.zeros_initializer(), dtype=inputs.dtype)
        outputs, states = [], []
        m_freq = array_ops.zeros([_rows(inputs), units], inputs.dtype)
        for at, window in enumerate(_windows(inputs, 0, count, size, self._frequency_skip)):
            c = array_ops.slice(state, [0, 2 * at * units], [-1, units])
            m = array_ops.slice(state, [0, (2 * at + 1) * units], [-1, units])
            joined = array_ops.concat([window, m, m_freq], 1)
            with vs.variable_scope(vs.get_variable_scope(), reuse=True if at else None):
                c, m = self._step(nn_ops.bias_add(math_ops.matmul(joined, kernel), bias), c)
            m_freq = m
            outputs.append(m)
            states += [c, m]
        return array_ops.concat(outputs, 1), array_ops.concat(states, 1)

    def _step(self, gates, c):
        i, j, f, o = split(gates, 4)
        f = f + self._forget_bias
        if self._use_peepholes:
            f, i = peephole(f, c, "W_F_diag"), peephole(i, c, "W_I_diag")
        c = _clipped(sigmoid(f) * c + sigmoid(i) * tanh(j), self._cell_clip)
        return c, sigmoid(peephole(o, c, "W_O_diag") if self._use_peepholes else o) * tanh(c)


class _Lane:
    """The gates of one direction, `freq` or `time`, of a block of GridLSTMCell."""

    def __init__(self, cell, block, direction, width, dtype):
        self.cell, self.block, self.direction = cell, block, direction
        gates = (3 if cell._couple_input_forget_gates else 4) * cell._num_units
        letter = direction[0]
        self.kernel = sharded(f"W_{letter}_{block}", [width + 2 * cell._num_units, gates], dtype,
                              cell._num_unit_shards)  # fmt: skip
        self.bias = vs.get_variable(f"B_{letter}_{block}", shape=[gates], initializer=init_ops.zeros_initializer(),
                                    dtype=dtype)  # fmt: skip

    def peep(self, gate, letter, c_freq, c_time):
        if not self.cell._use_peepholes:
            return gate
        names = [f"W_{letter}_diag_{self.direction}{end}_{self.block}" for end in "ft"]
        return peephole(gate, [c_freq, c_time], *names)

    def gates(self, joined):
        """i, j, f, o; f is None where it is coupled to i."""
        made = nn_ops.bias_add(math_ops.matmul(joined, self.kernel), self.bias)
        if self.cell._couple_input_forget_gates:
            i, j, o = split(made, 3)
            return i, j, None, o
        return split(made, 4)

    def memory(self, gates, c, c_freq, c_time):
        """The new memory from the old one, C."""
        i, j, f, _ = gates
        take = sigmoid(self.peep(i, "I", c_freq, c_time))
        keep = 1.0 - take if f is None else sigmoid(self.peep(f + self.cell._forget_bias, "F", c_freq, c_time))
        return _clipped(keep * c + take * tanh(j), self.cell._cell_clip)


def _state_type(name, prefixes, blocks):
    places = [(freq, block) for block, n in enumerate(blocks) for freq in range(n)]
    fields = [f"{prefix}_f{f:02d}_b{b:02d}_{part}" for prefix in prefixes for f, b in places for part in "cm"]
    return collections.namedtuple(name, fields)


@tf_export("contrib.rnn.GridLSTMCell")
class GridLSTMCell(Cell):
    """An LSTM with gates of their own along frequency and along time, in blocks of frequencies."""

    def __init__(self, num_units, use_peepholes=False, share_time_frequency_weights=False, cell_clip=None,
                 initializer=None, num_unit_shards=1, forget_bias=1.0, feature_size=None, frequency_skip=None,
                 num_frequency_blocks=None, start_freqindex_list=None, end_freqindex_list=None,
                 couple_input_forget_gates=False, state_is_tuple=True, reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        if num_frequency_blocks is None:
            raise ValueError("Must specify num_frequency_blocks")
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._share_time_frequency_weights = share_time_frequency_weights
        self._couple_input_forget_gates = couple_input_forget_gates
        self._initializer, self._num_unit_shards, self._forget_bias = initializer, num_unit_shards, forget_bias
        self._feature_size, self._frequency_skip = feature_size, frequency_skip
        self._start_freqindex_list, self._end_freqindex_list = start_freqindex_list, end_freqindex_list
        self._num_frequency_blocks = [int(n) for n in num_frequency_blocks]
        self._state_is_tuple, self._state_tuple_type = state_is_tuple, None
        parts = 2 * sum(self._num_frequency_blocks)
        self._state_size = self._output_size = num_units * parts
        if state_is_tuple:
            self._state_tuple_type = _state_type("GridLSTMStateTuple", ["state"], self._num_frequency_blocks)
            self._state_size = self._state_tuple_type(*[num_units] * parts)

    @property
    def state_tuple_type(self):
        """The named tuple of the states, None where they are one tensor."""
        return self._state_tuple_type

    def _spans(self, width):
        """(start, end) of each block's frequencies."""
        if not self._start_freqindex_list:
            if len(self._num_frequency_blocks) != 1:
                raise ValueError(
                    f"Length of num_frequency_blocks is not 1, but instead is {len(self._num_frequency_blocks)}"
                )
            return [(0, width)]
        starts, ends = self._start_freqindex_list, self._end_freqindex_list
        if len(starts) != len(ends):
            raise ValueError(f"Length of start and end freqindex_list does not match {len(starts)} {len(ends)}")
        if len(self._num_frequency_blocks) != len(starts):
            raise ValueError(
                "Length of num_frequency_blocks is not equal to start_freqindex_list "
                f"{len(self._num_frequency_blocks)} {len(starts)}"
            )
        return list(zip(starts, ends))

    def _features(self, inputs, offset=0):
        """The windows of each block, moved by OFFSET frequencies; what lies outside is zero."""
        spans = self._spans(last_size(inputs.get_shape()))
        if offset:
            inputs = array_ops.pad(inputs, [[0, 0], [0, offset] if offset > 0 else [-offset, 0]])
        made = []
        for wanted, (start, end) in zip(self._num_frequency_blocks, spans):
            count = int((end - start - self._feature_size) / self._frequency_skip) + 1
            if count != wanted:
                raise ValueError(
                    f"Invalid num_frequency_blocks, requires {wanted} but gets {count}, please check the input size "
                    "and filter config are correct."
                )
            made.append(_windows(inputs, start + max(offset, 0), count, self._feature_size, self._frequency_skip))
        return made

    def call(self, inputs, state):
        outputs, states = self._all_blocks(self._features(inputs), state, _rows(inputs), "state")
        made = self._state_tuple_type(*states) if self._state_is_tuple else array_ops.concat(states, 1)
        return array_ops.concat(outputs, 1), made

    def _all_blocks(self, features, state, rows, prefix):
        outputs, states = [], []
        for block, windows in enumerate(features):
            self._block(block, windows, state, rows, prefix, outputs, states)
        return outputs, states

    def _previous(self, state, prefix, block, freq):
        if self._state_is_tuple:
            name = f"{prefix}_f{freq:02d}_b{block:02d}"
            return getattr(state, name + "_c"), getattr(state, name + "_m")
        units = self._num_units
        return [array_ops.slice(state, [0, (2 * freq + part) * units], [-1, units]) for part in range(2)]

    def _block(self, block, windows, state, rows, prefix, outputs, states):
        dtype, width = windows[0].dtype, windows[0].get_shape().as_list()[1]
        freq = _Lane(self, block, "freq", width, dtype)
        time = freq if self._share_time_frequency_weights else _Lane(self, block, "time", width, dtype)
        m_freq = c_freq = array_ops.zeros([rows, self._num_units], dtype)
        for at, window in enumerate(windows):
            c_time, m_time = self._previous(state, prefix, block, at)
            joined = array_ops.concat([window, m_time, m_freq], 1)
            with vs.variable_scope(vs.get_variable_scope(), reuse=True if at else None):
                m_freq, m_time, c_freq, c_time = self._step(freq, time, joined, c_freq, c_time)
            outputs += [m_time, m_freq]
            states += [c_time, m_time]

    def _step(self, freq, time, joined, c_freq, c_time):
        gates_f = freq.gates(joined)
        gates_t = gates_f if time is freq else time.gates(joined)
        with vs.variable_scope(vs.get_variable_scope()) as here:
            new_freq = freq.memory(gates_f, c_freq, c_freq, c_time)
            if time is freq:
                here.reuse_variables()
            new_time = time.memory(gates_t, c_time, c_freq, c_time)
        with vs.variable_scope(vs.get_variable_scope()) as here:
            m_freq = sigmoid(freq.peep(gates_f[3], "O", new_freq, new_time)) * tanh(new_freq)
            if time is freq:
                here.reuse_variables()
            m_time = sigmoid(time.peep(gates_t[3], "O", new_freq, new_time)) * tanh(new_time)
        return m_freq, m_time, new_freq, new_time


@tf_export("contrib.rnn.BidirectionalGridLSTMCell")
class BidirectionalGridLSTMCell(GridLSTMCell):
    """GridLSTMCell up and down the frequencies; variables in `fwd` and `bwd`."""

    def __init__(self, num_units, use_peepholes=False, share_time_frequency_weights=False, cell_clip=None,
                 initializer=None, num_unit_shards=1, forget_bias=1.0, feature_size=None, frequency_skip=None,
                 num_frequency_blocks=None, start_freqindex_list=None, end_freqindex_list=None,
                 couple_input_forget_gates=False, backward_slice_offset=0, reuse=None):  # fmt: skip
        super().__init__(
            num_units, use_peepholes, share_time_frequency_weights, cell_clip, initializer, num_unit_shards,
            forget_bias, feature_size, frequency_skip, num_frequency_blocks, start_freqindex_list, end_freqindex_list,
            couple_input_forget_gates, True, reuse,
        )  # fmt: skip
        self._backward_slice_offset = int(backward_slice_offset)
        self._state_tuple_type = _state_type("BidirectionalGridLSTMStateTuple", ["fwd_state", "bwd_state"],
                                             self._num_frequency_blocks)  # fmt: skip
        parts = 4 * sum(self._num_frequency_blocks)
        self._state_size = self._state_tuple_type(*[num_units] * parts)
        self._output_size = num_units * parts

    def call(self, inputs, state):
        rows, outputs, states = _rows(inputs), [], []
        forward = self._features(inputs)
        backward = self._features(inputs, self._backward_slice_offset) if self._backward_slice_offset else forward
        for name, features in (("fwd", forward), ("bwd", [windows[::-1] for windows in backward])):
            with vs.variable_scope(name):
                more = self._all_blocks(features, state, rows, f"{name}_state")
            outputs += more[0]
            states += more[1]
        return array_ops.concat(outputs, 1), self._state_tuple_type(*states)
