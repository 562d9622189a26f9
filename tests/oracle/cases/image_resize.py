"""Resizing by all methods, and its gradients."""

import numpy as np

from oracle.api import bad, case, const, ints, rand

TYPES = ("int8", "uint8", "int16", "uint16", "int32", "int64", "float16", "bfloat16", "float32", "float64")
SIZES = (
    ((1, 1, 1, 1), (1, 1)),
    ((1, 1, 1, 3), (5, 7)),
    ((2, 5, 7, 3), (3, 4)),
    ((1, 3, 4, 3), (11, 9)),
    ((2, 7, 6, 1), (7, 6)),
    ((1, 6, 5, 2), (13, 2)),
    ((1, 17, 33, 4), (8, 31)),
    ((1, 40, 3, 3), (2, 50)),
    ((1, 2, 31, 17), (1, 1)),
    ((3, 4, 4, 3), (4, 9)),
    ((1, 50, 40, 3), (7, 1)),
    ((0, 4, 4, 3), (4, 9)),
)
WAYS = ({}, {"align_corners": True}, {"half_pixel_centers": True})


def size(*values):
    return const(np.array(values, "int32"))


for op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"):
    ways = WAYS[:2] if op == "ResizeArea" else WAYS
    exact = {} if op == "ResizeNearestNeighbor" else {"rtol": 2e-6, "atol": 2e-6}
    for shape, out in SIZES:
        for attrs in ways:
            case(op, rand("float32", *shape), size(*out), fd=False, **exact, **attrs)
    for dtype in TYPES:
        image = ints(dtype, 0, 100, 2, 5, 6, 3) if "int" in dtype else rand(dtype, 2, 5, 6, 3)
        for attrs in ways:
            case(op, image, size(7, 4), fd=False, **attrs)
        case(op, image, size(5, 6), fd=False)
    case(op, rand("float32", 1, 4, 5, 2), np.array([3, 8], "int32"), fd=False)
    infinite = np.array([[[[np.inf], [1]], [[np.nan], [2]]]], "float32")
    case(op, infinite, size(2, 2), fd=False, grad=False, why="not numbers")
    bad(op, rand("float32", 4, 5, 2), size(3, 8), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 1, 4, 5, 2), size(3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 1, 4, 5, 2), size(0, 3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 1, 4, 5, 2), size(-1, 3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 1, 0, 5, 2), size(2, 3), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 1, 4, 5, 0), size(2, 3), code="INVALID_ARGUMENT")
    if op != "ResizeArea":
        attrs = {"align_corners": True, "half_pixel_centers": True}
        bad(op, rand("float32", 1, 4, 5, 2), size(2, 3), code="INVALID_ARGUMENT", **attrs)

for dtype in ("float16", "bfloat16", "float32", "float64"):
    for attrs in WAYS:
        for shape, out in SIZES[2:8]:
            g = rand("float32", shape[0], *out, shape[3])
            x = np.zeros(shape).astype(rand(dtype, 1).dtype)
            case("ResizeBilinearGrad", g, x, fd=False, **attrs)
            if dtype in ("float32", "float64"):
                case("ResizeBicubicGrad", g, x, fd=False, **attrs)
for dtype in ("uint8", "int8", "int32", "float16", "bfloat16", "float32", "float64"):
    loose = {"rtol": 3e-2, "atol": 3e-2} if dtype == "bfloat16" else {}
    for attrs in WAYS:
        case("ResizeNearestNeighborGrad", rand(dtype, 2, 8, 9, 3), size(3, 4), **loose, **attrs)
        case("ResizeNearestNeighborGrad", rand(dtype, 1, 3, 4, 18), size(5, 2), **loose, **attrs)
for op in ("ResizeBilinearGrad", "ResizeBicubicGrad"):
    bad(op, rand("float32", 2, 3, 3), rand("float32", 2, 4, 4, 1), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3, 3, 1), rand("float32", 2, 4, 4), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 0, 3, 1), rand("float32", 2, 4, 4, 1), code="INVALID_ARGUMENT")
bad("ResizeNearestNeighborGrad", rand("float32", 2, 3, 3), size(2, 2), code="INVALID_ARGUMENT")
bad("ResizeNearestNeighborGrad", rand("float32", 2, 3, 3, 1), size(2, 0), code="INVALID_ARGUMENT")
