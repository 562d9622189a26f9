"""Elementwise ops of one argument."""

import numpy as np

from oracle.api import case, ints, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
SIGNED = ["int8", "int16", "int32", "int64"]
INTS = [*SIGNED, "uint8", "uint16", "uint32", "uint64"]
COMPLEX = ["complex64", "complex128"]
# Around the vector widths, the block of a tape, and several chunks for threads.
SIZES = [0, 1, 15, 16, 17, 31, 33, 127, 1025]
BIG = (70001,)

# Op: dtypes, the range of its argument, and whether it has corners that finite differences trip over.
OPS = {
    "Abs": (FLOATS + SIGNED, -2, 2),
    "Neg": (FLOATS + SIGNED + COMPLEX, -2, 2),
    "Sign": (FLOATS + SIGNED + COMPLEX, -2, 2),
    "Exp": (FLOATS + COMPLEX, -3, 3),
    "Expm1": (FLOATS + COMPLEX, -3, 3),
    "Log": (FLOATS + COMPLEX, 0.05, 5),
    "Log1p": (FLOATS + COMPLEX, -0.9, 5),
    "Sqrt": (FLOATS + COMPLEX, 0.05, 5),
    "Rsqrt": (FLOATS + COMPLEX, 0.05, 5),
    "Square": (FLOATS + INTS + COMPLEX, -2, 2),
    "Reciprocal": (FLOATS + COMPLEX, 0.2, 3),
    "Inv": (FLOATS + COMPLEX, 0.2, 3),
    "Sin": (FLOATS + COMPLEX, -4, 4),
    "Cos": (FLOATS + COMPLEX, -4, 4),
    "Tan": (FLOATS + COMPLEX, -1.4, 1.4),
    "Asin": (FLOATS + COMPLEX, -0.95, 0.95),
    "Acos": (FLOATS + COMPLEX, -0.95, 0.95),
    "Atan": (FLOATS + COMPLEX, -4, 4),
    "Sinh": (FLOATS + COMPLEX, -3, 3),
    "Cosh": (FLOATS + COMPLEX, -3, 3),
    "Tanh": (FLOATS + COMPLEX, -3, 3),
    "Asinh": (FLOATS + COMPLEX, -3, 3),
    "Acosh": (FLOATS + COMPLEX, 1.1, 5),
    "Atanh": (FLOATS + COMPLEX, -0.9, 0.9),
    "Sigmoid": (FLOATS + COMPLEX, -5, 5),
    "Erf": (FLOATS, -3, 3),
    "Erfc": (FLOATS, -3, 3),
    "Erfinv": (["float32", "float64"], -0.95, 0.95),
    "Ndtri": (["float32", "float64"], 0.02, 0.98),
    "Lgamma": (["float32", "float64", "float16"], 0.1, 5),
    "Digamma": (["float32", "float64", "float16"], 0.1, 5),
    "Floor": (FLOATS, -4, 4),
    "Ceil": (FLOATS, -4, 4),
    "Round": (FLOATS, -4, 4),
    "Rint": (["float32", "float64"], -4, 4),
    "IsNan": (FLOATS, -2, 2),
    "IsInf": (FLOATS, -2, 2),
    "IsFinite": (FLOATS, -2, 2),
    "Invert": (INTS, 0, 0),
    "PopulationCount": (INTS, 0, 0),
}
NO_GRADIENT = {"IsNan", "IsInf", "IsFinite", "Invert", "PopulationCount"}
STEPS = {"Floor", "Ceil", "Round", "Rint", "Sign"}
# TensorFlow computes some in the 16-bit type itself, or with less exact polynomials.
LOOSE16 = {"float16": {"rtol": 4e-3, "atol": 4e-3}, "bfloat16": {"rtol": 3e-2, "atol": 3e-2}}
LOOSE32 = {"Digamma", "Lgamma", "Erfinv", "Ndtri", "Tan", "Acosh", "Atanh", "Rsqrt", "Asin", "Acos"}


