"""Clusters of processes: `tenon run`, `tenon server`, and the distributed examples."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster.tasks import TENON, cluster_of, start

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TENON_DATA") or ROOT.parent / "shared" / "data")
TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")
EXAMPLES = ROOT / "examples" / "distributed"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT / "python"),
    "TENON_DATA": str(DATA),
    "TENON_PYTHON": sys.executable,
}

needs_mnist = pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="no MNIST")


def run(*arguments, timeout=120):
    return subprocess.run([str(TOOL), *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True,
                          timeout=timeout)  # fmt: skip


def program(folder, text):
    path = folder / "program.py"
    path.write_text(text)
    return path


SERVED = """
import sys
import tensorflow as tf
flags = tf.app.flags
for name in ("ps_hosts", "worker_hosts", "job_name"):
    flags.DEFINE_string(name, "", "")
flags.DEFINE_integer("task_index", 0, "")
FLAGS = flags.FLAGS
def main(_):
    cluster = tf.train.ClusterSpec({"ps": FLAGS.ps_hosts.split(","), "worker": FLAGS.worker_hosts.split(",")})
    server = tf.train.Server(cluster, job_name=FLAGS.job_name, task_index=FLAGS.task_index)
    if FLAGS.job_name == "ps":
        server.join()
    work(server, cluster, FLAGS.task_index)
