"""A package that notes which of its public names a program uses: functions when they are called, the rest when read."""

import inspect
import types


class Traced:
    """PACKAGE, or a namespace in it; the names that were used come into the set USED, as `tf.nn.relu`."""

    def __init__(self, package, used, lead="tf"):
        self.__dict__.update(_package=package, _used=used, _lead=lead)

    def __getattr__(self, name):
        value = getattr(self._package, name)
        full = f"{self._lead}.{name}"
        if isinstance(value, types.ModuleType):
            self._used.add(full)
            return Traced(value, self._used, full)
        if inspect.isfunction(value):
            return self._called(value, full)
        self._used.add(full)
        plain = not inspect.isclass(value) or issubclass(value, BaseException)
        return value if plain else _Class(value, self._used, full)

    def _called(self, function, full):
        used = self._used

        def call(*args, **kwargs):
            used.add(full)
            return function(*args, **kwargs)

        call.__name__ = function.__name__
        return call


class _Class:
    """A class whose attributes are noted as well; it makes instances and can be inherited from and checked against."""

    def __init__(self, cls, used, lead):
        self.__dict__.update(_cls=cls, _used=used, _lead=lead)

    def __call__(self, *args, **kwargs):
        return self._cls(*args, **kwargs)

    def __getattr__(self, name):
        self._used.add(f"{self._lead}.{name}")
        return getattr(self._cls, name)

    def __mro_entries__(self, bases):
        return (self._cls,)

    def __instancecheck__(self, instance):
        return isinstance(instance, self._cls)
