"""What a task of the chaos runs does: learns a linear function from data of its own, until it is told how far to go."""

import ctypes
import json
import os
import signal
import sys
import time

import numpy as np

import tenon as tf

CONFIG = json.loads(sys.argv[1])
FOLDER, MODE, JOB, TASK = CONFIG["folder"], CONFIG["mode"], CONFIG["job"], CONFIG["task"]
WEIGHTS, WORKERS = 20, len(CONFIG["cluster"]["worker"])
CHIEF = TASK == 0


def note(word, step=0):
    """Adds a line to the log of what was acknowledged, and has it on the disk before going on."""
    fd = os.open(os.path.join(FOLDER, "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, f"{word} {step} {os.getpid()}\n".encode())
    os.fsync(fd)
    os.close(fd)


class Saver(tf.train.Saver):
    """Notes what it restores, before it does."""

    def restore(self, sess, save_path):
        note("restores", int(save_path.rsplit("-", 1)[1]))
        super().restore(sess, save_path)


class Acknowledge(tf.train.CheckpointSaverListener):
    """Notes each checkpoint when it is there."""

    def after_save(self, session, global_step_value):
        note("saved", int(global_step_value))


class Stop(tf.train.SessionRunHook):
    """Ends the training at the step that the file `goal` names, once there is one."""

    def __init__(self, step):
        self._step, self._goal, self._told = step, None, 0

    def before_run(self, context):
        return tf.train.SessionRunArgs(self._step)

    def after_run(self, context, values):
        now = time.monotonic()
        if self._goal is None and os.path.exists(os.path.join(FOLDER, "goal")):
            with open(os.path.join(FOLDER, "goal"), encoding="utf-8") as file:
                self._goal = int(file.read() or 0) or None
        if self._goal is not None and values.results >= self._goal:
            context.request_stop()
        if now - self._told > 0.1:
            self._told = now
            print("step", values.results, flush=True)


TRUTH = np.linspace(-1, 1, WEIGHTS, dtype=np.float32)[:, None]


def examples(random):
    """Inputs and what the function gives for them."""
    a = random.randn(16, WEIGHTS).astype(np.float32)
    return a, a @ TRUTH


def wrap(optimizer):
    """The optimizer of this way to train."""
    if MODE == "sync":
        # One worker more than a step needs, so that the loss of one holds up nobody.
        return tf.train.SyncReplicasOptimizer(optimizer, WORKERS - 1, WORKERS)
    if MODE == "collective":
        return tf.collective.DistributedOptimizer(optimizer, shards=2 * WORKERS, patience_secs=1)
    return optimizer


def network():
    """(step, x, y, train op, hooks)."""
    setter = tf.train.replica_device_setter(
        worker_device=f"/job:worker/task:{TASK}", cluster=tf.train.ClusterSpec(CONFIG["cluster"])
    )
    if MODE == "collective":
        tf.collective.init(tf.train.ClusterSpec(CONFIG["cluster"]), TASK)
        setter = f"/job:worker/task:{TASK}"
    with tf.device(setter):
        step = tf.train.get_or_create_global_step()
        x = tf.placeholder(tf.float32, [None, WEIGHTS])
        y = tf.placeholder(tf.float32, [None, 1])
        w = tf.get_variable("w", [WEIGHTS, 1], initializer=tf.zeros_initializer())
        # Large enough for shared memory.
        ballast = tf.get_variable("ballast", [65536], initializer=tf.zeros_initializer())
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - y)) + 1e-3 * tf.reduce_mean(tf.square(ballast - 1.0))
        optimizer, hooks = wrap(tf.train.GradientDescentOptimizer(0.05)), []
        train = optimizer.minimize(loss, global_step=step)
        if MODE == "sync":
            hooks.append(optimizer.make_session_run_hook(CHIEF))
        if MODE == "collective":

            def feed(at, shard):
                return dict(zip((x, y), examples(np.random.RandomState((at * 2 * WORKERS + shard) % 2**32))))

            hooks.append(optimizer.make_session_run_hook(feed_fn=feed))
    return step, x, y, train, hooks


def work(server):
    """Trains; ends as the program of a worker does."""
    step, x, y, train, hooks = network()
    random = np.random.RandomState(TASK)
    scaffold = tf.train.Scaffold(
        saver=Saver(sharded=True, max_to_keep=3),
        init_fn=(lambda scaffold, session: note("initialises")) if CHIEF else None,
    )
    hooks.append(Stop(step))
    if CHIEF:
        hooks.append(
            tf.train.CheckpointSaverHook(FOLDER, save_steps=25, scaffold=scaffold, listeners=[Acknowledge()])
        )  # fmt: skip
    with tf.train.MonitoredTrainingSession(
        server.target, is_chief=CHIEF or MODE == "collective", scaffold=scaffold, hooks=hooks,
        checkpoint_dir=FOLDER if CHIEF else None, save_checkpoint_secs=None, save_summaries_steps=None,
        log_step_count_steps=None,
    ) as session:  # fmt: skip
        while not session.should_stop():
            session.run(train, {} if MODE == "collective" else dict(zip((x, y), examples(random))))
    note("ended", TASK)


def main():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with the runner
    server = tf.train.Server(tf.train.ClusterSpec(CONFIG["cluster"]), job_name=JOB, task_index=TASK)
    print("up", flush=True)
    if JOB == "ps":
        server.join()
    work(server)


main()
