"""Functions of the graph's library: those that TensorFlow wrote run here, and ours there."""

import numpy as np
import pytest

from functions.exchange import both, carry, same, tensorflow
from tenon import _thin
from tenon._thin import errors


def defun(*types):
    tensorflow()
    from tensorflow.python.framework import function

    return function.Defun(*types)


def functional_ops():
    from tensorflow.python.ops import functional_ops

    return functional_ops


def test_calls_by_name_and_partitioned_calls():
    def build(tf):
        @defun(tf.float32, tf.float32)
        def f(x, y):
            return x * y + 1.0, x - y

        @tf.function(autograph=False)
        def g(x):
            return tf.reduce_sum(tf.nn.relu(x)) * 2.0 + g2(x)[0]

        @tf.function(autograph=False)
        def g2(x):
            return tf.unstack(tf.reduce_max(x, axis=1))

        a = f(tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0]))
        return [a[0], a[1], g(tf.constant([[-1.0, 2.0], [3.0, 4.0]]))]

    graph, _ = both(build)
    types = {operation.type for operation in graph.operations}
    assert types & {"PartitionedCall", "StatefulPartitionedCall"}


def test_while_if_and_case():
    def build(tf):
        @defun(tf.int32, tf.float32)
        def cond(i, x):
            return i < 10

        @defun(tf.int32, tf.float32)
        def body(i, x):
            return i + 1, x * 1.5

        @defun(tf.float32)
        def more(x):
            return x + 1.0

        @defun(tf.float32)
        def less(x):
            return x - 1.0

        fo = functional_ops()
        x = tf.constant(3.0)
        loop = fo.While([tf.constant(0), tf.constant(1.0)], cond, body)
        results = [loop[0], loop[1]]
        for predicate in (True, False, 0, 2, 0.0, 0.5, "", "text", [], [1.0]):
            results.append(fo.If(tf.constant(predicate), [x], more, less)[0])
        raw = tf.raw_ops
        for index in (0, 1, 2, -1):
            results.append(raw.Case(branch_index=index, input=[x], Tout=[tf.float32], branches=[more, less])[0])
        results.append(raw.StatelessIf(cond=tf.constant(True), input=[x], Tout=[tf.float32], then_branch=more,
                                       else_branch=less)[0])  # fmt: skip
        results.append(raw.StatelessCase(branch_index=1, input=[x], Tout=[tf.float32], branches=[more, less])[0])
        results.append(raw.StatelessWhile(input=[tf.constant(0), x], cond=cond, body=body)[1])
        return results

    both(build)


def test_gradients_of_calls():
    def build(tf):
        @defun(tf.float32)
        def f(x):
            return tf.nn.tanh(x) * x

        @tf.function(autograph=False)
        def g(x, w):
            return tf.matmul(x, w), tf.shape(x)

        x = tf.constant([[1.0, 2.0, 3.0]])
        w = tf.constant([[0.1], [0.2], [0.3]])
        y = f(x)
        z = g(y, w)[0]
        return [y, z, *tf.gradients(y, x), *tf.gradients(z, [x, w])]

    graph, _ = both(build)
    assert "SymbolicGradient" in {operation.type for operation in graph.operations}


def test_our_gradients_equal_tensorflows():
    def build(tf):
        @defun(tf.float32, tf.float32)
        def f(x, w):
            return tf.reduce_sum(tf.nn.sigmoid(x) * w), tf.square(w)

        x = tf.placeholder_with_default([1.0, 2.0, 3.0], [3], name="x")
        w = tf.placeholder_with_default([2.0, 0.5, -1.0], [3], name="w")
        y = f(x, w)
        total = tf.add(y[0], tf.reduce_sum(y[1]), name="total")
        return [total, *tf.gradients(total, [x, w])]

    graph, values = both(build)
    mine = graph.gradients(graph.tensor("total:0"), [graph.tensor("x:0"), graph.tensor("w:0")])
    with _thin.Session(graph) as session:
        for got, want in zip(session.run(mine), values[1:]):
            np.testing.assert_allclose(got, want, rtol=1e-5)


