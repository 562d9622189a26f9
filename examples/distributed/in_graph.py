"""MNIST with parameter servers and workers, in-graph replication: one client builds a graph over all workers.

    tenon run --ps 1 --workers 2 --patience 0 -- examples/distributed/in_graph.py

The first worker's process is the client; all others only serve. Each step splits a batch over the workers and averages
their gradients, so that it is synchronous.
"""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_string("ps_hosts", "", "addresses of the parameter servers, with commas between")
flags.DEFINE_string("worker_hosts", "", "addresses of the workers")
flags.DEFINE_string("job_name", "worker", "ps or worker")
flags.DEFINE_integer("task_index", 0, "the number of this task")
flags.DEFINE_string("data_dir", "", "where MNIST is")
flags.DEFINE_integer("steps", 2600, "steps")
flags.DEFINE_integer("batch_size", 100, "images a step")
FLAGS = flags.FLAGS


def network(images):
    with tf.variable_scope("network", reuse=tf.AUTO_REUSE):
        net = tf.reshape(images, [-1, 28, 28, 1])
        for filters in (16, 32):
            net = tf.layers.conv2d(net, filters, 5, activation=tf.nn.relu, name=f"conv{filters}")
            net = tf.layers.max_pooling2d(net, 2, 2)
        hidden = tf.layers.dense(tf.layers.flatten(net), 128, tf.nn.relu, name="hidden")
        return tf.layers.dense(hidden, 10, name="out")


def main(_):
    cluster = tf.train.ClusterSpec({"ps": FLAGS.ps_hosts.split(","), "worker": FLAGS.worker_hosts.split(",")})
    server = tf.train.Server(cluster, job_name=FLAGS.job_name, task_index=FLAGS.task_index)
    if FLAGS.job_name == "ps" or FLAGS.task_index > 0:
        server.join()
    workers = cluster.num_tasks("worker")
    mnist = input_data.read_data_sets(FLAGS.data_dir)
    images = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.int64, [None])
    towers = zip(tf.split(images, workers), tf.split(labels, workers))
    gradients, right = [], []
    with tf.device("/job:ps/task:0"):
        global_step = tf.train.get_or_create_global_step()
        optimizer = tf.train.AdamOptimizer(tf.train.polynomial_decay(0.003, global_step, FLAGS.steps, 0.0))
    for i, (x, y) in enumerate(towers):
        with tf.device(tf.train.replica_device_setter(worker_device=f"/job:worker/task:{i}", cluster=cluster)):
            logits = network(x)
            loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
            gradients.append(optimizer.compute_gradients(loss))
            right.append(tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32)))
    with tf.device("/job:ps/task:0"):
        averages = [(tf.add_n([g for g, _ in towers]) / workers, towers[0][1]) for towers in zip(*gradients)]
        train = optimizer.apply_gradients(averages, global_step)
    accuracy = tf.add_n(right) / workers
    with tf.Session(server.target) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(FLAGS.steps):
            batch = mnist.train.next_batch(FLAGS.batch_size)
            session.run(train, {images: batch[0], labels: batch[1]})
        right = session.run(accuracy, {images: mnist.test.images, labels: mnist.test.labels})
        print(f"test accuracy: {100 * right:.2f} %")


if __name__ == "__main__":
    tf.app.run()
