"""Tasks that are watched: what programs under the Python front end tell when TENON_METRICS_PORT is set."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import time
import numpy as np
import tenon as tf
x = tf.placeholder(tf.float32, [None, 2])
w = tf.get_variable("w", [2, 1])
loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0), name="loss")
step = tf.train.get_or_create_global_step()
train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=step)
feed = {x: np.ones([32, 2], np.float32)}
"""
MONITORED = (
    HEAD
    + """
with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(last_step=200000)]) as sess:
    while not sess.should_stop():
        sess.run([train, loss], feed)
"""
)
SUPERVISED = (
    HEAD
    + """
supervisor = tf.train.Supervisor(logdir=None)
with supervisor.managed_session() as sess:
    while not supervisor.should_stop():
        sess.run(train, feed)
"""
)
BARE = (
    HEAD
    + """
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(STEPS):
        sess.run([train, loss], feed)
        sess.run(loss, feed)
"""
)
WITHOUT_GLOBAL_STEP = BARE.replace(", global_step=step", "").replace("step = tf.train.get_or_create_global_step()", "")
KERAS = """
import numpy as np
import tenon as tf
model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
model.compile(OPTIMIZER, "mse")
x, y = np.ones([64, 2], np.float32), np.ones([64, 1], np.float32)
model.predict(x)
model.evaluate(x, y, verbose=0)
model.fit(x, y, batch_size=16, epochs=3, verbose=0)
"""
TFLEARN = """
import numpy as np
import tflearn
net = tflearn.regression(tflearn.fully_connected(tflearn.input_data([None, 2]), 1), optimizer="sgd", loss="mean_square")
model = tflearn.DNN(net)
model.fit(np.ones([64, 2]), np.ones([64, 1]), n_epoch=3, batch_size=16)
"""
HANGING = (
    HEAD
    + """
queue = tf.FIFOQueue(1, [tf.float32])
never = queue.dequeue()
def take_from_the_empty_queue(sess):
    sess.run(never)
with tf.train.MonitoredTrainingSession() as sess:
    sess.run(train, feed)
    take_from_the_empty_queue(sess)
"""
)
PIPELINE = (
    HEAD
    + """
tf.losses.mean_squared_error([[1.0]], tf.matmul([[1.0, 1.0]], w))
tf.losses.mean_squared_error([[2.0]], tf.matmul([[1.0, 1.0]], w))
batch = tf.train.batch([tf.ones([2])], 4, capacity=64)
step_of = tf.assign_add(step, 1)
with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(num_steps=12)]) as sess:
    while not sess.should_stop():
        sess.run([batch, step_of])
"""
)


