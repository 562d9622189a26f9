"""Resampling, projections, dilation, fractional pools."""

import numpy as np

from oracle.api import bad, case, const, ints, program, rand

f32 = np.float32


def size(*values, dtype="int32"):
    return const(np.array(values, dtype))


# --- ScaleAndTranslate ---
KINDS = ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic")
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
for kind in KINDS:
    for antialias in (True, False):
        attrs = {"kernel_type": kind, "antialias": antialias, "fd": False, **CLOSE}
        for shape, out, scale, move in (
            ((2, 7, 9, 3), (3, 4), (0.43, 0.44), (0, 0)),
            ((1, 5, 4, 2), (11, 13), (2.2, 3.25), (0, 0)),
            ((1, 6, 6, 1), (6, 6), (1.0, 1.0), (1.5, -2.0)),
            ((1, 20, 3, 3), (2, 5), (0.1, 1.7), (-0.3, 0.2)),
            ((1, 4, 4, 1), (3, 3), (1.0, 1.0), (50.0, 0.0)),
        ):
            case("ScaleAndTranslate", rand("float32", *shape), size(*out), f32(scale), f32(move), **attrs)
for dtype in ("int8", "uint8", "int16", "uint16", "int32", "int64", "float16", "bfloat16", "float64"):
    image = ints(dtype, 0, 100, 1, 5, 6, 3) if "int" in dtype else rand(dtype, 1, 5, 6, 3)
    attrs = {"rtol": 1e-5, "atol": 1e-4, "grad": False, "why": "TensorFlow's is for float32 only"}
    case("ScaleAndTranslate", image, size(4, 9), f32([0.8, 1.5]), f32([0, 0.5]), **attrs)
grads = (rand("float32", 1, 4, 9, 3), rand("float32", 1, 5, 6, 3), f32([0.8, 1.5]), f32([0, 0.5]))
case("ScaleAndTranslateGrad", *grads, **CLOSE)
case("ScaleAndTranslateGrad", *grads, kernel_type="triangle", antialias=False, **CLOSE)
image = rand("float32", 1, 5, 6, 3)
bad("ScaleAndTranslate", image[0], size(4, 9), f32([1, 1]), f32([0, 0]), code="INVALID_ARGUMENT")
bad("ScaleAndTranslate", image, size(4, 9), f32([0, 1]), f32([0, 0]), code="INVALID_ARGUMENT")
bad("ScaleAndTranslate", image, size(0, 9), f32([1, 1]), f32([0, 0]), code="INVALID_ARGUMENT")
bad("ScaleAndTranslate", image, size(4, 9), f32([1]), f32([0, 0]), code="INVALID_ARGUMENT")
bad("ScaleAndTranslate", image, size(4, 9), f32([1, 1]), f32([0, 0]), kernel_type="x", code="INVALID_ARGUMENT")

# --- projective transforms ---
TRANSFORMS = f32([[1, 0, 0, 0, 1, 0, 0, 0], [0.9, 0.2, -1.5, -0.1, 1.2, 2.3, 0.01, -0.02]])
FAR = f32([[2.5, 0.3, -12.25, 0.2, 3.1, -17.5, 0, 0]])
for interpolation in ("NEAREST", "BILINEAR"):
    for fill in ("CONSTANT", "REFLECT", "WRAP", "NEAREST"):
        attrs = {"interpolation": interpolation, "fill_mode": fill, "fd": False, "rtol": 1e-4, "atol": 1e-4}
        for transforms in (TRANSFORMS, FAR):
            inputs = (rand("float32", 2, 7, 9, 3), transforms, size(5, 11))
            case("ImageProjectiveTransformV2", *inputs, **attrs)
            case("ImageProjectiveTransformV3", *inputs, f32(0.5), **attrs)
        case("ImageProjectiveTransformV2", rand("float32", 2, 1, 1, 1), FAR, size(3, 3), **attrs)
    for dtype in ("uint8", "int32", "int64", "float16", "bfloat16", "float64"):
        image = ints(dtype, 0, 100, 2, 5, 6, 2) if "int" in dtype else rand(dtype, 2, 5, 6, 2)
        attrs = {"interpolation": interpolation, "grad": False, "why": "dtypes"}
        case("ImageProjectiveTransformV3", image, TRANSFORMS, size(6, 6), f32(3), **attrs)
inputs = (rand("float32", 2, 7, 9, 3), TRANSFORMS, size(5, 11))
bad("ImageProjectiveTransformV2", inputs[0], TRANSFORMS[:, :7].copy(), inputs[2], interpolation="NEAREST",
    code="INVALID_ARGUMENT")  # fmt: skip
bad("ImageProjectiveTransformV2", inputs[0], TRANSFORMS, size(5), interpolation="NEAREST", code="INVALID_ARGUMENT")

