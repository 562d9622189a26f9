"""Biases, softmax, cross-entropy, top-k tests, norms along channels."""

import numpy as np

from oracle.api import bad, case, ints, rand, special

FLOATS = ("float32", "float64", "float16", "bfloat16")
LOOSE = {"float16": {"rtol": 1e-2, "atol": 1e-2}, "bfloat16": {"rtol": 5e-2, "atol": 5e-2}}
NUMBERS = (*FLOATS, "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "complex64", "complex128")

for dtype in NUMBERS:
    case("BiasAdd", rand(dtype, 2, 3), rand(dtype, 3), **LOOSE.get(dtype, {}))
    case("BiasAddV1", rand(dtype, 2, 3), rand(dtype, 3), **LOOSE.get(dtype, {}))
    case("BiasAddGrad", rand(dtype, 5, 3), **LOOSE.get(dtype, {}))
for shape in ((2, 17), (3, 4, 33), (2, 3, 4, 16), (2, 2, 2, 2, 3), (0, 5), (3, 0), (400, 129)):
    case("BiasAdd", rand("float32", *shape), rand("float32", shape[-1]))
    case("BiasAddGrad", rand("float32", *shape), rtol=1e-4, atol=1e-4)
for shape in ((2, 3, 4), (2, 17, 3, 3), (2, 3, 2, 2, 2)):
    for dtype in ("float32", "float64"):
        case("BiasAdd", rand(dtype, *shape), rand(dtype, shape[1]), data_format="NCHW")
        case("BiasAddGrad", rand(dtype, *shape), data_format="NCHW")
bad("BiasAdd", rand("float32", 2, 3), rand("float32", 2), code="INVALID_ARGUMENT")
bad("BiasAdd", rand("float32", 3), rand("float32", 3), code="INVALID_ARGUMENT")
bad("BiasAdd", rand("float32", 2, 3), rand("float32", 1, 3), code="INVALID_ARGUMENT")
bad("BiasAdd", rand("float32", 2, 3), rand("float32", 3), data_format="NCHW", code="INVALID_ARGUMENT")
bad("BiasAddGrad", rand("float32", 3), code="INVALID_ARGUMENT")

for dtype in FLOATS:
    for op in ("Softmax", "LogSoftmax"):
        for shape in ((4,), (2, 3), (2, 3, 17), (5, 1), (0, 3), (3, 33), (2, 130)):
            case(op, rand(dtype, *shape), **LOOSE.get(dtype, {}))
    case(
        "SoftmaxCrossEntropyWithLogits", rand(dtype, 3, 5), np.abs(rand(dtype, 3, 5)), fd=False, **LOOSE.get(dtype, {})
    )
    case(
        "SoftmaxCrossEntropyWithLogits",
        rand(dtype, 9, 33),
        np.abs(rand(dtype, 9, 33)),
        fd=False,
        **LOOSE.get(dtype, {}),
    )
    for labels in ("int32", "int64"):
        case("SparseSoftmaxCrossEntropyWithLogits", rand(dtype, 4, 5), ints(labels, 0, 5, 4), **LOOSE.get(dtype, {}))
    case(
        "SparseSoftmaxCrossEntropyWithLogits",
        rand(dtype, 100, 10),
        ints("int64", 0, 10, 100),
        fd=False,
        **LOOSE.get(dtype, {}),
    )
    case(
        "SparseSoftmaxCrossEntropyWithLogits",
        rand(dtype, 3, 133),
        ints("int64", 0, 133, 3),
        fd=False,
        **LOOSE.get(dtype, {}),
    )
    case("L2Loss", rand(dtype, 3, 5), **LOOSE.get(dtype, {}))
SHARP = np.array([[np.nan, 1], [np.inf, 1], [-np.inf, -np.inf], [-np.inf, 2], [1000, -1000]], "float32")
case("Softmax", SHARP, grad=False, why="not a number")
case("LogSoftmax", SHARP, grad=False, why="not a number")
case("SparseSoftmaxCrossEntropyWithLogits", SHARP, ints("int32", 0, 2, 5), grad=False, why="not a number")
case(
    "SoftmaxCrossEntropyWithLogits",
    rand("float32", 2, 3),
    np.abs(rand("float32", 1, 3)),
    grad=False,
    why="TensorFlow's has the broadcast shape",
)
case("SoftmaxCrossEntropyWithLogits", rand("float32", 0, 3), rand("float32", 0, 3))
case("SparseSoftmaxCrossEntropyWithLogits", rand("float32", 0, 3), ints("int32", 0, 3, 0))
case("L2Loss", rand("float32", 0))
case("L2Loss", rand("float32"))
case("L2Loss", rand("float32", 40000), rtol=1e-4)
bad("SparseSoftmaxCrossEntropyWithLogits", rand("float32", 2, 3), np.array([1, 3], "int32"), code="INVALID_ARGUMENT")
bad("SparseSoftmaxCrossEntropyWithLogits", rand("float32", 2, 3), np.array([-1, 0], "int32"), code="INVALID_ARGUMENT")
bad("SparseSoftmaxCrossEntropyWithLogits", rand("float32", 2, 3), ints("int32", 0, 3, 3), code="INVALID_ARGUMENT")
bad("SparseSoftmaxCrossEntropyWithLogits", rand("float32", 2, 0), ints("int32", 0, 1, 2), code="INVALID_ARGUMENT")
bad("SparseSoftmaxCrossEntropyWithLogits", rand("float32", 3), ints("int32", 0, 3, 3), code="INVALID_ARGUMENT")
bad("SoftmaxCrossEntropyWithLogits", rand("float32", 2, 3), rand("float32", 2, 4), code="INVALID_ARGUMENT")
bad("SoftmaxCrossEntropyWithLogits", rand("float32", 3), rand("float32", 3), code="INVALID_ARGUMENT")
bad("Softmax", rand("float32"), code="INVALID_ARGUMENT")

SCORES = np.array([[1, 2, 2, 3], [1, np.nan, 2, 3], [np.inf, 1, 2, 3], [2, 2, 2, 2]], "float32")
for dtype in ("int32", "int64"):
    for targets in ([0, 1, 2, 3], [5, -1, 0, 1], [1, 2, 0, 0]):
        for k in (0, 1, 2, 9):
            case("InTopK", SCORES, np.array(targets, dtype), k=k)
            case("InTopKV2", SCORES, np.array(targets, dtype), np.array(k, dtype))
bad("InTopK", rand("float32", 4), ints("int32", 0, 2, 4), k=1, code="INVALID_ARGUMENT")
bad("InTopK", rand("float32", 4, 3), ints("int32", 0, 2, 3), k=1, code="INVALID_ARGUMENT")
bad("InTopKV2", rand("float32", 4, 3), ints("int32", 0, 2, 3), np.int32(1), code="INVALID_ARGUMENT")

for dtype in ("float32", "float16"):
    for shape in ((1, 1, 1, 1), (2, 2, 3, 7), (1, 2, 2, 33), (0, 2, 2, 3)):
        case("LRN", rand(dtype, *shape), **LOOSE.get(dtype, {"rtol": 1e-4, "atol": 1e-5}))
    case(
        "LRN",
        rand(dtype, 1, 2, 2, 9),
        depth_radius=2,
        bias=2.0,
        alpha=1e-2,
        beta=0.75,
        **LOOSE.get(dtype, {"rtol": 1e-4, "atol": 1e-5}),
    )
    case("LRN", rand(dtype, 1, 2, 2, 9), depth_radius=0, **LOOSE.get(dtype, {"rtol": 1e-4, "atol": 1e-5}))
    x = rand(dtype, 1, 2, 2, 9)
    case(
        "LRNGrad",
        rand(dtype, 1, 2, 2, 9),
        x,
        rand(dtype, 1, 2, 2, 9),
        depth_radius=3,
        alpha=0.5,
        **LOOSE.get(dtype, {"rtol": 1e-3, "atol": 1e-4}),
    )
bad("LRN", rand("float32", 2, 2, 3), code="INVALID_ARGUMENT")
bad("LRN", rand("float32", 1, 2, 2, 3), depth_radius=-1, code="INVALID_ARGUMENT")
bad(
    "LRNGrad",
    rand("float32", 1, 2, 2, 3),
    rand("float32", 1, 2, 2, 4),
    rand("float32", 1, 2, 2, 3),
    code="INVALID_ARGUMENT",
)
case("BiasAdd", special("float32").reshape(1, -1), rand("float32", 13))
