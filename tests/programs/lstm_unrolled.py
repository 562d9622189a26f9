# A cell by hand, step by step, its variables shared by reuse.
import numpy as np
import tensorflow as tf

BATCH, STEPS, SIZE = 4, 5, 8
rng = np.random.RandomState(2)
lstm = tf.nn.rnn_cell.BasicLSTMCell(SIZE)
state = lstm.zero_state(BATCH, tf.float32)
inputs = tf.placeholder(tf.float32, [BATCH, STEPS, 3])
target = tf.placeholder(tf.float32, [BATCH, 1])
loss = 0.0
initializer = tf.random_uniform_initializer(-0.2, 0.2, seed=7)
with tf.variable_scope("rnn", initializer=initializer):
    for i in range(STEPS):
        if i > 0:
            tf.get_variable_scope().reuse_variables()
        output, state = lstm(inputs[:, i], state)
        w = tf.get_variable("w", [SIZE, 1])
        loss += tf.reduce_mean(tf.square(tf.matmul(output, w) - target))
train = tf.train.GradientDescentOptimizer(0.05).minimize(loss)
print([v.name for v in tf.trainable_variables()])
x, y = rng.rand(BATCH, STEPS, 3), rng.rand(BATCH, 1)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    losses = [sess.run([train, loss], {inputs: x, target: y})[1] for _ in range(100)]
    print(" ".join("%.5f" % value for value in losses))
    print(state.c.name, state.h.shape, sess.run(state.h, {inputs: x}).round(4).tolist())
