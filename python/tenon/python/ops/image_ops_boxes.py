"""Boxes on images, windows of images, and pictures as bytes."""

from tenon.python.framework import dtypes, errors, ops
from tenon.python.ops import gen_ops, math_ops
from tenon.python.ops.image_ops_color import convert_image_dtype
from tenon.python.util.tf_export import tf_export

_LEAST = float("-inf")


# --- boxes ---


@tf_export("image.draw_bounding_boxes")
def draw_bounding_boxes(images, boxes, name=None, colors=None):
    """IMAGES [batch, height, width, channels] with BOXES [batch, n, 4] drawn: corners [y0, x0, y1, x1] in parts of the
    sides."""
    if colors is None:
        return gen_ops.draw_bounding_boxes(images, boxes, name=name)
    return gen_ops.draw_bounding_boxes_v2(images, boxes, colors, name=name)


@tf_export("image.sample_distorted_bounding_box")
def sample_distorted_bounding_box(
    image_size,
    bounding_boxes,
    seed=None,
    seed2=None,
    min_object_covered=0.1,
    aspect_ratio_range=None,
    area_range=None,
    max_attempts=None,
    use_image_if_no_bounding_boxes=None,
    name=None,
):
    """A random box that covers enough of one of BOUNDING_BOXES [batch, n, 4]: (begin [3], size [3], box [1, 1, 4])."""
    given = {
        "seed": seed,
        "seed2": seed2,
        "aspect_ratio_range": aspect_ratio_range,
        "area_range": area_range,
        "max_attempts": max_attempts,
        "use_image_if_no_bounding_boxes": use_image_if_no_bounding_boxes,
    }
    with ops.name_scope(name, "sample_distorted_bounding_box"):
        return gen_ops.sample_distorted_bounding_box_v2(
            image_size,
            bounding_boxes,
            min_object_covered=min_object_covered,
            name=name,
            **{key: value for key, value in given.items() if value is not None},
        )


@tf_export("image.crop_and_resize")
def crop_and_resize(
    image,
    boxes,
    box_ind=None,
    crop_size=None,
    method="bilinear",
    extrapolation_value=0,
    name=None,
    box_indices=None,
):
    """BOXES [n, 4] of the images that BOX_IND [n] numbers, resized to CROP_SIZE: [n, height, width, channels]."""
    if box_indices is not None:
        if box_ind is not None:
            raise ValueError("Cannot specify both 'box_ind' and 'box_indices'.")
        box_ind = box_indices
    return gen_ops.crop_and_resize(image, boxes, box_ind, crop_size, method, extrapolation_value, name)


def _scalars(**values):
    return [ops.convert_to_tensor(value, name=name) for name, value in values.items()]


@tf_export("image.non_max_suppression")
def non_max_suppression(boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=_LEAST, name=None):
    """The numbers of the best of BOXES [n, 4] that overlap no better one by more than IOU_THRESHOLD."""
    with ops.name_scope(name, "non_max_suppression"):
        limits = _scalars(iou_threshold=iou_threshold, score_threshold=score_threshold)
        return gen_ops.non_max_suppression_v3(boxes, scores, max_output_size, *limits)


@tf_export("image.non_max_suppression_with_scores")
def non_max_suppression_with_scores(
    boxes, scores, max_output_size, iou_threshold=0.5, score_threshold=_LEAST, soft_nms_sigma=0.0, name=None
):
    """(numbers, scores) of the best boxes; with a sigma, overlapping ones lose score instead of being left out."""
    with ops.name_scope(name, "non_max_suppression_with_scores"):
        limits = _scalars(iou_threshold=iou_threshold, score_threshold=score_threshold, soft_nms_sigma=soft_nms_sigma)
        return tuple(
            gen_ops.non_max_suppression_v5(boxes, scores, max_output_size, *limits, pad_to_max_output_size=False)[:2]
        )


@tf_export("image.non_max_suppression_padded")
def non_max_suppression_padded(
    boxes,
    scores,
    max_output_size,
    iou_threshold=0.5,
    score_threshold=_LEAST,
    pad_to_max_output_size=False,
    name=None,
    sorted_input=False,
    canonicalized_coordinates=False,
    tile_size=512,
):
    """(numbers, how many are valid) of the best boxes, with zeros behind where PAD_TO_MAX_OUTPUT_SIZE."""
    with ops.name_scope(name, "non_max_suppression_padded"):
        limits = _scalars(iou_threshold=iou_threshold, score_threshold=score_threshold)
        chosen = gen_ops.non_max_suppression_v4(
            boxes, scores, max_output_size, *limits, pad_to_max_output_size=pad_to_max_output_size
        )
        return tuple(chosen)


