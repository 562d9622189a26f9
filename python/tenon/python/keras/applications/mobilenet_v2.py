"""MobileNetV2."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.MobileNetV2": "MobileNetV2",
    "keras.applications.mobilenet_v2.MobileNetV2": "MobileNetV2",
    "keras.applications.mobilenet_v2.preprocess_input": "preprocess_input",
    "keras.applications.mobilenet_v2.decode_predictions": "decode_predictions",
}


def _divisible(value, by=8):
    """The multiple of BY near VALUE, not less than nine tenths of it."""
    found = max(by, int(value + by / 2) // by * by)
    return found + by if found < 0.9 * value else found


def _norm(x, name):
    return norm(x, name, epsilon=1e-3, momentum=0.999)


def _relu6(x, name):
    return layer("ReLU", 6.0, name=name)(x)


def _block(x, expansion, stride, filters, number):
    """Points to more channels, a convolution of each, points to few channels; added to the input where they agree."""
    channels, lead = x.shape[common.axis()].value, f"block_{number}_" if number else "expanded_conv_"
    side = x
    if number:
        x = _relu6(_norm(conv(x, expansion * channels, 1, f"{lead}expand"), f"{lead}expand_BN"), f"{lead}expand_relu")
    if stride == 2:
        x = layer("ZeroPadding2D", common.correct_pad(x, 3), name=f"{lead}pad")(x)
    x = layer("DepthwiseConv2D", 3, strides=stride, use_bias=False, padding="same" if stride == 1 else "valid",
              name=f"{lead}depthwise")(x)  # fmt: skip
    x = _relu6(_norm(x, f"{lead}depthwise_BN"), f"{lead}depthwise_relu")
    x = _norm(conv(x, filters, 1, f"{lead}project"), f"{lead}project_BN")
    return layer("Add", name=f"{lead}add")([side, x]) if channels == filters and stride == 1 else x


def MobileNetV2(input_shape=None, alpha=1.0, include_top=True, weights="imagenet", input_tensor=None, pooling=None,
                classes=1000):  # fmt: skip
    """Inverted residual blocks; ALPHA makes it wider or narrower."""
    rows = 224 if input_shape is None else input_shape[1]
    default = rows if rows in (96, 128, 160, 192, 224) else 224
    begin = Begin(dict(locals()), f"mobilenetv2_{alpha:0.2f}_{rows}", default, 32)
    x = conv(begin.input, _divisible(32 * alpha), 3, "Conv1", 2)
    x = _relu6(_norm(x, "bn_Conv1"), "Conv1_relu")
    number = 0
    for filters, count, stride in (
        (16, 1, 1),
        (24, 2, 2),
        (32, 3, 2),
        (64, 4, 2),
        (96, 3, 1),
        (160, 3, 2),
        (320, 1, 1),
    ):
        for i in range(count):
            x = _block(x, 6, stride if i == 0 else 1, _divisible(int(filters * alpha)), number)
            number += 1
    x = conv(x, _divisible(1280 * alpha) if alpha > 1.0 else 1280, 1, "Conv_1")
    x = _relu6(_norm(x, "Conv_1_bn"), "out_relu")
    file = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{rows}{'' if include_top else '_no_top'}.h5"
    return begin.end(begin.head(x, None), "mobilenet_v2", file)


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
