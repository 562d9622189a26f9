"""Cells of recurrent layers: one step from inputs and states to outputs and new states."""

import tenon as tf
from tenon.python.keras import activations
from tenon.python.keras import backend as K
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.layers import weights
from tenon.python.keras.layers.core import _static
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest

TF_NAMESPACES = ("keras.layers", "keras.layers.recurrent")

_WEIGHTS = ("kernel", "recurrent", "bias")


def _size_shape(size):
    """The shape of a state without the batch, of its size."""
    return size.as_list() if isinstance(size, tf.TensorShape) else list(nest.flatten(size))


def _zero_states(batch_size, state_size, dtype):
    """Zeros for states; STATE_SIZE is a number, a shape, or a structure of these."""
    if batch_size is None or dtype is None:
        raise ValueError(f"batch_size and dtype cannot be None while constructing initial state: batch_size="
                         f"{batch_size}, dtype={dtype}")  # fmt: skip

    def make(size):
        shape = _size_shape(size)
        zeros = tf.zeros(tf.stack([batch_size, *shape]), dtype)
        zeros.set_shape([batch_size if isinstance(batch_size, int) else None, *shape])
        return zeros

    if isinstance(state_size, (list, tuple)):
        return type(state_size)(_zero_states(batch_size, s, dtype) for s in state_size)
    return make(state_size)


class _Dropping:
    """What cells with dropout share: masks that hold for all steps of a sequence."""

    _input_masks = _state_masks = None

    def reset_dropout_mask(self):
        """Forgets the mask of inputs."""
        self._input_masks = None

    def reset_recurrent_dropout_mask(self):
        """Forgets the mask of states."""
        self._state_masks = None

    def _make(self, x, rate, training, count):
        training = K.learning_phase() if training is None else training
        ones = tf.ones_like(x)
        return [K.smart_cond(training, lambda: tf.nn.dropout(ones, rate=rate), lambda: tf.identity(ones))
                for _ in range(count)]  # fmt: skip

    def get_dropout_mask_for_cell(self, inputs, training, count=1):
        """COUNT masks of inputs, None without dropout."""
        if not self.dropout:
            return None
        if self._input_masks is None:
            self._input_masks = self._make(inputs, self.dropout, training, count)
        return self._input_masks

    def get_recurrent_dropout_mask_for_cell(self, inputs, training, count=1):
        """COUNT masks of states, None without dropout."""
        if not self.recurrent_dropout:
            return None
        if self._state_masks is None:
            self._state_masks = self._make(inputs, self.recurrent_dropout, training, count)
        return self._state_masks


class AbstractRNNCell(Layer):
    """Base class: call(inputs, states) gives (outputs, new states); state_size and output_size are properties."""

    def call(self, inputs, states):
        """One step."""
        raise NotImplementedError("Abstract method")

    @property
    def state_size(self):
        """The sizes of the states."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self):
        """The size of outputs."""
        raise NotImplementedError("Abstract method")

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Zeros."""
        if inputs is not None:
            batch_size, dtype = tf.shape(inputs)[0], inputs.dtype
        return _zero_states(batch_size, self.state_size, dtype)


