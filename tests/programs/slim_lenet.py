# A convolutional network by Slim, its losses and its train_op.
import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim

tf.logging.set_verbosity(tf.logging.ERROR)
X = np.random.RandomState(1).rand(40, 16, 16, 1).astype("float32")
Y = (X[:, :8].mean((1, 2, 3)) > X[:, 8:].mean((1, 2, 3))).astype("int32")


def lenet5(inputs):
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected],
        weights_regularizer=slim.l2_regularizer(0.0005),
        weights_initializer=tf.truncated_normal_initializer(stddev=0.1, seed=1),
    ):
        net = slim.conv2d(inputs, 8, [5, 5], scope="layer1-conv")
        net = slim.max_pool2d(net, 2, stride=2, scope="layer2-max-pool")
        net = slim.conv2d(net, 8, [5, 5], scope="layer3-conv")
        net = slim.flatten(slim.max_pool2d(net, 2, stride=2, scope="layer4-max-pool"), scope="flatten")
        net = slim.fully_connected(net, 32, scope="layer5")
        return slim.fully_connected(net, 2, activation_fn=None, scope="output")


x, y_ = tf.constant(X), tf.constant(Y)
logits = lenet5(x)
slim.losses.sparse_softmax_cross_entropy(logits, y_)
total = slim.losses.get_total_loss()
train_op = slim.learning.create_train_op(total, tf.train.MomentumOptimizer(0.01, 0.9))
print([v.op.name for v in slim.get_model_variables()])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(" ".join("%.5f" % sess.run(train_op) for _ in range(100)))
    print(sess.run(slim.get_or_create_global_step()))
