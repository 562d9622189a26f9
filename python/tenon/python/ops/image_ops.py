"""Moving and resizing images: flips, turns, crops, pads, all resizing methods. Images are [height, width, channels] or
a batch of those."""

import functools

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops, random_ops
from tenon.python.ops.image_checks import (
    Batch,
    after,
    as_tensor,
    by_rank,
    check_image,
    checked,
    is_tensor,
    require,
    sizes_of,
)
from tenon.python.util.tf_export import tf_export


@tf_export("image.ResizeMethod")
class ResizeMethod:
    """How resize_images finds the pixels between those it has."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


# --- flips and turns ---


def _keep_shape(image, result):
    result.set_shape([None, None, None] if image.get_shape().ndims is None else image.get_shape())
    return result


def _flip(image, axis, scope):
    with ops.name_scope(None, scope, [image]):
        image = checked(as_tensor(image))
        return by_rank(
            image,
            lambda: _keep_shape(image, gen_ops.reverse_v2(image, [axis])),
            lambda: gen_ops.reverse_v2(image, [axis + 1]),
        )


@tf_export("image.flip_left_right")
def flip_left_right(image):
    """IMAGE with left and right exchanged."""
    return _flip(image, 1, "flip_left_right")


@tf_export("image.flip_up_down")
def flip_up_down(image):
    """IMAGE upside down."""
    return _flip(image, 0, "flip_up_down")


def _random_flip(image, axis, random, scope):
    with ops.name_scope(None, scope, [image]) as name:
        image = checked(as_tensor(image))

        def single():
            heads = math_ops.less(random(shape=[], minval=0, maxval=1.0), 0.5)
            flipped = control_flow_ops.cond(
                heads, lambda: gen_ops.reverse_v2(image, [axis]), lambda: array_ops.identity(image), name=name
            )
            return _keep_shape(image, flipped)

        def batch():
            n = array_ops.shape(image)[0]
            flips = math_ops.round(array_ops.reshape(random(shape=[n], minval=0, maxval=1.0), [n, 1, 1, 1]))
            flips = math_ops.cast(flips, image.dtype)
            return flips * gen_ops.reverse_v2(image, [axis + 1]) + (1 - flips) * image

        return by_rank(image, single, batch)


@tf_export("image.random_flip_left_right")
def random_flip_left_right(image, seed=None):
    """IMAGE, or with left and right exchanged: even chances, for each image of a batch."""
    random = functools.partial(random_ops.random_uniform, seed=seed)
    return _random_flip(image, 1, random, "random_flip_left_right")


@tf_export("image.random_flip_up_down")
def random_flip_up_down(image, seed=None):
    """IMAGE, or upside down: even chances, for each image of a batch."""
    random = functools.partial(random_ops.random_uniform, seed=seed)
    return _random_flip(image, 0, random, "random_flip_up_down")


def _turned(image, k, scope, first):
    """K quarter turns of an image whose rows are dimension FIRST."""
    swapped = [*range(first), first + 1, first, first + 2]

    def quarter():
        return array_ops.transpose(gen_ops.reverse_v2(image, [first + 1]), swapped)

    def half():
        return gen_ops.reverse_v2(image, [first, first + 1])

    def three():
        return gen_ops.reverse_v2(array_ops.transpose(image, swapped), [first + 1])

    cases = [(math_ops.equal(k, n), turn) for n, turn in ((1, quarter), (2, half), (3, three))]
    result = control_flow_ops.case(cases, default=lambda: array_ops.identity(image), exclusive=True, name=scope)
    shape = image.get_shape()
    result.set_shape([*(shape[i] for i in range(first)), None, None, shape[first + 2]])
    return result


@tf_export("image.rot90")
def rot90(image, k=1, name=None):
    """IMAGE turned counter-clockwise by K quarters."""
    with ops.name_scope(name, "rot90", [image, k]) as scope:
        image = checked(as_tensor(image))
        k = ops.convert_to_tensor(k, dtype=dtypes.int32, name="k")
        k.get_shape().assert_has_rank(0)
        k = math_ops.mod(k, 4)
        return by_rank(image, lambda: _turned(image, k, scope, 0), lambda: _turned(image, k, scope, 1))


@tf_export("image.transpose", "image.transpose_image")
def transpose(image, name=None):
    """IMAGE with rows and columns exchanged."""
    with ops.name_scope(name, "transpose", [image]):
        image = checked(as_tensor(image))
        return by_rank(
            image,
            lambda: array_ops.transpose(image, [1, 0, 2], name=name or "transpose"),
            lambda: array_ops.transpose(image, [0, 2, 1, 3], name=name or "transpose"),
        )


# --- crops and pads ---


def _center(size, dynamic, fraction, known):
    """Where the middle FRACTION of a side begins."""
    if not dynamic:
        return int((float(size) - float(size) * known) / 2)
    wide = math_ops.cast(size, dtypes.float64)
    return math_ops.cast((wide - wide * math_ops.cast(fraction, dtypes.float64)) / 2, dtypes.int32)


@tf_export("image.central_crop")
def central_crop(image, central_fraction):
    """The middle of IMAGE: CENTRAL_FRACTION of each side."""
    with ops.name_scope(None, "central_crop", [image]):
        image = as_tensor(image)
        known = central_fraction
        if is_tensor(central_fraction):
            known = tensor_util.constant_value(central_fraction)
        if known is None:
            inside = math_ops.logical_or(central_fraction > 0.0, central_fraction <= 1.0)
            image = after(require(inside, "central_fraction must be within (0, 1]"), image)
        elif known <= 0.0 or known > 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        elif known == 1.0:
            return image
        check_image(image)
        rank = image.get_shape().ndims
        if rank not in (3, 4):
            raise ValueError(f"`image` should either be a Tensor with rank = 3 or rank = 4. Had rank = {rank}.")
        sides = image.get_shape().as_list()[-3:-1]
        begin, extent, shape = [], [], []
        for i, side in enumerate(sides):
            dynamic = side is None or known is None
            size = array_ops.shape(image)[rank - 3 + i] if side is None else side
            start = _center(size, dynamic, central_fraction, known)
            begin.append(start)
            extent.append(size - start * 2)
            shape.append(None if dynamic else extent[-1])
        lead = rank - 3
        begin = array_ops.stack([*[0] * lead, *begin, 0])
        extent = array_ops.stack([*[-1] * lead, *extent, -1])
        result = array_ops.slice(image, begin, extent)
        result.set_shape([*image.get_shape().as_list()[:lead], *shape, image.get_shape().as_list()[-1]])
        return result


def _static(sizes):
    return [None if is_tensor(size) else size for size in sizes]


@tf_export("image.pad_to_bounding_box")
def pad_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """IMAGE on a field of zeros of the target's size, its corner at the offsets."""
    with ops.name_scope(None, "pad_to_bounding_box", [image]):
        batch = Batch(as_tensor(image))
        images = batch.images
        count, height, width, depth = sizes_of(images, 4)
        right = target_width - offset_width - width
        below = target_height - offset_height - height
        checks = check_image(images)
        checks += require(offset_height >= 0, "offset_height must be >= 0")
        checks += require(offset_width >= 0, "offset_width must be >= 0")
        checks += require(right >= 0, "width must be <= target - offset")
        checks += require(below >= 0, "height must be <= target - offset")
        images = after(checks, images)
        around = array_ops.stack([0, 0, offset_height, below, offset_width, right, 0, 0])
        padded = array_ops.pad(images, array_ops.reshape(around, [4, 2]))
        padded.set_shape(_static([count, target_height, target_width, depth]))
        return batch.undo(padded)


