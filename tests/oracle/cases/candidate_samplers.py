"""Candidate samplers: bits equal to TensorFlow's, step after step; accidental hits."""

import numpy as np

from oracle.api import bad, case, program

INVALID = "INVALID_ARGUMENT"
TRUE = np.array([[1, 4], [0, 7], [2, 2]], "int64")
SEEDS = {"seed": 3, "seed2": 4}
RANGED = [
    "UniformCandidateSampler",
    "LogUniformCandidateSampler",
    "LearnedUnigramCandidateSampler",
    "ThreadUnsafeUnigramCandidateSampler",
]

for op in RANGED:
    for unique in (False, True):
        for sampled, width in ((1, 8), (5, 10), (8, 8), (13, 1000), (64, 4096)):
            case(op, TRUE, num_true=2, num_sampled=sampled, unique=unique, range_max=width, rtol=1e-6, **SEEDS)
    case(op, TRUE[:0], num_true=2, num_sampled=3, unique=True, range_max=9, **SEEDS)
    bad(op, TRUE, num_true=2, num_sampled=9, unique=True, range_max=8, code=INVALID, **SEEDS)
    bad(op, TRUE, num_true=1, num_sampled=2, unique=True, range_max=8, code=INVALID, **SEEDS)
    bad(op, TRUE[0], num_true=2, num_sampled=2, unique=True, range_max=8, code=INVALID, **SEEDS)


def several_steps(op):
    def build(g):
        classes = g.placeholder("int64", [None, 2])
        outputs = g.op(op, classes, num_true=2, num_sampled=7, unique=True, range_max=11, **SEEDS)
        return [(outputs, {classes: TRUE + i}) for i in range(4)]

    return build


for op in RANGED:
    program(f"{op}: four steps", several_steps(op))

WEIGHTS = [5.0, 1.0, 0.5, 3.25, 9.0, 1.0, 0.125, 7.0]
FIXED = {"num_true": 2, **SEEDS}
for unique in (False, True):
    for options in (
        {"range_max": 8},
        {"range_max": 8, "distortion": 0.75},
        {"range_max": 10, "num_reserved_ids": 2},
        {"range_max": 4, "num_shards": 2, "shard": 1},
    ):
        case(
            "FixedUnigramCandidateSampler", TRUE % 4, num_sampled=3, unique=unique, unigrams=WEIGHTS, rtol=1e-6,
            **options, **FIXED,
        )  # fmt: skip
case("FixedUnigramCandidateSampler", TRUE, num_sampled=40, unique=False, unigrams=WEIGHTS, range_max=8, **FIXED)
bad(
    "FixedUnigramCandidateSampler",
    TRUE,
    num_sampled=3,
    unique=True,
    range_max=9,
    unigrams=WEIGHTS,
    code=INVALID,
    **FIXED,
)
bad("FixedUnigramCandidateSampler", TRUE, num_sampled=3, unique=True, range_max=9, code=INVALID, **FIXED)

case("AllCandidateSampler", TRUE, num_true=2, num_sampled=9, unique=True)
bad("AllCandidateSampler", TRUE, num_true=3, num_sampled=9, unique=True, code=INVALID)

SAMPLED = np.array([7, 5, 2, 2, 1], "int64")
case("ComputeAccidentalHits", TRUE, SAMPLED, num_true=2)
case("ComputeAccidentalHits", TRUE, SAMPLED[:0], num_true=2)
case("ComputeAccidentalHits", TRUE + 100, SAMPLED, num_true=2)
bad("ComputeAccidentalHits", TRUE, SAMPLED, num_true=3, code=INVALID)
bad("ComputeAccidentalHits", TRUE[0], SAMPLED, num_true=2, code=INVALID)
bad("ComputeAccidentalHits", TRUE, TRUE, num_true=2, code=INVALID)
for op in RANGED:
    bad(op, TRUE, num_true=2, num_sampled=3, unique=False, range_max=7, code=INVALID, **SEEDS)
