"""Elementwise ops of two arguments, with broadcasting."""

import numpy as np

from oracle.api import bad, case, ints, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTS = SIGNED + UNSIGNED
COMPLEX = ["complex64", "complex128"]
REALS = FLOATS + INTS
ALL = REALS + COMPLEX

# Op: dtypes.
OPS = {
    "Add": [*FLOATS, "uint8", *SIGNED, *COMPLEX],
    "AddV2": ALL,
    "Sub": ALL,
    "Mul": ALL,
    "Div": ALL,
    "RealDiv": FLOATS + COMPLEX,
    "FloorDiv": REALS,
    "TruncateDiv": REALS,
    "FloorMod": REALS,
    "TruncateMod": ["float32", "float64", "int32", "int64"],
    "Mod": ["float32", "float64", "int32", "int64"],
    "DivNoNan": FLOATS + COMPLEX,
    "MulNoNan": FLOATS + COMPLEX,
    "Xdivy": FLOATS + COMPLEX,
    "Xlogy": FLOATS + COMPLEX,
    "Xlog1py": FLOATS + COMPLEX,
    "Maximum": REALS,
    "Minimum": REALS,
    "Pow": FLOATS + SIGNED + COMPLEX,
    "SquaredDifference": [*FLOATS, "int32", "int64", *COMPLEX],
    "Atan2": FLOATS,
    "Less": REALS,
    "LessEqual": REALS,
    "Greater": REALS,
    "GreaterEqual": REALS,
    "Equal": [*ALL, "bool", "string"],
    "NotEqual": [*ALL, "bool", "string"],
    "BitwiseAnd": INTS,
    "BitwiseOr": INTS,
    "BitwiseXor": INTS,
    "LeftShift": INTS,
    "RightShift": INTS,
}
DIVISIONS = {"Div", "RealDiv", "FloorDiv", "TruncateDiv", "FloorMod", "TruncateMod", "Mod", "Xdivy"}
# Both arguments have to be positive.
POSITIVE = {"Pow", "Xlogy", "Xlog1py"}
STEPS = {"FloorDiv", "TruncateDiv", "FloorMod", "Maximum", "Minimum"}
COMPARISONS = {"Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual"}
LOOSE16 = {"float16": {"rtol": 4e-3, "atol": 4e-3}, "bfloat16": {"rtol": 3e-2, "atol": 3e-2}}


def draw(op, dtype, shape, second=False):
    """Random numbers that OP takes."""
    if dtype in INTS:
        low = 1 if op in DIVISIONS and second else 0
        if op == "Pow":
            return ints(dtype, 0, 4, *shape)
        x = ints(dtype, low, 9, *shape)
        if dtype in SIGNED and op not in {"LeftShift", "RightShift"}:
            x = np.where(ints("int32", 0, 2, *shape) == 1, x, -x).astype(dtype)
        return x
    if dtype in {"bool", "string"}:
        return rand(dtype, *shape)
    x = rand(dtype, *shape)
    if dtype.startswith("complex"):
        return x + np.asarray(0.3 + 0.2j, dtype) if second else x
    if op in POSITIVE:
        return (np.abs(x) + np.asarray(0.3, x.dtype)).astype(x.dtype)
    if op in DIVISIONS and second:
        return np.where(x < 0, x - np.asarray(0.3, x.dtype), x + np.asarray(0.3, x.dtype)).astype(x.dtype)
    return x


def options(op, dtype):
    """Tolerances."""
    found = dict(LOOSE16.get(dtype, {}))
    if dtype in LOOSE16:
        found.update(grad=False, why="rounding of 16-bit intermediates differs")
    if op in COMPARISONS:
        found.update(grad=False, why="none")
    if op in STEPS:
        found["fd"] = False
    if dtype == "complex64":
        found.update(rtol=3e-5, atol=3e-5)
    if op in {"Pow"} and dtype == "float32":
        found.update(rtol=3e-5, atol=1e-5)
    if dtype in LOOSE16 and op in {"FloorDiv", "TruncateDiv", "FloorMod"}:
        found.update(values=False, why="a rounding error is a whole step")
    return found


# Equal, scalars, rows, columns, both ways, more ranks, nothing.
SHAPES = [
    ((3, 5), (3, 5)),
    ((17,), ()),
    ((), (33,)),
    ((), ()),
    ((4, 7), (7,)),
    ((4, 7), (4, 1)),
    ((1, 7), (4, 1)),
    ((2, 3, 4), (3, 1)),
    ((2, 1, 4, 1), (3, 1, 5)),
    ((0, 3), (3,)),
    ((65, 31), (31,)),
    ((31, 65), (31, 1)),
]

