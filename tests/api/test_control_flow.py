"""Conditions, loops, cases and groups against TensorFlow: values, graph structure, gradients, errors."""

import numpy as np
import pytest

from api.both import both


def nodes(tf):
    return sorted(
        [op.name, op.type, [x.name for x in op.inputs], sorted(c.name for c in op.control_inputs)]
        for op in tf.get_default_graph().get_operations()
    )


def conditions(tf, p):
    x, v = tf.constant(2.0), tf.Variable(1.0)
    r = tf.cond(p, lambda: x + 1, lambda: x * v)
    q = tf.cond(p, lambda: (tf.zeros([2]), [x]), lambda: (tf.ones([2]), [v + x]))
    n = tf.cond(p, lambda: tf.cond(x > 1.0, lambda: x, lambda: x - 1), lambda: tf.constant(5.0))
    return x, v, r, q, n


def test_cond():
    def program(tf):
        p = tf.placeholder(tf.bool, [])
        x, v, r, q, n = conditions(tf, p)
        gradients = tf.gradients(r, [x, v])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [session.run([r, q, n, gradients[0]], {p: b}) for b in (True, False)]

    both(program)


def test_cond_nodes():
    def program(tf):
        conditions(tf, tf.placeholder(tf.bool, []))
        return nodes(tf)

    both(program)


def loops(tf):
    x, w = tf.constant(2.0), tf.Variable(3.0)
    plain = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * w + x), [0, 1.0])
    bounded = tf.while_loop(lambda i: i < 10, lambda i: i + 3, [0], maximum_iterations=2)

    def inner(i):
        return tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + x), [0, 0.0])[1]

    nested = tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + inner(i)), [0, 0.0])

    def choose(i, s):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: s + x, lambda: s * 2.0)

    chosen = tf.while_loop(lambda i, s: i < 4, choose, [tf.constant(0), tf.constant(1.0)])
    return plain, bounded, nested, chosen


def test_while():
    both(lambda tf: list(loops(tf)))


def test_while_nodes():
    def program(tf):
        loops(tf)
        return nodes(tf)

    both(program)


def test_while_structures():
    def program(tf):
        def body(state):
            return [{"a": state["a"] + 1, "b": (state["b"][0] * 2, state["b"][1])}]

        start = {"a": tf.constant(0), "b": (tf.ones([2]), tf.constant(3.0))}
        out = tf.while_loop(lambda s: s["a"] < 3, body, [start])
        grown = tf.while_loop(
            lambda i, a: i < 3, lambda i, a: (i + 1, tf.concat([a, a], 0)), [tf.constant(0), tf.ones([1, 2])],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 2])],
        )  # fmt: skip
        return [out, grown, grown[1].shape]

    both(program)


def test_gradients_of_loops():
    def program(tf):
        x, w = tf.constant(2.0), tf.Variable(3.0)
        _, a = tf.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * w + x), [0, 1.0])
        return tf.gradients(a, [x, w])

    both(program)


def test_gradients_inside():
    def program(tf):
        w = tf.constant(3.0)

        def body(i, a):
            return i + 1, a - 0.01 * tf.gradients(tf.square(a) * w, [a])[0]

        _, a = tf.while_loop(lambda i, a: i < 5, body, [0, 1.0])
        p, z = tf.placeholder_with_default(True, []), tf.constant(4.0)

        def branch():
            u = z * z
            return tf.gradients(u, [u])[0] + tf.gradients(u * u, u)[0]

        return [a, tf.cond(p, branch, lambda: z)]

    both(program)


