"""Ensembles of boosted trees and quantile streams, step by step. TensorFlow 2.21 has no kernels for them."""

import numpy as np

from oracle import trees
from oracle.api import program

WHY = "NumPy says what comes out: see oracle/trees.py"


class Script:
    """The steps of a program, written once: what the graph does and what NumPy says of it."""

    def __init__(self, name, handle="BoostedTreesEnsembleResourceHandleOp"):
        self.name, self.handle = name, handle
        self.steps, self.want = [], []

    def step(self, op, *inputs, want, **attrs):
        """WANT is what the op gives, a list; None: nothing; or an error code."""
        self.steps.append((op, inputs, attrs, want if isinstance(want, str) else ""))
        self.want.append(want if isinstance(want, (str, list)) else [want])

    def build(self, g):
        handle = g.op(self.handle, shared_name="trees", name="handle")
        steps = []
        for op, inputs, attrs, code in self.steps:
            lists = [[g.constant(x) for x in i] if isinstance(i, list) else g.constant(i) for i in inputs]
            made = g.op(op, handle, *lists, **attrs)
            made = [getattr(made, "op", made)] if not isinstance(made, list) and not hasattr(made, "dtype") else made
            steps.append((code, made, {}) if code else (made, {}))
        return steps

    def end(self):
        program(self.name, self.build, expect=self.want, why=WHY)


def i32(*x):
    return np.array(x, np.int32)


F = np.float32
EMPTY = np.array(b"", object)


class Growing(Script):
    """An ensemble; every change is followed by its states and bytes."""

    def __init__(self, name, logits=1):
        super().__init__(name)
        self.forest = trees.Forest(logits)
        self.step("IsBoostedTreesEnsembleInitialized", want=[np.False_])
        self.step("BoostedTreesGetEnsembleStates", want="NOT_FOUND")
        self.step("BoostedTreesCreateEnsemble", np.int64(0), EMPTY, want=None)
        self.step("IsBoostedTreesEnsembleInitialized", want=[np.True_])
        self.look()

    def look(self):
        self.step("BoostedTreesGetEnsembleStates", want=self.forest.states())
        self.step("BoostedTreesSerializeEnsemble", want=[np.int64(self.forest.stamp), self.forest.bytes()])

    def grow(self, features, depth=2, rate=0.1, pruning=0):
        """FEATURES: per feature its id and candidates (node, gain, threshold, left, right)."""
        all_ = [(n, g, f, 0, t, [a], [b], trees.LEFT) for f, rows in features for n, g, t, a, b in rows]
        self.forest.grow(all_, depth, rate, pruning)
        columns = [[np.array([r[k] for r in rows], d) for _, rows in features] for k, d in enumerate("ififf")]
        columns[3:] = [[x[:, None] for x in column] for column in columns[3:]]
        nodes, gains, thresholds, left, right = columns
        self.step("BoostedTreesUpdateEnsemble", i32(*[f for f, _ in features]), nodes, gains, thresholds, left, right,
                  np.int32(depth), F(rate), pruning_mode=pruning, want=None)  # fmt: skip
        self.look()

    def predict(self, *features):
        self.step("BoostedTreesPredict", list(features), logits_dimension=self.forest.logits,
                  want=[self.forest.predict(features)])  # fmt: skip

    def train(self, trees_, nodes, *features):
        """The logits' change, and where the examples are now."""
        want = self.forest.training_predict(trees_, nodes, features)
        self.step("BoostedTreesTrainingPredict", i32(*trees_), i32(*nodes), list(features),
                  logits_dimension=self.forest.logits, want=list(want))  # fmt: skip
        return want

    def explain(self, *features):
        self.step(
            "BoostedTreesExampleDebugOutputs", list(features), logits_dimension=1, want=[self.forest.explain(features)]
        )


A, B = i32(0, 1, 2, 3, 1, 0, 2), i32(3, 2, 2, 0, 1, 0, 2)
ROWS = len(A)


def one_logit(pruning):
    s = Growing(f"trees of one logit, pruning {pruning}")
    s.predict(A, B)
    seen = s.train([0] * ROWS, [-1] * ROWS, A, B)
    s.grow([(0, [(0, 0.5, 1, 1.5, -2.5)]), (1, [(0, 0.25, 2, 7, 8)])], pruning=pruning)
    s.predict(A, B)
    seen = s.train(seen[1], seen[2], A, B)
    s.grow([(1, [(1, -0.5, 1, 0.25, -1), (2, 0.75, 0, 1, 2)]), (0, [(1, -0.5, 0, 3, 4)])], pruning=pruning)
    s.predict(A, B)
    seen = s.train(seen[1], seen[2], A, B)
    s.grow([(0, [(0, 1.0 if pruning == 1 else -1.0, 2, 0.5, 1)]), (1, [])], pruning=pruning)
    s.grow([(0, [(1, -1.0, 0, 0.5, 1), (2, -2.0, 1, 5, 6)]), (1, [])], pruning=pruning)
    s.predict(A, B)
    s.train(seen[1], seen[2], A, B)
    s.train([0] * ROWS, [-1] * ROWS, A, B)
    s.explain(A, B)
    s.grow([(0, []), (1, [])], pruning=pruning)  # nothing to split: counted, all the same
    s.end()


