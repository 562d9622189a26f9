"""Pictures in memory: what load_img gives. Files are decoded and encoded by the library's own image ops."""

import os

import numpy as np

import tenon as tf

_BITS = 22  # of the fractions of weights
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def _triangle(x):
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x):
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _hamming(x):
    return np.where(np.abs(x) < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0)


def _box(x):
    return ((x > -0.5) & (x <= 0.5)).astype(float)


FILTERS = {"bilinear": (_triangle, 1), "bicubic": (_cubic, 2), "lanczos": (_lanczos, 3), "hamming": (_hamming, 1),
           "box": (_box, 0.5)}  # fmt: skip


def _weights(old, new, interpolation):
    """The matrix (new, old) that makes NEW pixels of OLD; a filter widens where pixels become fewer."""
    function, support = FILTERS[interpolation]
    scale = old / new
    wide = max(scale, 1.0)
    centers = (np.arange(new)[:, None] + 0.5) * scale
    at = np.arange(old)[None, :]
    w = function((at + 0.5 - centers) / wide)
    low = np.maximum((centers - support * wide + 0.5).astype(int), 0)
    high = np.minimum((centers + support * wide + 0.5).astype(int), old)
    w = np.where((at >= low) & (at < high), w, 0)
    w = w / w.sum(1, keepdims=True) * (1 << _BITS)
    return (w + np.where(w < 0, -0.5, 0.5)).astype(np.int64)


def _combined(formula, weights, pixels):
    """Sums of pixels by weights, as bytes: in whole numbers, so that halves are rounded as Pillow rounds them."""
    total = np.einsum(formula, weights, pixels.astype(np.int64)) + (1 << (_BITS - 1))
    return np.clip(total >> _BITS, 0, 255).astype(np.uint8)


def _nearest(new, old):
    """The old pixel for each new one: places are added up, as Pillow does it."""
    scale = old / new
    return np.minimum(np.cumsum([scale * 0.5] + [scale] * (new - 1)).astype(int), old - 1)


class Picture:
    """Rows, columns and channels of bytes (or 32-bit numbers where mode is "I")."""

    def __init__(self, pixels, mode=None):
        self.pixels = pixels
        self.mode = mode or _MODES[pixels.shape[-1]]

    size = property(lambda self: (self.pixels.shape[1], self.pixels.shape[0]))
    width = property(lambda self: self.pixels.shape[1])
    height = property(lambda self: self.pixels.shape[0])

    def __array__(self, dtype=None, copy=None):
        pixels = self.pixels[:, :, 0] if self.pixels.shape[-1] == 1 else self.pixels
        return np.array(pixels, dtype=dtype)

    def __repr__(self):
        return f"<Picture mode={self.mode} size={self.width}x{self.height}>"

    def convert(self, mode):
        """The same in another mode: L, RGB or RGBA."""
        pixels = self.pixels
        if mode == self.mode:
            return self
        if mode == "L":
            r, g, b = (pixels[:, :, i].astype(np.int64) for i in range(3))
            return Picture(((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16).astype(np.uint8)[:, :, None])
        if mode not in ("RGB", "RGBA"):
            raise ValueError(f"Pictures have mode L, RGB or RGBA, not {mode}")
        color = np.repeat(pixels, 3, 2) if self.mode == "L" else pixels[:, :, :3]
        if mode == "RGBA":
            color = np.concatenate([color, np.full_like(color[:, :, :1], 255)], 2)
        return Picture(color)

    def resize(self, size, interpolation="nearest"):
        """Another (width, height); interpolation: nearest, bilinear, bicubic, lanczos, hamming or box."""
        width, height = size
        if interpolation == "nearest":
            rows, columns = _nearest(height, self.height), _nearest(width, self.width)
            return Picture(self.pixels[rows][:, columns], self.mode)
        if interpolation not in FILTERS:
            raise ValueError(f"Invalid interpolation method {interpolation} specified. Supported methods are "
                             f"{', '.join(['nearest', *FILTERS])}")  # fmt: skip
        pixels = self.pixels
        if width != self.width:
            pixels = _combined("nw,hwc->hnc", _weights(self.width, width, interpolation), pixels)
        if height != self.height:
            pixels = _combined("nh,hwc->nwc", _weights(self.height, height, interpolation), pixels)
        return Picture(pixels, self.mode)

    def crop(self, box):
        """The part in (left, upper, right, lower)."""
        left, upper, right, lower = box
        return Picture(self.pixels[upper:lower, left:right], self.mode)

    def save(self, path, format=None, quality=75, **_):
        """Writes a PNG or JPEG file, by FORMAT or the end of the name."""
        kind = (format or os.path.splitext(str(path))[1][1:]).lower()
        if kind not in ("png", "jpg", "jpeg"):
            raise ValueError(f"Pictures are saved as png or jpeg, not {kind!r}: {path}")
        with tf.Graph().as_default(), tf.Session() as session:
            pixels = tf.constant(self.pixels)
            coded = tf.image.encode_png(pixels) if kind == "png" else tf.image.encode_jpeg(pixels, quality=quality)
            data = session.run(coded)
        if hasattr(path, "write"):
            path.write(data)
            return
        with open(path, "wb") as f:
            f.write(data)


def read(path):
    """The picture in a JPEG, PNG, BMP or GIF file (of a GIF the first frame)."""
    with open(path, "rb") as f:
        data = f.read()
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = session.run(tf.image.decode_image(tf.constant(data)))
    pixels = pixels[0] if pixels.ndim == 4 else pixels
    if pixels.shape[-1] == 2:  # gray with transparency
        pixels = np.concatenate([np.repeat(pixels[:, :, :1], 3, 2), pixels[:, :, 1:]], 2)
    return Picture(pixels)
