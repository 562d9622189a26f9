"""Strings and bytes, and other things that differ between Pythons."""

import numbers
import os

import numpy as np

from tenon.python.util.tf_export import tf_export

integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)
bytes_or_text_types = (bytes, str)
TF_EXPORTS = {"compat.integral_types": "integral_types", "compat.real_types": "real_types",
              "compat.complex_types": "complex_types", "compat.bytes_or_text_types": "bytes_or_text_types"}  # fmt: skip


@tf_export("compat.as_bytes")
def as_bytes(bytes_or_text, encoding="utf-8"):
    """A str or bytes as bytes."""
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@tf_export("compat.as_text")
def as_text(bytes_or_text, encoding="utf-8"):
    """A str or bytes as str."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@tf_export("compat.as_str")
def as_str(bytes_or_text, encoding="utf-8"):
    """A str or bytes as str."""
    return as_text(bytes_or_text, encoding)


@tf_export("compat.as_str_any")
def as_str_any(value, encoding="utf-8"):
    """Anything as str; bytes are decoded."""
    return as_str(value, encoding) if isinstance(value, bytes) else str(value)


@tf_export("compat.path_to_str")
def path_to_str(path):
    """A path as str."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


@tf_export("compat.path_to_bytes")
def path_to_bytes(path):
    """A path as bytes."""
    return as_bytes(os.fspath(path) if hasattr(path, "__fspath__") else path)


@tf_export("compat.forward_compatible")
def forward_compatible(year, month, day):
    """True: nothing waits for a date."""
    return True


@tf_export("compat.forward_compatibility_horizon")
class forward_compatibility_horizon:
    """A `with` block that changes nothing."""

    def __init__(self, year, month, day):
        self.date = (year, month, day)

    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False
