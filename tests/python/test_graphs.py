"""Graphs from Python: building, names, scopes, seeds, errors."""

from pathlib import Path

import numpy as np
import pytest

from tenon import _thin
from tenon._thin import errors


def test_the_example_of_the_documentation():
    text = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text()
    names = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    assert np.isfinite(names["value"])


def test_building():
    g = _thin.Graph()
    a, b = g.constant(np.ones((2, 3), "f")), g.constant(np.ones((2, 3), "f"))
    c = g.op("MatMul", a, b, transpose_b=True, name="product")
    assert (c.name, c.op.type, c.dtype, c.shape) == ("product:0", "MatMul", _thin.float32, (2, 2))
    assert c.op.inputs == (a, b) and g.tensor("product") is c and g.operation("product") == c.op
    assert g.operation("nothing") is None
    parts = g.op("Split", 0, c, num_split=2)
    assert len(parts) == 2 and parts[1].name == "Split:1"
    assert g.op("NoOp", control_inputs=[c.op]).control_inputs == (c.op,)
    assert _thin.Session(g).run(parts[0]).tolist() == [[3, 3]]


def test_python_values_become_constants_of_the_right_type():
    g = _thin.Graph()
    x = g.placeholder("float64", [3])
    assert g.op("AddV2", x, 1).dtype == _thin.float64
    assert g.op("AddV2", 1, x).dtype == _thin.float64
    assert g.op("Sum", x, [0]).shape == ()
    assert g.op("Pack", [x, [1, 2, 3]]).shape == (2, 3)
    assert g.constant(1).dtype == _thin.int32 and g.constant(1.0).dtype == _thin.float32
    assert g.constant("a").dtype == _thin.string and g.constant(2**40).dtype == _thin.int64


def test_names_scopes_and_devices():
    g = _thin.Graph()
    assert [g.op("NoOp", name="n").name for _ in range(3)] == ["n", "n_1", "n_2"]
    with g.name_scope("a"), g.name_scope("b"):
        assert g.op("NoOp", name="n").name == "a/b/n"
    with g.name_scope("a"):
        assert g.op("NoOp").name == "a_1/NoOp"
    assert g.unique_name("n") == "n_3"
    with g.device("/device:CPU:0"):
        assert g.op("NoOp").device == "/device:CPU:0"
    first = g.op("NoOp")
    with g.control_dependencies([first]):
        assert g.op("NoOp").control_inputs == (first,)
    with pytest.raises(errors.InvalidArgumentError), g.device("nonsense device"):
        pass


def test_seeds():
    g = _thin.Graph()
    assert g.get_seed(None) == (0, 0)
    assert g.get_seed(5) == (87654321, 5)
    g.set_seed(7)
    assert g.get_seed(5) == (7, 5)
    assert g.get_seed(None)[0] == 7


def test_shapes():
    g = _thin.Graph()
    x = g.placeholder("float32")
    assert x.shape is None
    x.set_shape([None, 3])
    assert x.shape == (None, 3)
    x.set_shape([2, None])
    assert x.shape == (2, 3)
    with pytest.raises(errors.InvalidArgumentError):
        x.set_shape([5, 3])
    with pytest.raises(ValueError):
        x.set_shape([1] * 9)


def test_errors_name_the_node():
    g = _thin.Graph()
    a = g.constant(np.ones((2, 3), "f"))
    with pytest.raises(errors.InvalidArgumentError) as caught:
        g.op("MatMul", a, a, name="layer1/MatMul")
    assert caught.value.op_type == "MatMul" and caught.value.node_name == "layer1/MatMul" and caught.value.code == 3
    other = g.constant(np.ones((3, 2)))
    before = g.n_nodes()
    for bad in (
        lambda: g.op("NoSuchOp"),
        lambda: g.op("MatMul", a, a, no_such_attr=1),
        lambda: g.op("MatMul", a),
        lambda: g.op("MatMul", a, other),
        lambda: g.op("Pack", [a], axis="three"),
        lambda: g.op("Pack", [a], axis=2**70),
        lambda: g.op("Sum", a, object()),
        lambda: g.add("NoOp", None, [(99, 0)], [], (), None),
        lambda: g.add("NoOp", None, [(0, 99)], [], (), None),
        lambda: g.add("NoOp", None, ["x"], [], (), None),
        lambda: g.add("NoOp", None, [], [("a", "nonsense", 1)], (), None),
        lambda: g.tensor("nothing:0"),
    ):
        with pytest.raises((errors.OpError, TypeError, ValueError, IndexError, OverflowError)):
            bad()
    assert g.n_nodes() == before


def test_text_from_outside_is_no_format():
    g = _thin.Graph()
    with pytest.raises(errors.OpError) as caught:
        g.op("%s%n%d")
    assert "%s%n%d" in str(caught.value)


def test_gradients():
    g = _thin.Graph()
    x = g.constant(np.array([1.0, 2.0, 3.0]))
    y = g.op("Mul", x, x)
    dx, none = g.gradients(y, [x, g.constant(1.0)])
    assert none is None
    assert _thin.Session(g).run(dx).tolist() == [2, 4, 6]
    table = g.constant(np.ones((5, 2)))
    rows = g.op("GatherV2", table, [1, 3], 0)
    (slices,) = g.gradients(rows, [table], sparse=True)
    assert isinstance(slices, _thin.IndexedSlices)
    assert _thin.Session(g).run(slices.indices).tolist() == [1, 3]
    (stopped,) = g.gradients(y, [x], stop_gradients=[y])
    assert stopped is None


def test_user_gradient():
    g = _thin.Graph()
    g.register_gradient("Twice", lambda op, dy: g.op("Mul", dy, 2.0))
    x = g.constant(np.ones(3))
    y = g.op("Identity", x, _gradient_op_type="Twice")
    assert _thin.Session(g).run(g.gradients(y, x)[0]).tolist() == [2, 2, 2]
    with pytest.raises(errors.AlreadyExistsError):
        g.register_gradient("Twice", lambda op, dy: dy)
    g.register_gradient("Fails", lambda op, dy: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        g.gradients(g.op("Identity", x, _gradient_op_type="Fails"), x)


def test_import_and_export():
    g = _thin.Graph()
    x = g.placeholder("float32", [2], name="x")
    g.op("Neg", x, name="y")
    h = _thin.Graph()
    mine = h.constant(np.array([1.0, 2.0], "f"))
    h.import_graph_def(g.as_graph_def(), "in", {"x:0": mine})
    assert _thin.Session(h).run("in/y:0").tolist() == [-1, -2]
    for junk in (b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", bytes([0x0A, 5]) * 3):
        before = h.n_nodes()
        with pytest.raises(errors.InvalidArgumentError):
            h.import_graph_def(junk)
        assert h.n_nodes() == before