def twice_plus(graph, name="twice_plus"):
    """A function x -> 2x + b made from a body of ours."""
    body = _thin.Graph()
    x = body.placeholder("float32", [None], name="x")
    b = body.placeholder("float32", [], name="b")
    y = body.op("Add", body.op("Mul", x, 2.0), b, name="Y")
    graph.add_function(body.to_function(name, [x.ref, b.ref], [y.ref], None, []))


def test_tensorflow_runs_ours():
    graph = _thin.Graph()
    twice_plus(graph)
    twice_plus(graph)  # the same again is nothing new
    assert graph.function_names() == ["twice_plus"]
    x = graph.constant([1.0, 2.0])
    call = graph.op("PartitionedCall", [x, graph.constant(3.0)], f="twice_plus", Tout=["float32"], name="call")
    named = graph.tensor_at((graph.add("twice_plus", "named", [x.ref, graph.constant(1.0).ref], [], [], None), 0))
    with _thin.Session(graph) as session:
        got = session.run([call[0], named])
    np.testing.assert_array_equal(got[0], [5, 7])
    tf = tensorflow()
    theirs = tf.Graph()
    with theirs.as_default():
        tf.import_graph_def(tf.GraphDef.FromString(graph.as_graph_def()), name="")
        with tf.Session() as session:
            for a, b in zip(session.run(["call:0", "named:0"]), got):
                np.testing.assert_array_equal(a, b)


def test_a_recursive_function():
    graph = _thin.Graph()
    one, step, factorial = _thin.Graph(), _thin.Graph(), _thin.Graph()
    n = one.placeholder("int32", [], name="n")
    graph.add_function(one.to_function("one", [n.ref], [one.constant(1).ref], None, []))
    n = step.placeholder("int32", [], name="n")
    before = step.op("PartitionedCall", [step.op("Sub", n, 1)], f="factorial", Tout=["int32"])[0]
    graph.add_function(step.to_function("step", [n.ref], [step.op("Mul", n, before).ref], None, []))
    n = factorial.placeholder("int32", [], name="n")
    done = factorial.op("LessEqual", n, 1)
    y = factorial.op("If", done, [n], then_branch="one", else_branch="step", Tout=["int32"])[0]
    graph.add_function(factorial.to_function("factorial", [n.ref], [y.ref], None, []))
    call = graph.op("PartitionedCall", [graph.constant(8)], f="factorial", Tout=["int32"])[0]
    with _thin.Session(graph) as session:
        assert session.run(call) == 40320


def endless(graph):
    """f(x) = f(x)."""
    body = _thin.Graph()
    x = body.placeholder("float32", [], name="x")
    y = body.op("PartitionedCall", [x], f="endless", Tout=["float32"])[0]
    graph.add_function(body.to_function("endless", [x.ref], [y.ref], None, []))


def test_endless_recursion_is_an_error():
    graph = _thin.Graph()
    endless(graph)
    call = graph.op("PartitionedCall", [graph.constant(1.0)], f="endless", Tout=["float32"])[0]
    with _thin.Session(graph) as session, pytest.raises(errors.ResourceExhaustedError, match="nested more than"):
        session.run(call)


