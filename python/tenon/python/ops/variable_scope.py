"""variable_scope and get_variable: variables by name, shared where a scope says so."""

import contextlib
import copy
import enum

from tenon.python.framework import dtypes, ops
from tenon.python.ops import variable_store, variables
from tenon.python.util.tf_export import tf_export


class _ReuseMode(enum.Enum):
    """What a scope does with a variable that is there, or not, beside True and False."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE
tf_export("AUTO_REUSE").export_constant(__name__, "AUTO_REUSE")

VariableSynchronization = variables.VariableSynchronization
VariableAggregation = variables.VariableAggregation
_DEFAULT_USE_RESOURCE = False
_STORE_KEY = ("__variable_store",)
_SCOPES_KEY = ("__varscope",)


@tf_export("enable_resource_variables")
def enable_resource_variables():
    """Makes new variables resource variables unless use_resource says otherwise."""
    global _DEFAULT_USE_RESOURCE
    _DEFAULT_USE_RESOURCE = True


@tf_export("disable_resource_variables")
def disable_resource_variables():
    """Makes new variables reference variables unless use_resource says otherwise."""
    global _DEFAULT_USE_RESOURCE
    _DEFAULT_USE_RESOURCE = False


@tf_export("resource_variables_enabled")
def resource_variables_enabled():
    """Whether new variables are resource variables."""
    return _DEFAULT_USE_RESOURCE


@tf_export("no_regularizer")
def no_regularizer(_):
    """A regularizer that adds nothing, to keep a scope's one away."""
    return None


def _or(value, default):
    return default if value is None else value


@tf_export("VariableScope")
class VariableScope:
    """The defaults of get_variable: a name prefix, reuse, and what its arguments are when not given."""

    def __init__(self, reuse, name="", initializer=None, regularizer=None, caching_device=None, partitioner=None,
                 custom_getter=None, name_scope="", dtype=dtypes.float32, use_resource=None,
                 constraint=None):  # fmt: skip
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._reuse = reuse
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint

    name = property(lambda self: self._name, doc="The prefix of names.")
    original_name_scope = property(lambda self: self._name_scope, doc="The name scope it was first opened in.")
    reuse = property(lambda self: self._reuse, doc="True, False or AUTO_REUSE.")
    initializer = property(lambda self: self._initializer, doc="The default initializer.")
    dtype = property(lambda self: self._dtype, doc="The default dtype.")
    use_resource = property(lambda self: self._use_resource, doc="Whether resource variables are made.")
    regularizer = property(lambda self: self._regularizer, doc="The default regularizer.")
    caching_device = property(lambda self: self._caching_device, doc="The default caching device.")
    partitioner = property(lambda self: self._partitioner, doc="The default partitioner.")
    custom_getter = property(lambda self: self._custom_getter, doc="The default custom getter.")
    constraint = property(lambda self: self._constraint, doc="The default constraint.")

    def reuse_variables(self):
        """From here on get_variable finds variables and makes none."""
        self._reuse = True

    def set_initializer(self, initializer):
        """Sets the default initializer."""
        self._initializer = initializer

    def set_dtype(self, dtype):
        """Sets the default dtype."""
        self._dtype = dtype

    def set_use_resource(self, use_resource):
        """Sets whether resource variables are made."""
        self._use_resource = use_resource

    def set_regularizer(self, regularizer):
        """Sets the default regularizer."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device):
        """Sets the default caching device."""
        self._caching_device = caching_device

    def set_partitioner(self, partitioner):
        """Sets the default partitioner."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter):
        """Sets the default custom getter."""
        self._custom_getter = custom_getter

    def get_collection(self, name):
        """What a collection has from this scope."""
        return ops.get_collection(name, self._name + "/" if self._name else "")

    def trainable_variables(self):
        """The trainable variables of this scope."""
        return self.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self):
        """The global variables of this scope."""
        return self.get_collection(ops.GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self):
        """The local variables of this scope."""
        return self.get_collection(ops.GraphKeys.LOCAL_VARIABLES)

    def get_variable(self, var_store, name, shape=None, dtype=None, initializer=None, regularizer=None, reuse=None,
                     trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                     use_resource=None, custom_getter=None, constraint=None,
                     synchronization=VariableSynchronization.AUTO,
                     aggregation=VariableAggregation.NONE):  # fmt: skip
        """The variable of that name in this scope, of the store."""
        full_name = f"{self.name}/{name}" if self.name else name
        with ops.name_scope(None):  # names of variables come from variable scopes alone
            if dtype is not None and initializer is not None and not callable(initializer):
                init_dtype = ops.convert_to_tensor(initializer).dtype.base_dtype
                if init_dtype != dtype:
                    raise ValueError(f"Initializer type '{init_dtype}' and explicit dtype '{dtype}' don't match.")
            return var_store.get_variable(
                full_name, shape=shape, dtype=_or(dtype, self._dtype),
                initializer=_or(initializer, self._initializer), regularizer=_or(regularizer, self._regularizer),
                reuse=_or(reuse, self._reuse), trainable=trainable, collections=collections,
                caching_device=_or(caching_device, self._caching_device),
                partitioner=_or(partitioner, self._partitioner), validate_shape=validate_shape,
                use_resource=_or(use_resource, self._use_resource),
                custom_getter=_or(custom_getter, self._custom_getter), constraint=_or(constraint, self._constraint),
                synchronization=synchronization, aggregation=aggregation,
            )  # fmt: skip


