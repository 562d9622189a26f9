"""The default graph and session, conversion to tensors, registries, and the functions that act on the default graph."""

import itertools
import threading
from contextlib import contextmanager, nullcontext
from importlib import import_module

from tenon.python.framework import dtypes, errors
from tenon.python.framework.graph import Graph
from tenon.python.framework.op_keys import GraphKeys
from tenon.python.framework.tensor import IndexedSlices, Operation, Tensor, _TensorLike
from tenon.python.util.tf_export import tf_export

__all__ = ["Graph", "GraphKeys", "IndexedSlices", "Operation", "Tensor", "errors"]
EagerTensor = ()  # what is an instance of it: nothing, until eager execution is enabled


def register_dense_tensor_like_type(tensor_type):
    """Nothing: whatever has `dtype` and `_as_graph_element` is like a tensor."""


# --- the default graph and session ---


class _DefaultStack(threading.local):
    """Of each thread, what `with` blocks made the default, innermost last."""

    def __init__(self):
        self.stack = []
        self.enforce_nesting = True

    def get_default(self):
        return self.stack[-1] if self.stack else None

    def is_cleared(self):
        return not self.stack

    def reset(self):
        self.stack = []

    @contextmanager
    def get_controller(self, default):
        self.stack.append(default)
        try:
            yield default
        finally:
            if self.stack:
                if self.enforce_nesting and self.stack[-1] is not default:
                    raise AssertionError(f"Nesting violated for default stack of {type(default)} objects")
                self.leave(default)

    def leave(self, item):
        """Takes off the innermost ITEM, as it may be there more than once."""
        del self.stack[len(self.stack) - 1 - self.stack[::-1].index(item)]


class _DefaultGraphStack(_DefaultStack):
    """The same for graphs; there is always one, which threads share."""

    shared = None

    def get_default(self):
        stack = self.stack
        return stack[-1] if stack else self.global_default()

    def global_default(self):
        if _DefaultGraphStack.shared is None:
            _DefaultGraphStack.shared = Graph()
        return _DefaultGraphStack.shared

    def reset(self):
        super().reset()
        if EagerTensor == ():  # eager execution goes on
            _DefaultGraphStack.shared = None


_default_session_stack = _DefaultStack()
_default_graph_stack = _DefaultGraphStack()


@tf_export("get_default_graph")
def get_default_graph():
    """The Graph that new operations of this thread belong to."""
    stack = _default_graph_stack.stack
    return stack[-1] if stack else _default_graph_stack.global_default()


@tf_export("reset_default_graph")
def reset_default_graph():
    """Replaces the default graph by an empty one. AssertionError inside `with graph.as_default()`."""
    if _default_graph_stack.stack:
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, "
                             "exit the nesting and create a new graph.")  # fmt: skip
    _default_graph_stack.reset()


def has_default_graph():
    """True if a graph was made the default in this thread."""
    return bool(_default_graph_stack.stack)


@tf_export("get_default_session")
def get_default_session():
    """The session that eval() and run() use in this thread, or None."""
    return _default_session_stack.get_default()


def default_session(session):
    """A `with` block in which SESSION is the default one."""
    return _default_session_stack.get_controller(session)


def _session_for(graph, session, what):
    if session is None:
        session = get_default_session()
        if session is None:
            raise ValueError(f"Cannot {what} using the default session: No default session is registered. Use `with "
                             "sess.as_default()` or pass an explicit session to the call.")  # fmt: skip
        if session.graph is not graph:
            raise ValueError(f"Cannot use the default session to {what}: it holds another graph. Pass an explicit "
                             "session to the call.")  # fmt: skip
    elif session.graph is not graph:
        raise ValueError(f"Cannot use the given session to {what}: its graph is another one.")
    return session


def _eval_using_default_session(tensors, feed_dict, graph, session=None):
    return _session_for(graph, session, "evaluate tensor").run(tensors, feed_dict)


def _run_using_default_session(operation, feed_dict, graph, session=None):
    _session_for(graph, session, "execute operation").run(operation, feed_dict)


def _get_graph_from_inputs(op_input_list, graph=None):
    """The graph of the inputs; the default one if they name none. ValueError if they are of different graphs."""
    default = get_default_graph()
    if default.building_function:
        return default
    found = graph
    first = None
    for item in op_input_list:
        if EagerTensor != () and isinstance(item, EagerTensor) and default._tensor_class is not EagerTensor:
            continue  # a constant in this graph
        item_graph = getattr(item, "graph", None)
        if not isinstance(item_graph, Graph):
            continue
        if found is None:
            found, first = item_graph, item
        elif item_graph is not found:
            raise ValueError(f"{item} must be from the same graph as {first if first is not None else found}.")
    return found or default


# --- execution modes ---