for op, dtypes in OPS.items():
    for dtype in dtypes:
        case(op, draw(op, dtype, (3, 7)), draw(op, dtype, (3, 7), True), **options(op, dtype))
        case(op, draw(op, dtype, (4, 1)), draw(op, dtype, (5,), True), **options(op, dtype))
    if "float32" in dtypes:
        for first, second in SHAPES:
            a, b = draw(op, "float32", first), draw(op, "float32", second, True)
            case(op, a, b, **options(op, "float32"))
        big = {**options(op, "float32"), "grad": False, "why": "size"}
        case(op, draw(op, "float32", (70001,)), draw(op, "float32", (70001,), True), **big)
        case(op, draw(op, "float32", (700, 129)), draw(op, "float32", (129,), True), **big)
        values = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 1.5, -3], np.float32)
        special_case = {**options(op, "float32"), "grad": False, "why": "NaN and infinity"}
        case(op, values.reshape(-1, 1), values, **special_case)
    dtype = "int32" if "int32" in dtypes else "float32"
    bad(op, draw(op, dtype, (2, 3)), draw(op, dtype, (4,), True), code="INVALID_ARGUMENT")

for op in ["LogicalAnd", "LogicalOr"]:
    for first, second in SHAPES:
        case(op, rand("bool", *first), rand("bool", *second), grad=False, why="none")
    bad(op, rand("bool", 2), rand("bool", 3), code="INVALID_ARGUMENT")

for dtype in ["float32", "float64"]:
    case("NextAfter", rand(dtype, 3, 5), rand(dtype, 5), rtol=0.0, atol=0.0, fd=False)
    case(
        "NextAfter", np.array([0, 1, -1, np.inf, np.nan], dtype), np.array([1, 0, -2, 0, 1], dtype), grad=False, why="x"
    )
    case("ApproximateEqual", rand(dtype, 3, 5), rand(dtype, 3, 5), tolerance=0.5, grad=False, why="none")
    case(
        "Zeta",
        np.abs(rand(dtype, 3, 5)) + np.asarray(1.5, dtype),
        np.abs(rand(dtype, 5)) + np.asarray(0.5, dtype),
        rtol=1e-4,
        fd=False,
    )
    case("Polygamma", ints(dtype, 0, 4, 3, 5), np.abs(rand(dtype, 5)) + np.asarray(0.5, dtype), rtol=1e-4, fd=False)
case("ApproximateEqual", rand("float32", 17), rand("float32", 17), grad=False, why="none")
bad("ApproximateEqual", rand("float32", 2), rand("float32", 3), code="INVALID_ARGUMENT")

# Integers: signs, division by zero, overflow, shifts out of range.
SEVENS, TWOS = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
for op in ["Div", "FloorDiv", "TruncateDiv", "FloorMod", "TruncateMod", "Mod"]:
    case(op, SEVENS, TWOS)
    code = "INTERNAL" if op.startswith("Truncate") else "INVALID_ARGUMENT"
    bad(op, SEVENS, np.array([1, 0, 2, 3], np.int32), code=code)
    case(op, np.zeros((0,), np.int32), np.zeros((1,), np.int32))
bad("Pow", np.array([2], np.int32), np.array([-1], np.int32), code="INVALID_ARGUMENT")
case("AddV2", np.array([2**31 - 1, 5], np.int32), np.array([1, 5], np.int32))
case("Mul", np.array([100, 5], np.int8), np.array([100, 5], np.int8))
case(
    "LeftShift",
    np.array([1, 1, 1, -1, 5], np.int32),
    np.array([31, 32, -1, 3, 100], np.int32),
    tf=False,
    why="undefined",
)
case(
    "RightShift",
    np.array([1, -8, 8, -1, 5], np.int32),
    np.array([31, 32, -1, 3, 100], np.int32),
    tf=False,
    why="undefined",
)
case("Add", np.array(["a", "", "bc"], object), np.array("x", object), grad=False, why="strings")
case("Add", np.array([["a"], ["b"]], object), np.array(["x", "yy", ""], object), grad=False, why="strings")
for op in ["Equal", "NotEqual"]:
    case(op, rand("int32", 2), rand("int32", 3), incompatible_shape_error=False)
    case(op, rand("float32", 2, 3), rand("float32", 3), incompatible_shape_error=False, grad=False, why="none")
case("Maximum", special("float64"), np.flip(special("float64")), grad=False, why="NaN")
