"""Decoders unrolled into the graph, with lists of tensors, one a step."""

from tenon.contrib.rnn.core_rnn_cell import _Linear
from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, embedding_ops, math_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.legacy_seq2seq.rnn_decoder", "nn.seq2seq.rnn_decoder")
def rnn_decoder(decoder_inputs, initial_state, cell, loop_function=None, scope=None):
    """Runs CELL over the list DECODER_INPUTS, or over what LOOP_FUNCTION(output, i) makes: (outputs, state)."""
    with vs.variable_scope(scope or "rnn_decoder"):
        state, outputs, previous = initial_state, [], None
        for i, value in enumerate(decoder_inputs):
            if loop_function is not None and previous is not None:
                with vs.variable_scope("loop_function", reuse=True):
                    value = loop_function(previous, i)
            if i > 0:
                vs.get_variable_scope().reuse_variables()
            output, state = cell(value, state)
            outputs.append(output)
            if loop_function is not None:
                previous = output
    return outputs, state


def extract_argmax_and_embed(embedding, output_projection=None, update_embedding=True):
    """A loop function: the embedding of the likeliest class of the last output."""

    def loop_function(previous, _):
        if output_projection is not None:
            previous = nn_ops.xw_plus_b(previous, output_projection[0], output_projection[1])
        embedded = embedding_ops.embedding_lookup(embedding, math_ops.argmax(previous, 1))
        return embedded if update_embedding else array_ops.stop_gradient(embedded)

    return loop_function


@tf_export("contrib.legacy_seq2seq.embedding_rnn_decoder", "nn.seq2seq.embedding_rnn_decoder")
def embedding_rnn_decoder(decoder_inputs, initial_state, cell, num_symbols, embedding_size, output_projection=None,
                          feed_previous=False, update_embedding_for_previous=True, scope=None):  # fmt: skip
    """rnn_decoder over class numbers [batch], which it embeds."""
    with vs.variable_scope(scope or "embedding_rnn_decoder") as entered:
        if output_projection is not None:
            _check_projection(output_projection, num_symbols, entered.dtype)
        embedding = vs.get_variable("embedding", [num_symbols, embedding_size])
        loop_function = None
        if feed_previous:
            loop_function = extract_argmax_and_embed(embedding, output_projection, update_embedding_for_previous)
        embedded = (embedding_ops.embedding_lookup(embedding, i) for i in decoder_inputs)
        return rnn_decoder(list(embedded), initial_state, cell, loop_function=loop_function)


def _check_projection(output_projection, num_symbols, dtype):
    weights = output_projection[0]
    biases = output_projection[1]
    weights.get_shape().assert_is_compatible_with([None, num_symbols])
    biases.get_shape().assert_is_compatible_with([num_symbols])


class _Attention:
    """NUM_HEADS additive attentions over ATTENTION_STATES [batch, length, size]."""

    def __init__(self, attention_states, num_heads, dtype):
        self.length = attention_states.get_shape()[1].value
        if self.length is None:
            self.length = array_ops.shape(attention_states)[1]
        self.size = attention_states.get_shape()[2].value
        # As an image, so that a 1x1 convolution is W1 * h_t for all t.
        self.hidden = array_ops.reshape(attention_states, [-1, self.length, 1, self.size])
        self.features, self.v = [], []
        for a in range(num_heads):
            k = vs.get_variable(f"AttnW_{a}", [1, 1, self.size, self.size], dtype=dtype)
            self.features.append(nn_ops.conv2d(self.hidden, k, [1, 1, 1, 1], "SAME"))
            self.v.append(vs.get_variable(f"AttnV_{a}", [self.size], dtype=dtype))

    def __call__(self, query):
        """A list of [batch, size], one a head."""
        if nest.is_sequence(query):
            flat = nest.flatten(query)
            for item in flat:
                if item.get_shape().ndims:
                    assert item.get_shape().ndims == 2
            query = array_ops.concat(flat, 1)
        results = []
        for a, (features, v) in enumerate(zip(self.features, self.v)):
            with vs.variable_scope(f"Attention_{a}"):
                y = _Linear(query, self.size, True)(query)
                y = array_ops.reshape(y, [-1, 1, 1, self.size])
                y = math_ops.cast(y, dtype=features.dtype)
                score = math_ops.reduce_sum(v * math_ops.tanh(features + y), [2, 3])
                weights = nn_ops.softmax(math_ops.cast(score, dtype=dtypes.float32))
                weights = math_ops.cast(weights, self.hidden.dtype)
                shaped = array_ops.reshape(weights, [-1, self.length, 1, 1])
                results.append(array_ops.reshape(math_ops.reduce_sum(shaped * self.hidden, [1, 2]), [-1, self.size]))
        return results


