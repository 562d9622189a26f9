# tensorflow: no (as lstm_unrolled.py). A sine wave learnt by stacked cells.
import numpy as np
import tensorflow as tf

HIDDEN, LAYERS, STEPS = 16, 2, 10
t = np.linspace(0, 20, 400, dtype=np.float32)
wave = np.sin(t)
X = np.array([wave[i : i + STEPS] for i in range(len(wave) - STEPS)])[:, :, None]
Y = np.array([wave[i + STEPS] for i in range(len(wave) - STEPS)])[:, None]


def model(x, y):
    cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(HIDDEN) for _ in range(LAYERS)])
    outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    predictions = tf.contrib.layers.fully_connected(outputs[:, -1, :], 1, activation_fn=None)
    loss = tf.losses.mean_squared_error(labels=y, predictions=predictions)
    train_op = tf.contrib.layers.optimize_loss(loss, tf.train.get_global_step(), optimizer="Adam", learning_rate=0.01)
    return predictions, loss, train_op


tf.set_random_seed(1)
tf.train.get_or_create_global_step()
x, y = tf.placeholder(tf.float32, [None, STEPS, 1]), tf.placeholder(tf.float32, [None, 1])
with tf.variable_scope("model"):
    _, loss, train_op = model(x, y)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(60):
        start = i * 65 % 325
        _, value = sess.run([train_op, loss], {x: X[start : start + 65], y: Y[start : start + 65]})
    print("learnt:", value < 0.05, "step", sess.run(tf.train.get_global_step()))
