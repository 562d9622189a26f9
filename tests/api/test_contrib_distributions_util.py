"""contrib.distributions' helpers, against NumPy."""

import numpy as np
import pytest

import tenon as tf

d = tf.contrib.distributions


def run(build, init=False):
    with tf.Graph().as_default(), tf.Session() as session:
        made = build()
        if init:
            session.run(tf.global_variables_initializer())
        return session.run(made)


def test_triangles():
    assert run(lambda: d.fill_triangular([1, 2, 3, 4, 5, 6])).tolist() == [[4, 0, 0], [6, 5, 0], [3, 2, 1]]
    assert run(lambda: d.fill_triangular([1, 2, 3, 4, 5, 6], upper=True)).tolist() == [[1, 2, 3], [0, 5, 6], [0, 0, 4]]
    x = np.random.RandomState(0).randn(2, 5, 10)
    for upper in (False, True):
        back = run(lambda upper=upper: d.fill_triangular_inverse(d.fill_triangular(x, upper), upper))
        np.testing.assert_array_equal(back, x)
    for size in (0, 1):
        assert run(lambda size=size: d.fill_triangular(np.ones(size))).shape == (size, size)
    with pytest.raises(ValueError, match="triangular"):
        d.fill_triangular([1.0, 2.0])
    matrix = np.arange(9.0).reshape(3, 3)
    changed = run(lambda: d.matrix_diag_transform(matrix, tf.exp))
    np.testing.assert_allclose(changed, matrix + np.diag(np.exp(np.diag(matrix)) - np.diag(matrix)))
    found = run(lambda: d.tridiag(below=[1.0, 2.0], diag=[3.0, 4.0, 5.0], above=[6.0, 7.0]))
    assert found.tolist() == [[3, 6, 0], [1, 4, 7], [0, 2, 5]]
    with pytest.raises(ValueError):
        d.tridiag()


def test_percentiles():
    x = np.random.RandomState(1).randn(4, 7, 3)
    for kind in ("lower", "higher", "nearest", None):
        for q in (0, 30.0, 50, 99.9, 100):
            for axis in (None, 1, [0, 2], -1):
                for keep in (False, True):
                    got = run(lambda a=(q, axis, kind, keep): d.percentile(x, *a))
                    wanted = np.percentile(x, q, axis=tuple(axis) if isinstance(axis, list) else axis,
                                           method=kind or "nearest", keepdims=keep)  # fmt: skip
                    np.testing.assert_array_equal(got, wanted)
    with pytest.raises(ValueError):
        d.percentile(x, 30.0, interpolation="linear")
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(lambda: d.percentile(x, tf.constant(101.0), validate_args=True))


def test_weighted_sums_of_exponentials():
    x, w = np.array([[0.0, 700.0, -3.0], [1.0, 2.0, -np.inf]]), np.array([1.0, -2.0, 3.0])
    log, sign = run(lambda: d.reduce_weighted_logsumexp(x, w, axis=1, return_sign=True))
    np.testing.assert_allclose(log, [700 + np.log(2.0), np.log(2 * np.e**2 - np.e)], rtol=1e-12)
    assert sign.tolist() == [-1, -1]
    np.testing.assert_allclose(run(lambda: d.reduce_weighted_logsumexp(x[1:, :2])), np.log(np.e + np.e**2))
    kept = run(lambda: d.reduce_weighted_logsumexp(x[1:], w, axis=[0, 1], keep_dims=True))
    np.testing.assert_allclose(kept, [[np.log(2 * np.e**2 - np.e)]], rtol=1e-12)


def test_moving_moments():
    values = np.random.RandomState(2).randn(9, 3)
    mean = variance = np.zeros(3)
    log_mean = np.log(2.0)
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.placeholder(tf.float64, [3])
        made = d.moving_mean_variance(value, decay=0.9)
        log = tf.get_variable("log", initializer=np.float64(log_mean))
        step = d.assign_log_moving_mean_exp(log, value[0], 0.9)
        assert [v.op.name for v in tf.global_variables()][:2] == [
            "moving_mean_variance/moving_mean", "moving_mean_variance/moving_variance"]  # fmt: skip
        session.run(tf.global_variables_initializer())
        for row in values:
            got_mean, got_variance = session.run(made, {value: row})
            apart = row - mean
            variance = 0.9 * variance + 0.1 * 0.9 * apart**2
            mean = mean + 0.1 * apart
            np.testing.assert_allclose([got_mean, got_variance], [mean, variance], rtol=1e-10)
            log_mean = np.log(0.9 * np.exp(log_mean) + 0.1 * np.exp(row[0]))
            assert session.run(step, {value: row}) == pytest.approx(log_mean)


def test_what_is_learnt_of_a_mean():
    seen = np.random.RandomState(3).randn(11) * 2 + 5
    with tf.Graph().as_default(), tf.Session() as session:
        prior, scale = d.Normal(np.float64(1.0), np.float64(3.0)), np.float64(2.0)
        s, n = tf.constant(seen.sum()), tf.constant(11)
        after = d.normal_conjugates_known_scale_posterior(prior, scale, s, n)
        grid = np.linspace(-10, 20, 3001)
        logs = -((grid - 1) ** 2) / 18 - ((seen[:, None] - grid) ** 2).sum(0) / 8
        weights = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
        mean = (weights * grid).sum()
        spread = np.sqrt((weights * (grid - mean) ** 2).sum())
        np.testing.assert_allclose(session.run([after.loc, after.scale]), [mean, spread], rtol=1e-6)
        later = d.normal_conjugates_known_scale_predictive(prior, scale, s, n)
        np.testing.assert_allclose(session.run([later.loc, later.scale]), [mean, np.hypot(spread, 2)], rtol=1e-6)
        with pytest.raises(TypeError):
            d.normal_conjugates_known_scale_posterior(3.0, scale, s, n)


def test_streams_of_seeds():
    one, same, other = d.SeedStream(7, "a"), d.SeedStream(7, "a"), d.SeedStream(7, "b")
    drawn = [one() for _ in range(5)]
    assert drawn == [same() for _ in range(5)] and len({*drawn, other()}) == 6
    assert d.SeedStream(one, "a")() == drawn[0] and d.SeedStream(None, "a")() is None
