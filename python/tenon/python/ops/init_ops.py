"""Initializers: callables that make the first value of a variable from its shape. Names and values as in
TensorFlow 1.15."""

import math

from tenon.python.framework import constant_op, dtypes
from tenon.python.ops import array_ops, linalg_ops_impl, math_ops, random_ops
from tenon.python.util.tf_export import tf_export


class Initializer:
    """Base class: `initializer(shape, dtype=None, partition_info=None)` returns a tensor of that shape."""

    def __call__(self, shape, dtype=None, partition_info=None):
        raise NotImplementedError

    def get_config(self):
        """The arguments that make this initializer again, as a dict."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The initializer that get_config described."""
        config = dict(config)
        config.pop("dtype", None) if "dtype" not in cls.__init__.__code__.co_varnames else None
        return cls(**config)


def _floating(dtype):
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


@tf_export("initializers.zeros", "zeros_initializer", "keras.initializers.Zeros", "keras.initializers.zeros")
class Zeros(Initializer):
    """Zeros."""

    def __init__(self, dtype=dtypes.float32):
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return array_ops.zeros(shape, self.dtype if dtype is None else dtype)

    def get_config(self):
        return {"dtype": self.dtype.name}


@tf_export("initializers.ones", "ones_initializer", "keras.initializers.Ones", "keras.initializers.ones")
class Ones(Initializer):
    """Ones."""

    def __init__(self, dtype=dtypes.float32):
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return array_ops.ones(shape, self.dtype if dtype is None else dtype)

    def get_config(self):
        return {"dtype": self.dtype.name}


@tf_export(
    "initializers.constant", "constant_initializer", "keras.initializers.Constant", "keras.initializers.constant"
)
class Constant(Initializer):
    """A value, or a list of values that fill the shape in order (the last is repeated)."""

    def __init__(self, value=0, dtype=dtypes.float32, verify_shape=False):
        import numpy as np

        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected Python scalar, "
                "list or tuple of values, or numpy.ndarray."
            )
        self.value = value
        self.dtype = dtypes.as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(self, shape, dtype=None, partition_info=None, verify_shape=None):
        verify = self._verify_shape if verify_shape is None else verify_shape
        return constant_op.constant(
            self.value, dtype=self.dtype if dtype is None else dtype, shape=shape, verify_shape=verify
        )

    def get_config(self):
        return {"value": self.value, "dtype": self.dtype.name}


@tf_export("initializers.random_uniform", "random_uniform_initializer")
class RandomUniform(Initializer):
    """Uniform over [minval, maxval)."""

    def __init__(self, minval=0.0, maxval=None, seed=None, dtype=dtypes.float32):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return random_ops.random_uniform(
            shape, self.minval, self.maxval, self.dtype if dtype is None else dtype, seed=self.seed
        )

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class _Normal(Initializer):
    """What the two normal initializers share."""

    def __init__(self, mean=0.0, stddev=1.0, seed=None, dtype=dtypes.float32):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return self._random(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


@tf_export("initializers.random_normal", "random_normal_initializer")
class RandomNormal(_Normal):
    """Normal with a mean and a standard deviation."""

    _random = staticmethod(random_ops.random_normal)


@tf_export("initializers.truncated_normal", "truncated_normal_initializer")
class TruncatedNormal(_Normal):
    """Normal whose values more than two standard deviations off are drawn again."""

    _random = staticmethod(random_ops.truncated_normal)


def _full_shape(shape, partition_info):
    return shape if partition_info is None else partition_info.full_shape


def _ints(shape):
    return [int(d) for d in (shape.as_list() if hasattr(shape, "as_list") else shape)]


@tf_export("initializers.uniform_unit_scaling", "uniform_unit_scaling_initializer")
class UniformUnitScaling(Initializer):
    """Uniform, of a width that keeps the scale of what is multiplied: sqrt(3 / fan in) * factor."""

    def __init__(self, factor=1.0, seed=None, dtype=dtypes.float32):
        self.factor = factor
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        fan_in = max(1.0, float(math.prod(_ints(_full_shape(shape, partition_info))[:-1])))
        limit = math.sqrt(3 / fan_in) * self.factor
        return random_ops.random_uniform(shape, -limit, limit, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self):
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


def _compute_fans(shape):
    """(fan in, fan out) of weights of a shape: all but the last two sizes are a receptive field."""
    shape = _ints(shape)
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


@tf_export("initializers.variance_scaling", "variance_scaling_initializer", "keras.initializers.VarianceScaling")
class VarianceScaling(Initializer):
    """Random values whose variance is scale / n, n the fan in, the fan out or their mean (`mode`)."""

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, dtype=dtypes.float32):
        if scale <= 0.0:
            raise ValueError(f"`scale` must be positive float. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        fan_in, fan_out = _compute_fans(_full_shape(shape, partition_info))
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        scale = self.scale / max(1.0, fan)
        if self.distribution in ("normal", "truncated_normal"):
            # what cutting at two standard deviations takes away from the variance
            return random_ops.truncated_normal(
                shape, 0.0, math.sqrt(scale) / 0.87962566103423978, dtype, seed=self.seed
            )
        if self.distribution == "untruncated_normal":
            return random_ops.random_normal(shape, 0.0, math.sqrt(scale), dtype, seed=self.seed)
        limit = math.sqrt(3.0 * scale)
        return random_ops.random_uniform(shape, -limit, limit, dtype, seed=self.seed)

    def get_config(self):
        return {
            "scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed,
            "dtype": self.dtype.name,
        }  # fmt: skip


@tf_export("glorot_uniform_initializer", "initializers.glorot_uniform")
class GlorotUniform(VarianceScaling):
    """Uniform, within sqrt(6 / (fan in + fan out)). Also called Xavier's."""

    def __init__(self, seed=None, dtype=dtypes.float32):
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self):
        return {"seed": self.seed, "dtype": self.dtype.name}


