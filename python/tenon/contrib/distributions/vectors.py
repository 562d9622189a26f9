"""contrib.distributions: normal vectors by a triangular matrix, mixtures, independent parts, relaxed classes."""

import math

import numpy as np

from tenon.python.framework import ops, tensor_shape
from tenon.python.ops import array_ops, check_ops, gen_ops, linalg_ops, math_ops, nn_ops, random_ops
from tenon.python.ops.distributions import discrete, distribution
from tenon.python.ops.distributions.distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, gen_new_seed
from tenon.python.ops.distributions.kullback_leibler import RegisterKL, kl_divergence
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.distributions.MultivariateNormalTriL")
class MultivariateNormalTriL(distribution.Distribution):
    """Vectors of mean LOC and covariance S S^T, where S is SCALE_TRIL's lower triangle."""

    def __init__(self, loc=None, scale_tril=None, validate_args=False, allow_nan_stats=True,
                 name="MultivariateNormalTriL"):  # fmt: skip
        parameters = dict(locals())
        with ops.name_scope(name) as scope:
            if loc is None and scale_tril is None:
                raise ValueError("Must specify one or both of `loc`, `scale_tril`.")
            loc = None if loc is None else ops.convert_to_tensor(loc, name="loc")
            if scale_tril is None:
                scale = array_ops.matrix_diag(array_ops.ones_like(loc))
            else:
                scale = array_ops.matrix_band_part(ops.convert_to_tensor(scale_tril, name="scale_tril"), -1, 0)
            diagonal = array_ops.matrix_diag_part(scale)
            checks = [check_ops.assert_none_equal(diagonal, array_ops.zeros_like(diagonal))] if validate_args else []
            with ops.control_dependencies(checks):
                self._loc = array_ops.zeros_like(diagonal) + (0.0 if loc is None else loc)
                self._tril = scale + array_ops.zeros_like(self._loc)[..., None]
        self._batch_parts = (self._loc[..., 0],)
        super().__init__(self._loc.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._loc, self._tril], scope)  # fmt: skip

    loc = property(lambda self: self._loc, doc="The mean.")

    @property
    def event_shape(self):
        """[n]."""
        return tensor_shape.TensorShape([self._loc.get_shape().dims[-1]])

    def _event_shape_tensor(self):
        return array_ops.shape(self._loc)[-1:]

    def _log_determinant(self):
        return math_ops.reduce_sum(math_ops.log(math_ops.abs(array_ops.matrix_diag_part(self._tril))), -1)

    def _size(self):
        return math_ops.cast(array_ops.shape(self._loc)[-1], self.dtype)

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], array_ops.shape(self._loc)], 0)
        normal = random_ops.random_normal(shape, dtype=self.dtype, seed=seed)
        return math_ops.reduce_sum(self._tril * normal[..., None, :], -1) + self._loc

    def _log_prob(self, x):
        z = x - self._loc
        matrices = self._tril + array_ops.zeros_like(z)[..., None]
        z = array_ops.squeeze(linalg_ops.matrix_triangular_solve(matrices, z[..., None]), [-1])
        norm = 0.5 * math.log(2.0 * math.pi) * self._size() + self._log_determinant()
        return -0.5 * math_ops.reduce_sum(math_ops.square(z), -1) - norm

    def _entropy(self):
        return 0.5 * math.log(2.0 * math.pi * math.e) * self._size() + self._log_determinant()

    def _mean(self):
        return array_ops.identity(self._loc)

    def _mode(self):
        return array_ops.identity(self._loc)

    def _covariance(self):
        return math_ops.matmul(self._tril, self._tril, transpose_b=True)

    def _variance(self):
        return math_ops.reduce_sum(math_ops.square(self._tril), -1)


@tf_export("contrib.distributions.MultivariateNormalFullCovariance")
class MultivariateNormalFullCovariance(MultivariateNormalTriL):
    """Vectors of mean LOC and covariance COVARIANCE_MATRIX."""

    def __init__(self, loc=None, covariance_matrix=None, validate_args=False, allow_nan_stats=True,
                 name="MultivariateNormalFullCovariance"):  # fmt: skip
        parameters = dict(locals())
        scale = None
        if covariance_matrix is not None:
            matrix = ops.convert_to_tensor(covariance_matrix, name="covariance_matrix")
            across = array_ops.matrix_transpose(matrix)
            checks = (
                [check_ops.assert_equal(matrix, across, message="Matrix was not symmetric")] if validate_args else []
            )
            with ops.control_dependencies(checks):
                scale = gen_ops.cholesky(matrix)
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)
        self._parameters = parameters


