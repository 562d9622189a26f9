"""The public namespaces: modules that load what is in them on first use, by the table that the build wrote."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from tenon._api import DISPATCH, NAMES

_ROOT = "tenon"
_registered = set()  # op types, once they are asked for


def load(space, name):
    """What is called NAME in namespace SPACE ("" is the root). AttributeError names what is missing."""
    place = NAMES[space].get(name)
    full = f"{space}.{name}" if space else name
    if place is not None:
        module, attribute = place.split(":")
        value = getattr(import_module(f"{_ROOT}.{module}"), attribute)
        if place in DISPATCH:
            from tenon.python.util.dispatch import dispatching

            return dispatching(value, place, DISPATCH[place])
        return value
    if full in NAMES:
        return import_module(f"{_ROOT}.{full}")
    raise AttributeError(f"module '{_ROOT}{'.' + space if space else ''}' has no attribute '{name}'")


def _there(place):
    """Whether what the table says is there: an op may have a public name and no kernel yet."""
    module, op = place.split(":")
    if not _registered:
        _registered.update(import_module(f"{_ROOT}._core").op_names())
    return module != "python.ops.gen_ops" or op in _registered


def names(space):
    """The public names in SPACE, sorted."""
    lead = space + "." if space else ""
    inner = {key[len(lead) :].split(".")[0] for key in NAMES if key.startswith(lead) and key != space}
    return sorted({name for name, place in NAMES[space].items() if _there(place)} | (inner - {""}))


def _module_elsewhere(name):
    """The module of TensorFlow's or Keras' called NAME whose contents lie elsewhere here, None if there is none."""
    from tenon._places import places

    return import_module(f"{_ROOT}.{name}") if name in places() else None


class Namespace(ModuleType):
    """A module over the table."""

    def __getattr__(self, name):
        space = self.__name__[len(_ROOT) + 1 :]
        if name == "__all__":
            return names(space)
        if name[:2] == "__" and name not in NAMES[space]:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        try:
            value = load(space, name)
        except AttributeError:
            value = _module_elsewhere(f"{space}.{name}")
            if value is None:
                raise
        self.__dict__[name] = value
        return value

    def __dir__(self):
        return sorted({*self.__dict__, *names(self.__name__[len(_ROOT) + 1 :])})


class SecondNamespace(ModuleType):
    """A module of tenon.compat.v2."""

    def _space(self):
        return self.__name__[len(_ROOT + ".compat.v2.") :]

    def __getattr__(self, name):
        from tenon.python import compat_v2_names

        if name == "__all__":
            return compat_v2_names.names(self._space())
        if name[:2] == "__" and name != "__version__":
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        value = self.__dict__[name] = compat_v2_names.lookup(self._space(), name)
        return value

    def __dir__(self):
        from tenon.python import compat_v2_names

        return sorted({*self.__dict__, *compat_v2_names.names(self._space())})


class _SecondLoader:
    @staticmethod
    def create_module(spec):
        return SecondNamespace(spec.name)

    @staticmethod
    def exec_module(module):
        pass


class _Loader:
    """Makes a Namespace; what a package of that name on disk has to say is run in it."""

    def __init__(self, real):
        self.real = real

    def create_module(self, spec):
        return Namespace(spec.name)

    def exec_module(self, module):
        if self.real is not None and self.real.loader is not None:
            self.real.loader.exec_module(module)


class _Alias:
    """Another name of a module."""

    def __init__(self, target):
        self.target = target

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        sys.modules[module.__name__] = import_module(self.target)


class Finder:
    """Finds tenon.nn and the like, and tenon.compat.v1.X for tenon.X."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("tenon."):
            return None
        inner = name[len(_ROOT) + 1 :]
        if inner.startswith("compat.v1"):
            return ModuleSpec(name, _Alias(_ROOT + inner[len("compat.v1") :]), is_package=True)
        if inner.startswith("compat.v2"):
            from tenon.python import compat_v2_names

            there = compat_v2_names.namespace_of(inner[len("compat.v2.") :]) is not None
            return ModuleSpec(name, _SecondLoader, is_package=True) if there else None
        if inner not in NAMES:
            return None
        real = PathFinder.find_spec(name, path)
        spec = ModuleSpec(name, _Loader(real), is_package=True)
        spec.submodule_search_locations = list(real.submodule_search_locations or []) if real else []
        return spec


class LastFinder:
    """Finds modules of TensorFlow's that lie elsewhere here, after those that there are."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("tenon."):
            return None
        from tenon import _places

        return _places.find_spec(name)
