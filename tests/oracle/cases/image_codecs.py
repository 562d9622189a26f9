"""Decoding and encoding pictures."""

import numpy as np

from oracle.api import bad, case, const, ints, program
from oracle.pictures import bmp, gif, jpeg, png

JPEGS = ("colour", "gray", "progressive", "cmyk", "ycck", "full", "wide", "rgb", "tiny")
COLOUR, WIDE = jpeg("colour"), jpeg("wide")

# --- JPEG ---
for name in JPEGS:
    case("DecodeJpeg", jpeg(name))
    case("DecodeJpeg", jpeg(name), channels=3, dct_method="INTEGER_ACCURATE")
    case("ExtractJpegShape", jpeg(name))
    case("DecodeImage", jpeg(name))
for name in ("colour", "gray", "progressive", "wide", "full"):
    case("DecodeJpeg", jpeg(name), channels=1)
    case("DecodeJpeg", jpeg(name), fancy_upscaling=False)
    for ratio in (2, 4, 8):
        case("DecodeJpeg", jpeg(name), ratio=ratio, dct_method="INTEGER_FAST")
case("ExtractJpegShape", COLOUR, output_type="int64")
MADE_UP = "what stands for the missing data differs between builds of libjpeg"
for part in (0.5, 0.8, 0.95):
    cut = COLOUR[: int(len(COLOUR) * part)]
    bad("DecodeJpeg", cut, code="INVALID_ARGUMENT")
    if part == 0.5:
        bad("DecodeJpeg", cut, try_recover_truncated=True, code="INVALID_ARGUMENT")
    else:
        case("DecodeJpeg", cut, try_recover_truncated=True, values=False, why=MADE_UP)
    if part < 0.9:
        bad("DecodeJpeg", cut, acceptable_fraction=0.2, code="INVALID_ARGUMENT")
    else:
        case("DecodeJpeg", cut, acceptable_fraction=0.2)
        bad("DecodeJpeg", cut, acceptable_fraction=0.6, code="INVALID_ARGUMENT")
cut = jpeg("progressive")[:700]
bad("DecodeJpeg", cut, acceptable_fraction=0.01, code="INVALID_ARGUMENT")
case("DecodeJpeg", cut, try_recover_truncated=True, values=False, why=MADE_UP)
damaged = bytearray(WIDE)
damaged[900:910] = b"\x12\x34\x56\x78\x9a\xbc\xde\xf0\x11\x22"
case("DecodeJpeg", bytes(damaged))
bad("DecodeJpeg", COLOUR[:30], code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR[:200], try_recover_truncated=True, code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR[:3], code="INVALID_ARGUMENT")
bad("DecodeJpeg", b"", code="INVALID_ARGUMENT")
bad("DecodeJpeg", b"what is this", code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR, channels=4, code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR, channels=2, code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR, channels=-1, code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR, ratio=3, code="INVALID_ARGUMENT")
bad("DecodeJpeg", COLOUR, dct_method="SLOW", code="INVALID_ARGUMENT")
bad("DecodeJpeg", np.array([COLOUR, COLOUR], object), code="INVALID_ARGUMENT")
bad("ExtractJpegShape", b"\xff\xd8\xff", code="INVALID_ARGUMENT")
for name in ("colour", "gray", "wide", "cmyk", "progressive"):
    for window in ([0, 0, 9, 10], [3, 5, 7, 8], [1, 2, 1, 1]):
        case("DecodeAndCropJpeg", jpeg(name), np.array(window, "int32"))
case("DecodeAndCropJpeg", WIDE, const(np.array([8, 17, 20, 31], "int32")), channels=1)
case("DecodeAndCropJpeg", WIDE, np.array([0, 0, 40, 64], "int32"), fancy_upscaling=False)
case("DecodeAndCropJpeg", WIDE, np.array([10, 33, 30, 31], "int32"), dct_method="INTEGER_ACCURATE")
for window in ([0, 0, 0, 5], [0, 0, 41, 5], [-1, 0, 4, 5], [0, 60, 4, 5], [0, 0, 1]):
    bad("DecodeAndCropJpeg", WIDE, np.array(window, "int32"), code="INVALID_ARGUMENT")
bad("DecodeAndCropJpeg", png(np.zeros((2, 2, 1)), 0), np.array([0, 0, 1, 1], "int32"), code="INVALID_ARGUMENT")

