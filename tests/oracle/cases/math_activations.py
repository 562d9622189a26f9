"""Activations, and gradients that are ops of their own."""

import numpy as np

from oracle.api import bad, case, ints, rand

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
LOOSE16 = {"float16": {"rtol": 5e-3, "atol": 5e-3}, "bfloat16": {"rtol": 4e-2, "atol": 4e-2}}
VALUES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 6.5, 80.0, -80.0], np.float32)


def options(dtype, **more):
    """Tolerances."""
    found = dict(LOOSE16.get(dtype, {}))
    if dtype in LOOSE16:
        found.update(grad=False, why="rounding of 16-bit intermediates differs")
    if dtype == "complex64":
        found.update(rtol=3e-5, atol=3e-5)
    return {**found, **more}


for op in ["Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Softplus", "Softsign"]:
    for dtype in FLOATS:
        case(op, rand(dtype, 3, 5), **options(dtype))
    for size in [0, 1, 15, 16, 17, 33, 1025]:
        case(op, rand("float32", size) * np.float32(4))
    case(op, rand("float32", 70001), grad=False, why="size")
    case(op, VALUES, grad=False, why="NaN and infinity")
for op in ["Relu", "Relu6"]:
    for dtype in INTS:
        case(op, ints(dtype, 0 if dtype[0] == "u" else -20, 20, 3, 7))
case("LeakyRelu", rand("float32", 33), alpha=0.05)
case("LeakyRelu", rand("float64", 7), alpha=2.0)
case("Softplus", np.linspace(-80, 80, 99).astype(np.float32), grad=False, why="range")

for op in ["ReluGrad", "Relu6Grad", "LeakyReluGrad", "SoftplusGrad", "SoftsignGrad", "EluGrad", "SeluGrad"]:
    for dtype in FLOATS:
        case(op, rand(dtype, 3, 5), rand(dtype, 3, 5), **options(dtype))
    for size in [0, 1, 15, 17, 33, 1025]:
        case(op, rand("float32", size), rand("float32", size))
    case(op, rand("float32", 70001), rand("float32", 70001), grad=False, why="size")
    a, b = (np.ascontiguousarray(x).reshape(-1) for x in np.broadcast_arrays(VALUES[:, None], VALUES))
    case(op, a, b, grad=False, why="NaN and infinity")
    bad(op, rand("float32", 2, 3), rand("float32", 7), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3), rand("float32", 3, 2), code="INVALID_ARGUMENT")
for op in ["ReluGrad", "Relu6Grad"]:
    for dtype in INTS:
        case(op, ints(dtype, 0, 20, 3, 7), ints(dtype, 0 if dtype[0] == "u" else -9, 9, 3, 7))
case("LeakyReluGrad", rand("float32", 33), rand("float32", 33), alpha=0.05)

for op in ["SigmoidGrad", "TanhGrad", "SqrtGrad", "RsqrtGrad", "InvGrad", "ReciprocalGrad"]:
    for dtype in [*FLOATS, "complex64", "complex128"]:
        shift = np.asarray(2.5, rand(dtype).dtype)
        case(op, rand(dtype, 3, 5) + shift, rand(dtype, 3, 5), **options(dtype, fd=not dtype.startswith("complex")))
    for size in [0, 1, 15, 17, 33, 1025]:
        case(op, rand("float32", size) + np.float32(3), rand("float32", size), rtol=3e-5, atol=3e-5)
    case(op, rand("float32", 70001) + np.float32(3), rand("float32", 70001), grad=False, why="size")
    a, b = (np.ascontiguousarray(x).reshape(-1) for x in np.broadcast_arrays(VALUES[:, None], VALUES))
    case(op, a, b, grad=False, why="NaN and infinity")
    case(op, rand("float32", 2, 3) + np.float32(3), rand("float32", 6), grad=False, why="shapes differ", shapes=False)
    bad(op, rand("float32", 2, 3), rand("float32", 7), code="INVALID_ARGUMENT")
