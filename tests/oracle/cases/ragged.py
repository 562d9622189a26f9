"""Ragged tensors: rows of them, ranges, and to and from other forms."""

import numpy as np

from oracle.api import bad, case, const, program, rand

INVALID = "INVALID_ARGUMENT"
TEXT = np.array([b"a", b"bb", b"", b"ccc", b"d", b"e", b"f", None], object)[:-1]


def ints64(*values):
    return np.array(values, "int64")


ONE = ints64(0, 2, 2, 3, 7)
TWO = [ints64(0, 2, 2, 4), ONE]
THREE = [ints64(0, 1, 3), *TWO]
VALUES = [rand("float32", 7), rand("float32", 7, 2), rand("int32", 7, 2, 3), TEXT]

# --- rows ---
for splits in ([ONE], TWO, THREE):
    rows = len(splits[0]) - 1
    for values in VALUES:
        for indices in ([0], [rows - 1, 0, 0], [], list(range(rows))):
            case("RaggedGather", splits, values, np.array(indices, "int64"), OUTPUT_RAGGED_RANK=len(splits))
    case(
        "RaggedGather",
        splits,
        VALUES[0],
        np.array([[0, 1], [1, 0], [1, 1]], "int32"),
        OUTPUT_RAGGED_RANK=len(splits) + 1,
    )
    case("RaggedGather", splits, VALUES[1], np.zeros((2, 0), "int32"), OUTPUT_RAGGED_RANK=len(splits) + 1)
    case("RaggedGather", splits, VALUES[1], np.zeros((0, 3), "int32"), OUTPUT_RAGGED_RANK=len(splits) + 1)
    case("RaggedGather", [s.astype("int32") for s in splits], VALUES[0], np.array(1, "int32"),
         OUTPUT_RAGGED_RANK=len(splits) - 1)  # fmt: skip
case("RaggedGather", [ints64(1, 2, 3)], VALUES[0], np.array([1, 0], "int32"), OUTPUT_RAGGED_RANK=1)
for splits in ([ints64(0, 2, 8)], [ints64(0, 2, 1)], [ints64(-1, 2, 3)], [ints64()]):
    bad("RaggedGather", splits, VALUES[0], np.array([0], "int32"), OUTPUT_RAGGED_RANK=len(splits), code=INVALID)
for index in (-1, 4):
    bad("RaggedGather", [ONE], VALUES[0], np.array([0, index], "int32"), OUTPUT_RAGGED_RANK=1, code=INVALID)
bad("RaggedGather", [ONE], np.float32(1), np.array([0], "int32"), OUTPUT_RAGGED_RANK=1, code=INVALID)

# --- ranges ---
for dtype in ("int32", "int64", "float32", "float64"):
    for starts, limits, deltas in ((0, 5, 2), ([0, 5, 3], [3, 2, 3], 1), ([5, 4], 0, [-2, -1]), ([], [], []),
                                   (7, [9], 1), (0, [3, 0, 1, 7], 3)):  # fmt: skip
        for splits in ("int32", "int64"):
            case("RaggedRange", *(np.array(v, dtype) for v in (starts, limits, deltas)), Tsplits=splits)
for starts, limits, deltas in (([0.0, 1.0], [1.0, 2.5], 0.3), (0.0, 1.0, 0.1), ([1e8], [1e8 + 64], 1.0)):
    for dtype in ("float32", "float64"):
        case("RaggedRange", *(np.array(v, dtype) for v in (starts, limits, deltas)))
ENDS = np.iinfo("int32")
case("RaggedRange", np.array(ENDS.min), np.array(ENDS.max), np.array(2**30))
for starts, limits, deltas in (([0, 5], [3, 2], 0), ([0, 5], [3, 2, 1], 1), ([[0]], [3], 1), ([0], [1, 2], [1])):
    bad("RaggedRange", *(np.array(v, "int32") for v in (starts, limits, deltas)), code=INVALID)
for limits, deltas in ((np.inf, 1), (np.nan, 1), (3, np.nan)):
    bad("RaggedRange", np.float32(0), np.float32(limits), np.float32(deltas), code=INVALID)

# --- sparse ---
for splits in ([ONE], TWO, THREE, [ONE.astype("int32")]):
    for values in VALUES:
        case("RaggedTensorToSparse", splits, values)
case("RaggedTensorToSparse", [ints64(0, 0)], np.zeros((0, 3), "float32"))
case("RaggedTensorToSparse", [ints64(0)], np.zeros(0, "float32"))
case("RaggedTensorToSparse", [ints64(0, 2)], np.zeros((2, 0), "float32"))
for splits in (
    [ints64(0, 8)],
    [ints64(1, 7)],
    [ints64()],
    [ints64(0, 8, 7)],
    [ints64(0, 2), ints64(0, 7)],
    [ints64(0, 3)],
):
    bad("RaggedTensorToSparse", splits, VALUES[0], code=INVALID)
