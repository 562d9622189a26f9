"""Files and folders. Paths are local, with or without "file://", or addresses: hdfs://, s3:// (remote_io.py)."""

import contextlib
import errno
import glob
import os
import shutil
from collections import namedtuple

from tenon.python.framework import errors
from tenon.python.lib.io import remote_io
from tenon.python.lib.io.remote_io import is_remote
from tenon.python.util.tf_export import tf_export

_CODES = {errno.ENOENT: errors.NotFoundError, errno.EEXIST: errors.AlreadyExistsError,
          errno.EACCES: errors.PermissionDeniedError, errno.EPERM: errors.PermissionDeniedError,
          errno.ENOTEMPTY: errors.FailedPreconditionError, errno.ENOTDIR: errors.FailedPreconditionError,
          errno.EISDIR: errors.FailedPreconditionError, errno.ENOSPC: errors.ResourceExhaustedError}  # fmt: skip
FileStatistics = namedtuple("FileStatistics", ["length", "mtime_nsec", "is_directory"])


def _local(path):
    path = os.fspath(path)
    if isinstance(path, bytes):
        path = path.decode()
    return path[len("file://") :] if path.startswith("file://") else path


def _error(error):
    """The error of the library for one of the system."""
    kind = _CODES.get(error.errno, errors.UnknownError)
    return kind(None, None, f"{error.filename}; {error.strerror}" if error.filename else str(error))


class _Translated:
    """A `with` block that turns errors of the system into those of the library."""

    def __enter__(self):
        return None

    def __exit__(self, kind, error, trace):
        if isinstance(error, UnicodeDecodeError):
            return False
        if isinstance(error, OSError):
            raise _error(error) from None
        return False


_translated = _Translated()


class FileIO:
    """A file; mode is "r", "w", "a", "r+", "w+" or "a+", with "b" for bytes (what read returns is str otherwise).

    It is opened when it is first read or written.
    """

    def __init__(self, name, mode="r", encoding="utf-8"):
        if mode not in ("r", "w", "a", "r+", "w+", "a+", "rb", "wb", "ab", "rb+", "wb+", "ab+", "r+b", "w+b", "a+b"):
            raise errors.InvalidArgumentError(None, None, f"Mode {mode!r} is not supported")
        self._name = name
        self._mode = mode
        self._encoding = encoding
        self._binary = "b" in mode
        self._file = None

    @property
    def name(self):
        """The path."""
        return self._name

    @property
    def mode(self):
        """The mode it was opened with."""
        return self._mode

    def _opened(self, what):
        letters = self._mode.replace("b", "")
        if what == "read" and letters in ("w", "a"):
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if what == "write" and letters == "r":
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if self._file is None:
            with _translated:
                if is_remote(self._name):
                    self._file = remote_io.open_file(self._name, letters)
                    return self._file
                path = _local(self._name)
                if os.path.isdir(path):
                    raise errors.FailedPreconditionError(None, None, f"{self._name}; Is a directory")
                self._file = open(path, letters + "b")  # noqa: SIM115
        return self._file

    def _text(self, data):
        return data if self._binary else data.decode(self._encoding)

    def size(self):
        """The number of bytes."""
        return stat(self._name).length

    def write(self, file_content):
        """Writes a str or bytes."""
        data = file_content.encode(self._encoding) if isinstance(file_content, str) else file_content
        with _translated:
            self._opened("write").write(data)

    def read(self, n=-1):
        """The next N bytes (all that are left), as str unless the mode has "b"."""
        with _translated:
            return self._text(self._opened("read").read(n))

    def readline(self):
        """The next line with its end; empty at the end of the file."""
        with _translated:
            return self._text(self._opened("read").readline())

    def readlines(self):
        """The lines that are left."""
        return list(self)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def seek(self, offset=None, whence=0, position=None):
        """Goes to OFFSET bytes from the start (WHENCE 0), from here (1) or from the end (2)."""
        if offset is None:
            if position is None:
                raise TypeError("seek(): offset argument required")
            offset = position
        with _translated:
            self._opened("seek").seek(offset, whence)

    def tell(self):
        """The place of the next byte."""
        with _translated:
            return self._opened("tell").tell()

    def seekable(self):
        """True."""
        return True

    def flush(self):
        """Hands what was written to the system."""
        if self._file is not None and self._mode[0] != "r":
            with _translated:
                self._file.flush()

    def close(self):
        """Closes the file."""
        if self._file is not None:
            file, self._file = self._file, None
            with _translated:
                file.close()
        elif self._mode[0] in "wa":
            self._opened("write").close()
            self._file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def file_exists(filename):
    """True if there is a file or folder."""
    if is_remote(filename):
        return remote_io.kind_of(filename) is not None
    return os.path.exists(_local(filename))


