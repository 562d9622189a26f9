"""Cells of recurrent layers, with TFLearn's names of variables: CELL/Linear/Matrix and so on."""

import tenon as tf
from tenon.tflearn import activations, config, initializations
from tenon.tflearn import variables as vs


class RNNCell(tf.nn.rnn_cell.RNNCell):
    """What TFLearn's cells share."""

    def __init__(self, num_units, activation, bias, weights_init, trainable, restore, reuse):
        tf.nn.rnn_cell.RNNCell.__init__(self, _reuse=None)
        self._num_units, self.activation, self.bias = num_units, activations.get(activation), bias
        self.weights_init = initializations.initializer(weights_init)
        self.trainable_weights_, self.restore, self.reuse = trainable, restore, reuse
        self.variables_ = []

    @property
    def state_size(self):
        """The size of the state."""
        return self._num_units

    @property
    def output_size(self):
        """The size of outputs."""
        return self._num_units

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or type(self).__name__, reuse=self.reuse or None):
            return self._step(inputs, state)

    def _linear(self, parts, size, bias_start=0.0, scope="Linear"):
        """A linear map of tensors side by side."""
        with tf.variable_scope(scope):
            columns = sum(p.shape[-1].value for p in parts)
            matrix = vs.variable("Matrix", [columns, size], initializer=self.weights_init,
                                 trainable=self.trainable_weights_, restore=self.restore)  # fmt: skip
            self._note(matrix)
            found = tf.matmul(parts[0] if len(parts) == 1 else tf.concat(parts, 1), matrix)
            if not self.bias:
                return found
            b = vs.variable("Bias", [size], initializer=tf.constant_initializer(bias_start),
                            trainable=self.trainable_weights_, restore=self.restore)  # fmt: skip
            self._note(b)
            return found + b

    def _note(self, variable):
        if not any(variable is v for v in self.variables_):
            self.variables_.append(variable)


class BasicRNNCell(RNNCell):
    """activation(linear(inputs, state))."""

    def __init__(self, num_units, input_size=None, activation=tf.nn.tanh, bias=True, weights_init=None, trainable=True,
                 restore=True, reuse=False):  # fmt: skip
        super().__init__(num_units, activation, bias, weights_init, trainable, restore, reuse)

    def _step(self, inputs, state):
        output = self.activation(self._linear([inputs, state], self._num_units, 0.0))
        return output, output


class GRUCell(RNNCell):
    """Gated recurrent units."""

    def __init__(self, num_units, input_size=None, activation=tf.tanh, inner_activation=tf.sigmoid, bias=True,
                 weights_init=None, trainable=True, restore=True, reuse=False):  # fmt: skip
        super().__init__(num_units, activation, bias, weights_init, trainable, restore, reuse)
        self.inner_activation = activations.get(inner_activation)

    def _step(self, inputs, state):
        with tf.variable_scope("Gates"):  # reset and update; biases of 1 let the state pass at first
            both = self._linear([inputs, state], 2 * self._num_units, 1.0)
            r, u = (self.inner_activation(x) for x in tf.split(both, 2, axis=1))
        with tf.variable_scope("Candidate"):
            c = self.activation(self._linear([inputs, r * state], self._num_units, 0.0))
        new = u * state + (1 - u) * c
        return new, new


class BasicLSTMCell(RNNCell):
    """Long short-term memory."""

    def __init__(self, num_units, forget_bias=1.0, input_size=None, state_is_tuple=True, activation=tf.tanh,
                 inner_activation=tf.sigmoid, bias=True, weights_init=None, trainable=True, restore=True, reuse=False,
                 batch_norm=False):  # fmt: skip
        super().__init__(num_units, activation, bias, weights_init, trainable, restore, reuse)
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self.inner_activation = activations.get(inner_activation)
        if batch_norm:
            raise NotImplementedError("BasicLSTMCell: batch_norm is not there")

    @property
    def state_size(self):
        """The sizes of both states."""
        if self._state_is_tuple:
            return tf.nn.rnn_cell.LSTMStateTuple(self._num_units, self._num_units)
        return 2 * self._num_units

    def _step(self, inputs, state):
        c, h = state if self._state_is_tuple else tf.split(state, 2, axis=1)
        i, j, f, o = tf.split(self._linear([inputs, h], 4 * self._num_units, 0.0), 4, axis=1)
        gate = self.inner_activation
        new_c = c * gate(f + self._forget_bias) + gate(i) * self.activation(j)
        new_h = self.activation(new_c) * gate(o)
        if self._state_is_tuple:
            return new_h, tf.nn.rnn_cell.LSTMStateTuple(new_c, new_h)
        return new_h, tf.concat([new_c, new_h], 1)


class DropoutWrapper(tf.nn.rnn_cell.RNNCell):
    """A cell whose inputs and outputs are dropped at random, in training only."""

    def __init__(self, cell, input_keep_prob=1.0, output_keep_prob=1.0, seed=None):
        tf.nn.rnn_cell.RNNCell.__init__(self)
        for name, value in (("input_keep_prob", input_keep_prob), ("output_keep_prob", output_keep_prob)):
            if isinstance(value, float) and not 0.0 <= value <= 1.0:
                raise ValueError(f"Parameter {name} must be between 0 and 1: {value}")
        self._cell, self._keep, self._seed = cell, (input_keep_prob, output_keep_prob), seed

    @property
    def state_size(self):
        """That of the cell."""
        return self._cell.state_size

    @property
    def output_size(self):
        """That of the cell."""
        return self._cell.output_size

    @property
    def variables_(self):
        """Those of the cell."""
        return self._cell.variables_

    def _drop(self, x, keep):
        if isinstance(keep, float) and keep >= 1:
            return x
        found = tf.cond(config.get_training_mode(), lambda: tf.nn.dropout(x, keep, seed=self._seed),
                        lambda: tf.identity(x))  # fmt: skip
        found.set_shape(x.shape)
        return found

    def __call__(self, inputs, state, scope=None):
        output, new = self._cell(self._drop(inputs, self._keep[0]), state)
        return self._drop(output, self._keep[1]), new


class MultiRNNCell(tf.nn.rnn_cell.RNNCell):
    """Cells one on the other."""

    def __init__(self, cells, state_is_tuple=True):
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        tf.nn.rnn_cell.RNNCell.__init__(self)
        self._cells, self._state_is_tuple = cells, state_is_tuple

    @property
    def state_size(self):
        """The sizes of the cells' states."""
        if self._state_is_tuple:
            return tuple(cell.state_size for cell in self._cells)
        return sum(cell.state_size for cell in self._cells)

    @property
    def output_size(self):
        """That of the last cell."""
        return self._cells[-1].output_size

    @property
    def variables_(self):
        """Those of the cells."""
        return [v for cell in self._cells for v in getattr(cell, "variables_", [])]

    def __call__(self, inputs, state, scope=None):
        with tf.variable_scope(scope or type(self).__name__):
            states = state
            if not self._state_is_tuple:
                states = tf.split(state, [c.state_size for c in self._cells], axis=1)
            new = []
            for i, (cell, own) in enumerate(zip(self._cells, states)):
                with tf.variable_scope(f"Cell{i}"):
                    inputs, after = cell(inputs, own)
                    new.append(after)
        return inputs, tuple(new) if self._state_is_tuple else tf.concat(new, 1)
