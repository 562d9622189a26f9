"""Cells around cells: attention to the outputs before, highways, compilation."""

from tenon.contrib.rnn.cells import last_size, linear, sigmoid, tanh
from tenon.python.framework import ops
from tenon.python.ops import array_ops, init_ops, math_ops, nn_ops, rnn_cell_impl
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.rnn.AttentionCellWrapper")
class AttentionCellWrapper(rnn_cell_impl.RNNCell):
    """CELL with attention to its last ATTN_LENGTH outputs (Bahdanau et al., 2014, arXiv 1409.0473)."""

    def __init__(self, cell, attn_length, attn_size=None, attn_vec_size=None, input_size=None, state_is_tuple=True,
                 reuse=None):  # fmt: skip
        super().__init__(_reuse=reuse)
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        if nest.is_sequence(cell.state_size) and not state_is_tuple:
            raise ValueError(
                "Cell returns tuple of states, but the flag state_is_tuple is not set. "
                f"State size is: {cell.state_size}"
            )
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        self._cell, self._attn_length, self._state_is_tuple = cell, attn_length, state_is_tuple
        self._attn_size = cell.output_size if attn_size is None else attn_size
        self._attn_vec_size = self._attn_size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size

    @property
    def state_size(self):
        """The cell's, that of what was attended to, and that of the outputs before."""
        sizes = (self._cell.state_size, self._attn_size, self._attn_size * self._attn_length)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self):
        """How large the output is."""
        return self._attn_size

    def call(self, inputs, state):
        if not self._state_is_tuple:
            sizes = [self._cell.state_size, self._attn_size, self._attn_size * self._attn_length]
            state = array_ops.split(state, sizes, axis=1)
        cell_state, attended, before = state
        before = array_ops.reshape(before, [-1, self._attn_length, self._attn_size])
        size = self._input_size
        if size is None:
            size = inputs.get_shape().as_list()[1]
        output, cell_state = self._cell(linear(self, "inputs", [inputs, attended], size), cell_state)
        query = array_ops.concat(nest.flatten(cell_state), 1) if self._state_is_tuple else cell_state
        attended, before = self._attention(query, before)
        with vs.variable_scope("attn_output_projection"):
            output = linear(self, "output", [output, attended], self._attn_size)
        before = array_ops.concat([before, array_ops.expand_dims(output, 1)], 1)
        before = array_ops.reshape(before, [-1, self._attn_length * self._attn_size])
        new_state = (cell_state, attended, before)
        return output, new_state if self._state_is_tuple else array_ops.concat(list(new_state), 1)

    def _attention(self, query, before):
        """(the mean of the outputs BEFORE, weighed by QUERY; those outputs without the oldest)."""
        size, width = self._attn_size, self._attn_vec_size
        with vs.variable_scope("attention"):
            k = vs.get_variable("attn_w", [1, 1, size, width])
            v = vs.get_variable("attn_v", [width])
            hidden = array_ops.reshape(before, [-1, self._attn_length, 1, size])
            features = nn_ops.conv2d(hidden, k, [1, 1, 1, 1], "SAME")
            y = array_ops.reshape(linear(self, "attention", query, width), [-1, 1, 1, width])
            weights = nn_ops.softmax(math_ops.reduce_sum(v * tanh(features + y), [2, 3]))
            weights = array_ops.reshape(weights, [-1, self._attn_length, 1, 1])
            attended = array_ops.reshape(math_ops.reduce_sum(weights * hidden, [1, 2]), [-1, size])
            return attended, array_ops.slice(before, [0, 1, 0], [-1, -1, -1])


class _Around(rnn_cell_impl.RNNCell):
    """A cell with the sizes and states of another."""

    @property
    def state_size(self):
        """The state size of the cell within."""
        return self._cell.state_size

    @property
    def output_size(self):
        """The output size of the cell within."""
        return self._cell.output_size

    def zero_state(self, batch_size, dtype):
        """The zero state of the cell within."""
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)


@tf_export("contrib.rnn.HighwayWrapper")
class HighwayWrapper(_Around):
    """CELL beside a way that carries the input on, with gates (Srivastava et al., 2015, arXiv 1505.00387)."""

    def __init__(self, cell, couple_carry_transform_gates=True, carry_bias_init=1.0):
        super().__init__()
        self._cell = cell
        self._couple_carry_transform_gates, self._carry_bias_init = couple_carry_transform_gates, carry_bias_init

    @staticmethod
    def _gate(name, inputs, start):
        size = last_size(inputs.get_shape())
        weights = vs.get_variable(f"{name}_w", [size, size])
        bias = vs.get_variable(f"{name}_b", [size], initializer=init_ops.constant_initializer(start))
        return sigmoid(nn_ops.xw_plus_b(inputs, weights, bias))

    def _highway(self, inputs, output):
        inputs.get_shape().assert_is_compatible_with(output.get_shape())
        carry = self._gate("carry", inputs, self._carry_bias_init)
        coupled = self._couple_carry_transform_gates
        transform = 1 - carry if coupled else self._gate("transform", inputs, -self._carry_bias_init)
        return inputs * carry + output * transform

    def __call__(self, inputs, state, scope=None):
        outputs, new_state = self._cell(inputs, state, scope=scope)
        nest.assert_same_structure(inputs, outputs)
        return nest.map_structure(self._highway, inputs, outputs), new_state


@tf_export("contrib.rnn.CompiledWrapper")
class CompiledWrapper(_Around):
    """CELL as it is: every graph is compiled here, so there is nothing to ask for."""

    def __init__(self, cell, compile_stateful=False):
        super().__init__()
        self._cell, self._compile_stateful = cell, compile_stateful

    def __call__(self, inputs, state, scope=None):
        return self._cell(inputs, state, scope=scope)
