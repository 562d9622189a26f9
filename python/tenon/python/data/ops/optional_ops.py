"""Optionals: an element, or none."""

from tenon.python.data.util import structure
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.Optional", "contrib.data.Optional")
class Optional:
    """An element that may not be there."""

    def __init__(self, variant_tensor, element):
        self._variant = variant_tensor
        self._structure = element

    @staticmethod
    def from_value(value):
        """An Optional of VALUE."""
        value = structure.normalize(value)
        element = structure.structure_of(value)
        return Optional(gen_ops.optional_from_value(structure.to_tensors(element, value)), element)

    @staticmethod
    def none_from_structure(value_structure):
        """An Optional without a value."""
        return Optional(gen_ops.optional_none(), value_structure)

    @staticmethod
    def empty(element_spec):
        """An Optional without a value."""
        return Optional.none_from_structure(element_spec)

    def has_value(self, name=None):
        """A scalar bool tensor: whether there is a value."""
        return gen_ops.optional_has_value(self._variant, name=name)

    def get_value(self, name=None):
        """The value. InvalidArgumentError if there is none."""
        tensors = gen_ops.optional_get_value(self._variant, name=name, **structure.flat(self._structure))
        return structure.from_tensors(self._structure, tensors)

    @property
    def value_structure(self):
        """The nested specs of the value."""
        return self._structure

    element_spec = value_structure


@tf_export("data.experimental.get_next_as_optional", "contrib.data.get_next_as_optional")
def get_next_as_optional(iterator):
    """The next element of ITERATOR as an Optional, which has no value at the end."""
    return iterator.get_next_as_optional()
