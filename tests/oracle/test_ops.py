"""Every case; and every kernel of every op, forced."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oracle import check, collect
from tenon import _core

CASES = collect.all_cases()


def _group(op):
    return pytest.mark.xdist_group(op)


@pytest.mark.parametrize("case", [pytest.param(c, id=c.id, marks=_group(c.op)) for c in CASES])
def test_case(case):
    complaints = check.check(case)
    assert not complaints, f"\n{case.file}.py:{case.line}: " + "\n  ".join(["", *complaints])


@functools.cache
def _programs_with(op):
    """Programs that use OP; only asked for ops that have no case of their own."""
    return [case for case in CASES if case.is_program and op in _ops_of(case.id)]


@functools.cache
def _ops_of(case_id):
    from oracle import tenon_side

    graph = tenon_side.Graph()
    check.CASES_BY_ID[case_id].build(graph)
    return {operation.type for operation in graph.graph.operations}


# What passes make has tests with them.
OPS = [op for op in _core.op_names() if not op.startswith("_")]


@pytest.mark.parametrize("op", [pytest.param(op, id=op, marks=_group(op)) for op in OPS])
def test_kernels(op):
    """Each kernel gives TensorFlow's values on every case that it supports, and supports one at least."""
    complaints, missing = [], []
    cases = collect.cases_by_op().get(op, ())
    if not cases and op in collect.in_whole_graphs() and _core.kernels(op) == ["reference"]:
        return  # its one kernel is what tests/functions and tests/pipelines run
    for kernel in _core.kernels(op):
        before = _core.kernel_prepared(op, kernel)
        reached = False
        for options in ({}, {"dynamic_only": True}):
            if _core.kernel_prepared(op, kernel) != before:
                continue  # plans turn some nodes into something else
            for case in cases:
                hit, found = check.check_kernel(case, kernel, **options)
                reached |= hit
                complaints += [f"{case.id}: {text}" for text in found]
        if not cases:
            reached = _run_programs(op, kernel, complaints)
        if not reached or _core.kernel_prepared(op, kernel) == before:
            missing.append(kernel)
    assert not complaints, "\n  ".join(["", *complaints])
    assert not missing, f"{op}: no case reaches kernel {', '.join(missing)}"


def _run_programs(op, kernel, complaints):
    from oracle import tenon_side

    programs = _programs_with(op)
    for case in programs:
        with tenon_side.forced(op, kernel):
            for options in ({"disabled_passes": "all"}, {"dynamic_only": True}):
                complaints += [f"{case.id}: {text}" for text in check.check_program(case, **options)[0]]
    return bool(programs)


def _instruction_sets():
    """What this machine has below its best, which the other tests run with."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        flags = ""
    return ["generic"] + (["avx2"] if "avx512f" in flags and "avx2" in flags else [])


@pytest.mark.parametrize("isa", [pytest.param(isa, marks=_group(f"isa-{isa}")) for isa in _instruction_sets()])
def test_instruction_set(isa):
    """Values again with the code for another instruction set, in a process of its own."""
    here = Path(__file__).resolve().parent.parent
    path = os.pathsep.join([str(here), str(here.parent / "python")])
    env = {**os.environ, "TENON_ISA": isa, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-m", "oracle.values"], env=env, capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
