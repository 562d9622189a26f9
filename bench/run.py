#!/usr/bin/env python3
"""Runs Tenon and its peers side by side and prints a table. See README.md beside this file."""

import argparse
import functools
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build"
PYTHON = sys.executable
PEERS = ROOT / ".venv-bench" / "bin" / "python"  # has PyTorch and JAX where scripts/bootstrap bench could get them
CLUSTER_WORKS = ["distributed-async", "distributed-sync", "remote-noop", "remote-pull", "remote-push",
                 "remote-pull-tcp", "remote-push-tcp", "remote-embedding"]  # fmt: skip
WORKS = ["call-overhead", "callable-overhead", "mlp", "lenet", "lstm", "startup", "pipeline", *CLUSTER_WORKS]
# Floating-point operations of one unit (a step, a word) of training.
FLOPS = {
    "mlp": 100 * (784 * 500 * 4 + 500 * 10 * 6),
    "lenet": 100 * (28 * 28 * 32 * 25 * 4 + 14 * 14 * 64 * 25 * 32 * 6 + 3136 * 512 * 6 + 512 * 10 * 6),
    "lstm": 2 * (400 * 800 * 6) + 200 * 10000 * 6,
}
LACKING = {("jax", "call-overhead")}  # it has no sessions to call
LOWER_IS_BETTER = {"us/run", "ms", "MB"}
# Work, peer, and how many times as good as TensorFlow it shall be; or the value that it shall reach.
RATIO_TARGETS = {("mlp", "tenon"): 2.0, ("lenet", "tenon"): 1.1, ("pipeline", "tenon-python"): 1.2,
                 ("distributed-async", "tenon-python"): 5.0, ("distributed-sync", "tenon-python"): 5.0}  # fmt: skip
VALUE_TARGETS = {("call-overhead", "tenon"): 1.0, ("call-overhead", "tenon-python"): 8.0, ("startup", "tenon"): 50.0,
                 ("remote-noop", "tenon-python"): 150.0, ("remote-pull", "tenon-python"): 4.0,
                 ("remote-push", "tenon-python"): 4.0, ("remote-pull-tcp", "tenon-python"): 1.5,
                 ("remote-push-tcp", "tenon-python"): 1.5}  # fmt: skip
LIBRARY_TARGET_MB = 4.0


def environment(threads):
    """What every process gets."""
    path = os.pathsep.join(filter(None, [str(ROOT / "python"), os.environ.get("PYTHONPATH")]))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **quiet, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}


def cluster_commands(work, peers):
    """The same for works that run on clusters. Without Unix sockets and shared memory only Tenon is asked: TensorFlow's
    figure would be that of the work's other form."""
    remote = work.startswith("remote-")
    program = HERE / "peers" / f"peer_tensorflow_{'cluster' if remote else 'distributed'}.py"
    given = [work.removesuffix("-tcp")] if remote else ["--mode", work.removeprefix("distributed-"), "--steps", "2000"]
    found, python = {}, python_with("tensorflow")
    if "tenon-python" in peers:
        only = ["--network-only"] if work.endswith("-tcp") else []
        found["tenon-python"] = [PYTHON, program, "--library", "tenon", *only, *given]
    if "tensorflow" in peers and python and not work.endswith("-tcp"):
        found["tensorflow"] = [python, program, *given]
    return found


def commands(work, threads, peers):
    """Peer -> the command that runs WORK on it, for those that can."""
    found = {}
    if work in CLUSTER_WORKS:
        return cluster_commands(work, peers)
    if work == "pipeline":
        packages = {"tenon-python": ("tenon", PYTHON), "tensorflow": ("tensorflow", python_with("tensorflow"))}
        return {peer: [python, HERE / "pipeline.py", package, str(threads)]
                for peer, (package, python) in packages.items() if peer in peers and python}  # fmt: skip
    if "tenon" in peers and (BUILD / "tenon").exists():
        found["tenon"] = [BUILD / "tenon", "bench", work, "--threads", str(threads), "--json"]
    if "tenon-python" in peers and work in ("call-overhead", "callable-overhead", "mlp", "startup"):
        found["tenon-python"] = [PYTHON, HERE / "tenon_python.py", "--threads", str(threads), work]
    if work == "callable-overhead":
        found.pop("tenon", None)
        return found
    if work == "startup":
        if "tensorflow" in peers and python_with("tensorflow"):
            found["tensorflow"] = [python_with("tensorflow"), HERE / "startup_tensorflow.py"]
        return found
    for peer in ("tensorflow", "torch", "jax"):
        if peer in peers and python_with(peer) and (peer, work) not in LACKING:
            found[peer] = [python_with(peer), HERE / "peers" / f"peer_{peer}.py", "--threads", str(threads), work]
    return found


