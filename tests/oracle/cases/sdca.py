"""Dual coordinate ascent. TensorFlow takes the examples in an order that nobody can know: what is compared value by
value is one example, or examples that share no features; else what many passes converge to."""

import numpy as np

from oracle.api import bad, case, program, rand, var

INVALID = "INVALID_ARGUMENT"
F32, I64 = np.float32, np.int64
LOSSES = ("logistic_loss", "squared_loss", "hinge_loss", "smooth_hinge_loss", "poisson_loss")
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def inputs(sparse=(), dense=(), weights=(), labels=(), sparse_weights=(), dense_weights=(), state=None):
    """The op's inputs; SPARSE are (examples, features, values or None), those with values first."""
    states = np.zeros((len(weights), 4), "float32") if state is None else state
    return [
        [np.array(s[0], I64) for s in sparse], [np.array(s[1], I64) for s in sparse],
        [np.array(s[2], F32) for s in sparse if s[2] is not None], list(dense), np.array(weights, F32),
        np.array(labels, F32), [np.arange(len(w), dtype=I64) for w in sparse_weights],
        [np.array(w, F32) for w in sparse_weights], [np.array(w, F32) for w in dense_weights], states,
    ]  # fmt: skip


def options(given, loss, adaptive=None, l1=0.0, l2=1.0, partitions=1):
    """The op's attributes for the inputs GIVEN."""
    made = {"loss_type": loss, "num_sparse_features": len(given[0]), "num_sparse_features_with_values": len(given[2]),
            "num_dense_features": len(given[3]), "l1": l1, "l2": l2, "num_loss_partitions": partitions,
            "num_inner_iterations": 1}  # fmt: skip
    return made if adaptive is None else {**made, "adaptive": adaptive}


for loss in LOSSES:
    for label in (0, 1):
        for attrs in ({"l1": 0.05, "l2": 2.0, "partitions": 3}, {"adaptive": True}):
            # TensorFlow writes into the state that it is given: each case has its own.
            dual = np.array([[0.25 if label or loss == "poisson_loss" else -0.25, 0, 0, 0]], F32)
            sparse = [([0, 0], [2, 0], [1.5, -2])]
            one = inputs(sparse, [rand("float32", 1, 3)], [0.5], [label], [[0.1, 0, -0.3]], [[0.2, -0.1, 0.3]], dual)
            case("SdcaOptimizerV2", *one, **options(one, loss, **attrs), **CLOSE)
    apart = inputs([([0, 1, 1, 3], [4, 0, 1, 5], None)], [np.diag([1, 0, 0.5, 2]).astype(F32)], [1, 2, 0.5, 1],
                   [0, 1, 1, 0], [np.zeros(6)], [np.zeros(4)])  # fmt: skip
    case("SdcaOptimizer", *apart, **options(apart, loss, l2=0.5), adaptative=False, **CLOSE)
count = inputs(dense=[rand("float32", 1, 2)], weights=[1], labels=[7], dense_weights=[[0.1, 0.2]])
case("SdcaOptimizerV2", *count, **options(count, "poisson_loss"), **CLOSE)
count[9] = count[9].copy()
case("SdcaOptimizerV2", *count, **options(count, "squared_loss", l1=100.0), **CLOSE)
bad("SdcaOptimizerV2", *count, **options(count, "hinge_loss"), code=INVALID)
count[5] = -count[5]
bad("SdcaOptimizerV2", *count, **options(count, "poisson_loss"), code=INVALID)
none = inputs(dense=[rand("float32", 0, 2)], dense_weights=[[0.1, 0.2]])
case("SdcaOptimizerV2", *none, **options(none, "squared_loss"))

