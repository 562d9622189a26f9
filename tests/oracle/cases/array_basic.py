"""Constants, identities, shapes, reshapes, fills, ranges."""

import numpy as np

from oracle.api import bad, case, const, ints, program, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
MOVED = [*FLOATS, *INTS, "complex64", "complex128", "bool", "string"]


def vec(*values, dtype="int32"):
    return const(np.array(values, dtype))


def scalar(value, dtype="int32"):
    return const(np.array(value, dtype))


VALUES = [[np.asarray(rand(dtype, *shape)) for shape in ((3, 2), (1,), (0, 2))] for dtype in MOVED]


def constants(g, rows=VALUES):
    return [[g.constant(value) for value in row] for row in rows]


program("Const: all dtypes", constants)


def placeholders(g):
    x = g.op("Placeholder", dtype="float32", shape=[2])
    y = g.op("PlaceholderV2", dtype="int32", shape=[])
    return [
        ([x, y], {x: np.ones(2, "float32"), y: np.array(3, "int32")}),
        ("INVALID_ARGUMENT", [x], {}),
        ("INVALID_ARGUMENT", [y], {}),
    ]


program("Placeholder and PlaceholderV2", placeholders)


def no_op(g):
    x = g.constant(np.array(1.0, "float32"))
    return [[g.op("NoOp"), x]]


program("NoOp", no_op)


def references(g):
    v = g.op("VariableV2", shape=[2], dtype="float32")
    same = g.op("RefIdentity", v)
    return [
        [g.op("Assign", same, g.constant(np.array([1, 2], "float32")))],
        [g.op("Identity", same), g.op("Identity", v)],
    ]


program("RefIdentity", references)

for op in ["Identity", "StopGradient", "PreventGradient", "Snapshot", "DeepCopy", "GuaranteeConst"]:
    for dtype in MOVED:
        if op != "Snapshot" or dtype != "string":
            case(op, rand(dtype, 3, 2), grad=False, why="moves bytes")
case("Identity", rand("float64", 3))
case("Identity", rand("float32"))
case("StopGradient", rand("float32", 3))
case("IdentityN", [rand("float32", 3), rand("int32", 2), rand("float64")])
case("IdentityN", [rand("float32", 2) for _ in range(20)])
case("PlaceholderWithDefault", rand("float32", 3), shape=[3], dtype="float32")
case("PlaceholderWithDefault", rand("float32", 3, 2), shape=[None, 2], dtype="float32")
case("PlaceholderWithDefault", rand("float32", 3, 2), shape=None, dtype="float32")
case("EnsureShape", rand("float32", 3, 2), shape=[None, 2])
case("EnsureShape", rand("string", 3), shape=[None])
case("EnsureShape", rand("int64", 3), shape=[3])
bad("EnsureShape", rand("float32", 3, 2), shape=[3], code="INVALID_ARGUMENT")
bad("EnsureShape", rand("float32", 3, 2), shape=[3, 3], code="INVALID_ARGUMENT")

for dtype in FLOATS:
    case("CheckNumerics", rand(dtype, 5), message="all is well")
    bad("CheckNumerics", special(dtype), message="no", code="INVALID_ARGUMENT")
    bad("CheckNumerics", np.array([1, np.inf]).astype(rand(dtype).dtype), message="no", code="INVALID_ARGUMENT")
case("CheckNumerics", rand("float32", 0, 2), message="", grad=False, why="empty")

# --- shapes as values ---
for dtype in MOVED:
    case("Shape", rand(dtype, 3, 0, 2), grad=False, why="integers")
    case("Rank", rand(dtype, 3, 1, 2), grad=False, why="integers")
case("Shape", rand("float32"))
case("Shape", rand("float32", 4), out_type="int64")
case("ShapeN", [rand("float32", 4), rand("float32"), rand("float32", 2, 3)])
case("ShapeN", [rand("float32", 4), rand("float32", 5, 1)], out_type="int64")
case("Size", rand("float32", 4, 3))
case("Size", rand("string"), out_type="int64")
case("Size", rand("float32", 4, 0))
case("Rank", rand("float32"))

# --- Reshape ---
for dtype in MOVED:
    case("Reshape", rand(dtype, 4, 3), vec(2, 6))
for sizes in [(12,), (-1,), (3, -1), (2, 1, -1, 3), (1, 12), (-1, 12)]:
    case("Reshape", rand("float64", 4, 3), vec(*sizes))
case("Reshape", rand("float32", 4, 3), vec(-1, 2, dtype="int64"))
case("Reshape", rand("float32", 4, 3), np.array([6, 2], "int32"))
case("Reshape", rand("float32", 1, 1), np.zeros(0, "int32"))
case("Reshape", rand("float32", 1, 1), const(np.zeros(0, "int32")))
case("Reshape", rand("float32", 0, 3), vec(3, 0))
case("Reshape", rand("float32", 0, 3), vec(3, -1))
case("Reshape", rand("float32"), vec(1, 1, 1))
for sizes in [(5,), (5, -1), (-1, -1), (-2, 6), (0, -1), (0,)]:
    bad("Reshape", rand("float32", 4, 3), vec(*sizes), code="INVALID_ARGUMENT")
    bad("Reshape", rand("float32", 4, 3), np.array(sizes, "int32"), code="INVALID_ARGUMENT")
bad("Reshape", rand("float32", 4), vec([2, 2]), code="INVALID_ARGUMENT")

