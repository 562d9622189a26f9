"""Xception."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.Xception": "Xception",
    "keras.applications.xception.Xception": "Xception",
    "keras.applications.xception.preprocess_input": "preprocess_input",
    "keras.applications.xception.decode_predictions": "decode_predictions",
}


def _separable(x, filters, name):
    x = layer("SeparableConv2D", filters, 3, padding="same", use_bias=False, name=name)(x)
    return norm(x, f"{name}_bn")


def _side(x, filters):
    """The shortcut of a block that makes pictures smaller."""
    return norm(conv(x, filters, 1, strides=2))


def _smaller(x, filters, b, first=True):
    """Two separable convolutions and pooling, beside a shortcut."""
    side = _side(x, filters[1])
    if first:
        x = act(x, f"block{b}_sepconv1_act")
    x = _separable(x, filters[0], f"block{b}_sepconv1")
    x = _separable(act(x, f"block{b}_sepconv2_act"), filters[1], f"block{b}_sepconv2")
    x = layer("MaxPooling2D", 3, strides=2, padding="same", name=f"block{b}_pool")(x)
    return layer("Add")([x, side])


def Xception(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
             classes=1000):  # fmt: skip
    """Separable convolutions all the way."""
    begin = Begin(dict(locals()), "xception", 299, 71)
    x = begin.input
    for i, (filters, stride) in enumerate(((32, 2), (64, 1)), 1):
        x = conv(x, filters, 3, f"block1_conv{i}", stride, "valid")
        x = act(norm(x, f"block1_conv{i}_bn"), f"block1_conv{i}_act")
    x = _smaller(x, (128, 128), 2, first=False)
    x = _smaller(x, (256, 256), 3)
    x = _smaller(x, (728, 728), 4)
    for b in range(5, 13):
        side = x
        for i in (1, 2, 3):
            x = _separable(act(x, f"block{b}_sepconv{i}_act"), 728, f"block{b}_sepconv{i}")
        x = layer("Add")([x, side])
    x = _smaller(x, (728, 1024), 13)
    for i, filters in ((1, 1536), (2, 2048)):
        x = act(_separable(x, filters, f"block14_sepconv{i}"), f"block14_sepconv{i}_act")
    return begin.end(begin.head(x))


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
