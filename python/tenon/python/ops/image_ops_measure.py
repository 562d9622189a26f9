"""Measures of images: how much two differ (PSNR, SSIM), how uneven one is (total variation, edges, gradients)."""

import numpy as np

from tenon.python.framework import constant_op, dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, math_ops, nn_ops
from tenon.python.ops.image_ops_color import convert_image_dtype
from tenon.python.ops.nn_convolution import depthwise_conv2d
from tenon.python.util.tf_export import tf_export

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@tf_export("image.total_variation")
def total_variation(images, name=None):
    """The sum of the differences between neighbours, for each image."""
    with ops.name_scope(name, "total_variation"):
        rank = images.get_shape().ndims
        if rank == 3:
            down, across, axes = images[1:] - images[:-1], images[:, 1:] - images[:, :-1], None
        elif rank == 4:
            down, across, axes = images[:, 1:] - images[:, :-1], images[:, :, 1:] - images[:, :, :-1], [1, 2, 3]
        else:
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        return math_ops.reduce_sum(math_ops.abs(down), axis=axes) + math_ops.reduce_sum(math_ops.abs(across), axis=axes)


@tf_export("image.image_gradients")
def image_gradients(image):
    """(dy, dx): the difference of each pixel of [batch, height, width, channels] to the next below and to the right;
    0 at the edge."""
    if image.get_shape().ndims != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {image.get_shape()}.")
    shape = array_ops.shape(image)
    batch, height, width, depth = array_ops.unstack(shape)
    edge = array_ops.zeros(array_ops.stack([batch, 1, width, depth]), image.dtype)
    down = array_ops.concat([image[:, 1:] - image[:, :-1], edge], 1)
    edge = array_ops.zeros(array_ops.stack([batch, height, 1, depth]), image.dtype)
    across = array_ops.concat([image[:, :, 1:] - image[:, :, :-1], edge], 2)
    return array_ops.reshape(down, shape), array_ops.reshape(across, shape)


@tf_export("image.sobel_edges")
def sobel_edges(image):
    """The slopes down and across by Sobel's filters: [batch, height, width, channels, 2]."""
    known, shape = image.get_shape(), array_ops.shape(image)
    kernels = np.array([[[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]])
    kernels = np.expand_dims(np.transpose(kernels, (1, 2, 0)), -2)
    kernels = constant_op.constant(kernels, dtype=image.dtype)
    kernels = array_ops.tile(kernels, [1, 1, shape[-1], 1], name="sobel_filters")
    padded = array_ops.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = depthwise_conv2d(padded, kernels, [1, 1, 1, 1], "VALID")
    edges = array_ops.reshape(edges, array_ops.concat([shape, [2]], 0))
    edges.set_shape(known.concatenate([2]))
    return edges


def _compatible(first, second):
    """(shape, shape, checks) of two images; ValueError where they can't be compared."""
    one = first.get_shape().with_rank_at_least(3)
    two = second.get_shape().with_rank_at_least(3)
    one[-3:].assert_is_compatible_with(two[-3:])
    if one.ndims is not None and two.ndims is not None:
        for a, b in zip(reversed(one.as_list()[:-3]), reversed(two.as_list()[:-3])):
            if a != b and 1 not in (a, b) and None not in (a, b):
                raise ValueError(f"Two images are not compatible: {one} and {two}")
    one, two = array_ops.shape_n([first, second])
    enough = math_ops.greater_equal(array_ops.size(one), 3)
    alike = math_ops.reduce_all(math_ops.equal(one[-3:], two[-3:]))
    return one, two, [control_flow_ops.Assert(x, [one, two], summarize=10) for x in (enough, alike)]


@tf_export("image.psnr")
def psnr(a, b, max_val, name=None):
    """The peak signal-to-noise ratio of two images (or batches), in decibels."""
    with ops.name_scope(name, "PSNR", [a, b]):
        max_val = convert_image_dtype(math_ops.cast(max_val, a.dtype), dtypes.float32)
        a, b = convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32)
        error = math_ops.reduce_mean(math_ops.squared_difference(a, b), [-3, -2, -1])
        ratio = math_ops.subtract(
            20 * math_ops.log(max_val) / math_ops.log(10.0),
            np.float32(10 / np.log(10)) * math_ops.log(error),
            name="psnr",
        )
        with ops.control_dependencies(_compatible(a, b)[2]):
            return array_ops.identity(ratio)


def _gaussian(size, sigma):
    """A window [size, size, 1, 1] of weights that sum to 1."""
    size = ops.convert_to_tensor(size, dtypes.int32)
    places = math_ops.cast(math_ops.range(size), sigma.dtype) - math_ops.cast(size - 1, sigma.dtype) / 2.0
    powers = math_ops.square(places) * (-0.5 / math_ops.square(sigma))
    powers = array_ops.reshape(powers, [1, -1]) + array_ops.reshape(powers, [-1, 1])
    return array_ops.reshape(nn_ops.softmax(array_ops.reshape(powers, [1, -1])), [size, size, 1, 1])