# --- PNG: every colour type and depth ---
PNGS = []
for bits in (1, 2, 4, 8, 16):
    gray = ints("int64", 0, 1 << bits, 5, 7, 1)
    PNGS.append(png(gray, 0, bits))
    PNGS.append(png(gray, 0, bits, transparent=b"\0\1"))
for bits in (1, 2, 4, 8):
    colors = list(range(0, 3 * (1 << bits)))
    indices = ints("int64", 0, 1 << bits, 6, 5, 1)
    PNGS.append(png(indices, 3, bits, palette=[c % 256 for c in colors]))
    PNGS.append(png(indices, 3, bits, palette=[c % 256 for c in colors], transparent=[9, 200]))
for bits in (8, 16):
    top = 1 << bits
    PNGS.append(png(ints("int64", 0, top, 4, 3, 3), 2, bits))
    PNGS.append(png(ints("int64", 0, 4, 4, 3, 3), 2, bits, transparent=[0, 1, 0, 1, 0, 1]))
    PNGS.append(png(ints("int64", 0, top, 4, 3, 2), 4, bits))
    PNGS.append(png(ints("int64", 0, top, 4, 3, 4), 6, bits))
for data in PNGS:
    for channels in (0, 1, 3, 4):
        case("DecodePng", data, channels=channels)
        case("DecodePng", data, channels=channels, dtype="uint16")
    for dtype in ("uint8", "uint16", "float32"):
        case("DecodeImage", data, dtype=dtype)
good = PNGS[-1]
case("DecodeJpeg", good)
case("DecodeGif", png(ints("int64", 0, 256, 4, 3, 3), 2))
for data in (good[:40], good[:-14], good[:20], good.replace(b"IDAT", b"IDAX"), good[:50] + b"\7" + good[51:]):
    bad("DecodePng", data, code="INVALID_ARGUMENT")
bad("DecodePng", good, channels=2, code="INVALID_ARGUMENT")

