#!/usr/bin/env python3
"""What a cluster costs beside training, on stock TensorFlow or on Tenon, through real sessions of processes of this
machine.

    python3 peer_tensorflow_cluster.py [--library tenon] [--network-only] [--rows N] WORK...

remote-noop       a Session of another process runs a step that does nothing: microseconds, the median of 2,000
remote-pull       100 MB of variables, 4 of 25 MB, go from a parameter server to a worker: GB/s (10^9), median of ten;
                  all of them change before each time, which is not counted
remote-push       the same from the worker to the parameter server, where they are assigned
remote-embedding  10 million rows x 64 on 4 parameter servers, stochastic gradient descent with batches of 4,096 ids:
                  rows/s

Prints one JSON line for each. Tenon also says which bytes the worker moved, by transport, in a step of the last three,
and --network-only makes it do without Unix sockets and shared memory: HTTP/2 over loopback TCP, one connection, a
message of 100 MB as one stream in frames of up to a megabyte.
"""

import argparse
import json
import os
import resource
import statistics
import time

import cluster_tasks

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
TASKS = {"remote-noop": (1, 1), "remote-pull": (1, 1), "remote-push": (1, 1), "remote-embedding": (4, 1)}
VARIABLES, BYTES = 4, 25_000_000
IDS, WIDTH = 4096, 64


def load(library):
    """The module, and its TensorFlow 1.x API."""
    if library == "tenon":
        import tenon as tf

        return tf, tf
    import tensorflow as tf

    tf.compat.v1.disable_eager_execution()
    return tf, tf.compat.v1


def seconds_of(run, warm, times, before=lambda: None):
    """How long each of TIMES runs takes, after WARM others; BEFORE runs before each, and is not counted."""
    for _ in range(warm):
        before()
        run()
    taken = []
    for _ in range(times):
        before()
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return taken


def noop(tf, tf1, server, args):
    """The chief is a client only: the step runs in the parameter server's process."""
    cluster = json.loads(args.cluster)
    with tf1.device("/job:ps/task:0"):
        nothing = tf.no_op()
    # Without the filter a master waits for all tasks of the cluster; this one is none.
    filtered = tf1.ConfigProto(device_filters=["/job:ps"])
    with tf1.Session("grpc://" + cluster["ps"][0], config=filtered) as session:
        return "us/run", 1e6 * statistics.median(seconds_of(lambda: session.run(nothing), 200, 2000)), 2000


def move(tf, tf1, server, push):
    here, there = "/job:worker/task:0", "/job:ps/task:0"
    source, target = (here, there) if push else (there, here)

    def variables(device, name):
        with tf1.device(device):
            ones = tf1.ones_initializer()
            return [tf1.get_variable(f"{name}{i}", [BYTES // 4], initializer=ones, use_resource=False)
                    for i in range(VARIABLES)]  # fmt: skip

    own = variables(source, "source")
    with tf1.device(source):  # new values for each run: what the other task already has need not move
        change = tf.group(*[tf1.assign_add(variable, tf.ones([BYTES // 4])).op for variable in own])
    with tf1.device(target):
        arrived = own if not push else [tf1.assign(*pair) for pair in zip(variables(target, "target"), own)]
        # An element of each, which shows that it has come, and is new.
        seen = [value[-1:] for value in map(tf.identity, arrived)]
    with tf1.Session(server.target) as session:
        session.run(tf1.global_variables_initializer())
        changes = [1]

        def run():
            if any(value != changes[0] for value in session.run(seen)):
                raise SystemExit("old values came")

        def before():
            changes[0] += 1
            session.run(change)

        taken = seconds_of(run, 3, 10, before)
    return "GB/s", VARIABLES * BYTES / statistics.median(taken) / 1e9, 13


def pull(tf, tf1, server, args):
    return move(tf, tf1, server, False)


def push(tf, tf1, server, args):
    return move(tf, tf1, server, True)


def embedding(tf, tf1, server, args):
    import numpy as np

    servers = len(json.loads(args.cluster)["ps"])
    setter = tf1.train.replica_device_setter(ps_tasks=servers, worker_device="/job:worker/task:0")
    with tf1.device(setter):
        table = tf1.get_variable(
            "table", [args.rows, WIDTH], initializer=tf1.ones_initializer(),
            partitioner=tf1.fixed_size_partitioner(servers))  # fmt: skip
        ids = tf1.placeholder(tf.int64, [None])
        rows = tf1.nn.embedding_lookup(table, ids, partition_strategy="div")
        loss = tf.reduce_sum(tf.square(rows))
        train = tf1.train.GradientDescentOptimizer(1e-4).minimize(loss)
    batches = np.random.RandomState(0).randint(0, args.rows, [16, IDS])
    with tf1.Session(server.target) as session:
        session.run(tf1.global_variables_initializer())
        count = [0]

        def run():
            count[0] += 1
            session.run(train, {ids: batches[count[0] % len(batches)]})

        taken = seconds_of(run, 10, args.steps)
    return "rows/s", IDS * len(taken) / sum(taken), args.steps + 10


WORKS = {"remote-noop": noop, "remote-pull": pull, "remote-push": push, "remote-embedding": embedding}


def task(job, index, args):
    tf, tf1 = load(args.library)
    if job == "ps" or args.works[0] != "remote-noop":
        server = tf1.train.Server(tf.train.ClusterSpec(json.loads(args.cluster)), job_name=job, task_index=index)
    if job == "ps":
        server.join()
    counts = args.library == "tenon" and args.works[0] != "remote-noop"
    unit, value, steps = WORKS[args.works[0]](tf, tf1, server if args.works[0] != "remote-noop" else None, args)
    line = {"version": tf.__version__, "unit": unit, "value": round(value, 3), "steps": steps}
    line["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if counts:
        line["mb_in_all"] = {name: round(bytes_ / 1e6, 3) for name, bytes_ in server._core.traffic().items()}
    print(json.dumps(line), flush=True)


def main(args):
    failed = 0
    for work in args.works:
        cluster = cluster_tasks.make_cluster(*TASKS[work])
        command = [__file__, "--library", args.library, "--rows", args.rows, "--steps", args.steps, work]
        environment = {"TENON_NETWORK_ONLY": "1"} if args.network_only else {}
        name = f"{work}-tcp" if args.network_only else work
        with cluster_tasks.Tasks(command, cluster, args.limit, environment) as tasks:
            line, _ = next(tasks.lines(), (None, None))
            if line:
                print(json.dumps({"peer": args.library, "work": name, **line}), flush=True)
            failed = tasks.end(bool(line)) or failed
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("works", nargs="*", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--library", choices=["tensorflow", "tenon"], default="tensorflow")
    parser.add_argument("--network-only", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--steps", type=int, default=200, help="of the embedding")
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a work is ended")
    parser.add_argument("--cluster", help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        job, index = options.task.split(":")
        task(job, int(index), options)
    else:
        raise SystemExit(main(options))
