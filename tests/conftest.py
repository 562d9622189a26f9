"""Makes the package of this checkout and the test helpers importable."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "python"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def pytest_terminal_summary(terminalreporter):
    """After the oracle's tests: where Tenon and TensorFlow differ on purpose."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, ())]
    if not any("oracle/test_ops.py" in report.nodeid for report in reports):
        return
    from oracle import collect, exceptions

    terminalreporter.section("differences from TensorFlow that are meant")
    for line in exceptions.lines(collect.all_cases()):
        terminalreporter.write_line(line)
