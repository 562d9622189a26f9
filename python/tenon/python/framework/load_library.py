"""Libraries of further ops: there are none in this form."""

from tenon.python.framework import errors
from tenon.python.util.tf_export import tf_export


def _refuse(path):
    message = f"{path}: libraries of ops made for TensorFlow can't be loaded"
    raise errors.UnimplementedError(None, None, message)


@tf_export("load_op_library")
def load_op_library(library_filename):
    """UnimplementedError: libraries of TensorFlow's ops can't be loaded."""
    _refuse(library_filename)


@tf_export("load_file_system_library")
def load_file_system_library(library_filename):
    """UnimplementedError: libraries of TensorFlow's file systems can't be loaded."""
    _refuse(library_filename)


@tf_export("load_library")
def load_library(library_location):
    """UnimplementedError: libraries of TensorFlow's can't be loaded."""
    _refuse(library_location)
