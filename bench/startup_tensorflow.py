#!/usr/bin/env python3
"""TensorFlow from the start of the process (TENON_BENCH_START) to the end of the first training step of mlp."""

import json
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_eager_execution()
x, y = tf1.placeholder(tf.float32, [None, 784]), tf1.placeholder(tf.int64, [None])
hidden = tf.nn.relu(x @ tf1.get_variable("w1", [784, 500]) + tf1.get_variable("b1", [500]))
logits = hidden @ tf1.get_variable("w2", [500, 10]) + tf1.get_variable("b2", [10])
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
train = tf1.train.GradientDescentOptimizer(0.1).minimize(loss)
with tf1.Session() as session:
    session.run(tf1.global_variables_initializer())
    session.run([train, loss], {x: np.ones((100, 784), "f"), y: np.zeros(100, np.int64)})
value = (time.monotonic() - float(os.environ["TENON_BENCH_START"])) * 1e3
line = {"peer": "tensorflow", "version": tf.__version__, "work": "startup", "unit": "ms", "value": round(value, 1)}
print(json.dumps({**line, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
