"""tf.image: every name, against TensorFlow's compat.v1."""

import inspect

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow
from oracle.pictures import bmp, gif, jpeg, png

R = np.random.RandomState(5)
SMALL = R.rand(7, 9, 3).astype("f")
BATCH = R.rand(2, 6, 5, 3).astype("f")
BYTES = R.randint(0, 256, (7, 9, 3)).astype("uint8")
LARGE = R.rand(2, 40, 37, 3).astype("f")


def placed(tf, value, shape):
    """VALUE as a tensor whose shape is known only as far as SHAPE says."""
    return tf.placeholder_with_default(value, shape)


def described(tf, *tensors):
    """The tensors, and what is known of their shapes."""
    return [*tensors, *[t.get_shape().as_list() if t.get_shape().ndims is not None else "?" for t in tensors]]


# --- moves ---
MOVES = ["flip_left_right", "flip_up_down", "rot90", "transpose", "transpose_image"]


@pytest.mark.parametrize("name", MOVES)
def test_moves(name):
    def program(tf):
        move = getattr(tf.image, name)
        results = [move(SMALL), move(BATCH), move(BYTES), move(placed(tf, SMALL, [None, None, 3]))]
        results += [move(placed(tf, BATCH, [None] * 4)), move(placed(tf, SMALL, None))]
        return described(tf, *results)

    both(program)
    both.error(lambda tf: getattr(tf.image, name)(SMALL[0]))
    both.error(lambda tf: getattr(tf.image, name)(BATCH[None]))
    both.error(lambda tf: getattr(tf.image, name)(np.zeros((0, 3, 3), "f")))


def test_rot90_turns():
    both(lambda tf: [tf.image.rot90(SMALL, k) for k in range(-1, 6)])
    both(lambda tf: [tf.image.rot90(BATCH, tf.constant(k)) for k in range(4)])


@pytest.mark.parametrize("name", ["random_flip_left_right", "random_flip_up_down"])
def test_random_flips(name):
    def program(tf):
        flip = getattr(tf.image, name)
        results = [flip(SMALL, seed=s) for s in range(1, 6)] + [flip(BATCH, seed=s) for s in range(1, 4)]
        return described(tf, *results, flip(placed(tf, BATCH, None), seed=2))

    both(program)
    both.error(lambda tf: getattr(tf.image, name)(SMALL[0]))


# --- crops and pads ---
def test_central_crop():
    def program(tf):
        crop = tf.image.central_crop
        results = [crop(image, f) for image in (SMALL, BATCH) for f in (0.1, 0.3, 0.5, 0.7, 1.0)]
        results += [crop(placed(tf, SMALL, [None, None, 3]), 0.5), crop(placed(tf, BATCH, [None] * 4), 0.6)]
        results += [crop(SMALL, placed(tf, np.float32(0.5), []))]
        return described(tf, *results)

    both(program)
    for fraction in (0.0, -1.0, 1.1):
        both.error(lambda tf, f=fraction: tf.image.central_crop(SMALL, f))
    both.error(lambda tf: tf.image.central_crop(SMALL[0], 0.5))


def test_pads_and_crops_to_boxes():
    def program(tf):
        pad, crop = tf.image.pad_to_bounding_box, tf.image.crop_to_bounding_box
        results = [
            pad(SMALL, 1, 2, 10, 14),
            pad(BATCH, 0, 0, 6, 5),
            pad(placed(tf, SMALL, [None, None, 3]), 1, 2, 10, 14),
        ]
        results += [crop(SMALL, 1, 2, 3, 4), crop(BATCH, 0, 0, 6, 5), crop(placed(tf, BATCH, [None] * 4), 2, 1, 3, 2)]
        three = tf.constant(3)
        results += [
            pad(SMALL, three, 2, 12, 14),
            crop(SMALL, three, 1, 2, three),
            crop(placed(tf, SMALL, None), 0, 0, 2, 2),
        ]
        return described(tf, *results)

    both(program)
    for arguments in ((-1, 0, 9, 9), (0, -1, 9, 9), (0, 0, 6, 9), (0, 0, 9, 8)):
        both.error(lambda tf, a=arguments: tf.image.pad_to_bounding_box(SMALL, *a))
    for arguments in ((-1, 0, 3, 3), (0, -1, 3, 3), (0, 0, 0, 3), (0, 0, 3, 0), (5, 0, 3, 3), (0, 7, 3, 3)):
        both.error(lambda tf, a=arguments: tf.image.crop_to_bounding_box(SMALL, *a))
    both.error(lambda tf: tf.image.crop_to_bounding_box(placed(tf, SMALL, [None, None, 3]), 5, 0, 3, 3))
    both.error(lambda tf: tf.image.pad_to_bounding_box(placed(tf, SMALL, [None, None, 3]), 0, 0, 3, 3))


