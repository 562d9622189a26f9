"""Functions of tf.compat.v2 that do something else than version 1's of their names."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import embedding_ops, gen_ops


def Variable(initial_value=None, trainable=None, validate_shape=True, caching_device=None, name=None,
             variable_def=None, dtype=None, import_scope=None, constraint=None, **kwargs):  # fmt: skip
    """A variable behind a resource."""
    import tenon

    return tenon.Variable(initial_value, trainable=trainable, validate_shape=validate_shape, name=name, dtype=dtype,
                          caching_device=caching_device, variable_def=variable_def, import_scope=import_scope,
                          constraint=constraint, use_resource=True, **kwargs)  # fmt: skip


def device(device_name):
    """A scope whose operations go to a device."""
    if callable(device_name):
        raise RuntimeError("tf.device does not support functions.")
    return ops.device(device_name)


def where(condition, x=None, y=None, name=None):
    """X where CONDITION is true, else Y, all broadcast; alone: the coordinates where it is true."""
    import tenon

    return tenon.where(condition, name=name) if x is None and y is None else tenon.where_v2(condition, x, y, name=name)


def while_loop(cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True,
               swap_memory=False, maximum_iterations=None, name=None):  # fmt: skip
    """LOOP_VARS after BODY has run as often as COND holds, in the structure that they were given in."""
    import tenon

    return tenon.while_loop(cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, name,
                            maximum_iterations, return_same_structure=True)  # fmt: skip


def zeros_like(input, dtype=None, name=None):
    """Zeros of the shape and dtype of INPUT."""
    import tenon

    return tenon.zeros_like(input, dtype, name)


def ones_like(input, dtype=None, name=None):
    """Ones of the shape and dtype of INPUT."""
    import tenon

    return tenon.ones_like(input, dtype, name)


def in_top_k(targets, predictions, k, name=None):
    """Whether each of TARGETS is among the K largest of its row of PREDICTIONS."""
    return gen_ops.by_type("InTopKV2")(predictions, targets, k, name=name)


def embedding_lookup(params, ids, max_norm=None, name=None):
    """The rows of PARAMS at IDS; several PARAMS hold them in turn as one after the other."""
    import tenon

    return tenon.nn.embedding_lookup(params, ids, "div", name, max_norm=max_norm)


def embedding_lookup_sparse(params, sp_ids, sp_weights, combiner=None, max_norm=None, name=None):
    """The combined rows of PARAMS at the ids of each row of SP_IDS."""
    return embedding_ops.embedding_lookup_sparse(params, sp_ids, sp_weights, "div", name, combiner, max_norm)


def strings_split(input, sep=None, maxsplit=-1, name=None):
    """The words of each string, a RaggedTensor (of one string a vector)."""
    from tenon.python.ops.ragged import ragged_string_ops

    with ops.name_scope(name, "StringSplit", [input]):
        if not hasattr(input, "nested_row_splits"):
            input = ops.convert_to_tensor(input, dtype=dtypes.string, name="input")
        return ragged_string_ops.split(input, sep, maxsplit)
