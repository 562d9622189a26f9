"""Ops that read and change variables: assignments and scatters, for reference and resource variables."""

from tenon.python.framework import ops, tensor_shape
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


def variable_op_v2(shape, dtype, name="Variable", container="", shared_name=""):
    """A reference to the buffer of a variable."""
    return gen_ops.variable_v2(shape=shape, dtype=dtype, name=name, container=container, shared_name=shared_name)


def variable_op(shape, dtype, name="Variable", set_shape=True, container="", shared_name=""):
    """As variable_op_v2; without SET_SHAPE the shape is left open."""
    shape = shape if set_shape else tensor_shape.unknown_shape()
    return variable_op_v2(shape, dtype, name, container, shared_name)


def init_variable(v, init, name="init"):
    """Assigns INIT, a value or a function of (shape, dtype), to a variable."""
    with ops.name_scope(None, v.op.name + "/", [v, init]), ops.name_scope(name) as scope, ops.colocate_with(v):
        value = init(v.get_shape().as_list(), v.dtype.base_dtype) if callable(init) else init
        return gen_ops.assign(v, ops.convert_to_tensor(value, name="value"), name=scope)


def _is_ref(ref):
    """Whether REF is a reference (variable); otherwise it is a resource one, which has the method itself."""
    return ref.dtype._is_ref_dtype


def is_variable_initialized(ref, name=None):
    """A boolean scalar: whether the variable has a value."""
    if _is_ref(ref):
        return gen_ops.is_variable_initialized(ref, name=name)
    return ref.is_initialized(name=name)


@tf_export("assign")
def assign(ref, value, validate_shape=None, use_locking=None, name=None):
    """Gives the variable the value; the result is the variable after it."""
    if _is_ref(ref):
        return gen_ops.assign(
            ref, value, validate_shape=True if validate_shape is None else validate_shape,
            use_locking=True if use_locking is None else use_locking, name=name,
        )  # fmt: skip
    return ref.assign(value, name=name)


@tf_export("assign_add")
def assign_add(ref, value, use_locking=None, name=None):
    """Adds the value to the variable; the result is the variable after it."""
    if _is_ref(ref):
        return gen_ops.assign_add(ref, value, use_locking=bool(use_locking), name=name)
    return ref.assign_add(value)


@tf_export("assign_sub")
def assign_sub(ref, value, use_locking=None, name=None):
    """Subtracts the value from the variable; the result is the variable after it."""
    if _is_ref(ref):
        return gen_ops.assign_sub(ref, value, use_locking=bool(use_locking), name=name)
    return ref.assign_sub(value)


@tf_export("count_up_to")
def count_up_to(ref, limit, name=None):
    """Adds one to an integer scalar variable and gives the value before; OutOfRangeError at LIMIT."""
    if _is_ref(ref):
        return gen_ops.count_up_to(ref, limit=limit, name=name)
    return gen_ops.resource_count_up_to(ref.handle, limit=limit, T=ref.dtype, name=name)


def _scatter(kind, ref, indices, updates, use_locking, name):
    if _is_ref(ref):
        return getattr(gen_ops, f"scatter_{kind}")(ref, indices, updates, use_locking=use_locking, name=name)
    updates = ops.convert_to_tensor(updates, ref.dtype)
    indices = ops.convert_to_tensor(indices)
    return ref._lazy_read(getattr(gen_ops, f"resource_scatter_{kind}")(ref.handle, indices, updates, name=name))


def _scatter_nd(kind, ref, indices, updates, use_locking, name):
    if _is_ref(ref):
        return getattr(gen_ops, f"scatter_nd_{kind}")(ref, indices, updates, use_locking=use_locking, name=name)
    updates = ops.convert_to_tensor(updates, ref.dtype)
    indices = ops.convert_to_tensor(indices)
    return ref._lazy_read(getattr(gen_ops, f"resource_scatter_nd_{kind}")(ref.handle, indices, updates, name=name))


@tf_export("scatter_update")
def scatter_update(ref, indices, updates, use_locking=True, name=None):
    """ref[indices] = updates, along the first dimension: updates has shape indices.shape + ref.shape[1:]."""
    return _scatter("update", ref, indices, updates, use_locking, name)


@tf_export("scatter_add")
def scatter_add(ref, indices, updates, use_locking=False, name=None):
    """ref[indices] += updates; repeated indices add up."""
    return _scatter("add", ref, indices, updates, use_locking, name)


@tf_export("scatter_sub")
def scatter_sub(ref, indices, updates, use_locking=False, name=None):
    """ref[indices] -= updates."""
    return _scatter("sub", ref, indices, updates, use_locking, name)


@tf_export("scatter_mul")
def scatter_mul(ref, indices, updates, use_locking=False, name=None):
    """ref[indices] *= updates."""
    return _scatter("mul", ref, indices, updates, use_locking, name)


@tf_export("scatter_div")
def scatter_div(ref, indices, updates, use_locking=False, name=None):
    """ref[indices] /= updates."""
    return _scatter("div", ref, indices, updates, use_locking, name)


@tf_export("scatter_max")
def scatter_max(ref, indices, updates, use_locking=False, name=None):
    """ref[indices] = max(ref[indices], updates)."""
    return _scatter("max", ref, indices, updates, use_locking, name)


@tf_export("scatter_min")
def scatter_min(ref, indices, updates, use_locking=False, name=None):
    """ref[indices] = min(ref[indices], updates)."""
    return _scatter("min", ref, indices, updates, use_locking, name)


@tf_export("scatter_nd_update")
def scatter_nd_update(ref, indices, updates, use_locking=True, name=None):
    """Sets slices of a variable: each row of INDICES names one."""
    return _scatter_nd("update", ref, indices, updates, use_locking, name)


@tf_export("scatter_nd_add")
def scatter_nd_add(ref, indices, updates, use_locking=False, name=None):
    """Adds to slices of a variable: each row of INDICES names one."""
    return _scatter_nd("add", ref, indices, updates, use_locking, name)


@tf_export("scatter_nd_sub")
def scatter_nd_sub(ref, indices, updates, use_locking=False, name=None):
    """Subtracts from slices of a variable: each row of INDICES names one."""
    return _scatter_nd("sub", ref, indices, updates, use_locking, name)


@tf_export("batch_scatter_update")
def batch_scatter_update(ref, indices, updates, use_locking=True, name=None):
    """scatter_update within each batch: ref[b..., indices[b..., i]] = updates[b..., i]."""
    from tenon.python.ops import array_ops, math_ops

    with ops.name_scope(name):
        indices = ops.convert_to_tensor(indices, name="indices")
        shape = array_ops.shape(indices)
        batch = indices.get_shape().ndims - 1
        nd_indices = array_ops.expand_dims(indices, axis=-1)
        tiles = []
        for i in range(batch):
            row = array_ops.reshape(
                math_ops.range(shape[i], dtype=indices.dtype), [1] * i + [-1] + [1] * (batch - i) + [1]
            )
            tiles.append(
                array_ops.tile(row, array_ops.stack([1 if j == i else shape[j] for j in range(batch + 1)] + [1]))
            )
        nd_indices = array_ops.concat([*tiles, nd_indices], axis=-1)
        return scatter_nd_update(ref, nd_indices, updates, use_locking, name)