# --- dilation ---
ATTRS = (
    {"strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
    {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": "VALID"},
    {"strides": [1, 2, 3, 1], "rates": [1, 2, 1, 1], "padding": "SAME"},
)
for attrs in ATTRS:
    for dtype in ("float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "int64",
                  "uint32", "uint64"):  # fmt: skip
        x, w = rand(dtype, 2, 7, 8, 3), rand(dtype, 2, 3, 3)
        close = {"rtol": 3e-2, "atol": 1e-2} if "float" in dtype and "16" in dtype else {}
        case("Dilation2D", x, w, **attrs, **close)
    x, w = rand("float32", 2, 7, 8, 3), rand("float32", 2, 3, 3)
    same = attrs["padding"] == "SAME"
    out = [-(-n // s) if same else (n - ((k - 1) * r + 1) + s) // s
           for n, k, s, r in zip((7, 8), (2, 3), attrs["strides"][1:3], attrs["rates"][1:3])]  # fmt: skip
    case("Dilation2DBackpropInput", x, w, rand("float32", 2, *out, 3), **attrs)
    case("Dilation2DBackpropFilter", x, w, rand("float32", 2, *out, 3), **attrs)
x, w = rand("float32", 2, 7, 8, 3), rand("float32", 2, 3, 3)
bad("Dilation2D", x, w[:, :, :2].copy(), **ATTRS[0], code="INVALID_ARGUMENT")
bad("Dilation2D", x[0], w, **ATTRS[0], code="INVALID_ARGUMENT")
bad("Dilation2D", x, w[0], **ATTRS[0], code="INVALID_ARGUMENT")
bad("Dilation2DBackpropInput", x, w, x[:1], **ATTRS[0], code="INVALID_ARGUMENT")

# --- fractional pools ---
ONE_LESS = {"shapes": False, "why": "TensorFlow says that the sequences are one shorter than they are"}
for op in ("FractionalMaxPool", "FractionalAvgPool"):
    for dtype in ("float32", "float64", "int32", "int64"):
        for pseudo in (False, True):
            for overlapping in (False, True):
                attrs = {"pooling_ratio": [1.0, 1.44, 1.73, 1.0], "pseudo_random": pseudo, "overlapping": overlapping}
                attrs |= {"deterministic": True, "seed": 3, "seed2": 9, "fd": False}
                case(op, rand(dtype, 2, 13, 17, 3), **attrs, **ONE_LESS)
    whole = {"pooling_ratio": [1.0, 2.0, 3.0, 1.0], "deterministic": True, "seed": 3, "seed2": 9}
    case(op, rand("float32", 1, 6, 9, 2), fd=False, **whole, **ONE_LESS)
    x = rand("float32", 1, 6, 9, 2)
    bad(op, x[0], **whole, code="INVALID_ARGUMENT")
    bad(op, x, **{**whole, "pooling_ratio": [1.0, 0.5, 1.0, 1.0]}, code="INVALID_ARGUMENT")
    bad(op, x, **{**whole, "pooling_ratio": [2.0, 1.5, 1.0, 1.0]}, code="UNIMPLEMENTED")
    bad(op, x, **{**whole, "deterministic": False}, code="INVALID_ARGUMENT")


def back(op, dtype, overlapping):
    x = rand(dtype, 2, 9, 8, 3)

    def build(g):
        fed = g.placeholder(x.dtype.name, x.shape)
        attrs = {"pooling_ratio": [1.0, 1.6, 1.9, 1.0], "deterministic": True, "seed": 1, "seed2": 2}
        pooled, rows, columns = g.op(f"Fractional{op}Pool", fed, overlapping=overlapping, **attrs)
        first = [fed, pooled] if op == "Max" else [g.constant(np.array(x.shape, "int64"))]
        return [([g.op(f"Fractional{op}PoolGrad", *first, pooled, rows, columns, overlapping=overlapping)], {fed: x})]

    return build


for op in ("Max", "Avg"):
    for dtype in ("float32", "float64", "int32", "int64"):
        for overlapping in (False, True):
            program(f"fractional-{op}-{dtype}-{overlapping}", back(op, dtype, overlapping))
rows, columns = np.array([0, 2, 4], "int64"), np.array([0, 1, 3], "int64")
x, g = rand("float32", 1, 4, 3, 1), rand("float32", 1, 2, 2, 1)
case("FractionalAvgPoolGrad", size(1, 4, 3, 1, dtype="int64"), g, rows, columns)
bad("FractionalAvgPoolGrad", size(1, 4, 3, dtype="int64"), g, rows, columns, code="INVALID_ARGUMENT")
bad("FractionalAvgPoolGrad", size(1, 4, 3, 1, dtype="int64"), g, rows * -1, columns, code="INVALID_ARGUMENT")