def test_gradients_inside_through_an_inner_loop():
    """Each turn of the outer loop goes back through the inner loop's turns, which it remembers for itself."""

    def repeat(tf, n, body, a, **options):
        return tf.while_loop(lambda j, t: j < n, lambda j, t: (j + 1, body(j, t)), [0, a], **options)[1]

    def program(tf):
        x, w = tf.constant([1.3, -0.4]), tf.constant(0.7)

        def deep(a):
            return repeat(tf, 2, lambda j, t: tf.sin(t) * w + tf.cast(j, tf.float32), a)

        def deeper(a):
            return repeat(tf, 3, lambda j, t: tf.cond(j < 1, lambda: deep(t) + t, lambda: t * t), a)

        def arrays(a):
            parts = tf.TensorArray(tf.float32, 2, clear_after_read=False).unstack(tf.stack([a, a * a]))
            return repeat(tf, 2, lambda j, t: t * parts.read(j), a)

        def turn(inner):
            return lambda i, a: a - 0.1 * tf.gradients(inner(a) * tf.cast(i + 1, tf.float32), [a])[0]

        # Turns that overlap take from each other's stacks in TensorFlow, now and then.
        alone = {"parallel_iterations": 1}
        return [repeat(tf, 4, turn(inner), x, **alone) for inner in (deep, deeper, arrays)] + [
            repeat(tf, 2, lambda i, a: repeat(tf, 2, turn(deep), a, **alone), x, **alone)
        ]

    both(program)


def test_case_and_switch_case():
    def program(tf):
        x, y = tf.constant(1), tf.constant(2)
        pairs = [(x < y, lambda: tf.constant(17)), (x > y, lambda: tf.constant(23))]
        first = tf.case(pairs, default=lambda: tf.constant(-1), exclusive=True)
        second = tf.case({x > y: lambda: tf.constant(1.0)}, default=lambda: tf.constant(2.0))
        functions = [lambda i=i: tf.constant(float(i)) for i in range(4)]
        return [first, second, tf.switch_case(x, functions), tf.switch_case(x + 7, functions)]

    both(program)


def test_group_and_tuple():
    def program(tf):
        v = tf.Variable([1.0, 2.0])
        group = tf.group(v.assign([2.0, 3.0]), tf.scatter_update(v, [0], [9.0]))
        return [group.name, group.type, tf.no_op().type, tf.tuple([v + 1, v * 2]), nodes(tf)]

    both(program)


BAD = [
    lambda tf: tf.cond(True, lambda: 1, lambda: 2),
    lambda tf: tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2.0)),
    lambda tf: tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: (tf.constant(2), tf.constant(1))),
    lambda tf: tf.cond(tf.constant(True), lambda: None, lambda: tf.constant(2)),
    lambda tf: tf.cond(tf.constant(True), 1, 2),
    lambda tf: tf.while_loop(1, lambda i: i, [0]),
    lambda tf: tf.while_loop(lambda i: i < 3, lambda i: i, []),
    lambda tf: tf.while_loop(lambda i: i < 3, lambda i: (i, i), [0]),
    lambda tf: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.concat([a, a], 0)), [0, tf.ones([1])]),
    lambda tf: tf.Session().run(
        tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2)).op.inputs[0]
    ),
    lambda tf: tf.Session().run(tf.Assert(tf.constant(False), [tf.constant(1.0)])),
    lambda tf: tf.case([(True, lambda: 1)]),
]


@pytest.mark.parametrize("program", BAD)
def test_errors(program):
    both.error(program)


def test_gradients_of_what_is_outside():
    def program(tf):
        v, u = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
        cube = tf.reduce_sum(v * v * v)
        p = tf.placeholder_with_default(True, [])
        y = u * u

        def body(i, a):
            return i + 1, a + tf.gradients(tf.exp(y * 0.1) * a, u)[0]

        looped = tf.while_loop(lambda i, a: i < 3, body, [0, 1.0])[1]
        chosen = tf.cond(p, lambda: tf.gradients(y * u, u)[0], lambda: u)
        return [tf.hessians(cube, v), looped, chosen]

    both(program)


def test_gradient_of_a_condition_on_something_outside_of_its_loop():
    def program(tf):
        x = tf.constant(np.random.RandomState(0).rand(2, 3).astype("f"))
        w = tf.constant(np.full((3, 3), 0.1, "f"))
        found = []
        for flag in (True, False):
            outside = tf.placeholder_with_default(flag, [])

            def body(t, h, outside=outside):
                return t + 1, tf.tanh(tf.matmul(tf.cond(outside, lambda: h * h, lambda: h + 1.0), w) + x)

            h = tf.while_loop(lambda t, h: t < 3, body, (tf.constant(0), x))[1]
            found.append(tf.gradients(tf.reduce_sum(h), [x, w]))
        return found

    both(program)
