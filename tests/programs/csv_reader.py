# Lines of a file through a reader, a queue and a batch; a regression on them.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(9)
with open("data.csv", "w") as f:
    f.write("a,b,label\n")
    for _ in range(40):
        a, b = rng.rand(2)
        f.write("%.4f,%.4f,%.4f\n" % (a, b, 3 * a - b))
filename_queue = tf.train.string_input_producer(["data.csv"], shuffle=False)
reader = tf.TextLineReader(skip_header_lines=1)
key, value = reader.read(filename_queue)
a, b, label = tf.decode_csv(value, record_defaults=[[0.0], [0.0], [0.0]])
features, labels = tf.train.batch([tf.stack([a, b]), label], batch_size=10)
w = tf.Variable(tf.zeros([2, 1]), name="w")
loss = tf.reduce_mean(tf.square(tf.squeeze(tf.matmul(features, w), 1) - labels))
train_op = tf.train.AdagradOptimizer(0.5).minimize(loss)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(tf.local_variables_initializer())
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(coord=coord)
    for i in range(41):
        _, value = sess.run([train_op, loss])
        if i % 10 == 0:
            print("%d %.5f" % (i, value))
    coord.request_stop()
    coord.join(threads)
