"""Colours: conversions between dtypes and colour spaces, brightness, contrast, hue, saturation, gamma."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops, math_ops, random_ops
from tenon.python.ops.image_checks import after, as_tensor, check_gray, checked, is_tensor, require
from tenon.python.util.tf_export import tf_export

_FLOATS = (dtypes.float16, dtypes.float32)


def _is_number(dtype):
    return dtype.is_floating or dtype.is_integer


@tf_export("image.convert_image_dtype")
def convert_image_dtype(image, dtype, saturate=False, name=None):
    """IMAGE in another dtype: floats are from 0 to 1, integers from 0 to the greatest of their dtype."""
    image = as_tensor(image)
    dtype = dtypes.as_dtype(dtype)
    if not _is_number(dtype):
        raise AttributeError("dtype must be either floating point or integer")
    if not _is_number(image.dtype):
        raise AttributeError("image dtype must be either floating point or integer")
    if dtype == image.dtype:
        return array_ops.identity(image, name=name)
    cast = math_ops.saturate_cast if saturate else math_ops.cast
    with ops.name_scope(name, "convert_image", [image]) as name:
        if image.dtype.is_floating:
            if dtype.is_floating:
                return math_ops.cast(image, dtype, name=name)
            return cast(math_ops.multiply(image, dtype.max + 0.5), dtype, name=name)
        if dtype.is_floating:
            return math_ops.multiply(math_ops.cast(image, dtype), 1.0 / image.dtype.max, name=name)
        if image.dtype.max > dtype.max:
            scale = (image.dtype.max + 1) // (dtype.max + 1)
            return cast(math_ops.floordiv(image, scale), dtype, name=name)
        return math_ops.multiply(cast(image, dtype), (dtype.max + 1) // (image.dtype.max + 1), name=name)


def _as_float(image):
    return image if image.dtype in _FLOATS else convert_image_dtype(image, dtypes.float32)


# --- adjusting ---


@tf_export("image.adjust_brightness")
def adjust_brightness(image, delta):
    """IMAGE with DELTA added, in parts of the whole range; integers are kept within theirs."""
    with ops.name_scope(None, "adjust_brightness", [image, delta]) as name:
        image = as_tensor(image)
        values = _as_float(image)
        brighter = math_ops.add(values, math_ops.cast(delta, values.dtype), name=name)
        return convert_image_dtype(brighter, image.dtype, saturate=True)


@tf_export("image.adjust_contrast")
def adjust_contrast(images, contrast_factor):
    """IMAGES whose pixels move away from the mean of their channel by CONTRAST_FACTOR."""
    with ops.name_scope(None, "adjust_contrast", [images, contrast_factor]) as name:
        images = as_tensor(images, "images")
        adjusted = gen_ops.adjust_contrastv2(_as_float(images), contrast_factor=contrast_factor, name=name)
        return convert_image_dtype(adjusted, images.dtype, saturate=True)


@tf_export("image.adjust_gamma")
def adjust_gamma(image, gamma=1, gain=1):
    """GAIN * IMAGE ** GAMMA."""
    with ops.name_scope(None, "adjust_gamma", [image, gamma, gain]):
        image = as_tensor(image)
        checks = require(gamma >= 0, "Gamma should be a non-negative real number.")
        if checks:
            gamma = after(checks, gamma)
        return convert_image_dtype(gain * _as_float(image) ** gamma, image.dtype, saturate=True)


@tf_export("image.adjust_hue")
def adjust_hue(image, delta, name=None):
    """IMAGE with all hues moved by DELTA of the circle."""
    with ops.name_scope(name, "adjust_hue", [image]):
        image = as_tensor(image)
        return convert_image_dtype(gen_ops.adjust_hue(_as_float(image), delta), image.dtype)


@tf_export("image.adjust_saturation")
def adjust_saturation(image, saturation_factor, name=None):
    """IMAGE with all saturations times SATURATION_FACTOR."""
    with ops.name_scope(name, "adjust_saturation", [image]):
        image = as_tensor(image)
        return convert_image_dtype(gen_ops.adjust_saturation(_as_float(image), saturation_factor), image.dtype)


@tf_export("image.adjust_jpeg_quality")
def adjust_jpeg_quality(image, jpeg_quality, dct_method="", name=None):
    """IMAGE as JPEG of a quality from 0 to 100 leaves it."""
    with ops.name_scope(name, "adjust_jpeg_quality", [image]):
        image = as_tensor(image)
        channels, dtype = image.shape.as_list()[-1], image.dtype
        image = convert_image_dtype(image, dtypes.uint8, saturate=True)
        if not is_tensor(jpeg_quality):
            jpeg_quality = ops.convert_to_tensor(jpeg_quality, dtype=dtypes.int32)
        image = gen_ops.encode_jpeg_variable_quality(image, jpeg_quality)
        image = gen_ops.decode_jpeg(image, channels=channels, dct_method=dct_method)
        return convert_image_dtype(image, dtype, saturate=True)


def _uniform(low, high, seed, dtype=dtypes.float32):
    return random_ops.random_uniform([], low, high, seed=seed, dtype=dtype)


@tf_export("image.random_brightness")
def random_brightness(image, max_delta, seed=None):
    """adjust_brightness by a random number within MAX_DELTA of 0."""
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, _uniform(-max_delta, max_delta, seed))


@tf_export("image.random_contrast")
def random_contrast(image, lower, upper, seed=None):
    """adjust_contrast by a random factor in [LOWER, UPPER)."""
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")
    return adjust_contrast(image, _uniform(lower, upper, seed))


@tf_export("image.random_hue")
def random_hue(image, max_delta, seed=None):
    """adjust_hue by a random number within MAX_DELTA, at most 0.5, of 0."""
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, _uniform(-max_delta, max_delta, seed))


@tf_export("image.random_saturation")
def random_saturation(image, lower, upper, seed=None):
    """adjust_saturation by a random factor in [LOWER, UPPER)."""
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")
    return adjust_saturation(image, _uniform(lower, upper, seed))


@tf_export("image.random_jpeg_quality")
def random_jpeg_quality(image, min_jpeg_quality, max_jpeg_quality, seed=None):
    """adjust_jpeg_quality with a random quality."""
    if min_jpeg_quality < 0 or max_jpeg_quality < 0 or min_jpeg_quality > 100 or max_jpeg_quality > 100:
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if min_jpeg_quality >= max_jpeg_quality:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")
    return adjust_jpeg_quality(image, _uniform(min_jpeg_quality, max_jpeg_quality, seed, dtypes.int32))


@tf_export("image.per_image_standardization", "image.per_image_whitening")
def per_image_standardization(image):
    """Each image with mean 0 and deviation 1; an even one is all zeros."""
    with ops.name_scope(None, "per_image_standardization", [image]) as scope:
        image = math_ops.cast(checked(as_tensor(image)), dtypes.float32)
        pixels = math_ops.reduce_prod(array_ops.shape(image)[-3:])
        axes = [-1, -2, -3]
        mean = math_ops.reduce_mean(image, axis=axes, keepdims=True)
        deviation = math_ops.reduce_std(image, axis=axes, keepdims=True)
        least = math_ops.rsqrt(math_ops.cast(pixels, dtypes.float32))
        return math_ops.divide(image - mean, math_ops.maximum(deviation, least), name=scope)


# --- colour spaces ---


@tf_export("image.rgb_to_grayscale")
def rgb_to_grayscale(images, name=None):
    """The brightness of each pixel, in a last dimension of 1."""
    with ops.name_scope(name, "rgb_to_grayscale", [images]) as name:
        images = as_tensor(images, "images")
        gray = math_ops.tensordot(convert_image_dtype(images, dtypes.float32), [0.2989, 0.5870, 0.1140], [-1, -1])
        return convert_image_dtype(array_ops.expand_dims(gray, -1), images.dtype, name=name)


@tf_export("image.grayscale_to_rgb")
def grayscale_to_rgb(images, name=None):
    """The one channel three times."""
    with ops.name_scope(name, "grayscale_to_rgb", [images]) as name:
        images = check_gray(as_tensor(images, "images"))
        before = array_ops.expand_dims(array_ops.rank(images) - 1, 0)
        multiples = array_ops.concat([array_ops.ones(before, dtype=dtypes.int32), array_ops.expand_dims(3, 0)], 0)
        colors = array_ops.tile(images, multiples, name=name)
        colors.set_shape(images.get_shape()[:-1].concatenate([3]))
        return colors


_SPACES = {
    "rgb_to_yiq": [
        [0.299, 0.59590059, 0.2115],
        [0.587, -0.27455667, -0.52273617],
        [0.114, -0.32134392, 0.31119955],
    ],
    "yiq_to_rgb": [
        [1, 1, 1],
        [0.95598634, -0.27201283, -1.10674021],
        [0.6208248, -0.64720424, 1.70423049],
    ],
    "rgb_to_yuv": [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ],
    "yuv_to_rgb": [
        [1, 1, 1],
        [0, -0.394642334, 2.03206185],
        [1.13988303, -0.58062185, 0],
    ],
}


def _converter(kind):
    def convert(images):
        images = as_tensor(images, "images")
        kernel = ops.convert_to_tensor(_SPACES[kind], dtype=images.dtype, name="kernel")
        return math_ops.tensordot(images, kernel, axes=[[images.get_shape().ndims - 1], [0]])

    convert.__name__ = convert.__qualname__ = kind
    convert.__doc__ = f"Colours from {kind[:3].upper()} to {kind[-3:].upper()}, in the last dimension."
    return convert


rgb_to_yiq = _converter("rgb_to_yiq")
yiq_to_rgb = _converter("yiq_to_rgb")
rgb_to_yuv = _converter("rgb_to_yuv")
yuv_to_rgb = _converter("yuv_to_rgb")
TF_EXPORTS = {
    "image.rgb_to_yiq": "rgb_to_yiq",
    "image.yiq_to_rgb": "yiq_to_rgb",
    "image.rgb_to_yuv": "rgb_to_yuv",
    "image.yuv_to_rgb": "yuv_to_rgb",
}
