"""Checks the values of every case with every kernel, without pytest: for runs under another instruction set."""

import os
import sys

from oracle import check, collect
from tenon import _core


def main():
    bad = 0
    for op, cases in collect.cases_by_op().items():
        for kernel in _core.kernels(op):
            if kernel == "reference" and len(_core.kernels(op)) > 1:
                continue
            for case in cases:
                try:
                    complaints = check.check_kernel(case, kernel)[1]
                except Exception as error:
                    complaints = [f"{type(error).__name__}: {error}"]
                for text in complaints:
                    print(f"{case.id}: {text}")
                bad += bool(complaints)
    print(f"TENON_ISA={os.environ.get('TENON_ISA', '')}: {bad} failures")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