@tf_export("image.non_max_suppression_overlaps")
def non_max_suppression_with_overlaps(
    overlaps, scores, max_output_size, overlap_threshold=0.5, score_threshold=_LEAST, name=None
):
    """The same where a matrix OVERLAPS [n, n] says how much they overlap."""
    with ops.name_scope(name, "non_max_suppression_overlaps"):
        (overlap_threshold,) = _scalars(overlap_threshold=overlap_threshold)
        return gen_ops.non_max_suppression_with_overlaps(
            overlaps, scores, max_output_size, overlap_threshold, score_threshold
        )


@tf_export("image.combined_non_max_suppression")
def combined_non_max_suppression(
    boxes,
    scores,
    max_output_size_per_class,
    max_total_size,
    iou_threshold=0.5,
    score_threshold=_LEAST,
    pad_per_class=False,
    clip_boxes=True,
    name=None,
):
    """Class by class in each image of a batch: (boxes, scores, classes, how many are valid)."""
    with ops.name_scope(name, "combined_non_max_suppression"):
        limits = [
            ops.convert_to_tensor(value, dtype=dtypes.float32, name=label)
            for label, value in (("iou_threshold", iou_threshold), ("score_threshold", score_threshold))
        ]
        max_total_size = ops.convert_to_tensor(max_total_size)
        return gen_ops.combined_non_max_suppression(
            boxes,
            scores,
            max_output_size_per_class,
            max_total_size,
            *limits,
            pad_per_class=pad_per_class,
            clip_boxes=clip_boxes,
        )


@tf_export("image.generate_bounding_box_proposals")
def generate_bounding_box_proposals(
    scores,
    bbox_deltas,
    image_info,
    anchors,
    nms_threshold=0.7,
    pre_nms_topn=6000,
    min_size=16,
    post_nms_topn=300,
    name=None,
):
    """Not on processors, in TensorFlow neither."""
    raise errors.UnimplementedError(None, None, "GenerateBoundingBoxProposals has no kernel for CPU")


# --- windows ---


@tf_export("image.extract_glimpse")
def extract_glimpse(input, size, offsets, centered=True, normalized=True, uniform_noise=True, name=None):
    """Windows of SIZE around OFFSETS [batch, 2] of the images; noise where they leave them."""
    return gen_ops.extract_glimpse(
        input, size, offsets, centered=centered, normalized=normalized, uniform_noise=uniform_noise, name=name
    )


# --- bytes ---


def _begins(contents, magic, scope, name):
    with ops.name_scope(name, scope):
        head = gen_ops.substr(contents, 0, 3)
        return math_ops.equal(head, magic, name=name)


@tf_export("image.is_jpeg", "io.is_jpeg")
def is_jpeg(contents, name=None):
    """Whether CONTENTS begins as JPEG does."""
    return _begins(contents, b"\xff\xd8\xff", "is_jpeg", name)


@tf_export("image.encode_png", "io.encode_png")
def encode_png(image, compression=-1, name=None):
    """IMAGE [..., height, width, 1 to 4], uint8 or uint16, as PNG."""
    return gen_ops.encode_png(ops.convert_to_tensor(image), compression, name=name)


@tf_export("image.decode_image", "io.decode_image")
def decode_image(contents, channels=None, dtype=dtypes.uint8, name=None, expand_animations=True):
    """The pixels of a BMP, GIF, JPEG or PNG image; the frames of a GIF are a first dimension."""
    with ops.name_scope(name, "decode_image"):
        dtype = dtypes.as_dtype(dtype)
        channels = channels or 0
        direct = dtype in (dtypes.float32, dtypes.uint8, dtypes.uint16)
        image = gen_ops.decode_image(
            contents=contents,
            channels=channels,
            expand_animations=expand_animations,
            dtype=dtype if direct else dtypes.uint16,
        )
        if not direct:
            image = convert_image_dtype(image, dtype)
        if not expand_animations:
            image.set_shape([None, None, channels or None])
        return image


def _missing(what):
    raise errors.UnimplementedError(None, None, f"{what} images are not supported; PNG, JPEG, GIF and BMP are")


@tf_export("image.decode_webp", "io.decode_webp")
def decode_webp(contents, channels=0, dtype=dtypes.uint8, name=None):
    """Not supported."""
    _missing("WebP")


@tf_export("image.decode_jxl", "io.decode_jxl")
def decode_jxl(contents, channels=0, dtype=dtypes.uint8, name=None):
    """Not supported."""
    _missing("JPEG XL")


def _patches(images, sizes, strides, rates, padding, name):
    return gen_ops.extract_image_patches(images, sizes, strides, rates, padding, name)


@tf_export("image.extract_patches")
def extract_image_patches_v2(images, sizes, strides, rates, padding, name=None):
    """The windows of IMAGES, the pixels of each as channels: [batch, rows, columns, height * width * channels]."""
    return _patches(images, sizes, strides, rates, padding, name)
