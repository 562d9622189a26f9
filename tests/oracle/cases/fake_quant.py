"""Fake quantization, and products of matrices that are zero in most places."""

import numpy as np

from oracle.api import bad, case, rand

INVALID = "INVALID_ARGUMENT"
X = rand("float32", 4, 3) * 4
ONCE = {"fd": False, "rtol": 1e-4, "atol": 1e-5}
for bits in (2, 8, 16):
    for narrow in (False, True):
        options = {"num_bits": bits, "narrow_range": narrow, **ONCE}
        case("FakeQuantWithMinMaxArgs", X, min=-3.0, max=5.0, **options)
        case("FakeQuantWithMinMaxArgsGradient", X, X[::-1], min=-3.0, max=5.0, **options)
        for low, high in ((-3.0, 5.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)):
            low, high = np.array(low, "float32"), np.array(high, "float32")
            case("FakeQuantWithMinMaxVars", X, low, high, **options)
            case("FakeQuantWithMinMaxVarsGradient", X[::-1], X, low, high, **options)
        low, high = np.array([-1, -3, 0], "float32"), np.array([2, 3, 0], "float32")
        case("FakeQuantWithMinMaxVarsPerChannel", X, low, high, **options)
        case("FakeQuantWithMinMaxVarsPerChannelGradient", X[::-1], X, low, high, **options)
bad("FakeQuantWithMinMaxArgs", X, min=3.0, max=3.0, code=INVALID)
bad("FakeQuantWithMinMaxArgs", X, num_bits=1, code=INVALID)
bad("FakeQuantWithMinMaxVarsPerChannel", X, low[:2], high[:2], code=INVALID)

for ta in (False, True):
    for tb in (False, True):
        for left, right in (("float32", "float32"), ("bfloat16", "float32"), ("float32", "bfloat16")):
            a, b = rand(left, *((5, 3) if ta else (3, 5))), rand(right, *((4, 5) if tb else (5, 4)))
            a = np.where(np.abs(a.astype("f")) < 1, np.zeros((), a.dtype), a)
            loose = {} if left == right else {"rtol": 2e-2, "atol": 2e-2}
            case("SparseMatMul", a, b, transpose_a=ta, transpose_b=tb, a_is_sparse=True, **loose)
bad("SparseMatMul", rand("float32", 3, 4), rand("float32", 3, 4), code=INVALID)
