"""Random tensors. A seed on the op or the graph makes them the same again, bit for bit as in TensorFlow."""

from tenon.python.framework import dtypes, ops, random_seed
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

get_seed = random_seed.get_seed


def _shape_tensor(shape):
    """A shape as a tensor of int32 or int64."""
    if isinstance(shape, (list, tuple)) and not shape:
        return ops.convert_to_tensor(shape, dtype=dtypes.int32, name="shape")
    return ops.convert_to_tensor(shape, name="shape")


@tf_export("random.normal", "random_normal")
def random_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Normally distributed values."""
    with ops.name_scope(name, "random_normal", [shape, mean, stddev]) as scope:
        shape = _shape_tensor(shape)
        mean = ops.convert_to_tensor(mean, dtype=dtype, name="mean")
        stddev = ops.convert_to_tensor(stddev, dtype=dtype, name="stddev")
        seed1, seed2 = get_seed(seed)
        standard = gen_ops.random_standard_normal(shape, dtype=dtype, seed=seed1, seed2=seed2)
        return math_ops.add(standard * stddev, mean, name=scope)


@tf_export("random.truncated_normal", "truncated_normal")
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Normally distributed values, those beyond two standard deviations drawn again."""
    with ops.name_scope(name, "truncated_normal", [shape, mean, stddev]) as scope:
        shape = _shape_tensor(shape)
        mean = ops.convert_to_tensor(mean, dtype=dtype, name="mean")
        stddev = ops.convert_to_tensor(stddev, dtype=dtype, name="stddev")
        seed1, seed2 = get_seed(seed)
        standard = gen_ops.truncated_normal(shape, dtype=dtype, seed=seed1, seed2=seed2)
        return math_ops.add(standard * stddev, mean, name=scope)


def parameterized_truncated_normal(shape, means=0.0, stddevs=1.0, minvals=-2.0, maxvals=2.0, dtype=dtypes.float32,
                                   seed=None, name=None):  # fmt: skip
    """Normally distributed values within bounds."""
    with ops.name_scope(name, "parameterized_truncated_normal", [shape, means, stddevs, minvals, maxvals]):
        shape = _shape_tensor(shape)
        values = [ops.convert_to_tensor(x, dtype=dtype) for x in (means, stddevs, minvals, maxvals)]
        seed1, seed2 = get_seed(seed)
        return gen_ops.parameterized_truncated_normal(shape, *values, seed=seed1, seed2=seed2)


