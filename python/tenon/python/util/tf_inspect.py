"""The standard library's inspect, looking through decorators; and the old getargspec."""

import collections
import functools
import inspect as _inspect
from inspect import (  # noqa: F401
    Parameter,
    Signature,
    currentframe,
    getcallargs,
    getdoc,
    getfile,
    getmembers,
    getmodule,
    getmro,
    getsource,
    isbuiltin,
    isclass,
    isfunction,
    isgenerator,
    isgeneratorfunction,
    ismethod,
    ismodule,
    isroutine,
    signature,
    stack,
)

ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
FullArgSpec = _inspect.FullArgSpec


def getfullargspec(obj):
    """FullArgSpec of a function, a class or something callable."""
    return _inspect.getfullargspec(_inspect.unwrap(obj) if hasattr(obj, "__wrapped__") else obj)


def getargspec(obj):
    """ArgSpec of a function, a class or something callable."""
    if isinstance(obj, functools.partial):
        spec = _inspect.getfullargspec(obj.func)
        args = [a for a in spec.args[len(obj.args) :] if a not in obj.keywords]
        return ArgSpec(args, spec.varargs, spec.varkw, spec.defaults)
    target = _inspect.unwrap(obj) if callable(obj) and hasattr(obj, "__wrapped__") else obj
    spec = _inspect.getfullargspec(target)
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)
