"""Cells that are one op a step, or one a sequence."""

from tenon.contrib.rnn.cells import LayerCell, last_size, lstm_sizes, two_dimensional, unit_sizes
from tenon.python.framework import dtypes, ops
from tenon.python.layers import base as base_layer
from tenon.python.ops import array_ops, gen_ops, init_ops, math_ops, rnn_cell_impl
from tenon.python.util.tf_export import tf_export


def _make_lstm_variables(layer, depth):
    """The kernel, bias and peepholes of LAYER for inputs of DEPTH."""
    units = layer._num_units
    layer._kernel = layer.add_variable("kernel", [depth + units, 4 * units])
    layer._bias = layer.add_variable("bias", [4 * units], initializer=init_ops.constant_initializer(0.0))
    layer._diagonals = None
    if layer._use_peephole:
        layer._diagonals = [layer.add_variable(f"w_{gate}_diag", [units]) for gate in "ifo"]
    layer.built = True


def _block_arguments(layer, inputs, c, h):
    """What LSTMBlockCell and BlockLSTM take, with LAYER's variables."""
    peepholes = layer._diagonals or [array_ops.zeros([layer._num_units], inputs.dtype)] * 3
    names = ("x", "cs_prev", "h_prev", "w", "wci", "wcf", "wco", "b")
    tensors = dict(zip(names, (inputs, c, h, layer._kernel, *peepholes, layer._bias)))
    return {**tensors, "forget_bias": layer._forget_bias, "cell_clip": layer._cell_clip,
            "use_peephole": layer._use_peephole}  # fmt: skip


@tf_export("contrib.rnn.LSTMBlockCell")
class LSTMBlockCell(LayerCell):
    """LSTMCell without projection; its variables have the same names."""

    def __init__(self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, dtype=None, reuse=None,
                 name="lstm_cell"):  # fmt: skip
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units, self._forget_bias, self._use_peephole = num_units, forget_bias, use_peephole
        self._cell_clip = cell_clip if cell_clip is not None else -1
        self.input_spec = two_dimensional()
        lstm_sizes(self, num_units)

    def build(self, inputs_shape):
        _make_lstm_variables(self, last_size(inputs_shape))

    def call(self, inputs, state):
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        step = gen_ops.lstm_block_cell(**_block_arguments(self, inputs, *state))
        return step.h, rnn_cell_impl.LSTMStateTuple(step.cs, step.h)


@tf_export("contrib.rnn.LSTMBlockWrapper")
class LSTMBlockWrapper(base_layer.Layer):
    """The base of LSTMs that take a whole sequence [time, batch, n] at once, or a list of its steps."""

    @property
    def num_units(self):
        """How large output and state are."""
        raise NotImplementedError("Abstract property")

    def __call__(self, inputs, *args, **kwargs):
        if not isinstance(inputs, list):
            return super().__call__(inputs, *args, **kwargs)
        outputs, state = super().__call__(array_ops.stack(inputs), *args, **kwargs)
        return array_ops.unstack(outputs), state

    def call(self, inputs, initial_state=None, dtype=None, sequence_length=None):
        shape = inputs.get_shape().with_rank(3)
        if shape.dims[2].value is None:
            raise ValueError(f"Expecting inputs_shape[2] to be set: {shape}")
        if initial_state is None:
            if dtype is None:
                raise ValueError("Either initial_state or dtype needs to be specified")
            rows = shape.dims[1].value or array_ops.shape(inputs)[1]
            zeros = array_ops.zeros(array_ops.stack([rows, self.num_units]), dtype=dtype)
            initial_state = (zeros, zeros)
        elif len(initial_state) != 2:
            raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
        if sequence_length is not None:
            sequence_length = ops.convert_to_tensor(sequence_length)
        states, outputs = self._call_cell(inputs, *initial_state, dtype or inputs.dtype, sequence_length)
        if sequence_length is None:
            return outputs, rnn_cell_impl.LSTMStateTuple(states[-1], outputs[-1])
        time, rows = shape.dims[0].value or array_ops.shape(inputs)[0], array_ops.shape(inputs)[1]
        mask = array_ops.transpose(array_ops.sequence_mask(sequence_length, time, dtype=outputs.dtype))
        outputs *= array_ops.expand_dims(mask, -1)
        # Where a sequence is empty its last state is the initial one.
        at = array_ops.stack([sequence_length, math_ops.range(rows, dtype=sequence_length.dtype)], axis=1)
        last = [array_ops.gather_nd(array_ops.concat([array_ops.expand_dims(first, 0), all_steps], 0), at)
                for first, all_steps in zip(initial_state, (states, outputs))]  # fmt: skip
        return outputs, rnn_cell_impl.LSTMStateTuple(*last)

    def _call_cell(self, inputs, initial_cell_state, initial_output, dtype, sequence_length):
        """(cell states, outputs) of all steps, [time, batch, units] each."""
        raise NotImplementedError("Abstract method")