GRAPH_MODE, EAGER_MODE = 0, 1


@tf_export("executing_eagerly")
def executing_eagerly():
    """True where operations run at once."""
    return EagerTensor != () and get_default_graph()._tensor_class is EagerTensor


def executing_eagerly_with(tensor):
    """True if TENSOR has a value already."""
    return isinstance(tensor, EagerTensor)


@tf_export("executing_eagerly_outside_functions")
def executing_eagerly_outside_functions():
    """True if eager execution is enabled and no graph is being built."""
    return executing_eagerly()


@contextmanager
def init_scope():
    """A `with` block outside of functions, loops and dependencies."""
    graph = get_default_graph()
    while graph.building_function and graph.outer_graph is not None:
        graph = graph.outer_graph
    scope = graph.name_scope_now()
    with graph.as_default(), graph.control_dependencies(None), name_scope(scope + "/" if scope else None):
        yield


tf_export("init_scope")(init_scope)


# --- conversion ---

_conversions = {}  # priority: [(types, function)]
_conversion_cache = {}


@tf_export("register_tensor_conversion_function")
def register_tensor_conversion_function(base_type, conversion_func, priority=100):
    """Values of BASE_TYPE become tensors by conversion_func(value, dtype=None, name=None, as_ref=False)."""
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not all(isinstance(t, type) for t in types):
        raise TypeError("base_type must be a type or a tuple of types.")
    _conversions.setdefault(priority, []).append((types, conversion_func))
    _conversion_cache.clear()


def _functions_for(kind):
    found = _conversion_cache.get(kind)
    if found is None:
        import_module("tenon.python.framework.constant_op")  # these register what they convert
        import_module("tenon.python.framework.indexed_slices")
        found = [function for priority in sorted(_conversions) for types, function in _conversions[priority]
                 if issubclass(kind, types)]  # fmt: skip
        _conversion_cache[kind] = found
    return found


def _same_dtype(value, dtype, as_ref):
    if dtype is not None and not dtype.is_compatible_with(value.dtype.base):
        raise ValueError(f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {value.dtype.name}: "
                         f"{value!r}")  # fmt: skip
    return value


def internal_convert_to_tensor(value, dtype=None, name=None, as_ref=False, preferred_dtype=None, ctx=None,
                               accept_symbolic_tensors=True, accept_composite_tensors=False):  # fmt: skip
    """VALUE as a Tensor of the default graph; AS_REF: a variable gives its reference."""
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, Tensor):
        graph = get_default_graph()
        if (
            EagerTensor != ()
            and isinstance(value, EagerTensor)
            and graph._tensor_class is not EagerTensor
            and (value.dtype.is_numpy_compatible)
        ):
            value = import_module("tenon.python.framework.constant_op").constant(value.numpy(), name=name or "Const")
        if graph.building_function and value.graph is not graph:
            value = graph.capture(value, name=name)
        return _same_dtype(value, dtype, as_ref)
    if preferred_dtype is not None:
        preferred_dtype = dtypes.as_dtype(preferred_dtype)
    for function in _functions_for(type(value)):
        result = None
        if dtype is None and preferred_dtype is not None:
            try:
                result = function(value, dtype=preferred_dtype, name=name, as_ref=as_ref)
            except (TypeError, ValueError):
                result = NotImplemented
            if result is NotImplemented or result.dtype.base is not preferred_dtype.base:
                result = None
        if result is None:
            result = function(value, dtype=dtype, name=name, as_ref=as_ref)
        if result is not NotImplemented:
            return result
    raise TypeError(f"Cannot convert {value!r} with type {type(value)} to Tensor: no conversion function registered.")


@tf_export("convert_to_tensor")
def convert_to_tensor(value, dtype=None, name=None, preferred_dtype=None, dtype_hint=None):
    """VALUE (numbers, lists, arrays, variables, ...) as a Tensor of DTYPE, or of PREFERRED_DTYPE if that works."""
    if type(value) is Tensor and dtype is None:
        return value if not get_default_graph().building_function else internal_convert_to_tensor(value, None, name)
    return internal_convert_to_tensor(value, dtype, name, False, preferred_dtype or dtype_hint)


def convert_n_to_tensor(values, dtype=None, name=None, preferred_dtype=None):
    """A list of values as a list of Tensors."""
    return internal_convert_n_to_tensor(values, dtype, name, False, preferred_dtype)


def internal_convert_n_to_tensor(values, dtype=None, name=None, as_ref=False, preferred_dtype=None, ctx=None):
    """As convert_n_to_tensor; AS_REF: variables give their references."""
    if not isinstance(values, (list, tuple)):
        raise TypeError("values must be a sequence.")
    return [internal_convert_to_tensor(value, dtype, None if name is None else f"{name}_{i}", as_ref, preferred_dtype)
            for i, value in enumerate(values)]  # fmt: skip


