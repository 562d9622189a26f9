"""What Print and Assert show equals what TensorFlow shows."""

import os
import tempfile

import numpy as np
import pytest

from oracle import cache, tenon_side, tensorflow_side

VALUES = [
    np.arange(5, dtype="float32"),
    np.array([[1, 2, 3], [4, 5, 6]], "int32"),
    np.arange(12, dtype="int64").reshape(2, 3, 2),
    np.array([1 / 3, 1e10, 1e-7, -0.0, np.nan, np.inf, -np.inf, 123456.7, 16777216], "float32"),
    np.array([1 / 3, 1e10, 1e-7, 1e300, 0.1, 123456789.125], "float64"),
    np.array([2.5, 1 / 3, 65504], "float16"),
    np.array([True, False]),
    np.array([b"plain", b"quote\"'", b"line\n\ttab\\", "ä".encode() + b"\x00"], object),
    np.array(7, "int8"),
    np.array(2.5, "float32"),
    np.zeros((0, 3), "float32"),
    np.array([200, 3], "uint8"),
    np.array([1 + 2j], "complex64"),
]


def shown(run):
    """What RUN() writes to the standard error stream."""
    keep = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            run()
        finally:
            os.dup2(keep, 2)
            os.close(keep)
        file.seek(0)
        return file.read()


def print_once(side, session, summarize):
    with side.Graph() as g:
        x = g.constant(np.float32(1) * np.ones(2, "float32"))
        node = g.op("Print", x, [g.constant(v) for v in VALUES], message="message: ", summarize=summarize)
        with session(g) as s:
            return shown(lambda: s.run([node]))


def assert_once(side, session, summarize):
    with side.Graph() as g:
        node = g.op("Assert", g.constant(np.array(False)), [g.constant(v) for v in VALUES], summarize=summarize)
        with session(g) as s:
            try:
                s.run([getattr(node, "op", node)])
            except Exception as error:
                return str(error)
    return "no error"


def tenon_session(g):
    from tenon import _thin

    return _thin.Session(g.graph)


def expected(ask, summarize):
    """TensorFlow's answer to ASK(side, session, summarize)."""
    key = cache.key(ask.__name__, str(VALUES), summarize)
    return cache.remember(key, lambda: ask(tensorflow_side, tensorflow_side.session, summarize))


@pytest.mark.parametrize("summarize", [-1, 0, 1, 3, 5, 100])
def test_print(summarize):
    assert print_once(tenon_side, tenon_session, summarize) == expected(print_once, summarize)


@pytest.mark.parametrize("summarize", [1, 3, 100])
def test_assert(summarize):
    want = expected(assert_once, summarize)
    text = want[want.index("assertion failed: ") :].split(" \n\t")[0].split("\n\t [[")[0]
    assert text.strip() in assert_once(tenon_side, tenon_session, summarize)


def test_first_n():
    """Only the first steps print."""
    with tenon_side.Graph() as g:
        x = g.constant(np.array([1, 2], "int32"))
        node = g.op("Print", x, [x], message="x", first_n=2)
        with tenon_session(g) as s:
            assert shown(lambda: [s.run([node]) for _ in range(4)]) == b"x[1 2]\n" * 2


def test_print_v2_to_a_file(tmp_path):
    path = tmp_path / "out.txt"
    with tenon_side.Graph() as g:
        node = g.op("PrintV2", g.constant(np.array(b"text", object)), output_stream=f"file://{path}", end=";")
        shout = g.op("PrintV2", g.constant(np.array(b"loud", object)))
        with tenon_session(g) as s:
            s.run([node])
            s.run([node])
            assert shown(lambda: s.run([shout])) == b"loud\n"
    assert path.read_bytes() == b"text;text;"
