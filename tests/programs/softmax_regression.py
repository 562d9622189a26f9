# The first program of many: softmax regression in an interactive session.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(3)
images = rng.rand(2000, 64).astype("float32")
labels = np.eye(10, dtype="float32")[np.argmax(images.dot(rng.randn(64, 10)), 1)]

sess = tf.InteractiveSession()
x = tf.placeholder(tf.float32, [None, 64])
W = tf.Variable(tf.zeros([64, 10]))
b = tf.Variable(tf.zeros([10]))
y = tf.nn.softmax(tf.matmul(x, W) + b)
y_ = tf.placeholder(tf.float32, [None, 10])
cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
tf.global_variables_initializer().run()
losses = []
for i in range(100):
    batch = slice(i * 20, i * 20 + 20)
    losses.append(cross_entropy.eval({x: images[batch], y_: labels[batch]}))
    train_step.run({x: images[batch], y_: labels[batch]})
print(" ".join("%.5f" % loss for loss in losses))
correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
print(accuracy.eval({x: images, y_: labels}), W.eval()[:2].round(4).tolist())
print(sess.graph is tf.get_default_graph(), x.get_shape(), y.get_shape().as_list(), y.op.type)
sess.close()
