"""Distributions over positive numbers and shares: gamma, exponential, chi-squared, beta, Dirichlet."""

import math

from tenon.python.framework import ops
from tenon.python.ops import (
    array_ops,
    check_ops,
    control_flow_ops,
    gen_ops,
    math_ops,
    nn_ops,
    random_ops,
    special_math_ops,
)
from tenon.python.ops.distributions import distribution
from tenon.python.ops.distributions.distribution import FULLY_REPARAMETERIZED, gen_new_seed, undefined
from tenon.python.ops.distributions.kullback_leibler import RegisterKL
from tenon.python.util.tf_export import tf_export


def _xlogy(x, y):
    return gen_ops.xlogy(x * array_ops.ones_like(y), y * array_ops.ones_like(x))


class _Positive(distribution.Distribution):
    """A distribution of positive parameters."""

    def _set(self, tensors, parameters, validate_args, allow_nan_stats, name, message=None):
        """The parameters {name: value}, checked, as attributes with an underscore; then the base's constructor."""
        with ops.name_scope(name, values=list(tensors.values())) as scope:
            tensors = {key: ops.convert_to_tensor(value, name=key) for key, value in tensors.items()}
            checks = [check_ops.assert_positive(t, message=message) for t in tensors.values()] if validate_args else []
            with ops.control_dependencies(checks):
                made = {key: array_ops.identity(value, name=key) for key, value in tensors.items()}
            check_ops.assert_same_float_dtype(list(made.values()))
        self.__dict__.update({f"_{key}": value for key, value in made.items()})
        parts = list(made.values())
        distribution.Distribution.__init__(self, parts[0].dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                                           parameters, parts, scope)  # fmt: skip
        self._batch_parts = tuple(parts)

    def _valid(self, x, *checks):
        """X, checked if arguments are."""
        if not self.validate_args:
            return x
        return control_flow_ops.with_dependencies([check_ops.assert_positive(x), *(check() for check in checks)], x)


