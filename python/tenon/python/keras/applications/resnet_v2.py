"""ResNet50V2, 101V2 and 152V2."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import decode_predictions  # noqa: F401
from tenon.python.keras.applications.resnet import _resnet

TF_EXPORTS = {
    "keras.applications.ResNet50V2": "ResNet50V2",
    "keras.applications.resnet_v2.ResNet50V2": "ResNet50V2",
    "keras.applications.ResNet101V2": "ResNet101V2",
    "keras.applications.resnet_v2.ResNet101V2": "ResNet101V2",
    "keras.applications.ResNet152V2": "ResNet152V2",
    "keras.applications.resnet_v2.ResNet152V2": "ResNet152V2",
    "keras.applications.resnet_v2.preprocess_input": "preprocess_input",
    "keras.applications.resnet_v2.decode_predictions": "decode_predictions",
}


def ResNet50V2(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
               classes=1000):  # fmt: skip
    """50 layers with weights, normalized before they convolve."""
    return _resnet(dict(locals()), "resnet50v2", (3, 4, 6, 3), second=True)


def ResNet101V2(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                classes=1000):  # fmt: skip
    """101 layers with weights, normalized before they convolve."""
    return _resnet(dict(locals()), "resnet101v2", (3, 4, 23, 3), second=True)


def ResNet152V2(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                classes=1000):  # fmt: skip
    """152 layers with weights, normalized before they convolve."""
    return _resnet(dict(locals()), "resnet152v2", (3, 8, 36, 3), second=True)


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
