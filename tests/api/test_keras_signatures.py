"""Names and signatures of keras against tf_keras's: what is missing or differs is exactly what keras_missing.txt lists."""  # noqa: E501

import sys

from api import keras_parity


def test_nothing_new_is_missing(monkeypatch):
    monkeypatch.setattr(sys, "argv", sys.argv[:1])  # TensorFlow's flags read the program's arguments
    listed = set((keras_parity.HERE / "keras_missing.txt").read_text(encoding="utf-8").split("\n")) - {""}
    found = keras_parity.differences()
    print(f"{len(found)} names of tf.keras are missing or have another signature: {sorted(found)}")
    new = {path: what for path, what in found.items() if path not in listed}
    assert not new, f"not listed in keras_missing.txt: {new}"
    gone = listed - set(found)
    assert not gone, f"keras_missing.txt lists what is there now (keras_parity.py --update): {sorted(gone)}"
