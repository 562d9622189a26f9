"""Complete programs for TensorFlow 1.x, run unchanged under tenon.compat and, where it still can, under TensorFlow.

A program whose first line says "tensorflow: no" runs with Tenon only. What the others print has to agree: words
exactly, numbers to 1e-4.
"""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from oracle import cache

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = sorted(path for path in HERE.glob("*.py") if path.name not in ("__init__.py", "test_programs.py", "shim.py"))
PLACEMENT = re.compile(r"\S+: \(\w+\): /job:")
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?|[-+]?\d+(?:e[-+]?\d+)?|nan|inf")
SECONDS = 300
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TF_CPP_MIN_LOG_LEVEL": "3",
               "CUDA_VISIBLE_DEVICES": "", "TF_USE_LEGACY_KERAS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}  # fmt: skip


def run(path, folder):
    """What the program prints with Tenon."""
    done = subprocess.run([sys.executable, "-m", "tenon.compat", str(path)], env=ENVIRONMENT, capture_output=True,
                          text=True, cwd=folder, timeout=SECONDS)  # fmt: skip
    assert done.returncode == 0, f"{path.name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


class TensorFlow:
    """Runs programs with TensorFlow, which is loaded when the first one comes."""

    process = None

    def run(self, path, folder):
        """What the program prints with TensorFlow."""
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, HERE / "shim.py"], env=ENVIRONMENT, text=True, bufsize=1,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL)  # fmt: skip
        self.process.stdin.write(f"{path}\t{folder}\n")
        status = self.process.stdout.readline().strip()
        told = (folder / "stdout").read_text(encoding="utf-8")
        assert status == "0", f"{path.name} under TensorFlow:\n{told}\n{(folder / 'stderr').read_text()[-4000:]}"
        return told

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


@pytest.fixture(scope="module")
def tensorflow():
    oracle = TensorFlow()
    yield oracle
    oracle.close()


def lines(printed):
    """Without what log_device_placement tells: TensorFlow logs it, and where to depends on its environment."""
    return [line for line in printed.splitlines() if not PLACEMENT.match(line)]


def difference(ours, theirs):
    """The first line that differs, or None."""
    mine, other = lines(ours), lines(theirs)
    for a, b in zip(mine, other):
        # NumPy pads numbers with fewer digits.
        if NUMBER.sub("#", a).replace(" ", "") != NUMBER.sub("#", b).replace(" ", ""):
            return a, b
        for x, y in zip(map(float, NUMBER.findall(a)), map(float, NUMBER.findall(b))):
            if not math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-4) and not (math.isnan(x) and math.isnan(y)):
                return f"{x} is not {y}", a, b
    return None if len(mine) == len(other) else (len(mine), len(other))


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in PROGRAMS])
def test_program(path, tmp_path, tensorflow):
    ours = run(path, tmp_path)
    assert ours, "the program prints nothing"
    source = path.read_text(encoding="utf-8")
    if "tensorflow: no" in source.split("\n", 1)[0]:
        return
    other = tmp_path / "other"
    other.mkdir()
    key = cache.key("program", source, (HERE / "shim.py").read_text(encoding="utf-8"))
    theirs = cache.remember(key, lambda: tensorflow.run(path, other))
    assert difference(ours, theirs) is None, f"{difference(ours, theirs)}\n{ours}\n--- TensorFlow:\n{theirs}"


def test_that_differences_are_found():
    assert difference("loss 1.00005\n", "loss 1.0\n") is None and difference("[1.  2.5]\n", "[1. 2.5]\n") is None
    assert difference("loss 1.0003\n", "loss 1.0\n") and difference("a 1\n", "b 1\n") and difference("1\n2\n", "1\n")
    assert difference("nan\n", "1.0\n") and difference("1.0\n", "nan\n") and difference("inf\n", "1.0\n")
    assert difference("nan inf\n", "nan inf\n") is None
