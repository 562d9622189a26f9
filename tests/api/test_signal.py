"""tf.signal and tf.spectral, against TensorFlow's."""

import numpy as np
import pytest

from api.both import both

R = np.random.RandomState(3)
REAL = R.randn(2, 4, 6).astype("f")
WAVE = R.randn(2, 50).astype("f")
WIDE = (R.randn(2, 4, 6) + 1j * R.randn(2, 4, 6)).astype("complex64")
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.mark.parametrize("space", ["signal", "spectral"])
def test_transforms(space):
    def program(tf):
        here = getattr(tf, space)
        results = [getattr(here, f"{kind}{n}")(WIDE) for kind in ("fft", "ifft") for n in ("", "2d", "3d")]
        results += [here.rfft(REAL), here.rfft(REAL, [4]), here.rfft(REAL, [9]), here.rfft2d(REAL), here.rfft3d(REAL)]
        results += [here.rfft2d(REAL, [3, 8]), here.rfft(REAL.astype("f8"))]
        results += [
            here.irfft(WIDE),
            here.irfft(WIDE, [5]),
            here.irfft(WIDE, [20]),
            here.irfft2d(WIDE),
            here.irfft3d(WIDE),
        ]
        results += [here.rfft(tf.placeholder_with_default(REAL, [None, None, None]), [9])]
        return results

    both(program, **CLOSE)


def test_gradients():
    def program(tf):
        x = tf.constant(REAL)
        spectrum = tf.signal.rfft(x, [8])
        back = tf.signal.irfft(spectrum * spectrum, [8])
        return tf.gradients(tf.reduce_sum(back * back), x)

    both(program, rtol=1e-3, atol=1e-3)


def test_shifts():
    def program(tf):
        here = tf.signal
        return [
            here.fftshift(REAL),
            here.ifftshift(REAL),
            here.fftshift(WAVE, axes=1),
            here.ifftshift(REAL, axes=[0, 2]),
        ]

    both(program)


@pytest.mark.parametrize("space", ["signal", "spectral"])
def test_cosine_transforms(space):
    def program(tf):
        here = getattr(tf, space)
        results = []
        for kind in (1, 2, 3, 4):
            for norm in (None, "ortho") if kind > 1 else (None,):
                results += [here.dct(REAL, type=kind, norm=norm), here.idct(REAL, type=kind, norm=norm)]
        return [*results, here.dct(REAL, n=4), here.dct(REAL, n=9), here.dct(REAL.astype("f8"))]

    both(program, **CLOSE)
    both.error(lambda tf: getattr(tf, space).dct(REAL, type=7))
    both.error(lambda tf: getattr(tf, space).dct(REAL, axis=0))
    both.error(lambda tf: getattr(tf, space).dct(REAL, type=1, norm="ortho"))
    both.error(lambda tf: getattr(tf, space).dct(REAL, norm="x"))


def test_windows():
    def program(tf):
        results = []
        for window in (tf.signal.hann_window, tf.signal.hamming_window):
            results += [window(n, periodic=p) for n in (1, 2, 7, 8) for p in (True, False)]
        return [*results, tf.signal.vorbis_window(8), tf.signal.hann_window(6, dtype=tf.float64)]

    both(program, atol=1e-5)
    both.error(lambda tf: tf.signal.hann_window(8, dtype=tf.int32))


def test_frames():
    def program(tf):
        here = tf.signal
        results = [here.frame(WAVE, 8, 3), here.frame(WAVE, 8, 3, pad_end=True), here.frame(WAVE, 60, 5)]
        results += [here.frame(REAL, 2, 1, axis=1), here.frame(WAVE, 8, 7, pad_end=True, pad_value=2)]
        results += [here.overlap_and_add(REAL, 2), here.overlap_and_add(REAL, 6), here.overlap_and_add(REAL, 7)]
        return results

    both(program)


def test_short_time_transforms():
    def program(tf):
        here = tf.signal
        spectra = here.stft(WAVE, 16, 5)
        results = [spectra, here.stft(WAVE, 12, 4, fft_length=20, window_fn=None, pad_end=True)]
        results += [here.inverse_stft(spectra, 16, 5), here.inverse_stft(spectra, 16, 5, window_fn=None)]
        inverse = here.inverse_stft_window_fn(4)
        results += [here.inverse_stft(here.stft(WAVE, 16, 4), 16, 4, window_fn=inverse)]
        return results

    both(program, **CLOSE)


def test_speech():
    def program(tf):
        here = tf.signal
        results = [here.linear_to_mel_weight_matrix(), here.linear_to_mel_weight_matrix(8, 33, 16000, 50.0, 7000.0)]
        return [*results, here.mfccs_from_log_mel_spectrograms(REAL)]

    both(program, rtol=1e-3, atol=1e-4)
    for arguments in ((0,), (8, 33, -1), (8, 33, 8000, 300.0, 200.0), (8, 33, 8000, 10.0, 5000.0)):
        both.error(lambda tf, a=arguments: tf.signal.linear_to_mel_weight_matrix(*a))


def test_lapped_transforms():
    def program(tf):
        here = tf.signal
        results = []
        for norm in (None, "ortho"):
            spectra = here.mdct(WAVE, 16, norm=norm)
            results += [spectra, here.inverse_mdct(spectra, norm=norm), here.mdct(WAVE, 16, window_fn=None, norm=norm)]
        return results

    both(program, **CLOSE)


def test_sound_as_bytes():
    def program(tf):
        encoded = tf.audio.encode_wav(WAVE[:, :40].T.copy() / 4, 8000)
        sound, rate = tf.audio.decode_wav(encoded)
        return [encoded, sound, rate, tf.audio.decode_wav(encoded, desired_channels=1, desired_samples=50)[0]]

    both(program)
