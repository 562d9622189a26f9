"""Warnings for old names and arguments: once each, through the log."""

import contextlib
import functools

_told = set()
_silent = 0


@contextlib.contextmanager
def silence():
    """No warnings within the block."""
    global _silent
    _silent += 1
    try:
        yield
    finally:
        _silent -= 1


def _warn(key, message):
    if _silent or key in _told:
        return
    _told.add(key)
    from tenon.python.platform import tf_logging

    tf_logging.warning("%s", message)


def _removal(date):
    return "in a future version" if date is None else f"after {date}"


def deprecated(date, instructions, warn_once=True):
    """A decorator for functions that will go: calling one says so, and INSTRUCTIONS what to do."""

    def decorate(function):
        name = getattr(function, "__qualname__", str(function))

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            _warn(function, f"{name} is deprecated and will be removed {_removal(date)}. Instructions for updating: "
                            f"{instructions}")  # fmt: skip
            return function(*args, **kwargs)

        return wrapper if not isinstance(function, type) else function

    return decorate


def deprecated_alias(deprecated_name, name, func_or_class, warn_once=True):
    """FUNC_OR_CLASS under an old name."""
    return deprecated(None, f"Please use {name} instead.")(func_or_class)


def deprecated_endpoints(*_):
    """A decorator that changes nothing: the names stand in tf_export."""
    return lambda function: function


def deprecated_args(date, instructions, *names, **_):
    """A decorator for arguments that will go: passing one says so."""
    arguments = {n if isinstance(n, str) else n[0] for n in names}

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for name in arguments:
                if kwargs.get(name) is not None:
                    _warn((function, name), f"calling {function.__qualname__} with {name} is deprecated and will be "
                                            f"removed {_removal(date)}. {instructions}")  # fmt: skip
            return function(*args, **kwargs)

        return wrapper

    return decorate


def deprecated_arg_values(date, instructions, warn_once=True, **values):
    """A decorator for values of arguments that will go."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for name, value in values.items():
                if name in kwargs and kwargs[name] == value:
                    _warn((function, name), f"calling {function.__qualname__} with {name}={value} is deprecated and "
                                            f"will be removed {_removal(date)}. {instructions}")  # fmt: skip
            return function(*args, **kwargs)

        return wrapper

    return decorate


def deprecated_argument_lookup(new_name, new_value, old_name, old_value):
    """The value of an argument that has an old name too. ValueError if both are given."""
    if old_value is not None:
        if new_value is not None:
            raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
        return old_value
    return new_value


def rewrite_argument_docstring(old_doc, old_argument, new_argument):
    """A docstring with an argument renamed."""
    return old_doc.replace(f"`{old_argument}`", f"`{new_argument}`").replace(f"{old_argument}:", f"{new_argument}:")
