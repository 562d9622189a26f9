"""The same weights, bit for bit, whoever is killed: runs a deterministic example with faults and compares checkpoints.

    python tests/cluster/same_bits.py [--steps 300] [--model lenet] [--batch_size 4] [CASE...]    (no CASE: all)

Prints a line for each case; the exit status is 1 if a case ended with other weights than the quiet run. With
--results FILE the cases that FILE holds are not run again, and those that ran are added: a long run in pieces of --runs
cases. Its status is 2 while cases are left.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")
TASK = Path(__file__).with_name("same_bits_task.py")
PROGRAMS = ROOT / "examples" / "distributed"
WORKERS = 3


class Job:
    """A run of the program. Each fault is (job, index, point, count, microseconds); or the one is (job, index), and it
    happens at a random moment of an active step from RANDOM_AT on."""

    def __init__(self, folder, options, faults=(), random_at=None):
        self.folder, self.options, self.faults, self.random_at = Path(folder), options, faults, random_at
        self.killed_at = None
        self.ended = threading.Event()

    def environment(self):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python"),
            "TENON_DATA": os.environ.get("TENON_DATA") or str(ROOT.parent / "shared" / "data"),
            "TENON_PYTHON": sys.executable,
            "TENON_TEST_FOLDER": str(self.folder),
            "TENON_TEST_PROGRAM": str(PROGRAMS / self.options.program),
        }
        environment.pop("TENON_FAULT", None)
        if self.random_at is not None:
            environment["TENON_TEST_PAUSE"] = "0.02"
        environment["TENON_TEST_FAULTS"] = ";".join(
            f"{job} {index} {point}:{count}:{self.folder / f'mark-{i}'}:{later}"
            for i, (job, index, point, count, later) in enumerate(self.faults if self.random_at is None else ())
        )
        return environment

    def command(self, workers, steps):
        o = self.options
        return [
            TOOL, "run", "--ps", o.ps, "--workers", workers, "--restarts", 3, "--", TASK, "--steps", steps,
            "--model", o.model, "--batch_size", o.batch_size, "--save_steps", o.save_steps, "--notest",
            "--train_dir", self.folder / "train",
        ]  # fmt: skip

    def run(self, workers=WORKERS, steps=None):
        """Runs it to its end; raises if it fails. The output of all tasks."""
        command = [str(part) for part in self.command(workers, steps or self.options.steps)]
        killer = threading.Thread(target=self.kill) if self.random_at is not None else contextlib.nullcontext()
        if self.random_at is not None:
            killer.start()
        try:
            done = subprocess.run(command, env=self.environment(), capture_output=True, text=True,
                                  timeout=self.options.timeout)  # fmt: skip
        finally:
            self.ended.set()
        if self.random_at is not None:
            killer.join()
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        if done.stderr.count("ended with exit code 137") < len(self.faults):
            raise RuntimeError(f"not all were killed at {self.faults}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout + done.stderr

    # --- killing at a random moment of an active step ---

    def status(self, worker):
        with contextlib.suppress(OSError):
            words = (self.folder / f"status-{worker}").read_text().split()
            return words or ["idle"]
        return ["idle"]

    def active(self, job, index):
        """The step that the task takes part in now, or None: a parameter server does in any worker's."""
        for worker in range(WORKERS) if job == "ps" else [index]:
            words = self.status(worker)
            if words[0] == "busy":
                return int(words[1])
        return None

    def kill(self):
        ((job, index),) = self.faults
        while not self.ended.is_set():
            time.sleep(random.uniform(0.001, 0.01))
            step = self.active(job, index)
            if step is None or step < self.random_at:
                continue
            pid = int((self.folder / f"pid-{job}-{index}").read_text())
            os.kill(pid, signal.SIGSTOP)
            while _state(pid) not in "TZ":
                time.sleep(0.001)
            # Nothing moves in it now: what it takes part in is still going on when it is killed.
            self.killed_at = self.active(job, index)
            if self.killed_at is not None:
                os.kill(pid, signal.SIGKILL)
                return
            os.kill(pid, signal.SIGCONT)


def _state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def weights(folder):
    """What the last checkpoint holds: a dict from names to (dtype, shape, bytes)."""
    sys.path.insert(0, str(ROOT / "python"))
    import tenon as tf

    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(Path(folder) / "train")))
    found = {name: reader.get_tensor(name) for name in sorted(reader.get_variable_to_shape_map())}
    return {name: (str(value.dtype), value.shape, value.tobytes()) for name, value in found.items()}


def _at(steps, part):
    return max(1, int(steps * part))


