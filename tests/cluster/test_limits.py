"""What a server does not do for clients of other processes: too large, too much, or not allowed."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cluster.tasks import cluster_of

import tenon as tf

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")


@contextlib.contextmanager
def served(*flags):
    """The target of a `tenon server` with FLAGS."""
    address = cluster_of(0, 1)["worker"][0]
    command = [str(TOOL), "server", "--cluster", f"worker={address}", "--job", "worker", *flags]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline().startswith("serving worker")
        with tf.Graph().as_default():
            yield f"grpc://{address}"
        assert server.poll() is None, "the server did not stay up"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        server.stdout.close()


def test_messages():
    with served("--message-limit", "1M") as target, tf.Session(target) as session:
        x = tf.placeholder(tf.uint8)
        total = tf.reduce_sum(tf.cast(x, tf.int64))
        assert session.run(total, {x: np.ones(900_000, "u1")}) == 900_000
        with pytest.raises(
            tf.errors.ResourceExhaustedError, match=r"of 2000\d\d\d bytes came; the limit is 1048576 \(--message"
        ):
            session.run(total, {x: np.ones(2_000_000, "u1")})
        assert session.run(total, {x: np.ones(3, "u1")}) == 3


def test_graphs():
    with served("--graph-limit", "100k") as target:
        with tf.Session(target) as session:
            small = tf.constant(np.arange(10_000.0, dtype="f"))
            assert session.run(small)[3] == 3
            large = tf.constant(np.arange(20_000.0, dtype="f"))
            with pytest.raises(tf.errors.ResourceExhaustedError, match=r"the limit is 102400 \(--graph-limit"):
                session.run(large)
        with tf.Graph().as_default(), tf.Session(target) as session:
            assert session.run(tf.constant(7)) == 7


def test_memory_of_a_session():
    with served("--session-memory", "16M") as target:
        n = tf.placeholder(tf.int32, [])
        total = tf.reduce_sum(tf.random_uniform([n]) * 0 + tf.range(tf.cast(n, tf.float32)) * 0 + 1.0)
        v = tf.get_variable("v", [1000], initializer=tf.zeros_initializer())
        kept = tf.Variable(tf.zeros([1 << 20]), name="kept")  # 4 MiB
        with tf.Session(target) as session:
            session.run(v.initializer)
            for _ in range(50):
                assert session.run(total, {n: 1 << 18}) == 1 << 18  # a megabyte each, given back after the step
            for _ in range(3):
                with pytest.raises(
                    tf.errors.ResourceExhaustedError,
                    match=r"\d+ bytes asked for with \d+ in use would pass the memory limit of session [0-9a-f]{16} "
                    r"\(TENON_SESSION_MEMORY\), 16777216 bytes",
                ):
                    session.run(total, {n: 8 << 20})
            session.run(kept.initializer)
            with pytest.raises(tf.errors.ResourceExhaustedError, match="memory limit of session"):
                session.run(total, {n: 2 << 20})
            with tf.Session(target) as other:  # has room of its own
                assert other.run(total, {n: 1 << 20}) == 1 << 20
            assert session.run(tf.reduce_sum(v)) == 0


def run_all(target, tmp_path):
    """What fails, by name, of things that reach out of the graph."""
    (tmp_path / "text").write_text("a\nb\n")
    path = str(tmp_path / "text")
    v = tf.get_variable("v", [], initializer=tf.ones_initializer())
    saver = tf.train.Saver([v])
    dataset = tf.data.Dataset.from_tensors(path).flat_map(lambda name: tf.data.TextLineDataset(name))
    lines = tf.data.make_one_shot_iterator(dataset).get_next()
    cached = tf.data.make_one_shot_iterator(tf.data.Dataset.range(3).cache()).get_next()
    trials = {
        "Variable": lambda session: session.run(v.initializer),
        "SaveV2": lambda session: saver.save(session, str(tmp_path / "model")),
        "RestoreV2": lambda session: saver.restore(session, str(tmp_path / "model")),
        "ReadFile": lambda session: session.run(tf.read_file(path)),
        "WriteFile": lambda session: session.run(tf.write_file(path + "2", "x")),
        "MatchingFiles": lambda session: session.run(tf.matching_files(path + "*")),
        "TextLineDataset": lambda session: session.run(lines),
        "Cache in memory": lambda session: session.run(cached),
        "PrintV2": lambda session: session.run(tf.print("to standard error")),
        "PrintV2 to a file": lambda session: session.run(tf.print("x", output_stream="file://" + path + "3")),
    }
    failed = {}
    with tf.Session(target) as session:
        for name, trial in trials.items():
            try:
                trial(session)
            except tf.errors.PermissionDeniedError as error:
                failed[name] = error.message
    return failed


READS = {"ReadFile", "WriteFile", "MatchingFiles", "TextLineDataset", "PrintV2 to a file"}


@pytest.mark.parametrize("allow, refused", [
    (None, READS),
    ("none", READS | {"SaveV2"}),
    ("files,checkpoints", set()),
])  # fmt: skip
def test_what_is_allowed(allow, refused, tmp_path):
    with served(*(["--allow", allow] if allow else [])) as target:
        if allow == "none":  # RestoreV2 of nothing: the saver makes both in one graph
            (tmp_path / "model.index").write_bytes(b"")
        failed = run_all(target, tmp_path)
    assert set(failed) - {"RestoreV2"} == refused
    assert ("RestoreV2" in failed) == (allow == "none")
    for name, message in failed.items():
        assert name.split()[0] in message
        assert "--allow" in message


def test_code():
    """A function of the client's process is not one of the server's."""
    with served() as target, tf.Session(target) as session:
        y = tf.py_func(lambda x: x + 1, [tf.constant(1.0)], tf.float32)
        with pytest.raises(tf.errors.PermissionDeniedError, match="PyFunc 'PyFunc' calls code of the process"):
            session.run(y)


def test_the_own_process_may(tmp_path):
    address = cluster_of(0, 1)["worker"][0]
    server = tf.train.Server(tf.train.ClusterSpec({"worker": [address]}), job_name="worker", task_index=0)
    with tf.Graph().as_default():
        assert run_all(server.target, tmp_path) == {}
        with tf.Session(server.target) as session:
            assert session.run(tf.py_func(lambda x: x + 1, [tf.constant(1.0)], tf.float32)) == 2


@pytest.mark.parametrize("flags, says", [
    (["--allow", "everything"], "'everything' is none of none, checkpoints, files, code"),
    (["--graph-limit", "much"], "--graph-limit is 'much'"),
    (["--session-memory", "-1"], "--session-memory is '-1'"),
])  # fmt: skip
def test_bad_flags(flags, says):
    command = [str(TOOL), "server", "--cluster", "worker=127.0.0.1:0", "--job", "worker", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert says in done.stderr
