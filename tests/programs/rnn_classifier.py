# Sequences to classes in three ways: static_rnn over a list, both directions, dynamic lengths.
import numpy as np
import tensorflow as tf
from tensorflow.contrib import rnn

TIMESTEPS, NUM_INPUT, NUM_HIDDEN, NUM_CLASSES, BATCH = 9, 4, 10, 3, 16
rng = np.random.RandomState(7)
X = rng.randn(160, TIMESTEPS, NUM_INPUT).astype("float32")
lengths = rng.randint(3, TIMESTEPS + 1, 160)
Y = np.eye(NUM_CLASSES)[np.argmax(X[:, :3, :NUM_CLASSES].sum(1), 1)]
start = tf.random_uniform_initializer(-0.4, 0.4, seed=5)


def static(x, _):
    x = tf.unstack(x, TIMESTEPS, 1)
    lstm_cell = rnn.BasicLSTMCell(NUM_HIDDEN, forget_bias=1.0)
    outputs, states = rnn.static_rnn(lstm_cell, x, dtype=tf.float32)
    return outputs[-1], NUM_HIDDEN


def both_ways(x, _):
    x = tf.unstack(x, TIMESTEPS, 1)
    fw, bw = rnn.GRUCell(NUM_HIDDEN), rnn.BasicRNNCell(NUM_HIDDEN)
    outputs, _, _ = rnn.static_bidirectional_rnn(fw, bw, x, dtype=tf.float32)
    return outputs[-1], 2 * NUM_HIDDEN


def dynamic(x, seqlen):
    x = tf.unstack(x, TIMESTEPS, 1)
    cell = rnn.LSTMCell(NUM_HIDDEN, use_peepholes=True, num_proj=NUM_HIDDEN // 2)
    outputs, _ = tf.nn.static_rnn(cell, x, dtype=tf.float32, sequence_length=seqlen)
    outputs = tf.transpose(tf.stack(outputs), [1, 0, 2])
    index = tf.range(0, tf.shape(outputs)[0]) * TIMESTEPS + (seqlen - 1)
    return tf.gather(tf.reshape(outputs, [-1, NUM_HIDDEN // 2]), index), NUM_HIDDEN // 2


for model in (static, both_ways, dynamic):
    tf.reset_default_graph()
    x = tf.placeholder("float", [None, TIMESTEPS, NUM_INPUT])
    y = tf.placeholder("float", [None, NUM_CLASSES])
    seqlen = tf.placeholder(tf.int32, [None])
    with tf.variable_scope(model.__name__, initializer=start):
        features, size = model(x, seqlen)
        logits = tf.matmul(features, tf.get_variable("w", [size, NUM_CLASSES])) + tf.get_variable("b", [NUM_CLASSES])
    loss_op = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
    train_op = tf.train.RMSPropOptimizer(learning_rate=0.01, momentum=0.5).minimize(loss_op)
    correct = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1)), tf.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = []
        for step in range(100):
            part = slice(step * BATCH % 160, step * BATCH % 160 + BATCH)
            feed = {x: X[part], y: Y[part], seqlen: lengths[part]}
            losses.append(sess.run([train_op, loss_op], feed)[1])
        print(model.__name__, [v.op.name for v in tf.trainable_variables()])
        print(" ".join("%.4f" % value for value in losses))
        print("accuracy is better than chance:", sess.run(correct, {x: X, y: Y, seqlen: lengths}) > 0.5)
