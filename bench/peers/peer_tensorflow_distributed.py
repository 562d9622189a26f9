#!/usr/bin/env python3
"""Between-graph parameter-server training on stock TensorFlow, or on Tenon: 1 PS and N workers on this machine.

    python3 peer_tensorflow_distributed.py [--library tenon] [--workers 2] [--mode async|sync] [--steps 1500]

The 784-500-10 perceptron, batch 100 a worker. Prints one JSON line: global steps a second.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def task(job, index, args):
    import numpy as np

    if args.library == "tenon":
        import tenon as tf

        tf1 = tf
    else:
        import tensorflow as tf

        tf1 = tf.compat.v1
        tf1.disable_eager_execution()
    hosts = json.loads(args.cluster)
    cluster = tf.train.ClusterSpec(hosts)
    server = tf1.train.Server(cluster, job_name=job, task_index=index)
    if job == "ps":
        server.join()
    workers = len(hosts["worker"])
    with tf1.device(tf1.train.replica_device_setter(worker_device=f"/job:worker/task:{index}", cluster=cluster)):
        x, y = tf1.placeholder(tf.float32, [None, 784]), tf1.placeholder(tf.int64, [None])
        h = tf.nn.relu(x @ tf1.get_variable("w1", [784, 500]) + tf1.get_variable("b1", [500]))
        logits = h @ tf1.get_variable("w2", [500, 10]) + tf1.get_variable("b2", [10])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        step = tf1.train.get_or_create_global_step()
        optimizer, hooks = tf1.train.GradientDescentOptimizer(0.1), [tf1.train.StopAtStepHook(last_step=args.steps)]
        if args.mode == "sync":
            optimizer = tf1.train.SyncReplicasOptimizer(optimizer, workers, total_num_replicas=workers)
        train = optimizer.minimize(loss, global_step=step)
        if args.mode == "sync":
            hooks.append(optimizer.make_session_run_hook(index == 0))
    rng = np.random.RandomState(index)
    feed = {x: rng.rand(100, 784).astype("f"), y: rng.randint(0, 10, 100)}
    with tf1.train.MonitoredTrainingSession(server.target, is_chief=index == 0, hooks=hooks) as s:
        for _ in range(20):
            _, first = s.run([train, step], feed)
        start, last = time.perf_counter(), first
        while not s.should_stop():
            _, last = s.run([train, step], feed)
        if index == 0:
            print(
                json.dumps(
                    {
                        "peer": args.library,
                        "version": tf.__version__,
                        "work": f"ps-{args.mode}-{workers}",
                        "unit": "global steps/s",
                        "value": round(float(last - first) / (time.perf_counter() - start), 1),
                    }
                ),
                flush=True,
            )


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", choices=["tensorflow", "tenon"], default="tensorflow")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--mode", choices=["async", "sync"], default="async")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--cluster")
    parser.add_argument("--task")
    args = parser.parse_args()
    if args.task:
        job, index = args.task.split(":")
        task(job, int(index), args)
        raise SystemExit
    cluster = {
        "ps": [f"127.0.0.1:{free_port()}"],
        "worker": [f"127.0.0.1:{free_port()}" for _ in range(args.workers)],
    }
    base = [
        sys.executable,
        __file__,
        "--library",
        args.library,
        "--mode",
        args.mode,
        "--steps",
        str(args.steps),
        "--cluster",
        json.dumps(cluster),
        "--task",
    ]
    ps = subprocess.Popen([*base, "ps:0"], stderr=subprocess.DEVNULL)
    workers = [subprocess.Popen([*base, f"worker:{i}"], stderr=subprocess.DEVNULL) for i in range(args.workers)]
    try:
        code = workers[0].wait(
            timeout=300
        )  # the others may never exit by themselves: a worker can outlive a finished chief
    finally:
        for p in [*workers, ps]:
            p.kill()
    raise SystemExit(code)