def test_errors_name_what_is_wrong():
    graph = _thin.Graph()
    twice_plus(graph)
    x = graph.constant([1.0])
    other = _thin.Graph()
    endless(other)
    renamed = other.function_def("endless").replace(b"endless", b"Identit")
    with pytest.raises(errors.InvalidArgumentError, match="another function"):
        body = _thin.Graph()
        y = body.placeholder("float32", [], name="x")
        graph.add_function(body.to_function("twice_plus", [y.ref], [y.ref], None, []))
    with pytest.raises(errors.InvalidArgumentError, match="malformed"):
        graph.add_function(renamed[:-3])
    with pytest.raises(errors.NotFoundError):
        graph.function_def("missing")
    missing = graph.op("PartitionedCall", [x], f="missing", Tout=["float32"])[0]
    few = graph.op("PartitionedCall", [x], f="twice_plus", Tout=["float32"])[0]
    wrong = graph.op("PartitionedCall", [x, graph.constant(1)], f="twice_plus", Tout=["float32"])[0]
    with _thin.Session(graph) as session:
        with pytest.raises(errors.NotFoundError, match="no function 'missing'"):
            session.run(missing)
        with pytest.raises(errors.InvalidArgumentError, match="takes 2 arguments"):
            session.run(few)
        with pytest.raises(errors.InvalidArgumentError, match="takes a float32 as argument 1"):
            session.run(wrong)


def test_random_state_belongs_to_the_function_in_the_session():
    body = _thin.Graph()
    n = body.placeholder("int32", [1], name="n")
    y = body.op("RandomUniform", n, dtype="float32", seed=1, seed2=2)
    graph = _thin.Graph()
    graph.add_function(body.to_function("noise", [n.ref], [y.ref], None, []))
    call = graph.op("StatefulPartitionedCall", [graph.constant([3])], f="noise", Tout=["float32"])[0]
    with _thin.Session(graph) as session:
        first, second = session.run(call), session.run(call)
    assert not np.array_equal(first, second)
    with _thin.Session(graph) as session:
        np.testing.assert_array_equal(session.run(call), first)


def test_stateful_nodes_run_though_nothing_needs_them():
    def build(tf):
        v = tf.get_variable("v", initializer=1.0, use_resource=True)

        @tf.function(autograph=False)
        def add(x):
            v.assign_add(x)
            return x * 2.0

        y = add(tf.constant(5.0))
        with tf.control_dependencies([y]):
            after = tf.identity(v.read_value(), name="after")
        init = tf.global_variables_initializer()
        return init, y, after

    tf = tensorflow()
    theirs = tf.Graph()
    with theirs.as_default():
        init, y, after = build(tf)
    ours = _thin.Graph()
    ours.import_graph_def(theirs.as_graph_def().SerializeToString())
    with _thin.Session(ours) as session:
        session.run(ours.operation(init.name))
        assert session.run([ours.tensor(y.name), ours.tensor(after.name)]) == [10.0, 6.0]


def test_functions_that_are_copied_between_graphs():
    graph, other = _thin.Graph(), _thin.Graph()
    twice_plus(graph)
    other.copy_functions(graph)
    assert other.function_names() == ["twice_plus"] and "RemoteCall" not in other.function_names()
    target = other.constant("/cpu:0", "string")
    remote = other.op("RemoteCall", target, [other.constant([1.0]), other.constant(1.0)], f="twice_plus",
                      Tout=["float32"])[0]  # fmt: skip
    with _thin.Session(other) as session:
        np.testing.assert_array_equal(session.run(remote), [3])


def functional_and_not(build):
    """BUILD(tf, functional) gives (y, xs). Tenon's gradients of the graph with functional ops are those that TensorFlow
    has of the one with Switch and Merge."""
    tf = tensorflow()
    with tf.Graph().as_default() as graph:
        y, xs = build(tf, True)
    with tf.Graph().as_default(), tf.Session() as session:
        plain, inputs = build(tf, False)
        value, want = session.run([plain, tf.gradients(plain, inputs)])
    ours = carry(graph)
    made = ours.gradients(ours.tensor(y.name), [ours.tensor(x.name) for x in xs])
    with _thin.Session(ours) as session:
        same(session.run(ours.tensor(y.name)), value)
        same(session.run(made), want)
    return ours