@pytest.mark.parametrize("name", ["resize_image_with_crop_or_pad", "resize_with_crop_or_pad"])
def test_crop_or_pad(name):
    def program(tf):
        fit = getattr(tf.image, name)
        sizes = ((7, 9), (3, 4), (11, 14), (3, 15), (10, 2), (8, 8))
        results = [fit(SMALL, *size) for size in sizes] + [fit(BATCH, *size) for size in sizes]
        results += [fit(placed(tf, SMALL, [None, None, 3]), *size) for size in sizes]
        return described(tf, *results, fit(SMALL, tf.constant(4), tf.constant(12)), fit(BYTES, 5, 12))

    both(program)
    for size in ((0, 3), (3, 0), (-1, 3)):
        both.error(lambda tf, s=size: getattr(tf.image, name)(SMALL, *s))


# --- resizing ---
def test_resize_images():
    def program(tf):
        results = []
        for resize in (tf.image.resize_images, tf.image.resize):
            for method in (0, 1, 2, 3):
                for image in (SMALL, BATCH, BYTES):
                    for corners in (False, True):
                        results.append(resize(image, [4, 11], method, align_corners=corners))
                results.append(resize(SMALL, [20, 6], method=method, preserve_aspect_ratio=True))
                results.append(resize(placed(tf, SMALL, [None, None, 3]), [5, 5], method, preserve_aspect_ratio=True))
            results += [resize(BYTES, [7, 9]), resize(placed(tf, BYTES, [None, None, 3]), [7, 9])]
            results += [resize(SMALL, tf.constant([3, 5])), resize(SMALL, placed(tf, np.array([3, 5], "int32"), [2]))]
        return described(tf, *results)

    both(program)
    both.error(lambda tf: tf.image.resize_images(SMALL, [3]))
    both.error(lambda tf: tf.image.resize_images(SMALL, [3, 4], method=9))
    both.error(lambda tf: tf.image.resize_images(SMALL[0], [3, 4]))
    both.error(lambda tf: tf.image.resize_images(placed(tf, SMALL, None), [3, 4]))
    both.error(lambda tf: tf.image.resize_images(SMALL, [0, 4]))


def test_resize_method():
    names = ("BILINEAR", "NEAREST_NEIGHBOR", "BICUBIC", "AREA")
    both(lambda tf: [getattr(tf.image.ResizeMethod, name) for name in names])


def test_resize_with_pad():
    def program(tf):
        fit = tf.image.resize_image_with_pad
        results = [fit(SMALL, *size) for size in ((7, 9), (20, 10), (4, 30), (3, 3))]
        results += [fit(BATCH, 9, 13, method=m, align_corners=m == 0) for m in range(4)]
        return described(tf, *results, fit(placed(tf, SMALL, [None, None, 3]), 5, 12))

    both(program)
    both.error(lambda tf: tf.image.resize_image_with_pad(SMALL, 0, 3))


def test_single_resizers():
    def program(tf):
        results = [tf.image.resize_area(BATCH, [3, 4]), tf.image.resize_area(BATCH, [3, 4], align_corners=True)]
        for resize in (tf.image.resize_bilinear, tf.image.resize_bicubic, tf.image.resize_nearest_neighbor):
            results += [
                resize(BATCH, [3, 8]),
                resize(BATCH, [9, 4], True),
                resize(BATCH, [9, 4], half_pixel_centers=True),
            ]
        return results

    both(program)


def test_gradients_through_resizing():
    def program(tf):
        image = tf.constant(BATCH)
        resized = tf.image.resize_images(image, [9, 4]) + tf.image.resize_bicubic(image, [9, 4])
        return tf.gradients(tf.reduce_sum(resized * resized), image)

    both(program, rtol=1e-4)


