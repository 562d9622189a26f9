"""MobileNet."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.MobileNet": "MobileNet",
    "keras.applications.mobilenet.MobileNet": "MobileNet",
    "keras.applications.mobilenet.preprocess_input": "preprocess_input",
    "keras.applications.mobilenet.decode_predictions": "decode_predictions",
}


def _relu6(x, name):
    return layer("ReLU", 6.0, name=name)(x)


def _block(x, filters, alpha, multiplier, number, stride=1):
    """A convolution of each channel by itself, then of points."""
    if stride != 1:
        x = layer("ZeroPadding2D", ((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    x = layer("DepthwiseConv2D", 3, padding="same" if stride == 1 else "valid", depth_multiplier=multiplier,
              strides=stride, use_bias=False, name=f"conv_dw_{number}")(x)  # fmt: skip
    x = _relu6(norm(x, f"conv_dw_{number}_bn"), f"conv_dw_{number}_relu")
    x = conv(x, int(filters * alpha), 1, f"conv_pw_{number}")
    return _relu6(norm(x, f"conv_pw_{number}_bn"), f"conv_pw_{number}_relu")


def MobileNet(input_shape=None, alpha=1.0, depth_multiplier=1, dropout=1e-3, include_top=True, weights="imagenet",
              input_tensor=None, pooling=None, classes=1000):  # fmt: skip
    """Separable convolutions; ALPHA makes it wider or narrower."""
    rows = 224 if input_shape is None else input_shape[1]
    begin = Begin(dict(locals()), f"mobilenet_{alpha:0.2f}_{rows}", rows if rows in (128, 160, 192, 224) else 224, 32)
    x = conv(begin.input, int(32 * alpha), 3, "conv1", 2)
    x = _relu6(norm(x, "conv1_bn"), "conv1_relu")
    sizes = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for i, (filters, stride) in enumerate(sizes, 1):
        x = _block(x, filters, alpha, depth_multiplier, i, stride)
    text = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}.get(alpha, str(alpha))
    file = f"mobilenet_{text}_{rows}_tf{'' if include_top else '_no_top'}.h5"
    if not include_top:
        return begin.end(begin.pooled(x), "mobilenet", file)
    x = layer("GlobalAveragePooling2D")(x)
    size = int(1024 * alpha)
    x = layer("Reshape", (size, 1, 1) if common.axis() == 1 else (1, 1, size), name="reshape_1")(x)
    x = layer("Dropout", dropout, name="dropout")(x)
    x = layer("Reshape", (classes,), name="reshape_2")(conv(x, classes, 1, "conv_preds", bias=True))
    return begin.end(act(x, "predictions", "softmax"), "mobilenet", file)


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
