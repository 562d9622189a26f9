"""MNIST without parameter servers: each worker has all variables, and gradients are added along a ring of workers.

    tenon run --ps 0 --workers 3 --restarts 3 -- examples/distributed/collective.py

A step has six shards, each of which some worker computes; what is read depends on step and shard alone. Kill workers as
it runs: the others go on. The last line, a checksum of all variables, is that of sharded.py with parameter servers.
"""

import zlib

import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_string("ps_hosts", "", "not used: there are no parameter servers")
flags.DEFINE_string("worker_hosts", "", "addresses of the workers")
flags.DEFINE_string("job_name", "worker", "worker")
flags.DEFINE_integer("task_index", 0, "the number of this task")
flags.DEFINE_string("data_dir", "", "where MNIST is")
flags.DEFINE_string("train_dir", "", "where checkpoints go; a restarted chief goes on from the last one")
flags.DEFINE_string("model", "lenet", "lenet or mlp")
flags.DEFINE_integer("steps", 300, "global steps")
flags.DEFINE_integer("shards", 6, "shards of a step")
flags.DEFINE_integer("batch_size", 16, "images of a shard")
flags.DEFINE_integer("save_steps", 50, "steps between two checkpoints")
flags.DEFINE_boolean("test", True, "print the accuracy on the test images")
FLAGS = flags.FLAGS


def network(images, training):
    if FLAGS.model == "mlp":
        return tf.layers.dense(tf.layers.dense(images, 30, tf.nn.relu), 10)
    net = tf.reshape(images, [-1, 28, 28, 1])
    for filters in (32, 64):
        net = tf.layers.max_pooling2d(tf.layers.conv2d(net, filters, 5, padding="same", activation=tf.nn.relu), 2, 2)
    net = tf.layers.dense(tf.layers.flatten(net), 512, tf.nn.relu)
    return tf.layers.dense(tf.layers.dropout(net, 0.4, training=training), 10)


def main(_):
    cluster = tf.train.ClusterSpec({"worker": FLAGS.worker_hosts.split(",")})
    server = tf.train.Server(cluster, job_name=FLAGS.job_name, task_index=FLAGS.task_index)
    tf.collective.init(cluster, FLAGS.task_index)
    chief = FLAGS.task_index == 0
    mnist = input_data.read_data_sets(FLAGS.data_dir)
    tf.set_random_seed(1)
    with tf.device(f"/job:worker/task:{FLAGS.task_index}"):
        images = tf.placeholder(tf.float32, [None, 784])
        labels = tf.placeholder(tf.int64, [None])
        training = tf.placeholder_with_default(True, [])
        logits = network(images, training)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
        global_step = tf.train.get_or_create_global_step()
        optimizer = tf.collective.DistributedOptimizer(tf.train.MomentumOptimizer(0.05, 0.9), FLAGS.shards)
        train = optimizer.minimize(loss, global_step)

    def batch(step, shard):
        """The images of a shard: each epoch has an order of its own."""
        first = (step * FLAGS.shards + shard) * FLAGS.batch_size
        epoch, at = divmod(first, mnist.train.num_examples - FLAGS.batch_size)
        order = np.random.RandomState(epoch).permutation(mnist.train.num_examples)[at : at + FLAGS.batch_size]
        return {images: mnist.train.images[order], labels: mnist.train.labels[order]}

    hooks = [optimizer.make_session_run_hook(feed_fn=batch, last_step=FLAGS.steps)]
    # Each worker is the chief of its own variables; the first one saves them.
    with tf.train.MonitoredTrainingSession(
        server.target, hooks=hooks, checkpoint_dir=(chief and FLAGS.train_dir) or None,
        save_checkpoint_steps=FLAGS.save_steps, save_summaries_steps=0, log_step_count_steps=0,
    ) as session:  # fmt: skip
        while not session.should_stop():
            session.run(train)
    if not chief:
        return
    # The variables are the task's, not the session's.
    with tf.Session(server.target) as session:
        if FLAGS.test:
            test = mnist.test
            right = [
                session.run(accuracy, {images: test.images[i : i + 1000], labels: test.labels[i : i + 1000],
                                       training: False})
                for i in range(0, 10000, 1000)
            ]  # fmt: skip
            print(f"test accuracy: {np.mean(right) * 100:.2f} %")
        checksum = 0
        for value in session.run(tf.global_variables()):
            checksum = zlib.crc32(np.ascontiguousarray(value), checksum)
        print(f"step {session.run(global_step)}, checksum {checksum:08x}")


if __name__ == "__main__":
    tf.app.run()