class Task:
    """A program that is watched, as a process."""

    def __init__(self, folder, program, **variables):
        self.port = free_port()
        (folder / "program.py").write_text(program)
        self.errors = folder / "stderr"
        self.word = folder / "word"
        env = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_METRICS_PORT": str(self.port),
               "TENON_LAST_WORD": str(self.word), **variables}  # fmt: skip
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen([sys.executable, folder / "program.py"], stderr=errors, env=env)

    def page(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            assert self.process.poll() is None, self.errors.read_text()
            return 0, ""

    def wait(self, condition, seconds=120):
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < end, f"{self.page('/metrics')}\n{self.errors.read_text()}"
            time.sleep(0.05)

    def metric(self, name):
        found = re.search(rf"^tenon_task_{name}(?:{{[^}}]*}})? (\S+)$", self.page("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else None

    def end(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def watched(folder, program, **variables):
    task = Task(folder, program, **variables)
    try:
        yield task
    finally:
        task.end()


def test_a_monitored_session(tmp_path):
    with watched(tmp_path, MONITORED) as task:
        task.wait(lambda: task.metric("steps_per_second"))
        assert task.page("/readyz") == (200, "ok\n") and task.page("/healthz") == (200, "ok\n")
        steps = task.metric("local_steps_total")
        told = json.loads(task.page("/progress")[1])
        assert told["training"] and told["total"] == 200000 and 0 <= float(told["loss"]) < 100
        assert task.wait(lambda: task.metric("examples_per_second")) > 0
        task.wait(lambda: (task.metric("global_step") or 0) > steps)
        assert task.metric("total_steps") == 200000


def test_a_supervisor(tmp_path):
    with watched(tmp_path, SUPERVISED) as task:
        first = task.wait(lambda: task.metric("global_step"))
        task.wait(lambda: (task.metric("global_step") or 0) > first)
        assert task.wait(lambda: task.metric("local_steps_total")) > 0


def ended(folder, program):
    """The last word of a program that has ended."""
    with watched(folder, program) as task:
        assert task.process.wait(300) == 0, task.errors.read_text()
        return json.loads(task.word.read_text())["tenonProgress"]


def test_a_bare_loop(tmp_path):
    """Around Session.run: runs that train are steps, others are not."""
    with watched(tmp_path, BARE.replace("STEPS", "10**9")) as task:
        first = task.wait(lambda: task.metric("global_step"))
        task.wait(lambda: (task.metric("global_step") or 0) > first and task.metric("examples_per_second"))
        told = json.loads(task.page("/progress")[1])
        assert told["training"] and 0 <= float(told["loss"]) < 100
        assert task.wait(lambda: task.metric("local_steps_total")) > 0
    for program in (BARE, WITHOUT_GLOBAL_STEP):
        told = ended(tmp_path, program.replace("STEPS", "12"))
        assert told["training"] is False and told["step"] == 12 and float(told["loss"]) >= 0


@pytest.mark.parametrize("optimizer", ['"sgd"', '"rmsprop"', '"adam"', "tf.train.AdamOptimizer(0.1)"])
def test_keras(tmp_path, optimizer):
    """Its fit takes steps, predict and evaluate do not, whether the optimizer is made of ops or of assignments."""
    told = ended(tmp_path, KERAS.replace("OPTIMIZER", optimizer))
    assert told["training"] is False and told["step"] == 12 and float(told["loss"]) >= 0


def test_tflearn(tmp_path):
    # It counts in a variable of its own, which is not the graph's global step.
    told = ended(tmp_path, "import tenon.compat\ntenon.compat.install()\n" + TFLEARN)
    assert told["training"] is False and told["step"] == 12


def test_a_training_that_ends_leaves_its_last_word(tmp_path):
    with watched(tmp_path, PIPELINE) as task:
        assert task.process.wait(120) == 0, task.errors.read_text()
        told = json.loads(task.word.read_text())["tenonProgress"]
        assert told["training"] is False and told["step"] == 12 and told["total"] == 12 and float(told["loss"]) > 0


@pytest.mark.parametrize("background", [False, True])
def test_a_training_that_hangs(tmp_path, background):
    """Its probe fails, and its log holds the stacks, native and Python's; a shell that starts it in the BACKGROUND has
    it ignore Ctrl-C."""
    handler = "SIG_IGN" if background else "default_int_handler"
    program = f"import signal\nsignal.signal(signal.SIGINT, signal.{handler})\n" + HANGING
    with watched(tmp_path, program, TENON_HANG_SECONDS="1", TENON_GRACE="4") as task:
        task.wait(lambda: task.page("/healthz")[0] == 503)
        assert "no step for" in task.page("/healthz")[1]
        task.wait(lambda: "in take_from_the_empty_queue" in task.errors.read_text())
        text = task.errors.read_text()
        assert "tenon: the training hangs" in text
        assert re.search(r"^  \S+ tn_program_run\+0x\w+ \(libtenon", text, re.MULTILINE), text
        # What the kubelet then does ends it.
        task.process.send_signal(signal.SIGTERM)
        assert task.process.wait(60) == 128 + signal.SIGTERM


def test_a_server(tmp_path):
    program = "import tenon as tf\ntf.train.Server.create_local_server().join()\n"
    with watched(tmp_path, program) as task:
        task.wait(lambda: task.page("/readyz")[0] == 200)
        task.wait(lambda: task.metric("bytes_sent_total") is not None)


def test_queue_depths(tmp_path):
    with watched(tmp_path, PIPELINE.replace("num_steps=12", "num_steps=10000000")) as task:
        task.wait(lambda: "tenon_task_queue_depth{queue=" in task.page("/metrics")[1])


def test_a_port_in_use_is_told(tmp_path):
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        env = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_METRICS_PORT": str(s.getsockname()[1])}
        done = subprocess.run([sys.executable, "-c", "import tenon"], capture_output=True, text=True, env=env)
    assert done.returncode == 0 and "this task is not watched" in done.stderr


@pytest.mark.parametrize("value", ["", "0"])
def test_nobody_pays_who_is_not_watched(value):
    """Without the variable the module is not even loaded."""
    env = {key: text for key, text in os.environ.items() if key != "TENON_METRICS_PORT"}
    if value:
        env["TENON_METRICS_PORT"] = value
    env["PYTHONPATH"] = str(ROOT / "python")
    program = "import sys, tenon; print('tenon._monitor' in sys.modules, 'faulthandler' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.split()[0] == str(bool(value))
