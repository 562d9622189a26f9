"""Tasks that are killed, frozen or cut off while others wait for them: those notice, name the task, and go on."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cluster.proxy import Network

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60

# Serves, and runs the lines that it is told to: "run NAME" answers with the value or the error and the time.
TASK = """
import sys, time
import tenon as tf
cluster, job, task = eval(sys.argv[1]), sys.argv[2], int(sys.argv[3])
server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name=job, task_index=task)
with tf.device("/job:ps/task:0"):
    queue = tf.FIFOQueue(10, [tf.float32], shared_name="queue")
    taken, put = queue.dequeue(), queue.enqueue([7.0])
    started = tf.FIFOQueue(10, [tf.float32], shared_name="started")
    begun = started.dequeue()
    with tf.control_dependencies([started.enqueue([1.0])]):
        begin = queue.dequeue()
    large = tf.random_uniform([1000, 1000], seed=1)
with tf.device("/job:worker/task:1"):
    sleep = tf.FIFOQueue(10, [tf.float32], shared_name="never").dequeue()
    summed = tf.reduce_sum(large)
ops = {"take": taken, "put": put, "begin": begin, "begun": begun, "sleep": sleep, "large": summed}
session = None
print("ready", flush=True)
for line in sys.stdin:
    try:
        session = session or tf.Session(server.target)
        if line.startswith("loop"):
            print("looping", flush=True)
            while True:
                session.run(ops[line.split()[1]])
        print("value", session.run(ops[line.split()[1]]), flush=True)
    except tf.errors.OpError as error:
        now = time.monotonic()
        print(type(error).__name__, now, error.message.replace(chr(10), " "), flush=True)
        session.close()
        session = None
"""


class Cluster:
    """A parameter server and two workers, each behind a link that can be cut."""

    def __init__(self, silence):
        self.network = Network(1, 2)
        self.processes = {}
        self.silence = silence
        for task in (("ps", 0), ("worker", 0), ("worker", 1)):
            self.start(*task)

    def start(self, job, i):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), **self.network.environment(job, i)}
        if self.silence:
            environment["TENON_SILENCE"] = str(self.silence)
        command = [sys.executable, "-c", TASK, repr(self.network.cluster(job, i)), job, str(i)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.processes[job, i] = made = subprocess.Popen(command, env=environment, text=True, **pipes)
        assert made.stdout.readline() == "ready\n"

    def tell(self, job, i, line):
        self.processes[job, i].stdin.write(line + "\n")
        self.processes[job, i].stdin.flush()

    def heard(self, job, i):
        """What a task says next, within PATIENCE: if nothing, something hangs."""
        process = self.processes[job, i]
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        assert line, f"{job} {i} said nothing for {PATIENCE} s"
        return line.rstrip("\n")

    def harm(self, what, job, i):
        """Kills, freezes or cuts off a task; the time when."""
        now = time.monotonic()
        if what == "cut":
            self.network.do("cut", job, i)
        else:
            self.processes[job, i].send_signal(signal.SIGKILL if what == "kill" else signal.SIGSTOP)
        return now

    def mend(self, what, job, i):
        """The opposite."""
        if what == "cut":
            self.network.do("heal", job, i)
        elif what == "freeze":
            self.processes[job, i].send_signal(signal.SIGCONT)
        else:
            self.forget(job, i)
            self.start(job, i)

    def forget(self, job, i):
        process = self.processes.pop((job, i))
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def close(self):
        for key in list(self.processes):
            self.forget(*key)
        self.network.close()


@contextlib.contextmanager
def cluster(silence=None):
    made = Cluster(silence)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def again_and_again(do):
    """Does it until the block ends: what comes between two calls disturbs nobody."""
    over = threading.Event()

    def loop():
        while not over.wait(0.1):
            do()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Stalls:
    """How long this machine did not let a thread run that wanted to: what a limit in seconds has to allow for."""

    def __init__(self):
        self.longest, self._done = 0.0, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self._done.is_set():
            before = time.monotonic()
            time.sleep(0.02)
            self.longest = max(self.longest, time.monotonic() - before - 0.02)

    def end(self):
        self._done.set()
        return self.longest


# What the chief runs while which task is lost: it waits for that one alone, or moves data from the one to the other.
LOSSES = [
    ("kill", [("ps", 0, "run take"), ("ps", 0, "loop large"), ("worker", 1, "run sleep"), ("worker", 1, "loop large")]),
    ("freeze", [("ps", 0, "run take"), ("worker", 1, "loop large")]),
    ("cut", [("ps", 0, "loop large"), ("worker", 1, "run sleep")]),
]


@pytest.mark.parametrize("what, losses", LOSSES)
def test_a_lost_task_is_noticed(what, losses):
    """Within five seconds, by default; the error names it; when it is back everything goes on."""
    with cluster() as c:
        for job, i, line in losses:
            c.tell("worker", 0, "run large")
            assert c.heard("worker", 0).startswith("value")
            c.tell("worker", 0, line)
            if line.startswith("loop"):
                assert c.heard("worker", 0) == "looping"
            time.sleep(0.3)
            stalls = Stalls()
            since = c.harm(what, job, i)
            kind, at, message = c.heard("worker", 0).split(" ", 2)
            # A machine that stops for a while stops each of the threads that have to notice.
            allowed = 5 + 6 * stalls.end()
            assert kind == "UnavailableError", (line, kind, message)
            assert f"/job:{job}/replica:0/task:{i}" in message, (line, message)
            assert float(at) - since < allowed, (line, float(at) - since, allowed)
            c.mend(what, job, i)
        c.tell("worker", 0, "run large")
        assert c.heard("worker", 0).startswith("value")


@pytest.mark.parametrize("what", ["kill", "freeze", "cut"])
def test_who_waited_and_is_lost_takes_nothing(what):
    """A parameter server ends what it does for a worker that is gone: it does not give it elements of a queue."""
    with cluster(1.0) as c:
        c.tell("worker", 1, "run begin")
        c.tell("ps", 0, "run begun")
        assert c.heard("ps", 0).startswith("value")
        time.sleep(0.3)
        stalls = Stalls()
        c.harm(what, "worker", 1)
        time.sleep(2)
        time.sleep(6 * stalls.end())  # a machine that stands still notices nothing
        c.tell("worker", 0, "run take")
        time.sleep(0.2)
        c.tell("ps", 0, "run put")
        assert c.heard("ps", 0).startswith("value")
        assert c.heard("worker", 0) == "value 7.0"
        if what != "kill":
            c.mend(what, "worker", 1)
            assert "Error" in c.heard("worker", 1)


def test_a_link_that_is_reset_or_slow():
    """A reset is an error that names the task, and the next step works; a slow link only takes its time."""
    with cluster(1.0) as c:
        for link in (("ps", 0), ("worker", 1)):
            c.tell("worker", 0, "loop large")
            assert c.heard("worker", 0) == "looping"
            with again_and_again(lambda link=link: c.network.do("reset", *link)):
                kind, _, message = c.heard("worker", 0).split(" ", 2)
            assert kind in ("UnavailableError", "AbortedError") and f"/job:{link[0]}/" in message, message
            c.network.do("slow", *link)
            c.tell("worker", 0, "run large")
            assert c.heard("worker", 0).startswith("value")
            c.network.do("heal", *link)