@tf_export("glorot_normal_initializer", "initializers.glorot_normal")
class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (fan in + fan out). Also called Xavier's."""

    def __init__(self, seed=None, dtype=dtypes.float32):
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self):
        return {"seed": self.seed, "dtype": self.dtype.name}


@tf_export("initializers.lecun_normal")
def lecun_normal(seed=None):
    """Truncated normal of variance 1 / fan in."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


@tf_export("initializers.lecun_uniform")
def lecun_uniform(seed=None):
    """Uniform within sqrt(3 / fan in)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


@tf_export("initializers.he_normal")
def he_normal(seed=None):
    """Truncated normal of variance 2 / fan in."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


@tf_export("initializers.he_uniform")
def he_uniform(seed=None):
    """Uniform within sqrt(6 / fan in)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def _orthogonal_factor(shape, dtype, seed):
    """Q of a random matrix, with the signs that make it uniform over the orthogonal matrices."""
    q, r = linalg_ops_impl.qr(random_ops.random_normal(shape, dtype=dtype, seed=seed), full_matrices=False)
    return q * math_ops.sign(array_ops.diag_part(r))


@tf_export("initializers.orthogonal", "orthogonal_initializer", "keras.initializers.Orthogonal",
           "keras.initializers.orthogonal")  # fmt: skip
class Orthogonal(Initializer):
    """A matrix with orthonormal rows or columns (times gain); sizes but the last are taken as one."""

    def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
        self.gain = gain
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        sizes = _ints(shape)
        if len(sizes) < 2:
            raise ValueError(
                f"The tensor to initialize, specified by argument `shape` must be at least two-dimensional. "
                f"Received shape={shape}"
            )
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        q = _orthogonal_factor([max(rows, columns), min(rows, columns)], dtype, self.seed)
        if rows < columns:
            q = array_ops.matrix_transpose(q)
        return self.gain * array_ops.reshape(q, sizes)

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


class ConvolutionDeltaOrthogonal(Initializer):
    """Convolution kernels that are an orthogonal matrix in the middle and zero elsewhere (rank 3 to 5)."""

    def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
        self.gain = gain
        self.seed = seed
        self.dtype = _floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        shape = _ints(shape)
        if not 3 <= len(shape) <= 5:
            raise ValueError(f"The tensor to initialize must be at least three-dimensional and at most "
                             f"five-dimensional. Received shape={shape}")  # fmt: skip
        if shape[-2] > shape[-1]:
            raise ValueError(f"In_filters cannot be greater than out_filters. Received shape={shape}")
        q = _orthogonal_factor([shape[-1], shape[-1]], dtype, self.seed)[: shape[-2], :]
        q *= math_ops.cast(self.gain, dtype=dtype)
        middle = [(size - 1) // 2 for size in shape[:-2]]
        return array_ops.scatter_nd([middle], array_ops.expand_dims(q, 0), shape)

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


@tf_export("initializers.identity", "keras.initializers.Identity", "keras.initializers.identity")
class Identity(Initializer):
    """The identity matrix times gain; for rank 2."""

    def __init__(self, gain=1.0, dtype=dtypes.float32):
        self.gain = gain
        self.dtype = _floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        full = _ints(_full_shape(shape, partition_info))
        if len(full) != 2:
            raise ValueError(
                f"The tensor to initialize, specified by argument `shape` must be at least two-dimensional. "
                f"Received shape={shape}"
            )
        value = linalg_ops_impl.eye(*full, dtype=self.dtype if dtype is None else dtype)
        if partition_info is not None:
            value = array_ops.slice(value, partition_info.var_offset, shape)
        return self.gain * value

    def get_config(self):
        return {"gain": self.gain, "dtype": self.dtype.name}


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
orthogonal_initializer = Orthogonal
identity_initializer = Identity
convolutional_delta_orthogonal = ConvolutionDeltaOrthogonal
