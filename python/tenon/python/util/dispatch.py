"""Public functions that do something else with arguments of other kinds: with ragged tensors."""

import functools

_kinds = []  # the classes whose instances are looked for, once there can be any
_wrapped = {}


def register_kind(kind):
    """From now on functions look for instances of KIND among their arguments."""
    _kinds.append(kind)


def _found(values):
    kinds = tuple(_kinds)
    for value in values:
        if isinstance(value, kinds):
            return True
        if isinstance(value, (list, tuple)) and any(isinstance(v, kinds) for v in value):
            return True
    return False


def dispatching(function, place, how):
    """FUNCTION, which stands at PLACE, with what ragged_dispatch.call does by HOW where an argument is ragged."""
    wrapper = _wrapped.get(place)
    if wrapper is not None:
        return wrapper

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if _kinds and (_found(args) or kwargs and _found(kwargs.values())):
            from tenon.python.ops.ragged import ragged_dispatch

            return ragged_dispatch.call(function, how, args, kwargs)
        return function(*args, **kwargs)

    _wrapped[place] = wrapper
    return wrapper


def of_module(module, name, function):
    """FUNCTION, called NAME in the module called MODULE, as its public name gives it."""
    from tenon._api import DISPATCH

    inner = module.partition(".")[2]
    if inner == "python.ops.gen_ops":
        from tenon.python.ops import gen_ops

        name = gen_ops.op_type(name)
    place = f"{inner}:{name}"
    return dispatching(function, place, DISPATCH[place]) if place in DISPATCH else function
