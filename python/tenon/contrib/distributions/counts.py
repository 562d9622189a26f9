"""contrib.distributions: rarer distributions over whole numbers."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops, math_ops, nn_ops, random_ops
from tenon.python.ops.distributions import discrete, distribution
from tenon.python.ops.distributions.distribution import gen_new_seed, where
from tenon.python.ops.distributions.kullback_leibler import RegisterKL
from tenon.python.util.tf_export import tf_export


def _log_choices(n, k):
    """log (n over k)."""
    return math_ops.lgamma(n + 1.0) - math_ops.lgamma(k + 1.0) - math_ops.lgamma(n - k + 1.0)


class _Counts(discrete._OfProbabilities):
    """TOTAL_COUNT tries, each of which has the probability PROBS."""

    _shaped = ("logits",)

    def _set_counts(self, total_count, logits, probs, parameters, validate_args, allow_nan_stats, name):
        self._set(logits, probs, None, parameters, validate_args, allow_nan_stats, name)
        self._dtype = self._probs.dtype
        self._total_count = ops.convert_to_tensor(total_count, name="total_count", dtype=self._dtype)
        self._batch_parts = (self._total_count, self._logits)

    total_count = property(lambda self: self._total_count, doc="How often it is tried.")


@tf_export("contrib.distributions.Binomial")
class Binomial(_Counts):
    """How many of TOTAL_COUNT tries succeed, each with the probability PROBS or sigmoid(LOGITS)."""

    def __init__(self, total_count, logits=None, probs=None, validate_args=False, allow_nan_stats=True,
                 name="Binomial"):  # fmt: skip
        self._set_counts(total_count, logits, probs, dict(locals()), validate_args, allow_nan_stats, name)

    def _log_prob(self, k):
        n = self.total_count
        return _log_choices(n, k) - k * nn_ops.softplus(-self.logits) - (n - k) * nn_ops.softplus(self.logits)

    def _cdf(self, k):
        k, n = math_ops.floor(k) * self._ones(), self.total_count * array_ops.ones_like(k) * self._ones()
        inside = math_ops.logical_and(k >= 0, k < n)
        safe, ones = where(inside, k, array_ops.zeros_like(k)), array_ops.ones_like(k)
        below = gen_ops.betainc(where(inside, n - safe, ones), safe + 1.0, (1.0 - self.probs) * ones)
        return where(k < 0, array_ops.zeros_like(k), where(inside, below, ones))

    def _sample_n(self, n, seed=None):
        raise NotImplementedError("Binomial.sample is not implemented: 1.15 has none")

    def _mean(self):
        return self.total_count * self.probs

    def _variance(self):
        return self._mean() * (1.0 - self.probs)

    def _mode(self):
        return math_ops.floor((1.0 + self.total_count) * self.probs)


@tf_export("contrib.distributions.NegativeBinomial")
class NegativeBinomial(_Counts):
    """How many tries succeed before TOTAL_COUNT have failed."""

    def __init__(self, total_count, logits=None, probs=None, validate_args=False, allow_nan_stats=True,
                 name="NegativeBinomial"):  # fmt: skip
        self._set_counts(total_count, logits, probs, dict(locals()), validate_args, allow_nan_stats, name)

    def _sample_n(self, n, seed=None):
        rates = random_ops.random_gamma([n], self.total_count * self._ones(), beta=math_ops.exp(-self.logits),
                                        dtype=self.dtype, seed=seed)  # fmt: skip
        return random_ops.random_poisson(rates, [], dtype=self.dtype, seed=gen_new_seed(seed, "NegativeBinom"))

    def _log_prob(self, x):
        r = self.total_count
        norm = math_ops.lgamma(r + x) - math_ops.lgamma(1.0 + x) - math_ops.lgamma(r)
        return norm - r * nn_ops.softplus(self.logits) - x * nn_ops.softplus(-self.logits)

    def _cdf(self, x):
        ones = array_ops.ones_like(x) * self._ones()
        return gen_ops.betainc(self.total_count * ones, (1.0 + x) * ones, math_ops.sigmoid(-self.logits) * ones)

    def _mean(self):
        return self.total_count * math_ops.exp(self.logits)

    def _variance(self):
        return self._mean() / math_ops.sigmoid(-self.logits)

    def _mode(self):
        adjusted = where(self.total_count > 1.0, self.total_count - 1.0, array_ops.zeros_like(self.total_count))
        return math_ops.floor(adjusted * math_ops.exp(self.logits))


@tf_export("contrib.distributions.Geometric")
class Geometric(discrete._OfProbabilities):
    """How many tries fail before the first one succeeds, with the probability PROBS or sigmoid(LOGITS)."""

    def __init__(self, logits=None, probs=None, validate_args=False, allow_nan_stats=True, name="Geometric"):
        self._set(logits, probs, None, dict(locals()), validate_args, allow_nan_stats, name)
        self._dtype = self._probs.dtype

    def _sample_n(self, n, seed=None):
        low = self.dtype.as_numpy_dtype(1e-38 if self.dtype.size == 4 else 1e-300)
        shape = array_ops.concat([[n], self.batch_shape_tensor()], 0)
        drawn = random_ops.random_uniform(shape, minval=low, maxval=1.0, seed=seed, dtype=self.dtype)
        return math_ops.floor(math_ops.log(drawn) / math_ops.log1p(-self.probs))

    def _cdf(self, x):
        x = math_ops.floor(x) * self._ones()
        return where(x < 0.0, array_ops.zeros_like(x), -math_ops.expm1((1.0 + x) * math_ops.log1p(-self.probs)))

    def _log_prob(self, x):
        return gen_ops.xlogy(x * self._ones(), (1.0 - self.probs) * array_ops.ones_like(x)) + math_ops.log(self.probs)

    def _entropy(self):
        fails = 1.0 - self.probs
        return -(fails * math_ops.log1p(-self.probs) + self.probs * math_ops.log(self.probs)) / self.probs

    def _mean(self):
        return math_ops.exp(-self.logits)

    def _variance(self):
        return self._mean() / self.probs

    def _mode(self):
        return array_ops.zeros(self.batch_shape_tensor(), dtype=self.dtype)


class _Vectors(distribution.Distribution):
    """Counts of classes [..., n] that add up to TOTAL_COUNT."""

    total_count = property(lambda self: self._total_count, doc="How often a class is drawn.")

    def _finish(self, total_count, weights, parameters, validate_args, allow_nan_stats, scope):
        self._total_count = ops.convert_to_tensor(total_count, name="total_count", dtype=weights.dtype)
        super().__init__(weights.dtype, distribution.NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._total_count, weights], scope)  # fmt: skip
        self._weights = weights + array_ops.zeros_like(self._total_count)[..., None]
        self._batch_parts = (self._weights[..., 0],)

    @property
    def event_shape(self):
        """[n]."""
        return self._weights.get_shape().with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self):
        return array_ops.shape(self._weights)[-1:]

    def _log_orders(self, counts):
        """log (n over the counts)."""
        more = math_ops.reduce_sum(math_ops.lgamma(counts + 1.0), -1)
        return math_ops.lgamma(self.total_count + 1.0) - more

    def _draw(self, n, logits, seed):
        """[n, batch, classes]: how often each class comes; LOGITS are [n, batch, classes]."""
        size = array_ops.shape(logits)[-1]
        whole = self._total_count * self._ones()
        most = math_ops.cast(math_ops.reduce_max(whole), "int32")
        drawn = random_ops.multinomial(array_ops.reshape(logits, array_ops.stack([-1, size])), most, seed=seed)
        # Of a batch of several totals, each row counts its own first draws.
        limits = array_ops.reshape(whole + array_ops.zeros_like(logits[..., 0]), [-1, 1])
        counted = math_ops.cast(math_ops.range(most), self.dtype) < limits
        one_hot = array_ops.one_hot(drawn, size, dtype=self.dtype) * math_ops.cast(counted, self.dtype)[..., None]
        return array_ops.reshape(math_ops.reduce_sum(one_hot, 1), array_ops.shape(logits))

    def _spread(self, share, factor):
        """The covariance of counts whose classes have the SHAREs, times FACTOR."""
        outer = -math_ops.matmul(array_ops.expand_dims(share, -1), array_ops.expand_dims(share, -2))
        return factor[..., None, None] * array_ops.matrix_set_diag(outer, share * (1.0 - share))


@tf_export("contrib.distributions.Multinomial")
class Multinomial(_Vectors):
    """How often each class comes in TOTAL_COUNT draws, by PROBS [..., n] or softmax(LOGITS)."""

    def __init__(self, total_count, logits=None, probs=None, validate_args=False, allow_nan_stats=True,
                 name="Multinomial"):  # fmt: skip
        parameters = dict(locals())
        with ops.name_scope(name) as scope:
            self._logits, self._probs = distribution.logits_and_probs(logits, probs, multidimensional=True)
            self._finish(total_count, self._logits, parameters, validate_args, allow_nan_stats, scope)

    logits = property(lambda self: self._logits, doc="The logits.")
    probs = property(lambda self: self._probs, doc="The probabilities.")

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], array_ops.shape(self._weights)], 0)
        return self._draw(n, self._weights + array_ops.zeros(shape, dtype=self.dtype), seed)

    def _log_prob(self, counts):
        return math_ops.reduce_sum(counts * nn_ops.log_softmax(self.logits), -1) + self._log_orders(counts)

    def _mean(self):
        return self.probs * self.total_count[..., None]

    def _variance(self):
        return self._mean() * (1.0 - self.probs)

    def _covariance(self):
        return self._spread(nn_ops.softmax(self._weights), self.total_count * self._ones())


@tf_export("contrib.distributions.DirichletMultinomial")
class DirichletMultinomial(_Vectors):
    """A Multinomial whose probabilities come from a Dirichlet distribution of CONCENTRATION."""

    def __init__(self, total_count, concentration, validate_args=False, allow_nan_stats=True,
                 name="DirichletMultinomial"):  # fmt: skip
        parameters = dict(locals())
        with ops.name_scope(name) as scope:
            concentration = ops.convert_to_tensor(concentration, name="concentration")
            self._finish(total_count, concentration, parameters, validate_args, allow_nan_stats, scope)
            self._total_concentration = math_ops.reduce_sum(self._weights, -1)

    concentration = property(lambda self: self._weights, doc="The concentration of each class.")
    total_concentration = property(lambda self: self._total_concentration, doc="Their sum.")

    def _sample_n(self, n, seed=None):
        rates = random_ops.random_gamma([n], self._weights, dtype=self.dtype, seed=seed)
        return self._draw(n, math_ops.log(rates), gen_new_seed(seed, "dirichlet_multinomial"))

    def _log_prob(self, counts):
        def log_beta(x):
            return math_ops.reduce_sum(math_ops.lgamma(x), -1) - math_ops.lgamma(math_ops.reduce_sum(x, -1))

        return log_beta(self._weights + counts) - log_beta(self._weights) + self._log_orders(counts)

    def _share(self):
        return self._weights / self._total_concentration[..., None]

    def _mean(self):
        return self.total_count[..., None] * self._share()

    def _factor(self):
        return self.total_count * (self.total_count + self._total_concentration) / (1.0 + self._total_concentration)

    def _covariance(self):
        return self._spread(self._share(), self._factor())

    def _variance(self):
        return self._factor()[..., None] * self._share() * (1.0 - self._share())


@RegisterKL(discrete.OneHotCategorical, discrete.OneHotCategorical)
def _kl_rows(a, b, name=None):
    with ops.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        apart = nn_ops.log_softmax(a.logits) - nn_ops.log_softmax(b.logits)
        return math_ops.reduce_sum(nn_ops.softmax(a.logits) * apart, axis=-1)
