"""tf.contrib against the table of 1.15's signatures: what is missing or differs is what contrib_missing.txt lists."""

import pytest

from api import contrib_parity


@pytest.fixture(scope="module")
def found():
    return contrib_parity.differences()


def test_nothing_new_is_missing(found):
    listed = set(contrib_parity.MISSING.read_text(encoding="utf-8").split())
    print(f"{len(found)} names of 1.15's tf.contrib are missing or have another signature:", *sorted(found))
    new = {path: what for path, what in found.items() if path not in listed}
    assert not new, f"not listed in contrib_missing.txt: {new}"
    gone = listed - set(found)
    assert not gone, f"contrib_missing.txt lists what is there now (contrib_parity.py --update): {sorted(gone)}"


@pytest.mark.parametrize("module", contrib_parity.WHOLE)
def test_named_modules_are_whole(found, module):
    assert not {path: what for path, what in found.items() if path.startswith(f"{module}.")}


def test_the_comparison_sees_differences():
    def ours(self, a, b=1, *, c="x"):
        pass

    assert contrib_parity.differs(ours, "a, b=1, *, c='x'") is None
    assert contrib_parity.differs(ours, "a, b=1") is None
    for other in ("a, b=2, *, c='x'", "b=1, a, *, c='x'", "a, b=1, c='x'", "a, b, *, c='x'", "a, b=1, *, c=None", ""):
        assert contrib_parity.differs(ours, other)
    assert contrib_parity.split("a, b=(1, 2), c='x,y'") == ["a", "b=(1, 2)", "c='x,y'"]
