"""Boosted trees: sums, splits, ensembles, quantiles. TensorFlow 2.21 defines the ops but has no kernels for them."""

import numpy as np

from oracle import trees
from oracle.api import bad, case, ints, rand

WHY = "NumPy says what comes out: see oracle/trees.py"
NONE = "TensorFlow has no kernel of it"
INVALID = "INVALID_ARGUMENT"


def f32(x):
    return np.float32(x)


def i32(*x):
    return np.array(x, np.int32)


# --- sums ---

for n, splits, buckets, features in ((13, 7, 5, 2), (1, 1, 1, 1), (0, 3, 2, 1), (67, 2, 3, 3)):
    nodes = ints("int32", 0, splits, n)
    g, h = rand("float32", n, 1), abs(rand("float32", n, 1))
    lists = [ints("int32", 0, buckets, n) for _ in range(features)]
    case("BoostedTreesMakeStatsSummary", nodes, g, h, lists, max_splits=splits, num_buckets=buckets,
         expect=[trees.make_stats(nodes, g, h, lists, splits, buckets)], why=WHY)  # fmt: skip
for n, logits, hessians, wide in ((13, 1, 1, 1), (17, 3, 3, 2), (11, 2, 4, 5), (0, 1, 1, 2), (5, 1, 1, 0)):
    nodes = ints("int32", 0, 7, n)
    g, h = rand("float32", n, logits), rand("float32", n, hessians)
    feature = ints("int32", -1, 4, n, wide)
    dense = trees.aggregate(nodes, g, h, feature, 7, 4)
    case("BoostedTreesAggregateStats", nodes, g, h, feature, max_splits=7, num_buckets=4, expect=[dense], why=WHY)
    seen = trees.aggregate(nodes, np.ones((n, 1)), np.zeros((n, 0)), feature, 7, 4)[..., 0] > 0
    at = np.argwhere(feature >= 0).astype(np.int32)
    case("BoostedTreesSparseAggregateStats", nodes, g, h, at, feature[feature >= 0], i32(n, wide), max_splits=7,
         num_buckets=4, why=WHY,
         expect=[*trees.sparse_of(dense, seen), i32(7, wide, 5, logits + hessians)])  # fmt: skip

g, feature = rand("float32", 3, 1), i32(0, 1, 1)
for nodes, buckets in ((i32(0, 7, 0), feature), (i32(0, -1, 0), feature), (i32(0, 1, 2), i32(0, 1, 9))):
    bad(
        "BoostedTreesMakeStatsSummary",
        nodes,
        g,
        g,
        [buckets],
        max_splits=7,
        num_buckets=2,
        code=INVALID,
        tf=False,
        why=NONE,
    )
    bad(
        "BoostedTreesAggregateStats",
        nodes,
        g,
        g,
        buckets[:, None],
        max_splits=7,
        num_buckets=2,
        code=INVALID,
        tf=False,
        why=NONE,
    )
bad("BoostedTreesMakeStatsSummary", i32(0, 1), g, g, [feature], max_splits=7, num_buckets=2, code=INVALID)
bad("BoostedTreesAggregateStats", i32(0, 1), g, g, feature[:, None], max_splits=7, num_buckets=2, code=INVALID)
for nodes, at, values, shape in (
    (i32(0, 1, 2), i32(0, 1, 0, 0).reshape(2, 2), i32(0, 0), i32(3, 2)),  # not in order
    (i32(0, 1, 2), i32(3, 0).reshape(1, 2), i32(0), i32(3, 2)),  # an example that there is not
    (i32(0, 1, 2), i32(0, 2).reshape(1, 2), i32(0), i32(3, 2)),  # a dimension that there is not
    (i32(0, 1, 2), i32(0, 0).reshape(1, 2), i32(5), i32(3, 2)),  # a bucket that there is not
    (i32(0, 1, 9), i32(0, 0).reshape(1, 2), i32(0), i32(3, 2)),  # a node that there is not
):
    bad("BoostedTreesSparseAggregateStats", nodes, g, g, at, values, shape, max_splits=7, num_buckets=4, code=INVALID,
        tf=False, why=NONE)  # fmt: skip
