"""Slots: variables beside variables, as the momentum of an optimizer. Their names are those of TensorFlow's
checkpoints."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, init_ops, resource_variable_ops, variable_scope, variables


def _create_slot_var(primary, val, scope, validate_shape, shape, dtype):
    current = variable_scope.get_variable_scope()
    partitioner = current.partitioner
    current.set_partitioner(None)
    if resource_variable_ops.is_resource_variable(primary):
        use_resource = True
    else:
        use_resource = False if isinstance(primary, variables.VariableV1) else None
    slot = variable_scope.get_variable(
        scope, initializer=val, trainable=False, use_resource=use_resource, shape=shape, dtype=dtype,
        validate_shape=validate_shape,
    )  # fmt: skip
    current.set_partitioner(partitioner)
    info = getattr(primary, "_save_slice_info", None)
    if info:
        name = slot.name[len(primary.op.name + "/") : -2]
        slot._set_save_slice_info(
            variables.VariableV1.SaveSliceInfo(
                f"{info.full_name}/{name}", info.full_shape[:], info.var_offset[:], info.var_shape[:]
            )
        )
    return slot


def _scoped(primary, name, colocate_with_primary, make):
    prefix = primary._shared_name if isinstance(primary, variables.VariableV1) else primary.op.name
    with variable_scope.variable_scope(None, f"{prefix}/{name}"):
        if not colocate_with_primary:
            return make()
        with ops.colocate_with(primary):
            return make()


def create_slot(primary, val, name, colocate_with_primary=True):
    """A slot that starts with VAL."""
    validate = val.get_shape().is_fully_defined()
    return _scoped(primary, name, colocate_with_primary,
                   lambda: _create_slot_var(primary, val, "", validate, None, None))  # fmt: skip


def create_slot_with_initializer(primary, initializer, shape, dtype, name, colocate_with_primary=True):
    """A slot that an initializer starts."""
    validate = shape.is_fully_defined()
    return _scoped(primary, name, colocate_with_primary,
                   lambda: _create_slot_var(primary, initializer, "", validate, shape, dtype))  # fmt: skip


def create_zeros_slot(primary, name, dtype=None, colocate_with_primary=True):
    """A slot of zeros in the shape of the variable."""
    dtype = primary.dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        return create_slot_with_initializer(primary, init_ops.zeros_initializer(), shape, dtype.base_dtype, name,
                                            colocate_with_primary)  # fmt: skip
    source = primary.initialized_value() if isinstance(primary, variables.VariableV1) else primary
    val = array_ops.zeros(array_ops.shape(source), dtype=dtype.base_dtype)
    return create_slot(primary, val, name, colocate_with_primary)
