"""The test runner counts right, above all what failed."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
loader = SourceFileLoader("runner", str(ROOT / "scripts" / "test"))
runner = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
loader.exec_module(runner)
Counts = runner.Counts


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"result": "OK", "stdout": "1..3\nok 1 - a\nnot ok 2 # SKIP b\nok 3 - c\n"}, Counts(2, 0, 1)),
        ({"result": "FAIL", "stdout": "1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n# not ok - tests\n"}, Counts(1, 1, 0)),
        ({"result": "OK", "stdout": "no protocol here"}, Counts(1, 0, 0)),
        ({"result": "OK"}, Counts(1, 0, 0)),
        ({"result": "FAIL"}, Counts(0, 1, 0)),
        ({"result": "TIMEOUT", "stdout": "1..2\nok 1 - a\n"}, Counts(1, 1, 0)),
        ({"result": "ERROR", "stdout": ""}, Counts(0, 1, 0)),
        ({"result": "SKIP", "stdout": ""}, Counts(0, 0, 1)),
    ],
)
def test_counts_of_a_program(entry, expected):
    assert runner.program_counts(entry) == expected


def test_last_line():
    assert str(Counts(1, 2, 3) + Counts(1, 0, 0)) == "2 passed, 2 failed, 3 skipped"


def test_an_example_promises_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "a.c").write_text("/* Adds.\n * Prints:\n *   [1 2]\n *   done */\nint x; /* Prints:\n no */\n")
    program = tmp_path / "build" / "example-a"

    def outcome(text, status=0):
        program.write_text(f"#!/bin/sh\nprintf '{text}'\nexit {status}\n")
        program.chmod(0o755)
        return runner.example("a.c")

    assert outcome("first\\n[1 2]\\nthen\\ndone\\n") == Counts(passed=1)
    assert outcome("done\\n[1 2]\\n") == Counts(failed=1)
    assert outcome("[1 2]\\ndone\\n", status=1) == Counts(failed=1)
    program.unlink()
    assert runner.example("a.c") == Counts(failed=1)