class _Cell(Layer, _Dropping):
    """What simple, GRU and LSTM cells share: kernels for all gates side by side."""

    _gates = 1
    get_initial_state = AbstractRNNCell.get_initial_state

    def _begin(self, given):
        """Takes the arguments of the constructor that all cells have."""
        self.units, self.use_bias = int(given["units"]), given["use_bias"]
        self.activation = activations.get(given["activation"])
        weights.take(self, _WEIGHTS, given)
        self.dropout = min(1.0, max(0.0, given["dropout"]))
        self.recurrent_dropout = min(1.0, max(0.0, given["recurrent_dropout"]))
        self.state_size = self.output_size = self.units

    def build(self, input_shape):
        """Makes kernel, recurrent kernel and bias."""
        n = self.units * self._gates
        self.kernel = weights.add(self, "kernel", (_static(input_shape)[-1], n))
        self.recurrent_kernel = weights.add(self, "recurrent_kernel", (self.units, n), "recurrent")
        self.bias = None
        if self.use_bias:
            self.bias = weights.add(self, "bias", self._bias_shape(n), initializer=self._bias_start())
        self.built = True

    def _bias_shape(self, n):
        return (n,)

    def _bias_start(self):
        return self.bias_initializer

    def _masks(self, inputs, state, training):
        count = self._gates if getattr(self, "implementation", 2) == 1 else 1
        return (self.get_dropout_mask_for_cell(inputs, training, count),
                self.get_recurrent_dropout_mask_for_cell(state, training, count))  # fmt: skip

    def _gated(self, x, kernel, masks, gates):
        """X times each gate's part of a kernel; with a mask each where there are several."""
        n = self.units
        if masks is not None and len(masks) > 1:
            return [tf.matmul(x * masks[g], kernel[:, g * n : (g + 1) * n]) for g in gates]
        x = x if masks is None else x * masks[0]
        part = kernel if len(gates) == self._gates else kernel[:, gates[0] * n : (gates[-1] + 1) * n]
        return tf.split(tf.matmul(x, part), len(gates), axis=1) if len(gates) > 1 else [tf.matmul(x, part)]

    def _with_bias(self, parts, bias):
        if bias is None:
            return parts
        return [tf.nn.bias_add(p, b) for p, b in zip(parts, tf.split(bias, len(parts)) if len(parts) > 1 else [bias])]

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "units": self.units, "activation": activations.serialize(self.activation),
                "use_bias": self.use_bias, **weights.config_of(self, _WEIGHTS), "dropout": self.dropout,
                "recurrent_dropout": self.recurrent_dropout}  # fmt: skip


class SimpleRNNCell(_Cell):
    """activation(x * kernel + state * recurrent_kernel + bias)."""

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
                 recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
                 bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, **kwargs):  # fmt: skip
        given = dict(locals())
        super().__init__(**kwargs)
        self._begin(given)

    def call(self, inputs, states, training=None):
        """One step."""
        before = states[0] if isinstance(states, (list, tuple)) else states
        own, other = self._masks(inputs, before, training)
        x = self._with_bias(self._gated(inputs, self.kernel, own, [0]), self.bias)[0]
        output = self.activation(x + self._gated(before, self.recurrent_kernel, other, [0])[0])
        return output, [output]


class GRUCell(_Cell):
    """Gated recurrent unit: gates z, r, h."""

    _gates = 3

    def __init__(self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None,
                 recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, implementation=1,
                 reset_after=False, **kwargs):  # fmt: skip
        given = dict(locals())
        super().__init__(**kwargs)
        self._begin(given)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.implementation, self.reset_after = implementation, reset_after

    def _bias_shape(self, n):
        return (2, n) if self.reset_after else (n,)

    def call(self, inputs, states, training=None):
        """One step."""
        h = states[0] if isinstance(states, (list, tuple)) else states
        own, other = self._masks(inputs, h, training)
        gate, kernel = self.recurrent_activation, self.recurrent_kernel
        ours, theirs = (self.bias[0], self.bias[1]) if self.reset_after and self.use_bias else (self.bias, None)
        xz, xr, xh = self._with_bias(self._gated(inputs, self.kernel, own, [0, 1, 2]), ours)
        if other is not None and len(other) == 1:
            h, other = h * other[0], None
        if self.reset_after:
            hz, hr, hh = self._with_bias(self._gated(h, kernel, other, [0, 1, 2]), theirs)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + r * hh)
        else:
            hz, hr = self._gated(h, kernel, other, [0, 1])
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + self._gated(r * h, kernel, other, [2])[0])
        output = z * h + (1 - z) * new
        return output, [output]

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "recurrent_activation": activations.serialize(self.recurrent_activation),
                "implementation": self.implementation, "reset_after": self.reset_after}  # fmt: skip