class _Ssim:
    """Structural similarity with one choice of its constants."""

    def __init__(self, max_val, filter_size, filter_sigma, k1, k2):
        self.size = constant_op.constant(filter_size, dtype=dtypes.int32)
        self.sigma = constant_op.constant(filter_sigma, dtype=dtypes.float32)
        self.c1, self.c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2

    def channels(self, x, y, index_map=False):
        """(SSIM, contrast and structure) of each channel, or of each place of it."""
        shapes = array_ops.shape_n([x, y])
        checks = [
            control_flow_ops.Assert(
                math_ops.reduce_all(math_ops.greater_equal(shape[-3:-1], self.size)), [shape, self.size], summarize=8
            )
            for shape in shapes
        ]
        with ops.control_dependencies(checks):
            x = array_ops.identity(x)
        window = array_ops.tile(_gaussian(self.size, self.sigma), [1, 1, shapes[0][-1], 1])

        def mean(z):
            shape = array_ops.shape(z)
            flat = array_ops.reshape(z, array_ops.concat([[-1], shape[-3:]], 0))
            flat = depthwise_conv2d(flat, window, strides=[1, 1, 1, 1], padding="VALID")
            return array_ops.reshape(flat, array_ops.concat([shape[:-3], array_ops.shape(flat)[1:]], 0))

        mean_x, mean_y = mean(x), mean(y)
        product = mean_x * mean_y * 2.0
        squares = math_ops.square(mean_x) + math_ops.square(mean_y)
        luminance = (product + self.c1) / (squares + self.c1)
        covered = mean(x * y) * 2.0
        spread = mean(math_ops.square(x) + math_ops.square(y))
        structure = (covered - product + self.c2) / (spread - squares + self.c2)
        if index_map:
            return luminance * structure, structure
        axes = constant_op.constant([-3, -2], dtype=dtypes.int32)
        return math_ops.reduce_mean(luminance * structure, axes), math_ops.reduce_mean(structure, axes)


def _prepared(first, second, max_val):
    """Both images and the greatest value as floats, and the images' shapes."""
    first = ops.convert_to_tensor(first, name="img1")
    second = ops.convert_to_tensor(second, name="img2")
    one, two, checks = _compatible(first, second)
    with ops.control_dependencies(checks):
        first = array_ops.identity(first)
    max_val = convert_image_dtype(math_ops.cast(max_val, first.dtype), dtypes.float32)
    images = [convert_image_dtype(image, dtypes.float32) for image in (first, second)]
    return images, max_val, [one, two]


@tf_export("image.ssim")
def ssim(img1, img2, max_val, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, return_index_map=False):
    """The structural similarity of two images (or batches): 1 where they are equal."""
    with ops.name_scope(None, "SSIM", [img1, img2]):
        images, max_val, _ = _prepared(img1, img2, max_val)
        similar = _Ssim(max_val, filter_size, filter_sigma, k1, k2)
        return math_ops.reduce_mean(similar.channels(*images, return_index_map)[0], [-1])


def _halved(images, heads, tails):
    """Images of half the size, and their new inner shapes; odd sides are made even by repeating the edge."""
    flat = [array_ops.reshape(x, array_ops.concat([[-1], t], 0)) for x, t in zip(images, tails)]
    odd = tails[0] % constant_op.constant([2, 2, 1], dtype=dtypes.int32)

    def pad():
        around = array_ops.pad(array_ops.expand_dims(odd, -1), [[1, 0], [1, 0]])
        return [array_ops.pad(x, around, mode="SYMMETRIC") for x in flat]

    def keep():
        return [array_ops.identity(x) for x in flat]

    padded = control_flow_ops.cond(math_ops.reduce_any(math_ops.not_equal(odd, 0)), pad, keep)
    half = [1, 2, 2, 1]
    small = [nn_ops.avg_pool(x, ksize=half, strides=half, padding="VALID") for x in padded]
    tails = [shape[1:] for shape in array_ops.shape_n(small)]
    return [array_ops.reshape(x, array_ops.concat([h, t], 0)) for x, h, t in zip(small, heads, tails)], tails


@tf_export("image.ssim_multiscale")
def ssim_multiscale(img1, img2, max_val, power_factors=_WEIGHTS, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03):
    """The structural similarity over several sizes of the images, each to its power."""
    with ops.name_scope(None, "MS-SSIM", [img1, img2]):
        images, max_val, shapes = _prepared(img1, img2, max_val)
        similar = _Ssim(max_val, filter_size, filter_sigma, k1, k2)
        heads, tails = [s[:-3] for s in shapes], [s[-3:] for s in shapes]
        scores, whole = [], None
        for k in range(len(power_factors)):
            with ops.name_scope(None, f"Scale{k}", images):
                if k > 0:
                    images, tails = _halved(images, heads, tails)
                whole, structure = similar.channels(*images)
                scores.append(nn_ops.relu(structure))
        scores[-1] = nn_ops.relu(whole)
        powers = math_ops.pow(array_ops.stack(scores, axis=-1), power_factors)
        return math_ops.reduce_mean(math_ops.reduce_prod(powers, [-1]), [-1])
