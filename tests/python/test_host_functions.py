"""Graphs that call Python functions."""

import threading

import numpy as np
import pytest

from tenon import _host, _thin
from tenon._thin import errors


@pytest.fixture
def token():
    """registers functions for one test"""
    made = []

    def register(function):
        made.append(_host.register(function))
        return made[-1]

    yield register
    for name in made:
        _host.unregister(name)


def call(graph, token, inputs, outputs, op="PyFunc"):
    return graph.op(op, list(inputs), token=token, Tout=list(outputs))


@pytest.mark.parametrize("op", ["PyFunc", "PyFuncStateless", "EagerPyFunc"])
def test_arrays_in_and_out(token, op):
    graph = _thin.Graph()
    x = graph.placeholder("float32", [None])
    name = token(lambda a, b: (a * b, np.array([b"one", b"two"], object), np.int64(a.size)))
    product, texts, size = call(graph, name, [x, graph.constant(np.float32(2))], ["float32", "string", "int64"], op)
    with _thin.Session(graph) as session:
        for n in (3, 5):
            value, words, count = session.run([product, texts, size], {x: np.arange(n, dtype="f")})
            np.testing.assert_array_equal(value, 2 * np.arange(n, dtype="f"))
            assert words.tolist() == [b"one", b"two"] and count == n


def test_what_it_keeps_and_changes_is_its_own(token):
    """The function may write to its inputs, and to what it returned before."""
    graph = _thin.Graph()
    x = graph.op("Neg", graph.placeholder("float32", [3], name="x"))
    buffer = np.zeros(3, "f")

    def function(a):
        a += 1
        buffer[:] = a
        return buffer

    (out,) = call(graph, token(function), [x], ["float32"])
    both = call(graph, token(lambda a: a * 10), [out], ["float32"])
    with _thin.Session(graph) as session:
        first = session.run([x, out, both[0]], {graph.tensor("x:0"): np.ones(3, "f")})
        session.run(out, {graph.tensor("x:0"): np.full(3, 7, "f")})
    np.testing.assert_array_equal(first[0], [-1, -1, -1])
    np.testing.assert_array_equal(first[1], [0, 0, 0])
    np.testing.assert_array_equal(first[2], [0, 0, 0])


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (ValueError("bad"), errors.InvalidArgumentError),
        (StopIteration(), errors.OutOfRangeError),
        (KeyError("k"), errors.UnknownError),
        (NotImplementedError("no"), errors.UnimplementedError),
        (errors.DataLossError("lost"), errors.DataLossError),
    ],
)
def test_exceptions_become_errors(token, exception, expected):
    graph = _thin.Graph()

    def fails():
        raise exception

    node = graph.op("PyFunc", [], token=token(fails), Tout=["float32"], name="caller")
    with _thin.Session(graph) as session, pytest.raises(expected, match="PyFunc 'caller'"):
        session.run(node)


def test_wrong_results(token):
    graph = _thin.Graph()
    two = call(graph, token(lambda: (1.0, 2.0)), [], ["float64"])
    double = call(graph, token(lambda: 1.0), [], ["float32"])
    unknown = call(graph, "nobody", [], ["float32"])
    with _thin.Session(graph) as session:
        with pytest.raises(errors.InvalidArgumentError, match="returns 2 values, but expects to see 1"):
            session.run(two)
        with pytest.raises(errors.InvalidArgumentError, match="is float64, but expects float32"):
            session.run(double)
        with pytest.raises(errors.InvalidArgumentError, match="callback nobody is not found"):
            session.run(unknown)


def test_a_step_within_a_step_and_many_threads(token):
    graph = _thin.Graph()
    x = graph.placeholder("float64", [])
    square = graph.op("Square", x)
    with _thin.Session(graph) as session:
        inner = token(lambda a: session.run(square, {x: a + 1}))
        (out,) = call(graph, inner, [x], ["float64"])
        found = []

        def run(i):
            found.append((i, session.run(out, {x: np.float64(i)})))

        threads = [threading.Thread(target=run, args=[i]) for i in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    assert sorted(found) == [(i, (i + 1.0) ** 2) for i in range(8)]
