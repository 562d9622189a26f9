"""By index: gathers, scatters, one-hot, where, unique, partition and stitch."""

import numpy as np

from oracle.api import bad, case, const, ints, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
REALS = [*FLOATS, *INTS]
NUMBERS = [*REALS, "complex64", "complex128"]
MOVED = [*NUMBERS, "bool", "string"]


def vec(*values, dtype="int32"):
    return const(np.array(values, dtype))


def scalar(value, dtype="int32"):
    return const(np.array(value, dtype))


def index(*values, dtype="int32"):
    return np.array(values, dtype)


# --- Gather ---
for dtype in MOVED:
    case("Gather", rand(dtype, 5, 2), index(4, 0, 0))
    case("GatherV2", rand(dtype, 3, 5), index(4, 0, 0), scalar(1))
    case("GatherNd", rand(dtype, 3, 4), index([0, 1], [2, 3], [2, 3]))
case("Gather", rand("float64", 5, 2, 2), index([4, 0], [1, 1], dtype="int64"))
case("Gather", rand("float32", 5), index(3))
for axis in [0, 1, 2, -1]:
    case("GatherV2", rand("float64", 4, 4, 4), index([3, 0], [1, 1]), scalar(axis))
    case("GatherV2", rand("float32", 4, 4, 4), np.array(2, "int32"), scalar(axis))
for axis, batch in [(1, 1), (2, 1), (2, 2), (-1, 1)]:
    case("GatherV2", rand("float64", 2, 3, 4), ints("int32", 0, 3, 2, 3), scalar(axis), batch_dims=batch)
case(
    "GatherV2",
    rand("float64", 2, 3, 4),
    ints("int32", 0, 3, 2, 3),
    scalar(1),
    batch_dims=-1,
    grad=False,
    why="of unknown rank there is none",
)
case("GatherV2", rand("float64", 2, 3, 4, 2), ints("int64", 0, 4, 2, 3, 5), scalar(2, "int64"), batch_dims=2)
case("GatherV2", rand("float32", 2, 3), ints("int16", 0, 2, 4), scalar(0))
case("GatherV2", rand("float32", 4, 3), ints("int32", 0, 3, 4), np.array(1, "int32"))
case("GatherV2", rand("float32", 4, 3), np.zeros((0, 2), "int32"), scalar(0))
case("GatherV2", rand("float32", 0, 3), np.zeros(0, "int32"), scalar(0), grad=False, why="empty")
case("GatherV2", rand("float32", 4, 0), ints("int32", 0, 3, 2), scalar(0), grad=False, why="empty")
for row in [1, 2, 3, 15, 16, 17, 33, 64, 129]:
    case("GatherV2", rand("float32", 40, row), ints("int32", 0, 40, 23), scalar(0))
case("GatherV2", rand("float32", 1000, 64), ints("int64", 0, 1000, 3001), scalar(0), grad=False, why="size")
case(
    "GatherV2",
    rand("float32", 2, 100, 64),
    ints("int32", 0, 100, 2, 1501),
    scalar(1),
    batch_dims=1,
    grad=False,
    why="size",
)
for op, last in [("Gather", []), ("GatherV2", [scalar(0)])]:
    bad(op, rand("float32", 5, 2), index(0, 5), *last, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 5, 2), index([0], [-1]), *last, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 0, 2), index(0), *last, code="INVALID_ARGUMENT")
    bad(op, rand("float32"), index(0), *last, code="INVALID_ARGUMENT")
bad("GatherV2", rand("float32", 5, 2), index(0), scalar(2), code="INVALID_ARGUMENT")
bad("GatherV2", rand("float32", 5, 2), index(0), scalar(-3), code="INVALID_ARGUMENT")
bad("GatherV2", rand("float32", 5, 2), index([0]), scalar(0), batch_dims=1, code="INVALID_ARGUMENT")
bad("GatherV2", rand("float32", 5, 2), index([0]), scalar(1), batch_dims=1, code="INVALID_ARGUMENT")
bad("GatherV2", rand("float32", 5, 2), index(0, 0), scalar(0), batch_dims=2, code="INVALID_ARGUMENT")

for indices in [index([1], [0]), index([1, 2]), index([[1, 2, 3]], [[0, 0, 0]])]:
    case("GatherNd", rand("float64", 2, 3, 4), indices)
