"""tf.distributions and tf.contrib.distributions: probabilities, moments, seeded samples and divergences."""

import numpy as np
import pytest

import tenon as tf
from api.both import both

ROWS = np.float32([[0.2, 1.5, 3.0], [2.5, 0.7, 1.1]])
LOGITS = np.float32([[0.2, -1.5, 3.0, 0.0], [-2.5, 0.7, 1.1, 0.3]])
COLUMN = np.float32([[0.5], [2.0]])

# Name: (how it is made, values to ask about, what it does not have).
DISTRIBUTIONS = {
    "Normal": (lambda d: d.Normal(ROWS, COLUMN), np.float32([-8.0, 0.3, 9.0]), ()),
    "Laplace": (lambda d: d.Laplace(ROWS, COLUMN), np.float32([-8.0, 0.3, 9.0]), ("quantile",)),
    "Uniform": (lambda d: d.Uniform(ROWS, ROWS + COLUMN), np.float32([0.3, np.nan, 3.4]), ("mode", "quantile")),
    "StudentT": (lambda d: d.StudentT(ROWS, COLUMN, COLUMN), np.float32([-8.0, 0.3, 9.0]), ("quantile", "cdf")),
    "Gamma": (lambda d: d.Gamma(ROWS, COLUMN), np.float32([0.1, 1.0, 9.0]), ("quantile", "cdf")),
    "Exponential": (lambda d: d.Exponential(ROWS), np.float32([0.1, 1.0, 9.0]), ("quantile",)),
    "Beta": (lambda d: d.Beta(ROWS, COLUMN), np.float32([0.1, 0.5, 0.9]), ("quantile", "cdf")),
    "Dirichlet": (lambda d: d.Dirichlet(ROWS), np.float32([0.1, 0.5, 0.4]), ("quantile", "cdf", "mode")),
    "Bernoulli": (lambda d: d.Bernoulli(logits=LOGITS), np.int32([1, 0, 1, 1]), ("quantile", "cdf")),
    "Bernoulli probs": (lambda d: d.Bernoulli(probs=COLUMN / 3), np.int32([1]), ("quantile", "cdf")),
    "Categorical": (lambda d: d.Categorical(LOGITS), np.int32([3, 1]), ("quantile", "mean", "stddev", "variance")),
    "Categorical probs": (
        lambda d: d.Categorical(probs=np.float32([0.2, 0.5, 0.3])), np.int32([2, 0, 1]),
        ("quantile", "mean", "stddev", "variance"),
    ),
}  # fmt: skip
FUNCTIONS = ("log_prob", "prob", "log_cdf", "cdf", "log_survival_function", "survival_function")
MOMENTS = ("mean", "stddev", "variance", "entropy", "mode")


def left_out(name, absent):
    return name in absent or "cdf" in absent and name in FUNCTIONS[2:]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_like_tensorflow(name):
    make, values, absent = DISTRIBUTIONS[name]

    def program(tf):
        one = make(tf.distributions)
        made = {f: getattr(one, f)(values) for f in FUNCTIONS if not left_out(f, absent)}
        made.update({f: getattr(one, f)() for f in MOMENTS if not left_out(f, absent)})
        if "quantile" not in absent:
            made["quantile"] = one.quantile(np.float32([0.1, 0.5, 0.9]))
        made["shapes"] = [one.batch_shape.as_list(), one.event_shape.as_list(), one.batch_shape_tensor(),
                          one.event_shape_tensor(), one.is_scalar_batch(), one.is_scalar_event()]  # fmt: skip
        made["names"] = [one.dtype.name, one.name, sorted(one.parameters), str(one.reparameterization_type)]
        return made

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_samples_are_tensorflow_s(name):
    def program(tf):
        tf.set_random_seed(7)
        one = DISTRIBUTIONS[name][0](tf.distributions)
        drawn = one.sample([2, 3], seed=5)
        return drawn, drawn.shape.as_list(), one.sample(seed=6), one.sample(4, seed=6).shape.as_list()

    both(program, rtol=1e-4, atol=1e-5)


PAIRS = {
    "Normal": lambda d: (d.Normal(ROWS, COLUMN), d.Normal(0.5, 2.0)),
    "Gamma": lambda d: (d.Gamma(ROWS, COLUMN), d.Gamma(0.5, 2.0)),
    "Beta": lambda d: (d.Beta(ROWS, COLUMN), d.Beta(0.5, 2.0)),
    "Dirichlet": lambda d: (d.Dirichlet(ROWS), d.Dirichlet(np.float32([0.5, 1.0, 2.0]))),
    "Bernoulli": lambda d: (d.Bernoulli(LOGITS), d.Bernoulli(np.float32(0.5))),
    "Categorical": lambda d: (d.Categorical(LOGITS), d.Categorical(LOGITS[::-1].copy())),
}