@RegisterKL(MultivariateNormalTriL, MultivariateNormalTriL)
def _kl_normal_vectors(a, b, name=None):
    with ops.name_scope(name, "kl_multivariate_normal", [a.loc, b.loc]):
        matrices = b._tril + array_ops.zeros_like(a._tril)
        apart = (b.loc - a.loc)[..., None] + array_ops.zeros_like(matrices[..., :1])
        turned = linalg_ops.matrix_triangular_solve(matrices, a._tril + array_ops.zeros_like(matrices))
        moved = linalg_ops.matrix_triangular_solve(matrices, apart)
        squares = math_ops.reduce_sum(math_ops.square(turned), [-2, -1]) + math_ops.reduce_sum(
            math_ops.square(moved), [-2, -1]
        )
        return b._log_determinant() - a._log_determinant() + 0.5 * (squares - a._size())


@tf_export("contrib.distributions.Independent")
class Independent(distribution.Distribution):
    """DISTRIBUTION whose last REINTERPRETED_BATCH_NDIMS batch dimensions are part of the event; all but the first."""

    def __init__(self, distribution, reinterpreted_batch_ndims=None, validate_args=False, name=None):
        parameters = dict(locals())
        self._of = distribution
        if reinterpreted_batch_ndims is None:
            if distribution.batch_shape.ndims is None:
                raise ValueError("reinterpreted_batch_ndims is needed where the batch's rank is not known")
            reinterpreted_batch_ndims = max(0, distribution.batch_shape.ndims - 1)
        self._count = int(reinterpreted_batch_ndims)
        known = distribution.batch_shape.ndims
        if known is not None and not 0 <= self._count <= known:
            raise ValueError(
                f"reinterpreted_batch_ndims({self._count}) cannot exceed distribution.batch_ndims({known})"
            )
        super().__init__(distribution.dtype, distribution.reparameterization_type, validate_args,
                         distribution.allow_nan_stats, parameters, None,
                         name or "Independent" + distribution.name.replace("/", ""))  # fmt: skip

    distribution = property(lambda self: self._of, doc="The distribution.")
    reinterpreted_batch_ndims = property(lambda self: self._count, doc="How many dimensions.")

    @property
    def batch_shape(self):
        """The first of the distribution's batch dimensions."""
        shape = self._of.batch_shape
        return shape if shape.ndims is None else shape[: shape.ndims - self._count]

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The first of the distribution's batch dimensions."""
        with self._name_scope(name):
            shape = self._of.batch_shape_tensor()
            return shape[: array_ops.shape(shape)[0] - self._count]

    @property
    def event_shape(self):
        """The last of the distribution's batch dimensions, and its event's."""
        shape = self._of.batch_shape
        if shape.ndims is None:
            return tensor_shape.TensorShape(None)
        return shape[shape.ndims - self._count :].concatenate(self._of.event_shape)

    def _event_shape_tensor(self):
        shape = self._of.batch_shape_tensor()
        own = shape[array_ops.shape(shape)[0] - self._count :]
        return array_ops.concat([own, self._of.event_shape_tensor()], 0)

    def _sum(self, value):
        return math_ops.reduce_sum(value, list(range(-self._count, 0))) if self._count else value

    def _sample_n(self, n, seed=None):
        return self._of.sample(n, seed=seed)

    def _log_prob(self, x):
        return self._sum(self._of.log_prob(x))

    def _entropy(self):
        return self._sum(self._of.entropy())

    def _mean(self):
        return self._of.mean()

    def _variance(self):
        return self._of.variance()

    def _stddev(self):
        return self._of.stddev()

    def _mode(self):
        return self._of.mode()


@RegisterKL(Independent, Independent)
def _kl_independent(a, b, name=None):
    if a.reinterpreted_batch_ndims != b.reinterpreted_batch_ndims:
        raise ValueError("The divergence needs the same reinterpreted_batch_ndims.")
    with ops.name_scope(name, "kl_independent"):
        return a._sum(kl_divergence(a.distribution, b.distribution))