for indices in [index(1), index(1, 2, 0), np.zeros((2, 0), "int32")]:
    case("GatherNd", rand("float64", 2, 3, 4), indices, grad=False, why="TensorFlow's gradient fails")
case("GatherNd", rand("float32", 2, 3), index([1, 2], dtype="int64"))
case(
    "GatherNd",
    rand("float32", 2, 3),
    index([1, 2], dtype="int16"),
    grad=False,
    why="TensorFlow's gradient takes no int16",
)
case("GatherNd", rand("float32", 2, 3), np.zeros((0, 2), "int32"), grad=False, why="empty")
case(
    "GatherNd",
    rand("float32", 2, 3),
    index([1, 2], [2, 0]),
    bad_indices_policy="IGNORE",
    grad=False,
    why="indices outside",
)
bad("GatherNd", rand("float32", 2, 3), index([1, 3]), code="INVALID_ARGUMENT")
bad("GatherNd", rand("float32", 2, 3), index([-1, 0]), code="INVALID_ARGUMENT")
bad("GatherNd", rand("float32", 2, 3), index([0, 0, 0]), code="INVALID_ARGUMENT")
bad("GatherNd", rand("float32", 2, 3), index(0)[0], code="INVALID_ARGUMENT")

# --- Scatter ---
for dtype in MOVED:
    case("ScatterNd", index([1, 2], [0, 0], [1, 2]), rand(dtype, 3), vec(2, 3))
for dtype in [*NUMBERS, "bool"]:
    case("ScatterNdNonAliasingAdd", rand(dtype, 2, 3), index([1, 2], [0, 0], [1, 2]), rand(dtype, 3))
for op in ["TensorScatterAdd", "TensorScatterSub"]:
    for dtype in NUMBERS:
        case(op, rand(dtype, 2, 3), index([1, 2], [0, 0], [1, 2]), rand(dtype, 3))
for op in ["TensorScatterMin", "TensorScatterMax"]:
    for dtype in REALS:
        case(op, rand(dtype, 2, 3), index([1, 2], [0, 0], [1, 2]), rand(dtype, 3))
for dtype in MOVED:
    case("TensorScatterUpdate", rand(dtype, 4, 2), index([3], [1]), rand(dtype, 2, 2))
for indices, updates in [
    (index([1], [0]), (2, 3, 4)),
    (index([1, 2]), (1, 4)),
    (index([[1, 2, 3]], [[0, 0, 0]]), (2, 1)),
]:
    case("ScatterNd", indices, rand("float64", *updates), vec(2, 3, 4))
    for op in ["TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub", "TensorScatterMin", "TensorScatterMax"]:
        case(op, rand("float64", 2, 3, 4), indices, rand("float64", *updates))
case("ScatterNd", index([1], dtype="int64"), rand("float32", 1), vec(3, dtype="int64"))
case("ScatterNd", index([1]), rand("float32", 1), index(3))
case("ScatterNd", np.zeros((0, 1), "int32"), rand("float32", 0, 2), vec(3, 2), grad=False, why="empty")
case(
    "ScatterNd",
    index([1], [7]),
    rand("float32", 2),
    vec(3),
    bad_indices_policy="IGNORE",
    grad=False,
    why="indices outside",
)
case(
    "TensorScatterAdd",
    rand("float32", 3),
    index([1], [7], dtype="int64"),
    rand("float32", 2),
    bad_indices_policy="IGNORE",
    grad=False,
    why="indices outside",
)
bad("ScatterNd", index([3]), rand("float32", 1), vec(3), code="INVALID_ARGUMENT")
bad("ScatterNd", index([-1]), rand("float32", 1), vec(3), code="INVALID_ARGUMENT")
bad("ScatterNd", index([0]), rand("float32", 2), vec(3), code="INVALID_ARGUMENT")
bad("ScatterNd", index([0, 0]), rand("float32", 1), vec(3), code="INVALID_ARGUMENT")
bad("ScatterNd", index([0]), rand("float32", 1), vec(-3), code="INVALID_ARGUMENT")
bad("ScatterNd", index([0]), rand("float32", 1, 2), vec(3, 3), code="INVALID_ARGUMENT")
for op in ["TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub", "TensorScatterMin", "TensorScatterMax"]:
    bad(op, rand("float32", 3), index([3]), rand("float32", 1), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3), index([-1]), rand("float32", 1), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3), index([0]), rand("float32", 2), code="INVALID_ARGUMENT")