twice = inputs([([0, 0], [1, 1], None)], weights=[1], labels=[1], sparse_weights=[[0, 0]])
bad("SdcaOptimizerV2", *twice, **options(twice, "squared_loss"), code=INVALID)
beyond = inputs([([0, 0], [1, 2], None)], weights=[1], labels=[1], sparse_weights=[[0, 0]])
bad("SdcaOptimizerV2", *beyond, **options(beyond, "squared_loss"), code=INVALID)
uneven = inputs([([0, 0], [1], None)], weights=[1], labels=[1], sparse_weights=[[0, 0]])
bad("SdcaOptimizerV2", *uneven, **options(uneven, "squared_loss"), code=INVALID)
wide = inputs(dense=[rand("float32", 1, 3)], weights=[1], labels=[1], dense_weights=[[0.1, 0.2]])
bad("SdcaOptimizerV2", *wide, **options(wide, "squared_loss"), code=INVALID)
few = inputs(dense=[rand("float32", 2, 1)], weights=[1, 1], labels=[1], dense_weights=[[0.1]])
bad("SdcaOptimizerV2", *few, **options(few, "squared_loss"), code=INVALID)
states = inputs(
    dense=[rand("float32", 1, 1)], weights=[1], labels=[1], dense_weights=[[0.1]], state=np.zeros((1, 3), F32)
)
bad("SdcaOptimizerV2", *states, **options(states, "squared_loss"), code=INVALID)
empty = inputs(weights=[1], labels=[1])
bad("SdcaOptimizerV2", *empty, **options(empty, "squared_loss"), code=INVALID)


def passes(loss, adaptive, l1):
    """Sixty passes over overlapping examples: only the end is looked at."""
    x = np.random.RandomState(5).randn(30, 4).astype(F32)
    labels = (x @ [1, -2, 0.5, 0] > 0.3).astype(F32)

    def build(g):
        def variable(value, name):
            handle = g.op("VariableV2", shape=value.shape, dtype="float32", name=name)
            start.append(g.op("Assign", handle, g.constant(value)))
            return handle

        start = []
        weights, state = variable(np.zeros(4, F32), "w"), variable(np.zeros((30, 4), F32), "s")
        given = inputs(dense=[x], weights=np.ones(30), labels=labels, dense_weights=[np.zeros(4)])
        attrs = options(given, loss, adaptive, l1=l1, l2=3.0)
        parts = [[g.constant(v) for v in p] if isinstance(p, list) else g.constant(p) for p in given[:8]]
        new_state, delta = g.op("SdcaOptimizerV2", *parts, [weights], state, **attrs)
        update = [g.op("Assign", state, new_state), g.op("AssignAdd", weights, delta)]
        last = [g.op("Identity", weights)]
        ends = [g.op("Sum", update[0], g.constant(np.array([0, 1], np.int32))),
                g.op("Sum", update[1], g.constant(np.array([0], np.int32)))]  # fmt: skip
        zero = [g.op("Mul", end, g.constant(np.float32(0))) for end in ends]
        return [*start, *([zero] * 60), last]

    return build


for loss in ("logistic_loss", "squared_loss", "smooth_hinge_loss"):
    for adaptive in (False, True):
        program(f"sdca: {loss}, adaptive={adaptive}", passes(loss, adaptive, 0.5), rtol=5e-3, atol=5e-3)

case("SdcaShrinkL1", [var(np.array([0.5, -2, 0.1, -0.1, 0, np.inf, np.nan], F32)), var(rand("float32", 3, 2))],
     num_features=2, l1=0.5, l2=2.0)  # fmt: skip
case("SdcaShrinkL1", [], num_features=0, l1=0.5, l2=2.0)

for n in (
    0,
    1,
    3,
    4,
    7,
    8,
    15,
    16,
    17,
    24,
    31,
    32,
    33,
    40,
    64,
    100,
    127,
    128,
    143,
    144,
    145,
    160,
    176,
    200,
    255,
    256,
    300,
    400,
):
    case(
        "SdcaFprint", np.array([bytes(np.random.RandomState(n).randint(0, 256, n).astype(np.uint8)), b"x" * n], object)
    )
case("SdcaFprint", rand("string", 0))
bad("SdcaFprint", rand("string", 2, 2), code=INVALID)
