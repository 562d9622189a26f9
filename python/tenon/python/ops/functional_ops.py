"""map_fn, scan and folds: functions over the rows of tensors."""

from tenon.python.framework import constant_op, ops, tensor_shape
from tenon.python.ops import array_ops, control_flow_ops, tensor_array_ops, variable_scope
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


def _check(fn, elems):
    if not callable(fn):
        raise TypeError(f"{fn!r} is not callable. Please provide a callable function.")
    if not nest.is_nested(elems) and elems is None:
        raise ValueError("elems must not be None")


class _Uncached:
    """Variables in loops are read on the caller's device: caching devices are set as in TensorFlow."""

    def __enter__(self):
        self.scope = variable_scope.get_variable_scope()
        self.changed = self.scope.caching_device is None
        if self.changed:
            self.scope.set_caching_device(lambda op: op.device)

    def __exit__(self, *_):
        if self.changed:
            self.scope.set_caching_device(None)


def _rows(flat):
    """(number of rows, the number if it is known)."""
    known = tensor_shape.dimension_value(flat[0].get_shape().with_rank_at_least(1)[0])
    return (array_ops.shape(flat[0])[0] if known is None else known), known


def _arrays(flat, n, infer_shape=True):
    """TensorArrays of the rows."""
    made = []
    for elem in flat:
        array = tensor_array_ops.TensorArray(dtype=elem.dtype.base_dtype, size=n, dynamic_size=False, infer_shape=True,
                                             element_shape=elem.get_shape()[1:])  # fmt: skip
        made.append(array.unstack(elem))
    return made


@tf_export("map_fn")
def map_fn(fn, elems, dtype=None, parallel_iterations=None, back_prop=True, swap_memory=False, infer_shape=True,
           name=None, fn_output_signature=None):  # fmt: skip
    """fn of each row of ELEMS (a tensor or a structure of them), stacked. DTYPE: the structure and dtypes of fn's
    results where they are not those of ELEMS."""
    _check(fn, elems)
    dtype = dtype if fn_output_signature is None else fn_output_signature
    parallel_iterations = parallel_iterations or 10
    single = not nest.is_nested(elems)
    with ops.name_scope(name, "map", nest.flatten(elems)), _Uncached():
        flat = [ops.convert_to_tensor(x, name="elem") for x in nest.flatten(elems)]
        structure = elems if dtype is None else dtype
        kinds = [x.dtype for x in flat] if dtype is None else nest.flatten(dtype)
        kinds = [getattr(k, "dtype", k) for k in kinds]
        n, known = _rows(flat)
        inputs = _arrays(flat, n)
        i = constant_op.constant(0)
        outputs = [
            tensor_array_ops.TensorArray(dtype=k, size=n, dynamic_size=False, infer_shape=infer_shape) for k in kinds
        ]

        def compute(i, arrays):
            rows = [array.read(i) for array in inputs]
            result = fn(rows[0] if single else nest.pack_sequence_as(elems, rows))
            nest.assert_same_structure(structure, result)
            return i + 1, [array.write(i, value) for array, value in zip(arrays, nest.flatten(result))]

        _, arrays = control_flow_ops.while_loop(
            lambda i, _: i < n, compute, (i, outputs), parallel_iterations=parallel_iterations, back_prop=back_prop,
            swap_memory=swap_memory, maximum_iterations=n,
        )  # fmt: skip
        return nest.pack_sequence_as(structure, _stacked(arrays, flat, known))


def _stacked(arrays, flat, known):
    """The arrays' elements as tensors, with the number of rows."""
    if known is None:
        for x in flat:
            known = known or tensor_shape.dimension_value(x.get_shape()[0])
    results = [array.stack() for array in arrays]
    for result in results:
        shape = result.get_shape()
        if shape.ndims is not None:
            result.set_shape(tensor_shape.TensorShape([known]).concatenate(shape[1:]))
    return results


def _first(n, initializer, elems, arrays, reverse=False):
    """(the start of the accumulator, the row to begin with): the first row where there is no initializer."""
    if initializer is None:
        place = n - 1 if reverse else 0
        return nest.pack_sequence_as(elems, [a.read(place) for a in arrays]), 1
    return nest.map_structure(ops.convert_to_tensor, initializer), 0


def _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, right):
    _check(fn, elems)
    with ops.name_scope(name, "foldr" if right else "foldl", nest.flatten(elems)), _Uncached():
        flat = [ops.convert_to_tensor(x, name="elem") for x in nest.flatten(elems)]
        n, _ = _rows(flat)
        arrays = _arrays(flat, n)
        start, begin = _first(n, initializer, elems, arrays, right)

        def compute(i, a):
            place = i - 1 if right else i
            rows = nest.pack_sequence_as(elems, [array.read(place) for array in arrays])
            result = fn(a, rows)
            nest.assert_same_structure(start, result)
            return (i - 1 if right else i + 1), result

        i = (n - begin) if right else constant_op.constant(begin)
        if right and not isinstance(i, ops.Tensor):
            i = constant_op.constant(i)
        _, result = control_flow_ops.while_loop(
            (lambda i, a: i > 0) if right else (lambda i, a: i < n), compute, (i, start),
            parallel_iterations=parallel_iterations, back_prop=back_prop, swap_memory=swap_memory,
            maximum_iterations=n,
        )  # fmt: skip
        return result


@tf_export("foldl")
def foldl(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    """fn(... fn(fn(initializer, elems[0]), elems[1]) ..., elems[-1])."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, False)


@tf_export("foldr")
def foldr(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    """The same from the last row to the first."""
    return _fold(fn, elems, initializer, parallel_iterations, back_prop, swap_memory, name, True)


@tf_export("scan")
def scan(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, infer_shape=True,
         reverse=False, name=None):  # fmt: skip
    """The list of what foldl has after each row, stacked."""
    _check(fn, elems)
    with ops.name_scope(name, "scan", nest.flatten(elems)), _Uncached():
        flat = [ops.convert_to_tensor(x, name="elem") for x in nest.flatten(elems)]
        n, known = _rows(flat)
        inputs = _arrays(flat, n)
        start, begin = _first(n, initializer, elems, inputs, reverse)
        flat_start = nest.flatten(start)
        outputs = [
            tensor_array_ops.TensorArray(
                dtype=a.dtype.base_dtype, size=n, element_shape=a.get_shape() if infer_shape else None,
                dynamic_size=False, infer_shape=infer_shape,
            )
            for a in flat_start
        ]  # fmt: skip
        if begin:
            outputs = [array.write(n - 1 if reverse else 0, a) for array, a in zip(outputs, flat_start)]

        def compute(i, flat_a, arrays):
            rows = nest.pack_sequence_as(elems, [array.read(i) for array in inputs])
            result = fn(nest.pack_sequence_as(start, flat_a), rows)
            nest.assert_same_structure(start, result)
            values = nest.flatten(result)
            return (i - 1 if reverse else i + 1), values, [a.write(i, v) for a, v in zip(arrays, values)]

        i = n - 1 - begin if reverse else begin
        i = i if isinstance(i, ops.Tensor) else constant_op.constant(i)
        _, _, arrays = control_flow_ops.while_loop(
            (lambda i, *_: i >= 0) if reverse else (lambda i, *_: i < n), compute, (i, flat_start, outputs),
            parallel_iterations=parallel_iterations, back_prop=back_prop, swap_memory=swap_memory,
            maximum_iterations=n,
        )  # fmt: skip
        return nest.pack_sequence_as(start, _stacked(arrays, flat, known))
