"""What the parts of Estimators share: calling functions with what they take, and starting their inputs."""

import functools
import inspect

from tenon.python.training import session_run_hook


def fn_args(function):
    """The names of the arguments of a function, method, partial or object that is called."""
    if isinstance(function, functools.partial):
        inner = fn_args(function.func)
        return tuple(name for name in inner[len(function.args) :] if name not in (function.keywords or {}))
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))


def takes_any(function):
    """True for a function with **kwargs."""
    return any(p.kind == p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def call_with_known(function, **given):
    """Calls FUNCTION with those of the arguments that it takes."""
    known = fn_args(function)
    return function(**{name: value for name, value in given.items() if name in known})


class DatasetInitializerHook(session_run_hook.SessionRunHook):
    """Starts a dataset's iterator in each new session."""

    def __init__(self, iterator):
        self._iterator = iterator

    def begin(self):
        self._initializer = self._iterator.initializer

    def after_create_session(self, session, coord):
        session.run(self._initializer)


def parse_input_fn_result(result):
    """(features, labels, hooks) of what an input function gave: tensors, a pair of them, or a dataset."""
    hooks = []
    if hasattr(result, "make_initializable_iterator"):
        iterator = result.make_initializable_iterator()
        hooks.append(DatasetInitializerHook(iterator))
        result = iterator.get_next()
    if isinstance(result, (list, tuple)):
        if len(result) != 2:
            raise ValueError("input_fn should return (features, labels) as a len 2 tuple.")
        return result[0], result[1], hooks
    return result, None, hooks