bad("RaggedTensorToSparse", [ints64(0, 1)], np.float32(3), code=INVALID)
bad("RaggedTensorToSparse", [ints64(0, 7).reshape(1, 2)], VALUES[0], code=INVALID)

# --- dense ---
FREE = const(np.array(-1, "int64"))
ROWS = ["FIRST_DIM_SIZE", "VALUE_ROWIDS", "VALUE_ROWIDS"]


def dense(shape, values, default, partitions, types, **options):
    case("RaggedTensorToTensor", shape, values, default, partitions, row_partition_types=types, **options)


for splits in ([ONE], TWO, THREE, [ONE.astype("int32")]):
    types = ["ROW_SPLITS"] * len(splits)
    for values in VALUES:
        default = np.array(b"-", object) if values.dtype == object else values.dtype.type(9)
        for shape in (FREE, const(np.array([-1] * (len(splits) + values.ndim), "int32")),
                      np.array([3, 1, 2, 4][: len(splits) + 1] + list(values.shape[1:]), "int64")):  # fmt: skip
            dense(shape, values, default, splits, types)
    dense(FREE, VALUES[1], np.array([5, 6], "float32"), splits, types)
    dense(FREE, VALUES[2], np.array([[5], [6]], "int32"), splits, types)
dense(const(np.array([2, 5, 2], "int64")), VALUES[1], np.array([5], "float32"), [ONE], ["ROW_SPLITS"])
for first in (4, 7, 3):
    dense(FREE, VALUES[0], np.float32(-1), [np.int64(first), ints64(0, 0, 1, 2, 2, 2, 2)], ROWS[:2])
dense(FREE, VALUES[1], np.float32(-1), [np.int64(3), ints64(0, 0, 2, 2), ints64(0, 0, 2, 3, 3, 3, 3)], ROWS)
dense(FREE, VALUES[0], np.float32(-1), [np.int64(4), ints64(0, 0, 2)], ROWS[:2])
dense(FREE, VALUES[0], np.float32(-1), [np.int64(4), ints64(0, 0, 2), ints64(0, 0, 1, 2)], [*ROWS[:2], "ROW_SPLITS"])
dense(FREE, np.zeros(0, "float32"), np.float32(0), [ints64(0)], ["ROW_SPLITS"])
dense(const(np.array([-1, 3], "int64")), np.zeros(0, "float32"), np.float32(4), [ints64(0, 0)], ["ROW_SPLITS"])
for shape, default, partitions, types in (
    (-1, 0, [ints64(0, 0, 2)], ["VALUE_ROWIDS"]),
    (-1, 0, [ints64(2, 1)], ["ROW_LENGTHS"]),
    (-1, 0, [ints64(1, 7)], ["ROW_SPLITS"]),
    (-1, 0, [ints64(0, 2, 1, 3)], ["ROW_SPLITS"]),
    (-1, 0, [ints64()], ["ROW_SPLITS"]),
    (3, 0, [ONE], ["ROW_SPLITS"]),
    ([2], 0, [ONE], ["ROW_SPLITS"]),
    ([2, -2], 0, [ONE], ["ROW_SPLITS"]),
    ([-1, -1, 3], 0, [ONE], ["ROW_SPLITS"]),
    (-1, [0, 0, 0], [ONE], ["ROW_SPLITS"]),
    (-1, 0, [np.int64(2), ints64(0, 0, 2)], ROWS[:2]),
    (-1, 0, [np.int64(2), ints64(0, 0, -1)], ROWS[:2]),
    (-1, 0, [np.int64(-2), ints64(0, 0)], ROWS[:2]),
    (-1, 0, [ints64(0, 2, 2, 2), ints64(0, 1, 1, 4)], ["ROW_SPLITS"] * 2),
):
    bad("RaggedTensorToTensor", const(np.array(shape, "int64")), VALUES[0], np.array(default, "float32"), partitions,
        row_partition_types=types, code=INVALID)  # fmt: skip
bad("RaggedTensorToTensor", FREE, np.float32(1), np.float32(0), [ints64(0, 1)], row_partition_types=["ROW_SPLITS"],
    code=INVALID)  # fmt: skip


