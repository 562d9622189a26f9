"""Random faults against training jobs: `chaos.py --faults 200 --seed 1`. `scripts/soak chaos` runs it.

Tasks are killed, frozen, cut off, slowed, have their connections reset, or are replaced while they are frozen; what
ended is started again, as an operator does it. After each fault training must go on; at the end all tasks must end by
themselves. An independent log of acknowledged checkpoints is compared with what was restored. Nothing may be left:
processes, descriptors, memory.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE.parent, ROOT / "python"):
    sys.path.insert(0, str(folder))

from cluster.proxy import Network  # noqa: E402
from cluster.tasks import cluster_of  # noqa: E402
from ports import free_ports  # noqa: E402

PATIENCE = (
    180  # seconds without a step after a fault is mended are a hang; those do not count that a task waits for a CPU
)
PS, WORKERS = 2, 3
SIGNED = ("kill", "freeze", "replace")
LINKED = ("cut", "slow", "reset")


class Task:
    """A process of the job, and what it says."""

    def __init__(self, job, key, environment, config):
        self.key, self.step, self.last = key, -1, []
        self.born = self.progress = time.monotonic()
        command = [sys.executable, str(HERE / "chaos_task.py"), json.dumps(config)]
        self.process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("step "):
                step = int(line.split()[1])
                if step != self.step:
                    self.step, self.progress = step, time.monotonic()
            else:
                self.last = [*self.last[-40:], line]

    def starved(self):
        """The seconds that it had to wait for a processor, of the thread that had to most."""
        longest = 0
        for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError, IndexError):
                longest = max(longest, int(path.read_text().split()[1]))
        return longest / 1e9

    def end(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        self.process.stdout.close()

    def resources(self):
        """(descriptors, resident megabytes, threads)."""
        folder = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return len(list((folder / "fd").iterdir())), int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"])


class Patience:
    """Measures how long a job does nothing although it could."""

    def __init__(self, job):
        self._job, self._since, self._starved = job, time.monotonic(), {}

    def lost(self):
        """Whether it is too long."""
        for task in self._job.tasks.values():
            self._starved.setdefault(task, 0.0 if task.born > self._since else task.starved())
        now = time.monotonic()
        if now - self._since < PATIENCE:
            return False
        waits = [task.starved() - self._starved[task] for task in self._job.tasks.values()]
        return now - self._since - sum(waits) > PATIENCE


class Failure(Exception):
    """What the run has found."""


class Job:
    """A training job under attack."""

    def __init__(self, mode, linked, silence, rng, say):
        self.mode, self.linked, self.silence, self.random, self.say = mode, linked, silence, rng, say
        self.folder = tempfile.mkdtemp(prefix="tenon-chaos-")
        self.mark = os.path.basename(self.folder)
        self.ps = 0 if mode == "collective" else PS
        # Never killed, so that what it accumulates shows.
        self.safe = ("ps", 1) if self.ps else ("worker", 1)
        self.network = Network(self.ps, WORKERS) if linked else None
        self.cluster = None if linked else cluster_of(self.ps, WORKERS)
        self.tasks, self.replaced, self.restarts = {}, [], 0
        for key in [("ps", i) for i in range(self.ps)] + [("worker", i) for i in range(WORKERS)]:
            self.start(key)

    # --- processes ---

    def start(self, key):
        job, task = key
        cluster = self.network.cluster(*key) if self.network else self.cluster
        config = {"folder": self.folder, "mode": self.mode, "job": job, "task": task, "cluster": cluster}
        environment = {"TENON_SILENCE": str(self.silence), "TENON_CHAOS": self.mark, "PYTHONPATH": str(ROOT / "python")}
        environment.update(self.network.environment(*key) if self.network else {})
        self.tasks[key] = Task(self, key, environment, config)

    def revive(self):
        """Starts again what has ended with an error."""
        for key, task in list(self.tasks.items()):
            code = task.process.poll()
            if code is None or (code == 0 and key[0] == "worker" and self.goal_set()):
                continue
            if code == 0:
                raise Failure(f"{key} ended with 0 before the goal: {''.join(task.last)}")
            task.end()
            if code != -signal.SIGKILL:
                self.say(f"  {key} ended with {code}: {(task.last or [''])[-1].strip()[:200]}")
            self.restarts += 1
            self.start(key)

    def goal_set(self):
        return os.path.exists(os.path.join(self.folder, "goal"))

    def check_replaced(self):
        """Those that were replaced end by themselves, with an error."""
        for task, since in list(self.replaced):
            code = task.process.poll()
            if code is None and time.monotonic() - since > 5 * PATIENCE:
                raise Failure(f"{task.key}, which was replaced, does not end: {''.join(task.last)}")
            if code is None:
                continue
            text = "".join(task.last)
            if code == 0 and not self.goal_set():
                raise Failure(f"{task.key}, which was replaced, ended with 0: {text}")
            task.end()
            self.replaced.remove((task, since))

    # --- progress ---

    def log(self):
        """What the tasks noted: (word, step, process)."""
        path = os.path.join(self.folder, "log")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [(word, int(step), int(pid)) for word, step, pid in (line.split() for line in file)]

    def check_log(self):
        """No acknowledged checkpoint is lost: whoever restores, restores the last one or a later one."""
        saved = 0
        for word, step, pid in self.log():
            if word == "saved":
                saved = max(saved, step)
            if word == "restores" and step < saved:
                raise Failure(f"process {pid} restores step {step}; {saved} was acknowledged before")
            if word == "initialises" and saved:
                raise Failure(f"process {pid} begins anew; {saved} was acknowledged before")
        return saved

    def wait_for_progress(self):
        """Until each worker has done a step since now, and the chief has saved."""
        patience = Patience(self)
        since, saves = time.monotonic(), sum(word == "saved" for word, _, _ in self.log())
        while True:
            self.revive()
            self.check_replaced()
            self.check_log()
            late = [k for k, t in self.tasks.items() if k[0] == "worker" and t.progress < since]
            if not late and sum(word == "saved" for word, _, _ in self.log()) > saves:
                return time.monotonic() - since
            if patience.lost():
                said = "\n".join(f"{key}: {''.join(self.tasks[key].last)}" for key in late)
                raise Failure(f"nothing goes on after {PATIENCE} s: {late}\n{said}")
            time.sleep(0.05)

    # --- faults ---

    def fault(self):
        """One random fault, and its end. What it was."""
        kinds = SIGNED + LINKED if self.linked else SIGNED
        if self.mode == "collective" and not self.linked:
            kinds = [kind for kind in kinds if kind != "replace"]  # neighbours find a task at the address they know
        what = self.random.choice(kinds)
        keys = list(self.tasks)
        if what == "kill" or (what == "replace" and self.safe[0] == "worker"):
            keys.remove(self.safe)
        if what == "replace":
            keys = [key for key in keys if key[0] == "worker"]
        key = self.random.choice(keys)
        # In the middle of starting, too.
        time.sleep(self.random.uniform(0, 0.5))
        seconds = self.silence * self.random.choice([self.random.uniform(0, 1), self.random.uniform(1, 3)])
        getattr(self, f"_{what}")(key, seconds)
        return f"{what} {key[0]} {key[1]} {seconds:.2f}"

    def _signal(self, key, number):
        if self.tasks[key].process.poll() is None:
            self.tasks[key].process.send_signal(number)

    def _others_go_on(self, key):
        """A step needs neither a single worker nor, in asynchronous training, the chief; of a ring it is a part."""
        if key[0] == "ps" or (key[1] == 0 and self.mode != "async"):
            return
        since, patience = time.monotonic(), Patience(self)
        others = [task for other, task in self.tasks.items() if other[0] == "worker" and other != key]
        while not any(task.progress > since for task in others):
            if patience.lost():
                raise Failure(f"nobody goes on without {key}: {[task.last for task in others]}")
            time.sleep(0.05)

    def _kill(self, key, seconds):
        self._signal(key, signal.SIGKILL)
        time.sleep(seconds / 4)
        self._others_go_on(key)

    def _freeze(self, key, seconds):
        self._signal(key, signal.SIGSTOP)
        time.sleep(seconds)
        self._others_go_on(key)
        self._signal(key, signal.SIGCONT)

    def _replace(self, key, seconds):
        """Another process takes the place of a frozen one, at another address; then that one goes on."""
        self._signal(key, signal.SIGSTOP)
        old = self.tasks[key]
        if self.network:
            self.network.move(*key)
        else:
            workers = list(self.cluster["worker"])
            workers[key[1]] = f"127.0.0.1:{free_ports(1)[0]}"
            self.cluster = {**self.cluster, "worker": workers}
        self.start(key)
        new = self.tasks[key]
        patience = Patience(self)
        while new.step < 0 and not patience.lost() and new.process.poll() is None:
            self.revive()
            time.sleep(0.05)
        old.process.send_signal(signal.SIGCONT)
        self.replaced.append((old, time.monotonic()))

    def _link(self, what, key, seconds):
        self.network.do(what, *key)
        time.sleep(seconds)
        self.network.do("heal", *key)

    def _cut(self, key, seconds):
        self._link("cut", key, seconds)

    def _slow(self, key, seconds):
        self._link("slow", key, seconds)

    def _reset(self, key, seconds):
        self._link("reset", key, 0)

    # --- the end ---

    def finish(self):
        """The job reaches its goal; all tasks end by themselves."""
        goal = max(task.step for task in self.tasks.values()) + 100
        with open(os.path.join(self.folder, "goal.new"), "w", encoding="utf-8") as file:
            file.write(str(goal))
        os.rename(os.path.join(self.folder, "goal.new"), os.path.join(self.folder, "goal"))
        patience = Patience(self)
        workers = [key for key in self.tasks if key[0] == "worker"]
        while any(self.tasks[key].process.poll() is None for key in workers):
            self.revive()
            if patience.lost():
                raise Failure(f"workers do not end: {[(k, t.last) for k, t in self.tasks.items() if k in workers]}")
            time.sleep(0.05)
        for key in workers:
            if self.tasks[key].process.returncode:
                raise Failure(f"{key} ended with {self.tasks[key].process.returncode}: {self.tasks[key].last}")
        for i in range(self.ps):
            self._signal(("ps", i), signal.SIGTERM)
        for i in range(self.ps):
            try:
                code = self.tasks["ps", i].process.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                raise Failure(f"parameter server {i} does not end") from None
            if code != 128 + signal.SIGTERM:
                raise Failure(f"parameter server {i} ended with {code}: {self.tasks['ps', i].last}")
        while self.replaced:
            self.check_replaced()
            time.sleep(0.05)
        self._check_result(goal)

    def _check_result(self, goal):
        import numpy as np

        import tenon as tf

        saved = self.check_log()
        newest = tf.train.latest_checkpoint(self.folder)
        reader = tf.train.load_checkpoint(newest)
        step, w = int(reader.get_tensor("global_step")), reader.get_tensor("w")
        off = float(np.abs(w[:, 0] - np.linspace(-1, 1, len(w))).max())
        if step < goal or saved > step or int(newest.rsplit("-", 1)[1]) < saved:
            raise Failure(f"the last checkpoint has step {step}; {goal} was the goal, {saved} acknowledged")
        if not off < 0.05:
            raise Failure(f"it did not learn: off by {off} after {step} steps")

    def orphans(self):
        """Processes of this job that are still there."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and f"TENON_CHAOS={self.mark}".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def close(self):
        for task in [*self.tasks.values(), *(task for task, _ in self.replaced)]:
            task.end()
        if self.network:
            self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def attack(job, faults):
    """FAULTS faults against a job; Failure says what is wrong."""
    try:
        job.wait_for_progress()
        before = None
        for i in range(faults):
            what = job.fault()
            seconds = job.wait_for_progress()
            job.say(f"  {i + 1}/{faults} {what}: went on after {seconds:.1f} s")
            if i == min(faults // 4, 10):
                before = job.tasks[job.safe].resources()
        after = job.tasks[job.safe].resources()
        job.say(f"  {job.safe}: {before} became {after} (descriptors, MB, threads); {job.restarts} restarts")
        if after[0] > before[0] + 15 or after[1] > 1.3 * before[1] + 60 or after[2] > before[2] + 20:
            raise Failure(f"{job.safe} leaks: descriptors, MB, threads were {before}, are {after}")
        job.finish()
        left = job.orphans()
        if left:
            raise Failure(f"processes are left: {left}")
    finally:
        job.close()


JOBS = [
    ("async", True), ("sync", False), ("async", False), ("sync", True), ("collective", True), ("collective", False),
]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=200, help="over all jobs (200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--jobs", default="0,1,2,3,4,5", help="which of the six (all), each with its part of the faults"
    )
    parser.add_argument("--silence", type=float, default=2.0, help="TENON_SILENCE; faults last up to three times that")
    options = parser.parse_args()
    shared, done = set(os.listdir("/dev/shm")), 0
    started = time.monotonic()
    for i in map(int, options.jobs.split(",")):
        # A job's faults are the same, whichever others run.
        (mode, linked), rng = JOBS[i], random.Random(f"{options.seed} {i}")
        faults = options.faults * (i + 1) // len(JOBS) - options.faults * i // len(JOBS)
        done += faults
        way = "a network that can be cut" if linked else "one host's sockets and memory"
        print(f"chaos: {mode}, over {way}, {faults} faults, seed {options.seed}", flush=True)
        try:
            attack(Job(mode, linked, options.silence, rng, lambda text: print(text, flush=True)), faults)
        except Failure as failure:
            print(f"chaos: FAILED (--seed {options.seed}): {failure}", flush=True)
            return 1
    left = set(os.listdir("/dev/shm")) - shared
    if any("tenon" in name for name in left):
        print(f"chaos: FAILED: files are left in shared memory: {left}", flush=True)
        return 1
    print(f"chaos: {done} faults, nothing lost, {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