for mode in range(3):
    one_logit(mode)


def deep_pruning():
    """All of a tree of three layers goes, bottom up; and one branch of another one."""
    s = Growing("trees that lose branches")
    for gains in ((-1, (-1, -1), (-1, -1, -1, -1)), (2, (-1, 1), (-1, -2, -1, 1))):
        seen = s.train([0] * ROWS, [-1] * ROWS, A, B)
        for layer, row in enumerate(((gains[0],), gains[1], gains[2])):
            first = (1 << layer) - 1
            s.grow([(layer % 2, [(first + k, g, k % 3, 0.5 + k, -1.0 - k) for k, g in enumerate(row)])], 3, 0.5, 2)
            seen = s.train(seen[1], seen[2], A, B)
        s.predict(A, B)
    s.end()


deep_pruning()


def bias():
    s = Growing("trees after their bias was centered")
    for g, h in ((-3.0, 2.0), (0.5, 4.0), (0.001, 4.0)):
        more = s.forest.center(g, h, 0.1, 0.25)
        s.step("BoostedTreesCenterBias", F([[g]]), F([[h]]), F(0.1), F(0.25), want=[np.bool_(more)])
        s.look()
    s.grow([(0, [(0, 0.5, 1, 1.5, -2.5)])], depth=1)
    s.grow([(1, [(0, 0.25, 0, 1, 2)])], depth=1)
    s.predict(A, B)
    s.explain(A, B)
    s.step("BoostedTreesCenterBias", F([[1]]), F([[1]]), F(0), F(0), want="INVALID_ARGUMENT")
    s.end()


bias()


def several_logits():
    s = Growing("trees of several logits, categories among the splits", logits=3)
    wide = np.stack([A, B], 1)

    def grow(groups, depth, pruning):
        all_ = [row for rows in groups for row in rows]
        s.forest.grow(all_, depth, 0.5, pruning)
        columns = [[np.array([r[k] for r in rows], d) for rows in groups] for k, d in enumerate("ifiii")]
        nodes, gains, ids, dimensions, thresholds = columns
        left, right = ([np.array([r[k] for r in rows], "f").reshape(len(rows), 3) for rows in groups] for k in (5, 6))
        types = [np.array([r[7] for r in rows], object) for rows in groups]
        s.step("BoostedTreesUpdateEnsembleV2", ids, dimensions, nodes, gains, thresholds, left, right, types,
               np.int32(depth), F(0.5), np.int32(pruning), logits_dimension=3, num_features=2, num_groups=2,
               want=None)  # fmt: skip
        s.look()

    grow(
        [[(0, 1.0, 0, 1, 1, [1, 2, 3], [4, 5, 6], trees.RIGHT)], [(0, 0.5, 1, 0, 1, [9] * 3, [9] * 3, trees.LEFT)]],
        2,
        2,
    )
    s.predict(wide, B)
    seen = s.train([0] * ROWS, [-1] * ROWS, wide, B)
    grow(
        [
            [
                (1, -1.0, 0, 0, 2, [1, 0, 1], [0, 1, 0], trees.EQUAL),
                (2, 2.0, 0, 1, 0, [3, 2, 1], [1, 1, 2], trees.EQUAL),
            ],
            [],
        ],
        2,
        2,
    )
    s.predict(wide, B)
    s.train(seen[1], seen[2], wide, B)
    s.step("BoostedTreesExampleDebugOutputs", [wide, B], logits_dimension=3, want="INVALID_ARGUMENT")
    s.step("BoostedTreesPredict", [wide, B], logits_dimension=1, want="INVALID_ARGUMENT")
    s.step("BoostedTreesPredict", [A, B], logits_dimension=3, want="INVALID_ARGUMENT")
    s.end()


several_logits()


