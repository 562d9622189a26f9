"""Sequences of batches, and files from elsewhere."""

import hashlib
import os
import shutil
import tarfile
import urllib.request
import zipfile

from tenon.python.util.tf_export import tf_export


@tf_export("keras.utils.Sequence", "keras.utils.data_utils.Sequence")
class Sequence:
    """Base class: `len(s)` batches, `s[i]` is one: (inputs, targets)."""

    def __getitem__(self, index):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError

    def on_epoch_end(self):
        """Called after each epoch."""

    def __iter__(self):
        return (self[i] for i in range(len(self)))


def _digest(path, algorithm):
    hasher = hashlib.new(algorithm)
    with open(path, "rb") as f:
        for chunk in iter(lambda: f.read(1 << 20), b""):
            hasher.update(chunk)
    return hasher.hexdigest()


def validate_file(path, file_hash, algorithm="auto"):
    """Whether a file has a digest."""
    if algorithm == "auto":
        algorithm = "sha256" if len(file_hash) == 64 else "md5"
    return _digest(path, algorithm) == file_hash


def local_file(*names):
    """The first of NAMES that is there in the folder TENON_DATA or shared/data; None if none is."""
    folders = [os.environ.get("TENON_DATA"), "shared/data", os.path.join("..", "shared", "data")]
    for folder in folders:
        for name in names if folder else ():
            path = os.path.join(folder, name)
            if os.path.exists(path):
                return path
    return None


def _extract(path, folder):
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)


@tf_export("keras.utils.get_file", "keras.utils.data_utils.get_file")
def get_file(fname, origin, untar=False, md5_hash=None, file_hash=None, cache_subdir="datasets", hash_algorithm="auto",
             extract=False, archive_format="auto", cache_dir=None):  # fmt: skip
    """The path of a file, which is fetched from ORIGIN if it is not there or not the right one."""
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    base = os.path.expanduser(cache_dir or os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))
    folder = os.path.join(base, cache_subdir)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, fname + (".tar.gz" if untar else ""))
    there = os.path.exists(path) and (file_hash is None or validate_file(path, file_hash, hash_algorithm))
    if not there:
        print("Downloading data from", origin)
        part = path + ".part"
        try:
            with urllib.request.urlopen(origin) as source, open(part, "wb") as target:
                shutil.copyfileobj(source, target)
        except OSError as error:
            raise Exception(f"URL fetch failure on {origin}: {error}") from error
        if file_hash is not None and not validate_file(part, file_hash, hash_algorithm):
            os.remove(part)
            raise ValueError(f"The file fetched from {origin} is not the one expected: its digest is not {file_hash}.")
        os.replace(part, path)
    if untar or extract:
        _extract(path, folder)
    return os.path.join(folder, fname)
