"""Keras models as DOT text and SVG pictures: the graph is that of tf_keras, with our Dot in the place of pydot."""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import tenon
from api.both import run, tensorflow
from tenon.python.keras.utils import dot as dots
from tenon.python.keras.utils import dot_svg

SVG = "{http://www.w3.org/2000/svg}"


def chain(keras):
    return keras.Sequential([keras.layers.Dense(3, input_shape=(4,), name="a"), keras.layers.Dense(1, name="b")], "m")


def branches(keras):
    x, z = keras.Input((4,), name="x"), keras.Input((3,), name="z")
    a = keras.layers.Dense(3, name="a")(x)
    y = keras.layers.Add(name="sum")([a, z, keras.layers.Dense(3, name="far")(keras.layers.Dense(2, name="b")(a))])
    return keras.Model([x, z], [y, a], name="m")


def nested(keras):
    inner = keras.Sequential([chain(keras), keras.layers.Dense(5, name="c")], name="inner")
    x = keras.Input((6, 4), name="x")
    y = keras.layers.TimeDistributed(inner, name="each")(x)
    y = keras.layers.TimeDistributed(keras.layers.Dense(4, name="d"), name="steps")(y)
    y = keras.layers.GlobalMaxPooling1D(name="p")(y)
    return keras.Model(x, keras.layers.Dense(1, name="e")(chain(keras)(y)), name="outer")


MODELS = {"chain": chain, "branches": branches, "nested": nested}


def structure(graph):
    """(labels of nodes, edges by labels, clusters), without identities."""
    names = {}

    def walk(part):
        for node in part.get_nodes():
            names[node.name] = re.split(r"[:|]", node.get_label())[0]
        for cluster in part.get_subgraphs():
            walk(cluster)

    def content(part):
        edges = sorted((names[e.source], names[e.target]) for e in part.get_edges())
        return [
            sorted(names[n.name] for n in part.get_nodes()),
            edges,
            [(c.name, content(c)) for c in part.get_subgraphs()],
        ]

    walk(graph)
    return content(graph)


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_graph(name, expand, monkeypatch):
    theirs = sys.modules[tensorflow().keras.utils.model_to_dot.__module__]
    monkeypatch.setattr(theirs, "pydot", dots)

    def program(tf):
        return structure(tf.keras.utils.model_to_dot(MODELS[name](tf.keras), expand_nested=expand))

    ours, theirs = run(tenon, program), run(tensorflow(), program)
    if name == "nested" and expand:  # what follows a model of a model follows its last layer, not the first model's
        assert ours[0] == theirs[0]
        assert len(ours[1]) == len(theirs[1])
    else:
        assert ours == theirs


def test_edges_of_expanded_models():
    with tenon.Graph().as_default():
        found = structure(tenon.keras.utils.model_to_dot(nested(tenon.keras), expand_nested=True))
        nodes, edges, clusters = found
        assert nodes == ["e", "each", "p", "steps(d)", "x"]
        assert edges == sorted([("x", "each"), ("each", "m_input"), ("c", "steps(d)"), ("steps(d)", "p"),
                                ("p", "a_input"), ("b", "e")])  # fmt: skip
        assert [c[0] for c in clusters] == ["cluster_inner", "cluster_m"]
        assert clusters[0][1][1] == [("b", "c"), ("m_input", "a_input")]

        keras, two = tenon.keras, branches(tenon.keras)
        x, z = keras.Input((4,), name="first"), keras.Input((3,), name="second")
        outer = keras.Model([x, z], keras.layers.Add(name="last")(two([x, z])))
        edges = structure(keras.utils.model_to_dot(outer, expand_nested=True))[1]
        assert edges == [("a", "last"), ("first", "x"), ("second", "z"), ("sum", "last")]


def test_text(tmp_path):
    with tenon.Graph().as_default():
        model = branches(tenon.keras)
        graph = tenon.keras.utils.model_to_dot(model, show_shapes=True, rankdir="LR", dpi=60)
        text = graph.to_string()
        ids = {str(id(layer)): layer.name for layer in model.layers}
        plain = re.sub(r"\d{6,}", lambda m: ids[m.group()], text)
        assert plain.startswith("digraph G {\nrankdir=LR;\nconcentrate=True;\ndpi=60;\nnode [shape=record];\n")
        assert 'a [label="a: Dense\\n|{input:|output:}|{{(None, 4)}|{(None, 3)}}"];' in plain
        assert "x -> a;\n" in plain
        assert plain.count("->") == 6
        assert "{[(None, 3), (None, 3), (None, 3)]}" in plain
        names = tenon.keras.utils.model_to_dot(model, show_layer_names=False).to_string()
        assert "label=Add]" in names and "sum" not in names
        path = tmp_path / "m.dot"
        assert graph.write_raw(str(path))
        assert path.read_text() == text
        assert graph.get_node(str(id(model.layers[0])))[0].get_label().startswith("x: InputLayer")
    assert dots.quoted('a "b"') == '"a \\"b\\""'
    assert [dots.quoted(v) for v in ("ab_1", -1.5, "node", "a b", "1a")] == ["ab_1", "-1.5", '"node"', '"a b"', '"1a"']


