"""What os, shutil and glob do with paths, for addresses (hdfs://, s3://) too.

Local paths go to Python's own functions, and errors are OSErrors of both. atomic_write leaves the old file or the new.
"""

import contextlib
import glob as _glob
import io
import os
import shutil

from tenon.python.framework import errors
from tenon.python.lib.io import remote_io
from tenon.python.lib.io.remote_io import is_remote

_KINDS = ((errors.NotFoundError, FileNotFoundError), (errors.AlreadyExistsError, FileExistsError),
          (errors.PermissionDeniedError, PermissionError), (errors.OpError, OSError))  # fmt: skip


@contextlib.contextmanager
def _as_os_error():
    try:
        yield
    except errors.OpError as error:
        raise next(kind for ours, kind in _KINDS if isinstance(error, ours))(error.message) from error


def exists(path):
    """os.path.exists."""
    if not is_remote(path):
        return os.path.exists(path)
    with _as_os_error():
        return remote_io.kind_of(path) is not None


def isdir(path):
    """os.path.isdir."""
    if not is_remote(path):
        return os.path.isdir(path)
    with _as_os_error():
        return remote_io.kind_of(path) == "folder"


def getmtime(path):
    """os.path.getmtime."""
    if not is_remote(path):
        return os.path.getmtime(path)
    with _as_os_error():
        return remote_io.stat(path)[1] / 1e9


def isabs(path):
    """os.path.isabs; an address is."""
    return is_remote(path) or os.path.isabs(path)


def makedirs(path):
    """os.makedirs, of what may be there."""
    if not is_remote(path):
        os.makedirs(path, exist_ok=True)
        return
    with _as_os_error():
        remote_io.make_folders(path)


def listdir(path):
    """os.listdir."""
    if not is_remote(path):
        return os.listdir(path)
    with _as_os_error():
        return [name.rstrip("/") for name in remote_io.names_in(path)]


def glob(pattern):
    """glob.glob."""
    if not is_remote(pattern):
        return _glob.glob(pattern)
    with _as_os_error():
        return remote_io.glob(pattern)


def remove(path):
    """os.remove."""
    if not is_remote(path):
        os.remove(path)
        return
    with _as_os_error():
        remote_io.remove(path)


def rmtree(path):
    """shutil.rmtree."""
    if not is_remote(path):
        shutil.rmtree(path)
        return
    with _as_os_error():
        remote_io.remove_tree(path)


def rename(old, new):
    """os.rename."""
    if not is_remote(old) and not is_remote(new):
        os.rename(old, new)
        return
    with _as_os_error():
        remote_io.rename(old, new)


def copyfile(source, target):
    """shutil.copyfile."""
    if not is_remote(source) and not is_remote(target):
        shutil.copyfile(source, target)
        return
    atomic_write(target, read(source))


def read(path, encoding=None):
    """What a file holds: bytes, or text with an ENCODING."""
    if not is_remote(path):
        with open(path, "rb") as file:
            data = file.read()
    else:
        with _as_os_error(), remote_io.open_file(path, "r") as file:
            data = file.read()
    # Line ends as in a file that was opened as text.
    return io.TextIOWrapper(io.BytesIO(data), encoding).read() if encoding else data


def atomic_write(path, data):
    """Writes a file (bytes, or a str as UTF-8) so that whoever reads sees the old one or the new one."""
    data = data.encode() if isinstance(data, str) else data
    if is_remote(path):
        with _as_os_error():
            file = remote_io.open_file(path, "w")
            file.write(data)
            file.close()
        return
    temporary = f"{os.fspath(path)}.tmp{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)
