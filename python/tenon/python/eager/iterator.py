"""The elements of a dataset, one after the other."""

from tenon.python.framework import errors
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.eager.Iterator")
class Iterator:
    """for element in Iterator(dataset): elements are structures of eager tensors."""

    def __init__(self, dataset):
        self._iterator = dataset.make_initializable_iterator()

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return self._iterator.get_next()
        except errors.OutOfRangeError:
            raise StopIteration from None

    next = __next__

    def get_next(self, name=None):
        """The next element. OutOfRangeError at the end."""
        return self._iterator.get_next(name)

    @property
    def output_types(self):
        """Nested dtypes of the elements."""
        return self._iterator.output_types

    @property
    def output_shapes(self):
        """Nested shapes of the elements."""
        return self._iterator.output_shapes
