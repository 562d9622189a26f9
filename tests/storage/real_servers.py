#!/usr/bin/env python3
"""Remote files against real servers: a Hadoop mini cluster, and versitygw, an S3 server. For `scripts/soak storage`.

usage: real_servers.py [hdfs|s3]...     (both without an argument)

Builds what it needs from Maven Central (with mvn, javac and a JDK) and from Go's modules; says what is missing. Each
server gets the same programs: files of every size around a part's, appended files, lists, names that change, a training
job that is resumed, and a checkpoint of 48 MB. While the checkpoint is saved one of HDFS's data nodes is ended.
The exit status is 1 if something was not as it should be.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "python")]

import numpy as np  # noqa: E402
from ports import free_port, free_ports  # noqa: E402

import tenon as tf  # noqa: E402

PART = 5 << 20


def say(text):
    print(text, flush=True)


def wait_for(ready, what):
    """Waits until READY() is true."""
    end = time.monotonic() + 180
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come up within 180 s")
        time.sleep(0.2)


def run(command, **options):
    """Runs a command; its output is shown only if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}{' '.join(map(str, command))} failed")
    return done.stdout.strip()


# --- servers ---


class Hadoop:
    """Hadoop's name node and three data nodes, in a process of their own."""

    def __init__(self, folder):
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tenon" / "hadoop-3.4.1"
        for program in ("mvn", "javac"):
            if not shutil.which(program):
                raise SystemExit(f"there is no {program}: install maven and a JDK (11 or newer)")
        tools = HERE / "tools/hadoop"
        if not (cache / "complete").exists():
            run(["mvn", "-q", "-B", "-f", tools / "pom.xml", "dependency:copy-dependencies",
                 f"-DoutputDirectory={cache / 'jars'}", "-DskipTests"])  # fmt: skip
            (cache / "complete").touch()
        classes = f"{cache / 'jars'}/*"
        run(["javac", "-cp", classes, "-d", f"{folder}/classes", tools / "MiniCluster.java"])
        rpc, self.http = free_ports(2)
        command = ["java", "-Xmx1g", "-cp", f"{folder}/classes:{classes}", "MiniCluster", f"{folder}/dfs", str(rpc),
                   str(self.http)]  # fmt: skip
        self.log = open(f"{folder}/hadoop.log", "w")  # noqa: SIM115
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        if self._answer() != "ready":
            raise SystemExit(f"Hadoop did not start:\n{Path(self.log.name).read_text()[-3000:]}")
        os.environ.update(TENON_HDFS_HTTP=str(self.http), HADOOP_USER_NAME="tester")
        self.base = f"hdfs://127.0.0.1:{rpc}/soak"

    def _answer(self):
        return self.process.stdout.readline().strip()

    def tell(self, line):
        """Sends a line; returns the answer."""
        print(line, file=self.process.stdin, flush=True)
        return self._answer()

    def stop(self):
        """Ends it."""
        print("exit", file=self.process.stdin, flush=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.process.wait()
        self.log.close()


class S3:
    """versitygw on a folder."""

    def __init__(self, folder):
        program = Path(run([ROOT / "scripts/kube-tools", "versitygw"])) / "versitygw"
        os.makedirs(f"{folder}/s3/data")
        port = free_port()
        credentials = {"ROOT_ACCESS_KEY": "soak", "ROOT_SECRET_KEY": "soak-secret"}
        where = ["--port", f"127.0.0.1:{port}", "--region", "eu-test-1"]
        command = [program, *where, "posix", "--sidecar", f"{folder}/side", f"{folder}/s3"]
        os.makedirs(f"{folder}/side")
        self.log = open(f"{folder}/s3.log", "w")  # noqa: SIM115
        self.process = subprocess.Popen(command, env={**os.environ, **credentials}, stdout=self.log, stderr=self.log)
        os.environ.update(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", AWS_REGION="eu-test-1",
                          AWS_ACCESS_KEY_ID="soak", AWS_SECRET_ACCESS_KEY="soak-secret")  # fmt: skip

        def up():
            if self.process.poll() is not None:
                raise SystemExit(f"versitygw ended:\n{Path(self.log.name).read_text()[-3000:]}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            except urllib.error.HTTPError:
                return True
            except OSError:
                return False
            return True

        wait_for(up, "versitygw")
        self.base = "s3://data/soak"

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait()
        self.log.close()


# --- programs ---


def noise(size, seed=0):
    return np.random.default_rng(seed).bytes(size)


def read(path):
    with tf.gfile.GFile(path, "rb") as f:
        return f.read()


def files(base):
    """Files of many sizes come back, and nothing else is left."""
    sizes = (0, 1, 511, 512, 513, PART - 1, PART, PART + 1, 2 * PART + 12345)
    for size in sizes:
        with tf.gfile.GFile(f"{base}/files/of {size}+ü", "wb") as f:
            f.write(noise(size))
    assert sorted(tf.gfile.ListDirectory(f"{base}/files")) == sorted(f"of {size}+ü" for size in sizes)
    for size in sizes:
        assert read(f"{base}/files/of {size}+ü") == noise(size), size
        assert tf.gfile.Stat(f"{base}/files/of {size}+ü").length == size
    tf.gfile.Rename(f"{base}/files", f"{base}/moved")
    assert len(tf.gfile.Glob(f"{base}/moved/of 5*")) == 6 and not tf.gfile.Exists(f"{base}/files")
    assert read(f"{base}/moved/of {PART}+ü") == noise(PART)
    tf.gfile.DeleteRecursively(f"{base}/moved")
    assert not tf.gfile.Exists(f"{base}/moved")
    return f"{len(sizes)} files of 0 to {sizes[-1]:,} bytes came back, were renamed with their folder and removed"


def appending(base):
    """A file that grows is seen at each flush."""
    whole = b""
    with tf.gfile.GFile(f"{base}/log", "ab") as f:
        for i, size in enumerate((10, 1000, PART + 5, 3, 700_000)):
            f.write(noise(size, i))
            whole += noise(size, i)
            f.flush()
            assert read(f"{base}/log") == whole, i
    with tf.gfile.GFile(f"{base}/log", "ab") as f:
        f.write(b"more")
    assert read(f"{base}/log") == whole + b"more"
    return f"a file grew to {len(whole) + 4:,} bytes in 6 flushes, each seen"


def training(base):
    """A MonitoredTrainingSession that is resumed, and its event files."""

    def train(last):
        with tf.Graph().as_default():
            step = tf.train.get_or_create_global_step()
            weight = tf.get_variable("w", initializer=0.0)
            loss = tf.square(weight - 1.0)
            tf.summary.scalar("loss", loss)
            update = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)
            hooks = [tf.train.StopAtStepHook(last_step=last)]
            with tf.train.MonitoredTrainingSession(checkpoint_dir=f"{base}/model", hooks=hooks, save_checkpoint_steps=5,
                                                   save_summaries_steps=2) as session:  # fmt: skip
                first = session.run(step)
                while not session.should_stop():
                    session.run(update)
        return first

    assert train(8) == 0 and train(12) == 8
    assert tf.train.latest_checkpoint(f"{base}/model") == f"{base}/model/model.ckpt-12"
    events = [e for path in tf.gfile.Glob(f"{base}/model/events*") for e in tf.train.summary_iterator(path)]
    assert len([e for e in events if e.HasField("summary")]) >= 6
    return "a training job went on from step 8 to 12; its event files are whole"


def big_checkpoint(base, disturb=None):
    """48 MB of variables, saved while DISTURB(FOLDER) does something, then restored."""
    folder = f"{base}/big"
    tf.gfile.MakeDirs(folder)
    values = [np.frombuffer(noise(6 << 20, i), "int32") for i in range(8)]
    with tf.Graph().as_default(), tf.Session() as session:
        places = [tf.placeholder(tf.int32, [len(v)]) for v in values]
        variables = [tf.get_variable(f"v{i}", initializer=place) for i, place in enumerate(places)]
        session.run(tf.global_variables_initializer(), dict(zip(places, values)))
        saver = tf.train.Saver()
        thread = threading.Thread(target=disturb, args=(folder,)) if disturb else None
        if thread:
            thread.start()
        begin = time.monotonic()
        path = saver.save(session, f"{folder}/model")
        saved = time.monotonic()
        if thread:
            thread.join()
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.get_variable(f"v{i}", [len(v)], tf.int32) for i, v in enumerate(values)]
        restore = time.monotonic()
        tf.train.Saver().restore(session, path)
        restored = time.monotonic()
        for variable, value in zip(variables, values):
            np.testing.assert_array_equal(session.run(variable), value)
    assert sorted(tf.gfile.ListDirectory(folder)) == [
        "checkpoint",
        "model.data-00000-of-00001",
        "model.index",
        "model.meta",
    ]
    return f"48 MB saved in {saved - begin:.1f} s and restored, bit for bit, in {restored - restore:.1f} s"


