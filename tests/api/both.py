"""Runs a program with Tenon and with TensorFlow and compares what it returns.

`both(program)` calls program(tf) twice, each time in a fresh default graph: with tenon, and with tensorflow.compat.v1
(v2 behaviour off, one thread). What the program returns is a nested structure of arrays, numbers and strings; tensors
in it are run in a session first, after the variables' initializers. `both.error(program)` compares the errors raised.
"""

from functools import cache

import numpy as np

import tenon
from oracle.tensorflow_side import modules


@cache
def tensorflow():
    """tensorflow.compat.v1, set up as TensorFlow 1."""
    tf = modules()[1]
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    return tf


def _is_tensor(x):
    return hasattr(x, "graph") and (hasattr(x, "op") or hasattr(x, "outputs"))


def _leaves(value):
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _leaves(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _map(function, value):
    if isinstance(value, dict):
        return {key: _map(function, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_map(function, item) for item in value]
    return function(value)


def run(tf, program):
    """What PROGRAM returns with the package TF, in a fresh graph, its tensors run."""
    with tf.Graph().as_default():
        result = program(tf)
        tensors = [leaf for leaf in _leaves(result) if _is_tensor(leaf)]
        if not tensors:
            return result
        with tf.Session() as session:
            initializers = []
            if tf.get_collection("variables"):
                initializers.append(tf.global_variables_initializer())
            if tf.get_collection("local_variables"):
                initializers.append(tf.local_variables_initializer())
            if tf.get_collection("table_initializer"):
                initializers.append(tf.tables_initializer())
            session.run(initializers)
            values = iter(session.run(tensors))
            return _map(lambda leaf: next(values) if _is_tensor(leaf) else leaf, result)


def _plain(value):
    """Values of either package as Python's: dtypes and shapes by their names, sparse values as tuples."""
    if isinstance(value, (str, bytes, np.ndarray, np.generic, int, float, complex, bool)) or value is None:
        return value
    if hasattr(value, "as_numpy_dtype"):
        return f"dtype {value.name}"
    if hasattr(value, "as_list") and hasattr(value, "ndims"):
        return None if value.ndims is None else value.as_list()
    return value


def same(ours, theirs, rtol=1e-5, atol=1e-6, where="result"):
    """AssertionError where two nested structures differ."""
    ours, theirs = _plain(ours), _plain(theirs)
    if isinstance(theirs, dict):
        assert isinstance(ours, dict) and set(ours) == set(theirs), (where, ours, theirs)
        for key in theirs:
            same(ours[key], theirs[key], rtol, atol, f"{where}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert isinstance(ours, (list, tuple)) and len(ours) == len(theirs), (where, ours, theirs)
        for i, (a, b) in enumerate(zip(ours, theirs)):
            same(a, b, rtol, atol, f"{where}[{i}]")
    elif isinstance(theirs, (str, bytes, bool)) or theirs is None:
        assert ours == theirs, (where, ours, theirs)
    elif isinstance(theirs, (np.ndarray, np.generic, int, float, complex)):
        _same_arrays(np.asarray(ours), np.asarray(theirs), rtol, atol, where)
    else:
        assert ours == theirs, (where, ours, theirs)


def _same_arrays(a, b, rtol, atol, where):
    assert a.shape == b.shape, (where, a.shape, b.shape)
    assert a.dtype == b.dtype, (where, a.dtype, b.dtype)
    if b.dtype.kind in "fcV":
        wide = "c16" if b.dtype.kind == "c" else "f8"
        np.testing.assert_allclose(a.astype(wide), b.astype(wide), rtol=rtol, atol=atol, err_msg=where)
    else:
        np.testing.assert_array_equal(a, b, err_msg=where)


def both(program, rtol=1e-5, atol=1e-6):
    """What PROGRAM returns with Tenon, after comparing it with what it returns with TensorFlow."""
    ours = run(tenon, program)
    same(ours, run(tensorflow(), program), rtol, atol)
    return ours


def _raised(tf, program):
    try:
        run(tf, program)
    except Exception as error:
        return error
    return None


def error(program, kind=True):
    """Our exception of PROGRAM, after checking that TensorFlow raises one of the same type (or of tf.errors' kind)."""
    ours, theirs = _raised(tenon, program), _raised(tensorflow(), program)
    assert theirs is not None, "TensorFlow raises nothing"
    assert ours is not None, f"nothing raised; TensorFlow: {type(theirs).__name__}: {theirs}"
    if kind:
        names = [cls.__name__ for cls in type(theirs).__mro__[:-3]] or [type(theirs).__name__]
        assert type(ours).__name__ in names, (repr(ours), repr(theirs))
    return ours


both.error = error
