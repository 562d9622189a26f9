"""Each name of the list of names that public TensorFlow 1.x programs use is used by a program whose values are checked.

The cases of symbol_cases.py run through a proxy that notes which names they use; what the list has and no case used is
printed, and fails.
"""

from pathlib import Path

import pytest

import tenon
from api import symbol_cases
from api.both import run, same, tensorflow
from api.traced import Traced

LIST = Path(__file__).resolve().parents[3] / "shared" / "api" / "tf1-symbols.txt"
# Notions of the list that another test runs in a process of its own.
ELSEWHERE = {}
_used = {}


def use(name):
    """The names that a case uses; its values are compared with TensorFlow's, or with what they have to be."""
    if name not in _used:
        ours, theirs, values = symbol_cases.CASES[name]
        used = set()
        got = run(Traced(tenon, used), ours)
        same(got, run(tensorflow(), theirs) if theirs is not None else values, rtol=1e-4, atol=1e-5)
        _used[name] = used
    return _used[name]


@pytest.mark.parametrize("name", symbol_cases.CASES)
def test_values(name):
    assert use(name)


def test_every_name_of_the_list_was_used():
    if not LIST.exists():
        pytest.skip(f"{LIST} is not there")
    names = LIST.read_text(encoding="utf-8").split()
    used = set().union(*map(use, symbol_cases.CASES), ELSEWHERE)
    left = [name for name in names if name not in used]
    print(f"{len(names) - len(left)} of {len(names)} names are used by programs whose values are checked")
    assert not left, f"no case uses {left}"