def kill_a_node(hadoop, number):
    """What ends a data node as soon as the first part of the checkpoint is there."""
    done = []

    def disturb(folder):
        while not any("tempstate" in name for name in tf.gfile.ListDirectory(folder)):
            time.sleep(0.01)
        parts = [name for name in tf.gfile.ListDirectory(folder) if "tempstate" in name]
        done.append(
            f"data node {number} ended with {len(parts)} part(s) of the file there: {hadoop.tell(f'kill {number}')}"
        )

    return disturb, done


def check(server, name):
    """Runs everything against a server."""
    say(f"{name}: {files(server.base)}")
    say(f"{name}: {appending(server.base)}")
    say(f"{name}: {training(server.base)}")
    say(f"{name}: {big_checkpoint(server.base)}")
    if not isinstance(server, Hadoop):
        return
    for number in (0, 1):
        disturb, done = kill_a_node(server, number)
        result = big_checkpoint(f"{server.base}/killed-{number}", disturb)
        assert done, "the save was over before a data node could be ended"
        say(f"{name}: {done[0]}; {result}")
        say(f"{name}: {server.tell('start')}")


def main(names):
    servers = {"hdfs": (Hadoop, "Hadoop 3.4.1"), "s3": (S3, "versitygw 1.8.0")}
    os.environ["TENON_STORAGE_PART_BYTES"] = str(PART)
    for name in names or servers:
        make, title = servers[name]
        with tempfile.TemporaryDirectory(prefix="tenon-storage-") as folder:
            server = make(folder)
            try:
                check(server, title)
            finally:
                server.stop()
    say("all is as it should be")


if __name__ == "__main__":
    main(sys.argv[1:])
