"""The package google.protobuf, where it is installed, taught Tenon's own messages.

Programs bring messages of their own (`*_pb2.py`) and pass those of TensorFlow to the same functions.
"""

import functools
import sys
from importlib import import_module
from importlib.machinery import PathFinder

from tenon.compat.loading import then

PACKAGE = "google.protobuf"
# The functions of each module, with the place of their message.
_FUNCTIONS = {
    "text_format": {"MessageToString": 0, "MessageToBytes": 0, "PrintMessage": 0, "Parse": 1, "Merge": 1,
                    "ParseLines": 1, "MergeLines": 1},
    "json_format": {"MessageToJson": 0, "MessageToDict": 0, "Parse": 1, "ParseDict": 1},
}  # fmt: skip
_TAUGHT = (*_FUNCTIONS, "message")


@functools.cache
def is_installed():
    """Whether that package is there, beside what Tenon has in its place."""
    outer = PathFinder.find_spec("google")
    return outer is not None and PathFinder.find_spec(PACKAGE, outer.submodule_search_locations) is not None


def _either(theirs, ours, place):
    from tenon.python.framework.proto_message import Message

    @functools.wraps(theirs)
    def call(*arguments, **options):
        message = arguments[place] if len(arguments) > place else options.get("message")
        return (ours if isinstance(message, Message) else theirs)(*arguments, **options)

    return call


def teach(module):
    """Replaces the functions of a MODULE of that package by ones that take messages of both kinds."""
    last = module.__name__.rpartition(".")[2]
    if last == "message":
        from tenon.python.framework import proto_message

        proto_message.DecodeError.__bases__ = (module.DecodeError,)
    for name, place in _FUNCTIONS.get(last, {}).items():
        theirs = getattr(module, name, None)
        if theirs is not None:
            ours = getattr(import_module(f"tenon.google_protobuf.{last}"), name)
            setattr(module, name, _either(theirs, ours, place))


def install():
    """Teaches what is loaded of that package, and what will be."""
    if is_installed():
        sys.meta_path.insert(0, Finder)
        for name in [f"{PACKAGE}.{last}" for last in _TAUGHT]:
            if name in sys.modules:
                teach(sys.modules[name])


class Finder:
    """Finds the modules of that package, and teaches them."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        lead, _, last = name.rpartition(".")
        return then(PathFinder.find_spec(name, path), teach) if lead == PACKAGE and last in _TAUGHT else None
