"""contrib.distributions' rarer distributions: what they say of themselves against sums over their density."""

import math

import numpy as np
import pytest

import tenon as tf

d = tf.contrib.distributions
A, B = np.array([2.5, 3.5]), np.array([[1.5], [4.0]])


def run(make, *names):
    """What the distribution's methods give, in doubles."""
    with tf.Graph().as_default(), tf.Session() as session:
        one = make()
        return session.run([getattr(one, name)() for name in names])


def ask(make, name, value):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(getattr(make(), name)(value))


# How it is made, and where nearly all of it lies.
NUMBERS = {
    "Logistic": (lambda: d.Logistic(A, B), -200.0, 200.0),
    "HalfNormal": (lambda: d.HalfNormal(A), 1e-12, 40.0),
    "InverseGamma": (lambda: d.InverseGamma(A + 3.0, B), 1e-3, 400.0),
    "InverseGamma softplus": (
        lambda: d.InverseGammaWithSoftplusConcentrationRate(A + 3.0, B), 1e-3, 400.0),
    "Kumaraswamy": (lambda: d.Kumaraswamy(A, B), 1e-12, 1 - 1e-12),
    "RelaxedBernoulli": (lambda: d.RelaxedBernoulli(np.array([0.8]), logits=A - 3.0), 1e-7, 1 - 1e-7),
    "MixtureSameFamily": (
        lambda: d.MixtureSameFamily(d.Categorical(probs=np.array([0.3, 0.7])), d.Normal(np.array([-1.0, 2.0]),
                                                                                        np.array([0.5, 1.5]))),
        -12.0, 14.0),
    "Mixture": (
        lambda: d.Mixture(d.Categorical(probs=np.array([[0.3, 0.7], [0.6, 0.4]])),
                          [d.Normal(np.array([-1.0, 1.0]), np.float64(0.5)), d.Normal(np.array([2.0, 3.0]), A)]),
        -25.0, 30.0),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name):
    make, low, high = NUMBERS[name]
    with tf.Graph().as_default(), tf.Session() as session:
        one = make()
        batch = one.batch_shape.as_list()
        assert session.run(one.batch_shape_tensor()).tolist() == batch and one.event_shape.as_list() == []
        # Steps that are small where the density is high: near 0 for what is positive.
        ends = np.linspace(low, high, 100001) if low < 0 or high <= 1 else np.geomspace(low, high, 100001)
        x = (ends[1:] + ends[:-1]) / 2
        wide = x.reshape(-1, *[1] * len(batch))
        width = np.diff(ends).reshape(wide.shape)
        log_prob, prob = session.run([one.log_prob(wide), one.prob(wide)])
        np.testing.assert_allclose(np.exp(log_prob), prob, rtol=1e-6, atol=1e-300)
        np.testing.assert_allclose((prob * width).sum(0), np.ones(batch), atol=2e-3)
        places = np.array([0.1, 0.35, 0.9]).reshape(3, *[1] * len(batch))
        at = low + (high - low) * places if high <= 1 else session.run(one.sample(3, seed=1)).astype("d")
        below = np.array([np.where(wide < value, prob * width, 0).sum(0) for value in at])
        np.testing.assert_allclose(session.run(one.cdf(at)), below, atol=2e-3)
        cdf, log_cdf, above = session.run([one.cdf(at), one.log_cdf(at), one.survival_function(at)])
        np.testing.assert_allclose([log_cdf, above], [np.log(cdf), 1 - cdf], atol=1e-5)
        drawn = session.run(one.sample(4000, seed=7))
        assert drawn.shape == (4000, *batch) and drawn.dtype == np.float64
        for value in at:
            chance = session.run(one.cdf(value))
            np.testing.assert_allclose((drawn < value).mean(0), chance, atol=0.04)
        if name.startswith("Relaxed"):
            return
        mean = (prob * width * wide).sum(0)
        np.testing.assert_allclose(session.run(one.mean()), mean, rtol=5e-3, atol=2e-3)
        second = (prob * width * np.square(wide - mean)).sum(0)
        np.testing.assert_allclose(session.run([one.variance(), one.stddev()]), [second, np.sqrt(second)], rtol=2e-2)
        if not name.startswith("Mixture"):
            surprise = np.where(prob > 0, -prob * np.where(prob > 0, log_prob, 0), 0)
            np.testing.assert_allclose(session.run(one.entropy()), (surprise * width).sum(0), atol=1e-2)
            best = np.take_along_axis(wide, prob.argmax(0)[None], 0)[0] if not batch else x[prob.argmax(0)]
            np.testing.assert_allclose(session.run(one.mode()), best, atol=2e-2)
        if hasattr(one, "_quantile"):
            p = places + np.zeros(batch)
            np.testing.assert_allclose(session.run(one.cdf(one.quantile(p))), p, rtol=1e-5)


