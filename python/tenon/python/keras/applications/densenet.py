"""DenseNet121, 169 and 201."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.DenseNet121": "DenseNet121",
    "keras.applications.densenet.DenseNet121": "DenseNet121",
    "keras.applications.DenseNet169": "DenseNet169",
    "keras.applications.densenet.DenseNet169": "DenseNet169",
    "keras.applications.DenseNet201": "DenseNet201",
    "keras.applications.densenet.DenseNet201": "DenseNet201",
    "keras.applications.densenet.preprocess_input": "preprocess_input",
    "keras.applications.densenet.decode_predictions": "decode_predictions",
}


_EPS = 1.001e-5


def _dense_block(x, count, name):
    """Layers that see what all layers before them made."""
    for i in range(1, count + 1):
        lead = f"{name}_block{i}"
        y = act(norm(x, f"{lead}_0_bn", epsilon=_EPS), f"{lead}_0_relu")
        y = act(norm(conv(y, 128, 1, f"{lead}_1_conv"), f"{lead}_1_bn", epsilon=_EPS), f"{lead}_1_relu")
        y = conv(y, 32, 3, f"{lead}_2_conv")
        x = layer("Concatenate", axis=common.axis(), name=f"{lead}_concat")([x, y])
    return x


def _densenet(given, name, counts):
    """Four dense blocks, each but the last made smaller by half."""
    begin = Begin(given, name, 224, 32)
    x = layer("ZeroPadding2D", ((3, 3), (3, 3)))(begin.input)
    x = act(norm(conv(x, 64, 7, "conv1/conv", 2, "valid"), "conv1/bn", epsilon=_EPS), "conv1/relu")
    x = layer("ZeroPadding2D", ((1, 1), (1, 1)))(x)
    x = layer("MaxPooling2D", 3, strides=2, name="pool1")(x)
    for i, count in enumerate(counts, 2):
        x = _dense_block(x, count, f"conv{i}")
        if i < 5:
            x = act(norm(x, f"pool{i}_bn", epsilon=_EPS), f"pool{i}_relu")
            x = conv(x, x.shape[common.axis()].value // 2, 1, f"pool{i}_conv")
            x = layer("AveragePooling2D", 2, strides=2, name=f"pool{i}_pool")(x)
    x = act(norm(x, "bn", epsilon=_EPS), "relu")
    return begin.end(begin.head(x), "densenet")


def DenseNet121(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                classes=1000):  # fmt: skip
    """121 layers with weights."""
    return _densenet(dict(locals()), "densenet121", (6, 12, 24, 16))


def DenseNet169(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                classes=1000):  # fmt: skip
    """169 layers with weights."""
    return _densenet(dict(locals()), "densenet169", (6, 12, 32, 32))


def DenseNet201(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                classes=1000):  # fmt: skip
    """201 layers with weights."""
    return _densenet(dict(locals()), "densenet201", (6, 12, 48, 32))


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="torch")
