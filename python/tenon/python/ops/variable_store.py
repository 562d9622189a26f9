"""The variables of a graph by name: making them, sharing them, cutting them into parts."""

import functools
import inspect

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import array_ops, init_ops, variables


class _PartitionInfo:
    """Which part of a whole an initializer fills."""

    def __init__(self, full_shape, var_offset):
        if not isinstance(full_shape, (list, tuple)) or not isinstance(var_offset, (list, tuple)):
            raise TypeError("`full_shape` and `var_offset` must be sequences")
        if len(full_shape) != len(var_offset):
            raise ValueError(f"Expected equal length, but var_offset is {var_offset} and full_shape {full_shape}")
        for offset, size in zip(var_offset, full_shape):
            if offset < 0 or offset >= max(size, 1):
                raise ValueError(f"Expected 0 <= offset < shape but found offset={offset}, shape={size}")
        self.full_shape = full_shape
        self.var_offset = var_offset

    def single_offset(self, shape):
        """The offset along the dimension that is cut, 0 if none is."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]

    def single_slice_dim(self, shape):
        """The dimension that is cut, None if none is."""
        cut = [i for i, (a, b) in enumerate(zip(shape, self.full_shape)) if a != b]
        if len(cut) > 1:
            raise ValueError(f"Cannot use single_slice_dim() with shape={shape} and full_shape={self.full_shape}")
        return cut[0] if cut else None


def _call_partitioner(partitioner, shape, dtype):
    """The list of how many parts each dimension has, checked."""
    if not shape.is_fully_defined():
        raise ValueError(f"Shape of a new partitioned variable must be fully defined, but instead was {shape}.")
    if shape.ndims < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    slicing = partitioner(shape=shape, dtype=dtype)
    if not isinstance(slicing, (list, tuple)):
        raise ValueError(f"Partitioner must return a sequence, but saw: {slicing}")
    slicing = [int(d) for d in slicing]
    if len(slicing) != shape.ndims:
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {slicing} vs. {shape}"
        )
    if any(p < 1 for p in slicing):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {slicing}")
    if sum(p > 1 for p in slicing) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {slicing}")
    return slicing


def _iter_slices(shape, parts, axis):
    """(offset, shape) of each part; the first ones are one longer where the size does not divide."""
    offset = [0] * len(shape)
    least, longer = divmod(shape[axis], parts)
    for i in range(parts):
        size = shape[:]
        size[axis] = least + (i < longer)
        yield offset[:], size
        offset[axis] += size[axis]


def _takes(function, name):
    """Whether a callable has an argument of that name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters


def _needs_no_arguments(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not inspect.Parameter.empty or p.kind in kinds for p in parameters)


def _check_shared(what, name, shape, dtype, found):
    """Raises where a variable to share is not what was asked for."""
    if not shape.is_compatible_with(found.get_shape()):
        raise ValueError(
            f"Trying to share {what} {name}, but specified shape {shape} and found shape {found.get_shape()}."
        )
    if not dtype.is_compatible_with(found.dtype):
        raise ValueError(
            f"Trying to {'share' if what == 'variable' else 'reuse'} {what} {name}, but specified dtype {dtype.name} "
            f"and found dtype {found.dtype.name}."
        )


