"""Shapes that come of other shapes."""

from tenon.python.framework import tensor_shape


def broadcast_shape(shape_x, shape_y):
    """The shape of two tensors broadcast together; ValueError where they can't be."""
    x, y = tensor_shape.as_shape(shape_x), tensor_shape.as_shape(shape_y)
    if x.ndims is None or y.ndims is None:
        return tensor_shape.unknown_shape()
    rank = max(x.ndims, y.ndims)
    sizes = []
    for a, b in zip(*([1] * (rank - s.ndims) + s.as_list() for s in (x, y))):
        if a == 1 or b == 1:
            sizes.append(b if a == 1 else a)
        elif a is None or b is None:
            # One that is known and more than 1 decides: the other is that, or 1.
            sizes.append(a if b is None else b)
        elif a == b:
            sizes.append(a)
        else:
            raise ValueError(f"Incompatible shapes for broadcasting. Two shapes are compatible if for each dimension "
                             f"pair they are either equal or one of them is 1. Received: {x} and {y}.")  # fmt: skip
    return tensor_shape.TensorShape(sizes)


def is_broadcast_compatible(shape_x, shape_y):
    """Whether two tensors can be broadcast together; False where that is not known."""
    if tensor_shape.as_shape(shape_x).ndims is None or tensor_shape.as_shape(shape_y).ndims is None:
        return False
    try:
        broadcast_shape(shape_x, shape_y)
    except ValueError:
        return False
    return True