@functools.cache
def python_with(module):
    """The Python that has MODULE: this one or that of the peers; None if neither has."""
    if importlib.util.find_spec(module):
        return PYTHON
    code = f"import importlib.util; raise SystemExit(importlib.util.find_spec({module!r}) is None)"
    there = PEERS.exists() and subprocess.run([PEERS, "-c", code], check=False).returncode == 0
    return PEERS if there else None


def measure(command, threads, timeout):
    """The JSON lines that a command prints; an empty list, with a word on stderr, if it fails."""
    env = {**environment(threads), "TENON_BENCH_START": str(time.monotonic())}
    try:
        done = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        print(f"bench: over {timeout} s: {command[0]} {command[1]}", file=sys.stderr)
        return []
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"bench: {Path(str(command[0])).name} {Path(str(command[1])).name}: {last}", file=sys.stderr)
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def better(unit, a, b):
    return a < b if unit in LOWER_IS_BETTER else a > b


def interleaved(works, threads, peers, rounds, timeout):
    """(work, peer) -> its best line; each round runs all peers of a work one after the other."""
    best = {}
    for work in works:
        for _ in range(rounds):
            for peer, command in commands(work, threads, peers).items():
                for line in measure(command, threads, timeout):
                    kept = best.get((work, peer))
                    if line["work"] == work and (not kept or better(line["unit"], line["value"], kept["value"])):
                        best[work, peer] = line
                        show(f"  {work} {peer}: {line['value']} {line['unit']}")
    return best


