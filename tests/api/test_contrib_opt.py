"""tf.contrib.opt against the rules in NumPy: dense and sparse gradients, variables of both kinds; then the wrappers."""

import sys
import types

import numpy as np
import pytest

import tenon as tf

opt = tf.contrib.opt
STEPS = 4
START = np.random.RandomState(0).randn(4, 3).astype("f")
GRADIENTS = np.random.RandomState(1).randn(STEPS, 4, 3).astype("f")
ROWS = np.array([2, 0])
LR, B1, B2, EPS = 0.1, 0.8, 0.9, 1e-4


def adam(lr=LR, nesterov=False, decay=0.0, lazy=False):
    def rule(w, g, s, t, rows):
        m, v = s.setdefault("m", np.zeros_like(w)), s.setdefault("v", np.zeros_like(w))
        at = rows if lazy else slice(None)
        w[rows] -= decay * w[rows]
        m[at] = B1 * m[at] + (1 - B1) * g[at]
        v[at] = B2 * v[at] + (1 - B2) * g[at] ** 2
        rate = lr * np.sqrt(1 - B2**t) / (1 - B1**t)
        step = B1 * m + (1 - B1) * g if nesterov else m
        if nesterov:
            at = rows
        w[at] -= (rate * step / (np.sqrt(v) + EPS))[at]

    return rule


def adamax(w, g, s, t, rows):
    m, v = s.setdefault("m", np.zeros_like(w)), s.setdefault("v", np.zeros_like(w))
    m[rows] = B1 * m[rows] + (1 - B1) * g[rows]
    v[rows] = np.maximum(B2 * v[rows], np.abs(g[rows]))
    w[rows] -= LR / (1 - B1**t) * m[rows] / (v[rows] + EPS)


def momentum(decay):
    def rule(w, g, s, t, rows):
        m = s.setdefault("momentum", np.zeros_like(w))
        w[rows] -= decay * w[rows]
        m[rows] = 0.9 * m[rows] + g[rows]
        w[rows] -= LR * m[rows]

    return rule


def sign(factor, decay=lambda t: 1.0):
    def rule(w, g, s, t, rows):
        m = s.setdefault("m", np.zeros_like(w))
        m[:] = B2 * m + (1 - B2) * g
        w[rows] -= (LR * factor(decay(t) * np.sign(g) * np.sign(m)) * g)[rows]

    return rule


def lars(skip):
    def rule(w, g, s, t, rows):
        m = s.setdefault("momentum", np.zeros_like(w))
        rate = LR
        if not skip:
            a, b = np.linalg.norm(w), np.linalg.norm(g)
            rate = LR * 0.01 * a / (b + 0.02 * a + 0.001)
            g = g + 0.02 * w
        m[:] = 0.9 * m + rate * g
        w -= m

    return rule


def adagrad(w, g, s, t, rows):
    a = s.setdefault("accumulator", np.full_like(w, 0.1))
    a[rows] += g[rows] ** 2
    w[rows] -= LR * g[rows] / np.sqrt(a[rows])


def halving(step):
    return 1.0 / (1.0 + tf.cast(step, tf.float32))


