"""Clusters of processes for tests."""

import contextlib
import os
import signal
import subprocess
import sys

from ports import free_ports

TENON = """
import sys
import tenon as tf
cluster, job, task = eval(sys.argv[1]), sys.argv[2], int(sys.argv[3])
server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name=job, task_index=task)
print("ready", flush=True)
server.join()
"""

TENSORFLOW = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
cluster, job, task = eval(sys.argv[1]), sys.argv[2], int(sys.argv[3])
server = tf.distribute.Server(tf.train.ClusterSpec(cluster), job_name=job, task_index=task)
print("ready", flush=True)
server.join()
"""


def cluster_of(ps=1, workers=2):
    """Addresses for a cluster, as ClusterSpec takes them."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(ps + workers)]
    return {"ps": addresses[:ps], "worker": addresses[ps:]}


def start(program, cluster, job, task):
    """A process that serves as a task."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([sys.executable, "-c", program, repr(cluster), job, str(task)],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)  # fmt: skip


@contextlib.contextmanager
def running(program, cluster):
    """The processes of CLUSTER by (job, task), up; they end with the block."""
    processes = {(job, i): start(program, cluster, job, i) for job in cluster for i in range(len(cluster[job]))}
    try:
        for key, process in processes.items():
            assert process.stdout.readline() == b"ready\n", f"{key} did not start"
        yield processes
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGKILL)
        for process in processes.values():
            process.wait()
            process.stdout.close()


@contextlib.contextmanager
def serving(program, cluster, job, task=0):
    """The process that serves as one task, up; it ends with the block."""
    process = start(program, cluster, job, task)
    try:
        assert process.stdout.readline() == b"ready\n", f"{job} {task} did not start"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
