"""Distributions over the numbers: normal, Laplace, Student's t, uniform."""

import math

import numpy as np

from tenon.python.framework import ops
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, nn_ops, random_ops
from tenon.python.ops.distributions import distribution
from tenon.python.ops.distributions.distribution import FULLY_REPARAMETERIZED, gen_new_seed, undefined, where
from tenon.python.ops.distributions.kullback_leibler import RegisterKL
from tenon.python.util.tf_export import tf_export


def ndtr(x):
    """The normal distribution's chance of at most X."""
    return 0.5 * math_ops.erfc(-x * math.sqrt(0.5))


def log_ndtr(x):
    """Its logarithm, also far below 0."""
    low = -10.0 if x.dtype.name == "float32" else -20.0
    middle = math_ops.log(ndtr(math_ops.maximum(x, low)))
    far = math_ops.minimum(x, low)
    square = math_ops.square(far)
    series = 1.0 - 1.0 / square + 3.0 / square**2 - 15.0 / square**3
    tail = -0.5 * square - math_ops.log(-far) - 0.5 * math.log(2 * math.pi) + math_ops.log(series)
    return where(x > 5.0, -ndtr(-x), where(x > low, middle, tail))


class LocationScale(distribution.Distribution):
    """A distribution that is moved by loc and stretched by scale."""

    _shaped = ("loc", "scale")

    def __init__(self, parameters, loc, scale, validate_args, allow_nan_stats, name, more=()):
        with ops.name_scope(name, values=[loc, scale]) as scope:
            scale = ops.convert_to_tensor(scale)
            with ops.control_dependencies([check_ops.assert_positive(scale)] if validate_args else []):
                self._loc, self._scale = array_ops.identity(loc, name="loc"), array_ops.identity(scale, name="scale")
            check_ops.assert_same_float_dtype([self._loc, self._scale])
        self._batch_parts = (*more, self._loc, self._scale)
        super().__init__(self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         list(self._batch_parts), scope)  # fmt: skip

    @property
    def loc(self):
        """The location."""
        return self._loc

    @property
    def scale(self):
        """The scale."""
        return self._scale

    def _z(self, x):
        return (x - self.loc) / self.scale

    def _shape(self, n):
        return array_ops.concat([[n], self.batch_shape_tensor()], 0)

    def _mean(self):
        return self.loc * array_ops.ones_like(self.scale)

    def _mode(self):
        return self._mean()


