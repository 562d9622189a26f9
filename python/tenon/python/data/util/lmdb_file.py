"""Reading LMDB files (Symas, "Lightning Memory-Mapped Database"): a B+ tree of pages, read in the order of its keys."""

import mmap
import os
import struct

_MAGIC = 0xBEEFC0DE
_HEADER = 16  # of a page: its number, padding, flags, and how much of it is free
_BRANCH, _LEAF = 0x01, 0x02
_BIG, _SUBTREE, _DUPLICATES = 0x01, 0x02, 0x04
_NONE = 2**64 - 1
_DEPTH = 64  # more levels than any tree has: a loop in a broken file ends there


class LMDBError(ValueError):
    """What is wrong with a file."""


class _File:
    def __init__(self, data, path):
        self.data, self.path = data, path
        # Two pages hold the state; the newer one that is whole counts. Before one is read the page size is unknown.
        self.page_size = 4096
        first = self._meta(0)
        self.page_size = first[2]
        newest = max((first, self._meta(1)), key=lambda meta: meta[1])
        self.root = newest[0]

    def fail(self, what):
        raise LMDBError(f"{self.path}: {what}")

    def _unpack(self, form, at):
        size = struct.calcsize(form)
        if at < 0 or at + size > len(self.data):
            self.fail(f"the file ends before offset {at + size}")
        return struct.unpack_from(form, self.data, at)

    def _meta(self, number):
        """(root, transaction, page size) of a state page."""
        at = number * self.page_size + _HEADER
        magic, version, _, _ = self._unpack("<IIQQ", at)
        if magic != _MAGIC:
            self.fail(f"not an LMDB file: its page {number} begins with {magic:#x} in place of {_MAGIC:#x}")
        (page_size,) = self._unpack("<I", at + 24)
        (root,) = self._unpack("<Q", at + 24 + 48 + 40)
        _, transaction = self._unpack("<QQ", at + 24 + 96)
        if not 256 <= page_size <= 65536:
            self.fail(f"the page size is {page_size}, expected 256 to 65536 (version {version})")
        return root, transaction, page_size

    def entries(self, page, depth=0):
        """(key, value) of the tree below PAGE."""
        if depth > _DEPTH:
            self.fail("the tree does not end")
        start = page * self.page_size
        flags, lower = self._unpack("<HH", start + 10)
        count = (lower - _HEADER) // 2
        if flags & ~0xFF or not flags & (_BRANCH | _LEAF) or count < 0:
            self.fail(f"page {page} is neither a branch nor a leaf")
        for place in self._unpack(f"<{count}H", start + _HEADER):
            if place + 8 > self.page_size:
                self.fail(f"page {page} has an entry outside of itself, at {place}")
            low, high, node_flags, key_size = self._unpack("<HHHH", start + place)
            if flags & _BRANCH:
                yield from self.entries(low | high << 16 | node_flags << 32, depth + 1)
                continue
            if node_flags & (_SUBTREE | _DUPLICATES):
                self.fail("databases within databases and keys with several values are not read")
            key_at = start + place + 8
            size = low | high << 16
            value_at = key_at + key_size
            if node_flags & _BIG:
                (overflow,) = self._unpack("<Q", value_at)
                value_at = overflow * self.page_size + _HEADER
            if value_at + size > len(self.data):
                self.fail(f"a value of {size} bytes at {value_at} goes beyond the file")
            yield self.data[key_at : key_at + key_size], self.data[value_at : value_at + size]


def entries(path):
    """(key, value) of the entries of the file PATH (or of `data.mdb` in the folder PATH), in the order of the keys."""
    path = os.path.join(path, "data.mdb") if os.path.isdir(path) else path
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise LMDBError(f"{path}: the file is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            opened = _File(data, path)
            if opened.root != _NONE:
                yield from opened.entries(opened.root)
