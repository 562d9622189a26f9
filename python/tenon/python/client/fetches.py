"""What a step's fetches and feeds may be, taken apart into tensors and operations, and put together again."""

from tenon.python.framework.indexed_slices import IndexedSlicesValue
from tenon.python.framework.sparse_tensor import SparseTensor, SparseTensorValue
from tenon.python.framework.tensor import IndexedSlices, Operation, Tensor

_registered = []  # (type, fetch function, feed function, feed function for partial runs), newest first


def register_session_run_conversion_functions(tensor_type, fetch_function, feed_function=None,
                                              feed_function_for_partial_run=None):  # fmt: skip
    """How objects of TENSOR_TYPE are fetched: fetch_function(x) -> (list of tensors, function of their values);
    and fed: feed_function(x, value) -> list of (tensor, value)."""
    if any(kind is tensor_type for kind, *_ in _registered):
        raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _registered.insert(0, (tensor_type, fetch_function, feed_function, feed_function_for_partial_run))


def _indexed_slices_value(values):
    return IndexedSlicesValue(values[0], values[1], values[2] if len(values) == 3 else None)


def _composite(fetch):
    """(parts, function of their values) of what is made of several tensors, or None."""
    if isinstance(fetch, SparseTensor):
        return [fetch.indices, fetch.values, fetch.dense_shape], lambda values: SparseTensorValue(*values)
    if isinstance(fetch, IndexedSlices):
        parts = [fetch.values, fetch.indices] + ([] if fetch.dense_shape is None else [fetch.dense_shape])
        return parts, _indexed_slices_value
    for kind, function, _, _ in _registered:
        if isinstance(fetch, kind):
            return function(fetch)
    return None


def feed_parts(key, value):
    """The (tensor or name, value) pairs that feeding VALUE for KEY stands for."""
    if isinstance(key, SparseTensor):
        return list(zip((key.indices, key.values, key.dense_shape), value))
    if isinstance(key, IndexedSlices):
        parts = [key.values, key.indices] + ([] if key.dense_shape is None else [key.dense_shape])
        return list(zip(parts, value))
    if isinstance(key, tuple):
        return _nested_parts(key, value)
    if not isinstance(key, (Tensor, str)):
        for kind, _, function, _ in _registered:
            if isinstance(key, kind):
                if function is None:
                    raise TypeError(f"{key!r} can't be fed")
                return list(function(key, value))
    return [(key, value)]


def _nested_parts(key, value):
    """The pairs of nested tuples of tensors and values of the same structure."""
    from tenon.python.util import nest

    keys, values = nest.flatten(key), nest.flatten_up_to(key, value)
    return [pair for k, v in zip(keys, values) for pair in feed_parts(k, v)]


def is_attrs(value):
    """True for instances of classes of the package attrs."""
    return hasattr(type(value), "__attrs_attrs__")


class Mapping:
    """The tensors and operations of nested fetches, and how to build the results."""

    def __init__(self, graph, fetches):
        self.graph = graph
        self.items = []
        self.places = {}
        self.build = self.visit(fetches)

    def element(self, fetch):
        """The place of a fetched tensor or operation among the items."""
        try:
            item = self.graph.as_graph_element(fetch, allow_tensor=True, allow_operation=True)
        except TypeError as error:
            raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}, must be a string or Tensor. "
                            f"({error})") from None  # fmt: skip
        except (ValueError, KeyError) as error:
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error})") from None
        if not self.graph.is_fetchable(item):
            name = getattr(item, "op", item).name
            raise ValueError(f"Operation {name!r} has been marked as not fetchable. Typically this "
                             "happens when it is defined in another function or code block. Use return values, "
                             "explicit Python locals or TensorFlow collections to access it.")  # fmt: skip
        place = self.places.get(item)
        if place is None:
            place = self.places[item] = len(self.items)
            self.items.append(item)
        return place, isinstance(item, Operation)

    def visit(self, fetch):
        if fetch is None:
            raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}")
        if isinstance(fetch, (Tensor, Operation, str, bytes)):
            return self.leaf(fetch)
        if isinstance(fetch, (list, tuple)):
            return self.sequence(fetch)
        if hasattr(fetch, "keys") and hasattr(fetch, "items"):
            parts = [(key, self.visit(value)) for key, value in fetch.items()]
            kind = type(fetch)
            if kind.__name__ == "defaultdict":
                return lambda v: kind(fetch.default_factory, [(key, part(v)) for key, part in parts])
            return lambda v: kind((key, part(v)) for key, part in parts)
        if is_attrs(fetch):
            names = [a.name for a in type(fetch).__attrs_attrs__]
            parts = [self.visit(getattr(fetch, name)) for name in names]
            return lambda v: type(fetch)(*(part(v) for part in parts))
        composite = _composite(fetch)
        if composite is None:
            return self.leaf(fetch)
        parts, join = composite
        places = [self.visit(part) for part in parts]
        return lambda v: join([part(v) for part in places])

    def leaf(self, fetch):
        place, is_operation = self.element(fetch)
        return (lambda v: None) if is_operation else (lambda v: v[place])

    def sequence(self, fetch):
        parts = [self.visit(value) for value in fetch]
        kind = type(fetch)
        if kind is list or isinstance(fetch, list):
            return lambda v: [part(v) for part in parts]
        if hasattr(fetch, "_fields"):
            return lambda v: kind(*(part(v) for part in parts))
        return lambda v: kind(part(v) for part in parts)


def freeze(fetches):
    """FETCHES as a key: lists and dicts as tuples that tell their kind."""
    if isinstance(fetches, dict):
        return (type(fetches), *((key, freeze(value)) for key, value in fetches.items()))
    if isinstance(fetches, (list, tuple)):
        return (type(fetches), *map(freeze, fetches))
    return fetches
