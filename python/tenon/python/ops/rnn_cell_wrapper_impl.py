"""Cells around cells: dropout, residual connections, devices, and several layers."""

import hashlib
import numbers
import sys
import types

from tenon.python.framework import ops, tensor_util
from tenon.python.ops import array_ops, math_ops, nn_ops, random_ops, rnn_cell_impl
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


class _Wrapper(rnn_cell_impl.RNNCell):
    """A cell that passes on the sizes of the one inside."""

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        self._cell = cell

    @property
    def wrapped_cell(self):
        return self._cell

    @property
    def state_size(self):
        return self._cell.state_size

    @property
    def output_size(self):
        return self._cell.output_size

    def zero_state(self, batch_size, dtype):
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)

    def __call__(self, inputs, state, scope=None):
        """Runs the cell inside, in SCOPE; wrappers have no variables or scope of their own."""
        return self._run(inputs, state, scope)

    def get_config(self):
        """The arguments that make it again, the cell as its class and its own arguments."""
        inside = {"class_name": type(self._cell).__name__, "config": self._cell.get_config()}
        return {**super().get_config(), "cell": inside}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The wrapper that get_config described, once "cell" holds a cell: nobody can make that from its name."""
        config = dict(config)
        cell = config.pop("cell")
        try:
            rnn_cell_impl.assert_like_rnncell("cell", cell)
        except TypeError:
            raise ValueError("RNNCellWrapper cannot reconstruct the wrapped cell. Please overwrite the cell in the "
                             "config with a RNNCell instance.") from None  # fmt: skip
        return cls(cell, **config)


def _with_function(config, key, function):
    """CONFIG with FUNCTION described under KEY, KEY_type and KEY_module: a lambda by its code, others by their name."""
    if not callable(function):
        raise ValueError(f"Unrecognized function type for input: {type(function)}")
    from tenon.python.keras.utils import generic_utils  # here, since most programs have no use for it

    coded = isinstance(function, types.LambdaType)
    written = generic_utils.func_dump(function) if coded else function.__name__
    return {**config, key: written, f"{key}_type": "lambda" if coded else "function",
            f"{key}_module": function.__module__}  # fmt: skip


def _taken_function(config, key, custom_objects):
    """The function that _with_function described; its three entries leave CONFIG."""
    from tenon.python.keras.utils import generic_utils

    name, kind = config.pop(key), config.pop(f"{key}_type")
    module = sys.modules.get(config.pop(f"{key}_module", None))
    names = {**(vars(module) if module else {}), **(custom_objects or {})}
    if kind == "lambda":
        return generic_utils.func_load(name, globs=names)
    if kind == "function":
        return generic_utils.deserialize_keras_object(name, names, custom_objects, "function in wrapper")
    raise TypeError(f"Unknown function type: {kind}")


@tf_export("nn.rnn_cell.DropoutWrapper", "contrib.rnn.DropoutWrapper")
class DropoutWrapper(_Wrapper):
    """Dropout on what a cell takes, keeps and gives; with VARIATIONAL_RECURRENT one mask for all steps (1512.05287)."""

    def __init__(self, cell, input_keep_prob=1.0, output_keep_prob=1.0, state_keep_prob=1.0,
                 variational_recurrent=False, input_size=None, dtype=None, seed=None,
                 dropout_state_filter_visitor=None, **kwargs):  # fmt: skip
        super().__init__(cell, dtype=dtype, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        # The memory of an LSTM is never dropped, only its output.
        self._filter = dropout_state_filter_visitor or _all_but_memory
        keeps = {"input_keep_prob": input_keep_prob, "state_keep_prob": state_keep_prob,
                 "output_keep_prob": output_keep_prob}  # fmt: skip
        for name, value in keeps.items():
            setattr(self, "_" + name, _checked_probability(name, value))
        self._variational_recurrent = variational_recurrent
        self._input_size = input_size
        self._seed = seed
        self._noise = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            self._make_noise(input_size, dtype)

    def build(self, input_shape):
        """Makes the variables of the cell inside."""
        self._cell.build(input_shape)
        self.built = True

    def get_config(self):
        """The arguments that make it again; see the cell in it."""
        config = {**super().get_config(), "input_keep_prob": self._input_keep_prob,
                  "output_keep_prob": self._output_keep_prob, "state_keep_prob": self._state_keep_prob,
                  "variational_recurrent": self._variational_recurrent, "input_size": self._input_size,
                  "seed": self._seed}  # fmt: skip
        return config if self._filter is _all_but_memory else _with_function(config, "dropout_fn", self._filter)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The wrapper that get_config described, with a cell at "cell"."""
        config = dict(config)
        if "dropout_fn" in config:
            config["dropout_state_filter_visitor"] = _taken_function(config, "dropout_fn", custom_objects)
        return super().from_config(config, custom_objects)

    def _make_noise(self, input_size, dtype):
        """The masks' uniform numbers [1, size], the same for all steps."""

        def noise(salt, size, index):
            shape = rnn_cell_impl._concat(1, size)
            return random_ops.random_uniform(shape, seed=self._salted(f"{salt}_{index}"), dtype=dtype)

        def structure(salt, sizes):
            flat = [noise(salt, size, index) for index, size in enumerate(nest.flatten(sizes))]
            return nest.pack_sequence_as(sizes, flat)

        if not (isinstance(self._input_keep_prob, numbers.Real) and self._input_keep_prob == 1.0):
            if input_size is None:
                raise ValueError(
                    "input_size must be given with variational_recurrent=True and input_keep_prob < 1.0 or unknown"
                )
            self._noise["input"] = structure("input", input_size)
        self._noise["state"] = structure("state", self._cell.state_size)
        self._noise["output"] = structure("output", self._cell.output_size)

    def _salted(self, salt):
        if self._seed is None:
            return None
        return int(hashlib.md5(f"{self._seed}{salt}".encode()).hexdigest()[:8], 16) & 0x7FFFFFFF

    def _drop(self, values, salt, keep_prob, shallow=None):
        """VALUES with dropout; SHALLOW (of True and False) says which of them."""

        def one(index, chosen, value, noise):
            if isinstance(chosen, bool) and not chosen:
                return value
            if noise is None:
                return nn_ops.dropout(value, keep_prob=keep_prob, seed=self._salted(f"{salt}_{index}"))
            keep = keep_prob + noise
            dropped = math_ops.div(value, keep_prob) * math_ops.floor(keep)
            dropped.set_shape(value.get_shape())
            return dropped

        shallow = values if shallow is None else shallow
        noises = self._noise.get(salt)
        chosen = nest.flatten(shallow)
        parts = nest.flatten_up_to(shallow, values)
        noise = nest.flatten_up_to(shallow, noises) if noises is not None else [None] * len(parts)
        made = [
            nest.map_structure(lambda v, n, i=i, c=c: one(i, c, v, n), part, n)
            if n is not None
            else nest.map_structure(lambda v, i=i, c=c: one(i, c, v, None), part)
            for i, (c, part, n) in enumerate(zip(chosen, parts, noise))
        ]
        return nest.pack_sequence_as(shallow, made)

    def _run(self, inputs, state, scope=None):
        if _may_drop(self._input_keep_prob):
            inputs = self._drop(inputs, "input", self._input_keep_prob)
        output, new_state = self._cell(inputs, state, scope=scope)
        if _may_drop(self._state_keep_prob):
            chosen = nest.get_traverse_shallow_structure(self._filter, new_state)
            new_state = self._drop(new_state, "state", self._state_keep_prob, chosen)
        if _may_drop(self._output_keep_prob):
            output = self._drop(output, "output", self._output_keep_prob)
        return output, new_state


