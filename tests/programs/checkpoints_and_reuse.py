# Training that saves, evaluation that restores the moving averages in another graph, training that goes on.
import os

import numpy as np
import tensorflow as tf
from digits import inference as net

BATCH_SIZE = 40
LEARNING_RATE_BASE = 0.8
LEARNING_RATE_DECAY = 0.99
REGULARIZATION_RATE = 0.0001
MOVING_AVERAGE_DECAY = 0.99
MODEL_SAVE_PATH = "model_saved"
MODEL_NAME = "model.ckpt"
rng = np.random.RandomState(5)
images = rng.rand(400, net.INPUT_NODE).astype("float32")
labels = np.eye(3)[np.argmax(images[:, :3], 1)]


def train(steps):
    x = tf.placeholder(tf.float32, [None, net.INPUT_NODE], name="x-input")
    y_ = tf.placeholder(tf.float32, [None, net.OUTPUT_NODE], name="y-input")
    y = net.inference(x, tf.contrib.layers.l2_regularizer(REGULARIZATION_RATE))
    global_step = tf.Variable(0, trainable=False)
    variable_averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY, global_step)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=y, labels=tf.argmax(y_, 1))
    loss = tf.reduce_mean(cross_entropy) + tf.add_n(tf.get_collection("losses"))
    learning_rate = tf.train.exponential_decay(
        LEARNING_RATE_BASE, global_step, len(images) / BATCH_SIZE, LEARNING_RATE_DECAY, staircase=True
    )
    train_step = tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)
    with tf.control_dependencies([train_step]):
        train_op = variable_averages.apply(tf.trainable_variables())
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as sess:
        tf.global_variables_initializer().run()
        ckpt = tf.train.get_checkpoint_state(MODEL_SAVE_PATH)
        if ckpt and ckpt.model_checkpoint_path:
            saver.restore(sess, ckpt.model_checkpoint_path)
            print("goes on from", os.path.basename(ckpt.model_checkpoint_path), sess.run(global_step))
        for _ in range(steps):
            start = sess.run(global_step) * BATCH_SIZE % len(images)
            xs, ys = images[start : start + BATCH_SIZE], labels[start : start + BATCH_SIZE]
            _, loss_value, step = sess.run([train_op, loss, global_step], feed_dict={x: xs, y_: ys})
            if step % 10 == 0:
                print("After %d training step(s), loss on training batch is %.5f." % (step, loss_value))
            if step % 25 == 0:
                saver.save(sess, os.path.join(MODEL_SAVE_PATH, MODEL_NAME), global_step=global_step)


def evaluate():
    with tf.Graph().as_default() as g:
        x = tf.placeholder(tf.float32, [None, net.INPUT_NODE], name="x-input")
        y_ = tf.placeholder(tf.float32, [None, net.OUTPUT_NODE], name="y-input")
        y = net.inference(x, None)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1)), tf.float32))
        variable_averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY)
        variables_to_restore = variable_averages.variables_to_restore()
        print(sorted(variables_to_restore))
        saver = tf.train.Saver(variables_to_restore)
        with tf.Session(graph=g) as sess:
            ckpt = tf.train.get_checkpoint_state(MODEL_SAVE_PATH)
            if ckpt and ckpt.model_checkpoint_path:
                saver.restore(sess, ckpt.model_checkpoint_path)
                global_step = ckpt.model_checkpoint_path.split("/")[-1].split("-")[-1]
                score = sess.run(accuracy, feed_dict={x: images, y_: labels})
                print("After %s training step(s), validation accuracy = %g" % (global_step, score))


def main(argv=None):
    train(50)
    evaluate()
    tf.reset_default_graph()
    train(50)
    evaluate()
    print(sorted(os.listdir(MODEL_SAVE_PATH)))


if __name__ == "__main__":
    if not os.path.exists(MODEL_SAVE_PATH):
        os.makedirs(MODEL_SAVE_PATH)
    tf.app.run()