def draw(dtype, low, high, *shape):
    """Random numbers in the op's range."""
    if low == high or "int" in dtype:
        return ints(dtype, 0 if dtype.startswith("u") else -100, 100, *shape)
    if dtype.startswith("complex"):
        return rand(dtype, *shape) + np.asarray(0.3 + 0.2j, dtype)
    unit = (rand("float64", *shape) + 2) / 4
    return np.asarray(low + (high - low) * unit).astype(rand(dtype).dtype)


def options(op, dtype):
    """Tolerances."""
    found = dict(LOOSE16.get(dtype, {}))
    if dtype == "float32" and op in LOOSE32:
        found = {"rtol": 3e-5, "atol": 1e-5}
    if dtype == "complex64":
        found = {"rtol": 2e-5, "atol": 2e-5}
    if op in NO_GRADIENT:
        found["grad"] = False
        found["why"] = "none"
    if dtype in LOOSE16:
        found["grad"] = False
        found["why"] = "rounding of 16-bit intermediates differs"
    if op in STEPS:
        found["fd"] = False
    return found


for op, (dtypes, low, high) in OPS.items():
    for dtype in dtypes:
        case(op, draw(dtype, low, high, 3, 7), **options(op, dtype))
        case(op, draw(dtype, low, high), **options(op, dtype))
    if "float32" not in dtypes:
        continue
    for size in SIZES:
        case(op, draw("float32", low, high, size), **options(op, "float32"))
    case(op, draw("float32", low, high, *BIG), **{**options(op, "float32"), "grad": False, "why": "size"})
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 100.0, -100.0], np.float32)
    if op in {"Lgamma", "Digamma"}:
        values = values[values != -np.inf]
    case(op, values, **{**options(op, "float32"), "grad": False, "why": "NaN and infinity"})

for dtype in ["int32", "int64"]:
    case("Round", rand(dtype, 3, 5), tf=False, why="it leaves the output of integers unset")
case("LogicalNot", rand("bool", 4, 5), grad=False, why="none")
case("LogicalNot", rand("bool", 0), grad=False, why="none")
case("IsNan", special("float64"), grad=False, why="none")
case("Abs", np.array([-128, 127, 0], np.int8), grad=False, why="an integer")
case("Abs", np.array([-(2**31), 5], np.int32), grad=False, why="an integer")
case("Round", np.array([0.5, 1.5, 2.5, -0.5, -1.5, 8388609.0, 1e20], np.float32), fd=False)
# Large arguments go through the last resort of the vector code.
LARGE = np.array([8191.0, 8193.0, 1e5, -1e7, 3e10, 1e30, 0.5, -3.0] * 5, np.float32)
case("Sin", LARGE, grad=False, why="range")
case("Cos", LARGE, grad=False, why="range")
case("Exp", np.array([88.0, 88.8, -87.0, -86.5, 0.1], np.float32), grad=False, why="range")
case("Sigmoid", np.linspace(-85, 85, 77).astype(np.float32), grad=False, why="range")
case("Tanh", np.linspace(-10, 10, 77).astype(np.float32), grad=False, why="range")
case("Erf", np.linspace(-5, 5, 177).astype(np.float32), grad=False, why="range")
case("Erfinv", np.array([0.0, 1e-6, 0.5, 0.999999, -0.9999], np.float64), grad=False, why="steep")
case("Ndtri", np.array([1e-30, 1e-5, 0.5, 0.25, 0.75, 0.99999], np.float64), grad=False, why="steep")
case("Erfinv", np.array([-1, 1, 2, -3, np.nan], np.float32), grad=False, why="infinite")
case("Ndtri", np.array([-1, 0, 1, 2, np.nan], np.float32), grad=False, why="infinite")
case("Digamma", np.array([-0.5, -1.5, -2.25, 20, 1e5], np.float64), grad=False, why="reflection")
case("Lgamma", np.array([-0.5, -1.5, -2.25, 20, 1e5], np.float64), grad=False, why="reflection")