@tf_export("distributions.Normal", "contrib.distributions.Normal")
class Normal(LocationScale):
    """The normal distribution of mean LOC and standard deviation SCALE."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Normal"):
        super().__init__(dict(locals()), loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        return random_ops.random_normal(self._shape(n), dtype=self.loc.dtype, seed=seed) * self.scale + self.loc

    def _log_prob(self, x):
        return -0.5 * math_ops.square(self._z(x)) - 0.5 * math.log(2.0 * math.pi) - math_ops.log(self.scale)

    def _log_cdf(self, x):
        return log_ndtr(self._z(x))

    def _cdf(self, x):
        return ndtr(self._z(x))

    def _log_survival_function(self, x):
        return log_ndtr(-self._z(x))

    def _survival_function(self, x):
        return ndtr(-self._z(x))

    def _entropy(self):
        return 0.5 * math.log(2.0 * math.pi * math.e) + math_ops.log(self.scale * array_ops.ones_like(self.loc))

    def _quantile(self, p):
        return gen_ops.ndtri(p) * self.scale + self.loc

    def _stddev(self):
        return self.scale * array_ops.ones_like(self.loc)


@tf_export("contrib.distributions.NormalWithSoftplusScale")
class NormalWithSoftplusScale(Normal):
    """Normal with softplus(SCALE)."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="NormalWithSoftplusScale"):
        parameters = dict(locals())
        super().__init__(loc, nn_ops.softplus(scale), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(Normal, Normal)
def _kl_normals(a, b, name=None):
    with ops.name_scope(name, "kl_normal_normal", [a.loc, b.loc]):
        ratio = math_ops.square(a.scale) / math_ops.square(b.scale)
        apart = math_ops.squared_difference(a.loc, b.loc) / (2.0 * math_ops.square(b.scale))
        return apart + 0.5 * (ratio - 1.0 - math_ops.log(ratio))


@tf_export("distributions.Laplace", "contrib.distributions.Laplace")
class Laplace(LocationScale):
    """The Laplace distribution: exponential on both sides of LOC."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Laplace"):
        super().__init__(dict(locals()), loc, scale, validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        low = np.nextafter(self.dtype.as_numpy_dtype(-1), self.dtype.as_numpy_dtype(0))
        u = random_ops.random_uniform(self._shape(n), minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        return self.loc - self.scale * math_ops.sign(u) * math_ops.log1p(-math_ops.abs(u))

    def _log_prob(self, x):
        return -math_ops.abs(self._z(x)) - math.log(2.0) - math_ops.log(self.scale)

    def _log_cdf(self, x):
        z = self._z(x)
        below = z - math.log(2.0)
        return where(z < 0.0, below, math_ops.log1p(-0.5 * math_ops.exp(-math_ops.abs(z))))

    def _log_survival_function(self, x):
        z = self._z(x)
        return where(z < 0.0, math_ops.log1p(-0.5 * math_ops.exp(-math_ops.abs(z))), -z - math.log(2.0))

    def _cdf(self, x):
        z = self._z(x)
        return 0.5 + 0.5 * math_ops.sign(z) * (1.0 - math_ops.exp(-math_ops.abs(z)))

    def _entropy(self):
        return math.log(2.0) + 1.0 + math_ops.log(self.scale + array_ops.zeros_like(self.loc))

    def _stddev(self):
        return math.sqrt(2.0) * self.scale + array_ops.zeros_like(self.loc)


@tf_export("contrib.distributions.LaplaceWithSoftplusScale")
class LaplaceWithSoftplusScale(Laplace):
    """Laplace with softplus(SCALE)."""

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="LaplaceWithSoftplusScale"):
        parameters = dict(locals())
        super().__init__(loc, nn_ops.softplus(scale), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@tf_export("distributions.StudentT", "contrib.distributions.StudentT")
class StudentT(LocationScale):
    """Student's t distribution with DF degrees of freedom."""

    _shaped = ("df", "loc", "scale")

    def __init__(self, df, loc, scale, validate_args=False, allow_nan_stats=True, name="StudentT"):
        parameters = dict(locals())
        checks = [check_ops.assert_positive(df)] if validate_args else []
        with ops.control_dependencies(checks):
            self._df = array_ops.identity(df, name="df")
        super().__init__(parameters, loc, scale, validate_args, allow_nan_stats, name, (self._df,))

    @property
    def df(self):
        """The degrees of freedom."""
        return self._df

    def _sample_n(self, n, seed=None):
        normal = random_ops.random_normal(self._shape(n), dtype=self.dtype, seed=seed)
        df = self.df * self._ones()
        gamma = random_ops.random_gamma([n], 0.5 * df, beta=0.5, dtype=self.dtype, seed=gen_new_seed(seed, "student_t"))
        return normal * math_ops.rsqrt(gamma / df) * self.scale + self.loc

    def _log_prob(self, x):
        shape = -0.5 * (self.df + 1.0) * math_ops.log1p(self._z(x) ** 2.0 / self.df)
        norm = math_ops.log(math_ops.abs(self.scale)) + 0.5 * math_ops.log(self.df) + 0.5 * math.log(math.pi)
        return shape - norm - math_ops.lgamma(0.5 * self.df) + math_ops.lgamma(0.5 * (self.df + 1.0))

    def _cdf(self, x):
        y = (x - self.loc) / math_ops.abs(self.scale)
        half = self._ones() * 0.5
        tail = 0.5 * gen_ops.betainc(0.5 * self.df * self._ones(), half, self.df / (y**2.0 + self.df))
        return where(y < 0.0, tail, 1.0 - tail)

    def _entropy(self):
        half, more = 0.5 * self.df, 0.5 * (self.df + 1.0)
        beta = math_ops.lgamma(half) + math.lgamma(0.5) - math_ops.lgamma(more)
        spread = math_ops.log(math_ops.abs(self.scale)) + 0.5 * math_ops.log(self.df) + beta
        return (spread + more * (math_ops.digamma(more) - math_ops.digamma(half))) * self._ones()

    def _mean(self):
        value = self.loc * self._ones()
        return undefined(self, self.df > self._ones(), value, "mean not defined for components of df <= 1")

    def _variance(self):
        ones = self._ones()
        finite = math_ops.square(self.scale) * self.df / where(self.df > 2.0, self.df - 2.0, 1.0) * ones
        value = where(self.df > 2.0 * ones, finite, ops.convert_to_tensor(float("inf"), self.dtype))
        return undefined(self, self.df > ones, value, "variance not defined for components of df <= 1")

    def _mode(self):
        return array_ops.identity(self.loc)


@tf_export("contrib.distributions.StudentTWithAbsDfSoftplusScale")
class StudentTWithAbsDfSoftplusScale(StudentT):
    """StudentT with floor(abs(DF)) and softplus(SCALE)."""

    def __init__(self, df, loc, scale, validate_args=False, allow_nan_stats=True,
                 name="StudentTWithAbsDfSoftplusScale"):  # fmt: skip
        parameters = dict(locals())
        whole = math_ops.floor(math_ops.abs(df))
        super().__init__(whole, loc, nn_ops.softplus(scale), validate_args, allow_nan_stats, name)
        self._parameters = parameters


@tf_export("distributions.Uniform", "contrib.distributions.Uniform")
class Uniform(distribution.Distribution):
    """The uniform distribution from LOW to HIGH."""

    _shaped = ("low", "high")

    def __init__(self, low=0.0, high=1.0, validate_args=False, allow_nan_stats=True, name="Uniform"):
        parameters = dict(locals())
        with ops.name_scope(name, values=[low, high]) as scope:
            message = "uniform not defined when low >= high."
            checks = [check_ops.assert_less(low, high, message=message)] if validate_args else []
            with ops.control_dependencies(checks):
                self._low, self._high = array_ops.identity(low, name="low"), array_ops.identity(high, name="high")
            check_ops.assert_same_float_dtype([self._low, self._high])
        self._batch_parts = (self._low, self._high)
        super().__init__(self._low.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         list(self._batch_parts), scope)  # fmt: skip

    @property
    def low(self):
        """The least value."""
        return self._low

    @property
    def high(self):
        """What all values are less than."""
        return self._high

    def range(self, name="range"):
        """HIGH - LOW."""
        with self._name_scope(name):
            return self.high - self.low

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], self.batch_shape_tensor()], 0)
        return self.low + self.range() * random_ops.random_uniform(shape, dtype=self.dtype, seed=seed)

    def _prob(self, x):
        x = x * self._ones()
        inside = gen_ops.logical_and(x >= self.low, x < self.high)
        density = array_ops.ones_like(x) / self.range()
        return where(math_ops.is_nan(x), x, where(inside, density, array_ops.zeros_like(density)))

    def _cdf(self, x):
        x = x * self._ones()
        inside = where(x < self.low, array_ops.zeros_like(x), (x - self.low) / self.range())
        return where(x >= self.high, array_ops.ones_like(x), inside)

    def _entropy(self):
        return math_ops.log(self.range())

    def _mean(self):
        return (self.low + self.high) / 2.0

    def _variance(self):
        return math_ops.square(self.range()) / 12.0

    def _stddev(self):
        return self.range() / math.sqrt(12.0)
