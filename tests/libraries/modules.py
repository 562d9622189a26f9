"""packages: dm-sonnet==1.23 semantic-version contextlib2 wrapt absl-py six
environment: PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python"""

import sonnet as snt
import tensorflow as tf

pictures = tf.random_normal([4, 8, 8, 3])
net = snt.Sequential([snt.Conv2D(8, 3), tf.nn.relu, snt.BatchFlatten(), snt.Linear(10)])
cell = snt.LSTM(16)
outputs, _ = tf.nn.dynamic_rnn(cell, tf.random_normal([4, 5, 3]), initial_state=cell.initial_state(4))
made = snt.nets.MLP([5, 3])(net(pictures))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    assert [value.shape for value in session.run([outputs, made])] == [(4, 5, 16), (4, 3)]
assert "lstm/w_gates:0" in [v.name for v in tf.trainable_variables()]