def test_cauchy():
    x = np.array([[-3.0], [0.5]])
    z = (x - A) / 2.0
    one = lambda: d.Cauchy(A, np.float64(2.0))  # noqa: E731
    np.testing.assert_allclose(ask(one, "prob", x), 1 / (math.pi * 2.0 * (1 + z**2)), rtol=1e-6)
    np.testing.assert_allclose(ask(one, "cdf", x), np.arctan(z) / math.pi + 0.5, rtol=1e-6)
    np.testing.assert_allclose(ask(one, "log_cdf", x), np.log(np.arctan(z) / math.pi + 0.5), rtol=1e-6)
    np.testing.assert_allclose(ask(one, "quantile", np.array([0.25, 0.75])), np.add(A, [-2.0, 2.0]), rtol=1e-6)
    entropy, mode, mean, stddev = run(one, "entropy", "mode", "mean", "stddev")
    np.testing.assert_allclose(entropy, [math.log(8 * math.pi)] * 2, rtol=1e-6)
    assert mode.tolist() == A.tolist() and np.isnan(mean).all() and np.isnan(stddev).all()
    drawn = ask(lambda: d.Cauchy(A, np.float64(2.0)), "sample", 4000)
    np.testing.assert_allclose(np.median(drawn, 0), A, atol=0.3)
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(lambda: d.Cauchy(A, np.float64(2.0), allow_nan_stats=False), "mean")


def test_what_is_undefined():
    low = lambda: d.InverseGamma(np.array([0.5, 1.5, 3.0]), np.float64(1.0))  # noqa: E731
    mean, variance = run(low, "mean", "variance")
    np.testing.assert_allclose(mean, [np.nan, 2.0, 0.5], rtol=1e-6)
    np.testing.assert_allclose(variance, [np.nan, np.nan, 0.25], rtol=1e-6)
    assert np.isnan(run(lambda: d.Kumaraswamy(np.float64(0.5), np.float64(2.0)), "mode")[0])