# --- Squeeze and ExpandDims ---
for dtype in MOVED:
    case("Squeeze", rand(dtype, 1, 3, 1))
    case("ExpandDims", rand(dtype, 2, 3), scalar(1))
case("Squeeze", rand("float64", 1, 3, 1, 2), squeeze_dims=[0])
case("Squeeze", rand("float64", 1, 3, 1, 2), squeeze_dims=[-2, 0])
case("Squeeze", rand("float32", 3, 2))
case("Squeeze", rand("float32", 1, 1))
case("Squeeze", rand("float32"))
case("Squeeze", rand("float32", 1, 0, 1), grad=False, why="empty")
bad("Squeeze", rand("float32", 1, 3), squeeze_dims=[1], code="INVALID_ARGUMENT")
bad("Squeeze", rand("float32", 1, 3), squeeze_dims=[2], code="INVALID_ARGUMENT")
bad("Squeeze", rand("float32", 1, 3), squeeze_dims=[-3], code="INVALID_ARGUMENT")
bad("Squeeze", rand("float32", 0, 3), squeeze_dims=[0], code="INVALID_ARGUMENT")
for dim in [0, 2, -1, -3]:
    case("ExpandDims", rand("float64", 2, 3), scalar(dim))
case("ExpandDims", rand("float32", 2, 3), scalar(-2, "int64"))
case("ExpandDims", rand("float32"), scalar(0))
case("ExpandDims", rand("float32", 2), np.array(1, "int32"))
case("ExpandDims", rand("float32", 2), vec(1))
bad("ExpandDims", rand("float32", 2, 3), scalar(3), code="INVALID_ARGUMENT")
bad("ExpandDims", rand("float32", 2, 3), scalar(-4), code="INVALID_ARGUMENT")
bad("ExpandDims", rand("float32", 2, 3), vec(0, 1), code="INVALID_ARGUMENT")

# --- Fill, Empty, Range, LinSpace ---
for dtype in MOVED:
    case("Fill", vec(3, 2), rand(dtype))
    case("Empty", vec(2, 0), dtype=dtype)
case("Fill", vec(2, 3, dtype="int64"), rand("float64"))
case("Fill", np.array([4], "int32"), rand("float32"))
case("Fill", const(np.zeros(0, "int32")), rand("float32"))
case("Fill", vec(3, 0), rand("float32"))
case("Fill", vec(70001), rand("float32"), grad=False, why="size")
bad("Fill", vec(-1), rand("float32"), code="INVALID_ARGUMENT")
bad("Fill", scalar(3), rand("float32"), code="INVALID_ARGUMENT")
bad("Fill", vec(2), rand("float32", 2), code="INVALID_ARGUMENT")
case("Empty", vec(2, 3), dtype="float32", init=True)
bad("Empty", vec(-1), dtype="float32", code="INVALID_ARGUMENT")


def numbers(dtype, *values):
    kind = rand(dtype).dtype
    return [np.array(v).astype(kind) for v in values]


# TensorFlow's shape function does not know constants of float16.
for dtype in [*FLOATS, "int32", "int64"]:
    for start, limit, delta in [(0, 5, 1), (3, 18, 4), (10, 0, -3), (2, 2, 1), (-7, 8, 2)]:
        case("Range", *numbers(dtype, start, limit, delta))
        if dtype != "float16":
            case("Range", *map(const, numbers(dtype, start, limit, delta)))
for dtype in FLOATS:
    case("Range", *numbers(dtype, 0.5, 3.25, 0.5))
    case("Range", *numbers(dtype, 0, 1, 0.1))
case("Range", *numbers("float32", 0, 1000, 0.1))
case("Range", *numbers("int64", -(2**62), 2**62, 2**60))
for dtype in ["float32", "int32", "int64"]:
    bad("Range", *numbers(dtype, 0, 5, 0), code="INVALID_ARGUMENT")
    bad("Range", *map(const, numbers(dtype, 0, 5, -1)), code="INVALID_ARGUMENT")
    bad("Range", *numbers(dtype, 5, 0, 1), code="INVALID_ARGUMENT")
bad("Range", np.zeros(2, "int32"), np.array(3, "int32"), np.array(1, "int32"), code="INVALID_ARGUMENT")
for dtype in ["float32", "float64"]:
    for num in [1, 2, 3, 10, 33]:
        case("LinSpace", *numbers(dtype, -1.5, 4.7), scalar(num), exact=True)
    case("LinSpace", *numbers(dtype, 5, 5), scalar(4, "int64"))
case("LinSpace", *numbers("float32", 0, 1), np.array(7, "int32"))
bad("LinSpace", *numbers("float32", 0, 1), scalar(0), code="INVALID_ARGUMENT")
bad("LinSpace", *numbers("float32", 0, 1), scalar(-3), code="INVALID_ARGUMENT")
bad("LinSpace", rand("float32", 2), rand("float32"), scalar(3), code="INVALID_ARGUMENT")

# --- Bitcast ---
case("Bitcast", rand("float32", 3), type="int32")
case("Bitcast", rand("float64", 3), type="float32")
case("Bitcast", rand("float32", 3, 2), type="int64")
case("Bitcast", ints("uint8", 0, 255, 2, 4), type="float32")
case("Bitcast", ints("int16", -9, 9, 5), type="uint16")
case("Bitcast", rand("complex64", 3), type="float64")
bad("Bitcast", rand("float32", 3, 3), type="int64", code="INVALID_ARGUMENT")
bad("Bitcast", rand("float32"), type="int64", code="INVALID_ARGUMENT")
