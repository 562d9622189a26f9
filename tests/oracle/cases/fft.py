"""Fourier transforms."""

import numpy as np

from oracle.api import bad, case, const, rand


def lengths(*values):
    return const(np.array(values, "int32"))


CLOSE = {"complex64": {"rtol": 1e-4, "atol": 1e-4}, "complex128": {"rtol": 1e-9, "atol": 1e-9}}
SINGLE, DOUBLE = CLOSE["complex64"], CLOSE["complex128"]
for op in ("FFT", "IFFT"):
    for n in (1, 2, 3, 4, 5, 7, 8, 12, 16, 30, 49, 64, 67, 97, 100, 128, 134, 210, 509, 1024):
        case(op, rand("complex64", 2, n), **SINGLE)
        case(op, rand("complex128", n), **DOUBLE)
    case(op, rand("complex64", 0, 4), **SINGLE)
    case(f"{op}2D", rand("complex64", 2, 3, 5, 8), **SINGLE)
    case(f"{op}2D", rand("complex128", 6, 67), **DOUBLE)
    case(f"{op}3D", rand("complex64", 2, 3, 5, 4), **SINGLE)
    case(f"{op}3D", rand("complex128", 2, 3, 5), **DOUBLE)
    bad(op, np.complex64(1), code="INVALID_ARGUMENT")
    bad(f"{op}2D", rand("complex64", 3), code="INVALID_ARGUMENT")
for n in (1, 2, 3, 6, 8, 9, 67, 100):
    half = n // 2 + 1
    case("RFFT", rand("float32", 2, n), lengths(n), **SINGLE)
    case("RFFT", rand("float64", n), lengths(n), Tcomplex="complex128", **DOUBLE)
    case("IRFFT", rand("complex64", 2, half), lengths(n), **SINGLE)
    case("IRFFT", rand("complex128", half), lengths(n), Treal="float64", **DOUBLE)
CROPPED = {"grad": False, "why": "TensorFlow's fails where the input is cropped"}
case("RFFT", rand("float32", 3, 9), lengths(6), **SINGLE, **CROPPED)
case("RFFT", rand("float32", 3, 9), np.array([5], "int32"), **SINGLE, **CROPPED)
case("IRFFT", rand("complex64", 3, 9), lengths(6), **SINGLE, **CROPPED)
case("RFFT2D", rand("float32", 2, 4, 6), lengths(4, 6), **SINGLE)
case("RFFT2D", rand("float32", 5, 7), lengths(5, 7), **SINGLE)
case("RFFT2D", rand("float32", 5, 7), lengths(3, 4), **SINGLE, **CROPPED)
case("RFFT2D", rand("float64", 3, 4), lengths(3, 4), Tcomplex="complex128", **DOUBLE)
case("IRFFT2D", rand("complex64", 2, 4, 4), lengths(4, 6), **SINGLE)
case("IRFFT2D", rand("complex64", 5, 4), lengths(5, 7), **SINGLE)
case("IRFFT2D", rand("complex128", 3, 3), lengths(3, 4), Treal="float64", **DOUBLE)
case("RFFT3D", rand("float32", 2, 3, 4, 6), lengths(3, 4, 6), **SINGLE)
case("RFFT3D", rand("float64", 3, 5, 7), lengths(2, 4, 6), Tcomplex="complex128", **DOUBLE)
case("IRFFT3D", rand("complex64", 2, 3, 4, 4), lengths(3, 4, 6), **SINGLE)
case("IRFFT3D", rand("complex128", 3, 4, 4), lengths(3, 4, 7), Treal="float64", **DOUBLE)
for op, x in (("RFFT", rand("float32", 4)), ("IRFFT", rand("complex64", 4))):
    bad(op, x, lengths(20), code="INVALID_ARGUMENT")
    bad(op, x, lengths(-1), code="INVALID_ARGUMENT")
    bad(op, x, lengths(2, 2), code="INVALID_ARGUMENT")
    bad(op, x.reshape(()) if x.size == 1 else x[0], lengths(2), code="INVALID_ARGUMENT")
