"""Boxes: crops, suppression, sampling; glimpses and patches."""

import numpy as np

from oracle.api import bad, case, const, ints, program, rand


def size(*values, dtype="int32"):
    return const(np.array(values, dtype))


# --- CropAndResize ---
BOXES = np.array(
    [[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [0.9, 0.8, 0.2, 0.1], [-0.3, 0.1, 0.5, 1.4], [0.5, 0.5, 0.5, 0.5]], "float32"
)
INDEX = np.array([0, 1, 1, 0, 1], "int32")
for method in ("bilinear", "nearest"):
    for crop in ((1, 1), (3, 4), (7, 5), (9, 1)):
        case("CropAndResize", rand("float32", 2, 6, 5, 3), BOXES, INDEX, size(*crop), method=method, fd=False)
    for dtype in ("uint8", "uint16", "int8", "int16", "int32", "int64", "float16", "float32", "float64"):
        image = ints(dtype, 0, 100, 2, 5, 6, 2) if "int" in dtype else rand(dtype, 2, 5, 6, 2)
        close = {"rtol": 1e-5, "atol": 1e-3} if "int" in dtype else {}
        case(
            "CropAndResize", image, BOXES, INDEX, size(3, 4), method=method, extrapolation_value=-7.5, fd=False, **close
        )
case("CropAndResize", rand("float32", 2, 6, 5, 70), BOXES, INDEX, np.array([2, 3], "int32"), fd=False)
case("CropAndResize", rand("float32", 1, 6, 5, 3), BOXES[:0], INDEX[:0], size(2, 2))
GRADS = rand("float32", 5, 4, 3, 2)
for dtype in ("float32", "float16", "float64"):
    for method in ("bilinear", "nearest"):
        case("CropAndResizeGradImage", GRADS, BOXES, INDEX, size(2, 6, 5, 2), T=dtype, method=method)
for dtype in ("uint8", "int32", "float16", "float32", "float64"):
    case("CropAndResizeGradBoxes", GRADS, rand(dtype, 2, 6, 5, 2), BOXES, INDEX, rtol=1e-5, atol=1e-4)
case("CropAndResizeGradBoxes", GRADS[:, :1, :1].copy(), rand("float32", 2, 6, 5, 2), BOXES, INDEX, rtol=1e-5, atol=1e-4)
IMAGE = rand("float32", 2, 6, 5, 3)
bad("CropAndResize", IMAGE, BOXES, np.array([0, 1, 2, 0, 0], "int32"), size(2, 2), code="OUT_OF_RANGE")
bad("CropAndResize", IMAGE, BOXES, np.array([0, 1, -1, 0, 0], "int32"), size(2, 2), code="OUT_OF_RANGE")
bad("CropAndResize", IMAGE[0], BOXES, INDEX, size(2, 2), code="INVALID_ARGUMENT")
bad("CropAndResize", IMAGE, BOXES, INDEX[:3], size(2, 2), code="INVALID_ARGUMENT")
bad("CropAndResize", IMAGE, BOXES[:, :3].copy(), INDEX, size(2, 2), code="INVALID_ARGUMENT")
bad("CropAndResize", IMAGE, BOXES, INDEX, size(2), code="INVALID_ARGUMENT")
bad("CropAndResize", IMAGE, BOXES, INDEX, size(2, 0), code="INVALID_ARGUMENT")
bad("CropAndResizeGradImage", GRADS, BOXES, INDEX, size(2, 6, 5), T="float32", code="INVALID_ARGUMENT")
bad("CropAndResizeGradImage", GRADS, BOXES, INDEX, size(2, 6, 5, 3), T="float32", code="INVALID_ARGUMENT")
bad("CropAndResizeGradBoxes", GRADS, IMAGE, BOXES, INDEX, code="INVALID_ARGUMENT")

# --- non-maximum suppression ---
corner = np.abs(rand("float32", 30, 2))
MANY = np.concatenate([corner, corner + np.abs(rand("float32", 30, 2))], 1).astype("float32")
MANY[3, [0, 2]] = MANY[3, [2, 0]]
SCORES = rand("float32", 30)
SCORES[4] = SCORES[9]
f32 = np.float32
for most in (0, 1, 5, 30, 100):
    n = np.int32(most)
    for threshold in (0.0, 0.3, 0.5, 1.0):
        t = f32(threshold)
        case("NonMaxSuppression", MANY, SCORES, n, iou_threshold=threshold)
        case("NonMaxSuppressionV2", MANY, SCORES, n, t)
        case("NonMaxSuppressionV3", MANY, SCORES, n, t, f32(0.2))
        for pad in (False, True):
            case("NonMaxSuppressionV4", MANY, SCORES, n, t, f32(-0.5), pad_to_max_output_size=pad)
            for sigma in (0.0, 0.5):
                inputs = (MANY, SCORES, n, t, f32(0.1), f32(sigma))
                case("NonMaxSuppressionV5", *inputs, pad_to_max_output_size=pad, rtol=1e-5, atol=1e-6)
case("NonMaxSuppressionV4", MANY, SCORES, const(f32(7).astype("int32")), f32(0.5), f32(0), pad_to_max_output_size=True)
half = (MANY.astype("float16"), SCORES.astype("float16"), np.int32(9))
h16 = np.float16
case("NonMaxSuppressionV2", *half, h16(0.4))
case("NonMaxSuppressionV3", *half, h16(0.4), h16(0.1))
case("NonMaxSuppressionV4", *half, h16(0.4), h16(0.1), pad_to_max_output_size=True)
case("NonMaxSuppressionV5", *half, h16(0.4), h16(0.1), h16(0.5), rtol=1e-2, atol=1e-2)
case("NonMaxSuppressionV3", MANY[:0], SCORES[:0], np.int32(3), f32(0.5), f32(0))
overlaps = np.abs(rand("float32", 20, 20)) / 2
for threshold in (0.1, 0.5, 0.9):
    case("NonMaxSuppressionWithOverlaps", overlaps, SCORES[:20].copy(), np.int32(10), f32(threshold), f32(-1))
bad("NonMaxSuppression", MANY, SCORES[:4].copy(), np.int32(3), code="INVALID_ARGUMENT")
bad("NonMaxSuppression", MANY[:, :3].copy(), SCORES, np.int32(3), code="INVALID_ARGUMENT")
bad("NonMaxSuppression", MANY, SCORES, np.int32(3), iou_threshold=1.5, code="INVALID_ARGUMENT")
bad("NonMaxSuppression", MANY, SCORES, np.int32(-1), code="INVALID_ARGUMENT")
bad("NonMaxSuppression", MANY, SCORES, np.array([1], "int32"), code="INVALID_ARGUMENT")
bad("NonMaxSuppressionV2", MANY, SCORES, np.int32(3), f32(-0.5), code="INVALID_ARGUMENT")
bad("NonMaxSuppressionV5", MANY, SCORES, np.int32(3), f32(0.5), f32(0), f32(-1), code="INVALID_ARGUMENT")
bad("NonMaxSuppressionWithOverlaps", overlaps[:, :5].copy(), SCORES[:20].copy(), np.int32(1), f32(0), f32(0),
    code="INVALID_ARGUMENT")  # fmt: skip
batch = MANY[:24].reshape(2, 12, 1, 4)
shared = batch + np.zeros((1, 1, 3, 1), "float32")
shared = (shared * np.array([1, 0.7, 0.4], "float32")[:, None]).astype("float32")
marks = np.random.RandomState(3).permutation(72).astype("float32").reshape(2, 12, 3) / 72
for boxes in (batch / 2, shared / 2):
    for per_class, total in ((3, 5), (12, 100), (1, 2), (4, 12)):
        for pad in (False, True):
            for clip in (False, True):
                inputs = (boxes, marks, np.int32(per_class), np.int32(total), f32(0.4), f32(0.1))
                case("CombinedNonMaxSuppression", *inputs, pad_per_class=pad, clip_boxes=clip)
fixed = (const(np.int32(3)), const(np.int32(20)), f32(0.4), f32(0.1))
case("CombinedNonMaxSuppression", batch, marks, *fixed, pad_per_class=True)
bad("CombinedNonMaxSuppression", batch[0], marks, *fixed, code="INVALID_ARGUMENT")
bad("CombinedNonMaxSuppression", batch, marks[:, :5].copy(), *fixed, code="INVALID_ARGUMENT")
bad("CombinedNonMaxSuppression", batch, marks, const(np.int32(0)), *fixed[1:], code="INVALID_ARGUMENT")
bad("CombinedNonMaxSuppression", batch, marks, *fixed[:2], f32(2), f32(0), code="INVALID_ARGUMENT")


# --- sampling a box: seeds give TensorFlow's ---
def sampled(op, image, boxes, *more, **attrs):
    def build(g):
        outputs = g.op(op, g.constant(image), g.constant(boxes), *map(g.constant, more), **attrs)
        return [list(outputs), list(outputs), list(outputs)]

    return build


OBJECTS = np.array([[[0.1, 0.2, 0.5, 0.9], [0.4, 0.4, 0.6, 0.7]]], "float32")
NONE = np.zeros((1, 0, 4), "float32")
for seed in range(12):
    seeds = {"seed": seed + 1, "seed2": 7}
    for dtype, sides in (("int32", (120, 201, 3)), ("int64", (37, 5, 1)), ("uint8", (200, 180, 3))):
        image = np.array(sides, dtype)
        program(f"box-{seed}-{dtype}", sampled("SampleDistortedBoundingBox", image, OBJECTS, **seeds))
        program(f"box-v2-{seed}-{dtype}", sampled("SampleDistortedBoundingBoxV2", image, OBJECTS, f32(0.5), **seeds))
    whole = {"use_image_if_no_bounding_boxes": True, "area_range": [0.3, 0.9], "aspect_ratio_range": [0.2, 4.0]}
    image = np.array([90, 61, 3], "int32")
    name = "SampleDistortedBoundingBoxV2"
    program(f"box-whole-{seed}", sampled(name, image, NONE, f32(0.1), max_attempts=3, **seeds, **whole))
    stateless = (image, OBJECTS, f32(0.3), np.array([seed, 5], "int64"))
    case("StatelessSampleDistortedBoundingBox", *stateless)
case("StatelessSampleDistortedBoundingBox", image, OBJECTS, f32(0.99), np.array([1, 2], "int32"), max_attempts=2)
for op, more in (("SampleDistortedBoundingBox", ()), ("SampleDistortedBoundingBoxV2", (f32(0.1),))):
    bad(op, np.array([9, 9], "int32"), OBJECTS, *more, code="INVALID_ARGUMENT")
    bad(op, image, OBJECTS[0], *more, code="INVALID_ARGUMENT")
    bad(op, image, OBJECTS * 2, *more, code="INVALID_ARGUMENT")
    bad(op, image, NONE, *more, code="INVALID_ARGUMENT")
    bad(op, image, OBJECTS, *more, area_range=[0.5], code="INVALID_ARGUMENT")
    bad(op, image, OBJECTS, *more, area_range=[0.5, 1.5], code="INVALID_ARGUMENT")
    bad(op, image, OBJECTS, *more, aspect_ratio_range=[0.0, 1.5], code="INVALID_ARGUMENT")
    bad(op, image, OBJECTS, *more, max_attempts=0, code="INVALID_ARGUMENT")
bad("SampleDistortedBoundingBoxV2", image, OBJECTS, f32(-1), code="INVALID_ARGUMENT")

# --- glimpses ---
PLACES = np.array([[0, 0], [0.3, -0.2]], "float32")
for op in ("ExtractGlimpse", "ExtractGlimpseV2"):
    for centered in (True, False):
        for scale in (1, 4):
            attrs = {"centered": centered, "normalized": scale == 1, "uniform_noise": False, "noise": "zero"}
            for sides in ((3, 4), (5, 2), (9, 9)):
                case(op, rand("float32", 2, 7, 8, 3), size(*sides), scale * PLACES, **attrs)
    case(op, rand("float32", 2, 7, 8, 3), size(3, 3), PLACES + 5, uniform_noise=False, noise="zero")
    case(op, rand("float32", 2, 7, 8, 3), size(3, 2), PLACES * 0)
    noisy = {"values": False, "why": "TensorFlow's noise is another one each time"}
    case(op, rand("float32", 2, 7, 8, 3), np.array([9, 9], "int32"), PLACES, **noisy)
    case(op, rand("float32", 2, 7, 8, 3), size(9, 9), PLACES, uniform_noise=False, noise="gaussian", **noisy)
    case(op, rand("float32", 2, 7, 8, 3), size(9, 9), PLACES, uniform_noise=False, noise="", **noisy)
    bad(op, rand("float32", 2, 7, 8, 3), size(9, 9), PLACES, noise="gaussian", code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 7, 8, 3), size(9, 9), PLACES, uniform_noise=False, noise="x", code="INVALID_ARGUMENT")
    bad(op, rand("float32", 7, 8, 3), size(9, 9), PLACES, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 3, 7, 8, 3), size(9, 9), PLACES, code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 7, 8, 3), size(9), PLACES, code="INVALID_ARGUMENT")

