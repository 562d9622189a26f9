"""Recurrent layers."""

import tenon as tf
from tenon.tflearn.collections import remember
from tenon.tflearn.layers.recurrent_cells import (  # noqa: F401  (programs find the cells here)
    BasicLSTMCell,
    BasicRNNCell,
    DropoutWrapper,
    GRUCell,
    MultiRNNCell,
    RNNCell,
)


def retrieve_seq_length_op(data):
    """How many steps of each sequence (samples, steps, features) are not zero: up to the last that is not."""
    with tf.name_scope("GetLength"):
        used = tf.sign(tf.reduce_max(tf.abs(data), axis=2))
        return tf.cast(tf.reduce_sum(used, axis=1), tf.int32)


def advanced_indexing_op(input, index):
    """The step before INDEX of each sequence: what was last put out."""
    with tf.name_scope("AdvancedIndexing"):
        batch, steps = tf.shape(input)[0], tf.shape(input)[1]
        size = int(input.shape[2])
        rows = tf.range(0, batch) * steps + (index - 1)
        return tf.gather(tf.reshape(input, [-1, size]), rows)


def _kept(dropout):
    """(share of inputs, share of outputs) that is kept."""
    if isinstance(dropout, float):
        return 1.0, dropout
    if isinstance(dropout, tuple) and len(dropout) == 2:
        return dropout
    raise Exception(f"Invalid dropout: {dropout}; a number or a pair (of inputs, of outputs) is wanted")


def _steps(incoming, dynamic):
    """(inputs as the loop takes them, lengths of sequences)."""
    if isinstance(incoming, tf.Tensor) and incoming.shape.ndims != 3:
        raise Exception(f"Incoming tensor must be (samples, steps, features), not {incoming.shape}")
    if not dynamic:
        return (incoming if isinstance(incoming, (list, tuple)) else tf.unstack(incoming, axis=1)), None
    if isinstance(incoming, (list, tuple)):
        incoming = tf.stack(incoming, axis=1)
    lengths = getattr(incoming, "seq_length", None)
    return incoming, retrieve_seq_length_op(incoming) if lengths is None else lengths


def _rnn_template(incoming, cell, dropout=None, return_seq=False, return_state=False, initial_state=None,
                  dynamic=False, scope=None, reuse=False, name="LSTM"):  # fmt: skip
    """A cell over the steps of (samples, steps, features) or of a list of steps."""
    with tf.variable_scope(scope, default_name=name, values=[incoming], reuse=reuse) as scope:
        name = scope.name
        used = DropoutWrapper(cell, *_kept(dropout)) if dropout else cell
        inputs, lengths = _steps(incoming, dynamic)
        inner = name.split("/")[-1]
        if dynamic:
            outputs, state = tf.nn.dynamic_rnn(used, inputs, dtype=tf.float32, initial_state=initial_state,
                                               sequence_length=lengths, scope=inner)  # fmt: skip
        else:
            outputs, state = tf.nn.static_rnn(used, inputs, dtype=tf.float32, initial_state=initial_state, scope=inner)
        variables = list(cell.variables_)
    if dynamic:
        o = outputs if return_seq else advanced_indexing_op(outputs, lengths)
    else:
        o = outputs if return_seq else outputs[-1]
    # A list of steps cannot carry attributes; its steps do.
    first = o[0] if isinstance(o, list) else o
    first.scope, first.W = scope, variables
    remember(name, o if isinstance(o, tf.Tensor) else outputs[-1], variables)
    return (o, state) if return_state else o


def simple_rnn(incoming, n_units, activation="sigmoid", dropout=None, bias=True, weights_init=None, return_seq=False,
               return_state=False, initial_state=None, dynamic=False, trainable=True, restore=True, reuse=False,
               scope=None, name="SimpleRNN"):  # fmt: skip
    """A simple recurrent layer: its last output, or all where RETURN_SEQ says so."""
    cell = BasicRNNCell(n_units, activation=activation, bias=bias, weights_init=weights_init, trainable=trainable,
                        restore=restore)  # fmt: skip
    return _rnn_template(incoming, cell=cell, dropout=dropout, return_seq=return_seq, return_state=return_state,
                         initial_state=initial_state, dynamic=dynamic, scope=scope, reuse=reuse, name=name)  # fmt: skip


def lstm(incoming, n_units, activation="tanh", inner_activation="sigmoid", dropout=None, bias=True, weights_init=None,
         forget_bias=1.0, return_seq=False, return_state=False, initial_state=None, dynamic=False, trainable=True,
         restore=True, reuse=False, scope=None, name="LSTM"):  # fmt: skip
    """Long short-term memory: its last output, or all where RETURN_SEQ says so."""
    cell = BasicLSTMCell(n_units, activation=activation, inner_activation=inner_activation, forget_bias=forget_bias,
                         bias=bias, weights_init=weights_init, trainable=trainable, restore=restore)  # fmt: skip
    return _rnn_template(incoming, cell=cell, dropout=dropout, return_seq=return_seq, return_state=return_state,
                         initial_state=initial_state, dynamic=dynamic, scope=scope, reuse=reuse, name=name)  # fmt: skip


def gru(incoming, n_units, activation="tanh", inner_activation="sigmoid", dropout=None, bias=True, weights_init=None,
        return_seq=False, return_state=False, initial_state=None, dynamic=False, trainable=True, restore=True,
        reuse=False, scope=None, name="GRU"):  # fmt: skip
    """Gated recurrent units: their last output, or all where RETURN_SEQ says so."""
    cell = GRUCell(n_units, activation=activation, inner_activation=inner_activation, bias=bias,
                   weights_init=weights_init, trainable=trainable, restore=restore)  # fmt: skip
    return _rnn_template(incoming, cell=cell, dropout=dropout, return_seq=return_seq, return_state=return_state,
                         initial_state=initial_state, dynamic=dynamic, scope=scope, reuse=reuse, name=name)  # fmt: skip


def bidirectional_rnn(incoming, rnncell_fw, rnncell_bw, return_seq=False, return_states=False, initial_state_fw=None,
                      initial_state_bw=None, dynamic=False, scope=None, name="BiRNN"):  # fmt: skip
    """Cells over the steps in both directions, outputs side by side."""
    if rnncell_fw is rnncell_bw:
        raise AssertionError("rnncell_fw and rnncell_bw must be different cells")
    with tf.variable_scope(scope, default_name=name, values=[incoming]) as scope:
        name = scope.name
        inputs, lengths = _steps(incoming, dynamic)
        if dynamic:
            outputs, states = tf.nn.bidirectional_dynamic_rnn(
                rnncell_fw, rnncell_bw, inputs, sequence_length=lengths, initial_state_fw=initial_state_fw,
                initial_state_bw=initial_state_bw, dtype=tf.float32)  # fmt: skip
            whole = tf.concat(outputs, 2)
        else:
            whole, fw, bw = tf.nn.static_bidirectional_rnn(
                rnncell_fw, rnncell_bw, inputs, initial_state_fw=initial_state_fw, initial_state_bw=initial_state_bw,
                dtype=tf.float32)  # fmt: skip
            states = fw, bw
        variables = [v for cell in (rnncell_fw, rnncell_bw) for v in getattr(cell, "variables_", [])]
    if dynamic:
        o = whole if return_seq else advanced_indexing_op(whole, lengths)
    else:
        o = whole if return_seq else whole[-1]
    (o[0] if isinstance(o, list) else o).scope = scope
    remember(name, o if isinstance(o, tf.Tensor) else o[-1], variables)
    return (o, states[0], states[1]) if return_states else o
