"""contrib.distributions' helpers: triangles, percentiles, weighted sums of exponentials, moving moments."""

import hashlib

import numpy as np

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, check_ops, gen_ops, math_ops, sort_ops, state_ops, variable_scope
from tenon.python.ops.distributions import continuous
from tenon.python.ops.distributions.distribution import where
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.distributions.fill_triangular")
def fill_triangular(x, upper=False, name=None):
    """Triangular matrices [..., n, n] of the numbers X [..., n (n + 1) / 2], which go around clockwise."""
    with ops.name_scope(name, "fill_triangular", values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        count = x.get_shape().with_rank_at_least(1)[-1].value
        if count is None:
            raise ValueError("fill_triangular: the last dimension of x must be known")
        n = int(np.sqrt(0.25 + 2.0 * count) - 0.5)
        if n * (n + 1) // 2 != count:
            raise ValueError(f"Input right-most shape ({count}) does not correspond to a triangular matrix.")
        rest = x[..., n:]
        parts = [x, array_ops.reverse(rest, axis=[-1])] if upper else [rest, array_ops.reverse(x, axis=[-1])]
        lead = array_ops.shape(x)[:-1]
        square = array_ops.reshape(array_ops.concat(parts, -1), array_ops.concat([lead, [n, n]], 0))
        made = array_ops.matrix_band_part(square, 0 if upper else -1, -1 if upper else 0)
        made.set_shape(x.get_shape()[:-1].concatenate([n, n]))
        return made


@tf_export("contrib.distributions.fill_triangular_inverse")
def fill_triangular_inverse(x, upper=False, name=None):
    """The numbers that fill_triangular makes the matrices X of."""
    with ops.name_scope(name, "fill_triangular_inverse", values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        n = x.get_shape().with_rank_at_least(2)[-1].value
        if n is None:
            raise ValueError("fill_triangular_inverse: the last dimension of x must be known")
        # Where each number is, as fill_triangular itself puts it; the other triangle holds 0.
        count = n * (n + 1) // 2
        order = np.arange(1, count + 1)
        rows = np.concatenate([order, order[n:][::-1]] if upper else [order[n:], order[::-1]]).reshape(n, n)
        rows = np.triu(rows) if upper else np.tril(rows)
        places = [int(np.flatnonzero(rows.ravel() == i)[0]) for i in order]
        flat = array_ops.reshape(x, array_ops.concat([array_ops.shape(x)[:-2], [n * n]], 0))
        made = array_ops.gather(flat, places, axis=-1)
        made.set_shape(x.get_shape()[:-2].concatenate([count]))
        return made


@tf_export("contrib.distributions.matrix_diag_transform")
def matrix_diag_transform(matrix, transform=None, name=None):
    """MATRIX with TRANSFORM of its diagonal."""
    with ops.name_scope(name, "matrix_diag_transform", [matrix]):
        matrix = ops.convert_to_tensor(matrix, name="matrix")
        if transform is None:
            return matrix
        return array_ops.matrix_set_diag(matrix, transform(array_ops.matrix_diag_part(matrix)))


@tf_export("contrib.distributions.tridiag")
def tridiag(below=None, diag=None, above=None, name=None):
    """Matrices with these diagonals below, on and above the diagonal; zeros elsewhere."""
    with ops.name_scope(name, "tridiag", [below, diag, above]):
        parts = []
        for value, first, last in ((below, 1, 0), (diag, 0, 0), (above, 0, 1)):
            if value is None:
                continue
            value = ops.convert_to_tensor(value)
            made = array_ops.matrix_diag(value)
            rest = [[0, 0]] * (made.get_shape().ndims - 2)
            parts.append(array_ops.pad(made, [*rest, [first, last], [last, first]]))
        if not parts:
            raise ValueError("Must specify at least one of `below`, `diag`, `above`.")
        return sum(parts[1:], parts[0])


@tf_export("contrib.distributions.reduce_weighted_logsumexp")
def reduce_weighted_logsumexp(logx, w=None, axis=None, keep_dims=False, return_sign=False, name=None):
    """log |sum of W exp(LOGX)|, and (RETURN_SIGN) the sum's sign."""
    with ops.name_scope(name, "reduce_weighted_logsumexp", [logx, w]):
        logx = ops.convert_to_tensor(logx, name="logx")
        if w is None:
            found = math_ops.reduce_logsumexp(logx, axis=axis, keepdims=keep_dims)
            return (found, array_ops.ones_like(found)) if return_sign else found
        w = ops.convert_to_tensor(w, dtype=logx.dtype, name="w")
        log_size = logx + math_ops.log(math_ops.abs(w))
        top = math_ops.reduce_max(log_size, axis=axis, keepdims=True)
        finite = gen_ops.is_finite(top)
        top = array_ops.stop_gradient(where(finite, top, array_ops.zeros_like(top)))
        total = math_ops.reduce_sum(math_ops.sign(w) * math_ops.exp(log_size - top), axis=axis, keepdims=keep_dims)
        if not keep_dims:
            top = array_ops.squeeze(top, axis=axis) if axis is not None else array_ops.reshape(top, [])
        found = top + math_ops.log(math_ops.abs(total))
        return (found, math_ops.sign(total)) if return_sign else found


@tf_export("contrib.distributions.percentile")
def percentile(x, q, axis=None, interpolation=None, keep_dims=False, validate_args=False, name=None):
    """The value below which Q of 100 parts of X lie, along AXIS: the "nearest", the next "lower" or "higher"."""
    kinds = {"nearest": math_ops.round, "lower": math_ops.floor, "higher": gen_ops.ceil}
    interpolation = "nearest" if interpolation is None else interpolation
    if interpolation not in kinds:
        raise ValueError(f"Argument 'interpolation' must be in {set(kinds)}. Found {interpolation}")
    with ops.name_scope(name, "percentile", [x, q]):
        x = ops.convert_to_tensor(x, name="x")
        q = math_ops.cast(ops.convert_to_tensor(q, dtype=dtypes.float64) if not ops.is_tensor(q) else q, dtypes.float64)
        if q.get_shape().ndims not in (0, None):
            raise ValueError("q should be a scalar")
        if validate_args:
            inside = [check_ops.assert_greater_equal(q, 0.0 * q), check_ops.assert_less_equal(q, 100.0 + 0.0 * q)]
            with ops.control_dependencies(inside):
                q = array_ops.identity(q)
        ndims = x.get_shape().ndims
        if ndims is None:
            raise ValueError("percentile: the rank of x must be known")
        axes = range(ndims) if axis is None else np.atleast_1d(tensor_util.constant_value(ops.convert_to_tensor(axis)))
        axes = sorted(int(a) % ndims for a in axes)
        rest = [a for a in range(ndims) if a not in axes]
        shape = array_ops.shape(x)
        lead = array_ops.gather(shape, rest) if rest else []
        moved = array_ops.transpose(x, [*rest, *axes])
        rows = array_ops.reshape(moved, array_ops.concat([lead, [-1]], 0) if rest else [-1])
        ordered = sort_ops.sort(rows, axis=-1)
        last = math_ops.cast(array_ops.shape(ordered)[-1] - 1, dtypes.float64)
        place = math_ops.cast(kinds[interpolation](q / 100.0 * last), dtypes.int32)
        found = array_ops.gather(ordered, place, axis=-1)
        if keep_dims:
            for a in axes:
                found = array_ops.expand_dims(found, a)
        return found


@tf_export("contrib.distributions.assign_moving_mean_variance")
def assign_moving_mean_variance(mean_var, variance_var, value, decay, name=None):
    """(mean, variance): variables that move towards the mean and variance of values, with a decay."""
    with ops.name_scope(name, "assign_moving_mean_variance", [variance_var, mean_var, value, decay]):
        value = ops.convert_to_tensor(value, dtype=mean_var.dtype.base_dtype)
        decay = ops.convert_to_tensor(decay, dtype=value.dtype)
        apart = value - mean_var
        # The variance needs the mean before it moves.
        variance = state_ops.assign_sub(variance_var, (1.0 - decay) * (variance_var - decay * math_ops.square(apart)))
        with ops.control_dependencies([variance]):
            mean = state_ops.assign_add(mean_var, (1.0 - decay) * apart)
            return mean, variance


@tf_export("contrib.distributions.moving_mean_variance")
def moving_mean_variance(value, decay, collections=None, name=None):
    """(mean, variance) of VALUE, as assign_moving_mean_variance does for new variables."""
    if collections is None:
        collections = [ops.GraphKeys.GLOBAL_VARIABLES]
    with variable_scope.variable_scope(name, "moving_mean_variance", [value, decay]):
        value = ops.convert_to_tensor(value)
        dtype = value.dtype.base_dtype
        mean, variance = (
            variable_scope.get_variable(
                part, shape=value.get_shape(), dtype=dtype, trainable=False, collections=collections,
                initializer=lambda shape, dtype=None, partition_info=None: array_ops.zeros(shape, dtype),
            )
            for part in ("moving_mean", "moving_variance")
        )  # fmt: skip
        return assign_moving_mean_variance(mean, variance, value, decay)


@tf_export("contrib.distributions.assign_log_moving_mean_exp")
def assign_log_moving_mean_exp(log_mean_exp_var, log_value, decay, name=None):
    """A variable that holds the logarithm of a moving mean of exponentials."""
    with ops.name_scope(name, "assign_log_moving_mean_exp", [log_mean_exp_var, log_value, decay]):
        log_value = ops.convert_to_tensor(log_value, dtype=log_mean_exp_var.dtype.base_dtype)
        decay = ops.convert_to_tensor(decay, dtype=log_value.dtype)
        old, new = log_mean_exp_var + math_ops.log(decay), log_value + math_ops.log1p(-decay)
        made = math_ops.reduce_logsumexp(array_ops.stack([old + array_ops.zeros_like(new), new], 0), axis=0)
        return state_ops.assign(log_mean_exp_var, made)


@tf_export("contrib.distributions.SeedStream")
class SeedStream:
    """Seeds that are a function of SEED and SALT, one after the other."""

    def __init__(self, seed, salt):
        self._seed, self._salt, self._counter = seed.original_seed if isinstance(seed, SeedStream) else seed, salt, 0

    original_seed = property(lambda self: self._seed, doc="The first seed.")
    salt = property(lambda self: self._salt, doc="What tells it from other streams of the seed.")

    def __call__(self):
        self._counter += 1
        if self._seed is None:
            return None
        text = f"{self._seed}{self._salt}{self._counter}".encode()
        return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16) & 0x7FFFFFFF


def _posterior(prior, scale, s, n):
    """(mean, variance) of the mean of normal numbers of which N were seen that add up to S."""
    if not isinstance(prior, continuous.Normal):
        raise TypeError("Expected prior to be an instance of type Normal")
    if s.dtype != prior.dtype:
        raise TypeError(f"Observation sum s.dtype does not match prior dtype: {s.dtype} vs. {prior.dtype}")
    n = math_ops.cast(n, prior.dtype)
    before, seen = math_ops.square(prior.scale), math_ops.square(scale)
    variance = 1.0 / (1.0 / before + n / seen)
    return (prior.loc / before + s / seen) * variance, variance


@tf_export("contrib.distributions.normal_conjugates_known_scale_posterior")
def normal_conjugates_known_scale_posterior(prior, scale, s, n):
    """The Normal that the mean of N normal numbers of the known SCALE has, which add up to S; PRIOR was before."""
    mean, variance = _posterior(prior, scale, s, n)
    return continuous.Normal(loc=mean, scale=math_ops.sqrt(variance))


@tf_export("contrib.distributions.normal_conjugates_known_scale_predictive")
def normal_conjugates_known_scale_predictive(prior, scale, s, n):
    """The Normal of the next number."""
    mean, variance = _posterior(prior, scale, s, n)
    return continuous.Normal(loc=mean, scale=math_ops.sqrt(variance + math_ops.square(scale)))
