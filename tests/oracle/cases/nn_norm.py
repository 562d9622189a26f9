"""Fused batch normalisation and its gradients of both orders."""

import numpy as np

from oracle.api import bad, case, rand

LOOSE = {"float16": {"rtol": 2e-2, "atol": 2e-2}, "bfloat16": {"rtol": 1e-1, "atol": 1e-1}}
RESERVED = "in inference TensorFlow leaves the reserved outputs as they were in memory"


def close(dtype):
    return LOOSE.get(dtype, {"rtol": 2e-4, "atol": 2e-4})


def vectors(c):
    return rand("float32", c), rand("float32", c), rand("float32", c), np.abs(rand("float32", c)) + np.float32(0.5)


for shape in ((2, 3, 4, 5), (4, 2, 2, 17), (1, 3, 3, 32), (7, 1, 1, 3)):
    scale, offset, mean, variance = vectors(shape[-1])
    for factor in (1.0, 0.25):
        attrs = {"is_training": True, "exponential_avg_factor": factor, "epsilon": 1e-3}
        case("FusedBatchNorm", rand("float32", *shape), scale, offset, mean, variance, **attrs, **close("float32"))
        for dtype in ("float32", "float16", "bfloat16"):
            x = rand(dtype, *shape)
            case("FusedBatchNormV2", x, scale, offset, mean, variance, **attrs, **close(dtype))
            case("FusedBatchNormV3", x, scale, offset, mean, variance, **attrs, **close(dtype))
    g, x = rand("float32", *shape), rand("float32", *shape)
    m, v = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    for training in (True, False):
        attrs = {"is_training": training, "epsilon": 1e-3}
        case("FusedBatchNormGrad", g, x, scale, m, v, **attrs, **close("float32"))
        case("FusedBatchNormGradV2", g, x, scale, m, v, **attrs, **close("float32"))
        case("FusedBatchNormGradV3", g, x, scale, m, v, np.float32(0), **attrs, **close("float32"))
x = rand("float32", 2, 3, 4, 5)
scale, offset, mean, variance = vectors(5)
none = np.zeros(0, "float32")
case("FusedBatchNormV3", x, scale, offset, none, none, **close("float32"))
for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    case(op, x, scale, offset, mean, variance, is_training=False, values=False, why=RESERVED)
first = rand("float32", 2, 5, 3, 4)
case("FusedBatchNormV3", first, scale, offset, mean, variance, data_format="NCHW", **close("float32"))
volume = rand("float32", 2, 2, 3, 2, 5)
case("FusedBatchNormV3", volume, scale, offset, mean, variance, data_format="NDHWC", **close("float32"))
for op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    bad(op, x, rand("float32", 4), offset, mean, variance, code="INVALID_ARGUMENT")
    bad(op, x, scale, offset, rand("float32", 4), variance, is_training=False, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 5), scale, offset, mean, variance, code="INVALID_ARGUMENT")
bad(
    "FusedBatchNormGradV3",
    x,
    rand("float32", 2, 3, 4, 4),
    scale,
    mean,
    variance,
    np.float32(0),
    code="INVALID_ARGUMENT",
)
bad("FusedBatchNormGradV3", x, x, rand("float32", 4), mean, variance, np.float32(0), code="INVALID_ARGUMENT")
