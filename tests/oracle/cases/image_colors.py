"""Colours: hue, saturation, contrast, conversions; boxes that are drawn."""

import numpy as np

from oracle.api import bad, case, rand


def colors(dtype, *shape):
    """Values in [0, 1)."""
    return (np.abs(rand("float64", *shape)) / 2).astype(rand(dtype, 1).dtype)


LOOSE = {"float16": {"rtol": 5e-3, "atol": 5e-3}, "bfloat16": {"rtol": 5e-2, "atol": 5e-2}}
for dtype in ("float32", "float64", "float16", "bfloat16"):
    close = LOOSE.get(dtype, {})
    narrow = {"grad": False, "why": "TensorFlow's rounds each step"} if dtype in LOOSE else {}
    for shape in ((3,), (1, 3), (4, 5, 3), (2, 17, 3), (2, 3, 300, 3), (0, 3)):
        case("RGBToHSV", colors(dtype, *shape), **close, **narrow)
        case("HSVToRGB", colors(dtype, *shape), **close)
ties = np.array([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.2], [0.2, 0.5, 0.5], [0.5, 0.2, 0.5], [1, 0, 0]], "float32")
case("RGBToHSV", ties, grad=False, why="corners")
case("RGBToHSV", np.array([[-1, 2, 3], [-0.5, -0.1, -0.2], [200, 100, 50]], "float32"), grad=False, why="no colours")
case("HSVToRGB", np.array([[-1, 2, 3], [1.5, 0.5, 2], [2, -1, 0.5]], "float32"))
for op in ("RGBToHSV", "HSVToRGB"):
    bad(op, np.float32(1), code="INVALID_ARGUMENT")

for shape in ((4, 5, 3), (2, 3, 7, 3), (1, 1, 1000, 3), (2, 0, 4, 3)):
    for amount in (0.0, 0.25, -0.4, 1.0, -1.0, 0.9999):
        case("AdjustHue", colors("float32", *shape), np.float32(amount))
    for amount in (0.0, 0.5, 1.0, 2.0, 100.0, -1.0):
        case("AdjustSaturation", colors("float32", *shape), np.float32(amount))
    for amount in (0.0, 0.5, 1.0, -2.0, 30.0):
        case("AdjustContrastv2", colors("float32", *shape), np.float32(amount), rtol=1e-4, atol=1e-5)
case("AdjustHue", ties[None], np.float32(0.1))
case("AdjustSaturation", ties[None], np.float32(0.3))
case("AdjustHue", 100 * rand("float32", 5, 5, 3), np.float32(0.3), rtol=1e-4, atol=1e-4)
case("AdjustSaturation", 100 * np.abs(rand("float32", 5, 5, 3)), np.float32(0.3), rtol=1e-4, atol=1e-4)
case("AdjustContrastv2", 100 * rand("float32", 3, 5, 7, 1), np.float32(0.3), rtol=1e-4, atol=1e-4)
case("AdjustContrastv2", 100 * rand("float32", 3, 5, 7, 5), np.float32(1.3), rtol=1e-4, atol=1e-4)
for op in ("AdjustHue", "AdjustSaturation", "AdjustContrastv2"):
    bad(op, colors("float32", 4, 3), np.float32(1), code="INVALID_ARGUMENT")
    bad(op, colors("float32", 4, 4, 3), np.array([1], "float32"), code="INVALID_ARGUMENT")
    if op != "AdjustContrastv2":
        bad(op, colors("float32", 4, 4, 4), np.float32(1), code="INVALID_ARGUMENT")

BOXES = np.array(
    [
        [[0.1, 0.2, 0.5, 0.9], [-0.5, -0.5, 0.3, 0.4], [0.5, 0.5, 1.5, 1.5], [0.6, 0.1, 0.2, 0.5]],
        [[0, 0, 1, 1], [2, 2, 3, 3], [-3, 0.2, -1, 0.5], [0.4, 0.4, 0.4, 0.4]],
    ],
    "float32",
)
for dtype in ("float32", "float16"):
    for depth in (1, 3, 4):
        image = colors(dtype, 2, 11, 13, depth)
        case("DrawBoundingBoxes", image, BOXES)
        case("DrawBoundingBoxesV2", image, BOXES, colors("float32", 3, 4))
        case("DrawBoundingBoxesV2", image, BOXES, colors("float32", 0, 4))
case("DrawBoundingBoxes", colors("float32", 1, 5, 5, 3), np.tile(BOXES[:1], (1, 4, 1)))
case("DrawBoundingBoxes", colors("float32", 1, 5, 5, 3), np.zeros((1, 0, 4), "float32"))
bad("DrawBoundingBoxes", colors("float32", 1, 5, 5, 2), BOXES[:1], code="INVALID_ARGUMENT")
bad("DrawBoundingBoxes", colors("float32", 5, 5, 3), BOXES[:1], code="INVALID_ARGUMENT")
bad("DrawBoundingBoxes", colors("float32", 1, 5, 5, 3), BOXES, code="INVALID_ARGUMENT")
bad("DrawBoundingBoxes", colors("float32", 2, 5, 5, 3), BOXES[:, :, :3].copy(), code="INVALID_ARGUMENT")
bad("DrawBoundingBoxesV2", colors("float32", 2, 5, 5, 3), BOXES, colors("float32", 3, 2), code="INVALID_ARGUMENT")
