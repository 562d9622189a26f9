"""Files that lie beside a program."""

import os
import sys

from tenon.python.util.tf_export import tf_export


def _caller_folder():
    return os.path.dirname(os.path.abspath(sys._getframe(2).f_code.co_filename))


@tf_export("resource_loader.load_resource")
def load_resource(path):
    """The bytes of the file PATH beside the caller."""
    with open(os.path.join(_caller_folder(), path), "rb") as f:
        return f.read()


@tf_export("resource_loader.get_data_files_path")
def get_data_files_path():
    """The folder of the caller's file."""
    return _caller_folder()


@tf_export("resource_loader.get_root_dir_with_all_resources")
def get_root_dir_with_all_resources():
    """The folder of the caller's file."""
    return _caller_folder()


@tf_export("resource_loader.get_path_to_datafile")
def get_path_to_datafile(path):
    """The path of the file PATH beside the caller."""
    return os.path.join(_caller_folder(), path)


@tf_export("resource_loader.readahead_file_path")
def readahead_file_path(path, readahead="128M"):
    """PATH."""
    return path
