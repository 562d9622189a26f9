"""A short chaos run: twelve random faults over three jobs. `scripts/soak chaos` does two hundred over six."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_twelve_faults():
    command = [sys.executable, str(ROOT / "tests" / "cluster" / "chaos.py"), "--faults", "24", "--seed", "5"]
    command += ["--jobs", "0,1,4", "--silence", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 faults, nothing lost" in done.stdout
