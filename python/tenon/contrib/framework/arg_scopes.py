"""Argument scopes: default arguments for functions, for as long as a `with` block lasts."""

import contextlib
import functools

from tenon.python.util.tf_export import tf_export

_stack = [{}]
_accepted = {}  # by a function's key: the arguments that may be set


def _key(function):
    return getattr(function, "_key_op", str(function))


@tf_export("contrib.framework.current_arg_scope", "contrib.slim.current_arg_scope")
def current_arg_scope():
    """The defaults in force, by function."""
    return _stack[-1]


@tf_export("contrib.framework.arg_scope_func_key")
def arg_scope_func_key(op):
    return _key(op)


@tf_export("contrib.framework.has_arg_scope", "contrib.slim.has_arg_scope")
def has_arg_scope(func):
    """Whether FUNC takes defaults from scopes."""
    return _key(func) in _accepted


@tf_export("contrib.framework.arg_scoped_arguments", "contrib.slim.arg_scoped_arguments")
def arg_scoped_arguments(func):
    """The names of the arguments of FUNC that a scope can set."""
    assert has_arg_scope(func)
    return _accepted[_key(func)]


@tf_export("contrib.framework.arg_scope", "contrib.slim.arg_scope")
@contextlib.contextmanager
def arg_scope(list_ops_or_scope, **kwargs):
    """Sets default arguments of functions in a `with` block; or enters again what such a block gave."""
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
        scope = list_ops_or_scope.copy()
    else:
        if not isinstance(list_ops_or_scope, (list, tuple)):
            raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
        scope = dict(_stack[-1])
        for op in list_ops_or_scope:
            if not has_arg_scope(op):
                raise ValueError(f"{_key(op)} is not decorated with @add_arg_scope")
            scope[_key(op)] = {**scope.get(_key(op), {}), **kwargs}
    _stack.append(scope)
    try:
        yield scope
    finally:
        _stack.pop()


@tf_export("contrib.framework.add_arg_scope", "contrib.slim.add_arg_scope")
def add_arg_scope(func):
    """Makes a function take defaults from scopes: a decorator."""

    @functools.wraps(func)
    def with_defaults(*args, **kwargs):
        defaults = _stack[-1].get(key)
        return func(*args, **({**defaults, **kwargs} if defaults else kwargs))

    key = f"{func.__module__}.{func.__qualname__}"
    with_defaults._key_op = key
    code = func.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    _accepted[key] = names[len(names) - len(func.__defaults__ or ()) :]
    return with_defaults