file_exists_v2 = file_exists


def delete_file(filename):
    """Removes a file. NotFoundError."""
    if is_remote(filename):
        remote_io.remove(filename)
        return
    with _translated:
        os.remove(_local(filename))


def read_file_to_string(filename, binary_mode=False):
    """All of a file."""
    with FileIO(filename, "rb" if binary_mode else "r") as f:
        return f.read()


def write_string_to_file(filename, file_content):
    """Writes a file."""
    with FileIO(filename, "w") as f:
        f.write(file_content)


def atomic_write_string_to_file(filename, contents, overwrite=True):
    """Writes a file so that nobody sees a part of it."""
    if is_remote(filename):
        if not overwrite and file_exists(filename):
            raise errors.AlreadyExistsError(None, None, "file already exists")
        write_string_to_file(filename, contents)  # remote files are like that
        return
    temporary = f"{filename}.tmp{os.getpid()}"
    write_string_to_file(temporary, contents)
    try:
        rename(temporary, filename, overwrite)
    except errors.OpError:
        delete_file(temporary)
        raise


def get_matching_files(filename):
    """The paths that match a pattern (or any of a list of them)."""
    patterns = filename if isinstance(filename, (list, tuple)) else [filename]
    found = [remote_io.glob(p) if is_remote(p) else sorted(glob.glob(_local(p))) for p in patterns]
    return [path for paths in found for path in paths]


def create_dir(dirname):
    """Makes a folder, unless it is there. NotFoundError if the one above it is not."""
    if is_remote(dirname):
        remote_io.make_folders(dirname)
        return
    with _translated, contextlib.suppress(FileExistsError):
        os.mkdir(_local(dirname))


def recursive_create_dir(dirname):
    """Makes a folder and those above it."""
    if is_remote(dirname):
        remote_io.make_folders(dirname)
        return
    with _translated:
        os.makedirs(_local(dirname), exist_ok=True)


def copy(oldpath, newpath, overwrite=False):
    """Copies a file. AlreadyExistsError unless OVERWRITE."""
    if not overwrite and file_exists(newpath):
        raise errors.AlreadyExistsError(None, None, f"file already exists: {newpath}")
    if is_remote(oldpath) or is_remote(newpath):
        with FileIO(oldpath, "rb") as source, FileIO(newpath, "wb") as target:
            while block := source.read(1 << 22):
                target.write(block)
        return
    with _translated:
        shutil.copyfile(_local(oldpath), _local(newpath))


def rename(oldname, newname, overwrite=False):
    """Gives a file another name. AlreadyExistsError unless OVERWRITE."""
    if not overwrite and file_exists(newname):
        raise errors.AlreadyExistsError(None, None, "file already exists")
    if is_remote(oldname) or is_remote(newname):
        remote_io.rename(oldname, newname)
        return
    with _translated:
        os.replace(_local(oldname), _local(newname))


def delete_recursively(dirname):
    """Removes a folder and all that is in it. NotFoundError."""
    if is_remote(dirname):
        remote_io.remove_tree(dirname)
        return
    path = _local(dirname)
    with _translated:
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def is_directory(dirname):
    """True for a folder."""
    if is_remote(dirname):
        return remote_io.kind_of(dirname) == "folder"
    return os.path.isdir(_local(dirname))


