"""Variables, variable scopes, initializers and partitions against TensorFlow: values, names, collections, errors."""

import pytest

from api.both import both


def names(tf):
    return [[v.name for v in tf.global_variables()], [v.name for v in tf.trainable_variables()]]


def nodes(tf):
    return sorted(f"{op.name} {op.type}" for op in tf.get_default_graph().get_operations())


def test_reference_variables():
    def program(tf):
        v = tf.Variable(3.0, name="a")
        d = tf.Variable(v.initialized_value() * 2, name="d")
        e = tf.Variable(tf.zeros([3, 400]), trainable=False)
        f = tf.Variable(lambda: tf.ones([2]), name="f")
        shape = [d.shape, e.get_shape(), v.dtype.name, f.op.type, v.initializer.name, v.value().name]
        return [v, d, v + 1, 2 * d, v[..., None], -f, abs(f), 1 / v, f**2, e, names(tf), shape]

    both(program)


def test_reference_variable_nodes():
    def program(tf):
        tf.Variable(3.0, name="a")
        v = tf.Variable(tf.zeros([3]), trainable=False)
        v.assign(tf.ones([3]))
        v.assign_add([1.0, 2.0, 3.0])
        return nodes(tf)

    both(program)


def test_assignments_and_scatters():
    def program(tf):
        v = tf.Variable([1.0, 2.0, 3.0])
        with tf.Session() as session:
            session.run(v.initializer)
            steps = [
                tf.scatter_add(v, [0, 0], [1.0, 2.0]), tf.scatter_update(v, [1], [9.0]), tf.scatter_sub(v, [2], [1.0]),
                tf.scatter_mul(v, [2], [5.0]), tf.scatter_max(v, [0], [100.0]), tf.scatter_nd_add(v, [[1]], [0.5]),
                tf.assign(v, [1.0, 2.0, 4.0]), tf.assign_sub(v, [1.0, 1.0, 1.0]), v[1:].assign([7.0, 8.0]),
            ]  # fmt: skip
            values = [session.run(step) for step in steps]
            v.load([5.0, 6.0, 7.0], session)
            return [*values, session.run(v), v.eval(session)]

    both(program)


def test_resource_variables():
    def program(tf):
        r = tf.get_variable("r", [2, 3], use_resource=True, initializer=tf.ones_initializer())
        added = r.assign_add(tf.ones([2, 3]))
        with tf.control_dependencies([added]):
            z = tf.identity(r.read_value())
        return [z, tf.gather(z, [1]), r.op.type, r.dtype.name, names(tf), sorted(n for n in nodes(tf) if n[:2] == "r/")]

    both(program)


def test_scopes_and_reuse():
    def program(tf):
        tf.get_variable("w", [2, 3], regularizer=lambda x: tf.reduce_sum(x))
        with tf.variable_scope("s", initializer=tf.constant_initializer(1.5)):
            u = tf.get_variable("u", [2])
            with tf.variable_scope("t") as inner:
                k = tf.get_variable("k", [2])
                x = tf.add(k, 1.0)
        with tf.variable_scope("s", reuse=True):
            y = tf.get_variable("u", [2]) * u
        with tf.variable_scope(inner, reuse=True):
            z = tf.get_variable("k", [2]) - 1
        found = []
        for _ in range(2):
            with tf.variable_scope(None, "unnamed"):
                found.append(tf.get_variable("a", []).name)
        with tf.variable_scope("auto", reuse=tf.AUTO_REUSE):
            same = tf.get_variable("q", [1]) is tf.get_variable("q", [1])
        with tf.variable_scope("s"), tf.name_scope("n"):
            v = tf.get_variable("late", []) + 1
        losses = [loss.name for loss in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)]
        return [x, y, z, [t.name for t in (x, y, z, v)], names(tf), found, same, losses, inner.name,
                inner.original_name_scope]  # fmt: skip

    both(program)


def test_custom_getters():
    def program(tf):
        seen = []

        def getter(getter, name, *args, **kwargs):
            seen.append([name, kwargs["trainable"], sorted(k for k in kwargs if k in ("shape", "dtype", "constraint"))])
            return getter(name, *args, **kwargs) * 2.0

        with tf.variable_scope("s", custom_getter=getter):
            doubled = tf.get_variable("u", [2], initializer=tf.ones_initializer())
        return [doubled, seen]

    both(program)


