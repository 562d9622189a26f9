"""Distributions over whole numbers and classes, and the normal one over vectors."""

import math

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, nn_impl, nn_ops, random_ops
from tenon.python.ops.distributions import continuous, distribution
from tenon.python.ops.distributions.distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED
from tenon.python.ops.distributions.kullback_leibler import RegisterKL
from tenon.python.util.tf_export import tf_export


class _OfProbabilities(distribution.Distribution):
    """A distribution of probabilities or their logits."""

    _shaped = ("logits",)

    def _set(self, logits, probs, dtype, parameters, validate_args, allow_nan_stats, name, multidimensional=False):
        with ops.name_scope(name) as scope:
            self._logits, self._probs = distribution.logits_and_probs(logits, probs, multidimensional)
            if validate_args and probs is not None:
                checks = [check_ops.assert_non_negative(self._probs)]
                if not multidimensional:
                    one = ops.convert_to_tensor(1.0, self._probs.dtype)
                    message = "probs has components greater than 1."
                    checks.append(check_ops.assert_less_equal(self._probs, one, message=message))
                with ops.control_dependencies(checks):
                    self._probs = array_ops.identity(self._probs)
        distribution.Distribution.__init__(self, dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                                           [self._logits, self._probs], scope)  # fmt: skip
        self._batch_parts = (self._logits,)

    @property
    def logits(self):
        """The logits."""
        return self._logits

    @property
    def probs(self):
        """The probabilities."""
        return self._probs


@tf_export("distributions.Bernoulli", "contrib.distributions.Bernoulli")
class Bernoulli(_OfProbabilities):
    """1 with the probability PROBS, or sigmoid(LOGITS), and 0 otherwise."""

    def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
                 name="Bernoulli"):  # fmt: skip
        parameters = dict(locals())
        self._set(logits, probs, dtypes.as_dtype(dtype), parameters, validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], self.batch_shape_tensor()], 0)
        drawn = random_ops.random_uniform(shape, seed=seed, dtype=self.probs.dtype)
        return math_ops.cast(math_ops.less(drawn, self.probs), self.dtype)

    def _log_prob(self, event):
        event = math_ops.cast(event, self.logits.dtype)
        logits = array_ops.ones_like(event) * self.logits
        event = array_ops.ones_like(self.logits) * event
        return -nn_impl.sigmoid_cross_entropy_with_logits(labels=event, logits=logits)

    def _entropy(self):
        return -self.logits * (math_ops.sigmoid(self.logits) - 1.0) + nn_ops.softplus(-self.logits)

    def _mean(self):
        return array_ops.identity(self.probs)

    def _variance(self):
        return self.probs * (1.0 - self.probs)

    def _mode(self):
        return math_ops.cast(self.probs > 0.5, self.dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _kl_bernoullis(a, b, name=None):
    with ops.name_scope(name, "kl_bernoulli_bernoulli", values=[a.logits, b.logits]):
        zeros = nn_ops.softplus(-b.logits) - nn_ops.softplus(-a.logits)
        ones = nn_ops.softplus(b.logits) - nn_ops.softplus(a.logits)
        return math_ops.sigmoid(a.logits) * zeros + math_ops.sigmoid(-a.logits) * ones


class _OfClasses(_OfProbabilities):
    """A distribution over the classes of the last dimension."""

    _shaped = ()

    @property
    def batch_shape(self):
        """The logits' shape without the classes."""
        return self.logits.get_shape().with_rank_at_least(1)[:-1]

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The logits' shape without the classes."""
        with self._name_scope(name):
            return array_ops.shape(self.logits)[:-1]

    @property
    def event_size(self):
        """How many classes there are."""
        return array_ops.shape(self.logits)[-1]

    def _draw(self, n, seed):
        """Class numbers [n, batch]."""
        rows = array_ops.reshape(self.logits, [-1, self.event_size])
        kind = dtypes.int64 if self.dtype.size > 4 else dtypes.int32
        drawn = random_ops.multinomial(rows, n, seed=seed, output_dtype=kind)
        return array_ops.reshape(array_ops.transpose(drawn), array_ops.concat([[n], self.batch_shape_tensor()], 0))

    def _entropy(self):
        return -math_ops.reduce_sum(nn_ops.log_softmax(self.logits) * self.probs, axis=-1)


@tf_export("distributions.Categorical", "contrib.distributions.Categorical")
class Categorical(_OfClasses):
    """A class number, by PROBS [..., n] or by softmax(LOGITS)."""

    def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
                 name="Categorical"):  # fmt: skip
        parameters = dict(locals())
        self._set(logits, probs, dtypes.as_dtype(dtype), parameters, validate_args, allow_nan_stats, name, True)

    def _sample_n(self, n, seed=None):
        return math_ops.cast(self._draw(n, seed), self.dtype)

    def _broadcast(self, k, params):
        """Class numbers and PARAMS [..., n] in one shape."""
        if not (k.dtype.is_integer or k.dtype.is_floating):
            raise TypeError(f"`value` should have integer `dtype` or `self.dtype` ({self.dtype.base_dtype})")
        k = math_ops.cast(k, dtypes.int32) if k.dtype.is_floating else k
        params = params * array_ops.ones_like(array_ops.expand_dims(k, -1), dtype=params.dtype)
        return k * array_ops.ones(array_ops.shape(params)[:-1], dtype=k.dtype), params

    def _log_prob(self, k):
        k, logits = self._broadcast(k, self.logits)
        return -nn_ops.sparse_softmax_cross_entropy_with_logits(labels=k, logits=logits)

    def _cdf(self, k):
        k, probs = self._broadcast(k, self.probs)
        below = array_ops.sequence_mask(k, self.event_size, dtype=probs.dtype)
        return math_ops.reduce_sum(probs * below, axis=-1)

    def _mode(self):
        made = math_ops.cast(math_ops.argmax(self.logits, axis=-1), self.dtype)
        made.set_shape(self.batch_shape)
        return made


