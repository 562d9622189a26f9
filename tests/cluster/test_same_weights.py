"""Deterministic synchronous training ends with the same weights, whoever is killed."""

import os
from pathlib import Path

import pytest
from cluster.same_bits import Job, options_of, run_case, weights

DATA = Path(os.environ.get("TENON_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")

pytestmark = pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="no MNIST")

SHORT = {"model": "mlp", "steps": 24, "save_steps": 8, "timeout": 300}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    return run_case("quiet", tmp_path_factory.mktemp("quiet"), options_of(**SHORT))[0]


@pytest.mark.parametrize("case", [
    "chief in the middle of a save, server in the middle of an apply, worker between token and apply",
    "server in the middle of a save, chief in the middle of an apply, worker during start",
    "worker at a random moment",
    "re-scaled from 3 to 2 and back",
    "collective, quiet",
    "collective, chief in the middle of an apply",
    "collective, worker at a random moment",
])  # fmt: skip
def test_killed(quiet, tmp_path, case):
    found, _ = run_case(case, tmp_path, options_of(**SHORT))
    assert quiet["global_step"][2] == (24).to_bytes(8, "little")
    assert found == quiet


def test_lenet(tmp_path):
    """Convolutions, dropout; one worker or three, one parameter server or two, and a chief that is killed."""
    lenet = {"steps": 6, "save_steps": 3, "timeout": 300}
    for name in "alone", "three":
        (tmp_path / name).mkdir()
    Job(tmp_path / "alone", options_of(ps=2, **lenet)).run(workers=1)
    alone = weights(tmp_path / "alone")
    three, _ = run_case("chief between token and apply", tmp_path / "three", options_of(**lenet))
    assert alone == three