ADAM = {"learning_rate": LR, "beta1": B1, "beta2": B2, "epsilon": EPS}
# Name: (the optimizer for a global step, its rule).
OPTIMIZERS = {
    "adamax": (lambda step: opt.AdaMaxOptimizer(**ADAM), adamax),
    "lazy adam": (lambda step: opt.LazyAdamOptimizer(**ADAM), adam(lazy=True)),
    "adam gs": (lambda step: opt.AdamGSOptimizer(global_step=step, **ADAM), adam()),
    "lazy adam gs": (lambda step: opt.LazyAdamGSOptimizer(global_step=step, **ADAM), adam(lazy=True)),
    "nadam": (lambda step: opt.NadamOptimizer(**ADAM), adam(nesterov=True)),
    "adamw": (lambda step: opt.AdamWOptimizer(0.02, **ADAM), adam(decay=0.02)),
    "adamw by a function": (lambda step: opt.AdamWOptimizer(lambda: 0.02, **ADAM), adam(decay=0.02)),
    "momentumw": (lambda step: opt.MomentumWOptimizer(0.02, LR, 0.9), momentum(0.02)),
    "extended": (
        lambda step: opt.extend_with_decoupled_weight_decay(tf.train.MomentumOptimizer)(0.02, LR, 0.9), momentum(0.02)
    ),
    "add sign": (lambda step: opt.AddSignOptimizer(LR, alpha=1.5, beta=B2), sign(lambda a: 1.5 + a)),
    "power sign": (lambda step: opt.PowerSignOptimizer(LR, base=3.0, beta=B2), sign(lambda a: 3.0**a)),
    "power sign decayed": (
        lambda step: opt.PowerSignOptimizer(LR, base=3.0, beta=B2, sign_decay_fn=halving),
        sign(lambda a: 3.0**a, lambda t: 1.0 / t),
    ),
    "reg adagrad": (lambda step: opt.RegAdagradOptimizer(LR), adagrad),
}  # fmt: skip
DENSE_ONLY = {
    "lars": (lambda step: opt.LARSOptimizer(LR, weight_decay=0.02, eeta=0.01, epsilon=0.001), lars(False)),
    "lars skipped": (lambda step: opt.LARSOptimizer(LR, weight_decay=0.02, skip_list=["w"]), lars(True)),
}


def simulate(rule, sparse):
    w, slots = START.astype("d").copy(), {}
    rows = ROWS if sparse else np.arange(4)
    for t in range(1, STEPS + 1):
        g = np.zeros((4, 3))
        g[rows] = GRADIENTS[t - 1][rows]
        if sparse:
            g[0] *= 2  # row 0 stands there twice
        rule(w, g, slots, t, rows)
    return w, slots


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("resource", [False, True], ids=["ref", "resource"])
@pytest.mark.parametrize("name", {**OPTIMIZERS, **DENSE_ONLY})
def test_rule(name, resource, sparse):
    make, rule = {**OPTIMIZERS, **DENSE_ONLY}[name]
    if sparse and name in DENSE_ONLY:
        return  # its sparse step is the plain momentum's
    wanted, slots = simulate(rule, sparse)
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=START, use_resource=resource)
        step = tf.train.get_or_create_global_step()
        fed = tf.placeholder(tf.float32, [3, 3] if sparse else [4, 3])
        gradient = tf.IndexedSlices(fed, tf.constant([2, 0, 0]), tf.constant([4, 3])) if sparse else fed
        optimizer = make(step)
        train = optimizer.apply_gradients([(gradient, w)], global_step=step)
        session.run(tf.global_variables_initializer())
        for g in GRADIENTS:
            session.run(train, {fed: g[[2, 0, 0]] if sparse else g})
        np.testing.assert_allclose(session.run(w), wanted, rtol=2e-4, atol=1e-5)
        assert session.run(step) == STEPS
        assert set(optimizer.get_slot_names()) == set(slots)
        for slot, value in slots.items():
            np.testing.assert_allclose(session.run(optimizer.get_slot(w, slot)), value, rtol=2e-4, atol=1e-5)


def test_only_some_decay():
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = tf.get_variable("a", initializer=1.0), tf.get_variable("b", initializer=1.0)
        loss = 0.0 * (a + b)
        train = opt.MomentumWOptimizer(0.5, 0.1, 0.9).minimize(loss, decay_var_list=[a])
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert session.run([a, b]) == [0.5, 1.0]
        with pytest.raises(ValueError, match="No gradients"):
            opt.AdamWOptimizer(0.5).minimize(tf.constant(1.0), var_list=[a])


def test_names_of_slots():
    """Adam's kinds keep Adam's names, so that they read its checkpoints."""
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=START)
        opt.LazyAdamOptimizer().minimize(tf.reduce_sum(w))
        names = [v.op.name for v in tf.global_variables()]
        assert names == ["w", "beta1_power", "beta2_power", "w/Adam", "w/Adam_1"]
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=START)
        opt.AdamGSOptimizer(tf.train.get_or_create_global_step()).minimize(tf.reduce_sum(w))
        assert [v.op.name for v in tf.global_variables()] == ["w", "global_step", "w/Adam", "w/Adam_1"]


