"""The layers that a layer or model has as attributes, also in lists and dicts that are filled later on."""


def is_layer(thing):
    """Whether it is a layer, not a class of layers."""
    return hasattr(thing, "_inbound_nodes") and not isinstance(thing, type)


def layers_in(value):
    """The layers in a list, tuple or dict."""
    if is_layer(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return [x for v in value for x in layers_in(v)]
    if isinstance(value, dict):
        return [x for v in value.values() for x in layers_in(v)]
    return []


class _Container:
    """A list or dict that is an attribute."""

    def __init__(self, value):
        self.value = value
        self._size_without = -1  # its size when there was nothing in it to look at

    def layers(self):
        value = self.value
        if len(value) == self._size_without:
            return ()
        inside = value.values() if isinstance(value, dict) else value
        if not any(isinstance(x, (list, tuple, dict)) or is_layer(x) for x in inside):
            self._size_without = len(value)
            return ()
        return layers_in(value)


class LayerLists:
    """What keeps them: `_entries` has layers and containers in the order in which they became attributes."""

    def _track_layers(self, entries, name, value):
        if isinstance(value, (list, dict)):
            old = self.__dict__.get(name)
            gone = [x for x in entries if isinstance(x, _Container) and (x.value is old or x.value is value)]
            entries[:] = [x for x in entries if all(x is not y for y in gone)]
            entries.append(_Container(value))
            return
        for layer in layers_in(value):
            if not any(layer is x for x in entries):
                entries.append(layer)

    @property
    def _layers(self):
        """The layers; where no containers are attributes, the list itself."""
        entries = self._entries
        if not any(isinstance(x, _Container) for x in entries):
            return entries
        found, seen = [], set()
        for entry in entries:
            for layer in entry.layers() if isinstance(entry, _Container) else (entry,):
                if id(layer) not in seen:
                    seen.add(id(layer))
                    found.append(layer)
        return found

    @_layers.setter
    def _layers(self, value):
        self._entries[:] = value
