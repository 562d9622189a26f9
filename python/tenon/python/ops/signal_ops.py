"""Frames, windows and short-time transforms of signals, and what is computed from them for speech."""

import functools
import math

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.ops.spectral_ops import dct, irfft, rfft
from tenon.python.util.tf_export import tf_export


def _int(x, name=None):
    return ops.convert_to_tensor(x, dtype=dtypes.int32, name=name)


# --- windows ---


def _check_window(window_length, dtype):
    if not dtypes.as_dtype(dtype).is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype}")
    window_length = _int(window_length, "window_length")
    window_length.get_shape().assert_has_rank(0)
    return window_length


def _cosine_window(name, scope, window_length, periodic, dtype, a, b):
    with ops.name_scope(name, scope, [window_length, periodic]):
        window_length = _check_window(window_length, dtype)
        if tensor_util.constant_value(window_length) == 1:
            return array_ops.ones([1], dtype=dtype)
        even = 1 - math_ops.mod(window_length, 2)
        periodic = math_ops.cast(ops.convert_to_tensor(periodic, dtype=dtypes.bool), dtypes.int32)
        n = math_ops.cast(window_length + periodic * even - 1, dtype)
        places = math_ops.cast(math_ops.range(window_length), dtype)
        return math_ops.cast(a - b * math_ops.cos(2 * math.pi * places / n), dtype)


