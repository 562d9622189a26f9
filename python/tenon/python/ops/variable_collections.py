"""The collections that variables are in, ops that initialize them, and what of a first value depends on other
variables."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, math_ops, state_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

_KEYS = ops.GraphKeys


@tf_export("global_variables")
def global_variables(scope=None):
    """The variables that all workers share."""
    return ops.get_collection(_KEYS.GLOBAL_VARIABLES, scope)


@tf_export("all_variables")
@deprecated("2017-03-02", "Please use tf.global_variables instead.")
def all_variables():
    """The old name of global_variables."""
    return global_variables()


def _all_saveable_objects(scope=None):
    """Variables and other things that a Saver saves when it is not told."""
    return ops.get_collection(_KEYS.GLOBAL_VARIABLES, scope) + ops.get_collection(_KEYS.SAVEABLE_OBJECTS, scope)


@tf_export("local_variables")
def local_variables(scope=None):
    """The variables of this process alone; they are not saved."""
    return ops.get_collection(_KEYS.LOCAL_VARIABLES, scope)


@tf_export("model_variables")
def model_variables(scope=None):
    """The variables that a model's inference uses."""
    return ops.get_collection(_KEYS.MODEL_VARIABLES, scope)


@tf_export("trainable_variables")
def trainable_variables(scope=None):
    """The variables that optimizers change when nothing else is said."""
    return ops.get_collection(_KEYS.TRAINABLE_VARIABLES, scope)


@tf_export("moving_average_variables")
def moving_average_variables(scope=None):
    """The variables whose moving averages are kept."""
    return ops.get_collection(_KEYS.MOVING_AVERAGE_VARIABLES, scope)


@tf_export("initializers.variables", "variables_initializer")
def variables_initializer(var_list, name="init"):
    """An op that initializes the variables."""
    if var_list:
        return control_flow_ops.group(*[v.initializer for v in var_list], name=name)
    return control_flow_ops.no_op(name=name)


@tf_export("initialize_variables")
@deprecated("2017-03-02", "Use `tf.variables_initializer` instead.")
def initialize_variables(var_list, name="init"):
    """The old name of variables_initializer."""
    return variables_initializer(var_list, name=name)


@tf_export("initializers.global_variables", "global_variables_initializer")
def global_variables_initializer():
    """An op that initializes all global variables."""
    return variables_initializer(global_variables())


@tf_export("initialize_all_variables")
@deprecated("2017-03-02", "Use `tf.global_variables_initializer` instead.")
def initialize_all_variables():
    """The old name of global_variables_initializer."""
    return global_variables_initializer()


@tf_export("initializers.local_variables", "local_variables_initializer")
def local_variables_initializer():
    """An op that initializes all local variables."""
    return variables_initializer(local_variables())


@tf_export("initialize_local_variables")
@deprecated("2017-03-02", "Use `tf.local_variables_initializer` instead.")
def initialize_local_variables():
    """The old name of local_variables_initializer."""
    return local_variables_initializer()


@tf_export("is_variable_initialized")
def is_variable_initialized(variable):
    """A boolean tensor: whether the variable has a value."""
    return state_ops.is_variable_initialized(variable)


def _variable_nodes():
    """The variables made by hand, for graphs without the collections."""
    kinds = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp")
    return [op.outputs[0] for op in ops.get_default_graph().get_operations() if op.type in kinds]


@tf_export("assert_variables_initialized")
def assert_variables_initialized(var_list=None):
    """An op that fails where a variable has no value; None without variables."""
    if var_list is None:
        var_list = global_variables() + local_variables() or _variable_nodes()
    if not var_list:
        return None
    ranks = []
    for variable in var_list:
        with ops.colocate_with(variable.op):
            ranks.append(array_ops.rank_internal(variable, optimize=False))
    return ranks[0] if len(ranks) == 1 else array_ops.stack(ranks)


