"""What functions take and are called: for programs that look at them."""

import functools
import inspect


def fn_args(fn):
    """The names of the arguments of a function, method, partial or object that is called."""
    from tenon.python.estimator import util

    return util.fn_args(fn)


def has_kwargs(fn):
    """True for a function with **kwargs."""
    if isinstance(fn, functools.partial):
        return has_kwargs(fn.func)
    if not callable(fn):
        raise TypeError(f"Argument `fn` should be a callable. Received: fn={fn} (of type {type(fn)})")
    return any(p.kind == p.VAR_KEYWORD for p in inspect.signature(fn).parameters.values())


def get_func_name(func):
    """The name of a function, and of a lambda its source."""
    while isinstance(func, functools.partial):
        func = func.func
    if not callable(func):
        raise ValueError(f"Argument `func` must be a callable. Received func={func} (of type {type(func)})")
    name = getattr(func, "__qualname__" if inspect.ismethod(func) else "__name__", None)
    return str(type(func)) if name is None else name


def get_func_code(func):
    """The code object of a function, or of what an object runs when it is called; None if there is none."""
    while isinstance(func, functools.partial):
        func = func.func
    if not callable(func):
        raise ValueError(f"Argument `func` must be a callable. Received func={func} (of type {type(func)})")
    code = getattr(func, "__code__", None)
    return code if code is not None else getattr(type(func).__call__, "__code__", None)
