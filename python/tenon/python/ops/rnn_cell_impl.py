"""Recurrent cells: one step of a network from its input and its state."""

import collections

from tenon.python.framework import dtypes, ops, tensor_shape, tensor_util
from tenon.python.layers import base as base_layer
from tenon.python.ops import array_ops, clip_ops, init_ops, math_ops, nn_ops, partitioned_variables
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

_KERNEL, _BIAS = "kernel", "bias"


def assert_like_rnncell(cell_name, cell):
    """TypeError unless CELL has what a recurrent cell has."""
    missing = [name for name in ("output_size", "state_size", "zero_state") if not hasattr(cell, name)]
    if not callable(cell):
        missing.append("__call__")
    if missing:
        raise TypeError(f"The argument {cell_name!r} ({cell}) is not an RNNCell: it lacks {', '.join(missing)}.")


def _concat(prefix, suffix):
    """The shape [PREFIX, *SUFFIX] as a list, or as a tensor where PREFIX is one."""
    sizes = tensor_shape.as_shape(suffix).as_list()
    if isinstance(prefix, ops.Tensor):
        known = tensor_util.constant_value(prefix)
        if known is not None:
            return [int(known), *sizes]
        return array_ops.concat([array_ops.reshape(prefix, [1]), ops.convert_to_tensor(sizes, dtypes.int32)], 0)
    return [prefix, *sizes]


def _zero_state_tensors(state_size, batch_size, dtype):
    """Zeros [batch, size] for each size of the structure STATE_SIZE."""

    def zeros(size):
        shape = _concat(batch_size, size)
        made = array_ops.zeros(shape, dtype=dtype)
        if isinstance(shape, ops.Tensor):
            made.set_shape([None, *tensor_shape.as_shape(size).as_list()])
        return made

    return nest.map_structure(zeros, state_size)


