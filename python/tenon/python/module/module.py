"""tf.Module: a thing with variables, and things with variables inside."""

import functools
import re

from tenon.python.framework import ops
from tenon.python.util.tf_export import tf_export


def _snake(name):
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name).lower()


@tf_export("Module")
class Module:
    """A thing with variables, as attributes, in lists and dicts, and in modules that are attributes."""

    def __init__(self, name=None):
        if name is None:
            name = _snake(type(self).__name__)
        elif not re.match(r"^[A-Za-z_]\w*$", name):
            raise ValueError(f"{name!r} is not a valid module name. Module names must be valid Python identifiers "
                             "(e.g. a valid class name).")  # fmt: skip
        self._name = name
        with ops.name_scope(name) as scope:
            self._scope_name = scope

    @property
    def name(self):
        """The module's name."""
        return self._name

    @property
    def name_scope(self):
        """A `with` block for operations of the module."""
        return ops.name_scope(self._scope_name)

    def _walk(self, wanted, into, seen):
        """Everything for which WANTED holds, in the order of the attributes' names; modules only if INTO."""

        def visit(value):
            if id(value) in seen:
                return
            if isinstance(value, (list, tuple)):
                for item in value:
                    yield from visit(item)
            elif isinstance(value, dict):
                for key in sorted(value, key=str):
                    yield from visit(value[key])
            else:
                if wanted(value):
                    seen.add(id(value))
                    yield value
                if into and isinstance(value, Module):
                    seen.add(id(value))
                    yield from value._walk(wanted, into, seen)

        for name in sorted(vars(self)):
            yield from visit(vars(self)[name])

    @property
    def variables(self):
        """The variables of the module and of those in it."""
        return tuple(self._walk(_is_variable, True, {id(self)}))

    @property
    def trainable_variables(self):
        """The trainable ones among them."""
        return tuple(v for v in self.variables if getattr(v, "trainable", False))

    @property
    def non_trainable_variables(self):
        """The others."""
        return tuple(v for v in self.variables if not getattr(v, "trainable", False))

    @property
    def submodules(self):
        """The modules in it, and in those."""
        return tuple(self._walk(lambda v: isinstance(v, Module), True, {id(self)}))

    @classmethod
    def with_name_scope(cls, method):
        """A decorator: METHOD runs in the module's name scope."""

        @functools.wraps(method)
        def scoped(self, *args, **kwargs):
            with self.name_scope:
                return method(self, *args, **kwargs)

        return scoped


def _is_variable(value):
    from tenon.python.ops.variables import VariableV1

    return isinstance(value, VariableV1)