bad("BoostedTreesSparseAggregateStats", i32(0, 1, 2), g, g, i32(0, 0).reshape(1, 2), i32(0, 1), i32(3, 2), max_splits=7,
    num_buckets=4, code=INVALID)  # fmt: skip

# --- splits ---


def sums(nodes, *wide, buckets=4, logits=1, full=False):
    """What 150 examples sum up to, for each feature of WIDE dimensions; Hessians are positive definite."""
    at, g, h = ints("int32", 0, nodes, 150), rand("float32", 150, logits), abs(rand("float32", 150, logits)) + 0.1
    if full:
        root = rand("float32", 150, logits, logits)
        h = (root @ np.swapaxes(root, 1, 2)).reshape(150, -1)
    return [trees.aggregate(at, g, h, ints("int32", -1, buckets, 150, k), nodes, buckets) for k in wide]


REGULAR = ({}, {"l1": 0.5}, {"l2": 0.25}, {"l1": 0.3, "l2": 1.0, "complexity": 0.125}, {"least": 4.0})


def scalars(regular):
    return [f32(regular.get(name, 0.0)) for name in ("l1", "l2", "complexity", "least")]


for regular in REGULAR:
    stats = [x[:, 0] for x in sums(7, 1, 1, 1)]
    case("BoostedTreesCalculateBestGainsPerFeature", i32(1, 6), stats, *scalars(regular), max_splits=7,
         expect=trees.best_gains((1, 6), stats, **regular), rtol=1e-4, why=WHY)  # fmt: skip
    for kind in ("inequality", "equality"):
        stats = sums(7, 3)[0]
        case("BoostedTreesCalculateBestFeatureSplit", i32(0, 7), stats, *scalars(regular), logits_dimension=1,
             split_type=kind, rtol=1e-4, why=WHY,
             expect=trees.best_splits((0, 7), [stats], 1, [kind], **regular))  # fmt: skip
    stats, kinds = sums(4, 2, 2, 2, buckets=6), ["inequality", "equality", "inequality"]
    case("BoostedTreesCalculateBestFeatureSplitV2", i32(0, 4), stats, np.array(kinds, object), i32(7, 3, 5),
         *scalars(regular), logits_dimension=1, rtol=1e-4, why=WHY,
         expect=trees.best_splits((0, 4), stats, 1, kinds, [7, 3, 5], **regular))  # fmt: skip
for logits, full in ((2, False), (3, False), (2, True), (5, True)):
    stats, kinds = sums(3, 2, 2, logits=logits, full=full), ["inequality", "equality"]
    for kind in kinds:
        case("BoostedTreesCalculateBestFeatureSplit", i32(0, 3), stats[0], *scalars({"l2": 0.5}), split_type=kind,
             logits_dimension=logits, expect=trees.best_splits((0, 3), stats[:1], logits, [kind], l2=0.5), rtol=1e-3,
             why=WHY)  # fmt: skip
    case("BoostedTreesCalculateBestFeatureSplitV2", i32(0, 3), stats, np.array(kinds, object), i32(0, 1),
         *scalars({"l2": 0.5}), logits_dimension=logits, rtol=1e-3, why=WHY,
         expect=trees.best_splits((0, 3), stats, logits, kinds, [0, 1], l2=0.5))  # fmt: skip
case("BoostedTreesCalculateBestFeatureSplit", i32(2, 2), sums(3, 1)[0], *scalars({}), logits_dimension=1,
     expect=trees.best_splits((2, 2), sums(3, 1), 1, ["inequality"]), why=WHY)  # fmt: skip


def sparse_split(regular):
    """Of 200 examples, some of whose values are missing, in four nodes and three dimensions."""
    nodes, feature = ints("int32", 0, 4, 200), ints("int32", -1, 5, 200, 3)
    g, h = rand("float32", 200, 1), abs(rand("float32", 200, 1))
    dense = trees.aggregate(nodes, g, h, feature, 4, 5)
    at, values = trees.sparse_of(dense, dense[..., 1] != 0)
    want = trees.best_splits((0, 4), [dense], 1, ["inequality"], **regular)
    return at, values, i32(4, 3, 6, 2), want


