"""Values cross between NumPy and tensors: without a copy where they can, with the right copy where they can't."""

import gc
import sys

import numpy as np
import pytest

from tenon import _core, _thin

DTYPES = ["float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "bool", "complex64", "complex128"]  # fmt: skip


def value(array, dtype=None):
    return _core.Value(array, _thin.as_dtype(dtype or array.dtype).number)


def echo(dtype, shape=None):
    """(placeholder, identity of it, session)."""
    graph = _thin.Graph()
    x = graph.placeholder(dtype, shape)
    return x, graph.op("Identity", x), _thin.Session(graph)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3), (2, 1, 3, 1, 2, 1, 1, 2)])
def test_round_trip(dtype, shape):
    array = (np.arange(int(np.prod(shape))) % 7).astype(dtype).reshape(shape)
    got = np.asarray(value(array))
    assert got.dtype == array.dtype and got.shape == shape and np.array_equal(got, array)
    x, y, session = echo(dtype)
    got = session.run(y, {x: array})
    assert got.dtype == array.dtype and got.shape == shape and np.array_equal(got, array)


def test_a_value_is_wrapped_without_a_copy():
    v = value(np.arange(6, dtype="f"))
    a, b = np.asarray(v), np.asarray(v)
    assert a.__array_interface__["data"][0] == b.__array_interface__["data"][0] == v.address
    assert a.flags.writeable and v.address % 64 == 0


def test_results_outlive_their_session():
    x, y, session = echo("float32")
    got = session.run(y, {x: np.ones(1000, "f")})
    del session, x, y
    gc.collect()
    assert got.sum() == 1000


def test_what_is_fed_is_used_in_place_and_let_go():
    graph = _thin.Graph()
    x = graph.placeholder("float32")
    y = graph.op("Neg", x)
    array = np.ones(1000, "f")
    before = sys.getrefcount(array)
    with _thin.Session(graph) as session:
        for _ in range(3):
            session.run(y, {x: array})
            assert sys.getrefcount(array) == before
        array[:] = 2
        assert session.run(y, {x: array})[0] == -2


def test_results_are_the_callers_to_write():
    """Neither a constant, a variable nor what was fed changes when a result is written to."""
    graph = _thin.Graph()
    c = graph.constant(np.ones(4, "f"))
    v = graph.op("VariableV2", shape=[4], dtype="float32")
    x = graph.placeholder("float32", [4])
    same = graph.op("Identity", x)
    with _thin.Session(graph) as session:
        session.run(graph.op("Assign", v, c))
        fed = np.ones(4, "f")
        for fetch in (c, v, same):
            got = session.run(fetch, {x: fed})
            got += 1
            assert session.run(fetch, {x: fed}).tolist() == [1, 1, 1, 1]
            assert fed.tolist() == [1, 1, 1, 1]


def test_a_variable_does_not_follow_what_was_fed():
    graph = _thin.Graph()
    v = graph.op("VariableV2", shape=[4], dtype="float32")
    x = graph.placeholder("float32", [4])
    assign = graph.op("Assign", v, x)
    with _thin.Session(graph) as session:
        fed = np.ones(4, "f")
        session.run(assign.op, {x: fed})
        fed[:] = 5
        assert session.run(v).tolist() == [1, 1, 1, 1]


def test_unaligned_strided_and_foreign_arrays():
    x, y, session = echo("float32")
    raw = np.zeros(4 * 33 + 1, np.uint8)
    unaligned = raw[1:].view(np.float32)
    unaligned[:] = np.arange(33)
    matrix = np.arange(12, dtype="f").reshape(3, 4)
    for array in (unaligned, matrix.T, matrix[:, ::2], matrix[::-1], matrix.astype(">f4"), np.asfortranarray(matrix)):
        got = session.run(y, {x: array})
        assert np.array_equal(got, array) and got.dtype == np.float32


def test_casts_as_tensorflow_feeds():
    x, y, session = echo("float32")
    assert session.run(y, {x: [1, 2]}).tolist() == [1, 2]
    assert session.run(y, {x: np.arange(3)}).dtype == np.float32
    assert session.run(y, {x: 3}) == 3
    assert session.run(y, {x: memoryview(b"ab")}).tolist() == [97, 98]
    with pytest.raises((TypeError, ValueError)):
        session.run(y, {x: "text"})
    with pytest.raises((TypeError, ValueError)):
        session.run(y, {x: [[1], [2, 3]]})


@pytest.mark.parametrize("bits", [True, False])
def test_bfloat16(bits):
    x, y, session = echo("bfloat16")
    values = np.array([1.0, -2.5, 1.00390625, np.inf], "f")
    if bits:
        got = session.run(y, {x: (values.view(np.uint32) >> 16).astype(np.uint16)})
    else:
        got = session.run(y, {x: values})
    assert got.astype("f").tolist() == [1.0, -2.5, 1.0, np.inf]


def test_bfloat16_without_ml_dtypes():
    from tenon._convert import to_bfloat16_bits

    got = to_bfloat16_bits(np.array([1.0, 1.00390625, 1.01171875, np.nan], "f"))
    assert got.tolist() == [0x3F80, 0x3F80, 0x3F82, 0x7FC0]


def test_strings():
    x, y, session = echo("string")
    assert session.run(y, {x: "text"}) == b"text"
    got = session.run(y, {x: [["a", b"\0\xff"], ["", "é"]]})
    assert got.tolist() == [[b"a", b"\0\xff"], [b"", "é".encode()]] and got.dtype == object
    assert session.run(y, {x: np.zeros((0, 2), object)}).shape == (0, 2)
    assert session.run(y, {x: np.array([b"ab", b"c"])}).tolist() == [b"ab", b"c"]
    with pytest.raises(TypeError):
        session.run(y, {x: [1, 2]})


def test_too_many_dimensions():
    x, y, session = echo("float32")
    with pytest.raises((TypeError, ValueError, _thin.errors.OpError)):
        session.run(y, {x: np.zeros((1,) * 9, "f")})


def test_values_can_be_fed_again():
    graph = _thin.Graph()
    x = graph.placeholder("float32", [3])
    y = graph.op("Neg", x)
    core = _core.Session(graph)
    step = core.make_callable([x.ref], [y.ref], ())
    (once,) = step.run(np.ones(3, "f"))
    (twice,) = step.run(once)
    assert np.asarray(twice).tolist() == [1, 1, 1]


def test_no_leaks():
    """Steps, their values and graphs leave nothing behind."""
    graph = _thin.Graph()
    x = graph.placeholder("float32")
    y = graph.op("Neg", x)
    session = _thin.Session(graph)
    array = np.ones(8, "f")

    def step():
        session.run(y, {x: array})
        session.run({"a": [y]}, {x: [1.0, 2.0]})
        with pytest.raises(_thin.errors.OpError):
            _thin.Graph().op("MatMul", np.ones((2, 3), "f"), np.ones((2, 3), "f"))

    for _ in range(10):
        step()
    gc.collect()
    before = len(gc.get_objects()), sys.getrefcount(array), sys.getrefcount(None)
    for _ in range(50):
        step()
    gc.collect()
    after = len(gc.get_objects()), sys.getrefcount(array), sys.getrefcount(None)
    assert after[0] - before[0] < 200 and after[1] == before[1] and abs(after[2] - before[2]) < 500
