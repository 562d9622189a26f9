"""Defun: a decorator that makes a Python function a function of the graph, which operations call by its name."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework.func_graph import FuncGraph, trace, unique_name
from tenon.python.framework.tensor import Operation
from tenon.python.util.tf_export import tf_export

__all__ = ["Defun", "FuncGraph"]


class DefinedFunction:
    """A function of the graph, traced when it is first called."""

    def __init__(self, func, types, func_name=None, out_names=None, **_):
        self._func = func
        self._types = [dtypes.as_dtype(t) for t in types]
        self._name = func_name
        self._out_names = out_names
        self._graph = None
        self._single = True

    def _traced(self):
        if self._graph is None:
            label = self._name or getattr(self._func, "__name__", "function")

            def call(*inputs):
                results = self._func(*inputs)
                self._single = not isinstance(results, (list, tuple))
                if results is None or isinstance(results, Operation):
                    return []
                return [results] if self._single else results

            names = self._func.__code__.co_varnames if hasattr(self._func, "__code__") else ()
            arguments = [(t, None, names[i] if i < len(names) else None) for i, t in enumerate(self._types)]
            self._graph = trace(label, call, arguments)
            if self._name:
                self._graph.name = self._name
        return self._graph

    @property
    def name(self):
        """The name by which operations call it."""
        return self._traced().name

    @property
    def definition(self):
        """The FunctionDef."""
        from tenon.python.framework.proto import FunctionDef

        return FunctionDef.FromString(self._traced().to_bytes())

    @property
    def captured_inputs(self):
        """The tensors outside that it uses: each call gets them after its arguments."""
        return self._traced().captures

    @property
    def declared_input_types(self):
        """The dtypes of its arguments."""
        return list(self._types)

    def add_to_graph(self, graph):
        """Adds it to GRAPH's library."""
        self._traced().add_to(graph)

    def __call__(self, *args, name=None, **_):
        """The results for ARGS: a Tensor, a list of them, or the Operation where there is none."""
        body = self._traced()
        if len(args) != len(self._types):
            raise ValueError(f"Expected number of arguments: {len(self._types)}, received: {len(args)}")
        graph = ops.get_default_graph()
        body.add_to(graph)
        inputs = [ops.convert_to_tensor(x, dtype=t) for x, t in zip(args, self._types)]
        inputs += [ops.convert_to_tensor(x) for x in body.captures]
        operation = graph._make(body.name, inputs, [], name or body.name)
        for output, inside in zip(operation.outputs, body.outputs):
            output.set_shape(inside.shape)
        if not operation.outputs:
            return operation
        return operation.outputs[0] if self._single else list(operation.outputs)


@tf_export("contrib.framework.Defun", "Defun")
class Defun:
    """@Defun(tf.float32, tf.float32) on a function of two tensors."""

    def __init__(self, *input_types, **kwargs):
        self._types = input_types
        self._options = kwargs

    def __call__(self, func):
        return DefinedFunction(func, self._types, **self._options)


_DefinedFunction = DefinedFunction
__all__ += ["unique_name"]