@tf_export("convert_to_tensor_or_indexed_slices")
def convert_to_tensor_or_indexed_slices(value, dtype=None, name=None):
    """VALUE as a Tensor, unless it is IndexedSlices (or another sparse thing) already."""
    return internal_convert_to_tensor_or_indexed_slices(value, dtype, name)


def internal_convert_to_tensor_or_indexed_slices(value, dtype=None, name=None, as_ref=False):
    """The same; AS_REF: a variable gives its reference."""
    from tenon.python.framework.sparse_tensor import SparseTensor

    if isinstance(value, (IndexedSlices, SparseTensor)):
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype "
                             f"{value.dtype.name}: {value}")  # fmt: skip
        return value
    return internal_convert_to_tensor(value, dtype, name, as_ref)


def convert_n_to_tensor_or_indexed_slices(values, dtype=None, name=None):
    """A list of values, each as a Tensor or IndexedSlices; None stays None."""
    return internal_convert_n_to_tensor_or_indexed_slices(values, dtype, name)


def internal_convert_n_to_tensor_or_indexed_slices(values, dtype=None, name=None, as_ref=False):
    """The same; AS_REF: variables give their references."""
    return [None if value is None else internal_convert_to_tensor_or_indexed_slices(
                value, dtype, None if name is None else f"{name}_{i}", as_ref)
            for i, value in enumerate(values)]  # fmt: skip


convert_to_tensor_or_composite = convert_to_tensor_or_indexed_slices


@tf_export("is_tensor", "contrib.framework.is_tensor")
def is_tensor(x):
    """True for Tensors, variables, SparseTensors and the like."""
    return isinstance(x, _TensorLike) or is_dense_tensor_like(x) or hasattr(x, "is_tensor_like")


def is_dense_tensor_like(t):
    """True for Tensors and variables."""
    return isinstance(t, Tensor) or hasattr(t, "_as_graph_element") and hasattr(t, "dtype")


# --- registries ---


class _Registry:
    """Functions by name."""

    def __init__(self, what):
        self.what = what
        self.functions = {}

    def register(self, function, name):
        if name in self.functions:
            raise KeyError(f"Registering two {self.what} with name '{name}'!")
        self.functions[name] = function

    def get(self, name):
        return self.functions.get(name)

    def lookup(self, name):
        if name not in self.functions:
            raise LookupError(f"{self.what} registry has no entry for: {name}")
        return self.functions[name]

    def list(self):
        return list(self.functions)


gradient_registry = _gradient_registry = _Registry("gradient")


@tf_export("RegisterGradient")
class RegisterGradient:
    """@tf.RegisterGradient("Name"): function(op, *grads) is the gradient of nodes that Graph.gradient_override_map
    sends to Name."""

    def __init__(self, op_type):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f):
        gradient_registry.register(f, self._op_type)
        return f


