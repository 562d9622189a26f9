"""The simulated cluster: the same numbers from the same seed, and no step that is faster than its computation."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_THIS_RUN = ("cpu_s", "memory_mib")

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler to link the simulation with")


@pytest.fixture(scope="module")
def program():
    subprocess.run([ROOT / "scripts/simulate", "build"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build/simulate"


def run(program, **options):
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    done = subprocess.run([program, *given], check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    line = json.loads(done.stdout)
    return {name: value for name, value in line.items() if name not in OF_THIS_RUN}


def test_a_seed_gives_the_same_numbers(program):
    options = {"workers": 20, "ps": 3, "sync": 1, "backups": 2, "bytes": 1e7, "spread": 0.2, "seed": 7}
    assert run(program, **options) == run(program, **options)


@pytest.mark.parametrize("sync", [0, 1])
def test_steps_take_at_least_their_computation(program, sync):
    line = run(program, workers=8, ps=2, sync=sync, compute_ms=50, steps=20)
    assert 0.8 * 8 / 0.05 < line["batches_s"] <= 8 / 0.05


def test_tasks_share_the_cores_that_there_are(program):
    line = run(program, workers=8, ps=1, cores=2, compute_ms=5, steps=50)
    assert 0.8 * 2 / 0.005 < line["batches_s"] <= 2 / 0.005


def test_messages_take_cores_from_the_computation(program):
    """With two cores for everybody, what messages cost is lost to the steps."""
    shared = {"workers": 4, "ps": 1, "cores": 2, "compute_ms": 5, "spread": 0.01, "steps": 50}
    cheap, dear = (run(program, **shared, ps_call_us=us, worker_call_us=us)["steps_s"] for us in (5, 100))
    # Twelve messages a step, each handled by two tasks.
    assert dear < cheap * 0.8


def test_backups_are_not_waited_for(program):
    """One step in twenty of each worker takes ten times as long: of nine workers one often does."""
    slow = {"workers": 9, "ps": 2, "sync": 1, "steps": 30, "slow_share": 0.05, "slow_times": 10}
    assert run(program, **slow, backups=3)["steps_s"] > 2 * run(program, **slow)["steps_s"]