@pytest.mark.parametrize("name", PAIRS)
def test_divergences(name):
    def program(tf):
        a, b = PAIRS[name](tf.distributions)
        return tf.distributions.kl_divergence(a, b), a.kl_divergence(a), a.cross_entropy(b)

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["Normal", "Laplace"])
def test_gradients_flow_through_samples(kind):
    def program(tf):
        loc, scale = tf.constant([1.0, 2.0]), tf.constant([0.5, 0.1])
        drawn = getattr(tf.distributions, kind)(loc, scale).sample([3], seed=1)
        return tf.gradients(tf.reduce_sum(drawn * drawn), [loc, scale])

    both(program, rtol=1e-4)


def test_mode_of_shares():
    """TensorFlow 2.21 itself fails here for a batch."""
    with tf.Graph().as_default(), tf.Session() as session:
        weights = np.float32([[2.0, 3.0, 1.5], [0.5, 2.0, 2.0]])
        made = session.run(tf.distributions.Dirichlet(weights).mode())
        np.testing.assert_allclose(made[0], (weights[0] - 1) / (weights[0].sum() - 3), rtol=1e-5)
        assert np.isnan(made[1]).all()
        covariance = session.run(tf.distributions.Dirichlet(weights).covariance())[0]
        a, total = weights[0].astype("d"), weights[0].sum()
        wanted = (np.diag(a * total) - np.outer(a, a)) / (total**2 * (total + 1))
        np.testing.assert_allclose(covariance, wanted, rtol=1e-4)


def test_unknown_shapes():
    def program(tf):
        loc = tf.placeholder_with_default(ROWS, None)
        one = tf.distributions.Normal(loc, 1.0)
        drawn = one.sample(2, seed=1)
        return one.batch_shape_tensor(), one.log_prob(0.5), tf.shape(drawn), one.is_scalar_batch()

    both(program, rtol=1e-4)


def test_checked_arguments():
    for program in (
        lambda tf: tf.distributions.Normal(0.0, tf.constant(-1.0), validate_args=True).scale,
        lambda tf: tf.distributions.Gamma(tf.constant(-1.0), 1.0, validate_args=True).rate,
        lambda tf: tf.distributions.Uniform(2.0, tf.constant(1.0), validate_args=True).low,
        lambda tf: tf.distributions.Bernoulli(probs=tf.constant(1.5), validate_args=True).probs,
        lambda tf: tf.distributions.StudentT(tf.constant(0.5), 0.0, 1.0, allow_nan_stats=False).mean(),
        lambda tf: tf.distributions.Bernoulli(), lambda tf: tf.distributions.Bernoulli(0.5, 0.5),
        lambda tf: tf.distributions.Categorical(probs=np.int32([1, 2])),
        lambda tf: tf.distributions.kl_divergence(tf.distributions.Normal(0.0, 1.0), tf.distributions.Beta(1.0, 1.0)),
        lambda tf: tf.distributions.Categorical(LOGITS).mean(),
    ):  # fmt: skip
        both.error(program)


def test_copies_and_registration():
    def program(tf):
        d = tf.distributions
        one = d.Normal(1.0, 2.0, name="one")
        other = one.copy(scale=3.0)

        class Mine(d.Normal):
            pass

        @d.RegisterKL(Mine, d.Normal)
        def mine(a, b, name=None):
            return a.loc * 100.0

        assert d.kl_divergence(one, other).shape.as_list() == []
        shapes = d.Normal.param_static_shapes([2, 3])
        return other.mean(), other.stddev(), d.kl_divergence(Mine(2.0, 1.0), one), [shapes["loc"].as_list()]

    both(program)


def moments(one, n=20000):
    """Mean and variance of N samples."""
    with tf.Session() as session:
        drawn, mean, variance = session.run([one.sample(n, seed=3), one.mean(), one.variance()])
    np.testing.assert_allclose(drawn.mean(0), mean, rtol=0.05, atol=0.03)
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.1, atol=0.03)


