"""Objects whose attributes a Checkpoint saves."""

from tenon.python.training.tracking import graph_view
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.checkpoint.NoDependency")
class NoDependency:
    """Wraps what an attribute is set to, so that it is not saved with the object."""

    def __init__(self, value):
        self.value = value


@tf_export("contrib.checkpoint.Checkpointable", "contrib.eager.Checkpointable", "contrib.checkpoint.CheckpointableBase")
class AutoTrackable:
    """A base class: variables, layers, optimizers, lists and the like that are its attributes are saved with it."""

    def __setattr__(self, name, value):
        if isinstance(value, NoDependency):
            value = value.value
            self.__dict__.setdefault("_untracked", set()).add(name)
        super().__setattr__(name, value)

    def _tracked_children(self):
        untracked = self.__dict__.get("_untracked", ())
        own = [pair for pair in vars(self).items() if pair[0] not in untracked]
        return [pair for pair in own if graph_view._is_tracked(pair[1]) or graph_view._has_variables(pair[1])]


@tf_export("contrib.checkpoint.List")
class List(list):
    """A list that is saved with the object whose attribute it is."""

    def __init__(self, *args):
        super().__init__(args)

    variables = property(lambda self: _gathered(self, "variables"), doc="The variables of all that is in it.")
    trainable_variables = property(lambda self: _gathered(self, "trainable_variables"), doc="Those to be trained.")
    layers = property(lambda self: [x for x in self if hasattr(x, "trainable_weights")], doc="The layers in it.")


@tf_export("contrib.checkpoint.Mapping")
class Mapping(dict):
    """A dict with names for keys that is saved with the object whose attribute it is; what is in it stays."""

    def __setitem__(self, key, value):
        if not isinstance(key, str):
            raise TypeError(f"Mapping accepts only string keys, but got a key {key!r}.")
        if self.get(key, value) is not value:
            raise ValueError(f"Mappings are an append-only data structure. Tried to overwrite the key {key!r} with "
                             f"value {value}, but it already contains {self[key]}")  # fmt: skip
        super().__setitem__(key, value)

    def update(self, *args, **kwargs):
        """Adds what is in another mapping, and the named values."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    variables = property(lambda self: _gathered(self.values(), "variables"), doc="The variables of all in it.")


def _gathered(things, attribute):
    found = []
    for thing in things:
        inner = getattr(thing, attribute, None)
        found.extend(x for x in ([thing] if inner is None else inner) if all(x is not y for y in found))
    return found


@tf_export("contrib.checkpoint.UniqueNameTracker")
class UniqueNameTracker(AutoTrackable):
    """Gives what it is to save names of its own: `track(layer, "dense")`."""

    def __init__(self):
        self._names = {}

    def track(self, checkpointable, base_name):
        """Takes an object, under BASE_NAME or that with a number; returns the object."""
        if not hasattr(checkpointable, "variables") and not graph_view._is_tracked(checkpointable):
            raise ValueError(f"Expected a trackable value, got {checkpointable} which does not inherit from "
                             "CheckpointableBase.")  # fmt: skip
        name, number = base_name, 1
        while name in self._names:
            name, number = f"{base_name}_{number}", number + 1
        self._names[name] = checkpointable
        return checkpointable

    def _tracked_children(self):
        return list(self._names.items())


@tf_export("contrib.checkpoint.list_objects")
def list_objects(root_checkpointable):
    """All objects that a Checkpoint of ROOT_CHECKPOINTABLE would look at, it first."""
    return list(graph_view.ObjectGraph(root_checkpointable).objects)