@tf_export("signal.hann_window")
def hann_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
    """Hann's window [window_length]: a raised cosine."""
    return _cosine_window(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


@tf_export("signal.hamming_window")
def hamming_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
    """Hamming's window [window_length]: a raised cosine that does not reach zero."""
    return _cosine_window(name, "hamming_window", window_length, periodic, dtype, 0.54, 0.46)


@tf_export("signal.vorbis_window")
def vorbis_window(window_length, dtype=dtypes.float32, name=None):
    """The window [window_length] of Vorbis: its squares, half overlapping, add up to 1."""
    with ops.name_scope(name, "vorbis_window"):
        window_length = _check_window(window_length, dtype)
        places = math_ops.cast(math_ops.range(window_length), dtype) + 0.5
        waves = math_ops.sin(math.pi / math_ops.cast(window_length, dtype) * places)
        return math_ops.sin(math.pi / 2.0 * math_ops.pow(waves, 2.0))


# --- frames ---


@tf_export("signal.frame")
def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
    """Pieces of FRAME_LENGTH, FRAME_STEP apart, along AXIS, which becomes [frames, frame_length]."""
    with ops.name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
        signal = ops.convert_to_tensor(signal, name="signal")
        frame_length, frame_step = _int(frame_length, "frame_length"), _int(frame_step, "frame_step")
        for size in (frame_length, frame_step):
            size.get_shape().assert_has_rank(0)
        rank = signal.get_shape().with_rank_at_least(1).ndims
        axis = axis % rank
        length = array_ops.shape(signal)[axis]
        if pad_end:
            frames = -(-length // frame_step)
            more = math_ops.maximum(0, frame_length + frame_step * (frames - 1) - length)
            around = [[0, 0]] * axis + [[0, more]] + [[0, 0]] * (rank - axis - 1)
            around = array_ops.reshape(array_ops.stack([n for pair in around for n in pair]), [rank, 2])
            signal = array_ops.pad(signal, around, constant_values=pad_value)
        else:
            frames = math_ops.maximum(0, 1 + (length - frame_length) // frame_step)
        starts = array_ops.reshape(math_ops.range(frames) * frame_step, [-1, 1])
        return array_ops.gather(signal, starts + math_ops.range(frame_length), axis=axis)


@tf_export("signal.overlap_and_add")
def overlap_and_add(signal, frame_step, name=None):
    """The signal [..., samples] whose frames, FRAME_STEP apart, SIGNAL [..., frames, frame_length] adds up."""
    with ops.name_scope(name, "overlap_and_add", [signal, frame_step]):
        signal = ops.convert_to_tensor(signal, name="signal")
        signal.get_shape().with_rank_at_least(2)
        frame_step = ops.convert_to_tensor(frame_step, name="frame_step")
        if not frame_step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {frame_step.dtype}")
        frame_step.get_shape().assert_has_rank(0)
        frame_step = math_ops.cast(frame_step, dtypes.int32)
        shape = array_ops.shape(signal)
        outer, frames, length = shape[:-2], shape[-2], shape[-1]
        places = array_ops.reshape(math_ops.range(frames) * frame_step, [-1, 1]) + math_ops.range(length)
        samples = (frames - 1) * frame_step + length
        columns = array_ops.transpose(array_ops.reshape(signal, array_ops.stack([-1, frames * length])))
        sums = gen_ops.unsorted_segment_sum(columns, array_ops.reshape(places, [-1]), samples)
        return array_ops.reshape(
            array_ops.transpose(sums), array_ops.concat([outer, array_ops.expand_dims(samples, 0)], 0)
        )


# --- short-time transforms ---


def _power_of_two(length):
    """The least power of two that is LENGTH or more."""
    known = tensor_util.constant_value(length)
    if known is not None:
        return _int(2 ** max(0, int(known) - 1).bit_length())
    places = math_ops.log(math_ops.cast(length, dtypes.float32)) / math_ops.log(2.0)
    return math_ops.cast(math_ops.pow(2.0, math_ops.ceil(places)), dtypes.int32)


@tf_export("signal.stft")
def stft(signals, frame_length, frame_step, fft_length=None, window_fn=hann_window, pad_end=False, name=None):
    """The spectra [..., frames, fft_length / 2 + 1] of the windowed frames of SIGNALS [..., samples]."""
    with ops.name_scope(name, "stft", [signals, frame_length, frame_step]):
        signals = ops.convert_to_tensor(signals, name="signals")
        signals.get_shape().with_rank_at_least(1)
        frame_length = _int(frame_length, "frame_length")
        fft_length = _power_of_two(frame_length) if fft_length is None else _int(fft_length, "fft_length")
        framed = frame(signals, frame_length, frame_step, pad_end=pad_end)
        if window_fn is not None:
            framed *= window_fn(frame_length, dtype=framed.dtype)
        return rfft(framed, array_ops.expand_dims(fft_length, 0))


@tf_export("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(frame_step, forward_window_fn=hann_window, name=None):
    """The window function with which inverse_stft gives back what stft got."""

    def inverse_window(frame_length, dtype):
        with ops.name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
            step, length = _int(frame_step, "frame_step"), _int(frame_length, "frame_length")
            forward = forward_window_fn(length, dtype=dtype)
            overlaps = -(-length // step)
            squares = array_ops.pad(math_ops.square(forward), [[0, overlaps * step - length]])
            sums = math_ops.reduce_sum(array_ops.reshape(squares, array_ops.stack([overlaps, step])), 0, keepdims=True)
            sums = array_ops.reshape(array_ops.tile(sums, array_ops.stack([overlaps, 1])), [-1])
            return forward / sums[:length]

    return inverse_window


@tf_export("signal.inverse_stft")
def inverse_stft(stfts, frame_length, frame_step, fft_length=None, window_fn=hann_window, name=None):
    """The signals [..., samples] that have the spectra STFTS [..., frames, fft_length / 2 + 1]."""
    with ops.name_scope(name, "inverse_stft", [stfts]):
        stfts = ops.convert_to_tensor(stfts, name="stfts")
        stfts.get_shape().with_rank_at_least(2)
        frame_length = _int(frame_length, "frame_length")
        fft_length = _power_of_two(frame_length) if fft_length is None else _int(fft_length, "fft_length")
        frames = irfft(stfts, array_ops.expand_dims(fft_length, 0))[..., :frame_length]
        rank = frames.get_shape().ndims
        missing = math_ops.maximum(0, frame_length - array_ops.shape(frames)[-1])
        around = array_ops.reshape(array_ops.stack([0] * (2 * rank - 1) + [missing]), [rank, 2])
        frames = array_ops.pad(frames, around)
        if window_fn is not None:
            frames *= window_fn(frame_length, dtype=frames.dtype)
        return overlap_and_add(frames, frame_step)


# --- for speech ---


def _to_mel(hertz):
    return 1127.0 * math_ops.log(1.0 + hertz / 700.0)


def _check_mel(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, dtype):
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if lower_edge_hertz < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower_edge_hertz}")
    if lower_edge_hertz >= upper_edge_hertz:
        raise ValueError(f"lower_edge_hertz {lower_edge_hertz} >= upper_edge_hertz {upper_edge_hertz}")
    if not hasattr(sample_rate, "graph"):
        if sample_rate <= 0.0:
            raise ValueError(f"sample_rate must be positive. Got: {sample_rate}")
        if upper_edge_hertz > sample_rate / 2:
            raise ValueError(f"upper_edge_hertz must not be larger than the Nyquist frequency. Got {upper_edge_hertz}")
    if not dtypes.as_dtype(dtype).is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype}")


@tf_export("signal.linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(
    num_mel_bins=20,
    num_spectrogram_bins=129,
    sample_rate=8000,
    lower_edge_hertz=125.0,
    upper_edge_hertz=3800.0,
    dtype=dtypes.float32,
    name=None,
):
    """The matrix [num_spectrogram_bins, num_mel_bins] that turns linear spectrograms into ones of the mel scale."""
    with ops.name_scope(name, "linear_to_mel_weight_matrix"):
        _check_mel(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, dtype)
        rate = math_ops.cast(sample_rate, dtype)
        lowest, highest = (_to_mel(ops.convert_to_tensor(edge, dtype)) for edge in (lower_edge_hertz, upper_edge_hertz))
        zero = ops.convert_to_tensor(0.0, dtype)
        frequencies = gen_ops.lin_space(zero, rate / 2.0, num_spectrogram_bins)[1:]
        bins = array_ops.expand_dims(_to_mel(frequencies), 1)
        edges = gen_ops.lin_space(lowest, highest, num_mel_bins + 2)
        low, center, high = (array_ops.expand_dims(edges[i : i + num_mel_bins], 0) for i in range(3))
        up, down = (bins - low) / (center - low), (high - bins) / (high - center)
        weights = math_ops.maximum(zero, math_ops.minimum(up, down))
        return array_ops.pad(weights, [[1, 0], [0, 0]])


@tf_export("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
    """The mel-frequency cepstral coefficients [..., num_mel_bins] of logarithmic mel spectrograms."""
    with ops.name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        spectrograms = ops.convert_to_tensor(log_mel_spectrograms)
        bins = spectrograms.get_shape().as_list()[-1]
        if bins == 0:
            raise ValueError(f"num_mel_bins must be positive. Got: {spectrograms}")
        bins = array_ops.shape(spectrograms)[-1] if bins is None else bins
        count = math_ops.cast(bins, spectrograms.dtype)
        return dct(spectrograms, type=2) * math_ops.rsqrt(count * 2.0)


# --- lapped transforms ---


def _scale_of(norm):
    if norm not in (None, "ortho"):
        raise ValueError(f"norm must be None or 'ortho'. Got: {norm}")


@tf_export("signal.mdct")
def mdct(signals, frame_length, window_fn=vorbis_window, pad_end=False, norm=None, name=None):
    """The modified cosine transform [..., frames, frame_length / 2] of half overlapping frames."""
    _scale_of(norm)
    with ops.name_scope(name, "mdct", [signals, frame_length]):
        signals = ops.convert_to_tensor(signals, name="signals")
        frame_length = _int(frame_length, "frame_length")
        half = frame_length // 2
        framed = frame(signals, frame_length, half, pad_end=pad_end)
        if window_fn is not None:
            framed *= window_fn(frame_length, dtype=framed.dtype)
        else:
            framed *= 1.0 / math.sqrt(2)
        a, b, c, d = array_ops.split(framed, 4, axis=-1)
        flip = functools.partial(gen_ops.reverse_v2, axis=[-1])
        folded = array_ops.concat([-flip(c) - d, a - flip(b)], -1)
        return dct(folded, type=4, norm=norm)


@tf_export("signal.inverse_mdct")
def inverse_mdct(mdcts, window_fn=vorbis_window, norm=None, name=None):
    """The signals whose modified cosine transforms are MDCTS."""
    _scale_of(norm)
    with ops.name_scope(name, "inverse_mdct", [mdcts]):
        mdcts = ops.convert_to_tensor(mdcts, name="mdcts")
        half = mdcts.get_shape().as_list()[-1]
        half = array_ops.shape(mdcts)[-1] if half is None else half
        folded = idct4(mdcts, half, norm)
        first, second = array_ops.split(folded, 2, axis=-1)
        flip = functools.partial(gen_ops.reverse_v2, axis=[-1])
        frames = array_ops.concat([second, -flip(second), -flip(first), -first], -1)
        if window_fn is None:
            frames *= 1.0 / math.sqrt(2)
        else:
            frames *= window_fn(2 * half, dtype=frames.dtype)
        return overlap_and_add(frames, half)


def idct4(mdcts, half, norm):
    """The cosine transform of type 4 back, in scale."""
    if norm == "ortho":
        return dct(mdcts, type=4, norm="ortho")
    return dct(mdcts, type=4) * (0.5 / math_ops.cast(half, mdcts.dtype))
