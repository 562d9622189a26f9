"""What a task of the run with 64 workers does: an ordinary program, a small network on examples of its own."""

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_string("ps_hosts", "", "addresses of the parameter servers, with commas between")
flags.DEFINE_string("worker_hosts", "", "addresses of the workers")
flags.DEFINE_string("job_name", "worker", "ps or worker")
flags.DEFINE_integer("task_index", 0, "the number of this task")
flags.DEFINE_boolean("sync_replicas", False, "one step takes a gradient from each worker")
flags.DEFINE_integer("steps", 1000, "global steps")
flags.DEFINE_integer("own_steps", 5, "steps that each worker takes at least")
FLAGS = flags.FLAGS


def main(_):
    cluster = tf.train.ClusterSpec({"ps": FLAGS.ps_hosts.split(","), "worker": FLAGS.worker_hosts.split(",")})
    server = tf.train.Server(cluster, job_name=FLAGS.job_name, task_index=FLAGS.task_index)
    if FLAGS.job_name == "ps":
        server.join()
    chief, workers = FLAGS.task_index == 0, cluster.num_tasks("worker")
    tf.set_random_seed(1)
    with tf.device(tf.train.replica_device_setter(worker_device=f"/job:worker/task:{FLAGS.task_index}",
                                                  cluster=cluster)):  # fmt: skip
        x, y = tf.placeholder(tf.float32, [None, 64]), tf.placeholder(tf.float32, [None, 1])
        net = x
        for units in (128, 128, 64):
            net = tf.layers.dense(net, units, tf.nn.relu)
        loss = tf.losses.mean_squared_error(y, tf.layers.dense(net, 1))
        step = tf.train.get_or_create_global_step()
        optimizer, hooks = tf.train.GradientDescentOptimizer(0.02), []
        if FLAGS.sync_replicas:
            optimizer = tf.train.SyncReplicasOptimizer(optimizer, workers, workers)
            hooks.append(optimizer.make_session_run_hook(chief))
        train = optimizer.minimize(loss, step)
    random = np.random.RandomState(FLAGS.task_index)
    truth = np.linspace(-1, 1, 64, dtype=np.float32)[:, None] / 4
    own, first = 0, None
    with tf.train.MonitoredTrainingSession(
        server.target, is_chief=chief, hooks=hooks, save_checkpoint_secs=None, save_summaries_steps=None,
        log_step_count_steps=None,
    ) as session:  # fmt: skip
        done = 0
        while done < FLAGS.steps or (own < FLAGS.own_steps and not FLAGS.sync_replicas):
            a = random.randn(32, 64).astype(np.float32)
            last, _, done = session.run([loss, train, step], {x: a, y: np.tanh(a @ truth)})
            own += 1
            if first is None:
                first = last
                print("trains", flush=True)
    print(f"ended at step {done} after {own} of its own: loss {first:.4f} to {last:.4f}", flush=True)


if __name__ == "__main__":
    tf.app.run()