# --- SparseToDense ---
for dtype in MOVED:
    case(
        "SparseToDense",
        index([0, 1], [1, 2]),
        vec(2, 3),
        rand(dtype, 2),
        rand(dtype),
        grad=False,
        why="has its own case",
    )
case(
    "SparseToDense", index([0, 1], [1, 2], dtype="int64"), vec(2, 3, dtype="int64"), rand("float64", 2), rand("float64")
)
case("SparseToDense", index(1, 3), vec(5), rand("float32"), rand("float32"), grad=False, why="scalar values")
case("SparseToDense", np.array(2, "int32"), vec(5), rand("float32"), rand("float32"), grad=False, why="scalar indices")
case(
    "SparseToDense",
    index(3, 1),
    vec(5),
    rand("float32", 2),
    rand("float32"),
    validate_indices=False,
    grad=False,
    why="vector indices",
)
bad("SparseToDense", index(3, 1), vec(5), rand("float32", 2), rand("float32"), code="INVALID_ARGUMENT")
bad("SparseToDense", index(1, 1), vec(5), rand("float32", 2), rand("float32"), code="INVALID_ARGUMENT")
bad("SparseToDense", index(1, 5), vec(5), rand("float32", 2), rand("float32"), code="INVALID_ARGUMENT")
bad("SparseToDense", index(-1, 4), vec(5), rand("float32", 2), rand("float32"), code="INVALID_ARGUMENT")
bad("SparseToDense", index(1, 4), vec(5), rand("float32", 3), rand("float32"), code="INVALID_ARGUMENT")
bad("SparseToDense", index(1, 4), vec(5, 5), rand("float32", 2), rand("float32"), code="INVALID_ARGUMENT")

# --- OneHot ---
for dtype in [*NUMBERS, "bool"]:
    case("OneHot", index(0, 2, 5, -1), scalar(3), rand(dtype), rand(dtype), grad=False, why="not differentiable")
for dtype in ["uint8", "int8", "int32", "int64"]:
    case("OneHot", ints(dtype, 0, 4, 2, 3), scalar(4), rand("float32"), rand("float32"))
for axis in [-1, 0, 1, 2]:
    case("OneHot", index([0, 2], [1, 5]), scalar(3), rand("float32"), rand("float32"), axis=axis)
case("OneHot", np.array(1, "int64"), np.array(4, "int32"), rand("float32"), rand("float32"))
case("OneHot", index(0, 1), scalar(0), rand("float32"), rand("float32"))
bad("OneHot", index(0), scalar(-1), rand("float32"), rand("float32"), code="INVALID_ARGUMENT")
bad("OneHot", index(0), scalar(2), rand("float32"), rand("float32"), axis=2, code="INVALID_ARGUMENT")
bad("OneHot", index(0), scalar(2), rand("float32"), rand("float32"), axis=-2, code="INVALID_ARGUMENT")
bad("OneHot", index(0), scalar(2), rand("float32", 1), rand("float32"), code="INVALID_ARGUMENT")
bad("OneHot", index(0), vec(2, 2), rand("float32"), rand("float32"), code="INVALID_ARGUMENT")

# --- Where ---
# TensorFlow lists float16 and scalars, but does not do them.
for dtype in [*NUMBERS, "bool"]:
    if dtype == "float16":
        continue
    case("Where", (ints("int32", 0, 2, 3, 4) * 1).astype(rand(dtype).dtype))
for shape in [(0,), (7,), (2, 3, 4), (2, 1, 2, 1, 2), (3, 0, 2)]:
    case("Where", rand("bool", *shape))
case("Where", special("float32"))

# --- Unique ---
for dtype in [*REALS, "bool", "string"]:
    values = rand(dtype, 3)
    x = values[np.array([0, 1, 1, 2, 0, 2])]
    for op in ["Unique", "UniqueWithCounts"]:
        case(op, x)
    for op in ["UniqueV2", "UniqueWithCountsV2"]:
        case(op, x, vec(0, dtype="int64"))
