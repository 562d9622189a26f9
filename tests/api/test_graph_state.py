"""Scopes, dependencies, collections, registries and defaults of graphs; processes, threads and signals."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tenon
from api.both import both

ROOT = Path(__file__).resolve().parents[2]


def test_control_dependencies():
    def program(tf):
        a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
        with tf.control_dependencies([a]):
            c = tf.identity(b, name="c")
            d = tf.identity(c, name="d")
            e = tf.identity(a, name="e")
            with tf.control_dependencies([b, c.op]):
                f = tf.no_op(name="f")
                with tf.control_dependencies(None):
                    g = tf.no_op(name="g")
        return [sorted(op.name for op in x.control_inputs) for x in (c.op, d.op, e.op, f, g)]

    both(program)


def test_names():
    def program(tf):
        g = tf.get_default_graph()
        found = [g.unique_name("x"), g.unique_name("x"), g.unique_name("y", mark_as_used=False), g.unique_name("y")]
        found += [g.unique_name("X"), g.unique_name("x_1")]
        with tf.name_scope("s"):
            found += [g.unique_name("x"), g.get_name_scope()]
        with tf.name_scope("s"), tf.name_scope("t"):
            found += [tf.no_op().name, g.get_name_scope()]
        with g.name_scope("s/t/"):
            found.append(tf.no_op(name="again").name)
        with tf.name_scope(None, "default", [tf.constant(1)]) as scope:
            found.append(scope)
        found += [tf.constant(1, name="s/").name, tf.no_op("exact/").name]
        return found

    both(program)
    both.error(lambda tf: tf.get_default_graph().name_scope("bad name!").__enter__())
    both.error(lambda tf: tf.name_scope(None, None, [1]).__enter__())
    both.error(lambda tf: tf.no_op(name="bad name!"))


def test_collections():
    def program(tf):
        class Named:
            def __init__(self, name):
                self.name = name

        tf.add_to_collection("c", Named("a/x"))
        tf.add_to_collections(["c", "d", "c"], Named("b/y"))
        tf.get_collection_ref("e").append(3)
        g = tf.get_default_graph()
        names = [[n.name for n in tf.get_collection(*key)] for key in (("c",), ("c", "a"), ("d", "^b"), ("none",))]
        g.clear_collection("d")
        return [names, tf.get_collection("e"), sorted(g.get_all_collection_keys()), tf.get_collection("d")]

    both(program)
    # TFLearn, once it is imported, puts its own collections beside them.
    from tenon.tflearn.collections import NAMES

    others = {"VARIABLES", *NAMES}
    keys = {k: v for k, v in vars(tenon.GraphKeys).items() if k.isupper() and not k.startswith("_") and k not in others}
    both(lambda tf: {k: getattr(tf.GraphKeys, k) for k in keys})


def test_finalized():
    def program(tf):
        tf.constant(1.0)
        g = tf.get_default_graph()
        g.finalize()
        assert g.finalized
        tf.constant(2.0)

    assert "finalized" in str(both.error(program))


def test_default_graphs():
    def program(tf):
        outer = tf.get_default_graph()
        with tf.Graph().as_default() as g:
            assert tf.get_default_graph() is g and g is not outer
            tf.constant(1)
            x = tf.constant([[1, 2]], name="x")
            same = [g.get_tensor_by_name("x:0") is x, g.get_operation_by_name("x") is x.op,
                    g.as_graph_element("x:0") is x, g.as_graph_element(x.op) is x.op]  # fmt: skip
            counts = [g.version, len(g.get_operations()), x.op.type, x.op.get_attr("dtype"), x.consumers()]
        return [same, counts, tf.get_default_graph() is outer]

    both(program)
    both.error(lambda tf: tf.reset_default_graph())

    def across(tf):
        a = tf.constant(1.0)
        with tf.Graph().as_default():
            b = tf.constant(1.0)
        return tf.add(a, b)

    both.error(across)


def test_operations():
    def program(tf):
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        y = tf.matmul(x, x, transpose_b=True, name="y")
        z = tf.nn.relu(y)
        op = y.op
        return [op.name, op.type, [t.name for t in op.inputs], [t.name for t in op.outputs], op.get_attr("transpose_b"),
                [c.name for c in y.consumers()], [t.name for t in op.values()], sorted(op.node_def.attr),
                z.op.inputs[0] is y,
                str(x.op.get_attr("shape")), op.device]  # fmt: skip

    both(program)
    both.error(lambda tf: tf.constant(1).op.get_attr("nothing"))


def test_feedable():
    def program(tf):
        x = tf.constant(1.0)
        g = tf.get_default_graph()
        g.prevent_feeding(x)
        assert not g.is_feedable(x)
        tf.Session().run(x, {x: 2.0})

    both.error(program)


def test_conversion_functions():
    def program(tf):
        class Wrapped:
            def __init__(self, value):
                self.value = value

        def convert(value, dtype=None, name=None, as_ref=False):
            return NotImplemented if value.value is None else tf.constant(value.value, dtype=dtype, name=name)

        tf.register_tensor_conversion_function(Wrapped, convert, priority=50)
        shape = tf.TensorShape([2, 3])
        mixed = tf.convert_to_tensor([[tf.constant(1.0), 2.0], [3.0, 4.0]])
        return [tf.convert_to_tensor(Wrapped(3.0)), tf.constant(1.0) + Wrapped(2.0), tf.convert_to_tensor(shape), mixed,
                tf.convert_to_tensor(1, preferred_dtype=tf.float64), tf.convert_to_tensor(np.float64(2.0)),
                tf.convert_to_tensor("text"), [op.name for op in mixed.graph.get_operations()]]  # fmt: skip

    both(program)
    both.error(lambda tf: tf.convert_to_tensor(object()))
    both.error(lambda tf: tf.convert_to_tensor(None))
    both.error(lambda tf: tf.convert_to_tensor([[1], [1, 2]]))
    both.error(lambda tf: tf.convert_to_tensor(tf.constant(1.0), dtype=tf.int32))
    both.error(lambda tf: tf.convert_to_tensor([tf.constant(1.0), tf.constant(1)]))


def test_sessions_as_defaults():
    def program(tf):
        x = tf.constant(3.0)
        session = tf.InteractiveSession()
        try:
            first = x.eval()
            with tf.Session() as inner:
                assert tf.get_default_session() is inner
                second = (x * 2.0).eval()
            assert tf.get_default_session() is session
            tf.no_op().run()
        finally:
            session.close()
        return [first, second, tf.get_default_session()]

    both(program)

    def closed(tf):
        session = tf.Session()
        x = tf.constant(1)
        session.close()
        session.run(x)

    both.error(closed)
    both.error(lambda tf: tf.Session().run(tf.constant(1) if False else []) or tf.Session(graph=3))


def test_partial_runs():
    def program(tf):
        a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
        c = a + 1.0
        d = c * b
        with tf.Session() as session:
            handle = session.partial_run_setup([c, d], [a, b])
            return [session.partial_run(handle, c, {a: 2.0}), session.partial_run(handle, d, {b: 5.0})]

    both(program)


def test_structures_of_fetches():
    import collections

    Point = collections.namedtuple("Point", ["x", "y"])

    def program(tf):
        a, b = tf.constant(1.0), tf.constant([2, 3])
        s = tf.SparseTensor([[0, 1]], [5.0], [2, 2])
        p = tf.sparse_placeholder(tf.float32)
        grad = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([4]), tf.constant([9, 1]))
        with tf.Session() as session:
            point = session.run(Point(a, [b, (a, b)]))
            ordered = session.run(collections.OrderedDict([("k", b), ("j", [s])]))
            slices = session.run(grad)
            fed = session.run(tf.sparse_tensor_to_dense(p) * 2.0, {p: ([[1, 1]], [4.0], [2, 2])})
            assert isinstance(point, Point) and list(ordered) == ["k", "j"]
            return [point.x, point.y, ordered["k"], slices.values, slices.indices, slices.dense_shape, fed]

    both(program)


def python(text, **options):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    return subprocess.Popen([sys.executable, "-c", text], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **options)  # fmt: skip


def test_multiprocessing():
    process = python("""