@tf_export("contrib.rnn.LSTMBlockFusedCell")
class LSTMBlockFusedCell(LSTMBlockWrapper):
    """LSTMBlockCell over a whole sequence."""

    def __init__(self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, reuse=None, dtype=None,
                 name="lstm_fused_cell"):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias, self._use_peephole = num_units, forget_bias, use_peephole
        self._cell_clip = cell_clip if cell_clip is not None else -1
        self.input_spec = base_layer.InputSpec(ndim=3)

    @property
    def num_units(self):
        """How large output and state are."""
        return self._num_units

    def build(self, input_shape):
        _make_lstm_variables(self, input_shape.dims[2].value)

    def _call_cell(self, inputs, initial_cell_state=None, initial_output=None, dtype=None, sequence_length=None):
        steps = array_ops.shape(inputs)[0] if sequence_length is None else math_ops.reduce_max(sequence_length)
        made = gen_ops.block_lstm(
            seq_len_max=math_ops.cast(steps, dtypes.int64),
            **_block_arguments(self, inputs, initial_cell_state, initial_output),
        )
        return made.cs, made.h


@tf_export("contrib.rnn.GRUBlockCell")
class GRUBlockCell(LayerCell):
    """GRUCell with tanh; variables `w_ru`, `b_ru`, `w_c`, `b_c`."""

    _NAMES = ("w_ru", "b_ru", "w_c", "b_c")

    def __init__(self, num_units=None, cell_size=None, reuse=None, name="gru_cell"):
        super().__init__(_reuse=reuse, name=name)
        if (cell_size is None) == (num_units is None):
            raise ValueError("Exactly one of num_units or cell_size must be provided.")
        self._cell_size = cell_size if num_units is None else num_units
        self.input_spec = two_dimensional()
        unit_sizes(self, self._cell_size)

    def build(self, input_shape):
        units, depth = self._cell_size, last_size(input_shape)
        ones, zeros = init_ops.constant_initializer(1.0), init_ops.constant_initializer(0.0)
        self._gate_kernel = self.add_variable(self._NAMES[0], [depth + units, 2 * units])
        self._gate_bias = self.add_variable(self._NAMES[1], [2 * units], initializer=ones)
        self._candidate_kernel = self.add_variable(self._NAMES[2], [depth + units, units])
        self._candidate_bias = self.add_variable(self._NAMES[3], [units], initializer=zeros)
        self.built = True

    def call(self, inputs, h_prev):
        if h_prev.get_shape().with_rank(2).dims[1].value != self._cell_size:
            raise ValueError(f"Shape of h_prev[1] incorrect: cell_size {self._cell_size} vs {h_prev.get_shape()[1]}")
        new_h = gen_ops.gru_block_cell(
            x=inputs, h_prev=h_prev, w_ru=self._gate_kernel, w_c=self._candidate_kernel, b_ru=self._gate_bias,
            b_c=self._candidate_bias,
        ).h  # fmt: skip
        return new_h, new_h


@tf_export("contrib.rnn.GRUBlockCellV2")
class GRUBlockCellV2(GRUBlockCell):
    """GRUBlockCell whose variables have the names of GRUCell's."""

    _NAMES = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
