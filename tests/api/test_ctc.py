"""CTC losses and decoders, and edit distances, against TensorFlow."""

import numpy as np

from api.both import both

LOGITS = np.random.RandomState(1).randn(6, 2, 5).astype("f")
LENGTHS = np.array([6, 4], "i")
LABELS = ([[0, 0], [0, 1], [1, 0]], np.array([1, 2, 3], "i"), [2, 2])


def parts(value):
    return [value.indices, value.values, value.dense_shape]


def test_loss():
    def program(tf):
        x = tf.constant(LOGITS)
        loss = tf.nn.ctc_loss(tf.SparseTensor(*LABELS), x, LENGTHS)
        other = tf.nn.ctc_loss(
            labels=tf.SparseTensor(*LABELS),
            logits=tf.transpose(x, [1, 0, 2]),
            sequence_length=LENGTHS,
            time_major=False,
        )
        return loss, other, tf.gradients(loss, x)

    both(program, rtol=1e-4, atol=1e-5)


def test_loss_v2():
    def program(tf):
        x = tf.constant(LOGITS)
        sparse = tf.nn.ctc_loss_v2(tf.SparseTensor(*LABELS), x, None, LENGTHS, blank_index=0)
        dense = tf.nn.ctc_loss_v2(np.array([[1, 2], [3, 0]], "i"), x, np.array([2, 1], "i"), LENGTHS)
        return sparse, dense, tf.gradients(dense, x)

    both(program, rtol=1e-4, atol=1e-5)
    both.error(lambda tf: tf.nn.ctc_loss_v2(tf.SparseTensor(*LABELS), LOGITS, None, LENGTHS))


def test_decoders():
    def program(tf):
        greedy, score = tf.nn.ctc_greedy_decoder(LOGITS, LENGTHS)
        beams, chances = tf.nn.ctc_beam_search_decoder(LOGITS, LENGTHS, beam_width=10, top_paths=2)
        repeats, _ = tf.nn.ctc_beam_search_decoder_v2(LOGITS, LENGTHS, beam_width=10)
        return [parts(x) for x in (*greedy, *beams, *repeats)], score, chances

    both(program, rtol=1e-4, atol=1e-5)


def test_edit_distance():
    def program(tf):
        a = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], ["a", "b", "c"], [2, 2])
        b = tf.SparseTensor([[0, 0], [1, 0]], ["a", "x"], [2, 1])
        return tf.edit_distance(a, b), tf.edit_distance(a, b, normalize=False)

    both(program)
    both.error(lambda tf: tf.edit_distance([1], [2]))
