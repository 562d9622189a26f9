"""Rotations, shifts, shears and zooms of arrays, as one affine map with interpolation."""

import numpy as np


def _inside(x, size, mode):
    """Coordinates moved into 0..size-1 as MODE says; None in place of a map for "constant"."""
    if mode == "nearest":
        return np.clip(x, 0, size - 1)
    if size == 1:
        return np.zeros_like(x)
    if mode == "reflect":
        period = 2 * size
        x = np.mod(x + 0.5, period)
        return np.clip(np.where(x < size, x, period - x) - 0.5, 0, size - 1)
    if mode == "wrap":
        period = size - 1
        low = x + period * (np.trunc(-x / period) + 1)
        high = x - period * np.trunc(x / period)
        return np.where(x < 0, low, np.where(x > period, high, x))
    raise ValueError(f"fill_mode must be nearest, reflect, wrap or constant, not {mode!r}")


def _sample(plane, rows, columns, mode, cval, order):
    """The values of a plane at places between its pixels."""
    height, width = plane.shape
    out = np.zeros(rows.shape, bool)
    if mode == "constant":
        out = (rows < 0) | (rows > height - 1) | (columns < 0) | (columns > width - 1)
        mode = "nearest"
    rows, columns = _inside(rows, height, mode), _inside(columns, width, mode)
    if order == 0:
        values = plane[np.floor(rows + 0.5).astype(int), np.floor(columns + 0.5).astype(int)]
    else:
        r, c = np.floor(rows).astype(int), np.floor(columns).astype(int)
        below, right = np.minimum(r + 1, height - 1), np.minimum(c + 1, width - 1)
        a, b = rows - r, columns - c
        values = ((plane[r, c] * (1 - b) + plane[r, right] * b) * (1 - a)
                  + (plane[below, c] * (1 - b) + plane[below, right] * b) * a)  # fmt: skip
    return np.where(out, cval, values)


def _matrix(theta, tx, ty, shear, zx, zy):
    """The map from places in the result to places in the source, None if it changes nothing."""
    found = None

    def then(matrix):
        nonlocal found
        found = np.array(matrix, float) if found is None else found @ np.array(matrix, float)

    if theta:
        t = np.deg2rad(theta)
        then([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    if tx or ty:
        then([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    if shear:
        s = np.deg2rad(shear)
        then([[1, -np.sin(s), 0], [0, np.cos(s), 0], [0, 0, 1]])
    if zx != 1 or zy != 1:
        then([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    return found


def transform(x, settings, axes, fill_mode="nearest", cval=0.0, order=1):
    """X moved by SETTINGS (theta, tx, ty, shear, zx, zy) around its center; AXES: of rows, columns and channels."""
    if order not in (0, 1):
        raise ValueError(f"interpolation order must be 0 or 1, not {order}")
    row, column, channel = axes
    matrix = _matrix(*settings)
    if matrix is None:
        return x
    height, width = x.shape[row], x.shape[column]
    oy, ox = height / 2 - 0.5, width / 2 - 0.5
    matrix = np.array([[1, 0, oy], [0, 1, ox], [0, 0, 1]]) @ matrix @ np.array([[1, 0, -oy], [0, 1, -ox], [0, 0, 1]])
    moved = np.moveaxis(x, (channel, row, column), (0, 1, 2))
    i, j = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    rows = matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 2]
    columns = matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 2]
    planes = np.stack([_sample(p, rows, columns, fill_mode, cval, order) for p in moved]).astype(x.dtype)
    return np.moveaxis(planes, (0, 1, 2), (channel, row, column))