FAULTS = {
    "chief in the middle of a save": lambda steps: ("worker", 0, "saving", 2, 700),
    "server in the middle of a save": lambda steps: ("ps", 0, "save", 13, 0),
    "chief in the middle of an apply": lambda steps: ("worker", 0, "update", _at(steps, 0.5), 800),
    "server in the middle of an apply": lambda steps: ("ps", 0, "apply", 4 * _at(steps, 0.6) + 2, 0),
    "chief between token and apply": lambda steps: ("worker", 0, "token", _at(steps, 0.4), 0),
    "worker between token and apply": lambda steps: ("worker", 1, "token", _at(steps, 0.7), 0),
    "worker during start": lambda steps: ("worker", 2, "start", 1, 0),
    "chief at a random moment": lambda steps: ("worker", 0),
    "worker at a random moment": lambda steps: ("worker", 1),
    "server at a random moment": lambda steps: ("ps", 0),
}


# Before a case: without parameter servers, along a ring of workers.
COLLECTIVE = "collective, "


def rescaled(folder, options):
    """Three workers, then two, then three again, each going on from the checkpoint of the one before."""
    for workers, part in ((3, 1 / 3), (2, 2 / 3), (3, 1)):
        Job(folder, options).run(workers, max(1, round(options.steps * part)))


def run_case(case, folder, options):
    """The weights that a case (several faults, with commas between) ends with, and what to say of it."""
    if case.startswith(COLLECTIVE):
        options = argparse.Namespace(**{**vars(options), "program": "collective.py", "ps": 0})
        case = case[len(COLLECTIVE) :]
    if case == "quiet":
        Job(folder, options).run()
        return weights(folder), ""
    if case == "re-scaled from 3 to 2 and back":
        rescaled(folder, options)
        return weights(folder), ""
    faults = [FAULTS[one](options.steps) for one in case.split(", ")]
    at = random.randint(1, max(1, int(options.steps * 0.8))) if len(faults[0]) == 2 else None
    job = Job(folder, options, faults, at)
    job.run()
    if at is None:
        return weights(folder), ""
    if job.killed_at is None:
        raise RuntimeError(f"{case}: no active step was hit")
    return weights(folder), f" (in step {job.killed_at})"


def options_of(**given):
    """Options of a run: those of the command line's defaults, but for those that are given."""
    options = parser().parse_args([])
    for name, value in given.items():
        setattr(options, name, value)
    return options


def parser():
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--program", default="sharded.py")
    made.add_argument("--ps", type=int, default=1)
    made.add_argument("--steps", type=int, default=300)
    made.add_argument("--model", default="lenet")
    made.add_argument("--batch_size", type=int, default=4)
    made.add_argument("--save_steps", type=int, default=50)
    made.add_argument("--timeout", type=float, default=3600)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--results", type=Path, help="where the results are kept, so that the next run goes on")
    made.add_argument("--runs", type=int, default=1000, help="run at most so many cases now (all)")
    made.add_argument("cases", nargs="*", metavar="CASE")
    return made


CASES = [
    "quiet", *FAULTS, "re-scaled from 3 to 2 and back", f"{COLLECTIVE}quiet",
    f"{COLLECTIVE}chief in the middle of an apply", f"{COLLECTIVE}worker at a random moment",
]  # fmt: skip


class Results:
    """What the cases ended with, kept in a file if there is one: {case: {"weights": {name: digest}, "said": ...}}."""

    def __init__(self, options):
        self._file = options.results
        # Results of another program, or of another library, are none of this run's.
        library = hashlib.sha256((TOOL.parent / "libtenon.so").resolve().read_bytes()).hexdigest()
        kept = ("program", "ps", "steps", "model", "batch_size", "save_steps", "seed")
        self._key = {"library": library, **{name: getattr(options, name) for name in kept}}
        self.cases = {}
        if self._file and self._file.exists():
            found = json.loads(self._file.read_text())
            if found["key"] != self._key:
                sys.exit(f"same_bits: {self._file} holds results of another build or other options: remove it")
            self.cases = found["cases"]

    def add(self, case, found, said):
        """What a case ended with: its WEIGHTS, and what to say of it."""
        digests = {
            name: hashlib.sha256(repr(value[:2]).encode() + value[2]).hexdigest() for name, value in found.items()
        }
        self.cases[case] = {"weights": digests, "said": said}
        if self._file:
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps({"key": self._key, "cases": self.cases}, indent=1))
            new.rename(self._file)

    def show(self, case):
        """Prints what a case ended with; True if it is what the quiet run ended with."""
        quiet, found = self.cases["quiet"]["weights"], self.cases[case]["weights"]
        different = [name for name in {**quiet, **found} if found.get(name) != quiet.get(name)]
        print(f"{case}: {f'OTHER BITS: {different}' if different else 'the same bits'}{self.cases[case]['said']}",
              flush=True)  # fmt: skip
        return not different


def main():
    options = parser().parse_args()
    results, good, runs = Results(options), True, 0
    cases = ["quiet", *(case for case in options.cases or CASES if case != "quiet")]
    for case in cases:
        if case not in results.cases:
            if runs == options.runs:
                print(f"{len(set(cases) - set(results.cases))} cases are left", flush=True)
                return 2 if good else 1
            runs += 1
            random.seed(f"{options.seed} {case}")
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                found, more = run_case(case, folder, options)
            results.add(case, found, f"{more} ({time.monotonic() - started:.0f} s)")
        good = results.show(case) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