@tf_export("contrib.distributions.MixtureSameFamily")
class MixtureSameFamily(distribution.Distribution):
    """One of the distributions along the last batch dimension of COMPONENTS_DISTRIBUTION, chosen by a Categorical."""

    def __init__(self, mixture_distribution, components_distribution, validate_args=False, allow_nan_stats=True,
                 name="MixtureSameFamily"):  # fmt: skip
        parameters = dict(locals())
        self._mixture, self._components = mixture_distribution, components_distribution
        if not mixture_distribution.dtype.is_integer:
            raise ValueError(f"`mixture_distribution.dtype` ({mixture_distribution.dtype.name}) is not over integers")
        wanted = components_distribution.batch_shape
        sizes = mixture_distribution.logits.get_shape()[-1:]
        if wanted.ndims is not None and not wanted[-1:].is_compatible_with(sizes):
            raise ValueError(f"`mixture_distribution components` ({sizes}) does not equal "
                             f"`components_distribution.batch_shape[-1]` ({wanted})")  # fmt: skip
        with ops.name_scope(name) as scope:
            pass
        super().__init__(components_distribution.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         None, scope)  # fmt: skip

    mixture_distribution = property(lambda self: self._mixture, doc="What chooses.")
    components_distribution = property(lambda self: self._components, doc="What it chooses from.")

    @property
    def batch_shape(self):
        """The components' without the last dimension."""
        return self._components.batch_shape.with_rank_at_least(1)[:-1]

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The components' without the last dimension."""
        with self._name_scope(name):
            return self._components.batch_shape_tensor()[:-1]

    @property
    def event_shape(self):
        """The components'."""
        return self._components.event_shape

    def _event_shape_tensor(self):
        return self._components.event_shape_tensor()

    def _axis(self):
        """The components' dimension, from the end."""
        return -1 - self.event_shape.ndims

    def _wide(self, x):
        """X with a dimension for the components."""
        return array_ops.expand_dims(x, self._axis())

    def _weights(self):
        """The components' probabilities, as wide as an event."""
        probs = math_ops.cast(nn_ops.softmax(self._mixture.logits), self.dtype)
        for _ in range(self.event_shape.ndims):
            probs = array_ops.expand_dims(probs, -1)
        return probs

    def _sample_n(self, n, seed=None):
        every = self._components.sample(n, seed=seed)
        size = array_ops.shape(self._mixture.logits)[-1]
        logits = self._mixture.logits + array_ops.zeros(
            self._components.batch_shape_tensor(), self._mixture.logits.dtype
        )
        chosen = discrete.Categorical(logits).sample(n, seed=gen_new_seed(seed, "mixture_same_family"))
        mask = array_ops.one_hot(chosen, size, dtype=self.dtype)
        for _ in range(self.event_shape.ndims):
            mask = array_ops.expand_dims(mask, -1)
        return math_ops.reduce_sum(every * mask, self._axis())

    def _log_prob(self, x):
        each = self._components.log_prob(self._wide(x))
        return math_ops.reduce_logsumexp(each + nn_ops.log_softmax(self._mixture.logits), axis=-1)

    def _cdf(self, x):
        each = self._components.log_cdf(self._wide(x))
        return math_ops.exp(math_ops.reduce_logsumexp(each + nn_ops.log_softmax(self._mixture.logits), axis=-1))

    def _mean(self):
        return math_ops.reduce_sum(self._weights() * self._components.mean(), self._axis())

    def _variance(self):
        mean = self._components.mean()
        apart = math_ops.squared_difference(mean, self._wide(self._mean()))
        return math_ops.reduce_sum(self._weights() * (self._components.variance() + apart), self._axis())


