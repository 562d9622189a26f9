"""The gradients of block cells that TensorFlow 2.21 lacks, or takes wrongly."""

import numpy as np

import tenon as tf
from tenon.python.ops import gen_ops

RANDOM = np.random.RandomState(5)
TIME, BATCH, INPUTS, CELLS = 3, 2, 5, 4


def numbers(*shape):
    return tf.constant(RANDOM.uniform(-0.8, 0.8, shape).astype("f"))


def lstm_inputs():
    """x, cs_prev, h_prev, w, wci, wcf, wco, b."""
    shapes = [
        (TIME, BATCH, INPUTS),
        (BATCH, CELLS),
        (BATCH, CELLS),
        (INPUTS + CELLS, 4 * CELLS),
        *[(CELLS,)] * 3,
        (4 * CELLS,),
    ]
    return [numbers(*shape) for shape in shapes]


def gradients(outputs, xs):
    """Of the outputs, weighed so that none is like another."""
    weights = np.random.RandomState(1)
    total = tf.add_n([tf.reduce_sum(y * weights.rand(*y.shape.as_list()).astype("f")) for y in outputs])
    return tf.gradients(total, xs)


def close(ours, theirs):
    with tf.Session() as session:
        for a, b in zip(*session.run([ours, theirs])):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_steps_are_a_sequence():
    """BlockLSTM's gradient is TensorFlow's; LSTMBlockCell's, over the same steps, is the same."""
    for peephole in (False, True):
        with tf.Graph().as_default():
            xs = lstm_inputs()
            options = {"forget_bias": 0.5, "cell_clip": -1.0, "use_peephole": peephole}
            whole = gen_ops.block_lstm(tf.constant(TIME, tf.int64), *xs, **options)
            cs, h, hs = xs[1], xs[2], []
            for x in tf.unstack(xs[0]):
                step = gen_ops.lstm_block_cell(x, cs, h, *xs[3:], **options)
                cs, h = step.cs, step.h
                hs.append(h)
            close(gradients([tf.stack(hs), cs], xs), gradients([whole.h, whole.cs[-1]], xs))


def test_second_version_is_the_first_in_another_order():
    with tf.Graph().as_default():
        xs = lstm_inputs()
        swapped = [tf.concat([tf.split(v, 4, -1)[i] for i in (0, 2, 1, 3)], -1) for v in (xs[3], xs[7])]
        first = gen_ops.block_lstm(
            tf.constant(TIME, tf.int64), *xs[:3], swapped[0], *xs[4:7], swapped[1], forget_bias=0.0, cell_clip=-1.0,
            use_peephole=True,
        )  # fmt: skip
        second = gen_ops.block_lstmv2(tf.constant(TIME, tf.int64), *xs, use_peephole=True)
        close([second.h, second.cs], [first.h, first.cs])
        close(gradients([second.h, second.cs], xs), gradients([first.h, first.cs], xs))


def test_gru():
    with tf.Graph().as_default():
        xs = [numbers(BATCH, INPUTS), numbers(BATCH, CELLS), numbers(INPUTS + CELLS, 2 * CELLS),
              numbers(INPUTS + CELLS, CELLS), numbers(2 * CELLS), numbers(CELLS)]  # fmt: skip
        x, h, w_ru, w_c, b_ru, b_c = xs
        r, u = tf.split(tf.sigmoid(tf.matmul(tf.concat([x, h], 1), w_ru) + b_ru), 2, 1)
        c = tf.tanh(tf.matmul(tf.concat([x, r * h], 1), w_c) + b_c)
        plain = u * h + (1 - u) * c
        block = gen_ops.gru_block_cell(*xs).h
        close([block], [plain])
        close(gradients([block], xs), gradients([plain], xs))
