"""The decorator that gives a function or class its public names; scripts/gen_api.py reads it from the source."""


class tf_export:
    """@tf_export("math.add", "add") on a function or class; tf_export("X").export_constant(__name__, "X") for values.

    Where many names are exported at once, a module-level literal `TF_EXPORTS = {"public.name": "attribute"}` does.
    """

    __slots__ = ("names",)

    def __init__(self, *names, v1=None, **_):
        self.names = tuple(v1) if v1 is not None else names

    def __call__(self, thing):
        try:
            thing._tf_api_names = self.names
        except AttributeError:  # builtins and slots take no attributes; the table has the names all the same
            pass
        return thing

    def export_constant(self, module_name, name):
        """Exports the value called NAME of the module that calls this."""


keras_export = tf_export


def api_names(thing):
    """The public names of a function or class, () if it has none."""
    return getattr(thing, "_tf_api_names", ())
