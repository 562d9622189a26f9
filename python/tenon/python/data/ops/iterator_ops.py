"""Iterators: draw elements from datasets."""

import warnings

from tenon.python.data.util import structure
from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export

GET_NEXT_CALL_WARNING_THRESHOLD = 32
GET_NEXT_CALL_WARNING_MESSAGE = (
    "An unusually high number of `Iterator.get_next()` calls was detected. This often indicates that `Iterator."
    "get_next()` is being called inside a training loop, which will cause gradual slowdown and eventual resource "
    "exhaustion. If this is the case, restructure your code to call `next_element = iterator.get_next()` once outside "
    "the loop, and use `next_element` as the input to some computation that is invoked inside the loop."
)


@tf_export("data.Iterator", "contrib.data.Iterator")
class Iterator:
    """Draws the elements of a dataset, one after the other."""

    def __init__(self, iterator_resource, initializer, output_types, output_shapes=None, output_classes=None):
        self._iterator_resource = iterator_resource
        self._initializer = initializer
        self._structure = structure.from_types(output_types, output_shapes, output_classes)
        self._string_handle = None
        self._get_next_call_count = 0

    @classmethod
    def _make(cls, resource, initializer, element):
        made = cls.__new__(cls)
        made._iterator_resource = resource
        made._initializer = initializer
        made._structure = element
        made._string_handle = None
        made._get_next_call_count = 0
        ops.add_to_collection(ops.GraphKeys._ITERATORS if hasattr(ops.GraphKeys, "_ITERATORS") else "iterators",
                              resource)  # fmt: skip
        return made

    @staticmethod
    def from_structure(output_types, output_shapes=None, shared_name=None, output_classes=None):
        """An iterator that make_initializer gives datasets of these types and shapes."""
        element = structure.from_types(output_types, output_shapes, output_classes)
        resource = gen_ops.iterator_v2(container="", shared_name=shared_name or "", **structure.flat(element))
        return Iterator._make(resource, None, element)

    @staticmethod
    def from_string_handle(string_handle, output_types, output_shapes=None, output_classes=None):
        """The iterator that a string handle, which may be fed, stands for."""
        element = structure.from_types(output_types, output_shapes, output_classes)
        handle = ops.convert_to_tensor(string_handle, dtypes.string)
        resource = gen_ops.iterator_from_string_handle_v2(handle, **structure.flat(element))
        return Iterator._make(resource, None, element)

    @property
    def initializer(self):
        """The Operation that starts it. ValueError if it has none."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset, name=None):
        """An Operation that lets the iterator start with DATASET."""
        with ops.name_scope(name, "make_initializer") as scope:
            if not structure.compatible(self._structure, dataset._structure):
                ours, theirs = structure.types_of(self._structure), structure.types_of(dataset._structure)
                if str(ours) != str(theirs):
                    raise TypeError(f"Expected output types {ours!r} but got dataset with output types {theirs!r}.")
                ours, theirs = structure.shapes_of(self._structure), structure.shapes_of(dataset._structure)
                raise TypeError(f"Expected output shapes compatible with {ours!r} but got dataset with output shapes "
                                f"{theirs!r}.")  # fmt: skip
            with ops.colocate_with(self._iterator_resource):
                return gen_ops.make_iterator(dataset._variant_tensor, self._iterator_resource, name=scope or None)

    def get_next(self, name=None):
        """The next element: each run of it advances the iterator. OutOfRangeError at the end."""
        self._get_next_call_count += 1
        if self._get_next_call_count > GET_NEXT_CALL_WARNING_THRESHOLD:
            warnings.warn(GET_NEXT_CALL_WARNING_MESSAGE, stacklevel=2)
        tensors = gen_ops.iterator_get_next(self._iterator_resource, name=name, **structure.flat(self._structure))
        return structure.from_tensors(self._structure, tensors)

    def get_next_as_optional(self):
        """The next element as an Optional, which has no value at the end."""
        from tenon.python.data.ops.optional_ops import Optional

        optional = gen_ops.iterator_get_next_as_optional(self._iterator_resource, **structure.flat(self._structure))
        return Optional(optional, self._structure)

    @property
    def element_spec(self):
        """The nested specs of the elements."""
        return self._structure

    def string_handle(self, name=None):
        """A scalar string tensor that stands for the iterator."""
        if name is not None or self._string_handle is None:
            handle = gen_ops.iterator_to_string_handle(self._iterator_resource, name=name)
            if name is not None:
                return handle
            self._string_handle = handle
        return self._string_handle

    @property
    def output_types(self):
        """Nested dtypes of the elements."""
        return structure.types_of(self._structure)

    @property
    def output_shapes(self):
        """Nested shapes of the elements."""
        return structure.shapes_of(self._structure)

    @property
    def output_classes(self):
        """Nested classes of the elements' components."""
        return structure.classes_of(self._structure)

    @property
    def _element_structure(self):
        return self._structure


def initializable(dataset, shared_name=None):
    """An iterator of DATASET with an initializer."""
    element = dataset._structure
    with ops.colocate_with(dataset._variant_tensor):
        resource = gen_ops.iterator_v2(container="", shared_name=shared_name or "", **structure.flat(element))
    with ops.colocate_with(resource):
        initializer = gen_ops.make_iterator(dataset._variant_tensor, resource)
    return Iterator._make(resource, initializer, element)


def one_shot(dataset):
    """An iterator of DATASET that needs no initializer: a function makes the dataset again."""
    from tenon.python.framework.func_graph import trace

    try:
        body = trace("make_dataset", lambda: [dataset._variant_tensor], [], dataset._variant_tensor.graph, True)
    except ValueError as error:
        if "Cannot capture" not in str(error):
            raise
        raise ValueError(f"{error}: Failed to create a one-shot iterator for a dataset. "
                         "`Dataset.make_initializable_iterator()` is more appropriate.") from None  # fmt: skip
    graph = ops.get_default_graph()
    body.add_to(graph)
    element = dataset._structure
    resource = gen_ops.one_shot_iterator(dataset_factory=body.name, **structure.flat(element))
    return Iterator._make(resource, None, element)