TOTALS = np.array([[5.0], [9.0]])
COUNTS = {
    "Binomial": (lambda: d.Binomial(TOTALS, probs=np.array([0.2, 0.7])), 10),
    "Binomial logits": (lambda: d.Binomial(TOTALS, logits=np.array([-0.5, 2.0])), 10),
    "NegativeBinomial": (lambda: d.NegativeBinomial(TOTALS, probs=np.array([0.2, 0.5])), 150),
    "Geometric": (lambda: d.Geometric(probs=np.array([0.2, 0.7])), 300),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    make, most = COUNTS[name]
    with tf.Graph().as_default(), tf.Session() as session:
        one = make()
        batch = one.batch_shape.as_list()
        k = np.arange(float(most)).reshape(-1, *[1] * len(batch))
        prob = np.nan_to_num(session.run(one.prob(k)))
        prob = np.where(k <= (TOTALS if name.startswith("Bin") else most), prob, 0.0)
        np.testing.assert_allclose(prob.sum(0), np.ones(batch), rtol=1e-6)
        np.testing.assert_allclose(session.run(one.cdf(k)), np.minimum(prob.cumsum(0), 1), atol=1e-6)
        np.testing.assert_allclose(session.run(one.cdf(k - 0.5 if name != "NegativeBinomial" else k)),
                                   prob.cumsum(0) - (prob if name != "NegativeBinomial" else 0), atol=1e-6)  # fmt: skip
        mean = (prob * k).sum(0)
        variance = (prob * np.square(k - mean)).sum(0)
        np.testing.assert_allclose(session.run(one.mean()), mean + np.zeros(batch), rtol=1e-5)
        np.testing.assert_allclose(session.run(one.variance()), variance, rtol=1e-5)
        best = (session.run(one.mode()) + np.zeros(batch)).astype(int)
        np.testing.assert_allclose(np.take_along_axis(prob, best[None], 0)[0], prob.max(0), rtol=1e-6)
        if name == "Geometric":
            np.testing.assert_allclose(session.run(one.entropy()), -(prob * np.log(prob)).sum(0), rtol=1e-5)
        if not name.startswith("Bin"):
            drawn = session.run(one.sample(5000, seed=3))
            np.testing.assert_allclose(drawn.mean(0), mean, rtol=0.06)
            assert (drawn == np.floor(drawn)).all()
        else:
            with pytest.raises(NotImplementedError):
                one.sample(3)


def parts(total, size):
    """All ways to write TOTAL as SIZE counts."""
    if size == 1:
        return [[total]]
    return [[i, *rest] for i in range(total + 1) for rest in parts(total - i, size - 1)]


@pytest.mark.parametrize("name", ["Multinomial", "DirichletMultinomial"])
def test_vectors_of_counts(name):
    shares = np.array([0.2, 0.5, 0.3])

    def make():
        if name == "Multinomial":
            return d.Multinomial(np.float64(4.0), probs=shares)
        return d.DirichletMultinomial(np.float64(4.0), shares * 6)

    every = np.array(parts(4, 3), "d")
    prob = ask(make, "prob", every)
    assert prob.sum() == pytest.approx(1.0)
    mean, variance, covariance = run(make, "mean", "variance", "covariance")
    wanted = (prob[:, None] * every).sum(0)
    apart = every - wanted
    np.testing.assert_allclose(mean, wanted, rtol=1e-6)
    np.testing.assert_allclose(covariance, (prob[:, None, None] * apart[:, :, None] * apart[:, None]).sum(0), atol=1e-6)
    np.testing.assert_allclose(variance, np.diag(covariance), rtol=1e-6)
    with tf.Graph().as_default(), tf.Session() as session:
        drawn = session.run(make().sample(4000, seed=1))
        assert drawn.shape == (4000, 3) and (drawn.sum(1) == 4).all()
        np.testing.assert_allclose(drawn.mean(0), wanted, atol=0.08)
        both = d.Multinomial(np.array([2.0, 5.0]), probs=shares)
        assert both.batch_shape.as_list() == [2] and both.event_shape.as_list() == [3]
        assert session.run(both.sample(7, seed=2)).sum(2).tolist() == [[2.0, 5.0]] * 7


def density(x, loc, covariance):
    apart = x - loc
    norm = np.log(np.linalg.det(2 * math.pi * covariance))
    return -0.5 * (np.einsum("...i,ij,...j", apart, np.linalg.inv(covariance), apart) + norm)


SCALE = np.array([[1.5, 9.0, 9.0], [0.5, 2.0, 9.0], [-1.0, 0.3, 0.7]])
LOC = np.array([1.0, -2.0, 0.5])


def test_normal_vectors():
    lower = np.tril(SCALE)
    covariance = lower @ lower.T
    x = np.random.RandomState(0).randn(5, 3)
    for make in (lambda: d.MultivariateNormalTriL(LOC, SCALE),
                 lambda: d.MultivariateNormalFullCovariance(LOC, covariance)):  # fmt: skip
        np.testing.assert_allclose(ask(make, "log_prob", x), density(x, LOC, covariance), rtol=1e-6)
        found = run(make, "mean", "mode", "covariance", "variance", "stddev", "entropy")
        for got, wanted in zip(found, (LOC, LOC, covariance, np.diag(covariance), np.sqrt(np.diag(covariance)),
                                       0.5 * np.log(np.linalg.det(2 * math.pi * math.e * covariance)))):  # fmt: skip
            np.testing.assert_allclose(got, wanted, rtol=1e-6)
        with tf.Graph().as_default(), tf.Session() as session:
            drawn = session.run(make().sample(20000, seed=1))
            np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.25)
            np.testing.assert_allclose(drawn.mean(0), LOC, atol=0.06)
    with tf.Graph().as_default(), tf.Session() as session:
        several = d.MultivariateNormalTriL(np.stack([LOC, 2 * LOC]), SCALE)
        other = d.MultivariateNormalTriL(np.zeros(3), np.eye(3) * 2)
        assert several.batch_shape.as_list() == [2] and several.event_shape.as_list() == [3]
        logs = session.run(several.log_prob(x[:, None]))
        np.testing.assert_allclose(logs[:, 1], density(x, 2 * LOC, covariance), rtol=1e-6)
        kl = session.run(d.kl_divergence(several, other))
        b = 4 * np.eye(3)
        for got, loc in zip(kl, (LOC, 2 * LOC)):
            more = np.log(np.linalg.det(b) / np.linalg.det(covariance))
            wanted = 0.5 * (np.trace(covariance) / 4 + loc @ loc / 4 - 3 + more)
            assert got == pytest.approx(wanted, rel=1e-6)
        standard = d.MultivariateNormalTriL(LOC)
        np.testing.assert_allclose(session.run(standard.covariance()), np.eye(3))
        with pytest.raises(ValueError):
            d.MultivariateNormalTriL()
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(d.MultivariateNormalFullCovariance(LOC, SCALE, validate_args=True).mean())


