"""InceptionResNetV2."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.InceptionResNetV2": "InceptionResNetV2",
    "keras.applications.inception_resnet_v2.InceptionResNetV2": "InceptionResNetV2",
    "keras.applications.inception_resnet_v2.preprocess_input": "preprocess_input",
    "keras.applications.inception_resnet_v2.decode_predictions": "decode_predictions",
}


def _cell(x, filters, size, strides=1, padding="same", activation="relu", bias=False, name=None):
    """Convolution, normalization (where there is no bias) and activation."""
    x = conv(x, filters, size, name, strides, padding, bias)
    if not bias:
        x = norm(x, name and name + "_bn", scale=False)
    return x if activation is None else act(x, name and name + "_ac", activation)


def _chain(x, *steps):
    for step in steps:
        x = _cell(x, *step)
    return x


_BRANCHES = {
    "block35": ([(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]),
    "block17": ([(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]),
    "block8": ([(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]),
}


def _scaled(inputs, scale):
    """A shortcut and a part of what lies beside it."""
    return inputs[0] + inputs[1] * scale


def _block(x, scale, kind, number, activation="relu"):
    """Branches, put together to as many channels as X has, scaled and added to it."""
    name = f"{kind}_{number}"
    mixed = layer("Concatenate", axis=common.axis(), name=f"{name}_mixed")([_chain(x, *b) for b in _BRANCHES[kind]])
    up = _cell(mixed, x.shape[common.axis()].value, 1, activation=None, bias=True, name=f"{name}_conv")
    x = layer("Lambda", _scaled, output_shape=x.shape.as_list()[1:], arguments={"scale": scale}, name=name)([x, up])
    return x if activation is None else act(x, f"{name}_ac", activation)


def InceptionResNetV2(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None,
                      classes=1000):  # fmt: skip
    """Inception with residual connections, version 2."""
    begin = Begin(dict(locals()), "inception_resnet_v2", 299, 75)
    join = lambda parts, name: layer("Concatenate", axis=common.axis(), name=name)(parts)  # noqa: E731
    x = _chain(begin.input, (32, 3, 2, "valid"), (32, 3, 1, "valid"), (64, 3))
    x = layer("MaxPooling2D", 3, strides=2)(x)
    x = _chain(x, (80, 1, 1, "valid"), (192, 3, 1, "valid"))
    x = layer("MaxPooling2D", 3, strides=2)(x)
    parts = [_cell(x, 96, 1), _chain(x, (48, 1), (64, 5)), _chain(x, (64, 1), (96, 3), (96, 3))]
    pool = layer("AveragePooling2D", 3, strides=1, padding="same")(x)
    x = join([*parts, _cell(pool, 64, 1)], "mixed_5b")
    for i in range(1, 11):
        x = _block(x, 0.17, "block35", i)
    parts = [_cell(x, 384, 3, 2, "valid"), _chain(x, (256, 1), (256, 3), (384, 3, 2, "valid"))]
    x = join([*parts, layer("MaxPooling2D", 3, strides=2)(x)], "mixed_6a")
    for i in range(1, 21):
        x = _block(x, 0.1, "block17", i)
    parts = [_chain(x, (256, 1), (384, 3, 2, "valid")), _chain(x, (256, 1), (288, 3, 2, "valid")),
             _chain(x, (256, 1), (288, 3), (320, 3, 2, "valid"))]  # fmt: skip
    x = join([*parts, layer("MaxPooling2D", 3, strides=2)(x)], "mixed_7a")
    for i in range(1, 10):
        x = _block(x, 0.2, "block8", i)
    x = _block(x, 1.0, "block8", 10, activation=None)
    x = _cell(x, 1536, 1, name="conv_7b")
    return begin.end(begin.head(x))


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
