# Summaries for TensorBoard, and run metadata.
import glob
import os

import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 6], name="x-input")
with tf.name_scope("layer"):
    with tf.name_scope("weights"):
        w = tf.Variable(tf.truncated_normal([6, 2], stddev=0.1, seed=1))
        mean = tf.reduce_mean(w)
        tf.summary.scalar("mean/layer", mean)
        tf.summary.scalar("stddev/layer", tf.sqrt(tf.reduce_mean(tf.square(w - mean))))
        tf.summary.histogram("layer/weights", w)
    y = tf.nn.relu(tf.matmul(x, w), name="activation")
loss = tf.reduce_mean(tf.square(y - 1))
tf.summary.scalar("loss", loss)
tf.summary.image("input", tf.reshape(x, [-1, 2, 3, 1]), 2)
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
merged = tf.summary.merge_all()
with tf.Session() as sess:
    writer = tf.summary.FileWriter("log", sess.graph)
    sess.run(tf.global_variables_initializer())
    for i in range(6):
        feed = {x: np.random.RandomState(i).rand(8, 6)}
        summary = sess.run(merged, feed)
        if i == 3:
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            metadata = tf.RunMetadata()
            sess.run(train, feed, options=options, run_metadata=metadata)
            writer.add_run_metadata(run_metadata=metadata, tag="tag%d" % i, global_step=i)
            print(len(metadata.step_stats.dev_stats) > 0)
        else:
            sess.run(train, feed)
        writer.add_summary(summary, i)
    writer.close()
events = glob.glob(os.path.join("log", "events.out.tfevents.*"))
print(len(events))
tags = {}
for event in tf.train.summary_iterator(events[0]):
    for value in event.summary.value:
        tags.setdefault(value.tag, []).append(round(value.simple_value, 5))
for tag in sorted(tags):
    print(tag, tags[tag])
