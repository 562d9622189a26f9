"""Tells where two results differ."""

import numpy as np

TOLERANCE = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-5, "float64": 1e-9, "complex64": 1e-5, "complex128": 1e-9}


def tolerances(dtype, options, factor=1.0):
    """(rtol, atol) for an output of DTYPE under the OPTIONS of its case."""
    if options.get("exact"):
        return 0.0, 0.0
    default = TOLERANCE.get(dtype, 0.0) * factor
    rtol = max(options.get("rtol", default), 0.0)
    return rtol, options.get("atol", max(rtol, default) if default else 0.0)


def difference(got, want, options, factor=1.0):
    """What is wrong with GOT, or "" if it is as WANT within the case's tolerances."""
    got, want = (np.asarray(x, object if isinstance(x, bytes) else None) for x in (got, want))
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if got.dtype != want.dtype:
        return f"dtype {got.dtype}, expected {want.dtype}"
    if got.dtype.kind == "O" or got.dtype.kind in "iub":
        wrong = got != want
        note = ""
    else:
        rtol, atol = tolerances(want.dtype.name, options, factor)
        wide = np.complex128 if got.dtype.kind == "c" else np.float64
        a, b = got.astype(wide), want.astype(wide)
        if rtol == 0.0 and atol == 0.0:
            wrong = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        else:
            with np.errstate(all="ignore"):
                wrong = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
        note = f" (rtol {rtol:g}, atol {atol:g})"
    wrong = np.asarray(wrong)
    if not wrong.any():
        return ""
    at = np.argwhere(wrong)[0]
    place = tuple(int(i) for i in at)
    return (
        f"{int(wrong.sum())} of {wrong.size} differ{note}; at {list(place)}: {got[place]!r}, expected {want[place]!r}"
    )
