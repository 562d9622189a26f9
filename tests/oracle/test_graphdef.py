"""GraphDefs go both ways: TensorFlow runs what Tenon writes, Tenon runs and differentiates what TensorFlow writes."""

import numpy as np
import pytest

from oracle import cache, compare
from oracle import tensorflow_side as reference
from oracle.api import numpy_dtype
from tenon import _core, _thin

pytestmark = pytest.mark.xdist_group("graphdef")

DTYPES = [
    "float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "bool", "complex64", "complex128", "string", "float8_e5m2", "float8_e4m3fn", "int4", "uint4",
]  # fmt: skip
SHAPES = [(), (1,), (3,), (2, 0), (2, 3)]


def values(dtype, shape):
    """Distinct values, and all the same (which TensorFlow writes as one)."""
    n = int(np.prod(shape))
    if dtype == "string":
        distinct = np.array([*(b"x" * i + b"\0\xff" for i in range(n)), None], object)[:-1]
        return [distinct.reshape(shape), np.array([*([b"same"] * n), None], object)[:-1].reshape(shape)]
    kind = numpy_dtype(dtype)
    distinct = (np.arange(n) % 8).astype(np.float32).astype(kind).reshape(shape)
    return [distinct, np.full(shape, 1).astype(kind)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_constants_from_tensorflow(dtype):
    def ask():
        with reference.Graph() as graph:
            wanted = [v for shape in SHAPES for v in values(dtype, shape)]
            protos = [graph.tf.make_tensor_proto(v, dtype=dtype) for v in wanted]
            names = [graph.op("Const", value=proto, dtype=dtype).name for proto in protos]
            return graph.graph.as_graph_def().SerializeToString(), names, wanted

    definition, names, wanted = cache.remember(cache.key("constants", dtype), ask)
    graph = _thin.Graph()
    graph.import_graph_def(definition)
    with _thin.Session(graph) as session:
        for name, want in zip(names, wanted):
            got = session.run(graph.tensor(name))
            assert not compare.difference(got, want, {"exact": True}), name


@pytest.mark.parametrize("dtype", DTYPES)
def test_constants_to_tensorflow(dtype):
    graph = _thin.Graph()
    wanted = [v for shape in SHAPES for v in values(dtype, shape)]
    names = [graph.constant(v, dtype).op.name for v in wanted]
    tf = reference.modules()[0]
    definition = tf.compat.v1.GraphDef.FromString(graph.as_graph_def())
    found = {node.name: node.attr["value"].tensor for node in definition.node}
    for name, want in zip(names, wanted):
        got = tf.make_ndarray(found[name])
        assert not compare.difference(got.astype(want.dtype), want, {"exact": True}), name


def perceptron(g, x):
    """A network with a convolution, on either builder."""
    stream = np.random.RandomState(3)

    def weight(*shape):
        return g.constant(stream.uniform(-0.5, 0.5, shape).astype("f"))

    h = g.op("Conv2D", x, weight(3, 3, 2, 4), strides=[1, 1, 1, 1], padding="SAME", name="conv")
    h = g.op("Relu", g.op("BiasAdd", h, weight(4)))
    h = g.op("MaxPool", h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    h = g.op("Reshape", h, g.constant(np.array([-1, 64], "i")))
    h = g.op("MatMul", h, weight(10, 64), transpose_b=True)
    parts = g.op("Split", g.constant(np.int32(1)), h, num_split=2)
    h = g.op("ConcatV2", [parts[1], parts[0]], g.constant(np.int32(1)))
    return g.op("Softmax", h, name="probabilities")


IMAGES = np.random.RandomState(4).uniform(-1, 1, (3, 8, 8, 2)).astype("f")


def test_tensorflow_runs_what_tenon_writes():
    from oracle import tenon_side

    ours = tenon_side.Graph()
    x = ours.placeholder("float32", [None, 8, 8, 2], "x")
    with ours.graph.name_scope("deep"), ours.graph.device("/device:CPU:0"):
        y = perceptron(ours, x)
    # A string that is no text, every kind of list, a control edge, an attribute that begins with '_'.
    with ours.graph.control_dependencies([x.op]):
        ours.op("Const", value=np.array(b"\xff\0", object), dtype="string", _note=b"\xfe", _numbers=[1, 2])
    with _thin.Session(ours.graph) as session:
        want = session.run(y, {x: IMAGES})
    tf, v1, _, _ = reference.modules()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(v1.GraphDef.FromString(ours.graph.as_graph_def()), name="")
        with v1.Session(graph=graph, config=reference.config()) as session:
            got = session.run(y.name, {"x:0": IMAGES})
        assert graph.get_operation_by_name(y.op.name).device == "/device:CPU:0"
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_tenon_writes_what_it_read():
    def ask():
        with reference.Graph() as graph:
            perceptron(graph, graph.placeholder("float32", [None, 8, 8, 2], "x"))
            loop(graph.tf, graph.v1)
            return graph.graph.as_graph_def().SerializeToString()

    definition = cache.remember(cache.key("written", 1), ask)
    graph = _thin.Graph()
    graph.import_graph_def(definition)
    v1 = reference.modules()[1]
    want = {node.name: node for node in v1.GraphDef.FromString(definition).node}
    got = {node.name: node for node in v1.GraphDef.FromString(graph.as_graph_def()).node}
    assert sorted(got) == sorted(want)
    for name, node in want.items():
        # TensorFlow leaves out defaults nowhere, but notes the output shapes, which nobody needs.
        keep = [key for key in node.attr if key != "_output_shapes"]
        assert got[name].op == node.op and sorted(got[name].input) == sorted(node.input), name
        for key in keep:
            same = got[name].attr[key] == node.attr[key]
            if key == "value":
                tf = reference.modules()[0]
                a, b = (tf.make_ndarray(n.attr[key].tensor) for n in (got[name], node))
                same = a.dtype == b.dtype and np.array_equal(a, b)
            assert same, f"{name}: {key}: {got[name].attr[key]}, expected {node.attr[key]}"


# --- control flow of version 1: values and gradients ---


def loop(tf, v1):
    """x -> several rounds of tanh(x * w + b), with x and w to differentiate by."""
    x, w = v1.placeholder(tf.float64, [2, 3], "loop_x"), v1.placeholder(tf.float64, [3, 3], "loop_w")

    def body(i, h):
        return i + 1, tf.tanh(tf.matmul(h, w) + 0.1)

    y = v1.while_loop(lambda i, h: i < 4, body, [tf.constant(0), x])[1]
    return [x, w], y


def growing(tf, v1):
    """A loop that runs until the value is large: the number of rounds depends on the data."""
    x = v1.placeholder(tf.float64, [3], "x")
    y = v1.while_loop(lambda h: tf.reduce_sum(h) < 50.0, lambda h: [h * h + 0.5], [x])
    return [x], y


def nested(tf, v1):
    x = v1.placeholder(tf.float64, [2], "x")

    def inner(h):
        return v1.while_loop(lambda j, g: j < 3, lambda j, g: (j + 1, g * x + 0.1), [tf.constant(0), h])[1]

    y = v1.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, tf.sin(inner(h))), [tf.constant(0), x])[1]
    return [x], y


