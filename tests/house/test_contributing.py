"""The op that CONTRIBUTING.md walks through is the one in the tree, so that building and testing it checks the text."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WALK = (ROOT / "CONTRIBUTING.md").read_text().split("\n## Adding an op\n")[1].split("\n## ")[0]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", WALK, re.DOTALL)


def test_code_is_the_repository_s():
    file = (ROOT / "src/ops/linalg/cross.c").read_text()
    places = [file.find(block) for block in blocks("c")]
    assert len(places) == 4
    assert -1 not in places, f"block {places.index(-1) + 1} is not in the file"
    assert places == sorted(places)


def test_cases_are_the_repository_s():
    assert blocks("python") == [(ROOT / "tests/oracle/cases/cross.py").read_text()]


def test_files_that_are_named_exist():
    for name in re.findall(r"`((?:src|tests|docs|scripts)/[\w./-]+)`", (ROOT / "CONTRIBUTING.md").read_text()):
        assert (ROOT / name).exists(), name
