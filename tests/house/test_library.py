"""The library as a program sees it: what it exports, how large it is, and that each public header stands alone."""

import re
import shutil
import subprocess
from pathlib import Path

import c_scan
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "build" / "libtenon.so"
HEADERS = sorted((ROOT / "include" / "tenon").glob("*.h"))
LARGEST = 4_000_000  # bytes, stripped


def exported():
    listing = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in listing.splitlines()}


def declared():
    """The functions that the public headers mark with TN_API."""
    names = set()
    for header in HEADERS:
        for statement in c_scan.Scanner(header.read_text()).statements:
            if statement.tokens[0].text == "TN_API" and (found := c_scan.signature(statement.tokens)):
                names.add(found[0])
    return names


def test_exports_what_the_headers_declare():
    missing = declared() - exported()
    assert not missing, f"declared with TN_API but nowhere defined: {sorted(missing)}"


def test_exports_nothing_else():
    assert [name for name in sorted(exported()) if not re.match(r"tn_|TF_", name)] == []


def test_needs_nothing_of_its_own():
    listing = subprocess.run(
        ["nm", "-D", "--undefined-only", LIBRARY], capture_output=True, text=True, check=True
    ).stdout
    missing = [line.split()[-1] for line in listing.splitlines() if re.match(r"tn_|TF_", line.split()[-1])]
    assert not missing, f"called but nowhere defined: {missing}"


def test_size(tmp_path):
    stripped = tmp_path / "libtenon.so"
    subprocess.run(["strip", "-o", stripped, LIBRARY], check=True)
    assert stripped.stat().st_size < LARGEST


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
@pytest.mark.parametrize("language", ["c", "c++"])
def test_header_stands_alone(header, language):
    compiler = shutil.which("clang") or "cc"
    standard = {"c": "-std=c17", "c++": "-std=c++17"}[language]
    command = [
        compiler,
        "-x",
        language,
        standard,
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsyntax-only",
        "-I",
        ROOT / "include",
    ]
    source = f"#include <tenon/{header.name}>\n"
    done = subprocess.run([*command, "-"], input=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
