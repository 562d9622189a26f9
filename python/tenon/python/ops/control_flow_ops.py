"""cond, while_loop, case and switch_case, and the smaller parts of control flow under the names of this module."""

import functools

from tenon.python.framework import constant_op, dtypes, ops, tensor_shape
from tenon.python.ops import control_flow_context, gen_ops
from tenon.python.ops.control_flow_context import CondContext, ControlFlowContext, WhileContext
from tenon.python.ops.control_flow_nodes import (
    Assert,
    _convert_flows_to_tensorarrays,
    _convert_tensorarray_to_flow,
    _Enter,
    _NextIteration,
    _SwitchRefOrTensor,
    exit,
    group,
    merge,
    no_op,
    switch,
    tuple,
    with_dependencies,
)
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

__all__ = [
    "Assert", "CondContext", "ControlFlowContext", "WhileContext", "_Enter", "_NextIteration", "_SwitchRefOrTensor",
    "_convert_flows_to_tensorarrays", "_convert_tensorarray_to_flow", "case", "cond", "exit", "group", "merge",
    "no_op", "switch", "switch_case", "tuple", "while_loop", "with_dependencies",
]  # fmt: skip
from_control_flow_context_def = control_flow_context.from_control_flow_context_def


@tf_export("control_flow_v2_enabled")
def control_flow_v2_enabled():
    """False: conditions and loops are Switch, Merge and their kin."""
    return False


@tf_export("enable_control_flow_v2")
def enable_control_flow_v2():
    """Nothing: conditions and loops stay what they are."""


@tf_export("disable_control_flow_v2")
def disable_control_flow_v2():
    """Nothing: conditions and loops are those of version 1 already."""


def _unpack_singleton(result):
    """The element of a list of one."""
    if isinstance(result, (list, _tuple)) and len(result) == 1 and not hasattr(result, "_fields"):
        return result[0]
    return result


_tuple = ().__class__


@tf_export("cond")
def cond(pred, true_fn=None, false_fn=None, strict=False, name=None, fn1=None, fn2=None):
    """What TRUE_FN returns where PRED holds, what FALSE_FN returns where not; only one is computed."""
    if fn1 is not None:
        if true_fn is not None:
            raise TypeError("cond(): 'true_fn' and 'fn1' may not be set simultaneously.")
        true_fn = fn1
    elif true_fn is None:
        raise TypeError("cond(): 'true_fn' argument required")
    if fn2 is not None:
        if false_fn is not None:
            raise TypeError("cond(): 'false_fn' and 'fn2' may not be set simultaneously.")
        false_fn = fn2
    elif false_fn is None:
        raise TypeError("cond(): 'false_fn' argument required")
    if not callable(true_fn):
        raise TypeError("'true_fn' must be callable.")
    if not callable(false_fn):
        raise TypeError("'false_fn' must be callable.")
    if ops.executing_eagerly():
        return true_fn() if pred else false_fn()
    with ops.name_scope(name, "cond", [pred]):
        if isinstance(pred, bool):
            raise TypeError("'pred' must not be a Python bool.")
        off, on = switch(pred, pred)
        pivot_on = gen_ops.identity(on, name="switch_t")
        pivot_off = gen_ops.identity(off, name="switch_f")
        pred = gen_ops.identity(pred, name="pred_id")
        for tensor in (on, off, pivot_on, pivot_off, pred):
            tensor.graph.prevent_fetching(tensor.op)
        context_on, true_result, true_flat = _branch(pred, pivot_on, 1, true_fn, "true_fn")
        context_off, false_result, false_flat = _branch(pred, pivot_off, 0, false_fn, "false_fn")
        if not strict:
            true_result, false_result = _unpack_singleton(true_result), _unpack_singleton(false_result)
        return _merge_branches(context_on, context_off, true_result, false_result, true_flat, false_flat, strict)


def _branch(pred, pivot, number, function, label):
    context = CondContext(pred, pivot, branch=number)
    try:
        context.Enter()
        original, flat = context.BuildCondBranch(function)
        if original is None:
            raise ValueError(f"'{label}' must have a return value.")
        context.ExitResult([x for x in flat if isinstance(x, ops.Tensor)])
    finally:
        context.Exit()
    return context, original, flat