def list_directory(dirname):
    """The names in a folder. NotFoundError."""
    if is_remote(dirname):
        return [name.rstrip("/") for name in remote_io.names_in(dirname)]
    if not is_directory(dirname):
        raise errors.NotFoundError(None, None, f"Could not find directory {dirname}")
    with _translated:
        return os.listdir(_local(dirname))


def walk(top, in_order=True):
    """Yields (folder, names of folders in it, names of files in it), each folder before (or after) those in it."""
    if not is_directory(top):
        return
    folders, files = [], []
    for name in sorted(list_directory(top)):
        (folders if is_directory(os.path.join(top, name)) else files).append(name)
    here = (top, folders, files)
    if in_order:
        yield here
    for folder in folders:
        yield from walk(os.path.join(top, folder), in_order)
    if not in_order:
        yield here


def stat(filename):
    """A FileStatistics: length, mtime_nsec, is_directory. NotFoundError."""
    if is_remote(filename):
        return FileStatistics(*remote_io.stat(filename))
    with _translated:
        found = os.stat(_local(filename))
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(_local(filename)))


def filecmp(filename_a, filename_b):
    """True if two files hold the same."""
    return read_file_to_string(filename_a, True) == read_file_to_string(filename_b, True)


def file_crc32(filename, block_size=1 << 16):
    """The CRC-32 of a file, in hexadecimal."""
    import zlib

    crc = 0
    with FileIO(filename, "rb") as f:
        while chunk := f.read(block_size):
            crc = zlib.crc32(chunk, crc)
    return hex(crc & 0xFFFFFFFF)


def get_registered_schemes():
    """The kinds of paths there are."""
    return ["", "file", "hdfs", "webhdfs", "swebhdfs", "s3"]


# --- by their names in tf.gfile ---


@tf_export("gfile.GFile", "gfile.Open", "io.gfile.GFile")
class GFile(FileIO):
    """A file; see FileIO."""

    def __init__(self, name, mode="r"):
        super().__init__(name, mode)


@tf_export("gfile.FastGFile")
class FastGFile(FileIO):
    """The same as GFile."""

    def __init__(self, name, mode="r"):
        super().__init__(name, mode)


@tf_export("gfile.Exists")
def Exists(filename):
    """True if there is a file or folder."""
    return file_exists(filename)


@tf_export("gfile.Remove")
def Remove(filename):
    """Removes a file. NotFoundError."""
    delete_file(filename)


@tf_export("gfile.Glob")
def Glob(filename):
    """The paths that match a pattern (or any of a list of them)."""
    return get_matching_files(filename)


@tf_export("gfile.MkDir")
def MkDir(dirname):
    """Makes a folder, unless it is there."""
    create_dir(dirname)


@tf_export("gfile.MakeDirs")
def MakeDirs(dirname):
    """Makes a folder and those above it."""
    recursive_create_dir(dirname)


@tf_export("gfile.Copy")
def Copy(oldpath, newpath, overwrite=False):
    """Copies a file. AlreadyExistsError unless OVERWRITE."""
    copy(oldpath, newpath, overwrite)


@tf_export("gfile.Rename")
def Rename(oldname, newname, overwrite=False):
    """Gives a file another name. AlreadyExistsError unless OVERWRITE."""
    rename(oldname, newname, overwrite)


@tf_export("gfile.DeleteRecursively")
def DeleteRecursively(dirname):
    """Removes a folder and all that is in it. NotFoundError."""
    delete_recursively(dirname)


@tf_export("gfile.IsDirectory")
def IsDirectory(dirname):
    """True for a folder."""
    return is_directory(dirname)


@tf_export("gfile.ListDirectory")
def ListDirectory(dirname):
    """The names in a folder. NotFoundError."""
    return list_directory(dirname)


@tf_export("gfile.Walk")
def Walk(top, in_order=True):
    """Yields (folder, folders in it, files in it)."""
    return walk(top, in_order)


@tf_export("gfile.Stat")
def Stat(filename):
    """A FileStatistics: length, mtime_nsec, is_directory. NotFoundError."""
    return stat(filename)
