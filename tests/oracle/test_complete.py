"""Nothing is left out: every op has a case, a doc line, a reference kernel, and says what its gradient is."""

import pytest

from oracle import collect, tenon_side
from tenon import _core

OPS = _core.op_names()
# The executor runs these itself; they have no kernels.
CONTROL_FLOW = {
    "Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch", "RefEnter", "RefExit", "RefMerge",
    "RefNextIteration", "RefSwitch", "ControlTrigger", "_Arg", "_Retval",
    "_Send", "_Recv", "_HostSend", "_HostRecv",
}  # fmt: skip


@pytest.fixture(scope="module")
def covered():
    """Op types that a case or a program uses."""
    found = set()
    for case in collect.all_cases():
        if case.is_program:
            graph = tenon_side.Graph()
            case.build(graph)
            found |= {operation.type for operation in graph.graph.operations}
        elif not case.code:
            found.add(case.op)
    return found | collect.in_whole_graphs()


@pytest.mark.xdist_group("complete")
def test_every_op_has_a_case(covered):
    missing = [op for op in OPS if op not in covered and not op.startswith("_")]
    assert not missing, f"{len(missing)} ops without a case: {' '.join(missing)}"


@pytest.mark.xdist_group("complete")
def test_every_op_says_what_it_computes():
    missing = [op for op in OPS if not _core.op_doc(op)]
    assert not missing, f"no doc line: {' '.join(missing)}"


@pytest.mark.xdist_group("complete")
def test_every_op_says_what_its_gradient_is():
    missing = [op for op in OPS if _core.op_gradient_kind(op) == "?" and not op.startswith("_")]
    assert not missing, f"neither a gradient nor TN_OP_NO_GRADIENT nor TN_OP_GRADIENT_UNREGISTERED: {' '.join(missing)}"


@pytest.mark.xdist_group("complete")
def test_every_op_ends_with_a_reference_kernel():
    missing = [op for op in OPS if op not in CONTROL_FLOW and _core.kernels(op)[-1:] != ["reference"]]
    assert not missing, f"no reference kernel, or not last: {' '.join(missing)}"