@RegisterKL(Categorical, Categorical)
def _kl_categoricals(a, b, name=None):
    with ops.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        apart = nn_ops.log_softmax(a.logits) - nn_ops.log_softmax(b.logits)
        return math_ops.reduce_sum(nn_ops.softmax(a.logits) * apart, axis=-1)


@tf_export("contrib.distributions.OneHotCategorical")
class OneHotCategorical(_OfClasses):
    """A class as a row of zeros and a one."""

    def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
                 name="OneHotCategorical"):  # fmt: skip
        parameters = dict(locals())
        self._set(logits, probs, dtypes.as_dtype(dtype), parameters, validate_args, allow_nan_stats, name, True)

    @property
    def event_shape(self):
        """[n]."""
        return self.logits.get_shape().with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self):
        return array_ops.shape(self.logits)[-1:]

    def _sample_n(self, n, seed=None):
        return array_ops.one_hot(self._draw(n, seed), self.event_size, dtype=self.dtype)

    def _log_prob(self, x):
        x = math_ops.cast(x, self.logits.dtype)
        return math_ops.reduce_sum(x * nn_ops.log_softmax(self.logits), axis=-1)

    def _mean(self):
        return array_ops.identity(self.probs)

    def _mode(self):
        return array_ops.one_hot(math_ops.argmax(self.logits, axis=-1), self.event_size, dtype=self.dtype)

    def _covariance(self):
        outer = -math_ops.matmul(array_ops.expand_dims(self.probs, -1), array_ops.expand_dims(self.probs, -2))
        return array_ops.matrix_set_diag(outer, self._variance())

    def _variance(self):
        return self.probs * (1.0 - self.probs)


@tf_export("contrib.distributions.Poisson")
class Poisson(distribution.Distribution):
    """Whole numbers with the mean RATE."""

    _shaped = ("rate",)

    def __init__(self, rate=None, log_rate=None, validate_args=False, allow_nan_stats=True, name="Poisson"):
        parameters = dict(locals())
        with ops.name_scope(name, values=[rate]) as scope:
            if (rate is None) == (log_rate is None):
                raise ValueError("Must specify exactly one of `rate` and `log_rate`.")
            if log_rate is None:
                rate = ops.convert_to_tensor(rate, name="rate")
                with ops.control_dependencies([check_ops.assert_positive(rate)] if validate_args else []):
                    self._rate = array_ops.identity(rate)
                self._log_rate = math_ops.log(self._rate, name="log_rate")
            else:
                self._log_rate = ops.convert_to_tensor(log_rate, name="log_rate")
                self._rate = math_ops.exp(self._log_rate, name="rate")
            if not self._rate.dtype.is_floating:
                raise TypeError("rate must having floating type.")
        self._batch_parts = (self._rate,)
        super().__init__(self._rate.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._rate], scope)  # fmt: skip

    @property
    def rate(self):
        """The mean."""
        return self._rate

    @property
    def log_rate(self):
        """The logarithm of the mean."""
        return self._log_rate

    def _sample_n(self, n, seed=None):
        return random_ops.random_poisson(self.rate, [n], dtype=self.dtype, seed=seed)

    def _log_prob(self, x):
        return x * self.log_rate - math_ops.lgamma(1.0 + x) - self.rate

    def _cdf(self, x):
        return gen_ops.igammac(1.0 + x * self._ones(), self.rate * array_ops.ones_like(x))

    def _mean(self):
        return array_ops.identity(self.rate)

    def _variance(self):
        return array_ops.identity(self.rate)

    def _mode(self):
        return math_ops.floor(self.rate)