def branch(tf, v1):
    x = v1.placeholder(tf.float64, [3], "x")
    z = v1.placeholder(tf.float64, [3], "z")
    return [x, z], v1.cond(tf.reduce_sum(x) > 0.0, lambda: x * z, lambda: tf.exp(z))


def branch_in_loop(tf, v1):
    x = v1.placeholder(tf.float64, [3], "x")

    def body(i, h):
        return i + 1, v1.cond(tf.equal(i % 2, 0), lambda: h * x, lambda: tf.sin(h) + x)

    return [x], v1.while_loop(lambda i, h: i < 5, body, [tf.constant(0), x])[1]


def arrays(tf, v1):
    """A TensorArray that is written in a loop, as dynamic_rnn does."""
    x = v1.placeholder(tf.float64, [4, 3], "x")
    source = tf.TensorArray(tf.float64, 4).unstack(x)
    target = tf.TensorArray(tf.float64, 4)

    def body(i, state, out):
        state = tf.tanh(state + source.read(i))
        return i + 1, state, out.write(i, state)

    loop_vars = [tf.constant(0), tf.zeros([3], tf.float64), target]
    return [x], v1.while_loop(lambda i, s, o: i < 4, body, loop_vars)[2].stack()


def embedded(tf, v1):
    """Gathers inside and outside: sparse gradients."""
    table = v1.placeholder(tf.float64, [6, 2], "table")
    rows = tf.gather(table, [1, 4, 1])
    y = v1.while_loop(
        lambda i, h: i < 3, lambda i, h: (i + 1, h + tf.gather(table, [i, i, 5])), [tf.constant(0), rows]
    )[1]  # fmt: skip
    return [table], tf.square(y)


