"""Bytes and text, and names of types, as programs of several Python versions use them."""

import numbers
import os

from tenon.python.util.tf_export import tf_export


@tf_export("compat.as_bytes")
def as_bytes(bytes_or_text, encoding="utf-8"):
    """Bytes of bytes or text."""
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@tf_export("compat.as_text")
def as_text(bytes_or_text, encoding="utf-8"):
    """Text of bytes or text."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@tf_export("compat.as_str")
def as_str(bytes_or_text, encoding="utf-8"):
    """Text of bytes or text."""
    return as_text(bytes_or_text, encoding)


@tf_export("compat.as_str_any")
def as_str_any(value, encoding="utf-8"):
    """Text of anything; bytes are decoded."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


@tf_export("compat.path_to_str")
def path_to_str(path):
    """A path object as text."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


def path_to_bytes(path):
    """A path object as bytes."""
    return as_bytes(os.fspath(path))


integral_types = (numbers.Integral,)
real_types = (numbers.Real,)
complex_types = (numbers.Complex,)
bytes_or_text_types = (bytes, str)
tf_export("compat.integral_types").export_constant(__name__, "integral_types")
tf_export("compat.real_types").export_constant(__name__, "real_types")
tf_export("compat.complex_types").export_constant(__name__, "complex_types")
tf_export("compat.bytes_or_text_types").export_constant(__name__, "bytes_or_text_types")


@tf_export("compat.forward_compatible")
def forward_compatible(year, month, day):
    """True: nothing waits for a date."""
    return True