@tf_export("random.uniform", "random_uniform")
def random_uniform(shape, minval=0, maxval=None, dtype=dtypes.float32, seed=None, name=None):
    """Values from [minval, maxval), all equally likely; integers need MAXVAL."""
    dtype = dtypes.as_dtype(dtype)
    accepted = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
    if dtype not in accepted:
        raise ValueError(f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are {accepted}.")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with ops.name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        shape = _shape_tensor(shape)
        minval = ops.convert_to_tensor(minval, dtype=dtype, name="min")
        maxval = ops.convert_to_tensor(maxval, dtype=dtype, name="max")
        seed1, seed2 = get_seed(seed)
        if dtype.is_integer:
            return gen_ops.random_uniform_int(shape, minval, maxval, seed=seed1, seed2=seed2, name=scope)
        standard = gen_ops.random_uniform(shape, dtype=dtype, seed=seed1, seed2=seed2)
        return math_ops.add(standard * (maxval - minval), minval, name=scope)


@tf_export("random.shuffle", "random_shuffle")
def random_shuffle(value, seed=None, name=None):
    """The rows of a tensor in a random order."""
    seed1, seed2 = get_seed(seed)
    return gen_ops.random_shuffle(value, seed=seed1, seed2=seed2, name=name)


@tf_export("image.random_crop", "random_crop")
def random_crop(value, size, seed=None, name=None):
    """A part of SIZE from a random place."""
    with ops.name_scope(name, "random_crop", [value, size]) as scope:
        value = ops.convert_to_tensor(value, name="value")
        size = ops.convert_to_tensor(size, dtype=dtypes.int32, name="size")
        shape = array_ops.shape(value)
        check = control_flow_ops.Assert(
            math_ops.reduce_all(shape >= size), ["Need value.shape >= size, got ", shape, size], summarize=1000
        )
        shape = control_flow_ops.with_dependencies([check], shape)
        limit = shape - size + 1
        offset = random_uniform(array_ops.shape(shape), dtype=size.dtype, maxval=size.dtype.max, seed=seed) % limit
        return array_ops.slice(value, offset, size, name=scope)


@tf_export("random.multinomial", "multinomial")
@deprecated(None, "Use `tf.random.categorical` instead.")
def multinomial(logits, num_samples, seed=None, name=None, output_dtype=None):
    """Draws from the distributions whose unnormalized log-probabilities are the rows: [batch, num_samples]."""
    with ops.name_scope(name, "multinomial", [logits]):
        return _categorical(logits, num_samples, output_dtype, seed)


@tf_export("random.categorical")
def categorical(logits, num_samples, dtype=None, seed=None, name=None):
    """Draws from the distributions whose unnormalized log-probabilities are the rows: [batch, num_samples]."""
    with ops.name_scope(name, "categorical", [logits]):
        return _categorical(logits, num_samples, dtype, seed)


def _categorical(logits, num_samples, dtype, seed):
    logits = ops.convert_to_tensor(logits, name="logits")
    seed1, seed2 = get_seed(seed)
    return gen_ops.multinomial(
        logits, num_samples, seed=seed1, seed2=seed2, output_dtype=dtypes.as_dtype(dtype or dtypes.int64)
    )


@tf_export("random.gamma", "random_gamma")
def random_gamma(shape, alpha, beta=None, dtype=dtypes.float32, seed=None, name=None):
    """Gamma distributed values: shape + the shape of ALPHA (and BETA, the inverse scale)."""
    with ops.name_scope(name, "random_gamma", [shape, alpha, beta]):
        shape = ops.convert_to_tensor(shape, name="shape", dtype=dtypes.int32)
        alpha = ops.convert_to_tensor(alpha, name="alpha", dtype=dtype)
        beta = ops.convert_to_tensor(1 if beta is None else beta, name="beta", dtype=dtype)
        common = array_ops.broadcast_dynamic_shape(array_ops.shape(alpha), array_ops.shape(beta))
        alpha = gen_ops.broadcast_to(alpha, common)
        seed1, seed2 = get_seed(seed)
        value = gen_ops.random_gamma(shape, alpha, seed=seed1, seed2=seed2)
        tiny = _tiny(alpha.dtype)
        return gen_ops.maximum(tiny if alpha.dtype.name == "float64" else float(tiny), value / beta)


def _tiny(dtype):
    import numpy as np

    return np.finfo(np.float32 if dtype.name == "bfloat16" else dtype.as_numpy_dtype).tiny


@tf_export("random.poisson", "random_poisson")
def random_poisson(lam, shape, dtype=dtypes.float32, seed=None, name=None):
    """Poisson distributed values: shape + the shape of LAM."""
    with ops.name_scope(name, "random_poisson", [lam, shape]):
        shape = ops.convert_to_tensor(shape, name="shape", dtype=dtypes.int32)
        seed1, seed2 = get_seed(seed)
        return gen_ops.random_poisson_v2(shape, lam, dtype=dtype, seed=seed1, seed2=seed2)


# --- stateless: the seed is an argument ---


@tf_export("random.stateless_uniform")
def stateless_uniform(shape, seed, minval=0, maxval=None, dtype=dtypes.float32, name=None, alg="auto_select"):
    """random_uniform of a seed of two integers."""
    dtype = dtypes.as_dtype(dtype)
    if dtype.is_integer and (minval is None) != (maxval is None):
        raise ValueError(f"For integer `dtype` argument {dtype}, argument `minval` and `maxval` must be both None or "
                         f"not None. Got `minval`={minval} and `maxval`={maxval}.")  # fmt: skip
    if maxval is None and not dtype.is_integer:
        maxval = 1
    with ops.name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as scope:
        shape = _shape_tensor(shape)
        if dtype.is_integer and minval is None:
            return gen_ops.stateless_random_uniform_full_int(shape, seed=seed, dtype=dtype, name=scope)
        minval = ops.convert_to_tensor(minval, dtype=dtype, name="min")
        maxval = ops.convert_to_tensor(maxval, dtype=dtype, name="max")
        if dtype.is_integer:
            return gen_ops.stateless_random_uniform_int(shape, seed=seed, minval=minval, maxval=maxval, name=scope)
        standard = gen_ops.stateless_random_uniform(shape, seed=seed, dtype=dtype)
        return math_ops.add(standard * (maxval - minval), minval, name=scope)


def _stateless(name, op):
    def function(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None, alg="auto_select"):
        with ops.name_scope(name, label, [shape, seed, mean, stddev]) as scope:
            shape = _shape_tensor(shape)
            mean = ops.convert_to_tensor(mean, dtype=dtype, name="mean")
            stddev = ops.convert_to_tensor(stddev, dtype=dtype, name="stddev")
            standard = getattr(gen_ops, op)(shape, seed, dtype=dtype)
            return math_ops.add(standard * stddev, mean, name=scope)

    label = name
    function.__name__ = name
    function.__doc__ = "Normal values of a seed of two integers."
    return function


stateless_random_normal = _stateless("stateless_random_normal", "stateless_random_normal")
stateless_truncated_normal = _stateless("stateless_truncated_normal", "stateless_truncated_normal")
stateless_random_uniform = stateless_uniform
TF_EXPORTS = {"contrib.stateless.stateless_random_normal": "stateless_random_normal",
              "contrib.stateless.stateless_random_uniform": "stateless_random_uniform",
              "contrib.stateless.stateless_multinomial": "stateless_multinomial",
              "contrib.stateless.stateless_truncated_normal": "stateless_truncated_normal",
              "random.stateless_normal": "stateless_random_normal",
              "random.stateless_truncated_normal": "stateless_truncated_normal"}  # fmt: skip


@tf_export("random.stateless_categorical")
def stateless_categorical(logits, num_samples, seed, dtype=dtypes.int64, name=None):
    """categorical of a seed of two integers."""
    with ops.name_scope(name, "stateless_categorical", [logits, seed]):
        logits = ops.convert_to_tensor(logits, name="logits")
        return gen_ops.stateless_multinomial(logits, num_samples, seed, output_dtype=dtype)


@tf_export("random.stateless_multinomial")
def stateless_multinomial(logits, num_samples, seed, output_dtype=dtypes.int64, name=None):
    """The old name of stateless_categorical."""
    with ops.name_scope(name, "stateless_multinomial", [logits, seed]):
        logits = ops.convert_to_tensor(logits, name="logits")
        return gen_ops.stateless_multinomial(logits, num_samples, seed, output_dtype=output_dtype)