@tf_export("distributions.Gamma", "contrib.distributions.Gamma")
class Gamma(_Positive):
    """The gamma distribution of shape CONCENTRATION and inverse scale RATE."""

    _shaped = ("concentration", "rate")

    def __init__(self, concentration, rate, validate_args=False, allow_nan_stats=True, name="Gamma"):
        parameters = dict(locals())
        self._set({"concentration": concentration, "rate": rate}, parameters, validate_args, allow_nan_stats, name)

    @property
    def concentration(self):
        """The shape."""
        return self._concentration

    @property
    def rate(self):
        """The inverse scale."""
        return self._rate

    def _sample_n(self, n, seed=None):
        return random_ops.random_gamma([n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _log_prob(self, x):
        x = self._valid(x)
        shape = _xlogy(self.concentration - 1.0, x) - self.rate * x
        return shape - math_ops.lgamma(self.concentration) + self.concentration * math_ops.log(self.rate)

    def _cdf(self, x):
        x = self.rate * self._valid(x)
        return gen_ops.igamma(self.concentration * array_ops.ones_like(x), x * self._ones())

    def _entropy(self):
        a = self.concentration
        return a - math_ops.log(self.rate) + math_ops.lgamma(a) + (1.0 - a) * math_ops.digamma(a)

    def _mean(self):
        return self.concentration / self.rate

    def _variance(self):
        return self.concentration / math_ops.square(self.rate)

    def _stddev(self):
        return math_ops.sqrt(self.concentration) / self.rate

    def _mode(self):
        value = (self.concentration - 1.0) / self.rate
        return undefined(self, self.concentration > 1.0, value, "mode not defined when any concentration <= 1")


@tf_export("contrib.distributions.GammaWithSoftplusConcentrationRate")
class GammaWithSoftplusConcentrationRate(Gamma):
    """Gamma with softplus of both parameters."""

    def __init__(self, concentration, rate, validate_args=False, allow_nan_stats=True,
                 name="GammaWithSoftplusConcentrationRate"):  # fmt: skip
        parameters = dict(locals())
        super().__init__(nn_ops.softplus(concentration), nn_ops.softplus(rate), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(Gamma, Gamma)
def _kl_gammas(a, b, name=None):
    with ops.name_scope(name, "kl_gamma_gamma", values=[a.concentration, a.rate, b.concentration, b.rate]):
        shapes = (a.concentration - b.concentration) * math_ops.digamma(a.concentration)
        norms = math_ops.lgamma(b.concentration) - math_ops.lgamma(a.concentration)
        rates = b.concentration * math_ops.log(a.rate) - b.concentration * math_ops.log(b.rate)
        return shapes + norms + rates + a.concentration * (b.rate / a.rate - 1.0)


@tf_export("distributions.Exponential", "contrib.distributions.Exponential")
class Exponential(Gamma):
    """The exponential distribution of RATE."""

    _shaped = ("rate",)

    def __init__(self, rate, validate_args=False, allow_nan_stats=True, name="Exponential"):
        parameters = dict(locals())
        rate = ops.convert_to_tensor(rate, name="rate")
        super().__init__(array_ops.ones([], dtype=rate.dtype), rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], array_ops.shape(self.rate)], 0)
        # Zero would give infinity; the least number above it does not.
        least = {"float16": 6.104e-05, "float32": 1.1754944e-38}.get(self.dtype.name, 2.2250738585072014e-308)
        u = random_ops.random_uniform(shape, minval=least, maxval=1.0, dtype=self.dtype, seed=seed)
        return -math_ops.log(u) / self.rate

    def _cdf(self, x):
        return -math_ops.expm1(-self.rate * self._valid(x))

    def _log_survival_function(self, x):
        return -self.rate * self._valid(x)


@tf_export("contrib.distributions.ExponentialWithSoftplusRate")
class ExponentialWithSoftplusRate(Exponential):
    """Exponential with softplus(RATE)."""

    def __init__(self, rate, validate_args=False, allow_nan_stats=True, name="ExponentialWithSoftplusRate"):
        parameters = dict(locals())
        super().__init__(nn_ops.softplus(rate), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@tf_export("contrib.distributions.Chi2")
class Chi2(Gamma):
    """The chi-squared distribution with DF degrees of freedom."""

    _shaped = ("df",)

    def __init__(self, df, validate_args=False, allow_nan_stats=True, name="Chi2"):
        parameters = dict(locals())
        self._df = ops.convert_to_tensor(df, name="df")
        super().__init__(
            0.5 * self._df, ops.convert_to_tensor(0.5, self._df.dtype), validate_args, allow_nan_stats, name
        )
        self._parameters = parameters

    @property
    def df(self):
        """The degrees of freedom."""
        return self._df


@tf_export("contrib.distributions.Chi2WithAbsDf")
class Chi2WithAbsDf(Chi2):
    """Chi2 with floor(abs(DF))."""

    def __init__(self, df, validate_args=False, allow_nan_stats=True, name="Chi2WithAbsDf"):
        parameters = dict(locals())
        super().__init__(math_ops.floor(math_ops.abs(df)), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@tf_export("distributions.Beta", "contrib.distributions.Beta")
class Beta(_Positive):
    """The beta distribution: shares from 0 to 1."""

    _shaped = ("concentration1", "concentration0")

    def __init__(
        self, concentration1=None, concentration0=None, validate_args=False, allow_nan_stats=True, name="Beta"
    ):
        parameters = dict(locals())
        self._set({"concentration1": concentration1, "concentration0": concentration0}, parameters, validate_args,
                  allow_nan_stats, name, "Concentration parameter must be positive.")  # fmt: skip
        self._total = self._concentration1 + self._concentration0

    @property
    def concentration1(self):
        """The weight of 1."""
        return self._concentration1

    @property
    def concentration0(self):
        """The weight of 0."""
        return self._concentration0

    @property
    def total_concentration(self):
        """The sum of both weights."""
        return self._total

    def _sample_n(self, n, seed=None):
        seeds = (seed, gen_new_seed(seed, "beta"))
        one, zero = (random_ops.random_gamma([n], alpha=self._ones() * a, dtype=self.dtype, seed=s)
                     for a, s in zip((self.concentration1, self.concentration0), seeds))  # fmt: skip
        return one / (one + zero)

    def _log_normalization(self):
        parts = math_ops.lgamma(self.concentration1) + math_ops.lgamma(self.concentration0)
        return parts - math_ops.lgamma(self.total_concentration)

    def _log_prob(self, x):
        x = self._valid(
            x, lambda: check_ops.assert_less(x, array_ops.ones_like(x), message="sample must be less than 1")
        )
        shape = _xlogy(self.concentration1 - 1.0, x) + (self.concentration0 - 1.0) * math_ops.log1p(-x)
        return shape - self._log_normalization()

    def _cdf(self, x):
        ones = self._ones() * array_ops.ones_like(x)
        return gen_ops.betainc(self.concentration1 * ones, self.concentration0 * ones, x * ones)

    def _entropy(self):
        parts = [(a - 1.0) * math_ops.digamma(a) for a in (self.concentration1, self.concentration0)]
        total = (self.total_concentration - 2.0) * math_ops.digamma(self.total_concentration)
        return self._log_normalization() - parts[0] - parts[1] + total

    def _mean(self):
        return self.concentration1 / self.total_concentration

    def _variance(self):
        return self._mean() * (1.0 - self._mean()) / (1.0 + self.total_concentration)

    def _mode(self):
        value = (self.concentration1 - 1.0) / (self.total_concentration - 2.0)
        defined = gen_ops.logical_and(self.concentration1 > 1.0, self.concentration0 > 1.0)
        return undefined(self, defined, value, "Mode undefined where a concentration <= 1.")


@tf_export("contrib.distributions.BetaWithSoftplusConcentration")
class BetaWithSoftplusConcentration(Beta):
    """Beta with softplus of both weights."""

    def __init__(self, concentration1, concentration0, validate_args=False, allow_nan_stats=True,
                 name="BetaWithSoftplusConcentration"):  # fmt: skip
        parameters = dict(locals())
        super().__init__(nn_ops.softplus(concentration1), nn_ops.softplus(concentration0), validate_args,
                         allow_nan_stats, name)  # fmt: skip
        self._parameters = parameters


@RegisterKL(Beta, Beta)
def _kl_betas(a, b, name=None):
    with ops.name_scope(name, "kl_beta_beta"):
        made = b._log_normalization() - a._log_normalization()
        for key in ("concentration1", "concentration0"):
            made -= math_ops.digamma(getattr(a, key)) * (getattr(b, key) - getattr(a, key))
        return made + math_ops.digamma(a.total_concentration) * (b.total_concentration - a.total_concentration)


@tf_export("distributions.Dirichlet", "contrib.distributions.Dirichlet")
class Dirichlet(_Positive):
    """Shares [..., n] that add up to 1."""

    def __init__(self, concentration, validate_args=False, allow_nan_stats=True, name="Dirichlet"):
        parameters = dict(locals())
        self._set({"concentration": concentration}, parameters, validate_args, allow_nan_stats, name,
                  "Concentration parameter must be positive.")  # fmt: skip
        self._total = math_ops.reduce_sum(self._concentration, -1)
        self._batch_parts = (self._total,)

    @property
    def concentration(self):
        """The weights."""
        return self._concentration

    @property
    def total_concentration(self):
        """The sum of the weights."""
        return self._total

    @property
    def event_shape(self):
        """[n]."""
        return self.concentration.get_shape().with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self):
        return array_ops.shape(self.concentration)[-1:]

    def _sample_n(self, n, seed=None):
        drawn = random_ops.random_gamma([n], alpha=self.concentration, dtype=self.dtype, seed=seed)
        return drawn / math_ops.reduce_sum(drawn, -1, keepdims=True)

    def _log_prob(self, x):
        one = ops.convert_to_tensor(1.0, self.dtype)
        x = self._valid(x, lambda: check_ops.assert_near(one, math_ops.reduce_sum(x, -1),
                                                         message="sample last-dimension must sum to `1`"))  # fmt: skip
        shape = math_ops.reduce_sum(_xlogy(self.concentration - 1.0, x), -1)
        return shape - special_math_ops.lbeta(self.concentration)

    def _entropy(self):
        size = math_ops.cast(self.event_shape_tensor()[0], self.dtype)
        total = (self.total_concentration - size) * math_ops.digamma(self.total_concentration)
        parts = math_ops.reduce_sum((self.concentration - 1.0) * math_ops.digamma(self.concentration), -1)
        return special_math_ops.lbeta(self.concentration) + total - parts

    def _mean(self):
        return self.concentration / array_ops.expand_dims(self.total_concentration, -1)

    def _scale(self):
        return math_ops.rsqrt(1.0 + array_ops.expand_dims(self.total_concentration, -1))

    def _variance(self):
        x = self._scale() * self._mean()
        return x * (self._scale() - x)

    def _covariance(self):
        x = self._scale() * self._mean()
        outer = -math_ops.matmul(array_ops.expand_dims(x, -1), array_ops.expand_dims(x, -2))
        return array_ops.matrix_set_diag(outer, self._variance())

    def _mode(self):
        size = math_ops.cast(self.event_shape_tensor()[0], self.dtype)
        value = (self.concentration - 1.0) / (array_ops.expand_dims(self.total_concentration, -1) - size)
        defined = math_ops.reduce_all(self.concentration > 1.0, -1, keepdims=True)
        return undefined(self, defined, value, "Mode undefined when any concentration <= 1")


@RegisterKL(Dirichlet, Dirichlet)
def _kl_dirichlets(a, b, name=None):
    with ops.name_scope(name, "kl_dirichlet_dirichlet", values=[a.concentration, b.concentration]):
        sums = math_ops.digamma(math_ops.reduce_sum(a.concentration, -1, keepdims=True))
        apart = (a.concentration - b.concentration) * (math_ops.digamma(a.concentration) - sums)
        norms = special_math_ops.lbeta(a.concentration) - special_math_ops.lbeta(b.concentration)
        return math_ops.reduce_sum(apart, -1) - norms


@tf_export("contrib.distributions.softplus_inverse")
def softplus_inverse(x, name=None):
    """What softplus makes X of."""
    with ops.name_scope(name, "softplus_inverse", values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        edge = math.log(x.dtype.as_numpy_dtype(2.0**-23 if x.dtype.name == "float32" else 2.0**-52)) + 2.0
        small, large = x < math.exp(edge), x > -edge
        safe = distribution.where(gen_ops.logical_or(small, large), array_ops.ones_like(x), x)
        middle = safe + math_ops.log(-math_ops.expm1(-safe))
        return distribution.where(small, math_ops.log(x), distribution.where(large, x, middle))
