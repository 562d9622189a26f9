"""ResNet50, 101 and 152."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.ResNet50": "ResNet50",
    "keras.applications.resnet.ResNet50": "ResNet50",
    "keras.applications.resnet50.ResNet50": "ResNet50",
    "keras.applications.resnet50.preprocess_input": "preprocess_input",
    "keras.applications.resnet50.decode_predictions": "decode_predictions",
    "keras.applications.ResNet101": "ResNet101",
    "keras.applications.resnet.ResNet101": "ResNet101",
    "keras.applications.ResNet152": "ResNet152",
    "keras.applications.resnet.ResNet152": "ResNet152",
    "keras.applications.resnet.preprocess_input": "preprocess_input",
    "keras.applications.resnet.decode_predictions": "decode_predictions",
}


_EPS = 1.001e-5


def _block(x, filters, name, stride=1, shortcut=True):
    """Three convolutions beside a shortcut."""
    side = x
    if shortcut:
        side = norm(conv(x, 4 * filters, 1, f"{name}_0_conv", stride, "valid", True), f"{name}_0_bn", epsilon=_EPS)
    x = conv(x, filters, 1, f"{name}_1_conv", stride, "valid", True)
    x = act(norm(x, f"{name}_1_bn", epsilon=_EPS), f"{name}_1_relu")
    x = conv(x, filters, 3, f"{name}_2_conv", bias=True)
    x = act(norm(x, f"{name}_2_bn", epsilon=_EPS), f"{name}_2_relu")
    x = norm(conv(x, 4 * filters, 1, f"{name}_3_conv", 1, "valid", True), f"{name}_3_bn", epsilon=_EPS)
    return act(layer("Add", name=f"{name}_add")([side, x]), f"{name}_out")


def _block2(x, filters, name, stride=1, shortcut=False):
    """The same with normalization before convolutions."""
    before = act(norm(x, f"{name}_preact_bn", epsilon=_EPS), f"{name}_preact_relu")
    if shortcut:
        side = conv(before, 4 * filters, 1, f"{name}_0_conv", stride, "valid", True)
    else:
        side = layer("MaxPooling2D", 1, strides=stride)(x) if stride > 1 else x
    x = conv(before, filters, 1, f"{name}_1_conv", 1, "valid")
    x = act(norm(x, f"{name}_1_bn", epsilon=_EPS), f"{name}_1_relu")
    x = layer("ZeroPadding2D", ((1, 1), (1, 1)), name=f"{name}_2_pad")(x)
    x = conv(x, filters, 3, f"{name}_2_conv", stride, "valid")
    x = act(norm(x, f"{name}_2_bn", epsilon=_EPS), f"{name}_2_relu")
    x = conv(x, 4 * filters, 1, f"{name}_3_conv", 1, "valid", True)
    return layer("Add", name=f"{name}_out")([side, x])


def _stack(x, filters, count, name, stride):
    x = _block(x, filters, f"{name}_block1", stride)
    for i in range(2, count + 1):
        x = _block(x, filters, f"{name}_block{i}", shortcut=False)
    return x


def _stack2(x, filters, count, name, stride):
    x = _block2(x, filters, f"{name}_block1", shortcut=True)
    for i in range(2, count):
        x = _block2(x, filters, f"{name}_block{i}")
    return _block2(x, filters, f"{name}_block{count}", stride)


def _resnet(given, name, counts, second=False):
    """A large convolution, and four stacks of blocks."""
    begin = Begin(given, name, 224, 32)
    x = layer("ZeroPadding2D", ((3, 3), (3, 3)), name="conv1_pad")(begin.input)
    x = conv(x, 64, 7, "conv1_conv", 2, "valid", True)
    if not second:
        x = act(norm(x, "conv1_bn", epsilon=_EPS), "conv1_relu")
    x = layer("ZeroPadding2D", ((1, 1), (1, 1)), name="pool1_pad")(x)
    x = layer("MaxPooling2D", 3, strides=2, name="pool1_pool")(x)
    strides = (2, 2, 2, 1) if second else (1, 2, 2, 2)
    for i, (count, stride) in enumerate(zip(counts, strides)):
        x = (_stack2 if second else _stack)(x, 64 * 2**i, count, f"conv{i + 2}", stride)
    if second:
        x = act(norm(x, "post_bn", epsilon=_EPS), "post_relu")
    return begin.end(begin.head(x), "resnet")


def ResNet50(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
             classes=1000):  # fmt: skip
    """50 layers with weights."""
    return _resnet(dict(locals()), "resnet50", (3, 4, 6, 3))


def ResNet101(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
              classes=1000):  # fmt: skip
    """101 layers with weights."""
    return _resnet(dict(locals()), "resnet101", (3, 4, 23, 3))


def ResNet152(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
              classes=1000):  # fmt: skip
    """152 layers with weights."""
    return _resnet(dict(locals()), "resnet152", (3, 8, 36, 3))


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="caffe")
