"""Images bent by flows and by points that are to move; surfaces through points; parts of images."""

import numpy as np

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, check_ops, gen_ops, linalg_ops, math_ops, script_ops
from tenon.python.util.tf_export import tf_export

_LEAST = 1e-10


def _interpolate_bilinear(grid, points):
    """The values [batch, n, channels] of GRID [batch, height, width, channels] between its pixels, at (y, x)."""
    shape = array_ops.shape(grid)
    batch, height, width = shape[0], shape[1], shape[2]
    checks = [check_ops.assert_greater_equal(size, 2, message=f"Grid {what} must be at least 2.")
              for what, size in (("height", height), ("width", width))]  # fmt: skip
    with ops.control_dependencies(checks):
        points = array_ops.identity(points)
    lows, shares = [], []
    for axis, size in enumerate((height, width)):
        asked = points[:, :, axis]
        low = math_ops.floor(asked)
        low = math_ops.minimum(math_ops.maximum(low, 0.0), math_ops.cast(size - 2, asked.dtype))
        share = math_ops.minimum(math_ops.maximum(math_ops.cast(asked - low, grid.dtype), 0.0), 1.0)
        lows.append(math_ops.cast(low, dtypes.int32))
        shares.append(array_ops.expand_dims(share, 2))
    flat = array_ops.reshape(grid, [-1, shape[3]])
    start = array_ops.expand_dims(math_ops.range(batch) * height * width, 1)

    def at(down, right):
        return array_ops.gather(flat, start + (lows[0] + down) * width + lows[1] + right)

    top = shares[1] * (at(0, 1) - at(0, 0)) + at(0, 0)
    bottom = shares[1] * (at(1, 1) - at(1, 0)) + at(1, 0)
    return shares[0] * (bottom - top) + top


def _places(height, width, dtype):
    """The places (y, x) of all pixels, [height, width, 2]."""
    x, y = array_ops.meshgrid(math_ops.range(width), math_ops.range(height))
    return math_ops.cast(array_ops.stack([y, x], axis=2), dtype)


@tf_export("contrib.image.dense_image_warp")
def dense_image_warp(image, flow, name="dense_image_warp"):
    """Images [batch, height, width, channels] whose pixel (y, x) is what was at (y, x) - FLOW[batch, y, x]."""
    with ops.name_scope(name):
        image, flow = ops.convert_to_tensor(image), ops.convert_to_tensor(flow)
        shape = array_ops.shape(image)
        asked = array_ops.expand_dims(_places(shape[1], shape[2], flow.dtype), 0) - flow
        made = _interpolate_bilinear(image, array_ops.reshape(asked, [shape[0], shape[1] * shape[2], 2]))
        made = array_ops.reshape(made, shape)
        made.set_shape(image.get_shape())
        return made


def _phi(squares, order):
    """The radial function of ORDER, of squared distances."""
    squares = math_ops.maximum(squares, _LEAST)
    if order % 2:
        return math_ops.pow(squares, order / 2.0)
    return 0.5 * math_ops.pow(squares, order / 2.0) * math_ops.log(squares)


def _squares(a, b):
    """Squared distances [batch, n, m] of points [batch, n, d] and [batch, m, d]."""
    return math_ops.reduce_sum(math_ops.squared_difference(array_ops.expand_dims(a, 2), array_ops.expand_dims(b, 1)), 3)


def _with_one(points):
    return array_ops.concat([points, array_ops.ones_like(points[:, :, :1])], 2)


@tf_export("contrib.image.interpolate_spline")
def interpolate_spline(train_points, train_values, query_points, order, regularization_weight=0.0,
                       name="interpolate_spline"):  # fmt: skip
    """The values [batch, m, k] at QUERY_POINTS [batch, m, d] of the polyharmonic spline of ORDER through TRAIN_VALUES.

    TRAIN_POINTS are [batch, n, d], TRAIN_VALUES [batch, n, k]; with a regularization the surface is near them only.
    """
    with ops.name_scope(name):
        points, values, asked = map(ops.convert_to_tensor, (train_points, train_values, query_points))
        affine = _with_one(points)
        number, size = array_ops.shape(points)[1], points.get_shape().as_list()[2] + 1
        radial = _phi(_squares(points, points), order)
        radial += regularization_weight * linalg_ops.eye(number, dtype=points.dtype)
        corner = array_ops.zeros([array_ops.shape(points)[0], size, size], points.dtype)
        left = array_ops.concat([radial, affine], 2)
        right = array_ops.concat([array_ops.transpose(affine, [0, 2, 1]), corner], 2)
        wanted = array_ops.concat([values, array_ops.zeros_like(corner[:, :, :1]) * values[:, :1, :]], 1)
        weights = gen_ops.matrix_solve(array_ops.concat([left, right], 1), wanted)
        made = math_ops.matmul(_phi(_squares(asked, points), order), weights[:, :number])
        return made + math_ops.matmul(_with_one(asked), weights[:, number:])


