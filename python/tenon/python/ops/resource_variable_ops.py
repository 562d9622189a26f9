"""Resource variables: a handle in the graph, explicit reads and assignments."""

import contextlib

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import array_ops, gen_ops, variable_collections, variables
from tenon.python.util import compat


def is_resource_variable(var):
    """Whether VAR is a resource variable."""
    return isinstance(var, ResourceVariable) or hasattr(var, "_should_act_as_resource_variable")


def variable_shape(handle, out_type=dtypes.int32):
    """The shape of what the handle's variable holds, a 1-D tensor."""
    return gen_ops.variable_shape(handle, out_type=out_type)


class ResourceVariable(variables.VariableV1):
    """A variable that is a handle: reads happen where the graph says, so that values never change underneath."""

    def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
                 name=None, dtype=None, variable_def=None, import_scope=None, constraint=None, expected_shape=None,
                 synchronization=None, aggregation=None, shape=None):  # fmt: skip
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._init_from_def(variable_def, import_scope)
            return
        collections = self._take(trainable, collections, initial_value, constraint, synchronization, aggregation, name)
        self._graph = ops.get_default_graph()
        self._caching_device = caching_device
        with ops.init_scope():
            from_function = callable(initial_value)
            with ops.name_scope(name, "Variable", [] if from_function else [initial_value]) as scope:
                handle_name = ops.name_from_scope_name(scope)
                where = [compat.as_bytes(f"loc:@{handle_name}")]
                device = ops.device(None) if from_function else contextlib.nullcontext()
                with ops.get_default_graph()._attr_scope({"_class": where}):
                    with ops.name_scope("Initializer"), device:
                        value = ops.convert_to_tensor(
                            initial_value() if from_function else initial_value, name="initial_value", dtype=dtype
                        )
                    if value.op._get_control_flow_context() is not None:
                        raise ValueError(
                            f"Initializer for variable {scope} is from inside a control-flow construct, such as a "
                            "loop or conditional. When creating a variable inside a loop or conditional, use a lambda "
                            "as the initializer."
                        )
                    if shape is None:
                        shape = value.get_shape() if validate_shape else tensor_shape.unknown_shape()
                    self._shape = tensor_shape.as_shape(shape)
                    self._dtype = value.dtype.base_dtype
                    self._handle = gen_ops.var_handle_op(
                        dtype=self._dtype, shape=self._shape, shared_name=handle_name, name=scope
                    )
                self._initial_value = value
                self._name = handle_name
                self._build(handle_name, value, caching_device)
        ops.add_to_collections(collections, self)

    def _build(self, handle_name, value, caching_device):
        """The nodes that initialize and read."""
        with ops.name_scope("IsInitialized"):
            self._is_initialized_op = gen_ops.var_is_initialized_op(self._handle)
        device = self._handle.device
        with ops.name_scope("Assign") as scope, ops.colocate_with(None, ignore_existing=True), ops.device(device):
            first = variable_collections.guard_initial_value(handle_name, value)
            self._initializer_op = gen_ops.assign_variable_op(self._handle, first, name=scope)
        with ops.name_scope("Read"), ops.colocate_with(None, ignore_existing=True), ops.device(device):
            self._graph_element = self._read_variable_op()
        self._cached_value = None
        if caching_device is not None:
            with ops.colocate_with(None, ignore_existing=True), ops.device(caching_device):
                self._cached_value = array_ops.identity(self._graph_element)

    def _init_from_def(self, variable_def, import_scope):
        if not variable_def.is_resource:
            raise ValueError("Trying to restore Variable as ResourceVariable.")
        find = self._from_def(variable_def, import_scope)
        self._handle = find(variable_def.variable_name)
        self._name = self._handle.op.name
        self._dtype = dtypes.as_dtype(self._handle.op.get_attr("dtype"))
        self._shape = tensor_shape.TensorShape(self._handle.op.get_attr("shape"))
        self._caching_device = self._cached_value = None
        with contextlib.suppress(KeyError, ValueError):
            self._is_initialized_op = find(
                f"{variable_def.variable_name.split(':')[0]}/IsInitialized/VarIsInitializedOp:0"
            )
        if variable_def.snapshot_name:
            snapshot = find(variable_def.snapshot_name)
            if snapshot.op.type != "ReadVariableOp":
                self._cached_value = snapshot
            while snapshot.op.type != "ReadVariableOp":
                snapshot = snapshot.op.inputs[0]
            self._graph_element = snapshot
        else:
            self._graph_element = self.read_value()

    def __repr__(self):
        return f"<tf.Variable '{self.name}' shape={self.get_shape()} dtype={self.dtype.name}>"

    __str__ = __repr__

    def _AsTensor(self):
        return self.value()

    def _as_graph_element(self):
        return self._graph_element

    def _ref(self):
        raise NotImplementedError("ResourceVariable does not implement _ref()")

    def _read_variable_op(self):
        result = gen_ops.read_variable_op(self._handle, dtype=self._dtype)
        result.set_shape(self._shape)
        return result

    def value(self):
        """A tensor that reads the variable."""
        if self._cached_value is not None:
            return self._cached_value
        with ops.colocate_with(None, ignore_existing=True), ops.device(self._handle.device):
            return self._read_variable_op()

    def read_value(self):
        """A new tensor that reads the variable where control dependencies say."""
        with ops.name_scope("Read"):
            value = self._read_variable_op()
        return array_ops.identity(value)

    @property
    def handle(self):
        """The tensor that names the variable to ops."""
        return self._handle

    @property
    def name(self):
        """The name of the handle's tensor."""
        return self._name + ":0"

    @property
    def dtype(self):
        """The dtype of the value."""
        return self._dtype

    @property
    def op(self):
        """The node that makes the handle."""
        return self._handle.op

    @property
    def device(self):
        """Where it is."""
        return self._handle.device

    @property
    def shape(self):
        """The static shape."""
        return self._shape

    def set_shape(self, shape):
        """Adds what is known about the static shape."""
        self._shape = self._shape.merge_with(shape)

    @property
    def create(self):
        """The operation that initializes it."""
        return self._initializer_op

    def is_initialized(self, name=None):
        """A boolean tensor: whether it has a value."""
        return gen_ops.var_is_initialized_op(self._handle, name=name)

    def _lazy_read(self, op):
        """The value after OP."""
        return _UnreadVariable(self, op)

    def _assign(self, function, value, name, read_value):
        op = function(self._handle, ops.convert_to_tensor(value, dtype=self._dtype), name=name)
        return self._lazy_read(op) if read_value else op

    def assign(self, value, use_locking=None, name=None, read_value=True):
        """Gives it a value; what is returned reads the variable after it."""
        with ops.colocate_with(self._handle):
            value = ops.convert_to_tensor(value, dtype=self._dtype)
            if not self._shape.is_compatible_with(value.get_shape()):
                raise ValueError(
                    f"Cannot assign to variable {self.name} due to variable shape {self._shape} and value shape "
                    f"{value.get_shape()} are incompatible"
                )
        return self._assign(gen_ops.assign_variable_op, value, name, read_value)

    def assign_add(self, delta, use_locking=None, name=None, read_value=True):
        """Adds to it."""
        return self._assign(gen_ops.assign_add_variable_op, delta, name, read_value)

    def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
        """Subtracts from it."""
        return self._assign(gen_ops.assign_sub_variable_op, delta, name, read_value)

    def count_up_to(self, limit):
        """Adds one and gives the value before; OutOfRangeError at LIMIT."""
        return gen_ops.resource_count_up_to(self._handle, limit=limit, T=self._dtype)

    def sparse_read(self, indices, name=None):
        """The rows at INDICES."""
        with ops.name_scope("Gather" if name is None else name) as scope:
            value = gen_ops.resource_gather(self._handle, indices, dtype=self._dtype, name=scope)
        return array_ops.identity(value)

    def gather_nd(self, indices, name=None):
        """The slices that INDICES names."""
        with ops.name_scope("GatherNd" if name is None else name) as scope:
            value = gen_ops.resource_gather_nd(self._handle, indices, dtype=self._dtype, name=scope)
        return array_ops.identity(value)

    def to_proto(self, export_scope=None):
        """The VariableDef message; None outside of EXPORT_SCOPE."""
        names = {} if self._initial_value is None else {"initial_value_name": self._initial_value.name}
        snapshot = self._graph_element if self._cached_value is None else self._cached_value
        message = self._def(export_scope, variable_name=self._handle.name, initializer_name=self.initializer.name,
                            snapshot_name=snapshot.name, **names)  # fmt: skip
        if message is not None:
            message.is_resource = True
        return message

    def _strided_slice_assign(self, begin, end, strides, value, name, begin_mask, end_mask, ellipsis_mask,
                              new_axis_mask, shrink_axis_mask):  # fmt: skip
        masks = {"begin_mask": begin_mask, "end_mask": end_mask, "ellipsis_mask": ellipsis_mask,
                     "new_axis_mask": new_axis_mask, "shrink_axis_mask": shrink_axis_mask}  # fmt: skip
        value = ops.convert_to_tensor(value, dtype=self._dtype)
        op = gen_ops.resource_strided_slice_assign(self._handle, begin, end, strides, value, name=name, **masks)
        return self._lazy_read(op)

    @staticmethod
    def _convert(v, dtype=None, name=None, as_ref=False):
        if dtype is not None and not dtype.is_compatible_with(v.dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{v.dtype.name}'"
            )
        return v._read_variable_op().op.inputs[0] if as_ref else v.value()


BaseResourceVariable = ResourceVariable


class _UnreadVariable(ResourceVariable):
    """A variable after an operation: the read waits for it. The node is made when the value is asked for."""

    def __init__(self, parent, parent_op):
        self.__dict__.update(parent.__dict__)
        self._parent = parent
        self._parent_op = parent_op
        self._cached_value = None
        with ops.control_dependencies([parent_op]):
            self._graph_element = self._read_now()

    def _read_now(self):
        return super()._read_variable_op()

    def _read_variable_op(self):
        with ops.control_dependencies([self._parent_op]):
            return super()._read_variable_op()

    @property
    def op(self):
        """The operation that changed the variable."""
        return self._parent_op


ops.register_tensor_conversion_function(ResourceVariable, ResourceVariable._convert)
