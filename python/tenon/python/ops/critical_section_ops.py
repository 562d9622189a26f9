"""CriticalSection: subgraphs that run one at a time, over a mutex in the graph."""

import contextlib
import threading
from collections import namedtuple

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, tensor_array_ops
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

CRITICAL_SECTIONS = "critical_sections"
CRITICAL_SECTION_EXECUTIONS = "critical_section_executions"

_Execution = namedtuple("_Execution", ("op", "handle", "resources", "exclusive_resource_access"))
_entered = threading.local()


@contextlib.contextmanager
def _inside(signature):
    """Notes that this thread builds what runs in a section; ValueError if it does so already: the two would wait."""
    stack = _entered.__dict__.setdefault("stack", [])
    if signature in stack:
        raise ValueError(f"Attempting to lock a CriticalSection (signature={signature}) in which we are already "
                         f"running. This is illegal and may cause deadlocks.")  # fmt: skip
    stack.append(signature)
    try:
        yield
    finally:
        stack.pop()


def _identity(x):
    if isinstance(x, tensor_array_ops.TensorArray):
        return x.identity()
    if isinstance(x, ops.Operation):
        return control_flow_ops.group(x)
    return array_ops.identity(x)


def _place(op):
    """The device or the colocation group of an operation."""
    return op.device or _colocation(op)


def _colocation(op):
    try:
        return op.get_attr("_class")
    except ValueError:
        return None


@tf_export("CriticalSection", "contrib.framework.CriticalSection")
class CriticalSection:
    """What its `execute` adds to the graph runs one after the other, whichever thread or step runs it."""

    def __init__(self, name=None, shared_name=None, critical_section_def=None, import_scope=None):
        if critical_section_def and name is not None:
            raise ValueError(f"Arguments critical_section_def={critical_section_def} and shared_name={shared_name} are "
                             f"mutually exclusive. Please only specify one of them.")  # fmt: skip
        if critical_section_def:
            raise ValueError("Argument `critical_section_def` is not supported.")
        with ops.name_scope(name, "CriticalSection", []) as scope, ops.init_scope():
            container = ops.get_default_graph()._container or ""
            shared_name = scope if shared_name is None else shared_name
            self._handle = gen_ops.mutex_v2(shared_name=shared_name, container=container, name=scope)
            self._signature = (container, shared_name or id(self._handle), _place(self._handle.op))
        ops.add_to_collection(CRITICAL_SECTIONS, self)

    @property
    def name(self):
        """The name of the mutex."""
        return self._handle.op.name

    def execute(self, fn, exclusive_resource_access=True, name=None):
        """What FN returns, which runs while nothing else does in this section. With EXCLUSIVE_RESOURCE_ACCESS no
        other section may use the variables that FN uses."""
        with ops.name_scope(name, "critical_section_execute", []):
            graph = ops.get_default_graph()
            with _inside(self._signature):
                lock = gen_ops.mutex_lock(self._handle)
                before = graph.n_nodes()
                with ops.control_dependencies([lock]):
                    result = fn()
                created = graph.get_operations()[before:]
            self._lock_last(created, lock.op)
            resources = [x for op in created for x in op.inputs if x.dtype is dtypes.resource]
            if any(self._is_own(x) for x in resources):
                raise ValueError(f"Attempting to lock a CriticalSection in which we are already running "
                                 f"(signature={self._signature}). This is illegal and may cause "
                                 f"deadlocks.")  # fmt: skip
            self._check_others(resources, exclusive_resource_access)
            with ops.control_dependencies([_identity(x) for x in nest.flatten(result)]):
                with ops.colocate_with(self._handle):
                    freed = gen_ops.consume_mutex_lock(lock)
                # Whoever asks for one of the results runs all of the section.
                result = nest.pack_sequence_as(result, control_flow_ops.tuple(nest.flatten(result)))
            with ops.control_dependencies([freed]):
                outputs = nest.map_structure(_identity, result)
            ops.add_to_collection(CRITICAL_SECTION_EXECUTIONS,
                                  _Execution(lock.op, self._handle, resources, exclusive_resource_access))  # fmt: skip
            return outputs

    def _lock_last(self, created, lock):
        """Makes LOCK wait for all that the operations CREATED under it take from outside: else these could wait for
        the lock themselves."""
        inside = {op.name for op in created} | {lock.name}
        inside |= {op.name for op in lock.control_inputs} | {x.op.name for x in lock.inputs}
        needed = {}
        for op in created:
            for other in [x.op for x in op.inputs] + list(op.control_inputs):
                if other.name not in inside:
                    needed[other.name] = other
        if needed:
            # The group lies in the lock's own control context, so that what it waits for enters that.
            lock._add_control_input(control_flow_ops.group(*needed.values()))

    def _is_own(self, x):
        op, own = x.op, self._handle.op
        return (op.type == "MutexV2" and op.get_attr("shared_name") == own.get_attr("shared_name") != b""
                and (op.device == own.device or _colocation(op) == _colocation(own)))  # fmt: skip

    def _check_others(self, resources, exclusive):
        """ValueError if another section uses RESOURCES, and one of the two wants them for itself."""
        for other in ops.get_collection(CRITICAL_SECTION_EXECUTIONS):
            if self._is_own(other.handle) or not (exclusive or other.exclusive_resource_access):
                continue
            shared = [x for x in resources if any(x is y or x.name == y.name for y in other.resources)]
            if shared:
                raise ValueError(f"This execution would access resources: {shared}. Either this lock "
                                 f"(CriticalSection: {self._handle}) or lock '{other}' (CriticalSection: "
                                 f"{other.handle}) requested exclusive resource access of this resource. Did you mean "
                                 f"to call execute with keyword argument "
                                 f"exclusive_resource_access=False?")  # fmt: skip