# --- elements ---
def there_and_back(splits, values, batched, copies=0, fails=False):
    def build(g):
        parts = [g.constant(s) for s in splits]
        one = g.op("RaggedTensorToVariant", parts, g.constant(values), batched_input=batched, Tsplits="int64")
        rank = len(splits) + (not splits and batched)
        for _ in range(copies):
            one = g.op("Pack", [one, one])
            rank += 1
        name = "string" if values.dtype == object else values.dtype.name
        back = g.op("RaggedTensorFromVariant", one, input_ragged_rank=-1, output_ragged_rank=rank - fails, Tvalues=name,
                    Tsplits="int64")  # fmt: skip
        back = list(back) if isinstance(back, (list, tuple)) else [back]
        return [(INVALID, back, {})] if fails else [back]

    return build


for splits in ([], [ONE], TWO, THREE):
    for values in VALUES:
        for batched in (False, True):
            if splits or values.ndim > 1 or not batched:
                program("RaggedTensorToVariant", there_and_back(splits, values, batched))
    program("RaggedTensorToVariant", there_and_back(splits, VALUES[1], False, 1))
    program("RaggedTensorToVariant", there_and_back(splits, VALUES[1], False, 2))
    program("RaggedTensorToVariant", there_and_back(splits, VALUES[1], True, 1))


def back_to_values(splits, values):
    def build(g):
        rows = g.op(
            "RaggedTensorToVariant", [g.constant(splits)], g.constant(values), batched_input=True, Tsplits="int64"
        )
        return [[g.op("RaggedTensorToVariantGradient", rows, g.constant(splits),
                      g.constant(np.array(values.shape, "int32")), Tvalues=values.dtype.name)]]  # fmt: skip

    return build


for values in VALUES[:3]:
    program("RaggedTensorToVariantGradient", back_to_values(ONE, values))
for splits in ([ints64(0, 8)], [ints64(1, 7)], [ints64()], [ints64(0, 8, 7)], [ints64(0, 2), ints64(0, 7)]):
    bad("RaggedTensorToVariant", splits, VALUES[0], batched_input=True, code=INVALID)
bad("RaggedTensorToVariant", [], np.float32(3), batched_input=True, Tsplits="int64", code=INVALID)

# --- crosses ---
WORDS = np.array([b"a", b"b", b"", b"c", b"d", None], object)[:-1]
RAGGED = (WORDS, ints64(0, 2, 2, 5)), (ints64(7, -1, 9, 2), np.array([0, 1, 1, 4], "int32"))
SPARSE = (np.array([[0, 0], [0, 1], [2, 0]], "int64"), np.array([b"x", b"y", b"z", None], object)[:-1], ints64(3, 2))
DENSE = ints64(1, 2, 3, 4, 5, 6).reshape(3, 2)


def cross(check, ragged, sparse, dense, order, hashed=None, splits="int64", **more):
    """HASHED: the number of buckets, None for text."""
    kind = {True: "string", False: "int64"}
    if more.get("tf", True):  # TensorFlow aborts where the two differ
        ragged = [(v, s.astype(splits)) for v, s in ragged]
    inputs = [[v for v, _ in ragged], [s for _, s in ragged], *([x[i] for x in sparse] for i in range(3)), dense]
    types = {
        "ragged_values_types": [kind[v.dtype == object] for v, _ in ragged],
        "ragged_splits_types": [s.dtype.name for _, s in ragged],
        "sparse_values_types": [kind[x[1].dtype == object] for x in sparse],
        "dense_types": [kind[d.dtype == object] for d in dense],
    }
    check("RaggedCross", *inputs, Nsparse=len(sparse), input_order=order, hashed_output=hashed is not None,
          num_buckets=hashed or 0, hash_key=0xDECAFCAFFE, out_values_type=kind[hashed is None],
          out_row_splits_type=splits, **types, **more)  # fmt: skip


for hashed in (None, 0, 13):
    for splits in ("int32", "int64"):
        cross(case, RAGGED[1:], [], [], "R", hashed, splits)
        cross(case, [RAGGED[1]] * 2, [SPARSE], [DENSE], "RSDR", hashed, splits)
    cross(case, [], [SPARSE], [DENSE], "DS", hashed)
    cross(case, [RAGGED[1]], [], [DENSE[:, :0]], "RD", hashed)
    cross(case, [], [], [], "", hashed)
    cross(case, RAGGED[:1], [], [DENSE], "DR", hashed)
cross(case, RAGGED, [], [], "RR", tf=False, why="TensorFlow aborts on splits of two types")
for order in ("RR", "RX", "R"):
    cross(bad, RAGGED[1:], [], [DENSE], order, code=INVALID)
cross(bad, RAGGED[1:], [], [DENSE[:2]], "RD", code=INVALID)
cross(bad, RAGGED[1:], [], [DENSE[0]], "RD", code=INVALID)
cross(bad, [(RAGGED[1][0], ints64(0, 2, 1, 4))], [], [], "R", code=INVALID)
cross(bad, [], [(*SPARSE[:2], ints64(4, 2))], [DENSE], "SD", code=INVALID)