def _merge_branches(context_on, context_off, true_result, false_result, true_flat, false_flat, strict):
    try:
        nest.assert_same_structure(true_result, false_result, expand_composites=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"Incompatible return types of true_fn and false_fn: {error}") from None
    for a, b in zip(true_flat, false_flat):
        if a.dtype.base_dtype != b.dtype.base_dtype:
            raise ValueError(f"Outputs of true_fn and false_fn must have the same type: {a.dtype.name}, {b.dtype.name}")
    merged = [merge([off, on])[0] for on, off in zip(true_flat, false_flat)]
    merged = _convert_flows_to_tensorarrays(nest.flatten(true_result, expand_composites=True), merged)
    if context_on.outer_context is None:
        ops.add_to_collection(ops.GraphKeys.COND_CONTEXT, context_on)
        ops.add_to_collection(ops.GraphKeys.COND_CONTEXT, context_off)
    merged = nest.pack_sequence_as(true_result, merged, expand_composites=True)
    return merged if strict else _unpack_singleton(merged)


def _eager_loop(cond, body, loop_vars, maximum_iterations, return_same_structure):
    """while_loop where operations run at once."""
    values = list(loop_vars) if isinstance(loop_vars, (list, _tuple)) else [loop_vars]
    done = 0
    while (maximum_iterations is None or done < maximum_iterations) and cond(*values):
        result = body(*values)
        values = list(result) if isinstance(result, (list, _tuple)) else [result]
        done += 1
    values = [v if hasattr(v, "dtype") else ops.convert_to_tensor(v) for v in values]
    return values[0] if len(values) == 1 and not return_same_structure else values


@tf_export("while_loop")
def while_loop(cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True,
               swap_memory=False, name=None, maximum_iterations=None, return_same_structure=False):  # fmt: skip
    """Repeats BODY, from loop variables to loop variables, while COND of them holds."""
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    if ops.executing_eagerly():
        return _eager_loop(cond, body, loop_vars, maximum_iterations, return_same_structure)
    with ops.name_scope(name, "while", _graph_items(loop_vars)):
        if not isinstance(loop_vars, ops.Tensor) and not loop_vars:
            raise ValueError("'loop_vars' must be provided.")
        if not isinstance(loop_vars, (list, _tuple, dict)):
            loop_vars = [loop_vars]
        single = len(loop_vars) == 1 and not return_same_structure
        if maximum_iterations is not None:
            maximum_iterations = ops.convert_to_tensor(maximum_iterations, name="maximum_iterations")
            if maximum_iterations.get_shape().ndims != 0:
                raise ValueError(
                    f"'maximum_iterations' must be a scalar. Received shape: {maximum_iterations.get_shape()}"
                )
            counter = constant_op.constant(0, dtype=maximum_iterations.dtype, name="iteration_counter")
            cond, body = _counted(cond, body, maximum_iterations, single)
            loop_vars = (counter, loop_vars[0] if single else loop_vars)
        if shape_invariants is not None and maximum_iterations is not None:
            shape_invariants = (tensor_shape.TensorShape([]), shape_invariants[0] if single else shape_invariants)
        context = WhileContext(maximum_iterations=maximum_iterations, parallel_iterations=parallel_iterations,
                               back_prop=back_prop, swap_memory=swap_memory)  # fmt: skip
        if context.outer_context is None:
            ops.add_to_collection(ops.GraphKeys.WHILE_CONTEXT, context)
        result = context.BuildLoop(cond, body, loop_vars, shape_invariants, return_same_structure)
        return result[1] if maximum_iterations is not None else result


def _graph_items(values):
    """The tensors in a structure, for the name scope to find the graph."""
    return [x for x in nest.flatten(values) if isinstance(x, ops.Tensor)]


def _counted(cond, body, limit, single):
    """COND and BODY with a counter before the loop variables."""
    if single:
        return (lambda i, x: gen_ops.logical_and(i < limit, cond(x)), lambda i, x: (i + 1, body(x)))
    if_keywords = lambda f, x: f(**x) if isinstance(x, dict) and not isinstance(x, list) else f(*x)  # noqa: E731
    return (lambda i, x: gen_ops.logical_and(i < limit, if_keywords(cond, x)),
            lambda i, x: (i + 1, if_keywords(body, x)))  # fmt: skip


# --- case ---


