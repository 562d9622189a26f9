#!/usr/bin/env python3
"""Between-graph parameter-server training on stock TensorFlow, or on Tenon: 1 PS and N workers on this machine.

    python3 peer_tensorflow_distributed.py [--library tenon] [--workers 2] [--mode async|sync] [--steps 1500]

The 784-500-10 perceptron, batch 100 a worker. Prints one JSON line: global steps a second, and
the processor time of a global step, of all tasks together and of each.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
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
        if index == 0:
            print(json.dumps({"mark": "start"}), flush=True)
        start, last = time.perf_counter(), first
        while not s.should_stop():
            _, last = s.run([train, step], feed)
        if index == 0:
            steps, seconds = int(last - first), time.perf_counter() - start
            print(json.dumps({"version": tf.__version__, "steps": steps, "seconds": seconds}), flush=True)


def free_ports(n):
    """Ports that nobody listens at, from below those that the system gives to connections: one of these could take a
    port between now and its task's start."""
    sockets, ports = [], []
    while len(ports) < n:
        s = socket.socket()
        sockets.append(s)
        try:
            s.bind(("127.0.0.1", random.randrange(20000, 32000)))
        except OSError:
            continue
        ports.append(s.getsockname()[1])
    for s in sockets:
        s.close()
    return ports


def cpu_seconds(process):
    """What PROCESS has used, of all its threads, user and system."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(tasks, args):
    """Reads the chief's lines; what it measured as the line to print, None if it ended before."""
    chief, before = tasks["worker:0"][0], None
    for line in chief.stdout:
        mark = json.loads(line)
        used = {name: cpu_seconds(process) for name, (process, _) in tasks.items() if process.poll() is None}
        if "mark" in mark:
            before = used
            continue
        each = {name: round(1e3 * (used[name] - before[name]) / mark["steps"], 3) for name in used if name in before}
        return {
            "peer": args.library,
            "version": mark["version"],
            "work": f"ps-{args.mode}-{args.workers}",
            "unit": "global steps/s",
            "value": round(mark["steps"] / mark["seconds"], 1),
            "cpu_ms_per_step": round(sum(each.values()), 3),
            "cpu_ms_by_task": each,
        }
    return None


def explain(tasks):
    """Says on stderr how tasks ended, and the last that they said."""
    for name, (process, log) in tasks.items():
        log.seek(0)
        said = log.read().strip().splitlines()[-5:]
        code = process.poll()
        print(f"{name}: {'runs' if code is None else f'ended with {code}'}", *said, sep="\n  ", file=sys.stderr)


def main(args):
    ports = free_ports(1 + args.workers)
    hosts = [f"127.0.0.1:{port}" for port in ports]
    args.cluster = json.dumps({"ps": hosts[:1], "worker": hosts[1:]})
    given = ["--library", args.library, "--mode", args.mode, "--steps", str(args.steps), "--cluster", args.cluster]
    tasks = {}
    try:
        for name in ["ps:0", *(f"worker:{i}" for i in range(args.workers))]:
            log = tempfile.TemporaryFile("w+")
            command = [sys.executable, __file__, *given, "--task", name]
            tasks[name] = (subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True), log)
        alarm = threading.Timer(args.limit, tasks["worker:0"][0].kill)
        alarm.start()
        measured = measure(tasks, args)
        if measured:
            print(json.dumps(measured), flush=True)
        # Only the chief is waited for: a worker of TensorFlow's can outlive a finished chief.
        code = tasks["worker:0"][0].wait()
        alarm.cancel()
        if code or not measured:
            explain(tasks)
        return code or not measured
    finally:
        for process, _ in tasks.values():
            process.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", choices=["tensorflow", "tenon"], default="tensorflow")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--mode", choices=["async", "sync"], default="async")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--limit", type=float, default=300, help="seconds after which the chief is ended")
    parser.add_argument("--cluster", help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        job, index = options.task.split(":")
        task(job, int(index), options)
    else:
        raise SystemExit(main(options))
