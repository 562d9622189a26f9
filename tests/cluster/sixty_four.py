"""64 worker processes and 8 parameter servers on this machine: they start, train and end, by themselves.

    python tests/cluster/sixty_four.py [--workers 64] [--ps 8] [--steps 1000] [async] [sync]

Prints when all of them trained, when the job had ended, and the largest sum of all processes' proportional set sizes
(each page counts once), which must be below --limit GiB. The exit status is 1 if a task did not train, did not end, or
ended with an error.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")


def processes(mark):
    """Those that have MARK in their environment."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes():
                yield folder


class Memory:
    """Adds up, again and again, what the processes of a job hold."""

    def __init__(self, mark):
        self.peak, self.most, self._mark, self._ended = 0, 0, mark, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._ended.wait(0.5):
            found = []
            for folder in processes(self._mark):
                with contextlib.suppress(OSError):
                    found += map(int, re.findall(r"(?m)^Pss:\s+(\d+) kB", (folder / "smaps_rollup").read_text()))
            self.peak, self.most = max(self.peak, sum(found) * 1024), max(self.most, len(found))

    def end(self):
        self._ended.set()
        self._thread.join()


def run(options, sync):
    """What is wrong with the job, or None."""
    mark = f"TENON_SIXTY_FOUR={os.getpid()}"
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_PYTHON": sys.executable,
        **dict([mark.split("=")]),
    }  # fmt: skip
    steps = options.steps // options.workers if sync else options.steps
    command = [TOOL, "run", "--ps", options.ps, "--workers", options.workers, *(["--sync"] if sync else []),
               "--patience", 600, "--", HERE / "sixty_four_task.py", f"--steps={steps}"]  # fmt: skip
    started, lines, trains, ended = time.monotonic(), [], {}, {}
    job = subprocess.Popen([str(word) for word in command], env=environment, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace")  # fmt: skip
    watchdog = threading.Timer(options.timeout, lambda: job.send_signal(signal.SIGTERM))
    watchdog.start()
    memory = Memory(mark.encode())
    for line in job.stdout:
        lines.append(line)
        if found := re.match(r"\[worker (\d+)\] trains", line):
            trains[int(found.group(1))] = time.monotonic() - started
        if found := re.match(r"\[worker (\d+)\] (ended at step \d+ after \d+ .*)", line):
            ended[int(found.group(1))] = found.group(2)
    code, took = job.wait(), time.monotonic() - started
    watchdog.cancel()
    memory.end()
    left = [folder.name for folder in processes(mark.encode())]
    if code or left or sorted(trains) != sorted(ended) or sorted(ended) != list(range(options.workers)):
        return (f"exit code {code}; {len(trains)} trained, {len(ended)} ended, processes left: {left}\n"
                + "".join(lines[-40:]))  # fmt: skip
    losses = [tuple(map(float, re.search(r"loss (\S+) to (\S+)", text).groups())) for text in ended.values()]
    kind = "synchronous" if sync else "asynchronous"
    print(f"sixty-four: {options.workers} workers and {options.ps} parameter servers, {kind}: all trained after "
          f"{max(trains.values()):.1f} s, all had ended after {took:.1f} s with exit code 0; worker 0 {ended[0]}; "
          f"{memory.most} processes held {memory.peak / 2**30:.2f} GiB at most", flush=True)  # fmt: skip
    if memory.most < options.workers + options.ps:
        return f"only {memory.most} processes were seen at once"
    if sum(last for _, last in losses) > sum(first for first, _ in losses):
        return f"the workers did not learn: {losses}"
    if memory.peak > options.limit * 2**30:
        return f"{memory.peak / 2**30:.2f} GiB are more than {options.limit}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--ps", type=int, default=8)
    parser.add_argument("--steps", type=int, default=1000, help="gradients of all workers (1000)")
    parser.add_argument("--limit", type=float, default=16.0, help="GiB")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds until the job is ended")
    parser.add_argument("kinds", nargs="*", default=["async", "sync"], help="of jobs: async, sync (both)")
    options = parser.parse_args()
    for kind in options.kinds:
        wrong = run(options, kind == "sync")
        if wrong:
            print(f"sixty-four: FAILED: {wrong}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
