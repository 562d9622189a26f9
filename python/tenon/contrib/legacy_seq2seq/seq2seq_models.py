"""Whole sequence-to-sequence models, unrolled, with lists of tensors, one a step."""

import copy

from tenon.contrib.legacy_seq2seq import seq2seq_decoders as decoders
from tenon.contrib.rnn.core_rnn_cell import EmbeddingWrapper, OutputProjectionWrapper
from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, control_flow_ops, rnn_static
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.legacy_seq2seq.basic_rnn_seq2seq", "nn.seq2seq.basic_rnn_seq2seq")
def basic_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, dtype=dtypes.float32, scope=None):
    """An encoder whose last state begins the decoder; the same kind of cell, other variables: (outputs, state)."""
    with vs.variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = rnn_static.static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return decoders.rnn_decoder(decoder_inputs, state, cell)


@tf_export("contrib.legacy_seq2seq.tied_rnn_seq2seq", "nn.seq2seq.tied_rnn_seq2seq")
def tied_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, loop_function=None, dtype=dtypes.float32, scope=None):
    """basic_rnn_seq2seq with the same variables in the encoder and the decoder."""
    with vs.variable_scope("combined_tied_rnn_seq2seq"):
        entered = scope or "tied_rnn_seq2seq"
        _, state = rnn_static.static_rnn(cell, encoder_inputs, dtype=dtype, scope=entered)
        vs.get_variable_scope().reuse_variables()
        return decoders.rnn_decoder(decoder_inputs, state, cell, loop_function=loop_function, scope=entered)


def _either(feed_previous, build, state_size):
    """The decoder that feeds its own output or the one that does not, by a bool tensor: (outputs, state)."""

    def branch(feeds, reuse):
        with vs.variable_scope(vs.get_variable_scope(), reuse=reuse):
            outputs, state = build(feeds)
            return outputs + (nest.flatten(state) if nest.is_sequence(state) else [state])

    made = control_flow_ops.cond(feed_previous, lambda: branch(True, None), lambda: branch(False, True))
    n = len(made) - len(nest.flatten(state_size))
    state = made[n:]
    if nest.is_sequence(state_size):
        return made[:n], nest.pack_sequence_as(structure=state_size, flat_sequence=state)
    return made[:n], state[0]


@tf_export("contrib.legacy_seq2seq.embedding_rnn_seq2seq", "nn.seq2seq.embedding_rnn_seq2seq")
def embedding_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols,
                          embedding_size, output_projection=None, feed_previous=False, dtype=None,
                          scope=None):  # fmt: skip
    """An embedding encoder and an embedding decoder."""
    with vs.variable_scope(scope or "embedding_rnn_seq2seq") as entered:
        if dtype is not None:
            entered.set_dtype(dtype)
        else:
            dtype = entered.dtype
        encoder = EmbeddingWrapper(
            copy.deepcopy(cell), embedding_classes=num_encoder_symbols, embedding_size=embedding_size
        )
        _, state = rnn_static.static_rnn(encoder, encoder_inputs, dtype=dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def build(feeds, update=False):
            return decoders.embedding_rnn_decoder(
                decoder_inputs, state, cell, num_decoder_symbols, embedding_size, output_projection=output_projection,
                feed_previous=feeds, update_embedding_for_previous=update,
            )  # fmt: skip

        if isinstance(feed_previous, bool):
            return build(feed_previous, True)
        return _either(feed_previous, build, state)


@tf_export("contrib.legacy_seq2seq.embedding_tied_rnn_seq2seq", "nn.seq2seq.embedding_tied_rnn_seq2seq")
def embedding_tied_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, num_symbols, embedding_size,
                               num_decoder_symbols=None, output_projection=None, feed_previous=False, dtype=None,
                               scope=None):  # fmt: skip
    """Encoder and decoder with the same embedding and the same cell."""
    from tenon.python.ops import embedding_ops

    with vs.variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as entered:
        dtype = entered.dtype
        embedding = vs.get_variable("embedding", [num_symbols, embedding_size], dtype=dtype)
        encoded = [embedding_ops.embedding_lookup(embedding, x) for x in encoder_inputs]
        decoded = [embedding_ops.embedding_lookup(embedding, x) for x in decoder_inputs]
        classes = num_symbols if num_decoder_symbols is None else num_decoder_symbols
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, classes)

        def build(feeds, update=False):
            loop = decoders.extract_argmax_and_embed(embedding, output_projection, update) if feeds else None
            return tied_rnn_seq2seq(encoded, decoded, cell, loop_function=loop, dtype=dtype)

        if isinstance(feed_previous, bool):
            return build(feed_previous, True)
        state = cell.zero_state(array_ops.shape(encoder_inputs[0])[0], dtype)
        return _either(feed_previous, build, state)