def test_mixtures_of_vectors():
    with tf.Graph().as_default(), tf.Session() as session:
        means = np.array([[0.0, 3.0], [5.0, -1.0], [2.0, 2.0]])
        share = np.array([0.2, 0.5, 0.3])
        made = d.MixtureSameFamily(d.Categorical(probs=share), d.MultivariateNormalDiag(means, np.array([0.5, 1.0])))
        assert made.event_shape.as_list() == [2] and made.batch_shape.as_list() == []
        np.testing.assert_allclose(session.run(made.mean()), share @ means, rtol=1e-6)
        drawn = session.run(made.sample(4000, seed=3))
        np.testing.assert_allclose(drawn.mean(0), share @ means, atol=0.15)
        np.testing.assert_allclose(drawn.var(0), session.run(made.variance()), rtol=0.1)
        covariance = np.diag([0.25, 1.0])
        x = np.array([[1.0, 1.0], [4.0, 0.0]])
        wanted = np.log(sum(p * np.exp(density(x, mean, covariance)) for p, mean in zip(share, means)))
        np.testing.assert_allclose(session.run(made.log_prob(x)), wanted, rtol=1e-6)
        normal = d.Normal(0.0, 1.0)
        for wrong, kind in ((lambda: d.Mixture(normal, [normal]), TypeError),
                            (lambda: d.Mixture(d.Categorical([0.0]), []), ValueError),
                            (lambda: d.Mixture(d.Categorical([0.0, 1.0]), [normal]), ValueError),
                            (lambda: d.Mixture(d.Categorical([0.0]), [3]), TypeError),
                            (lambda: d.MixtureSameFamily(normal, normal), ValueError)):  # fmt: skip
            with pytest.raises(kind):
                wrong()


