"""What Python and NumPy had when programs of TensorFlow 1.x were written, and have no more."""

import importlib
import sys

_NUMPY = {"float": float, "int": int, "bool": bool, "object": object, "str": str, "complex": complex, "long": int,
          "unicode": str, "float_": "float64", "complex_": "complex128", "infty": "inf", "Inf": "inf", "NaN": "nan",
          "product": "prod", "cumproduct": "cumprod", "sometrue": "any", "alltrue": "all", "asfarray": "asarray",
          "row_stack": "vstack", "in1d": "isin", "string_": "bytes_", "unicode_": "str_", "mat": "asmatrix",
          "round_": "round", "trapz": "trapezoid", "NAN": "nan", "PINF": "inf", "Infinity": "inf", "alen": "size",
          "rank": "ndim"}  # fmt: skip
# Module, name, where it is now.
_PYTHON = (
    *(("collections", name, f"collections.abc:{name}")
      for name in ("Callable", "Container", "Hashable", "ItemsView", "Iterable", "Iterator", "KeysView", "Mapping",
                   "MutableMapping", "MutableSequence", "MutableSet", "Sequence", "Set", "Sized", "ValuesView")),
    ("time", "clock", "time:perf_counter"),
    ("fractions", "gcd", "math:gcd"),
    ("base64", "encodestring", "base64:encodebytes"),
    ("base64", "decodestring", "base64:decodebytes"),
)  # fmt: skip


def _getargspec(function):
    """inspect.getargspec: (args, varargs, keywords, defaults)."""
    import collections
    import inspect

    spec = inspect.getfullargspec(function)
    made = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
    return made(spec.args, spec.varargs, spec.varkw, spec.defaults)


def _python():
    import inspect

    for module, name, now in _PYTHON:
        there, _, attribute = now.partition(":")
        module = importlib.import_module(module)
        if not hasattr(module, name):
            setattr(module, name, getattr(importlib.import_module(there), attribute))
    if not hasattr(inspect, "getargspec"):
        inspect.getargspec = _getargspec


def _method(kind, name, function):
    """Gives a type that is written in C a method; its dictionary is reached by way of the garbage collector."""
    import ctypes
    import gc

    (table,) = (found for found in gc.get_referents(kind.__dict__) if isinstance(found, dict))
    table[name] = function
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


def _itemset(array, *args):
    """ndarray.itemset: (index..., value)."""
    import numpy as np

    *index, value = args
    where = index[0] if len(index) == 1 and isinstance(index[0], tuple) else tuple(index)
    array[np.unravel_index(where[0], array.shape) if len(where) == 1 else where] = value


def _ragged(array):
    """numpy.array or numpy.asarray that makes an array of objects of lists of different lengths, as it once did.

    `copy=False` meant: only where it must be.
    """
    import functools

    import numpy as np

    @functools.wraps(array)
    def either(a, dtype=None, *args, **kwargs):
        if kwargs.get("copy") is False:
            kwargs["copy"] = None
        try:
            return array(a, dtype, *args, **kwargs)
        except ValueError as error:
            ours = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0] == "tenon"
            if dtype is not None or ours or "inhomogeneous" not in str(error):
                raise
        try:
            return array(a, object, *args, **kwargs)
        except ValueError:  # arrays that are alike but for a later dimension
            made = np.empty(len(a), object)
            made[:] = list(a)
            return made

    return either


def _renamed(function, old, new):
    """A function of NumPy's with an argument by the name that it had once."""
    import functools

    @functools.wraps(function)
    def either(*args, **kwargs):
        if old in kwargs:
            kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return either


def _pickles(load):
    """numpy.load that reads arrays of objects unless it is told not to: weights of those years are stored so."""
    import functools

    @functools.wraps(load)
    def either(file, mmap_mode=None, allow_pickle=True, *args, **kwargs):
        return load(file, mmap_mode, allow_pickle, *args, **kwargs)

    return either


def _numpy_functions():
    import numpy as np

    for name in ("array", "asarray", "asanyarray"):
        setattr(np, name, _ragged(getattr(np, name)))
    for name in ("percentile", "nanpercentile", "quantile", "nanquantile"):
        setattr(np, name, _renamed(getattr(np, name), "interpolation", "method"))
    np.reshape = _renamed(np.reshape, "newshape", "shape")
    np.load = _pickles(np.load)
    np.set_printoptions(legacy="1.25")  # scalars in lists print as numbers


def _numpy():
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in _NUMPY.items():
            if not hasattr(np, name):
                setattr(np, name, getattr(np, value) if isinstance(value, str) else value)
        if not hasattr(np, "asscalar"):
            np.asscalar = lambda a: a.item()
        if sys.implementation.name == "cpython":
            for kind in (np.ndarray, np.generic):
                if not hasattr(kind, "tostring"):
                    _method(kind, "tostring", kind.tobytes)
                if not hasattr(kind, "ptp"):
                    _method(kind, "ptp", lambda a, *args, **kwargs: np.ptp(a, *args, **kwargs))
            if not hasattr(np.ndarray, "itemset"):
                _method(np.ndarray, "itemset", _itemset)
    fromstring = np.fromstring

    def either(string, dtype=float, count=-1, *, sep="", like=None):
        """numpy.fromstring, for bytes too."""
        if sep == "":
            raw = string.encode("latin1") if isinstance(string, str) else string
            return np.frombuffer(raw, dtype, count).copy()
        return fromstring(string, dtype, count, sep=sep, like=like)

    np.fromstring = either
    _numpy_functions()


def restore():
    """Brings back what programs of that time use."""
    _python()
    _numpy()
