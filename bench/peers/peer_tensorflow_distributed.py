#!/usr/bin/env python3
"""Between-graph parameter-server training on stock TensorFlow, or on Tenon: 1 PS and N workers on this machine.

    python3 peer_tensorflow_distributed.py [--library tenon] [--workers 2] [--mode async|sync] [--steps 1500]

The 784-500-10 perceptron, batch 100 a worker. Prints one JSON line: global steps a second, and
the processor time of a global step, of all tasks together and of each. Tenon also says how many megabytes the chief
moved in a step of the cluster, by transport.
"""

import argparse
import json
import os
import resource
import time

import cluster_tasks

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
        before = server._core.traffic() if args.library == "tenon" else None
        start, last = time.perf_counter(), first
        while not s.should_stop():
            _, last = s.run([train, step], feed)
        if index == 0:
            steps, seconds = int(last - first), time.perf_counter() - start
            done = {"version": tf.__version__, "steps": steps, "seconds": seconds}
            done["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            if args.library == "tenon":
                own = {name: value - before[name] for name, value in server._core.traffic().items()}
                done["mb_per_step"] = {name: round(value / steps / 1e6, 3) for name, value in own.items()}
            print(json.dumps(done), flush=True)


def main(args):
    given = ["--library", args.library, "--mode", args.mode, "--steps", args.steps]
    cluster = cluster_tasks.make_cluster(1, args.workers)
    with cluster_tasks.Tasks([__file__, *given], cluster, args.limit) as tasks:
        before = None
        for line, used in tasks.lines():
            if before is None:
                before = used
                continue
            each = {
                name: round(1e3 * (used[name] - before[name]) / line["steps"], 3) for name in used if name in before
            }
            line = {
                "peer": args.library,
                "version": line["version"],
                "work": f"distributed-{args.mode}",
                "unit": "global steps/s",
                "value": round(line["steps"] / line["seconds"], 1),
                "rss_mb": line["rss_mb"],
                "cpu_ms_per_step": round(sum(each.values()), 3),
                "cpu_ms_by_task": each,
                **{key: line[key] for key in ("mb_per_step",) if key in line},
            }
            print(json.dumps(line), flush=True)
            return tasks.end(True)
        return tasks.end(False)


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