# --- colours ---
def test_convert_image_dtype():
    def program(tf):
        results = []
        kinds = ("uint8", "int16", "int32", "uint16", "float32", "float64", "float16")
        for kind in kinds:
            value = BYTES.astype(kind) if "int" in kind else SMALL.astype(kind)
            for other in kinds:
                narrow = kind == "float16" and other in ("int32", "uint16")
                for saturate in (False,) if narrow else (False, True):
                    results.append(tf.image.convert_image_dtype(value, getattr(tf, other), saturate=saturate))
        return results

    both(program, rtol=1e-3)
    both(lambda tf: tf.image.convert_image_dtype(SMALL * 3 - 1, tf.uint8, saturate=True))
    both.error(lambda tf: tf.image.convert_image_dtype(SMALL, tf.string))
    both.error(lambda tf: tf.image.convert_image_dtype(tf.constant(["a"]), tf.uint8))


ADJUST = [
    ("adjust_brightness", (0.2,), (-0.7,)),
    ("adjust_contrast", (0.5,), (2.5,)),
    ("adjust_gamma", (), (0.5,), (2.0, 3.0)),
    ("adjust_hue", (0.1,), (-0.3,)),
    ("adjust_saturation", (0.3,), (2.0,)),
]


@pytest.mark.parametrize("name,calls", [(name, calls) for name, *calls in ADJUST], ids=[a[0] for a in ADJUST])
def test_adjust(name, calls):
    def program(tf):
        adjust = getattr(tf.image, name)
        images = (SMALL, BATCH, BYTES)
        results = [adjust(image, *arguments) for image in images for arguments in calls]
        return [*described(tf, *results), adjust(SMALL, *[tf.constant(a) for a in calls[-1]])]

    both(program, rtol=1e-4, atol=1e-5)


def test_adjust_jpeg_quality():
    def program(tf):
        adjust = tf.image.adjust_jpeg_quality
        return [
            adjust(BYTES, 50),
            adjust(SMALL, 90),
            adjust(BYTES, tf.constant(5)),
            adjust(BYTES, 50, "INTEGER_ACCURATE"),
        ]

    both(program)


RANDOM = [
    ("random_brightness", (0.3,), [(-1.0,)]),
    ("random_contrast", (0.3, 1.7), [(0.5, 0.5), (-1, 1)]),
    ("random_hue", (0.3,), [(0.6,), (-0.1,)]),
    ("random_saturation", (0.3, 1.7), [(0.5, 0.5), (-1, 1)]),
    ("random_jpeg_quality", (20, 90), [(-1, 50), (50, 50), (0, 101)]),
]


@pytest.mark.parametrize("name,good,wrong", RANDOM, ids=[r[0] for r in RANDOM])
def test_random_adjust(name, good, wrong):
    both(lambda tf: [getattr(tf.image, name)(BYTES, *good, seed=s) for s in range(1, 5)])
    both(lambda tf: [getattr(tf.image, name)(SMALL, *good, seed=s) for s in range(1, 5)], rtol=1e-4, atol=1e-5)
    for arguments in wrong:
        both.error(lambda tf, a=arguments: getattr(tf.image, name)(SMALL, *a))


def test_random_crop():
    both(lambda tf: [tf.image.random_crop(SMALL, [4, 5, 3], seed=s) for s in range(1, 6)])
    both(lambda tf: [tf.random_crop(BATCH, [2, 3, 3, 1], seed=s) for s in range(1, 4)])
    both.error(lambda tf: tf.image.random_crop(SMALL, [9, 5, 3]))


def test_standardization():
    def program(tf):
        work = tf.image.per_image_standardization
        return described(tf, work(SMALL), work(BATCH), work(BYTES), work(np.ones((4, 4, 1), "f")))

    both(program, rtol=1e-4, atol=1e-5)
    image = tenon.image.per_image_whitening(SMALL)
    with tenon.Session() as session:
        value = session.run(image)
    assert abs(value.mean()) < 1e-6
    assert abs(value.std() - 1) < 1e-5