def test_slots_left_alone():
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=[1.0])
        optimizer = opt.RegAdagradOptimizer(0.1)
        with optimizer.avoid_updating_slots():
            quiet = optimizer.minimize(tf.reduce_sum(w))
        session.run(tf.global_variables_initializer())
        session.run(quiet)
        assert np.isclose(session.run(optimizer.get_slot(w, "accumulator"))[0], 0.1)
        assert np.isclose(session.run(w)[0], 1 - 0.1 / np.sqrt(0.1))


def test_moving_average(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=1.0)
        optimizer = opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(0.5), average_decay=0.75)
        with pytest.raises(RuntimeError, match="before creating the swapping_saver"):
            optimizer.swapping_saver()
        train = optimizer.minimize(2 * w)
        session.run(tf.global_variables_initializer())
        session.run(train)
        saver = optimizer.swapping_saver()
        # w is 0, its average 0.75 * 1 + 0.25 * 0.
        path = saver.save(session, str(tmp_path / "swapped"))
        saved = dict(tf.train.list_variables(path))
        assert tf.train.load_variable(path, "w") == 0.75
        assert tf.train.load_variable(path, "w/ExponentialMovingAverage") == 0 and len(saved) == 2
        session.run(w.assign(9.0))
        saver.restore(session, path)
        assert session.run(w) == 0
        with pytest.raises(ValueError, match="not part of variables to save"):
            optimizer.swapping_saver([w])


@pytest.mark.parametrize("sparse", [False, True])
def test_variable_clipping(sparse):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=np.ones((3, 2), "f"))
        gradient = tf.constant(-np.float32([[3, 3], [0, 0], [0, 0]]))
        if sparse:
            gradient = tf.IndexedSlices(gradient[:1], [0], [3, 2])
        optimizer = opt.VariableClippingOptimizer(tf.train.MomentumOptimizer(1.0, 0.5), {w: [1]}, 2.0)
        train = optimizer.apply_gradients([(gradient, w)])
        assert optimizer.get_slot_names() == ["momentum"] and optimizer.get_slot(w, "momentum") is not None
        session.run(tf.global_variables_initializer())
        session.run(train)
        # Row 0 is [4, 4], of length 5.66.
        np.testing.assert_allclose(session.run(w), [[np.sqrt(2)] * 2, [1, 1], [1, 1]], rtol=1e-5)


def test_tasks_that_take_turns():
    with tf.Graph().as_default(), tf.Session() as session:
        w, other = tf.get_variable("w", initializer=1.0), tf.get_variable("other", initializer=1.0)
        chosen = tf.placeholder(tf.float32, [])
        optimizer = opt.MultitaskOptimizerWrapper(tf.train.MomentumOptimizer(0.5, 0.9))
        train = optimizer.minimize(chosen * w + (1 - chosen) * other)
        session.run(tf.global_variables_initializer())
        session.run(train, {chosen: 1})
        session.run(train, {chosen: 0})
        # With plain momentum w would have gone on.
        assert session.run([w, other]) == [0.5, 0.5]
        with pytest.raises(TypeError, match="instance of"):
            opt.MultitaskOptimizerWrapper(1)


def test_clipping_by_global_norm():
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = tf.constant([3.0]), tf.constant([4.0])
        clipped, norm = opt.clip_gradients_by_global_norm([(a, "a"), (b, "b"), (tf.zeros([2]), "c")], 2.5)
        assert [variable for _, variable in clipped] == ["a", "b", "c"]
        values, total = session.run([[g for g, _ in clipped], norm])
        assert np.isclose(total, 5)
        np.testing.assert_allclose(np.concatenate(values), [1.5, 2, 0, 0], rtol=1e-5)


