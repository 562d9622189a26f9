"""The linter finds what it should, and lets pass what it should."""

import subprocess
import sys
from pathlib import Path

import lint
import pytest

ROOT = Path(__file__).resolve().parents[2]


def rules(path, text, exceptions=""):
    """The rules that TEXT breaks as the file PATH."""
    report = lint.Report(exceptions)
    lint.check_file(Path(path), text, report)
    return [problem.split(": ")[1] for problem in report.problems]


HOME = "/ro" + "ot/x"

CASES = [
    ("src/base/a.c", "int f(void);\n", []),
    ("src/base/a.c", "\tint f(void);\n", ["tab"]),
    ("src/base/a.c", "int f(void); \n", ["space"]),
    ("src/base/a.c", "int f(void);", ["newline"]),
    ("Makefile", "all:\n\ttrue\n", []),
    ("docs/a.md", f"See {HOME}.\n", ["machine-path"]),
    ("docs/a.md", "Devices: /job:worker/task:0; $TOP/work/x; http://host/work/x\n", []),
    ("docs/a.md", "From https://py" + "pi.org/simple\n", ["registry"]),
    ("src/base/a.c", "/* TO" + "DO */\n", ["later"]),
    ("src/base/a.c", "/* TO" + "DO: split by rows once buffers allow */\n", []),
    ("src/base/a.c", "int a;\n" * 600, []),
    ("src/base/a.c", "int a;\n" * 601, ["file-length"]),
    ("docs/a.md", "text\n" * 601, []),
    ("src/base/a.c", "int f(void) {\n" + "  g();\n" * 58 + "}\n", []),
    ("src/base/a.c", "int f(void) {\n" + "  g();\n" * 59 + "}\n", ["function-length"]),
    ("src/base/a.c", "#define A \\\n" + "  g(); \\\n" * 60 + "  h()\n", ["function-length"]),
    ("src/base/a.c", "int f(int a, int b, int c, int d, int e, int g) { }\n", []),
    ("src/base/a.c", "int f(int a, int b, int c, int d, int e, int g, int h) { }\n", ["parameters"]),
    ("scripts/a.py", "def f():\n" + "    g()\n" * 59, []),
    ("scripts/a.py", "def f():\n" + "    g()\n" * 60, ["function-length"]),
    ("scripts/a.py", 'def f():\n    """' + "text\n" * 70 + '"""\n    g()\n', []),
    ("scripts/a.py", "def f(:\n", ["syntax"]),
    ("src/tensor/a.c", '#include "base/str.h"\n', []),
    ("src/tensor/a.c", '#include "graph/op.h"\n', ["include"]),
    ("src/tensor/a.c", "#include <tenon/graph.h>\n", ["include"]),
    ("src/base/a.c", "#include <tenon/error.h>\n#include <stdio.h>\n", []),
    ("src/graph/a.c", '#include "tensorflow/graph.pb-c.h"\n', []),
    ("src/data/ops/a.c", '#include "runtime/session.h"\n', []),
    ("src/ops/conv/a.c", '#include "runtime/session.h"\n', ["include"]),
    ("src/tensor/a.c", '#include "tensor.h"\n', ["include"]),
    ("src/misc/a.c", "int a;\n", ["folder"]),
    ("examples/a.c", '#include "base/str.h"\n', ["include"]),
    ("examples/a.c", "#include <tenon/tenon.h>\n", []),
    ("include/tenon/a.h", "/* What. */\nint f(void);\n\nint g(void);\n", ["doc"]),
    ("src/base/a.c", "// f(x);\n", ["dead-code"]),
    ("src/base/a.c", "/* int a = 2; */\n", ["dead-code"]),
    ("src/base/a.c", "/* Calls f(x); then waits. */\n/* Use it as: f(x); */\n// a == b\n", []),
]


@pytest.mark.parametrize(("path", "text", "expected"), CASES)
def test_rules(path, text, expected):
    assert rules(path, text) == expected


def test_exceptions():
    text = "int f(int a, int b, int c, int d, int e, int g, int h) { }\n"
    assert rules("src/base/a.c", text, "parameters f: TensorFlow's own signature\n") == []
    assert rules("src/base/a.c", text, "parameters g: another function\n") == ["parameters"]
    report = lint.Report("# a comment\nparameters g: not needed\nparameters h\n")
    report.check_stale()
    assert len(report.problems) == 2
    assert "excuses nothing" in report.problems[1]


def test_whole_run(tmp_path):
    """The command itself: a clean folder passes, a bad one fails and names file, line and rule."""
    (tmp_path / "src" / "base").mkdir(parents=True)
    (tmp_path / ".clang-format").write_text((ROOT / ".clang-format").read_text())
    source = tmp_path / "src" / "base" / "a.c"
    command = [sys.executable, str(ROOT / "scripts" / "lint.py"), "--root", str(tmp_path)]

    source.write_text("int f(void) { return 1; }\n")
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "lint: 2 files, 0 problems\n")

    source.write_text('#include "graph/op.h"\n\nint  f(void) { return 1; }\n')
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "src/base/a.c:1: format: " in done.stdout
    assert "src/base/a.c:1: include: base must not know graph" in done.stdout