import multiprocessing
import tenon as tf
x = tf.constant([1.0, 2.0])
session = tf.Session()
assert session.run(x * 2.0).tolist() == [2, 4]
def work(n):
    with tf.Graph().as_default(), tf.Session() as session:
        return float(session.run(tf.reduce_sum(tf.ones([100, 100]) * n)))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(work, [1, 2, 3]))
""")
    out, err = process.communicate(timeout=60)
    assert out == "[10000.0, 20000.0, 30000.0]\n", err


SPAWNED = """
import multiprocessing, sys
import tenon as tf
def work(n):
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        return float(session.run(tf.reduce_sum(tf.ones([100, 100]) * n)))
if __name__ == "__main__":
    assert tf.Session().run(tf.matmul(tf.ones([300, 300]), tf.ones([300, 300])))[0, 0] == 300
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map(work, [1, 2, 3]))
    process = multiprocessing.get_context(sys.argv[1]).Process(target=lambda: None) if sys.argv[1] == "fork" else None
    if process:
        process.start()
        process.join()
        print(process.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_after_a_step(method, tmp_path):
    """Children of a process whose threads have run start afresh, however they are made."""
    path = tmp_path / "program.py"
    path.write_text(SPAWNED)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, str(path), method], env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("[10000.0, 20000.0, 30000.0]\n"), done.stderr
    assert method != "fork" or done.stdout.endswith("\n0\n")


