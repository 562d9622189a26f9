"""Modules of messages as programs import them: `tenon.core.framework.graph_pb2`, one for each file of proto/."""

import importlib.abc
import importlib.machinery
import sys

_FOLDER = "tensorflow/core/"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the folders and `_pb2` modules of tenon.core from the table of messages."""

    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith(__name__ + "."):
            return None
        from tenon import _messages

        file = _FOLDER + fullname[len(__name__) + 1 :].replace(".", "/")
        folder = any(name.startswith(file + "/") for name in _messages.FILES)
        if not folder and not (file.endswith("_pb2") and file[:-4] in _messages.FILES):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=folder)

    def exec_module(self, module):
        if module.__spec__.submodule_search_locations is None:
            from tenon.python.framework import proto

            file = _FOLDER + module.__name__[len(__name__) + 1 : -4].replace(".", "/")
            module.__dict__.update(proto.names_of(file))


if not any(type(finder).__name__ == "_Finder" and type(finder).__module__ == __name__ for finder in sys.meta_path):
    sys.meta_path.append(_Finder())
