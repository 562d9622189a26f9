"""Fourier and cosine transforms of signals; the complex ones are ops of their own."""

import math

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


def _known_lengths(x, rank, half):
    """The sizes of the transform as X alone says them; HALF: its last dimension is half a spectrum."""
    sizes = x.get_shape().as_list()[-rank:] if x.get_shape().ndims is not None else [None]
    if None not in sizes:
        if half:
            sizes[-1] = max(0, 2 * (sizes[-1] - 1))
        return ops.convert_to_tensor(sizes, dtypes.int32)
    sizes = array_ops.shape(x)[-rank:]
    if half:
        last = math_ops.maximum(0, 2 * (sizes[-1:] - 1))
        sizes = array_ops.concat([sizes[:-1], last], 0)
    return sizes


def _padded(x, rank, lengths, half):
    """X with zeros behind where it is shorter than the transform."""
    static = tensor_util.constant_value(lengths)
    shape = x.get_shape()
    if static is not None and shape.ndims is not None and None not in shape.as_list()[-rank:]:
        need = [int(n) for n in static]
        if half:
            need[-1] = need[-1] // 2 + 1
        more = [max(0, n - have) for n, have in zip(need, shape.as_list()[-rank:])]
        if not any(more):
            return x
        return array_ops.pad(x, [[0, 0]] * (shape.ndims - rank) + [[0, n] for n in more])
    if half:
        lengths = array_ops.concat([lengths[:-1], lengths[-1:] // 2 + 1], 0)
    more = math_ops.maximum(0, lengths - array_ops.shape(x)[-rank:])
    before = array_ops.zeros([array_ops.rank(x) - rank], dtype=dtypes.int32)
    behind = array_ops.concat([before, more], 0)
    return array_ops.pad(x, array_ops.stack([array_ops.zeros_like(behind), behind], axis=1))


def _transform(op, rank, half):
    function = getattr(gen_ops, op)

    def transform(input_tensor, fft_length=None, name=None):
        with ops.name_scope(name, op, [input_tensor, fft_length]) as name:
            preferred = dtypes.complex64 if half else dtypes.float32
            x = ops.convert_to_tensor(input_tensor, preferred_dtype=preferred)
            if half and x.dtype not in (dtypes.complex64, dtypes.complex128):
                raise ValueError(f"{op} wants complex numbers, not {x.dtype.name}")
            if not half and x.dtype not in (dtypes.float32, dtypes.float64):
                raise ValueError(f"{op} wants float32 or float64, not {x.dtype.name}")
            x.get_shape().with_rank_at_least(rank)
            if fft_length is None:
                lengths = _known_lengths(x, rank, half)
            else:
                lengths = ops.convert_to_tensor(fft_length, dtypes.int32)
            x = _padded(x, rank, lengths, half)
            if half:
                real = dtypes.float32 if x.dtype == dtypes.complex64 else dtypes.float64
                return function(x, lengths, Treal=real, name=name)
            wide = dtypes.complex64 if x.dtype == dtypes.float32 else dtypes.complex128
            return function(x, lengths, Tcomplex=wide, name=name)

    transform.__name__ = transform.__qualname__ = op
    what = "The numbers that have half the Fourier spectrum" if half else "Half of the Fourier spectrum of real numbers"
    transform.__doc__ = f"{what} INPUT_TENSOR, over the last {rank} dimension{'s' * (rank > 1)}."
    return transform


rfft, rfft2d, rfft3d = (_transform(op, n, False) for op, n in (("rfft", 1), ("rfft2d", 2), ("rfft3d", 3)))
irfft, irfft2d, irfft3d = (_transform(op, n, True) for op, n in (("irfft", 1), ("irfft2d", 2), ("irfft3d", 3)))
TF_EXPORTS = {
    "signal.rfft": "rfft",
    "signal.rfft2d": "rfft2d",
    "signal.rfft3d": "rfft3d",
    "signal.irfft": "irfft",
    "signal.irfft2d": "irfft2d",
    "signal.irfft3d": "irfft3d",
    "spectral.rfft": "rfft",
    "spectral.rfft2d": "rfft2d",
    "spectral.rfft3d": "rfft3d",
    "spectral.irfft": "irfft",
    "spectral.irfft2d": "irfft2d",
    "spectral.irfft3d": "irfft3d",
}


def _shift(x, axes, name, scope, share):
    with ops.name_scope(name, scope):
        x = ops.convert_to_tensor(x)
        if axes is None:
            axes = list(range(x.get_shape().ndims))
        elif isinstance(axes, int):
            axes = [axes]
        axes = ops.convert_to_tensor(axes, dtypes.int32)
        return gen_ops.roll(x, share(gen_ops.gather_v2(array_ops.shape(x), axes, 0)), axes)


@tf_export("signal.fftshift")
def fftshift(x, axes=None, name=None):
    """X with the zero frequency in the middle of AXES (all)."""
    return _shift(x, axes, name, "fftshift", lambda sizes: sizes // 2)


@tf_export("signal.ifftshift")
def ifftshift(x, axes=None, name=None):
    """The inverse of fftshift."""
    return _shift(x, axes, name, "ifftshift", lambda sizes: -(sizes // 2))


# --- cosine transforms ---


def _check_dct(x, kind, n, axis, norm):
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError(f"n should be a positive integer or None, got {n}")
    if kind not in (1, 2, 3, 4):
        raise ValueError(f"Types I, II, III and IV (I)DCT are supported. Got: {kind}")
    if kind == 1:
        if norm == "ortho":
            raise ValueError("Normalization is not supported for the Type-I DCT.")
        last = x.get_shape().as_list()[-1] if x.get_shape().ndims else None
        if last is not None and last < 2:
            raise ValueError(f"Type-I DCT requires the dimension to be greater than one. Got: {last}")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


def _resized(x, n):
    if n is None:
        return x
    have = x.get_shape().as_list()[-1]
    if have is not None and n > have:
        return array_ops.pad(x, [[0, 0]] * (x.get_shape().ndims - 1) + [[0, n - have]])
    return x[..., :n]


def _turns(size, dtype, sign):
    """2 exp(sign * i pi k / 2 size) for k under SIZE."""
    angles = math_ops.cast(math_ops.range(size), dtype) * (sign * math.pi * 0.5) / math_ops.cast(size, dtype)
    return 2.0 * math_ops.exp(math_ops.complex(array_ops.zeros_like(angles), angles))


def _weights(first, rest, size):
    """FIRST, then REST, SIZE in all."""
    ones = array_ops.fill(array_ops.expand_dims(size - 1, 0), rest)
    return array_ops.concat([array_ops.expand_dims(first, 0), ones], 0)


@tf_export("signal.dct", "spectral.dct")
def dct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The discrete cosine transform of TYPE 1 to 4 along the last dimension, after cutting or padding it to N."""
    with ops.name_scope(name, "dct", [input]):
        x = ops.convert_to_tensor(input)
        _check_dct(x, type, n, axis, norm)
        x = _resized(x, n)
        dtype = x.dtype.base_dtype
        size = x.get_shape().as_list()[-1]
        size = array_ops.shape(x)[-1] if size is None else ops.convert_to_tensor(size, dtypes.int32)
        count = math_ops.cast(size, dtype)
        double = array_ops.expand_dims(2 * size, 0)
        if type == 1:
            return math_ops.real(rfft(array_ops.concat([x, x[..., -2:0:-1]], -1)))
        if type == 2:
            result = math_ops.real(rfft(x, double)[..., :size] * _turns(size, dtype, -1))
            if norm == "ortho":
                least = 0.5 * math_ops.rsqrt(count)
                result *= _weights(least, least * math.sqrt(2.0), size)
            return result
        if type == 3:
            if norm == "ortho":
                most = math_ops.sqrt(count)
                x *= _weights(most, most * math.sqrt(0.5), size)
            else:
                x *= count
            turned = _turns(size, dtype, 1) * math_ops.complex(x, array_ops.zeros_like(x))
            return irfft(turned, double)[..., :size]
        padded = array_ops.concat([x, array_ops.zeros_like(x)], -1)
        result = dct(padded, type=2)[..., 1::2]
        if norm == "ortho":
            result *= math.sqrt(0.5) * math_ops.rsqrt(count)
        return result


@tf_export("signal.idct", "spectral.idct")
def idct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The inverse of dct, up to a factor where NORM is not "ortho"."""
    if type not in (1, 2, 3, 4):
        raise ValueError(f"Types I, II, III and IV (I)DCT are supported. Got: {type}")
    return dct(input, type={1: 1, 2: 3, 3: 2, 4: 4}[type], n=n, axis=axis, norm=norm, name=name)
