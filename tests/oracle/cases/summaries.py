"""Summaries: the serialised messages are TensorFlow's, byte for byte."""

import numpy as np

from oracle.api import bad, case, ints, rand

INVALID = "INVALID_ARGUMENT"
TAG = np.array(b"loss", object)
REALS = ["float32", "float64", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "int64"]

for dtype in REALS:
    case("ScalarSummary", TAG, np.array(3).astype(dtype))
    case("HistogramSummary", TAG, rand(dtype, 5, 7))
case("ScalarSummary", np.array([b"a", b"", b"c"], object), np.array([0.0, 1.5, np.nan], "float32"))
bad("ScalarSummary", TAG, np.array([2.5], "float32"), code=INVALID)
bad("ScalarSummary", TAG, np.array([1.0, 2.0], "float32"), code=INVALID)

WIDE = np.concatenate([[0.0, -0.0, 1e-13, -1e-13, 1e25, -1e25, 1.0, -1.0], 10 ** rand("float64", 200) * 1e3])
case("HistogramSummary", TAG, WIDE)
case("HistogramSummary", TAG, np.zeros(4, "float32"))
case("HistogramSummary", TAG, np.zeros(0, "float32"))
case("HistogramSummary", TAG, ints("int64", -1000, 1000, 50))
bad("HistogramSummary", TAG, np.array([1.0, np.nan], "float32"), code=INVALID)
bad("HistogramSummary", TAG, np.array([1.0, np.inf], "float32"), code=INVALID)
bad("HistogramSummary", np.array([b"a"], object), rand("float32", 3), code=INVALID)

SOUND = rand("float32", 4, 9, 2)
RATE = np.array(44100.0, "float32")
for limit in (1, 3, 7):
    case("AudioSummaryV2", TAG, SOUND, RATE, max_outputs=limit)
    case("AudioSummary", TAG, SOUND[:, :, 0], sample_rate=8000.5, max_outputs=limit)
case("AudioSummaryV2", TAG, SOUND[:0], RATE)
bad("AudioSummaryV2", TAG, SOUND, np.array(0.0, "float32"), code=INVALID)
bad("AudioSummaryV2", TAG, SOUND[0, 0], RATE, code=INVALID)

METADATA = np.array(b"\n\x04\n\x02hi", object)
for dtype in ("float32", "int64", "bool", "string"):
    case("TensorSummaryV2", TAG, rand(dtype, 2, 3), METADATA)
    case("TensorSummary", rand(dtype, 3), display_name="shown", description="what it is")
case("TensorSummaryV2", TAG, np.array(2.0, "float32"), np.array(b"", object))
bad("TensorSummaryV2", np.array([b"a"], object), rand("float32", 3), METADATA, code=INVALID)

ONE = np.array(b"\n\t\n\x02aa\x15\x00\x00\x80?", object)
TWO = np.array([b"\n\t\n\x02bb\x15\x00\x00\x80?", b"\n\t\n\x02cc\x15\x00\x00\x00@", b""], object)
case("MergeSummary", [ONE])
case("MergeSummary", [ONE, TWO])
bad("MergeSummary", [ONE, ONE], code=INVALID)
bad("MergeSummary", [ONE, np.array(b"\n\xff\xff", object)], code=INVALID)

PICTURE = rand("float32", 2, 5, 7, 3)
for dtype in ("float32", "float64", "float16", "uint8"):
    for depth in (1, 3, 4):
        case("ImageSummary", TAG, rand(dtype, 4, 6, 5, depth))
for limit in (1, 2, 5):
    case("ImageSummary", TAG, np.abs(PICTURE), max_images=limit)
case("ImageSummary", TAG, np.where(PICTURE > 1.5, np.nan, PICTURE))
case("ImageSummary", TAG, np.where(PICTURE > 1.5, np.inf, np.abs(PICTURE)))
case("ImageSummary", TAG, PICTURE * 0, bad_color=np.array([1, 2, 3], "uint8"))
bad("ImageSummary", TAG, PICTURE[0], code=INVALID)
bad("ImageSummary", TAG, PICTURE[..., :2], code=INVALID)
bad("ImageSummary", TAG, PICTURE[:, :0], code=INVALID)
