"""CompositeTensor: what is made of several tensors."""

import abc

from tenon.python.framework.sparse_tensor import SparseTensor
from tenon.python.framework.tensor import IndexedSlices


class CompositeTensor(metaclass=abc.ABCMeta):  # noqa: B024  what must be defined differs between versions
    """A value made of tensors, as SparseTensor, IndexedSlices and RaggedTensor are; libraries derive their own."""

    def consumers(self):
        """The Operations that read one of its parts."""
        raise NotImplementedError(f"{type(self).__name__}.consumers()")


CompositeTensor.register(SparseTensor)
CompositeTensor.register(IndexedSlices)
