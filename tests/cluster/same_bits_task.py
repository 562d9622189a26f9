"""Runs a distributed example as one task that tells what it is doing, and that may be made to die at a named point.

TENON_TEST_FOLDER: where the process writes `pid-JOB-INDEX`, and a worker `status-INDEX`: "idle" or "busy STEP".
TENON_TEST_PAUSE: how many seconds a worker waits in each shard, so that a step lasts long enough to be hit.
TENON_TEST_FAULTS: "JOB INDEX TENON_FAULT's value;...": which task gets which.
"""

import os
import runpy
import sys
import time
from pathlib import Path

folder = Path(os.environ["TENON_TEST_FOLDER"])
PAUSE = float(os.environ.get("TENON_TEST_PAUSE", 0))
given = dict(item[2:].split("=", 1) for item in sys.argv[1:] if item.startswith("--") and "=" in item)
job, index = given["job_name"], given["task_index"]
for fault in os.environ.get("TENON_TEST_FAULTS", "").split(";"):
    if fault.split()[:2] == [job, index]:
        os.environ["TENON_FAULT"] = fault.split()[2]

import tensorflow as tf  # noqa: E402

own = folder / f"pid-{job}-{index}"
own.with_suffix(".new").write_text(str(os.getpid()))
own.with_suffix(".new").rename(own)


class Status(tf.train.SessionRunHook):
    """Is the last of the hooks, so that a worker is busy from the claim of a shard to the end of its step."""

    def __init__(self):
        self.file = os.open(folder / f"status-{index}", os.O_CREAT | os.O_RDWR)
        self.run = 0

    def write(self, text):
        os.pwrite(self.file, text.ljust(32).encode(), 0)

    def after_create_session(self, session, coord):
        self.write("idle")

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(tf.train.get_global_step())

    def after_run(self, run_context, run_values):
        self.write("idle")


class Claims:
    """Writes "busy" once the feeds of a shard are asked for: that is when it was claimed."""

    def __init__(self, feed, status):
        self.feed, self.status = feed, status

    def __call__(self, step, shard):
        feeds = self.feed(step, shard)
        self.status.write(f"busy {step}")
        time.sleep(PAUSE)
        return feeds


status = Status()
monitored = tf.train.MonitoredTrainingSession


def with_status(*args, hooks=(), **named):
    return monitored(*args, hooks=[*hooks, status], **named)


def claiming(kind):
    """Has the hooks of an optimizer of that kind say when they claim a shard."""
    hook_of = kind.make_session_run_hook

    def make_session_run_hook(self, is_chief=None, feed_fn=None, last_step=None):
        return hook_of(self, is_chief, Claims(feed_fn, status), last_step)

    kind.make_session_run_hook = make_session_run_hook


tf.train.MonitoredTrainingSession = with_status
claiming(tf.train.SyncShardsOptimizer)
claiming(tf.collective.DistributedOptimizer)
program = os.environ["TENON_TEST_PROGRAM"]
sys.argv[0] = program
runpy.run_path(program, run_name="__main__")