def _all_but_memory(state):
    if isinstance(state, rnn_cell_impl.LSTMStateTuple):
        return rnn_cell_impl.LSTMStateTuple(c=False, h=True)
    return True


def _checked_probability(name, value):
    """VALUE, as a float where it is known; ValueError outside (0, 1]."""
    tensor = ops.convert_to_tensor(value) if isinstance(value, ops.Tensor) else value
    known = tensor_util.constant_value(tensor) if isinstance(tensor, ops.Tensor) else value
    if known is None:
        return value
    if not 0 < known <= 1:
        raise ValueError(f"Parameter {name} must be between 0 and 1: {known}")
    return float(known)


def _may_drop(keep_prob):
    return not isinstance(keep_prob, float) or keep_prob < 1


@tf_export("nn.rnn_cell.ResidualWrapper", "contrib.rnn.ResidualWrapper")
class ResidualWrapper(_Wrapper):
    """Adds a cell's inputs to its outputs, or combines them by RESIDUAL_FN(inputs, outputs)."""

    def __init__(self, cell, residual_fn=None, **kwargs):
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def get_config(self):
        """The arguments that make it again; see the cell in it."""
        config = super().get_config()
        return config if self._residual_fn is None else _with_function(config, "residual_fn", self._residual_fn)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The wrapper that get_config described, with a cell at "cell"."""
        config = dict(config)
        if "residual_fn" in config:
            config["residual_fn"] = _taken_function(config, "residual_fn", custom_objects)
        return super().from_config(config, custom_objects)

    def _run(self, inputs, state, scope=None):
        outputs, new_state = self._cell(inputs, state, scope=scope)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), new_state
        nest.assert_same_structure(inputs, outputs)
        nest.map_structure(lambda i, o: i.get_shape().assert_is_compatible_with(o.get_shape()), inputs, outputs)
        return nest.map_structure(lambda i, o: i + o, inputs, outputs), new_state


@tf_export("nn.rnn_cell.DeviceWrapper", "contrib.rnn.DeviceWrapper")
class DeviceWrapper(_Wrapper):
    """Places a cell on a device."""

    def __init__(self, cell, device, **kwargs):
        super().__init__(cell, **kwargs)
        self._device = device

    def get_config(self):
        """The arguments that make it again; see the cell in it."""
        return {**super().get_config(), "device": self._device}

    def zero_state(self, batch_size, dtype):
        with ops.device(self._device):
            return super().zero_state(batch_size, dtype)

    def _run(self, inputs, state, scope=None):
        with ops.device(self._device):
            return self._cell(inputs, state, scope=scope)


@tf_export("nn.rnn_cell.MultiRNNCell", "contrib.rnn.MultiRNNCell")
class MultiRNNCell(rnn_cell_impl.RNNCell):
    """Cells one after the other: each takes the output of the one before."""

    def __init__(self, cells, state_is_tuple=True):
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not nest.is_sequence(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if not state_is_tuple and any(nest.is_sequence(cell.state_size) for cell in cells):
            raise ValueError("Some cells return tuples of states, but the flag state_is_tuple is not set.")
        self._cells = cells
        self._state_is_tuple = state_is_tuple

    @property
    def state_size(self):
        if self._state_is_tuple:
            return tuple(cell.state_size for cell in self._cells)
        return sum(cell.state_size for cell in self._cells)

    @property
    def output_size(self):
        return self._cells[-1].output_size

    def zero_state(self, batch_size, dtype):
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    @property
    def trainable_weights(self):
        weights = [w for cell in self._cells if hasattr(cell, "trainable_weights") for w in cell.trainable_weights]
        return weights if self.trainable else []

    @property
    def non_trainable_weights(self):
        return [w for cell in self._cells if hasattr(cell, "weights") for w in cell.non_trainable_weights]

    def call(self, inputs, state):
        at, new_states, current = 0, [], inputs
        for i, cell in enumerate(self._cells):
            with vs.variable_scope(f"cell_{i}"):
                if self._state_is_tuple:
                    if not nest.is_sequence(state):
                        raise ValueError(
                            f"Expected state to be a tuple of length {len(self.state_size)}, but received: {state}"
                        )
                    part = state[i]
                else:
                    part = array_ops.slice(state, [0, at], [-1, cell.state_size])
                    at += cell.state_size
                current, new_state = cell(current, part)
                new_states.append(new_state)
        return current, tuple(new_states) if self._state_is_tuple else array_ops.concat(new_states, 1)
