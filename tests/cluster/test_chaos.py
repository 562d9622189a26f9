"""A short chaos run: ten random faults over two jobs. `scripts/soak chaos` does two hundred over four."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_ten_faults():
    command = [sys.executable, str(ROOT / "tests" / "cluster" / "chaos.py"), "--faults", "10", "--seed", "5"]
    command += ["--jobs", "0,1", "--silence", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 faults, nothing lost" in done.stdout
