"""Each name of the list of names that public TensorFlow 1.x programs use is used by a program whose values are checked.

The cases of symbol_cases.py run through a proxy that notes which names they use; what the list has and no case used is
printed, and fails.
"""

import subprocess
import sys
from pathlib import Path

import pytest

import tenon
from api import symbol_cases, symbol_programs  # noqa: F401  (adds its cases)
from api.both import run, same, tensorflow
from api.traced import Traced

HERE = Path(__file__).resolve().parent
LIST = HERE.parents[2] / "shared" / "api" / "tf1-symbols.txt"
# What changes the whole process is used in one of its own, which tells the names that it used.
PROCESS = """
import sys, unittest
sys.path[:0] = {paths!r}
import tenon
from api.traced import Traced
used = set()
tf = Traced(tenon, used)
tf.enable_eager_execution()
assert tf.add(1, 2).numpy() == 3
tfe = tf.contrib.eager
assert tfe.gradients_function(lambda x: x * x)(3.0)[0].numpy() == 6.0
class Case(tenon.test.TestCase):
    def test_sum(self):
        self.assertAllClose(tf.add(1.5, 2.0), 3.5)
sys.argv = ["program"]
try:
    tf.test.main()
except SystemExit as end:
    assert not end.code
print(*used)
"""
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
    text = PROCESS.format(paths=[str(HERE.parent), str(HERE.parents[1] / "python")])
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "\nOK\n" in done.stderr, done.stderr
    used = set(done.stdout.split()).union(*map(use, symbol_cases.CASES))
    left = [name for name in names if name not in used]
    print(f"{len(names) - len(left)} of {len(names)} names are used by programs whose values are checked")
    assert not left, f"no case uses {left}"
