# A monitored session with hooks, which goes on from its checkpoint.
import numpy as np
import tensorflow as tf

X = np.random.RandomState(2).rand(32, 3).astype("float32")
Y = X.dot([[1.0], [-2.0], [0.5]]).astype("float32")


class Losses(tf.train.SessionRunHook):
    def __init__(self, loss):
        self.loss, self.found = loss, []

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(self.loss)

    def after_run(self, run_context, run_values):
        self.found.append(run_values.results)


def train(steps):
    with tf.Graph().as_default():
        global_step = tf.train.get_or_create_global_step()
        x, y = tf.constant(X), tf.constant(Y)
        w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
        loss = tf.losses.mean_squared_error(y, tf.matmul(x, w))
        train_op = tf.train.AdamOptimizer(0.1).minimize(loss, global_step=global_step)
        losses = Losses(loss)
        hooks = [tf.train.StopAtStepHook(last_step=steps), tf.train.NanTensorHook(loss), losses]
        with tf.train.MonitoredTrainingSession(checkpoint_dir="ckpt", hooks=hooks, save_checkpoint_secs=600) as sess:
            while not sess.should_stop():
                _, step = sess.run([train_op, global_step])
        print(step, len(losses.found), "%.5f %.5f" % (losses.found[0], losses.found[-1]))


tf.logging.set_verbosity(tf.logging.ERROR)
train(10)
train(25)
print(tf.train.latest_checkpoint("ckpt"))