for op in ["Unique", "UniqueWithCounts"]:
    case(op, ints("int64", 0, 50, 201), out_idx="int64")
    case(op, np.zeros(0, "float32"))
    case(op, special("float32"))
    case(op, rand("string", 40))
    bad(op, rand("float32", 2, 2), code="INVALID_ARGUMENT")
for op in ["UniqueV2", "UniqueWithCountsV2"]:
    case(op, ints("int32", 0, 2, 8, 2), vec(0, dtype="int64"))
    case(op, ints("int32", 0, 2, 2, 8), vec(-1))
    case(op, ints("int32", 0, 2, 2, 6, 2), vec(1))
    case(op, ints("int32", 0, 3, 9), const(np.zeros(0, "int64")))
    case(op, ints("int32", 0, 3, 9), np.zeros(1, "int32"), out_idx="int64")
    bad(op, ints("int32", 0, 3, 9), vec(1), code="INVALID_ARGUMENT")
    bad(op, ints("int32", 0, 3, 9), vec(0, 0), code="INVALID_ARGUMENT")
    bad(op, ints("int32", 0, 3, 9, 2), const(np.zeros(0, "int64")), code="INVALID_ARGUMENT")
for dtype in [*REALS, "string"]:
    case("ListDiff", rand(dtype, 9), rand(dtype, 4))
case("ListDiff", ints("int32", 0, 9, 30), ints("int32", 0, 9, 4), out_idx="int64")
case("ListDiff", np.zeros(0, "int32"), ints("int32", 0, 9, 4))
case("ListDiff", ints("int32", 0, 9, 4), np.zeros(0, "int32"))
bad("ListDiff", rand("float32", 2, 2), rand("float32", 2), code="INVALID_ARGUMENT")
bad("ListDiff", rand("float32", 2), rand("float32"), code="INVALID_ARGUMENT")

# --- DynamicPartition and DynamicStitch ---
for dtype in MOVED:
    case("DynamicPartition", rand(dtype, 5, 2), index(0, 2, 0, 1, 2), num_partitions=4)
    case("DynamicStitch", [index(0, 3), index([1, 2])], [rand(dtype, 2, 2), rand(dtype, 1, 2, 2)])
    case("ParallelDynamicStitch", [index(0, 3), index([1, 2])], [rand(dtype, 2, 2), rand(dtype, 1, 2, 2)])
case("DynamicPartition", rand("float64", 5), index(0, 1, 0, 1, 1), num_partitions=2)
case("DynamicPartition", rand("float64", 2, 3, 2), index([0, 1, 0], [1, 1, 0]), num_partitions=2)
case("DynamicPartition", rand("float32", 3), ints("int32", 0, 20, 3), num_partitions=20)
case("DynamicPartition", rand("float32"), np.array(1, "int32"), num_partitions=2)
case("DynamicPartition", rand("float32", 0, 3), np.zeros(0, "int32"), num_partitions=2, grad=False, why="empty")
bad("DynamicPartition", rand("float32", 3), index(0, 2, 0), num_partitions=2, code="INVALID_ARGUMENT")
bad("DynamicPartition", rand("float32", 3), index(0, -1, 0), num_partitions=2, code="INVALID_ARGUMENT")
bad("DynamicPartition", rand("float32", 3), index(0, 0), num_partitions=2, code="INVALID_ARGUMENT")
for op in ["DynamicStitch", "ParallelDynamicStitch"]:
    case(op, [index(1, 0), np.array(2, "int32")], [rand("float64", 2, 3), rand("float64", 3)])
    case(op, [vec(1, 0), vec(2)], [rand("float64", 2), rand("float64", 1)])
    case(op, [np.zeros(0, "int32")], [rand("float32", 0, 2)], grad=False, why="empty")
    bad(op, [index(-1)], [rand("float32", 1)], code="INVALID_ARGUMENT")
    bad(op, [index(0, 1)], [rand("float32", 1)], code="INVALID_ARGUMENT")
    bad(op, [index(0), index(1)], [rand("float32", 1, 2), rand("float32", 1, 3)], code="INVALID_ARGUMENT")
case(
    "DynamicStitch",
    [index(0, 1), index(1, 0)],
    [rand("float32", 2), rand("float32", 2)],
    grad=False,
    why="repeated indices",
)