def test_what_only_contrib_has():
    """Poisson, chi-squared, one-hot classes and independent normal vectors by their formulas."""
    d = tf.contrib.distributions
    with tf.Graph().as_default(), tf.Session() as session:
        rates = np.float32([0.5, 3.0])
        poisson = d.Poisson(rates)
        ks = np.arange(30, dtype="f")[:, None]
        table = session.run(poisson.prob(ks))
        np.testing.assert_allclose(table.sum(0), 1, rtol=1e-5)
        np.testing.assert_allclose((table * ks).sum(0), rates, rtol=1e-4)
        np.testing.assert_allclose(session.run(d.Poisson(log_rate=np.log(rates)).mean()), rates, rtol=1e-5)
        moments(poisson)
        moments(d.Chi2(np.float32([1.0, 4.0])))
        np.testing.assert_allclose(session.run(d.Chi2(4.0).mean()), 4)
        one_hot = d.OneHotCategorical(LOGITS)
        probabilities = session.run(one_hot.probs)
        rows = np.float32(np.eye(4))
        np.testing.assert_allclose(session.run(one_hot.prob(rows[:, None])), probabilities.T, rtol=1e-5)
        drawn = session.run(one_hot.sample(5000, seed=1))
        assert drawn.shape == (5000, 2, 4) and (drawn.sum(-1) == 1).all()
        np.testing.assert_allclose(drawn.mean(0), probabilities, atol=0.03)
        assert one_hot.event_shape.as_list() == [4] and one_hot.batch_shape.as_list() == [2]


def test_normal_vectors():
    d = tf.contrib.distributions
    loc, scale = ROWS, np.float32([0.5, 1.0, 2.0])
    with tf.Graph().as_default(), tf.Session() as session:
        vectors = d.MultivariateNormalDiag(loc, scale)
        assert vectors.batch_shape.as_list() == [2] and vectors.event_shape.as_list() == [3]
        x = np.float32([0.1, 0.2, 0.3])
        single = d.Normal(loc, scale)
        made = session.run([vectors.log_prob(x), tf.reduce_sum(single.log_prob(x), -1), vectors.entropy(),
                            tf.reduce_sum(single.entropy() + tf.zeros([2, 3]), -1), vectors.covariance()])  # fmt: skip
        np.testing.assert_allclose(made[0], made[1], rtol=1e-5)
        np.testing.assert_allclose(made[2], made[3], rtol=1e-5)
        np.testing.assert_allclose(made[4], np.stack([np.diag(scale**2)] * 2))
        moments(vectors)
        other = d.MultivariateNormalDiag(scale_diag=scale, scale_identity_multiplier=1.0)
        divergence, parts = session.run([
            d.kl_divergence(vectors, other), tf.reduce_sum(d.kl_divergence(single, d.Normal(0.0, scale + 1)), -1)
        ])  # fmt: skip
        np.testing.assert_allclose(divergence, parts, rtol=1e-5)
        soft = d.MultivariateNormalDiagWithSoftplusScale(loc, scale)
        np.testing.assert_allclose(session.run(soft.stddev())[0], np.log1p(np.exp(scale)), rtol=1e-5)
        with pytest.raises(ValueError):
            d.MultivariateNormalDiag()


def test_softened_parameters():
    d = tf.contrib.distributions
    x = np.float32([-1.0, 0.5, 2.0])
    soft = np.log1p(np.exp(x))
    with tf.Graph().as_default(), tf.Session() as session:
        made = session.run([
            d.NormalWithSoftplusScale(0.0, x).stddev(), d.LaplaceWithSoftplusScale(0.0, x).scale,
            d.GammaWithSoftplusConcentrationRate(x, x).rate, d.ExponentialWithSoftplusRate(x).rate,
            d.BetaWithSoftplusConcentration(x, x).concentration1, d.softplus_inverse(tf.nn.softplus(x)),
            d.StudentTWithAbsDfSoftplusScale(x - 3, x, x).df, d.Chi2WithAbsDf(x - 3).df,
        ])  # fmt: skip
    for value in made[:5]:
        np.testing.assert_allclose(value, soft, rtol=1e-5)
    np.testing.assert_allclose(made[5], x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(made[6], [4, 2, 1])
    np.testing.assert_allclose(made[7], [4, 2, 1])


@pytest.mark.parametrize(
    "shapes", [([2, 1], [3]), ([], [2, 3]), ([None, 3], [1]), ([None], [4]), (None, [2]), ([None], [None]), ([0], [1])]
)
def test_shapes_broadcast(shapes):
    both(lambda tf: tf.broadcast_static_shape(*map(tf.TensorShape, shapes)))


def test_shapes_that_do_not_broadcast():
    both.error(lambda tf: tf.broadcast_static_shape(tf.TensorShape([2, 3]), tf.TensorShape([2])))