class VariableStore:
    """Variables and partitioned variables by full name."""

    def __init__(self):
        self._vars = {}
        self._partitioned_vars = {}

    def get_variable(self, name, custom_getter=None, **arguments):
        """The variable of that full name; a custom getter comes in between."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        for key, value in (("shape", None), ("reuse", None), ("partitioner", None)):
            arguments.setdefault(key, value)
        arguments["dtype"] = dtypes.as_dtype(arguments.get("dtype") or dtypes.float32).base_dtype
        hints = variables._check_hints(
            name, *(arguments.get(k) for k in ("synchronization", "aggregation", "trainable"))
        )
        arguments.update(zip(("synchronization", "aggregation", "trainable"), hints))
        if custom_getter is None:
            return self._true_getter(name, **arguments)
        if not _accepts(custom_getter, "constraint"):
            arguments.pop("constraint", None)
        for key in ("synchronization", "aggregation"):
            if not _accepts(custom_getter, key):
                arguments.pop(key, None)
        return custom_getter(getter=self._true_getter, name=name, **arguments)

    def _true_getter(self, name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, reuse=None,
                     trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                     use_resource=None, constraint=None, synchronization=None, aggregation=None):  # fmt: skip
        """What a custom getter calls in the end."""
        rest = {
            "dtype": dtype, "initializer": initializer, "regularizer": regularizer, "reuse": reuse,
            "trainable": trainable,
            "collections": collections, "caching_device": caching_device, "validate_shape": validate_shape,
            "use_resource": use_resource, "constraint": constraint, "synchronization": synchronization,
            "aggregation": aggregation,
        }  # fmt: skip
        scalar = shape is not None and isinstance(shape, (list, tuple)) and not shape
        if partitioner is not None and not scalar:
            if not callable(partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
            with ops.name_scope(None):
                return self._get_partitioned(name, shape, partitioner, **rest)
        if reuse is True and name in self._partitioned_vars:
            return self._get_partitioned(name, shape, None, **rest)
        if f"{name}/part_0" in self._vars:
            raise ValueError(
                f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. "
                "Perhaps a variable of the same name was already created with partitioning?"
            )
        return self._get_single(name, shape, None, **rest)

    def _get_single(self, name, shape, partition_info, *, dtype, initializer, regularizer, reuse, **rest):
        from_value = initializer is not None and not callable(initializer)
        if shape is not None and from_value:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = dtypes.as_dtype(dtype)
        given_shape = tensor_shape.as_shape(shape)
        if name in self._vars:
            found = self._vars[name]
            if reuse is False or reuse is None:
                raise ValueError(
                    f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or "
                    f"reuse=tf.AUTO_REUSE in VarScope? Originally defined at:\n\n{_where(found)}"
                )
            _check_shared("variable", name, given_shape, dtype, found)
            return found
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        if initializer is None:
            initializer = _default_initializer(name, dtype)
        if from_value:
            first, kind = initializer, None
        else:
            first, kind = _initial_value(initializer, given_shape, dtype, partition_info)
        with ops.init_scope():
            variable = variables.VariableV1(initial_value=first, name=name, dtype=kind, **rest)
            self._vars[name] = variable
            if regularizer:
                _add_regularizer(name, variable, regularizer)
        return variable

    def _get_partitioned(self, name, shape, partitioner, *, dtype, initializer, reuse, **rest):
        if name in self._vars:
            raise ValueError(
                f"A partitioner was provided, but an unpartitioned version of the variable was found: {name}. "
                "Perhaps a variable of the same name was already created without partitioning?"
            )
        shape = tensor_shape.as_shape(shape)
        if initializer is not None and not callable(initializer):
            initializer = ops.convert_to_tensor(initializer, dtype=dtype)
            shape = shape.merge_with(initializer.get_shape())
        partitions = None
        if not reuse or partitioner:
            partitions = _call_partitioner(partitioner, shape, dtype)
        if name in self._partitioned_vars:
            return self._shared_partitioned(name, shape, dtype, reuse, partitions)
        if reuse is True:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"
            )
        axis = next((i for i, p in enumerate(partitions) if p > 1), 0)
        parts = []
        for i, (offset, size) in enumerate(_iter_slices(shape.as_list(), partitions[axis], axis)):
            part_name = f"{name}/part_{i}"
            first = initializer
            with ops.name_scope(part_name + "/PartitionedInitializer"):
                if isinstance(initializer, ops.Tensor):
                    first = array_ops.slice(initializer, offset, size)
            info = _PartitionInfo(shape.as_list(), offset)
            with ops.name_scope(None):
                part = self._get_single(part_name, size if first is None or callable(first) else None, info,
                                        dtype=dtype, initializer=first, reuse=reuse, **rest)  # fmt: skip
            part._set_save_slice_info(variables.VariableV1.SaveSliceInfo(name, shape.as_list(), offset, size))
            parts.append(part)
        whole = variables.PartitionedVariable(name, shape, dtype, parts, partitions)
        self._partitioned_vars[name] = whole
        return whole

    def _shared_partitioned(self, name, shape, dtype, reuse, partitions):
        if reuse is False:
            raise ValueError(
                f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True or "
                "reuse=tf.AUTO_REUSE in VarScope?"
            )
        found = self._partitioned_vars[name]
        _check_shared("partitioned variable", name, shape, dtype, found)
        if partitions is not None and list(found._get_partitions()) != partitions:
            raise ValueError(
                f"Trying to reuse partitioned variable {name}, but specified partitions {partitions} and found "
                f"partitions {found._get_partitions()}."
            )
        return found


def _accepts(function, name):
    """Whether a getter takes a keyword."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True
    return name in parameters or any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def _where(variable):
    """The lines of the program that made a variable."""
    try:
        lines = variable.op.traceback
        return "\n".join(str(line) for line in list(lines)[-5:])
    except (AttributeError, NotImplementedError):
        return variable.name


def _default_initializer(name, dtype):
    if dtype.is_floating:
        return init_ops.glorot_uniform_initializer()
    if dtype.is_integer or dtype.is_bool or dtype == dtypes.string:
        return init_ops.zeros_initializer()
    raise ValueError(f"An initializer for variable {name} of {dtype.base_dtype} is required")


def _initial_value(initializer, shape, dtype, partition_info):
    """(a function without arguments, dtype) for an initializer."""
    if inspect.isclass(initializer):
        initializer = initializer()
    if shape.is_fully_defined():
        keywords = {"dtype": dtype.base_dtype}
        if partition_info is not None and _takes(initializer, "partition_info"):
            keywords["partition_info"] = partition_info
        return functools.partial(initializer, shape.as_list(), **keywords), dtype.base_dtype
    if _needs_no_arguments(initializer):
        return initializer, None
    raise ValueError(
        "The initializer passed is not valid. It should be a callable with no arguments and the shape should not be "
        "provided or an instance of `tf.keras.initializers.*' and `shape` should be fully defined."
    )


def _add_regularizer(name, variable, regularizer):
    with ops.colocate_with(variable.op), ops.name_scope(name + "/Regularizer/"):
        loss = regularizer(variable)
    if loss is not None:
        ops.add_to_collection(ops.GraphKeys.REGULARIZATION_LOSSES, loss)
