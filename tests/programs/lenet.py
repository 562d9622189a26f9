# A convolutional network.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(3)
X = rng.rand(200, 28, 28, 1).astype("float32")
Y = np.argmax(np.stack([X[:, :14].mean((1, 2, 3)), X[:, 14:].mean((1, 2, 3)), X[:, :, :14].mean((1, 2, 3))], 1), 1)


def inference(input_tensor, train, regularizer):
    with tf.variable_scope("layer1-conv1"):
        w = tf.get_variable("weight", [5, 5, 1, 8], initializer=tf.truncated_normal_initializer(stddev=0.1, seed=1))
        b = tf.get_variable("bias", [8], initializer=tf.constant_initializer(0.0))
        conv1 = tf.nn.conv2d(input_tensor, w, strides=[1, 1, 1, 1], padding="SAME")
        relu1 = tf.nn.relu(tf.nn.bias_add(conv1, b))
    with tf.name_scope("layer2-pool1"):
        pool1 = tf.nn.max_pool(relu1, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    with tf.variable_scope("layer3-conv2"):
        w = tf.get_variable("weight", [5, 5, 8, 16], initializer=tf.truncated_normal_initializer(stddev=0.1, seed=2))
        b = tf.get_variable("bias", [16], initializer=tf.constant_initializer(0.0))
        relu2 = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(pool1, w, strides=[1, 1, 1, 1], padding="SAME"), b))
    with tf.name_scope("layer4-pool2"):
        pool2 = tf.nn.max_pool(relu2, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    shape = pool2.get_shape().as_list()
    nodes = shape[1] * shape[2] * shape[3]
    reshaped = tf.reshape(pool2, [-1, nodes])
    with tf.variable_scope("layer5-fc1"):
        w = tf.get_variable("weight", [nodes, 32], initializer=tf.truncated_normal_initializer(stddev=0.1, seed=3))
        tf.add_to_collection("losses", regularizer * tf.nn.l2_loss(w))
        b = tf.get_variable("bias", [32], initializer=tf.constant_initializer(0.1))
        fc1 = tf.nn.relu(tf.matmul(reshaped, w) + b)
        if train:
            fc1 = tf.nn.dropout(fc1, 0.5, seed=4)
    with tf.variable_scope("layer6-fc2"):
        w = tf.get_variable("weight", [32, 3], initializer=tf.truncated_normal_initializer(stddev=0.1, seed=5))
        tf.add_to_collection("losses", regularizer * tf.nn.l2_loss(w))
        b = tf.get_variable("bias", [3], initializer=tf.constant_initializer(0.1))
        return tf.matmul(fc1, w) + b


x = tf.placeholder(tf.float32, [50, 28, 28, 1])
y_ = tf.placeholder(tf.int64, [50])
y = inference(x, True, 0.0001)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=y, labels=y_))
loss += tf.add_n(tf.get_collection("losses"))
global_step = tf.train.get_or_create_global_step()
train_op = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss, global_step)
print([v.op.name for v in tf.trainable_variables()])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(20):
        start = i * 50 % 200
        _, value = sess.run([train_op, loss], {x: X[start : start + 50], y_: Y[start : start + 50]})
        if i % 5 == 0:
            print("step %d: %.5f" % (i, value))