@tf_export("report_uninitialized_variables")
def report_uninitialized_variables(var_list=None, name="report_uninitialized_variables"):
    """A 1-D string tensor with the names of the variables that have no value."""
    if var_list is None:
        var_list = global_variables() + local_variables() or _variable_nodes()
    with ops.name_scope(name), ops.device("/cpu:0"):
        if not var_list:
            return array_ops.constant([], dtype=dtypes.string)
        missing = math_ops.logical_not(array_ops.stack([state_ops.is_variable_initialized(v) for v in var_list]))
        names = array_ops.constant([v.op.name for v in var_list])
        return array_ops.boolean_mask(names, missing)


def _initialized_value_of(name):
    """The initialized_value of the variable whose node is called NAME, None if there is none."""
    graph = ops.get_default_graph()
    for key in (_KEYS.GLOBAL_VARIABLES, _KEYS.LOCAL_VARIABLES):
        for variable in graph.get_collection_ref(key):
            if variable.name in (name, name + ":0"):
                return variable.initialized_value()
    return None


_SAFE = ("IsVariableInitialized", "VarIsInitializedOp", "ReadVariableOp", "If")
_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")


def _has_cycle(op, state):
    """Whether the op depends on itself, as in a loop. STATE: name to 1 (being looked at) or 2 (done)."""
    seen = state.get(op.name)
    if seen is not None:
        return seen == 1
    state[op.name] = 1
    for source in [t.op for t in op.inputs] + list(op.control_inputs):
        if _has_cycle(source, state):
            return True
    state[op.name] = 2
    return False


def _safe_op(name, op, cache):
    """The op, or a copy of it that reads initialized values where it read variables."""
    if op.type in _SAFE:
        return op
    if op.type in _VARIABLES:
        value = _initialized_value_of(op.name)
        return op if value is None else value.op
    inputs = [_safe_tensor(name, t, cache) for t in op.inputs]
    if all(a is b for a, b in zip(inputs, op.inputs)):
        return op
    attrs = dict(op.node_def.attr.items())
    kind = "Switch" if op.type == "RefSwitch" else op.type
    with ops.name_scope(None):
        return op.graph.create_op(kind, inputs, name=f"{op.name}_{name}", attrs=attrs)


def _safe_tensor(name, tensor, cache):
    op = tensor.op
    if op not in cache:
        cache[op] = _safe_op(name, op, cache)
    found = cache[op]
    return found.outputs[tensor.value_index] if len(found.outputs) > tensor.value_index else tensor


def guard_initial_value(name, value):
    """A first value that may use other variables, whatever the order they are initialized in."""
    # The common case first: nothing upstream is a variable, and the graph is not walked twice.
    stack, seen, found = [value.op], set(), False
    while stack and not found:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        found = op.type in _VARIABLES and op.name != name
        if op.type not in _SAFE:
            stack.extend(t.op for t in op.inputs)
    if not found or _has_cycle(value.op, {}):
        return value
    return _safe_tensor(name, value, {})


_WRITERS = ("Assign", "Scatter", "Apply", "SparseApply", "CountUpTo", "StridedSliceAssign")


def _written(op, cache):
    """The variables' nodes that an operation, or what runs before it, writes."""
    found = cache.get(op)
    if found is None:
        written, stack, seen = set(), [op], {op}
        while stack:
            node = stack.pop()
            inputs = [t.op for t in node.inputs]
            if node.type.startswith(_WRITERS):
                written.update(source for source in inputs if source.type in _VARIABLES)
            for source in inputs + node.control_inputs:
                if source not in seen:
                    seen.add(source)
                    stack.append(source)
        found = cache[op] = frozenset(written)
    return found


def written_before(variable_op):
    """Whether what is made now runs after an update of the variable: then it must see the new value."""
    graph = variable_op.graph
    if not graph._control_stack or graph._get_control_flow_context() is not None:
        return False
    cache = graph.__dict__.setdefault("_writes_before", {})
    return any(variable_op in _written(op, cache) for op in graph._current_control_dependencies())
