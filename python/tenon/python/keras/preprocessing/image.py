"""Pictures as arrays: loading, saving, and random changes."""

import numpy as np

from tenon.python.keras import backend as K
from tenon.python.keras.preprocessing import affine, picture
from tenon.python.util.tf_export import tf_export

TF_NAMESPACES = ("keras.preprocessing.image",)
TF_EXPORTS = {"keras.utils.load_img": "load_img", "keras.utils.img_to_array": "img_to_array",
              "keras.utils.array_to_img": "array_to_img", "keras.utils.save_img": "save_img"}  # fmt: skip


def load_img(path, grayscale=False, color_mode="rgb", target_size=None, interpolation="nearest"):
    """The picture in a file; COLOR_MODE is rgb, rgba or grayscale, TARGET_SIZE (height, width)."""
    if grayscale:
        color_mode = "grayscale"
    modes = {"grayscale": "L", "rgba": "RGBA", "rgb": "RGB"}
    if color_mode not in modes:
        raise ValueError('color_mode must be "grayscale", "rgb", or "rgba"')
    found = picture.read(path).convert(modes[color_mode])
    if target_size is not None and found.size != (target_size[1], target_size[0]):
        found = found.resize((target_size[1], target_size[0]), interpolation)
    return found


def img_to_array(img, data_format=None, dtype=None):
    """A picture as an array of floats, channels where DATA_FORMAT has them."""
    data_format = data_format or K.image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError("Unknown data_format:", data_format)
    x = np.asarray(img, dtype=dtype or K.floatx())
    if x.ndim == 2:
        return x[None] if data_format == "channels_first" else x[:, :, None]
    if x.ndim != 3:
        raise ValueError("Unsupported image shape:", x.shape)
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array as a picture; with SCALE its least value becomes 0 and its greatest 255."""
    data_format = data_format or K.image_data_format()
    x = np.asarray(x, dtype=dtype or K.floatx())
    if x.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {x.shape}")
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Invalid data_format: {data_format}")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if scale:
        x = x - np.min(x)
        top = np.max(x)
        x = x / top * 255 if top else x
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {x.shape[2]}")
    if x.shape[2] == 1 and np.max(x) > 255:
        return picture.Picture(x.astype("int32"), "I")
    return picture.Picture(x.astype("uint8"))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Writes an array as a PNG or JPEG file."""
    img = array_to_img(x, data_format=data_format, scale=scale)
    if img.mode == "RGBA" and file_format in ("jpg", "jpeg"):
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)


def apply_affine_transform(x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=0, col_axis=1, channel_axis=2,
                           fill_mode="nearest", cval=0.0, order=1):  # fmt: skip
    """X rotated by THETA degrees, moved by TX rows and TY columns, sheared by SHEAR degrees and zoomed."""
    return affine.transform(
        x, (theta, tx, ty, shear, zx, zy), (row_axis, col_axis, channel_axis), fill_mode, cval, order
    )


def random_rotation(x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0,
                    interpolation_order=1):  # fmt: skip
    """X rotated by up to RG degrees."""
    theta = np.random.uniform(-rg, rg)
    return affine.transform(x, (theta, 0, 0, 0, 1, 1), (row_axis, col_axis, channel_axis), fill_mode, cval,
                            interpolation_order)  # fmt: skip


def random_shift(x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0,
                 interpolation_order=1):  # fmt: skip
    """X moved by up to WRG of its width and HRG of its height."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return affine.transform(x, (0, tx, ty, 0, 1, 1), (row_axis, col_axis, channel_axis), fill_mode, cval,
                            interpolation_order)  # fmt: skip


def random_shear(x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0,
                 interpolation_order=1):  # fmt: skip
    """X sheared by up to INTENSITY degrees."""
    shear = np.random.uniform(-intensity, intensity)
    return affine.transform(x, (0, 0, 0, shear, 1, 1), (row_axis, col_axis, channel_axis), fill_mode, cval,
                            interpolation_order)  # fmt: skip


def random_zoom(x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0,
                interpolation_order=1):  # fmt: skip
    """X zoomed by factors in ZOOM_RANGE."""
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` should be a tuple or list of two floats. Received: {zoom_range}")
    zx, zy = (1, 1) if zoom_range[0] == zoom_range[1] == 1 else np.random.uniform(zoom_range[0], zoom_range[1], 2)
    return affine.transform(x, (0, 0, 0, 0, zx, zy), (row_axis, col_axis, channel_axis), fill_mode, cval,
                            interpolation_order)  # fmt: skip


def apply_channel_shift(x, intensity, channel_axis=0):
    """INTENSITY added, within the range that X has."""
    return np.clip(x + intensity, np.min(x), np.max(x))


def random_channel_shift(x, intensity_range, channel_axis=0):
    """Up to INTENSITY_RANGE added, within the range that X has."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x, brightness, scale=True):
    """X times BRIGHTNESS, as a picture of bytes."""
    low, high = np.min(x), np.max(x)
    own_scale = low < 0 or high > 255
    pixels = array_to_img(x, "channels_last", scale=own_scale or scale).pixels
    y = np.clip(pixels.astype("float32") * np.float32(brightness), 0, 255).astype("uint8").astype(K.floatx())
    return y / 255 * (high - low) + low if own_scale and not scale else y


def random_brightness(x, brightness_range, scale=True):
    """X times a factor in BRIGHTNESS_RANGE."""
    if len(brightness_range) != 2:
        raise ValueError(f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}")
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)


@tf_export("keras.preprocessing.image.list_pictures")
def list_pictures(directory, ext=("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff")):
    """The paths of pictures in a folder and those below."""
    import os

    ends = tuple(f".{e}" for e in ([ext] if isinstance(ext, str) else ext))
    return [os.path.join(root, f) for root, _, files in os.walk(directory) for f in files if f.lower().endswith(ends)]


def flip_axis(x, axis):
    """X turned around along an axis."""
    return np.flip(np.asarray(x), axis)