@pytest.mark.parametrize("name", ["rgb_to_yiq", "yiq_to_rgb", "rgb_to_yuv", "yuv_to_rgb", "rgb_to_hsv", "hsv_to_rgb"])
def test_color_spaces(name):
    def program(tf):
        convert = getattr(tf.image, name)
        return described(tf, convert(SMALL), convert(BATCH), convert(SMALL.astype("f8")))

    both(program)


def test_grayscale():
    def program(tf):
        gray = [tf.image.rgb_to_grayscale(image) for image in (SMALL, BATCH, BYTES)]
        return described(tf, *gray, *[tf.image.grayscale_to_rgb(image) for image in gray])

    both(program)
    both.error(lambda tf: tf.image.grayscale_to_rgb(tf.constant(SMALL)))


# --- measures ---
def test_total_variation_and_gradients():
    def program(tf):
        small, batch = tf.constant(SMALL), tf.constant(BATCH)
        dy, dx = tf.image.image_gradients(batch)
        edges = tf.image.sobel_edges(batch)
        return described(tf, tf.image.total_variation(small), tf.image.total_variation(batch), dy, dx, edges)

    both(program, rtol=1e-4, atol=1e-5)
    both.error(lambda tf: tf.image.total_variation(tf.constant(SMALL[0])))
    both.error(lambda tf: tf.image.image_gradients(tf.constant(SMALL)))


def test_psnr_and_ssim():
    def program(tf):
        one, two = tf.constant(LARGE), tf.constant(LARGE * 0.9 + 0.03)
        bits = [tf.image.convert_image_dtype(x, tf.uint8) for x in (one, two)]
        results = [tf.image.psnr(one, two, 1.0), tf.image.psnr(*bits, 255), tf.image.psnr(one[0], two[0], 1.0)]
        results += [tf.image.ssim(one, two, 1.0), tf.image.ssim(*bits, 255), tf.image.ssim(one[0], two[0], 1.0)]
        results += [tf.image.ssim(one, two, 1.0, filter_size=7, filter_sigma=2.0, k1=0.02, k2=0.05)]
        results += [tf.image.ssim(one, two, 1.0, return_index_map=True)]
        results += [tf.image.ssim_multiscale(one, two, 1.0, (0.3, 0.7), filter_size=5)]
        results += [tf.image.ssim_multiscale(*bits, 255, power_factors=(0.2, 0.3, 0.5), filter_size=4)]
        return results

    both(program, rtol=1e-3, atol=1e-4)
    both.error(lambda tf: tf.image.psnr(tf.constant(LARGE), tf.constant(LARGE[:, :9]), 1.0))
    both.error(lambda tf: tf.image.ssim(tf.constant(SMALL), tf.constant(SMALL), 1.0))


# --- boxes ---
BOXES = np.array([[0.1, 0.1, 0.5, 0.6], [0.15, 0.1, 0.5, 0.6], [0.5, 0.4, 0.9, 0.9], [0.55, 0.45, 0.9, 0.95]], "f")
SCORES = np.array([0.9, 0.75, 0.6, 0.95], "f")


def test_non_max_suppression():
    def program(tf):
        image = tf.image
        boxes, scores = tf.constant(BOXES), tf.constant(SCORES)
        results = [image.non_max_suppression(BOXES, SCORES, 3), image.non_max_suppression(BOXES, SCORES, 9, 0.1, 0.7)]
        results += image.non_max_suppression_with_scores(BOXES, SCORES, 4, soft_nms_sigma=0.5)
        results += image.non_max_suppression_padded(boxes, scores, 3, pad_to_max_output_size=True)
        results += image.non_max_suppression_padded(boxes, scores, 3)
        overlaps = np.full((4, 4), 0.4, "f")
        results += [
            image.non_max_suppression_overlaps(overlaps, SCORES, 3),
            image.non_max_suppression_overlaps(overlaps, SCORES, 3, 0.3),
        ]
        results += image.combined_non_max_suppression(boxes[None, :, None], scores[None, :, None], 3, 5)
        return results

    both(program, rtol=1e-4)
    both.error(lambda tf: tf.image.non_max_suppression(BOXES, SCORES[:2], 3))