@tf_export("image.crop_to_bounding_box")
def crop_to_bounding_box(image, offset_height, offset_width, target_height, target_width):
    """The part of IMAGE of the target's size that begins at the offsets."""
    with ops.name_scope(None, "crop_to_bounding_box", [image]):
        batch = Batch(as_tensor(image))
        images = batch.images
        checks = check_image(images)
        count, height, width, depth = sizes_of(images, 4)
        checks += require(offset_width >= 0, "offset_width must be >= 0.")
        checks += require(offset_height >= 0, "offset_height must be >= 0.")
        checks += require(target_width > 0, "target_width must be > 0.")
        checks += require(target_height > 0, "target_height must be > 0.")
        checks += require(width >= target_width + offset_width, "width must be >= target + offset.")
        checks += require(height >= target_height + offset_height, "height must be >= target + offset.")
        images = after(checks, images)
        begin = array_ops.stack([0, offset_height, offset_width, 0])
        extent = array_ops.stack([array_ops.shape(images)[0], target_height, target_width, array_ops.shape(images)[3]])
        cropped = array_ops.slice(images, begin, extent)
        cropped.set_shape(_static([count, target_height, target_width, depth]))
        return batch.undo(cropped)


def _larger(x, y):
    return math_ops.maximum(x, y) if is_tensor(x) or is_tensor(y) else max(x, y)


def _smaller(x, y):
    return math_ops.minimum(x, y) if is_tensor(x) or is_tensor(y) else min(x, y)


def _check_target(images, target_height, target_width):
    checks = check_image(images)
    checks += require(target_width > 0, "target_width must be > 0.")
    return checks + require(target_height > 0, "target_height must be > 0.")