@tf_export("contrib.legacy_seq2seq.embedding_attention_seq2seq", "nn.seq2seq.embedding_attention_seq2seq")
def embedding_attention_seq2seq(encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols,
                                embedding_size, num_heads=1, output_projection=None, feed_previous=False, dtype=None,
                                scope=None, initial_state_attention=False):  # fmt: skip
    """An embedding encoder, and an embedding decoder that attends to the encoder's outputs."""
    with vs.variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as entered:
        dtype = entered.dtype
        encoder = EmbeddingWrapper(
            copy.deepcopy(cell), embedding_classes=num_encoder_symbols, embedding_size=embedding_size
        )
        outputs, state = rnn_static.static_rnn(encoder, encoder_inputs, dtype=dtype)
        top = [array_ops.reshape(e, [-1, 1, cell.output_size]) for e in outputs]
        attention_states = array_ops.concat(top, 1)
        output_size = None
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
            output_size = num_decoder_symbols

        def build(feeds, update=False):
            return decoders.embedding_attention_decoder(
                decoder_inputs, state, attention_states, cell, num_decoder_symbols, embedding_size,
                num_heads=num_heads, output_size=output_size, output_projection=output_projection,
                feed_previous=feeds, update_embedding_for_previous=update,
                initial_state_attention=initial_state_attention,
            )  # fmt: skip

        if isinstance(feed_previous, bool):
            return build(feed_previous, True)
        return _either(feed_previous, build, state)


@tf_export("contrib.legacy_seq2seq.one2many_rnn_seq2seq", "nn.seq2seq.one2many_rnn_seq2seq")
def one2many_rnn_seq2seq(encoder_inputs, decoder_inputs_dict, enc_cell, dec_cells_dict, num_encoder_symbols,
                         num_decoder_symbols_dict, embedding_size, feed_previous=False, dtype=None,
                         scope=None):  # fmt: skip
    """One encoder, and a decoder for each name of DECODER_INPUTS_DICT: dictionaries of outputs and states."""
    outputs, states = {}, {}
    with vs.variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype) as entered:
        dtype = entered.dtype
        encoder = EmbeddingWrapper(enc_cell, embedding_classes=num_encoder_symbols, embedding_size=embedding_size)
        _, state = rnn_static.static_rnn(encoder, encoder_inputs, dtype=dtype)
        for name, inputs in decoder_inputs_dict.items():
            classes = num_decoder_symbols_dict[name]
            with vs.variable_scope("one2many_decoder_" + str(name)):
                cell = OutputProjectionWrapper(dec_cells_dict[name], classes)

                def build(feeds, update=False, inputs=inputs, cell=cell, classes=classes):
                    return decoders.embedding_rnn_decoder(
                        inputs, state, cell, classes, embedding_size, feed_previous=feeds,
                        update_embedding_for_previous=update,
                    )  # fmt: skip

                if isinstance(feed_previous, bool):
                    outputs[name], states[name] = build(feed_previous, True)
                else:
                    outputs[name], states[name] = _either(feed_previous, build, state)
    return outputs, states