def show(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def peak(threads):
    """{"gflops", "gbytes"} of this machine with that many threads."""
    program = BUILD / "bench" / "peak_flops"
    program.parent.mkdir(parents=True, exist_ok=True)
    flags = ["-O3", "-march=native", "-ffp-contract=fast", "-pthread"]
    subprocess.run([os.environ.get("CC", "cc").split()[-1], *flags, "-o", program, HERE / "peak_flops.c"], check=True)
    return json.loads(subprocess.run([program, str(threads)], capture_output=True, text=True, check=True).stdout)


def library_mb():
    """The size of libtenon.so without symbols, None if it is not built."""
    library = BUILD / "libtenon.so"
    if not library.exists() or not shutil.which("strip"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "libtenon.so"
        subprocess.run(["strip", "-o", copy, library.resolve()], check=True)
        return copy.stat().st_size / 1e6


def ratio(best, work, peer):
    """How many times as good as TensorFlow, None where one is missing."""
    mine, theirs = best.get((work, peer)), best.get((work, "tensorflow"))
    if not mine or not theirs or not mine["value"] or not theirs["value"]:
        return None
    forward = mine["value"] / theirs["value"]
    return 1 / forward if mine["unit"] in LOWER_IS_BETTER else forward


def verdict(best, work, peer):
    """ "met", "MISSED" or "" where nothing is promised."""
    limit, wanted = VALUE_TARGETS.get((work, peer)), RATIO_TARGETS.get((work, peer))
    if limit is not None:
        value, unit = best[work, peer]["value"], best[work, peer]["unit"]
        good, sign = (value <= limit, "<=") if unit in LOWER_IS_BETTER else (value >= limit, ">=")
        return f"{'met' if good else 'MISSED'} ({sign} {limit:g})"
    times = ratio(best, work, peer)
    if wanted is None or times is None:
        return ""
    return f"{'met' if times >= wanted else 'MISSED'} (>= {wanted:g} x)"


def rows(best, machine):
    """The table's lines."""
    for (work, peer), line in best.items():
        times = ratio(best, work, peer)
        share = line["value"] * FLOPS[work] / machine["gflops"] / 1e9 if work in FLOPS else None
        yield [
            work, peer, f"{line['value']:g} {line['unit']}",
            f"{times:.2f} x" if times and peer != "tensorflow" else "",
            f"{share:.0%}" if share is not None else "", f"{line.get('rss_mb', 0)} MB", verdict(best, work, peer),
        ]  # fmt: skip


HEAD = ["work", "peer", "value", "to TensorFlow", "of peak", "RSS", "target"]


def table(lines):
    """Markdown, aligned."""
    lines = [HEAD, *lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def hardware_text():
    """Processor, cores, memory, kernel."""
    model = platform.processor() or platform.machine()
    try:
        info = Path("/proc/cpuinfo").read_text()
        model = next(line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}"


def machine_text(machine, threads):
    """What ran where."""
    return (
        f"{hardware_text()}; {threads} threads; peak {machine['gflops']:.0f} GFLOP/s, {machine['gbytes']:.0f} GB/s read"
    )


def cluster_notes(best):
    """Processor time of a training step on a cluster, and what moved by which transport."""
    for (work, peer), line in best.items():
        if "cpu_ms_per_step" in line:
            times = f"; {', '.join(f'{ms:g} {task}' for task, ms in line['cpu_ms_by_task'].items())}"
            yield f"{work}, {peer}: {line['cpu_ms_per_step']:g} ms of processors a global step{times}"
        for key, what in (("mb_per_step", "a global step"), ("mb_in_all", f"in {line.get('steps')} steps")):
            moved = ", ".join(f"{name} {mb:g}" for name, mb in line.get(key, {}).items() if mb)
            if moved:
                yield f"{work}, {peer}: MB of worker 0 {what}: {moved}"


def footer(best):
    """Resident memory and the library's size."""
    yield from cluster_notes(best)
    mine, theirs = best.get(("mlp", "tenon")), best.get(("mlp", "tensorflow"))
    if mine and theirs:
        share = mine["rss_mb"] / theirs["rss_mb"]
        yield f"resident memory of mlp: {share:.0%} of TensorFlow's, {'met' if share <= 0.25 else 'MISSED'} (<= 25%)"
    size = library_mb()
    if size:
        yield f"libtenon.so, stripped: {size:.2f} MB, {'met' if size < LIBRARY_TARGET_MB else 'MISSED'} (< 4 MB)"


def subject(note):
    """What a line below the table is about."""
    return re.split("[,:]", note)[0]


def quieter(machine, old):
    """The line about the machine with the higher peak, this or that of the OLD text, whose rows stay; and a word if
    others used the machine now."""
    before = next((line for line in old.splitlines() if "GFLOP/s" in line and line[:1] != "|"), "")
    then, now = (int(re.search(r"peak (\d+)", line)[1]) if line else 0 for line in (before, machine))
    if now > 0.9 * then:
        return machine, ""
    return before, f"while others used the machine: {now} of {then} GFLOP/s were left"


def write(machine, cells, notes, best):
    """results.md: what was measured, and what it said before of all else."""
    path = HERE / "results.md"
    old = path.read_text() if path.exists() else ""
    measured = {work for work, _ in best}
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in old.splitlines() if line[:2] == "| "]
    cells = [line for line in lines if line[0] in WORKS and line[0] not in measured] + cells
    machine, busy = quieter(machine, old)
    if busy:
        notes.append(f"{min(measured)} and what was measured with it, {busy}")
    cells.sort(key=lambda line: WORKS.index(line[0]))
    below = old.partition("\n|")[2].split("\n\n")[1:]
    notes += [note.strip() for note in below if subject(note) not in {subject(new) for new in notes} | measured]
    versions = sorted({f"{line['peer']} {line['version']}" for line in best.values() if line.get("version")})
    when = time.strftime("%Y-%m-%d")
    head = f"Written by `bench/run.py --write` on {when}; rows of works that a run leaves out stay."
    text = "\n\n".join(["# Results", f"{head} Versions: {', '.join(versions)}.", machine, table(cells), *notes])
    path.write_text(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=WORKS, help=f"of {' '.join(WORKS)}, or cluster")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3, help="how often all of them take turns")
    parser.add_argument("--peers", default="tenon,tenon-python,tensorflow,torch,jax")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one process")
    parser.add_argument("--write", action="store_true", help="also write bench/results.md")
    options = parser.parse_args()
    works = [work for given in options.works for work in (CLUSTER_WORKS if given == "cluster" else [given])]
    machine = peak(options.threads)
    best = interleaved(works, options.threads, options.peers.split(","), options.rounds, options.timeout)
    again = peak(options.threads)  # whoever else uses the machine lowers it
    machine = {key: max(machine[key], again[key]) for key in machine}
    cells, notes = [*rows(best, machine)], [*footer(best)]
    print("\n\n".join([machine_text(machine, options.threads), table(cells), *notes]))
    if options.write:
        write(machine_text(machine, options.threads), cells, notes, best)
    return 0 if best else 1


if __name__ == "__main__":
    sys.exit(main())
