"""InceptionV3."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.InceptionV3": "InceptionV3",
    "keras.applications.inception_v3.InceptionV3": "InceptionV3",
    "keras.applications.inception_v3.preprocess_input": "preprocess_input",
    "keras.applications.inception_v3.decode_predictions": "decode_predictions",
}


def _cell(x, filters, rows, columns, strides=1, padding="same"):
    """Convolution, normalization and activation."""
    return act(norm(conv(x, filters, (rows, columns), None, strides, padding), scale=False))


def _chain(x, *steps):
    """Cells behind each other: (filters, rows, columns) each."""
    for step in steps:
        x = _cell(x, *step)
    return x


def _mean(x, filters):
    x = layer("AveragePooling2D", 3, strides=1, padding="same")(x)
    return _cell(x, filters, 1, 1)


def _mixed(parts, name):
    return layer("Concatenate", axis=common.axis(), name=name)(parts)


def _seventeen(x, inner, name):
    """Branches of rows of seven and columns of seven."""
    n = inner
    a = _cell(x, 192, 1, 1)
    b = _chain(x, (n, 1, 1), (n, 1, 7), (192, 7, 1))
    c = _chain(x, (n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7))
    return _mixed([a, b, c, _mean(x, 192)], name)


def _eight(x, i):
    """Branches that split into rows and columns."""
    a = _cell(x, 320, 1, 1)
    b = _cell(x, 384, 1, 1)
    b = layer("Concatenate", axis=common.axis(), name=f"mixed9_{i}")([_cell(b, 384, 1, 3), _cell(b, 384, 3, 1)])
    c = _chain(x, (448, 1, 1), (384, 3, 3))
    c = layer("Concatenate", axis=common.axis())([_cell(c, 384, 1, 3), _cell(c, 384, 3, 1)])
    return _mixed([a, b, c, _mean(x, 192)], f"mixed{9 + i}")


def InceptionV3(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                classes=1000):  # fmt: skip
    """Inception, version 3."""
    begin = Begin(dict(locals()), "inception_v3", 299, 75)
    x = _cell(begin.input, 32, 3, 3, 2, "valid")
    x = _cell(_cell(x, 32, 3, 3, 1, "valid"), 64, 3, 3)
    x = layer("MaxPooling2D", 3, strides=2)(x)
    x = _cell(_cell(x, 80, 1, 1, 1, "valid"), 192, 3, 3, 1, "valid")
    x = layer("MaxPooling2D", 3, strides=2)(x)
    for i, filters in enumerate((32, 64, 64)):
        a, b = _cell(x, 64, 1, 1), _chain(x, (48, 1, 1), (64, 5, 5))
        x = _mixed([a, b, _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)), _mean(x, filters)], f"mixed{i}")
    a = _cell(x, 384, 3, 3, 2, "valid")
    b = _cell(_chain(x, (64, 1, 1), (96, 3, 3)), 96, 3, 3, 2, "valid")
    x = _mixed([a, b, layer("MaxPooling2D", 3, strides=2)(x)], "mixed3")
    for i, inner in enumerate((128, 160, 160, 192), 4):
        x = _seventeen(x, inner, f"mixed{i}")
    a = _cell(_cell(x, 192, 1, 1), 320, 3, 3, 2, "valid")
    b = _cell(_chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1)), 192, 3, 3, 2, "valid")
    x = _mixed([a, b, layer("MaxPooling2D", 3, strides=2)(x)], "mixed8")
    for i in range(2):
        x = _eight(x, i)
    return begin.end(begin.head(x))


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
