"""MNIST on parameter servers and workers, the same bits whoever is killed: what the jobs of these tests run.

While the file `slow` lies in the job's folder, it takes its time, and goes no further than to the step in that file;
while the file `hang-1` does, worker 1 hangs.
"""

import functools
import json
import os
import time
import zlib

import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_string("folder", "", "where checkpoints go")
flags.DEFINE_string("data", "/models/mnist", "where MNIST is")
flags.DEFINE_string("network", "mlp", "mlp or conv")
flags.DEFINE_float("rate", 0.1, "learning rate of the first step; it falls to 0.001")
flags.DEFINE_integer("steps", 300, "global steps")
flags.DEFINE_integer("save", 5, "steps between two checkpoints")
FLAGS = flags.FLAGS
SHARDS, SHARD_SIZE = 4, 25


def network(images):
    if FLAGS.network == "mlp":
        return tf.layers.dense(tf.layers.dense(images, 30, tf.nn.relu), 10)
    net = tf.reshape(images, [-1, 28, 28, 1])
    for filters in (12, 24, 48):
        net = tf.layers.max_pooling2d(tf.layers.conv2d(net, filters, 3, padding="same", activation=tf.nn.relu), 2, 2)
    return tf.layers.dense(tf.layers.flatten(net), 10)


@functools.lru_cache(2)
def order_of(epoch, n):
    return np.random.RandomState(epoch).permutation(n)


def shifted(images, random):
    """Each by up to a pixel, so that more is learned from the same digits."""
    moves = random.randint(-1, 2, [len(images), 2])
    pairs = zip(images.reshape(-1, 28, 28), moves)
    return np.stack([np.roll(image, move, (0, 1)) for image, move in pairs]).reshape(-1, 784)


def dawdle(step):
    while True:
        try:
            with open(os.path.join(FLAGS.folder, "slow")) as file:
                last = int(file.read())
        except FileNotFoundError:
            return
        time.sleep(0.1)
        if step < last:
            return


def hang(index):
    while os.path.exists(os.path.join(FLAGS.folder, f"hang-{index}")):
        time.sleep(0.1)


def main(_):
    config = json.loads(os.environ["TF_CONFIG"])
    cluster = tf.train.ClusterSpec(config["cluster"])
    job, index = config["task"]["type"], config["task"]["index"]
    server = tf.train.Server(cluster, job_name=job, task_index=index)
    if job == "ps":
        server.join()
    chief = index == 0
    mnist = input_data.read_data_sets(FLAGS.data)
    tf.set_random_seed(1)
    with tf.device(tf.train.replica_device_setter(worker_device=f"/job:worker/task:{index}", cluster=cluster)):
        images = tf.placeholder(tf.float32, [None, 784])
        labels = tf.placeholder(tf.int64, [None])
        logits = network(images)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
        global_step = tf.train.get_or_create_global_step()
        rate = tf.train.polynomial_decay(FLAGS.rate, global_step, FLAGS.steps, 0.001)
        optimizer = tf.train.SyncShardsOptimizer(tf.train.MomentumOptimizer(rate, 0.9), SHARDS)
        train = optimizer.minimize(loss, global_step)

    def batch(step, shard):
        dawdle(step)
        hang(index)
        epoch, at = divmod((step * SHARDS + shard) * SHARD_SIZE, mnist.train.num_examples - SHARD_SIZE)
        order = order_of(epoch, mnist.train.num_examples)[at : at + SHARD_SIZE]
        chosen = mnist.train.images[order]
        if FLAGS.network == "conv":
            chosen = shifted(chosen, np.random.RandomState([step, shard]))
        return {images: chosen, labels: mnist.train.labels[order]}

    hooks = [optimizer.make_session_run_hook(chief, batch, last_step=FLAGS.steps)]
    with tf.train.MonitoredTrainingSession(
        server.target, is_chief=chief, hooks=hooks, checkpoint_dir=FLAGS.folder, save_checkpoint_steps=FLAGS.save,
        save_summaries_steps=0, log_step_count_steps=0,
    ) as session:  # fmt: skip
        while not session.should_stop():
            session.run(train)
    print(f"worker {index} is done", flush=True)
    if not chief:
        return
    with tf.Session(server.target) as session:
        right = []
        for i in range(0, 10000, 1000):
            test = {images: mnist.test.images[i : i + 1000], labels: mnist.test.labels[i : i + 1000]}
            right.append(session.run(accuracy, test))
        checksum = 0
        for value in session.run(tf.global_variables()):
            checksum = zlib.crc32(np.ascontiguousarray(value), checksum)
        print(f"accuracy {np.mean(right) * 100:.2f} %, step {session.run(global_step)}, checksum {checksum:08x}")


if __name__ == "__main__":
    tf.app.run()
