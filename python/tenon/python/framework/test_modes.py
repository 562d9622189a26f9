"""Decorators of tests: in which modes they run."""

import functools
import unittest

from tenon.python.eager import context
from tenon.python.framework import ops
from tenon.python.util.tf_export import tf_export


def _decorator(make):
    """A decorator that is used with arguments and without."""

    @functools.wraps(make)
    def decorator(func=None, **options):
        return make(func, **options) if func is not None else lambda f: make(f, **options)

    return decorator


def _is_test(cls, name):
    return name.startswith("test") and name != "test_session" and callable(getattr(cls, name))


def _in_both(func, config=None, use_gpu=True, reset_test=True, assert_no_eager_garbage=False):
    if isinstance(func, type):
        raise ValueError("`run_in_graph_and_eager_modes` only supports test methods.")

    @functools.wraps(func)
    def run(self, *args, **kwargs):
        with context.graph_mode(), self.test_session(use_gpu=use_gpu, config=config):
            func(self, *args, **kwargs)
        if reset_test:
            self.tearDown()
            self._tempdir = None
        with context.eager_mode():
            if reset_test:
                self.setUp()
            func(self, *args, **kwargs)

    return run


@tf_export("contrib.eager.run_test_in_graph_and_eager_modes")
def run_in_graph_and_eager_modes(func=None, config=None, use_gpu=True, reset_test=True, assert_no_eager_garbage=False):
    """A test's method that runs first as a graph in a session, then eagerly."""
    options = {"config": config, "use_gpu": use_gpu, "reset_test": reset_test}
    return _in_both(func, **options) if func is not None else lambda f: _in_both(f, **options)


@tf_export("contrib.eager.run_all_tests_in_graph_and_eager_modes")
def run_all_in_graph_and_eager_modes(cls):
    """Each test of a class runs as a graph and eagerly."""
    for name in dir(cls):
        if _is_test(cls, name):
            setattr(cls, name, _in_both(getattr(cls, name)))
    return cls


@_decorator
def deprecated_graph_mode_only(func):
    """A test, or each of a class, runs as a graph."""
    return run_all_without_eager(func) if isinstance(func, type) else _as_graph(func)


def _as_graph(func):
    @functools.wraps(func)
    def run(self, *args, **kwargs):
        with context.graph_mode(), ops.Graph().as_default():
            return func(self, *args, **kwargs)

    return run


def run_all_without_eager(cls):
    """Each test of a class runs as a graph."""
    for name in dir(cls):
        if _is_test(cls, name):
            setattr(cls, name, _as_graph(getattr(cls, name)))
    return cls


run_deprecated_v1 = deprecated_graph_mode_only


@_decorator
def run_v1_only(func, reason=None):
    """A test for version 1 runs, as a graph."""
    return run_all_without_eager(func) if isinstance(func, type) else _as_graph(func)


@_decorator
def run_v2_only(func):
    """A test for version 2 is skipped."""
    return unittest.skip("Test is only compatible with v2")(func)


def _as_it_is(name):
    @_decorator
    def decorate(func, *_, **__):
        return func

    decorate.__name__ = name
    decorate.__doc__ = "Changes nothing: what it turns on or off is not there."
    return decorate


assert_no_new_tensors, assert_no_garbage_created = _as_it_is("assert_no_new_tensors"), _as_it_is("no_garbage")
enable_c_shapes, disable_xla = _as_it_is("enable_c_shapes"), _as_it_is("disable_xla")
enable_control_flow_v2, disable_control_flow_v2 = _as_it_is("enable_control_flow_v2"), _as_it_is("disable")
with_c_api, with_c_shapes, disable_all_xla = (
    _as_it_is("with_c_api"),
    _as_it_is("c_shapes"),
    _as_it_is("disable_all_xla"),
)


def is_xla_enabled():
    """False."""
    return False


def InstallStackTraceHandler():
    """Does nothing: Python's faulthandler shows stacks."""
