"""Images whose pixels are used in part only: the part is decoded alone, to the bit as a slice of the whole."""

import os
from pathlib import Path

import numpy as np
import pytest
from functions.exchange import tensorflow

from pipelines.exchange import both

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TENON_DATA") or ROOT.parent / "shared" / "data") / "flowers"


def photographs(tf, n):
    """The bytes of N JPEGs."""
    files = sorted(DATA.glob("flowers_validation*.tfrecord"))
    if not files:
        pytest.skip("the flowers are not on this machine")
    found = []
    for record in tf.python_io.tf_record_iterator(str(files[0])):
        found.append(tf.train.Example.FromString(record).features.feature["image/encoded"].bytes_list.value[0])
        if len(found) == n:
            break
    return found


def windows(rng, n):
    """N windows of images that are at least 100 x 100, as (begin, size)."""
    begin = rng.integers(0, 60, (n, 3))
    size = rng.integers(1, 40, (n, 3))
    begin[: n // 4] = begin[: n // 4] // 16 * 16  # at the edges of blocks
    size[n // 2 : n // 2 + 4, :2] = -1
    begin[:, 2] = 0
    size[:, 2] = np.where(np.arange(n) % 3, 3, -1)
    return begin.astype(np.int32), size.astype(np.int32)


@pytest.mark.parametrize("options", [{}, {"dct_method": "INTEGER_ACCURATE"}, {"fancy_upscaling": False}])
def test_windows_are_slices(options):
    tf = tensorflow()
    images = photographs(tf, 24)
    begin, size = windows(np.random.default_rng(3), len(images))

    def pipeline(tf):
        def cut(image, begin, size):
            pixels = tf.image.decode_jpeg(image, channels=3, **options)
            return tf.slice(pixels, begin, size), tf.shape(pixels)

        return tf.data.Dataset.from_tensor_slices((images, begin, size)).map(cut, num_parallel_calls=2)

    assert len(both(pipeline)) == len(images)


def test_gray_images_other_formats_and_what_needs_the_whole():
    tf = tensorflow()
    images = photographs(tf, 6)
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = np.random.default_rng(1).integers(0, 256, (120, 130, 3)).astype(np.uint8)
        images.append(session.run(tf.image.encode_png(pixels)))
        images.append(session.run(tf.image.encode_jpeg(pixels, chroma_downsampling=False, quality=90)))
        images.append(session.run(tf.image.encode_jpeg(pixels[:, :, :1])))

    def data(tf):
        return tf.data.Dataset.from_tensor_slices(images)

    both(lambda tf: data(tf).map(lambda x: tf.slice(tf.image.decode_jpeg(x, channels=1), [7, 9, 0], [50, 31, 1])))
    both(lambda tf: data(tf).map(lambda x: tf.slice(tf.identity(tf.image.decode_jpeg(x)), [7, 9, 0], [50, 31, 1])))

    def used_twice(tf):
        def use(x):
            pixels = tf.image.decode_jpeg(x, channels=3)
            return tf.slice(pixels, [1, 2, 0], [9, 9, 3]), tf.reduce_sum(tf.cast(pixels, tf.int32))

        return data(tf).map(use)

    both(used_twice)


def test_random_crops_are_tensorflows():
    images = photographs(tensorflow(), 12)

    def pipeline(tf):
        def crop(x):
            return tf.random_crop(tf.image.decode_jpeg(x, channels=3), [64, 80, 3], seed=4)

        return tf.data.Dataset.from_tensor_slices(images).repeat(2).map(crop).batch(5)

    both(pipeline, seed=1)


def test_windows_outside_are_errors():
    images = photographs(tensorflow(), 2)

    def pipeline(tf):
        cut = lambda x: tf.slice(tf.image.decode_jpeg(x), [50, 50, 0], [5000, 20, 3])  # noqa: E731
        return tf.data.Dataset.from_tensor_slices(images).map(cut).apply(tf.data.experimental.ignore_errors())

    assert both(pipeline) == []