class _VariableScopeStore:
    """Where a graph is: its current variable scope, and how often each name was opened."""

    def __init__(self):
        self.variable_scopes_count = {}
        self._below = {}  # the names opened below a name
        self.current_scope = VariableScope(False)

    def open_variable_scope(self, name):
        """Counts an opening."""
        if name and name not in self.variable_scopes_count:
            above = name
            while "/" in above:
                above = above.rpartition("/")[0]
                self._below.setdefault(above, []).append(name)
        self.variable_scopes_count[name] = self.variable_scopes_count.get(name, 0) + 1

    def close_variable_subscopes(self, name):
        """Forgets the openings below a scope, so that names in it start afresh the next time."""
        for key in self.variable_scopes_count if name is None else self._below.get(name, ()):
            self.variable_scopes_count[key] = 0

    def variable_scope_count(self, name):
        """How often a name was opened."""
        return self.variable_scopes_count.get(name, 0)


def _single(key, make):
    """The one object of a collection of the graph, made when it is asked for first."""
    found = ops.get_default_graph().get_collection_ref(key)
    if not found:
        found.append(make())
    return found[0]


def get_variable_scope_store():
    """The current graph's scopes."""
    return _single(_SCOPES_KEY, _VariableScopeStore)


def _get_default_variable_store():
    """The current graph's variables by name."""
    return _single(_STORE_KEY, variable_store.VariableStore)


@tf_export("get_variable_scope")
def get_variable_scope():
    """The current variable scope."""
    return get_variable_scope_store().current_scope


@contextlib.contextmanager
def with_variable_store(store):
    """Variables come from STORE within the block."""
    collection = ops.get_default_graph().get_collection_ref(_STORE_KEY)
    old = list(collection)
    collection[:] = [store]
    try:
        yield
    finally:
        collection[:] = old


@tf_export("get_variable")
def get_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=None, collections=None,
                 caching_device=None, partitioner=None, validate_shape=True, use_resource=None, custom_getter=None,
                 constraint=None, synchronization=VariableSynchronization.AUTO,
                 aggregation=VariableAggregation.NONE):  # fmt: skip
    """The variable of that name in the current variable scope: a new one, or, where the scope reuses, the old one."""
    return get_variable_scope().get_variable(
        _get_default_variable_store(), name, shape=shape, dtype=dtype, initializer=initializer,
        regularizer=regularizer, trainable=trainable, collections=collections, caching_device=caching_device,
        partitioner=partitioner, validate_shape=validate_shape, use_resource=use_resource,
        custom_getter=custom_getter, constraint=constraint, synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@tf_export("get_local_variable")
def get_local_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=False,
                       collections=None, caching_device=None, partitioner=None, validate_shape=True,
                       use_resource=None, custom_getter=None, constraint=None,
                       synchronization=VariableSynchronization.AUTO,
                       aggregation=VariableAggregation.NONE):  # fmt: skip
    """get_variable for a variable of this process: in the collection LOCAL_VARIABLES, not trainable."""
    return get_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=False,
        collections=[*(collections or ()), ops.GraphKeys.LOCAL_VARIABLES], caching_device=caching_device,
        partitioner=partitioner, validate_shape=validate_shape, use_resource=use_resource,
        custom_getter=custom_getter, constraint=constraint, synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


