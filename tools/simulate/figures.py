#!/usr/bin/env python3
"""What scripts/simulate --curve and --coverage print. See docs/cluster.md."""

import argparse
import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"

# The cluster of the curve, after the TensorFlow paper's Inception-v3 jobs: 17 parameter servers, 25 million floats.
PS, MODEL_BYTES, COMPUTE_MS = 17, 100e6, 1800
CLUSTER = {"bytes": MODEL_BYTES, "compute-ms": COMPUTE_MS, "spread": 0.06, "slow-share": 0.02, "slow-times": 1.5,
           "gbps": 10, "latency-us": 50, "ps-call-us": 7.5, "worker-call-us": 7.5}  # fmt: skip
SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
MODES = {"asynchronous": {}, "synchronous": {"sync": 1}, "synchronous, 6 % backups": {"sync": 1, "backups": 0.06}}
COLOURS = {"asynchronous": "#1f6fb4", "synchronous": "#c0392b", "synchronous, 6 % backups": "#2e8b57"}
# Facts of figure 8 of "TensorFlow: A System for Large-Scale Machine Learning" (OSDI 2016).
PAPER = {200: 2300}
PAPER_BATCH = 32


def simulate(workers, ps, **options):
    """What build/simulate says of such a cluster."""
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [BUILD / "simulate", f"--workers={workers}", f"--ps={ps}", *given]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


# --- the curve ---


def curve(options):
    """{mode: [(workers, batches/s)]}, as a picture and a table."""
    found = {mode: [] for mode in MODES}
    last = []
    for workers in SIZES:
        for mode, given in MODES.items():
            given = dict(given)
            if "backups" in given:
                given["backups"] = math.ceil(workers * given["backups"]) if workers > 1 else 0
            steps = max(4, min(12, options.steps // workers))
            line = simulate(workers, PS, steps=steps, warm=1, **given, **CLUSTER)
            found[mode].append((workers, line["batches_s"]))
            last.append(line)
            print(f"{workers} {mode}: {json.dumps(line)}", file=sys.stderr)
    (ROOT / "docs/images/cluster-scaling.svg").write_text(picture(found))
    print("| workers | " + " | ".join(found) + " | ideal |")
    print("| ---: |" + " ---: |" * (len(found) + 1))
    for i, workers in enumerate(SIZES):
        values = [f"{points[i][1]:.4g}" for points in found.values()]
        print(f"| {workers} | {' | '.join(values)} | {ideal(workers):.4g} |")
    return 0


def ideal(workers):
    """Batches/s if nothing but the computation took time."""
    return workers * 1e3 / COMPUTE_MS


def picture(found):
    """The curve as SVG; both axes are logarithmic."""
    width, height, left, right, top, bottom = 720, 460, 70, 20, 40, 50
    low, high = 0.3, 700.0

    def x(workers):
        return left + (width - left - right) * math.log(workers) / math.log(SIZES[-1])

    def y(value):
        share = math.log(value / low) / math.log(high / low)
        return height - bottom - (height - top - bottom) * share

    def text(at_x, at_y, words, anchor="middle", extra=""):
        return f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}" {extra}>{words}</text>'

    def line(points, colour, extra=""):
        path = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" {extra}/>'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="white"/>']  # fmt: skip
    title = (f"Batches a second by workers: {PS} parameter servers, a model of {MODEL_BYTES / 1e6:.0f} MB, "
             f"{CLUSTER['gbps']} Gbit/s (simulated)")  # fmt: skip
    parts.append(text(width / 2, 20, title, extra='font-size="13"'))
    for value in (1, 10, 100):
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>')
        parts.append(text(left - 8, y(value) + 4, value, "end"))
    for n in SIZES:
        parts.append(f'<line x1="{x(n):.1f}" x2="{x(n):.1f}" y1="{top}" y2="{height - bottom}" stroke="#eee"/>')
        parts.append(text(x(n), height - bottom + 18, n))
    parts.append(text(width / 2, height - 10, "workers"))
    parts.append(line([(n, ideal(n)) for n in SIZES], "#888", 'stroke-dasharray="5 4"'))
    for n, images in PAPER.items():
        parts.append(f'<circle cx="{x(n):.1f}" cy="{y(images / PAPER_BATCH):.1f}" r="5" fill="#8e44ad"/>')
    for points, colour in ((found[mode], COLOURS[mode]) for mode in found):
        parts.append(line(points, colour))
        parts += [f'<circle cx="{x(n):.1f}" cy="{y(v):.1f}" r="2.5" fill="{colour}"/>' for n, v in points]
    legend = [("ideal: the computation alone", "#888"), *COLOURS.items(),
              (f"TensorFlow's paper: 2,300 images/s, in batches of {PAPER_BATCH}", "#8e44ad")]  # fmt: skip
    for i, (words, colour) in enumerate(legend):
        at = top + 14 + 17 * i
        parts.append(f'<rect x="{left + 12}" y="{at - 8}" width="14" height="4" fill="{colour}"/>')
        parts.append(text(left + 34, at, words, "start"))
    return "\n".join([*parts, "</svg>\n"])


# --- coverage ---

RUNS = [{"workers": 6, "ps": 3}, {"workers": 6, "ps": 3, "sync": 1}, {"workers": 6, "ps": 3, "sync": 1, "backups": 2}]


def lines_of(notes, folder):
    """(file, lines that ran, lines) of one object."""
    subprocess.run(["gcov", "--json-format", notes], cwd=folder, capture_output=True, check=True)
    report = next(folder.glob("*.gcov.json.gz"))
    entry = next(f for f in json.loads(gzip.decompress(report.read_bytes()))["files"] if f["file"].endswith(".c"))
    report.unlink()
    return entry["file"], sum(line["count"] > 0 for line in entry["lines"]), len(entry["lines"])


def coverage(_):
    """Lines of the masters, workers, messages, partitioner and executor that run in simulations."""
    for run in RUNS:
        given = [f"--{name}={value}" for name, value in run.items()]
        subprocess.run([BUILD / "simulate-covered", *given], check=True)
    folder = BUILD / "simulate-coverage.p"
    ran = all_ = 0
    for notes in sorted(folder.glob("*.gcno")):
        file, some, lines = lines_of(notes, folder)
        ran, all_ = ran + some, all_ + lines
        print(f"{file}: {some / lines:.0%} of {lines} lines")
    print(f"together: {ran / all_:.0%} of {all_} lines")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curve", action="store_const", const=curve, dest="what")
    parser.add_argument("--coverage", action="store_const", const=coverage, dest="what")
    parser.add_argument("--steps", type=int, default=2000, help="of all workers together, a point of the curve")
    options = parser.parse_args()
    return options.what(options)


if __name__ == "__main__":
    raise SystemExit(main())