@tf_export("contrib.distributions.MultivariateNormalDiag")
class MultivariateNormalDiag(distribution.Distribution):
    """Vectors [..., n] of independent normal numbers: mean LOC, standard deviations SCALE_DIAG + the multiplier."""

    def __init__(self, loc=None, scale_diag=None, scale_identity_multiplier=None, validate_args=False,
                 allow_nan_stats=True, name="MultivariateNormalDiag"):  # fmt: skip
        parameters = dict(locals())
        with ops.name_scope(name) as scope:
            if scale_diag is None and scale_identity_multiplier is None and loc is None:
                raise ValueError("loc, scale_diag or scale_identity_multiplier is needed to tell the size of events.")
            parts = []
            if scale_diag is not None:
                parts.append(ops.convert_to_tensor(scale_diag, name="scale_diag"))
            if scale_identity_multiplier is not None:
                parts.append(array_ops.expand_dims(ops.convert_to_tensor(scale_identity_multiplier), -1))
            if loc is not None:
                loc = ops.convert_to_tensor(loc, name="loc")
            scale = parts[0] if parts else array_ops.ones_like(loc)
            scale = scale + parts[1] if len(parts) > 1 else scale
            checks = [check_ops.assert_positive(scale)] if validate_args else []
            with ops.control_dependencies(checks):
                self._loc = array_ops.zeros_like(scale) if loc is None else loc + array_ops.zeros_like(scale)
                self._diag = scale + array_ops.zeros_like(self._loc)
        self._batch_parts = (self._loc[..., 0],)
        super().__init__(self._diag.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._loc, self._diag], scope)  # fmt: skip

    @property
    def loc(self):
        """The mean."""
        return self._loc

    @property
    def event_shape(self):
        """[n]."""
        return tensor_shape.TensorShape([self._loc.get_shape().dims[-1]])

    def _event_shape_tensor(self):
        return array_ops.shape(self._loc)[-1:]

    def _normal(self):
        return continuous.Normal(self._loc, self._diag)

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], array_ops.shape(self._loc)], 0)
        return random_ops.random_normal(shape, dtype=self.dtype, seed=seed) * self._diag + self._loc

    def _log_prob(self, x):
        z = (x - self._loc) / self._diag
        each = -0.5 * math_ops.square(z) - 0.5 * math.log(2.0 * math.pi) - math_ops.log(math_ops.abs(self._diag))
        return math_ops.reduce_sum(each, -1)

    def _entropy(self):
        each = 0.5 * math.log(2.0 * math.pi * math.e) + math_ops.log(math_ops.abs(self._diag))
        return math_ops.reduce_sum(each, -1)

    def _mean(self):
        return array_ops.identity(self._loc)

    def _mode(self):
        return array_ops.identity(self._loc)

    def _stddev(self):
        return math_ops.abs(self._diag)

    def _covariance(self):
        return array_ops.matrix_diag(math_ops.square(self._diag))


@tf_export("contrib.distributions.MultivariateNormalDiagWithSoftplusScale")
class MultivariateNormalDiagWithSoftplusScale(MultivariateNormalDiag):
    """MultivariateNormalDiag with softplus(SCALE_DIAG)."""

    def __init__(self, loc, scale_diag, validate_args=False, allow_nan_stats=True,
                 name="MultivariateNormalDiagWithSoftplusScale"):  # fmt: skip
        parameters = dict(locals())
        super().__init__(loc, nn_ops.softplus(scale_diag), None, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(MultivariateNormalDiag, MultivariateNormalDiag)
def _kl_vectors(a, b, name=None):
    with ops.name_scope(name, "kl_multivariate_normal"):
        ratio = math_ops.square(a._diag) / math_ops.square(b._diag)
        apart = math_ops.squared_difference(a.loc, b.loc) / (2.0 * math_ops.square(b._diag))
        return math_ops.reduce_sum(apart + 0.5 * (ratio - 1.0 - math_ops.log(ratio)), -1)
