"""Thousands of random graphs give the same result whatever the compiler does.

The environment: TENON_SEED is the first seed, TENON_GRAPHS how many graphs there are.
"""

import os
import time

import pytest

from oracle.random_graphs import run
from tenon import _core

FIRST = int(os.environ.get("TENON_SEED", "1"))
COUNT = int(os.environ.get("TENON_GRAPHS", "4000"))
FIRED = 100


@pytest.mark.xdist_group("random_graphs")
def test_random_graphs():
    """All of them, and each pass had something to do."""
    reports, start = [], time.monotonic()
    before = _core.passes()
    for seed in range(FIRST, FIRST + COUNT):
        try:
            report = run.check(seed)
        except Exception as error:
            report = f"graph {seed}: {type(error).__name__}: {error}"
        if report:
            reports.append(report)
            if len(reports) >= 3:
                break
    fired = {name: count - before[name] for name, count in _core.passes().items()}
    print(f"seeds {FIRST} to {seed}, {time.monotonic() - start:.0f} s; passes fired: {fired}")
    assert not reports, "\n\n".join(reports)
    lazy = {name: count for name, count in fired.items() if count < FIRED}
    assert COUNT < 2000 or not lazy, f"passes that fired less than {FIRED} times in {COUNT} graphs: {lazy}"
