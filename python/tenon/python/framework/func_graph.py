"""Tracing: a Python function becomes a graph of its own, whose inputs are its arguments and what it captures."""

import itertools
import re

from tenon.python.framework import dtypes, ops
from tenon.python.framework.graph import Graph
from tenon.python.framework.tensor import Operation, Tensor

_numbers = itertools.count()
# Sources of data may be copied though they are stateful: a copy gives the same elements.
_COPIED = re.compile(r"Dataset|^VarHandleOp$|SeedGenerator|MemoryCache")


def unique_name(text):
    """A name that no other function of this process has."""
    return f"{re.sub(r'[^A-Za-z0-9_]', '_', text) or 'function'}_{next(_numbers)}"


class FuncGraph(Graph):
    """The graph of a function's body. Tensors of other graphs that its operations use become inputs (captures); with
    CAPTURE_BY_VALUE the operations that make them are copied."""

    building_function = True

    def __init__(self, name, outer_graph=None, capture_by_value=False):
        super().__init__()
        self.name = name
        self.outer_graph = outer_graph or ops.get_default_graph()
        self.capture_by_value = capture_by_value
        self.inputs = []  # Placeholders: the arguments, then the captures
        self.captured = {}  # tensor outside: tensor inside
        self.outputs = []
        self._copied = {}
        if self.outer_graph._seed is not None:
            self.seed = self.outer_graph._seed
        for name, items in self.outer_graph._collections.items():
            self._collections[name] = items

    @property
    def captures(self):
        """The tensors outside that it uses, in order."""
        return list(self.captured)

    def argument(self, dtype, shape=None, name=None):
        """Adds an argument: a Placeholder."""
        dtype = dtypes.as_dtype(dtype).base
        sizes = getattr(shape, "_dims", shape)
        attrs = [("dtype", "type", dtype.number), ("shape", "shape", sizes)]
        with self.control_dependencies(None), self.name_scope(None):
            tensor = self._make("Placeholder", [], attrs, name or "arg").outputs[0]
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor, name=None):
        """What stands inside for TENSOR of another graph."""
        if tensor.graph is self:
            return tensor
        if self.capture_by_value:
            return self._copy(tensor.op).outputs[tensor.value_index]
        found = self.captured.get(tensor)
        if found is None:
            name = name or tensor.op.name.rpartition("/")[2]
            found = self.captured[tensor] = self.argument(tensor.dtype, tensor.shape, name)
            data = getattr(tensor, "_handle_data", None)
            if data is not None:
                found._handle_data = data
        return found

    def _outside(self, tensor):
        return self.capture(tensor)

    def _copy(self, operation):
        found = self._copied.get(operation)
        if found is not None:
            return found
        if operation.type.startswith("Placeholder"):
            raise ValueError(f"Cannot capture a placeholder (name:{operation.name}, type:{operation.type}) by value.")
        from tenon.python.framework.proto import OpDef

        stateful = OpDef.FromString(_op_def(operation.type)).is_stateful
        if stateful and not _COPIED.search(operation.type):
            raise ValueError(f"Cannot capture a stateful node (name:{operation.name}, type:{operation.type}) by value.")
        inputs = [self._copy(x.op).outputs[x.value_index] for x in operation.inputs]
        with self.control_dependencies(None), self.name_scope(None):
            made = self.create_op(operation.type, inputs, name=operation.name,
                                  attrs=dict(operation.node_def.attr.items()))  # fmt: skip
        self._copied[operation] = made
        self.copy_functions(operation.graph)
        return made

    def as_graph_element(self, obj, allow_tensor=True, allow_operation=True):
        convert = getattr(obj, "_as_graph_element", None)
        found = convert() if convert else obj
        if isinstance(found, Tensor) and found.graph is not self and allow_tensor:
            return self.capture(found)
        if isinstance(found, Operation) and found.graph is not self:
            return None
        return super().as_graph_element(obj, allow_tensor, allow_operation)

    def to_bytes(self, controls=()):
        """The function as a serialised FunctionDef."""
        names = tuple(f"output_{i}" for i in range(len(self.outputs)))
        return self.to_function(self.name, [x._ref for x in self.inputs], [y._ref for y in self.outputs], names,
                                [op._id for op in controls])  # fmt: skip

    def add_to(self, graph):
        """Adds the function, and those that it calls, to GRAPH's library."""
        graph.copy_functions(self)
        graph.add_function(self.to_bytes())


def _op_def(op_type):
    from tenon import _core

    return _core.op_def(op_type)


def trace(name, function, arguments, outer_graph=None, capture_by_value=False):
    """A FuncGraph whose outputs are what FUNCTION(*tensors) returns, a list of tensors. ARGUMENTS: (dtype, shape, name)
    for each."""
    graph = FuncGraph(unique_name(name), outer_graph, capture_by_value)
    with graph.as_default():
        inputs = [graph.argument(*argument) for argument in arguments]
        results = function(*inputs)
        outputs = []
        for result in results:
            tensor = ops.convert_to_tensor(result)
            if tensor.dtype.is_ref or tensor in outputs or tensor in graph.inputs:
                tensor = _identity(tensor)
            outputs.append(tensor)
    graph.outputs = outputs
    return graph


def _identity(tensor):
    from tenon.python.ops import gen_ops

    return gen_ops.identity(tensor)