def test_independent_parts():
    with tf.Graph().as_default(), tf.Session() as session:
        inner = d.Normal(np.arange(6.0).reshape(2, 3), np.float64(2.0))
        made = d.Independent(inner)
        assert made.batch_shape.as_list() == [2] and made.event_shape.as_list() == [3]
        x = np.ones((4, 2, 3))
        np.testing.assert_allclose(session.run(made.log_prob(x)), session.run(inner.log_prob(x)).sum(2), rtol=1e-6)
        np.testing.assert_allclose(session.run(made.entropy()), session.run(inner.entropy()).sum(1), rtol=1e-6)
        np.testing.assert_array_equal(session.run(made.mean()), np.arange(6.0).reshape(2, 3))
        assert session.run(made.sample(5, seed=1)).shape == (5, 2, 3)
        whole = d.Independent(inner, reinterpreted_batch_ndims=2)
        assert whole.batch_shape.as_list() == [] and session.run(whole.event_shape_tensor()).tolist() == [2, 3]
        other = d.Independent(d.Normal(np.zeros((2, 3)), np.float64(1.0)))
        kl = session.run(d.kl_divergence(made, other))
        wanted = session.run(d.kl_divergence(inner, other.distribution)).sum(1)
        np.testing.assert_allclose(kl, wanted, rtol=1e-6)
        with pytest.raises(ValueError):
            d.Independent(inner, reinterpreted_batch_ndims=3)


def test_relaxed_classes():
    logits = np.array([0.3, -1.0, 1.0])
    with tf.Graph().as_default(), tf.Session() as session:
        one = d.RelaxedOneHotCategorical(np.float64(0.7), logits=logits)
        log = d.ExpRelaxedOneHotCategorical(np.float64(0.7), logits=logits)
        assert one.event_shape.as_list() == [3] and one.reparameterization_type is d.FULLY_REPARAMETERIZED
        rows, logs = session.run([one.sample(3000, seed=1), log.sample(3000, seed=1)])
        np.testing.assert_allclose(rows.sum(1), np.ones(3000), rtol=1e-6)
        np.testing.assert_allclose(np.exp(logs), rows, rtol=1e-6)
        chance = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(np.bincount(rows.argmax(1)) / 3000, chance, atol=0.03)
        # The density adds up to 1 over the triangle of rows.
        n = 700
        i, j = np.meshgrid((np.arange(n) + 1 / 3) / n, (np.arange(n) + 1 / 3) / n)
        inside = i + j < 1
        x = np.stack([i, j, 1 - i - j], -1)[inside]
        prob, log_prob = session.run([one.prob(x), log.log_prob(np.log(x))])
        assert prob.sum() / n**2 == pytest.approx(1.0, abs=0.03)
        np.testing.assert_allclose(np.log(prob), log_prob - np.log(x).sum(1), rtol=1e-6)
        cold = session.run(d.RelaxedBernoulli(0.01, probs=0.8).sample(2000, seed=2))
        assert (cold > 0.5).mean() == pytest.approx(0.8, abs=0.03) and ((cold < 0.01) | (cold > 0.99)).mean() > 0.9


def test_what_never_changes():
    with tf.Graph().as_default(), tf.Session() as session:
        one = d.Deterministic(np.array([1.0, -2.0]), atol=0.1, rtol=0.05)
        x = np.array([[1.12, -2.0], [0.84, -2.21], [1.16, -1.9]])
        assert session.run(one.prob(x)).tolist() == [[1, 1], [0, 0], [0, 1]]
        assert session.run(one.cdf(np.array([0.5, 0.0]))).tolist() == [0, 1]
        assert session.run([one.mean(), one.mode(), one.variance(), one.entropy()])[2].tolist() == [0, 0]
        assert session.run(one.sample(3)).tolist() == [[1.0, -2.0]] * 3
        row = d.VectorDeterministic(np.array([[1.0, -2.0], [0.0, 3.0]]))
        assert row.batch_shape.as_list() == [2] and row.event_shape.as_list() == [2]
        assert session.run(row.prob(np.array([1.0, -2.0]))).tolist() == [1, 0]
        assert session.run(row.sample(3)).shape == (3, 2, 2)
