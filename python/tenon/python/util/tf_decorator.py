"""Decorators that keep what they wrap."""

import functools
from contextlib import contextmanager  # noqa: F401  (of tf_contextlib)


def make_decorator(target, decorator_func, decorator_name=None, decorator_doc="", decorator_argspec=None):
    """DECORATOR_FUNC, dressed as TARGET."""
    return functools.update_wrapper(decorator_func, target)


def unwrap(maybe_tf_decorator):
    """([], the innermost function)."""
    target = maybe_tf_decorator
    while hasattr(target, "__wrapped__"):
        target = target.__wrapped__
    return [], target
