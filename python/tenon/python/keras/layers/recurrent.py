"""Recurrent layers: cells, applied to all steps of sequences."""

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import backend_ops, backend_rnn, regularizers
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static
from tenon.python.keras.layers.recurrent_cells import (
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    _Dropping,
    _size_shape,
    _zero_states,
)
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest

TF_NAMESPACES = ("keras.layers", "keras.layers.recurrent")


class RNN(Layer):
    """A cell (or a list of cells) over the steps of sequences: (batch, time, ...)."""

    _rank = 3

    def __init__(self, cell, return_sequences=False, return_state=False, go_backwards=False, stateful=False,
                 unroll=False, time_major=False, **kwargs):  # fmt: skip
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not hasattr(cell, "call"):
            raise ValueError(f"Argument `cell` should have a `call` method. The RNN was passed: cell={cell}")
        if not hasattr(cell, "state_size"):
            raise ValueError("The RNN cell should have a `state_size` attribute (tuple of integers, one integer per RNN "  # noqa: E501
                             f"state). Received: cell={cell}")  # fmt: skip
        self.zero_output_for_mask = kwargs.pop("zero_output_for_mask", False)
        num_constants = kwargs.pop("num_constants", None)
        if "input_shape" not in kwargs and ("input_dim" in kwargs or "input_length" in kwargs):
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim", None))
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.time_major = stateful, unroll, time_major
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=self._rank)]
        self.state_spec = None
        self.constants_spec = None
        self._states = None
        self._num_constants = num_constants

    # --- states ---

    @property
    def states(self):
        """The variables of a stateful layer, else None for each state."""
        if self._states is None:
            return nest.map_structure(lambda _: None, self._listed(self.cell.state_size))
        return self._states if nest.is_nested(self._states) else [self._states]

    @states.setter
    def states(self, value):
        self._states = value

    @staticmethod
    def _listed(state_size):
        return list(state_size) if isinstance(state_size, (list, tuple)) else [state_size]

    def get_initial_state(self, inputs):
        """What the cell begins with: zeros."""
        first = nest.flatten(inputs)[0]
        batch = tf.shape(first)[1 if self.time_major else 0]
        if hasattr(self.cell, "get_initial_state"):
            found = self.cell.get_initial_state(inputs=None, batch_size=batch, dtype=first.dtype)
        else:
            found = _zero_states(batch, self.cell.state_size, first.dtype)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def _state_shapes(self):
        """The shapes of the states, without the batch."""
        return [_size_shape(s) for s in nest.flatten(self.cell.state_size)]

    def reset_states(self, states=None):
        """A stateful layer begins anew: with zeros, or with arrays."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        spec = nest.flatten(self.input_spec)[0]
        batch = None if spec.shape is None else spec.shape[1 if self.time_major else 0]
        if not batch:
            raise ValueError(
                "If a RNN is stateful, it needs to know its batch size. Specify the batch size of your input tensors: "
                "- If using a Sequential model, specify the batch size by passing a `batch_input_shape` argument to "
                "your first layer. - If using the functional API, specify the batch size by passing a `batch_shape` "
                "argument to your Input layer."
            )
        shapes = [(batch, *s) for s in self._state_shapes()]
        if self._states is None:
            made = [backend_ops.zeros(s, dtype=self.dtype or K.floatx()) for s in shapes]
            self._states = nest.pack_sequence_as(self._listed(self.cell.state_size), made)
        if states is None:
            values = [np.zeros(s, self.dtype or K.floatx()) for s in shapes]
        else:
            values = list(nest.flatten(states))
        mine = nest.flatten(self._states)
        if len(values) != len(mine):
            raise ValueError(f"Layer {self.name} expects {len(mine)} states, but it received {len(values)} state values. "  # noqa: E501
                             f"Input received: {states}")  # fmt: skip
        for i, (value, shape) in enumerate(zip(values, shapes)):
            if np.shape(value) != tuple(shape):
                raise ValueError(f"State {i} is incompatible with layer {self.name}: expected shape={tuple(shape)}, "
                                 f"found shape={np.shape(value)}")  # fmt: skip
        K.batch_set_value(list(zip(mine, values)))

    # --- making ---

    def build(self, input_shape):
        """Makes the variables of the cell."""
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        shape = _static(shape)
        batch, time = (1, 0) if self.time_major else (0, 1)
        known = list(shape)
        known[time] = None
        known[batch] = shape[batch] if self.stateful else None
        self.input_spec[0] = InputSpec(shape=tuple(known))
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell._dtype = self.cell._dtype or self._dtype
            self.cell.build((shape[batch], *shape[2:]))
            self.cell.built = True
        specs = [InputSpec(shape=(None, *s)) for s in self._state_shapes()]
        if self.state_spec is not None:
            given = [tuple(s.shape[1:]) for s in nest.flatten(self.state_spec)]
            if given != [tuple(s.shape[1:]) for s in specs]:
                raise ValueError("An `initial_state` was passed that is not compatible with `cell.state_size`. Received "  # noqa: E501
                                 f"`state_spec`={self.state_spec}; however `cell.state_size` is "
                                 f"{self.cell.state_size}")  # fmt: skip
        else:
            self.state_spec = specs
        if self.stateful:
            self.reset_states()
        self.built = True

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        inputs, initial_state, constants = _apart(inputs, initial_state, constants, self._num_constants)
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        extra, specs = [], []
        if initial_state is not None:
            extra += initial_state
            self.state_spec = [InputSpec(shape=K.int_shape(s)) for s in nest.flatten(initial_state)]
            specs += self.state_spec
        if constants is not None:
            extra += constants
            self.constants_spec = [InputSpec(shape=K.int_shape(c)) for c in constants]
            self._num_constants = len(constants)
            specs += self.constants_spec
        flat = nest.flatten(extra)
        symbolic = [hasattr(t, "_keras_history") for t in flat]
        if any(symbolic) and not all(symbolic):
            raise ValueError("The initial state or constants of an RNN layer cannot be specified with a mix of TF-Keras "  # noqa: E501
                             "tensors and non-TF-Keras tensors.")  # fmt: skip
        if not all(symbolic) or not hasattr(nest.flatten(inputs)[0], "_keras_history"):
            given = {"initial_state": initial_state, "constants": constants}
            return super().__call__(inputs, **kwargs, **{k: v for k, v in given.items() if v is not None})
        # As inputs of the layer, states are connected like any other.
        own = self.input_spec
        self.input_spec = [*generic_utils.to_list(own)[:1], *specs]
        outputs = super().__call__([inputs, *flat], **kwargs)
        self.input_spec = self.input_spec[:1]
        return outputs

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        """Goes over the steps."""
        inputs, initial_state, constants = self._start(inputs, initial_state, constants)
        mask = nest.flatten(mask)[0] if mask is not None else None
        for cell in getattr(self.cell, "cells", [self.cell]):
            if isinstance(cell, _Dropping):
                cell.reset_dropout_mask()
                cell.reset_recurrent_dropout_mask()
        kwargs = {"training": training} if generic_utils.has_arg(self.cell.call, "training") else {}
        single = getattr(self.cell, "_is_tf_rnn_cell", False)

        def step(x, states):
            states, fixed = (states[: len(states) - len(constants)], states[len(states) - len(constants) :])
            states = states[0] if len(states) == 1 and single else states
            more = {"constants": fixed} if constants else {}
            output, new = self.cell.call(x, states, **more, **kwargs)
            return output, list(new) if isinstance(new, (list, tuple)) else [new]

        last, outputs, states = backend_rnn.rnn(
            step, inputs, initial_state, go_backwards=self.go_backwards, mask=mask, constants=constants,
            unroll=self.unroll, time_major=self.time_major, zero_output_for_mask=self.zero_output_for_mask,
        )  # fmt: skip
        if self.stateful:
            for variable, state in zip(nest.flatten(self.states), nest.flatten(states)):
                self.add_update(variable.assign(state, read_value=False))
        output = outputs if self.return_sequences else last
        return [*generic_utils.to_list(output), *states] if self.return_state else output

    def _start(self, inputs, initial_state, constants):
        """(inputs, states to begin with, constants)."""
        if isinstance(inputs, (list, tuple)):
            whole, count = list(inputs), self._num_constants or 0
            rest = whole[1 : len(whole) - count]
            constants = whole[len(whole) - count :] if count else constants
            inputs, initial_state = whole[0], rest or initial_state
        if self.stateful and initial_state is None:
            initial_state = [tf.convert_to_tensor(s) if isinstance(s, tf.Variable) else
                             nest.map_structure(tf.convert_to_tensor, s) for s in self.states]  # fmt: skip
        elif initial_state is None:
            initial_state = self.get_initial_state(inputs)
        sizes = self._listed(self.cell.state_size)
        states = nest.flatten(initial_state)
        if len(states) != len(nest.flatten(sizes)):
            raise ValueError(
                f"Layer has {len(nest.flatten(sizes))} states but was passed {len(states)} initial states."
            )
        return inputs, nest.pack_sequence_as(sizes, states), list(constants or ())

    def compute_mask(self, inputs, mask):
        """That of the steps, if they are returned."""
        mask = nest.flatten(mask)[0]
        found = mask if self.return_sequences else None
        return [found, *[None] * len(self.states)] if self.return_state else found

    def compute_output_shape(self, input_shape):
        """(batch, size of the cell's output), with the steps if they are returned."""
        shape = _static(input_shape[0] if isinstance(input_shape, list) else input_shape)
        batch, time = (shape[1], shape[0]) if self.time_major else shape[:2]
        size = getattr(self.cell, "output_size", None)
        if size is None:
            size = self.cell.state_size[0] if isinstance(self.cell.state_size, (list, tuple)) else self.cell.state_size
        steps = (time, batch) if self.time_major else (batch, time)
        out = (*steps, *_size_shape(size)) if self.return_sequences else (batch, *_size_shape(size))
        return [out, *[(batch, *s) for s in self._state_shapes()]] if self.return_state else out

    def _loop_config(self):
        config = {"return_sequences": self.return_sequences, "return_state": self.return_state,
                  "go_backwards": self.go_backwards, "stateful": self.stateful, "unroll": self.unroll,
                  "time_major": self.time_major}  # fmt: skip
        if self._num_constants is not None:
            config["num_constants"] = self._num_constants
        if self.zero_output_for_mask:
            config["zero_output_for_mask"] = True
        return config

    def get_config(self):
        """The arguments that make it again."""
        cell = {"class_name": generic_utils.get_registered_name(self.cell.__class__), "config": self.cell.get_config()}
        return {**super().get_config(), **self._loop_config(), "cell": cell}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that get_config described."""
        from tenon.python.keras import layers

        config = dict(config)
        return cls(layers.deserialize(config.pop("cell"), custom_objects), **config)


def _apart(inputs, initial_state, constants, num_constants):
    """Inputs, states and constants; all three may come in one list."""
    if isinstance(inputs, (list, tuple)):
        if initial_state is not None or constants is not None:
            raise ValueError("initial_state and constants cannot be given both by the list of inputs and by name.")
        whole = list(inputs)
        if num_constants:
            constants, whole = whole[-num_constants:], whole[:-num_constants]
        initial_state, inputs = whole[1:] or None, whole[0]
    listed = lambda x: list(x) if isinstance(x, (list, tuple)) else None if x is None else [x]  # noqa: E731
    return inputs, listed(initial_state), listed(constants)


def _of_cell(cls):
    """Gives a layer the settings of its cell as properties."""
    for name in cls._SETTINGS:
        setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))
    return cls


class _Simple(RNN):
    """What the layers with a cell of their own share."""

    _COMMON = ("units activation use_bias kernel_initializer recurrent_initializer bias_initializer kernel_regularizer "
               "recurrent_regularizer bias_regularizer kernel_constraint recurrent_constraint bias_constraint dropout "
               "recurrent_dropout").split()  # fmt: skip
    _LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")

    def _begin(self, cell_class, given):
        """Makes cell and loop from the arguments of the constructor."""
        kwargs = given["kwargs"]
        cell_kwargs = {k: kwargs[k] for k in ("dtype", "trainable") if k in kwargs}
        cell = cell_class(**{k: given[k] for k in self._SETTINGS}, **cell_kwargs)
        super().__init__(cell, **{k: given[k] for k in self._LOOP},
                         activity_regularizer=regularizers.get(given["activity_regularizer"]), **kwargs)  # fmt: skip

    def get_config(self):
        """The arguments that make it again."""
        config = {**Layer.get_config(self), **self._loop_config()}
        inner = self.cell.get_config()
        config.update((k, inner[k]) for k in self._SETTINGS)
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config):
        """The layer that get_config described."""
        return cls(**config)


@_of_cell
class SimpleRNN(_Simple):
    """activation(x * kernel + output * recurrent_kernel + bias)."""

    _SETTINGS = _Simple._COMMON

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
                 recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0,
                 return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
                 **kwargs):  # fmt: skip
        self._begin(SimpleRNNCell, dict(locals()))

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Goes over the steps."""
        return super().call(inputs, mask, training, initial_state)


@_of_cell
class GRU(_Simple):
    """Gated recurrent units: gates z, r, h."""

    _SETTINGS = [*_Simple._COMMON, "recurrent_activation", "implementation", "reset_after"]

    def __init__(self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, implementation=1, return_sequences=False, return_state=False,
                 go_backwards=False, stateful=False, unroll=False, reset_after=False, **kwargs):  # fmt: skip
        self._begin(GRUCell, dict(locals()))

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Goes over the steps."""
        return super().call(inputs, mask, training, initial_state)


@_of_cell
class LSTM(_Simple):
    """Long short-term memory: gates i, f, c, o."""

    _SETTINGS = [*_Simple._COMMON, "recurrent_activation", "unit_forget_bias", "implementation"]

    def __init__(self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
                 dropout=0.0, recurrent_dropout=0.0, implementation=1, return_sequences=False, return_state=False,
                 go_backwards=False, stateful=False, unroll=False, **kwargs):  # fmt: skip
        self._begin(LSTMCell, dict(locals()))

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Goes over the steps."""
        return super().call(inputs, mask, training, initial_state)
