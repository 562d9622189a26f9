"""The networks of examples/ learn real data as well as they do on TensorFlow.

A short run of each, with the figure that networks.py asks of it; `scripts/soak networks` runs them whole.
"""

import os
from pathlib import Path

import pytest

from networks import networks
from oracle import cache

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TENON_DATA") or ROOT.parent / "shared" / "data")


def parameters():
    """The short runs; one whose data is not there is skipped and says so."""
    for network in networks.SLICES:
        missing = network.data and not (DATA / network.data).is_dir()
        marks = [pytest.mark.skip(reason=f"the data set '{network.data}' is not in {DATA}")] if missing else []
        yield pytest.param(network, id=network.name, marks=marks)


@pytest.mark.parametrize("network", parameters())
def test_network(network, tmp_path):
    ours = networks.figure(network, 1, tmp_path)
    theirs = None
    if network.asks_tensorflow():
        key = cache.key("network", networks.key(network))
        theirs = cache.remember(key, lambda: networks.figure(network, 1, tmp_path, on_tensorflow=True))
    assert network.complaint(ours, theirs) is None


def test_floors():
    """The floor lies below the worst figure by as much as TensorFlow's own figures differ."""
    more = networks.Network("more", "", "", tensorflow=(0.9, 0.92, 0.91))
    less = networks.Network("less", "", "", tensorflow=(3.0, 3.5), less_is_better=True)
    assert more.floor() == pytest.approx(0.88) and more.good(0.885) and not more.good(0.875)
    assert less.floor() == pytest.approx(4.0) and less.good(3.9) and not less.good(4.1)
    assert networks.Network("asked", "", "", tensorflow=(0.9,), asked=0.95).floor() == 0.95


def test_tensorflow_beside():
    near = networks.Network("near", "", "", near=0.02, less_is_better=True)
    assert near.complaint(101.0, 100.0) is None and near.complaint(103.0, 100.0) and near.complaint(97.0, 100.0)
    beside = networks.Network("beside", "", "", beside=0.02)
    assert beside.complaint(0.99, 0.9) is None and beside.complaint(0.89, 0.9) is None and beside.complaint(0.88, 0.9)


def test_every_example_is_measured_and_described():
    """MNIST in ten lines apart, which tests/examples looks at."""
    programs = {path.name for path in (ROOT / "examples").glob("*.py") if not path.name.endswith("_mnist.py")}
    assert programs == {network.command.split()[0] for network in networks.SLICES}
    page = (ROOT / "docs" / "guide" / "networks.md").read_text(encoding="utf-8")
    assert not [program for program in programs if f"`{program}`" not in page]
    for network in networks.SLICES:
        assert f"| `{network.command}` |" in page, f"docs/guide/networks.md has no line for {network.name}"