@tf_export("contrib.distributions.Mixture")
class Mixture(distribution.Distribution):
    """One of COMPONENTS, distributions of one batch and event shape, chosen by the Categorical CAT."""

    def __init__(self, cat, components, validate_args=False, allow_nan_stats=True, use_static_graph=False,
                 name="Mixture"):  # fmt: skip
        parameters = dict(locals())
        if not isinstance(cat, discrete.Categorical):
            raise TypeError(f"cat must be a Categorical distribution, but saw: {cat}")
        if not components:
            raise ValueError("components must be a non-empty list or tuple")
        if not all(isinstance(one, distribution.Distribution) for one in components):
            raise TypeError(f"all entries in components must be Distribution instances but saw: {components}")
        kinds = {one.dtype for one in components}
        if len(kinds) > 1:
            raise TypeError(f"All components must have the same dtype, but saw dtypes: {kinds}")
        size = cat.logits.get_shape()[-1].value
        if size is not None and size != len(components):
            raise ValueError(f"cat.num_classes != len(components): {size} vs. {len(components)}")
        self._cat, self._components = cat, list(components)
        with ops.name_scope(name) as scope:
            pass
        super().__init__(components[0].dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, None,
                         scope)  # fmt: skip

    cat = property(lambda self: self._cat, doc="What chooses.")
    components = property(lambda self: self._components, doc="What it chooses from.")
    num_components = property(lambda self: len(self._components), doc="How many there are.")

    @property
    def batch_shape(self):
        """The components'."""
        shape = self._cat.batch_shape
        for one in self._components:
            shape = shape.merge_with(one.batch_shape)
        return shape

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The components'."""
        with self._name_scope(name):
            return self._cat.batch_shape_tensor()

    @property
    def event_shape(self):
        """The components'."""
        shape = tensor_shape.TensorShape(None)
        for one in self._components:
            shape = shape.merge_with(one.event_shape)
        return shape

    def _event_shape_tensor(self):
        return self._components[0].event_shape_tensor()

    def _shares(self, events=False):
        """The components' probabilities, as wide as an event."""
        parts = array_ops.unstack(math_ops.cast(nn_ops.softmax(self._cat.logits), self.dtype), axis=-1)
        for _ in range(self.event_shape.ndims if events else 0):
            parts = [array_ops.expand_dims(part, -1) for part in parts]
        return parts

    def _sample_n(self, n, seed=None):
        chosen = self._cat.sample(n, seed=gen_new_seed(seed, "mixture"))
        total = 0.0
        for i, one in enumerate(self._components):
            mine = math_ops.equal(chosen, i)
            for _ in range(self.event_shape.ndims):
                mine = array_ops.expand_dims(mine, -1)
            drawn = one.sample(n, seed=gen_new_seed(seed, f"mixture_{i}"))
            total = total + distribution.where(mine, drawn, array_ops.zeros_like(drawn))
        return total

    def _log_prob(self, x):
        logs = array_ops.unstack(nn_ops.log_softmax(self._cat.logits), axis=-1)
        each = [one.log_prob(x) + log for one, log in zip(self._components, logs)]
        return math_ops.reduce_logsumexp(array_ops.stack(each, 0), axis=0)

    def _cdf(self, x):
        return math_ops.add_n([one.cdf(x) * share for one, share in zip(self._components, self._shares())])

    def _mean(self):
        return math_ops.add_n([one.mean() * share for one, share in zip(self._components, self._shares(True))])

    def _variance(self):
        mean, parts = self._mean(), []
        for one, share in zip(self._components, self._shares(True)):
            parts.append(share * (one.variance() + math_ops.squared_difference(one.mean(), mean)))
        return math_ops.add_n(parts)

    def entropy_lower_bound(self, name="entropy_lower_bound"):
        """What the entropy is at least: the mean of the components'."""
        with self._name_scope(name):
            return math_ops.add_n([one.entropy() * share for one, share in zip(self._components, self._shares())])