for regular in REGULAR:
    at, values, shape, want = sparse_split(regular)
    case("BoostedTreesSparseCalculateBestFeatureSplit", i32(0, 4), at, values, shape, *scalars(regular),
         logits_dimension=1, expect=want, rtol=1e-3, why=WHY)  # fmt: skip

stats = sums(3, 1)[0][:, 0]
bad(
    "BoostedTreesCalculateBestGainsPerFeature",
    i32(0, 4),
    [stats],
    *scalars({}),
    max_splits=3,
    code=INVALID,
    tf=False,
    why=NONE,
)
bad("BoostedTreesCalculateBestGainsPerFeature", i32(0, 1, 2), [stats], *scalars({}), max_splits=3, code=INVALID)
bad(
    "BoostedTreesCalculateBestGainsPerFeature",
    i32(0, 1),
    [stats],
    f32([0]),
    *scalars({})[1:],
    max_splits=3,
    code=INVALID,
)
stats = sums(3, 1)[0]
for logits, span in ((2, i32(0, 2)), (5, i32(0, 2)), (1, i32(-1, 2)), (1, i32(0, 4))):
    bad(
        "BoostedTreesCalculateBestFeatureSplit",
        span,
        stats,
        *scalars({}),
        logits_dimension=logits,
        code=INVALID,
        tf=False,
        why=NONE,
    )
bad("BoostedTreesCalculateBestFeatureSplit", i32(0, 1), stats[0], *scalars({}), logits_dimension=1, code=INVALID)
bad("BoostedTreesCalculateBestFeatureSplitV2", i32(0, 1), [stats], np.array(["other"], object), i32(0), *scalars({}),
    logits_dimension=1, code="ABORTED", tf=False, why=NONE)  # fmt: skip
bad("BoostedTreesSparseCalculateBestFeatureSplit", i32(0, 1), i32(0, 0, 0, 2).reshape(1, 4), f32([1]), i32(1, 1, 2, 2),
    *scalars({}), logits_dimension=1, code=INVALID, tf=False, why=NONE)  # fmt: skip

# --- buckets and summaries ---

for n, features in ((13, 2), (1, 1), (0, 1), (129, 3)):
    values = [np.round(rand("float32", n), 1) for _ in range(features)]
    bounds = [np.unique(rand("float32", k)) for k in (5, 1, 0)[:features]]
    case("BoostedTreesBucketize", values, bounds, why=WHY, expect=[
        np.minimum(np.searchsorted(b, v), max(len(b) - 1, 0)).astype(np.int32)
        for v, b in zip(values, bounds)])  # fmt: skip
    weights = abs(rand("float32", n)).round(2) if n > 1 else np.float32([2])
    case("BoostedTreesMakeQuantileSummaries", values, weights, f32(0.001), rtol=1e-4, why=WHY,
         expect=[trees.ranks(v, weights) for v in values])  # fmt: skip
case("BoostedTreesBucketize", [np.float32([np.nan, np.inf, -np.inf, 0])], [np.float32([-1, 0, 1])], why=WHY,
     expect=[i32(0, 2, 0, 1)])  # fmt: skip
case("BoostedTreesMakeQuantileSummaries", [np.float32([3, 1, 2, 1])], np.float32([1, -1, 0, 2]), f32(0.01), why=WHY,
     expect=[np.float32([[1, 2, 0, 2], [3, 1, 2, 3]])])  # fmt: skip
bad(
    "BoostedTreesMakeQuantileSummaries",
    [np.float32([3, 1, 2])],
    np.float32([1, 1]),
    f32(0.01),
    code=INVALID,
    tf=False,
    why=NONE,
)
bad(
    "BoostedTreesMakeQuantileSummaries",
    [np.float32([3, 1, 2])],
    np.float32([1]),
    f32(0),
    code=INVALID,
    tf=False,
    why=NONE,
)
