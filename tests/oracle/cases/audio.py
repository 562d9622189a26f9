"""Sound."""

import struct

import numpy as np

from oracle.api import bad, case, ints, rand


def wav(samples, rate=8000, bits=16, kind=1, extra=b""):
    """SAMPLES [samples, channels] of int16 as a WAV file."""
    data, channels = samples.astype("<i2").tobytes(), samples.shape[1]
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * 2, channels * 2, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + extra + b"data" + struct.pack("<I", len(data)) + data
    return np.array(b"RIFF" + struct.pack("<I", len(body)) + body, object)


MONO, STEREO = wav(ints("int64", -32768, 32768, 20, 1)), wav(ints("int64", -32768, 32768, 13, 2), rate=44100)
for sound in (MONO, STEREO, wav(ints("int64", -9, 9, 5, 1), extra=b"LIST" + struct.pack("<I", 4) + b"abcd")):
    for channels in (-1, 1, 2):
        for samples in (-1, 5, 30):
            case("DecodeWav", sound, desired_channels=channels, desired_samples=samples)
for broken in (wav(ints("int64", 0, 9, 5, 1), bits=8), wav(ints("int64", 0, 9, 5, 1), kind=3), b"RIFF", b"what is it?"):
    bad("DecodeWav", broken, code="INVALID_ARGUMENT")
bad("DecodeWav", np.array([MONO.item()], object), code="INVALID_ARGUMENT")
bad("DecodeWav", np.array(MONO.item()[:30], object), code="INVALID_ARGUMENT")
for channels in (1, 2, 3):
    case("EncodeWav", rand("float32", 11, channels) * np.float32(0.7), np.int32(16000))
case("EncodeWav", rand("float32", 0, 1), np.int32(16000))
bad("EncodeWav", rand("float32", 11), np.int32(16000), code="INVALID_ARGUMENT")
bad("EncodeWav", rand("float32", 11, 1), np.array([16000], "int32"), code="INVALID_ARGUMENT")
