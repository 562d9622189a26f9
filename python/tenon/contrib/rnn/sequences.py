"""Networks over whole sequences: fused cells, and stacks that read both ways."""

from tenon.python.ops import array_ops, rnn, rnn_static
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

TF_EXPORTS = {
    "contrib.rnn.transpose_batch_time": "transpose_batch_time",
    "contrib.rnn.best_effort_input_batch_size": "best_effort_input_batch_size",
    "contrib.rnn.LayerRNNCell": "LayerRNNCell",
}
transpose_batch_time = rnn._transpose_batch_time
best_effort_input_batch_size = rnn._best_effort_input_batch_size
LayerRNNCell = rnn.rnn_cell_impl.LayerRNNCell


@tf_export("contrib.rnn.FusedRNNCell")
class FusedRNNCell:
    """The base of cells that take a whole sequence [time, batch, n], or a list of its steps, at once."""

    def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
        raise NotImplementedError("Abstract method")


@tf_export("contrib.rnn.FusedRNNCellAdaptor")
class FusedRNNCellAdaptor(FusedRNNCell):
    """Any cell as a fused one."""

    def __init__(self, cell, use_dynamic_rnn=False):
        self._cell, self._use_dynamic_rnn = cell, use_dynamic_rnn

    def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
        as_list = isinstance(inputs, list)
        if as_list == self._use_dynamic_rnn:
            inputs = array_ops.stack(inputs) if as_list else array_ops.unstack(inputs)
        options = {"sequence_length": sequence_length, "initial_state": initial_state, "dtype": dtype, "scope": scope}
        if self._use_dynamic_rnn:
            outputs, state = rnn.dynamic_rnn(self._cell, inputs, time_major=True, **options)
        else:
            outputs, state = rnn_static.static_rnn(self._cell, inputs, **options)
        if as_list == self._use_dynamic_rnn:
            outputs = array_ops.unstack(outputs) if as_list else array_ops.stack(outputs)
        return outputs, state


@tf_export("contrib.rnn.TimeReversedFusedRNN")
class TimeReversedFusedRNN(FusedRNNCell):
    """A fused cell that reads its input from the end."""

    def __init__(self, cell):
        self._cell = cell

    @staticmethod
    def _reverse(value, lengths):
        if isinstance(value, list):
            return value[::-1]
        if lengths is None:
            return array_ops.reverse_v2(value, [0])
        return array_ops.reverse_sequence(value, lengths, 0, 1)

    def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
        outputs, state = self._cell(
            self._reverse(inputs, sequence_length), initial_state=initial_state, dtype=dtype,
            sequence_length=sequence_length, scope=scope,
        )  # fmt: skip
        return self._reverse(outputs, sequence_length), state


def _checked(cells_fw, cells_bw, states_fw, states_bw):
    """Pairs of cells and of initial states, a layer each."""
    for name, kind, cells in (("cells_fw", "fw", cells_fw), ("cells_bw", "bw", cells_bw)):
        if not cells:
            raise ValueError(f"Must specify at least one {kind} cell for BidirectionalRNN.")
        if not isinstance(cells, list):
            raise ValueError(f"{name} must be a list of RNNCells (one per layer).")
    if len(cells_fw) != len(cells_bw):
        raise ValueError("Forward and Backward cells must have the same depth.")
    for name, states in (("initial_states_fw", states_fw), ("initial_states_bw", states_bw)):
        if states is not None and (not isinstance(states, list) or len(states) != len(cells_fw)):
            raise ValueError(f"{name} must be a list of state tensors (one per layer).")
    none = [None] * len(cells_fw)
    return list(zip(cells_fw, cells_bw, states_fw or none, states_bw or none))


@tf_export("contrib.rnn.stack_bidirectional_rnn")
def stack_bidirectional_rnn(cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None, dtype=None,
                            sequence_length=None, scope=None):  # fmt: skip
    """Layers that each read a list of steps both ways: (outputs, states forward, states backward)."""
    layers = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw = [], []
    with vs.variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (cell_fw, cell_bw, state_fw, state_bw) in enumerate(layers):
            with vs.variable_scope(f"cell_{i}") as here:
                inputs, state_fw, state_bw = rnn_static.static_bidirectional_rnn(
                    cell_fw, cell_bw, inputs, initial_state_fw=state_fw, initial_state_bw=state_bw,
                    sequence_length=sequence_length, dtype=dtype, scope=here,
                )  # fmt: skip
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return inputs, tuple(states_fw), tuple(states_bw)


@tf_export("contrib.rnn.stack_bidirectional_dynamic_rnn")
def stack_bidirectional_dynamic_rnn(cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None,
                                    dtype=None, sequence_length=None, parallel_iterations=None, time_major=False,
                                    scope=None, swap_memory=False):  # fmt: skip
    """Layers that each read a sequence both ways, in loops: (outputs, states forward, states backward)."""
    layers = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states_fw, states_bw = [], []
    with vs.variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (cell_fw, cell_bw, state_fw, state_bw) in enumerate(layers):
            with vs.variable_scope(f"cell_{i}"):
                outputs, (state_fw, state_bw) = rnn.bidirectional_dynamic_rnn(
                    cell_fw, cell_bw, inputs, initial_state_fw=state_fw, initial_state_bw=state_bw,
                    sequence_length=sequence_length, parallel_iterations=parallel_iterations, dtype=dtype,
                    swap_memory=swap_memory, time_major=time_major,
                )  # fmt: skip
                inputs = array_ops.concat(outputs, 2)
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return inputs, tuple(states_fw), tuple(states_bw)
