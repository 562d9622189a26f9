"""A chief that was frozen and comes back while another has taken over: it overwrites nothing, and ends saying why."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cluster.tasks import TENON, cluster_of, start
from ports import free_ports

import tenon as tf
from tenon.python.training import fencing

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120

CHIEF = """
import os, signal, sys
import tenon as tf
from tenon.python.training import fencing

cluster, folder, value = eval(sys.argv[1]), sys.argv[2], float(sys.argv[3])
freeze, steps = sys.argv[4], int(sys.argv[5])
server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
with tf.device(tf.train.replica_device_setter(cluster=tf.train.ClusterSpec(cluster))):
    step = tf.train.get_or_create_global_step()
    mine = tf.get_variable("mine", [1000], initializer=tf.zeros_initializer())
    own = tf.placeholder(tf.float32, [])
    change = tf.group(mine.assign(tf.zeros([1000]) + own), step.assign_add(1))

# The named file of the checkpoint at step 4 is the one before which the process freezes.
real = os.replace
def replace(source, target):
    if freeze and (freeze == target.split(os.sep)[-1] or freeze in target and "model.ckpt-4" in target):
        print("frozen", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    real(source, target)

class Arm(tf.train.SessionRunHook):
    def after_run(self, context, values):
        if context.session.run(step) == 3:
            os.replace = replace

try:
    with tf.train.MonitoredTrainingSession(server.target, hooks=[Arm()], checkpoint_dir=folder,
                                           save_summaries_steps=None, save_checkpoint_secs=None,
                                           save_checkpoint_steps=2) as session:
        print("first", session.run(step), flush=True)
        while session.run(step) < steps:
            session.run(change, {own: value})
except tf.errors.OpError as error:
    print(type(error).__name__, error.message.replace(chr(10), " "), flush=True)
    sys.exit(3)
print("done", flush=True)
"""


def chief(cluster, folder, value, freeze="", steps=6):
    command = [sys.executable, "-c", CHIEF, repr(cluster), str(folder), str(value), freeze, str(steps)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)


def expect(process, word):
    line = process.stdout.readline()
    if not line.startswith(word):
        process.kill()
        raise AssertionError(f"{line!r} came instead of {word!r}; {process.communicate()}")
    return line


def values(folder):
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(folder)))
    return reader.get_tensor("global_step"), set(np.unique(reader.get_tensor("mine")))


# Between writing and moving the data, between data and index, before the state file, before an old file goes.
@pytest.mark.parametrize("freeze, first, last", [
    (".data-", 2, 6), (".index", 2, 6), ("checkpoint", 2, 6), ("model.ckpt-0.index.old", 10, 14),
])  # fmt: skip
def test_a_frozen_chief_overwrites_nothing(tmp_path, freeze, first, last):
    """It freezes in the middle of a save; its successor runs at another address, over the same steps and more."""
    cluster = cluster_of(1, 1)
    server = start(TENON, cluster, "ps", 0)
    assert server.stdout.readline() == b"ready\n"
    processes = [server]
    try:
        old = chief(cluster, tmp_path, 1.0, freeze, steps=20)
        processes.append(old)
        expect(old, "first 0")
        expect(old, "frozen")
        moved = {**cluster, "worker": [f"127.0.0.1:{free_ports(1)[0]}"]}
        new = chief(moved, tmp_path, 2.0, steps=last)
        processes.append(new)
        expect(new, f"first {first}")
        expect(new, "done")
        assert new.wait(PATIENCE) == 0
        assert values(tmp_path) == (last, {2.0})
        before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in tmp_path.glob("*ckpt*")}
        before[tmp_path / "checkpoint"] = (tmp_path / "checkpoint").read_text()
        old.send_signal(signal.SIGCONT)
        line = expect(old, "FailedPreconditionError")
        assert old.wait(PATIENCE) == 3
        assert "belong to another chief now" in line and f"process {new.pid} of" in line, line
        after = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in tmp_path.glob("*ckpt*")}
        after[tmp_path / "checkpoint"] = (tmp_path / "checkpoint").read_text()
        assert after == before
        assert values(tmp_path) == (last, {2.0})
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


def test_a_frozen_worker_gives_way(tmp_path):
    """A task that was replaced is refused by those that know its successor, and does not take the place back."""
    program = """
import sys, time
import tenon as tf
cluster = eval(sys.argv[1])
server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
with tf.device("/job:ps/task:0"):
    v = tf.Variable(0.0)
    add = v.assign_add(1.0)
with tf.Session(server.target) as session:
    session.run(v.initializer)
print("ready", flush=True)
for line in sys.stdin:
    try:
        with tf.Session(server.target) as session:
            print(session.run(add), flush=True)
    except tf.errors.OpError as error:
        print(type(error).__name__, error.message.replace(chr(10), " "), flush=True)
"""
    cluster = cluster_of(1, 1)
    server = start(TENON, cluster, "ps", 0)
    assert server.stdout.readline() == b"ready\n"
    processes = [server]

    def worker(cluster):
        command = [sys.executable, "-c", program, repr(cluster)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
        made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        processes.append(made)
        assert made.stdout.readline() == "ready\n"
        return made

    def ask(process):
        process.stdin.write("go\n")
        process.stdin.flush()
        return process.stdout.readline()

    try:
        old = worker(cluster)
        assert ask(old) == "1.0\n"
        old.send_signal(signal.SIGSTOP)
        new = worker({**cluster, "worker": [f"127.0.0.1:{free_ports(1)[0]}"]})
        assert ask(new) == "1.0\n"
        old.send_signal(signal.SIGCONT)
        assert "FailedPreconditionError" in (said := ask(old)) and "took its place" in said, said
        assert ask(new) == "2.0\n"
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()


def test_leases(tmp_path):
    """Each claim ends the ones before it, whatever they do then; what lies in the folder stays."""
    first = fencing.Lease(tmp_path)
    Path(first.staged("a")).write_text("first")
    first.publish("a")
    Path(first.staged("a")).write_text("late")
    second = fencing.Lease(tmp_path)
    for refused in (first.check, lambda: first.publish("a"), lambda: first.publish_checkpoint("a"),
                    lambda: first.remove(str(tmp_path / "a"))):  # fmt: skip
        with pytest.raises(tf.errors.FailedPreconditionError, match=f"process {os.getpid()} of"):
            refused()
    with pytest.raises((FileExistsError, NotADirectoryError)):
        os.makedirs(first.staged("b"))
    assert (tmp_path / "a").read_text() == "first"
    second.check()
    second.remove(str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
    third = fencing.Lease(tmp_path)
    with pytest.raises(tf.errors.FailedPreconditionError):
        second.check()
    third.check()


def test_claims_at_once(tmp_path):
    """Of many that claim a folder at the same time, one holds it at the end."""
    program = """
import sys
from tenon.python.training import fencing
from tenon.python.framework import errors
lease = fencing.Lease(sys.argv[1])
print("claimed", flush=True)
sys.stdin.read()
try:
    lease.check()
    print("holds")
except errors.FailedPreconditionError:
    print("lost")
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         env=environment, text=True) for _ in range(6)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "claimed\n"
    said = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    assert sorted(said) == ["holds\n"] + ["lost\n"] * 5