# --- patches ---
RANK = "TensorFlow says that volumes of unknown size have rank 4"
for padding in ("SAME", "VALID"):
    for k, s, r in (
        ((2, 3), (1, 1), (1, 1)),
        ((3, 2), (2, 3), (1, 1)),
        ((2, 2), (1, 2), (2, 3)),
        ((1, 1), (1, 1), (1, 1)),
    ):
        attrs = {"ksizes": [1, *k, 1], "strides": [1, *s, 1], "rates": [1, *r, 1], "padding": padding}
        case("ExtractImagePatches", rand("float32", 2, 7, 6, 3), **attrs)
        case("ExtractImagePatches", rand("float64", 1, 5, 9, 1), **attrs)
    attrs = {"ksizes": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 1, 1], "padding": padding}
    for dtype in ("bfloat16", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                  "complex64", "complex128"):  # fmt: skip
        gradless = {"grad": False, "why": "sums of narrow numbers"} if "float" in dtype else {}
        case("ExtractImagePatches", rand(dtype, 1, 4, 5, 2), **attrs, **gradless)
    attrs = {"ksizes": [1, 2, 3, 2, 1], "strides": [1, 2, 1, 1, 1], "padding": padding}
    for dtype in ("float32", "float64", "int32", "uint8"):
        case("ExtractVolumePatches", rand(dtype, 2, 4, 5, 3, 2), shapes=False, why=RANK, **attrs)
attrs = {"ksizes": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 1, 1], "padding": "VALID"}
bad("ExtractImagePatches", rand("float32", 4, 5, 2), **attrs, code="INVALID_ARGUMENT")
bad("ExtractImagePatches", rand("float32", 1, 4, 5, 2), **{**attrs, "ksizes": [2, 1, 1, 1]}, code="UNIMPLEMENTED")