"""


def accuracy(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return float(re.search(r"\[worker 0\] test accuracy: ([\d.]+) %", done.stdout)[1])


BETWEEN = {"Python": EXAMPLES / "between_graph.py", "C": TOOL.parent / "example-between_graph"}
IN = {"Python": EXAMPLES / "in_graph.py", "C": TOOL.parent / "example-in_graph"}


@needs_mnist
@pytest.mark.parametrize("language", BETWEEN)
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_between_graph(mode, language):
    """Both workers take part, end by themselves, and the network learns. A synchronous step has a batch of each."""
    sync = ["--sync"] if mode == "sync" else []
    done = run("run", "--ps", 1, "--workers", 2, *sync, "--", BETWEEN[language],
               f"--steps={1600 if sync else 2600}", timeout=600)  # fmt: skip
    assert accuracy(done) >= 99, done.stdout
    steps = [int(n) for n in re.findall(r"\[worker \d\] worker \d took (\d+) steps", done.stdout)]
    assert len(steps) == 2 and min(steps) > 0, done.stdout


@needs_mnist
@pytest.mark.parametrize("language", IN)
def test_in_graph(language):
    done = run("run", "--ps", 1, "--workers", 2, "--patience", 0, "--", IN[language], timeout=600)
    assert accuracy(done) >= 99, done.stdout


def test_supervisor(tmp_path):
    """The loop of programs from before MonitoredTrainingSession, with a checkpoint of the chief's."""
    path = program(
        tmp_path,
        SERVED
        + f"""
def work(server, cluster, index):
    with tf.device(tf.train.replica_device_setter(worker_device=f"/job:worker/task:{{index}}", cluster=cluster)):
        step = tf.train.get_or_create_global_step()
        v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
        add = tf.group(v.assign_add(2.0, use_locking=True), step.assign_add(1, use_locking=True))
        init = tf.global_variables_initializer()
    supervisor = tf.train.Supervisor(is_chief=index == 0, logdir={str(tmp_path / "log")!r}, init_op=init,
                                     global_step=step, recovery_wait_secs=1)
    with supervisor.prepare_or_wait_for_session(server.target) as session:
        while not supervisor.should_stop() and session.run(step) < 100:
            session.run(add)
        print("v is", session.run(v) / session.run(step))
        if index == 0:
            supervisor.saver.save(session, supervisor.save_path, step)
        supervisor.stop()  # its threads use the session
tf.app.run()
""",
    )
    done = run("run", "--", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("v is 2.0") == 2, done.stdout
    assert (tmp_path / "log" / "checkpoint").exists()


def test_long_lines_stay_whole(tmp_path):
    done = run(
        "run", "--ps", 0, "--workers", 1, "--", "/bin/sh", program(tmp_path, "printf '%020000d\\n' 7; printf 'end'")
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("[worker 0]")]
    assert lines[:2] == ["[worker 0] " + "7".rjust(20000, "0"), "[worker 0] end"], done.stdout[:200] + done.stderr


def test_a_failed_worker_ends_the_job(tmp_path):
    path = program(
        tmp_path,
        SERVED
        + """
def work(server, cluster, index):
    if index == 1:
        sys.exit(7)
    server.join()
tf.app.run()
""",
    )
    done = run("run", "--", path, timeout=120)
    assert done.returncode == 1
    assert "worker 1 ended with exit code 7" in done.stderr


FAILING = """
import os, signal, sys, time
flags = dict(a[2:].split("=") for a in sys.argv if a.startswith("--") and "=" in a)
print("ps", flags["ps_hosts"], "worker", flags["worker_hosts"], flush=True)
lives = int(os.environ["TENON_RESTART"])
task, at = flags["job_name"] + flags["task_index"], [int(n) for n in os.environ["FAILS"].split(",")]
if task == "worker1" and lives < at[0]:
    if not os.fork():
        time.sleep(300)  # a child that must not stay behind, nor hold the output open
    os._exit(7)
if task == "ps0":
    if lives < at[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    open(os.environ["READY"], "w").close()
    time.sleep(300)
while not os.path.exists(os.environ["READY"]):
    time.sleep(0.05)
"""


@pytest.mark.parametrize("fails, code, says", [
    ("2,1", 0, ["worker 1 ended with exit code 7; restart 1 of 2", "worker 1 ended with exit code 7; restart 2 of 2",
                "ps 0 ended with exit code 137 before the workers; restart 1 of 2"]),
    ("3,0", 1, ["worker 1 ended with exit code 7, after 2 restarts"]),
])  # fmt: skip
def test_restarts(tmp_path, monkeypatch, fails, code, says):
    """A task that failed comes back under its address, as often as was asked for."""
    monkeypatch.setitem(ENVIRONMENT, "FAILS", fails)
    monkeypatch.setitem(ENVIRONMENT, "READY", str(tmp_path / "ready"))
    path = program(tmp_path, FAILING)
    done = run("run", "--restarts", 2, "--", path, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    for line in says:
        assert line in done.stderr, done.stdout + done.stderr
    assert len(set(re.findall(r"ps \S+ worker \S+", done.stdout))) == 1, done.stdout


def test_all_ends_with_the_tool(tmp_path):
    path = program(
        tmp_path,
        f"""
import os, sys, time
open(os.path.join({str(tmp_path)!r}, "pid%d" % os.getpid()), "w").close()
time.sleep(300)
""",
    )
    process = subprocess.Popen([str(TOOL), "run", "--no-flags", "--", str(path)], env=ENVIRONMENT)
    until = time.monotonic() + 120
    while len(list(tmp_path.glob("pid*"))) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    pids = [int(found.name[3:]) for found in tmp_path.glob("pid*")]
    assert len(pids) == 3
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_server_command():
    cluster = cluster_of(1, 1)
    spec = ";".join(f"{job}={','.join(addresses)}" for job, addresses in cluster.items())
    command = [str(TOOL), "server", "--cluster", spec, "--job", "ps"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        assert server.stdout.readline() == f"serving ps task 0 at grpc://{cluster['ps'][0]}\n"
        code = f"""
import tenon as tf
server = tf.train.Server(tf.train.ClusterSpec({cluster!r}), job_name="worker", task_index=0)
with tf.device("/job:ps/task:0"):
    v = tf.Variable(3.0)
with tf.Session(server.target) as session:
    session.run(v.initializer)
    print(session.run(v * 2))
"""
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        assert done.stdout == "6.0\n", done.stdout + done.stderr
    finally:
        server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    server.stdout.close()


@pytest.mark.parametrize("arguments, code, says", [
    (["server", "--cluster", "ps=x", "--job", "ps"], 1, "x"),
    (["server", "--cluster", "ps=localhost:1;ps=localhost:2", "--job", "ps"], 1, "two tasks 0"),
    (["server", "--cluster", "ps=localhost:0", "--job", "worker"], 1, "no task 0 of a job 'worker'"),
    (["server"], 2, "--cluster and --job are needed"),
    (["run"], 2, "no program"),
    (["run", "--workers", "0", "--", "true"], 2, "at least one worker"),
])  # fmt: skip
def test_bad_arguments(arguments, code, says):
    done = run(*arguments, timeout=60)
    assert done.returncode == code
    assert says in done.stderr


RECOVER = """
import sys
import tenon as tf
cluster, checkpoints = eval(sys.argv[1]), sys.argv[2]
server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
with tf.device(tf.train.replica_device_setter(cluster=tf.train.ClusterSpec(cluster))):
    step = tf.train.get_or_create_global_step()
    add = step.assign_add(1)
hooks = [tf.train.StopAtStepHook(last_step=100000000)]
with tf.train.MonitoredTrainingSession(server.target, hooks=hooks, checkpoint_dir=checkpoints,
                                       save_checkpoint_secs=None, save_checkpoint_steps=50) as session:
    print("first", session.run(add), flush=True)
    for line in sys.stdin:
        print(line.strip(), session.run(add), flush=True)
"""


def test_a_killed_parameter_server(tmp_path):
    """It is noticed, and training goes on from the checkpoint when it is back."""
    cluster = cluster_of(1, 1)
    server = start(TENON, cluster, "ps", 0)
    assert server.stdout.readline() == b"ready\n"
    command = [sys.executable, "-c", RECOVER, repr(cluster), str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen(command, **pipes, env=ENVIRONMENT, text=True)
    try:
        assert worker.stdout.readline() == "first 1\n"
        worker.stdin.write("again\n")
        worker.stdin.flush()
        assert worker.stdout.readline() == "again 2\n"
        server.kill()
        server.wait()
        server.stdout.close()
        worker.stdin.write("back\n")
        worker.stdin.flush()
        time.sleep(0.5)
        server = start(TENON, cluster, "ps", 0)
        word, step = worker.stdout.readline().split()
        assert word == "back" and int(step) in (1, 2, 3)
    finally:
        for process in (server, worker):
            process.kill()
            process.wait()
        server.stdout.close()
        worker.stdout.close()
        worker.stdin.close()


def test_random_strategy():
    """Each name has its server, whatever came before; all servers get some."""
    import tenon as tf

    with tf.Graph().as_default():
        strategy = tf.contrib.training.RandomStrategy(3, seed=7)
        with tf.device(tf.train.replica_device_setter(ps_tasks=3, ps_strategy=strategy)):
            devices = {f"v{i}": tf.Variable(0.0, name=f"v{i}").device for i in range(30)}
    with tf.Graph().as_default():
        again = tf.contrib.training.RandomStrategy(3, seed=7)
        with tf.device(tf.train.replica_device_setter(ps_tasks=3, ps_strategy=again)):
            for i in reversed(range(30)):
                assert tf.Variable(0.0, name=f"v{i}").device == devices[f"v{i}"]
    assert set(devices.values()) == {f"/job:ps/task:{i}" for i in range(3)}
