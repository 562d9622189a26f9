# tensorflow: no (these names went with 1.0). A program for TensorFlow 0.12.
import numpy as np
import tensorflow as tf

x = tf.placeholder("float", [None, 4])
y = tf.placeholder("float", [None, 2])
w = tf.Variable(tf.random_normal([4, 2], stddev=0.1, seed=1))
b = tf.Variable(tf.zeros([2]))
logits = tf.add(tf.matmul(x, w), b)
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits, y))
tf.scalar_summary("cost", cost)
merged = tf.merge_all_summaries()
train = tf.train.GradientDescentOptimizer(0.5).minimize(cost)
packed = tf.pack([tf.mul(2.0, 3.0), tf.sub(5.0, 1.0), tf.neg(1.0)])
joined = tf.concat(0, [packed, packed])
parts = tf.split(0, 2, joined)
X = np.random.RandomState(1).rand(20, 4)
Y = np.eye(2)[(X[:, 0] > X[:, 1]).astype(int)]
with tf.Session() as sess:
    sess.run(tf.initialize_all_variables())
    writer = tf.train.SummaryWriter("logs", sess.graph)
    first = sess.run(cost, {x: X, y: Y})
    for i in range(30):
        summary, value, _ = sess.run([merged, cost, train], {x: X, y: Y})
        writer.add_summary(summary, i)
    print("falls:", value < first, sess.run(joined).tolist(), sess.run(parts[1]).tolist())