# --- GIF ---
plain = ints("uint8", 0, 8, 9, 11)
still = gif([{"indices": plain}])
moving = gif(
    [
        {"indices": plain},
        {"indices": ints("uint8", 0, 8, 4, 5), "left": 2, "top": 3, "transparent": 3},
        {"indices": ints("uint8", 0, 8, 9, 11), "interlaced": True, "transparent": 0},
    ]
)
own = bytes(range(24))
odd = gif(
    [
        {"indices": ints("uint8", 0, 8, 3, 4), "left": 5, "top": 1, "transparent": 1, "own": own},
        {"indices": ints("uint8", 0, 8, 10, 6), "left": 1, "top": 0, "own": own},
    ],
    screen=(12, 12),
    global_map=False,
)
big = gif([{"indices": ints("uint8", 0, 256, 70, 100)}], colors=256)
smooth = gif([{"indices": np.arange(6400).reshape(80, 80) // 700}], colors=16)
for data in (still, moving, odd, big, smooth):
    case("DecodeGif", data)
    case("DecodeImage", data)
    case("DecodeImage", data, expand_animations=False)
case("DecodeImage", moving, dtype="float32", channels=3)
case("DecodeImage", still, dtype="uint16")
case("DecodePng", still)
case("DecodeJpeg", still, channels=3)
case("DecodeGif", moving[:-30])
case("DecodeGif", moving[:-1])
case("DecodeGif", jpeg("colour"))
bad("DecodePng", moving, code="INVALID_ARGUMENT")
bad("DecodeJpeg", still, channels=1, code="INVALID_ARGUMENT")
bad("DecodeImage", still, channels=4, code="INVALID_ARGUMENT")
for data in (still[:40], still[:10], b"GIF89a", b"GIF8", gif([{"indices": plain}], global_map=False)):
    bad("DecodeGif", data, code="INVALID_ARGUMENT")
bad("DecodeGif", gif([{"indices": np.full((3, 3), 7), "depth": 3}], colors=4), code="INVALID_ARGUMENT")


# --- BMP ---
def raw(data):
    """NumPy's own strings lose zero bytes at their end."""
    return np.array(data, object)


for depth in (1, 3, 4):
    for top_down in (False, True):
        data = raw(bmp(ints("uint8", 0, 256, 5, 7, depth), top_down))
        for channels in (0, 3, 4):
            case("DecodeBmp", data, channels=channels)
        case("DecodeImage", data)
    case("DecodeImage", raw(bmp(ints("uint8", 0, 256, 5, 7, depth))), dtype="float32")
    case("DecodeImage", raw(bmp(ints("uint8", 0, 256, 5, 7, depth))), dtype="uint16", channels=3)
data = bmp(ints("uint8", 0, 256, 5, 7, 3))
for broken in (
    data[:31],
    data[:-1],
    data + b"\0",
    data[:18] + b"\0\0\0\0" + data[22:],
    data[:22] + b"\0\0\0\0" + data[26:],
):
    bad("DecodeBmp", raw(broken), code="INVALID_ARGUMENT")
bad("DecodeBmp", raw(data[:28] + b"\x10\0" + data[30:]), code="INVALID_ARGUMENT")
bad("DecodeBmp", raw(data), channels=1, code="INVALID_ARGUMENT")
bad("DecodePng", raw(data), code="INVALID_ARGUMENT")
bad("DecodeBmp", good, code="INVALID_ARGUMENT")
bad("DecodeBmp", still, code="INVALID_ARGUMENT")
bad("DecodeBmp", jpeg("gray"), code="INVALID_ARGUMENT")
bad("DecodeImage", b"RIFF0000", code="INVALID_ARGUMENT")


# --- encoding: what comes back when it is decoded ---
def there_and_back(encode, decode, image, **attrs):
    def build(g):
        fed = g.placeholder(image.dtype.name, image.shape)
        return [([g.op(decode, g.op(encode, fed, **attrs))], {fed: image})]

    return build


line = np.linspace(0, 255, 40 * 31 * 3).reshape(40, 31, 3).astype(np.uint8)
ATTRS = (
    {},
    {"quality": 30},
    {"quality": 0},
    {"quality": 100},
    {"progressive": True},
    {"optimize_size": True},
    {"chroma_downsampling": False},
    {"density_unit": "cm", "x_density": 10, "y_density": 20},
    {"xmp_metadata": "some words"},
)
for i, attrs in enumerate(ATTRS):
    program(f"jpeg-{i}", there_and_back("EncodeJpeg", "DecodeJpeg", line, **attrs))
    case("EncodeJpeg", line, **attrs)
    case("EncodeJpeg", line[:, :, :1].copy(), **attrs)
case("EncodeJpeg", line, format="rgb")
case("EncodeJpeg", line[:, :, :1].copy(), format="grayscale")
for quality in (0, 50, 95, 100):
    case("EncodeJpegVariableQuality", line, np.int32(quality))
bad("EncodeJpeg", line, format="grayscale", code="INVALID_ARGUMENT")
bad("EncodeJpeg", line, quality=101, code="INVALID_ARGUMENT")
bad("EncodeJpeg", line[0], code="INVALID_ARGUMENT")
bad("EncodeJpeg", line[:, :, :2].copy(), code="INVALID_ARGUMENT")
bad("EncodeJpeg", line[:0], code="INTERNAL")
bad("EncodeJpegVariableQuality", line, np.int32(-1), code="INVALID_ARGUMENT")
bad("EncodeJpegVariableQuality", line, np.array([1], "int32"), code="INVALID_ARGUMENT")
for channels in (1, 2, 3, 4):
    for dtype in ("uint8", "uint16"):
        image = ints(dtype, 0, 1 << (8 if dtype == "uint8" else 16), 5, 9, channels)
        case("EncodePng", image, values=False, why="another version of zlib may pack otherwise")
        case("EncodePng", image[None], compression=9, values=False, why="another version of zlib may pack otherwise")
        if channels != 2:
            attrs = {"dtype": dtype, "channels": channels}

            def build(g, image=image, attrs=attrs):
                fed = g.placeholder(image.dtype.name, image.shape)
                return [([g.op("DecodePng", g.op("EncodePng", fed, compression=1), **attrs)], {fed: image})]

            program(f"png-{channels}-{dtype}", build)
bad("EncodePng", ints("uint8", 0, 9, 5, 9, 5), code="INVALID_ARGUMENT")
bad("EncodePng", ints("uint8", 0, 9, 5, 9), code="INVALID_ARGUMENT")
bad("EncodePng", ints("uint8", 0, 9, 5, 0, 3), code="INTERNAL")
bad("EncodePng", ints("uint8", 0, 9, 5, 9, 3), compression=10, code="INVALID_ARGUMENT")