@tf_export("no_gradient", "NoGradient", "NotDifferentiable")
def no_gradient(op_type):
    """Says that nodes sent to OP_TYPE have no gradient."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    gradient_registry.register(lambda op, *_: [None] * len(op.inputs), op_type)


NotDifferentiable = NoGradient = no_gradient


def get_gradient_function(op):
    """The user's gradient function that applies to OP, None if the core's own does."""
    try:
        name = op.get_attr("_gradient_op_type").decode()
    except ValueError:
        name = op.type
    return gradient_registry.get(name)


# --- what acts on the default graph ---


@tf_export("device")
def device(device_name_or_function):
    """A `with` block for operations on a device: a name, a function of the operation, or None."""
    return get_default_graph().device(device_name_or_function)


@tf_export("container")
def container(container_name):
    """A `with` block whose variables, queues and tables live in the container called CONTAINER_NAME."""
    return get_default_graph().container(container_name)


def colocate_with(op, ignore_existing=False):
    """A `with` block whose operations go where OP is."""
    return get_default_graph().colocate_with(op, ignore_existing)


tf_export("colocate_with")(colocate_with)


@contextmanager
def _colocate_with_for_gradient(op, gradient_uid, ignore_existing=False):
    with get_default_graph().colocate_with(op, ignore_existing):
        yield


@tf_export("control_dependencies")
def control_dependencies(control_inputs):
    """A `with` block whose operations run after CONTROL_INPUTS; None takes all dependencies away."""
    if EagerTensor != () and executing_eagerly():
        if callable(control_inputs):
            control_inputs()
        return nullcontext()
    return get_default_graph().control_dependencies(control_inputs)


@tf_export("name_scope")
class name_scope:
    """A `with` block whose operations are called NAME/... (or DEFAULT_NAME/... if NAME is None); yields the scope.

    VALUES are the tensors that the block will use: they decide the graph.
    """

    def __init__(self, name, default_name=None, values=None):
        if not (default_name is None or isinstance(default_name, str)):
            raise TypeError(f"`default_name` type ({type(default_name)}) is not a string type. You likely meant to "
                            "pass this into the `values` kwarg.")  # fmt: skip
        self._name = default_name if name is None else name
        self._given = name
        self._values = values

    @property
    def name(self):
        """The name that was asked for."""
        return self._name

    def __enter__(self):
        if self._name is None and self._values is not None:
            raise ValueError(f"At least one of name ({self._given}) and default_name must be provided.")
        graph = _get_graph_from_inputs(self._values) if self._values else get_default_graph()
        self._graph = graph if graph is not get_default_graph() else None
        if self._graph is not None:
            _default_graph_stack.stack.append(graph)
        self._scope = graph
        try:
            return graph._enter_name_scope(self._name)
        except BaseException:
            self._leave()
            raise

    def _leave(self):
        if self._graph is not None:
            _default_graph_stack.leave(self._graph)

    def __exit__(self, *error):
        self._scope.pop_name_scope()
        self._leave()
        return False


name_scope_v1 = name_scope


@tf_export("op_scope")
@contextmanager
def op_scope(values, name, default_name=None):
    """The name scope of a function of VALUES called NAME: the old order of arguments."""
    with name_scope(name, default_name=default_name, values=values) as scope:
        yield scope


def name_from_scope_name(name):
    """NAME without the '/' at its end."""
    return name[:-1] if name and name[-1] == "/" else name


def strip_name_scope(name, export_scope):
    """NAME without EXPORT_SCOPE before it."""
    if not export_scope:
        return name
    if export_scope[-1] == "/":
        export_scope = export_scope[:-1]
    import re

    return re.sub(r"([\^]|loc:@|^)" + re.escape(export_scope) + r"[\/]+(.*)", r"\1\2", name, count=1)


def prepend_name_scope(name, import_scope):
    """NAME with IMPORT_SCOPE before it."""
    if not import_scope:
        return name
    if import_scope[-1] == "/":
        import_scope = import_scope[:-1]
    for lead in ("loc:@", "^"):
        if name.startswith(lead):
            return f"{lead}{import_scope}/{name[len(lead) :]}"
    return f"{import_scope}/{name}"


@tf_export("add_to_collection")
def add_to_collection(name, value):
    """Appends VALUE to the default graph's collection called NAME."""
    get_default_graph().add_to_collection(name, value)


@tf_export("add_to_collections")
def add_to_collections(names, value):
    """Appends VALUE to each of the default graph's collections NAMES."""
    get_default_graph().add_to_collections(names, value)


@tf_export("get_collection_ref")
def get_collection_ref(key):
    """The collection called KEY itself, which may be changed."""
    return get_default_graph().get_collection_ref(key)


@tf_export("get_collection")
def get_collection(key, scope=None):
    """A copy of the collection; with SCOPE only items whose names begin so."""
    return get_default_graph().get_collection(key, scope)


def get_all_collection_keys():
    """The names of the default graph's collections."""
    return get_default_graph().get_all_collection_keys()


def dismantle_graph(graph):
    """Nothing: graphs are freed with their last reference."""


def get_name_scope():
    """The default graph's present name scope."""
    return get_default_graph().get_name_scope()


def _operation_conversion_error(op, dtype=None, name=None, as_ref=False):
    raise TypeError(f"Can't convert Operation '{op.name}' to Tensor (target dtype={dtype!r}, name={name!r}, "
                    f"as_ref={as_ref!r})")  # fmt: skip


register_tensor_conversion_function(Operation, _operation_conversion_error, 0)


_proto_functions = {}  # collection name: (message type, to_proto, from_proto)


def register_proto_function(collection_name, proto_type=None, to_proto=None, from_proto=None):
    """How the items of a collection are written into and read from meta graphs."""
    if to_proto and not callable(to_proto):
        raise TypeError("to_proto must be callable.")
    if from_proto and not callable(from_proto):
        raise TypeError("from_proto must be callable.")
    _proto_functions[collection_name] = (proto_type, to_proto, from_proto)


def get_collection_proto_type(collection_name):
    """The message type of a collection's items, None if none was registered."""
    return _proto_functions.get(collection_name, (None,) * 3)[0]


def get_to_proto_function(collection_name):
    """The function that writes a collection's items, or None."""
    return _proto_functions.get(collection_name, (None,) * 3)[1]


def get_from_proto_function(collection_name):
    """The function that reads a collection's items, or None."""
    return _proto_functions.get(collection_name, (None,) * 3)[2]


_uids = itertools.count(1)


def uid():
    """A number that no other call in this process has got."""
    return next(_uids)
