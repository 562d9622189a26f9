"""Bessel functions, exponential and Fresnel integrals, the incomplete gamma and beta functions."""

import numpy as np

from oracle.api import bad, case, rand

# Op: the range of its arguments, and whether it is defined below it.
ONE = {
    "BesselI0": (-6, 6), "BesselI0e": (-40, 40), "BesselI1": (-6, 6), "BesselI1e": (-40, 40), "BesselK0": (0.05, 8),
    "BesselK0e": (0.05, 60), "BesselK1": (0.05, 8), "BesselK1e": (0.05, 60), "BesselJ0": (-20, 20),
    "BesselJ1": (-20, 20), "BesselY0": (0.1, 20), "BesselY1": (0.1, 20), "Dawsn": (-9, 9), "Expint": (0.1, 9),
    "FresnelCos": (-4, 4), "FresnelSin": (-4, 4), "Spence": (0.05, 9),
}  # fmt: skip


def between(dtype, low, high, *shape):
    unit = (rand("float64", *shape) + 2) / 4
    return np.asarray(low + (high - low) * unit).astype(rand(dtype).dtype)


for op, (low, high) in ONE.items():
    for dtype, tolerance in (("float64", 1e-6), ("float32", 2e-5)):
        for shape in ((), (0,), (7, 5)):
            case(op, between(dtype, low, high, *shape), rtol=tolerance, atol=tolerance, fd=dtype == "float64")
    if op.startswith("Bessel"):
        case(op, between("float16", max(low, -3), min(high, 3), 5), rtol=2e-2, atol=2e-2, grad=False, why="rounding")
    values = np.array([0.0, -1.0, np.nan, 1.0, 30.0] if low > 0 else [0.0, -0.0, np.nan, 1.0, -30.0])
    if op != "Spence":
        case(op, values, rtol=1e-6, atol=1e-6, grad=False, why="the edges")

for dtype, tolerance in (("float64", 1e-6), ("float32", 1e-4)):
    for first, second in (((3, 4), (3, 4)), ((5, 1), (7,)), ((), (3,)), ((0,), (0,))):
        a, x = between(dtype, 0.2, 6, *first), between(dtype, 0.1, 9, *second)
        for op in ("Igamma", "Igammac"):
            case(op, a, x, rtol=tolerance, atol=tolerance, fd=False)
        case("IgammaGradA", a, x, rtol=tolerance, atol=tolerance, grad=False, why="none")
    a, b, x = between(dtype, 0.3, 6, 3, 4), between(dtype, 0.3, 6, 3, 4), between(dtype, 0.05, 0.95, 3, 4)
    case("Betainc", a, b, x, rtol=tolerance, atol=tolerance, fd=False)
    case("Betainc", a[0, 0], b[0, 0], x, rtol=tolerance, atol=tolerance, fd=False)
    case("Betainc", a, b[0, 0], x[0, 0], rtol=tolerance, atol=tolerance, grad=False, why="the sum's order")
for op in ("Igamma", "Igammac"):
    case(op, np.array([1.0, 50.0, 200.0, 0.01, np.nan]), np.array([0.0, 60.0, 190.0, 3.0, 1.0]), grad=False, why="far")
    bad(op, rand("float32", 2), rand("float32", 3), code="INVALID_ARGUMENT")
case(
    "Betainc",
    np.array([1.0, 2.0, 30.0]),
    np.array([3.0, 0.5, 40.0]),
    np.array([0.0, 1.0, 0.4]),
    grad=False,
    why="edges",
)
bad("Betainc", rand("float32", 2), rand("float32", 3), rand("float32", 2), code="INVALID_ARGUMENT")
