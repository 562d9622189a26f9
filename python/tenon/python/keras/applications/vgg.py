"""VGG16 and VGG19."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, conv, decode_predictions, layer  # noqa: F401

TF_EXPORTS = {
    "keras.applications.VGG16": "VGG16",
    "keras.applications.vgg16.VGG16": "VGG16",
    "keras.applications.vgg16.preprocess_input": "preprocess_input",
    "keras.applications.vgg16.decode_predictions": "decode_predictions",
    "keras.applications.VGG19": "VGG19",
    "keras.applications.vgg19.VGG19": "VGG19",
    "keras.applications.vgg19.preprocess_input": "preprocess_input",
    "keras.applications.vgg19.decode_predictions": "decode_predictions",
}


def _vgg(given, name, blocks):
    """Blocks of convolutions, and three dense layers."""
    begin = Begin(given, name, 224, 32)
    x = begin.input
    for b, (filters, count) in enumerate(blocks, 1):
        for i in range(1, count + 1):
            x = conv(x, filters, 3, f"block{b}_conv{i}", bias=True, activation="relu")
        x = layer("MaxPooling2D", 2, strides=2, name=f"block{b}_pool")(x)
    if not given["include_top"]:
        return begin.end(begin.pooled(x))
    x = layer("Flatten", name="flatten")(x)
    for n in ("fc1", "fc2"):
        x = layer("Dense", 4096, activation="relu", name=n)(x)
    return begin.end(layer("Dense", given["classes"], activation="softmax", name="predictions")(x))


def VGG16(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
          classes=1000):  # fmt: skip
    """Sixteen layers with weights."""
    return _vgg(dict(locals()), "vgg16", [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)])


def VGG19(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
          classes=1000):  # fmt: skip
    """Nineteen layers with weights."""
    return _vgg(dict(locals()), "vgg19", [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)])


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="caffe")
