"""A variable in parts, as get_variable makes it with a partitioner."""

import functools

from tenon.python.framework import ops, tensor_shape
from tenon.python.ops import array_ops, variables


class PartitionedVariable:
    """A variable in parts along one dimension; used as a tensor it is the parts put together."""

    def __init__(self, name, shape, dtype, variable_list, partitions):
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if not all(p >= 1 for p in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        for v in variable_list:
            if not isinstance(v, variables.VariableV1) or v._get_save_slice_info() is None:
                raise ValueError(f"Variable {v} has no slice information")
        self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
        self._name = name
        self._shape = shape
        self._dtype = dtype
        self._partitions = partitions
        self._as_tensor = None

    def __iter__(self):
        return iter(self._variable_list)

    def __len__(self):
        axes = self._partition_axes()
        if len(axes) > 1:
            raise ValueError(f"Cannot get a length for {len(axes)} > 1 partition axes")
        return len(self._variable_list)

    def __getitem__(self, item):
        return self.as_tensor()[item]

    def _partition_axes(self):
        """The dimensions that are cut (0 where none is)."""
        return [i for i, p in enumerate(self._partitions) if p > 1] or [0]

    def _concat(self):
        """The parts put together."""
        if len(self._variable_list) == 1:
            with ops.name_scope(None):
                return array_ops.identity(self._variable_list[0], name=self._name)
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(f"Cannot concatenate along more than one dimension: {axes}.")
        with ops.name_scope(self._name + "/ConcatPartitions/"):
            whole = array_ops.concat(self._variable_list, axes[0])
        with ops.name_scope(None):
            return array_ops.identity(whole, name=self._name)

    def as_tensor(self):
        """The whole as one tensor."""
        with ops.control_dependencies(None):
            return self._concat()

    @staticmethod
    def _TensorConversionFunction(v, dtype=None, name=None, as_ref=False):
        if dtype is not None and not dtype.is_compatible_with(v.dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{v.dtype.name}'"
            )
        if as_ref:
            raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
        return v.as_tensor()

    @property
    def name(self):
        """The name of the whole."""
        return self._name

    @property
    def dtype(self):
        """The dtype of the parts."""
        return self._dtype

    @property
    def shape(self):
        """The shape of the whole."""
        return self.get_shape()

    def get_shape(self):
        """The shape of the whole."""
        return tensor_shape.as_shape(self._shape)

    def _get_variable_list(self):
        return self._variable_list

    def _get_partitions(self):
        return self._partitions

    def _apply(self, method, value, keywords):
        """Calls a method of each part with its part of VALUE."""
        axes = self._partition_axes()
        axis = axes[0]
        sizes = [v.get_shape().as_list()[axis] for v in self._variable_list]
        if isinstance(value, (list, tuple)) and len(value) == len(self._variable_list):
            parts = value
        else:
            parts = array_ops.split(ops.convert_to_tensor(value, dtype=self.dtype.base_dtype), sizes, axis=axis)
        return [getattr(v, method)(part, **keywords) for v, part in zip(self._variable_list, parts)]

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Gives each part its part of VALUE."""
        return self._apply("assign", value, {"use_locking": use_locking, "name": name, "read_value": read_value})

    def assign_add(self, value, use_locking=False, name=None, read_value=True):
        """Adds to each part its part of VALUE."""
        return self._apply("assign_add", value, {"use_locking": use_locking, "name": name, "read_value": read_value})

    def assign_sub(self, value, use_locking=False, name=None, read_value=True):
        """Subtracts from each part its part of VALUE."""
        return self._apply("assign_sub", value, {"use_locking": use_locking, "name": name, "read_value": read_value})


for _name in ("add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "matmul"):
    for _side in ("__", "__r"):
        setattr(
            PartitionedVariable, f"{_side}{_name}__",
            functools.partialmethod(
                lambda self, other, operator: getattr(self.as_tensor(), operator)(other),
                operator=f"{_side}{_name}__",
            ),
        )  # fmt: skip

ops.register_tensor_conversion_function(PartitionedVariable, PartitionedVariable._TensorConversionFunction)
