"""What TensorFlow 2.21 has lost and the examples use, written with what it still has.

tf.contrib.seq2seq: attention (M. Luong and others, Effective Approaches to Attention-based Neural Machine Translation,
2015) around a cell, and decoders as plain loops of a known number of steps. Only what examples/seq2seq.py calls.
"""

import types
from collections import namedtuple

State = namedtuple("State", "cell_state attention")
State.clone = lambda self, **fields: self._replace(**fields)
Outputs = namedtuple("Outputs", "rnn_output sample_id")


class Attention:
    """Scores are products of the query with a linear layer over the memory; nothing behind the memory's end counts."""

    def __init__(self, tf, units, memory, memory_sequence_length):
        self.tf, self.size = tf, memory_sequence_length
        self.mask = tf.sequence_mask(memory_sequence_length, tf.shape(memory)[1])
        self.values = memory * tf.expand_dims(tf.cast(self.mask, tf.float32), 2)
        self.keys = tf.layers.dense(self.values, units, use_bias=False, name="memory_layer")

    def context(self, query):
        tf = self.tf
        scores = tf.reduce_sum(self.keys * tf.expand_dims(query, 1), 2)
        scores = tf.where(self.mask, scores, tf.fill(tf.shape(scores), float("-inf")))
        return tf.reduce_sum(tf.expand_dims(tf.nn.softmax(scores), 2) * self.values, 1)


class AttentionWrapper:
    """A cell that sees its last attention beside its input, and puts out a new one."""

    def __init__(self, tf, cell, attention, attention_layer_size):
        self.tf, self.cell, self.attention, self.size = tf, cell, attention, attention_layer_size

    def zero_state(self, n, dtype):
        return State(self.cell.zero_state(n, dtype), self.tf.zeros([n, self.size], dtype))

    def __call__(self, inputs, state):
        tf = self.tf
        output, cell_state = self.cell(tf.concat([inputs, state.attention], 1), state.cell_state)
        with tf.variable_scope("attention", reuse=tf.AUTO_REUSE):
            both = tf.concat([output, self.attention.context(output)], 1)
            attention = tf.layers.dense(both, self.size, use_bias=False, name="layer")
        return attention, State(cell_state, attention)


def seq2seq(tf):
    """The names of tf.contrib.seq2seq that the examples use."""

    def dynamic_decode(decoder, maximum_iterations):
        cell, (following, start), state, output_layer = decoder
        outputs, inputs = [], start
        for step in range(maximum_iterations):
            attention, state = cell(inputs, state)
            logits = output_layer(attention)
            sample = tf.argmax(logits, 1, output_type=tf.int32)
            outputs.append(Outputs(logits, sample))
            if step + 1 < maximum_iterations:
                inputs = following(step + 1, sample)
        return Outputs(*(tf.stack(parts, 1) for parts in zip(*outputs))), None, None

    def training_helper(inputs, lengths):
        return lambda step, sample: inputs[:, step], inputs[:, 0]

    def greedy_helper(table, first, end):
        return lambda step, sample: tf.nn.embedding_lookup(table, sample), tf.nn.embedding_lookup(table, first)

    def sequence_loss(logits, targets, weights):
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        return tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)

    return types.SimpleNamespace(
        LuongAttention=lambda *arguments: Attention(tf, *arguments),
        AttentionWrapper=lambda *arguments, **options: AttentionWrapper(tf, *arguments, **options),
        BasicDecoder=lambda cell, helper, start, output_layer: (cell, helper, start, output_layer),
        TrainingHelper=training_helper,
        GreedyEmbeddingHelper=greedy_helper,
        dynamic_decode=dynamic_decode,
        sequence_loss=sequence_loss,
    )
