"""Session and InteractiveSession: steps of a graph."""

import sys
import threading

import numpy as np

from tenon import _core
from tenon._convert import to_numpy
from tenon.python.client.fetches import Mapping, feed_parts, freeze, register_session_run_conversion_functions
from tenon.python.framework import dtypes, errors, ops
from tenon.python.framework.graph import Graph
from tenon.python.framework.tensor import Operation, Tensor
from tenon.python.util.tf_export import tf_export

_STEPS = 256  # resolved steps that a session keeps
__all__ = ["InteractiveSession", "Session", "register_session_run_conversion_functions"]


class _Step:
    """A resolved step: the core's callable, what is fed, and how the results become what was asked for."""

    __slots__ = ("build", "core", "dims", "dtypes", "feeds", "fetched", "run", "simple", "single")

    def __init__(self, core, feeds, mapping, simple):
        self.core = core
        self.run = core.run
        self.feeds = feeds
        self.dims = [feed._shape_tuple() for feed in feeds]
        self.dtypes = [feed.dtype.base for feed in feeds]
        self.build = mapping.build
        self.fetched = [isinstance(item, Tensor) for item in mapping.items]
        self.simple = simple  # what is fed is one tensor for each key, in order

    def results(self, values):
        return self.build([to_numpy(v) if is_tensor else None for v, is_tensor in zip(values, self.fetched)])


def _is_session_handle(item):
    return isinstance(item, Tensor) and item.dtype is dtypes.string and item.op.type == "GetSessionHandle"


def _array(value, tensor, dtype, dims):
    """VALUE as it is fed for TENSOR; errors as TensorFlow's."""
    if type(value) is np.ndarray:
        shape = value.shape
    else:
        if isinstance(value, (Tensor, Operation)):
            raise TypeError("The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
                            "scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the object "
                            f"was {value!r} which was passed to the feed with key {tensor!r}.")  # fmt: skip
        if isinstance(value, _core.Value):
            return value
        if hasattr(value, "get_raw_handle"):  # a TensorHandle
            return _array(value.eval(), tensor, dtype, dims)
        if dtype is dtypes.string:
            value = np.array(value, dtype=object) if not isinstance(value, np.ndarray) else value
        elif dtype.name in ("resource", "variant"):
            return value
        else:
            if isinstance(value, int) and not isinstance(value, bool) and dtype.is_integer:
                if not dtype.min <= value <= dtype.max:
                    raise TypeError(f"Type of feed value {value} with type {type(value)} is not compatible with Tensor "
                                    f"type {dtype.as_numpy_dtype}. Try explicitly setting the type of the feed tensor "
                                    "to a larger type (e.g. int64).")  # fmt: skip
            value = np.asarray(value, dtype=dtype.numpy)
        shape = value.shape
    if dims is not None and shape != dims:
        if len(shape) != len(dims) or any(d is not None and d != s for d, s in zip(dims, shape)):
            raise ValueError(f"Cannot feed value of shape {shape} for Tensor {tensor.name!r}, which has shape "
                             f"{str(tensor.shape)!r}")  # fmt: skip
    return value


