"""Makes the nodes of a loop."""

from tenon.python.framework import ops, sparse_tensor, tensor_shape
from tenon.python.ops import control_flow_nodes as nodes
from tenon.python.ops import gen_ops
from tenon.python.util import nest


def _shape_invariants(inputs, enters, shapes):
    """Sets the shapes that loop variables keep."""
    if shapes is None:
        return
    flat = nest.flatten(shapes, expand_composites=False)
    if len(flat) != len(enters):
        raise ValueError(f"`shape_invariants` must be a list of {len(enters)} shapes, got {len(flat)}")
    for source, enter, shape in zip(inputs, enters, flat):
        shape = tensor_shape.as_shape(shape)
        if not _less_specific(shape, source.get_shape()):
            raise ValueError(
                f"The shape invariant specified for {source.name} is not compatible with the initial shape of the loop "
                f"variable. It enters the loop with shape {source.get_shape()}, but the specified shape invariant is "
                f"{shape}."
            )
        enter.set_shape(shape)


def _less_specific(shape, other):
    """Whether all that SHAPE knows is so in OTHER."""
    if shape.ndims is None:
        return True
    if other.ndims is None or shape.ndims != other.ndims:
        return False
    return all(a is None or a == b for a, b in zip(shape.as_list(), other.as_list()))


def _check_shape(merge, following):
    """The shape after an iteration must be what it was before."""
    before, after = merge.get_shape(), following.get_shape()
    if not _less_specific(before, after):
        source = merge.op.inputs[0].op.inputs[0]
        raise ValueError(
            f"Input tensor '{source.name}' enters the loop with shape {source.get_shape()}, but has shape {after} "
            f"after "
            "one iteration. To allow the shape to vary across iterations, use the `shape_invariants` argument of "
            "tf.while_loop to specify a less-specific shape."
        )


def _tensors(values):
    """Each as a tensor (a reference where it is one)."""
    return [ops.internal_convert_to_tensor(nodes._convert_tensorarray_to_flow(v), as_ref=False) for v in values]


def _packed(structure, flat_like, flows):
    arrays = nodes._convert_flows_to_tensorarrays(flat_like, flows)
    return nest.pack_sequence_as(structure, arrays, expand_composites=True)


def _outer_pivot(context):
    outer = context.outer_context
    while outer is not None:
        pivot = outer.GetControlPivot()
        if pivot is not None:
            return pivot
        outer = outer.outer_context
    return None


def build(context, pred, body, loop_vars, shape_invariants, return_same_structure):
    """The loop of a WhileContext; see BuildLoop."""
    flat_vars = nest.flatten(loop_vars, expand_composites=True)
    tensors = _tensors(flat_vars)
    try:
        context.Enter()
        result, exits = _build(context, pred, body, loop_vars, flat_vars, tensors, shape_invariants)
    finally:
        context.Exit()
    flat_result = nest.flatten(result, expand_composites=True)
    packed = _packed(result, flat_result, exits)
    if return_same_structure:
        return packed
    return packed[0] if len(exits) == 1 else packed


def _enters(context, tensors, shape_invariants):
    if context.outer_context is not None:
        tensors = [context.outer_context.AddValue(x) for x in tensors]
    with ops.control_dependencies(None):
        enters = [
            nodes._Enter(x, context._name, is_constant=False, parallel_iterations=context._parallel_iterations,
                         use_input_shape=shape_invariants is None)
            for x in tensors
        ]  # fmt: skip
        for x in enters:
            x.graph.prevent_feeding(x)
    pivot = _outer_pivot(context)
    if pivot is not None:
        for x in enters:
            source = x.op.inputs[0].op
            if source.type in ("Enter", "RefEnter") and source.get_attr("is_constant"):
                x.op._add_control_input(pivot.op)
    _shape_invariants(tensors, enters, shape_invariants)
    context._fix_enters(enters)
    context._values = set(enters)
    context._loop_enters = enters
    return enters


def _body_result(body, packed):
    key = ops.GraphKeys._SUMMARY_COLLECTION
    before = len(ops.get_collection(key))
    result = body(*packed)
    if not nest.is_nested(result) and not isinstance(result, (sparse_tensor.SparseTensor, ops.IndexedSlices)):
        result = [result]
    if isinstance(result, (sparse_tensor.SparseTensor, ops.IndexedSlices)):
        result = [result]
    summaries = ops.get_collection(key)
    if len(summaries) > before:
        from tenon.python.ops.control_flow_context import _identity

        ops.get_collection_ref(key)[:] = summaries[:before]
        with ops.control_dependencies([s.op for s in summaries[before:]]):
            result = nest.map_structure(_identity, result, expand_composites=True)
    return result


def _build(context, pred, body, loop_vars, flat_vars, tensors, shape_invariants):
    enters = _enters(context, tensors, shape_invariants)
    merges = [nodes.merge([x, x])[0] for x in enters]
    context._pivot_for_pred = merges[0]
    condition = ops.convert_to_tensor(pred(*_packed(loop_vars, flat_vars, merges)))
    context._pivot = gen_ops.loop_cond(condition, name="LoopCond")
    switches = [nodes._SwitchRefOrTensor(x, context._pivot) for x in merges]
    inside = [gen_ops.ref_identity(x[1]) if x[1].dtype._is_ref_dtype else gen_ops.identity(x[1]) for x in switches]
    context._pivot_for_body = inside[0]
    packed = _packed(loop_vars, flat_vars, inside)
    result = _body_result(body, packed)
    nest.assert_same_structure(list(packed), list(result), expand_composites=True)
    following = _tensors(nest.flatten(result, expand_composites=True))
    if len(merges) != len(following):
        raise ValueError(f"Number of inputs and outputs of body must match loop_vars: {len(merges)}, {len(following)}")
    back = []
    for merge, value in zip(merges, following):
        if value.dtype.base_dtype != merge.dtype.base_dtype:
            raise TypeError(f"The loop variable '{merge.op.inputs[0].op.inputs[0].name}' enters the loop with type "
                            f"{merge.dtype}, but has type {value.dtype} after one iteration.")  # fmt: skip
        back.append(nodes._NextIteration(value))
        _check_shape(merge, back[-1])
        merge.op._update_input(1, back[-1])
    exits = [nodes.exit(x[0]) for x in switches]
    context._loop_exits = exits
    context.ExitResult(exits)
    return result, exits