class _Relaxed(discrete._OfClasses):
    """Rows that are near to one class where TEMPERATURE is small (Maddison et al. 2017)."""

    def __init__(self, temperature, logits, probs, dtype, validate_args, allow_nan_stats, parameters, name):
        self._set(logits, probs, None, parameters, validate_args, allow_nan_stats, name, multidimensional=True)
        self._dtype = self._logits.dtype if dtype is None else dtype
        self._temperature = ops.convert_to_tensor(temperature, name="temperature", dtype=self._dtype)
        self._reparameterization_type = FULLY_REPARAMETERIZED

    temperature = property(lambda self: self._temperature, doc="How far from a class rows may be.")

    @property
    def event_shape(self):
        """[n]."""
        return self.logits.get_shape().with_rank_at_least(1)[-1:]

    def _event_shape_tensor(self):
        return array_ops.shape(self.logits)[-1:]

    def _log_rows(self, n, seed):
        """The logarithms of rows: by the Gumbel trick."""
        shape = array_ops.concat([[n], array_ops.shape(self.logits)], 0)
        low = np.finfo(self.dtype.as_numpy_dtype).tiny
        drawn = random_ops.random_uniform(shape, minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        gumbel = -math_ops.log(-math_ops.log(drawn))
        return nn_ops.log_softmax((gumbel + self.logits) / self._temperature[..., None])

    def _log_density(self, x):
        """Of the logarithms X of rows."""
        size = math_ops.cast(self.event_size, self.dtype)
        norm = math_ops.lgamma(size) + (size - 1.0) * math_ops.log(self._temperature)
        each = nn_ops.log_softmax(self.logits - x * self._temperature[..., None])
        return math_ops.reduce_sum(each, -1) + norm


@tf_export("contrib.distributions.ExpRelaxedOneHotCategorical")
class ExpRelaxedOneHotCategorical(_Relaxed):
    """The logarithms of RelaxedOneHotCategorical's rows."""

    def __init__(self, temperature, logits=None, probs=None, dtype=None, validate_args=False, allow_nan_stats=True,
                 name="ExpRelaxedOneHotCategorical"):  # fmt: skip
        parameters = dict(locals())
        parameters.pop("__class__", None)
        super().__init__(temperature, logits, probs, dtype, validate_args, allow_nan_stats, parameters, name)

    def _sample_n(self, n, seed=None):
        return self._log_rows(n, seed)

    def _log_prob(self, x):
        return self._log_density(x)


@tf_export("contrib.distributions.RelaxedOneHotCategorical")
class RelaxedOneHotCategorical(_Relaxed):
    """Rows that add up to 1 and are near to one class where TEMPERATURE is small."""

    def __init__(self, temperature, logits=None, probs=None, dtype=None, validate_args=False, allow_nan_stats=True,
                 name="RelaxedOneHotCategorical"):  # fmt: skip
        parameters = dict(locals())
        parameters.pop("__class__", None)
        super().__init__(temperature, logits, probs, dtype, validate_args, allow_nan_stats, parameters, name)

    def _sample_n(self, n, seed=None):
        return math_ops.exp(self._log_rows(n, seed))

    def _log_prob(self, x):
        logs = math_ops.log(x)
        return self._log_density(logs) - math_ops.reduce_sum(logs, -1)


@tf_export("contrib.distributions.RelaxedBernoulli")
class RelaxedBernoulli(discrete._OfProbabilities):
    """Numbers between 0 and 1, near to one of them where TEMPERATURE is small."""

    def __init__(self, temperature, logits=None, probs=None, validate_args=False, allow_nan_stats=True,
                 name="RelaxedBernoulli"):  # fmt: skip
        self._set(logits, probs, None, dict(locals()), validate_args, allow_nan_stats, name)
        self._dtype = self._logits.dtype
        self._temperature = ops.convert_to_tensor(temperature, name="temperature", dtype=self._dtype)
        self._reparameterization_type = FULLY_REPARAMETERIZED
        self._batch_parts = (self._temperature, self._logits)

    temperature = property(lambda self: self._temperature, doc="How far from 0 and 1 numbers may be.")

    def _sample_n(self, n, seed=None):
        shape = array_ops.concat([[n], self.batch_shape_tensor()], 0)
        low = np.finfo(self.dtype.as_numpy_dtype).tiny
        u = random_ops.random_uniform(shape, minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        return math_ops.sigmoid((math_ops.log(u) - math_ops.log1p(-u) + self.logits) / self._temperature)

    def _z(self, x):
        return self._temperature * (math_ops.log(x) - math_ops.log1p(-x)) - self.logits

    def _log_prob(self, x):
        z = self._z(x)
        jacobian = math_ops.log(x) + math_ops.log1p(-x)
        return -z - 2.0 * nn_ops.softplus(-z) + math_ops.log(self._temperature) - jacobian

    def _cdf(self, x):
        return math_ops.sigmoid(self._z(x))
