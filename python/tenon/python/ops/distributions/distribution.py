"""The base of distributions: samples, probabilities and moments over batches of parameters."""

import contextlib
import hashlib

import numpy as np

from tenon.python.framework import dtypes, ops, tensor_shape, tensor_util
from tenon.python.ops import array_ops, gen_ops, math_ops, nn_ops
from tenon.python.ops.distributions import kullback_leibler
from tenon.python.util.tf_export import tf_export


@tf_export("distributions.ReparameterizationType", "contrib.distributions.ReparameterizationType")
class ReparameterizationType:
    """Whether gradients flow through samples."""

    def __init__(self, rep_type):
        self._rep_type = rep_type

    def __repr__(self):
        return f"<Reparameterization Type: {self._rep_type}>"

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")
TF_EXPORTS = {
    "distributions.FULLY_REPARAMETERIZED": "FULLY_REPARAMETERIZED",
    "distributions.NOT_REPARAMETERIZED": "NOT_REPARAMETERIZED",
    "contrib.distributions.FULLY_REPARAMETERIZED": "FULLY_REPARAMETERIZED",
    "contrib.distributions.NOT_REPARAMETERIZED": "NOT_REPARAMETERIZED",
}


def gen_new_seed(seed, salt):
    """Another seed for the same distribution."""
    if seed is None:
        return None
    text = f"{seed}{salt}".encode()
    return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16) & 0x7FFFFFFF


def logits_and_probs(logits, probs, multidimensional=False):
    """(logits, probabilities) from one of the two."""
    if (probs is None) == (logits is None):
        raise ValueError("Must pass probs or logits, but not both.")
    name, given = ("logits", logits) if probs is None else ("probs", probs)
    given = ops.convert_to_tensor(given, name=name)
    if not given.dtype.is_floating:
        raise TypeError(f"{name} must having floating type.")
    if probs is None:
        return given, nn_ops.softmax(given) if multidimensional else math_ops.sigmoid(given)
    log = math_ops.log(given)
    return (log if multidimensional else log - math_ops.log1p(-given)), given


def where(condition, x, y):
    """x where CONDITION holds and y elsewhere, all broadcast."""
    return gen_ops.select_v2(condition, x, y)


