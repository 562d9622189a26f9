"""Seeded random ops give TensorFlow's bits, step after step, under its rule for graph and op seeds."""

import numpy as np
import pytest

from oracle import cache
from oracle import tensorflow_side as reference
from oracle.tenon_side import Graph
from tenon import _thin

STEPS = 3
# Sizes around the generator's blocks of four, and more than one thread's share.
SHAPES = ([], [1], [3], [4], [5], [17], [2, 3, 5], [300001])


def _array(*values):
    return np.array(values, np.int32)


STATEFUL = [
    (op, [_array(*shape)], {"dtype": dtype})
    for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal")
    for dtype in ("float32", "float64", "float16", "bfloat16")
    for shape in (SHAPES if dtype in ("float32", "float64") else SHAPES[2:6])
]
STATEFUL += [
    ("RandomUniformInt", [_array(7, 9), np.array(lo, dtype), np.array(hi, dtype)], {})
    for dtype in ("int32", "int64")
    for lo, hi in ((0, 10), (-5, 1000), (-(2**31), 2**31 - 1))
]
STATEFUL += [("RandomShuffle", [np.arange(n, dtype=np.int32)], {}) for n in (0, 1, 2, 10, 1000)]
STATEFUL += [("RandomShuffle", [np.arange(12, dtype=np.float32).reshape(6, 2)], {})]
STATEFUL += [
    ("Multinomial", [np.linspace(-1, 1, 3 * c).reshape(3, c).astype(t), np.array(n, np.int32)], {"output_dtype": out})
    for c, n, t, out in ((4, 5, "float32", "int64"), (10, 100, "float64", "int32"), (1, 3, "float32", "int32"))
]
STATEFUL += [("RandomGamma", [_array(50), np.array(alpha, "float32")], {}) for alpha in ([0.5], [1.0, 3.0])]
STATEFUL += [
    ("RandomPoissonV2", [_array(50), np.array(rate, "float32")], {"dtype": "int32"}) for rate in ([0.5, 3.0], [50.0])
]
STATEFUL += [
    ("ParameterizedTruncatedNormal", [_array(40), *(np.array(v, "float32") for v in (0.5, 2.0, -1.0, 3.0))], {}),
]

SEEDS = [(None, 7), (5, None), (5, 7), (0, 0), (2**31 - 1, -3)]
STATELESS = [
    (op, [_array(*shape), np.array(seed, np.int64)], {"dtype": dtype})
    for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal")
    for dtype in ("float32", "float64", "float16", "bfloat16")
    for shape, seed in (([5], [1, 2]), ([33, 7], [2**40, -1]))
]
STATELESS += [
    ("StatelessRandomUniformInt", [_array(40), _array(3, 4), np.array(-3, d), np.array(100, d)], {"dtype": d})
    for d in ("int32", "int64")
]
STATELESS += [
    ("StatelessRandomUniformFullInt", [_array(9), _array(3, 4)], {"dtype": d}) for d in ("int32", "int64", "uint64")
]
STATELESS += [
    ("StatelessMultinomial", [np.log([[0.1, 0.4, 0.5]]), np.array(20, "i"), _array(1, 2)], {"output_dtype": "int64"})
]
KEY, COUNTER, PHILOX = np.array([0x1234567890], np.uint64), np.array([7, 2**63], np.uint64), np.array(1, np.int32)
STATELESS += [
    (f"{op}V2", [_array(*shape), KEY, COUNTER, PHILOX], {"dtype": dtype})
    for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal")
    for dtype in ("float32", "float64", "float16", "bfloat16")
    for shape in ([5], [33, 7])
]
STATELESS += [
    ("StatelessRandomUniformIntV2", [_array(40), KEY, COUNTER, PHILOX, np.array(-3, d), np.array(100, d)], {"dtype": d})
    for d in ("int32", "int64", "uint32", "uint64")
    if not d.startswith("u")
]
STATELESS += [
    ("StatelessRandomUniformFullIntV2", [_array(9), KEY, COUNTER, PHILOX], {"dtype": d}) for d in ("int32", "uint64")
]


def _steps(graph, run_session, op, inputs, attrs):
    """The fetched values of some steps."""
    fetch = graph.op(op, *(graph.constant(x) for x in inputs), **attrs)
    with run_session() as session:
        return [np.array(session.run(fetch)) for _ in range(STEPS)]


def _in_tensorflow(op, inputs, attrs, graph_seed, op_seed):
    with reference.Graph() as graph:
        if graph_seed is not None:
            graph.v1.set_random_seed(graph_seed)
        if op.startswith("Stateless"):
            seeds = {}
        else:
            seeds = dict(zip(("seed", "seed2"), graph.v1.get_seed(op_seed)))
        return _steps(graph, lambda: reference.session(graph), op, inputs, {**attrs, **seeds})


def _in_tenon(op, inputs, attrs, graph_seed, op_seed, **options):
    graph = Graph()
    if graph_seed is not None:
        graph.graph.set_seed(graph_seed)
    seeds = {}
    if not op.startswith("Stateless"):
        seeds = dict(zip(("seed", "seed2"), graph.graph.get_seed(op_seed)))
    return _steps(graph, lambda: _thin.Session(graph.graph, **options), op, inputs, {**attrs, **seeds})


def _id(question):
    op, inputs, attrs, *seeds = question
    shape = inputs[0].tolist() if inputs[0].size < 8 else list(inputs[0].shape)
    parts = [op, str(shape).replace(" ", ""), *map(str, attrs.values()), *map(str, seeds)]
    return "-".join(parts)


QUESTIONS = [(*q, *SEEDS[i % len(SEEDS)]) for i, q in enumerate(STATEFUL)]
QUESTIONS += [(*STATEFUL[2], *seeds) for seeds in SEEDS] + [(*q, None, None) for q in STATELESS]


@pytest.mark.xdist_group("random_bits")
@pytest.mark.parametrize("question", QUESTIONS, ids=_id)
def test_bits(question):
    from tenon import _core

    if question[0] not in _core.op_names():
        pytest.skip(f"no op {question[0]} yet")
    parts = [question[0], question[1], sorted(question[2].items()), question[3:]]
    want = cache.remember(cache.key("bits", *parts), lambda: _in_tensorflow(*question))
    for options in ({}, {"dynamic_only": True}, {"intra_op_threads": 1}):
        got = _in_tenon(*question, **options)
        for step, (a, b) in enumerate(zip(got, want)):
            assert a.dtype == b.dtype and a.shape == b.shape
            wrong = np.flatnonzero(a.reshape(-1).view(f"V{a.itemsize}") != b.reshape(-1).view(f"V{b.itemsize}"))
            assert not wrong.size, (
                f"{options}, step {step}: {wrong.size} of {a.size} differ, at {wrong[0]}: "
                f"{a.reshape(-1)[wrong[0]]!r}, expected {b.reshape(-1)[wrong[0]]!r}"
            )