def test_boxes():
    def program(tf):
        image = tf.image
        where = np.array([0, 1, 1, 0], "int32")
        results = [image.draw_bounding_boxes(BATCH, np.stack([BOXES, BOXES / 2]))]
        results += [image.draw_bounding_boxes(BATCH, np.stack([BOXES] * 2), colors=np.array([[1, 0, 0]], "f"))]
        results += [image.crop_and_resize(BATCH, BOXES, where, [4, 3])]
        results += [image.crop_and_resize(BATCH, BOXES, box_indices=where, crop_size=[4, 3], method="nearest")]
        for seed in (1, 2, 3):
            results += image.sample_distorted_bounding_box([70, 90, 3], BOXES[None], seed=seed, seed2=4)
        whole = {"use_image_if_no_bounding_boxes": True, "area_range": [0.3, 0.8], "aspect_ratio_range": [0.5, 2.0]}
        results += image.sample_distorted_bounding_box(
            [70, 90, 3], np.zeros((1, 0, 4), "f"), 7, 8, max_attempts=5, **whole
        )
        return results

    both(program)
    both.error(lambda tf: tf.image.sample_distorted_bounding_box([70, 90, 3], np.zeros((1, 0, 4), "f"), seed=1))


def test_windows():
    def program(tf):
        sizes = {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": "SAME"}
        results = [tf.image.extract_image_patches(BATCH, [1, 2, 3, 1], **sizes)]
        results += [tf.image.extract_patches(BATCH, [1, 2, 3, 1], **sizes)]
        results += [tf.image.extract_glimpse(BATCH, [3, 2], [[0.1, 0.2], [-0.1, 0.0]])]
        return results

    both(program)


# --- bytes ---
def test_decoding():
    def program(tf):
        image = tf.image
        picture = png(BYTES.astype(int), 2)
        moving = gif([{"indices": BYTES[:, :, 0] % 8}, {"indices": BYTES[:, :, 1] % 8}])
        results = [image.decode_jpeg(jpeg("colour")), image.decode_jpeg(jpeg("gray"), channels=3, ratio=2)]
        results += [image.decode_png(picture), image.decode_png(picture, dtype=tf.uint16, channels=1)]
        results += [image.decode_gif(moving), image.decode_bmp(bmp(BYTES) + b"")]
        results += [image.decode_and_crop_jpeg(jpeg("colour"), [2, 3, 4, 5]), image.extract_jpeg_shape(jpeg("colour"))]
        for data in (picture, jpeg("full"), moving):
            results += [image.decode_image(data), image.decode_image(data, expand_animations=False)]
            results += [image.decode_image(data, dtype=kind) for kind in (tf.float32, tf.uint16, tf.int32)]
        results += [image.is_jpeg(jpeg("gray")), image.is_jpeg(picture), tf.io.is_jpeg(jpeg("rgb"))]
        return described(tf, *results)

    both(program)
    both.error(lambda tf: tf.image.decode_jpeg(jpeg("colour")[:50]))
    both.error(lambda tf: tf.image.decode_image(b"not a picture"))
    both.error(lambda tf: tf.image.decode_png(jpeg("colour"), channels=7))


def test_encoding():
    def program(tf):
        encoded = [tf.image.encode_jpeg(BYTES), tf.image.encode_jpeg(BYTES, quality=20, format="rgb", progressive=True)]
        pngs = [tf.image.encode_png(BYTES), tf.io.encode_png(BYTES, compression=9)]
        return [*encoded, *[tf.image.decode_png(data) for data in pngs]]

    both(program)


@pytest.mark.parametrize("name", ["decode_webp", "decode_jxl"])
def test_what_is_not_supported_says_so(name):
    with pytest.raises(tenon.errors.UnimplementedError, match="not supported"):
        getattr(tenon.image, name)(b"")
    with pytest.raises(tenon.errors.UnimplementedError, match="no kernel"):
        tenon.image.generate_bounding_box_proposals(None, None, None, None)


def test_no_name_is_missing():
    theirs = {name for name in dir(tensorflow().image) if not name.startswith("_")}
    missing = sorted(theirs - set(dir(tenon.image)))
    assert not missing
    for name in theirs:
        ours = getattr(tenon.image, name)
        if not inspect.isclass(ours):
            want = list(inspect.signature(getattr(tensorflow().image, name)).parameters)
            assert list(inspect.signature(ours).parameters) == want, name
