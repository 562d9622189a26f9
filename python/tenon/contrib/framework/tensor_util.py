"""Checks of shapes and types, sums of many tensors, conditions that may be known."""

import numpy as np

from tenon.python.framework import dtypes, ops, sparse_tensor, tensor_shape, tensor_util
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, math_ops, script_ops
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.framework.assert_scalar_int")
def assert_scalar_int(tensor, name=None):
    """TENSOR, if it is an integer of rank 0; ValueError otherwise."""
    with ops.name_scope(name, "assert_scalar_int", [tensor]) as scope:
        tensor = ops.convert_to_tensor(tensor)
        if not tensor.dtype.base_dtype.is_integer:
            raise ValueError(f"Expected integer type for {tensor.name}, received type: {tensor.dtype}.")
        return check_ops.assert_scalar(tensor, name=scope)


@tf_export("contrib.framework.reduce_sum_n")
def reduce_sum_n(tensors, name=None):
    """The sum of all elements of all TENSORS."""
    if not tensors:
        raise ValueError("No tensors provided.")
    with ops.name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [math_ops.reduce_sum(t, name=f"{t.op.name}/sum") for t in tensors]
        return sums[0] if len(sums) == 1 else math_ops.add_n(sums, name=scope)


@tf_export("contrib.framework.remove_squeezable_dimensions")
def remove_squeezable_dimensions(predictions, labels, name=None):
    """(PREDICTIONS, LABELS), the one of higher rank without its last dimension if that is 1 and the only one more."""
    with ops.name_scope(name, "remove_squeezable_dimensions", [predictions, labels]):
        pair = [ops.convert_to_tensor(predictions), ops.convert_to_tensor(labels)]
        ranks = [t.get_shape().ndims for t in pair]
        if None not in ranks:
            for more in (0, 1):
                if ranks[more] - ranks[1 - more] == 1:
                    pair[more] = array_ops.squeeze(pair[more], [-1])
            return tuple(pair)
        difference = array_ops.rank(pair[0]) - array_ops.rank(pair[1])
        for at, wanted in ((0, 1), (1, -1)):
            tensor = pair[at]
            if ranks[at] is None or tensor.get_shape().dims[-1].is_compatible_with(1):
                pair[at] = control_flow_ops.cond(
                    math_ops.equal(wanted, difference), lambda t=tensor: array_ops.squeeze(t, [-1]), lambda t=tensor: t
                )
        return tuple(pair)


def _shape_array(shape, tensor):
    """The expected SHAPE as a tensor or an int32 array; ValueError where it is no shape."""
    if not ops.is_tensor(shape):
        if isinstance(shape, tensor_shape.TensorShape):
            shape = [-1 if size is None else size for size in shape.as_list()]
        shape = np.asarray(shape, dtype=None if len(shape) else np.int32)
        if shape.ndim > 1:
            raise ValueError(f"Invalid rank {shape.ndim} for shape {shape} expected of tensor {tensor.name}.")
        if shape.dtype == np.int64:
            shape = shape.astype(np.int32)
    if shape.dtype not in (np.int32, dtypes.int32):
        raise ValueError(f"Invalid dtype {shape.dtype} for shape {shape} expected of tensor {tensor.name}.")
    return shape


@tf_export("contrib.framework.with_shape")
def with_shape(expected_shape, tensor):
    """TENSOR, checked to have EXPECTED_SHAPE: now if both are known, else when it is run."""
    if isinstance(tensor, sparse_tensor.SparseTensor):
        raise ValueError("SparseTensor not supported.")
    expected, actual = _shape_array(expected_shape, tensor), tensor.get_shape()
    known = not ops.is_tensor(expected)
    static = tensor_shape.TensorShape([None if size < 0 else int(size) for size in expected]) if known else None
    scalar = known and not len(expected)
    if known and actual.is_fully_defined():
        if actual.is_compatible_with(static):
            return tensor
        if not (scalar and actual.is_compatible_with([1])):
            raise ValueError(f"Invalid shape for tensor {tensor.name}, expected {expected}, got {actual}.")
    with ops.name_scope(f"{tensor.op.name}/", values=[tensor]):
        if scalar:
            return array_ops.reshape(tensor, [])
        with ops.control_dependencies([_assert_shape(expected, tensor)]):
            checked = array_ops.identity(tensor)
        if known:
            checked.set_shape(static)
        return checked