@pytest.mark.parametrize("rounds", [0, 1, 7])
def test_gradients_of_while(rounds):
    def build(tf, functional):
        x = tf.placeholder_with_default([[0.5, -1.0], [2.0, 0.25]], [2, 2], name="x")
        w = tf.placeholder_with_default([[1.0, 0.5], [-0.5, 1.0]], [2, 2], name="w")

        def cond(i, x, w, s):
            return i < rounds

        def body(i, x, w, s):
            return i + 1, tf.sin(tf.matmul(x, w)) + 0.1 * tf.cast(i, tf.float32), w, s + tf.reduce_sum(x * x)

        start = [tf.constant(0), x, w, tf.constant(0.0)]
        if functional:
            types = (tf.int32, tf.float32, tf.float32, tf.float32)
            end = functional_ops().While(start, defun(*types)(cond), defun(*types)(body))
        else:
            end = tf.while_loop(cond, body, start)
        return tf.add(tf.reduce_sum(end[1]), end[3], name="y"), [x, w]

    assert "_WhileGrad" in {op.type for op in functional_and_not(build).operations}


@pytest.mark.parametrize("branch", [0, 1, 2, 5])
def test_gradients_of_if_and_case(branch):
    def build(tf, functional):
        x = tf.placeholder_with_default([1.0, -2.0, 3.0], [3], name="x")
        n = tf.constant([1, 2, 3])

        def zero(x, n):
            return tf.sin(x) * x, n

        def one(x, n):
            return tf.square(x) + tf.cast(n, tf.float32), n + 1

        def two(x, n):
            return 2.0 * x, n * n

        functions = [zero, one, two]
        if functional:
            of = defun(tf.float32, tf.int32)
            made = [of(f) for f in functions]
            a = tf.raw_ops.Case(branch_index=branch, input=[x, n], Tout=[tf.float32, tf.int32], branches=made)
            b = functional_ops().If(tf.constant(branch > 0), [x, n], made[1], made[0])
            c = tf.raw_ops.StatelessIf(cond=tf.constant(branch > 1), input=[x, n], Tout=[tf.float32, tf.int32],
                                       then_branch=made[0], else_branch=made[2])  # fmt: skip
        else:
            a = functions[min(branch, 2)](x, n)
            b, c = functions[branch > 0](x, n), functions[0 if branch > 1 else 2](x, n)
        return tf.add(tf.reduce_sum(a[0] * b[0]), tf.reduce_sum(c[0]), name="y"), [x]

    functional_and_not(build)


def test_gradients_do_not_draw_again_what_was_random():
    body = _thin.Graph()
    x = body.placeholder("float32", [3], name="x")
    y = body.op("Mul", x, body.op("RandomUniform", [3], dtype="float32", seed=1, seed2=2))
    graph = _thin.Graph()
    graph.add_function(body.to_function("noisy", [x.ref], [y.ref], None, []))
    at = graph.constant([1.0, 2.0, 3.0])
    call = graph.op("StatefulPartitionedCall", [at], f="noisy", Tout=["float32"])[0]
    with pytest.raises(errors.UnimplementedError, match="draws random numbers"):
        graph.gradients(call, [at])


def test_gradients_do_not_act_again():
    """What a function changes is changed once, also where its gradient computes it again."""
    body = _thin.Graph()
    handle = body.placeholder("resource", [], name="handle")
    x = body.placeholder("float32", [], name="x")
    body.op("AssignAddVariableOp", handle, x, dtype="float32")
    y = body.op("Square", x)
    graph = _thin.Graph()
    graph.add_function(body.to_function("counts", [handle.ref, x.ref], [y.ref], None, []))
    v = graph.op("VarHandleOp", dtype="float32", shape=[], shared_name="v")
    init = graph.op("AssignVariableOp", v, 0.0, dtype="float32")
    at = graph.constant(3.0)
    call = graph.op("StatefulPartitionedCall", [v, at], f="counts", Tout=["float32"])[0]
    gradient = graph.gradients(call, [at])
    with _thin.Session(graph) as session:
        session.run(init)
        assert session.run([call, *gradient]) == [9.0, 6.0]
        assert session.run(graph.op("ReadVariableOp", v, dtype="float32")) == 3.0
