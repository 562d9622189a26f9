"""Names and signatures against TensorFlow's own: what is missing or differs is exactly what missing.txt lists."""

import sys

from api import parity


def test_nothing_new_is_missing(monkeypatch):
    # TensorFlow's flags read the program's arguments as soon as one looks at them.
    monkeypatch.setattr(sys, "argv", sys.argv[:1])
    listed = set((parity.HERE / "missing.txt").read_text(encoding="utf-8").split("\n")) - {""}
    found = parity.all_differences(parity.LISTED)
    print(f"{len(found)} names of tf.compat.v1 are missing or have another signature")
    new = {path: what for path, what in found.items() if path not in listed}
    assert not new, f"not listed in missing.txt: {new}"
    gone = listed - set(found)
    assert not gone, f"missing.txt lists what is there now (python tests/api/parity.py --update): {sorted(gone)}"