def variable(initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None, name=None,
             dtype=None, use_resource=None, constraint=None, synchronization=VariableSynchronization.AUTO,
             aggregation=VariableAggregation.NONE):  # fmt: skip
    """A variable, by keyword."""
    return variables.VariableV1(
        initial_value=initial_value, trainable=trainable, collections=collections, validate_shape=validate_shape,
        caching_device=caching_device, name=name, dtype=dtype, use_resource=use_resource, constraint=constraint,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


def _wrap_custom_getter(custom_getter, old_getter):
    """The inner getter, which sees the outer one as its getter."""
    if old_getter is None:
        return custom_getter

    def wrapped(getter, *args, **kwargs):
        def outer(*more, **keywords):
            return old_getter(getter, *more, **keywords)

        return custom_getter(outer, *args, **kwargs)

    return wrapped


class _pure_variable_scope:
    """A variable scope without a name scope."""

    def __init__(self, name_or_scope, reuse=None, initializer=None, regularizer=None, caching_device=None,
                 partitioner=None, custom_getter=None, old_name_scope=None, dtype=dtypes.float32, use_resource=None,
                 constraint=None):  # fmt: skip
        self._given = name_or_scope
        self._store = get_variable_scope_store()
        is_scope = isinstance(name_or_scope, VariableScope)
        self._old = old = self._store.current_scope
        if is_scope:
            self._new_name = name_or_scope.name
            base = copy.copy(name_or_scope)
            base._name_scope = name_or_scope._name_scope if old_name_scope is None else old_name_scope
            base._reuse = reuse if reuse else name_or_scope.reuse
        else:
            self._new_name = f"{old.name}/{name_or_scope}" if old.name else name_or_scope
            base = copy.copy(old)
            base._name = self._new_name
            base._name_scope = old_name_scope or name_or_scope
            base._reuse = reuse or old.reuse
        given = {"initializer": initializer, "regularizer": regularizer, "caching_device": caching_device,
                     "partitioner": partitioner, "dtype": dtype, "use_resource": use_resource,
                     "constraint": constraint}  # fmt: skip
        for key, value in given.items():
            if value is not None:
                setattr(base, "_" + key, value)
        if custom_getter is not None:
            base._custom_getter = _wrap_custom_getter(custom_getter, base.custom_getter)
        self._scope = base

    def __enter__(self):
        store = self._store
        self._old = store.current_scope
        if isinstance(self._given, VariableScope):
            self._old_counts = copy.copy(store.variable_scopes_count)
            store.open_variable_scope(self._new_name)
        else:
            store.open_variable_scope(self._new_name)
        store.current_scope = self._scope
        return self._scope

    def __exit__(self, *_):
        store = self._store
        store.close_variable_subscopes(self._new_name)
        if isinstance(self._given, VariableScope):
            store.variable_scopes_count = self._old_counts
        store.current_scope = self._old


def _get_unique_variable_scope(prefix):
    """PREFIX, or PREFIX_1 ... where the current scope has opened it already."""
    store = get_variable_scope_store()
    current = get_variable_scope()
    name = f"{current.name}/{prefix}" if current.name else prefix
    if store.variable_scope_count(name) == 0:
        return prefix
    index = 1
    while store.variable_scope_count(f"{name}_{index}") > 0:
        index += 1
    return f"{prefix}_{index}"


@tf_export("variable_scope")
class variable_scope:
    """A `with` block: variables and ops in it are named under a scope, with defaults for get_variable."""

    def __init__(self, name_or_scope, default_name=None, values=None, initializer=None, regularizer=None,
                 caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None, use_resource=None,
                 constraint=None, auxiliary_name_scope=True):  # fmt: skip
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if name_or_scope is not None and not isinstance(name_or_scope, (str, VariableScope)):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        if reuse not in (None, False, True, AUTO_REUSE):
            raise ValueError(f"The reuse parameter must be True or False or None. Got {reuse}")
        if name_or_scope is None and reuse is True:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._values = [] if values is None else values
        self._arguments = {
            "initializer": initializer, "regularizer": regularizer, "caching_device": caching_device,
            "partitioner": partitioner,
            "custom_getter": custom_getter, "reuse": reuse, "dtype": dtype, "use_resource": use_resource,
            "constraint": constraint,
        }  # fmt: skip
        self._auxiliary_name_scope = auxiliary_name_scope
        self._graph = ops._get_graph_from_inputs(self._values)

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        try:
            return self._enter()
        except BaseException:
            self._stack.close()
            raise

    def _enter(self):
        enter = self._stack.enter_context
        if self._graph is not None and self._graph is not ops.get_default_graph():
            enter(self._graph.as_default())
        given = self._name_or_scope
        name_scope = None
        if not self._auxiliary_name_scope:
            current = ops.get_default_graph().get_name_scope()
            name_scope = enter(ops.name_scope(current + "/" if current else None))
        if given is None:
            if name_scope is None:
                name_scope = enter(ops.name_scope(self._default_name))
            unique = _get_unique_variable_scope(self._default_name)
            return enter(_pure_variable_scope(unique, old_name_scope=name_scope, **self._arguments))
        if name_scope is None:
            short = given if isinstance(given, str) else given.name.split("/")[-1]
            if short:
                name_scope = enter(ops.name_scope(short))
        if name_scope is None:
            return enter(_pure_variable_scope(given, **self._arguments))
        old = name_scope if isinstance(given, str) else given.original_name_scope
        return enter(_pure_variable_scope(given, old_name_scope=old, **self._arguments))

    def __exit__(self, *details):
        return self._stack.__exit__(*details)


@tf_export("variable_op_scope")
@contextlib.contextmanager
def variable_op_scope(values, name_or_scope, default_name=None, initializer=None, regularizer=None,
                      caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None,
                      use_resource=None, constraint=None):  # fmt: skip
    """The old form of variable_scope, with `values` first."""
    with variable_scope(
        name_or_scope, default_name=default_name, values=values, initializer=initializer, regularizer=regularizer,
        caching_device=caching_device, partitioner=partitioner, custom_getter=custom_getter, reuse=reuse, dtype=dtype,
        use_resource=use_resource, constraint=constraint,
    ) as scope:  # fmt: skip
        yield scope


@tf_export("variable_creator_scope")
@contextlib.contextmanager
def variable_creator_scope(variable_creator):
    """Variables made in the block come from `variable_creator(next_creator, **kwargs)`."""
    stack = variables.creator_stack()
    stack.append(variable_creator)
    try:
        yield
    finally:
        stack.pop()


variable_creator_scope_v1 = variable_creator_scope
default_variable_creator = variables.default_variable_creator
