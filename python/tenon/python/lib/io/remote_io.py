"""Files at addresses (hdfs://, s3://), through the library's file systems."""

import io
import os

from tenon._graph import _core  # with the classes of its errors
from tenon.python.framework import errors


def is_remote(path):
    """Whether a path is the address of something that is not on this machine (or of a kind that nobody knows)."""
    path = os.fspath(path)
    if isinstance(path, bytes):
        return b"://" in path and not path.startswith(b"file://")
    return "://" in path and not path.startswith("file://")


def _text(path):
    path = os.fspath(path)
    return path.decode() if isinstance(path, bytes) else path


class Reader(io.RawIOBase):
    """A file being read."""

    def __init__(self, path):
        super().__init__()
        self._file = _core.RemoteFile(path)
        self._at = 0

    def readable(self):
        """True."""
        return True

    def seekable(self):
        """True."""
        return True

    def readinto(self, buffer):
        """Reads as much as fits."""
        data = self._file.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self):
        """What is left."""
        data = self._file.read(self._at, -1)
        self._at += len(data)
        return data

    def seek(self, offset, whence=0):
        """Goes to a place."""
        self._at = max(0, offset + (0, self._at, self._file.size())[whence])
        return self._at

    def tell(self):
        """The place."""
        return self._at


class Writer:
    """A file being written; it is whole, and there, when it is closed."""

    def __init__(self, path, mode):
        self._writer = _core.RemoteWriter(path, mode)
        self._at = 0

    def write(self, data):
        """Adds bytes."""
        self._do("write", bytes(data) if isinstance(data, (bytearray, memoryview)) else data)
        self._at += len(data)

    def flush(self):
        """Puts what was written where it is safe."""
        self._do("flush")

    def _do(self, what, *arguments):
        """Calls the writer; after an error nothing is left that closing it could put in the old file's place."""
        try:
            getattr(self._writer, what)(*arguments)
        except errors.OpError:
            self._writer = None
            raise

    def tell(self):
        """How much was written."""
        return self._at

    def seek(self, offset, whence=0):
        """UnimplementedError."""
        raise errors.UnimplementedError(None, None, "a remote file is written from its beginning to its end")

    def close(self):
        """Ends the file."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.commit()


def open_file(path, mode):
    """A file of Python's kind for reading ("r"), writing ("w") or appending ("a")."""
    path = _text(path)
    if mode == "r":
        return io.BufferedReader(Reader(path), 1 << 16)
    if mode in ("w", "a", "x"):
        return Writer(path, mode)
    raise errors.UnimplementedError(None, None, f"{path}: remote files are read or written, not both ({mode!r})")


def stat(path):
    """(bytes, nanoseconds since 1970, whether it is a folder). NotFoundError."""
    return _core.path_stat(_text(path))


def kind_of(path):
    """ "file", "folder", or None where there is nothing."""
    try:
        return "folder" if stat(path)[2] else "file"
    except errors.NotFoundError:
        return None


def names_in(path):
    """The names in a folder, those of folders with "/"."""
    return _core.path_list(_text(path))


def glob(pattern):
    """The paths that match."""
    return _core.path_glob(_text(pattern))


def remove(path):
    """Removes a file."""
    _core.path_remove(_text(path))


def remove_tree(path):
    """Removes a file, or a folder with what is in it."""
    _core.path_remove_tree(_text(path))


def make_folders(path):
    """Makes a folder and those above it."""
    _core.path_make_folders(_text(path))


def rename(old, new):
    """Gives a file or folder another name."""
    _core.path_rename(_text(old), _text(new))
