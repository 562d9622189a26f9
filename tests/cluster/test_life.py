"""How a job ends: by itself when it is done, in order when it is told to."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cluster.tasks import cluster_of

import tenon as tf

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_PYTHON": sys.executable}
PATIENCE = 120

# Trains for ever, or blocks in a step for ever; saves at the end.
PROGRAM = """
import json, os, sys, time
import tensorflow as tf
folder, blocks, last = sys.argv[1], sys.argv[2] == "block", int(sys.argv[3])
config = json.loads(os.environ["TF_CONFIG"])
task = config["task"]
server = tf.train.Server(tf.train.ClusterSpec(config["cluster"]), job_name=task["type"], task_index=task["index"])
if task["type"] == "ps":
    print("serves", flush=True)
    server.join()
chief = task["index"] == 0
own = f"/job:worker/task:{task['index']}"
with tf.device(tf.train.replica_device_setter(cluster=config["cluster"], worker_device=own)):
    step = tf.train.get_or_create_global_step()
    v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
    both = tf.group(v.assign_add(2.0, use_locking=True), step.assign_add(1, use_locking=True))
    never = tf.FIFOQueue(1, [tf.float32]).dequeue()
hooks = [tf.train.StopAtStepHook(last_step=last)]
with tf.train.MonitoredTrainingSession(server.target, is_chief=chief, hooks=hooks, save_checkpoint_secs=1000,
                                       checkpoint_dir=folder if chief else None) as session:
    session.run(both)
    print("trains", flush=True)
    while not session.should_stop():
        session.run(never if blocks else both)
    print("is done", flush=True)
"""


def run_job(tmp_path, *arguments, options=(), program=PROGRAM):
    path = tmp_path / "program.py"
    path.write_text(program)
    command = [TOOL, "run", "--no-flags", *options, "--", path, tmp_path / "log", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([str(word) for word in command], env=ENVIRONMENT, **pipes)


def read_until(process, *wanted):
    """Reads lines until each of WANTED has come."""
    lines, wanted = [], list(wanted)
    while wanted:
        lines.append(process.stdout.readline())
        assert lines[-1], "".join(lines) + process.stderr.read()
        wanted = [word for word in wanted if word not in lines[-1]]


def test_all_end_when_the_work_is_done(tmp_path):
    """Non-chief workers and parameter servers too, without being waited for by --patience."""
    options = ["--ps", 2, "--workers", 3, "--patience", 100]
    started = time.monotonic()
    job = run_job(tmp_path, "run", 50, options=options)
    out, err = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, out + err
    assert out.count("is done") == 3, out + err
    assert time.monotonic() - started < 100


@pytest.mark.parametrize("blocks", ["run", "block"])
def test_sigterm_drains(tmp_path, blocks):
    """All tasks finish their step, or give it up where it waits for ever; the chief saves; nothing is left."""
    job = run_job(tmp_path, blocks, 10**9, options=["--grace", 60 if blocks == "run" else 10])
    read_until(job, "[worker 0] trains", "[worker 1] trains")
    job.send_signal(signal.SIGTERM)
    out, err = job.communicate(timeout=PATIENCE)
    assert job.returncode == 130, out + err
    assert "is done" not in out and "Traceback" not in out, out
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(tmp_path / "log")))
    step = reader.get_tensor("global_step")
    assert step >= 1 and (blocks == "block" or step > 2)
    # The other worker may be in the middle of a step of its own while the chief saves.
    assert abs(reader.get_tensor("v") - 2 * step) <= 2


# The same with a Supervisor, which saves at once and then not for a long time.
SUPERVISED = """
import json, os, sys
import tensorflow as tf
folder, blocks = sys.argv[1], sys.argv[2] == "block"
config = json.loads(os.environ["TF_CONFIG"])
task = config["task"]
server = tf.train.Server(tf.train.ClusterSpec(config["cluster"]), job_name=task["type"], task_index=task["index"])
if task["type"] == "ps":
    server.join()
with tf.device(tf.train.replica_device_setter(cluster=config["cluster"],
                                              worker_device=f"/job:worker/task:{task['index']}")):
    step = tf.train.get_or_create_global_step()
    train = step.assign_add(1, use_locking=True)
    never = tf.FIFOQueue(1, [tf.float32]).dequeue()
supervisor = tf.train.Supervisor(is_chief=task["index"] == 0, logdir=folder, save_model_secs=1000,
                                 recovery_wait_secs=1)
with supervisor.managed_session(server.target) as session:
    while session.run(train) < 50:
        pass
    print("trains", flush=True)
    while not supervisor.should_stop():
        session.run(never if blocks else train)
    print("is done", flush=True)
"""


@pytest.mark.parametrize("blocks", ["run", "block"])
def test_sigterm_drains_a_supervisor(tmp_path, blocks):
    """As with monitored sessions; the chief's last checkpoint has what was trained before the signal."""
    job = run_job(tmp_path, blocks, options=["--grace", 60 if blocks == "run" else 10], program=SUPERVISED)
    read_until(job, "[worker 0] trains", "[worker 1] trains")
    job.send_signal(signal.SIGTERM)
    out, err = job.communicate(timeout=PATIENCE)
    assert job.returncode == 130, out + err
    assert "is done" not in out and "Traceback" not in out, out
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(tmp_path / "log")))
    assert reader.get_tensor("global_step") >= 50


def start_server(environment=None):
    cluster = cluster_of(1, 1)
    spec = f"ps={cluster['ps'][0]};worker={cluster['worker'][0]}"
    command = [str(TOOL), "server", "--cluster", spec, "--job", "ps"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**ENVIRONMENT, **(environment or {})})
    assert server.stdout.readline().startswith("serving ps task 0")
    return server, cluster


def test_a_server_waits_for_its_sessions():
    """After SIGTERM it serves those that are there until they end, and ends as soon as they do."""
    server, cluster = start_server({"TENON_GRACE": "100000"})
    with tf.Graph().as_default() as graph:
        worker = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
        with tf.device("/job:ps/task:0"):
            v = tf.Variable(0.0)
            add = tf.assign_add(v, 1.0)
        with tf.Session(worker.target, graph=graph) as session:
            session.run(v.initializer)
            server.send_signal(signal.SIGTERM)
            for _ in range(20):
                session.run(add)
                time.sleep(0.02)
            assert session.run(v) == 20
            assert server.poll() is None
    assert server.wait(PATIENCE) == 0
    server.stdout.close()


@pytest.mark.parametrize("second", [False, True])
def test_a_server_waits_no_longer_than_it_may(second):
    """The grace period is over, or a second signal comes: the step that runs ends with an error."""
    server, cluster = start_server({"TENON_GRACE": "60" if second else "1"})
    with tf.Graph().as_default() as graph:
        worker = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
        with tf.device("/job:ps/task:0"):
            taken = tf.FIFOQueue(1, [tf.float32]).dequeue()
        with tf.Session(worker.target, graph=graph) as session:
            session.run(tf.no_op())

            def end():
                server.send_signal(signal.SIGTERM)
                if second:
                    time.sleep(0.2)
                    server.send_signal(signal.SIGTERM)

            threading.Timer(0.3, end).start()
            with pytest.raises((tf.errors.UnavailableError, tf.errors.CancelledError, tf.errors.AbortedError)):
                session.run(taken)
    assert server.wait(PATIENCE) == 0
    server.stdout.close()
