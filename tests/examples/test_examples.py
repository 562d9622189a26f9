"""MNIST in ten lines; the other examples in Python are in tests/networks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TENON_DATA") or ROOT.parent / "shared" / "data")


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="no MNIST")
@pytest.mark.parametrize("name", ["keras", "tflearn", "slim"])
def test_digits_in_ten_lines(name, tmp_path):
    """Each short form trains a perceptron in at most ten lines, imports not counted."""
    path = ROOT / "examples" / f"{name}_mnist.py"
    body = path.read_text(encoding="utf-8").split('"""', 2)[2].splitlines()
    lines = [line for line in body if line.strip() and not line.startswith(("import", "from", " " * 20))]
    assert len(lines) <= 10
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_DATA": str(DATA)}
    done = subprocess.run([sys.executable, "-m", "tenon.compat", str(path)], env=env, capture_output=True, text=True,
                          timeout=600, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = float(done.stdout.strip().split("\n")[-1].strip("[]").split()[-1].strip("np.float32()"))
    assert accuracy > 0.93
