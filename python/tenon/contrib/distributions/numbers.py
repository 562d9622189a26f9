"""contrib.distributions: rarer distributions over the numbers."""

import math

import numpy as np

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops, math_ops, nn_ops, random_ops
from tenon.python.ops.distributions import distribution, positive
from tenon.python.ops.distributions.continuous import LocationScale
from tenon.python.ops.distributions.distribution import undefined, where
from tenon.python.ops.distributions.kullback_leibler import RegisterKL
from tenon.python.util.tf_export import tf_export


def _uniform(one, n, seed):
    """Numbers in (0, 1), [n, batch]."""
    low = np.finfo(one.dtype.as_numpy_dtype).tiny
    shape = array_ops.concat([[n], one.batch_shape_tensor()], 0)
    return random_ops.random_uniform(shape, minval=low, maxval=1.0, dtype=one.dtype, seed=seed)


@tf_export("contrib.distributions.Cauchy")
class Cauchy(LocationScale):
    """The Cauchy distribution around LOC; it has no mean."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Cauchy"):
        super().__init__(dict(locals()), loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        return self._quantile(_uniform(self, n, seed))

    def _log_prob(self, x):
        return -math_ops.log1p(math_ops.square(self._z(x))) - math.log(math.pi) - math_ops.log(self.scale)

    def _cdf(self, x):
        return math_ops.atan(self._z(x)) / math.pi + 0.5

    def _log_cdf(self, x):
        return math_ops.log1p(2 / math.pi * math_ops.atan(self._z(x))) - math.log(2.0)

    def _entropy(self):
        return math.log(4 * math.pi) + math_ops.log(self.scale) * array_ops.ones_like(self.loc)

    def _quantile(self, p):
        return self.loc + self.scale * math_ops.tan(math.pi * (p - 0.5))

    def _undefined(self, what):
        nothing = array_ops.zeros_like(self._ones(), dtype="bool")
        return undefined(self, nothing, self._ones(), f"{what} not defined for the Cauchy distribution")

    def _mean(self):
        return self._undefined("mean")

    def _stddev(self):
        return self._undefined("stddev")

    def _mode(self):
        return self.loc * array_ops.ones_like(self.scale)


@tf_export("contrib.distributions.Logistic")
class Logistic(LocationScale):
    """The logistic distribution: its cdf is a sigmoid."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Logistic"):
        super().__init__(dict(locals()), loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        return self._quantile(_uniform(self, n, seed))

    def _log_prob(self, x):
        z = self._z(x)
        return -z - 2.0 * nn_ops.softplus(-z) - math_ops.log(self.scale)

    def _log_cdf(self, x):
        return -nn_ops.softplus(-self._z(x))

    def _cdf(self, x):
        return math_ops.sigmoid(self._z(x))

    def _log_survival_function(self, x):
        return -nn_ops.softplus(self._z(x))

    def _survival_function(self, x):
        return math_ops.sigmoid(-self._z(x))

    def _entropy(self):
        return 2.0 + math_ops.log(self.scale * array_ops.ones_like(self.loc))

    def _stddev(self):
        return self.scale * array_ops.ones_like(self.loc) * math.pi / math.sqrt(3)

    def _quantile(self, p):
        return self.loc + self.scale * (math_ops.log(p) - math_ops.log1p(-p))


@tf_export("contrib.distributions.HalfNormal")
class HalfNormal(positive._Positive):
    """The size of a normal number of mean 0 and standard deviation SCALE."""

    _shaped = ("scale",)

    def __init__(self, scale, validate_args=False, allow_nan_stats=True, name="HalfNormal"):
        self._set({"scale": scale}, dict(locals()), validate_args, allow_nan_stats, name)

    scale = property(lambda self: self._scale, doc="The standard deviation of the normal number.")

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], self.batch_shape_tensor()], 0)
        return math_ops.abs(random_ops.random_normal(shape, dtype=self.dtype, seed=seed) * self.scale)

    def _prob(self, x):
        density = math.sqrt(2 / math.pi) / self.scale * math_ops.exp(-0.5 * math_ops.square(x / self.scale))
        return density * math_ops.cast(x >= 0, self.dtype)

    def _cdf(self, x):
        return math_ops.erf(nn_ops.relu(x) / self.scale / math.sqrt(2.0))

    def _entropy(self):
        return 0.5 * math_ops.log(math.pi * self.scale**2.0 / 2.0) + 0.5

    def _mean(self):
        return self.scale * math.sqrt(2.0 / math.pi)

    def _quantile(self, p):
        return math.sqrt(2.0) * self.scale * gen_ops.ndtri((p + 1.0) / 2.0) / math.sqrt(2.0)

    def _mode(self):
        return array_ops.zeros_like(self.scale)

    def _variance(self):
        return self.scale**2.0 * (1.0 - 2.0 / math.pi)