def _pairs(pred_fn_pairs):
    """(conditions, functions), checked."""
    if isinstance(pred_fn_pairs, dict):
        pred_fn_pairs = sorted(pred_fn_pairs.items(), key=lambda item: item[0].name)
    if not isinstance(pred_fn_pairs, (list, _tuple)):
        raise TypeError("'pred_fn_pairs' must be a list, tuple, or dict.")
    for pair in pred_fn_pairs:
        if not isinstance(pair, _tuple) or len(pair) != 2:
            raise TypeError("Each entry in 'pred_fn_pairs' must be a 2-tuple.")
        pred, fn = pair
        if not isinstance(pred, ops.Tensor):
            raise TypeError(f"pred must be Tensor: {pred}")
        if pred.dtype != dtypes.bool:
            raise TypeError(f"pred must be of type bool: {pred}")
        if not callable(fn):
            raise TypeError(f"fn for pred {pred.name} must be callable.")
    return zip(*pred_fn_pairs) if pred_fn_pairs else ((), ())


@tf_export("case")
def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """What the function of the first true condition returns; DEFAULT's where none is. EXCLUSIVE: more is an error."""
    preds, functions = _pairs(pred_fn_pairs)
    if default is not None and not callable(default):
        raise TypeError("'default' must be callable.")
    with ops.name_scope(name, "case", [list(preds)]):
        dependencies = []
        if exclusive:
            with ops.control_dependencies([]):
                dependencies.append(_assert_at_most_one(preds, functions))
        if default is None:
            *preds, last = preds
            *functions, last_function = functions
            default = _default_of(last, last_function, preds, functions)
        value = default
        for pred, function in reversed(list(zip(preds, functions))):
            value = functools.partial(cond, pred, true_fn=function, false_fn=value, strict=strict)
        with ops.control_dependencies(dependencies):
            return value()


def _assert_at_most_one(preds, functions):
    from tenon.python.ops import array_ops, math_ops

    stacked = array_ops.stack(list(preds), name="preds_c")
    count = math_ops.reduce_sum(math_ops.cast(stacked, dtypes.int32), name="num_true_conds")
    names = ", ".join(getattr(p, "name", str(p)) for p in preds)
    message = (f"Input error: exclusive=True: more than 1 conditions ({names}) evaluated as True:", stacked)
    most = constant_op.constant(1, name="n_true_conds")
    return Assert(gen_ops.less_equal(count, most), message, summarize=len(preds))


def _default_of(pred, function, preds, functions):
    """The last function, guarded: one of the conditions must hold."""
    from tenon.python.ops import array_ops

    def guarded():
        all_preds = [*preds, pred]
        names = ", ".join(getattr(p, "name", str(p)) for p in all_preds)
        message = f"None of conditions evaluated as True. Conditions: ({names}), Values:"
        check = Assert(pred, [message, array_ops.stack(all_preds)], summarize=len(all_preds))
        with ops.control_dependencies([check]):
            return function()

    return guarded


@tf_export("switch_case")
def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
    """What function number BRANCH_INDEX returns; DEFAULT's (the last's) where there is no such number."""
    if isinstance(branch_index, int):
        raise TypeError("'branch_index' must not be a Python int.")
    if not isinstance(branch_fns, (list, _tuple, dict)):
        raise TypeError("'branch_fns' must be a list, tuple, or dict.")
    if isinstance(branch_fns, dict):
        pairs = sorted(branch_fns.items())
    else:
        pairs = list(branch_fns)
        if all(callable(fn) for fn in pairs):
            pairs = list(enumerate(pairs))
        pairs = sorted(pairs)
    if not pairs:
        raise ValueError("Must provide at least one item in 'branch_fns'.")
    for key, function in pairs:
        if not isinstance(key, int):
            raise TypeError(f"Each branch key must be a Python int. Received: {key!r}")
        if not callable(function):
            raise TypeError(f"fn for key {key} must be callable.")
    if default is None:
        default = pairs[-1][1]
        pairs = pairs[:-1]
    with ops.name_scope(name, "case", [branch_index]):
        value = default
        for key, function in reversed(pairs):
            value = functools.partial(cond, gen_ops.equal(branch_index, key), true_fn=function, false_fn=value)
        return value()


control_flow_context._register()