PROGRAMS = {f.__name__: f for f in (loop, growing, nested, branch, branch_in_loop, arrays, embedded)}
SIGNS = {"branch": (1.0, -1.0)}


def ask_program(name, sign):
    """(GraphDef, names of xs and y, feeds, value, gradients) from TensorFlow."""
    stream = np.random.RandomState(5)
    with reference.Graph() as graph:
        xs, y = PROGRAMS[name](graph.tf, graph.v1)
        y = y[0] if isinstance(y, (list, tuple)) else y
        definition = graph.graph.as_graph_def().SerializeToString()
        feeds = {x: sign * stream.uniform(0.2, 1.2, x.shape.as_list()) for x in xs}
        found = [graph.tf.convert_to_tensor(g) for g in graph.v1.gradients(y, xs)]
        with reference.session(graph) as session:
            value, gradients = session.run([y, found], feeds)
        return definition, [x.name for x in xs], y.name, list(feeds.values()), value, gradients


@pytest.mark.parametrize("name,sign", [(n, s) for n in PROGRAMS for s in SIGNS.get(n, (1.0,))])
def test_gradients_of_control_flow(name, sign):
    import inspect

    key = cache.key("control", name, sign, inspect.getsource(PROGRAMS[name]))
    if name == "arrays" and "TensorArrayV3" not in _core.op_names():
        pytest.skip("no tensor arrays yet")
    definition, xs, y, fed, value, gradients = cache.remember(key, lambda: ask_program(name, sign))
    graph = _thin.Graph()
    graph.import_graph_def(definition)
    xs, y = [graph.tensor(x) for x in xs], graph.tensor(y)
    feeds = dict(zip(xs, fed))
    with _thin.Session(graph) as session:
        assert not compare.difference(session.run(y, feeds), value, {})
    found = graph.gradients(y, xs)
    for options in ({}, {"dynamic_only": True, "disabled_passes": "all"}):
        with _thin.Session(graph, **options) as session:
            for x, got, want in zip(xs, session.run(found, feeds), gradients):
                assert not compare.difference(got, want, {}), f"gradient by {x.name} {options}"


def test_second_order():
    """A gradient of a gradient, through products and powers."""

    def ask():
        with reference.Graph() as graph:
            x = graph.v1.placeholder(graph.tf.float64, [3], "x")
            y = graph.tf.sin(x) * x**3
            first = graph.v1.gradients(y, x)[0]
            second = graph.v1.gradients(first, x)[0]
            definition = graph.v1.graph_util.extract_sub_graph(graph.graph.as_graph_def(), [y.op.name])
            with reference.session(graph) as session:
                return definition.SerializeToString(), y.name, session.run([first, second], {x: [0.5, -1.0, 2.0]})

    definition, y, (first, second) = cache.remember(cache.key("second", 1), ask)
    graph = _thin.Graph()
    graph.import_graph_def(definition)
    x = graph.tensor("x:0")
    one = graph.gradients(graph.tensor(y), x)[0]
    two = graph.gradients(one, x)[0]
    with _thin.Session(graph) as session:
        got = session.run([one, two], {x: np.array([0.5, -1.0, 2.0])})
    np.testing.assert_allclose(got, [first, second], rtol=1e-9)
