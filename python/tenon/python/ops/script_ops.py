"""Python functions as operations."""

import weakref

from tenon import _host
from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export


def _call(function, inp, Tout, stateful, name, op=None):
    many = isinstance(Tout, (list, tuple))
    types = [dtypes.as_dtype(t) for t in (Tout if many else [Tout])]
    token = _host.register(function)
    graph = ops.get_default_graph()
    # Tokens live as long as the graph whose nodes name them.
    weakref.finalize(graph, _host.unregister, token)
    inputs = [ops.convert_to_tensor(value) for value in inp]
    build = op or (gen_ops.py_func if stateful else gen_ops.py_func_stateless)
    result = build(input=inputs, token=token, Tout=types, name=name)
    if not types:
        return result
    result = list(result) if isinstance(result, (list, tuple)) else [result]
    return result if many else result[0]


@tf_export("py_func")
@deprecated(None, "tf.py_func runs any Python function, but it can't be saved with the graph.")
def py_func(func, inp, Tout, stateful=True, name=None):
    """FUNC of arrays (the values of INP) as an operation: tensors of the dtypes TOUT, a list where that is one.

    What FUNC returns is of those dtypes. Nothing differentiates through it.
    """
    return _call(func, inp, Tout, stateful, name)


@tf_export("numpy_function")
def numpy_function(func=None, inp=None, Tout=None, stateful=True, name=None):
    """The same as py_func."""
    return _call(func, inp, Tout, stateful, name)


def _with_numpy(function):
    """FUNCTION of arrays that have numpy(), as eager tensors do; what it returns may have that too."""
    import numpy as np

    class Given(np.ndarray):
        """An array that a program asks for its value as it would ask an eager tensor."""

        def numpy(self):
            """The array, or of rank 0 what is in it."""
            return np.asarray(self)[()] if self.ndim == 0 else np.asarray(self)

    def plain(value):
        return value.numpy() if hasattr(value, "numpy") else value

    def call(*arrays):
        given = [np.asarray(a, dtype=object if isinstance(a, (bytes, str)) else None).view(Given) for a in arrays]
        found = function(*given)
        return [plain(v) for v in found] if isinstance(found, (list, tuple)) else plain(found)

    return call


@tf_export("py_function", "contrib.eager.py_func")
def eager_py_func(func=None, inp=None, Tout=None, name=None):
    """FUNC as an operation; it is given arrays that have numpy() as eager tensors do, and may return such."""
    return _call(_with_numpy(func), inp, Tout, True, name, op=gen_ops.eager_py_func)