@tf_export("nn.rnn_cell.RNNCell", "contrib.rnn.RNNCell")
class RNNCell(base_layer.Layer):
    """A cell: `output, new_state = cell(input, state)`; `state_size` and `output_size` say how large those are."""

    def __call__(self, inputs, state, scope=None):
        if scope is not None:
            with vs.variable_scope(scope, custom_getter=self._rnn_get_variable) as entered:
                return super().__call__(inputs, state, scope=entered)
        entered = getattr(self, "_rnncell_scope", None)
        if entered is None:
            entered = vs.variable_scope(vs.get_variable_scope(), custom_getter=self._rnn_get_variable)
            self._rnncell_scope = entered
        with entered:
            return super().__call__(inputs, state)

    def _rnn_get_variable(self, getter, *args, **kwargs):
        variable = getter(*args, **kwargs)
        trainable = variable in ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES)
        kept = self._trainable_weights if trainable else self._non_trainable_weights
        if not any(variable is known for known in kept):
            kept.append(variable)
        return variable

    @property
    def state_size(self):
        """The size of the state: an integer, a TensorShape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self):
        """The size of the output."""
        raise NotImplementedError("Abstract method")

    def build(self, _):
        # Cells that predate layers make their variables in `call`.
        pass

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        if inputs is not None:
            inputs = ops.convert_to_tensor(inputs, name="inputs")
            batch_size = array_ops.shape(inputs)[0] if batch_size is None else batch_size
            dtype = dtype or inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError("batch_size and dtype are needed to make an initial state")
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size, dtype):
        """A state of zeros for BATCH_SIZE rows."""
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return _zero_state_tensors(self.state_size, batch_size, dtype)


class LayerRNNCell(RNNCell):
    """A cell that makes its variables as a layer does, in `build`."""

    def __call__(self, inputs, state, scope=None, *args, **kwargs):
        return base_layer.Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)


def _activation(activation, default=math_ops.tanh):
    """The function for a name, a function, or None."""
    if activation is None:
        return default
    if callable(activation):
        return activation
    for module in (math_ops, nn_ops):
        if hasattr(module, activation):
            return getattr(module, activation)
    raise ValueError(f"Unknown activation function: {activation!r}")


def _initializer(initializer):
    """The initializer for a name, a class, an object, or None."""
    if isinstance(initializer, str):
        initializer = getattr(init_ops, initializer + "_initializer", None) or getattr(init_ops, initializer)
    return initializer() if isinstance(initializer, type) else initializer


def _input_depth(shape, cell):
    depth = tensor_shape.dimension_value(tensor_shape.as_shape(shape)[-1])
    if depth is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {shape}")
    cell.input_spec = base_layer.InputSpec(ndim=2)
    return depth


@tf_export("nn.rnn_cell.BasicRNNCell", "contrib.rnn.BasicRNNCell")
class BasicRNNCell(LayerRNNCell):
    """output = new_state = activation(W [input, state] + b)."""

    def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = _activation(activation)

    @property
    def state_size(self):
        return self._num_units

    @property
    def output_size(self):
        return self._num_units

    def build(self, input_shape):
        depth = _input_depth(input_shape, self)
        self._kernel = self.add_variable(_KERNEL, shape=[depth + self._num_units, self._num_units])
        zeros = init_ops.zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable(_BIAS, shape=[self._num_units], initializer=zeros)
        self.built = True

    def call(self, inputs, state):
        inner = math_ops.matmul(array_ops.concat([inputs, state], 1), self._kernel)
        output = self._activation(nn_ops.bias_add(inner, self._bias))
        return output, output


@tf_export("nn.rnn_cell.GRUCell", "contrib.rnn.GRUCell")
class GRUCell(LayerRNNCell):
    """The gated recurrent unit of Cho et al., 2014 (arXiv 1406.1078)."""

    def __init__(self, num_units, activation=None, reuse=None, kernel_initializer=None, bias_initializer=None,
                 name=None, dtype=None, **kwargs):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = _activation(activation)
        self._kernel_initializer = _initializer(kernel_initializer)
        self._bias_initializer = _initializer(bias_initializer)

    @property
    def state_size(self):
        return self._num_units

    @property
    def output_size(self):
        return self._num_units

    def build(self, input_shape):
        depth = _input_depth(input_shape, self)
        units, kernel = self._num_units, self._kernel_initializer
        gate_bias = self._bias_initializer or init_ops.constant_initializer(1.0, dtype=self.dtype)
        bias = self._bias_initializer or init_ops.zeros_initializer(dtype=self.dtype)
        self._gate_kernel = self.add_variable("gates/kernel", shape=[depth + units, 2 * units], initializer=kernel)
        self._gate_bias = self.add_variable("gates/bias", shape=[2 * units], initializer=gate_bias)
        self._candidate_kernel = self.add_variable("candidate/kernel", shape=[depth + units, units], initializer=kernel)
        self._candidate_bias = self.add_variable("candidate/bias", shape=[units], initializer=bias)
        self.built = True

    def call(self, inputs, state):
        gates = math_ops.matmul(array_ops.concat([inputs, state], 1), self._gate_kernel)
        gates = math_ops.sigmoid(nn_ops.bias_add(gates, self._gate_bias))
        reset, update = array_ops.split(value=gates, num_or_size_splits=2, axis=1)
        candidate = math_ops.matmul(array_ops.concat([inputs, reset * state], 1), self._candidate_kernel)
        candidate = self._activation(nn_ops.bias_add(candidate, self._candidate_bias))
        new_state = update * state + (1 - update) * candidate
        return new_state, new_state


@tf_export("nn.rnn_cell.LSTMStateTuple", "contrib.rnn.LSTMStateTuple")
class LSTMStateTuple(collections.namedtuple("LSTMStateTuple", ("c", "h"))):
    """The state of an LSTM: the memory c and the output h."""

    __slots__ = ()

    @property
    def dtype(self):
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


@tf_export("nn.rnn_cell.BasicLSTMCell", "contrib.rnn.BasicLSTMCell")
class BasicLSTMCell(LayerRNNCell):
    """The LSTM of Zaremba et al., 2014 (arXiv 1409.2329), without peepholes, clipping or projection."""

    def __init__(self, num_units, forget_bias=1.0, state_is_tuple=True, activation=None, reuse=None, name=None,
                 dtype=None, **kwargs):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = _activation(activation)

    @property
    def state_size(self):
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    @property
    def output_size(self):
        return self._num_units

    def build(self, input_shape):
        depth = _input_depth(input_shape, self)
        self._kernel = self.add_variable(_KERNEL, shape=[depth + self._num_units, 4 * self._num_units])
        zeros = init_ops.zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable(_BIAS, shape=[4 * self._num_units], initializer=zeros)
        self.built = True

    def call(self, inputs, state):
        sigmoid = math_ops.sigmoid
        one = ops.convert_to_tensor(1, dtypes.int32)
        c, h = state if self._state_is_tuple else array_ops.split(value=state, num_or_size_splits=2, axis=one)
        gates = math_ops.matmul(array_ops.concat([inputs, h], 1), self._kernel)
        gates = nn_ops.bias_add(gates, self._bias)
        i, j, f, o = array_ops.split(value=gates, num_or_size_splits=4, axis=one)
        forget_bias = ops.convert_to_tensor(self._forget_bias, dtype=f.dtype)
        add, multiply = math_ops.add, math_ops.multiply
        new_c = add(multiply(c, sigmoid(add(f, forget_bias))), multiply(sigmoid(i), self._activation(j)))
        new_h = multiply(self._activation(new_c), sigmoid(o))
        new_state = LSTMStateTuple(new_c, new_h) if self._state_is_tuple else array_ops.concat([new_c, new_h], 1)
        return new_h, new_state


@tf_export("nn.rnn_cell.LSTMCell", "contrib.rnn.LSTMCell")
class LSTMCell(LayerRNNCell):
    """The LSTM of Hochreiter and Schmidhuber, 1997, with the peepholes, clipping and projection of Sak et al., 2014."""

    def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None, proj_clip=None,
                 num_unit_shards=None, num_proj_shards=None, forget_bias=1.0, state_is_tuple=True, activation=None,
                 reuse=None, name=None, dtype=None, **kwargs):  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._num_proj = num_units, num_proj
        self._use_peepholes, self._forget_bias = use_peepholes, forget_bias
        self._cell_clip, self._proj_clip = cell_clip, proj_clip
        self._num_unit_shards, self._num_proj_shards = num_unit_shards, num_proj_shards
        self._initializer = _initializer(initializer)
        self._state_is_tuple = state_is_tuple
        self._activation = _activation(activation)
        self._output_size = num_proj or num_units
        both = LSTMStateTuple(num_units, self._output_size)
        self._state_size = both if state_is_tuple else num_units + self._output_size

    @property
    def state_size(self):
        return self._state_size

    @property
    def output_size(self):
        return self._output_size

    def _sharded(self, shards):
        return partitioned_variables.fixed_size_partitioner(shards) if shards is not None else None

    def build(self, input_shape):
        depth = _input_depth(input_shape, self)
        units, make = self._num_units, self._initializer
        self._kernel = self.add_variable(_KERNEL, shape=[depth + self._output_size, 4 * units], initializer=make,
                                         partitioner=self._sharded(self._num_unit_shards))  # fmt: skip
        zeros = init_ops.zeros_initializer(dtype=self.dtype)
        self._bias = self.add_variable(_BIAS, shape=[4 * units], initializer=zeros)
        if self._use_peepholes:
            self._w_f_diag = self.add_variable("w_f_diag", shape=[units], initializer=make)
            self._w_i_diag = self.add_variable("w_i_diag", shape=[units], initializer=make)
            self._w_o_diag = self.add_variable("w_o_diag", shape=[units], initializer=make)
        if self._num_proj is not None:
            self._proj_kernel = self.add_variable(f"projection/{_KERNEL}", shape=[units, self._num_proj],
                                                  initializer=make,
                                                  partitioner=self._sharded(self._num_proj_shards))  # fmt: skip
        self.built = True

    def call(self, inputs, state):
        sigmoid, units = math_ops.sigmoid, self._num_units
        if self._state_is_tuple:
            c_prev, m_prev = state
        else:
            c_prev = array_ops.slice(state, [0, 0], [-1, units])
            m_prev = array_ops.slice(state, [0, units], [-1, self._output_size])
        _input_depth(inputs.get_shape().with_rank(2), self)
        gates = nn_ops.bias_add(math_ops.matmul(array_ops.concat([inputs, m_prev], 1), self._kernel), self._bias)
        i, j, f, o = array_ops.split(value=gates, num_or_size_splits=4, axis=1)
        if self._use_peepholes:
            forget = sigmoid(f + self._forget_bias + self._w_f_diag * c_prev)
            c = forget * c_prev + sigmoid(i + self._w_i_diag * c_prev) * self._activation(j)
        else:
            c = sigmoid(f + self._forget_bias) * c_prev + sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            c = clip_ops.clip_by_value(c, -self._cell_clip, self._cell_clip)
        m = sigmoid(o + self._w_o_diag * c if self._use_peepholes else o) * self._activation(c)
        if self._num_proj is not None:
            m = math_ops.matmul(m, self._proj_kernel)
            if self._proj_clip is not None:
                m = clip_ops.clip_by_value(m, -self._proj_clip, self._proj_clip)
        return m, LSTMStateTuple(c, m) if self._state_is_tuple else array_ops.concat([c, m], 1)


def _linear(args, output_size, bias, bias_initializer=None, kernel_initializer=None):
    """args W + b, as older programs take it from here; variables `kernel` and `bias` in the current scope."""
    from tenon.contrib.rnn import core_rnn_cell

    return core_rnn_cell._Linear(args, output_size, bias, bias_initializer, kernel_initializer)(args)