def test_stale_gradients():
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        w = tf.get_variable("w", initializer=10.0)
        optimizer = opt.DropStaleGradientOptimizer(tf.train.GradientDescentOptimizer(1.0), 1)
        gradients = optimizer.compute_gradients(w)
        fresh = optimizer.apply_gradients(gradients, global_step=step)
        session.run(tf.global_variables_initializer())
        assert session.run(fresh) == 0 and session.run([w, step]) == [9.0, 1]
        # The gradient was computed at step 1; meanwhile others made three steps.
        seen = session.run(optimizer._local_step)
        session.run(tf.assign_add(step, 3))
        assert session.run(fresh, {optimizer._local_step: seen}) == 1 and session.run([w, step]) == [9.0, 4]


class Descent(opt.ExternalOptimizerInterface):
    """Plain descent with a penalty for what is not equal."""

    def _minimize(self, initial_val, loss_grad_func, equality_funcs, equality_grad_funcs, inequality_funcs,
                  inequality_grad_funcs, packed_bounds, step_callback, optimizer_kwargs):  # fmt: skip
        x = initial_val.astype("d")
        for _ in range(optimizer_kwargs["steps"]):
            _, gradient = loss_grad_func(x)
            for value, slope in zip(equality_funcs, equality_grad_funcs):
                gradient = gradient + 20 * value(x)[0] * slope(x)[0]
            x = x - 0.02 * gradient
            if packed_bounds:
                x = np.clip(x, *np.transpose(packed_bounds))
            step_callback(x)
        return x


def test_external():
    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.get_variable("a", initializer=[1.0, 2.0])
        b = tf.get_variable("b", initializer=[[3.0]])
        shift = tf.placeholder_with_default(1.0, [])
        loss = tf.reduce_sum(tf.square(a - shift)) + tf.reduce_sum(tf.square(b))
        session.run(tf.global_variables_initializer())
        losses, steps = [], []
        optimizer = Descent(loss, equalities=[tf.reduce_sum(a) - 4], var_to_bounds={b: (0.5, np.inf)}, steps=400)
        optimizer.minimize(session, feed_dict={shift: 2.0}, fetches=[loss], step_callback=steps.append,
                           loss_callback=losses.append)  # fmt: skip
        np.testing.assert_allclose(session.run(a), [2, 2], atol=1e-2)
        np.testing.assert_allclose(session.run(b), [[0.5]], atol=1e-4)
        assert len(losses) == len(steps) == 400 and losses[-1] < losses[0]
        with pytest.raises(NotImplementedError):
            opt.ExternalOptimizerInterface(loss).minimize(session)


def test_scipy(monkeypatch):
    """What scipy.optimize.minimize is asked for (a stand-in for it: SciPy is not among what the tests need)."""
    asked = {}

    class Result(dict):
        message, fun = "done", 0.0

    def minimize(function, start, **options):
        asked.update(options)
        x = start.astype("d")
        for _ in range(100):
            x = x - 0.1 * function(x)[1]
        return Result(x=x)

    package, module = types.ModuleType("scipy"), types.ModuleType("scipy.optimize")
    module.minimize = minimize
    package.optimize = module
    monkeypatch.setitem(sys.modules, "scipy", package)
    monkeypatch.setitem(sys.modules, "scipy.optimize", module)
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=[7.0, 7.0])
        loss = tf.reduce_sum(tf.square(w))
        session.run(tf.global_variables_initializer())
        opt.ScipyOptimizerInterface(
            loss, options={"maxiter": 5}, inequalities=[w[0]], var_to_bounds={w: (-1, 1)}
        ).minimize(session)
        assert np.abs(session.run(w)).max() < 1e-3
        assert asked["method"] == "L-BFGS-B" and asked["jac"] is True and asked["options"] == {"maxiter": 5}
        assert asked["bounds"] == [(-1, 1)] * 2 and asked["constraints"][0]["type"] == "ineq"
        for wrong in ({"jac": False}, {"bounds": []}):
            with pytest.raises(ValueError):
                opt.ScipyOptimizerInterface(loss, **wrong).minimize(session)
