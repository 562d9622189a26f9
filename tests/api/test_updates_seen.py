"""What an update of a reference variable leaves is seen by what runs after it, also inside of conditions and loops.

TensorFlow hands on the variable's buffer there; only programs whose order is fixed are compared.
"""

from api.both import both


def test_conditions():
    def program(tf):
        v, p = tf.Variable(1.0), tf.placeholder(tf.bool)

        def assigned():
            with tf.control_dependencies([v.assign(10.0)]):
                return tf.identity(v)

        def counted():
            old = v + 0.0
            with tf.control_dependencies([old]):
                new = v.assign_add(5.0)
            with tf.control_dependencies([new]):
                return tf.stack([old, v * 1.0, v.read_value()])

        inside = tf.cond(p, assigned, lambda: -1.0)
        between = tf.cond(p, counted, lambda: tf.zeros([3]))
        with tf.control_dependencies([tf.assign_add(v, 1.0)]):
            after = tf.cond(p, lambda: v + 0.0, lambda: v * 100.0)
            whole = tf.cond(p, lambda: tf.identity(v), lambda: v * 2.0)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            found = [session.run(t, {p: True}) for t in (inside, between, after, after, whole, inside)]
            return found + [session.run(t, {p: False}) for t in (inside, between, after, whole)] + [session.run(v)]

    both(program)


def test_what_a_condition_updated():
    """A running mean: submitted in one condition, read and reset in the next."""

    def program(tf):
        total, count = tf.Variable(0.0), tf.Variable(0)
        x, use, report = tf.placeholder(tf.float32, []), tf.placeholder(tf.bool), tf.placeholder(tf.bool)

        def reset():
            mean = total / tf.cast(count, tf.float32)
            with tf.control_dependencies([mean]):
                resets = [total.assign(tf.zeros_like(total)), count.assign(0)]
            with tf.control_dependencies(resets):
                return tf.identity(mean)

        with tf.control_dependencies([x]):
            submitted = tf.cond(use, lambda: tf.group(total.assign_add(x), count.assign_add(1)), tf.no_op)
        with tf.control_dependencies([submitted]):
            mean = tf.cond(report, reset, float)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [
                session.run(mean, {x: i * 1.5, use: i % 3 != 1, report: i % 4 == 3}) for i in range(12)
            ] + session.run([total, count])

    both(program)


def test_loops():
    def program(tf):
        v, w = tf.Variable(1.0), tf.Variable(tf.ones([4]))

        def double(i, total):
            with tf.control_dependencies([tf.assign(v, v * 2.0)]):
                return i + 1, tf.identity(total) + v

        def scatter(i, total):
            with tf.control_dependencies([total]):
                changed = tf.scatter_add(w, [i], [tf.reduce_sum(w)])
            with tf.control_dependencies([changed]):
                return i + 1, tf.reduce_max(w)

        doubled = tf.while_loop(lambda i, _: i < 5, double, [0, 0.0], parallel_iterations=1)[1]
        scattered = tf.while_loop(lambda i, _: i < 4, scatter, [0, 0.0], parallel_iterations=1)[1]
        nested = tf.while_loop(
            lambda i: i < 3,
            lambda i: tf.cond(v > 20.0, lambda: i + 1,
                              lambda: tf.tuple([i + 1], control_inputs=[v.assign(v + 15.0)])[0]),
            [0], parallel_iterations=1)  # fmt: skip
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [session.run(t) for t in (doubled, v, scattered, w, v.assign(0.0), nested, v, doubled)]

    both(program)
