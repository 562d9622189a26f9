"""Complete programs for TensorFlow 1.x, run unchanged under tenon.compat and, where it still can, under TensorFlow.

A program whose first line says "tensorflow: no" runs with Tenon only. What the others print has to agree: words
exactly, numbers to 1e-4.
"""

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
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?|[-+]?\d+(?:e[-+]?\d+)?|nan|inf")


def run(command, path, folder):
    """What the program prints."""
    settings = {"PYTHONPATH": str(ROOT / "python"), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
                "TF_USE_LEGACY_KERAS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}  # fmt: skip
    done = subprocess.run([sys.executable, *command, str(path)], env={**os.environ, **settings}, capture_output=True,
                          text=True, cwd=folder, timeout=300)  # fmt: skip
    assert done.returncode == 0, f"{path.name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def difference(ours, theirs):
    """The first line that differs, or None."""
    mine, other = ours.splitlines(), theirs.splitlines()
    for a, b in zip(mine, other):
        # NumPy pads numbers with fewer digits.
        if NUMBER.sub("#", a).replace(" ", "") != NUMBER.sub("#", b).replace(" ", ""):
            return a, b
        for x, y in zip(map(float, NUMBER.findall(a)), map(float, NUMBER.findall(b))):
            if abs(x - y) > 1e-4 * max(1.0, abs(y)):
                return a, b
    return None if len(mine) == len(other) else (len(mine), len(other))


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in PROGRAMS])
def test_program(path, tmp_path):
    ours = run(["-m", "tenon.compat"], path, tmp_path)
    assert ours, "the program prints nothing"
    source = path.read_text(encoding="utf-8")
    if "tensorflow: no" in source.split("\n", 1)[0]:
        return
    other = tmp_path / "other"
    other.mkdir()
    key = cache.key("program", source, (HERE / "shim.py").read_text(encoding="utf-8"))
    theirs = cache.remember(key, lambda: run([str(HERE / "shim.py")], path, other))
    assert difference(ours, theirs) is None, f"{difference(ours, theirs)}\n{ours}\n--- TensorFlow:\n{theirs}"
