"""What layers do with the initializers, regularizers and constraints of their weights."""

from tenon.python.keras import constraints, initializers, regularizers

KINDS = (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints))


def take(layer, names, given):
    """Sets NAME_initializer, NAME_regularizer and NAME_constraint of a layer from its constructor's arguments."""
    for name in names:
        for kind, module in KINDS:
            setattr(layer, f"{name}_{kind}", module.get(given.get(f"{name}_{kind}")))


def config_of(layer, names):
    """The same settings as parts of a configuration."""
    return {f"{name}_{kind}": module.serialize(getattr(layer, f"{name}_{kind}"))
            for kind, module in KINDS for name in names}  # fmt: skip


def add(layer, name, shape, setting=None, initializer=None, dtype=None):
    """A new variable with the settings of SETTING (else of NAME)."""
    setting = setting or name
    return layer.add_weight(name, shape, initializer=initializer or getattr(layer, setting + "_initializer"),
                            regularizer=getattr(layer, setting + "_regularizer"),
                            constraint=getattr(layer, setting + "_constraint"), dtype=dtype)  # fmt: skip
