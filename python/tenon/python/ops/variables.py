"""Variables: the class that programs name, reference variables, and the collections that variables are in."""

import enum
import functools

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.framework.tensor import Reference
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, state_ops, variable_collections
from tenon.python.util import compat
from tenon.python.util.tf_export import tf_export


@tf_export("VariableSynchronization")
class VariableSynchronization(enum.Enum):
    """When replicas of a variable are brought together (a hint for distribution strategies)."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@tf_export("VariableAggregation")
class VariableAggregationV1(enum.Enum):
    """How updates of the replicas of a variable are brought together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3


VariableAggregation = VariableAggregationV1


def default_variable_creator(next_creator=None, **kwargs):
    """Makes a reference or a resource variable."""
    from tenon.python.ops import resource_variable_ops, variable_scope

    use_resource = kwargs.pop("use_resource", None)
    if use_resource is None:
        use_resource = variable_scope.get_variable_scope().use_resource
    if use_resource is None:
        use_resource = variable_scope._DEFAULT_USE_RESOURCE
    kwargs.pop("distribute_strategy", None)
    if use_resource:
        return resource_variable_ops.ResourceVariable(**kwargs)
    return RefVariable(**kwargs)


def creator_stack():
    """The functions that the default graph's variables are made by, outermost first."""
    return ops.get_default_graph().__dict__.setdefault("_variable_creators", [])


def _call_creator(creator, next_creator):
    return lambda **kwargs: creator(next_creator, **kwargs)


class VariableMetaclass(type):
    """Calling the base class makes a variable of the kind that the scope asks for."""

    def __call__(cls, *args, **kwargs):
        if cls is not VariableV1:
            return super().__call__(*args, **kwargs)
        given = dict(zip(_ARGUMENTS, args))
        if len(args) > len(_ARGUMENTS):
            raise TypeError(f"Variable takes at most {len(_ARGUMENTS)} positional arguments ({len(args)} given)")
        for key in kwargs:
            if key not in _ARGUMENTS:
                raise TypeError(f"Variable got an unexpected keyword argument '{key}'")
            if key in given:
                raise TypeError(f"Variable got multiple values for argument '{key}'")
        values = {**_DEFAULTS, **given, **kwargs}
        creator = functools.partial(default_variable_creator, None)
        for more in creator_stack():
            creator = _call_creator(more, creator)
        return creator(**values)


_DEFAULTS = {
    "initial_value": None, "trainable": None, "collections": None, "validate_shape": True, "caching_device": None,
    "name": None,
    "variable_def": None, "dtype": None, "expected_shape": None, "import_scope": None, "constraint": None,
    "use_resource": None,
    "synchronization": VariableSynchronization.AUTO, "aggregation": VariableAggregationV1.NONE, "shape": None,
}  # fmt: skip
_ARGUMENTS = tuple(_DEFAULTS)


def _check_hints(name, synchronization, aggregation, trainable):
    """The three arguments made plain; errors as for what is not one of them."""
    synchronization = VariableSynchronization.AUTO if synchronization is None else synchronization
    aggregation = VariableAggregationV1.NONE if aggregation is None else aggregation
    if not isinstance(synchronization, VariableSynchronization):
        raise ValueError(f"Invalid variable synchronization mode: {synchronization} for variable: {name}")
    if not isinstance(aggregation, VariableAggregationV1):
        raise ValueError(f"Invalid variable aggregation mode: {aggregation} for variable: {name}")
    if trainable is None:
        trainable = synchronization is not VariableSynchronization.ON_READ
    return synchronization, aggregation, trainable


