"""What an operation has to do with conditions and loops: for programs that look at graphs."""

from tenon.python.ops import control_flow_context

CondContext, WhileContext = control_flow_context.CondContext, control_flow_context.WhileContext
ENABLE_CONTROL_FLOW_V2 = False


def _flow(name):
    def is_it(op):
        return op.type in (name, "Ref" + name)

    is_it.__doc__ = f"Whether OP is a {name} node."
    return is_it


IsSwitch, IsMerge, IsLoopEnter, IsLoopExit = _flow("Switch"), _flow("Merge"), _flow("Enter"), _flow("Exit")


def IsLoopConstantEnter(op):
    """Whether OP brings something into a loop that does not change there."""
    return IsLoopEnter(op) and op.get_attr("is_constant")


def GetContainingWhileContext(ctxt, stop_ctxt=None):
    """The innermost loop around CTXT, or None."""
    while ctxt is not None:
        if isinstance(ctxt, WhileContext) or ctxt is stop_ctxt:
            return ctxt
        ctxt = ctxt.outer_context
    return None


def GetContainingCondContext(ctxt):
    """The innermost condition around CTXT, or None."""
    while ctxt is not None and not isinstance(ctxt, CondContext):
        ctxt = ctxt.outer_context
    return ctxt


def GetContainingXLAContext(ctxt):
    """None: nothing is compiled by XLA."""
    return None


def GetWhileContext(op):
    """The loop that OP is in, or None."""
    return GetContainingWhileContext(op._get_control_flow_context())


def GetOutputContext(op):
    """The context of what OP gives: of an Exit that around its loop."""
    ctxt = op._get_control_flow_context()
    return ctxt.outer_context if ctxt is not None and IsLoopExit(op) else ctxt


def IsContainingContext(ctxt, maybe_containing_ctxt):
    """Whether MAYBE_CONTAINING_CTXT is CTXT or around it."""
    return maybe_containing_ctxt is None or control_flow_context._within(ctxt, maybe_containing_ctxt)


def OpInContext(op, ctxt):
    """Whether OP is in CTXT."""
    return IsContainingContext(op._get_control_flow_context(), ctxt)


def TensorInContext(tensor, ctxt):
    """Whether TENSOR's operation is in CTXT."""
    return OpInContext(tensor.op, ctxt)


def IsInWhileLoop(op):
    """Whether OP is in a loop."""
    return GetContainingWhileContext(op._get_control_flow_context()) is not None


def IsInCond(op):
    """Whether OP is in a condition."""
    return GetContainingCondContext(op._get_control_flow_context()) is not None


def IsInXLAContext(op):
    """False: nothing is compiled by XLA."""
    return False


def IsCondSwitch(op):
    """Whether OP is a Switch of a condition, not of a loop."""
    if not IsSwitch(op) or not op.outputs:
        return False
    users = [user for output in op.outputs for user in output.consumers()]
    if any(user._get_control_flow_context() is not None for user in users):
        return all(IsInCond(user) or not IsInWhileLoop(user) for user in users) and not IsLoopSwitch(op)
    return not IsLoopSwitch(op)


def IsLoopSwitch(op):
    """Whether OP is the Switch of a loop's variable."""
    if not IsSwitch(op):
        return False
    ctxt = op._get_control_flow_context()
    return isinstance(ctxt, WhileContext) and op.inputs[1].op.type == "LoopCond"


def IsLoopMerge(op):
    """Whether OP is the Merge of a loop's variable."""
    return IsMerge(op) and any(t.op.type in ("NextIteration", "RefNextIteration") for t in op.inputs)


def IsCondMerge(op):
    """Whether OP is the Merge of a condition."""
    return IsMerge(op) and not IsLoopMerge(op) and bool(op.inputs)


def InXlaContext(graph):
    """False: nothing is compiled by XLA."""
    return False
