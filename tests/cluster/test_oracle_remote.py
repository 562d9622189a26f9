"""The oracle's operations by a stock TensorFlow client on a Tenon server: a sample; `scripts/soak interop` runs all."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_operation():
    """At least one case of each operation, and every twentieth of all."""
    command = [sys.executable, str(ROOT / "tests" / "cluster" / "interop.py"), "--every", "20"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    ran = re.search(r"interop: (\d+) cases of (\d+) operations and (\d+) programs were run, 0 complaints", done.stdout)
    assert ran, done.stdout
    cases, operations, programs = map(int, ran.groups())
    assert cases > 1500 and operations > 600 and programs > 10