class BaseSession:
    """Runs a graph and holds its state. Thread-safe."""

    def __init__(self, target="", graph=None, config=None):
        if graph is None:
            graph = ops.get_default_graph()
        elif not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if isinstance(target, bytes):
            target = target.decode()
        if not isinstance(target, str):
            raise TypeError(f"target must be a string, but got {type(target)}")
        if config is not None and type(config).__name__ != "ConfigProto":
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        self._graph = graph
        self._target = target
        self._config = config
        self._closed = False
        self._steps = {}
        self._partial = {}
        self._default_stack = threading.local()
        self._made = None
        self._timeout = int(getattr(config, "operation_timeout_in_ms", 0) or 0)
        self._options = self._settings(config)
        self._making = threading.Lock()
        self._watch = None  # who tells its steps, where this task is watched; False: not this session
        if target.startswith("grpc://"):
            serialized = config.SerializeToString() if config is not None else b""
            self._options = (*self._options, target, serialized)
        elif target not in ("", "local"):
            message = f'No session factory registered for the given session options: {{target: "{target}"}}'
            raise errors.NotFoundError(None, None, message)

    @staticmethod
    def _settings(config):
        """The arguments of the core's session after the graph."""
        if config is None:
            return 0, 0, None, False, False, 1, False
        level = config.graph_options.optimizer_options.opt_level
        return (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads,
                "all" if level < 0 else None, False, config.allow_soft_placement,
                config.device_count.get("CPU", 1), config.log_device_placement)  # fmt: skip

    @property
    def _core(self):
        core = self._made
        if core is None:
            with self._making:
                core = self._made
                if core is None:
                    core = self._made = _core.Session(self._graph, *self._options)
        return core

    @property
    def graph(self):
        """The Graph that it runs."""
        return self._graph

    @property
    def graph_def(self):
        """The graph as a GraphDef."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self):
        """The target."""
        return self._target

    def list_devices(self):
        """The devices that steps may use."""
        from tenon.python.client.devices import session_devices

        return session_devices(self._core.devices())

    def close(self):
        """Frees what the session holds and cancels running steps; later ones fail."""
        if self._watch:
            self._watch.closing()
        self._closed = True
        if self._made is not None:
            self._made.close()

    def as_default(self):
        """A `with` block in which eval() and run() use this session. It is not closed at the end."""
        return ops.default_session(self)

    # --- steps ---

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        """One step. FETCHES: a tensor, an operation, a name, or nested lists, tuples and dicts of them; FEED_DICT:
        values for tensors. Returns NumPy arrays in the same structure, None for operations."""
        try:
            step = self._steps[(fetches, *feed_dict) if feed_dict else (fetches,)]
        except (KeyError, TypeError):
            step = self._step(fetches, feed_dict)
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        values = ()
        if feed_dict:
            values = feed_dict.values()
            if not step.simple:
                values = [v for key, value in feed_dict.items() for _, v in feed_parts(key, value)]
            values = map(_array, values, step.feeds, step.dtypes, step.dims)
        try:
            if options is None and run_metadata is None and not self._timeout:
                return step.results(step.run(*values))
            return self._run_with(step, tuple(values), options, run_metadata)
        except errors.OpError as error:
            raise self._explained(error) from None

    def _run_with(self, step, values, options, metadata):
        timeout = getattr(options, "timeout_in_ms", 0) or self._timeout
        trace = int(options is not None and options.trace_level > 0 and metadata is not None)
        results, made = step.core.run_with(values, (timeout, trace, None))
        if made is not None and metadata is not None:
            from tenon.python.framework.proto import StepStats

            metadata.step_stats.CopyFrom(StepStats.FromString(made[0]))
        return step.results(results)

    def _explained(self, error):
        """ERROR with the operation that it names."""
        name = error.node_name
        id = self._graph.find(name) if name else None
        if id is not None and error._op is None:
            error._op = self._graph._operation(id)
        return error

    def _step(self, fetches, feed_dict):
        """The resolved step, from the cache if FETCHES has a form that can be a key there."""
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if self._graph.n_nodes() == 0:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")
        try:
            key = (freeze(fetches), *(feed_dict or ()))
            step = self._steps.get(key)
        except TypeError:
            key = step = None
        if step is None:
            step = self._resolve(fetches, feed_dict)
            if key is not None:
                if len(self._steps) >= _STEPS:
                    self._steps.clear()
                self._steps[key] = step
        if key is not None and not isinstance(fetches, (list, dict, tuple)):
            self._steps[(fetches, *(feed_dict or ()))] = step
        return step

    def _resolve(self, fetches, feed_dict):
        mapping = Mapping(self._graph, fetches)
        pairs = [pair for key, value in (feed_dict or {}).items() for pair in self._feed_parts(key, value)]
        feeds = [self._feed(key) for key, _ in pairs]
        try:
            core = self._core.make_callable([f._ref for f in feeds], [_fetch_ref(item) for item in mapping.items], ())
        except errors.OpError as error:
            raise self._explained(error) from None
        kept = [i for i, item in enumerate(mapping.items) if _is_session_handle(item)]
        if kept:
            from tenon.python.ops import session_ops

            session_ops.wrap_handles(self, mapping, kept)
        if "tenon._task_monitor" in sys.modules:
            from tenon import _session_monitor

            core = _session_monitor.counted(self, core, mapping.items, feeds)
        return _Step(core, feeds, mapping, len(pairs) == len(feed_dict or ()))

    def _feed_parts(self, key, value):
        try:
            return feed_parts(key, value)
        except TypeError as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None

    def _feed(self, key):
        try:
            tensor = self._graph.as_graph_element(key, allow_operation=False)
        except Exception as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None
        if not self._graph.is_feedable(tensor):
            raise ValueError(f"Tensor {tensor.name} may not be fed.")
        return tensor

    def make_callable(self, fetches, feed_list=None, accept_options=False):
        """A function that runs the step: of the values for FEED_LIST, in order."""
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("Argument `feed_list` must be a list or tuple.")
        keys = list(feed_list or ())
        step = self._resolve(fetches, dict.fromkeys(keys))
        if not accept_options:
            return lambda *values: self._call(step, keys, values, None, None)
        return lambda *values, options=None, run_metadata=None: self._call(step, keys, values, options, run_metadata)

    def _call(self, step, keys, values, options, metadata):
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if len(values) != len(keys):
            raise ValueError(f"expected {len(keys)} values for feed_list, got {len(values)}")
        arrays = map(_array, values, step.feeds, step.dtypes, step.dims)
        try:
            if options is None and metadata is None:
                return step.results(step.run(*arrays))
            return self._run_with(step, tuple(arrays), options, metadata)
        except errors.OpError as error:
            raise self._explained(error) from None

    # --- steps in parts ---

    def partial_run_setup(self, fetches, feeds=None):
        """Begins a step that is run in parts: all that will be fetched and fed. Returns its handle."""
        mapping = Mapping(self._graph, fetches)
        if not mapping.items:
            raise errors.InvalidArgumentError(None, None, "No targets specified!")
        feeds = [self._feed(key) for key in (feeds or ())]
        handle = f"partial_{len(self._partial)}"
        self._partial[handle] = {"left": set(mapping.items), "feeds": feeds, "values": {}}
        return handle

    def partial_run(self, handle, fetches, feed_dict=None):
        """Goes on with the step of HANDLE: what was computed before is not computed again."""
        state = self._partial.get(handle)
        if state is None:
            raise errors.InvalidArgumentError(None, None, "Must run 'setup' before performing partial runs!")
        mapping = Mapping(self._graph, fetches)
        for item in mapping.items:
            if item not in state["left"]:
                raise errors.InvalidArgumentError(
                    None, None, f"fetch {item.name} was not listed for this partial run, or has been fetched already"
                )
        for key, value in (feed_dict or {}).items():
            tensor = self._feed(key)
            if tensor not in state["feeds"]:
                raise errors.InvalidArgumentError(None, None, f"feed {tensor.name} was not listed for this partial run")
            if tensor in state["values"]:
                raise errors.InvalidArgumentError(None, None, f"The feed {tensor.name} has already been fed.")
            state["values"][tensor] = value
        results = self.run(list(mapping.items), state["values"] or None)
        for item, value in zip(mapping.items, results):
            state["left"].discard(item)
            if isinstance(item, Tensor):
                state["values"][item] = value
        return mapping.build(results)


def _fetch_ref(item):
    return item._ref if isinstance(item, Tensor) else (item._id, -1)


@tf_export("Session")
class Session(BaseSession):
    """Runs a graph and holds its variables; `with` makes it and its graph the default, and closes it at the end."""

    def __init__(self, target="", graph=None, config=None):
        super().__init__(target, graph, config)
        self._entered = threading.local()

    def __enter__(self):
        stack = self._entered.__dict__.setdefault("stack", [])
        graph = self.graph.as_default()
        graph.__enter__()
        session = self.as_default()
        session.__enter__()
        stack.append((graph, session))
        return self

    def __exit__(self, *error):
        graph, session = self._entered.stack.pop()
        session.__exit__(*error)
        graph.__exit__(*error)
        self.close()

    @staticmethod
    def reset(target, containers=None, config=None):
        """Closes the sessions of a remote master and drops the variables, queues and tables of CONTAINERS (none: the
        default one) on all its tasks. The state of local sessions ends with them."""
        if isinstance(target, bytes):
            target = target.decode()
        if target.startswith("grpc://"):
            _core.reset(target, list(containers or ()))


@tf_export("InteractiveSession")
class InteractiveSession(BaseSession):
    """A session that is the default one from the start, until it is closed."""

    def __init__(self, target="", graph=None, config=None):
        super().__init__(target, graph, config)
        ops._default_session_stack.enforce_nesting = False
        ops._default_session_stack.stack.append(self)
        self._explicit_graph = graph
        if graph is not None:
            ops._default_graph_stack.enforce_nesting = False
            ops._default_graph_stack.stack.append(graph)

    def close(self):
        """Frees what the session holds; it is no default any more."""
        super().close()
        stack = ops._default_session_stack.stack
        if self in stack:
            stack.remove(self)
        if self._explicit_graph is not None and self._explicit_graph in ops._default_graph_stack.stack:
            ops._default_graph_stack.stack.remove(self._explicit_graph)
            self._explicit_graph = None