@tf_export("distributions.Distribution", "contrib.distributions.Distribution")
class Distribution:
    """Subclasses have _sample_n, _log_prob or _prob, and _mean and its kin.

    A subclass puts the tensors whose shapes broadcast to the batch shape into _batch_parts.
    """

    _batch_parts = ()

    def __init__(self, dtype, reparameterization_type, validate_args, allow_nan_stats, parameters=None,
                 graph_parents=None, name=None):  # fmt: skip
        for i, parent in enumerate(graph_parents or ()):
            if parent is None or not ops.is_tensor(parent):
                raise ValueError(f"Graph parent item {i} is not a Tensor; {parent}.")
        if not name or name[-1] != "/":
            with ops.name_scope(name or type(self).__name__) as scope:
                name = scope
        self._dtype, self._reparameterization_type = dtype, reparameterization_type
        self._allow_nan_stats, self._validate_args = allow_nan_stats, validate_args
        self._parameters, self._graph_parents, self._name = dict(parameters or {}), graph_parents or [], name

    @classmethod
    def param_shapes(cls, sample_shape, name="DistributionParamShapes"):
        """{parameter: its shape} for samples of SAMPLE_SHAPE."""
        with ops.name_scope(name, values=[sample_shape]):
            return cls._param_shapes(sample_shape)

    @classmethod
    def param_static_shapes(cls, sample_shape):
        """param_shapes as TensorShapes. ValueError where they are not known."""
        if isinstance(sample_shape, tensor_shape.TensorShape):
            if not sample_shape.is_fully_defined():
                raise ValueError("TensorShape sample_shape must be fully defined")
            sample_shape = sample_shape.as_list()
        made = {}
        for name, shape in cls.param_shapes(sample_shape).items():
            known = tensor_util.constant_value(shape)
            if known is None:
                raise ValueError("sample_shape must be a fully-defined TensorShape or list/tuple")
            made[name] = tensor_shape.TensorShape([int(size) for size in known])
        return made

    _shaped = ()  # the parameters that param_shapes tells of

    @classmethod
    def _param_shapes(cls, sample_shape):
        if not cls._shaped:
            raise NotImplementedError("_param_shapes not implemented")
        return {name: ops.convert_to_tensor(sample_shape, dtype=dtypes.int32) for name in cls._shaped}

    @property
    def name(self):
        """The name scope."""
        return self._name

    @property
    def dtype(self):
        """The DType of samples."""
        return self._dtype

    @property
    def parameters(self):
        """The arguments of the constructor."""
        return {k: v for k, v in self._parameters.items() if not k.startswith("__") and k != "self"}

    @property
    def reparameterization_type(self):
        """Whether gradients flow through samples."""
        return self._reparameterization_type

    @property
    def allow_nan_stats(self):
        """Whether undefined moments are NaN; an error otherwise."""
        return self._allow_nan_stats

    @property
    def validate_args(self):
        """Whether arguments are checked as the graph runs."""
        return self._validate_args

    def copy(self, **override_parameters_kwargs):
        """Another one with some arguments changed."""
        return type(self)(**{**self.parameters, **override_parameters_kwargs})

    # --- shapes ---

    @property
    def batch_shape(self):
        """The shape of the batch of distributions, as far as it is known."""
        shape = tensor_shape.TensorShape([])
        for part in self._batch_parts:
            shape = array_ops.broadcast_static_shape(shape, part.get_shape())
        return shape

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The shape of the batch of distributions."""
        with self._name_scope(name):
            if self.batch_shape.is_fully_defined():
                return ops.convert_to_tensor(np.array(self.batch_shape.as_list(), np.int32), name="batch_shape")
            shape = array_ops.shape(self._batch_parts[0])
            for part in self._batch_parts[1:]:
                shape = array_ops.broadcast_dynamic_shape(shape, array_ops.shape(part))
            return shape

    @property
    def event_shape(self):
        """The shape of a sample of one distribution."""
        return tensor_shape.TensorShape([])

    def event_shape_tensor(self, name="event_shape_tensor"):
        """The shape of a sample of one distribution."""
        with self._name_scope(name):
            if self.event_shape.is_fully_defined():
                return ops.convert_to_tensor(np.array(self.event_shape.as_list(), np.int32), name="event_shape")
            return self._event_shape_tensor()

    def is_scalar_event(self, name="is_scalar_event"):
        """Whether a sample is a scalar."""
        return self._is_scalar(self.event_shape, self.event_shape_tensor, name)

    def is_scalar_batch(self, name="is_scalar_batch"):
        """Whether it is one distribution."""
        return self._is_scalar(self.batch_shape, self.batch_shape_tensor, name)

    def _is_scalar(self, known, dynamic, name):
        with self._name_scope(name):
            if known.ndims is not None:
                return ops.convert_to_tensor(known.ndims == 0, name=name)
            return math_ops.equal(array_ops.shape(dynamic())[0], 0)

    def _ones(self):
        """Ones in the batch's shape."""
        return array_ops.ones(self.batch_shape_tensor(), dtype=self._batch_parts[0].dtype)

    # --- samples and probabilities ---

    def sample(self, sample_shape=(), seed=None, name="sample"):
        """Samples [SAMPLE_SHAPE, batch shape, event shape]."""
        with self._name_scope(name):
            shape = ops.convert_to_tensor(np.array(sample_shape, np.int32) if not ops.is_tensor(sample_shape)
                                          else sample_shape, dtype=dtypes.int32)  # fmt: skip
            rank = shape.get_shape().ndims
            if rank not in (0, 1):
                raise ValueError("Input is neither scalar nor vector.")
            if rank == 0:
                shape = array_ops.reshape(shape, [1])
            known = tensor_util.constant_value(shape)
            number = math_ops.reduce_prod(shape) if known is None else int(np.prod(known))
            drawn = self._sample_n(number, seed)
            drawn = array_ops.reshape(drawn, array_ops.concat([shape, array_ops.shape(drawn)[1:]], 0))
            if known is not None:
                lead = tensor_shape.TensorShape([int(size) for size in known])
                drawn.set_shape(lead.concatenate(self.batch_shape).concatenate(self.event_shape))
            return drawn

    def _asked(self, name, value, *ways):
        """The first of WAYS, (method, what to do with its result), that the class has."""
        with self._name_scope(name, values=[value]):
            value = ops.convert_to_tensor(value, name="value", preferred_dtype=self.dtype)
            for method, finish in ways:
                if hasattr(self, method):
                    return finish(getattr(self, method)(value))
            raise NotImplementedError(f"{name} is not implemented: {type(self).__name__}")

    def log_prob(self, value, name="log_prob"):
        """The logarithm of the density or probability."""
        return self._asked(name, value, ("_log_prob", lambda x: x), ("_prob", math_ops.log))

    def prob(self, value, name="prob"):
        """The density or probability."""
        return self._asked(name, value, ("_prob", lambda x: x), ("_log_prob", math_ops.exp))

    def log_cdf(self, value, name="log_cdf"):
        """The logarithm of the chance of at most VALUE."""
        return self._asked(name, value, ("_log_cdf", lambda x: x), ("_cdf", math_ops.log))

    def cdf(self, value, name="cdf"):
        """The chance of at most VALUE."""
        return self._asked(name, value, ("_cdf", lambda x: x), ("_log_cdf", math_ops.exp))

    def log_survival_function(self, value, name="log_survival_function"):
        """The logarithm of the chance of more than VALUE."""
        return self._asked(name, value, ("_log_survival_function", lambda x: x),
                           ("_cdf", lambda x: math_ops.log1p(-x)))  # fmt: skip

    def survival_function(self, value, name="survival_function"):
        """The chance of more than VALUE."""
        return self._asked(name, value, ("_survival_function", lambda x: x), ("_cdf", lambda x: 1.0 - x))

    def quantile(self, value, name="quantile"):
        """Where cdf is VALUE."""
        return self._asked(name, value, ("_quantile", lambda x: x))

    # --- moments ---

    def _moment(self, name, *ways):
        with self._name_scope(name):
            for method, finish in ways:
                if hasattr(self, method):
                    return finish(getattr(self, method)())
            raise NotImplementedError(f"{name} is not implemented: {type(self).__name__}")

    def entropy(self, name="entropy"):
        """The entropy, in nats."""
        return self._moment(name, ("_entropy", lambda x: x))

    def mean(self, name="mean"):
        """The mean."""
        return self._moment(name, ("_mean", lambda x: x))

    def variance(self, name="variance"):
        """The variance."""
        return self._moment(name, ("_variance", lambda x: x), ("_stddev", math_ops.square))

    def stddev(self, name="stddev"):
        """The standard deviation."""
        return self._moment(name, ("_stddev", lambda x: x), ("_variance", math_ops.sqrt))

    def covariance(self, name="covariance"):
        """The covariance of the parts of an event."""
        return self._moment(name, ("_covariance", lambda x: x))

    def mode(self, name="mode"):
        """The most probable value."""
        return self._moment(name, ("_mode", lambda x: x))

    def cross_entropy(self, other, name="cross_entropy"):
        """-E[log OTHER]."""
        with self._name_scope(name):
            return kullback_leibler.cross_entropy(self, other, allow_nan_stats=self.allow_nan_stats)

    def kl_divergence(self, other, name="kl_divergence"):
        """The divergence from OTHER."""
        with self._name_scope(name):
            return kullback_leibler.kl_divergence(self, other, allow_nan_stats=self.allow_nan_stats)

    @contextlib.contextmanager
    def _name_scope(self, name=None, values=None):
        with ops.name_scope(self.name), ops.name_scope(name, values=[*(values or ()), *self._graph_parents]) as scope:
            yield scope

    def __str__(self):
        return f"tfp.distributions.{type(self).__name__}({self.name!r}, batch_shape={self.batch_shape}, event_shape={self.event_shape}, dtype={self.dtype.name})"  # noqa: E501

    __repr__ = __str__


def undefined(distribution, defined, value, message):
    """VALUE where DEFINED holds; elsewhere NaN, or an error if the distribution does not allow that."""
    from tenon.python.ops import control_flow_ops

    if distribution.allow_nan_stats:
        return where(defined, value, ops.convert_to_tensor(float("nan"), value.dtype))
    check = control_flow_ops.Assert(math_ops.reduce_all(defined), [message])
    return control_flow_ops.with_dependencies([check], value)
