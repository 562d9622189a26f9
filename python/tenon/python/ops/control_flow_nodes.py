"""The nodes of conditions and loops (Switch, Merge, Enter, Exit, NextIteration), groups and dependencies."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


def is_tensor_array(value):
    """Whether VALUE is a TensorArray."""
    return hasattr(value, "flow") and hasattr(value, "handle")


def _convert_tensorarray_to_flow(value):
    return value.flow if is_tensor_array(value) else value


def _convert_flows_to_tensorarrays(tensors_or_arrays, flows):
    """FLOWS with a TensorArray where the first list has one."""
    if len(tensors_or_arrays) != len(flows):
        raise ValueError(f"Lengths of original Tensor list and new list do not match: {len(tensors_or_arrays)} vs. "
                         f"{len(flows)}")  # fmt: skip
    if not any(is_tensor_array(old) for old in tensors_or_arrays):
        return list(flows)
    from tenon.python.ops import tensor_array_ops

    return [
        tensor_array_ops.build_ta_with_new_flow(old, flow) if is_tensor_array(old) else flow
        for old, flow in zip(tensors_or_arrays, flows)
    ]


def exit(data, name=None):
    """Makes a loop's tensor known outside of the loop."""
    if isinstance(data, ops.IndexedSlices):
        return ops.IndexedSlices(
            *(None if x is None else exit(x) for x in (data.values, data.indices, data.dense_shape))
        )
    data = ops.internal_convert_to_tensor(data, as_ref=True)
    return (gen_ops.ref_exit if data.dtype._is_ref_dtype else gen_ops.exit)(data, name=name)


def _Enter(data, frame_name, is_constant=False, parallel_iterations=10, use_ref=True, use_input_shape=True, name=None):
    """Makes a tensor known in a loop's frame."""
    data = ops.internal_convert_to_tensor(data, as_ref=True)
    function = gen_ops.ref_enter if data.dtype._is_ref_dtype and use_ref else gen_ops.enter
    result = function(
        data, frame_name=frame_name, is_constant=is_constant, parallel_iterations=parallel_iterations, name=name
    )
    if use_input_shape:
        result.set_shape(data.get_shape())
    return result


def _NextIteration(data, name=None):
    data = ops.internal_convert_to_tensor(data, as_ref=True)
    return (gen_ops.ref_next_iteration if data.dtype._is_ref_dtype else gen_ops.next_iteration)(data, name=name)


def switch(data, pred, dtype=None, name=None):
    """(DATA where PRED is false, DATA where it is true): one of the two is dead."""
    with ops.name_scope(name, "Switch", [data, pred]) as scope:
        data = ops.internal_convert_to_tensor(data, dtype=dtype, name="data", as_ref=True)
        pred = ops.convert_to_tensor(pred, name="pred")
        return gen_ops.switch(data, pred, name=scope)


def _SwitchRefOrTensor(data, pred, name="Switch"):
    """switch beside its data; references stay references."""
    data = ops.internal_convert_to_tensor(data, name="data", as_ref=True)
    with ops.colocate_with(data, ignore_existing=True):
        if data.dtype._is_ref_dtype:
            return gen_ops.ref_switch(data, pred, name=name)
        return switch(data, pred, name=name)


def merge(inputs, name=None):
    """(the input that is not dead, its number)."""
    if any(x is None for x in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    with ops.name_scope(name, "Merge", inputs) as scope:
        inputs = [ops.internal_convert_to_tensor(x, as_ref=True) for x in inputs]
        if all(x.dtype._is_ref_dtype for x in inputs):
            return gen_ops.ref_merge(inputs, name=scope)
        return gen_ops.merge([x if not x.dtype._is_ref_dtype else gen_ops.identity(x) for x in inputs], name=scope)


@tf_export("no_op")
def no_op(name=None):
    """An operation that does nothing."""
    return gen_ops.no_op(name=name)


def with_dependencies(dependencies, output_tensor, name=None):
    """OUTPUT_TENSOR after DEPENDENCIES have run."""
    scope = ops.name_scope(name, "control_dependency", [*dependencies, output_tensor])
    with scope as name, ops.colocate_with(output_tensor), ops.control_dependencies(dependencies):
        output_tensor = ops.convert_to_tensor_or_indexed_slices(output_tensor)
        if isinstance(output_tensor, ops.Tensor):
            return gen_ops.identity(output_tensor, name=name)
        return ops.IndexedSlices(
            gen_ops.identity(output_tensor.values, name=name), output_tensor.indices, output_tensor.dense_shape
        )


def _group_device(deps, device, name=None):
    with ops.control_dependencies(deps):
        if device is None:
            return no_op(name=name)
        with ops.device(device):
            return no_op(name=name)


@tf_export("group")
def group(*inputs, **kwargs):
    """An operation that runs once all the inputs have (tensors, operations, or nests of them)."""
    from tenon.python.util import nest

    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"Unknown keyword arguments: {list(kwargs)}")
    with ops.name_scope(name, "group_deps", inputs) as scope:
        if not inputs:
            return no_op(name=scope)
        by_device = {}
        for item in nest.flatten(inputs, expand_composites=True):
            if not hasattr(item, "device"):
                raise TypeError(f"'inputs' should be zero or more (nested) Tensors. Received '{item}' with type "
                                f"'{type(item)}'.")  # fmt: skip
            by_device.setdefault(item.device, []).append(item)
        if len(by_device) == 1:
            ((device, deps),) = by_device.items()
            return _group_device(deps, device or None, name=scope)
        deps = [_group_device(by_device[device], device or None) for device in sorted(by_device, key=lambda d: d or "")]
        with ops.control_dependencies(deps):
            return no_op(name=scope)


@tf_export("tuple")
def tuple(tensors, name=None, control_inputs=None):
    """The tensors again, each after all of them (and CONTROL_INPUTS) have been computed."""
    with ops.name_scope(name, "tuple", tensors):
        gating = [t if isinstance(t, ops.Operation) else t.op for t in tensors if t is not None]
        for c in control_inputs or ():
            if isinstance(c, ops.Tensor):
                c = c.op
            elif not isinstance(c, ops.Operation):
                raise TypeError(f"'control_inputs' must only contain Operation or Tensor. Received: {type(c)}")
            gating.append(c)
        if not gating:
            raise ValueError(f"'tensors' must have at least one Tensor. Received: {tensors}.")
        gate = group(*gating)
        result = []
        for t in tensors:
            if isinstance(t, ops.Operation):
                with ops.control_dependencies([gate]):
                    result.append(group(t))
            else:
                result.append(None if t is None else with_dependencies([gate], t))
        return result


@tf_export("debugging.Assert", "Assert")
def Assert(condition, data, summarize=None, name=None):
    """An operation that fails with DATA in its message where CONDITION is false."""
    from tenon.python.ops import control_flow_ops

    with ops.name_scope(name, "Assert", [condition, data]):
        values = [ops.convert_to_tensor(x) for x in data]
        summarize = 3 if summarize is None else summarize
        if all(x.dtype in (dtypes.string, dtypes.int32) for x in values):
            return gen_ops.assert_(condition, data, summarize=summarize, name="Assert")
        condition = ops.convert_to_tensor(condition, name="Condition")

        def fail():
            return gen_ops.assert_(condition, data, summarize=summarize, name="Assert")

        return control_flow_ops.cond(condition, no_op, fail, name="AssertGuard").op
