"""NASNet-A, large and mobile."""

from tenon.python.keras.applications import common
from tenon.python.keras.applications.common import Begin, act, conv, decode_predictions, layer, norm  # noqa: F401

TF_EXPORTS = {
    "keras.applications.NASNetMobile": "NASNetMobile",
    "keras.applications.NASNetLarge": "NASNetLarge",
    "keras.applications.nasnet.NASNetMobile": "NASNetMobile",
    "keras.applications.nasnet.NASNetLarge": "NASNetLarge",
    "keras.applications.nasnet.preprocess_input": "preprocess_input",
    "keras.applications.nasnet.decode_predictions": "decode_predictions",
}
_START = {"kernel_initializer": "he_normal"}


def _norm(x, name):
    return norm(x, name, momentum=0.9997, epsilon=1e-3)


def _separable(x, filters, size, number, stride=1):
    """Two separable convolutions, the first one strided."""
    x = act(x)
    if stride == 2:
        x = layer("ZeroPadding2D", common.correct_pad(x, size), name=f"separable_conv_1_pad_{number}")(x)
    for i, (step, padding) in enumerate(((stride, "valid" if stride == 2 else "same"), (1, "same")), 1):
        x = act(x) if i == 2 else x
        x = layer("SeparableConv2D", filters, size, strides=step, padding=padding, use_bias=False,
                  name=f"separable_conv_{i}_{number}", **_START)(x)  # fmt: skip
        x = _norm(x, f"separable_conv_{i}_bn_{number}")
    return x


def _halved(p, filters, number):
    """P at half its size, by two paths that see different pixels."""
    p = act(p, f"adjust_relu_1_{number}")
    pool = lambda x, i: layer("AveragePooling2D", 1, strides=2, name=f"adjust_avg_pool_{i}_{number}")(x)  # noqa: E731
    a = conv(pool(p, 1), filters // 2, 1, f"adjust_conv_1_{number}", **_START)
    b = layer("Cropping2D", ((1, 0), (1, 0)))(layer("ZeroPadding2D", ((0, 1), (0, 1)))(p))
    b = conv(pool(b, 2), filters // 2, 1, f"adjust_conv_2_{number}", **_START)
    return _norm(layer("Concatenate", axis=common.axis())([a, b]), f"adjust_bn_{number}")


def _adjusted(p, x, filters, number):
    """What came before, in the size and number of channels that the cell wants."""
    if p is None:
        return x
    column = 3 if common.axis() == 1 else 2
    if p.shape[column].value != x.shape[column].value:
        return _halved(p, filters, number)
    if p.shape[common.axis()].value != filters:
        return _norm(conv(act(p), filters, 1, f"adjust_conv_projection_{number}", **_START), f"adjust_bn_{number}")
    return p


def _add(a, b, name=None):
    return layer("Add", name=name)([a, b])


def _mean(x, name, stride=1, padding="same"):
    return layer("AveragePooling2D", 3, strides=stride, padding=padding, name=name)(x)


def _normal(x, p, filters, number):
    """A cell that keeps the size."""
    before = x
    p = _adjusted(p, x, filters, number)
    h = _norm(conv(act(x), filters, 1, f"normal_conv_1_{number}", **_START), f"normal_bn_1_{number}")
    one = _add(_separable(h, filters, 5, f"normal_left1_{number}"), _separable(p, filters, 3, f"normal_right1_{number}"),  # noqa: E501
               f"normal_add_1_{number}")  # fmt: skip
    two = _add(_separable(p, filters, 5, f"normal_left2_{number}"), _separable(p, filters, 3, f"normal_right2_{number}"),  # noqa: E501
               f"normal_add_2_{number}")  # fmt: skip
    three = _add(_mean(h, f"normal_left3_{number}"), p, f"normal_add_3_{number}")
    four = _add(_mean(p, f"normal_left4_{number}"), _mean(p, f"normal_right4_{number}"), f"normal_add_4_{number}")
    five = _add(_separable(h, filters, 3, f"normal_left5_{number}"), h, f"normal_add_5_{number}")
    parts = [p, one, two, three, four, five]
    return layer("Concatenate", axis=common.axis(), name=f"normal_concat_{number}")(parts), before


def _reduction(x, p, filters, number):
    """A cell that halves the size."""
    before = x
    p = _adjusted(p, x, filters, number)
    h = _norm(conv(act(x), filters, 1, f"reduction_conv_1_{number}", **_START), f"reduction_bn_1_{number}")
    wide = layer("ZeroPadding2D", common.correct_pad(h, 3), name=f"reduction_pad_1_{number}")(h)
    top = lambda i: layer("MaxPooling2D", 3, strides=2, name=f"reduction_{i}_{number}")(wide)  # noqa: E731
    right = lambda size, i: _separable(p, filters, size, f"reduction_right{i}_{number}", 2)  # noqa: E731
    one = _add(_separable(h, filters, 5, f"reduction_left1_{number}", 2), right(7, 1), f"reduction_add_1_{number}")
    two = _add(top("left2"), right(7, 2), f"reduction_add_2_{number}")
    three = _add(_mean(wide, f"reduction_left3_{number}", 2, "valid"), right(5, 3), f"reduction_add3_{number}")
    four = _add(two, _mean(one, f"reduction_left4_{number}"))
    five = _add(_separable(one, filters, 3, f"reduction_left4_{number}"), top("right5"), f"reduction_add4_{number}")
    return layer("Concatenate", axis=common.axis(), name=f"reduction_concat_{number}")([two, three, four, five]), before


def _nasnet(given, default, penultimate, blocks, stem, skip, file):
    """A stem of two reductions, then three rows of cells."""
    begin = Begin(given, "NASNet", default, 32, flatten=True)
    filters = penultimate // 24
    x = _norm(conv(begin.input, stem, 3, "stem_conv1", 2, "valid", **_START), "stem_bn1")
    x, p = _reduction(x, None, filters // 4, "stem_1")
    x, p = _reduction(x, p, filters // 2, "stem_2")
    for row in range(3):
        if row:
            x, other = _reduction(x, p, filters * 2**row, f"reduce_{row * blocks}")
            p = p if skip else other
        for i in range(blocks):
            x, p = _normal(x, p, filters * 2**row, f"{row * blocks + i + (row > 0)}")
    return begin.end(begin.head(act(x), None), "nasnet", f"{file}{'' if given['include_top'] else '-no-top'}.h5")


def NASNetMobile(input_shape=None, include_top=True, weights="imagenet", input_tensor=None, pooling=None,
                 classes=1000):  # fmt: skip
    """The small one."""
    return _nasnet(dict(locals()), 224, 1056, 4, 32, False, "NASNet-mobile")


def NASNetLarge(input_shape=None, include_top=True, weights="imagenet", input_tensor=None, pooling=None,
                classes=1000):  # fmt: skip
    """The large one."""
    return _nasnet(dict(locals()), 331, 4032, 6, 96, True, "NASNet-large")


def preprocess_input(x, data_format=None):
    """Pictures (RGB, 0 to 255) as the network wants them."""
    return common.preprocess_input(x, data_format, mode="tf")
