"""Convolutions in two and three dimensions, plain, grouped and depthwise, with their gradients."""

import numpy as np

from oracle.api import bad, case, const, rand

FLOATS = ("float32", "float64", "float16", "bfloat16")
LOOSE = {"float16": {"rtol": 3e-2, "atol": 3e-2}, "bfloat16": {"rtol": 1e-1, "atol": 1.5e-1}}


def close(dtype):
    return LOOSE.get(dtype, {"rtol": 1e-4, "atol": 1e-4})


def out_size(size, kernel, stride, dilation, padding, explicit=(0, 0)):
    reach = (kernel - 1) * dilation + 1
    if padding == "SAME":
        return -(-size // stride)
    return (size + sum(explicit) - reach) // stride + 1


def family(op, dtype, image, kernel, strides=(1, 1), dilations=(1, 1), padding="SAME", explicit=None, **options):
    """A convolution and its two gradient ops. IMAGE and KERNEL as the ops take them."""
    n = len(image) - 2
    depthwise = op.startswith("Depthwise")
    attrs = {
        "strides": [1, *strides, 1],
        "dilations": [1, *dilations, 1],
        "padding": padding,
        **close(dtype),
        **options,
    }
    if explicit is not None:
        attrs["explicit_paddings"] = [0, 0, *[p for pair in explicit for p in pair], 0, 0]
    pads = explicit or [(0, 0)] * n
    result = [out_size(image[1 + i], kernel[i], strides[i], dilations[i], padding, pads[i]) for i in range(n)]
    channels = kernel[-1] * kernel[-2] if depthwise else kernel[-1]
    x, f, g = rand(dtype, *image), rand(dtype, *kernel), rand(dtype, image[0], *result, channels)
    back = {k: v for k, v in attrs.items() if k != "grad" and k != "why"}
    suffix = "V2" if op == "Conv3D" else ""
    case(op, x, f, **attrs)
    case(f"{op}BackpropInput{suffix}", const(np.array(image, "int32")), f, g, **back)
    case(f"{op}BackpropFilter{suffix}", x, const(np.array(kernel, "int32")), g, **back)
    if n == 2 and dtype == "float32":
        case(f"{op}BackpropInput{suffix}", np.array(image, "int32"), f, g, **back)


for dtype in FLOATS:
    family("Conv2D", dtype, (2, 4, 5, 3), (3, 3, 3, 2))
    family("Conv2D", dtype, (1, 5, 4, 2), (2, 3, 2, 3), padding="VALID")
    family("DepthwiseConv2dNative", dtype, (2, 4, 5, 3), (3, 3, 3, 2))
# Channels around the vector width; one image, several, chunks with one image more.
for image, kernel in (
    ((1, 7, 7, 1), (5, 5, 1, 32)),
    ((3, 6, 6, 15), (3, 3, 15, 17)),
    ((33, 5, 5, 16), (1, 1, 16, 33)),
    ((2, 9, 8, 32), (5, 5, 32, 64)),
    ((35, 4, 4, 3), (2, 2, 3, 16)),
    ((4, 3, 3, 7), (3, 3, 7, 1)),
    ((1, 1, 1, 1), (1, 1, 1, 1)),
):
    family("Conv2D", "float32", image, kernel, rtol=1e-3, atol=1e-3)
# Few images, large enough for each to be cut into blocks of rows.
for strides in ((1, 1), (2, 2)):
    for padding in ("SAME", "VALID"):
        x, f = rand("float32", 2, 33, 20, 32), rand("float32", 5, 3, 32, 33)
        attrs = {"strides": [1, *strides, 1], "padding": padding, "rtol": 1e-3, "atol": 1e-3}
        case("Conv2D", x, f, grad=False, why="large: the gradients have cases of their own", **attrs)
for strides in ((1, 1), (2, 2), (2, 1), (3, 3)):
    for padding in ("SAME", "VALID"):
        family(
            "Conv2D", "float32", (2, 8, 9, 16), (3, 3, 16, 16), strides=strides, padding=padding, rtol=1e-3, atol=1e-3
        )
        family("Conv2D", "float64", (1, 5, 6, 2), (3, 2, 2, 2), strides=strides, padding=padding)
for dtype in ("float32", "float64"):
    family("Conv2D", dtype, (2, 5, 6, 2), (1, 1, 2, 3), strides=(2, 2))
    family("Conv2D", dtype, (2, 5, 6, 2), (3, 3, 2, 3), padding="EXPLICIT", explicit=((1, 2), (0, 1)))
    case(
        "Conv2D",
        rand(dtype, 2, 7, 8, 2),
        rand(dtype, 3, 3, 2, 3),
        strides=[1] * 4,
        dilations=[1, 2, 3, 1],
        padding="SAME",
        grad=False,
        why="TensorFlow has no dilated gradients on the CPU",
        **close(dtype),
    )
    case(
        "Conv2D",
        rand(dtype, 2, 9, 8, 2),
        rand(dtype, 3, 2, 2, 3),
        strides=[1, 2, 1, 1],
        dilations=[1, 2, 2, 1],
        padding="VALID",
        grad=False,
        why="TensorFlow has no dilated gradients on the CPU",
        **close(dtype),
    )
# Groups: TensorFlow's own gradients of them don't run on the CPU.
case(
    "Conv2D",
    rand("float32", 2, 5, 5, 4),
    rand("float32", 3, 3, 2, 6),
    strides=[1] * 4,
    padding="SAME",
    grad=False,
    why="groups",
    **close("float32"),
)
case(
    "Conv2D",
    rand("float32", 2, 5, 5, 32),
    rand("float32", 3, 3, 16, 32),
    strides=[1] * 4,
    padding="SAME",
    grad=False,
    why="groups",
    rtol=1e-3,
    atol=1e-3,
)
case("Conv2D", rand("int32", 2, 4, 5, 3), rand("int32", 3, 3, 3, 2), strides=[1] * 4, padding="SAME")
for shape, kernel in (((0, 4, 4, 2), (3, 3, 2, 3)), ((2, 4, 4, 2), (3, 3, 2, 0))):
    case(
        "Conv2D",
        rand("float32", *shape),
        rand("float32", *kernel),
        strides=[1] * 4,
        padding="SAME",
        grad=False,
        why="empty",
    )
for bad_shape, bad_kernel in (
    ((2, 4, 4, 3), (3, 3, 2, 3)),
    ((2, 2, 2, 3), (3, 3, 3, 3)),
    ((4, 4, 3), (3, 3, 3, 3)),
    ((2, 4, 4, 3), (3, 3, 3)),
):
    bad(
        "Conv2D",
        rand("float32", *bad_shape),
        rand("float32", *bad_kernel),
        strides=[1] * 4,
        padding="VALID",
        code="INVALID_ARGUMENT",
    )
X, F = rand("float32", 2, 4, 4, 3), rand("float32", 3, 3, 3, 2)
bad("Conv2D", X, F, strides=[1, 1, 1], padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2D", X, F, strides=[1, 0, 1, 1], padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2D", X, F, strides=[1, -1, 1, 1], padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2D", X, F, strides=[1] * 4, dilations=[1, 0, 1, 1], padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2D", X, F, strides=[1] * 4, dilations=[1, 1, 1], padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2D", X, F, strides=[1] * 4, padding="EXPLICIT", code="INVALID_ARGUMENT")
bad(
    "Conv2D",
    X,
    F,
    strides=[1] * 4,
    padding="EXPLICIT",
    explicit_paddings=[0, 0, -1, 0, 0, 0, 0, 0],
    code="INVALID_ARGUMENT",
)
bad("Conv2D", X, F, strides=[1] * 4, padding="SAME", explicit_paddings=[0] * 8, code="INVALID_ARGUMENT")
G = rand("float32", 2, 4, 4, 2)
bad(
    "Conv2DBackpropInput",
    const([2, 4, 4, 3]),
    F,
    rand("float32", 2, 5, 4, 2),
    strides=[1] * 4,
    padding="SAME",
    code="INVALID_ARGUMENT",
)
bad("Conv2DBackpropInput", const([3, 4, 4, 3]), F, G, strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2DBackpropInput", const([2, 4, 3]), F, G, strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2DBackpropFilter", X, const([3, 3, 3, 3]), G, strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")
bad("Conv2DBackpropFilter", X, const([3, 3, 2, 2]), G, strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")

for image, kernel in (
    ((2, 6, 6, 16), (3, 3, 16, 1)),
    ((2, 5, 5, 17), (3, 3, 17, 2)),
    ((33, 4, 4, 3), (2, 2, 3, 1)),
    ((1, 7, 7, 32), (5, 5, 32, 1)),
):
    for padding in ("SAME", "VALID"):
        family("DepthwiseConv2dNative", "float32", image, kernel, padding=padding, rtol=1e-3, atol=1e-3)
for strides in ((2, 2), (3, 3)):
    family("DepthwiseConv2dNative", "float32", (2, 7, 7, 8), (3, 3, 8, 2), strides=strides)
    family("DepthwiseConv2dNative", "float64", (1, 5, 5, 2), (3, 2, 2, 2), strides=strides)
family("DepthwiseConv2dNative", "float32", (2, 5, 6, 2), (3, 3, 2, 1), padding="EXPLICIT", explicit=((1, 1), (0, 2)))
bad("DepthwiseConv2dNative", X, rand("float32", 3, 3, 2, 2), strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")
bad("DepthwiseConv2dNative", X, rand("float32", 5, 5, 3, 2), strides=[1] * 4, padding="VALID", code="INVALID_ARGUMENT")

D3 = {"strides": (1, 1, 1), "dilations": (1, 1, 1)}
for dtype in FLOATS:
    family("Conv3D", dtype, (2, 3, 4, 3, 2), (2, 3, 2, 2, 3), **D3)
for strides in ((1, 1, 1), (2, 2, 2)):
    for padding in ("SAME", "VALID"):
        family(
            "Conv3D",
            "float32",
            (2, 4, 5, 5, 16),
            (3, 3, 3, 16, 17),
            strides=strides,
            dilations=(1, 1, 1),
            padding=padding,
            rtol=1e-3,
            atol=1e-3,
        )
V, W = rand("float32", 2, 3, 4, 3, 2), rand("float32", 2, 3, 2, 2, 3)
Y = rand("float32", 2, 3, 4, 3, 3)
case("Conv3DBackpropInput", V, W, Y, strides=[1] * 5, padding="SAME", rtol=1e-3, atol=1e-3)
case("Conv3DBackpropFilter", V, W, Y, strides=[1] * 5, padding="SAME", rtol=1e-3, atol=1e-3)
bad("Conv3D", V, rand("float32", 2, 3, 2, 3, 3), strides=[1] * 5, padding="SAME", code="INVALID_ARGUMENT")
bad("Conv3D", V, W, strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")
