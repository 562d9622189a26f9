"""Clusters that keep strangers out: tokens and TLS from the environment, `tenon run --tls`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import tasks

ROOT = Path(__file__).resolve().parents[2]

COUNT = """
import sys
import tenon as tf
with tf.Graph().as_default(), tf.device("/job:ps/task:0"):
    counter = tf.Variable(0)
    add = tf.assign_add(counter, 5)
    try:
        with tf.Session(sys.argv[1]) as sess:
            sess.run(counter.initializer)
            print("counted to", sess.run(add))
    except tf.errors.OpError as error:
        print(type(error).__name__, error.message.splitlines()[0])
"""

PROGRAM = """
import os
import tensorflow as tf
for flag in ("ps_hosts", "worker_hosts", "job_name"):
    tf.flags.DEFINE_string(flag, "", "")
tf.flags.DEFINE_integer("task_index", 0, "")
F = tf.flags.FLAGS


def main(_):
    spec = tf.train.ClusterSpec({"ps": F.ps_hosts.split(","), "worker": F.worker_hosts.split(",")})
    server = tf.train.Server(spec, job_name=F.job_name, task_index=F.task_index)
    if F.job_name == "ps":
        server.join()
        return
    with tf.device("/job:ps/task:0"):
        counter = tf.Variable(0)
        add = tf.assign_add(counter, 7)
    with tf.Session(server.target) as sess:
        sess.run(counter.initializer)
        print("counted to", sess.run(add))
    folder = os.path.dirname(os.environ["TENON_CERTIFICATE"])
    print("files", *sorted(os.listdir(folder)), "in", folder)
    for name in ("TENON_CERTIFICATE", "TENON_KEY", "TENON_AUTHORITY"):
        del os.environ[name]
    try:
        with tf.Session("grpc://" + F.ps_hosts) as sess:
            sess.run(add)
    except tf.errors.UnavailableError as error:
        print("without a certificate:", type(error).__name__)


tf.app.run()
"""


def count(target, **environment):
    """What a client process says that counts with a variable of the cluster."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, target],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_token(monkeypatch):
    cluster = tasks.cluster_of(1, 1)
    target = f"grpc://{cluster['worker'][0]}"
    monkeypatch.setenv("TENON_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "python"))
    with tasks.running(tasks.TENON, cluster):
        assert count(target, TENON_TOKEN="secret") == "counted to 5"
        assert count(target, TENON_TOKEN="guess").startswith("UnauthenticatedError the call's token is not")
        assert count(target, TENON_TOKEN="").startswith("UnauthenticatedError this cluster wants a token")


def test_bad_environment():
    assert "TENON_SILENCE is 'soon'" in count("grpc://127.0.0.1:1", TENON_SILENCE="soon")
    assert "is given without its key" in count("grpc://127.0.0.1:1", TENON_CERTIFICATE="/nowhere/a.pem")
    assert "/nowhere/ca.pem" in count("grpc://127.0.0.1:1", TENON_AUTHORITY="/nowhere/ca.pem")


def test_run_with_tls(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [ROOT / "build" / "tenon", "run", "--tls", "--ps", "1", "--workers", "1", "--", program],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_PYTHON": sys.executable},
        capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "[worker 0] counted to 7" in lines
    files = next(line for line in lines if "files" in line)
    assert files.startswith("[worker 0] files ca.pem task.key task.pem in /tmp/tenon-run-")
    assert not Path(files.split(" in ")[1]).exists()
    assert "[worker 0] without a certificate: UnavailableError" in lines


if not (ROOT / "build" / "tenon").exists():
    pytest.skip("build/tenon is not built", allow_module_level=True)