def restored():
    s = Growing("trees that are read again")
    s.grow([(0, [(0, 0.5, 1, 1.5, -2.5)])])
    kept, stamp = s.forest.bytes(), s.forest.stamp
    s.grow([(0, [(1, 0.5, 0, 1, 2), (2, 0.5, 2, 3, 4)])])
    s.step("BoostedTreesCreateEnsemble", np.int64(7), kept, want=None)  # the first one counts
    s.look()
    s.step("BoostedTreesDeserializeEnsemble", np.int64(stamp), kept, want=None)
    s.step("BoostedTreesSerializeEnsemble", want=[np.int64(stamp), kept])
    for text in (b"\x0a", b"\x0a\x02\x0a\x00", b"\x0a\x00", kept.item()[:-40], b"\xff" * 9):
        s.step("BoostedTreesDeserializeEnsemble", np.int64(9), np.array(text, object), want="INVALID_ARGUMENT")
    s.step("BoostedTreesSerializeEnsemble", want=[np.int64(stamp), kept])
    s.step("BoostedTreesPredict", [A], logits_dimension=1, want=[np.where(A[:, None] <= 1, F(0.15), F(-0.25))])
    # A node, a feature, a cache that there is not.
    for node, feature in ((0, 0), (7, 0), (-1, 0), (1, -1)):
        s.step("BoostedTreesUpdateEnsemble", i32(feature), [i32(node)], [F([1])], [i32(0)], [F([[1]])], [F([[1]])],
               np.int32(2), F(1), pruning_mode=0, want="INVALID_ARGUMENT")  # fmt: skip
    for at, nodes in ((i32(*[1] * ROWS), A), (A * 0, A), (A * 0 - 1, A * 0)):
        s.step("BoostedTreesTrainingPredict", at, nodes, [A], logits_dimension=1, want="INVALID_ARGUMENT")
    s.step("BoostedTreesSerializeEnsemble", want=[np.int64(stamp), kept])
    s.end()


restored()


# --- quantiles ---


def quantiles():
    s = Script("quantile streams", "BoostedTreesQuantileStreamResourceHandleOp")
    first, second = np.arange(40, dtype=np.float32) % 13, np.linspace(-1, 1, 40, dtype=np.float32)
    weights = (np.arange(40) % 3 + 1).astype(np.float32)
    of_first, of_second = trees.ranks(first, weights), trees.ranks(second, weights)
    s.step("IsBoostedTreesQuantileStreamResourceInitialized", want=[np.False_])
    s.step("BoostedTreesFlushQuantileSummaries", num_features=2, want="NOT_FOUND")
    for epsilon in (0.0, 1.0, np.nan):
        s.step("BoostedTreesCreateQuantileStreamResource", F(epsilon), np.int64(2), want="INVALID_ARGUMENT")
    s.step("BoostedTreesCreateQuantileStreamResource", F(0.001), np.int64(2), want=None)
    s.step("BoostedTreesCreateQuantileStreamResource", F(0.1), np.int64(5), want=None)  # the first one counts
    s.step("IsBoostedTreesQuantileStreamResourceInitialized", want=[np.True_])
    s.step("BoostedTreesQuantileStreamResourceGetBucketBoundaries", num_features=2, want=[F([]), F([])])
    s.step("BoostedTreesQuantileStreamResourceGetBucketBoundaries", num_features=1, want="INVALID_ARGUMENT")
    add = "BoostedTreesQuantileStreamResourceAddSummaries"
    s.step(add, [of_first], want="INVALID_ARGUMENT")
    s.step(add, [of_first[:, :3], of_second], want="INVALID_ARGUMENT")
    s.step(add, [of_first, of_second], want=None)
    s.step(add, [of_second, of_second], want=None)
    both = np.concatenate([first, second]), np.concatenate([weights, weights])
    s.step("BoostedTreesFlushQuantileSummaries", num_features=2,
           want=[trees.ranks(*both), trees.ranks(np.concatenate([second, second]), both[1])])  # fmt: skip
    s.step("BoostedTreesFlushQuantileSummaries", num_features=2, want=[np.zeros((0, 4), F)] * 2)  # they began anew
    s.step(add, [of_first, of_second], want=None)
    s.step("BoostedTreesQuantileStreamResourceFlush", np.int64(0), want="INVALID_ARGUMENT")
    s.step("BoostedTreesQuantileStreamResourceFlush", np.int64(100), want=None)  # more than there are: all of them
    s.step(
        "BoostedTreesQuantileStreamResourceGetBucketBoundaries", num_features=2, want=[of_first[:, 0], of_second[:, 0]]
    )
    s.step("BoostedTreesQuantileStreamResourceDeserialize", [F([1, 2]), F([])], want=None)
    s.step("BoostedTreesQuantileStreamResourceGetBucketBoundaries", num_features=2, want=[F([1, 2]), F([])])
    # Each fourth of the numbers 1 to 9 of weight 1.
    s.step(add, [trees.ranks(np.arange(1, 10), 1.0)] * 2, want=None)
    s.step("BoostedTreesQuantileStreamResourceFlush", np.int64(5), generate_quantiles=True, want=None)
    s.step("BoostedTreesQuantileStreamResourceGetBucketBoundaries", num_features=2, want=[F([1, 3, 5, 7, 9])] * 2)
    s.end()


quantiles()