def middles(svg):
    """{first word of a box: (x, y)}"""
    return {t.text.split(":")[0]: (float(t.get("x")), float(t.get("y"))) for t in svg.iter(SVG + "text")}


@pytest.mark.parametrize(("rankdir", "axis", "sign"), [("TB", 1, 1), ("BT", 1, -1), ("LR", 0, 1), ("RL", 0, -1)])
def test_svg(rankdir, axis, sign, tmp_path, monkeypatch):
    monkeypatch.setattr(dots, "find_program", lambda name="dot": None)
    path = tmp_path / "m.svg"
    with tenon.Graph().as_default():
        tenon.keras.utils.plot_model(branches(tenon.keras), path, show_shapes=True, rankdir=rankdir, dpi=48)
    svg = ElementTree.parse(path).getroot()
    size = [float(v) for v in svg.get("viewBox").split()[2:]]
    assert float(svg.get("width")) == pytest.approx(size[0] / 2, abs=1)
    at = middles(svg)
    assert {"x", "z", "a", "b", "far", "sum", "(None, 4)"} <= set(at)
    order = [at[name][axis] * sign for name in ("x", "a", "b", "far", "sum")]
    assert order == sorted(order) and len(set(order)) == 5
    boxes = [[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in svg.iter(SVG + "rect")
             if r.get("x") is not None]  # fmt: skip
    assert all(x >= 0 and y >= 0 and x + w <= size[0] and y + h <= size[1] for x, y, w, h in boxes)
    for i, (x, y, w, h) in enumerate(boxes):  # fields touch; none covers another
        for a, b, c, d in boxes[:i]:
            assert min(x + w, a + c) - max(x, a) < 0.2 or min(y + h, b + d) - max(y, b) < 0.2
    assert sum(p.get("marker-end") is not None for p in svg.iter(SVG + "path")) == 6


def test_svg_of_nested_models_and_rings():
    with tenon.Graph().as_default():
        graph = tenon.keras.utils.model_to_dot(nested(tenon.keras), expand_nested=True)
        svg = ElementTree.fromstring(dot_svg.to_svg(graph))
    frames = [r for r in svg.iter(SVG + "rect") if r.get("stroke-dasharray")]
    assert len(frames) == 3
    assert {"inner", "m", "c"} <= set(middles(svg))
    ring = dots.Dot()
    for name in "ab":
        ring.add_node(dots.Node(name, label=f"<{name}> & {name}"))
    ring.add_edge(dots.Edge("a", "b"))
    ring.add_edge(dots.Edge("b", "a"))
    text = dot_svg.to_svg(ring)
    assert "&lt;a&gt; &amp; a" in text
    assert ElementTree.fromstring(dot_svg.to_svg(dots.Dot())).tag == SVG + "svg"


def test_programs_and_errors(tmp_path, monkeypatch):
    keras = tenon.keras
    with tenon.Graph().as_default():
        model = chain(keras)
        tool = tmp_path / "dot"
        tool.write_text('#!/bin/sh\nread first\necho "$1 $first"\n')
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        keras.utils.plot_model(model, str(tmp_path / "m.png"))
        assert (tmp_path / "m.png").read_text() == "-Tpng digraph G {\n"
        assert keras.utils.model_to_dot(model).create_svg() == b"-Tsvg digraph G {\n"
        assert keras.utils.model_to_dot(model).create(format="pdf") == b"-Tpdf digraph G {\n"
        tool.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
        with pytest.raises(dots.InvocationException, match="code 3: broken"):
            keras.utils.plot_model(model, str(tmp_path / "m.png"))
        monkeypatch.setenv("PATH", str(tmp_path / "none"))
        with pytest.raises(ImportError, match=r"You must install graphviz.*m\.png"):
            keras.utils.plot_model(model, str(tmp_path / "m.png"))
        with pytest.raises(FileNotFoundError, match='"dot" not found in path'):
            keras.utils.model_to_dot(model).create_png()
        keras.utils.plot_model(model, str(tmp_path / "m.dot"))
        assert (tmp_path / "m.dot").read_text().startswith("digraph G {\n")
        with pytest.raises(AttributeError, match="create_doc"):
            keras.utils.model_to_dot(model).create_doc()
        with pytest.raises(ValueError, match="has not yet been built"):
            keras.utils.plot_model(keras.Sequential([keras.layers.Dense(2)]), "m.svg")

        class Own(keras.Model):
            def call(self, x):
                return x

        own = Own(name="own")
        own(tenon.zeros([2, 3]))
        assert structure(keras.utils.model_to_dot(own)) == [["own"], [], []]