def _border(height, width, number):
    """Points of the border: the corners, and NUMBER more on each side, as a NumPy array [n, 2]."""
    ys, xs = np.linspace(0, height - 1, number + 2), np.linspace(0, width - 1, number + 2)
    y, x = (g.reshape(-1) for g in np.meshgrid(ys, xs, indexing="ij"))
    edge = (x == 0) | (y == 0) | (x == width - 1) | (y == height - 1)
    return np.stack([y, x], -1)[edge]


@tf_export("contrib.image.sparse_image_warp")
def sparse_image_warp(image, source_control_point_locations, dest_control_point_locations, interpolation_order=2,
                      regularization_weight=0.0, num_boundary_points=0, name="sparse_image_warp"):  # fmt: skip
    """(images bent so that what is at each source point (y, x) comes to its destination, the flow of that).

    NUM_BOUNDARY_POINTS is how many points of each side stay where they are (1: the corners); 0 for none.
    """
    with ops.name_scope(name):
        image = ops.convert_to_tensor(image)
        source, target = map(ops.convert_to_tensor, (source_control_point_locations, dest_control_point_locations))
        batch, height, width, _ = image.get_shape().as_list()
        flow = target - source
        if num_boundary_points:
            edge = np.float32(_border(height, width, num_boundary_points - 1))
            edge = array_ops.tile(ops.convert_to_tensor(edge[None], source.dtype), [batch, 1, 1])
            target = array_ops.concat([target, edge], 1)
            flow = array_ops.concat([flow, array_ops.zeros_like(edge)], 1)
        asked = array_ops.reshape(_places(height, width, source.dtype), [1, height * width, 2])
        asked = array_ops.tile(asked, [batch, 1, 1])
        flows = interpolate_spline(target, flow, asked, interpolation_order, regularization_weight)
        flows = array_ops.reshape(flows, [batch, height, width, 2])
        return dense_image_warp(image, flows), flows


def _label(images):
    """The numbers of images' parts, from 1 on in the order of their first pixels, and 0 for zeros."""
    labels, following = np.zeros(images.shape, np.int64), 1
    for place in np.argwhere(images != 0):
        start = tuple(place)
        if labels[start]:
            continue
        value, left = images[start], [start]
        labels[start] = following
        while left:
            b, y, x = left.pop()
            for near in ((b, y - 1, x), (b, y + 1, x), (b, y, x - 1), (b, y, x + 1)):
                inside = 0 <= near[1] < images.shape[1] and 0 <= near[2] < images.shape[2]
                if inside and not labels[near] and images[near] == value:
                    labels[near] = following
                    left.append(near)
        following += 1
    return labels


@tf_export("contrib.image.connected_components")
def connected_components(images):
    """The number of the part that each pixel belongs to: pixels side by side with one value; 0 where that is zero."""
    with ops.name_scope("connected_components"):
        images = ops.convert_to_tensor(images, name="images")
        if images.get_shape().ndims not in (2, 3):
            raise TypeError(f"images should have rank 2 (HW) or 3 (NHW). Static shape is {images.get_shape()}")
        batch = images[None] if images.get_shape().ndims == 2 else images
        labels = script_ops._call(_label, [batch], dtypes.int64, False, "label")
        labels.set_shape(batch.get_shape())
        return labels[0] if images.get_shape().ndims == 2 else labels


def _match(distances, rows, top_k):
    """(the column of each row, the row of each column), -1 for none: pairs in the order of their distances."""
    rows = int(np.asarray(rows).reshape(-1)[0])
    rows = distances.shape[0] if rows < 0 else min(rows, distances.shape[0])
    columns = distances.shape[1]
    row_to_col = np.full(distances.shape[0], -1, np.int32)
    col_to_row = np.full(columns, -1, np.int32)
    most = min(rows, columns) if top_k < 0 else min(top_k, rows, columns)
    order = np.argsort(distances[:rows], axis=None, kind="stable")
    found = 0
    for row, col in zip(*np.unravel_index(order, (max(rows, 1), columns))):
        if found == most:
            break
        if row_to_col[row] < 0 and col_to_row[col] < 0:
            row_to_col[row], col_to_row[col] = col, row
            found += 1
    return row_to_col, col_to_row


@tf_export("contrib.image.bipartite_match")
def bipartite_match(distance_mat, num_valid_rows, top_k=-1, name="bipartite_match"):
    """(the column of each row, the row of each column), -1 for none, by the nearest pairs of DISTANCE_MAT first.

    NUM_VALID_ROWS is how many rows count, all if it is negative; TOP_K how many pairs there may be.
    """
    matrix = ops.convert_to_tensor(distance_mat, dtypes.float32)
    made = script_ops._call(
        lambda distances, rows: _match(distances, rows, top_k),
        [matrix, num_valid_rows],
        [dtypes.int32] * 2,
        False,
        name,
    )
    for tensor, size in zip(made, matrix.get_shape().with_rank(2).as_list()):
        tensor.set_shape([size])
    return tuple(made)
