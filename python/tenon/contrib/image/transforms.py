"""Images turned, moved and seen through projective transforms."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export

_IMAGE_DTYPES = ("uint8", "int32", "int64", "float16", "float32", "float64")


def _as_batch(images):
    """(images [batch, height, width, channels], a function that gives a result the rank that came in)."""
    images = ops.convert_to_tensor(images, name="images")
    rank = images.get_shape().ndims
    if images.dtype.base_dtype.name not in _IMAGE_DTYPES:
        raise TypeError(f"Invalid dtype {images.dtype}.")
    if rank is None:
        raise TypeError("image_or_images rank must be statically known")
    if rank == 2:
        return images[None, :, :, None], lambda made: made[0, :, :, 0]
    if rank == 3:
        return images[None], lambda made: made[0]
    if rank == 4:
        return images, lambda made: made
    raise TypeError("Images should have rank between 2 and 4.")


def _rows(values, name, told):
    """A vector for all images, or a matrix of one for each, as a matrix."""
    values = ops.convert_to_tensor(values, name=name, dtype=dtypes.float32)
    rank = values.get_shape().ndims
    if rank is None:
        raise TypeError(f"{name} rank must be statically known")
    if rank not in (1, 2):
        raise TypeError(f"{told} should have rank 1 or 2.")
    return values[None] if rank == 1 else values


@tf_export("contrib.image.transform")
def transform(images, transforms, interpolation="NEAREST", output_shape=None, name=None):
    """Images whose pixel (x, y) is what was at (a0 x + a1 y + a2, b0 x + b1 y + b2) / (c0 x + c1 y + 1).

    TRANSFORMS are [a0, a1, a2, b0, b1, b2, c0, c1], for all images or for each. What lies outside is zero.
    """
    with ops.name_scope(name, "transform"):
        batch, back = _as_batch(images)
        if output_shape is None:
            known = batch.get_shape().as_list()[1:3]
            output_shape = array_ops.shape(batch)[1:3] if None in known else known
        output_shape = ops.convert_to_tensor(output_shape, dtypes.int32, name="output_shape")
        if not output_shape.get_shape().is_compatible_with([2]):
            raise ValueError("output_shape must be a 1-D Tensor of 2 elements: new_height, new_width")
        return back(gen_ops.image_projective_transform_v2(
            batch, transforms=_rows(transforms, "transforms", "Transforms"), output_shape=output_shape,
            interpolation=interpolation.upper(),
        ))  # fmt: skip


@tf_export("contrib.image.angles_to_projective_transforms")
def angles_to_projective_transforms(angles, image_height, image_width, name=None):
    """The transforms [n, 8] that turn images about their middle, by ANGLES in radians against the clock."""
    with ops.name_scope(name, "angles_to_projective_transforms"):
        angles = ops.convert_to_tensor(angles, name="angles", dtype=dtypes.float32)
        if angles.get_shape().ndims not in (0, 1):
            raise TypeError("Angles should have rank 0 or 1.")
        angles = array_ops.reshape(angles, [-1])
        cos, sin = math_ops.cos(angles), math_ops.sin(angles)
        right, bottom = image_width - 1, image_height - 1
        x = (right - (cos * right - sin * bottom)) / 2.0
        y = (bottom - (sin * right + cos * bottom)) / 2.0
        zero = array_ops.zeros_like(angles)
        return array_ops.stack([cos, -sin, x, sin, cos, y, zero, zero], axis=1)


@tf_export("contrib.image.translations_to_projective_transforms")
def translations_to_projective_transforms(translations, name=None):
    """The transforms [n, 8] that move images by TRANSLATIONS (x, y)."""
    with ops.name_scope(name, "translations_to_projective_transforms"):
        moved = _rows(translations, "translations", "Translations")
        zero = array_ops.zeros_like(moved[:, 0])
        one = array_ops.ones_like(zero)
        return array_ops.stack([one, zero, -moved[:, 0], zero, one, -moved[:, 1], zero, zero], axis=1)


@tf_export("contrib.image.rotate")
def rotate(images, angles, interpolation="NEAREST", name=None):
    """Images turned about their middle, by ANGLES in radians against the clock."""
    with ops.name_scope(name, "rotate"):
        batch, back = _as_batch(images)
        height, width = (math_ops.cast(array_ops.shape(batch)[axis], dtypes.float32) for axis in (1, 2))
        return back(transform(batch, angles_to_projective_transforms(angles, height, width), interpolation))


@tf_export("contrib.image.translate")
def translate(images, translations, interpolation="NEAREST", name=None):
    """Images moved by TRANSLATIONS (x, y), for all images or for each."""
    with ops.name_scope(name, "translate"):
        return transform(images, translations_to_projective_transforms(translations), interpolation)


@tf_export("contrib.image.flat_transforms_to_matrices")
def flat_transforms_to_matrices(transforms):
    """Transforms [n, 8] as matrices [n, 3, 3]."""
    with ops.name_scope("flat_transforms_to_matrices"):
        transforms = ops.convert_to_tensor(transforms, name="transforms")
        if transforms.shape.ndims not in (1, 2):
            raise ValueError(f"Transforms should be 1D or 2D, got: {transforms}")
        rows = array_ops.reshape(transforms, [-1, 8])
        return array_ops.reshape(array_ops.concat([rows, array_ops.ones_like(rows[:, :1])], 1), [-1, 3, 3])


@tf_export("contrib.image.matrices_to_flat_transforms")
def matrices_to_flat_transforms(transform_matrices):
    """Matrices [n, 3, 3] as transforms [n, 8]."""
    with ops.name_scope("matrices_to_flat_transforms"):
        matrices = ops.convert_to_tensor(transform_matrices, name="transform_matrices")
        if matrices.shape.ndims not in (2, 3):
            raise ValueError(f"Matrices should be 2D or 3D, got: {matrices}")
        rows = array_ops.reshape(matrices, [-1, 9])
        return rows[:, :8] / rows[:, 8:]


@tf_export("contrib.image.compose_transforms")
def compose_transforms(*transforms):
    """One transform that does what all do, one after the other."""
    if not transforms:
        raise ValueError("transforms cannot be empty")
    with ops.name_scope("compose_transforms"):
        made = flat_transforms_to_matrices(transforms[0])
        for other in transforms[1:]:
            made = math_ops.matmul(made, flat_transforms_to_matrices(other))
        return matrices_to_flat_transforms(made)


@ops.RegisterGradient("ImageProjectiveTransformV2")
def _transform_gradient(op, gradient):
    """The gradient seen through the inverse transforms."""
    inverse = gen_ops.matrix_inverse(flat_transforms_to_matrices(op.inputs[1]))
    images = gen_ops.image_projective_transform_v2(
        gradient, transforms=matrices_to_flat_transforms(inverse), output_shape=array_ops.shape(op.inputs[0])[1:3],
        interpolation=op.get_attr("interpolation"),
    )  # fmt: skip
    return [images, None, None]