def test_partitions():
    def program(tf):
        with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(3)):
            w = tf.get_variable("w", [8, 3], initializer=tf.constant_initializer(2.0))
        slices = [v._get_save_slice_info().spec for v in w]
        one = tf.variable_axis_size_partitioner(100)(shape=tf.TensorShape([50, 3]), dtype=tf.float32)
        two = tf.min_max_variable_partitioner(4, min_slice_size=100)(shape=tf.TensorShape([50, 3]), dtype=tf.float32)
        return [tf.matmul(tf.ones([2, 8]), w), tf.nn.embedding_lookup(w, [1, 5, 7]), names(tf), slices, one, two]

    both(program)


def test_reads_after_updates():
    def program(tf):
        v, w = tf.Variable(1.0), tf.Variable([1.0, 2.0])
        added = tf.assign_add(v, 1.0)
        with tf.control_dependencies([added]):
            y, z = v * 10.0, tf.identity(v)
        with tf.control_dependencies([tf.group(tf.scatter_add(w, [0], [5.0]))]):
            q = w + 0.0
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [session.run([y, z]), session.run(y), session.run(q), session.run(y)]

    both(program)


INITIALIZERS = [
    lambda tf: tf.zeros_initializer(), lambda tf: tf.ones_initializer(), lambda tf: tf.constant_initializer([1.0, 2.0]),
    lambda tf: tf.random_uniform_initializer(-1, 1), lambda tf: tf.random_normal_initializer(1.0, 2.0),
    lambda tf: tf.truncated_normal_initializer(stddev=0.1, seed=3), lambda tf: tf.uniform_unit_scaling_initializer(),
    lambda tf: tf.variance_scaling_initializer(2.0, "fan_out", "uniform"), lambda tf: tf.glorot_uniform_initializer(),
    lambda tf: tf.glorot_normal_initializer(seed=5), lambda tf: tf.initializers.he_normal(),
    lambda tf: tf.initializers.he_uniform(), lambda tf: tf.initializers.lecun_normal(),
    lambda tf: tf.initializers.lecun_uniform(), lambda tf: tf.orthogonal_initializer(seed=4),
    lambda tf: tf.initializers.identity(gain=2.0), lambda tf: None,
]  # fmt: skip


def test_initializers():
    def program(tf):
        tf.set_random_seed(7)
        made = []
        for i, make in enumerate(INITIALIZERS):
            given = make(tf)
            made.append(tf.get_variable(f"v{i}", [4, 6], initializer=given))
        return made

    both(program)


def test_template():
    def program(tf):
        def scale(x):
            return x * tf.get_variable("w", [], initializer=tf.constant_initializer(3.0))

        share = tf.make_template("scale", scale)
        return [share(tf.constant(1.0)), share(tf.constant(2.0)), names(tf)]

    both(program)


def test_reports():
    def program(tf):
        v = tf.Variable([1.0, 2.0])
        w = tf.get_variable("q", [1], collections=[tf.GraphKeys.LOCAL_VARIABLES])
        with tf.Session() as session:
            session.run(v.initializer)
            missing = session.run(tf.report_uninitialized_variables()).tolist()
            return [
                missing,
                session.run(tf.is_variable_initialized(w)),
                names(tf),
                [x.name for x in tf.local_variables()],
            ]

    both(program)


BAD = [
    lambda tf: [tf.get_variable("a", [1]), tf.get_variable("a", [1])],
    lambda tf: [tf.get_variable("a", [1], initializer=tf.ones([1]))],
    lambda tf: tf.get_variable("a", [None, 2]),
    lambda tf: tf.Variable(),
    lambda tf: tf.Variable(1.0, collections="x"),
    lambda tf: tf.Variable(tf.placeholder(tf.float32)),
    lambda tf: tf.variable_scope(3).__enter__(),
    lambda tf: tf.Variable([1.0, 2.0]).assign([1.0, 2.0, 3.0]),
]


def reuse_of_nothing(tf):
    with tf.variable_scope("s", reuse=True):
        tf.get_variable("nothing", [1])


def reuse_of_another_shape(tf):
    with tf.variable_scope("s"):
        tf.get_variable("a", [1])
    with tf.variable_scope("s", reuse=True):
        tf.get_variable("a", [2])


@pytest.mark.parametrize("program", [*BAD, reuse_of_nothing, reuse_of_another_shape])
def test_errors(program):
    both.error(program)
