"""Optimizers, schedules and moving averages against TensorFlow: values after some steps, names of variables and
slots."""

import pytest

from api.both import both

OPTIMIZERS = {
    "sgd": lambda t, g: t.GradientDescentOptimizer(0.1),
    "adam": lambda t, g: t.AdamOptimizer(0.1),
    "adam by another name": lambda t, g: t.AdamOptimizer(0.1, name="Other", use_locking=True),
    "momentum": lambda t, g: t.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda t, g: t.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda t, g: t.AdagradOptimizer(0.1),
    "adagrad da": lambda t, g: t.AdagradDAOptimizer(0.1, g, l1_regularization_strength=0.01),
    "adadelta": lambda t, g: t.AdadeltaOptimizer(0.1),
    "rmsprop": lambda t, g: t.RMSPropOptimizer(0.1, momentum=0.5),
    "centered rmsprop": lambda t, g: t.RMSPropOptimizer(0.1, centered=True),
    "ftrl": lambda t, g: t.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "ftrl with shrinkage": lambda t, g: t.FtrlOptimizer(0.1, l2_shrinkage_regularization_strength=0.01),
    "proximal adagrad": lambda t, g: t.ProximalAdagradOptimizer(0.1, l1_regularization_strength=0.01),
    "proximal sgd": lambda t, g: t.ProximalGradientDescentOptimizer(0.1, l2_regularization_strength=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name):
    def program(tf):
        fill = tf.constant_initializer
        w = tf.get_variable("w", [3, 2], initializer=fill([0.1, -0.2, 0.3, 0.4, -0.5, 0.6]))
        e = tf.get_variable("e", [5, 3], initializer=fill(0.5))
        r = tf.get_variable("r", [2], use_resource=True, initializer=tf.ones_initializer())
        er = tf.get_variable("er", [5, 2], use_resource=True, initializer=fill(0.3))
        rows = tf.nn.embedding_lookup(er, [0, 2, 0])
        loss = tf.reduce_sum(tf.square(tf.matmul(tf.nn.embedding_lookup(e, [1, 3, 1]), w) * r + rows))
        step = tf.Variable(0, dtype=tf.int64, trainable=False, name="global_step")
        optimizer = OPTIMIZERS[name](tf.train, step)
        train = optimizer.minimize(loss, global_step=step)
        made = optimizer.variables()
        slots = {n: optimizer.get_slot(w, n).name for n in optimizer.get_slot_names()}
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(4):
                session.run(train)
            values = session.run([w, e, r, er, step, *made])
        names = [
            [v.name for v in tf.global_variables()],
            [v.name for v in made],
            [v.name for v in tf.trainable_variables()],
        ]
        return [values, names, slots, train.name, [op.name for op in tf.get_collection(tf.GraphKeys.TRAIN_OP)]]

    both(program)


def test_constraints():
    def program(tf):
        w = tf.get_variable(
            "w", [2], initializer=tf.ones_initializer(), constraint=lambda x: tf.clip_by_value(x, 0.9, 2)
        )
        train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(train)
            return [session.run(w)]

    both(program)


def test_gradients_to_apply():
    def program(tf):
        v, u = tf.Variable([1.0, 2.0], name="v"), tf.Variable(3.0, name="u")
        optimizer = tf.train.GradientDescentOptimizer(0.5)
        pairs = optimizer.compute_gradients(tf.reduce_sum(v * v), [v, u])
        clipped = [(tf.clip_by_norm(g, 1.0), x) for g, x in pairs if g is not None]
        train = optimizer.apply_gradients(clipped)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(train)
            return [[x.name for _, x in pairs], pairs[1][0], session.run([v, u])]

    both(program)


def test_moving_averages():
    def program(tf):
        w, k = tf.Variable(1.0, name="w"), tf.Variable([2.0], name="k")
        step = tf.Variable(0, trainable=False, name="step")
        average = tf.train.ExponentialMovingAverage(0.9, step)
        update = average.apply([w, k])
        other = tf.train.ExponentialMovingAverage(0.9, zero_debias=True)
        x = w * 2
        update_other = other.apply([x])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for i in range(3):
                for op in (w.assign(i * 1.0), update, update_other, step.assign_add(1)):
                    session.run(op)
            values = session.run([average.average(w), average.average(k), other.average(x)])
        restore = sorted([name, v.name] for name, v in average.variables_to_restore().items())
        collection = [v.name for v in tf.moving_average_variables()]
        return [values, restore, average.average_name(w), collection, [v.name for v in tf.global_variables()]]

    both(program)


def test_schedules():
    def program(tf):
        step, t = tf.placeholder(tf.int64, []), tf.train
        rates = [
            t.exponential_decay(0.1, step, 10, 0.9), t.exponential_decay(0.1, step, 10, 0.9, staircase=True),
            t.piecewise_constant(step, [5, 12], [1.0, 0.5, 0.1]), t.polynomial_decay(0.1, step, 20),
            t.polynomial_decay(0.1, step, 10, cycle=True, power=2.0), t.natural_exp_decay(0.1, step, 10, 0.5),
            t.natural_exp_decay(0.1, step, 10, 0.5, staircase=True), t.inverse_time_decay(0.1, step, 10, 0.5),
            t.cosine_decay(0.1, step, 20, alpha=0.1), t.cosine_decay_restarts(0.1, step, 5),
            t.cosine_decay_restarts(0.1, step, 5, t_mul=1.0, m_mul=0.5), t.linear_cosine_decay(0.1, step, 20),
        ]  # fmt: skip
        t.noisy_linear_cosine_decay(0.1, step, 20)
        with tf.Session() as session:
            return [[session.run(rates, {step: i}) for i in (0, 3, 10, 17, 33)], [r.name for r in rates]]

    both(program)


BAD = [
    lambda tf: tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0)),
    lambda tf: tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0), var_list=[tf.Variable(1.0)]),
    lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients([]),
    lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients([(None, tf.Variable(1.0))]),
    lambda tf: tf.train.AdagradOptimizer(0.1, initial_accumulator_value=-1.0),
    lambda tf: tf.train.exponential_decay(0.1, None, 1, 0.5),
    lambda tf: tf.train.piecewise_constant(tf.constant(1), [1], [1.0]),
    lambda tf: tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.constant(1)),
]


@pytest.mark.parametrize("program", BAD)
def test_errors(program):
    both.error(program)
