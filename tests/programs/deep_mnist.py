# The deep network for experts: helper functions, dropout fed, Adam, truncated normals.
import numpy as np
import tensorflow as tf

flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_integer("batch_size", 10, "pictures a step")
flags.DEFINE_float("learning_rate", 1e-3, "of Adam")
flags.DEFINE_string("summaries_dir", "logs", "where summaries go")
flags.DEFINE_boolean("fake_data", False, "If true, uses fake data for unit testing.")
SEED = iter(range(1, 100))


def weight_variable(shape):
    initial = tf.truncated_normal(shape, stddev=0.1, seed=next(SEED))
    return tf.Variable(initial)


def bias_variable(shape):
    return tf.Variable(tf.constant(0.1, shape=shape))


def conv2d(x, W):
    return tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")


def max_pool_2x2(x):
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def main(_):
    rng = np.random.RandomState(2)
    images = rng.rand(200, 196).astype("float32")
    labels = np.eye(4)[(images[:, :98].sum(1) > 49).astype(int) * 2 + (images[:, ::2].sum(1) > 49)]
    x = tf.placeholder(tf.float32, shape=[None, 196])
    y_ = tf.placeholder(tf.float32, shape=[None, 4])
    keep_prob = tf.placeholder(tf.float32)
    x_image = tf.reshape(x, [-1, 14, 14, 1])
    h_conv1 = tf.nn.relu(conv2d(x_image, weight_variable([5, 5, 1, 8])) + bias_variable([8]))
    h_pool1 = max_pool_2x2(h_conv1)
    h_conv2 = tf.nn.relu(conv2d(h_pool1, weight_variable([5, 5, 8, 16])) + bias_variable([16]))
    h_pool2 = max_pool_2x2(h_conv2)
    h_pool2_flat = tf.reshape(h_pool2, [-1, 4 * 4 * 16])
    h_fc1 = tf.nn.relu(tf.matmul(h_pool2_flat, weight_variable([4 * 4 * 16, 32])) + bias_variable([32]))
    h_fc1_drop = tf.nn.dropout(h_fc1, keep_prob, seed=21)
    y_conv = tf.nn.softmax(tf.matmul(h_fc1_drop, weight_variable([32, 4])) + bias_variable([4]))
    cross_entropy = -tf.reduce_sum(y_ * tf.log(tf.clip_by_value(y_conv, 1e-10, 1.0)))
    train_step = tf.train.AdamOptimizer(FLAGS.learning_rate).minimize(cross_entropy)
    correct_prediction = tf.equal(tf.argmax(y_conv, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct_prediction, "float"))
    with tf.Session() as sess:
        sess.run(tf.initialize_all_variables())
        losses = []
        for i in range(100):
            part = slice(i * FLAGS.batch_size % 200, i * FLAGS.batch_size % 200 + FLAGS.batch_size)
            feed = {x: images[part], y_: labels[part], keep_prob: 0.5}
            losses.append(sess.run([cross_entropy, train_step], feed_dict=feed)[0])
        print(" ".join("%.4f" % loss for loss in losses))
        print("test accuracy %.2f" % accuracy.eval(feed_dict={x: images, y_: labels, keep_prob: 1.0}))


if __name__ == "__main__":
    tf.app.run()
