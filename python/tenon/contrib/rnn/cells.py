"""What the cells of tf.contrib.rnn have in common."""

from tenon.contrib.rnn.core_rnn_cell import _Linear
from tenon.python.framework import tensor_shape
from tenon.python.layers import base as base_layer
from tenon.python.ops import array_ops, init_ops, math_ops, rnn_cell_impl
from tenon.python.ops import variable_scope as vs


class Sized:
    """A cell that keeps its sizes in _state_size and _output_size."""

    @property
    def state_size(self):
        """How large the state is."""
        return self._state_size

    @property
    def output_size(self):
        """How large the output is."""
        return self._output_size


class Cell(Sized, rnn_cell_impl.RNNCell):
    """A cell that makes its variables when it is called."""


class LayerCell(Sized, rnn_cell_impl.LayerRNNCell):
    """A cell that makes its variables once, as a layer."""


def lstm_sizes(cell, num_units, num_proj=None):
    """Gives CELL the sizes of an LSTM whose output may be projected."""
    cell._output_size = num_proj or num_units
    cell._state_size = rnn_cell_impl.LSTMStateTuple(num_units, cell._output_size)


def unit_sizes(cell, num_units):
    """Gives CELL a state that is its output."""
    cell._state_size = cell._output_size = num_units


def last_size(shape):
    """The known size of the last dimension of a SHAPE [batch, n]."""
    size = tensor_shape.dimension_value(tensor_shape.as_shape(shape).with_rank(2)[1])
    if size is None:
        raise ValueError(f"Could not infer input size: expected inputs.shape[-1] to be known, saw shape: {shape}")
    return size


def linear(cell, key, args, size, bias=True):
    """ARGS times the kernel of CELL that is called KEY, made at the first call, plus its bias."""
    made = cell.__dict__.setdefault("_linears", {})
    if key not in made:
        made[key] = _Linear(args, size, bias)
    return made[key](args)


def sharded(name, shape, dtype, shards):
    """The variables NAME_0 ... NAME_(SHARDS-1), which hold the rows of one matrix, as that matrix."""
    if shards > shape[0]:
        raise ValueError(f"Too many shards: shape={shape}, num_shards={shards}")
    rows, more = divmod(shape[0], shards)
    parts = [vs.get_variable(f"{name}_{i}", [rows + (i < more), *shape[1:]], dtype=dtype) for i in range(shards)]
    return parts[0] if shards == 1 else array_ops.concat(parts, 0, name=f"{name}/concat")


def layer_norm(inputs, scope, gain, shift, dtype=None):
    """The rows of INPUTS normalised; variables `gamma` and `beta` in SCOPE, which start as GAIN and SHIFT."""
    from tenon.contrib.layers import normalization

    shape = inputs.get_shape()[-1:]
    kind = {} if dtype is None else {"dtype": dtype}
    with vs.variable_scope(scope):
        vs.get_variable("gamma", shape=shape, initializer=init_ops.constant_initializer(gain), **kind)
        vs.get_variable("beta", shape=shape, initializer=init_ops.constant_initializer(shift), **kind)
    return normalization.layer_norm(inputs, reuse=True, scope=scope)


def two_dimensional():
    """What layers of rows [batch, n] take."""
    return base_layer.InputSpec(ndim=2)


def peephole(gate, state, *names):
    """GATE plus STATE times the diagonal weights of NAMES, each with a state of its own if STATE is a list."""
    states = state if isinstance(state, list) else [state]
    for one, name in zip(states, names):
        gate += vs.get_variable(name, shape=[one.get_shape().as_list()[-1]], dtype=one.dtype) * one
    return gate


def split(value, n):
    """VALUE in N parts along its columns."""
    return array_ops.split(value=value, num_or_size_splits=n, axis=1)


def mix(gate, a, b):
    """GATE a + (1 - GATE) b."""
    return gate * a + (1.0 - gate) * b


sigmoid, tanh = math_ops.sigmoid, math_ops.tanh