@tf_export("contrib.legacy_seq2seq.attention_decoder", "nn.seq2seq.attention_decoder")
def attention_decoder(decoder_inputs, initial_state, attention_states, cell, output_size=None, num_heads=1,
                      loop_function=None, dtype=None, scope=None, initial_state_attention=False):  # fmt: skip
    """rnn_decoder that attends to ATTENTION_STATES [batch, length, size] at each step (arXiv 1412.7449)."""
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    if attention_states.get_shape()[2].value is None:
        raise ValueError(f"Shape[2] of attention_states must be known: {attention_states.get_shape()}")
    output_size = cell.output_size if output_size is None else output_size
    with vs.variable_scope(scope or "attention_decoder", dtype=dtype) as entered:
        dtype = entered.dtype
        batch_size = array_ops.shape(decoder_inputs[0])[0]
        attention = _Attention(attention_states, num_heads, dtype)
        state, outputs, previous = initial_state, [], None
        attns = [array_ops.zeros(array_ops.stack([batch_size, attention.size]), dtype=dtype) for _ in range(num_heads)]
        for a in attns:
            a.set_shape([None, attention.size])
        if initial_state_attention:
            attns = attention(initial_state)
        for i, value in enumerate(decoder_inputs):
            if i > 0:
                vs.get_variable_scope().reuse_variables()
            if loop_function is not None and previous is not None:
                with vs.variable_scope("loop_function", reuse=True):
                    value = loop_function(previous, i)
            size = value.get_shape().with_rank(2)[1]
            if size.value is None:
                raise ValueError(f"Could not infer input size from input: {value.name}")
            mixed = [value, *attns]
            x = _Linear(mixed, size.value, True)(mixed)
            cell_output, state = cell(x, state)
            if i == 0 and initial_state_attention:
                with vs.variable_scope(vs.get_variable_scope(), reuse=True):
                    attns = attention(state)
            else:
                attns = attention(state)
            with vs.variable_scope("AttnOutputProjection"):
                mixed = [math_ops.cast(cell_output, dtype), *attns]
                output = _Linear(mixed, output_size, True)(mixed)
            if loop_function is not None:
                previous = output
            outputs.append(output)
    return outputs, state


@tf_export("contrib.legacy_seq2seq.embedding_attention_decoder", "nn.seq2seq.embedding_attention_decoder")
def embedding_attention_decoder(decoder_inputs, initial_state, attention_states, cell, num_symbols, embedding_size,
                                num_heads=1, output_size=None, output_projection=None, feed_previous=False,
                                update_embedding_for_previous=True, dtype=None, scope=None,
                                initial_state_attention=False):  # fmt: skip
    """attention_decoder over class numbers [batch], which it embeds."""
    output_size = cell.output_size if output_size is None else output_size
    if output_projection is not None:
        _check_projection(output_projection, num_symbols, dtype)
    with vs.variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        embedding = vs.get_variable("embedding", [num_symbols, embedding_size])
        loop_function = None
        if feed_previous:
            loop_function = extract_argmax_and_embed(embedding, output_projection, update_embedding_for_previous)
        embedded = [embedding_ops.embedding_lookup(embedding, i) for i in decoder_inputs]
        return attention_decoder(
            embedded, initial_state, attention_states, cell, output_size=output_size, num_heads=num_heads,
            loop_function=loop_function, initial_state_attention=initial_state_attention,
        )  # fmt: skip