@RegisterKL(HalfNormal, HalfNormal)
def _kl_half_normals(a, b, name=None):
    with ops.name_scope(name, "kl_half_normal_half_normal", [a.scale, b.scale]):
        ratio = math_ops.square(a.scale / b.scale)
        return 0.5 * (ratio - 1.0 - math_ops.log(ratio))


@tf_export("contrib.distributions.InverseGamma")
class InverseGamma(positive._Positive):
    """1 over a gamma number of shape CONCENTRATION and inverse scale RATE."""

    _shaped = ("concentration", "rate")

    def __init__(self, concentration, rate, validate_args=False, allow_nan_stats=True, name="InverseGamma"):
        parameters = dict(locals())
        self._set({"concentration": concentration, "rate": rate}, parameters, validate_args, allow_nan_stats, name)

    concentration = property(lambda self: self._concentration, doc="The shape.")
    rate = property(lambda self: self._rate, doc="The inverse scale of the gamma number.")

    def _sample_n(self, n, seed=None):
        return 1.0 / random_ops.random_gamma([n], self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _log_prob(self, x):
        norm = math_ops.lgamma(self.concentration) - self.concentration * math_ops.log(self.rate)
        return -(1.0 + self.concentration) * math_ops.log(x) - self.rate / x - norm

    def _cdf(self, x):
        x = self._valid(x)
        return gen_ops.igammac(self.concentration * array_ops.ones_like(x), self.rate / x)

    def _entropy(self):
        a = self.concentration
        return a + math_ops.log(self.rate) + math_ops.lgamma(a) - (1.0 + a) * math_ops.digamma(a)

    def _mean(self):
        ones, a = self._ones(), self.concentration
        value = self.rate / where(a > 1.0, a - 1.0, 1.0) * ones
        return undefined(self, a > ones, value, "mean undefined when any concentration <= 1")

    def _variance(self):
        ones, a = self._ones(), self.concentration
        low = where(a > 2.0, a, 3.0)
        value = math_ops.square(self.rate) / math_ops.square(low - 1.0) / (low - 2.0) * ones
        return undefined(self, a > 2.0 * ones, value, "variance undefined when any concentration <= 2")

    def _mode(self):
        return self.rate / (1.0 + self.concentration)


@tf_export("contrib.distributions.InverseGammaWithSoftplusConcentrationRate")
class InverseGammaWithSoftplusConcentrationRate(InverseGamma):
    """InverseGamma with softplus(CONCENTRATION) and softplus(RATE)."""

    def __init__(self, concentration, rate, validate_args=False, allow_nan_stats=True,
                 name="InverseGammaWithSoftplusConcentrationRate"):  # fmt: skip
        parameters = dict(locals())
        super().__init__(nn_ops.softplus(concentration), nn_ops.softplus(rate), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@tf_export("contrib.distributions.Kumaraswamy")
class Kumaraswamy(positive._Positive):
    """Numbers between 0 and 1 whose cdf is 1 - (1 - x^CONCENTRATION1)^CONCENTRATION0."""

    _shaped = ("concentration1", "concentration0")

    def __init__(self, concentration1=None, concentration0=None, validate_args=False, allow_nan_stats=True,
                 name="Kumaraswamy"):  # fmt: skip
        given = {"concentration1": 1.0 if concentration1 is None else concentration1,
                 "concentration0": 1.0 if concentration0 is None else concentration0}  # fmt: skip
        parameters = {key: value for key, value in locals().items() if key != "given"}
        self._set(given, parameters, validate_args, allow_nan_stats, name)

    concentration1 = property(lambda self: self._concentration1, doc="The exponent inside.")
    concentration0 = property(lambda self: self._concentration0, doc="The exponent outside.")

    def _sample_n(self, n, seed=None):
        return self._quantile(_uniform(self, n, seed))

    def _log_prob(self, x):
        a, b = self.concentration1, self.concentration0
        return math_ops.log(a * b) + (a - 1.0) * math_ops.log(x) + (b - 1.0) * math_ops.log1p(-(x**a))

    def _cdf(self, x):
        return 1.0 - (1.0 - x**self.concentration1) ** self.concentration0

    def _quantile(self, p):
        return (1.0 - (1.0 - p) ** (1.0 / self.concentration0)) ** (1.0 / self.concentration1)

    def _moment_of(self, n):
        """E[x^n]."""
        b, more = self.concentration0, 1.0 + n / self.concentration1
        return math_ops.exp(math_ops.log(b) + math_ops.lgamma(more) + math_ops.lgamma(b) - math_ops.lgamma(more + b))

    def _entropy(self):
        a, b = self.concentration1, self.concentration0
        harmonic = math_ops.digamma(b + 1.0) + np.euler_gamma
        return (1.0 - 1.0 / b) + (1.0 - 1.0 / a) * harmonic - math_ops.log(a) - math_ops.log(b)

    def _mean(self):
        return self._moment_of(1)

    def _variance(self):
        return self._moment_of(2) - math_ops.square(self._moment_of(1))

    def _mode(self):
        a, b, ones = self.concentration1, self.concentration0, self._ones()
        inside = math_ops.logical_and(a > ones, b > ones)
        value = where(inside, (a - 1.0) / where(inside, a * b - 1.0, ones), ones) ** (1.0 / a)
        return undefined(self, inside, value, "Mode undefined for concentration1 <= 1 or concentration0 <= 1.")


class _Fixed(distribution.Distribution):
    """Always LOC, or what is within ATOL + RTOL |LOC| of it."""

    _shaped = ("loc",)

    def __init__(self, loc, atol, rtol, validate_args, allow_nan_stats, parameters, name):
        with ops.name_scope(name, values=[loc, atol, rtol]) as scope:
            self._loc = ops.convert_to_tensor(loc, name="loc")
            self._atol = ops.convert_to_tensor(0 if atol is None else atol, dtype=self._loc.dtype)
            self._rtol = ops.convert_to_tensor(0 if rtol is None else rtol, dtype=self._loc.dtype)
            self._slack = self._atol + self._rtol * math_ops.abs(self._loc) if rtol is not None else self._atol
        super().__init__(self._loc.dtype, distribution.NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._loc, self._slack], scope)  # fmt: skip
        self._batch_parts = (self._loc,)

    loc = property(lambda self: self._loc, doc="The value.")
    atol = property(lambda self: self._atol, doc="How far a value may be.")
    rtol = property(lambda self: self._rtol, doc="How far a value may be, as a part of loc.")

    def _sample_n(self, n, seed=None):
        return self._loc + array_ops.zeros(array_ops.concat([[n], array_ops.shape(self._loc)], 0), dtype=self.dtype)

    def _mean(self):
        return array_ops.identity(self._loc)

    def _mode(self):
        return array_ops.identity(self._loc)

    def _variance(self):
        return array_ops.zeros_like(self._loc)

    def _entropy(self):
        return array_ops.zeros(self.batch_shape_tensor(), dtype=self.dtype)


@tf_export("contrib.distributions.Deterministic")
class Deterministic(_Fixed):
    """A number that is always LOC."""

    def __init__(self, loc, atol=None, rtol=None, validate_args=False, allow_nan_stats=True, name="Deterministic"):
        super().__init__(loc, atol, rtol, validate_args, allow_nan_stats, dict(locals()), name)

    def _prob(self, x):
        return math_ops.cast(math_ops.abs(x - self._loc) <= self._slack, self.dtype)

    def _cdf(self, x):
        return math_ops.cast(x >= self._loc - self._slack, self.dtype)


@tf_export("contrib.distributions.VectorDeterministic")
class VectorDeterministic(_Fixed):
    """A vector that is always LOC."""

    _shaped = ()

    def __init__(self, loc, atol=None, rtol=None, validate_args=False, allow_nan_stats=True,
                 name="VectorDeterministic"):  # fmt: skip
        super().__init__(loc, atol, rtol, validate_args, allow_nan_stats, dict(locals()), name)

    @property
    def batch_shape(self):
        """loc's shape without the last dimension."""
        return self._loc.get_shape().with_rank_at_least(1)[:-1]

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """loc's shape without the last dimension."""
        with self._name_scope(name):
            return array_ops.shape(self._loc)[:-1]

    @property
    def event_shape(self):
        """[n]."""
        return self._loc.get_shape().with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self):
        return array_ops.shape(self._loc)[-1:]

    def _prob(self, x):
        near = math_ops.reduce_all(math_ops.abs(x - self._loc) <= self._slack, axis=-1)
        return math_ops.cast(near, self.dtype)
