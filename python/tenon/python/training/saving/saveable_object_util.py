"""Variables as objects that can be saved."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops, variables
from tenon.python.training.saving.saveable_object import SaveableObject, SaveSpec

# Ops whose first output is a reference variable.
_REFERENCES = ("Variable", "VariableV2", "AutoReloadVariable")
_RESOURCES = ("VarHandleOp", "ReadVariableOp", "VarIsInitializedOp", "Identity")


def set_cpu0(device):
    """DEVICE with its type and number replaced by the first CPU of the same task."""
    kept = [part for part in (device or "").split("/") if part.split(":")[0] in ("job", "replica", "task")]
    return "".join("/" + part for part in [*kept, "device:CPU:0"])


class ReferenceVariableSaveable(SaveableObject):
    """A reference variable."""

    def __init__(self, var, slice_spec, name, value=None):
        super().__init__(var, [SaveSpec(var if value is None else value, slice_spec, name, dtype=var.dtype)], name)

    def restore(self, restored_tensors, restored_shapes):
        tensor = restored_tensors[0]
        if restored_shapes is not None:
            tensor = gen_ops.reshape(tensor, restored_shapes[0])
        validate = restored_shapes is None and self.op.get_shape().is_fully_defined()
        return gen_ops.assign(self.op, tensor, validate_shape=validate)


class ResourceVariableSaveable(SaveableObject):
    """A resource variable; VAR is the tensor that was read of it."""

    def __init__(self, var, slice_spec, name):
        self._device, self._shape = var.device, var.get_shape()
        # The handle, maybe behind identities that a caching device made.
        operation = var.op
        while operation.type != "ReadVariableOp" and operation.inputs:
            operation = operation.inputs[0].op
        if operation.type != "ReadVariableOp":
            raise ValueError(f"Saveable is neither a resource variable nor a read operation. Got: {var.name}")
        self.handle_op = operation.inputs[0]
        super().__init__(var, [SaveSpec(var, slice_spec, name, dtype=var.dtype, device=var.device)], name)

    def restore(self, restored_tensors, restored_shapes):
        tensor = restored_tensors[0]
        if restored_shapes is not None:
            tensor = gen_ops.reshape(tensor, restored_shapes[0])
        with ops.device(self._device):
            tensor = gen_ops.identity(tensor)
        if restored_shapes is None:
            self._shape.assert_is_compatible_with(tensor.get_shape())
        return gen_ops.assign_variable_op(self.handle_op, tensor)


def saveable_objects_for_op(op, name):
    """The saveable objects of OP (a variable, the parts of one, a tensor or a SaveableObject) for key NAME."""
    if not isinstance(name, str):
        raise TypeError(
            f"names_to_saveables must be a dict mapping string names to trackable operations. Name is not a string: "
            f"{name}"
        )
    if isinstance(op, SaveableObject):
        yield op
        return
    if isinstance(op, (list, tuple, variables.PartitionedVariable)):
        parts = list(op)
        slice_name = None
        for part in parts:
            info = part._save_slice_info if isinstance(part, variables.Variable) else None
            if info is None:
                raise ValueError(f"Slices must all be Variables: {part}")
            if slice_name is None:
                slice_name = info.full_name
            elif slice_name != info.full_name:
                raise ValueError(f"Slices must all be from the same tensor: {slice_name} != {info.full_name}")
            # Of a part that is a reference variable what was read of it is saved.
            yield _saveable(_as_tensor(part), info.spec, name, ops.convert_to_tensor(part))
        return
    yield _saveable(_as_tensor(op), "", name)


def _as_tensor(thing):
    """The reference of a variable, or what is read of a resource variable."""
    if isinstance(thing, variables.Variable):
        return thing._graph_element if hasattr(thing, "handle") else thing._ref()
    return ops.convert_to_tensor(thing, as_ref=True) if not isinstance(thing, ops.Tensor) else thing


def _saveable(tensor, slice_spec, name, value=None):
    if tensor.op.type in _REFERENCES or tensor.dtype._is_ref_dtype:
        return ReferenceVariableSaveable(tensor, slice_spec, name, value)
    if tensor.op.type in _RESOURCES:
        return ResourceVariableSaveable(tensor, slice_spec, name)
    raise TypeError(
        f"names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: {tensor}"
    )


def op_list_to_dict(op_list, convert_variable_to_tensor=True):
    """{key: variable, or parts of one} of a list of variables."""
    if not isinstance(op_list, (list, tuple, set)):
        raise TypeError(f"Variables to save should be passed in a dict or a list: {op_list}")
    found = {}
    # Names decide the order, so that the same variables make the same graph.
    for var in sorted(op_list, key=lambda thing: thing.name):
        if isinstance(var, SaveableObject):
            found[var.name] = var
            continue
        if isinstance(var, variables.PartitionedVariable):
            if var.name in found:
                raise ValueError(f"At least two variables have the same name: {var.name}")
            found[var.name] = var
            continue
        info = var._save_slice_info if isinstance(var, variables.Variable) else None
        if info:
            parts = found.setdefault(info.full_name, [])
            if not isinstance(parts, list):
                raise ValueError(f"Mixing slices and non-slices with the same name: {info.full_name}")
            parts.append(var)
            continue
        tensor = _as_tensor(var)
        if tensor.op.type == "ReadVariableOp" or (hasattr(var, "handle") and isinstance(var, variables.Variable)):
            name = var.handle.op.name if hasattr(var, "handle") else tensor.op.inputs[0].op.name
        else:
            name = tensor.op.name
        if name in found:
            raise ValueError(f"At least two variables have the same name: {name}")
        found[name] = var if not convert_variable_to_tensor or isinstance(var, variables.Variable) else tensor
    return found


def validate_and_slice_inputs(names_to_saveables):
    """The SaveableObjects of a dict or list of variables, by key; what is given twice is refused."""
    if not isinstance(names_to_saveables, dict):
        names_to_saveables = op_list_to_dict(names_to_saveables)
    saveables, seen = [], set()
    for name, op in sorted(names_to_saveables.items()):
        for made in saveable_objects_for_op(op, name):
            if made.op in seen:
                raise ValueError(f"The same saveable will be restored with two names: {made.name}")
            seen.add(made.op)
            saveables.append(made)
    return saveables


__all__ = ["SaveSpec", "SaveableObject", "dtypes", "op_list_to_dict", "saveable_objects_for_op", "set_cpu0",
           "validate_and_slice_inputs"]  # fmt: skip