class LSTMCell(_Cell):
    """Long short-term memory: gates i, f, c, o."""

    _gates = 4

    def __init__(self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, implementation=1, **kwargs):  # fmt: skip
        given = dict(locals())
        super().__init__(**kwargs)
        self._begin(given)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias, self.implementation = unit_forget_bias, implementation
        self.state_size = [self.units, self.units]

    def _bias_start(self):
        return _forget_bias_start(self.bias_initializer, self.units) if self.unit_forget_bias else self.bias_initializer

    def _sums(self, inputs, h, training):
        """What goes into the four gates."""
        own, other = self._masks(inputs, h, training)
        xs = self._with_bias(self._gated(inputs, self.kernel, own, [0, 1, 2, 3]), self.bias)
        return [x + y for x, y in zip(xs, self._gated(h, self.recurrent_kernel, other, [0, 1, 2, 3]))]

    def call(self, inputs, states, training=None):
        """One step."""
        c, gate = states[1], self.recurrent_activation
        i, f, g, o = self._sums(inputs, states[0], training)
        c = gate(f) * c + gate(i) * self.activation(g)
        output = gate(o) * self.activation(c)
        return output, [output, c]

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "recurrent_activation": activations.serialize(self.recurrent_activation),
                "unit_forget_bias": self.unit_forget_bias, "implementation": self.implementation}  # fmt: skip


def _forget_bias_start(start, n):
    """An initializer of biases: ones for the second of four gates."""

    def first(shape, dtype=None, **_):
        return tf.concat([start((n,), dtype=dtype), tf.ones((n,), dtype), start((n * 2,), dtype=dtype)], 0)

    return first


class StackedRNNCells(Layer):
    """Cells one on the other, as one cell."""

    def __init__(self, cells, **kwargs):
        for cell in cells:
            if not hasattr(cell, "call"):
                raise ValueError(f"All cells must have a `call` method. Received cells: {cells}")
            if not hasattr(cell, "state_size"):
                raise ValueError(f"All cells must have a `state_size` attribute. Received cells: {cells}")
        self.reverse_state_order = kwargs.pop("reverse_state_order", False)
        super().__init__(**kwargs)
        self.cells = cells

    @property
    def state_size(self):
        """The sizes of the states, cell by cell."""
        return tuple(c.state_size for c in (self.cells[::-1] if self.reverse_state_order else self.cells))

    @property
    def output_size(self):
        """The size of what the last cell gives."""
        last = self.cells[-1]
        if getattr(last, "output_size", None) is not None:
            return last.output_size
        return last.state_size[0] if isinstance(last.state_size, (list, tuple)) else last.state_size

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Zeros, or what the cells say."""
        found = []
        for cell in self.cells[::-1] if self.reverse_state_order else self.cells:
            if hasattr(cell, "get_initial_state"):
                found.append(cell.get_initial_state(inputs=inputs, batch_size=batch_size, dtype=dtype))
            else:
                found.append(_zero_states(batch_size, cell.state_size, dtype))
        return tuple(found)

    def call(self, inputs, states, constants=None, training=None, **kwargs):
        """One step through all cells."""
        order = self.state_size[::-1] if self.reverse_state_order else self.state_size
        nested = nest.pack_sequence_as(order, nest.flatten(states))
        new = []
        for cell, state in zip(self.cells, nested):
            state = list(state) if isinstance(state, (list, tuple)) else [state]
            arguments = dict(kwargs)
            if generic_utils.has_arg(cell.call, "training"):
                arguments["training"] = training
            if generic_utils.has_arg(cell.call, "constants") and constants is not None:
                arguments["constants"] = constants
            inputs, after = cell.call(inputs, state, **arguments)
            new.append(after)
        new = new[::-1] if self.reverse_state_order else new
        return inputs, nest.pack_sequence_as(self.state_size, nest.flatten(new))

    def build(self, input_shape):
        """Makes the variables of the cells."""
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        shape = _static(shape)
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(shape)
                cell.built = True
            size = getattr(cell, "output_size", None)
            if size is None:
                size = cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size
            shape = (shape[0], *_size_shape(size))
        self.built = True

    def get_config(self):
        """The arguments that make it again."""
        cells = [{"class_name": c.__class__.__name__, "config": c.get_config()} for c in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The cells that get_config described."""
        from tenon.python.keras import layers

        config = dict(config)
        return cls([layers.deserialize(c, custom_objects) for c in config.pop("cells")], **config)
