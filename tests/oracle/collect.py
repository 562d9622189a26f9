"""Loads the files in cases/."""

import functools
import importlib
import pkgutil
import re
from pathlib import Path

from oracle import api, cases, check


@functools.cache
def all_cases():
    """Every case, in the order of files and lines."""
    for module in sorted(pkgutil.iter_modules(cases.__path__), key=lambda m: m.name):
        importlib.import_module(f"oracle.cases.{module.name}")
    check.CASES_BY_ID.update({case.id: case for case in api.CASES})
    seen = set()
    for case in api.CASES:
        if case.op not in seen and not case.code and any(x.dtype == "float64" and x.kind == "fed" for x in case.flat()):
            seen.add(case.op)
            case.second_order = True
    return api.CASES


@functools.cache
def cases_by_op():
    """Op -> its cases that give values (not bad(), not program())."""
    found = {}
    for case in all_cases():
        if not case.code and not case.is_program:
            found.setdefault(case.op, []).append(case)
    return found


@functools.cache
def in_whole_graphs():
    """Op types that tests/functions and tests/pipelines name: functions and pipelines are compared as whole graphs."""
    tests = Path(__file__).resolve().parent.parent
    files = [file for folder in ("functions", "pipelines") for file in (tests / folder).glob("*.py")]
    return {word for file in files for word in re.findall(r"\b([A-Z]\w+)\b", file.read_text(encoding="utf-8"))}
