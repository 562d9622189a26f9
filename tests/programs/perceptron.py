# A network of two layers with exponential decay, regularization and moving averages.
import numpy as np
import tensorflow as tf

INPUT_NODE, LAYER1_NODE, OUTPUT_NODE, BATCH_SIZE = 20, 30, 4, 50
rng = np.random.RandomState(1)
X = rng.rand(1000, INPUT_NODE).astype("float32")
labels = np.argmax(X[:, :4] + 0.3 * X[:, 4:8], 1)
Y = np.eye(OUTPUT_NODE, dtype="float32")[labels]


def inference(input_tensor, avg_class, weights1, biases1, weights2, biases2):
    if avg_class is None:
        layer1 = tf.nn.relu(tf.matmul(input_tensor, weights1) + biases1)
        return tf.matmul(layer1, weights2) + biases2
    layer1 = tf.nn.relu(tf.matmul(input_tensor, avg_class.average(weights1)) + avg_class.average(biases1))
    return tf.matmul(layer1, avg_class.average(weights2)) + avg_class.average(biases2)


def main(argv=None):
    x = tf.placeholder(tf.float32, [None, INPUT_NODE], name="x-input")
    y_ = tf.placeholder(tf.float32, [None, OUTPUT_NODE], name="y-input")
    weights1 = tf.Variable(tf.truncated_normal([INPUT_NODE, LAYER1_NODE], stddev=0.1, seed=1))
    biases1 = tf.Variable(tf.constant(0.1, shape=[LAYER1_NODE]))
    weights2 = tf.Variable(tf.truncated_normal([LAYER1_NODE, OUTPUT_NODE], stddev=0.1, seed=2))
    biases2 = tf.Variable(tf.constant(0.1, shape=[OUTPUT_NODE]))
    y = inference(x, None, weights1, biases1, weights2, biases2)
    global_step = tf.Variable(0, trainable=False)
    variable_averages = tf.train.ExponentialMovingAverage(0.99, global_step)
    variables_averages_op = variable_averages.apply(tf.trainable_variables())
    average_y = inference(x, variable_averages, weights1, biases1, weights2, biases2)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=y, labels=tf.argmax(y_, 1))
    regularization = 0.0001 * (tf.nn.l2_loss(weights1) + tf.nn.l2_loss(weights2))
    loss = tf.reduce_mean(cross_entropy) + regularization
    learning_rate = tf.train.exponential_decay(0.8, global_step, 1000 / BATCH_SIZE, 0.99)
    train_step = tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)
    with tf.control_dependencies([train_step, variables_averages_op]):
        train_op = tf.no_op(name="train")
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(average_y, 1), tf.argmax(y_, 1)), tf.float32))
    with tf.Session() as sess:
        tf.global_variables_initializer().run()
        for i in range(101):
            start = i * BATCH_SIZE % 1000
            _, value, rate = sess.run(
                [train_op, loss, learning_rate], {x: X[start : start + BATCH_SIZE], y_: Y[start : start + BATCH_SIZE]}
            )
            if i % 20 == 0:
                print("After %d steps, loss %.5f, rate %.5f" % (i, value, rate))
        print("accuracy with the averages:", sess.run(accuracy, {x: X, y_: Y}) > 0.7)


if __name__ == "__main__":
    tf.app.run()
