"""Readers of files: all kinds, both generations; whole files and patterns."""

import gzip
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np

from oracle.api import program

_CRC = []
for _i in range(256):
    for _ in range(8):
        _i = _i >> 1 ^ (0x82F63B78 if _i & 1 else 0)
    _CRC.append(_i)


def _sum(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    """DATA as TFRecord files hold it."""
    head = struct.pack("<Q", len(data))
    return head + _sum(head) + data + _sum(data)


RECORDS = record(b"first") + record(b"") + record(bytes(range(200)))
FILES = {
    "a.txt": b"head\none\r\n\ntwo", "b.txt": b"", "c.txt": b"head\nlast\n", "fixed": b"HHaabbccddF", "short": b"HHaF",
    "fixed.z": zlib.compress(b"HHaabbccF"), "plain": RECORDS, "zlib": zlib.compress(RECORDS),
    "gzip": gzip.compress(RECORDS, mtime=0), "cut": RECORDS[:-3], "sub/d.txt": b"deep",
}  # fmt: skip


def folder():
    """A folder with FILES that both sides see: its name depends on nothing but the files."""
    here = Path(tempfile.gettempdir()) / "tenon-oracle-readers"
    for name, content in FILES.items():
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            # Whole or not at all: another process may be reading it.
            made = path.with_name(f"{path.name}.{os.getpid()}")
            made.write_bytes(content)
            made.replace(path)
    return here


def texts(*values):
    return np.array(values, object)


class Reader:
    """A reader, the queue that feeds it, and their ops."""

    def __init__(self, g, kind, suffix="V2", **attrs):
        if kind == "FixedLengthRecord" and hasattr(g, "tf"):
            suffix = "V2"  # TensorFlow's first one asks for an attribute that it lacks
        self.g, self.suffix = g, suffix
        self.handle = g.op(f"{kind}Reader{suffix}", **attrs)
        self.queue = g.op(f"FIFOQueue{suffix}", component_types=["string"], shapes=[[]])

    def files(self, *names):
        """Puts the names into the queue and closes it."""
        paths = texts(*(str(folder() / name).encode() for name in names))
        put = self.g.op(f"QueueEnqueueMany{self.suffix}", self.queue, [self.g.constant(paths)], Tcomponents=["string"])
        return [put, self.g.op(f"QueueClose{self.suffix}", self.queue)]

    def read(self):
        return self.g.op(f"ReaderRead{self.suffix}", self.handle, self.queue)

    def read_up_to(self, n):
        return self.g.op(f"ReaderReadUpTo{self.suffix}", self.handle, self.queue, self.g.constant(np.int64(n)))

    def ask(self, what):
        return self.g.op(f"Reader{what}{self.suffix}", self.handle)

    def counts(self):
        return [self.ask("NumRecordsProduced"), self.ask("NumWorkUnitsCompleted")]

    def restore(self, state):
        return self.g.op(f"ReaderRestoreState{self.suffix}", self.handle, state)


def reads(kind, names, n, suffix="V2", **attrs):
    """One after the other, N times, then the error that ends it."""

    def build(g):
        r = Reader(g, kind, suffix, **attrs)
        read, counts = r.read(), r.counts()
        steps = [step for _ in range(n) for step in (read, counts)]
        return [counts, *r.files(*names), *steps, ("OUT_OF_RANGE", read, {}), r.ask("Reset"), counts]

    return build


for suffix in ("V2", ""):
    end = suffix or "ref"
    program(f"reader_lines_{end}", reads("TextLine", ["a.txt", "b.txt", "c.txt"], 4, suffix, skip_header_lines=1))
    program(f"reader_whole_{end}", reads("WholeFile", ["a.txt", "b.txt"], 2, suffix))
    program(f"reader_identity_{end}", reads("Identity", ["a.txt", "nothing"], 2, suffix))
    program(f"reader_records_{end}", reads("TFRecord", ["plain", "plain"], 6, suffix))
    fixed = {"header_bytes": 2, "record_bytes": 2, "footer_bytes": 1}
    program(f"reader_fixed_{end}", reads("FixedLengthRecord", ["fixed", "fixed"], 8, suffix, **fixed))
program("reader_fixed_hop", reads("FixedLengthRecord", ["fixed"], 7, **fixed, hop_bytes=1))
program("reader_fixed_zlib", reads("FixedLengthRecord", ["fixed.z"], 3, **fixed, encoding="ZLIB"))
program("reader_records_zlib", reads("TFRecord", ["zlib"], 3, compression_type="ZLIB"))
program("reader_records_gzip", reads("TFRecord", ["gzip"], 3, compression_type="GZIP"))


def up_to(suffix):
    def build(g):
        r = Reader(g, "TextLine", suffix)
        return [*r.files("a.txt", "b.txt", "c.txt"), r.read_up_to(3), r.read_up_to(3), r.read_up_to(9), r.counts(),
                ("OUT_OF_RANGE", r.read_up_to(1), {})]  # fmt: skip

    return build


program("reader_up_to", up_to("V2"))
program("reader_up_to_ref", up_to(""))


def states(suffix):
    def build(g):
        r, state = Reader(g, "Identity", suffix), g.placeholder("string", [])
        save, read = r.ask("SerializeState"), r.read()
        restore = r.restore(state)
        middle = b"\x08\x05\x10\x05\x18\x07\x22\x04work"
        return [
            save, *r.files("x", "y"), read, save, r.counts(), (restore, {state: np.array(middle, object)}), r.counts(),
            save, read, r.counts(), ("INVALID_ARGUMENT", restore, {state: np.array(b"\xff", object)}),
        ]  # fmt: skip

    return build


program("reader_states", states("V2"))
program("reader_states_ref", states(""))


def mistakes(g):
    lines, cut, missing = Reader(g, "TextLine"), Reader(g, "TFRecord"), Reader(g, "WholeFile")
    gone = Reader(g, "TFRecord", compression_type="GZIP")
    return [
        ("UNIMPLEMENTED", lines.ask("SerializeState"), {}),
        *cut.files("cut"), cut.read(), cut.read(), ("DATA_LOSS", cut.read(), {}),
        *missing.files("no such file"), ("NOT_FOUND", missing.read(), {}),
        *gone.files("plain"), ("DATA_LOSS", gone.read(), {}),
        ("INVALID_ARGUMENT", g.op("ReaderReadV2", lines.queue, lines.handle), {}),
    ]  # fmt: skip


program("reader_mistakes", mistakes)


def files(g):
    """Read, written, found."""
    name, pattern = g.placeholder("string"), g.placeholder("string")
    here = folder()
    new = str(here / "made" / "deeper" / "file").encode()
    path = lambda n: np.array(str(here / n).encode(), object)  # noqa: E731
    write = g.op("WriteFile", name, g.constant(np.array(b"written", object)))
    read, match = g.op("ReadFile", name), g.op("MatchingFiles", pattern)
    return [
        (read, {name: path("a.txt")}), (read, {name: path("b.txt")}), ("NOT_FOUND", read, {name: path("nothing")}),
        ("INVALID_ARGUMENT", read, {name: texts(b"a", b"b")}),
        (write, {name: np.array(new, object)}), (read, {name: np.array(new, object)}),
        (match, {pattern: path("*.txt")}), (match, {pattern: path("nothing*")}),
        (match, {pattern: texts(*(str(here / p).encode() for p in ("[bc].txt", "sub/*", "a.tx?")))}),
    ]  # fmt: skip


program("files", files)