@tf_export("image.resize_with_crop_or_pad", "image.resize_image_with_crop_or_pad")
def resize_image_with_crop_or_pad(image, target_height, target_width):
    """IMAGE cut, or padded with zeros, evenly on both sides, to the target's size."""
    with ops.name_scope(None, "resize_image_with_crop_or_pad", [image]):
        batch = Batch(as_tensor(image))
        checks = _check_target(batch.images, target_height, target_width)
        images = after(checks, batch.images)
        if is_tensor(target_height):
            target_height = after(checks, target_height)
        if is_tensor(target_width):
            target_width = after(checks, target_width)
        _, height, width, _ = sizes_of(images, 4)
        wider, higher = target_width - width, target_height - height
        cropped = crop_to_bounding_box(
            images,
            _larger(-higher // 2, 0),
            _larger(-wider // 2, 0),
            _smaller(target_height, height),
            _smaller(target_width, width),
        )
        padded = pad_to_bounding_box(
            cropped, _larger(higher // 2, 0), _larger(wider // 2, 0), target_height, target_width
        )
        return batch.undo(padded)


# --- resizing ---

_RESIZERS = {
    ResizeMethod.BILINEAR: gen_ops.resize_bilinear,
    ResizeMethod.NEAREST_NEIGHBOR: gen_ops.resize_nearest_neighbor,
    ResizeMethod.BICUBIC: gen_ops.resize_bicubic,
    ResizeMethod.AREA: gen_ops.resize_area,
    "bilinear": gen_ops.resize_bilinear,
    "nearest": gen_ops.resize_nearest_neighbor,
    "bicubic": gen_ops.resize_bicubic,
    "area": gen_ops.resize_area,
}


def _fitted(images, size):
    """The largest size with the images' ratio of sides that is within SIZE."""
    _, height, width, _ = sizes_of(images, 4)
    sides = [math_ops.cast(side, dtypes.float32) for side in (height, width)]
    scale = math_ops.minimum(
        math_ops.cast(size[0], dtypes.float32) / sides[0], math_ops.cast(size[1], dtypes.float32) / sides[1]
    )
    scaled = [math_ops.cast(math_ops.round(scale * side), dtypes.int32) for side in sides]
    return ops.convert_to_tensor(scaled, dtypes.int32, name="size")


@tf_export("image.resize", "image.resize_images")
def resize_images(
    images, size, method=ResizeMethod.BILINEAR, align_corners=False, preserve_aspect_ratio=False, name=None
):
    """IMAGES resized to SIZE [height, width] by METHOD. Images that have that size already are returned as they are;
    else the result is float32, except by nearest neighbours."""
    with ops.name_scope(name, "resize", [images, size]):
        images = as_tensor(images, "images")
        rank = images.get_shape().ndims
        if rank is None:
            raise ValueError("'images' contains no shape.")
        if rank not in (3, 4):
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        batch = Batch(images)
        images = batch.images
        try:
            size = ops.convert_to_tensor(size, dtypes.int32, name="size")
        except (TypeError, ValueError):
            raise ValueError("'size' must be a 1-D int32 Tensor") from None
        if not size.get_shape().is_compatible_with([2]):
            raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
        if preserve_aspect_ratio:
            size = _fitted(images, size)
        known = tensor_util.constant_value_as_shape(size).as_list()
        if None not in known and known == images.get_shape().as_list()[1:3]:
            return batch.undo(images)
        if method not in _RESIZERS:
            raise ValueError(f"Resize method is not implemented: {method}")
        resized = _RESIZERS[method](images, size, align_corners=align_corners)
        resized.set_shape([None, *known, None])
        return batch.undo(resized)


@tf_export("image.resize_image_with_pad")
def resize_image_with_pad(image, target_height, target_width, method=ResizeMethod.BILINEAR, align_corners=False):
    """IMAGE resized to fit into the target's size with its own ratio of sides, and padded with zeros to it."""
    with ops.name_scope(None, "resize_image_with_pad", [image]):
        batch = Batch(as_tensor(image))
        images = after(_check_target(batch.images, target_height, target_width), batch.images)
        _, height, width, _ = sizes_of(images, 4)
        sides = [math_ops.cast(side, dtypes.float32) for side in (height, width)]
        targets = [math_ops.cast(side, dtypes.float32) for side in (target_height, target_width)]
        ratio = math_ops.maximum(sides[1] / targets[1], sides[0] / targets[0])
        wanted = [side / ratio for side in sides]
        size = [math_ops.cast(math_ops.floor(side), dtypes.int32) for side in wanted]
        margins = [
            math_ops.maximum(0, math_ops.cast(math_ops.floor((target - side) / 2), dtypes.int32))
            for target, side in zip(targets, wanted)
        ]
        resized = resize_images(images, size, method, align_corners=align_corners)
        return batch.undo(pad_to_bounding_box(resized, *margins, target_height, target_width))


def _resizer(op):
    def resize(images, size, align_corners=False, name=None, half_pixel_centers=False):
        return op(images, size, align_corners=align_corners, half_pixel_centers=half_pixel_centers, name=name)

    return resize


resize_bilinear = _resizer(gen_ops.resize_bilinear)
resize_bicubic = _resizer(gen_ops.resize_bicubic)
resize_nearest_neighbor = _resizer(gen_ops.resize_nearest_neighbor)
for _method, _function in (
    ("bilinear", resize_bilinear),
    ("bicubic", resize_bicubic),
    ("nearest_neighbor", resize_nearest_neighbor),
):
    _function.__name__ = _function.__qualname__ = f"resize_{_method}"
    _function.__doc__ = f"IMAGES [batch, height, width, channels] resized to SIZE by the method {_method}."
TF_EXPORTS = {
    "image.resize_bilinear": "resize_bilinear",
    "image.resize_bicubic": "resize_bicubic",
    "image.resize_nearest_neighbor": "resize_nearest_neighbor",
}
