#!/usr/bin/env python3
"""What scripts/simulate --calibrate prints: real clusters beside simulated ones. See docs/cluster.md."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"
WORKERS = [1, 2, 3, 4, 6, 8]
LIMIT = 0.15  # between what is measured and what is predicted
DISTURBED = 0.04  # a measurement during which others had more of the cores is taken again
SMALL, LARGE = 256, 100000  # floats of the model
MODES = {"asynchronous": {}, "synchronous": {"sync": 1}, "synchronous, a backup": {"sync": 1, "backups": 1}}


def cases():
    """(mode, floats, workers), those first that the parameters come from."""
    for n in WORKERS:
        for size in (SMALL, LARGE):
            yield from ((mode, size, n) for mode, given in MODES.items() if n > 2 or "backups" not in given)


# --- measuring ---


def busy_s():
    """What all cores together have worked since the machine started."""
    user, nice, system, _, _, irq, soft, steal = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def ours_s():
    """What this process and those that it waited for have worked."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def used_between(samples, window):
    """Seconds of cores that a process used in WINDOW, from samples of (clock, used)."""

    def at(moment):
        for (t0, used0, *_), (t1, used1, *_) in zip(samples, samples[1:]):
            if moment <= t1:
                return used0 + (used1 - used0) * max(0, moment - t0) / (t1 - t0)
        return samples[-1][1]

    return at(window[1]) - at(window[0])


def run_real(mode, size, workers, options):
    """One run: steps/s, and the time of cores that a step takes, in microseconds."""
    given = MODES[mode]
    seconds = 1.5
    steps = seconds * 1e3 / options.compute_ms * options.cores / workers
    job = [BUILD / "simulate-real", f"--steps={max(20, round(steps))}", "--warm=20", f"--elements={size}",
           f"--compute-ms={options.compute_ms}", f"--backups={given.get('backups', 0)}"]  # fmt: skip
    flags = ["--sync"] if given.get("sync") else []
    command = [BUILD / "tenon", "run", "--ps", "1", "--workers", str(workers), *flags, "--", *job]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    lines = [json.loads(line[line.index("{") :]) for line in done.stdout.splitlines() if "{" in line]
    tasks = {line["task"]: line for line in lines}
    chief = tasks["worker 0"]
    window = chief["window"]
    global_steps = chief["steps_s"] * (window[1] - window[0])
    used = {name: used_between(task["samples"], window) for name, task in tasks.items()}
    computations = global_steps * (workers if given.get("sync") else 1)
    worked = sum(seconds for name, seconds in used.items() if name.startswith("worker"))
    return {"steps_s": chief["steps_s"], "compute_us": chief["worked_s"] * 1e6, "spread": chief["spread"],
            "worker_us": worked / computations * 1e6 - chief["worked_s"] * 1e6,
            "ps_us": used["ps 0"] / global_steps * 1e6}  # fmt: skip


def run_alone(case, options):
    """run_real with the cores to itself: again when others worked at the same time, at last the best of five."""
    tried = []
    for _ in range(5):
        before, clock = (busy_s(), ours_s()), os.times().elapsed
        found = run_real(*case, options)
        others = busy_s() - before[0] - (ours_s() - before[1])
        found["others"] = others / (os.times().elapsed - clock) / options.cores
        tried.append(found)
        if found["others"] <= DISTURBED:
            break
    return min(tried, key=lambda run: run["others"])


def measure(options):
    """{case: the runs' medians}; what the file of --measured has is not measured again."""
    kept = {}
    if options.measured and options.measured.exists():
        kept = {tuple(case): found for case, found in json.loads(options.measured.read_text())}
    missing = [case for case in cases() if case not in kept][: options.most]
    for case in missing:
        runs = [run_alone(case, options) for _ in range(options.runs)]
        kept[case] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        kept[case]["from_to"] = [min(run["steps_s"] for run in runs), max(run["steps_s"] for run in runs)]
        print(f"measured {case}: {json.dumps(kept[case])}", file=sys.stderr)
        if options.measured:
            unfinished = options.measured.with_suffix(".new")
            unfinished.write_text(json.dumps(list(kept.items())))
            unfinished.replace(options.measured)
    return kept


# --- predicting ---


def simulate(mode, size, workers, **options):
    given = {"ps": 1, "workers": workers, "elements": size, "warm": 20, "gbps": 0, "latency-us": 0} | MODES[mode]
    given |= {name.replace("_", "-"): value for name, value in options.items()}
    command = [BUILD / "simulate", *(f"--{name}={value}" for name, value in given.items())]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def traffic(size):
    """(messages, bytes) that a step of one asynchronous worker sends and gets, by the real protocol."""
    less, more = (simulate("asynchronous", size, 1, steps=steps, compute_ms=1) for steps in (100, 200))
    return tuple((more[name] - less[name]) / 100 for name in ("ps_messages", "ps_bytes"))


def find_parameters(measured):
    """What tasks cost, from the processor time of one asynchronous worker and its server with the two models."""
    small, large = (measured["asynchronous", size, 1] for size in (SMALL, LARGE))
    (messages, few), (_, many) = traffic(SMALL), traffic(LARGE)
    found = {"compute_ms": statistics.mean(run["compute_us"] for run in (small, large)) * 1e-3}
    found["spread"] = statistics.mean(run["spread"] for run in (small, large))
    for task in ("worker", "ps"):
        byte_us = max(0, large[f"{task}_us"] - small[f"{task}_us"]) / (many - few)
        found[f"{task}_call_us"] = (small[f"{task}_us"] - few * byte_us) / messages
        found[f"{task}_byte_ns"] = byte_us * 1e3
    return found


def calibrate(options):
    measured = measure(options)
    missing = sum(case not in measured for case in cases())
    if missing:
        print(f"{missing} of the measurements are left")
        return 2
    parameters = find_parameters(measured)
    print(
        f"{options.cores} cores for one parameter server and all workers; measured: the median of {options.runs} runs"
    )
    print("parameters, from the processor time of one asynchronous worker and its server:")
    print("  " + ", ".join(f"{name} {value:.4g}" for name, value in parameters.items()))
    print(f"\n| {'model':>13} | {'mode':>21} | workers | measured steps/s (from, to) | predicted |    off |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    worst = 0
    for case in sorted(cases(), key=lambda c: (c[1], list(MODES).index(c[0]), c[2])):
        mode, size, n = case
        found = measured[case]
        low, high = found["from_to"]
        predicted = simulate(mode, size, n, cores=options.cores, steps=400, **parameters)["steps_s"]
        off = predicted / found["steps_s"] - 1
        worst = max(worst, abs(off))
        disturbed = ", disturbed" if found["others"] > DISTURBED else ""
        print(f"| {size:>6} floats | {mode:>21} | {n:>7} | {found['steps_s']:>12.1f} ({low:.1f}, {high:.1f}) "
              f"| {predicted:>9.1f} | {off:>+6.1%}{disturbed} |")  # fmt: skip
    print(f"\nthe farthest is {worst:.1%} off; all are to be within {LIMIT:.0%}")
    return 0 if worst <= LIMIT else 1


def main():
    parser = argparse.ArgumentParser(prog="simulate --calibrate", description=__doc__)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--compute-ms", type=float, default=5, help="a step's computation, of one core")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="that the simulation has")
    parser.add_argument("--runs", type=int, default=3, help="of each measurement; the median counts")
    parser.add_argument("--measured", type=Path, help="keep measurements in this file, and take those that it has")
    parser.add_argument("--most", type=int, help="measure at most so many, and leave the rest to the next time")
    return calibrate(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
