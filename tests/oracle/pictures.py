"""Pictures in every format, made here; JPEG ones are files in images/."""

import struct
import zlib
from pathlib import Path

import numpy as np

IMAGES = Path(__file__).parent / "images"


def jpeg(name):
    """The bytes of images/NAME.jpg."""
    return (IMAGES / f"{name}.jpg").read_bytes()


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, color, bits=8, palette=None, transparent=None):
    """SAMPLES [height, width, channels] as PNG of colour type COLOR with samples of BITS bits."""
    height, width = samples.shape[:2]
    rows = b""
    for line in samples.reshape(height, -1):
        if bits == 16:
            packed = line.astype(">u2").tobytes()
        elif bits == 8:
            packed = line.astype(np.uint8).tobytes()
        else:
            spread = (line[:, None].astype(int) >> np.arange(bits - 1, -1, -1)) & 1
            packed = np.packbits(spread.reshape(-1).astype(np.uint8)).tobytes()
        rows += b"\0" + packed
    extra = _chunk(b"PLTE", bytes(palette)) if palette is not None else b""
    extra += _chunk(b"tRNS", bytes(transparent)) if transparent is not None else b""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + extra
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _lzw(pixels, size):
    """The pixels as LZW codes of growing width, in blocks."""
    clear, codes = 1 << size, []
    table = {(i,): i for i in range(clear)}
    width, string = size + 1, ()
    codes.append((clear, width))
    for pixel in map(int, pixels):
        if (*string, pixel) in table:
            string = (*string, pixel)
            continue
        codes.append((table[string], width))
        if len(table) + 2 < 4096:
            table[(*string, pixel)] = len(table) + 2
            if len(table) + 2 > 1 << width and width < 12:
                width += 1
        else:
            codes.append((clear, width))
            table, width = {(i,): i for i in range(clear)}, size + 1
        string = (pixel,)
    codes.append((table[string], width))
    if len(table) + 2 == 1 << width and width < 12:
        width += 1
    codes.append((clear + 1, width))
    bits, n = 0, 0
    for code, wide in codes:
        bits |= code << n
        n += wide
    data = bits.to_bytes((n + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return bytes([size]) + blocks + b"\0"


def gif(frames, colors=8, screen=None, global_map=True):
    """FRAMES: dicts with indices [height, width] and, if wanted, left, top, transparent, interlaced, own (a map), depth
    (bits of an index, if not those of COLORS)."""
    size = max(2, (colors - 1).bit_length())
    table = bytes((37 * i + 11 * c) % 256 for i in range(1 << size) for c in range(3))
    height, width = screen or frames[0]["indices"].shape
    out = b"GIF89a" + struct.pack("<HHBBB", width, height, (0x80 | (size - 1)) if global_map else 0, 0, 0)
    out += table if global_map else b""
    for frame in frames:
        indices = frame["indices"]
        if "transparent" in frame:
            out += b"!\xf9\x04" + struct.pack("<BHB", 1, 5, frame["transparent"]) + b"\0"
        flags = (0x40 if frame.get("interlaced") else 0) | (0x80 | (size - 1) if "own" in frame else 0)
        place = (frame.get("left", 0), frame.get("top", 0), indices.shape[1], indices.shape[0])
        out += b"," + struct.pack("<HHHHB", *place, flags) + frame.get("own", b"")
        order = np.arange(len(indices))
        if frame.get("interlaced"):
            order = np.concatenate([order[0::8], order[4::8], order[2::4], order[1::2]])
        out += _lzw(indices[order].reshape(-1), frame.get("depth", size))
    return out + b";"


def bmp(samples, top_down=False):
    """SAMPLES [height, width, 1, 3 or 4] as BMP."""
    height, width, channels = samples.shape
    row = (channels * width + 3) // 4 * 4
    lines = [line.astype(np.uint8).tobytes().ljust(row, b"\0") for line in samples]
    size = 54 + row * height
    header = struct.pack("<2sIHHI", b"BM", size, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, 8 * channels, 0, 0, 0, 0, 0, 0)
    return header + b"".join(lines if top_down else lines[::-1])
