"""tf.io.gfile: the same as tf.gfile under Python's names."""

import os

from tenon.python.lib.io import file_io
from tenon.python.util.tf_export import tf_export


@tf_export("io.gfile.copy")
def copy(src, dst, overwrite=False):
    """Copies a file. AlreadyExistsError unless OVERWRITE."""
    file_io.copy(src, dst, overwrite)


@tf_export("io.gfile.exists")
def exists(path):
    """True if there is a file or folder."""
    return file_io.file_exists(path)


@tf_export("io.gfile.glob")
def glob(pattern):
    """The paths that match a pattern (or any of a list of them)."""
    return file_io.get_matching_files(pattern)


@tf_export("io.gfile.isdir")
def isdir(path):
    """True for a folder."""
    return file_io.is_directory(path)


@tf_export("io.gfile.listdir")
def listdir(path):
    """The names in a folder. NotFoundError."""
    return file_io.list_directory(path)


@tf_export("io.gfile.makedirs")
def makedirs(path):
    """Makes a folder and those above it."""
    file_io.recursive_create_dir(path)


@tf_export("io.gfile.mkdir")
def mkdir(path):
    """Makes a folder, unless it is there."""
    file_io.create_dir(path)


@tf_export("io.gfile.remove")
def remove(path):
    """Removes a file. NotFoundError."""
    file_io.delete_file(path)


@tf_export("io.gfile.rename")
def rename(src, dst, overwrite=False):
    """Gives a file another name. AlreadyExistsError unless OVERWRITE."""
    file_io.rename(src, dst, overwrite)


@tf_export("io.gfile.rmtree")
def rmtree(path):
    """Removes a folder and all that is in it. NotFoundError."""
    file_io.delete_recursively(path)


@tf_export("io.gfile.stat")
def stat(path):
    """A FileStatistics: length, mtime_nsec, is_directory. NotFoundError."""
    return file_io.stat(path)


@tf_export("io.gfile.walk")
def walk(top, topdown=True, onerror=None):
    """Yields (folder, folders in it, files in it)."""
    return file_io.walk(top, topdown)


@tf_export("io.gfile.join")
def join(path, *paths):
    """The path that its parts make."""
    return os.path.join(path, *paths)


@tf_export("io.gfile.get_registered_schemes")
def get_registered_schemes():
    """The kinds of paths there are."""
    return file_io.get_registered_schemes()