@tf_export("Variable")
class VariableV1(metaclass=VariableMetaclass):
    """State that lives from step to step. It is used as a tensor, and changed by assign and its kin.

    `Variable(initial_value, ...)`: the value is a tensor, something that makes one, or a function that returns it.
    """

    def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
                 name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None,
                 use_resource=None, synchronization=VariableSynchronization.AUTO,
                 aggregation=VariableAggregationV1.NONE, shape=None):  # fmt: skip
        raise NotImplementedError

    # --- what both kinds share: they have _graph_element, op, name, dtype, initializer, _initial_value ... ---

    def _take(self, trainable, collections, initial_value, constraint, synchronization, aggregation, name):
        """Checks the arguments that both kinds have; the collections to be in."""
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if collections is None:
            collections = [ops.GraphKeys.GLOBAL_VARIABLES]
        if not isinstance(collections, (list, tuple, set)):
            raise ValueError(
                "collections argument to Variable constructor must be a list, tuple, or set. "
                f"Got {collections} of type {type(collections)}"
            )
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self._synchronization, self._aggregation, self._trainable = _check_hints(
            name, synchronization, aggregation, trainable
        )
        self._constraint = constraint
        self._save_slice_info = None
        self._update_uid = None
        if self._trainable and ops.GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, ops.GraphKeys.TRAINABLE_VARIABLES]
        return collections

    def get_shape(self):
        """The static shape."""
        return self.shape

    @property
    def trainable(self):
        """Whether optimizers change it when nothing else is said."""
        return self._trainable

    @property
    def synchronization(self):
        """The hint it was made with."""
        return self._synchronization

    @property
    def aggregation(self):
        """The hint it was made with."""
        return self._aggregation

    @property
    def constraint(self):
        """The function that optimizers apply after each update, or None."""
        return self._constraint

    @property
    def initial_value(self):
        """The tensor that it starts from."""
        return self._initial_value

    @property
    def initializer(self):
        """The operation that gives it its first value."""
        return self._initializer_op

    @property
    def graph(self):
        """The graph that it is in."""
        return self._graph

    @property
    def _shared_name(self):
        return self.name[: self.name.index(":")]

    def initialized_value(self):
        """A tensor: the value if there is one already, otherwise the initial value."""
        with ops.init_scope():
            return control_flow_ops.cond(is_variable_initialized(self), self.read_value, lambda: self.initial_value)

    def eval(self, session=None):
        """The value in a session (the default one)."""
        return self._AsTensor().eval(session=session)

    def load(self, value, session=None):
        """Sets the value in a session, without adding an op to the graph."""
        session = session or ops.get_default_session()
        if session is None:
            raise ValueError("Either session argument should be provided or default session should be established")
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    class SaveSliceInfo:
        """Which part of a whole variable this one is: checkpoints save it under the whole's name."""

        def __init__(self, full_name=None, full_shape=None, var_offset=None, var_shape=None,
                     save_slice_info_def=None, import_scope=None):  # fmt: skip
            if save_slice_info_def is not None:
                info = save_slice_info_def
                full_name = ops.prepend_name_scope(info.full_name, import_scope=import_scope)
                full_shape, var_offset = list(info.full_shape), list(info.var_offset)
                var_shape = list(info.var_shape)
            self.full_name = full_name
            self.full_shape = full_shape
            self.var_offset = var_offset
            self.var_shape = var_shape

        @property
        def spec(self):
            """The text that names the slice in a checkpoint: sizes, then offset,size for each dimension."""
            sizes = " ".join(str(d) for d in self.full_shape)
            return f"{sizes} " + ":".join(f"{o},{s}" for o, s in zip(self.var_offset, self.var_shape))

        def to_proto(self, export_scope=None):
            """The SaveSliceInfoDef message; None outside of EXPORT_SCOPE."""
            from tenon.python.framework import proto

            if export_scope is not None and not self.full_name.startswith(export_scope):
                return None
            return proto.SaveSliceInfoDef(
                full_name=ops.strip_name_scope(self.full_name, export_scope), full_shape=list(self.full_shape),
                var_offset=list(self.var_offset), var_shape=list(self.var_shape),
            )  # fmt: skip

    def _set_save_slice_info(self, save_slice_info):
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self):
        return self._save_slice_info

    @staticmethod
    def from_proto(variable_def, import_scope=None):
        """The variable that a VariableDef message describes; its nodes must be in the graph."""
        if variable_def.is_resource:
            from tenon.python.ops import resource_variable_ops

            return resource_variable_ops.ResourceVariable(variable_def=variable_def, import_scope=import_scope)
        return RefVariable(variable_def=variable_def, import_scope=import_scope)

    def _def(self, export_scope, **fields):
        """The VariableDef message, None outside of EXPORT_SCOPE; FIELDS are names of nodes and tensors."""
        from tenon.python.framework import proto

        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        message = proto.VariableDef(trainable=self._trainable, synchronization=self._synchronization.value,
                                    aggregation=self._aggregation.value)  # fmt: skip
        for key, value in fields.items():
            setattr(message, key, ops.strip_name_scope(value, export_scope))
        if self._save_slice_info:
            message.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return message

    def _from_def(self, variable_def, import_scope):
        """Takes from a VariableDef what both kinds have; a function that finds nodes by name."""
        graph = self._graph = ops.get_default_graph()

        def find(name):
            return graph.as_graph_element(ops.prepend_name_scope(name, import_scope=import_scope))

        self._initializer_op = find(variable_def.initializer_name)
        self._initial_value = find(variable_def.initial_value_name) if variable_def.initial_value_name else None
        self._synchronization, self._aggregation, _ = _check_hints(
            variable_def.variable_name, VariableSynchronization(variable_def.synchronization),
            VariableAggregationV1(variable_def.aggregation), None,
        )  # fmt: skip
        self._trainable = variable_def.trainable
        self._constraint = None
        self._update_uid = None
        self._save_slice_info = None
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = VariableV1.SaveSliceInfo(
                save_slice_info_def=variable_def.save_slice_info_def, import_scope=import_scope
            )
        return find

    # --- what each kind has in its own way ---

    def value(self):
        """A tensor that reads the variable."""
        raise NotImplementedError

    def read_value(self):
        """A new tensor that reads the variable."""
        raise NotImplementedError

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Gives it a value."""
        raise NotImplementedError

    def assign_add(self, delta, use_locking=False, name=None, read_value=True):
        """Adds to it."""
        raise NotImplementedError

    def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
        """Subtracts from it."""
        raise NotImplementedError

    def count_up_to(self, limit):
        """Adds one and gives the value before; OutOfRangeError at LIMIT."""
        raise NotImplementedError

    def sparse_read(self, indices, name=None):
        """The rows at INDICES."""
        raise NotImplementedError

    def gather_nd(self, indices, name=None):
        """The slices that INDICES names."""
        raise NotImplementedError

    def set_shape(self, shape):
        """Adds what is known about the static shape."""
        raise NotImplementedError

    def to_proto(self, export_scope=None):
        """The VariableDef message."""
        raise NotImplementedError

    def batch_scatter_update(self, sparse_delta, use_locking=False, name=None):
        """batch_scatter_update of the rows that an IndexedSlices holds."""
        return state_ops.batch_scatter_update(
            self, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name
        )

    name = op = device = dtype = shape = property(lambda self: None, doc="What it is.")

    def experimental_ref(self):
        """Something hashable that stands for the variable."""
        return Reference(self)

    ref = experimental_ref

    # --- operators: those of the value ---

    def __iter__(self):
        raise TypeError("'Variable' object is not iterable.")

    def __hash__(self):
        return id(self)

    def __bool__(self):
        return bool(self._AsTensor())

    def __array__(self, *_):
        raise NotImplementedError(f"Cannot convert a symbolic Variable ({self.name}) to a numpy array.")

    __array_priority__ = 100

    def __getitem__(self, item):
        return array_ops._slice_helper_var(self, item)

    def _strided_slice_assign(self, begin, end, strides, value, name, begin_mask, end_mask, ellipsis_mask,
                              new_axis_mask, shrink_axis_mask):  # fmt: skip
        masks = {"begin_mask": begin_mask, "end_mask": end_mask, "ellipsis_mask": ellipsis_mask,
                     "new_axis_mask": new_axis_mask, "shrink_axis_mask": shrink_axis_mask}  # fmt: skip
        return gen_ops.strided_slice_assign(self._ref(), begin, end, strides, value, name=name, **masks)


def _operator(name):
    def run(self, *args):
        return getattr(ops.Tensor, name)(self._AsTensor(), *args)

    run.__name__ = name
    return run


for _kind in ("add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    for _side in ("__", "__r"):
        setattr(VariableV1, f"{_side}{_kind}__", _operator(f"{_side}{_kind}__"))
for _kind in ("lt", "le", "gt", "ge", "neg", "abs", "invert"):
    setattr(VariableV1, f"__{_kind}__", _operator(f"__{_kind}__"))

Variable = VariableV1
all_variables = variable_collections.all_variables
global_variables = variable_collections.global_variables
local_variables = variable_collections.local_variables
model_variables = variable_collections.model_variables
trainable_variables = variable_collections.trainable_variables
moving_average_variables = variable_collections.moving_average_variables
variables_initializer = variable_collections.variables_initializer
global_variables_initializer = variable_collections.global_variables_initializer
local_variables_initializer = variable_collections.local_variables_initializer
is_variable_initialized = variable_collections.is_variable_initialized
report_uninitialized_variables = variable_collections.report_uninitialized_variables
assert_variables_initialized = variable_collections.assert_variables_initialized
_all_saveable_objects = variable_collections._all_saveable_objects


class RefVariable(VariableV1):
    """A variable that is a reference to its buffer: a node VariableV2, with Assign and read nodes beside it."""

    def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
                 name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None,
                 synchronization=None, aggregation=None, shape=None):  # fmt: skip
        if variable_def is not None:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            find = self._from_def(variable_def, import_scope)
            self._variable = find(variable_def.variable_name)
            self._snapshot = find(variable_def.snapshot_name)
            self._caching_device = None
            return
        collections = self._take(trainable, collections, initial_value, constraint, synchronization, aggregation, name)
        self._graph = ops.get_default_graph()
        self._caching_device = caching_device
        if dtype is not None:
            dtype = dtypes.as_dtype(dtype)
        with ops.init_scope():
            from_function = callable(initial_value)
            with ops.name_scope(name, "Variable", [] if from_function else [initial_value]) as scope:
                if from_function:
                    value = self._call_initializer(scope, initial_value, dtype)
                else:
                    value = ops.convert_to_tensor(initial_value, name="initial_value", dtype=dtype)
                    if value.op._get_control_flow_context() is not None:
                        raise ValueError(
                            f"Initializer for variable {scope} is from inside a control-flow construct, such as a "
                            "loop or conditional. When creating a variable inside a loop or conditional, use a lambda "
                            "as the initializer."
                        )
                if shape is None:
                    shape = value.get_shape() if validate_shape else tensor_shape.unknown_shape()
                self._initial_value = value
                self._build(scope, value, tensor_shape.as_shape(shape), validate_shape, caching_device)
        ops.add_to_collections(collections, self)

    def _call_initializer(self, scope, initial_value, dtype):
        """The tensor that a function gives, made beside the variable that does not exist yet."""
        where = [compat.as_bytes(f"loc:@{ops.name_from_scope_name(scope)}")]
        with ops.get_default_graph()._attr_scope({"_class": where}), ops.name_scope("Initializer"), ops.device(None):
            return ops.convert_to_tensor(initial_value(), name="initial_value", dtype=dtype)

    def _build(self, scope, value, shape, validate_shape, caching_device):
        if validate_shape and not shape.is_fully_defined():
            raise ValueError(f"initial_value must have a shape specified: {value}")
        self._variable = state_ops.variable_op_v2(shape, value.dtype.base_dtype, name=scope)
        first = variable_collections.guard_initial_value(ops.name_from_scope_name(scope), value)
        self._initializer_op = state_ops.assign(self._variable, first, validate_shape=validate_shape).op
        with ops.device(caching_device) if caching_device is not None else ops.colocate_with(self._variable.op):
            self._snapshot = array_ops.identity(self._variable, name="read")

    def __repr__(self):
        return f"<tf.Variable '{self.name}' shape={self.get_shape()} dtype={self.dtype.name}>"

    __str__ = __repr__

    def _AsTensor(self):
        if variable_collections.written_before(self._variable.op):
            return array_ops.identity(self._variable, name="read")
        return self._snapshot

    def _as_graph_element(self):
        return self._variable

    def _ref(self):
        return self._variable

    def value(self):
        """The tensor that reads the variable; the same at each call but after updates of it."""
        return self._AsTensor()

    def read_value(self):
        """A new tensor that reads the variable where control dependencies say."""
        return array_ops.identity(self._variable, name="read")

    @property
    def name(self):
        """The name of the variable's tensor."""
        return self._variable.name

    @property
    def dtype(self):
        """The reference dtype."""
        return self._variable.dtype

    @property
    def op(self):
        """The node that is the variable."""
        return self._variable.op

    @property
    def device(self):
        """Where it is."""
        return self._variable.device

    @property
    def shape(self):
        """The static shape."""
        return self._variable.get_shape()

    def set_shape(self, shape):
        """Adds what is known about the static shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    def is_initialized(self, name=None):
        """A boolean tensor: whether it has a value."""
        return gen_ops.is_variable_initialized(self._variable, name=name)

    def _changed(self, result, read_value):
        return result if read_value else result.op

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Gives it a value; the tensor is the variable after it."""
        result = state_ops.assign(self._variable, value, use_locking=use_locking, name=name)
        return self._changed(result, read_value)

    def assign_add(self, delta, use_locking=False, name=None, read_value=True):
        """Adds to it."""
        result = state_ops.assign_add(self._variable, delta, use_locking=use_locking, name=name)
        return self._changed(result, read_value)

    def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
        """Subtracts from it."""
        result = state_ops.assign_sub(self._variable, delta, use_locking=use_locking, name=name)
        return self._changed(result, read_value)

    def count_up_to(self, limit):
        """Adds one and gives the value before; OutOfRangeError at LIMIT."""
        return state_ops.count_up_to(self._variable, limit=limit)

    def sparse_read(self, indices, name=None):
        """The rows at INDICES."""
        return array_ops.gather(self, indices, name=name)

    def gather_nd(self, indices, name=None):
        """The slices that INDICES names."""
        return array_ops.gather_nd(self, indices, name=name)

    def to_proto(self, export_scope=None):
        """The VariableDef message; None outside of EXPORT_SCOPE."""
        names = {} if self._initial_value is None else {"initial_value_name": self._initial_value.name}
        return self._def(export_scope, variable_name=self._variable.name, initializer_name=self.initializer.name,
                         snapshot_name=self._snapshot.name, **names)  # fmt: skip

    @staticmethod
    def _TensorConversionFunction(v, dtype=None, name=None, as_ref=False):
        if dtype and not dtype.is_compatible_with(v.dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{v.dtype.name}'"
            )
        return v._variable if as_ref else v._AsTensor()