def _assert_shape(expected, tensor):
    """The check that TENSOR has the EXPECTED sizes; -1 allows any."""
    with ops.name_scope("assert_shape", values=[tensor]) as scope:
        actual = array_ops.shape(tensor, name="actual")
        same_rank = math_ops.equal(array_ops.size(expected), array_ops.rank(tensor))
        told = [f"Wrong shape for {tensor.name} [expected] [actual].", expected, actual]

        def sizes():
            return math_ops.reduce_all(
                gen_ops.logical_or(math_ops.equal(expected, -1), math_ops.equal(expected, actual))
            )

        fits = control_flow_ops.cond(same_rank, sizes, lambda: ops.convert_to_tensor(False))
        return control_flow_ops.Assert(fits, told, name=scope)


@tf_export("contrib.framework.with_same_shape")
def with_same_shape(expected_tensor, tensor):
    """TENSOR, checked to have the shape of EXPECTED_TENSOR."""
    with ops.name_scope(f"{tensor.op.name}/", values=[expected_tensor, tensor]):
        shape = expected_tensor.get_shape()
        known = shape.is_fully_defined()
        return with_shape(shape.as_list() if known else array_ops.shape(expected_tensor, name="expected_shape"), tensor)


@tf_export("contrib.framework.smart_constant_value")
def smart_constant_value(pred):
    """The value of PRED (a bool, 0, 1 or a tensor), None where it is not known yet."""
    if isinstance(pred, ops.Tensor):
        value = tensor_util.constant_value(pred)
        return None if value is None else bool(value)
    if isinstance(pred, (bool, np.bool_)) or (isinstance(pred, int) and pred in (0, 1)):
        return bool(pred)
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}")


@tf_export("contrib.framework.smart_cond")
def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """tf.cond, or just one of the functions where PRED is known."""
    for argument, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"`{argument}` must be callable.")
    value = smart_constant_value(pred)
    if value is None:
        return control_flow_ops.cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
    return true_fn() if value else false_fn()


@tf_export("contrib.framework.smart_case")
def smart_case(pred_fn_pairs, default=None, exclusive=False, name="smart_case"):
    """tf.case, without the branches that are known not to be taken."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    known = [smart_constant_value(pred) for pred, _ in pairs]
    if exclusive and sum(value is True for value in known) > 1:
        raise ValueError("exclusive=True: more than 1 conditions evaluated as True")
    kept = [(pair, value) for pair, value in zip(pairs, known) if value is not False]
    if True in [value for _, value in kept] and not exclusive:
        at = [value for _, value in kept].index(True)
        default, kept = kept[at][0][1], kept[:at]
    if kept and None not in [value for _, value in kept]:
        return kept[0][0][1]()
    if not kept:
        if default is None:
            raise ValueError("None of the conditions is true, and there is no default.")
        return default()
    tensors = [(ops.convert_to_tensor(pred), function) for (pred, function), _ in kept]
    return control_flow_ops.case(tensors, default=default, exclusive=exclusive, name=name)


@tf_export("contrib.framework.py_func")
def py_func(func, args=(), kwargs=None, output_types=None, output_shapes=None, stateful=True, name=None):
    """FUNC of arrays, with positional and named arguments, as an operation; results in the structure of OUTPUT_TYPES.

    OUTPUT_TYPES and OUTPUT_SHAPES may be functions of the arguments.
    """
    kwargs = {} if kwargs is None else kwargs
    if not isinstance(args, (list, tuple)):
        raise TypeError(f"args must be list and not {type(args)}. args: {args}")
    if not isinstance(kwargs, dict):
        raise TypeError(f"kwargs must be dict and not {type(kwargs)}. args: {kwargs}")
    types = output_types(*args, **kwargs) if callable(output_types) else output_types
    shapes = output_shapes(*args, **kwargs) if callable(output_shapes) else output_shapes
    structure = (tuple(args), kwargs)

    def call(*flat):
        given, named = nest.pack_sequence_as(structure, list(flat))
        made = func(*given, **named)
        nest.assert_shallow_structure(types, made)
        return nest.flatten(made)

    results = script_ops._call(call, nest.flatten(structure), nest.flatten(types), stateful, name)
    if shapes is not None:
        shapes = nest.map_structure_up_to(types, tensor_shape.as_shape, shapes)
        for result, shape in zip(results, nest.flatten(shapes)):
            result.set_shape(shape)
    return nest.pack_sequence_as(types, results)
