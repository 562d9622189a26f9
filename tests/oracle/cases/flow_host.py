"""Calls of Python functions from the graph."""

import numpy as np

from oracle.api import program


def _register(g, function):
    """The token of FUNCTION, on either side."""
    if hasattr(g, "tf"):
        from tensorflow.python.ops import script_ops

        return script_ops._py_funcs.insert(function)
    from tenon import _host

    return _host.register(function)


def calls(op):
    def build(g):
        function = lambda a, b: (a * b, np.array([b"one", b"two"], object), np.int64(a.size))  # noqa: E731
        g.keep = function
        x = g.placeholder("float32", [3])
        inputs = [x, g.constant(np.float32(2))]
        outs = g.op(op, inputs, token=_register(g, function), Tin=["float32"] * 2, Tout=["float32", "string", "int64"])
        return [(outs, {x: np.array([1, 2, 3], np.float32)})]

    return build


program("host_function", calls("PyFunc"))
program("host_function_stateless", calls("PyFuncStateless"))


def eager(g):
    """TensorFlow's own EagerPyFunc hands over eager tensors; there are none here."""
    x = g.placeholder("float32", [3])
    op = "PyFunc" if hasattr(g, "tf") else "EagerPyFunc"
    function = lambda a: a + np.float32(1)  # noqa: E731
    g.keep = function
    outs = g.op(op, [x], token=_register(g, function), Tin=["float32"], Tout=["float32"])
    return [(outs, {x: np.array([1, 2, 3], np.float32)})]


program("host_function_eager", eager)
