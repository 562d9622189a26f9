"""MNIST with parameter servers and workers, between-graph replication: every worker runs this program.

    tenon run --ps 1 --workers 2 -- examples/distributed/between_graph.py           # asynchronous
    tenon run --ps 1 --workers 2 --sync -- examples/distributed/between_graph.py    # synchronous

It is an ordinary TensorFlow 1.x program: by hand, start it once for each task with --ps_hosts, --worker_hosts,
--job_name and --task_index. The chief prints the accuracy on the test images.
"""

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_string("ps_hosts", "", "addresses of the parameter servers, with commas between")
flags.DEFINE_string("worker_hosts", "", "addresses of the workers")
flags.DEFINE_string("job_name", "worker", "ps or worker")
flags.DEFINE_integer("task_index", 0, "the number of this task")
flags.DEFINE_boolean("sync_replicas", False, "all workers' gradients make one step")
flags.DEFINE_string("data_dir", "", "where MNIST is")
flags.DEFINE_integer("steps", 2600, "global steps")
flags.DEFINE_integer("batch_size", 100, "images a worker and step")
FLAGS = flags.FLAGS


def network(images):
    net = tf.reshape(images, [-1, 28, 28, 1])
    for filters in (16, 32):
        net = tf.layers.max_pooling2d(tf.layers.conv2d(net, filters, 5, activation=tf.nn.relu), 2, 2)
    return tf.layers.dense(tf.layers.dense(tf.layers.flatten(net), 128, tf.nn.relu), 10)


def main(_):
    cluster = tf.train.ClusterSpec({"ps": FLAGS.ps_hosts.split(","), "worker": FLAGS.worker_hosts.split(",")})
    server = tf.train.Server(cluster, job_name=FLAGS.job_name, task_index=FLAGS.task_index)
    if FLAGS.job_name == "ps":
        server.join()
    chief = FLAGS.task_index == 0
    mnist = input_data.read_data_sets(FLAGS.data_dir)
    with tf.device(tf.train.replica_device_setter(worker_device=f"/job:worker/task:{FLAGS.task_index}",
                                                  cluster=cluster)):  # fmt: skip
        images = tf.placeholder(tf.float32, [None, 784])
        labels = tf.placeholder(tf.int64, [None])
        logits = network(images)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
        global_step = tf.train.get_or_create_global_step()
        optimizer = tf.train.AdamOptimizer(tf.train.polynomial_decay(0.003, global_step, FLAGS.steps, 0.0))
        hooks = [tf.train.StopAtStepHook(last_step=FLAGS.steps)]
        if FLAGS.sync_replicas:
            workers = cluster.num_tasks("worker")
            optimizer = tf.train.SyncReplicasOptimizer(optimizer, workers, total_num_replicas=workers)
        train = optimizer.minimize(loss, global_step)
        if FLAGS.sync_replicas:
            hooks.append(optimizer.make_session_run_hook(chief))
    steps = 0
    with tf.train.MonitoredTrainingSession(server.target, is_chief=chief, hooks=hooks) as session:
        while not session.should_stop():
            batch = mnist.train.next_batch(FLAGS.batch_size)
            session.run(train, {images: batch[0], labels: batch[1]})
            steps += 1
    print(f"worker {FLAGS.task_index} took {steps} steps")
    if chief:
        # The variables are the parameter servers': any session sees them.
        with tf.Session(server.target) as session:
            right = sum(
                session.run(
                    accuracy, {images: mnist.test.images[i : i + 1000], labels: mnist.test.labels[i : i + 1000]}
                )
                for i in range(0, 10000, 1000)
            )
        print(f"test accuracy: {right * 10:.2f} %")


if __name__ == "__main__":
    tf.app.run()