def test_plans_of_changing_batches_are_bounded():
    """Two thousand batch sizes one after another: no more plans than the cache holds, the same values throughout."""
    with tenon.Graph().as_default(), tenon.Session() as session:
        x = tenon.placeholder(tenon.float32, [None, 64])
        w = tenon.get_variable("w", [64, 256], initializer=tenon.ones_initializer())
        y = tenon.reduce_sum(tenon.nn.relu(tenon.matmul(x, w)), 1)
        session.run(tenon.global_variables_initializer())

        def pages():
            with open("/proc/self/statm") as f:
                return int(f.read().split()[1])

        def all_sizes():
            for n in range(1, 1001):
                total = session.run(y, {x: np.ones([n, 64], "f")})
                assert total.shape == (n,) and total[-1] == 64 * 256

        all_sizes()
        before = pages()
        all_sizes()
        grown = (pages() - before) * os.sysconf("SC_PAGE_SIZE") / 1e6
    # The plans of a thousand sizes would hold a megabyte each for the larger ones.
    assert grown < 64, f"{grown:.0f} MB"


ENDLESS = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have turned it off
import tenon as tf
loop = tf.while_loop(lambda i: i < 2.0, lambda i: i * 1.0, [tf.constant(1.0)])
count = [0]
def other():
    while True:
        count[0] += 1
        if count[0] == 300:
            print("counted", flush=True)
        time.sleep(0.001)
with tf.Session() as session:
    threading.Timer(0.3, other).start()
    try:
        session.run(loop)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        os._exit(0)  # the other thread never ends
"""


def test_ctrl_c_and_other_threads():
    process = python(ENDLESS)
    limit = threading.Timer(120, process.kill)
    limit.start()
    # The thread counts while the endless loop runs.
    assert process.stdout.readline() == "counted\n", process.stderr.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    limit.cancel()
    assert out == "interrupted\n", err


def test_timeouts():
    with tenon.Graph().as_default(), tenon.Session() as session:
        loop = tenon.while_loop(lambda i: i < 2.0, lambda i: i * 1.0, [tenon.constant(1.0)])
        with pytest.raises(tenon.errors.DeadlineExceededError):
            session.run(loop, options=tenon.RunOptions(timeout_in_ms=200))


def test_graphs_are_freed():
    import gc
    import weakref

    @tenon.custom_gradient
    def double(x):
        return x * 2.0, lambda dy: dy * 2.0

    def use():
        with tenon.Graph().as_default() as graph, tenon.Session() as session:
            x = tenon.placeholder(tenon.float32, [None])
            w = tenon.get_variable("w", [1])
            step = tenon.train.AdamOptimizer().minimize(tenon.reduce_sum(double(x) * w))
            loop = tenon.while_loop(lambda i: i < 3, lambda i: i + 1, [tenon.constant(0)])
            called = tenon.py_func(lambda a: a, [x], tenon.float32)
            session.run(tenon.global_variables_initializer())
            session.run([step, loop, called], {x: [1.0]})
        return weakref.ref(graph)

    found = use()
    gc.collect()
    gc.collect()
    assert found() is None


def test_devices_that_are_not_there():
    def program(soft):
        def run(tf):
            with tf.device("/gpu:0"):
                a = tf.constant(1.0, name="a") + 1.0
            config = None if soft is None else tf.ConfigProto(allow_soft_placement=soft)
            with tf.Session(config=config) as session:
                return session.run(a)

        return run

    both(program(True))
    both.error(program(False))
    both.error(program(None))