def _scatter_method(kind):
    def scatter(self, sparse_delta, use_locking=False, name=None):
        if not isinstance(sparse_delta, ops.IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
        function = getattr(state_ops, f"scatter_{kind}")
        return function(self, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name)

    scatter.__name__ = f"scatter_{kind}"
    scatter.__doc__ = f"scatter_{kind} of the rows that an IndexedSlices holds."
    return scatter


def _scatter_nd_method(kind):
    def scatter(self, indices, updates, name=None):
        return getattr(state_ops, f"scatter_nd_{kind}")(self, indices, updates, use_locking=True, name=name)

    scatter.__name__ = f"scatter_nd_{kind}"
    scatter.__doc__ = f"scatter_nd_{kind} of slices: each row of INDICES names one."
    return scatter


for _kind in ("add", "sub", "max", "min", "mul", "div", "update"):
    setattr(VariableV1, f"scatter_{_kind}", _scatter_method(_kind))
for _kind in ("add", "sub", "update"):
    setattr(VariableV1, f"scatter_nd_{_kind}", _scatter_nd_method(_kind))

ops.register_tensor_conversion_function(RefVariable, RefVariable._TensorConversionFunction)


def __getattr__(name):
    if name != "PartitionedVariable":
        raise AttributeError(name)
    from tenon.python.ops.partitioned_variable import PartitionedVariable

    return PartitionedVariable
