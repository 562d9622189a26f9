"""What the image functions ask of their images before anything is built on them."""

from tenon.python.framework import ops
from tenon.python.framework.tensor import Tensor
from tenon.python.ops import array_ops, control_flow_ops, math_ops


def is_tensor(x):
    """Whether X is a tensor or a variable, not a Python number."""
    return isinstance(x, Tensor) or hasattr(x, "_ref") or hasattr(x, "_variable")


def require(condition, message):
    """[] if CONDITION holds, an assertion to depend on if only the step knows; ValueError if it does not hold."""
    if is_tensor(condition):
        return [control_flow_ops.Assert(condition, [message])]
    if not condition:
        raise ValueError(message)
    return []


def sizes_of(image, rank):
    """The sizes of IMAGE: numbers where they are known, scalars of a step where not."""
    if image.get_shape().is_fully_defined():
        return image.get_shape().as_list()
    known = image.get_shape().with_rank(rank).as_list()
    dynamic = array_ops.unstack(array_ops.shape(image), rank)
    return [d if s is None else s for s, d in zip(known, dynamic)]


def check_image(image):
    """What must hold for the images to have three dimensions at least, the last three not empty."""
    shape = image.get_shape()
    try:
        shape = shape.with_rank(3) if shape.ndims is None else shape.with_rank_at_least(3)
    except ValueError:
        raise ValueError(f"'image' (shape {image.shape}) must be at least three-dimensional.") from None
    sizes = shape.as_list()[-3:]
    if any(size == 0 for size in sizes):
        raise ValueError(f"inner 3 dims of 'image.shape' must be > 0: {shape}")
    if None not in sizes:
        return []
    dynamic = array_ops.shape(image)
    positive = math_ops.reduce_all(math_ops.greater(dynamic[-3:], 0))
    enough = math_ops.greater_equal(array_ops.rank(image), 3)
    return [
        control_flow_ops.Assert(positive, ["inner 3 dims of 'image.shape' must be > 0.", dynamic]),
        control_flow_ops.Assert(enough, ["'image' must be at least three-dimensional.", dynamic]),
    ]


def checked(image):
    """IMAGE, once it is known to be one."""
    return after(check_image(image), image)


def after(dependencies, image):
    """IMAGE, once DEPENDENCIES have run."""
    if not dependencies:
        return image
    return control_flow_ops.with_dependencies(dependencies, image)


def check_gray(image):
    """IMAGE, once it is known to have a single channel."""
    shape = image.get_shape()
    try:
        shape = shape.with_rank(2) if shape.ndims is None else shape.with_rank_at_least(2)
    except ValueError:
        raise ValueError(f"A grayscale image (shape {image.shape}) must be at least two-dimensional.") from None
    if shape.is_fully_defined():
        if shape.as_list()[-1] != 1:
            raise ValueError("Last dimension of a grayscale image should be size 1.")
        return image
    single = math_ops.equal(array_ops.shape(image)[-1], 1)
    enough = math_ops.greater_equal(array_ops.rank(image), 3)
    message = "Last dimension of a grayscale image should be size 1."
    checks = [
        control_flow_ops.Assert(single, [message]),
        control_flow_ops.Assert(enough, ["A grayscale image must be at least two-dimensional."]),
    ]
    return after(checks, image)


class Batch:
    """An image as a batch of one, or a batch as it is; `undo` gives the result the rank of what came."""

    def __init__(self, image):
        rank = image.get_shape().ndims
        self.single = rank in (3, None)
        if rank not in (None, 3, 4):
            raise ValueError(f"'image' (shape {image.get_shape()}) must have either 3 or 4 dimensions.")
        self.images = array_ops.expand_dims(image, 0) if self.single else image
        if rank is None:
            self.images.set_shape([None] * 4)

    def undo(self, images):
        return array_ops.squeeze(images, axis=[0]) if self.single else images


def by_rank(image, three, four):
    """three() for an image, four() for a batch; where only the step knows, it chooses."""
    rank = image.get_shape().ndims
    if rank == 3:
        return three()
    if rank == 4:
        return four()
    if rank is not None:
        raise ValueError(f"'image' (shape {image.get_shape()}) must have either 3 or 4 dimensions.")
    return control_flow_ops.cond(math_ops.equal(array_ops.rank(image), 3), three, four)


def as_tensor(image, name="image"):
    return ops.convert_to_tensor(image, name=name)
